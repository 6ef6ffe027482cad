"""A raw session of a login that looks, by somebody who knows PostgreSQL well (see also integration/test_gate.py).

Reader, recorder and auditor may name no table, and call a few functions that take what they show from an event. What
can be had past that: errors, plans, buffers, counters, clocks, settings, and what the database tells of itself.
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
TOWNS = {"aland": "town-a", "bland": "town-b"}
LOOKING = ("reader", "recorder", "auditor")
SCHEMAS = "('registry', 'intake', 'signals', 'privacy')"
# Every function of schema `gate` that gives something, and how it is called. A new one fails below until it is here.
READS = {
    "reader": (
        *("gate.signals()", "gate.next_place()", "gate.reports()"),
        *("gate.resident_reports()", "gate.resident_signals()", "gate.resident_consents()", "gate.resident_looks()"),
        *("gate.resident_objections()", "gate.resident_known_clients()", "gate.resident_pilot()", "gate.unkeyed()"),
        "gate.resident_hand_overs()",
        *("gate.link_doubts()", "gate.link_doubts_counted()", "gate.link_doubt_reports()"),
        *("gate.signal_is_doubtful()", "gate.resident_link_decisions()", "gate.backtest_result()"),
        "gate.rule_set_shadow()",
        *("gate.cases()", "gate.case_entries()", "gate.case_signals()", "gate.resident_cases()", "gate.signal_cases()"),
        "gate.entries_of_cases()",
        *("gate.records()", "gate.record_cases('{{{nobodys}}}')"),
    ),
    "recorder": (
        *("gate.objections()", "gate.known_clients()", "gate.change_state('bland', '{nobodys}')"),
        *("gate.sealed_to_municipality('{beginning}', 500)", "gate.reports_to_rekey(9, '{beginning}', 500)"),
        *("gate.reports_to_key('{beginning}', 500)", "gate.backtest_state('bland', '{nobodys}')"),
        *("gate.cases()", "gate.case_entries()"),
    ),
    "auditor": ("gate.log_head()", "gate.log_events()"),
}
DOES = {"gate.enter_scope", "gate.leave_change", "gate.ask_erasure"}
DOES |= {"gate.leave_backtest"}  # tests/attacks/test_rule_sets.py tries it
DOES |= {"gate.propose_rule_set", "gate.activate_rule_set"}  # tests/attacks/test_rule_sets.py tries them
DOES |= {
    "gate.replace_sealed",
    "gate.may_rekey",
    "gate.stage_rekeying",
}  # tests/integration/test_rekeying.py tries them
DOES |= {"gate.open_case", "gate.add_case_entry"}  # tests/attacks/test_cases.py tries them
CALLS = [(login, call) for login, calls in READS.items() for call in calls]
each_call = pytest.mark.parametrize(("login", "call"), CALLS, ids=[call for _login, call in CALLS])
BEGINNING = str(uuid.UUID(int=0))
NOBODYS = str(uuid.UUID(int=4 << 76 | 2 << 62))
# What an event under which each function shows something asks for.
ASKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gate.signals()": ("debt-help", "offer-help", {"ask": "worklist", "limit": 3}),
    "gate.next_place()": ("debt-help", "offer-help", {"ask": "worklist", "limit": 3}),
    "gate.reports()": ("debt-help", "offer-help", {"ask": "signal"}),
    "gate.objections()": ("debt-help", "record-basis", {"ask": "objections", "state": "pending"}),
    "gate.log_head()": ("privacy-officer", "audit", {"ask": "log", "after": -1, "limit": 9}),
    "gate.log_events()": ("privacy-officer", "audit", {"ask": "log", "after": -1, "limit": 9}),
}
SCOPES_OWN = {"access_scope", "access_closed"}  # the look-up of the event itself: by its key, one row or none


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
            world.object(pilot, make_row("o", "Objector", house_number="77", phone="").contacts[0])
        with world.database.as_superuser() as connection:
            connection.execute("ANALYZE")  # the planner's statistics are what one attack asks for
        yield world


@pytest.fixture
def reader(world: World) -> Iterator[Session]:
    with world.database.connect("vroegsein_reader") as connection:
        yield connection


def opened(world: World, pilot: str, call: str = "gate.signals()", **changes: Any) -> uuid.UUID:
    """An access event under which that function shows something, committed."""
    role, purpose, asks = ASKS[call]
    if asks["ask"] == "signal":
        asks = {**asks, "signal": a_signal(world, pilot)}
    with world.database.connect("vroegsein_opener") as connection:
        row = connection.execute(
            "SELECT event_id, refused FROM privacy.open_event(%s, %s, %s, 'abcd', %s, %s)",
            [pilot, TOWNS[pilot], role, changes.pop("purpose", purpose), Jsonb({**asks, **changes})],
        ).fetchone()
    assert row is not None
    assert row[1] is None
    return uuid.UUID(str(row[0]))


def closed(world: World, pilot: str, call: str) -> uuid.UUID:
    event = opened(world, pilot, call)
    with world.database.connect("vroegsein_opener") as opener:
        opener.execute("SELECT privacy.close_event(%s, %s, 'shown', '[]')", [pilot, event])
    return event


def a_signal(world: World, pilot: str) -> str:
    found = world.rows("SELECT min(signal_id::text) FROM signals.signal WHERE pilot_id = %(p)s", p=pilot)
    return str(found[0][0])


def enter(session: Session, pilot: str, event: uuid.UUID) -> None:
    session.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])


def rows(session: Session, call: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """What a function gives; nulls in a row of nothing are nothing."""
    call = call.format(nobodys=NOBODYS, beginning=BEGINNING)
    found = session.execute(f"SELECT {columns} FROM {call} AS t".encode()).fetchall()
    return [row for row in found if any(value is not None for value in row)]


def without_an_event(world: World, call: str) -> Iterator[tuple[str, str, Any]]:
    """Pilot and event of scopes that are none, with a name."""
    shows = call if call in ASKS else "gate.signals()"
    yield "nothing entered", "", ""
    yield "an event that never was", "bland", uuid.uuid4()
    yield "an event of no pilot", "nowhere", uuid.uuid4()
    yield "another pilot's event", "bland", opened(world, "aland", shows)
    yield "an event that was closed", "bland", closed(world, "bland", shows)
    event = opened(world, "bland", shows)
    with world.database.as_superuser() as connection:
        past = "UPDATE privacy.access_scope SET opened_at = opened_at - interval '6 seconds' WHERE event_id = %s"
        connection.execute(past, [event])
    yield "an event that is over", "bland", event


def tuples_read(session: Session) -> dict[str, int]:
    """Of each table of ours, how many rows this transaction fetched, in whatever function."""
    found = session.execute(
        "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        f" WHERE schemaname IN {SCHEMAS}".encode()
    ).fetchall()
    assert len(found) > 20
    return {name: read for name, read in found if read and name not in SCOPES_OWN}


def explained(session: Session, statement: str) -> list[str]:
    """The plan as it went, with its buffers."""
    rows = session.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) {statement}".encode()).fetchall()
    return [row[0] for row in rows]


def test_every_function_is_tried_here(world: World) -> None:
    for login in LOOKING:
        named = {
            row[0]
            for row in world.rows(
                "SELECT 'gate.' || proname FROM pg_proc WHERE pronamespace = 'gate'::regnamespace"
                " AND has_function_privilege(%(l)s, oid, 'EXECUTE')",
                l=f"vroegsein_{login}",
            )
        }
        assert named - DOES == {call.partition("(")[0] for call in READS[login]}


# ---- no table can be named


@pytest.mark.parametrize("login", LOOKING)
def test_a_login_that_looks_may_name_no_table(world: World, login: str) -> None:
    """Not to read it, nor to have it planned, explained or prepared for: the planner would count by its statistics."""
    tables = world.rows(f"SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN {SCHEMAS}")
    assert len(tables) > 25
    with world.database.connect(f"vroegsein_{login}", autocommit=True) as session:
        for (table,) in tables:
            for statement in (
                f"SELECT FROM {table}",
                f"EXPLAIN SELECT FROM {table}",
                f"PREPARE asked AS SELECT FROM {table}",
                f"DECLARE c CURSOR WITH HOLD FOR SELECT FROM {table}",
                f"COPY {table} TO STDOUT",
                f"SELECT '{table}'::regclass",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(statement.encode())


@pytest.mark.parametrize("login", LOOKING)
def test_a_login_that_looks_holds_no_right_on_any_table(world: World, login: str) -> None:
    held = world.rows(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace::regnamespace::text NOT IN"
        " ('pg_catalog', 'information_schema') AND relkind IN ('r', 'v', 'm', 'p', 'f')"
        " AND (has_table_privilege(%(l)s, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        " OR has_any_column_privilege(%(l)s, oid, 'SELECT, INSERT, UPDATE, REFERENCES'))",
        l=f"vroegsein_{login}",
    )
    assert held == []
    schemas = world.rows(
        "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%(l)s, oid, 'USAGE')", l=f"vroegsein_{login}"
    )
    assert {row[0] for row in schemas} <= {"gate", "pg_catalog", "information_schema", "public"}


@pytest.mark.parametrize("login", [*LOOKING, "opener", "ingest"])
def test_the_choice_of_a_plan_tells_nothing_of_what_residents_owe(world: World, login: str) -> None:
    """A prepared statement needs no right to be planned, and whether its plan is kept depends on how many rows fit."""
    with world.database.connect(f"vroegsein_{login}", autocommit=True) as session:
        for table in ("signals.report", "signals.signal", "signals.signal_facts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for schema"):
                session.execute(f"PREPARE guess (integer) AS SELECT FROM {table} WHERE months = $1".encode())
        assert session.execute("SELECT FROM pg_prepared_statements").fetchall() == []


# ---- without an event


@each_call
def test_without_an_event_a_function_reads_no_row(world: World, login: str, call: str) -> None:
    """It gives nothing and fetched nothing. All that it touches are the pages in which the event itself is sought."""
    touched: dict[str, list[str]] = {}
    for name, pilot, event in without_an_event(world, call):
        with world.database.connect(f"vroegsein_{login}") as session:
            session.execute(
                "SELECT set_config('g.pilot', %s, true), set_config('g.event', %s, true)", [pilot, str(event)]
            )
            assert rows(session, call) == [], name
            assert tuples_read(session) == {}, name
            for _ in range(7):  # until plans are kept, and the catalogue is at hand
                plan = explained(session, f"SELECT * FROM {call.format(nobodys=NOBODYS, beginning=BEGINNING)}")
            touched[name] = [line.strip() for line in plan if "Buffers:" in line]
    assert touched["an event that never was"] == touched["an event of no pilot"]
    # Two pages of the index, or three once these tests made it a level higher, and one to three of the table, where the
    # event's row has older versions.
    found = [line for lines in touched.values() for line in lines]
    assert all(re.fullmatch(r"Buffers: shared hit=[1-6]", line) for line in found), found


def test_without_an_event_no_change_is_left(world: World) -> None:
    before = world.rows("SELECT count(*) FROM privacy.basis_change")
    for name, pilot, event in without_an_event(world, "gate.objections()"):
        with world.database.connect("vroegsein_recorder") as session:
            session.execute(
                "SELECT set_config('g.pilot', %s, true), set_config('g.event', %s, true)", [pilot, str(event)]
            )
            for kind in ("objections", "withdrawal", "decision", None):
                with (
                    pytest.raises(psycopg.errors.InsufficientPrivilege, match="no event in scope"),
                    session.transaction(),
                ):
                    session.execute("SELECT gate.leave_change(%s)", [Jsonb({"kind": kind})])
        assert name
    assert world.rows("SELECT count(*) FROM privacy.basis_change") == before


@each_call
def test_an_event_for_something_else_shows_nothing(world: World, login: str, call: str) -> None:
    """A worklist's event opens no report and no log; the log's opens no signal, whatever the purpose's level."""
    others = {asks["ask"]: other for other, (_role, _purpose, asks) in ASKS.items()}
    own = (
        {"worklist", "signal"}
        if call
        in {"gate.signals()", "gate.next_place()", "gate.unkeyed()", "gate.signal_is_doubtful()", "gate.signal_cases()"}
        else {ASKS.get(call, ("", "", {"ask": ""}))[2]["ask"]}
    )
    for ask, other in others.items():
        if ask not in own:
            with world.database.connect(f"vroegsein_{login}") as session:
                enter(session, "bland", opened(world, "bland", other))
                assert rows(session, call) == [], ask
                assert tuples_read(session) == {}, ask


