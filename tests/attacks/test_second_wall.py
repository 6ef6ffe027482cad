"""The second wall: the role that the functions of schema `gate` run as. Should one be wrong, the policies still hold.

Nobody logs in as that role. Here the superuser becomes it, and does what a mistaken function could do at worst.
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Database
from tests.world import World, make_row, small_world

Session = psycopg.Connection[Any]
AMOUNTS = {"aland": 34_500, "bland": 77_700}
HOUSEHOLD_TABLES = (
    "signals.signal",
    "signals.signal_categories",
    "signals.signal_facts",
    "signals.report",
    "signals.sealed_report",
)
SCANS = ("index", "bitmap", "index only", "sequential")


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot, amount in AMOUNTS.items():
            rows = [
                make_row(
                    f"c{n}", f"Naam{n}", house_number=str(n), phone="", initials="QRSTU"[n], amount_cents=amount + n
                )
                for n in range(5)
            ]
            world.push("housing", pilot, rows)
        with world.database.as_superuser() as connection:
            connection.execute("ANALYZE")  # the planner's statistics are what one attack asks for
        yield world


@pytest.fixture
def within(world: World) -> Iterator[Session]:
    """A session inside a function that does whatever a test says."""
    with world.database.as_superuser(autocommit=False) as connection:
        connection.execute("SET ROLE vroegsein_gate")
        connection.commit()
        yield connection


def opened(world: World, pilot: str, purpose: str = "offer-help", limit: int = 100) -> uuid.UUID:
    """An access event for a page of the worklist, committed."""
    with world.database.connect("vroegsein_opener") as connection:
        row = connection.execute(
            "SELECT event_id FROM privacy.open_event(%s, %s, 'debt-help', 'abcd', %s, %s)",
            [pilot, {"aland": "town-a", "bland": "town-b"}[pilot], purpose, Jsonb({"ask": "worklist", "limit": limit})],
        ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def enter(within: Session, pilot: str, event: uuid.UUID) -> None:
    within.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])


def count(within: Session, table: str, where: str = "true") -> int:
    row = within.execute(f"SELECT count(pilot_id) FROM {table} WHERE {where}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def only(within: Session, scan: str) -> None:
    """Have the planner read tables in one way."""
    for kind, setting in zip(SCANS, ("indexscan", "bitmapscan", "indexonlyscan", "seqscan"), strict=True):
        within.execute(f"SET LOCAL enable_{setting} = {'on' if kind == scan else 'off'}".encode())


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("table", HOUSEHOLD_TABLES)
def test_however_a_table_is_read_an_event_shows_its_pilot_only(
    world: World, within: Session, table: str, scan: str
) -> None:
    only(within, scan)
    assert count(within, table) == 0
    enter(within, "aland", opened(world, "aland"))
    assert (count(within, table, "pilot_id = 'bland'"), count(within, table, "pilot_id <> 'aland'")) == (0, 0)
    assert count(within, table) == 5


LEAKY = (
    "SELECT 1 / (amount_euros - 777) FROM signals.report",
    "SELECT 1 FROM signals.report WHERE 1 / (amount_euros - 777) > 0",
    "SELECT 1 FROM signals.report WHERE creditor_id::integer = 1",
    "SELECT 1 FROM signals.report WHERE ('x' || creditor_id || amount_euros)::date IS NULL",
    "SELECT 1 FROM signals.report ORDER BY 1 / (amount_euros - 777)",
    "SELECT sum(1 / (amount_euros - 777)) FROM signals.report GROUP BY creditor_id HAVING count(*) > 0",
    "SELECT 1 FROM signals.report r JOIN signals.signal_facts f ON 1 / (r.amount_euros - 777) = f.amount_euros",
    "SELECT 1 FROM signals.report r, LATERAL (SELECT 1 / (r.amount_euros - 777) AS x OFFSET 0) AS y WHERE y.x > 0",
    "SELECT 1 FROM signals.signal_facts WHERE (explanation::text)::integer = 1",
    "SELECT 1 FROM signals.sealed_report WHERE sent::integer = 1",
    "SELECT 1 FROM signals.sealed_report WHERE convert_from(contact, 'UTF8') = ''",
    "SELECT query_to_xml('SELECT 1 / (amount_euros - 777) FROM signals.report', true, true, '')",
    "SELECT 1 FROM signals.report TABLESAMPLE SYSTEM (100) WHERE 1 / (amount_euros - 777) > 0",
    "DO $$ BEGIN PERFORM 1 / (amount_euros - 777) FROM signals.report; END $$",
)


@pytest.mark.parametrize("scan", ["index", "sequential"])
@pytest.mark.parametrize("statement", LEAKY)
def test_no_error_tells_of_a_row_that_is_not_shown(world: World, within: Session, statement: str, scan: str) -> None:
    """An operator that fails on a value is tried on rows that the policy lets through, and on no others."""
    event = opened(world, "aland", limit=100)
    only(within, scan)
    within.execute(statement.encode())  # no event: no row to fail on
    enter(within, "bland", event)
    within.execute(statement.encode())  # another pilot's event


def test_the_same_operators_do_fail_on_what_is_shown(world: World, within: Session) -> None:
    """Otherwise the test above would show nothing."""
    for statement in LEAKY:
        with within.transaction(force_rollback=True):
            enter(within, "bland", opened(world, "bland"))
            with pytest.raises(psycopg.DataError), within.transaction():
                within.execute(statement.encode())


def test_explain_analyze_counts_no_row_of_another_pilot(world: World, within: Session) -> None:
    """By an index, as the planner reads, others' rows are not even fetched. Other plans: docs/trust-model.md."""
    household = world.rows("SELECT household_id FROM signals.report WHERE pilot_id = 'bland' LIMIT 1")[0][0]
    for event in (None, opened(world, "aland")):
        if event:
            enter(within, "aland", event)
        plan = explained(within, "SELECT pilot_id FROM signals.report WHERE pilot_id = 'bland'")
        assert {int(float(rows)) for rows in re.findall(r"actual rows=([\d.]+)", plan)} == {0}
        assert "Rows Removed" not in plan
        assert "never executed" in plan or set(re.findall(r"Index Searches: (\d+)", plan)) == {"0"}
        # Who knows a household's id may have it fetched by that, and is shown nothing of it.
        one = f"SELECT pilot_id FROM signals.report WHERE pilot_id = 'bland' AND household_id = '{household}'"
        assert within.execute(one.encode()).fetchall() == []


