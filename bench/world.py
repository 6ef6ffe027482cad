"""What the benches share: a service of their own with one pilot that has no bounds, and the processes' memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
import yaml

from app.db.embedded import Server, embedded
from app.db.sessions import LINKING, Login
from cli.demo_world import Places, end, establish, free_port, start_service
from cli.operator import sessions_at
from client.desk_pilot import parties, sign_pilot
from client.desk_work import desk_service
from client.home import Home, own_fingerprint
from client.oauth import ServiceLogin
from client.service import Service
from client.trust import JoinedPilot, join
from signals.pilot import Role
from signals.report import Category

PILOT, TOWN = "bench", "bench-town"


@dataclass(frozen=True, slots=True)
class BenchWorld:
    """A running service, its database server and the creditors' homes."""

    url: str
    pid: int
    server: Server
    places: Places

    def home(self, creditor: str) -> Home:
        """A creditor's home."""
        return self.places.home(creditor)

    @contextmanager
    def creditor(self, creditor: str) -> Iterator[tuple[Service, JoinedPilot]]:
        """Logged in and joined."""
        home = self.home(creditor)
        with Service(self.url, ServiceLogin(self.url, creditor, home.jwk("auth.jwk"))) as service:
            yield service, join(home, service, PILOT)

    def linked(self, statement: str) -> list[sa.Row[Any]]:
        """What the linker sees."""
        sessions = sessions_at(self.server.address, self.server.passfiles, LINKING)
        try:
            with sessions.begin(Login.LINKER) as connection:
                return list(connection.execute(sa.text(statement)).all())
        finally:
            sessions.close()


@contextmanager
def bench_world(creditors: Mapping[str, tuple[Category, str | None]]) -> Iterator[BenchWorld]:
    """Run a service in a folder of its own; `creditors` gives each one's category and the name of its procedure."""
    with TemporaryDirectory(prefix="vroegsein-bench-", ignore_cleanup_errors=True) as fresh:
        folder = Path(fresh)
        folder.chmod(0o711)  # as root the database's own user must get through
        places, url = Places(folder / "world"), f"http://127.0.0.1:{free_port()}"
        registry = folder / "registry.yaml"
        registry.write_text(yaml.safe_dump_all(_documents(creditors)), encoding="utf-8")
        establish(places, [registry], url)
        service = start_service(places, url)
        try:
            with embedded(places.service_home / "postgresql") as server:
                _start_pilot(places, list(creditors))
                yield BenchWorld(url, service.pid, server, places)
        finally:
            end(service)
            places.clear()


def peak_memory(pid: int) -> dict[str, int]:
    """The most memory that the API and its linker ever held, each for itself, in MB; the database's is its own."""
    found = {"api": _peak(str(pid)) // 1024, "linker": 0}
    for threads in Path(f"/proc/{pid}/task").iterdir():  # a thread of its own starts the linker
        for child in (threads / "children").read_text(encoding="ascii").split():
            if b"linker" in Path(f"/proc/{child}/cmdline").read_bytes():
                found["linker"] += _peak(child) // 1024
    return found | {"together": sum(found.values())}


def _peak(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _documents(creditors: Mapping[str, tuple[Category, str | None]]) -> list[dict[str, Any]]:
    days = {"starts": "2020-01-01", "ends": "2035-12-31"}
    words = {"nl": "meten", "en": "to measure"}
    purposes = {
        name: {"roles": ["debt-help"], "level": level, "basis": "-", "words": words}
        for name, level in (("worklist", "facts"), ("offer-help", "contact"))
    }
    categories = {category.value: {"basis": "statutory", "source": "-"} for category, _ in creditors.values()}
    documents: list[dict[str, Any]] = [
        {"kind": "organisation", "id": TOWN, "name": TOWN, "roles": ["debt-help", "privacy-officer"]},
        {
            "kind": "pilot",
            "id": PILOT,
            "municipality": TOWN,
            **days,
            "categories": categories,
            "purposes": purposes,
            "retention": {"report_days": 365, "delivery_days": 365, "log_days": 365},
            "rule_set": "default@1",
        },
    ]
    for name, (category, procedure) in creditors.items():
        documents.append({"kind": "organisation", "id": name, "name": name, "roles": ["creditor"]})
        agreement = {"kind": "agreement", "pilot": PILOT, "creditor": name, **days, "categories": [category.value]}
        kinds = {"kinds": ["early", "end_of_supply", "hand_over"]}
        documents.append(agreement | kinds | ({"procedure": procedure} if procedure else {}))
    return documents


def _start_pilot(places: Places, creditors: list[str]) -> None:
    desk = places.home(TOWN)
    with desk_service(desk, Role.DEBT_HELP, "bench", "worklist") as service:
        sign_pilot(desk, service, parties(service, PILOT))
    for name in creditors:
        home = places.home(name)
        home.save(home.settings.model_copy(update={"pilots": {PILOT: own_fingerprint(desk)}}))
