"""One embedded server for the whole run, whatever the number of workers; a migrated database of its own per test."""

import contextlib
import fcntl
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from psycopg import sql

from app.db.embedded import EmbeddedError, Server, embedded, remove
from app.db.passfiles import OWNER, Address, conninfo
from app.db.provisioning import provision
from tests.budget import load_profile

RUN_FOLDER = "VROEGSEIN_TEST_RUN"  # how the workers of pytest-xdist learn of the run's folder
TEMPLATE = "template_vroegsein"
A_LOST_RUN_IS_OLDER_THAN = 60  # seconds
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # its data outlive no test

load_profile()
_lock_of_run = pytest.StashKey[IO[str]]()


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated, empty database. Each login of the service has a working passfile."""

    address: Address
    passfiles: Path
    server: Server

    def conninfo(self, login: str) -> dict[str, Any]:
        return conninfo(self.address, login, self.passfiles)

    def connect(self, login: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
        """A connection of its own; use it in a `with`, which commits and closes it."""
        return psycopg.connect(**self.conninfo(login), autocommit=autocommit)

    def as_superuser(self, *, autocommit: bool = True) -> psycopg.Connection[Any]:
        """Sees everything: for looking at what a test did, never for doing it."""
        return psycopg.connect(**self.server.as_superuser(self.address.database), autocommit=autocommit)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # a worker; the run's first process made the folder
        return
    for lost in Path(tempfile.gettempdir()).glob("vroegsein-tests-*"):
        _remove_if_lost(lost)
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-tests-"))
    folder.chmod(0o711)  # ours, so we may: as root the server's own user must get through
    lock = (folder / "run.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    config.stash[_lock_of_run] = lock
    os.environ[RUN_FOLDER] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if lock := config.stash.get(_lock_of_run, None):
        _remove(Path(lock.name).parent)
        lock.close()


def _remove_if_lost(folder: Path) -> None:
    """Clear away what a killed run left; a run that lives holds its lock."""
    with contextlib.suppress(OSError, EmbeddedError):
        if folder.stat().st_uid != os.geteuid() or folder.stat().st_mtime > time.time() - A_LOST_RUN_IS_OLDER_THAN:
            return
        with (folder / "run.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)


def _remove(folder: Path) -> None:
    remove(folder / "server")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The run's server. Tests get a `database` on it."""
    with embedded(Path(os.environ[RUN_FOLDER]) / "server", FORGETFUL) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: Server) -> str:
    """The migrated database that the others are copies of; the first worker makes it."""
    with (
        (Path(os.environ[RUN_FOLDER]) / "template.lock").open("w") as lock,
        psycopg.connect(**postgres.as_superuser(), autocommit=True) as connection,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).rowcount:
            connection.execute("DROP DATABASE IF EXISTS half_made WITH (FORCE)")
            connection.execute(sql.SQL("CREATE DATABASE half_made OWNER {}").format(sql.Identifier(OWNER)))
            provision(postgres.address.on("half_made"), postgres.passfiles)
            connection.execute(sql.SQL("ALTER DATABASE half_made RENAME TO {}").format(sql.Identifier(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def database(postgres: Server, template: str) -> Iterator[Database]:
    """A migrated, empty database for one test."""
    with _copy(postgres, template) as copy:
        yield copy


@pytest.fixture(scope="module")
def module_database(postgres: Server, template: str) -> Iterator[Database]:
    """A migrated database for all tests of one module, which keep out of each other's way."""
    with _copy(postgres, template) as copy:
        yield copy


@contextlib.contextmanager
def _copy(postgres: Server, template: str) -> Iterator[Database]:
    name = f"test_{uuid.uuid4().hex}"
    names = {"copy": sql.Identifier(name), "template": sql.Identifier(template), "owner": sql.Identifier(OWNER)}
    with psycopg.connect(**postgres.as_superuser(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {copy} TEMPLATE {template} OWNER {owner}").format(**names))
        # CREATE DATABASE copies neither a database's own privileges nor its settings.
        connection.execute(
            "UPDATE pg_database SET datacl = original.datacl FROM pg_database original "
            "WHERE original.datname = %s AND pg_database.datname = %s",
            [template, name],
        )
        connection.execute(
            "INSERT INTO pg_db_role_setting SELECT copy.oid, setrole, setconfig FROM pg_database copy, "
            "pg_db_role_setting JOIN pg_database original ON original.oid = setdatabase "
            "WHERE original.datname = %s AND copy.datname = %s",
            [template, name],
        )
        try:
            yield Database(postgres.address.on(name), postgres.passfiles, postgres)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {copy} WITH (FORCE)").format(**names))
