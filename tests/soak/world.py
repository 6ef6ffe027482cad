"""The processes of a soak: the service with its linker and database, behind the proxy; and where they keep things.

What was set up once (keys, database, registry, signed document) is copied back for each run, so that two runs begin
with the same keys: then the same reports get the same ids, and their ends can be compared.
"""

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml

from app.db.datafolder import SUPERUSER
from app.db.embedded import DATABASE, EmbeddedError, remove
from app.db.passfiles import Address, conninfo
from app.db.postmaster import PORT
from cli.demo_world import Places, establish, free_port
from client.desk_pilot import parties, sign_pilot
from client.desk_work import desk_service
from client.home import own_fingerprint
from client.oauth import ServiceLogin
from client.service import Service
from client.trust import join
from signals.pilot import Role
from tests.soak.proxy import Proxy
from tests.world import CREDITORS, agreement_document, pilot_document

PILOT, TOWN = "aland", "town"
CLOCK = Path(__file__).parent / "clock"
STARTING = 60.0  # seconds that a service may take to be back
ROOM = "900m"  # of the small file system that the data folder is on


class SoakFailed(Exception):
    """What was promised was not kept; the message says what."""


class SoakWorld:
    """Everything under one folder. `receipts`: those that left the service, by delivery."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = Places(folder / "world")
        self.port = free_port()
        self.receipts: dict[str, set[str]] = {}
        self.proxy = Proxy(self.port, self._note_receipt)
        self.url = f"http://127.0.0.1:{self.proxy.port}"
        self.service: subprocess.Popen[bytes] | None = None
        self.mounted = False
        for who in ("service", "client"):
            self.set_clock(who, 0.0)

    def set_up(self, today: date) -> None:
        """Make keys, database, registry and signed document, and keep them aside."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "registry.yaml"
        file.write_text(yaml.safe_dump_all(_documents(today)), encoding="utf-8")
        establish(self.places, [file], self.url)
        self.start()
        desk = self.places.home(TOWN)
        with desk_service(desk, Role.DEBT_HELP, "soak", "worklist") as service:
            sign_pilot(desk, service, parties(service, PILOT))
        desk.save(desk.settings.model_copy(update={"pilots": {PILOT: own_fingerprint(desk)}}))
        for name in CREDITORS:
            home = self.places.home(name)
            home.save(home.settings.model_copy(update={"pilots": {PILOT: own_fingerprint(desk)}}))
            with Service(self.url, ServiceLogin(self.url, name, home.jwk("auth.jwk"))) as service:
                join(home, service, PILOT)
        self.stop()
        _copy(self.places.folder, self.folder / "pristine")

    def begin(self, *, small_disk: bool) -> None:
        """Go back to what was set up, and start the service; its data on a small file system where that can be had."""
        self._clear()
        self.places.folder.mkdir(mode=0o711)
        if small_disk:
            self.places.service_home.mkdir(mode=0o711)
            command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "soak", str(self.places.service_home)]
            self.mounted = (
                os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode
            )
        _copy(self.folder / "pristine", self.places.folder)
        self.receipts.clear()
        self.start()

    def start(self) -> None:
        """Start the service, as systemd would, and wait until it answers."""
        environment = {**self.environment("service"), **self._service_words()}
        with self.places.service_log.open("ab") as log:
            self.service = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "serve", "--port", str(self.port)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until("the service answers", self._is_up)

    def stop(self) -> None:
        """End it as an operator would."""
        if self.service is not None:
            self.service.terminate()
            self.service.wait(90)
            self.service = None

    def heal(self) -> None:
        """Have everything running again: what a supervisor restarts is restarted, all else must recover by itself."""
        if self.service is not None and self.service.poll() is not None:
            self.start()
        self.wait_until("the database answers", self._database_is_up)
        self.wait_until("a linker runs", lambda: self.linker() is not None)

    def wait_until(self, what: str, so: Callable[[], bool]) -> None:
        """Wait for something that must come by itself. Raises SoakFailed."""
        until = time.monotonic() + STARTING
        while not so():
            if self.service is not None and self.service.poll() is not None:
                self.service.wait()
                raise SoakFailed(f"the service ended by itself while waiting until {what}: {self.places.service_log}")
            if time.monotonic() > until:
                raise SoakFailed(f"after {STARTING:.0f} s still not so: {what}")
            time.sleep(0.05)

    def environment(self, who: str) -> dict[str, str]:
        """The environment of a process whose clock is that of `who`."""
        path = os.pathsep.join([str(CLOCK), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path, "SOAK_CLOCK": str(self.folder / f"{who}.clock"), "COLUMNS": "200"}

    def set_clock(self, who: str, seconds: float) -> None:
        """Let the clock of `service` or `client` be so far ahead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{who}.clock"
        with file.open("r+b" if file.exists() else "w+b") as clock:
            clock.write(struct.pack("<d", seconds))

    def linker(self) -> int | None:
        """The linker's process, if one runs."""
        service = self.service
        return next((pid for pid in _children(service.pid) if "linker" in _command(pid)), None) if service else None

    def postmaster(self) -> int | None:
        """The database server's process, as it noted itself."""
        pid, _folder = self._noted()
        return pid if pid and _command(pid) else None

    @contextlib.contextmanager
    def superuser(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that sees everything: for looking, and for choosing whom to kill."""
        _pid, folder = self._noted()
        data = self.places.service_home / "postgresql"
        values = conninfo(Address(folder, PORT, DATABASE), SUPERUSER, data / "superuser")
        with psycopg.connect(**values, autocommit=True) as connection:
            yield connection

    def close(self) -> None:
        """End and remove everything."""
        if self.service is not None and self.service.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        self.proxy.close()
        self._clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clear(self) -> None:
        self.service = None
        with contextlib.suppress(EmbeddedError):
            remove(self.places.service_home / "postgresql")
        if self.mounted:
            subprocess.run(["umount", str(self.places.service_home)], check=True)
            self.mounted = False
        shutil.rmtree(self.places.folder, ignore_errors=True)

    def _service_words(self) -> dict[str, str]:
        words = self.places.service_environment(self.url)
        return {name: words[name] for name in ("VROEGSEIN_HOME", "VROEGSEIN_PUBLIC_URL")}

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/v1/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def _database_is_up(self) -> bool:
        try:
            with self.superuser() as connection:
                connection.execute("SELECT 1")
        except (psycopg.Error, OSError):
            return False
        return True

    def _noted(self) -> tuple[int, str]:
        file = self.places.service_home / "postgresql" / "cluster" / "postmaster.pid"
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return 0, ""
        return (int(lines[0]), lines[4]) if len(lines) > 4 else (0, "")

    def _note_receipt(self, _label: str, body: bytes) -> None:
        with contextlib.suppress(ValueError, TypeError):
            found = httpx.Response(200, content=body).json()
            if isinstance(found, dict) and found.get("receipt"):
                self.receipts.setdefault(found["deliveryId"], set()).add(found["receipt"])


def kill(pid: int | None) -> bool:
    """kill -9, whether or not it still lives; True when it did."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _copy(source: Path, target: Path) -> None:
    """With owners and modes: the database's files are another account's."""
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def _documents(today: date) -> list[dict[str, Any]]:
    days = {"starts": f"{today - timedelta(days=800)}", "ends": f"{today + timedelta(days=800)}"}
    town = {"kind": "organisation", "id": TOWN, "name": TOWN, "roles": ["debt-help", "privacy-officer"]}
    pilot = pilot_document(PILOT, TOWN, **days)
    pilot["retention"] |= {f"{kept}_days": 800 for kept in ("report", "consent", "objection")}  # the oldest month stays
    documents: list[dict[str, Any]] = [town, pilot]
    for name in CREDITORS:
        documents.append({"kind": "organisation", "id": name, "name": name, "roles": ["creditor"]})
        documents.append(agreement_document(PILOT, name, **days, procedure="test-2026"))
    return documents
