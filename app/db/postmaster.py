"""The embedded server's process: asked, started, stopped. All but asking wants the gate of app/db/embedded.py."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from app.db.binaries import EmbeddedError, Programs, reason
from app.db.datafolder import SUPERUSER
from app.db.passfiles import Address

PORT = 5432  # part of the socket's name only
LONGEST_SOCKET_FOLDER = 85  # bytes; the socket's whole path may have 103 on macOS, 107 on Linux
SHORT = "/tmp/vroegsein-pg-"  # noqa: S108 - TMPDIR may be long, or root's own; what is made there is closed
PATIENCE = 60.0  # seconds for a server that runs but does not answer, or that does not stop
# For a small machine; the data matter more than the speed, so fsync stays on. Messages of the server name rows in
# their details and whole statements: neither is written down.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "jit": "off",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}


class _Outliving(subprocess.Popen[bytes]):
    """A server that we started; it goes on for other users when we end, so that deserves no ResourceWarning."""

    def __del__(self) -> None:
        """Let it go on."""


_started: list[_Outliving] = []  # this process's children: somebody must take note of their end


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder of PostgreSQL. `folder` is where it really is; `log` is what the server writes."""

    folder: Path
    programs: Programs
    log: Path


def start(cluster: Cluster, settings: Mapping[str, str]) -> Address:
    """Give the address of the running server, after starting it where it does not run. Call it under the gate.

    Raises:
        EmbeddedError: the server does not start (with its reason), or runs and does not answer.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        address = running(cluster)
        if address is not None:
            return address
        _clear_traces(cluster, _noted(cluster)[1])
        try:
            return _launch(cluster, settings)
        except _StillInUseError:  # processes of a killed server end within moments, unless amid a long query
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def running(cluster: Cluster) -> Address | None:
    """Give the address of the server if it answers; wait for one that is starting, recovering or stopping.

    What counts is an answer at its socket: a process number may be stale, or have become another program's.

    Raises:
        EmbeddedError: it runs but has not answered for a minute.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        pid, folder = _noted(cluster)
        address = Address(str(folder), PORT, "postgres")
        answer = _ping(address) if folder else Ping.NO_RESPONSE
        if answer == Ping.OK:
            return address
        if answer == Ping.REJECT:
            deadline = time.monotonic() + PATIENCE  # it is alive; recovery takes as long as it takes
        elif not _is_server(pid, cluster):
            return None
        elif time.monotonic() > deadline:
            raise EmbeddedError(
                f"PostgreSQL (process {pid}) runs on {cluster.folder} but does not answer; end it: kill -QUIT {pid}"
            )
        time.sleep(0.02)


def stop(cluster: Cluster) -> None:
    """Stop the server if it runs: sessions are ended, what is committed stays. Call it under the gate."""
    pid, socket_folder = _noted(cluster)
    if _is_server(pid, cluster):
        try:
            cluster.programs.run("pg_ctl", "stop", "-D", cluster.folder, "-m", "fast", "-w", "-t", f"{PATIENCE:.0f}")
        except EmbeddedError:
            if _is_server(pid, cluster):  # as good as pulling the plug: nothing is lost, the next start recovers
                cluster.programs.run("pg_ctl", "stop", "-D", cluster.folder, "-m", "immediate", "-w")
    for child in _started:
        if child.pid == pid:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=PATIENCE)
    _clear_traces(cluster, socket_folder)


class _StillInUseError(EmbeddedError):
    """Processes of a killed server still hold the shared memory."""


def _launch(cluster: Cluster, settings: Mapping[str, str]) -> Address:
    folder = _socket_folder(cluster)
    options = [f"{name}={value}" for name, value in {**SETTINGS, **settings, "unix_socket_directories": folder}.items()]
    command: list[str | Path] = [cluster.programs.folder / "postgres", "-D", cluster.folder, "-p", str(PORT)]
    command += [part for option in options for part in ("-c", option)]
    with os.fdopen(os.open(cluster.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        before = log.tell()
        try:
            # A session of its own: Ctrl-C in our terminal must not reach the server, which others may be using.
            server = _Outliving(
                command, stdout=log, stderr=log, start_new_session=True, **cluster.programs.popen_arguments()
            )
        except OSError as error:
            raise EmbeddedError(f"PostgreSQL cannot be run: {error.strerror}") from None
    _started.append(server)
    address = Address(folder, PORT, "postgres")
    while _ping(address) != Ping.OK:
        if server.poll() is not None:
            _started.remove(server)
            with cluster.log.open("rb") as log:
                log.seek(before)
                said = log.read().decode(errors="replace")
            kind = _StillInUseError if "still in use" in said else EmbeddedError
            raise kind(f"PostgreSQL does not start on {cluster.folder}:\n{reason(said)}")
        time.sleep(0.01)
    return address


def _socket_folder(cluster: Cluster) -> str:
    """Give the data folder where its path can be a socket's, else a new one under /tmp that only the account enters."""
    folder = str(cluster.folder)
    if len(folder.encode()) <= LONGEST_SOCKET_FOLDER and re.fullmatch(r"[\w/.+-]+", folder, re.ASCII):
        return folder
    short = tempfile.mkdtemp(prefix=Path(SHORT).name, dir=Path(SHORT).parent)
    if account := cluster.programs.account:
        os.chown(short, account.uid, account.gid)
    return short


def _noted(cluster: Cluster) -> tuple[int, str]:
    """Read postmaster.pid: the server's process and its socket's folder; 0 and "" where it does not say."""
    try:
        lines = (cluster.folder / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return 0, ""
    pid = int(lines[0]) if lines and lines[0].isdecimal() else 0
    return pid, lines[4] if len(lines) > 4 else ""


def _ping(address: Address) -> Ping:
    who = {"user": SUPERUSER, "connect_timeout": "5"}
    return Ping(PGconn.ping(make_conninfo(**address.parts(), **who).encode()))


def _is_server(pid: int, cluster: Cluster) -> bool:
    """Tell whether the process is a live server on this folder, and not one that ended or another program's."""
    for child in [child for child in _started if child.poll() is not None]:  # takes note of the end of our own
        _started.remove(child)
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except OSError:  # gone, or another user's: that is not on our folder
        return False
    process = Path("/proc") / str(pid)
    if not process.exists():
        return not Path("/proc/self").exists()  # without /proc the signal is all there is
    with contextlib.suppress(OSError):
        name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
        if name != "postgres" or rest.split()[0] in "ZX":  # it stays as a zombie where process 1 reaps nobody
            return False
        return (process / "cwd").readlink() == cluster.folder
    return True  # in a container even root may not look


def _clear_traces(cluster: Cluster, socket_folder: str) -> None:
    """Remove what a dead server left: it would refuse to start where its old number is a zombie's or another program's.

    Only under the gate and after `_is_server` said no. Should processes of it live on, PostgreSQL finds them by the
    shared memory, and refuses.
    """
    if socket_folder.startswith(SHORT):
        shutil.rmtree(socket_folder, ignore_errors=True)
    for left in ("postmaster.pid", f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (cluster.folder / left).unlink(missing_ok=True)
