"""Proposing and activating by somebody who holds a login of the service: two persons, or nothing."""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from signals.rulesets import default_rule_set, default_text
from tests.conftest import Database
from tests.world import PILOTS, World, small_world

TEXT, JWS = default_text(), "a.b.c"
HASH = default_rule_set().hash().hex()
PROPOSE = "SELECT gate.propose_rule_set(%s)"
ACTIVATE = "SELECT gate.activate_rule_set(2, %s)"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.stop_linking()  # nothing that is left here is to be carried out
        yield world


def opened(world: World, actor: str, pilot: str = "aland", purpose: str = "compare-rules", **asks: Any) -> uuid.UUID:
    with world.database.connect("vroegsein_opener") as opener:
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event(%s, %s, 'debt-help', %s, %s, %s)",
            [pilot, PILOTS[pilot], actor, purpose, Jsonb(asks)],
        ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def called(world: World, event: uuid.UUID, statement: str, value: str, pilot: str = "aland") -> Any:
    """What a function of the recorder says in that scope; an error where it refuses."""
    with world.database.connect("vroegsein_recorder") as recorder:
        recorder.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        row = recorder.execute(statement.encode(), [value]).fetchone()
    assert row is not None
    return row[0]


def sent(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def proposed(world: World, actor: str = "aa") -> str:
    proposal = str(uuid.uuid4())
    asks = {"ask": "rule-set-proposal", "proposal": proposal, "rule_set": "default@1", "hash": HASH, "sent": sent(TEXT)}
    assert called(world, opened(world, actor, **asks), PROPOSE, TEXT) == ""  # PostgreSQL's void
    return proposal


def activating(world: World, proposal: str, actor: str, **changes: Any) -> uuid.UUID:
    asks = {"ask": "rule-set-activation", "proposal": proposal, "sent": sent(JWS)}
    return opened(world, actor, **asks | changes)


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
        (opened(world, "aa", ask="rule-set-proposal", sent=sent("other")), PROPOSE, TEXT, "aland"),
    ]
    for event, statement, value, pilot in wrong:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            called(world, event, statement, value, pilot)
    elsewhere = opened(world, "bb", "bland", ask="rule-set-activation", proposal=proposal, sent=sent(JWS))
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
    assert shadow(world, opened(world, "aa", **asks)) == [("2026-10", {"a": 1})]
    for event in (
        opened(world, "aa", "bland", **asks),
        opened(world, "aa", **asks | {"proposal": str(uuid.uuid4())}),
        opened(world, "aa", **asks | {"ask": "backtest-result"}),
        opened(world, "aa", purpose="count", **asks),
        uuid.uuid4(),
    ):
        assert shadow(world, event) == []


def shadow(world: World, event: uuid.UUID) -> list[tuple[Any, ...]]:
    with world.database.connect("vroegsein_reader") as reader:
        reader.execute("SELECT gate.enter_scope('aland', %s)", [event])
        return reader.execute("SELECT * FROM gate.rule_set_shadow()").fetchall()
