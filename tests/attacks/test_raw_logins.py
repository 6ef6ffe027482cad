"""Raw sessions of the service's logins: what each must not read, write or call, whatever the schema gets."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Database
from tests.held import KEYS, open_delivery
from tests.world import World, make_row, small_world

Session = psycopg.Connection[Any]
LOGINS = ("ingest", "opener", "reader", "recorder", "auditor")
SCHEMAS = "('registry', 'intake', 'signals', 'privacy', 'gate')"
REGISTRY = {
    "registry.agreement",
    "registry.key_envelope",
    "registry.organisation",
    "registry.organisation_key",
    "registry.pilot",
    "registry.rule_set",
    "registry.signed_document",
}
# Where a login finds rows without an event or a creditor in scope. Nothing of a resident is in these columns.
OPEN_TO = {
    "ingest": REGISTRY | {"intake.part", "intake.refused_row", "intake.staged_report"},
    "opener": REGISTRY
    | {"privacy.log_head", "privacy.log_node", "privacy.log_leaf", "privacy.cosignature"}
    | {"privacy.monthly_table", "registry.rule_set_proposal"},
    "reader": set[str](),
    "recorder": set[str](),
    "auditor": set[str](),
}
# Which columns of the tables above, where not all.
COLUMNS = {
    "privacy.log_leaf": {"pilot_id", "leaf_index", "leaf_hash"},
    "intake.staged_report": {"pilot_id", "delivery_id", "part"},
}
WRITES = {
    "ingest": {
        *("intake.delivery", "intake.part", "intake.refused_row", "intake.staged_report"),
        "privacy.basis_change",  # a creditor's objection, or what it says has ended, for the linker
    },
    "opener": {"registry.signed_document", "registry.key_envelope", "privacy.cosignature"},
    "reader": set[str](),
    "recorder": set[str](),
    "auditor": set[str](),
}
TAKES_AWAY = {"ingest": {"intake.part", "intake.refused_row", "intake.staged_report"}}

NOTICE = """
    INSERT INTO intake.notice (pilot_id, notice_id, creditor_id, batch, url)
    VALUES (%s, gen_random_uuid(), 'housing', '2026-11-02', 'https://hooks.example.com/secret')
"""


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in ("aland", "bland"):
            row = make_row("c1", phone="", house_number="3")
            world.push("housing", pilot, [row, make_row("c2", months=0)])  # the second is refused
            world.consent(pilot, row.contacts[0])
            open_delivery(world, "housing", pilot, [make_row("c3")])  # its lines are staged
            with world.database.as_superuser() as connection:
                connection.execute(NOTICE, [pilot])
        yield world


def session(world: World, login: str) -> Session:
    return world.database.connect(f"vroegsein_{login}")


def refused(connection: Session, statement: str, *values: Any) -> None:
    """The statement is not allowed; the session goes on."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction(force_rollback=True):
        connection.execute(statement.encode(), values)


def columns(world: World) -> dict[str, list[str]]:
    """Every table of ours with its columns."""
    found: dict[str, list[str]] = {}
    for table, column in world.rows(
        "SELECT table_schema || '.' || table_name, column_name::text FROM information_schema.columns"
        f" WHERE table_schema IN {SCHEMAS} ORDER BY 1, ordinal_position"
    ):
        found.setdefault(table, []).append(column)
    return found


def opened(world: World, pilot: str, role: str = "debt-help", purpose: str = "record-basis", **asks: str) -> uuid.UUID:
    with session(world, "opener") as opener:
        town = {"aland": "town-a", "bland": "town-b"}[pilot]
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event(%s, %s, %s, 'abcd', %s, %s)",
            [pilot, town, role, purpose, Jsonb(asks or {"ask": "log" if role == "privacy-officer" else "objections"})],
        ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


@pytest.mark.parametrize("login", LOGINS)
def test_without_a_scope_a_login_finds_rows_only_where_nothing_of_a_resident_is(world: World, login: str) -> None:
    found: dict[str, set[str]] = {}
    with session(world, login) as connection:
        for table, names in columns(world).items():
            for name in names:
                try:
                    with connection.transaction(force_rollback=True):
                        if connection.execute(f"SELECT {name} FROM {table} LIMIT 1".encode()).fetchall():
                            found.setdefault(table, set()).add(name)
                except psycopg.errors.InsufficientPrivilege:
                    pass
    assert set(found) <= OPEN_TO[login]
    for table in found.keys() & COLUMNS.keys():
        assert found[table] == COLUMNS[table]


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_writes_and_takes_away_only_what_its_work_needs(world: World, login: str) -> None:
    for table in columns(world):
        rights = world.rows(
            "SELECT has_any_column_privilege(%(l)s, %(t)s, 'INSERT, UPDATE'),"
            " has_table_privilege(%(l)s, %(t)s, 'DELETE'),"
            " has_table_privilege(%(l)s, %(t)s, 'TRUNCATE, REFERENCES, TRIGGER, MAINTAIN')",
            l=f"vroegsein_{login}",
            t=table,
        )
        expected = (table in WRITES[login], table in TAKES_AWAY.get(login, set()), False)
        assert rights == [expected], table


