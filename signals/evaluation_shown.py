"""What of an evaluation may be shown: figures by the rule of small numbers, and no table that undoes it for another.

Each count is shown as privacy/small_numbers.py says (docs/decisions/0023): below ten not at all, others in fives, and
totals come from what is shown. Tables of one population add up to the same number, so together they tell more than each
alone. So all of them are shown in the finest of three forms (rows put together, always the same ones) in which every
count that is not shown may still be anything from 0 to 9; where none is coarse enough for all, each in turn as fine as
goes with those before it, or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from privacy.small_numbers import LEAST, Band, Figure, shown, told, total
from signals.evaluation import (
    ALL,
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
    TableName,
)
from signals.monthly_table import MonthlyTable, Repetition

_JOINT = "|"  # no row's own name has one


def parts(row: str) -> list[str]:
    """The rows that a shown row is made of: itself, or those that were put together."""
    return row.split(_JOINT)


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table as it may be read: per row the figures of its columns; `rows` is empty where it is not shown."""

    name: TableName
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure, ...]], ...]

    def figure(self, row: str, column: str = ALL) -> Figure:
        """One figure. Raises KeyError: the table has no such row, or is not shown."""
        return dict(self.rows)[row][self.columns.index(column)]

    def together(self, rows: Iterable[str] | None = None, columns: Iterable[str] | None = None) -> Band:
        """Between which two the sum of these rows and columns lies (None: all of them)."""
        wanted_rows, wanted = (None if some is None else set(some) for some in (rows, columns))
        return total(
            figure
            for row, figures in self.rows
            for column, figure in zip(self.columns, figures, strict=True)
            if (wanted_rows is None or wanted_rows.issuperset(parts(row))) and (wanted is None or column in wanted)
        )


