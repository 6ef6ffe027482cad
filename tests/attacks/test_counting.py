"""Reading by counting: what pages, cursors, limits, filters and the time of an answer tell of another pilot."""

import base64
import itertools
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from signals.pilot import Role
from tests.conftest import Database
from tests.held import ACTOR, PROOF, callers
from tests.world import World, make_row, small_world

DAYS = ("0001-01-01", "9999-12-31")
PILOTS = {"aland": 5, "bland": 8}  # and so many signals


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot, many in PILOTS.items():
            rows = [
                make_row(f"c{n}", f"N{n}", house_number=str(n), phone="", initials="QRSTUVWX"[n], months=n + 1)
                for n in range(many)
            ]
            world.push("housing", pilot, rows)
        yield world


@pytest.fixture(scope="module")
def desks(world: World) -> Iterator[dict[str, httpx.Client]]:
    with callers(world, "aland", "housing") as aland, callers(world, "bland", "housing") as bland:
        yield {"aland": aland[Role.DEBT_HELP], "bland": bland[Role.DEBT_HELP], "officer": aland[Role.PRIVACY_OFFICER]}


def page(desk: httpx.Client, pilot: str, **search: Any) -> dict[str, Any]:
    headers = {"Vroegsein-Purpose": "worklist", "Vroegsein-Actor": ACTOR, **PROOF}
    answer = desk.post("/signals/_search", json={"pilotId": pilot, **search}, headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pages(desk: httpx.Client, pilot: str, limit: int) -> tuple[list[str], list[str]]:
    """The signals of all pages, and the cursors between them."""
    signals: list[str] = []
    cursors: list[str] = []
    cursor = None
    while True:
        found = page(desk, pilot, limit=limit, cursor=cursor)
        signals += [signal["signalId"] for signal in found["signals"]]
        cursor = found["next"]
        if cursor is None:
            return signals, cursors
        cursors.append(cursor)


def own(world: World, pilot: str) -> set[str]:
    return {row[0] for row in world.rows("SELECT signal_id::text FROM signals.signal WHERE pilot_id = %(p)s", p=pilot)}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 200])
def test_pages_of_any_size_count_to_the_own_signals(world: World, desks: dict[str, httpx.Client], limit: int) -> None:
    signals, _cursors = pages(desks["aland"], "aland", limit)
    assert sorted(signals) == sorted(own(world, "aland"))


def test_another_pilots_cursor_pages_through_the_own_signals(world: World, desks: dict[str, httpx.Client]) -> None:
    """A cursor is a place in an order, and no pass: the page behind it is one's own."""
    all_own, _ = pages(desks["aland"], "aland", 200)
    _, foreign = pages(desks["bland"], "bland", 1)
    assert len(foreign) == PILOTS["bland"]
    for cursor in foreign:
        signals = [signal["signalId"] for signal in page(desks["aland"], "aland", cursor=cursor)["signals"]]
        assert signals == all_own[len(all_own) - len(signals) :]


@pytest.mark.parametrize("place", list(itertools.product([True, False], DAYS, [0, 1_000_000], [0, -1])))
def test_a_made_up_cursor_shows_own_signals_only(
    world: World, desks: dict[str, httpx.Client], place: tuple[Any, ...]
) -> None:
    written = json.dumps([*place[:3], str(uuid.UUID(int=place[3] % 2**128))]).encode()
    found = page(desks["aland"], "aland", cursor=base64.urlsafe_b64encode(written).decode())
    assert {signal["signalId"] for signal in found["signals"]} <= own(world, "aland")


@pytest.mark.parametrize("cursor", ["", "e30=", "W10=", "bm8=", "x" * 400, "W3RydWUsMSwxLDFd", "bnVsbA=="])
def test_a_cursor_that_is_none_is_a_mistake_in_the_input(desks: dict[str, httpx.Client], cursor: str) -> None:
    headers = {"Vroegsein-Purpose": "worklist", "Vroegsein-Actor": ACTOR, **PROOF}
    body = {"pilotId": "aland", "cursor": cursor}
    answer = desks["aland"].post("/signals/_search", json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-input")


@pytest.mark.parametrize("limit", [0, -1, 201, 2**31, 2**63, "1 OR 1=1", 1.5, None])
def test_no_limit_gets_around_the_largest_page(desks: dict[str, httpx.Client], limit: Any) -> None:
    headers = {"Vroegsein-Purpose": "worklist", "Vroegsein-Actor": ACTOR, **PROOF}
    answer = desks["aland"].post("/signals/_search", json={"pilotId": "aland", "limit": limit}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-input")


def test_filters_that_fit_another_pilots_signals_find_none(world: World, desks: dict[str, httpx.Client]) -> None:
    """Signals of the other pilot that differ from all of one's own: their tray, month and rule find nothing here."""
    with world.database.as_superuser() as connection:
        connection.execute("UPDATE signals.signal SET tray = 'theirs', rules = '{their-rule}', period = '2026-09'"
                           " WHERE pilot_id = 'bland'")  # fmt: skip
    for search in ({"tray": "theirs"}, {"rule": "their-rule"}, {"period": "2026-09"}):
        assert page(desks["bland"], "bland", **search)["signals"]
        assert page(desks["aland"], "aland", **search) == page(desks["aland"], "aland", tray="nobodys")


def test_the_log_counts_the_own_events_only(world: World, desks: dict[str, httpx.Client]) -> None:
    for _ in range(5):
        page(desks["bland"], "bland")
    headers = {"Vroegsein-Purpose": "audit", "Vroegsein-Actor": ACTOR, **PROOF}
    found = desks["officer"].get("/access-events", params={"pilotId": "aland", "limit": 1000}, headers=headers).json()
    assert [event["leafIndex"] for event in found["events"]] == list(range(found["head"]["treeSize"]))
    assert {event["body"]["pilot"] for event in found["events"]} == {"aland"}
    behind = desks["officer"].get("/access-events", params={"pilotId": "aland", "after": 2**53}, headers=headers)
    assert behind.json()["events"] == []


def test_another_pilots_signal_is_missed_as_fast_as_nobodys(world: World, desks: dict[str, httpx.Client]) -> None:
    """By turns, so that whatever else this machine does meets both alike; the medians, with room for noise."""
    foreign = next(iter(own(world, "bland")))
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(60):
        theirs = turn % 2 == 0
        since = time.perf_counter()
        headers = {"Vroegsein-Purpose": "offer-help", "Vroegsein-Actor": ACTOR, **PROOF}
        signal = foreign if theirs else uuid.uuid4()
        answer = desks["aland"].get(f"/signals/{signal}", params={"pilotId": "aland"}, headers=headers)
        took[theirs].append(time.perf_counter() - since)
        assert answer.status_code == 404
    theirs_took, nobodys_took = statistics.median(took[True]), statistics.median(took[False])
    assert abs(theirs_took - nobodys_took) < 0.005 + 0.5 * nobodys_took