# ---- under an event


@pytest.mark.parametrize("call", ASKS)
def test_under_an_event_a_function_shows_its_pilot_only(world: World, call: str) -> None:
    """Otherwise the tests above would show nothing."""
    login = next(login for login, calls in READS.items() if call in calls)
    shown = {}
    for pilot in TOWNS:
        with world.database.connect(f"vroegsein_{login}") as session:
            enter(session, pilot, opened(world, pilot, call))
            shown[pilot] = rows(session, call)
            assert shown[pilot]
    assert not {str(row) for row in shown["aland"]} & {str(row) for row in shown["bland"]}


@pytest.mark.parametrize("off", ["", "indexscan", "bitmapscan", "indexscan, bitmapscan, indexonlyscan"])
@pytest.mark.parametrize("call", ["gate.signals()", "gate.reports()"])
def test_under_an_event_no_row_of_another_pilot_is_fetched(world: World, reader: Session, call: str, off: str) -> None:
    """Each table has five rows of each pilot; whatever the session sets, they are found by the event's keys."""
    for scan in filter(None, off.split(", ")):
        reader.execute(f"SET LOCAL enable_{scan} = off".encode())
    enter(reader, "aland", opened(world, "aland", call, limit=2))
    assert rows(reader, call)
    assert 0 < max(tuples_read(reader).values()) <= 2