def test_no_function_of_ours_is_everybodys(world: World) -> None:
    """PostgreSQL gives each new function to everybody."""
    given = world.rows(
        "SELECT p.oid::regprocedure::text FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        f" WHERE p.pronamespace::regnamespace::text IN {SCHEMAS} AND a.grantee = 0"
    )
    assert given == []


def test_functions_that_run_as_the_owner_look_nothing_up_where_a_login_can_put_it(world: World) -> None:
    loose = world.rows(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef"
        f" AND pronamespace::regnamespace::text IN {SCHEMAS}"
        " AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']"
    )
    assert loose == []


@pytest.mark.parametrize("login", LOGINS)
def test_no_login_becomes_another_or_makes_anything(world: World, login: str) -> None:
    with session(world, login) as connection:
        for statement in (
            "SET ROLE vroegsein_owner",
            "SET ROLE vroegsein_linker",
            "SET SESSION AUTHORIZATION postgres",
            "CREATE SCHEMA mine",
            "CREATE TABLE public.kept (x integer)",
            "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "CREATE EXTENSION dblink",
            "SELECT lo_create(0)",
            "COPY (SELECT 1) TO PROGRAM 'cat'",
            "SELECT pg_read_file('PG_VERSION')",
            "SELECT privacy.write_event('aland', gen_random_uuid(), 'access', '{}')",
        ):
            refused(connection, statement)


def test_the_recorder_leaves_the_change_that_its_event_named_and_no_other(world: World) -> None:
    change = str(uuid.uuid4())
    leave, body = "SELECT gate.leave_change(%s)", Jsonb({"kind": "withdrawal", "keys": KEYS})
    with session(world, "recorder") as recorder:
        refused(recorder, leave, body)
        event = opened(world, "aland", ask="withdrawal", change=change)
        recorder.execute("SELECT gate.enter_scope('bland', %s)", [event])
        refused(recorder, leave, body)  # in another pilot
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [opened(world, "aland", ask="objections")])
        refused(recorder, leave, body)  # the event named none
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
        for kind in ("consent", "decision", "contract-objection", "contract-endings", None):
            refused(recorder, leave, Jsonb({"kind": kind, "keys": KEYS}))
        recorder.execute(leave, [body])
        with pytest.raises(psycopg.errors.UniqueViolation), recorder.transaction():
            recorder.execute(leave, [body])  # once
        found = recorder.execute("SELECT * FROM gate.change_state('aland', %s)", [change]).fetchall()
        assert found == [(False, None)]
        assert recorder.execute("SELECT * FROM gate.change_state('bland', %s)", [change]).fetchall() == []
        refused(recorder, "SELECT body FROM privacy.basis_change")
        refused(recorder, "UPDATE privacy.basis_change SET done_at = now()")
        refused(recorder, "DELETE FROM privacy.basis_change")
        refused(recorder, "SELECT * FROM privacy.consent")
        recorder.rollback()


def test_the_auditor_reads_the_log_of_its_event_only_and_nothing_else(world: World) -> None:
    event = opened(world, "aland", "privacy-officer", "audit")
    with session(world, "auditor") as auditor:
        for pilot, expected in (("bland", set()), ("aland", {"aland"})):
            auditor.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
            bodies = auditor.execute("SELECT body FROM gate.log_events()").fetchall()
            assert {body["pilot"] for (body,) in bodies} == expected
            assert len(auditor.execute("SELECT FROM gate.log_head()").fetchall()) == len(expected)
            refused(auditor, "SELECT 1 FROM signals.report")
            refused(auditor, "SELECT 1 FROM privacy.access_scope")
            refused(auditor, "SELECT 1 FROM intake.delivery")
            refused(auditor, "SELECT FROM gate.signals()")
        for table in ("privacy.event", "privacy.log_leaf", "privacy.log_head"):
            refused(auditor, f"DELETE FROM {table}")
            refused(auditor, f"UPDATE {table} SET pilot_id = 'bland'")
        auditor.rollback()


@pytest.mark.parametrize(
    ("role", "purpose", "ask"),
    [("debt-help", "record-basis", "objections"), ("debt-help", "offer-help", "worklist"),
     ("privacy-officer", "audit", "worklist"), ("privacy-officer", "audit", "signal")],
)  # fmt: skip
def test_an_event_that_was_not_opened_for_the_log_shows_nothing_of_it(
    world: World, role: str, purpose: str, ask: str
) -> None:
    asks = {"ask": ask} | ({"signal": str(uuid.uuid4())} if ask == "signal" else {})
    with session(world, "auditor") as auditor:
        auditor.execute("SELECT gate.enter_scope('aland', %s)", [opened(world, "aland", role, purpose, **asks)])
        assert auditor.execute("SELECT FROM gate.log_events()").fetchall() == []
        assert auditor.execute("SELECT FROM gate.log_head()").fetchall() == []


