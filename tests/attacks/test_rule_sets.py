"""Rule sets by somebody who holds a login of the service: tried out, shown, proposed and activated as events say."""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from signals.rulesets import default_rule_set, default_text
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

TEXT = default_text()
JWS = "a.b.c"
HASH = default_rule_set().hash().hex()
LEAVE = "SELECT gate.leave_backtest(%s)"
PROPOSE = "SELECT gate.propose_rule_set(%s)"
ACTIVATE = "SELECT gate.activate_rule_set(2, %s)"
KEPT = str(uuid.UUID(int=77))


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            world.push("housing", pilot, [make_row("c", phone="")])
        world.stop_linking()  # nothing that is left here is to run
        yield world


def opened(
    world: World, pilot: str = "aland", purpose: str = "compare-rules", actor: str = "abcd", **asks: Any
) -> uuid.UUID:
    with world.database.connect("vroegsein_opener") as opener:
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event(%s, %s, 'debt-help', %s, %s, %s)",
            [pilot, PILOTS[pilot], actor, purpose, Jsonb(asks)],
        ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def sent(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def asking(**changes: Any) -> dict[str, Any]:
    asks = {
        "ask": "backtest",
        "backtest": str(uuid.uuid4()),
        "sent": sent(TEXT),
        "against": None,
        "periods": ["2026-10"],
    }
    return asks | changes


def left(world: World, pilot: str, event: uuid.UUID, text: str = TEXT) -> bool:
    """Whether the recorder leaves a back-test in that scope; it is rolled back."""
    with world.database.connect("vroegsein_recorder") as recorder:
        recorder.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        try:
            recorder.execute(LEAVE, [text])
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            recorder.rollback()
    return True


def test_a_back_test_is_left_under_the_event_that_names_it_and_no_other(world: World) -> None:
    assert left(world, "aland", opened(world, **asking()))
    assert not left(world, "aland", uuid.uuid4())
    assert not left(world, "bland", opened(world, **asking()))
    assert not left(world, "aland", opened(world, **asking(ask="worklist", limit=1)))
    assert not left(world, "aland", opened(world, **asking(ask="backtest-result")))


def test_what_is_tried_out_is_what_the_log_has(world: World) -> None:
    assert not left(world, "aland", opened(world, **asking()), TEXT.replace("at_least: 50", "at_least: 51"))
    asks = asking(periods=["2026-09", "2026-10"], against="default@1")
    with world.database.connect("vroegsein_recorder") as recorder:
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [opened(world, **asks)])
        recorder.execute(LEAVE, [TEXT])
        with pytest.raises(psycopg.errors.UniqueViolation), recorder.transaction():
            recorder.execute(LEAVE, [TEXT])  # once
    found = world.rows(
        "SELECT periods, against, state FROM signals.backtest WHERE backtest_id = %(b)s", b=asks["backtest"]
    )
    assert found == [(["2026-09", "2026-10"], "default@1", "waiting")]


@pytest.mark.parametrize("purpose", ["count", "sort", "record-basis"])
def test_below_the_level_of_facts_nothing_is_left_and_nothing_shown(world: World, purpose: str) -> None:
    kept(world, "aland")
    assert not left(world, "aland", opened(world, purpose=purpose, **asking()))
    assert result(world, "aland", opened(world, purpose=purpose, ask="backtest-result", backtest=KEPT)) is None


def kept(world: World, pilot: str) -> None:
    with world.database.as_superuser() as connection:
        for statement in (
            (
                "INSERT INTO signals.backtest (pilot_id, backtest_id, candidate, periods, state)"
                " VALUES (%s, %s, 'x', '{2026-10}', 'done') ON CONFLICT DO NOTHING"
            ),
            "INSERT INTO signals.backtest_result VALUES (%s, %s, '{\"a\": 1}') ON CONFLICT DO NOTHING",
        ):
            connection.execute(statement, [pilot, KEPT])


def result(world: World, pilot: str, event: uuid.UUID) -> Any:
    with world.database.connect("vroegsein_reader") as reader:
        reader.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        row = reader.execute("SELECT gate.backtest_result()").fetchone()
    assert row is not None
    return row[0]


def test_a_result_is_shown_under_the_event_that_names_it_in_its_pilot_alone(world: World) -> None:
    for pilot in PILOTS:
        kept(world, pilot)
    asks = {"ask": "backtest-result", "backtest": KEPT}
    assert result(world, "aland", opened(world, **asks)) == {"a": 1}
    assert result(world, "bland", opened(world, **asks)) is None
    assert result(world, "aland", opened(world, **asks | {"backtest": str(uuid.uuid4())})) is None
    assert result(world, "aland", opened(world, **asks | {"ask": "backtest"})) is None
    assert result(world, "aland", opened(world, ask="worklist", limit=1, backtest=KEPT)) is None


def test_the_recorder_learns_of_a_back_test_its_state_and_nothing_else(world: World) -> None:
    kept(world, "aland")
    with world.database.connect("vroegsein_recorder") as recorder:
        state = "SELECT gate.backtest_state(%s, %s)"
        assert recorder.execute(state, ["aland", KEPT]).fetchone() == ("done",)
        assert recorder.execute(state, ["aland", str(uuid.uuid4())]).fetchone() == (None,)
        recorder.commit()
        for statement in ("SELECT gate.backtest_result()", "SELECT candidate FROM signals.backtest"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), recorder.transaction():
                recorder.execute(statement.encode())


def called(world: World, event: uuid.UUID, statement: str, value: str, pilot: str = "aland") -> Any:
    """What a function of the recorder says in that scope; an error where it refuses."""
    with world.database.connect("vroegsein_recorder") as recorder:
        recorder.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        row = recorder.execute(statement.encode(), [value]).fetchone()
    assert row is not None
    return row[0]