def test_no_condition_of_ones_own_is_put_before_the_policies(world: World, reader: Session) -> None:
    """A cheap comparison that leaks nothing would run first on a table; on a function it runs on what is shown."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
        explained(reader, "SELECT pilot_id FROM signals.report WHERE amount_euros = 777")
    for event in (None, opened(world, "aland"), opened(world, "aland", "gate.reports()")):
        if event:
            enter(reader, "aland", event)
        for call in ("gate.signals()", "gate.reports()"):
            plans = [explained(reader, f"SELECT 1 FROM {call} WHERE amount_euros = {n}") for n in (1, 777) * 6]
            nobodys, theirs = (re.findall(r"Buffers: .*|Rows Removed.*", "\n".join(plan)) for plan in plans[-2:])
            assert theirs == nobodys


SETTINGS = (
    "plan_cache_mode = force_generic_plan",
    "plan_cache_mode = force_custom_plan",
    "jit_above_cost = 0",
    "debug_parallel_query = on",
    "default_transaction_isolation = serializable",
    "search_path = signals, privacy, pg_temp, pg_catalog",
    "session_replication_role = origin",
    "cursor_tuple_fraction = 1",
    "from_collapse_limit = 1",
    "constraint_exclusion = on",
    "check_function_bodies = off",
    "DateStyle = German",
    "bytea_output = escape",
    "xmloption = content",
    "lc_messages = 'C'",
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_of_the_session_changes_what_a_function_shows(world: World, reader: Session, setting: str) -> None:
    enter(reader, "aland", opened(world, "aland"))
    expected = rows(reader, "gate.signals()", "signal_id")
    assert len(expected) == 3
    with world.database.connect("vroegsein_reader") as session:
        try:
            session.execute(f"SET {setting}".encode())
        except psycopg.errors.InsufficientPrivilege:
            return
        assert rows(session, "gate.signals()") == []
        event = opened(world, "aland")
        session.commit()  # what is serializable sees nothing that was committed since it began
        enter(session, "aland", event)
        for _ in range(7):
            assert rows(session, "gate.signals()", "signal_id") == expected


def test_switching_row_security_off_gives_an_error_without_a_value(world: World, reader: Session) -> None:
    reader.execute("SET row_security = off")
    enter(reader, "aland", opened(world, "aland"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        rows(reader, "gate.signals()")
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", str(refused.value.diag.context) + str(refused.value))


@each_call
def test_what_a_session_can_have_told_of_its_statements_is_nothing_of_a_resident(
    world: World, login: str, call: str
) -> None:
    """Every message that the server has for a client, plans of inner statements among them."""
    told: list[str] = []
    with world.database.connect(f"vroegsein_{login}") as session:
        session.add_notice_handler(lambda said: told.append(f"{said.message_primary} {said.message_detail}"))
        for setting in ("client_min_messages = debug5", "debug_print_parse = on", "debug_print_rewritten = on",
                        "debug_print_plan = on", "trace_sort = on", "trace_notify = on"):  # fmt: skip
            session.execute(f"SET LOCAL {setting}".encode())
        session.execute("SELECT set_config('g.pilot', 'bland', true), set_config('g.event', %s, true)", [NOBODYS])
        assert rows(session, call) == []
    text = "\n".join(told)
    assert "PLANNEDSTMT" in text
    if call.startswith(
        ("gate.change_state", "gate.backtest_state")
    ):  # each looks for the id that was given, in whatever scope
        return
    assert not [table for table in oids(world) if f":relid {table} " in text or f"relid {table}\n" in text]


def oids(world: World) -> list[int]:
    """Of the tables of ours that are not the scope's own: a statement on one has it in its plan."""
    found = world.rows(
        f"SELECT oid::integer FROM pg_class WHERE relnamespace::regnamespace::text IN {SCHEMAS} AND relkind = 'r'"
        " AND NOT relname = ANY (%(own)s)",
        own=list(SCOPES_OWN),
    )
    return [row[0] for row in found]


