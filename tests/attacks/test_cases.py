"""Raw sessions at the functions that open, read and continue cases: nothing without the event that names the case."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.attacks.test_raw_logins import refused, session
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

OPEN = "SELECT event_id, refused FROM privacy.open_case_event(%s, %s, %s, 'abcd', %s, %s)"
PLAIN = "SELECT event_id, refused FROM privacy.open_event(%s, %s, %s, 'abcd', %s, %s)"
ADD = "SELECT gate.add_case_entry(%s, %s, 'closed', 'advice', NULL, NULL, NULL, false)"
ENTRY = Jsonb({"kind": "assigned", "on": "2026-11-01", "worker": "team"})
READING = ("cases", "case_entries", "case_signals", "entries_of_cases")


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            rows = [make_row(f"c{n}", ["Aab", "Bakker", "Cals"][n], house_number=str(n), phone="") for n in range(3)]
            world.push("housing", pilot, rows)
        yield world


@pytest.fixture(scope="module")
def cases(world: World) -> dict[str, str]:
    """An open case in each pilot."""
    found = {}
    for pilot in PILOTS:
        with world.desk(pilot) as service:
            body = {"signalId": a_signal(world, pilot)}
            found[pilot] = str(service.post("/cases", body, pilotId=pilot)["caseId"])
    return found


def a_signal(world: World, pilot: str) -> str:
    found = world.rows("SELECT min(signal_id::text) FROM signals.signal WHERE pilot_id = %(p)s", p=pilot)
    return str(found[0][0])


def opened(
    world: World,
    pilot: str = "aland",
    role: str = "debt-help",
    purpose: str = "worklist",
    how: str = OPEN,
    **asks: Any,
) -> tuple[uuid.UUID | None, str | None]:
    with session(world, "opener") as opener:
        row = opener.execute(how.encode(), [pilot, PILOTS[pilot], role, purpose, Jsonb(asks)]).fetchone()
    assert row is not None
    return row[0], row[1]


@contextmanager
def entry_in(world: World, cases: Iterable[str]) -> Iterator[None]:
    """Each of these cases has one entry meanwhile."""
    with world.database.as_superuser() as connection:
        for case in cases:
            connection.execute(
                "INSERT INTO signals.case_entry (pilot_id, case_id, number, body, written_at, actor)"
                " SELECT pilot_id, case_id, 1, %s, now(), 'ab' FROM signals.case_file WHERE case_id = %s",
                [ENTRY, case],
            )
    yield
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM signals.case_entry")


def shown(connection: psycopg.Connection[Any], pilot: str, event: object) -> dict[str, int]:
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        return {what: len(connection.execute(f"SELECT FROM gate.{what}()".encode()).fetchall()) for what in READING}


def test_a_reader_sees_the_case_that_its_event_names_and_no_other(world: World, cases: dict[str, str]) -> None:
    one, _ = opened(world, ask="case", case=cases["aland"])
    listed, _ = opened(world, ask="cases")
    theirs, _ = opened(world, ask="case", case=cases["bland"])
    plain, _ = opened(world, how=PLAIN, ask="case", case=cases["aland"])
    one_only = {"cases": 1, "case_entries": 1, "case_signals": 1, "entries_of_cases": 0}
    with entry_in(world, cases.values()), session(world, "reader") as reader:
        assert shown(reader, "aland", one) == one_only
        of_list = {"cases": 1, "case_entries": 0, "case_signals": 0, "entries_of_cases": 1}
        assert shown(reader, "aland", listed) == of_list
        for pilot, event in (("aland", theirs), ("aland", plain), ("bland", one), ("bland", theirs), ("nowhere", one)):
            assert set(shown(reader, pilot, event).values()) == {0}
        with session(world, "opener") as opener:
            opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [one])
        assert set(shown(reader, "aland", one).values()) == {0}


@pytest.mark.parametrize("purpose", ["count", "sort", "record-basis", "audit"])
def test_a_purpose_that_shows_less_names_no_case(world: World, cases: dict[str, str], purpose: str) -> None:
    role = "privacy-officer" if purpose == "audit" else "debt-help"
    for asks in (
        {"ask": "cases"},
        {"ask": "case", "case": cases["aland"]},
        {"ask": "case-entry", "case": cases["aland"], "entry": "assigned"},
        {"ask": "open-case", "case": str(uuid.uuid4()), "signal": a_signal(world, "aland")},
    ):
        assert opened(world, role=role, purpose=purpose, **asks) == (None, "purpose-discloses-less")


def test_an_entry_is_written_in_the_case_that_the_event_names_of_the_kind_that_it_names(
    world: World, cases: dict[str, str]
) -> None:
    case = cases["aland"]
    right, _ = opened(world, ask="case-entry", case=case, entry="assigned")
    with session(world, "recorder") as recorder:
        refused(recorder, ADD, 0, ENTRY)
        for event in (
            opened(world, ask="case", case=case)[0],
            opened(world, ask="cases")[0],
            opened(world, ask="case-entry", case=case, entry="closed")[0],
            opened(world, ask="open-case", case=case, signal=a_signal(world, "aland"))[0],
            opened(world, "bland", ask="case-entry", case=cases["bland"], entry="assigned")[0],
        ):
            recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
            refused(recorder, ADD, 0, ENTRY)
        for event in (
            opened(world, ask="case-entry", case=cases["bland"], entry="assigned")[0],
            opened(world, how=PLAIN, ask="case-entry", case=case, entry="assigned")[0],
        ):
            recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
            assert recorder.execute(ADD, [0, ENTRY]).fetchall() == [(None,)]  # no such case: nothing was written
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [right])
        assert [recorder.execute(ADD, [after, ENTRY]).fetchall() for after in (-1, 1, 0, 0)] == [
            [(None,)],
            [(None,)],
            [(1,)],
            [(None,)],
        ]
        recorder.rollback()
    assert world.rows("SELECT FROM signals.case_entry") == []


def test_a_case_is_opened_for_the_signal_that_the_event_names_and_for_nothing_else(
    world: World, cases: dict[str, str]
) -> None:
    reports = [
        report
        for (report,) in world.rows(
            "SELECT report_id::text FROM signals.report r WHERE pilot_id = 'aland'"
            " AND NOT EXISTS (SELECT FROM signals.case_report c WHERE c.report_id = r.report_id)"
        )
    ]
    with session(world, "recorder") as recorder:
        refused(recorder, "SELECT gate.open_case()")
        for how, asks in (
            (OPEN, {"signal": a_signal(world, "bland")}),
            (OPEN, {"signal": str(uuid.uuid4())}),
            (OPEN, {"signal": a_signal(world, "bland"), "reports": reports}),
            (PLAIN, {"signal": a_signal(world, "aland"), "reports": reports, "standing": cases["bland"]}),
        ):
            event, _ = opened(world, how=how, ask="open-case", case=str(uuid.uuid4()), **asks)
            recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
            assert recorder.execute("SELECT FROM gate.open_case()").fetchall() == []
        event, _ = opened(world, ask="case", case=cases["aland"])
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
        refused(recorder, "SELECT gate.open_case()")
        recorder.rollback()
    assert len(world.rows("SELECT FROM signals.case_file")) == 2


def test_no_login_that_serves_requests_may_name_the_tables_of_cases(world: World, cases: dict[str, str]) -> None:
    for login in ("ingest", "opener", "reader", "recorder", "auditor"):
        with session(world, login) as connection:
            for table in ("case_file", "case_entry", "case_report"):
                refused(connection, f"SELECT FROM signals.{table}")
                refused(connection, f"DELETE FROM signals.{table}")
                refused(connection, f"INSERT INTO signals.{table} DEFAULT VALUES")
            if login != "opener":
                refused(
                    connection, f"SELECT privacy.open_case_event('aland', 'town-a', 'debt-help', '{login}', '', '{{}}')"
                )
            refused(connection, "SELECT privacy.cases_in_scope()")
    with session(world, "linker") as linker:
        refused(linker, "UPDATE signals.case_entry SET body = '{}'")
        refused(linker, "UPDATE signals.case_file SET stage = 'new'")
        refused(linker, "INSERT INTO signals.case_entry DEFAULT VALUES")


def test_another_municipalitys_desk_gets_at_no_case(world: World, cases: dict[str, str]) -> None:
    with world.desk("aland") as service:
        assert service.get("/cases", pilotId="aland")["cases"][0]["caseId"] == cases["aland"]
        said = set()
        for case in (cases["bland"], str(uuid.UUID(int=9))):
            with pytest.raises(Exception, match="no such case") as error:
                service.get(f"/cases/{case}", pilotId="aland")
            said.add(str(error.value))
        assert len(said) == 1
