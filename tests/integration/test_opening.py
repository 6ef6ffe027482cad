"""Promise 6 at the desk: what the operator alters, moves or leaves out in its own database is refused, by name."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from client.desk_work import Opened, show
from client.home import Home
from client.opening import OpenedReport
from client.service import Service
from privacy.compact import compact
from privacy.errors import PrivacyError
from privacy.hybrid import NotForThisKey
from privacy.sealing import AlteredReport, Envelope, SealedReport
from privacy.signing import NotSigned, new_signing_key, sign
from signals.report import Category
from tests.conftest import Database
from tests.world import World, make_row, small_world

THEIRS, NEIGHBOUR = "c1", "c2"  # the report that is attacked, and another one of the same delivery
SEALED = "sent, wrapped_key, contact, part, proof"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        other = {"house_number": "99", "phone": "0687654321", "initials": "Z."}
        for pilot in ("aland", "bland"):
            world.push("housing", pilot, [make_row(THEIRS), make_row(NEIGHBOUR, "Bakker", **other)])
        world.push("power", "aland", [make_row("e1", category=Category.ENERGY)])
        yield world


@pytest.fixture(scope="module")
def desk(world: World) -> Iterator[Service]:
    with world.desk("aland", "offer-help") as service:
        yield service


@pytest.fixture(scope="module")
def signal(world: World) -> str:
    """The signal of the household that two creditors reported."""
    (found,) = [signal for signal in world.signals("aland") if signal["creditors"] == 2]
    return str(found["signalId"])


@contextmanager
def altered(world: World, table: str, statement: str, **values: Any) -> Iterator[None]:
    """Alter a table as the operator could, past every rule of the database, and put it back afterwards."""
    with world.database.as_superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        row = connection.execute(f"SELECT jsonb_agg(to_jsonb(t)) FROM {table} t").fetchone()
        assert row is not None
        try:
            assert connection.execute(statement, values).rowcount > 0
            yield
        finally:
            connection.execute(f"DELETE FROM {table}")
            connection.execute(
                f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s)", [Jsonb(row[0])]
            )


def opened(world: World, desk: Service, signal: str) -> Opened:
    return show(world.home("town-a"), desk, world.documents["aland"], signal)


def outcomes(found: Opened) -> dict[str, OpenedReport | PrivacyError]:
    """What became of each report, by the category, which tells the two creditors' reports apart."""
    return {row["category"]: report for row, report in found.reports}


def mine(world: World, pilot: str = "aland", contract: str = THEIRS) -> str:
    """The id of the report that is attacked, or of another one: which row is whose, the sealed amount tells."""
    position = [THEIRS, NEIGHBOUR].index(contract)
    ids = [
        row[0]
        for row in world.rows(
            "SELECT r.report_id::text FROM signals.report r JOIN signals.sealed_report s USING (pilot_id, report_id)"
            " WHERE r.pilot_id = %(pilot)s AND creditor_id = 'housing' ORDER BY substr(s.proof, 1, 4)",
            pilot=pilot,
        )
    ]
    return str(ids[position])


def test_untouched_reports_open_with_what_their_creditors_wrote(world: World, desk: Service, signal: str) -> None:
    found = outcomes(opened(world, desk, signal))
    rent, energy = found["rent"], found["energy"]
    assert isinstance(rent, OpenedReport)
    assert isinstance(energy, OpenedReport)
    assert (rent.details["contract"], energy.details["contract"]) == (THEIRS, "e1")
    assert (rent.creditor, rent.details["surname"], rent.details["amount_cents"]) == ("housing", "Visser", 34_550)
    assert "Visser" not in repr(rent)


def _is_open(report: OpenedReport | PrivacyError) -> bool:
    return isinstance(report, OpenedReport)


def refused(world: World, desk: Service, signal: str, error: type[PrivacyError], words: str) -> None:
    """The attacked report is refused by name; the household's other report still opens."""
    reports = [report for _row, report in opened(world, desk, signal).reports]
    wrong = [report for report in reports if not isinstance(report, OpenedReport)]
    assert [type(report) for report in wrong] == [error]
    assert words in str(wrong[0])
    assert len(reports) == 2


