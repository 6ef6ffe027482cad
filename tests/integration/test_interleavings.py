"""Promises 4 and 7 with two at work at once: whatever stops where, nothing is half done and no read is torn.

Each party works on sessions of its own, against real functions and a real database. The first stops before its n-th
statement (a commit counts as one), the second then runs until it is done or waits for a lock, the first goes on.
Hypothesis draws `n` from all of the first's statements; reads are short, so there every `n` has its turn.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from app import looking
from app.basis import carry_out
from app.completion import complete_delivery
from app.db.sessions import LINKING, SERVING, Login, Sessions
from app.gate import Gate, Look, NotInScope
from app.linker import Linker
from client.delivering import DeliveryDisturbed
from privacy.signing import new_signing_key
from signals.report import Category
from tests.budget import examples
from tests.conftest import Database
from tests.world import PILOTS, make_row, small_world

PILOT = "bland"  # energy arrears on consent only
ENERGY: dict[str, Any] = {"category": Category.ENERGY}
HER: dict[str, Any] = {
    "surname": "Aksoy",
    "initials": "E.",
    "house_number": "3",
    "phone": "0611111111",
    "birth_date": date(1990, 5, 1),
}
HIM: dict[str, Any] = {
    "surname": "Bloem",
    "initials": "K.",
    "house_number": "9",
    "phone": "0622222222",
    "birth_date": date(1970, 1, 9),
}
LOG_KEY = new_signing_key()
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PATIENCE = 30.0  # seconds

Work = Callable[[Sessions], Any]

# Everything that a reader, a creditor or a later linker could notice, without moments and random ids.
STATE = {
    "report": "SELECT report_id, period, kind, category, state, person_id, household_id FROM signals.report",
    "key": "SELECT report_id, key, strong FROM signals.report_key",
    "sealed": "SELECT report_id, household_id FROM signals.sealed_report",
    "shut out": "SELECT report_id FROM signals.shut_out",
    "signal": "SELECT signal_id, household_id, period, tray, rules, urgent, priority FROM signals.signal",
    "categories": "SELECT signal_id, household_id, categories, creditors FROM signals.signal_categories",
    "facts": "SELECT signal_id, household_id, amount_euros, months, reports FROM signals.signal_facts",
    "consent": "SELECT consent_id, withdrawn_on IS NULL FROM privacy.consent",
    "change": "SELECT change_id, done_at IS NULL, outcome FROM privacy.basis_change",
    "delivery": "SELECT delivery_id, state, accepted, refused, receipt IS NULL FROM intake.delivery",
    "staged": "SELECT delivery_id, report_id FROM intake.staged_report",
}
# What may never be, whoever went first: each gives a row for what hangs in the air.
TORN = {
    "keys without a report": "SELECT FROM signals.report_key k WHERE NOT EXISTS (SELECT FROM signals.report r"
    " WHERE (r.pilot_id, r.report_id, r.state) = (k.pilot_id, k.report_id, 'live'))",
    "sealed details without a report, or of another household": "SELECT FROM signals.sealed_report s WHERE NOT EXISTS"
    " (SELECT FROM signals.report r WHERE (r.pilot_id, r.report_id, r.household_id, r.state)"
    " = (s.pilot_id, s.report_id, s.household_id, 'live'))",
    "facts on a report that is not there": "SELECT FROM signals.signal_facts f, unnest(f.reports) AS u (id)"
    " WHERE NOT EXISTS (SELECT FROM signals.report r WHERE (r.pilot_id, r.report_id, r.household_id, r.state)"
    " = (f.pilot_id, u.id, f.household_id, 'live'))",
    "a signal in one table and not in the others": "SELECT FROM signals.signal NATURAL FULL JOIN"
    " (SELECT pilot_id, signal_id, household_id, 1 AS c FROM signals.signal_categories) AS c NATURAL FULL JOIN"
    " (SELECT pilot_id, signal_id, household_id, 1 AS f FROM signals.signal_facts) AS f"
    " WHERE period IS NULL OR c IS NULL OR f IS NULL",
    "a delivery that is done with lines waiting, or the other way round": "SELECT FROM intake.delivery d WHERE"
    " (state = 'completed') = EXISTS (SELECT FROM intake.staged_report s WHERE s.delivery_id = d.delivery_id)",
}


@dataclass(frozen=True)
class Prepared:
    """A pilot with her consent and first reports; two deliveries that name her, and her withdrawal, all waiting."""

    database: Database
    keys: list[Any]  # her strong match keys
    change: Any
    power: Any
    health: Any

    def restore(self) -> None:
        """Everything as it was when this was prepared."""
        with self.database.as_superuser() as connection:
            connection.execute(
                """
                DO $$ DECLARE one record; BEGIN
                  SET LOCAL session_replication_role = replica;
                  FOR one IN SELECT table_name, replace(table_name, '.', '"."') AS real
                             FROM information_schema.tables WHERE table_schema = 'saved' LOOP
                    EXECUTE format('DELETE FROM "%s"', one.real);
                    EXECUTE format('INSERT INTO "%s" TABLE saved."%s"', one.real, one.table_name);
                  END LOOP;
                END $$
                """
            )

    def withdraw(self, sessions: Sessions) -> bool:
        with sessions.begin(Login.LINKER) as connection:
            return carry_out(connection, PILOT, self.change, Linker(sessions, LOG_KEY).rule_set)

    def complete_power(self, sessions: Sessions) -> bool:
        return self._complete(sessions, self.power)

    def complete_health(self, sessions: Sessions) -> bool:
        return self._complete(sessions, self.health)

    def _complete(self, sessions: Sessions, delivery: Any) -> bool:
        with sessions.begin(Login.LINKER) as connection:
            rule_set = Linker(sessions, LOG_KEY).rule_set
            return complete_delivery(connection, PILOT, delivery, rule_set, LOG_KEY, NOW)


SAVE = """
    DO $$ DECLARE one record; BEGIN
      CREATE SCHEMA saved;
      FOR one IN SELECT table_schema, table_name FROM information_schema.tables
                 WHERE table_schema IN ('intake', 'signals', 'privacy') LOOP
        EXECUTE format('CREATE TABLE saved."%1$s.%2$s" AS TABLE %1$s.%2$s', one.table_schema, one.table_name);
      END LOOP;
    END $$
