"""Promises 1 and 2, from where an attacker would stand: a raw session of the login that reads."""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app import looking
from app.db.sessions import Login
from app.gate import ENTER, Scope
from client.log_reading import read_log
from client.service import ServiceRefused
from signals.pilot import Role
from tests.conftest import Database
from tests.world import World, make_row, small_world

# By level: what the functions give of it.
SEEN = {
    "index": "SELECT count(*) FROM gate.signals()",
    "categories": "SELECT count(categories) FROM gate.signals()",
    "facts": "SELECT count(explanation) FROM gate.signals()",
    "reports": "SELECT count(*) FROM gate.reports()",
    "contact": "SELECT count(contact) FROM gate.reports()",
}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in ("aland", "bland"):
            rows = [
                make_row(f"c{n}", f"Naam{n}", house_number=str(n), phone=f"06123456{n:02}", initials="QRSTU"[n])
                for n in range(5)
            ]
            world.push("housing", pilot, rows)
        yield world


@pytest.fixture
def reader(world: World) -> Iterator[psycopg.Connection[Any]]:
    with world.database.connect("vroegsein_reader") as connection:
        yield connection


def opened(world: World, pilot: str, purpose: str = "offer-help", **asks: Any) -> uuid.UUID:
    """An access event as the service opens it, committed."""
    town = {"aland": "town-a", "bland": "town-b"}[pilot]
    with world.database.connect("vroegsein_opener") as connection:
        row = connection.execute(
            "SELECT event_id, refused FROM privacy.open_event(%s, %s, 'debt-help', 'abcd', %s, %s)",
            [pilot, town, purpose, psycopg.types.json.Jsonb(asks or {"ask": "worklist", "limit": 100})],
        ).fetchone()
    assert row is not None
    assert row[1] is None, row[1]
    event: uuid.UUID = row[0]
    return event


def enter(reader: psycopg.Connection[Any], pilot: str, event: uuid.UUID) -> None:
    reader.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])


def seen(reader: psycopg.Connection[Any]) -> dict[str, int]:
    """How much of each level the session sees."""
    return {level: reader.execute(query.encode()).fetchall()[0][0] for level, query in SEEN.items()}


NOTHING = dict.fromkeys(SEEN, 0)
PAGE = {"index": 5, "categories": 5, "facts": 5, "reports": 0, "contact": 0}


def a_signal(world: World, pilot: str) -> str:
    return str(world.rows("SELECT signal_id FROM signals.signal WHERE pilot_id = %(p)s LIMIT 1", p=pilot)[0][0])


def test_a_reader_without_an_event_sees_no_row(reader: psycopg.Connection[Any]) -> None:
    assert seen(reader) == NOTHING


def test_a_reader_with_a_committed_event_sees_its_pilot_and_no_other(
    world: World, reader: psycopg.Connection[Any]
) -> None:
    enter(reader, "aland", opened(world, "aland"))
    assert seen(reader) == PAGE
    shown = {row[0] for row in reader.execute("SELECT signal_id FROM gate.signals()").fetchall()}
    own = world.rows("SELECT signal_id FROM signals.signal WHERE pilot_id = 'aland'")
    assert shown == {row[0] for row in own}


def test_an_event_of_one_pilot_opens_no_other(world: World, reader: psycopg.Connection[Any]) -> None:
    enter(reader, "bland", opened(world, "aland"))
    assert seen(reader) == NOTHING


def test_an_event_for_one_signal_shows_one_household(world: World, reader: psycopg.Connection[Any]) -> None:
    signal = a_signal(world, "aland")
    enter(reader, "aland", opened(world, "aland", ask="signal", signal=signal))
    assert seen(reader) == dict.fromkeys(SEEN, 1)
    assert reader.execute("SELECT signal_id::text FROM gate.signals()").fetchall() == [(signal,)]


def test_a_page_shows_no_more_households_than_it_has(world: World, reader: psycopg.Connection[Any]) -> None:
    enter(reader, "aland", opened(world, "aland", ask="worklist", limit=2))
    assert seen(reader) == {name: min(count, 2) for name, count in PAGE.items()}


