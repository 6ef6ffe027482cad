"""Disclosure levels: with an event of each, each function gives its columns, of the event's households alone."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

PURPOSE = {"none": "record-basis", "index": "count", "categories": "sort", "facts": "worklist", "contact": "offer-help"}
LEVELS = tuple(PURPOSE)
INDEX = {"signal_id", "household_id", "period", "tray", "rules", "urgent", "priority", "received_on", "deadline"}
CATEGORIES = INDEX | {"categories", "creditors"}
FACTS = CATEGORIES | {"rule_set", "amount_euros", "months", "district", "explanation"}
REPORT = {
    *("report_id", "creditor_id", "period", "kind", "category", "amount_euros", "months", "arrears_since"),
    *("since_derived", "reported_on", "social_collection", "urgent"),
}
SEALED = {"sent", "wrapped_key", "contact", "part", "proof", "manifest", "key_envelope"}
NOTHING: set[str] = set()
OF_SIGNAL = {"none": NOTHING, "index": INDEX, "categories": CATEGORIES, "facts": FACTS, "contact": FACTS}
OF_REPORT = {"none": NOTHING, "index": NOTHING, "categories": NOTHING, "facts": REPORT, "contact": REPORT | SEALED}
HOMES = 3  # households in each pilot, of two reports each


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            for creditor in ("housing", "health"):
                rows = [
                    make_row(f"{creditor}{n}", f"Naam{n}", house_number=str(n), phone="", initials="QRS"[n], months=2)
                    for n in range(HOMES)
                ]
                world.push(creditor, pilot, rows)
        yield world


def a_signal(world: World, pilot: str) -> tuple[str, str]:
    """A signal and its household."""
    found = world.rows("SELECT signal_id::text, household_id::text FROM signals.signal WHERE pilot_id = %(p)s", p=pilot)
    return min(found)[0], min(found)[1]


def look(world: World, pilot: str, level: str, asks: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What both functions give under an event of that level: rows without their empty columns."""
    with world.database.connect("vroegsein_opener") as opener:
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event(%s, %s, 'debt-help', 'abcd', %s, %s)",
            [pilot, PILOTS[pilot], PURPOSE[level], Jsonb(asks)],
        ).fetchone()
    assert row is not None
    found = {}
    with world.database.connect("vroegsein_reader") as reader:
        reader.row_factory = psycopg.rows.dict_row
        reader.execute("SELECT gate.enter_scope(%s, %s)", [pilot, row[0]])
        for function in ("signals", "reports"):
            rows = reader.execute(f"SELECT * FROM gate.{function}()".encode()).fetchall()
            found[function] = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return found


def columns(rows: list[dict[str, Any]]) -> set[str]:
    return {name for row in rows for name in row}


@pytest.mark.parametrize("level", LEVELS)
def test_one_signal_shows_its_levels_columns_of_its_household_alone(world: World, level: str) -> None:
    signal, household = a_signal(world, "aland")
    found = look(world, "aland", level, {"ask": "signal", "signal": signal})
    assert (columns(found["signals"]), columns(found["reports"])) == (OF_SIGNAL[level], OF_REPORT[level])
    assert [str(row["household_id"]) for row in found["signals"]] == [household] * bool(OF_SIGNAL[level])
    own = world.rows("SELECT report_id FROM signals.report WHERE household_id::text = %(h)s", h=household)
    assert len(own) == 2
    assert {row["report_id"] for row in found["reports"]} == ({row[0] for row in own} if OF_REPORT[level] else set())


@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("level", LEVELS)
def test_a_page_shows_its_levels_columns_of_its_households_alone(world: World, level: str, limit: int) -> None:
    """And no report of any: not even a purpose that discloses contact opens a page of them at once."""
    found = look(world, "aland", level, {"ask": "worklist", "limit": limit})
    assert columns(found["signals"]) == OF_SIGNAL[level]
    assert len(found["signals"]) == (min(limit, HOMES) if OF_SIGNAL[level] else 0)
    assert found["reports"] == []
    own = world.rows("SELECT household_id FROM signals.signal WHERE pilot_id = 'aland'")
    assert {row["household_id"] for row in found["signals"]} <= {row[0] for row in own}


@pytest.mark.parametrize("level", LEVELS)
def test_another_pilots_signal_shows_nothing_at_any_level(world: World, level: str) -> None:
    signal, _household = a_signal(world, "bland")
    assert look(world, "aland", level, {"ask": "signal", "signal": signal}) == {"signals": [], "reports": []}
    nobodys = {"ask": "signal", "signal": str(uuid.uuid4())}
    assert look(world, "aland", level, nobodys) == {"signals": [], "reports": []}


@pytest.mark.parametrize("level", LEVELS)
def test_what_asks_for_neither_shows_nothing_at_any_level(world: World, level: str) -> None:
    for ask in ("objections", "log-of-somebody", "everything", ""):
        assert look(world, "aland", level, {"ask": ask}) == {"signals": [], "reports": []}


def test_the_event_names_no_household_where_nothing_is_shown(world: World) -> None:
    look(world, "aland", "none", {"ask": "worklist", "limit": 50})
    named = world.rows("SELECT body -> 'households' FROM privacy.event WHERE body ->> 'purpose' = 'record-basis'")
    assert {str(row[0]) for row in named} == {"[]"}
