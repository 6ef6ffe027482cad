"""A small world for tests: a real service over HTTP on a real database, two pilots, creditors and desks with keys."""

import contextlib
import json
import threading
import time
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
import uvicorn
import yaml

from app import registry
from app.db.sessions import LINKING, SERVING, Login, Sessions, make_engine
from app.identity.signing_key import make_signing_key
from app.linker import Linker
from app.main import create_app
from app.serving import serving
from app.settings import Settings as ServiceSettings
from cli.demo_world import DEFAULT_RULES, free_port
from client import desk_basis, known_clients
from client.checking import Checked, SendableRow
from client.delivering import Receipt, deliver, pass_on_objection
from client.desk_pilot import parties, sign_pilot
from client.desk_work import desk_service
from client.endings import end_contracts
from client.home import Home, Settings, init_creditor, init_desk, own_fingerprint
from client.oauth import ServiceLogin
from client.service import Service
from client.trust import join
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from signals.consents import Ending
from signals.pilot import Role
from signals.report import Category, Kind, SocialCollection
from tests.conftest import Database

PERIOD = "2026-10"
LAST_DAY = date(2026, 10, 31)
PILOTS = {"aland": "town-a", "bland": "town-b"}
CREDITORS = {"housing": Category.RENT, "power": Category.ENERGY, "health": Category.HEALTH_INSURANCE}
PURPOSES: dict[str, dict[str, Any]] = {
    "worklist": {"roles": ["debt-help"], "level": "facts"},
    "offer-help": {"roles": ["debt-help"], "level": "contact"},
    "review-links": {"roles": ["debt-help"], "level": "contact"},
    "compare-rules": {"roles": ["debt-help"], "level": "facts"},
    "count": {"roles": ["debt-help"], "level": "index"},
    "sort": {"roles": ["debt-help"], "level": "categories"},
    "emergency": {"roles": ["debt-help"], "level": "contact", "break_glass": {"minutes": 30}},
    "record-basis": {"roles": ["debt-help"], "level": "none"},
    "known-clients": {"roles": ["debt-help"], "level": "none"},
    "keep-keys": {"roles": ["debt-help"], "level": "none"},
    "rekey": {"roles": ["debt-help"], "level": "contact"},
    "deliver-ddas": {"roles": ["debt-help"], "level": "contact"},
    "evaluate": {"roles": ["debt-help"], "level": "facts"},
    "hand-over": {"roles": ["debt-help"], "level": "contact"},
    "audit": {"roles": ["privacy-officer"], "level": "none"},
    "answer-resident": {"roles": ["privacy-officer"], "level": "contact"},
    "correct-resident": {"roles": ["privacy-officer"], "level": "none"},
}


EMPTIED = """
    TRUNCATE signals.report, signals.report_key, signals.sealed_report, signals.shut_out, signals.link_change,
    signals.signal, signals.signal_categories, signals.signal_facts, intake.delivery, intake.part, intake.refused_row,
    intake.staged_report, privacy.consent, privacy.consent_key, privacy.objection, privacy.objection_key,
    privacy.known_client, privacy.known_client_key, privacy.rekeyed_node,
    signals.case_file, signals.case_entry, signals.case_report CASCADE
"""


def make_row(reference: str, surname: str = "Visser", **changes: Any) -> SendableRow:
    """A row that may be sent; `changes` are its fields, or those of its contact."""
    contact: dict[str, Any] = {
        "initials": "A.B.",
        "surname": surname,
        "birth_date": date(1980, 2, 29),
        "street": "Dorpsstraat",
        "house_number": "12",
        "postcode": "1111 AB",
        "phone": "0612345678",
    } | {name: changes.pop(name) for name in list(changes) if name in Contact.__dataclass_fields__}
    months = changes.get("months", 1)
    since = changes.get("arrears_since", LAST_DAY - timedelta(days=30 * months))
    steps = SocialCollection(
        by="record",
        reminder_sent_on=since + timedelta(days=14),
        contact_sought_on=since + timedelta(days=14),
        pointed_at_help_on=since + timedelta(days=14),
        offer_made_on=since + timedelta(days=14),
    )
    values: dict[str, Any] = {
        "line": 1,
        "reference": reference,
        "contacts": (Contact(**contact),),
        "postcode_digits": contact["postcode"][:4],
        "amount_cents": 34_550,
        "months": months,
        "arrears_since": since,
        "since_derived": False,
        "reported_on": LAST_DAY,
        "category": Category.RENT,
        "kind": Kind.EARLY,
        "urgent": (),
        "social_collection": steps,
    }
    return SendableRow(**values | changes)