@pytest.mark.parametrize(
    "statement",
    [
        "LOAD 'auto_explain'",
        "LOAD '$libdir/auto_explain'",
        "SET session_preload_libraries = 'auto_explain'",
        "SET shared_preload_libraries = 'auto_explain'",
        "SET track_functions = 'all'",
        "SET log_statement_stats = on",
        "SET log_min_messages = debug5",
        "SET compute_query_id = on",
        "SET session_replication_role = replica",
        "SET allow_system_table_mods = on",
        "ALTER FUNCTION gate.signals() SET auto_explain.log_nested_statements = on",
        "ALTER FUNCTION gate.signals() SECURITY INVOKER",
        "ALTER FUNCTION gate.signals() RESET ALL",
        "CREATE OR REPLACE FUNCTION privacy.scope() RETURNS privacy.access_scope LANGUAGE sql AS 'SELECT NULL'",
        "SELECT privacy.scope()",
        "SELECT privacy.pilot_in_scope()",
        "SELECT privacy.households_in_scope(0)",
        "SET ROLE vroegsein_gate",
        "CREATE FUNCTION gate.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE gate.kept AS SELECT * FROM gate.signals()",
        "CREATE VIEW gate.kept AS SELECT * FROM gate.signals()",
    ],
)
def test_nothing_can_be_put_into_or_under_a_function(reader: Session, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CantChangeRuntimeParam)):
        reader.execute(statement.encode())


