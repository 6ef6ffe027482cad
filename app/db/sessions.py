"""Sessions: one pool per login, because the login is what the database's rules hold on to."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState


class Login(StrEnum):
    """The logins of design section 6; what each may do stands in migration 0004 and docs/trust-model.md."""

    OWNER = "vroegsein_owner"
    INGEST = "vroegsein_ingest"
    LINKER = "vroegsein_linker"
    OPENER = "vroegsein_opener"
    READER = "vroegsein_reader"
    RECORDER = "vroegsein_recorder"
    AUDITOR = "vroegsein_auditor"


SERVING = (Login.INGEST, Login.OPENER, Login.READER, Login.RECORDER, Login.AUDITOR)  # the process with HTTP
# One look is one moment: else a signal could come with the reports that a withdrawal left a moment later.
ISOLATION = {Login.READER: "REPEATABLE READ"}
LINKING = (Login.LINKER,)  # the one without: it reads every report, so nothing that takes requests may hold it


class UnsafeLogin(Exception):
    """A login has more power than its process may have."""

    code = "unsafe-login"


# What would put a login past the policies: power of its own, tables of its own, or a role that it may become.
POWERS = """
    SELECT session_user AS who, rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication
        OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relowner = r.oid)
        OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) AS unsafe
    FROM pg_catalog.pg_roles r WHERE rolname = session_user
"""


class Sessions:
    """The pools of one process, made when first used: of these logins and no others.

    `conninfo` gives the connection parameters of a login.
    """

    def __init__(
        self, conninfo: Callable[[Login], Mapping[str, Any]], logins: Collection[Login], *, pool_size: int = 8
    ) -> None:
        self._conninfo = conninfo
        self._logins = logins
        self._pool_size = pool_size
        self._engines: dict[Login, sa.Engine] = {}

    def begin(self, login: Login) -> AbstractContextManager[sa.Connection]:
        """A transaction as `login`: committed when the block ends well, rolled back otherwise."""
        return self.engine(login).begin()

    def engine(self, login: Login) -> sa.Engine:
        """The pool of one login. Raises UnsafeLogin: not one of this process."""
        if login not in self._logins:
            raise UnsafeLogin(f"{login.value}: not a login of this process")
        if login not in self._engines:
            engine = make_engine(self._conninfo(login), pool_size=self._pool_size, isolation=ISOLATION.get(login))
            self._engines[login] = engine
        return self._engines[login]

    def check(self) -> None:
        """Refuse to work with a login that row-level security does not bind. Raises UnsafeLogin."""
        for login in self._logins:
            with self.begin(login) as connection:
                found = connection.execute(sa.text(POWERS)).one()
            if found.unsafe or found.who != login.value:
                raise UnsafeLogin(
                    f"{found.who}: the service does not run as an owner, a superuser or past row-level security"
                )

    def close(self) -> None:
        """Close every pool."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def make_engine(parameters: Mapping[str, Any], *, pool_size: int = 8, isolation: str | None = None) -> sa.Engine:
    """An engine whose sessions are wiped whenever they go back to the pool.

    Cursors, settings and prepared statements outlive a transaction, and an access event must not outlive its moment;
    prepared statements are off because the wipe takes them away behind the driver's back.
    """
    engine = sa.create_engine(
        "postgresql+psycopg://",
        connect_args={**parameters, "prepare_threshold": None},
        pool_size=pool_size,
        max_overflow=0,
        pool_reset_on_return=None,
        pool_pre_ping=True,
        **({"isolation_level": isolation} if isolation else {}),
    )
    event.listen(engine, "reset", _wipe)
    return engine


def _wipe(connection: DBAPIConnection, _entry: ConnectionPoolEntry, state: PoolResetState) -> None:
    if state.terminate_only:
        return
    connection.rollback()
    raw: Any = connection
    raw.autocommit = True  # DISCARD ALL refuses to run inside a transaction
    try:
        raw.execute("DISCARD ALL")
    finally:
        raw.autocommit = False