def checked_of(rows: Sequence[SendableRow], category: Category, period: str = PERIOD) -> Checked:
    """What a check of an export with just these rows would say."""
    return Checked(
        source="export.csv",
        period=period,
        reported_on=rows[0].reported_on if rows else LAST_DAY,
        category=category,
        rows_read=len(rows),
        to_send=tuple(rows),
        refused=(),
        notes=(),
    )


@dataclass
class World:
    """What a test acts through."""

    database: Database
    folder: Path
    url: str
    sessions: Sessions
    linker: Linker
    resting: threading.Event = field(default_factory=threading.Event)
    working: threading.Thread | None = None
    documents: dict[str, PilotDocument] = field(default_factory=dict)

    def home(self, name: str) -> Home:
        return Home(self.folder / name)

    def creditor(self, name: str) -> Service:
        return Service(self.url, ServiceLogin(self.url, name, self.home(name).jwk("auth.jwk")))

    def desk(self, pilot: str, purpose: str = "worklist", role: Role = Role.DEBT_HELP) -> Service:
        return desk_service(self.home(PILOTS[pilot]), role, "somebody", purpose)

    def push(self, creditor: str, pilot: str, rows: Sequence[SendableRow], period: str = PERIOD) -> Receipt:
        """Deliver rows as that creditor and have the linker take them up."""
        category = CREDITORS[creditor] if creditor in CREDITORS else rows[0].category
        with self.creditor(creditor) as service:
            joined = join(self.home(creditor), service, pilot)
            return deliver(self.home(creditor), service, joined, checked_of(rows, category, period))

    def consent(
        self, pilot: str, contact: Contact, category: Category = Category.ENERGY, given_on: date = date(2026, 1, 1)
    ) -> dict[str, Any]:
        given = desk_basis.ConsentGiven(category, "notice-1", given_on, date(2027, 1, 1))
        with self.desk(pilot, "record-basis") as service:
            home, document = self.home(PILOTS[pilot]), self.documents[pilot]
            return desk_basis.record_consent(home, service, document, contact, given)

    def refuse(self, pilot: str, contact: Contact, category: Category = Category.ENERGY) -> dict[str, Any]:
        with self.desk(pilot, "record-basis") as service:
            home, document = self.home(PILOTS[pilot]), self.documents[pilot]
            return desk_basis.refuse_consent(home, service, document, contact, category)

    def withdraw(self, pilot: str, contact: Contact, category: Category = Category.ENERGY) -> dict[str, Any]:
        with self.desk(pilot, "record-basis") as service:
            home, document = self.home(PILOTS[pilot]), self.documents[pilot]
            return desk_basis.withdraw_consent(home, service, document, contact, category)

    def object(self, pilot: str, contact: Contact) -> uuid.UUID:
        """Record an objection at the desk; its id, for `decide`."""
        with self.desk(pilot, "record-basis") as service:
            home, document = self.home(PILOTS[pilot]), self.documents[pilot]
            done = desk_basis.record_objection(home, service, document, contact)
            assert (done["state"], done["outcome"]) == ("done", "paused")
            return uuid.UUID(done["changeId"])

    def decide(self, pilot: str, objection: uuid.UUID, decision: Literal["upheld", "dismissed"]) -> str:
        with self.desk(pilot, "record-basis") as service:
            done = desk_basis.decide_objection(service, self.documents[pilot], objection, decision)
            return str(done["outcome"])

    def list_clients(self, pilot: str, *contacts: Contact, replace: bool = True) -> str:
        """Put people on the knock-out list; with `replace` nobody else stays on it."""
        with self.desk(pilot, "known-clients") as service:
            home, document = self.home(PILOTS[pilot]), self.documents[pilot]
            clients = [known_clients.Client(contact) for contact in contacts]
            done = known_clients.push_clients(home, service, document, clients, replace=replace)
            return str(done["outcome"])

    def unlist_client(self, pilot: str, contact: Contact) -> str:
        """Take somebody off the knock-out list."""
        with self.desk(pilot, "known-clients") as service:
            home, document = self.home(PILOTS[pilot]), self.documents[pilot]
            return str(known_clients.remove_client(home, service, document, contact)["outcome"])

    def pass_on(self, creditor: str, pilot: str, contract: str) -> dict[str, Any]:
        """Pass on the objection that a creditor received about a contract."""
        with self.creditor(creditor) as service:
            return pass_on_objection(self.home(creditor), service, pilot, contract)

    def end(self, creditor: str, pilot: str, ending: Ending, ended_on: date, *contracts: str) -> list[dict[str, Any]]:
        """Say as that creditor that contracts are settled or were reported wrongly."""
        with self.creditor(creditor) as service:
            return end_contracts(self.home(creditor), service, pilot, contracts, ending, ended_on)

    def signals(self, pilot: str, purpose: str = "worklist") -> list[dict[str, Any]]:
        with self.desk(pilot, purpose) as service:
            found: list[dict[str, Any]] = service.post("/signals/_search", {"pilotId": pilot, "limit": 200})["signals"]
            return found

    def wait_until_reviewed(self) -> None:
        """Until the linker has looked for doubtful links wherever something changed."""
        until = time.monotonic() + 120
        left = "SELECT FROM signals.review_due UNION ALL SELECT FROM signals.doubt WHERE state = 'waiting' LIMIT 1"
        while self.rows(left):
            assert time.monotonic() < until, "the linker did not get through"
            time.sleep(0.05)

    def stop_linking(self) -> None:
        """From now on, what comes in stays waiting."""
        self.resting.set()
        if self.working is not None:
            self.working.join()

    def empty(self) -> None:
        """Take away all that was delivered or said. Documents and the log stay."""
        with self.database.as_superuser() as connection:
            connection.execute(EMPTIED)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What stands in the database, seen by the superuser: for looking at what a test did."""
        with self.database.as_superuser() as connection:
            return connection.execute(statement, values).fetchall()


@contextlib.contextmanager
def small_world(database: Database, folder: Path) -> Iterator[World]:
    """Set up and run everything; pilot `bland` takes energy arrears on consent only."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = ServiceSettings(public_url=url, home=folder / "service")
    make_signing_key(settings.signing_key_file)
    make_signing_key(settings.log_key_file)
    sessions = Sessions(lambda login: database.conninfo(login.value), (*SERVING, *LINKING))
    linker = Linker(sessions, json.loads(settings.log_key_file.read_bytes()))
    world = World(database, folder, url, sessions, linker)
    _register(world)
    world.working = threading.Thread(target=linker.run, args=(world.resting,), daemon=True)
    world.working.start()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, serving(Sessions(lambda login: database.conninfo(login.value), SERVING))),
            host="127.0.0.1",
            port=port,
            log_level="critical",
        )
    )
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    while not server.started:
        running.join(0.02)
    try:
        for pilot, town in PILOTS.items():
            _start(world, pilot, town)
        yield world
    finally:
        server.should_exit = True
        running.join()
        world.stop_linking()
        sessions.close()