def explained(within: Session, statement: str) -> str:
    """The plan as it went. What the policies' functions read counts in its buffers."""
    rows = within.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) {statement}".encode()).fetchall()
    return "\n".join(row[0] for row in rows)


def test_a_cursor_shows_after_the_event_no_more_than_it_held(world: World, within: Session) -> None:
    """WITH HOLD keeps what was read under the event; a plain one reads on under the policies, and they have closed."""
    event = opened(world, "aland")
    enter(within, "aland", event)
    within.execute("DECLARE slow NO SCROLL CURSOR FOR SELECT pilot_id FROM signals.report")
    assert within.execute("FETCH 1 FROM slow").fetchall() == [("aland",)]
    within.execute("DECLARE kept CURSOR WITH HOLD FOR SELECT pilot_id, amount_euros FROM signals.report")
    with world.database.connect("vroegsein_opener") as opener:
        opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [event])
    within.execute("DECLARE late CURSOR WITH HOLD FOR SELECT pilot_id FROM signals.report")
    within.commit()
    assert within.execute("FETCH ALL FROM late").fetchall() == []
    assert {row[0] for row in within.execute("FETCH ALL FROM kept").fetchall()} <= {"aland"}
    with pytest.raises(psycopg.errors.InvalidCursorName):
        within.execute("FETCH ALL FROM slow")


def test_what_was_prepared_under_one_event_shows_nothing_under_another(world: World, within: Session) -> None:
    within.execute("PREPARE asked AS SELECT pilot_id FROM signals.report")
    within.execute("SET plan_cache_mode = force_generic_plan")
    within.commit()
    for pilot, event, expected in (
        ("aland", opened(world, "aland"), {("aland",)}),
        ("bland", opened(world, "aland"), set()),
        ("bland", opened(world, "bland"), {("bland",)}),
        ("aland", uuid.uuid4(), set()),
    ):
        enter(within, pilot, event)
        assert set(within.execute("EXECUTE asked").fetchall()) == expected
        within.commit()
        assert within.execute("EXECUTE asked").fetchall() == []
        within.commit()
