"""The faults: what each kind does to whom, and when. All that is drawn is drawn from the seed."""

import contextlib
import os
import random
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psycopg

from signals.days import AMSTERDAM
from tests.soak.clients import Client
from tests.soak.proxy import Phase
from tests.soak.world import SoakWorld, kill


class Kind(StrEnum):
    """What goes wrong."""

    CLIENT = "client killed"
    SERVICE = "service killed"
    LINKER = "linker killed"
    POSTMASTER = "database server killed"
    BACKEND = "database session killed"
    CUT = "connection cut"
    DISK = "disk full"
    CLIENT_DISK = "client's disk full"
    TWO_CLIENTS = "two clients at once"
    TWO_MACHINES = "two machines at once"
    TWICE = "request sent twice"
    SERVICE_CLOCK = "service's clock jumps"
    CLIENT_CLOCK = "client's clock jumps"


STEPS = ("token", "document", "receipts", "open", "state", "part", "completion", "wait", "change")  # in this order
SENDING = {"open", "part", "completion", "change"}
WHILE_LINKING = {Kind.LINKER, Kind.POSTMASTER, Kind.BACKEND, Kind.SERVICE}  # may also strike amid a transaction
STOPPING = {Kind.CLIENT, Kind.CUT, Kind.SERVICE, Kind.POSTMASTER, Kind.CLIENT_DISK, Kind.DISK, Kind.SERVICE_CLOCK}
FULL_FILES = 1 << 20  # bytes: where no small file system can be had, PostgreSQL's files may get no larger than this
SMALL_FILES = 1_500  # bytes: where the client's disk is full
A_TRANSACTION_COMES_WITHIN = 4.0  # seconds


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a plan: at which request and how far into it, or amid the linker's transaction that follows."""

    kind: Kind
    label: str
    phase: Phase
    linking: bool
    chance: float  # from 0 to 1, for all else that is drawn

    def __str__(self) -> str:
        return f"{self.kind} ({'amid linking after ' if self.linking else ''}{self.label}, {self.phase})"

    def moved_to(self, label: str) -> "Fault":
        """The same at another request: the command no longer makes the one that was drawn."""
        return replace(self, label=label, linking=False)


def draw(seed: int, step: int, seen: Sequence[str], kinds: Sequence[Kind]) -> list[Fault]:
    """The faults of one step, first those that stop it, in order of its requests; `seen`: of the undisturbed run."""
    drawn = random.Random(f"faults {seed} {step}")
    labels = [label for label in STEPS if label in seen]
    faults: list[Fault] = []
    for kind in kinds:
        linking = kind in WHILE_LINKING and drawn.random() < 0.6 and not any(fault.linking for fault in faults)
        if linking:
            label = "completion" if "completion" in labels else "change"
        elif kind is Kind.CLIENT_DISK:
            label = "open" if "open" in labels else "document"  # before it writes
        elif kind is Kind.TWICE:  # a desk's request is good once: of a second one the log rightly says that it is none
            label = drawn.choice([one for one in labels if one in SENDING - {"change"}] or ["document"])
        elif kind in {Kind.TWO_CLIENTS, Kind.TWO_MACHINES, Kind.DISK}:
            label = drawn.choice([one for one in labels if one in SENDING])
        else:
            label = drawn.choice(labels)
        phase = Phase.ASKED if linking or kind in {Kind.TWICE, Kind.CLIENT_DISK} else drawn.choice(list(Phase))
        faults.append(Fault(kind, label, phase, linking, drawn.random()))
    return sorted(faults, key=lambda fault: (fault.linking or fault.kind not in STOPPING, STEPS.index(fault.label)))