def _register(world: World) -> None:
    publics = [init_desk(world.home(t), Settings(organisation=t, service_url=world.url)) for t in PILOTS.values()]
    publics += [init_creditor(world.home(c), Settings(organisation=c, service_url=world.url)) for c in CREDITORS]
    documents: list[dict[str, Any]] = [
        {"kind": "organisation", "id": town, "name": town, "roles": ["debt-help", "privacy-officer"]}
        for town in PILOTS.values()
    ]
    documents += [{"kind": "organisation", "id": name, "name": name, "roles": ["creditor"]} for name in CREDITORS]
    documents += [pilot_document(pilot, town) for pilot, town in PILOTS.items()]
    documents += [agreement_document(pilot, name) for pilot in PILOTS for name in CREDITORS]
    apply_documents(world, documents, DEFAULT_RULES, *publics)


def apply_documents(world: World, documents: Sequence[dict[str, Any]], *files: Path) -> None:
    """Put documents into the registry, as the operator does."""
    file = world.folder / "registry.yaml"
    file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    engine = make_engine(world.database.conninfo(Login.OWNER.value), pool_size=1)
    with engine.begin() as connection:
        registry.carry_out(connection, registry.plan(connection, [file, *files]))
    engine.dispose()


def add_creditor(world: World, name: str, pilot: str, **agreement: Any) -> None:
    """Have another creditor take part in a pilot, up to the desk's signature; it has not joined yet."""
    home = world.home(name)
    public = init_creditor(home, Settings(organisation=name, service_url=world.url))
    organisation = {"kind": "organisation", "id": name, "name": name, "roles": ["creditor"]}
    agreed = agreement_document(pilot, name, **{"categories": ["rent"], **agreement})
    apply_documents(world, [organisation, agreed], public)
    desk = world.home(PILOTS[pilot])
    with world.desk(pilot) as service:
        world.documents[pilot] = sign_pilot(desk, service, parties(service, pilot))
    home.save(home.settings.model_copy(update={"pilots": {**home.settings.pilots, pilot: own_fingerprint(desk)}}))


