"""One creditor against another, in the same pilot and with real tokens: replays, another's delivery, another's name."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from client.desk_work import show
from client.trust import join
from privacy import hybrid
from privacy.errors import PrivacyError
from privacy.sealing import AlteredReport, Envelope
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.held import NOBODYS, callers, digest, manifest, open_delivery, values
from tests.operations import Operation, operations
from tests.world import CREDITORS, World, make_row, small_world

Held = dict[str, Any]
VICTIM, ATTACKER = "housing", "power"
OF_A_DELIVERY = [operation for operation in operations() if "deliveryId" in operation.names()]


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        row = make_row("c1", phone="", house_number="3")
        world.push(VICTIM, "aland", [row])
        world.consent("aland", row.contacts[0])
        yield world


@pytest.fixture(scope="module")
def victims(world: World) -> Held:
    return values(world, "aland", VICTIM, Role.CREDITOR)


@pytest.fixture(scope="module")
def mine(world: World) -> Held:
    return values(world, "aland", ATTACKER, Role.CREDITOR)


@pytest.fixture(scope="module")
def attacker(world: World) -> Iterator[httpx.Client]:
    with callers(world, "aland", ATTACKER) as clients:
        yield clients[Role.CREDITOR]


@pytest.fixture(scope="module")
def victim(world: World) -> Iterator[httpx.Client]:
    with callers(world, "aland", VICTIM) as clients:
        yield clients[Role.CREDITOR]


def rule(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("rule", "")


def named(name: str) -> Operation:
    return next(operation for operation in operations() if operation.raw["operationId"] == name)


def of_delivery(world: World, delivery: str) -> list[Any]:
    """All that stands of a delivery."""
    return [
        world.rows(f"SELECT t::text FROM intake.{table} t WHERE delivery_id = %(d)s ORDER BY 1", d=delivery)
        for table in ("delivery", "part", "refused_row", "staged_report")
    ]


@pytest.mark.parametrize("operation", OF_A_DELIVERY, ids=str)
@pytest.mark.parametrize("whose", ["the victim's contents", "the attacker's contents"])
def test_another_creditors_delivery_looks_like_none_and_stays_as_it_is(
    operation: Operation, world: World, victims: Held, mine: Held, attacker: httpx.Client, whose: str
) -> None:
    before = of_delivery(world, victims["deliveryId"])
    sent = victims if whose == "the victim's contents" else mine
    answers = [
        attacker.request(**operation.request({**sent, "deliveryId": delivery, "number": number}))
        for delivery in (victims["deliveryId"], NOBODYS["deliveryId"])
        for number in (1, 2)
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[-1].text)}
    assert answers[0].json()["type"] == "/problems/delivery-unknown"
    assert of_delivery(world, victims["deliveryId"]) == before


def test_the_same_contents_by_another_are_no_repeat(world: World, victims: Held, attacker: httpx.Client) -> None:
    """Or a creditor could find out what another delivered: by its hash, and by the count behind it."""
    said = {**victims, "category": CREDITORS[ATTACKER].value, "expectedCount": 9}
    answer = attacker.request(**named("openDelivery").request(said))
    assert (answer.status_code, answer.json()["new"]) == (201, True)


def test_another_creditors_name_and_category_are_refused(victims: Held, attacker: httpx.Client) -> None:
    assert rule(attacker.request(**named("openDelivery").request(victims))) == (409, "category-not-agreed")


def test_a_signed_manifest_completes_its_own_delivery_only(world: World, victims: Held, victim: httpx.Client) -> None:
    """Replayed by its creditor, or by who has its token: into another delivery of it, in this and in another pilot."""
    complete = named("completeDelivery")
    for pilot in ("aland", "bland"):
        other = open_delivery(world, VICTIM, pilot, [make_row("other", phone="")])
        replayed = {name: victims[name] for name in ("manifest", "keyEnvelope")}
        answer = victim.request(**complete.request({**other, "pilotId": pilot, **replayed}))
        assert rule(answer) == (409, "manifest-of-another")
        answer = victim.request(**complete.request({**other, "pilotId": pilot, "keyEnvelope": victims["keyEnvelope"]}))
        assert rule(answer) == (409, "manifest-other-envelope")


def test_another_creditors_manifest_completes_nothing(victims: Held, mine: Held, attacker: httpx.Client) -> None:
    replayed = {name: victims[name] for name in ("manifest", "keyEnvelope")}
    answer = attacker.request(**named("completeDelivery").request({**mine, "pilotId": "aland", **replayed}))
    assert rule(answer) == (409, "manifest-not-signed")


def test_a_part_that_was_altered_after_signing_is_not_completed(world: World, victim: httpx.Client) -> None:
    """By who has the creditor's token and not its signing key."""
    own = {**open_delivery(world, VICTIM, "aland", [make_row("altered", phone="")]), "pilotId": "aland"}
    line = json.loads(own["lines"])
    line["report"]["amountEuros"] += 1
    lines = json.dumps(line).encode()
    altered = {**own, "lines": lines, "Content-Digest": digest(lines)}
    assert victim.request(**named("putPart").request(altered)).json()["accepted"] == 1
    assert rule(victim.request(**named("completeDelivery").request(own))) == (409, "manifest-other-parts")


@pytest.mark.parametrize(("envelope", "error"), [("its own", AlteredReport), ("the victim's", hybrid.NotForThisKey)])
def test_lines_of_another_creditor_delivered_as_ones_own_do_not_open(
    world: World, attacker: httpx.Client, envelope: str, error: type[PrivacyError]
) -> None:
    """The service can't tell: they are signed by who delivers them. The desk can, and refuses them by name."""
    row = make_row(f"stolen {envelope}", "Bakker", phone="", house_number=str(len(envelope)), initials=envelope[4])
    stolen = open_delivery(world, VICTIM, "aland", [row])
    hashed = hashlib.sha256(stolen["lines"]).hexdigest()
    with world.creditor(ATTACKER) as service:
        joined = join(world.home(ATTACKER), service, "aland")
    key = Envelope.new("aland", ATTACKER, joined.document.recipient_key)
    own = key.sealed_to(joined.recipients, hashed)
    sealed = own if envelope == "its own" else base64.b64decode(stolen["keyEnvelope"])
    said = {**stolen, "pilotId": "aland", "category": "energy", "period": "2026-10", "contentHash": hashed}
    said["deliveryId"] = attacker.request(**named("openDelivery").request(said)).json()["deliveryId"]
    part = attacker.request(**named("putPart").request(said)).json()
    said["manifest"] = manifest(world, ATTACKER, "aland", Category.ENERGY, hashed, sealed, [part], key.check())
    said["keyEnvelope"] = base64.b64encode(sealed).decode()
    answer = attacker.request(**named("completeDelivery").request(said))
    assert answer.status_code == 202, answer.text
    while attacker.request(**named("readDelivery").request(said)).json()["state"] != "completed":
        pass
    signals = world.rows(
        "SELECT s.signal_id::text FROM signals.signal s JOIN signals.report r USING (pilot_id, household_id)"
        " WHERE r.delivery_id = %(d)s",
        d=said["deliveryId"],
    )
    with world.desk("aland", "offer-help") as service:
        ((_row, found),) = show(world.home("town-a"), service, world.documents["aland"], signals[0][0]).reports
    assert isinstance(found, error)
