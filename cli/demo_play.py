"""What happens in the demo: creditors deliver month by month, desks record consent, pull, open, withdraw and audit."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from app.db.embedded import embedded
from app.db.sessions import LINKING, Login
from cli.creditor_receipts import write_proof
from cli.demo_cases import play_case, received_after, with_follow_up
from cli.demo_world import PilotFiles, World
from cli.operator import sessions_at
from cli.words import progress
from client import ddas, desk_cases, desk_links
from client.account import DELIVERING, EVALUATING, Records, delivered, signal_records
from client.checking import Checked, check
from client.delivering import deliver
from client.desk_basis import ConsentGiven, record_consent, today, withdraw_consent
from client.desk_links import OpenedDoubt
from client.desk_pilot import own_document, parties, sign_pilot
from client.desk_rights import ANSWER, look_up
from client.desk_work import Opened, desk_service, pull, pulled, show
from client.evaluation_report import About, write_report
from client.export import read_export
from client.home import Home, own_fingerprint
from client.known_clients import PURPOSE as KEEPING_THE_LIST
from client.known_clients import ClientListProfile, push_clients, read_client_list
from client.log_reading import read_log
from client.log_watch import LogAltered
from client.oauth import ServiceLogin
from client.opening import OpenedReport
from client.profiles import Profile
from client.proving import prove_report
from client.resident_answer import answer_of
from client.resident_letter import write_answer
from client.service import Service
from client.trust import join, sending_terms
from client.words import Lang, either
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from privacy.report_proof import Proven, read_proof, verify_proof
from signals.cases import Stage
from signals.days import AMSTERDAM, last_day
from signals.documents import read_document
from signals.evaluation import count
from signals.evaluation_shown import publish
from signals.pilot import Role
from signals.report import Category
from signals.rights import IdentityCheck

WORKER, OFFICER = "demo-worker", "demo-officer"
OPENED_EACH = 10  # signals that each desk opens
EVERY_THIRD = 3  # resident gives consent, where that is the basis
SEED = 6  # of the played follow-up
EVALUATED_AFTER = 25  # days after the last month
DOUBTS_WAITED_FOR = 30  # seconds: the service looks for them when nothing else is to be done


@dataclass(slots=True)
class Stopwatch:
    """How long each stage took, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0) + time.monotonic() - begun, 2)


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    stages: Stopwatch
    read: int = 0
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    households: int = 0
    persons: int = 0
    opened: list[tuple[str, Opened]] = field(default_factory=list)
    access_events: int = 0
    log_verified: bool = True
    doubts: dict[str, tuple[dict[str, Any], OpenedDoubt | None]] = field(
        default_factory=dict
    )  # pilot: queue, its first
    cases: dict[str, Counter[Stage]] = field(default_factory=dict)
    national: dict[str, tuple[Path, ddas.Written]] = field(default_factory=dict)
    evaluations: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # pilot: report, page, workbook, tables
    consents: int = 0
    known_clients: dict[str, int] = field(default_factory=dict)  # pilot: how many its desk put on the knock-out list
    withdrawn: dict[str, tuple[int, int]] = field(default_factory=dict)  # pilot: signals before and after
    letters: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # pilot: the answer to one resident
    documents: dict[str, PilotDocument] = field(default_factory=dict)
    worklists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    logs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reported: tuple[str, str, str] | None = None  # pilot, creditor and contract of a report that was taken
    proof: tuple[Path, Proven] | None = None

    def figures(self) -> dict[str, Any]:
        """The figures as JSON: rows read = sent + the sum of refused; seconds by stage."""
        return {
            "reports_read": self.read,
            "reports_sent": self.sent,
            "refused": dict(sorted(self.refused.items())),
            "persons": self.persons,
            "households": self.households,
            "signals": dict(sorted(self.signals.items())),
            "opened": len(self.opened),
            "access_events": self.access_events,
            "log_verified": self.log_verified,
            "seconds": self.stages.seconds,
        }


