"""Taking in deliveries: repeatable in every step, nothing lost, nothing counted twice, nobody else's business."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from client.checking import SendableRow
from client.delivering import MANIFEST_SIGNED_AS
from client.preparing import Preparer
from client.service import Service, ServiceRefused
from client.trust import JoinedPilot, join
from privacy.sealing import Envelope
from privacy.signing import sign
from signals.report import Category, Manifest, PartSummary
from tests.conftest import Database
from tests.world import PERIOD, World, make_row, small_world


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        yield world


class Sender:
    """A creditor that sends by hand, step by step, so that a test can disturb any of them."""

    def __init__(self, world: World, rows: list[SendableRow], creditor: str = "housing", pilot: str = "aland") -> None:
        self.world, self.rows, self.creditor = world, rows, creditor
        self.service: Service = world.creditor(creditor)
        self.pilot: JoinedPilot = join(world.home(creditor), self.service, pilot)
        self.hash = hashlib.sha256(repr([row.reference for row in rows]).encode()).hexdigest()
        self.envelope = Envelope.new(pilot, creditor, self.pilot.document.recipient_key)
        self.where = ""

    def open(self, **changes: Any) -> dict[str, Any]:
        wanted = {
            "pilotId": self.pilot.id,
            "period": PERIOD,
            "category": Category.RENT.value,
            "expectedCount": len(self.rows),
            "contentHash": self.hash,
        }
        opened = self.service.post("/deliveries", wanted | changes)
        self.where = f"/deliveries/{opened['deliveryId']}"
        return opened

    def body(self, rows: list[SendableRow]) -> bytes:
        secret = self.world.home(self.creditor).secret("secret.key")
        preparer = Preparer(self.pilot, secret, self.envelope)
        return b"\n".join(preparer.prepare(row).as_line() for row in rows)

    def put(self, number: int, body: bytes) -> dict[str, Any]:
        return self.service.put_lines(f"{self.where}/parts/{number}", body, pilotId=self.pilot.id)

    def complete(self, parts: list[dict[str, Any]], /, **changes: Any) -> dict[str, Any]:
        sealed = self.envelope.sealed_to(self.pilot.recipients, self.hash)
        values: dict[str, Any] = {
            "category": Category.RENT,
            "content_hash": self.hash,
            "creditor": self.creditor,
            "delivery_key_check": self.envelope.check(),
            "key_envelope_sha256": hashlib.sha256(sealed).hexdigest(),
            "parts": tuple(PartSummary.model_validate({k: p[k] for k in PartSummary.model_fields}) for p in parts),
            "period": PERIOD,
            "pilot": self.pilot.id,
            "recipient_key": self.pilot.document.recipient_key,
        }
        key = changes.pop("key", self.world.home(self.creditor).jwk("signing.jwk"))
        manifest = Manifest(**values | changes).model_dump_json(by_alias=True).encode()
        body = {"keyEnvelope": base64.b64encode(sealed).decode(), "manifest": sign(manifest, key, MANIFEST_SIGNED_AS)}
        return self.service.put(f"{self.where}/completion", body, pilotId=self.pilot.id)

    def state(self) -> dict[str, Any]:
        while (state := self.service.get(self.where, pilotId=self.pilot.id))["state"] == "completing":
            pass
        return state


Sending = Callable[..., Sender]


@pytest.fixture
def sending(world: World) -> Iterator[Sending]:
    """Makes senders, and closes their connections at the end."""
    with ExitStack() as ending:

        def new(rows: list[SendableRow]) -> Sender:
            sender = Sender(world, rows)
            ending.enter_context(sender.service)
            return sender

        yield new


def rows(*references: str) -> list[SendableRow]:
    return [make_row(name, f"Van {name}", house_number=str(n + 1), phone="") for n, name in enumerate(references)]


def test_parts_arrive_in_any_order_and_twice(sending: Sending) -> None:
    sender = sending(rows("o1", "o2", "o3"))
    sender.open()
    second, first = sender.body(sender.rows[2:]), sender.body(sender.rows[:2])
    parts = [sender.put(2, second), sender.put(1, first), sender.put(2, second)]
    sender.complete([parts[1], parts[0]])
    state = sender.state()
    assert (state["accepted"], state["refused"], state["state"]) == (3, 0, "completed")
    assert state["receipt"].count(".") == 2


def test_the_same_number_with_other_bytes_replaces_the_part(sending: Sending) -> None:
    sender = sending(rows("p1", "p2"))
    sender.open()
    sender.put(1, sender.body(rows("p9", "p8", "p7")))
    part = sender.put(1, sender.body(sender.rows))
    sender.complete([part])
    assert sender.state()["accepted"] == 2


def test_opening_and_pushing_once_more_finds_the_same_delivery(world: World) -> None:
    again = [make_row("again", "Herhaald", house_number="77")]
    first, second = world.push("housing", "aland", again), world.push("housing", "aland", again)
    assert (first.was_there, second.was_there) == (False, True)
    assert (first.delivery, first.signed) == (second.delivery, second.signed)
    found = world.rows("SELECT count(*) FROM signals.report WHERE delivery_id = %(d)s", d=first.delivery)
    assert found == [(1,)]


def test_after_completion_no_part_changes_any_more(sending: Sending) -> None:
    sender = sending(rows("q1"))
    sender.open()
    body = sender.body(sender.rows)
    part = sender.put(1, body)
    sender.complete([part])
    sender.state()
    assert sender.put(1, body)["sha256"] == part["sha256"]  # the same bytes change nothing
    with pytest.raises(ServiceRefused) as refused:
        sender.put(1, sender.body(rows("q2")))
    assert (refused.value.status, refused.value.rule) == (409, "delivery-complete")


def test_a_bad_line_is_named_and_the_good_ones_are_taken(sending: Sending) -> None:
    sender = sending(rows("r1", "r2", "r3"))
    sender.open()
    good = sender.body(sender.rows).split(b"\n")
    twisted = json.loads(good[1])
    twisted["report"]["months"] = "veel"
    part = sender.put(1, b"\n".join([good[0], json.dumps(twisted).encode(), good[2]]))
    refusal = {"line": 2, "pointer": "/report/months", "code": "unreadable-line", "source": "docs/api.md"}
    assert part["refusals"] == [refusal]
    sender.complete([part])
    state = sender.state()
    assert (state["accepted"], state["refused"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"amount_cents": 100}, "below-threshold"),
        ({"kind": "hand_over"}, "kind-not-agreed"),
        ({"reported_on": "2026-09-30", "arrears_since": "2026-08-30"}, "not-in-period"),
    ],
    ids=["below the pilot's threshold", "kind that was not agreed", "outside the period"],
)
def test_a_line_that_breaks_a_rule_of_the_agreement_is_refused_with_its_name(
    sending: Sending, change: dict[str, Any], rule: str
) -> None:
    sender = sending(rows(f"s-{rule}"))
    sender.open()
    line = json.loads(sender.body(sender.rows))
    names = {
        "amount_cents": "amountEuros",
        "reported_on": "reportedOn",
        "arrears_since": "arrearsSince",
        "kind": "kind",
    }
    for name, value in change.items():
        line["report"][names[name]] = value // 100 if name == "amount_cents" else value
    assert [refusal["code"] for refusal in sender.put(1, json.dumps(line).encode())["refusals"]] == [rule]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"pilotId": "nowhere"}, "no-agreement"),
        ({"category": "energy"}, "category-not-agreed"),
        ({"category": "water"}, "category-not-agreed"),
        ({"period": "2027-03"}, "period-in-future"),
        ({"period": "2025-11"}, "period-outside-pilot"),
    ],
)
def test_the_agreement_gates_a_delivery(sending: Sending, change: dict[str, Any], rule: str) -> None:
    with pytest.raises(ServiceRefused) as refused:
        sending(rows("t1")).open(**change)
    assert (refused.value.status, refused.value.kind, refused.value.rule) == (409, "delivery-refused", rule)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"period": "2026-09"}, "manifest-of-another"),
        ({"creditor": "power"}, "manifest-of-another"),
        ({"key_envelope_sha256": "0" * 64}, "manifest-other-envelope"),
        ({"parts": ()}, "manifest-other-parts"),
    ],
)
def test_a_manifest_that_says_something_else_completes_nothing(
    sending: Sending, change: dict[str, Any], rule: str
) -> None:
    sender = sending(rows("u1"))
    sender.open()
    part = sender.put(1, sender.body(sender.rows))
    with pytest.raises(ServiceRefused) as refused:
        sender.complete([part], **change)
    assert refused.value.rule == rule
    assert sender.state()["state"] == "open"


def test_a_manifest_signed_by_somebody_else_completes_nothing(world: World, sending: Sending) -> None:
    sender = sending(rows("v1"))
    sender.open()
    part = sender.put(1, sender.body(sender.rows))
    with pytest.raises(ServiceRefused) as refused:
        sender.complete([part], key=world.home("power").jwk("signing.jwk"))
    assert refused.value.rule == "manifest-not-signed"


def test_a_delivery_with_parts_missing_is_not_completed(sending: Sending) -> None:
    sender = sending(rows("w1", "w2"))
    sender.open()
    part = sender.put(1, sender.body(sender.rows[:1]))
    with pytest.raises(ServiceRefused) as refused:
        sender.complete([part])
    assert refused.value.rule == "count-differs"


def test_another_creditor_sees_and_touches_nothing_of_it(world: World, sending: Sending) -> None:
    sender = sending(rows("x1"))
    opened = sender.open()
    with world.creditor("power") as other:
        with pytest.raises(ServiceRefused) as unread:
            other.get(f"/deliveries/{opened['deliveryId']}", pilotId="aland")
        with pytest.raises(ServiceRefused) as unwritten:
            other.put_lines(f"/deliveries/{opened['deliveryId']}/parts/1", b"{}", pilotId="aland")
        assert (unread.value.status, unwritten.value.status) == (404, 404)
        listed = other.get("/deliveries", pilotId="aland")["deliveries"]
    assert opened["deliveryId"] not in {delivery["deliveryId"] for delivery in listed}


def test_a_body_that_is_not_what_its_hash_says_is_refused(sending: Sending) -> None:
    sender = sending(rows("y1"))
    sender.open()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    headers = {"Content-Type": "application/x-ndjson", "Content-Digest": f"sha-256=:{wrong}:"}
    with pytest.raises(ServiceRefused) as refused:
        sender.service._call(
            "PUT", f"{sender.where}/parts/1", params={"pilotId": "aland"}, content=b"{}", headers=headers
        )
    assert refused.value.kind == "part-unreadable"


def test_the_ingest_login_reads_back_no_report(world: World) -> None:
    for statement in (
        "SELECT sent FROM intake.staged_report",
        "SELECT 1 FROM signals.report",
        "SELECT 1 FROM signals.sealed_report",
        "SELECT 1 FROM privacy.consent",
    ):
        with world.database.connect("vroegsein_ingest") as ingest, pytest.raises(Exception, match="permission denied"):
            ingest.execute(statement.encode())


def test_a_later_report_of_the_same_contract_is_an_update_in_either_order(database: Database, tmp_path: Path) -> None:

    september = make_row("z1", reported_on=date(2026, 9, 30), arrears_since=date(2026, 8, 30))
    with small_world(database, tmp_path) as world:
        world.push("housing", "aland", [make_row("z1", amount_cents=60_000)])
        world.push("housing", "aland", [september], "2026-09")
        kinds = dict(world.rows("SELECT period, kind FROM signals.report"))
    assert kinds == {"2026-09": "early", "2026-10": "update"}