@dataclass(frozen=True, slots=True)
class Effort:
    """What the municipality says the work has cost: its own statement, not a measurement."""

    hours: int
    euros_per_hour: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that may leave the pilot. Medians are in days; None: fewer than ten units.

    `euros_per_reached`: stated hours times the stated rate, by the households that were reached; None: too few.
    """

    tables: tuple[ShownTable, ...]
    median_first_attempt: int | None
    median_lead_time: int | None
    effort: Effort | None = None
    euros_per_reached: Band | None = None

    def table(self, name: TableName) -> ShownTable:
        """The table of that name."""
        return next(table for table in self.tables if table.name is name)


def publish(counted: Counted, effort: Effort | None = None, monthly: Iterable[MonthlyTable] = ()) -> Evaluation:
    """Make what may be shown of true counts.

    Args:
        counted: the pilot.
        effort: what the work has cost, as the municipality states it.
        monthly: the monthly tables of the same months, as they were published: what they don't show stays open too.
    """
    beside = tuple(monthly)
    forms = [_forms(counts) for counts in counted.tables]
    tables = next((all_of for level in range(3) if _may_stand(all_of := _at(level, forms), beside)), [])
    if not tables:
        for of_one in forms:
            tables.append(next(form for form in of_one if _may_stand([*tables, form], beside)))
    reached = next(table for table in tables if table.name is TableName.REACHED)
    return Evaluation(
        tuple(tables),
        counted.median_first_attempt,
        counted.median_lead_time,
        effort,
        _euros_each(effort, reached) if effort else None,
    )


def percentage(part: Band, whole: Band) -> int | None:
    """The share in whole percents, from the middles of what is shown; None where it would be a guess.

    That is where the whole is unknown by more than a tenth of itself, or the part by more than a tenth of the whole.
    """
    middle_of_part, middle = (part.at_least + part.at_most) / 2, (whole.at_least + whole.at_most) / 2
    unsure = max(part.at_most - part.at_least, whole.at_most - whole.at_least) / 2
    if not middle or unsure > middle / 10:
        return None
    return min(round(100 * middle_of_part / middle), 100)


def _forms(counts: CountedTable) -> list[ShownTable]:
    """The table from fine to coarse: its rows, rows put together twice, without outcomes, and not at all."""
    groups = [[(row,) for row in counts.rows], *_TOGETHER.get(counts.name, ())]
    forms = [_form(counts, rows) for rows in groups]
    if len(counts.columns) > 1:
        plain = CountedTable(counts.name, (ALL,), {row: (sum(cells),) for row, cells in counts.rows.items()})
        forms.append(_form(plain, groups[-1]))
    return [*forms, ShownTable(counts.name, counts.columns, ())]


def _form(counts: CountedTable, groups: Iterable[Sequence[str]]) -> ShownTable:
    rows = []
    for group in groups:
        cells = zip(*(counts.rows[row] for row in group), strict=True)
        rows.append((_JOINT.join(group), tuple(shown(sum(each)) for each in cells)))
    return ShownTable(counts.name, counts.columns, tuple(rows))


def _at(level: int, forms: Iterable[Sequence[ShownTable]]) -> list[ShownTable]:
    """Every table in its form of a level; those with fewer forms in their coarsest that has outcomes and rows."""
    tables = []
    for of_one in forms:
        rich = [form for form in of_one if form.rows and form.columns == of_one[0].columns]
        tables.append(rich[min(level, len(rich) - 1)])
    return tables


def _euros_each(effort: Effort, reached: ShownTable) -> Band | None:
    figure = reached.figure(Reached.REACHED) if reached.rows else None
    if figure is None:
        return None
    euros, band = effort.hours * effort.euros_per_hour, told(figure)
    return Band(euros // band.at_most, -(-euros // band.at_least))


def _may_stand(tables: Sequence[ShownTable], monthly: Sequence[MonthlyTable]) -> bool:
    return _tells_no_more(tables) and all(_leaves_open(table, monthly) for table in tables if table.rows)


def _leaves_open(table: ShownTable, monthly: Sequence[MonthlyTable]) -> bool:
    """Whether each count that the monthly tables don't show may still be anything from 0 to LEAST - 1 beside a table.

    Each of its rows, or all of them, are the sum of the months'; where a month has no breakdown there is no such sum.
    """
    months = [month.signals for month in monthly]
    if table.name is TableName.REPORTS:
        sums = [
            (told(figures[0]), [of.count for month in monthly for of in month.reports if of.category.value == row])
            for row, figures in table.rows
        ]
    elif table.name in (TableName.REPETITION, TableName.FATE) and all(rows is not None for rows in months):
        signals = [of for rows in months for of in rows or ()]
        sums = [(table.together(), [of.count for of in signals])]
        if table.name is TableName.REPETITION and all(of.repetition for of in signals):
            sums += [
                (told(figures[0]), [of.count for of in signals if of.repetition == row]) for row, figures in table.rows
            ]
    else:
        return True
    return all(_open_within(whole, counts) for whole, counts in sums if counts)


def _open_within(whole: Band, counts: Sequence[Figure]) -> bool:
    """Whether one of these that is not shown may be 0 or LEAST - 1 while all of them add up to something in `whole`."""
    if None not in counts:
        return True
    band = total(counts)
    return band.at_least + LEAST - 1 <= whole.at_most and band.at_most - (LEAST - 1) >= whole.at_least


_Cells = Mapping[TableName, Mapping[tuple[str, str], Band]]


def _tells_no_more(tables: Sequence[ShownTable]) -> bool:
    """Whether every count that is not shown may still be 0 and may still be LEAST - 1, for who reads all tables."""
    cells: _Cells = {
        table.name: {
            (row, column): told(figure)
            for row, figures in table.rows
            for column, figure in zip(table.columns, figures, strict=True)
        }
        for table in tables
        if table.rows
    }
    return all(
        _possible(_supposed(cells, name, cell, value))
        for name, of in cells.items()
        for cell, band in of.items()
        if band == told(None)
        for value in (0, LEAST - 1)
    )


def _supposed(cells: _Cells, name: TableName, cell: tuple[str, str], value: int) -> _Cells:
    """The cells, one of which has a value; and so has the one of the other table of reach that counts the same cases.

    Those are the cases without an attempt.
    """
    row, column = cell
    without = {TableName.CHANNEL: Channel.NONE.value, TableName.ATTEMPTS: Attempts.NONE.value}
    same = [(of, (its, column)) for of, its in without.items()] if without.get(name) == row else [(name, cell)]
    known = Band(value, value)
    return {**cells, **{of: {**cells[of], its: known} for of, its in same if its in cells.get(of, {})}}


def _possible(cells: _Cells) -> bool:
    """Whether counts within these bands can add up to the same populations, and to no more than they are part of."""
    return all(_adds_up(population, cells) for population in Population) and all(
        few.holds(cells) for few in _NO_MORE_THAN
    )


def _adds_up(population: Population, cells: _Cells) -> bool:
    wholes, by_outcome = [_ANY], {outcome: [_ANY] for outcome in Outcome}
    for name, of in cells.items():
        if POPULATION[name] is population:
            for column in dict.fromkeys(column for _row, column in of):
                found = _sum(band for (_row, its), band in of.items() if its == column)
                (wholes if column == ALL else by_outcome[Outcome(column)]).append(found)
    whole, outcomes = _meet(wholes), [_meet(found) for found in by_outcome.values()]
    together = _sum(outcomes)
    return (
        all(band.at_least <= band.at_most for band in (whole, *outcomes))
        and together.at_least <= whole.at_most
        and together.at_most >= whole.at_least
    )


@dataclass(frozen=True, slots=True)
class _NoMoreThan:
    """What the definitions of two tables say: a weighted sum of the one is at most a sum of the other.

    `weights` of rows that are not named are `usual`; of the whole, all rows and columns count where none are named.
    """

    part: TableName
    whole: TableName
    weights: Mapping[str, int] = field(default_factory=dict)
    usual: int = 1
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def holds(self, cells: _Cells) -> bool:
        """Whether it can be so; what is not shown says nothing."""
        if self.part not in cells or self.whole not in cells:
            return True
        least = sum(
            band.at_least * min(self.weights.get(one, self.usual) for one in parts(row))
            for (row, _column), band in cells[self.part].items()
        )
        most = sum(
            band.at_most
            for (row, column), band in cells[self.whole].items()
            if (not self.rows or not set(self.rows).isdisjoint(parts(row)))
            and (not self.columns or column in self.columns or column == ALL)
        )
        return least <= most


def _among(rows: Iterable[str], weight: int = 1) -> Mapping[str, int]:
    return dict.fromkeys(rows, weight)


_ANY = Band(0, 10**12)
# Rows that are put together where the finer ones would tell too much: first a little, then more.
_TOGETHER: Mapping[TableName, tuple[tuple[tuple[str, ...], ...], ...]] = {
    TableName.FATE: (
        (
            (Fate.TAKEN_UP,),
            (Fate.REPEATED,),
            (Fate.WRONGFUL,),
            (Fate.KNOWN_CLIENT, Fate.DECEASED, Fate.NOT_RESIDENT),
            (Fate.NOT_YET, Fate.OTHER_REASON),
        ),
        ((Fate.TAKEN_UP,), tuple(fate for fate in Fate if fate is not Fate.TAKEN_UP)),
    ),
    TableName.CHANNEL: (
        (
            (Channel.LETTER,),
            (Channel.PHONE,),
            (Channel.VISIT,),
            (Channel.VISIT_AND_PHONE,),
            (Channel.MESSAGE, Channel.OTHER, Channel.NONE),
        ),
        (
            (Channel.LETTER, Channel.MESSAGE, Channel.OTHER, Channel.NONE),
            (Channel.PHONE, Channel.VISIT, Channel.VISIT_AND_PHONE),
        ),
    ),
    TableName.ATTEMPTS: (
        ((Attempts.NONE, Attempts.ONE_OR_TWO), (Attempts.THREE,), (Attempts.FOUR_OR_MORE,)),
        ((Attempts.NONE, Attempts.ONE_OR_TWO), (Attempts.THREE, Attempts.FOUR_OR_MORE)),
    ),
    TableName.FIRST_ATTEMPT: (
        (
            (FirstAttempt.WEEK,),
            (FirstAttempt.TWO_WEEKS,),
            (FirstAttempt.FOUR_WEEKS, FirstAttempt.LATER, FirstAttempt.NONE),
        ),
        (
            (FirstAttempt.WEEK, FirstAttempt.TWO_WEEKS),
            (FirstAttempt.FOUR_WEEKS, FirstAttempt.LATER, FirstAttempt.NONE),
        ),
    ),
    TableName.CONVERSATION: (((Conversation.IN_TIME,), (Conversation.LATE, Conversation.NONE)),),
    TableName.LEAD_TIME: (
        (
            (LeadTime.AT_ONCE,),
            (LeadTime.MONTH, LeadTime.TWO_MONTHS),
            (LeadTime.THREE_MONTHS, LeadTime.LONGER),
            (LeadTime.NONE,),
        ),
        (
            (LeadTime.AT_ONCE,),
            (LeadTime.MONTH, LeadTime.TWO_MONTHS, LeadTime.THREE_MONTHS, LeadTime.LONGER),
            (LeadTime.NONE,),
        ),
    ),
    TableName.FOLLOW_UP: (
        (
            (FollowUp.REACHED_AGAIN,),
            (FollowUp.REACHED_NOT_AGAIN,),
            (FollowUp.MISSED_AGAIN,),
            (FollowUp.MISSED_NOT_AGAIN,),
            (FollowUp.TOO_EARLY, FollowUp.NO_CLOSED_CASE),
        ),
    ),
}
_OF_CASES = (TableName.CHANNEL, TableName.ATTEMPTS, TableName.FIRST_ATTEMPT)
_LATER = _among((LeadTime.MONTH, LeadTime.TWO_MONTHS, LeadTime.THREE_MONTHS, LeadTime.LONGER), 2)
_AGAIN = _among((FollowUp.REACHED_AGAIN, FollowUp.MISSED_AGAIN), 2)
_FOLLOWED = (FollowUp.REACHED_AGAIN, FollowUp.REACHED_NOT_AGAIN)
_NO_MORE_THAN = (
    # A signal rests on a report, a multiple one on two.
    _NoMoreThan(TableName.REPETITION, TableName.REPORTS, {Repetition.MULTIPLE: 2}),
    _NoMoreThan(TableName.FATE, TableName.REPORTS),
    # A household has a signal, and two where one came later; a case was made of a signal. Reports stand in for signals
    # where no table of these is shown.
    *(
        _NoMoreThan(part, whole, weights)
        for whole in (TableName.REPETITION, TableName.FATE, TableName.REPORTS)
        for part, weights in (
            (TableName.REACHED, _among(())),
            (TableName.LEAD_TIME, _LATER),
            (TableName.FOLLOW_UP, _AGAIN),
            *((of, _among(())) for of in (*_OF_CASES, TableName.CONVERSATION)),
        )
    ),
    # A case was made of a signal that was taken up, and who was reached or is followed has a case.
    *(
        _NoMoreThan(part, TableName.FATE, weights, usual, rows=(Fate.TAKEN_UP,))
        for part, weights, usual in (
            *((of, _among(()), 1) for of in (*_OF_CASES, TableName.CONVERSATION)),
            (TableName.REACHED, _among([Reached.REACHED]), 0),
            (TableName.FOLLOW_UP, _among([FollowUp.NO_CLOSED_CASE], 0), 1),
        )
    ),
    *(
        _NoMoreThan(TableName.REACHED, of, {Reached.REACHED: 1}, 0, columns=(Outcome.REACHED, Outcome.HELPED))
        for of in _OF_CASES
    ),
    *(_NoMoreThan(TableName.FOLLOW_UP, of, {FollowUp.NO_CLOSED_CASE: 0}) for of in _OF_CASES),
    _NoMoreThan(TableName.FOLLOW_UP, TableName.REACHED, _among(_FOLLOWED), 0, rows=(Reached.REACHED,)),
)


def _meet(bands: Iterable[Band]) -> Band:
    """What lies within all of them."""
    all_of = list(bands)
    return Band(max(band.at_least for band in all_of), min(band.at_most for band in all_of))


def _sum(bands: Iterable[Band]) -> Band:
    all_of = list(bands)
    return Band(sum(band.at_least for band in all_of), sum(band.at_most for band in all_of))


AT_LEAST_ONE_CALL = (Channel.PHONE, Channel.VISIT_AND_PHONE)
AT_LEAST_ONE_VISIT = (Channel.VISIT, Channel.VISIT_AND_PHONE)