def proposed(world: World, actor: str = "aa") -> str:
    proposal = str(uuid.uuid4())
    asks = {"ask": "rule-set-proposal", "proposal": proposal, "rule_set": "default@1", "hash": HASH, "sent": sent(TEXT)}
    assert called(world, opened(world, actor=actor, **asks), PROPOSE, TEXT) == ""  # PostgreSQL's void
    return proposal


def activating(world: World, proposal: str, actor: str, **changes: Any) -> uuid.UUID:
    asks = {"ask": "rule-set-activation", "proposal": proposal, "sent": sent(JWS)}
    return opened(world, actor=actor, **asks | changes)


def state_of(world: World, proposal: str) -> tuple[Any, ...]:
    (row,) = world.rows(
        "SELECT state, proposed_by, activated_by FROM registry.rule_set_proposal WHERE proposal_id = %(p)s", p=proposal
    )
    return row


def test_who_proposes_and_who_activates_is_what_the_committed_events_say(world: World) -> None:
    proposal = proposed(world)
    assert called(world, activating(world, proposal, "aa"), ACTIVATE, JWS) == "same-person"
    assert state_of(world, proposal) == ("proposed", "aa", None)
    assert called(world, activating(world, proposal, "bb"), ACTIVATE, JWS) is None
    assert state_of(world, proposal) == ("activating", "aa", "bb")
    assert called(world, activating(world, proposal, "cc"), ACTIVATE, JWS) == "no-such-proposal"


def test_nothing_is_proposed_or_activated_but_what_an_event_of_that_pilot_names(world: World) -> None:
    proposal = proposed(world)
    wrong = [
        (activating(world, proposal, "bb", sent=sent("x.y.z")), ACTIVATE, JWS, "aland"),
        (activating(world, proposal, "bb", ask="worklist", limit=1), ACTIVATE, JWS, "aland"),
        (activating(world, proposal, "bb"), ACTIVATE, JWS, "bland"),
        (uuid.uuid4(), ACTIVATE, JWS, "aland"),
        (activating(world, proposal, "bb"), PROPOSE, TEXT, "aland"),
        (opened(world, actor="aa", ask="rule-set-proposal", sent=sent("other")), PROPOSE, TEXT, "aland"),
    ]
    for event, statement, value, pilot in wrong:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            called(world, event, statement, value, pilot)
    elsewhere = opened(world, "bland", actor="bb", ask="rule-set-activation", proposal=proposal, sent=sent(JWS))
    assert called(world, elsewhere, ACTIVATE, JWS, "bland") == "no-such-proposal"
    assert state_of(world, proposal) == ("proposed", "aa", None)


def test_the_linker_activates_only_what_somebody_else_did_and_no_login_makes_it_so(world: World) -> None:
    proposal = proposed(world)
    with world.database.connect("vroegsein_linker") as linker:
        for statement in (
            f"SELECT registry.activate_rule_set('aland', '{proposal}')",
            "UPDATE registry.rule_set_proposal SET activated_by = 'zz'",
            "UPDATE registry.rule_set_proposal SET proposed_by = 'zz'",
            "UPDATE registry.rule_set_proposal SET text = ''",
            "UPDATE registry.pilot SET document = '{}'",
            "INSERT INTO registry.rule_set VALUES ('x@1', '', sha256(''))",
            "INSERT INTO registry.signed_document VALUES ('aland', 9, '')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), linker.transaction():
                linker.execute(statement.encode())
        with pytest.raises(psycopg.errors.CheckViolation), linker.transaction():
            linker.execute("UPDATE registry.rule_set_proposal SET state = 'activating' WHERE activated_by IS NULL")
    for login in ("opener", "recorder", "reader", "ingest", "auditor"):
        with world.database.connect(f"vroegsein_{login}") as session:
            for statement in (
                f"SELECT registry.activate_rule_set('aland', '{proposal}')",
                "UPDATE registry.rule_set_proposal SET activated_by = 'zz', state = 'activating'",
                "DELETE FROM registry.rule_set_proposal",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), session.transaction():
                    session.execute(statement.encode())


def test_not_even_the_owner_of_the_table_makes_one_person_two(world: World) -> None:
    proposal = proposed(world)
    with world.database.as_superuser() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "UPDATE registry.rule_set_proposal SET activated_by = proposed_by, version = 2, jws = 'x',"
            " state = 'activating' WHERE proposal_id = %s",
            [proposal],
        )


def test_what_a_proposal_would_have_made_is_shown_to_the_event_that_names_it_at_the_level_of_facts(
    world: World,
) -> None:
    proposal = proposed(world)
    with world.database.as_superuser() as connection:
        for pilot in PILOTS:
            connection.execute(
                "INSERT INTO signals.rule_set_shadow VALUES (%s, %s, '2026-10', now(), '{\"a\": 1}')", [pilot, proposal]
            )
    asks = {"ask": "rule-set-shadow", "proposal": proposal}
    assert shadow(world, opened(world, actor="aa", **asks)) == [("2026-10", {"a": 1})]
    for event in (
        opened(world, "bland", actor="aa", **asks),
        opened(world, actor="aa", **asks | {"proposal": str(uuid.uuid4())}),
        opened(world, actor="aa", **asks | {"ask": "backtest-result"}),
        opened(world, actor="aa", purpose="count", **asks),
        uuid.uuid4(),
    ):
        assert shadow(world, event) == []


def shadow(world: World, event: uuid.UUID) -> list[tuple[Any, ...]]:
    with world.database.connect("vroegsein_reader") as reader:
        reader.execute("SELECT gate.enter_scope('aland', %s)", [event])
        return reader.execute("SELECT * FROM gate.rule_set_shadow()").fetchall()