def play(world: World, stages: Stopwatch, lang: Lang) -> Outcome:
    """Play the whole job; every party acts through its own home, over HTTP."""
    outcome = Outcome(stages)
    documents = outcome.documents
    with stages.timed("keys"):
        for pilot in world.pilots:
            documents[pilot.pilot] = _start_pilot(world, pilot)
    with stages.timed("known_clients"):
        for pilot in world.pilots:
            _push_known_clients(world, pilot, documents[pilot.pilot], outcome)
    with stages.timed("deliver"), progress() as bar:
        total = sum(len(pilot.exports) for pilot in world.pilots)
        task = bar.add_task(either(lang, "Leveringen", "Deliveries"), total=total)
        for pilot in world.pilots:
            for creditor, profile, export in pilot.exports:
                _deliver(world, pilot, documents[pilot.pilot], creditor, (profile, export), outcome)
                bar.advance(task)
    for pilot in world.pilots:
        _work_at_desk(world, pilot, documents[pilot.pilot], outcome)
    with stages.timed("prove"):
        _prove_one(world, outcome)
    outcome.persons, outcome.households = _counted(world)
    return outcome


def _counted(world: World) -> tuple[int, int]:
    """Persons and households over all pilots, as the linker sees them: counts alone."""
    with embedded(world.places.service_home / "postgresql") as server:
        sessions = sessions_at(server.address, server.passfiles, LINKING)
        with sessions.begin(Login.LINKER) as connection:
            counts = connection.execute(
                sa.text("""
                    SELECT count(DISTINCT (pilot_id, person_id)), count(DISTINCT (pilot_id, household_id))
                    FROM signals.report
                """)
            ).one()
        sessions.close()
    return counts[0], counts[1]


def _start_pilot(world: World, pilot: PilotFiles) -> PilotDocument:
    """The desk compares fingerprints with its creditors and signs; they type in the desk's and join."""
    desk = world.places.home(pilot.desk)
    with desk_service(desk, Role.DEBT_HELP, WORKER, "worklist") as service:
        found = parties(service, pilot.pilot)
        for name, fingerprint in found.fingerprints().items():
            # In real life two people read these to each other; here both homes are on one machine.
            assert fingerprint == own_fingerprint(world.places.home(name)), name
        document = sign_pilot(desk, service, found)
    desk.save(desk.settings.model_copy(update={"pilots": {pilot.pilot: own_fingerprint(desk)}}))
    for creditor in {creditor for creditor, *_ in pilot.exports}:
        home = world.places.home(creditor)
        pilots = {**home.settings.pilots, pilot.pilot: own_fingerprint(desk)}
        home.save(home.settings.model_copy(update={"pilots": pilots}))
    return document


def _push_known_clients(world: World, pilot: PilotFiles, document: PilotDocument, outcome: Outcome) -> None:
    """The desk's own system exports who gets help now, where the examples have such a file."""
    if pilot.known_clients is None:
        return
    desk, (profile, export) = world.places.home(pilot.desk), pilot.known_clients
    found = read_client_list(export, read_document(profile, ClientListProfile), today())
    with desk_service(desk, Role.DEBT_HELP, WORKER, KEEPING_THE_LIST) as service:
        push_clients(desk, service, document, found.clients, replace=True)
    outcome.known_clients[pilot.pilot] = len(found.clients)


def _deliver(
    world: World, pilot: PilotFiles, document: PilotDocument, creditor: str, files: tuple[Any, Any], outcome: Outcome
) -> None:
    home = world.places.home(creditor)
    profile = read_document(files[0], Profile)
    login = ServiceLogin(world.url, creditor, home.jwk("auth.jwk"))
    with Service(world.url, login) as service:
        joined = join(home, service, pilot.pilot)
        checked = check(read_export(files[1], profile), profile, {joined.id: sending_terms(joined.document.pilot)})
        if profile.category.value in pilot.consent:
            _give_consent(world, pilot, document, checked, outcome)
        receipt = deliver(home, service, joined, checked)
    if outcome.reported is None:
        refused = {line for line, _code in receipt.refused}
        contract = next((row.reference for row in checked.to_send if row.line not in refused), None)
        outcome.reported = (pilot.pilot, creditor, contract) if contract else None
    outcome.read += checked.rows_read
    outcome.sent += receipt.accepted
    outcome.refused.update({reason.value: count for reason, count in checked.reasons.items()})
    outcome.refused.update(code for _line, code in receipt.refused)


def _prove_one(world: World, outcome: Outcome) -> None:
    """A creditor proves that it reported one contract, and somebody else checks it with the file and a fingerprint."""
    if outcome.reported is None:
        return
    pilot, creditor, contract = outcome.reported
    home = world.places.home(creditor)
    with Service(world.url, ServiceLogin(world.url, creditor, home.jwk("auth.jwk"))) as service:
        made, proven = prove_report(home, service, pilot, contract)
    folder = home.path / "proofs"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = write_proof(made, proven, folder)
    outcome.proof = (file, verify_proof(read_proof(file.read_bytes()), outcome.documents[pilot].fingerprint()))


