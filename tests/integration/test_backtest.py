"""Back-tests on a real PostgreSQL, compared with what the oracle and plain counting say."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from statistics import median_low
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.backtest import backtest
from signals.backtest_counts import Backtest, Both
from signals.days import last_day, months_before
from signals.oracle import JudgedMonth, LiveReport, judge_reports
from signals.report import Category, UrgentFlag
from signals.rulesets import RuleSet
from tests.budget import examples
from tests.conftest import Database
from tests.judging import DEFAULT, PILOT, judging_engine, quick, rent, store
from tests.rule_sets import live_reports, rule_sets

AUGUST, SEPTEMBER, OCTOBER = "2026-08", "2026-09", "2026-10"
# From 800 euros on, instead of 50.
STRICT = DEFAULT.model_copy(
    update={
        "id": "strict",
        "eligibility": tuple(
            terms.model_copy(update={"amount_euros": terms.amount_euros.model_copy(update={"at_least": 800})})
            if terms.amount_euros
            else terms
            for terms in DEFAULT.eligibility
        ),
    }
)


@pytest.fixture(scope="module")
def engine(module_database: Database) -> Iterator[sa.Engine]:
    with judging_engine(module_database) as engine:
        yield engine


@pytest.fixture
def linker(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_a_higher_threshold_puts_households_out_and_tells_what_that_costs(linker: sa.Connection) -> None:
    """A household with small arrears in August that has its gas announced to be shut off in October."""
    flagged = (UrgentFlag.SHUT_OFF_ANNOUNCED,)
    store(
        linker,
        [
            rent(1, AUGUST),
            rent(1, OCTOBER, report_id=UUID(int=9), urgent=flagged, amount_euros=900),
            rent(2, AUGUST, household_id=UUID(int=2), amount_euros=900),
        ],
    )
    found = backtest(linker, PILOT, DEFAULT, STRICT, [OCTOBER, AUGUST, SEPTEMBER])
    august, september, october = found.months
    assert (august.worklist, august.came_in, august.went_out) == (Both(old=2, new=1), 0, 1)
    assert {tray.tray: (tray.old, tray.new) for tray in august.trays if tray.old or tray.new} == {
        "single": (2, 1),
        "set_aside": (0, 1),
    }
    assert [(move.old, move.new, move.count) for move in august.moved] == [("single", "set_aside", 1)]
    assert september.worklist == Both(old=0, new=0)
    assert october.worklist == Both(old=1, new=1)
    lead = found.lead_time
    assert (lead.flagged, lead.before, lead.missed) == (1, Both(old=1, new=0), Both(old=0, new=1))
    days = (last_day(OCTOBER) - last_day(AUGUST)).days
    assert (lead.median_days.old, lead.median_days.new, lead.earlier, lead.later) == (days, None, 0, 1)
    assert sum(week.old for week in found.weeks) == 3
    assert sum(week.new for week in found.weeks) == 2


def test_lead_time_is_counted_up_to_the_first_flag(linker: sa.Connection) -> None:
    flagged = (UrgentFlag.EVICTION_ANNOUNCED,)
    later = [rent(1, month, report_id=UUID(int=n), urgent=flagged) for n, month in enumerate((SEPTEMBER, OCTOBER))]
    store(linker, [rent(1, AUGUST), *later])
    lead = backtest(linker, PILOT, DEFAULT, DEFAULT, [AUGUST, SEPTEMBER, OCTOBER]).lead_time
    assert (lead.flagged, lead.median_days.old) == (1, (date(2026, 10, 2) - date(2026, 9, 1)).days)


def test_a_month_is_judged_as_it_came_in_and_not_as_it_was_paid_since(linker: sa.Connection) -> None:
    store(linker, [rent(1, AUGUST, settled_on=date(2026, 9, 1)), rent(2, SEPTEMBER, household_id=UUID(int=2))])
    found = backtest(linker, PILOT, DEFAULT, STRICT, [AUGUST])
    assert found.months[0].worklist == Both(old=1, new=0)
    assert found.false_alarms.told == found.false_alarms.count == Both(old=1, new=0)


@pytest.mark.parametrize(
    ("later", "quiet"),
    [
        ((), 1),  # gone
        ((rent(1, SEPTEMBER, report_id=UUID(int=9)),), 0),  # still there
        ((rent(1, SEPTEMBER, report_id=UUID(int=9), urgent=(UrgentFlag.EVICTION_ANNOUNCED,)),), 0),
    ],
    ids=["gone", "still there", "escalated"],
)
def test_what_counts_as_a_false_alarm(linker: sa.Connection, later: tuple[LiveReport, ...], quiet: int) -> None:
    store(linker, [rent(1, AUGUST), rent(2, SEPTEMBER, household_id=UUID(int=2)), *later])
    found = backtest(linker, PILOT, DEFAULT, DEFAULT, [AUGUST])
    assert found.false_alarms.count == Both(old=quiet, new=quiet)
    assert backtest(linker, PILOT, DEFAULT, DEFAULT, [SEPTEMBER]).false_alarms.told == Both(old=0, new=0)


@pytest.mark.parametrize(("settled_on", "paid"), [(date(2026, 9, 30), 1), (date(2026, 10, 1), 0)])
def test_paid_by_the_end_of_the_next_month_is_quiet(linker: sa.Connection, settled_on: date, paid: int) -> None:
    store(linker, [rent(1, AUGUST, settled_on=settled_on), rent(2, SEPTEMBER)])
    assert backtest(linker, PILOT, DEFAULT, DEFAULT, [AUGUST]).false_alarms.count.old == paid


def test_it_leaves_no_trace_and_names_no_household(linker: sa.Connection) -> None:
    store(linker, [rent(1, AUGUST)])
    before = linker.execute(sa.text("SELECT pg_catalog.pg_current_xact_id_if_assigned()")).scalar_one()
    found = backtest(linker, PILOT, DEFAULT, STRICT, [AUGUST])
    assert str(UUID(int=1)) not in found.model_dump_json()
    for table in ("signal", "signal_categories", "signal_facts", "link_change"):
        assert linker.execute(sa.text(f"SELECT count(*) FROM signals.{table}")).scalar_one() == 0
    left = "SELECT count(*) FROM pg_catalog.pg_class WHERE relpersistence = 't' AND relname LIKE 'replayed%'"
    assert linker.execute(sa.text(left)).scalar_one() == 0
    assert before == linker.execute(sa.text("SELECT pg_catalog.pg_current_xact_id_if_assigned()")).scalar_one()


@pytest.mark.parametrize("periods", [[], [f"20{year}-01" for year in range(20, 45)]])
def test_how_many_months_is_bounded(linker: sa.Connection, periods: list[str]) -> None:
    with pytest.raises(ValueError, match="one month at least and 24 at most"):
        backtest(linker, PILOT, DEFAULT, DEFAULT, periods)


LOOSE = DEFAULT.model_copy(
    update={
        "id": "loose",
        "window": DEFAULT.window.model_copy(update={"months": 2}),
        "repeats": DEFAULT.repeats.model_copy(update={"months_back": 3, "grown_by_euros": 100}),
    }
)


@pytest.mark.parametrize(("old", "new"), [(DEFAULT, LOOSE), (LOOSE, STRICT)], ids=["windows", "thresholds"])
def test_a_town_of_many_households_compares_as_plain_counting_does(
    linker: sa.Connection, old: RuleSet, new: RuleSet
) -> None:
    """Enough of them that every way of counting meets the households that it could be wrong about."""
    chance = random.Random(6)
    months = ("2026-03", "2026-04", "2026-06", "2026-07", AUGUST, SEPTEMBER, OCTOBER)
    reports = []
    for number in range(160):
        report = rent(
            chance.choice((1, 1, 2, 3)),
            chance.choice(months),
            household_id=UUID(int=number // 5),
            report_id=UUID(int=1_000 + number),
            amount_euros=chance.choice((20, 60, 600, 640, 700, 900)),
            category=chance.choice((Category.RENT, Category.ENERGY)),
            urgent=chance.choice(((), (), (), (UrgentFlag.SHUT_OFF_ANNOUNCED,))),
        )
        paid = report.reported_on + timedelta(days=chance.choice((1, 33, 34, 40)))
        came = report.received_on + timedelta(days=chance.randint(0, 3))
        reports.append(replace(report, received_on=came, settled_on=chance.choice((None, None, paid))))
    unique = {(r.household_id, r.creditor_id, r.period): r for r in reports}
    store(linker, unique.values())
    periods = ["2026-07", AUGUST, SEPTEMBER]
    found = counted(backtest(linker, PILOT, old, new, periods))
    assert found == plainly(list(unique.values()), old, new, periods)
    assert found["moved"]
    assert found["alarms"]["count"]["old"] > 0


@settings(quick, max_examples=examples(10))
@given(live_reports(), st.just(DEFAULT) | rule_sets(), rule_sets(), st.sampled_from((("2026-01", "2026-03"), None)))
def test_the_comparison_is_what_plain_counting_gives(
    engine: sa.Engine, reports: list[LiveReport], old: RuleSet, new: RuleSet, months: tuple[str, ...] | None
) -> None:
    periods = sorted(months or {report.period for report in reports})
    with engine.connect() as connection:
        store(connection, reports)
        found = backtest(connection, PILOT, old, new, periods)
        connection.rollback()
    assert counted(found) == plainly(reports, old, new, periods)


def counted(found: Backtest) -> dict[str, Any]:
    """A back-test as `plainly` counts it."""
    return {
        "trays": {
            (month.period, tray.tray): (tray.old, tray.new)
            for month in found.months
            for tray in month.trays
            if tray.old or tray.new
        },
        "in and out": {month.period: (month.came_in, month.went_out) for month in found.months},
        "worklist": {month.period: (month.worklist.old, month.worklist.new) for month in found.months},
        "moved": {(month.period, move.old, move.new): move.count for month in found.months for move in month.moved},
        "categories": {
            (month.period, row.category.value): (row.old, row.new) for month in found.months for row in month.categories
        },
        "weeks": {row.week: (row.old, row.new) for row in found.weeks},
        "lead": found.lead_time.model_dump(),
        "alarms": found.false_alarms.model_dump(),
    }


def plainly(reports: Sequence[LiveReport], old: RuleSet, new: RuleSet, periods: Sequence[str]) -> dict[str, Any]:
    """The same by the oracle, one household's month after the other."""
    by = {name: judged_as_received(reports, rules, periods) for name, rules in (("old", old), ("new", new))}
    aside = {"old": old.set_aside.trays, "new": new.set_aside.trays}
    keys = list(by["old"])

    def shown(name: str, key: tuple[UUID, str]) -> bool:
        return by[name][key].tray not in aside[name]

    def both(of: Mapping[str, Counter[Any]]) -> dict[Any, tuple[int, int]]:
        return {key: (of["old"][key], of["new"][key]) for key in of["old"] | of["new"]}

    moved = Counter(
        (key[1], by["old"][key].tray, by["new"][key].tray) for key in keys if by["old"][key].tray != by["new"][key].tray
    )
    came, went = (
        Counter(key[1] for key in keys if shown(to, key) and not shown(of, key))
        for of, to in (("old", "new"), ("new", "old"))
    )
    in_list = {name: [by[name][key] for key in keys if shown(name, key)] for name in by}
    worklist = {name: Counter(month.period for month in months) for name, months in in_list.items()}
    return {
        "trays": both({name: Counter((key[1], by[name][key].tray) for key in keys) for name in by}),
        "in and out": {period: (came[period], went[period]) for period in periods},
        "worklist": {period: (worklist["old"][period], worklist["new"][period]) for period in periods},
        "moved": dict(moved),
        "categories": both(
            {
                name: Counter((m.period, word) for m in months for word in m.categories)
                for name, months in in_list.items()
            }
        ),
        "weeks": both(
            {
                name: Counter(m.deadline - timedelta(days=m.deadline.weekday()) for m in months)
                for name, months in in_list.items()
            }
        ),
        "lead": lead_of(reports, in_list, periods),
        "alarms": alarms_of(reports, in_list),
    }


