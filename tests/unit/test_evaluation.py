"""The evaluation's tables: their definitions, that they add up, and that nobody finds a count that they don't show."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.demo_cases import made_up_pilot
from privacy.small_numbers import LEAST, Band, shown, told
from signals import evaluation_shown
from signals.cases import (
    Accepted,
    Attempt,
    Case,
    Closed,
    ContactKind,
    Entry,
    Result,
    Spoken,
    TakenUp,
    case_of,
)
from signals.evaluation import (
    ALL,
    FOLLOW_UP_DAYS,
    POPULATION,
    Attempts,
    Channel,
    Conversation,
    Counted,
    CountedTable,
    Fate,
    FirstAttempt,
    FollowUp,
    LeadTime,
    Outcome,
    Population,
    Reached,
    SignalRecord,
    TableName,
    count,
)
from signals.evaluation_shown import (
    AT_LEAST_ONE_CALL,
    AT_LEAST_ONE_VISIT,
    Effort,
    Evaluation,
    ShownTable,
    percentage,
    publish,
)
from signals.monthly_table import MonthlyTable, OfCategory, OfTray, Repetition, Total
from signals.report import Category
from tests.budget import examples

START, UNTIL = date(2025, 10, 6), date(2026, 10, 31)
CATEGORIES = (Category.RENT, Category.ENERGY, Category.WATER)


def day(number: int) -> date:
    return START + timedelta(days=number)


def tried(*kinds: ContactKind, reached: bool = False, on: int = 3) -> list[Entry]:
    """Taken up, with an attempt of each kind, of which the last one may have reached the resident."""
    last = len(kinds) - 1
    attempts = [Attempt(on=day(on), contact=kind, reached=reached and at == last) for at, kind in enumerate(kinds)]
    return [TakenUp(on=day(1)), *attempts]


def ended(result: Result, on: int = 20) -> Closed:
    return Closed(on=day(on), result=result)


def signal(household: str = "a", at: int = 0, entries: Sequence[Entry] | None = None, **changes: Any) -> SignalRecord:
    """A signal received on a day, whose case (where `entries` are given) is one of its own."""
    case = None if entries is None else case_of(START, list(entries))
    usual: dict[str, Any] = {"repetition": Repetition.SINGLE, "reports": (Category.RENT,)}
    case_id = None if case is None else f"{household}-{at}"
    return SignalRecord(household, day(at), **{**usual, "case_id": case_id, "case": case, **changes})


def counted(*records: SignalRecord, until: date = UNTIL) -> Counted:
    return count(records, CATEGORIES, until)


def only_row(table: CountedTable) -> str:
    """The one row of a table with one thing in it."""
    assert table.total == 1
    return next(row for row, cells in table.rows.items() if sum(cells))


def row_of(name: TableName, *records: SignalRecord, until: date = UNTIL) -> str:
    return only_row(counted(*records, until=until).table(name))


def outcome(entries: Sequence[Entry]) -> str:
    table = counted(signal(entries=entries)).table(TableName.CHANNEL)
    return next(column for cells in table.rows.values() for column, n in zip(table.columns, cells, strict=True) if n)


LETTER, CALL, VISIT = ContactKind.LETTER, ContactKind.PHONE, ContactKind.HOME_VISIT


@pytest.mark.parametrize(
    ("kinds", "channel"),
    [
        ((), Channel.NONE),
        ((LETTER, ContactKind.CARD), Channel.LETTER),
        ((LETTER, ContactKind.EMAIL), Channel.MESSAGE),
        ((ContactKind.MESSAGE, CALL), Channel.PHONE),
        ((LETTER, VISIT), Channel.VISIT),
        ((VISIT, CALL), Channel.VISIT_AND_PHONE),
        ((LETTER, ContactKind.APPOINTMENT), Channel.OTHER),
        ((ContactKind.UNKNOWN,), Channel.OTHER),
    ],
)
def test_a_case_is_in_the_row_of_its_channels(kinds: tuple[ContactKind, ...], channel: Channel) -> None:
    assert row_of(TableName.CHANNEL, signal(entries=tried(*kinds))) == channel


def test_attempts_are_counted_as_the_monitor_compares_them() -> None:
    rows = [row_of(TableName.ATTEMPTS, signal(entries=tried(*[LETTER] * number))) for number in range(6)]
    assert rows == [Attempts.NONE, *[Attempts.ONE_OR_TWO] * 2, Attempts.THREE, *[Attempts.FOUR_OR_MORE] * 2]


def test_reached_and_helped_are_told_apart() -> None:
    accepted = Accepted(on=day(3), threatened=False)
    assert outcome(tried(LETTER)) == Outcome.NOT_REACHED
    assert outcome(tried(CALL, reached=True)) == Outcome.REACHED
    assert outcome([*tried(CALL, reached=True), ended(Result.MANAGES_ALONE)]) == Outcome.REACHED
    assert outcome([*tried(CALL, reached=True), ended(Result.ADVICE)]) == Outcome.HELPED
    assert outcome([TakenUp(on=day(1)), accepted]) == Outcome.HELPED


@pytest.mark.parametrize(
    ("entries", "fate"),
    [
        (None, Fate.NOT_YET),
        ([], Fate.NOT_YET),
        (tried(), Fate.TAKEN_UP),
        ([*tried(), ended(Result.DECEASED)], Fate.TAKEN_UP),
        ([ended(Result.KNOWN_CLIENT)], Fate.KNOWN_CLIENT),
        ([ended(Result.NOT_TAKEN_UP)], Fate.OTHER_REASON),
        ([ended(Result.REPEATED)], Fate.REPEATED),
    ],
)
def test_what_became_of_a_signal(entries: list[Entry] | None, fate: Fate) -> None:
    assert row_of(TableName.FATE, signal(entries=entries)) == fate


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, "0-7"), (7, "0-7"), (8, "8-14"), (14, "8-14"), (15, "15-28"), (28, "15-28"), (29, "29+")],
)
def test_the_first_attempt_is_counted_from_the_receipt(days: int, band: str) -> None:
    found = counted(signal(entries=tried(LETTER, on=days)))
    assert only_row(found.table(TableName.FIRST_ATTEMPT)) == band
    assert found.median_first_attempt is None  # one unit
    assert counted(*(signal(str(at), entries=tried(LETTER, on=at)) for at in range(11))).median_first_attempt == 5


def test_a_case_of_several_signals_counts_once_from_the_first() -> None:
    case = case_of(START, tried(LETTER, on=40))
    both = [signal(at=at, case_id="one", case=case) for at in (35, 0)]
    assert row_of(TableName.FIRST_ATTEMPT, *both) == FirstAttempt.LATER
    assert counted(*both).table(TableName.FATE).rows[Fate.TAKEN_UP] == (2,)


@pytest.mark.parametrize(
    ("threatened", "days", "row"),
    [
        (False, 28, Conversation.IN_TIME),
        (False, 29, Conversation.LATE),
        (True, 4, Conversation.IN_TIME),  # accepted on a Thursday: Tuesday is the third working day
        (True, 6, Conversation.LATE),
    ],
)
def test_a_conversation_is_in_time_by_the_clock_of_the_law(*, threatened: bool, days: int, row: Conversation) -> None:
    accepted = [*tried(CALL, reached=True), Accepted(on=day(3), threatened=threatened)]
    assert row_of(TableName.CONVERSATION, signal(entries=accepted)) == Conversation.NONE
    assert row_of(TableName.CONVERSATION, signal(entries=[*accepted, Spoken(on=day(3 + days))])) == row


@pytest.mark.parametrize(
    ("later", "band"),
    [(None, LeadTime.NONE), (1, "1-30"), (30, "1-30"), (31, "31-60"), (61, "61-90"), (91, "91+")],
)
def test_lead_time_is_from_the_first_signal_to_the_first_urgent_one(later: int | None, band: str) -> None:
    urgent = [] if later is None else [signal(at=at, urgent=True) for at in (later + 9, later)]
    assert row_of(TableName.LEAD_TIME, *urgent, signal()) == band
    assert row_of(TableName.LEAD_TIME, *urgent, signal(urgent=True)) == LeadTime.AT_ONCE


def test_follow_up_looks_six_months_past_the_first_closed_case_and_no_further() -> None:
    met = [*tried(CALL, reached=True), ended(Result.MANAGES_ALONE)]
    missed = [*tried(LETTER), ended(Result.NO_CONTACT)]
    border = 20 + FOLLOW_UP_DAYS
    name = TableName.FOLLOW_UP
    assert row_of(name, signal(entries=met), signal(at=border)) == FollowUp.REACHED_AGAIN
    assert row_of(name, signal(entries=met), signal(at=border + 1)) == FollowUp.REACHED_NOT_AGAIN
    assert row_of(name, signal(entries=missed), signal(at=21)) == FollowUp.MISSED_AGAIN
    assert row_of(name, signal(entries=missed), signal(at=20)) == FollowUp.MISSED_NOT_AGAIN
    assert row_of(name, signal(entries=missed), signal(at=21), until=day(border - 1)) == FollowUp.TOO_EARLY
    assert row_of(name, signal(entries=tried(LETTER))) == FollowUp.NO_CLOSED_CASE
    assert row_of(name, signal(entries=[*tried(), ended(Result.DECEASED)])) == FollowUp.NO_CLOSED_CASE


ENTRIES: list[list[Entry] | None] = [
    None,
    [ended(Result.KNOWN_CLIENT)],
    tried(),
    tried(LETTER),
    [*tried(LETTER, LETTER), ended(Result.NO_CONTACT)],
    [*tried(LETTER, VISIT, CALL, VISIT, reached=True), ended(Result.MANAGES_ALONE)],
    [*tried(CALL, reached=True), Accepted(on=day(3), threatened=False), Spoken(on=day(9)), ended(Result.ADVICE)],
]
CASES: list[Case | None] = [None if entries is None else case_of(START, entries) for entries in ENTRIES]
# Households of one kind, so many times: large and small counts side by side.
kinds = st.tuples(
    st.integers(0, 60) | st.integers(0, 15),
    st.lists(
        st.tuples(
            st.integers(0, 300),
            st.sampled_from(Repetition),
            st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2),
            st.booleans(),
            st.integers(0, len(CASES) - 1),
        ),
        min_size=1,
        max_size=2,
    ),
)


def pilot(drawn: list[Any]) -> list[SignalRecord]:
    found = []
    for kind, (times, months) in enumerate(drawn):
        for number in range(times):
            name = f"{kind}-{number}"
            for at, repetition, reports, urgent, case in months:
                both = (*reports, reports[0]) if repetition is Repetition.MULTIPLE else tuple(reports)
                case_id = f"{name}-{case}" if CASES[case] else None
                found.append(SignalRecord(name, day(at), repetition, both, urgent, case_id, CASES[case]))
    return found


@settings(max_examples=examples(12))
@given(st.lists(kinds, max_size=7))
def test_the_true_tables_add_up(drawn: list[Any]) -> None:
    records = pilot(drawn)
    found = counted(*records)
    taken_up = {record.case_id for record in records if record.case and record.case.taken_up_on}
    whole = {
        Population.REPORTS: sum(len(record.reports) for record in records),
        Population.SIGNALS: len(records),
        Population.CASES: len(taken_up),
        Population.HOUSEHOLDS: len({record.household for record in records}),
    }
    by_outcome = [
        [sum(column) for column in zip(*found.table(name).rows.values(), strict=True)]
        for name in (TableName.CHANNEL, TableName.ATTEMPTS)
    ]
    assert by_outcome[0] == by_outcome[1]
    for table in found.tables:
        helped = table.name is TableName.CONVERSATION
        assert table.total == (by_outcome[0][-1] if helped else whole[POPULATION[table.name]]), table.name
    assert sum(found.table(TableName.LEAD_TIME).rows[LeadTime.NONE]) <= whole[Population.HOUSEHOLDS]


def sums(table: ShownTable) -> Band:
    bands = [told(figure) for _row, figures in table.rows for figure in figures]
    return Band(sum(band.at_least for band in bands), sum(band.at_most for band in bands))


@settings(max_examples=examples(6))
@given(st.lists(kinds, max_size=7))
def test_a_reader_who_subtracts_margins_finds_no_count_that_is_not_shown(drawn: list[Any]) -> None:
    """The whole of each population from every other table, less the other rows of this one."""
    found = publish(counted(*pilot(drawn)))
    for table in found.tables:
        assert all(figure is None or figure >= LEAST for _row, figures in table.rows for figure in figures)
        whole_of = [
            sums(other)
            for other in found.tables
            if other.rows
            and POPULATION[other.name] is POPULATION[table.name]
            and other is not table
            and TableName.CONVERSATION not in (other.name, table.name)
        ]
        mine = sums(table)
        for _row, figures in table.rows:
            for _hidden in (figure for figure in figures if figure is None):
                for whole in whole_of:
                    assert whole.at_most - mine.at_least >= LEAST - 1
                    assert whole.at_least - (mine.at_most - (LEAST - 1)) <= 0


@pytest.mark.parametrize("again", [1, 2, 5])
@pytest.mark.parametrize("times", [9, 10, 12, 13, 30])
def test_what_bounds_a_table_from_outside_leaves_open_what_it_does_not_show(times: int, again: int) -> None:
    """Cases are no more than signals, households that are followed no more than those that were reached, and so on."""
    met = [*tried(CALL, reached=True), ended(Result.MANAGES_ALONE)]
    some = [signal(str(at), entries=met) for at in range(times)]
    some += [signal(f"again-{at}", number, entries=met) for at in range(again) for number in (0, 40)]
    found = {table.name: table for table in publish(counted(*some)).tables if table.rows}

    def most(name: TableName, *rows: str) -> int:
        return found[name].together(rows or None).at_most if name in found else 10**6

    signals = min(most(TableName.REPETITION), most(TableName.FATE), most(TableName.REPORTS))
    bounds = {
        **dict.fromkeys((TableName.CHANNEL, TableName.ATTEMPTS, TableName.FIRST_ATTEMPT), signals),
        **dict.fromkeys((TableName.REACHED, TableName.LEAD_TIME), signals),
    }
    for name in bounds.keys() & found.keys():
        if None in [figure for _row, figures in found[name].rows for figure in figures]:
            assert found[name].together().at_least + LEAST - 1 <= bounds[name], name
    if TableName.FOLLOW_UP in found:
        reached = (FollowUp.REACHED_AGAIN, FollowUp.REACHED_NOT_AGAIN)
        if None in [found[TableName.FOLLOW_UP].figure(row) for row in reached]:
            least = found[TableName.FOLLOW_UP].together(reached).at_least
            assert least + LEAST - 1 <= most(TableName.REACHED, Reached.REACHED)


def test_a_reader_who_tries_every_pilot_pins_down_no_count_that_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strongest reader: knows what is left out when. Two tables of one population, nothing else to hide behind."""
    monkeypatch.setattr(evaluation_shown, "_TOGETHER", {})
    alike: dict[Any, list[list[set[int]]]] = {}
    size = range(17)
    memo: dict[Any, Evaluation] = {}
    for single, again, taken_up in product(size, size, size):
        rest = single + again - taken_up
        if rest < 0:
            continue
        tables = (
            _table(TableName.REPORTS, {"rent": 40}),
            _table(TableName.REPETITION, {"single": single, "consecutive": again}),
            _table(TableName.FATE, {Fate.TAKEN_UP: taken_up, Fate.NOT_YET: rest}),
            _table(TableName.REACHED, {Reached.REACHED: 0, Reached.NOT_REACHED: 0}),
        )
        key = tuple(map(shown, (single, again, taken_up, rest)))
        if key not in memo:
            memo[key] = publish(Counted(tables, None, None))
        publication = tuple(table.rows for table in memo[key].tables)
        possible = alike.setdefault(publication, [[set(), set()], [set(), set()]])
        for values, counts in zip(possible, ((single, again), (taken_up, rest)), strict=True):
            for value, number in zip(values, counts, strict=True):
                value.add(number)
    hidden = 0
    for publication, possible in alike.items():
        for rows, values in zip(publication[1:3], possible, strict=True):
            for (_row, figures), open_for in zip(rows, values, strict=bool(rows)):
                if figures == (None,):
                    hidden += 1
                    assert len(open_for & {*range(LEAST)}) >= LEAST - 1, publication
    assert hidden > 10