@pytest.mark.parametrize("setting", ["local_preload_libraries", "session_preload_libraries"])
def test_a_connection_brings_no_library_along(world: World, setting: str) -> None:
    """The first may be asked for, and looks in a folder of the server where nothing is put."""
    login = {**world.database.conninfo("vroegsein_reader"), "options": f"-c {setting}=auto_explain"}
    with pytest.raises(psycopg.OperationalError, match=r"could not access file|permission denied"):
        psycopg.connect(**login)


LEAKY = (
    "SELECT 1 / (amount_euros - 777) FROM gate.signals()",
    "SELECT 1 FROM gate.reports() WHERE 1 / (amount_euros - 777) > 0",
    "SELECT 1 FROM gate.reports() WHERE creditor_id::integer = 1",
    "SELECT 1 FROM gate.reports() ORDER BY 1 / (amount_euros - 777)",
    "SELECT 1 FROM gate.signals() WHERE (explanation::text)::integer = 1",
    "SELECT 1 FROM gate.reports() WHERE convert_from(contact, 'UTF8') = ''",
    "SELECT query_to_xml('SELECT 1 / (amount_euros - 777) FROM gate.reports()', true, true, '')",
    "DO $$ BEGIN PERFORM 1 / (amount_euros - 777) FROM gate.reports(); END $$",
)