def test_a_purpose_that_both_roles_have_opens_the_log_to_the_privacy_officer_alone(world: World) -> None:
    with world.database.as_superuser() as connection:
        connection.execute(
            "UPDATE registry.pilot SET document = jsonb_set(document, '{purposes,audit,roles}',"
            " '[\"debt-help\", \"privacy-officer\"]') WHERE pilot_id = 'bland'"
        )
    ask = "SELECT refused FROM privacy.open_event('bland', 'town-b', %s, 'abcd', 'audit', %s)"
    with session(world, "opener") as opener:
        for role, said in (("debt-help", "log-not-for-role"), ("privacy-officer", None)):
            assert opener.execute(ask, [role, Jsonb({"ask": "log"})]).fetchall() == [(said,)]


def test_the_opener_opens_nothing_for_who_has_no_right_and_learns_nothing_by_opening(world: World) -> None:
    ask = "SELECT event_id FROM privacy.open_event(%s, %s, %s, %s, %s, %s)"
    signal = world.rows("SELECT signal_id::text FROM signals.signal WHERE pilot_id = 'bland' LIMIT 1")[0][0]
    asks = Jsonb({"ask": "signal", "signal": signal})
    with session(world, "opener") as opener:
        for wrong in (
            ("bland", "town-a", "debt-help", "abcd", "offer-help"),
            ("nowhere", "town-a", "debt-help", "abcd", "offer-help"),
            ("bland", "town-b", "privacy-officer", "abcd", "offer-help"),
            ("bland", "town-b", "creditor", "abcd", "offer-help"),
            ("bland", "town-b", "debt-help", "abcd", "everything"),
            ("bland", "town-b", "debt-help", "abcd", None),
            ("bland", "town-b", "debt-help", "", "offer-help"),
            ("bland", "town-b", "debt-help", None, "offer-help"),
            ("bland", None, "debt-help", "abcd", "offer-help"),
            ("bland", "town-b", None, "abcd", "offer-help"),
        ):
            assert opener.execute(ask, [*wrong, asks]).fetchall() == [(None,)], wrong
        real, nobodys = (
            opener.execute(
                "SELECT event_id IS NOT NULL, refused FROM privacy.open_event"
                "('bland', 'town-b', 'debt-help', 'abcd', 'offer-help', %s)",
                [Jsonb({"ask": "signal", "signal": one})],
            ).fetchall()
            for one in (signal, str(uuid.uuid4()))
        )
        assert real == nobodys == [(True, None)]
        opener.commit()


def test_the_opener_alters_nothing_that_stands(world: World) -> None:
    event = opened(world, "aland")
    with session(world, "opener") as opener:
        for statement in (
            "UPDATE registry.signed_document SET jws = ''",
            "DELETE FROM registry.signed_document",
            "UPDATE registry.key_envelope SET envelope = ''",
            "DELETE FROM registry.key_envelope",
            "UPDATE registry.organisation_key SET state = 'active'",
            "INSERT INTO registry.agreement VALUES ('bland', 'health', now(), now(), '{}')",
            "SELECT jti FROM registry.used_assertion",
            "DELETE FROM registry.used_assertion",
            "DELETE FROM privacy.access_closed",
        ):
            refused(opener, statement)
        refused(opener, "SELECT privacy.close_event('bland', %s, 'shown', '[]')", event)
        refused(opener, "SELECT privacy.close_event('aland', gen_random_uuid(), 'shown', '[]')")
        opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [event])
        with pytest.raises(psycopg.errors.UniqueViolation), opener.transaction():
            opener.execute("SELECT privacy.close_event('aland', %s, 'refused', '[]')", [event])


def test_ingest_is_kept_to_the_deliveries_of_one_creditor_and_finishes_none(world: World) -> None:
    insert = """
        INSERT INTO intake.delivery
          (pilot_id, delivery_id, creditor_id, period, category, expected_count, content_hash, opened_at)
        VALUES ('aland', gen_random_uuid(), %s, '2026-10', 'rent', 0, decode(repeat('ab', 32), 'hex'), now())
    """
    with session(world, "ingest") as ingest:
        assert ingest.execute("SELECT 1 FROM intake.delivery").fetchall() == []
        refused(ingest, insert, "power")
        ingest.execute("SELECT registry.enter_creditor('power')")
        assert ingest.execute("SELECT 1 FROM intake.delivery").fetchall() == []
        assert ingest.execute("UPDATE intake.delivery SET state = 'open'").rowcount == 0
        refused(ingest, insert, "housing")
        ingest.execute("SELECT registry.enter_creditor('housing')")
        assert set(ingest.execute("SELECT creditor_id FROM intake.delivery").fetchall()) == {("housing",)}
        assert set(ingest.execute("SELECT creditor_id FROM intake.notice").fetchall()) == {("housing",)}
        refused(ingest, "SELECT url FROM intake.notice")
        for statement in (
            "UPDATE intake.delivery SET creditor_id = 'power'",
            "UPDATE intake.delivery SET accepted = 9",
            "UPDATE intake.delivery SET receipt = 'a.b.c'",
            "UPDATE intake.delivery SET content_hash = ''",
            "DELETE FROM intake.delivery",
            "UPDATE intake.staged_report SET sent = ''",
            "SELECT sent FROM intake.staged_report",
        ):
            refused(ingest, statement)
        ingest.rollback()
