"""The embedded PostgreSQL: started by its first user, shared by all, stopped when the last one leaves.

Each user holds a shared lock on `holders.lock`, which the kernel drops even after a `kill -9`; starting and stopping
happens under `gate.lock`, one process at a time. Nothing else is remembered, so nothing can go stale.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from app.db import datafolder, postmaster
from app.db.binaries import EmbeddedError, find_programs, make_folder
from app.db.datafolder import SUPERUSER
from app.db.passfiles import OWNER, Address, conninfo, give_password, works

DATABASE = "vroegsein"
# PostgreSQL lets everybody make these. One would outlive the access event that its contents were read under.
NO_LARGE_OBJECTS = "REVOKE ALL ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC"
WAIT_FOR_GATE = 300.0  # seconds; somebody else's start may have to recover first

_log = logging.getLogger(__name__)

__all__ = ["DATABASE", "EmbeddedError", "Server", "embedded", "remove"]


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server.

    `address` is that of the database `vroegsein`; `passfiles` holds the owner's passfile, and is where `operator
    migrate` puts those of the logins; `superuser` holds the superuser's, for tests, dumps and repairs only.
    `programs` is the folder of psql and pg_dump. `notes` are sentences for the operator (a user made, a copy made).
    """

    address: Address
    passfiles: Path
    superuser: Path
    programs: Path
    notes: tuple[str, ...]

    def as_superuser(self, database: str = "postgres") -> dict[str, Any]:
        """Give the arguments of `psycopg.connect` for the superuser, which the service itself never is."""
        return conninfo(self.address.on(database), SUPERUSER, self.superuser)


@contextlib.contextmanager
def embedded(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Use the server whose files are under `data`: make it if there is none, start it if it does not run.

    `data` becomes a folder of its own: `cluster` (PostgreSQL's files, or a link to them), `passfiles`, `superuser`,
    `postgresql.log` and the locks. The server runs for as long as any process is inside such a block; processes that
    are killed count as gone, and the next one to leave stops it. Repeating, nesting and threads are fine; a process
    forked inside the block shares its parent's hold. A block inside a server that was killed starts it again.

    Args:
        data: its folder. As root it should be one that other users may enter (0711), else PostgreSQL's files go to
            /var/lib/vroegsein; `notes` says so.
        settings: further settings of PostgreSQL; only the user that starts the server sets them.

    Raises:
        EmbeddedError: what is wrong and what to do, such as a full disk or files of another version.
    """
    data = data.absolute()
    with _gate(data):
        holder = _lock_file(data / "holders.lock")
        try:
            fcntl.flock(holder, fcntl.LOCK_SH)
            server = _bring_up(data, settings or {})
        except BaseException:
            _leave(data, holder)
            raise
    try:
        yield server
    finally:
        if data.exists():  # a server whose files are gone ends by itself
            with _gate(data):
                _leave(data, holder)
        holder.close()


def remove(data: Path) -> None:
    """Remove everything under `data`, and PostgreSQL's files where they had to be elsewhere. Safe to repeat.

    Raises:
        EmbeddedError: somebody is using the server.
    """
    data = data.absolute()
    if not data.exists():
        return
    with _gate(data), _lock_file(data / "holders.lock") as holder:
        if not _try_lock(holder):
            raise EmbeddedError(f"the database in {data} is in use; nothing was removed")
        _stop(data)
        shutil.rmtree((data / "cluster").resolve(), ignore_errors=True)
        shutil.rmtree(data)


@contextlib.contextmanager
def _gate(data: Path) -> Iterator[None]:
    """Let one process at a time start, stop or remove the server."""
    deadline = time.monotonic() + WAIT_FOR_GATE
    while True:
        try:
            make_folder(data, 0o711 if os.geteuid() == 0 else 0o700)
            file = _lock_file(data / "gate.lock")
        except OSError as error:
            raise EmbeddedError(f"cannot use {data} for the database: {error.strerror}") from None
        with file:
            while not _try_lock(file):
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"another process has been starting or stopping the database in {data} for minutes"
                    )
                time.sleep(0.01)
            if not _still_there(file, data / "gate.lock"):  # removed while we waited: a lock on it protects nothing
                continue
            yield
            return


def _lock_file(path: Path) -> IO[str]:
    """Open a lock for ourselves only (0600): whoever can open it could keep everybody out."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_there(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _leave(data: Path, holder: IO[str]) -> None:
    """Give up one hold; the last one out stops the server. Call it under the gate."""
    with holder:
        if _try_lock(holder):
            _stop(data)


def _stop(data: Path) -> None:
    try:
        folder = datafolder.existing(data)
    except EmbeddedError:
        return  # nothing runs on such a folder
    if folder:
        postmaster.stop(postmaster.Cluster(folder, find_programs(folder), data / "postgresql.log"))


def _bring_up(data: Path, settings: Mapping[str, str]) -> Server:
    for half_made in data.glob("new-*"):  # by somebody who was killed amid it
        shutil.rmtree(half_made, ignore_errors=True)
    folder = datafolder.existing(data)
    programs = find_programs(folder)
    if folder is None:
        folder = datafolder.create(data, programs)
    elsewhere = f"PostgreSQL's files are in {folder}, because its user cannot enter {data}"
    notes = programs.notes if folder.parent == data.resolve() else (*programs.notes, elsewhere)
    for note in notes:
        _log.info("%s", note)
    cluster = postmaster.Cluster(folder, programs, data / "postgresql.log")
    address = postmaster.start(cluster, settings).on(DATABASE)
    server = Server(address, data / "passfiles", data / "superuser", programs.folder, notes)
    _furnish(server)
    return server


def _furnish(server: Server) -> None:
    """See that the database and its owner are there, and that the owner's passfile works."""
    try:
        connection = psycopg.connect(**server.as_superuser(), autocommit=True)
    except psycopg.OperationalError as error:
        raise EmbeddedError(
            f"the superuser's passfile in {server.superuser} does not open the database: {error}"
        ) from None
    with connection:
        # The owner makes roles and owns the database; it is no superuser and does not bypass row-level security.
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER)))
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            with psycopg.connect(**server.as_superuser("template1")) as template:
                template.execute(NO_LARGE_OBJECTS)
            names = sql.Identifier(DATABASE), sql.Identifier(OWNER)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
            connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")  # no login has business there
        if not works(server.address, OWNER, server.passfiles):
            give_password(connection, server.address, OWNER, server.passfiles)
