"""Real tokens without the right to it: an ended pilot or agreement, another role, no purpose or too low a one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from client.oauth import LoginRefused, ServiceLogin
from signals.pilot import Role
from tests.conftest import Database
from tests.held import ACTOR, PROOF, callers, purposed, values
from tests.operations import Operation, operations
from tests.world import World, make_row, small_world

Clients = dict[Role, httpx.Client]
PILOT, CREDITOR = "aland", "housing"
WITH_TOKEN = [operation for operation in operations() if operation.wants_token]
WITH_PURPOSE = [operation for operation in operations() if "Vroegsein-Purpose" in operation.names()]

# What goes on when a pilot or an agreement has ended, because it shows nothing of a resident; nothing else may. When a
# pilot is over, its privacy officer still reads its log.
OF_THE_LOG = {"readNewestCheckpoint", "readInclusionProof", "readConsistencyProof"}  # hashes
OF_THE_DESK = {"readPilot", "readNewestDocument", "putDocument", "putKeyEnvelope", "readBasisChange", "putCosignature"}
OF_THE_DESK |= {"listMonthlyTables"}  # no small number is in them
OF_THE_DESK |= {"readBacktest", "listRuleSetProposals"}  # whether one was worked off; who proposed which rules
OF_THE_DESK |= {"listCreditors"}  # who delivered when
OF_THE_DESK |= {"readRuleSet"}  # the rules, nobody whom they are about
OF_THE_CREDITOR = {"readNewestDocument", "readKeyEnvelopes", "listDeliveries", "readDelivery", "passOnObjection"}
OF_THE_CREDITOR |= {"listFeedback", "listNotices"}  # what it was told, and whether its webhook heard of it
OF_THE_CREDITOR |= {"endContracts", "countEndings"}  # what it said before may turn out to be wrong or be paid


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        row = make_row("c1", phone="", house_number="3")
        world.push(CREDITOR, PILOT, [row])
        world.consent(PILOT, row.contacts[0])
        yield world


@pytest.fixture(scope="module")
def held(world: World) -> dict[str, Any]:
    return values(world, PILOT, CREDITOR, Role.DEBT_HELP)


@pytest.fixture(scope="module")
def clients(world: World) -> Iterator[Clients]:
    with callers(world, PILOT, CREDITOR) as clients:
        yield clients


@contextmanager
def changed(world: World, change: str, undo: str) -> Iterator[None]:
    with world.database.as_superuser() as connection:
        assert connection.execute(change).rowcount == 1
        try:
            yield
        finally:
            connection.execute(undo)


def succeeded(held: dict[str, Any], clients: Clients, *roles: Role) -> set[str]:
    """Which operations of these roles still do something, asked with all that is right but for the attacked thing."""
    found = set()
    for operation in WITH_TOKEN:
        for role in set(operation.roles) & set(roles):
            # Other bytes: the same part once more changes nothing and is answered as before.
            answer = clients[role].request(**operation.request(purposed(held, role, operation) | {"number": 2}))
            assert answer.is_success or answer.status_code in (403, 404, 409), answer.text
            if answer.is_success:
                found.add(operation.raw["operationId"])
    return found


@pytest.mark.parametrize("dates", ["ends = '2026-11-01'", "starts = '2027-11-01'"], ids=["ended", "not begun"])
def test_in_a_pilot_that_does_not_run_nothing_of_a_resident_is_read_or_written(
    world: World, held: dict[str, Any], clients: Clients, dates: str
) -> None:
    name, _, day = dates.partition(" = ")
    change = f"""
        UPDATE registry.pilot SET {dates}, document = jsonb_set(document, '{{{name}}}', to_jsonb({day}::text))
        WHERE pilot_id = '{PILOT}'
    """
    undo = f"""
        UPDATE registry.pilot SET starts = '2026-01-01', ends = '2027-12-31',
            document = document || '{{"starts": "2026-01-01", "ends": "2027-12-31"}}' WHERE pilot_id = '{PILOT}'
    """
    goes_on = OF_THE_DESK | OF_THE_CREDITOR | OF_THE_LOG | ({"listAccessEvents"} if name == "ends" else set())
    with changed(world, change, undo):
        assert succeeded(held, clients, *clients) <= goes_on


@pytest.mark.parametrize("how", ["ended", "removed"])
def test_a_creditor_whose_agreement_stopped_delivers_nothing_more(
    world: World, held: dict[str, Any], clients: Clients, how: str
) -> None:
    """Also not into a delivery that it opened while the agreement ran."""
    where = f"pilot_id = '{PILOT}' AND organisation_id = '{CREDITOR}'"
    (row,) = world.rows(f"SELECT to_jsonb(a)::text FROM registry.agreement a WHERE {where}")[0]
    change = {
        "ended": f"""
            UPDATE registry.agreement SET ends = '2026-11-01', document = document || '{{"ends": "2026-11-01"}}'
            WHERE {where}
        """,
        "removed": f"DELETE FROM registry.agreement WHERE {where}",
    }[how]
    undo = f"""
        INSERT INTO registry.agreement SELECT * FROM jsonb_populate_record(NULL::registry.agreement, '{row}')
        ON CONFLICT (pilot_id, organisation_id) DO UPDATE SET ends = excluded.ends, document = excluded.document
    """
    with changed(world, change, undo):
        assert succeeded(held, clients, Role.CREDITOR) <= OF_THE_CREDITOR | OF_THE_LOG
    state = world.rows("SELECT state FROM intake.delivery WHERE delivery_id = %(d)s", d=held["deliveryId"])
    assert state == [("open",)]


@pytest.mark.parametrize("operation", WITH_TOKEN, ids=str)
def test_a_token_of_another_role_gets_nowhere(operation: Operation, held: dict[str, Any], clients: Clients) -> None:
    for role, client in clients.items():
        if role not in operation.roles:
            answer = client.request(**operation.request(purposed(held, role, operation)))
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scope-missing")


@pytest.mark.parametrize("operation", WITH_TOKEN, ids=str)
def test_a_token_that_was_asked_for_something_else_gets_nowhere(
    operation: Operation, world: World, held: dict[str, Any]
) -> None:
    if operation.roles and Role.CREDITOR in operation.roles and operation.scopes:
        other = next(scope for scope in ("deliveries:read", "keys:read") if scope not in operation.scopes)
        login = ServiceLogin(world.url, CREDITOR, world.home(CREDITOR).jwk("auth.jwk"), other)
        with httpx.Client(base_url=f"{world.url}/v1", auth=login) as client:
            answer = client.request(**operation.request(held))
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scope-missing")


def test_a_role_gets_no_token_for_what_another_role_may(world: World) -> None:
    login = ServiceLogin(world.url, CREDITOR, world.home(CREDITOR).jwk("auth.jwk"), "signals:read deliveries:read")
    with (
        httpx.Client(base_url=f"{world.url}/v1", auth=login) as client,
        pytest.raises(LoginRefused, match="does not allow every scope"),
    ):
        client.get("/deliveries", params={"pilotId": PILOT})


@pytest.mark.parametrize("operation", WITH_PURPOSE, ids=str)
@pytest.mark.parametrize("name", ["Vroegsein-Purpose", "Vroegsein-Actor"])
def test_without_a_purpose_or_without_a_person_nothing_is_answered(
    operation: Operation, held: dict[str, Any], clients: Clients, name: str
) -> None:
    request = operation.request(purposed(held, operation.roles[0], operation))
    for headers in ({}, {name: ""}, {name: "Not A Name"}):
        kept = {key: value for key, value in request["headers"].items() if key != name}
        answer = clients[operation.roles[0]].request(**{**request, "headers": kept | headers})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-input")


@pytest.mark.parametrize("operation", WITH_PURPOSE, ids=str)
@pytest.mark.parametrize("purpose", ["never-heard-of", "of-another-role"])
def test_a_purpose_that_the_pilot_does_not_give_this_role_answers_nothing(
    operation: Operation, held: dict[str, Any], clients: Clients, purpose: str
) -> None:
    role = operation.roles[0]
    if purpose == "of-another-role":
        purpose = "worklist" if role is Role.PRIVACY_OFFICER else "audit"
    answer = clients[role].request(
        **operation.request(purposed(held, role, operation) | {"Vroegsein-Purpose": purpose})
    )
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/look-refused")


CASE = ("caseId", "caseStage", "caseWorker")
ABOVE: dict[
    str, tuple[set[str], int]
] = {  # by purpose: the members of a signal that it does not disclose, and whether it shows reports
    "count": ({"categories", "creditors", "ruleSet", "amountEuros", "months", "district", "explanation", *CASE}, 0),
    "sort": ({"ruleSet", "amountEuros", "months", "district", "explanation", *CASE}, 0),
    "worklist": (set(), 1),
    "offer-help": (set(), 1),
}


def looked(held: dict[str, Any], clients: Clients, purpose: str) -> tuple[httpx.Response, httpx.Response]:
    """One signal and the worklist, asked for a purpose."""
    headers = {"Vroegsein-Purpose": purpose, "Vroegsein-Actor": ACTOR, **PROOF}
    client = clients[Role.DEBT_HELP]
    one = client.get(f"/signals/{held['signalId']}", params={"pilotId": PILOT}, headers=headers)
    return one, client.post("/signals/_search", json={"pilotId": PILOT}, headers=headers)


@pytest.mark.parametrize("purpose", ABOVE)
def test_a_purpose_discloses_its_level_and_nothing_above(
    world: World, held: dict[str, Any], clients: Clients, purpose: str
) -> None:
    sealed = world.rows("SELECT encode(contact, 'base64'), sent FROM signals.sealed_report WHERE pilot_id = 'aland'")[0]
    one, page = looked(held, clients, purpose)
    hidden, reports = ABOVE[purpose]
    signal = one.json()["signal"]
    assert [signal] == page.json()["signals"]
    assert {name for name, value in signal.items() if value is None} == hidden
    assert len(one.json()["reports"]) == reports
    contact = purpose == "offer-help"
    assert all((report["sealed"] is not None) is contact for report in one.json()["reports"])
    for text in (sealed[0].replace("\n", ""), json.dumps(sealed[1])[1:-1]):
        assert (text in one.text) is contact
        assert text not in page.text


def test_a_purpose_that_discloses_nothing_shows_no_signal(held: dict[str, Any], clients: Clients) -> None:
    one, page = looked(held, clients, "record-basis")
    assert (one.status_code, one.json()["type"]) == (404, "/problems/not-in-scope")
    assert page.json() == {"signals": [], "next": None, "unkeyed": None}