def pilot_document(pilot: str, town: str, **changes: Any) -> dict[str, Any]:
    """A pilot's document as plain data; `changes` replace whole values."""
    energy: dict[str, Any] = {"basis": "statutory", "source": "Energieregeling"}
    if pilot == "bland":
        days = {"starts": "2026-01-01", "ends": "2027-12-31"}
        experiment = {"article": "regulation art. 1", "evidence": "consent", "creditors": ["power"], **days}
        energy = {"basis": "experiment", "source": "Wgs art. 10", "experiment": experiment}
    words = {"nl": "x", "en": "x"}
    return {
        "kind": "pilot",
        "id": pilot,
        "municipality": town,
        "starts": "2026-01-01",
        "ends": "2027-12-31",
        "postcodes": ["2221", "2222"] if pilot == "bland" else ["1111", "1112"],
        "categories": {
            "rent": {"basis": "statutory", "source": "Bgs art. 2", "minimum_euros": 50, "minimum_months": 1},
            "energy": {**energy, "minimum_euros": 50},
            "health_insurance": {"basis": "statutory", "source": "Zvw art. 18a"},
        },
        "purposes": {name: {**purpose, "basis": "Wgs art. 3", "words": words} for name, purpose in PURPOSES.items()},
        "retention": {
            "report_days": 365,
            "delivery_days": 1826,
            "unfinished_days": 14,
            "consent_days": 365,
            "objection_days": 365,
            "known_client_days": 92,
            "log_days": 1826,
        },
        "rule_set": "default@1",
    } | changes


def agreement_document(pilot: str, creditor: str, **changes: Any) -> dict[str, Any]:
    """An agreement's document as plain data."""
    return {
        "kind": "agreement",
        "pilot": pilot,
        "creditor": creditor,
        "starts": "2026-01-01",
        "ends": "2027-12-31",
        "categories": [CREDITORS[creditor].value] if creditor in CREDITORS else [],
        "kinds": ["early", "end_of_supply"],
    } | changes


def _start(world: World, pilot: str, town: str) -> None:
    desk = world.home(town)
    with world.desk(pilot) as service:
        world.documents[pilot] = sign_pilot(desk, service, parties(service, pilot))
    for name in CREDITORS:
        home = world.home(name)
        pilots = {**home.settings.pilots, pilot: own_fingerprint(desk)}
        home.save(home.settings.model_copy(update={"pilots": pilots}))


def as_login(world: World, login: Login, statement: str, **values: Any) -> Sequence[sa.Row[Any]]:
    """Run one statement as a login, in a transaction of its own."""
    with world.sessions.begin(login) as connection:
        result = connection.execute(sa.text(statement), values)
        return result.all() if result.returns_rows else []


def told_by(receipt: str) -> dict[str, Any]:
    """What a receipt says, without what names the delivery: the same for all, or a creditor could tell."""
    body = receipt.split(".")[1]
    said: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    own = ("delivery", "creditor", "category", "manifest", "root", "at", "event")
    return {**said, "salt": "", "event": {**said["event"], **dict.fromkeys(own)}}