@pytest.mark.parametrize(
    "change",
    [
        "amount_euros = amount_euros + 1",
        "months = months + 1",
        "arrears_since = arrears_since - 1",
        "since_derived = NOT since_derived",
        "reported_on = reported_on - 1",
        "urgent = '{eviction_announced}'",
        "kind = 'end_of_supply'",
        "category = 'water'",
        "period = '2026-09'",
        """social_collection = social_collection || '{"answer": "not_refused"}'""",
    ],
    ids=lambda change: change.partition(" ")[0],
)
def test_what_the_service_shows_must_be_what_was_signed(world: World, desk: Service, signal: str, change: str) -> None:
    statement = f"UPDATE signals.report SET {change} WHERE report_id = %(id)s"
    with altered(world, "signals.report", statement, id=mine(world)):
        refused(world, desk, signal, AlteredReport, "not what the creditor signed")


def test_that_a_report_updates_an_earlier_one_is_the_services_to_say(world: World, desk: Service, signal: str) -> None:
    statement = "UPDATE signals.report SET kind = 'update' WHERE report_id = %(id)s"
    with altered(world, "signals.report", statement, id=mine(world)):
        assert all(_is_open(report) for _row, report in opened(world, desk, signal).reports)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("{keys,strong,0}", '"00000000000000000000000000000000"'),
        ("{keys,weak,0,key}", '"00000000000000000000000000000000"'),
        ("{keys,dwelling}", '"00000000000000000000000000000000"'),
        ("{district}", '"00000000000000000000000000000000"'),
        ("{reference}", '"00000000000000000000000000000000"'),
    ],
    ids=["strong key", "weak key", "dwelling", "district", "reference"],
)
def test_an_altered_match_key_or_reference_is_refused(
    world: World, desk: Service, signal: str, path: str, value: str
) -> None:
    statement = "UPDATE signals.sealed_report SET sent = %(sent)s WHERE report_id = %(id)s"
    sent = json.loads(
        world.rows("SELECT sent FROM signals.sealed_report WHERE report_id = %(id)s", id=mine(world))[0][0]
    )
    inner = sent
    *steps, last = [int(step) if step.isdigit() else step for step in path.strip("{}").split(",")]
    for step in steps:
        inner = inner[step]
    inner[last] = json.loads(value)
    text = json.dumps(sent, separators=(",", ":"))
    with altered(world, "signals.sealed_report", statement, id=mine(world), sent=text):
        refused(world, desk, signal, AlteredReport, "")


def test_an_amount_altered_in_both_places_is_refused(world: World, desk: Service, signal: str) -> None:
    """The list and the signed text agree with each other, and not with the signature."""
    shown = "UPDATE signals.report SET amount_euros = 999 WHERE report_id = %(id)s"
    text = """
        UPDATE signals.sealed_report SET sent = replace(sent, '"amountEuros":345', '"amountEuros":999')
        WHERE report_id = %(id)s
    """
    with (
        altered(world, "signals.report", shown, id=mine(world)),
        altered(world, "signals.sealed_report", text, id=mine(world)),
    ):
        refused(world, desk, signal, AlteredReport, "not in the delivery")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("sent = 'nonsense'", "does not have the form"),
        ("sent = sent || ' '", "not in the delivery"),
        ("contact = set_byte(contact, 9, 255 - get_byte(contact, 9))", "not in the delivery"),
        ("contact = ''", "not in the delivery"),
        ("wrapped_key = set_byte(wrapped_key, 20, 255 - get_byte(wrapped_key, 20))", "not in the delivery"),
        ("wrapped_key = substr(wrapped_key, 2) || '\\x00'", "not in the delivery"),
        ("proof = set_byte(proof, 9, 255 - get_byte(proof, 9))", "not in the delivery"),
        ("proof = set_byte(proof, 3, 1 - get_byte(proof, 3))", "not in the delivery"),
        ("proof = substr(proof, 1, 4)", "not in the delivery"),
        ("proof = ''", "not in the delivery"),
        ("proof = proof || proof", "not in the delivery"),
        ("part = 2", "not in the delivery"),
    ],
    ids=lambda text: text if "=" not in text else text.replace(" ", "")[:22],
)
def test_altered_sealed_parts_and_proofs_are_refused(
    world: World, desk: Service, signal: str, change: str, words: str
) -> None:
    statement = f"UPDATE signals.sealed_report SET {change} WHERE report_id = %(id)s"
    with altered(world, "signals.sealed_report", statement, id=mine(world)):
        refused(world, desk, signal, AlteredReport, words)


def test_sealed_details_that_are_gone_are_missed_and_keep_nobody_from_the_others(
    world: World, desk: Service, signal: str
) -> None:
    statement = "DELETE FROM signals.sealed_report WHERE report_id = %(id)s"
    with altered(world, "signals.sealed_report", statement, id=mine(world)):
        refused(world, desk, signal, AlteredReport, "no sealed details")