"""


@pytest.fixture(scope="module")
def prepared(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    with (
        pytest.MonkeyPatch.context() as impatient,
        small_world(module_database, tmp_path_factory.mktemp("world")) as world,
    ):
        for person in (HER, HIM):
            world.consent(PILOT, make_row("x", **person).contacts[0])
        people = (("her-power", HER), ("his-power", HIM))
        earlier: dict[str, Any] = {"reported_on": date(2026, 9, 30), "arrears_since": date(2026, 8, 31)}
        first = [make_row(reference, **who, **ENERGY, **earlier) for reference, who in people]
        assert world.push("power", PILOT, first, "2026-09").refused == ()
        world.push("housing", PILOT, [make_row("her-rent", **HER, **earlier)], "2026-09")
        world.stop_linking()
        impatient.setattr("client.delivering.WAIT_SECONDS", -1)
        impatient.setattr("app.api.basis_changes.WAIT_SECONDS", -1)
        impatient.setattr("client.desk_basis.PATIENCE", -1)
        energy = [make_row(reference, **who, **ENERGY) for reference, who in people]
        insured = make_row("her-health", **HER, category=Category.HEALTH_INSURANCE)
        for creditor, rows in (("power", energy), ("health", [insured])):
            with pytest.raises(DeliveryDisturbed):
                world.push(creditor, PILOT, rows)
        change = world.withdraw(PILOT, make_row("x", **HER).contacts[0])["changeId"]
        waiting = dict(world.rows("SELECT creditor_id, delivery_id FROM intake.delivery WHERE state = 'completing'"))
        keys = world.rows("SELECT body -> 'keys' -> 'strong' FROM privacy.basis_change WHERE done_at IS NULL")[0][0]
    with module_database.as_superuser() as connection:
        connection.execute(SAVE)
    return Prepared(module_database, keys, change, waiting["power"], waiting["health"])


@dataclass
class Pace:
    """Stops sessions before their n-th statement until `go`; with `kill` that connection ends there."""

    stop: int
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    done: int = 0
    pid: int = 0

    def over(self, sessions: Sessions, logins: tuple[Login, ...]) -> None:
        for login in logins:
            engine = sessions.engine(login)
            sa.event.listen(engine, "before_cursor_execute", lambda connection, *_: self.step(connection))
            sa.event.listen(engine, "commit", self.step)

    def step(self, connection: sa.Connection) -> None:
        self.done += 1
        if self.done == self.stop:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            self.pid = raw.info.backend_pid
            self.reached.set()
            assert self.go.wait(PATIENCE)


@contextmanager
def sessions_on(database: Database) -> Iterator[Sessions]:
    sessions = Sessions(lambda login: database.conninfo(login.value), (*SERVING, *LINKING), pool_size=2)
    try:
        yield sessions
    finally:
        sessions.close()


def alone(prepared: Prepared, *works: Work) -> dict[str, list[str]]:
    """The state after these, one after the other."""
    prepared.restore()
    with sessions_on(prepared.database) as sessions:
        for work in works:
            work(sessions)
    return state(prepared.database)


def statements(prepared: Prepared, work: Work) -> int:
    """How many it takes, its commits among them."""
    prepared.restore()
    pace = Pace(0)
    with sessions_on(prepared.database) as sessions:
        pace.over(sessions, (*SERVING, *LINKING))
        work(sessions)
    return pace.done


def state(database: Database) -> dict[str, list[str]]:
    with database.as_superuser() as connection:
        for name, torn in TORN.items():
            assert connection.execute(torn).rowcount == 0, name
        return {name: sorted(map(repr, connection.execute(rows).fetchall())) for name, rows in STATE.items()}


def left_of_her(prepared: Prepared) -> list[tuple[Any, ...]]:
    """Her reports of the category that she withdrew: found by her keys, then by what those reports were linked to."""
    with prepared.database.as_superuser() as connection:
        return connection.execute(
            """
            SELECT report_id, r.category FROM signals.report_key k JOIN signals.report r USING (pilot_id, report_id)
            WHERE k.key = ANY (%s::uuid[]) AND r.category = 'energy'
            UNION ALL
            SELECT f.signal_id, u.category FROM signals.signal_categories f, unnest(f.categories) AS u (category)
            WHERE u.category = 'energy' AND household_id IN (
                SELECT household_id FROM signals.report r JOIN signals.report_key k USING (pilot_id, report_id)
                WHERE k.key = ANY (%s::uuid[]))
            """,
            [prepared.keys, prepared.keys],
        ).fetchall()


@contextmanager
def interleaved(
    prepared: Prepared, first: Work, second: Work, stop: int, *, kill: bool = False
) -> Iterator[tuple["Future[Any]", "Future[Any]"]]:
    """Both works, from the state as it was prepared; gives both outcomes."""
    prepared.restore()
    pace, database = Pace(stop), prepared.database
    with (
        sessions_on(database) as one,
        sessions_on(database) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        pace.over(one, (*SERVING, *LINKING))
        try:
            running = pool.submit(first, one)
            until(lambda: pace.reached.is_set() or running.done())
            following = pool.submit(second, other)
            with database.as_superuser() as watching:
                until(lambda: following.done() or waits_for_a_lock(watching))
                if kill and pace.pid:
                    watching.execute("SELECT pg_terminate_backend(%s, 10000)", [pace.pid])
        finally:
            pace.go.set()
        until(lambda: running.done() and following.done())
        assert pace.reached.is_set()
        yield running, following


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nobody gets on"
        time.sleep(0.002)


def waits_for_a_lock(connection: psycopg.Connection[Any]) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return connection.execute(waiting).rowcount > 0


PAIRS = {
    "a completion, then a withdrawal": (Prepared.complete_power, Prepared.withdraw),
    "a withdrawal, then a completion": (Prepared.withdraw, Prepared.complete_power),
    "two completions": (Prepared.complete_power, Prepared.complete_health),
    "one completion twice": (Prepared.complete_power, Prepared.complete_power),
    "one withdrawal twice": (Prepared.withdraw, Prepared.withdraw),
}


@pytest.mark.hypothesis
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_at_once_leave_what_one_after_the_other_leave(prepared: Prepared, pair: tuple[Any, Any]) -> None:
    first, second = (getattr(prepared, work.__name__) for work in pair)
    serial = [alone(prepared, first, second), alone(prepared, second, first)]

    @settings(max_examples=examples(8))
    @given(stop=st.integers(1, statements(prepared, first)))
    def holds(stop: int) -> None:
        with interleaved(prepared, first, second, stop) as both:
            assert sum(one.result() for one in both) == (1 if first == second else 2)
        assert state(prepared.database) in serial
        if prepared.withdraw in {first, second}:
            assert left_of_her(prepared) == []

    holds()


@pytest.mark.hypothesis
@pytest.mark.filterwarnings("ignore:<psycopg.ServerCursor:ResourceWarning")  # killed with the session that it was in
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_one_that_is_killed_midway_leaves_nothing_half_done(prepared: Prepared, pair: tuple[Any, Any]) -> None:
    first, second = (getattr(prepared, work.__name__) for work in pair)
    only_second, both_done = alone(prepared, second), alone(prepared, second, first)

    @settings(max_examples=examples(8))
    @given(stop=st.integers(1, statements(prepared, first)))
    def holds(stop: int) -> None:
        with interleaved(prepared, first, second, stop, kill=True) as (killed, other):
            with pytest.raises(sa.exc.DBAPIError):
                killed.result()
            assert other.result() is True
        assert state(prepared.database) == only_second
        with sessions_on(prepared.database) as sessions:
            first(sessions)  # as the linker tries again
        assert state(prepared.database) == both_done

    holds()


LOOK = Look(PILOT, PILOTS[PILOT], "debt-help", "0123456789abcdef", "offer-help")


def signals_of_her(prepared: Prepared) -> list[Any]:
    with prepared.database.as_superuser() as connection:
        rows = connection.execute(
            "SELECT DISTINCT signal_id FROM signals.signal JOIN signals.report USING (pilot_id, household_id)"
            " JOIN signals.report_key USING (pilot_id, report_id) WHERE key = ANY (%s::uuid[])",
            [prepared.keys],
        ).fetchall()
    return [row[0] for row in rows]


def reading(signal: Any) -> Work:
    """One signal with its reports, as the service reads it; empty where there is nothing to see."""

    def read(sessions: Sessions) -> frozenset[str]:
        try:
            with Gate(sessions).open(LOOK, {"ask": "signal", "signal": str(signal)}) as scope:
                found = looking.one_signal(scope)
                reports = looking.reports_of_signal(scope)
                return frozenset({repr((found, reports))})
        except NotInScope:
            return frozenset()

    return read


def listing(sessions: Sessions) -> frozenset[str]:
    """A page of the worklist, as the service reads it."""
    asks = {"ask": "worklist", "limit": 50}
    with Gate(sessions).open(LOOK, asks) as scope:
        return frozenset(repr(row) for row in looking.worklist_page(scope)[0])


def reads(prepared: Prepared) -> dict[str, tuple[Work, frozenset[str], frozenset[str]]]:
    """Each way to read, with what it gives before the withdrawal and after."""
    found: dict[str, tuple[Work, frozenset[str], frozenset[str]]] = {}
    prepared.restore()
    with sessions_on(prepared.database) as sessions:
        (signal,) = signals_of_her(prepared)
        ways: dict[str, Work] = {"signal": reading(signal), "page": listing}
        before = {name: way(sessions) for name, way in ways.items()}
        prepared.withdraw(sessions)
        for name, way in ways.items():
            found[name] = (way, before[name], way(sessions))
    return found


@pytest.mark.parametrize("way", ["signal", "page"])
def test_a_read_shows_all_or_nothing_of_what_is_withdrawn_meanwhile(prepared: Prepared, way: str) -> None:
    read, before, after = reads(prepared)[way]
    assert before != after
    for stop in range(1, statements(prepared, read) + 1):
        with interleaved(prepared, read, prepared.withdraw, stop) as (shown, done):
            assert done.result() is True
            # Households were named before the withdrawal: one that changed its id since is missing, and none is torn.
            assert shown.result() == before or shown.result() <= after, stop


@pytest.mark.parametrize("way", ["signal", "page"])
def test_a_read_beside_a_running_withdrawal_shows_what_was_and_after_its_commit_nothing(
    prepared: Prepared, way: str
) -> None:
    read, before, after = reads(prepared)[way]

    @settings(max_examples=examples(8))
    @given(stop=st.integers(1, statements(prepared, prepared.withdraw)))
    def holds(stop: int) -> None:
        with interleaved(prepared, prepared.withdraw, read, stop) as (done, shown):
            assert done.result() is True
            assert shown.result() == before
        with sessions_on(prepared.database) as sessions:
            assert read(sessions) == after
        assert left_of_her(prepared) == []

    holds()
