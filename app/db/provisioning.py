"""What `vroegsein operator migrate` does: the schema up to date, and a passfile that works for each login."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from app.db.migrating import SCRIPTS, only_deployer, upgrade
from app.db.passfiles import LOGINS, OWNER, Address, conninfo, give_password, works


class ProvisioningError(RuntimeError):
    """The database cannot be provisioned; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was done: the schema's revision before and after, and the logins that were given a new password."""

    before: str | None
    after: str | None
    renewed: tuple[str, ...]


def provision(address: Address, passfiles: Path, scripts: Path = SCRIPTS) -> Provisioned:
    """Migrate the database and let each login in. Safe to repeat; two at the same time wait for each other.

    A login whose passfile in `passfiles` is missing or does not work gets a fresh password, so all that serve one
    database share one set of passfiles: a second, empty folder would shut the first one out.

    Args:
        address: of the embedded server, or from VROEGSEIN_DATABASE_URL.
        passfiles: the folder with `vroegsein_owner.pgpass`; those of the other logins are written there, mode 0600.
        scripts: the migrations.

    Raises:
        ProvisioningError: the owner cannot log in or may not do this, or a login does not work with its new password.
        MigrationError: the database is newer than this program, or another deployer does not finish.
        PassfileError: a passfile is open to others, or the owner's is missing.
    """
    with _as_owner(address, passfiles) as connection, only_deployer(connection):
        before, after = upgrade(connection, scripts)
        renewed = tuple(login for login in LOGINS if _see_that_it_works(connection, address, login, passfiles))
    return Provisioned(before, after, renewed)


@contextmanager
def _as_owner(address: Address, passfiles: Path) -> Iterator[sa.Connection]:
    arguments = conninfo(address, OWNER, passfiles)
    engine = sa.create_engine("postgresql+psycopg://", connect_args=arguments, poolclass=sa.NullPool)
    try:
        connection = engine.connect()
    except sa.exc.OperationalError as error:
        where = f"{address.database} on {address.host}, port {address.port}"
        raise ProvisioningError(
            f"{OWNER} cannot log in to {where} with its passfile in {passfiles}: {error.orig}\n"
            "The server's administrator makes login and database once:\n"
            f"  CREATE ROLE {OWNER} LOGIN CREATEROLE;  \\password {OWNER}\n"
            f"  CREATE DATABASE {address.database} OWNER {OWNER};"
        ) from None
    with connection:
        ours = connection.execute(
            sa.text("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        ).one()
        connection.rollback()
        if ours.rolsuper or ours.rolbypassrls:
            raise ProvisioningError(
                f"{OWNER} must be no superuser and must not bypass row-level security: "
                f"ALTER ROLE {OWNER} NOSUPERUSER NOBYPASSRLS"
            )
        if not ours.rolcreaterole:
            raise ProvisioningError(f"{OWNER} must be allowed to make the other logins: ALTER ROLE {OWNER} CREATEROLE")
        yield connection
    engine.dispose()


def _see_that_it_works(connection: sa.Connection, address: Address, login: str, passfiles: Path) -> bool:
    """Give the login a new password where it needs one; True where it did."""
    if works(address, login, passfiles):
        return False
    raw: psycopg.Connection[Any] | None = connection.connection.driver_connection
    assert raw is not None
    try:
        with raw.transaction():
            give_password(raw, address, login, passfiles)
    except (psycopg.errors.UndefinedObject, psycopg.errors.InsufficientPrivilege) as error:
        raise ProvisioningError(f"{OWNER} cannot let {login} log in: {error}") from None
    try:
        psycopg.connect(**conninfo(address, login, passfiles)).close()
    except psycopg.OperationalError as error:
        raise ProvisioningError(f"{login} cannot log in with its new password: {error}") from None
    return True