def _give_consent(world: World, pilot: PilotFiles, document: PilotDocument, checked: Checked, outcome: Outcome) -> None:
    """Every third resident whose arrears are about to be reported was at the desk last month and consented."""
    desk = world.places.home(pilot.desk)
    asked = [row.contacts[0] for row in checked.to_send if int(row.reference[-2:]) % EVERY_THIRD == 0]
    with desk_service(desk, Role.DEBT_HELP, WORKER, "record-basis") as service:
        for contact in asked[:OPENED_EACH]:
            first = checked.reported_on.replace(day=1)
            given = ConsentGiven(checked.category, "folder-2026-1", first, document.pilot.ends)
            record_consent(desk, service, document, contact, given)
            outcome.consents += 1


def _work_at_desk(world: World, pilot: PilotFiles, document: PilotDocument, outcome: Outcome) -> None:
    desk = world.places.home(pilot.desk)
    with outcome.stages.timed("pull"), desk_service(desk, Role.DEBT_HELP, WORKER, "worklist") as service:
        pull(desk, service, pilot.pilot)
        _at, signals = pulled(desk, pilot.pilot)
    with outcome.stages.timed("open"), desk_service(desk, Role.DEBT_HELP, WORKER, "offer-help") as service:
        checked_document = own_document(desk, service, pilot.pilot)
        for signal in signals[:OPENED_EACH]:
            opened = show(desk, service, checked_document, signal["signalId"])
            outcome.opened.append((pilot.pilot, opened))
    with outcome.stages.timed("links"), desk_service(desk, Role.DEBT_HELP, WORKER, desk_links.PURPOSE) as service:
        outcome.doubts[pilot.pilot] = _ask_about_links(desk, service, document)
    if pilot.consent:
        with outcome.stages.timed("withdraw"):
            signals = _withdraw_one(world, pilot, document, signals, outcome)
    with outcome.stages.timed("cases"):
        outcome.cases[pilot.pilot] = _work_cases(desk, pilot, signals[:OPENED_EACH])
    with outcome.stages.timed("ddas"):
        newest = max(signal["period"] for signal in signals)
        outcome.national[pilot.pilot] = _deliver_ddas(desk, pilot, document, newest)
    with outcome.stages.timed("evaluate"):
        outcome.evaluations[pilot.pilot] = _evaluate(desk, pilot, document)
    with outcome.stages.timed("answer"):
        _answer_one(world, pilot, document, outcome)
    outcome.worklists[pilot.pilot] = signals
    for signal in signals:
        outcome.signals.update([rule.split("@")[0] for rule in signal["rules"]] or [signal["tray"]])
    with outcome.stages.timed("audit"), desk_service(desk, Role.PRIVACY_OFFICER, OFFICER, "audit") as service:
        try:
            log = read_log(desk, service, document)
            events = list(log.events)
            outcome.log_verified = outcome.log_verified and not log.not_asked_for
        except LogAltered:
            outcome.log_verified, events = False, []
    outcome.logs[pilot.pilot] = events
    outcome.access_events += sum(event["kind"] == "access" for event in events)


def _ask_about_links(
    desk: Home, service: Service, document: PilotDocument
) -> tuple[dict[str, Any], OpenedDoubt | None]:
    """The queue of doubtful links, and its first one opened; deciding takes a person."""
    until = time.monotonic() + DOUBTS_WAITED_FOR
    while not (queue := desk_links.doubts(service, document))["complete"] and time.monotonic() < until:
        time.sleep(1)
    first = next(iter(queue["doubts"]), None)
    return queue, desk_links.open_doubt(desk, service, document, first["doubtId"]) if first else None


def _work_cases(desk: Home, pilot: PilotFiles, signals: Sequence[Mapping[str, Any]]) -> Counter[Stage]:
    """Cases are opened for signals, and what a team does in weeks is written in them as if it were done today."""
    random, stages = Random(SEED), Counter[Stage]()  # noqa: S311 - made-up work needs no secrecy
    with desk_service(desk, Role.DEBT_HELP, WORKER, desk_cases.PURPOSE) as service:
        for signal in signals:
            case, new = desk_cases.open_case(desk, service, pilot.pilot, signal["signalId"])
            if not new:  # of an earlier month of the same household
                continue
            for entry in play_case(random, today(), urgent=signal["urgent"])[: random.randint(1, 6)]:
                played = entry.model_copy(update={"on": today()})
                written = desk_cases.add(desk, service, pilot.pilot, case, played)
            stages[Stage(written["case"]["stage"])] += 1
    return stages


