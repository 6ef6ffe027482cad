"""Back-tests of rule sets: asked for by a desk, worked off by the linker, and shown in counts."""

import hashlib
import uuid
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import Field

from app.api.basis_changes import PilotQuery
from app.api.deps import Pools, RulesCaller, RulesViewer
from app.api.signals import look
from app.db.sessions import Login, Sessions
from app.errors import problems
from app.gate import Gate, LookRefused, NotInScope
from app.problems import InputMistake, InvalidInput
from app.publishing import PilotUnknown, refuse_others
from app.waking import wake_linker
from signals.backtest_counts import MOST_MONTHS, Backtest
from signals.documents import DocumentError
from signals.report import Period, Wire
from signals.rulesets import RuleSet, parse_rule_set

router = APIRouter(prefix="/backtests", tags=["rule-sets"])
MOST_TEXT = 60_000  # characters; the default rule set has 9,000
MOST_MISTAKES = 20  # told at once

BacktestId = Annotated[uuid.UUID, Path(alias="backtestId")]
RuleSetText = Annotated[str, Field(max_length=MOST_TEXT, description="A rule set as YAML or JSON")]
KNOWN = sa.text("SELECT EXISTS (SELECT FROM registry.rule_set WHERE rule_set = :name)")
LEAVE = sa.text("SELECT gate.leave_backtest(:candidate)")
STATE = sa.text("SELECT gate.backtest_state(:pilot, :backtest)")
RESULT = sa.text("SELECT gate.backtest_result()")


class BacktestAsked(Wire):
    """What to try out. `against`: the name of a registered rule set; null: the pilot's running one."""

    rule_set: RuleSetText
    against: Annotated[str, Field(max_length=80)] | None = None
    periods: Annotated[tuple[Period, ...], Field(min_length=1, max_length=MOST_MONTHS)]


class BacktestState(Wire):
    """How far a back-test is. `failed`: it can't be carried out, and asking again does not help."""

    backtest_id: uuid.UUID
    state: Literal["waiting", "done", "failed"]


@router.post("", status_code=202, responses=problems(NotInScope, LookRefused))
def ask_for_backtest(asked: BacktestAsked, pilot_id: PilotQuery, viewer: RulesViewer, pools: Pools) -> BacktestState:
    """Leave a back-test for the linker. It takes seconds to minutes: ask for its state, then for its result."""
    rule_set = read_candidate(asked.rule_set)
    _refuse_unknown(pools, asked.against)
    backtest_id = uuid.uuid4()
    asks: dict[str, Any] = {
        "ask": "backtest",
        "backtest": str(backtest_id),
        "rule_set": rule_set.name,
        "hash": rule_set.hash().hex(),
        "sent": hashlib.sha256(asked.rule_set.encode()).hexdigest(),
        "against": asked.against,
        "periods": sorted(set(asked.periods)),
    }
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        _leave(scope.connection, LEAVE, {"candidate": asked.rule_set})
        wake_linker(scope.connection, pilot_id)
        scope.shown.append(str(backtest_id))
    return BacktestState(backtest_id=backtest_id, state="waiting")


@router.get("/{backtestId}", responses=problems(PilotUnknown, NotInScope))
def read_backtest(backtest_id: BacktestId, pilot_id: PilotQuery, caller: RulesCaller, pools: Pools) -> BacktestState:
    """Whether a back-test was worked off by now. Says nothing of what came of it."""
    with pools.begin(Login.OPENER) as connection:
        refuse_others(connection, caller.organisation_id, pilot_id)
    with pools.begin(Login.RECORDER) as connection:
        state = connection.execute(STATE, {"pilot": pilot_id, "backtest": backtest_id}).scalar_one()
    if state is None:
        raise NotInScope("there is no such back-test in this pilot, or its term is over")
    return BacktestState(backtest_id=backtest_id, state=state)


@router.get("/{backtestId}/result", responses=problems(NotInScope, LookRefused))
def read_backtest_result(backtest_id: BacktestId, pilot_id: PilotQuery, viewer: RulesViewer, pools: Pools) -> Backtest:
    """What came of it, in exact counts: for the municipality itself, and not to be handed on as it is."""
    asks = {"ask": "backtest-result", "backtest": str(backtest_id)}
    with Gate(pools).open(look(viewer, pilot_id), asks) as scope:
        found = scope.connection.execute(RESULT).scalar_one()
        if found is None:
            raise NotInScope("there is no result: it waits, it failed, its term is over, or the purpose shows no facts")
        scope.shown.append(str(backtest_id))
    return Backtest.model_validate(found)


def read_candidate(text: str) -> RuleSet:
    """The rule set that was sent. Raises InvalidInput with every mistake and the line where it stands."""
    try:
        return parse_rule_set(text, "ruleSet")
    except DocumentError as error:
        mistakes = [
            InputMistake(
                pointer="/ruleSet",
                code="rule-set",
                detail=f"line {found.line}, column {found.column}: `vroegsein rules check` says what is expected there",
            )
            for found in error.mistakes[:MOST_MISTAKES]
        ]
        raise InvalidInput(errors=mistakes) from None


def _refuse_unknown(pools: Sessions, against: str | None) -> None:
    if against is None:
        return
    with pools.begin(Login.OPENER) as connection:
        if not connection.execute(KNOWN, {"name": against}).scalar_one():
            detail = "must be the name of a registered rule set, such as default@1"
            raise InvalidInput(errors=[InputMistake(pointer="/against", code="unknown", detail=detail)])


def _leave(connection: sa.Connection, statement: sa.TextClause, values: dict[str, Any]) -> None:
    """Call a function that wants an event of a certain level. Raises NotInScope where the purpose is of a lower one."""
    try:
        connection.execute(statement, values)
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != "42501":
            raise
        raise NotInScope("a back-test tells of facts: it needs a purpose whose level is facts") from None
