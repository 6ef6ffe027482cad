"""Bring the schema up to date with Alembic, one deployer at a time."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import alembic.command
import alembic.config
import alembic.util
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext

import migrations

SCRIPTS = Path(migrations.__file__).parent
LOCK = 0x76726F65_67736569  # any number of our own; the lock is of the database, so each database has its own
WAIT_FOR_LOCK = 120.0  # seconds


class MigrationError(RuntimeError):
    """The schema cannot be brought up to date; the text says why."""


@contextlib.contextmanager
def only_deployer(connection: sa.Connection) -> Iterator[None]:
    """Keep a second deployer waiting. The lock is the session's, so it goes with a deployer that is killed.

    Raises:
        MigrationError: another one has been at it for two minutes.
    """
    deadline = time.monotonic() + WAIT_FOR_LOCK
    while not connection.scalar(sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
        connection.rollback()
        if time.monotonic() > deadline:
            raise MigrationError("another deployer has been migrating this database for minutes; try again later")
        time.sleep(0.2)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()


def upgrade(connection: sa.Connection, scripts: Path = SCRIPTS) -> tuple[str | None, str | None]:
    """Run the migrations that are missing, each in a transaction of its own. Safe to repeat.

    Args:
        connection: as the owner, outside a transaction.
        scripts: the folder with env.py and versions.

    Returns:
        The revision before and after; None for none.

    Raises:
        MigrationError: the database is newer than this program. What is wrong in SQL comes as SQLAlchemy raises it.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    before = current(connection)
    try:
        alembic.command.upgrade(config, "head")
    except alembic.util.CommandError as error:
        raise MigrationError(
            f"cannot migrate from revision {before}: {error}. Is the database newer than this program?"
        ) from error
    return before, current(connection)


def current(connection: sa.Connection) -> str | None:
    """Tell which revision the database is at; None for an empty one."""
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()  # reading it began a transaction
    return revision