def month_of(reports: dict[Category, int], signals: dict[Repetition, int] | None) -> MonthlyTable:
    """A monthly table with one tray."""
    rows = signals and tuple(OfTray(tray="all", repetition=of, count=shown(n)) for of, n in signals.items())
    nothing = Total(at_least=0, at_most=0)
    return MonthlyTable(
        period="2026-01",
        computed_on=UNTIL,
        rule_set="default@1",
        thresholds=1,
        least=LEAST,
        step=5,
        reports=tuple(OfCategory(category=category, count=shown(n)) for category, n in reports.items()),
        reports_total=nothing,
        signals=rows,
        households=nothing,
        refused=(),
    )


def test_beside_the_monthly_tables_no_month_is_given_away() -> None:
    """Two months of rent, 40 and 3: together 43, shown as 45, would tell that the second was not 0."""
    records = [signal(str(at)) for at in range(43)]
    alone = publish(counted(*records))
    assert alone.table(TableName.REPORTS).figure("rent") == 45
    months = [month_of({Category.RENT: number}, None) for number in (40, 3)]
    assert publish(counted(*records), monthly=months).table(TableName.REPORTS).rows == ()
    open_still = [month_of({Category.RENT: number}, None) for number in (36, 7)]  # 35 and fewer than ten: 33 to 46
    assert publish(counted(*records), monthly=open_still).table(TableName.REPORTS).rows == ()
    wide = [month_of({Category.RENT: number}, None) for number in (12, 12, 7, 3, 3, 6)]
    assert publish(counted(*records), monthly=wide).table(TableName.REPORTS).rows
    by_month = [month_of({}, {Repetition.SINGLE: number}) for number in (40, 3)]
    found = publish(counted(*records), monthly=by_month)
    assert found.table(TableName.REPETITION).rows == ()
    assert found.table(TableName.REPORTS).rows