OF_HOUSING = "pilot_id = 'aland' AND creditor_id = 'housing'"


def manifest_of(world: World, where: str = OF_HOUSING) -> str:
    return str(world.rows(f"SELECT manifest FROM intake.delivery WHERE {where}")[0][0])


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
def test_an_altered_manifest_is_refused(world: World, desk: Service, signal: str, part: int) -> None:
    parts = manifest_of(world).split(".")
    letter = parts[part][10]
    parts[part] = parts[part][:10] + ("A" if letter != "A" else "B") + parts[part][11:]
    statement = f"UPDATE intake.delivery SET manifest = %(manifest)s WHERE {OF_HOUSING}"
    with altered(world, "intake.delivery", statement, manifest=".".join(parts)):
        refused(world, desk, signal, NotSigned, "not signed")


def test_a_manifest_signed_by_the_operator_is_refused(world: World, desk: Service, signal: str) -> None:
    payload = manifest_of(world).split(".")[1]
    raw = _unb64(payload)
    signed = sign(raw, new_signing_key(), "vroegsein/delivery/v1")
    statement = f"UPDATE intake.delivery SET manifest = %(manifest)s WHERE {OF_HOUSING}"
    with altered(world, "intake.delivery", statement, manifest=signed):
        refused(world, desk, signal, NotSigned, "expected key")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_something_else_that_the_creditor_signed_is_no_manifest(world: World, desk: Service, signal: str) -> None:
    signed = sign(_unb64(manifest_of(world).split(".")[1]), world.home("housing").jwk("signing.jwk"), "another/kind/v1")
    statement = f"UPDATE intake.delivery SET manifest = %(manifest)s WHERE {OF_HOUSING}"
    with altered(world, "intake.delivery", statement, manifest=signed):
        refused(world, desk, signal, NotSigned, "something else")


def test_a_manifest_that_is_gone_is_refused(world: World, desk: Service, signal: str) -> None:
    statement = f"UPDATE intake.delivery SET manifest = '' WHERE {OF_HOUSING}"
    with altered(world, "intake.delivery", statement):
        refused(world, desk, signal, NotSigned, "not signed")


@pytest.mark.parametrize("pilot", ["aland", "bland"])
def test_the_same_creditors_manifest_of_another_delivery_is_refused(
    world: World, desk: Service, signal: str, pilot: str
) -> None:
    """Another creditor's, and the same creditor's of another pilot."""
    creditor = "power" if pilot == "aland" else "housing"
    other = manifest_of(world, f"pilot_id = '{pilot}' AND creditor_id = '{creditor}'")
    error = NotSigned if pilot == "aland" else AlteredReport
    statement = f"UPDATE intake.delivery SET manifest = %(manifest)s WHERE {OF_HOUSING}"
    with altered(world, "intake.delivery", statement, manifest=other):
        refused(world, desk, signal, error, "")


@pytest.mark.parametrize(
    "change",
    [
        "key_envelope = set_byte(key_envelope, 40, 255 - get_byte(key_envelope, 40))",
        "key_envelope = ''",
        "key_envelope = (SELECT key_envelope FROM intake.delivery WHERE pilot_id = 'aland' AND creditor_id = 'power')",
    ],
    ids=["altered", "empty", "another creditor's"],
)
def test_an_altered_key_envelope_is_refused(world: World, desk: Service, signal: str, change: str) -> None:
    with altered(world, "intake.delivery", f"UPDATE intake.delivery SET {change} WHERE {OF_HOUSING}"):
        refused(world, desk, signal, NotForThisKey, "made for another key or purpose, or was altered")


def test_a_delivery_key_that_the_operator_sealed_is_not_the_creditors(world: World, desk: Service, signal: str) -> None:
    """Everybody can seal to the municipality, also for this very delivery."""
    said = json.loads(_unb64(manifest_of(world).split(".")[1]))
    document = world.documents["aland"]
    key = Envelope.new("aland", "housing", said["recipientKey"])
    sealed = key.sealed_to(document.recipients, said["contentHash"])
    statement = f"UPDATE intake.delivery SET key_envelope = %(sealed)s WHERE {OF_HOUSING}"
    with altered(world, "intake.delivery", statement, sealed=sealed):
        refused(world, desk, signal, AlteredReport, "delivery key is not the one that was signed")


