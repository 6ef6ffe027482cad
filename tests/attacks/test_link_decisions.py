"""Doubtful links from the wrong places: another desk, a lesser purpose, a creditor, invented ids, raw sessions."""

import time
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from client.service import ServiceRefused
from tests.attacks.test_raw_logins import refused, session
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

FUNCTIONS = ("link_doubts", "link_doubts_counted", "link_doubt_reports")
OPEN = "SELECT event_id, refused FROM privacy.open_link_event(%s, %s, %s, 'abcd', %s, %s)"
CHOICE = {"kind": "link-decision", "answer": "same", "why": "moved", "actor": "ab" * 8}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            world.push("housing", pilot, [make_row("h1", addition="A", months=2)])
            other = make_row("c1", addition="B", months=2, birth_date=date(1980, 2, 28), phone="")
            world.push("health", pilot, [other])
            doubts(world, pilot)
        yield world


def doubts(world: World, pilot: str) -> list[str]:
    """The ids of the pilot's doubts, once the linker has looked at everything."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with world.desk(pilot, "review-links") as service:
            found = service.get("/link-doubts", pilotId=pilot)
        if found["complete"]:
            assert found["doubts"]
            return [doubt["doubtId"] for doubt in found["doubts"]]
        time.sleep(0.1)
    raise AssertionError("the linker did not get through")


def reports(world: World, pilot: str) -> list[str]:
    found = world.rows("SELECT report_id::text FROM signals.report WHERE pilot_id = %(p)s ORDER BY 1", p=pilot)
    return [report for (report,) in found]


def opened(
    world: World, pilot: str = "aland", role: str = "debt-help", purpose: str = "review-links", **asks: Any
) -> Any:
    with session(world, "opener") as opener:
        town = PILOTS.get(pilot, "nobody")
        return opener.execute(OPEN, [pilot, town, role, purpose, Jsonb(asks)]).fetchone()


def shown(reader: psycopg.Connection[Any], pilot: str, event: object) -> dict[str, list[Any]]:
    with reader.transaction(force_rollback=True):
        reader.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        return {what: reader.execute(f"SELECT * FROM gate.{what}()".encode()).fetchall() for what in FUNCTIONS}


def test_another_municipalitys_desk_gets_at_no_doubt_and_decides_nothing(world: World) -> None:
    (theirs,) = doubts(world, "bland")
    one, other = reports(world, "bland")
    with world.desk("aland", "review-links") as service:
        for pilot in ("aland", "bland"):
            with pytest.raises(ServiceRefused):
                service.get(f"/link-doubts/{theirs}", pilotId=pilot)
            choice = {"answer": "same", "one": [one], "other": [other], "why": "moved"}
            with pytest.raises(ServiceRefused):
                service.post("/link-decisions", choice, pilotId=pilot)
    assert world.rows("SELECT FROM privacy.link_decision") == []


def test_reports_of_another_pilot_beside_ones_own_are_not_decided_about(world: World) -> None:
    (mine, _), (theirs, _) = (reports(world, pilot) for pilot in ("aland", "bland"))
    with world.desk("aland", "review-links") as service:
        choice = {"answer": "same", "one": [mine], "other": [theirs], "why": "moved"}
        assert service.post("/link-decisions", choice, pilotId="aland")["outcome"] == "no such report"
    assert world.rows("SELECT FROM privacy.link_decision") == []


@pytest.mark.parametrize("purpose", ["worklist", "count", "sort", "record-basis", "audit"])
def test_a_purpose_that_shows_less_opens_no_doubt_and_decides_nothing(world: World, purpose: str) -> None:
    role = "privacy-officer" if purpose == "audit" else "debt-help"
    for asks in (
        {"ask": "link-doubts"},
        {"ask": "link-doubt", "doubt": doubts(world, "aland")[0]},
        {"ask": "link-decision", "change": str(uuid.uuid4()), "reports": reports(world, "aland")},
    ):
        assert opened(world, role=role, purpose=purpose, **asks) == (None, "purpose-discloses-less")


def test_a_creditor_gets_at_no_doubt(world: World) -> None:
    (doubt,) = doubts(world, "aland")
    with world.creditor("housing") as service:
        for path in ("/link-doubts", f"/link-doubts/{doubt}"):
            with pytest.raises(ServiceRefused, match="scope"):
                service.get(path, pilotId="aland")


def test_an_invented_doubt_is_like_another_municipalitys(world: World) -> None:
    said = set()
    with world.desk("aland", "review-links") as service:
        for doubt in (str(uuid.UUID(int=9)), doubts(world, "bland")[0]):
            with pytest.raises(ServiceRefused) as error:
                service.get(f"/link-doubts/{doubt}", pilotId="aland")
            said.add(str(error.value).replace(doubt, ""))
    assert len(said) == 1


def test_a_raw_reader_sees_the_doubts_that_its_event_names_and_no_others(world: World) -> None:
    doubt = doubts(world, "aland")[0]
    listed, _ = opened(world, ask="link-doubts")
    one, _ = opened(world, ask="link-doubt", doubt=doubt)
    with session(world, "reader") as reader:
        assert {what: len(rows) for what, rows in shown(reader, "aland", listed).items()} == {
            "link_doubts": 1,
            "link_doubts_counted": 1,
            "link_doubt_reports": 0,  # a list opens no report
        }
        assert len(shown(reader, "aland", one)["link_doubt_reports"]) == 2
        for pilot, event in (("bland", one), ("aland", uuid.uuid4()), ("nowhere", one)):
            assert not any(shown(reader, pilot, event).values())
        with session(world, "opener") as opener:
            opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [one])
        assert not any(shown(reader, "aland", one).values())


def test_a_plain_event_of_the_right_purpose_and_question_opens_no_doubt(world: World) -> None:
    asks = {"ask": "link-doubt", "doubt": doubts(world, "aland")[0], "reports": reports(world, "aland")}
    with session(world, "opener") as opener:
        (event,) = opener.execute(
            "SELECT event_id FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', 'review-links', %s)",
            [Jsonb(asks)],
        ).fetchone() or (None,)
    with session(world, "reader") as reader:
        found = shown(reader, "aland", event)
    assert not found["link_doubts"]
    assert not found["link_doubt_reports"]


def test_a_raw_recorder_leaves_no_decision_without_an_event_that_named_the_reports(world: World) -> None:
    asks = {"ask": "link-decision", "change": str(uuid.uuid4()), "reports": reports(world, "aland")}
    body = {**CHOICE, "one": reports(world, "aland")[:1], "other": reports(world, "aland")[1:]}
    for purpose in ("worklist", "review-links", "offer-help"):
        with session(world, "opener") as opener:
            (event,) = opener.execute(
                "SELECT event_id FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', %s, %s)",
                [purpose, Jsonb(asks)],
            ).fetchone() or (None,)
        with session(world, "recorder") as recorder:
            recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
            refused(recorder, "SELECT gate.leave_change(%s)", Jsonb(body))
            recorder.rollback()
    left = "SELECT FROM privacy.basis_change WHERE change_id = %(c)s"
    assert world.rows(left, c=asks["change"]) == []


def test_no_login_that_serves_requests_may_name_the_tables_of_doubts_and_decisions(world: World) -> None:
    for login in ("ingest", "opener", "reader", "recorder", "auditor"):
        with session(world, login) as connection:
            for table in (
                *("signals.doubt", "signals.review", "signals.review_due"),
                *("privacy.link_decision", "privacy.link_decision_contract"),
            ):
                refused(connection, f"SELECT FROM {table}")
                refused(connection, f"DELETE FROM {table}")


def test_what_the_service_keeps_of_a_decision_is_contracts_a_moment_a_pseudonym_and_a_code(world: World) -> None:
    one, other = reports(world, "aland")
    with world.desk("aland", "review-links") as service:
        choice = {"answer": "different", "one": [one], "other": [other], "why": "housemates"}
        assert service.post("/link-decisions", choice, pilotId="aland")["outcome"] == "two persons"
    (decision,) = world.rows("SELECT to_jsonb(d) FROM privacy.link_decision d")
    assert set(decision[0]) == {"pilot_id", "decision_id", "decided_at", "actor", "why"}
    contracts = world.rows("SELECT to_jsonb(c) FROM privacy.link_decision_contract c")
    assert {frozenset(contract) for (contract,) in contracts} == {
        frozenset({"pilot_id", "decision_id", "side", "creditor_id", "reference"})
    }
    assert world.rows(
        "SELECT body FROM privacy.basis_change WHERE kind = 'link-decision' AND outcome = 'two persons'"
    ) == [({},)]