def _deliver_ddas(desk: Home, pilot: PilotFiles, document: PilotDocument, period: str) -> tuple[Path, ddas.Written]:
    """The national delivery from a month on until today; the code is one that no municipality has."""
    about = ddas.Delivery(
        first=date.fromisoformat(f"{period}-01"),
        last=today(),
        supplier="demo",
        municipality="9999",
        organisation=desk.settings.organisation,
        made_at=datetime.now(AMSTERDAM),
    )
    file = desk.path / f"ddas-{period}.json"
    with desk_service(desk, Role.DEBT_HELP, WORKER, DELIVERING) as service:
        records = Records(service, pilot.pilot, about.first, about.last)
        return file, ddas.write_file(file, about, *delivered(desk, document, records))


def _evaluate(desk: Home, pilot: PilotFiles, document: PilotDocument) -> tuple[Path, ...]:
    """The council's report on all months; what the team did is played, as if each month had come in its time."""
    periods = [read_export(export, read_document(profile, Profile)).period for _who, profile, export in pilot.exports]
    first, last = date.fromisoformat(f"{min(periods)}-01"), last_day(max(periods))
    with desk_service(desk, Role.DEBT_HELP, WORKER, EVALUATING) as service:
        records = Records(service, pilot.pilot, first, last)
        came = [row | {"receivedOn": str(received_after(row["period"]))} for row in records.reports()]
    until = last + timedelta(days=EVALUATED_AFTER)
    played = with_follow_up(signal_records(records, came), SEED, until)
    name = f"{desk.settings.name} (voorbeeldgegevens, de opvolging is gespeeld)"
    about = About(pilot.pilot, name, first, until, today(), document.pilot.rule_set)
    counted = count(played, tuple(document.pilot.categories), until)
    return write_report(desk.path / "evaluation", publish(counted), about)


def _withdraw_one(
    world: World, pilot: PilotFiles, document: PilotDocument, signals: list[dict[str, Any]], outcome: Outcome
) -> list[dict[str, Any]]:
    """The resident of the first signal that rests on consent comes to the desk and takes it back."""
    desk = world.places.home(pilot.desk)
    chosen = next((s for s in signals if set(s["categories"] or ()) <= set(pilot.consent)), None)
    if chosen is None:
        return signals
    with desk_service(desk, Role.DEBT_HELP, WORKER, "offer-help") as service:
        opened = show(desk, service, document, chosen["signalId"])
    row, report = next((row, report) for row, report in opened.reports if row["category"] in pilot.consent)
    if isinstance(report, Exception):
        raise report
    with desk_service(desk, Role.DEBT_HELP, WORKER, "record-basis") as service:
        withdraw_consent(desk, service, document, _contact_in(report.details), Category(row["category"]))
    with desk_service(desk, Role.DEBT_HELP, WORKER, "worklist") as service:
        pull(desk, service, pilot.pilot)
    _at, after = pulled(desk, pilot.pilot)
    outcome.withdrawn[pilot.pilot] = (len(signals), len(after))
    return after


def _answer_one(world: World, pilot: PilotFiles, document: PilotDocument, outcome: Outcome) -> None:
    """A resident of whom a signal was opened shows a passport and asks what is held; the officer answers."""
    desk = world.places.home(pilot.desk)
    told = (
        report.details
        for name, opened in outcome.opened
        for _row, report in opened.reports
        if name == pilot.pilot and isinstance(report, OpenedReport) and "birth_date" in report.details
    )
    details = next(told, None)
    if details is None:
        return
    with desk_service(desk, Role.PRIVACY_OFFICER, OFFICER, ANSWER) as service:
        held = look_up(desk, service, document, _contact_in(details), IdentityCheck.DOCUMENT_SHOWN)
    answer = answer_of(held, document, held.sure())
    outcome.letters[pilot.pilot] = write_answer(desk.path / "answers", answer, desk.settings.contact)


def _contact_in(details: Mapping[str, str | int]) -> Contact:
    """Who it is, as the sealed details of a report say."""
    known: dict[str, Any] = {name: value for name, value in details.items() if name in Contact.__dataclass_fields__}
    if "birth_date" in known:
        known["birth_date"] = date.fromisoformat(known["birth_date"])
    return Contact(**known)