@pytest.mark.parametrize("creditor", ["power", "health"])
def test_a_report_under_another_creditors_name_is_refused(
    world: World, desk: Service, signal: str, creditor: str
) -> None:
    statement = "UPDATE signals.report SET creditor_id = %(creditor)s WHERE report_id = %(id)s"
    with altered(world, "signals.report", statement, id=mine(world), creditor=creditor):
        refused(world, desk, signal, NotSigned, "expected key")


def test_a_creditor_that_the_desk_did_not_sign_for_is_refused_by_its_name(
    world: World, desk: Service, signal: str
) -> None:
    statement = "UPDATE signals.report SET creditor_id = 'stranger' WHERE report_id = %(id)s"
    with altered(world, "signals.report", statement, id=mine(world)):
        refused(world, desk, signal, NotSigned, "stranger is not in the pilot document")


MOVE = f"""
    UPDATE signals.sealed_report t SET ({SEALED}) = (
        SELECT {SEALED} FROM signals.sealed_report s WHERE s.report_id = %(other)s)
    WHERE t.report_id = %(id)s
"""


def test_another_creditors_report_moved_in_is_refused(world: World, desk: Service, signal: str) -> None:
    power, delivery = world.rows("SELECT report_id, delivery_id FROM signals.report WHERE creditor_id = 'power'")[0]
    with altered(world, "signals.sealed_report", MOVE, id=mine(world), other=power):
        refused(world, desk, signal, AlteredReport, "")
        statement = "UPDATE signals.report SET delivery_id = %(delivery)s WHERE report_id = %(id)s"
        with altered(world, "signals.report", statement, id=mine(world), delivery=delivery):
            refused(world, desk, signal, NotSigned, "expected key")


def test_a_neighbours_report_of_the_same_creditor_moved_in_is_refused(world: World, desk: Service, signal: str) -> None:
    """Signed by the same creditor in the same delivery, with the same amount: only the report's id tells."""
    other = mine(world, contract=NEIGHBOUR)
    with altered(world, "signals.sealed_report", MOVE, id=mine(world), other=other):
        refused(world, desk, signal, AlteredReport, "not what the creditor signed")


def test_details_of_a_neighbour_under_the_same_clear_text_are_refused(world: World, desk: Service, signal: str) -> None:
    statement = MOVE.replace(SEALED, "wrapped_key, contact")
    with altered(world, "signals.sealed_report", statement, id=mine(world), other=mine(world, contract=NEIGHBOUR)):
        refused(world, desk, signal, AlteredReport, "not in the delivery")


def test_the_same_contracts_report_to_another_pilot_is_refused(world: World, desk: Service, signal: str) -> None:
    foreign = mine(world, "bland")
    delivery = """
        UPDATE intake.delivery t SET (manifest, key_envelope) = (
            SELECT manifest, key_envelope FROM intake.delivery WHERE pilot_id = 'bland' AND creditor_id = 'housing')
        WHERE t.pilot_id = 'aland' AND t.creditor_id = 'housing'
    """
    with (
        altered(world, "signals.sealed_report", MOVE, id=mine(world), other=foreign),
        altered(world, "intake.delivery", delivery),
    ):
        refused(world, desk, signal, AlteredReport, "not what the creditor signed")


def test_another_desks_key_opens_nothing(world: World, desk: Service, signal: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.keep("recipient.key", world.home("town-b").secret("recipient.key"))
    reports = [report for _row, report in show(home, desk, world.documents["aland"], signal).reports]
    assert [getattr(report, "code", "open") for report in reports] == ["not-for-this-key"] * 2


@pytest.mark.parametrize(
    "changes", [{"amount_cents": 1}, {"amount_cents": "34550"}, {"amount_cents": 34_600}], ids=["less", "text", "more"]
)
def test_a_sealed_amount_that_is_not_the_one_in_clear_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """A creditor's own doing: what the desk shows must be what the rules went by."""
    real = Envelope.seal

    def cheating(self: Envelope, details: bytes, reference: str, sent: bytes) -> SealedReport:
        return real(self, compact(json.loads(details) | changes), reference, sent)

    monkeypatch.setattr(Envelope, "seal", cheating)
    contract = f"h-{changes['amount_cents']!r}"
    row = make_row(contract, "Smit", house_number="7", phone="", category=Category.HEALTH_INSURANCE)
    world.push("health", "aland", [row])
    signals = world.signals("aland")
    (its,) = [signal for signal in signals if signal["categories"] == ["health_insurance"]]
    with world.desk("aland", "offer-help") as service:
        found = opened(world, service, its["signalId"])
    assert "sealed details are not those" in str(found.reports[-1][1])
