"""Nobody ends another's reports: not by its contract number, its reference, its pilot, or straight in the database."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import psycopg
import pytest

from signals.consents import Ending
from signals.pilot import Role
from tests.conftest import Database
from tests.held import callers
from tests.world import World, make_row, small_world

ENDINGS: tuple[Ending, ...] = ("settled", "withdrawn", "open")


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in ("aland", "bland"):
            world.push("housing", pilot, [make_row("c1", phone="", house_number="3")])
        yield world


@pytest.fixture(scope="module")
def attacker(world: World) -> Iterator[httpx.Client]:
    with callers(world, "aland", "power") as clients:
        yield clients[Role.CREDITOR]


def standing(world: World) -> list[Any]:
    return world.rows("SELECT pilot_id, state, settled_on, household_id FROM signals.report ORDER BY report_id")


@pytest.fixture(autouse=True)
def unchanged(world: World) -> Iterator[None]:
    """Whatever a test tries, the victim's reports stay as they are."""
    before = standing(world)
    yield
    assert standing(world) == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_another_creditors_contract_number_ends_nothing(world: World, ending: Ending) -> None:
    world.end("power", "aland", ending, date(2026, 11, 1), "c1")


@pytest.mark.parametrize("ending", ENDINGS)
def test_another_creditors_very_reference_ends_nothing_and_is_answered_as_any(
    world: World, attacker: httpx.Client, ending: Ending
) -> None:
    ((stolen,),) = world.rows("SELECT replace(reference::text, '-', '') FROM signals.report WHERE pilot_id = 'aland'")
    answers = []
    for reference in (stolen, "ab" * 16):
        body = {"kind": "contract-endings", "ending": ending, "endedOn": "2026-11-01", "references": [reference]}
        answer = attacker.post("/contract-endings", params={"pilotId": "aland"}, json=body)
        answers.append((answer.status_code, answer.json() | {"changeId": ""}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 201


@pytest.mark.parametrize("pilot", ["nowhere", "bland"])
def test_without_an_agreement_nothing_is_taken_and_an_unknown_pilot_looks_the_same(
    world: World, attacker: httpx.Client, pilot: str
) -> None:
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM registry.agreement WHERE pilot_id = 'bland' AND organisation_id = 'power'")
    body = {"kind": "contract-endings", "ending": "settled", "endedOn": "2026-11-01", "references": ["ab" * 16]}
    answer = attacker.post("/contract-endings", params={"pilotId": pilot}, json=body)
    assert (answer.status_code, answer.json()["rule"]) == (409, "no-agreement")
    assert attacker.get("/contract-endings", params={"pilotId": pilot}).json()["rule"] == "no-agreement"
    assert world.rows("SELECT count(*) FROM intake.ending WHERE pilot_id = %(p)s", p=pilot) == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        (
            "INSERT INTO intake.ending VALUES"
            " ('aland', gen_random_uuid(), 'housing', gen_random_uuid(), 'withdrawn', '2026-11-01')"
        ),
        "DELETE FROM intake.ending",
        "SELECT reference FROM intake.ending",
        "SELECT report_id FROM intake.warned_row",
        "UPDATE signals.report SET settled_on = '2026-11-01'",
        (
            "INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body, creditor_id)"
            " VALUES ('aland', gen_random_uuid(), 'contract-endings', '{}', 'housing')"
        ),
    ],
)
def test_who_takes_deliveries_in_writes_no_ending_but_what_its_creditor_leaves(world: World, statement: str) -> None:
    with world.database.connect("vroegsein_ingest") as ingest:
        ingest.execute("SELECT registry.enter_creditor('power')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), ingest.transaction():
            ingest.execute(statement.encode())


def test_who_takes_deliveries_in_counts_the_endings_of_its_creditor_alone(world: World) -> None:
    world.end("power", "aland", "settled", date(2026, 11, 1), "mine")
    world.end("housing", "aland", "settled", date(2026, 1, 1), "long ago")
    with world.database.connect("vroegsein_ingest") as ingest:
        assert ingest.execute("SELECT 1 FROM intake.ending").fetchall() == []
        ingest.execute("SELECT registry.enter_creditor('housing')")
        assert set(ingest.execute("SELECT creditor_id FROM intake.ending").fetchall()) == {("housing",)}