class Injector:
    """Does what a fault says to a running world, and undoes what would not go away by itself."""

    def __init__(self, world: SoakWorld, again: Callable[[bool], None]) -> None:
        """`again` starts the same command a second time; told whether with a copy of the home, as on two machines."""
        self._world, self._again = world, again
        self._full: Path | None = None
        self._limited: list[int] = []
        self._timers: list[threading.Thread] = []

    def strike(self, fault: Fault, client: Client) -> bool:
        """Called from the proxy, which holds the request meanwhile; True where the connection breaks."""
        world, chance = self._world, fault.chance
        deeds: dict[Kind, Callable[[], object]] = {
            Kind.CLIENT: lambda: kill(client.pid),
            Kind.CUT: lambda: None,
            Kind.SERVICE: lambda: kill(world.service.pid if world.service else None),
            Kind.LINKER: lambda: kill(self._linker()),
            Kind.POSTMASTER: lambda: kill(world.postmaster()),
            Kind.BACKEND: lambda: self._kill_session(chance),
            Kind.DISK: lambda: self._fill_disk(0.3 + chance),
            Kind.CLIENT_DISK: lambda: _limit(client.pid, SMALL_FILES),
            Kind.TWO_CLIENTS: lambda: self._again(False),
            Kind.TWO_MACHINES: lambda: self._again(True),
            Kind.TWICE: lambda: world.proxy.send_twice(fault.label),
            Kind.SERVICE_CLOCK: lambda: world.set_clock("service", _within_the_day(chance)),
            Kind.CLIENT_CLOCK: lambda: world.set_clock("client", (chance - 0.5) * 6 * 86_400),
        }
        deeds[fault.kind]()
        return fault.kind in {Kind.CLIENT, Kind.CUT}

    def strike_amid_linking(self, fault: Fault, client: Client) -> None:
        """Wait in the background for a transaction of the linker, let it get on a little, and strike."""

        def strike() -> None:
            self._wait_for_transaction()
            time.sleep(fault.chance * 0.06)
            self.strike(fault, client)

        self._later(0.0, strike)

    def undo(self) -> None:
        """The disk has room again, the clocks are right."""
        for timer in self._timers:
            timer.join()
        self._timers.clear()
        self.free_disk()
        for who in ("service", "client"):
            self._world.set_clock(who, 0.0)

    def free_disk(self) -> None:
        """Give back what was filled."""
        if self._full is not None:
            self._full.unlink(missing_ok=True)
            self._full = None
        for pid in self._limited:
            _limit(pid, resource.RLIM_INFINITY)
        self._limited.clear()

    def _fill_disk(self, seconds: float) -> None:
        if self._world.mounted:
            self._full = full = self._world.places.service_home / "full"
            with full.open("wb") as file:
                while (free := shutil.disk_usage(full.parent).free) > 0:
                    with contextlib.suppress(OSError):
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
        else:
            self._limited = self._database_processes()
            for pid in self._limited:
                _limit(pid, FULL_FILES)
        self._later(seconds, self.free_disk)

    def _database_processes(self) -> list[int]:
        postmaster = self._world.postmaster()
        if postmaster is None:
            return []
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii")
        return [postmaster, *map(int, children.split())]

    def _linker(self) -> int | None:
        until = time.monotonic() + 5
        while (found := self._world.linker()) is None and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def _kill_session(self, chance: float) -> None:
        with contextlib.suppress(psycopg.Error, OSError), self._world.superuser() as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'vroegsein%%' ORDER BY state = 'idle', pid"
            ).fetchall()
            if rows:
                os.kill(rows[int(chance**2 * len(rows))][0], signal.SIGKILL)

    def _wait_for_transaction(self) -> None:
        until = time.monotonic() + A_TRANSACTION_COMES_WITHIN
        with contextlib.suppress(psycopg.Error, OSError), self._world.superuser() as connection:
            while time.monotonic() < until:
                busy = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'vroegsein_linker' AND state <> 'idle' "
                    "AND xact_start < clock_timestamp() - interval '10 ms'"
                ).fetchone()
                if busy and busy[0]:
                    return
                time.sleep(0.005)

    def _later(self, seconds: float, do: Callable[[], object]) -> None:
        def run() -> None:
            time.sleep(seconds)
            do()

        self._timers.append(threading.Thread(target=run, daemon=True))
        self._timers[-1].start()


def _limit(pid: int, size: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _within_the_day(chance: float) -> float:
    """Hours ahead or behind, but on the same day in the Netherlands: on another day other terms hold, rightly so."""
    now = datetime.now(UTC).astimezone(AMSTERDAM)
    began = now.replace(hour=0, minute=15, second=0, microsecond=0)
    back, ahead = now - began, began + timedelta(hours=23) - now
    jump = ahead if ahead.total_seconds() * chance > back.total_seconds() * (1 - chance) else -back
    return jump.total_seconds() * (0.5 + chance / 2)
