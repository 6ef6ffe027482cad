"""Judging on a real PostgreSQL: the compiled rule set against the oracle, in one go and step by step."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.examples import read_examples
from signals.explanation import Explanation
from signals.judging import judge, judge_all
from signals.oracle import JudgedMonth, LiveReport, judge_reports
from signals.report import Kind, UrgentFlag
from signals.rulesets import RuleSet
from tests.budget import examples
from tests.conftest import Database
from tests.judging import DEFAULT, OTHER_PILOT, PILOT, judging_engine, quick, rent, store
from tests.rule_sets import live_reports, rule_sets

CASES = Path(__file__).parents[1] / "cases"


@dataclass(frozen=True)
class Change:
    """What linking or a withdrawal does to one report: another household, or shut out (None)."""

    report: int
    household: int | None


changes = st.lists(st.builds(Change, st.integers(0, 13), st.none() | st.integers(1, 4)), max_size=6)


@pytest.fixture(scope="module")
def engine(module_database: Database) -> Iterator[sa.Engine]:
    with judging_engine(module_database) as engine:
        yield engine


@pytest.fixture
def linker(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def touch(connection: sa.Connection, households: Iterable[UUID]) -> None:
    connection.execute(sa.text("DROP TABLE IF EXISTS pg_temp.touched_household"))
    connection.execute(
        sa.text("CREATE TEMPORARY TABLE touched_household (household_id uuid PRIMARY KEY) ON COMMIT DROP")
    )
    connection.execute(
        sa.text("INSERT INTO touched_household SELECT unnest(CAST(:ids AS uuid[]))"), {"ids": sorted(set(households))}
    )


def standing(connection: sa.Connection, pilot: str = PILOT) -> list[JudgedMonth]:
    """The signals as the three tables hold them; the digest, which only the service knows, is left out."""
    rows = connection.execute(
        sa.text("""
            SELECT signal_id, s.household_id, period, tray, rules, urgent, priority, received_on, deadline, categories,
              creditors, rule_set, amount_euros, months, district, reports, explanation
            FROM signals.signal s
            FULL JOIN signals.signal_categories c USING (pilot_id, signal_id)
            FULL JOIN signals.signal_facts f USING (pilot_id, signal_id)
            WHERE pilot_id = :pilot AND s.household_id = c.household_id AND s.household_id = f.household_id
            ORDER BY s.household_id, period"""),
        {"pilot": pilot},
    ).mappings()
    found = []
    for row in rows:
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        explanation = Explanation.model_validate_json(values["explanation"])
        assert explanation.digest
        found.append(JudgedMonth(**{**values, "explanation": explanation.model_copy(update={"digest": ""})}))
    for table in ("signal", "signal_categories", "signal_facts"):
        count = connection.execute(
            sa.text(f"SELECT count(*) FROM signals.{table} WHERE pilot_id = :pilot"), {"pilot": pilot}
        )
        assert count.scalar_one() == len(found)
    return found


def versions(connection: sa.Connection, *, locked: bool = False) -> list[Any]:
    """Where each row lies, and who locked it last: a row that is written again lies elsewhere."""
    what = "signal_id, CAST(ctid AS text)" + (", CAST(xmax AS text)" if locked else "")
    return [
        connection.execute(sa.text(f"SELECT {what} FROM signals.{table} ORDER BY 1")).all()
        for table in ("signal", "signal_categories", "signal_facts")
    ]


@quick
@given(live_reports(), st.just(DEFAULT) | rule_sets())
def test_the_compiled_rule_set_says_what_the_oracle_says(
    engine: sa.Engine, reports: list[LiveReport], rule_set: RuleSet
) -> None:
    with engine.connect() as connection:
        store(connection, reports)
        judge_all(connection, PILOT, rule_set)
        assert standing(connection) == judge_reports(PILOT, rule_set, reports)
        connection.rollback()


@settings(quick, max_examples=examples(30))
@given(live_reports(), changes, st.integers(1, 4), st.just(DEFAULT) | rule_sets(), st.randoms(use_true_random=False))
def test_step_by_step_gives_what_all_at_once_gives(
    engine: sa.Engine, reports: list[LiveReport], later: list[Change], parts: int, rules: RuleSet, chance: Any
) -> None:
    chance.shuffle(reports)
    with engine.connect() as connection:
        for part in range(parts):
            delivered = reports[part::parts]
            store(connection, delivered)
            touch(connection, [report.household_id for report in delivered])
            judge(connection, PILOT, rules)
        live = {report.report_id: report for report in reports}
        for change in later:
            touch(connection, apply(connection, change, reports, live))
            judge(connection, PILOT, rules)
        by_steps = standing(connection)
        assert by_steps == judge_reports(PILOT, rules, live.values())
        before = versions(connection, locked=True)
        with connection.begin_nested():  # a lock of a transaction of its own is seen
            judge_all(connection, PILOT, rules)
        assert standing(connection) == by_steps
        assert versions(connection, locked=True) == before  # neither written again nor locked
        connection.rollback()


def apply(
    connection: sa.Connection, change: Change, reports: Sequence[LiveReport], live: dict[UUID, LiveReport]
) -> set[UUID]:
    """Move or shut out a report; the households that this touches."""
    report = live.get(reports[change.report % len(reports)].report_id)
    if report is None:
        return set()
    household = None if change.household is None else UUID(int=change.household)
    connection.execute(
        sa.text("""
            UPDATE signals.report SET household_id = :household, state = :state
            WHERE pilot_id = :pilot AND report_id = :report"""),
        {
            "household": household,
            "state": "live" if household else "shut_out",
            "pilot": PILOT,
            "report": report.report_id,
        },
    )
    if household is None:
        del live[report.report_id]
        return {report.household_id}
    live[report.report_id] = replace(report, household_id=household)
    return {report.household_id, household}


def test_the_compiled_default_does_what_every_example_says(linker: sa.Connection) -> None:
    """Each example is a household of its own, and all are judged at once."""
    cases = dict(enumerate(read_examples(CASES), start=1))
    store(linker, [report for number, case in cases.items() for report in case.of(number)])
    judge_all(linker, PILOT, DEFAULT)
    signals = standing(linker)
    for number, case in cases.items():
        of_household = [signal for signal in signals if signal.household_id == UUID(int=number)]
        assert case.differences(of_household) == [], case.name


REPEATS_LATER = DEFAULT.model_copy(
    update={"repeats": DEFAULT.repeats.model_copy(update={"months_back": 2, "grown_by_euros": 40})}
)


@pytest.mark.parametrize("rule_set", [DEFAULT, REPEATS_LATER], ids=["default", "other terms"])
def test_repeats_and_windows_have_their_borders_where_the_oracle_has_them(
    linker: sa.Connection, rule_set: RuleSet
) -> None:
    """Two months of one contract in a household of its own, for every case beside a border."""
    periods = ("2026-03", "2026-04", "2026-07", "2026-08", "2026-09")
    cases = itertools.product(
        periods, (459, 460, 461, 499, 500, 501), Kind, ((), (UrgentFlag.INSURANCE_ENDED,)), (29, 30)
    )
    reports = []
    for number, (period, amount, kind, urgent, days) in enumerate(cases, start=1):
        household = UUID(int=number)
        then = rent(1, period, household_id=household, report_id=UUID(int=2 * number), amount_euros=amount)
        since = then.reported_on - timedelta(days=days)
        reports.append(replace(then, arrears_since=since))
        reports.append(rent(1, household_id=household, report_id=UUID(int=2 * number + 1), kind=kind, urgent=urgent))
    store(linker, reports)
    judge_all(linker, PILOT, rule_set)
    expected = judge_reports(PILOT, rule_set, reports)
    assert {signal.explanation.set_aside for signal in expected} == {None, "none_eligible", "all_repeats"}
    assert standing(linker) == expected


@pytest.mark.parametrize("judge_again", [judge, judge_all])
def test_a_household_whose_reports_are_gone_loses_its_signals(
    linker: sa.Connection, judge_again: Callable[[sa.Connection, str, RuleSet], None]
) -> None:
    store(linker, [rent(1, "2026-09"), rent(2)])
    touch(linker, [UUID(int=1)])
    judge(linker, PILOT, DEFAULT)
    assert len(standing(linker)) == 2
    linker.execute(sa.text("UPDATE signals.report SET state = 'shut_out' WHERE period = '2026-09'"))
    judge_again(linker, PILOT, DEFAULT)
    assert [(signal.period, signal.rules) for signal in standing(linker)] == [("2026-10", ("single@1",))]
    linker.execute(sa.text("UPDATE signals.report SET state = 'shut_out'"))
    judge_again(linker, PILOT, DEFAULT)
    assert standing(linker) == []


def test_what_did_not_change_is_not_written_again(linker: sa.Connection) -> None:
    store(linker, [rent(1, "2026-01"), rent(2, "2026-09")])
    touch(linker, [UUID(int=1)])
    judge(linker, PILOT, DEFAULT)
    before = versions(linker)
    judge(linker, PILOT, DEFAULT)
    assert versions(linker) == before
    store(linker, [rent(3, "2026-10")])
    judge(linker, PILOT, DEFAULT)
    assert [len(set(new) - set(old)) for new, old in zip(versions(linker), before, strict=True)] == [1, 1, 1]


def test_another_version_of_the_rule_set_makes_the_signals_anew(linker: sa.Connection) -> None:
    store(linker, [rent(1)])
    touch(linker, [UUID(int=1)])
    judge(linker, PILOT, DEFAULT)
    judge(linker, PILOT, DEFAULT.model_copy(update={"version": 2}))
    assert [signal.rule_set for signal in standing(linker)] == ["default@2"]


def test_a_signal_that_somebody_changed_is_put_right_by_a_full_run(linker: sa.Connection) -> None:
    store(linker, [rent(1)])
    judge_all(linker, PILOT, DEFAULT)
    linker.execute(sa.text("UPDATE signals.signal SET tray = 'urgent'"))
    judge_all(linker, PILOT, DEFAULT)
    assert [signal.tray for signal in standing(linker)] == ["single"]


def test_other_households_and_other_pilots_are_left_alone(linker: sa.Connection) -> None:
    elsewhere = rent(1, household_id=UUID(int=2))
    store(linker, [elsewhere])
    store(linker, [rent(1)], OTHER_PILOT)
    judge_all(linker, OTHER_PILOT, DEFAULT)
    touch(linker, [UUID(int=1)])
    judge(linker, PILOT, DEFAULT)
    assert standing(linker) == []
    assert [signal.household_id for signal in standing(linker, OTHER_PILOT)] == [UUID(int=1)]
    judge_all(linker, PILOT, DEFAULT)
    assert [signal.household_id for signal in standing(linker)] == [UUID(int=2)]
    assert standing(linker)[0].signal_id != standing(linker, OTHER_PILOT)[0].signal_id


def test_reports_that_are_not_linked_yet_make_no_signal(linker: sa.Connection) -> None:
    store(linker, [rent(1)])
    linker.execute(sa.text("UPDATE signals.report SET household_id = NULL"))
    judge_all(linker, PILOT, DEFAULT)
    assert standing(linker) == []


def statements_of(connection: sa.Connection) -> int:
    """How many statements one judging takes."""
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    sa.event.listen(connection, "before_cursor_execute", note)
    judge(connection, PILOT, DEFAULT)
    sa.event.remove(connection, "before_cursor_execute", note)
    return len(seen)


def test_a_large_delivery_needs_no_more_statements_than_a_small_one(engine: sa.Engine) -> None:
    counts = []
    for number in (1, 40):
        with engine.connect() as connection:
            store(connection, [rent(each, household_id=UUID(int=each)) for each in range(number)])
            touch(connection, [UUID(int=each) for each in range(number)])
            counts.append(statements_of(connection))
            connection.rollback()
    assert counts[0] == counts[1] < 12