@pytest.mark.parametrize("statement", LEAKY)
def test_no_error_tells_of_a_row_that_is_not_shown(world: World, reader: Session, statement: str) -> None:
    reader.execute(statement.encode())  # no event: no row to fail on
    enter(reader, "bland", opened(world, "aland", "gate.reports()"))
    reader.execute(statement.encode())  # another pilot's event
    found = world.rows(
        "SELECT signal_id::text FROM signals.signal_facts WHERE pilot_id = 'bland' AND amount_euros = 777"
    )
    enter(reader, "bland", opened(world, "bland", "gate.reports()", signal=found[0][0]))
    with pytest.raises(psycopg.DataError):  # it does fail on what is shown
        reader.execute(statement.encode())


# ---- across the ends of events and transactions


def test_a_cursor_shows_after_the_event_no_more_than_it_held(world: World, reader: Session) -> None:
    event = opened(world, "aland")
    enter(reader, "aland", event)
    reader.execute("DECLARE kept CURSOR WITH HOLD FOR SELECT signal_id FROM gate.signals()")
    with world.database.connect("vroegsein_opener") as opener:
        opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [event])
    reader.execute("DECLARE late CURSOR WITH HOLD FOR SELECT signal_id FROM gate.signals()")
    reader.commit()
    assert reader.execute("FETCH ALL FROM late").fetchall() == []
    own = world.rows("SELECT signal_id FROM signals.signal WHERE pilot_id = 'aland'")
    assert set(reader.execute("FETCH ALL FROM kept").fetchall()) <= set(own)


def test_what_was_prepared_under_one_event_shows_nothing_under_another(world: World, reader: Session) -> None:
    own = {
        pilot: set(world.rows("SELECT signal_id FROM signals.signal WHERE pilot_id = %(p)s", p=pilot))
        for pilot in TOWNS
    }
    reader.execute("PREPARE asked AS SELECT signal_id FROM gate.signals()")
    reader.execute("SET plan_cache_mode = force_generic_plan")
    reader.commit()
    for pilot, event, expected in (
        ("aland", opened(world, "aland", limit=9), own["aland"]),
        ("bland", opened(world, "aland"), set()),
        ("bland", opened(world, "bland", limit=9), own["bland"]),
        ("aland", uuid.uuid4(), set()),
    ):
        enter(reader, pilot, event)
        assert set(reader.execute("EXECUTE asked").fetchall()) == expected
        reader.commit()
        assert reader.execute("EXECUTE asked").fetchall() == []
        reader.commit()


@pytest.mark.parametrize("local", ["true", "false"])
def test_setting_the_scope_by_hand_opens_no_more_than_entering_it(world: World, reader: Session, local: str) -> None:
    event = opened(world, "aland", limit=2)
    for pilot, expected in (("bland", 0), ("aland", 2), ("ALAND", 0), ("aland' OR '1'='1", 0), ("", 0)):
        reader.execute(
            f"SELECT set_config('g.pilot', %s, {local}), set_config('g.event', %s, {local})", [pilot, str(event)]
        )
        assert len(rows(reader, "gate.signals()")) == expected, pilot


# ---- around it all


def test_the_planners_statistics_show_no_value(world: World, reader: Session) -> None:
    enter(reader, "aland", opened(world, "aland"))
    for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
        schemas = "schemaname IN ('signals', 'intake', 'privacy')"
        assert reader.execute(f"SELECT * FROM {view} WHERE {schemas}".encode()).fetchall() == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
        reader.execute("SELECT * FROM pg_statistic")


