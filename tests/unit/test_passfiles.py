"""Database addresses and passfiles: what is refused, and that nothing secret shows."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.passfiles import Address, AddressError, PassfileError, check_passfile, conninfo, passfile, write_passfile

HERE = Address("localhost", 5432, "vroegsein")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://db.internal:5433/vroegsein", Address("db.internal", 5433, "vroegsein")),
        ("postgres://db.internal/arrears", Address("db.internal", 5432, "arrears")),
        ("postgresql://[::1]:5432/vroegsein", Address("::1", 5432, "vroegsein")),
        ("postgresql://%2Frun%2Fpg/vroegsein", Address("/run/pg", 5432, "vroegsein")),
        (
            "postgresql://db/vroegsein?sslmode=require&sslrootcert=/ca.pem",
            Address("db", 5432, "vroegsein", {"sslmode": "require", "sslrootcert": "/ca.pem"}),
        ),
    ],
)
def test_a_url_names_server_and_database(url: str, address: Address) -> None:
    assert Address.from_url(url) == address


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://vroegsein_reader@db/vroegsein", "must not hold user"),
        ("postgresql://u:s3cret@db/vroegsein", "must not hold password, user"),
        ("postgresql://db/vroegsein?password=s3cret", "must not hold password"),
        ("postgresql://db/vroegsein?passfile=/tmp/s3cret", "must not hold passfile"),
        ("postgresql://db/vroegsein?options=-crole%3Ds3cret", "must not hold options"),
        ("postgresql://u:s3cret@db:port/vroegsein", "must not hold password, user"),
        ("postgresql://u:s3%cret@db/vroegsein", "cannot be read"),
        ("postgresql://db:s3cret/vroegsein", "must be a number"),
        ("postgresql+psycopg://db/vroegsein", "must begin with postgresql://"),
        ("mysql://u:s3cret@db/vroegsein", "must begin with postgresql://"),
        ("postgresql://db", "one host and a database"),
        ("postgresql:///vroegsein", "one host and a database"),
        ("postgresql://a,b/vroegsein", "one host and a database"),
    ],
)
def test_anything_else_is_refused_without_repeating_it(url: str, why: str) -> None:
    with pytest.raises(AddressError, match=why) as refused:
        Address.from_url(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_another_machine_must_prove_who_it_is_unless_the_url_says_otherwise() -> None:
    assert Address("db.internal", 5432, "v").parts()["sslmode"] == "verify-full"
    assert Address.from_url("postgresql://db.internal/v?sslmode=require").parts()["sslmode"] == "require"
    for here in ("localhost", "127.0.0.1", "::1", "/run/pg"):
        assert "sslmode" not in Address(here, 5432, "v").parts()


def test_connection_arguments_hold_no_password(tmp_path: Path) -> None:
    write_passfile(HERE, "vroegsein_reader", tmp_path, "s3cret")
    arguments = conninfo(HERE, "vroegsein_reader", tmp_path)
    assert "s3cret" not in repr(arguments)
    assert arguments["require_auth"] == "scram-sha-256"


def test_a_passfile_is_in_postgresqls_form_and_for_its_owner_only(tmp_path: Path) -> None:
    path = write_passfile(Address("::1", 5433, "v"), "vroegsein_reader", tmp_path / "new", r"a:b\c")
    assert path == passfile(tmp_path / "new", "vroegsein_reader")
    assert path.read_text() == r"\:\:1:5433:*:vroegsein_reader:a\:b\\c" + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@given(mode=st.integers(0o000, 0o777))
def test_a_passfile_that_anybody_else_can_read_or_write_is_refused(
    tmp_path_factory: pytest.TempPathFactory, mode: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "of-hypothesis.pgpass"
    path.touch()
    path.chmod(mode)
    if mode & 0o077:
        with pytest.raises(PassfileError, match=r"can be read by others .* chmod 600"):
            check_passfile(path)
    elif mode & 0o400:
        check_passfile(path)


def test_a_missing_passfile_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(PassfileError, match=r"no passfile .*vroegsein_reader.pgpass; `vroegsein operator migrate`"):
        conninfo(HERE, "vroegsein_reader", tmp_path)
    (tmp_path / "vroegsein_reader.pgpass").mkdir()
    with pytest.raises(PassfileError, match="is not a plain file"):
        conninfo(HERE, "vroegsein_reader", tmp_path)
