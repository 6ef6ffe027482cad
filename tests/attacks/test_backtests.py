"""Back-tests by somebody who holds a login of the service: nothing is tried out or shown but what an event names."""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from signals.rulesets import default_text
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

TEXT = default_text()
SENT = hashlib.sha256(TEXT.encode()).hexdigest()
LEAVE = "SELECT gate.leave_backtest(%s)"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            world.push("housing", pilot, [make_row("c", phone="")])
        world.stop_linking()  # nothing that is left here is to run
        yield world


def opened(world: World, pilot: str = "aland", purpose: str = "compare-rules", **asks: Any) -> uuid.UUID:
    with world.database.connect("vroegsein_opener") as opener:
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event(%s, %s, 'debt-help', 'abcd', %s, %s)",
            [pilot, PILOTS[pilot], purpose, Jsonb(asks)],
        ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def asking(**changes: Any) -> dict[str, Any]:
    asks = {"ask": "backtest", "backtest": str(uuid.uuid4()), "sent": SENT, "against": None, "periods": ["2026-10"]}
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


KEPT = str(uuid.UUID(int=77))


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
