"""The logins that a process may hold, and the refusal of one that row-level security does not bind."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.db.embedded import Server, embedded, remove
from app.db.passfiles import OWNER, conninfo
from app.db.provisioning import provision
from app.db.sessions import LINKING, SERVING, Login, Sessions, UnsafeLogin


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own: logins belong to the whole server, and these tests change one."""
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-sessions-"))
    folder.chmod(0o711)
    try:
        with embedded(folder / "data", {"fsync": "off"}) as server:
            provision(server.address, server.passfiles)
            yield server
        remove(folder / "data")
    finally:
        shutil.rmtree(folder)


def sessions_of(server: Server, **instead: dict[str, Any]) -> Sessions:
    """The sessions of the process with HTTP; `instead` gives other connection parameters for a login."""

    def parameters(login: Login) -> dict[str, Any]:
        return instead.get(login.name.lower()) or conninfo(server.address, login.value, server.passfiles)

    return Sessions(parameters, SERVING)


def checked(sessions: Sessions) -> None:
    try:
        sessions.check()
    finally:
        sessions.close()


def test_the_logins_as_migrated_are_bound(server: Server) -> None:
    checked(sessions_of(server))
    checked(Sessions(lambda login: conninfo(server.address, login.value, server.passfiles), LINKING))


def test_the_service_does_not_run_as_the_owner(server: Server) -> None:
    with pytest.raises(UnsafeLogin, match=OWNER):
        checked(sessions_of(server, reader=conninfo(server.address, OWNER, server.passfiles)))


def test_the_service_does_not_run_as_a_superuser(server: Server) -> None:
    with pytest.raises(UnsafeLogin, match="postgres"):
        checked(sessions_of(server, reader=server.as_superuser(server.address.database)))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("ALTER ROLE vroegsein_reader BYPASSRLS", "ALTER ROLE vroegsein_reader NOBYPASSRLS"),
        ("ALTER ROLE vroegsein_reader SUPERUSER", "ALTER ROLE vroegsein_reader NOSUPERUSER"),
        ("GRANT vroegsein_linker TO vroegsein_reader", "REVOKE vroegsein_linker FROM vroegsein_reader"),
        ("ALTER TABLE signals.signal OWNER TO vroegsein_reader", "ALTER TABLE signals.signal OWNER TO vroegsein_owner"),
    ],
    ids=["past row-level security", "superuser", "may become the linker", "owns a table"],
)
def test_the_service_does_not_run_with_a_login_that_was_given_more_power(
    server: Server, given: str, taken: str
) -> None:
    with psycopg.connect(**server.as_superuser(server.address.database), autocommit=True) as administrator:
        administrator.execute(given)
        try:
            with pytest.raises(UnsafeLogin, match="vroegsein_reader"):
                checked(sessions_of(server))
        finally:
            administrator.execute(taken)


def test_the_process_that_takes_requests_can_not_log_in_as_the_linker_or_the_owner(server: Server) -> None:
    sessions = sessions_of(server)
    for login in (Login.LINKER, Login.OWNER):
        with pytest.raises(UnsafeLogin, match="not a login of this process"):
            sessions.begin(login)