@pytest.mark.parametrize(
    "statement",
    [
        "SET row_security = off; SELECT count(pilot_id) FROM signals.report",
        "SET session_replication_role = replica",
        "SET SESSION AUTHORIZATION vroegsein_owner",
        "SET ROLE vroegsein_linker",
        "SET ROLE pg_read_all_data",
        "GRANT vroegsein_linker TO vroegsein_reader",
        "ALTER ROLE vroegsein_reader BYPASSRLS",
        "ALTER TABLE signals.report DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE signals.report NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY reader_select ON signals.report",
        "CREATE POLICY mine ON signals.report USING (true)",
        "ALTER FUNCTION privacy.pilot_in_scope() RESET ALL",
        "CREATE OR REPLACE FUNCTION privacy.pilot_in_scope() RETURNS text LANGUAGE sql AS $$ SELECT 'bland' $$",
        "CREATE FUNCTION signals.leak(text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "CREATE OPERATOR public.=== (leftarg = text, rightarg = text, function = pg_catalog.texteq)",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.kept AS SELECT pilot_id FROM signals.report",
        "CREATE VIEW public.kept AS SELECT pilot_id FROM signals.report",
        "CREATE MATERIALIZED VIEW signals.kept AS SELECT pilot_id FROM signals.report",
        "CREATE STATISTICS signals.kept ON pilot_id, household_id FROM signals.report",
        "SELECT pilot_id INTO TEMPORARY kept FROM signals.report",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "CREATE SUBSCRIPTION s CONNECTION 'host=/tmp' PUBLICATION p WITH (connect = false)",
        "SELECT pg_create_logical_replication_slot('s', 'test_decoding')",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT pg_read_binary_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT pg_stat_file('PG_VERSION')",
        "SELECT pg_current_logfile()",
        "COPY (SELECT pilot_id FROM signals.report) TO PROGRAM 'cat'",
        "COPY (SELECT pilot_id FROM signals.report) TO '/tmp/kept'",
        "COPY signals.report (pilot_id) FROM PROGRAM 'true'",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'kept')",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT * FROM pg_authid",
        "SELECT ctid, xmin FROM signals.report",
        "SELECT report FROM signals.report",
        "SELECT r.* FROM signals.report r",
        "SELECT reference FROM signals.report",
        "SELECT 1 FROM signals.report FOR UPDATE",
        "LOCK TABLE signals.report IN ACCESS SHARE MODE",
        "ANALYZE signals.report; TRUNCATE signals.report",
        "DELETE FROM signals.report",
        "UPDATE signals.signal SET tray = 'none'",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'vroegsein_linker'",
        "SELECT 1 FROM privacy.access_scope",
        "SELECT 1 FROM registry.organisation_key",
    ],
)  # fmt: skip
def test_what_leads_around_the_policies_is_not_allowed(world: World, reader: Session, statement: str) -> None:
    enter(reader, "aland", opened(world, "aland"))
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject)):
        reader.execute(statement.encode())


def test_nothing_that_the_database_tells_of_itself_holds_a_pass_or_a_resident(world: World, reader: Session) -> None:
    """Running statements, locks, settings, notices of work, and every view of the catalogue that a login may read."""
    event = opened(world, "bland")
    with world.database.connect("vroegsein_reader") as other, world.database.connect("vroegsein_linker") as linker:
        other.execute("SELECT gate.enter_scope(%s, %s)", ["bland", event])
        assert other.execute("SELECT signal_id FROM gate.signals()").fetchall()
        linker.execute("SELECT report_id FROM signals.report WHERE pilot_id = %s", ["bland"])
        views = reader.execute(
            "SELECT format('%I.%I', schemaname, viewname) FROM pg_views"
            " WHERE schemaname IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        told = ""
        for (view,) in views:
            try:
                with reader.transaction():
                    told += str(reader.execute(f"SELECT * FROM {view}".encode()).fetchall())
            except psycopg.Error as error:
                told += str(error)
    secret = [
        row[0]
        for row in world.rows(
            "SELECT report_id::text FROM signals.report UNION ALL SELECT household_id::text FROM signals.signal"
            " UNION ALL SELECT key::text FROM signals.report_key UNION ALL SELECT event_id::text FROM privacy.event"
        )
    ]
    assert str(event) not in told
    assert not [text for text in secret if text in told]


def test_a_session_reads_nothing_out_of_sequences_or_other_databases(world: World, reader: Session) -> None:
    assert reader.execute("SELECT 1 FROM pg_class WHERE relkind = 'S'").fetchall() == []
    for name in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**{**world.database.conninfo("vroegsein_reader"), "dbname": name})