@pytest.mark.parametrize("moved", [1, 2])
def test_a_page_of_which_something_went_meanwhile_goes_on_where_its_event_named_it(world: World, moved: int) -> None:
    """A household that is another one since the event is missing from the page, and the pages behind it still come."""
    order = "ORDER BY NOT urgent, deadline, -priority, signal_id"
    all_of_it = world.rows(f"SELECT signal_id, household_id FROM signals.signal WHERE pilot_id = 'aland' {order}")
    event = opened(world, "aland", ask="worklist", limit=2)
    with world.database.as_superuser() as connection:
        for signal, _household in all_of_it[:moved]:
            connection.execute("UPDATE signals.signal SET household_id = signal_id WHERE signal_id = %s", [signal])
        try:
            with world.sessions.begin(Login.READER) as connected:
                connected.execute(ENTER, {"pilot": "aland", "event": event})
                page, place, _unkeyed = looking.worklist_page(Scope(connected, "aland", event))
        finally:
            for signal, household in all_of_it:
                connection.execute(
                    "UPDATE signals.signal SET household_id = %s WHERE signal_id = %s", [household, signal]
                )
    assert [row["signal_id"] for row in page] == [signal for signal, _household in all_of_it[moved:2]]
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
    with world.desk("aland") as service:
        rest = service.post("/signals/_search", {"pilotId": "aland", "limit": 3, "cursor": cursor})
        last = service.post("/signals/_search", {"pilotId": "aland", "limit": 4, "cursor": cursor})
    assert [signal["signalId"] for signal in rest["signals"]] == [str(signal) for signal, _ in all_of_it[2:]]
    assert (rest["next"] is None, last["next"] is None) == (False, True)


def test_an_event_that_was_rolled_back_opens_nothing(world: World, reader: psycopg.Connection[Any]) -> None:
    with world.database.connect("vroegsein_opener") as opener:
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', 'offer-help',"
            """ '{"ask": "worklist", "limit": 9}')"""
        ).fetchone()
        assert row is not None
        enter(reader, "aland", row[0])
        assert seen(reader) == NOTHING  # not yet committed
        opener.rollback()
    assert seen(reader) == NOTHING


def test_nothing_that_the_reader_does_with_savepoints_and_rollbacks_hides_the_event(
    world: World, reader: psycopg.Connection[Any]
) -> None:
    event = opened(world, "aland")
    reader.execute("SAVEPOINT s")
    enter(reader, "aland", event)
    assert seen(reader) == PAGE
    reader.execute("ROLLBACK TO SAVEPOINT s")
    assert seen(reader) == NOTHING
    reader.rollback()
    assert world.rows("SELECT 1 FROM privacy.event WHERE event_id = %(event)s", event=event) == [(1,)]


