"""A delivery that corrects an earlier one leaves persons and households as if it had been delivered so at once."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from tests.world import World, make_row, small_world

UNDATED: dict[str, Any] = {"phone": "", "birth_date": None}
OLDER: dict[str, Any] = {"phone": "", "birth_date": date(1950, 5, 5)}
YOUNGER: dict[str, Any] = {"phone": "", "birth_date": date(1990, 9, 9)}
ELSEWHERE: dict[str, Any] = {"phone": "", "birth_date": date(1990, 9, 9), "house_number": "77", "surname": "Zwart"}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    with small_world(database, tmp_path) as world:
        yield world


def together(world: World, pilot: str) -> set[frozenset[str]]:
    """Which contracts are one person's, by the amounts that tell them apart."""
    rows = world.rows(
        "SELECT array_agg(amount_euros::text) FROM signals.report WHERE pilot_id = %(p)s GROUP BY person_id", p=pilot
    )
    return {frozenset(row[0]) for row in rows}


def test_who_was_kept_apart_by_what_was_corrected_is_linked_afresh(world: World) -> None:
    """The undated report could be either of two of one name and address; then one of them turns out to be another."""
    undated = make_row("u", amount_cents=10_000, **UNDATED)
    older = make_row("o", amount_cents=20_000, **OLDER)
    world.push("housing", "aland", [undated, older, make_row("y", amount_cents=30_000, **YOUNGER)])
    assert together(world, "aland") == {frozenset({"100"}), frozenset({"200"}), frozenset({"300"})}
    corrected = make_row("y", amount_cents=30_000, **ELSEWHERE)
    world.push("housing", "aland", [corrected])
    world.push("housing", "bland", [undated, older, corrected])
    assert together(world, "aland") == together(world, "bland") == {frozenset({"100", "200"}), frozenset({"300"})}