def _table(name: TableName, rows: dict[Any, int]) -> CountedTable:
    return CountedTable(name, (ALL,), {str(row): (number,) for row, number in rows.items()})


def test_cost_per_reached_household_comes_from_stated_hours_and_shown_figures() -> None:
    met = [signal(str(at), entries=tried(CALL, reached=True)) for at in range(22)]
    found = publish(counted(*met), Effort(hours=100, euros_per_hour=66))
    assert found.euros_per_reached == Band(300, 367)  # 20: between 18 and 22 households
    few = publish(counted(*met[:9]), Effort(hours=100, euros_per_hour=66))
    assert few.euros_per_reached is None
    assert publish(counted(*met)).euros_per_reached is None


def test_a_percentage_is_told_only_where_it_is_none_of_a_guess() -> None:
    assert percentage(told(20), told(40)) == 50
    assert percentage(told(None), told(200)) == 2
    assert percentage(told(None), told(10)) is None
    assert percentage(told(None), told(None)) is None
    assert percentage(Band(98, 102), Band(96, 100)) == 100


def test_the_made_up_pilot_is_like_the_monitor_and_the_same_each_time() -> None:
    made = made_up_pilot(36, 1500, "2025-10", 12, UNTIL)
    assert made_up_pilot(36, 50, "2025-10", 12, UNTIL) == made_up_pilot(36, 50, "2025-10", 12, UNTIL)
    categories = tuple(Category)
    found = count(made, categories, UNTIL)

    def reached(name: TableName, rows: Sequence[str]) -> float:
        cells = [found.table(name).rows[row] for row in rows]
        return 100 * (1 - sum(row[0] for row in cells) / sum(map(sum, cells)))

    for name, rows, told_by_monitor in (
        (TableName.CHANNEL, [Channel.LETTER], 6),
        (TableName.CHANNEL, AT_LEAST_ONE_CALL, 59),
        (TableName.CHANNEL, AT_LEAST_ONE_VISIT, 46),
        (TableName.ATTEMPTS, [Attempts.FOUR_OR_MORE], 37),
        (TableName.ATTEMPTS, [Attempts.ONE_OR_TWO], 18),
    ):
        assert reached(name, rows) == pytest.approx(told_by_monitor, abs=6), rows
    columns = [sum(column) for column in zip(*found.table(TableName.CHANNEL).rows.values(), strict=True)]
    assert columns[2] / (columns[1] + columns[2]) == pytest.approx(0.37, abs=0.05)
    taken_up = sum(found.table(TableName.FATE).rows[Fate.TAKEN_UP])
    assert taken_up / len(made) == pytest.approx(0.83, abs=0.03)
    shares = defaultdict(
        int, {row: cells[0] / len(made) for row, cells in found.table(TableName.REPETITION).rows.items()}
    )
    assert shares[Repetition.CONSECUTIVE] == pytest.approx(0.37, abs=0.06)