def test_the_reader_can_not_open_write_or_list_events(reader: psycopg.Connection[Any]) -> None:
    for statement in (
        "SELECT privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', 'offer-help', '{}')",
        "SELECT privacy.write_event('aland', gen_random_uuid(), 'access', '{}')",
        "INSERT INTO privacy.access_scope (pilot_id) VALUES ('aland')",
        "SELECT * FROM privacy.access_scope",
        "SELECT * FROM privacy.event",
        "SELECT * FROM signals.report_key",
        "SELECT reference FROM signals.report",
        "SET ROLE vroegsein_opener",
        "SET ROLE vroegsein_owner",
        "CREATE TEMPORARY TABLE kept (x int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
            reader.execute(statement)


def test_unknown_forged_and_malformed_events_open_nothing(reader: psycopg.Connection[Any]) -> None:
    enter(reader, "aland", uuid.uuid4())
    assert seen(reader) == NOTHING
    reader.execute("SELECT set_config('g.event', '', false), set_config('g.pilot', 'aland', false)")
    assert seen(reader) == NOTHING
    reader.execute("SELECT set_config('g.event', 'not-an-id', false)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        seen(reader)


def test_an_event_that_was_closed_opens_nothing_more(world: World, reader: psycopg.Connection[Any]) -> None:
    event = opened(world, "aland")
    with world.database.connect("vroegsein_opener") as opener:
        opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [event])
    enter(reader, "aland", event)
    assert seen(reader) == NOTHING


def test_an_event_is_good_for_a_few_seconds_only(world: World, reader: psycopg.Connection[Any]) -> None:
    event = opened(world, "aland")
    enter(reader, "aland", event)
    assert seen(reader) == PAGE
    time.sleep(5.1)
    assert seen(reader) == NOTHING


def test_the_opener_reads_no_signal(world: World) -> None:
    with world.database.connect("vroegsein_opener") as opener:
        for table in ("signal", "signal_categories", "signal_facts", "report", "sealed_report"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), opener.transaction():
                opener.execute(f"SELECT 1 FROM signals.{table}")
        for query in SEEN.values():
            with pytest.raises(psycopg.errors.InsufficientPrivilege), opener.transaction():
                opener.execute(query.encode())


def test_what_was_shown_is_in_the_log_before_the_answer(world: World) -> None:
    signals = world.signals("aland")
    bodies = [
        row[0]
        for row in world.rows(
            "SELECT body FROM privacy.event WHERE pilot_id = 'aland' AND kind IN ('access', 'shown')"
            " ORDER BY at DESC LIMIT 2"
        )
    ]
    shown, access = bodies
    assert shown["access"] == access["event"]
    assert sorted(shown["shown"]) == sorted(signal["signalId"] for signal in signals)
    assert {access["purpose"], access["role"], access["organisation"], access["level"]} == {
        *("worklist", "debt-help", "town-a", "facts")
    }
    assert sorted(access["households"]) == sorted(signal["householdId"] for signal in signals)


@pytest.mark.parametrize(
    ("role", "purpose", "pilot", "desk"),
    [
        (Role.DEBT_HELP, "worklist", "aland", "bland"),
        (Role.DEBT_HELP, "no-such-purpose", "aland", "aland"),
        (Role.DEBT_HELP, "audit", "aland", "aland"),
    ],
    ids=["another municipality", "unknown purpose", "purpose of another role"],
)
def test_a_look_without_the_right_to_it_is_refused_and_logged(
    world: World, role: Role, purpose: str, pilot: str, desk: str
) -> None:
    before = world.rows("SELECT count(*) FROM privacy.event WHERE pilot_id = %(p)s AND kind = 'refusal'", p=pilot)[0][0]
    with world.desk(desk, purpose, role) as service, pytest.raises(ServiceRefused) as refused:
        service.post("/signals/_search", {"pilotId": pilot})
    assert refused.value.status == 403
    after = world.rows("SELECT count(*) FROM privacy.event WHERE pilot_id = %(p)s AND kind = 'refusal'", p=pilot)[0][0]
    assert after == before + 1


def test_another_pilots_signal_looks_like_one_that_is_not_there(world: World) -> None:
    foreign = world.rows("SELECT signal_id FROM signals.signal WHERE pilot_id = 'bland' LIMIT 1")[0][0]
    with world.desk("aland", "offer-help") as service:
        for signal in (foreign, uuid.uuid4()):
            with pytest.raises(ServiceRefused) as refused:
                service.get(f"/signals/{signal}", pilotId="aland")
            assert (refused.value.status, refused.value.kind) == (404, "not-in-scope")


def test_a_pilot_that_ended_shows_nothing_but_its_log_to_the_privacy_officer(
    database: Database, tmp_path: Path
) -> None:
    with small_world(database, tmp_path) as world:
        world.push("housing", "aland", [make_row("c1")])
        with database.as_superuser() as connection:
            connection.execute("UPDATE registry.pilot SET ends = '2026-11-01' WHERE pilot_id = 'aland'")
        with pytest.raises(ServiceRefused) as refused:
            world.signals("aland")
        assert refused.value.status == 403
        with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
            log = read_log(world.home("town-a"), service, world.documents["aland"])
            assert {"delivery", "refusal"} <= {event["kind"] for event in log.events}
            with pytest.raises(ServiceRefused) as refused:
                service.post("/signals/_search", {"pilotId": "aland"})
            assert refused.value.status == 403
        with database.as_superuser() as connection:
            connection.execute("UPDATE registry.pilot SET starts = '2027-01-01', ends = '2027-12-31'")
        with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service, pytest.raises(ServiceRefused) as refused:
            service.get("/access-events", pilotId="aland")
        assert refused.value.problem["detail"] == "pilot-not-running"