def judged_as_received(
    reports: Sequence[LiveReport], rules: RuleSet, periods: Sequence[str]
) -> dict[tuple[UUID, str], JudgedMonth]:
    found = {}
    for period in periods:
        earlier = [report for report in reports if report.period <= period]
        then = [replace(report, settled_on=None) if report.period == period else report for report in earlier]
        for month in judge_reports(PILOT, rules, then):
            if month.period == period:
                found[month.household_id, period] = month
    return found


def lead_of(
    reports: Sequence[LiveReport], in_list: Mapping[str, Sequence[JudgedMonth]], periods: Sequence[str]
) -> dict[str, Any]:
    flagged: dict[UUID, date] = {}
    for report in reports:
        if report.urgent and report.period in periods:
            flagged[report.household_id] = min(flagged.get(report.household_id, date.max), report.received_on)
    days: dict[str, list[int]] = {}
    for name, months in in_list.items():
        first = {
            household: min((m.received_on for m in months if m.household_id == household), default=date.max)
            for household in flagged
        }
        days[name] = [max((flagged[household] - first[household]).days, 0) for household in flagged]
    before = {name: [lead for lead in leads if lead] for name, leads in days.items()}
    pairs = list(zip(days["old"], days["new"], strict=True))
    return {
        "flagged": len(flagged),
        "before": {name: len(leads) for name, leads in before.items()},
        "missed": {name: len(flagged) - len(leads) for name, leads in before.items()},
        "median_days": {name: median_low(leads) if leads else None for name, leads in before.items()},
        "earlier": sum(new > old for old, new in pairs),
        "later": sum(new < old for old, new in pairs),
    }


def alarms_of(reports: Sequence[LiveReport], in_list: Mapping[str, Sequence[JudgedMonth]]) -> dict[str, Any]:
    reported = {report.period for report in reports}

    def quiet(month: JudgedMonth) -> bool:
        after = months_before(month.period, -1)
        own = [report for report in reports if report.household_id == month.household_id]
        now, next_one = ([r for r in own if r.period == period] for period in (month.period, after))
        paid = all(r.settled_on is not None and r.settled_on <= last_day(after) for r in now)
        return not any(r.urgent for r in (*now, *next_one)) and (not next_one or paid)

    told = {name: [m for m in months if months_before(m.period, -1) in reported] for name, months in in_list.items()}
    return {
        "told": {name: len(months) for name, months in told.items()},
        "count": {name: sum(map(quiet, months)) for name, months in told.items()},
    }
