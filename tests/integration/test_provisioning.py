"""`vroegsein operator migrate`: the schema, the logins and their passfiles, on a server apart (logins are shared)."""

import contextlib
import shutil
import socket
import stat
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from app.db.embedded import Server, embedded, remove
from app.db.migrating import SCRIPTS, MigrationError, current
from app.db.passfiles import LOGINS, OWNER, Address, PassfileError, conninfo, passfile, works, write_passfile
from app.db.provisioning import Provisioned, ProvisioningError, provision

NEWEST = max(path.name[:4] for path in (SCRIPTS / "versions").glob("0*.py"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-provisioning-"))
    folder.chmod(0o711)
    try:
        with embedded(folder / "data", {"fsync": "off", "log_statement": "all"}) as server:
            provision(server.address, server.passfiles)  # so that the roles are there, whatever the order of the tests
            yield server
        remove(folder / "data")
    finally:
        folder.rmdir()


@pytest.fixture
def address(server: Server) -> Iterator[Address]:
    """An empty database that belongs to the owner."""
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(**server.as_superuser(), autocommit=True) as connection:
        names = sql.Identifier(name), sql.Identifier(OWNER)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
        yield server.address.on(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))


@pytest.fixture
def passfiles(server: Server, tmp_path: Path) -> Path:
    """A folder with the owner's passfile alone."""
    folder = tmp_path / "passfiles"
    folder.mkdir()
    shutil.copy(passfile(server.passfiles, OWNER), folder)
    return folder


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Migrations of the test's own, one table each; the real env.py runs them."""
    versions = tmp_path / "scripts" / "versions"
    versions.mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        shutil.copy(SCRIPTS / name, versions.parent)
    for number, before in (("0001", None), ("0002", "0001")):
        _write_migration(versions.parent, number, before, f"CREATE TABLE made_by_{number} ()")
    return versions.parent


def _write_migration(scripts: Path, number: str, before: str | None, statement: str) -> None:
    (scripts / "versions" / f"{number}.py").write_text(
        "from alembic import op\n"
        f"revision, down_revision, branch_labels, depends_on = {number!r}, {before!r}, None, None\n"
        f"def upgrade():\n    op.execute({statement!r})\n"
    )


def _as_owner(address: Address, passfiles: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(**conninfo(address, OWNER, passfiles), autocommit=True)


def _bytes_of_passfiles(passfiles: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in passfiles.iterdir()}


def test_an_empty_database_becomes_one_that_each_login_can_open(address: Address, passfiles: Path) -> None:
    assert provision(address, passfiles) == Provisioned(None, NEWEST, LOGINS)
    for login in LOGINS:
        assert stat.S_IMODE(passfile(passfiles, login).stat().st_mode) == 0o600
        with psycopg.connect(**conninfo(address, login, passfiles)) as connection:
            powers = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
            found = connection.execute(f"SELECT {powers} FROM pg_roles WHERE rolname = current_user").fetchone()
            assert found == (False,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SET ROLE vroegsein_owner")


def test_repeating_it_changes_nothing(address: Address, passfiles: Path) -> None:
    provision(address, passfiles)
    before = _bytes_of_passfiles(passfiles)
    assert provision(address, passfiles) == Provisioned(NEWEST, NEWEST, ())
    assert _bytes_of_passfiles(passfiles) == before


def test_only_a_login_whose_passfile_is_missing_or_does_not_work_gets_a_new_one(
    address: Address, passfiles: Path
) -> None:
    provision(address, passfiles)
    before = _bytes_of_passfiles(passfiles)
    passfile(passfiles, "vroegsein_reader").unlink()
    write_passfile(address, "vroegsein_auditor", passfiles, "not this one")
    assert provision(address, passfiles).renewed == ("vroegsein_reader", "vroegsein_auditor")
    after = _bytes_of_passfiles(passfiles)
    assert {name for name in before if before[name] != after[name]} == {
        "vroegsein_reader.pgpass",
        "vroegsein_auditor.pgpass",
    }
    assert all(works(address, login, passfiles) for login in LOGINS)


def test_a_passfile_that_others_can_read_stops_it(address: Address, passfiles: Path) -> None:
    provision(address, passfiles)
    for login in ("vroegsein_linker", OWNER):
        passfile(passfiles, login).chmod(0o640)
        with pytest.raises(PassfileError, match=rf"{login}.pgpass can be read by others"):
            provision(address, passfiles)
        passfile(passfiles, login).chmod(0o600)


def test_the_server_never_sees_a_password(server: Server, address: Address, passfiles: Path) -> None:
    provision(address, passfiles)
    log = (server.passfiles.parent / "postgresql.log").read_text()
    assert "ALTER ROLE" in log  # all statements are written down, so what is not in there was not sent
    for path in passfiles.iterdir():
        assert path.read_text().strip().rpartition(":")[2] not in log


def test_two_deployers_at_a_time_both_end_well(address: Address, passfiles: Path) -> None:
    done: list[Provisioned] = []
    deployers = [threading.Thread(target=lambda: done.append(provision(address, passfiles))) for _ in range(3)]
    for deployer in deployers:
        deployer.start()
    for deployer in deployers:
        deployer.join()
    assert sorted(done, key=lambda each: each.before or "") == [
        Provisioned(None, NEWEST, LOGINS),
        Provisioned(NEWEST, NEWEST, ()),
        Provisioned(NEWEST, NEWEST, ()),
    ]
    assert all(works(address, login, passfiles) for login in LOGINS)


def test_a_migration_that_fails_leaves_nothing_of_itself_and_those_before_it_stay(
    address: Address, passfiles: Path, scripts: Path
) -> None:
    _write_migration(scripts, "0003", "0002", "CREATE TABLE made_by_0003 (); SELECT 1/0")
    with pytest.raises(sa.exc.DataError, match="division by zero"):
        provision(address, passfiles, scripts)
    with _as_owner(address, passfiles) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'made%' ORDER BY 1"
        ).fetchall()
        assert tables == [("made_by_0001",), ("made_by_0002",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]
    _write_migration(scripts, "0003", "0002", "CREATE TABLE made_by_0003 ()")
    provision(address, passfiles, scripts)  # mended, it goes on from there; the lock was given back


def test_a_migration_waits_briefly_for_locks_and_does_not_run_for_ever(
    address: Address, passfiles: Path, scripts: Path
) -> None:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    values = ", ".join(f"current_setting('{name}')" for name in names)
    _write_migration(scripts, "0003", "0002", f"CREATE TABLE made_by_0003 AS SELECT ARRAY[{values}] AS timeouts")
    provision(address, passfiles, scripts)
    with _as_owner(address, passfiles) as connection:
        assert connection.execute("SELECT timeouts FROM made_by_0003").fetchone() == (["4s", "15min", "1min"],)


def test_a_database_newer_than_the_program_is_left_alone(address: Address, passfiles: Path, scripts: Path) -> None:
    provision(address, passfiles, scripts)
    (scripts / "versions" / "0002.py").unlink()
    with pytest.raises(MigrationError, match=r"from revision 0002: .* Is the database newer than this program"):
        provision(address, passfiles, scripts)


@pytest.mark.parametrize(
    ("attribute", "why"),
    [("SUPERUSER", "must be no superuser"), ("BYPASSRLS", "must not bypass"), ("NOCREATEROLE", "allowed to make")],
)
def test_an_owner_with_too_much_or_too_little_power_is_refused(
    server: Server, address: Address, passfiles: Path, attribute: str, why: str
) -> None:
    back = attribute.removeprefix("NO") if attribute.startswith("NO") else f"NO{attribute}"
    with psycopg.connect(**server.as_superuser(), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER ROLE vroegsein_owner " + attribute))
        try:
            with pytest.raises(ProvisioningError, match=why):
                provision(address, passfiles)
        finally:
            connection.execute(sql.SQL("ALTER ROLE vroegsein_owner " + back))


def test_an_owner_that_cannot_log_in_is_told_what_the_administrator_does_once(
    address: Address, passfiles: Path
) -> None:
    write_passfile(address, OWNER, passfiles, "s3cret")
    with pytest.raises(ProvisioningError, match=f"CREATE DATABASE {address.database} OWNER vroegsein_owner") as refused:
        provision(address, passfiles)
    assert "s3cret" not in str(refused.value)


def test_another_server_is_named_by_a_url_and_opened_by_the_owners_passfile(
    server: Server, address: Address, tmp_path: Path
) -> None:
    with _tcp(server) as port, psycopg.connect(**server.as_superuser(), autocommit=True) as connection:
        elsewhere = Address.from_url(f"postgresql://127.0.0.1:{port}/{address.database}")
        right = passfile(server.passfiles, OWNER).read_text().strip().rpartition(":")[2]
        write_passfile(elsewhere, OWNER, tmp_path / "here", right)
        provision(elsewhere, tmp_path / "here")
        for login in LOGINS:
            assert passfile(tmp_path / "here", login).read_text().startswith(f"127.0.0.1:{port}:*:{login}:")
            psycopg.connect(**conninfo(elsewhere, login, tmp_path / "here")).close()
        assert connection.execute("SELECT count(*) FROM pg_roles WHERE rolsuper").fetchone() == (1,)


@contextlib.contextmanager
def _tcp(server: Server) -> Iterator[int]:
    """Lead a TCP port of this machine to the server's socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, server.address), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, address: Address) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_lead, args=(client, address), daemon=True).start()


def _lead(client: socket.socket, address: Address) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(f"{address.host}/.s.PGSQL.{address.port}")
        back = threading.Thread(target=_pump, args=(server, client))
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_the_revision_of_a_database_can_be_asked(address: Address, passfiles: Path, scripts: Path) -> None:
    arguments = conninfo(address, OWNER, passfiles)
    engine = sa.create_engine("postgresql+psycopg://", connect_args=arguments, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert current(connection) is None
        provision(address, passfiles, scripts)
        assert current(connection) == "0002"
