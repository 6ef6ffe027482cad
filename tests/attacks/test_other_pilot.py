"""A municipality and a creditor of one pilot try every place of the API with what belongs to another pilot."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from privacy.checkpoints import Checkpoint
from privacy.signing import new_signing_key
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.held import (
    NOBODYS,
    activation,
    assertion,
    callers,
    facts_of,
    hand,
    open_delivery,
    purposed,
    stranger,
    values,
)
from tests.operations import NoValue, Operation, operations
from tests.world import World, make_row, small_world

Ids = dict[str, Any]
MINE, THEIRS = "aland", "bland"
CREDITOR = "health"  # takes part in the one pilot and not in the other
NAMED_BY_OTHERS = (
    "pilotId",
    "organisationId",
    "signalId",
    "deliveryId",
    "changeId",
    "objection",
    "report",
    "cursor",
    "doubtId",
    "caseId",
    "place",
    "backtestId",
    "proposalId",
)
MADE_UP = {"listId"}  # the caller's own: what it names is found within a pilot alone
BELONG = (*NAMED_BY_OTHERS, "leafHash", "checkpoint", "document", "manifest", "keyEnvelope", "client_assertion")

each_operation = pytest.mark.parametrize("operation", operations(), ids=str)


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in (MINE, THEIRS):
            row = make_row(pilot, phone="", house_number="3")
            world.push("housing", pilot, [row])
            world.consent(pilot, row.contacts[0])
            world.object(pilot, make_row("objects", "Objector", house_number="77", phone="").contacts[0])
        care = make_row("care", "Bakker", phone="", house_number="5", category=Category.HEALTH_INSURANCE)
        world.push(CREDITOR, MINE, [care])  # its receipt is in the log
        yield world


@pytest.fixture(scope="module")
def held(world: World) -> tuple[Ids, Ids]:
    """What the attackers hold, and what those of the other pilot hold."""
    others = values(world, THEIRS, "housing", Role.DEBT_HELP)
    with world.database.as_superuser() as connection:
        for table in ("agreement", "key_envelope"):
            connection.execute(f"DELETE FROM registry.{table} WHERE pilot_id = 'bland' AND organisation_id = 'health'")
    others |= {"organisationId": "town-b", "client_assertion": "e30.e30.e30"}
    return values(world, MINE, CREDITOR, Role.DEBT_HELP), others


@pytest.fixture(scope="module")
def nobodys(held: tuple[Ids, Ids]) -> Ids:
    """What nobody holds, in the same form: beside the other pilot's signal for a place in the worklist."""
    place = json.loads(base64.urlsafe_b64decode(held[1]["cursor"]))
    place[3] = str(uuid.UUID(int=uuid.UUID(place[3]).int + 1))
    head, _payload, signature = held[1]["document"].split(".")
    return {
        **NOBODYS,
        "cursor": base64.urlsafe_b64encode(json.dumps(place).encode()).decode(),
        "place": base64.urlsafe_b64encode(json.dumps([None, NOBODYS["caseId"]]).encode()).decode(),
        "document": f"{head}.e30.{signature}",
        "manifest": f"{head}.e30.{signature}",
        "leafHash": "00" * 32,
        "checkpoint": Checkpoint("nowhere", 1, bytes(32)).signed(new_signing_key()),
        "keyEnvelope": base64.b64encode(bytes(60)).decode(),
        "client_assertion": "e31.e30.e30",
    }


@pytest.fixture(scope="module")
def attackers(world: World, held: tuple[Ids, Ids]) -> Iterator[dict[Role, httpx.Client]]:
    with callers(world, MINE, CREDITOR) as clients:
        yield clients


@pytest.fixture(scope="module")
def without(world: World) -> Iterator[httpx.Client]:
    with stranger(world) as client:
        yield client


@pytest.fixture(scope="module")
def secrets(world: World, held: tuple[Ids, Ids]) -> set[str]:
    """What stands in rows of the other pilot and in none of the attackers' own."""
    return facts_of(world, THEIRS) - facts_of(world, MINE)


@each_operation
def test_in_the_own_pilot_the_same_request_succeeds(
    operation: Operation,
    world: World,
    held: tuple[Ids, Ids],
    attackers: dict[Role, httpx.Client],
    without: httpx.Client,
) -> None:
    """Otherwise the refusals below would show nothing."""
    role = operation.roles[0] if operation.wants_token else Role.DEBT_HELP
    mine = {**purposed(held[0], role, operation), "client_assertion": assertion(world, "town-a", "auth-debt-help.jwk")}
    if operation.path.endswith("/completion"):  # what the others try below stays open
        mine |= open_delivery(world, CREDITOR, MINE, [make_row("whole", "Whole", house_number="11", phone="")])
    if operation.path == "/rule-set-activations":
        mine |= activation(world, MINE)
    answer = hand(operation, attackers, without).request(**operation.request(mine))
    assert answer.is_success, answer.text


@each_operation
def test_what_another_pilot_holds_looks_like_what_nobody_holds(
    operation: Operation,
    held: tuple[Ids, Ids],
    nobodys: Ids,
    secrets: set[str],
    attackers: dict[Role, httpx.Client],
    without: httpx.Client,
) -> None:
    mine, theirs = held
    belonging = [name for name in operation.names() if name in BELONG]
    swaps = [(name,) for name in belonging] + [tuple(belonging)] + [tuple(n for n in belonging if n != "pilotId")]
    for role, client in attackers.items() if operation.wants_token else [(Role.DEBT_HELP, without)]:
        for names in filter(None, dict.fromkeys(swaps)):
            own = purposed(mine, role, operation)
            answers = [
                client.request(**operation.request(own | {name: other[name] for name in names}))
                for other in (theirs, nobodys)
            ]
            said, expected = ((answer.status_code, without_instance(answer)) for answer in answers)
            assert said == expected, (role, names)
            assert not [secret for secret in secrets if secret in answers[0].text], (role, names)
            refused = answers[0].headers["content-type"] == "application/problem+json"
            assert refused or names in {("cursor",), ("objection",), ("report",)} or not any(said[1].values()), (
                role,
                names,
            )


def without_instance(answer: httpx.Response) -> dict[str, Any]:
    """The answer's body, but for the name of this very occurrence."""
    return {name: value for name, value in answer.json().items() if name not in {"instance", "changeId"}}


def test_every_id_of_the_api_is_tried() -> None:
    """A place that ends in Id and is not tried above fails here, with its name."""
    named = {
        name for operation in operations() for name in operation.names() if name.endswith("Id") or name == "cursor"
    }
    left = named - MADE_UP - set(NAMED_BY_OTHERS)
    assert not left, f"add to NAMED_BY_OTHERS, and to tests/held.py: {left}"


def test_a_place_without_a_value_fails_with_what_to_add(held: tuple[Ids, Ids]) -> None:
    search = next(operation for operation in operations() if operation.path == "/signals/_search")
    with pytest.raises(NoValue, match=r"POST /signals/_search has a place 'cursor' .* add one to tests/held.py"):
        search.request({name: value for name, value in held[0].items() if name != "cursor"})
    consent = next(operation for operation in operations() if operation.path == "/consents")
    with pytest.raises(NoValue, match=r"add .*keys/weak/0/birth"):
        consent.request({**held[0], "keys": {**held[0]["keys"], "weak": [{"key": "ab" * 16}]}})
