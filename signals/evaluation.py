"""The evaluation of a pilot: the national monitor's tables, and what none has, from plain records.

Counts are true here and stay inside; what may be shown of them is signals/evaluation_shown.py. Each table parts one
population, so its cells add up to that population, and those of tables with the same population to the same number.

Definitions follow the Divosa Monitor Vroegsignalering (yearly report 2023) where it has them, and DDAS vroegsignalering
v1.2 for statuses, contacts and results. Days are Europe/Amsterdam.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

from privacy.small_numbers import LEAST
from signals.cases import CONVERSATION_DAYS, FOUND_AT_ONCE, HELP, THREATENED_WORKING_DAYS, Case, ContactKind, Result
from signals.monthly_table import Repetition
from signals.report import Category
from signals.workdays import add_working_days

FOLLOW_UP_DAYS = 183  # six months, the national window of "again"


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """One signal: a household's month.

    Args:
        household: any name that is the same for the same household.
        received_on: when its first report was received.
        repetition: single, multiple or consecutive, by the national definitions.
        reports: the category of each report behind it.
        urgent: whether one of them has an urgent flag (eviction or shut-off announced, insurance ended).
        case_id, case: the case it belongs to, as it stands at the end of the evaluation; None where there is none.
    """

    household: str
    received_on: date
    repetition: Repetition
    reports: tuple[Category, ...]
    urgent: bool = False
    case_id: str | None = None
    case: Case | None = None


class Population(StrEnum):
    """What a table counts."""

    REPORTS = "reports"
    SIGNALS = "signals"
    CASES = "cases"  # those that were taken up
    HOUSEHOLDS = "households"


class Outcome(StrEnum):
    """What came of a case that was taken up; each is one of these.

    Reached: an attempt reached the resident, or the resident accepted help. Helped: the resident accepted help, or the
    case was closed with a result that is help.
    """

    NOT_REACHED = "not_reached"
    REACHED = "reached"
    HELPED = "helped"


class Fate(StrEnum):
    """What became of a signal; the names of what was found at once are those of results."""

    TAKEN_UP = "taken_up"
    NOT_YET = "not_yet"
    KNOWN_CLIENT = "known_client"
    DECEASED = "deceased"
    NOT_RESIDENT = "not_resident"
    REPEATED = "repeated"
    WRONGFUL = "wrongful"
    OTHER_REASON = "not_taken_up"


class Channel(StrEnum):
    """By which channels contact was sought in a case; each case is in one row.

    The monitor's "at least one telephone call" is PHONE and VISIT_AND_PHONE together, its "at least one home visit" is
    VISIT and VISIT_AND_PHONE. Letters and cards count as one; messages are e-mail, SMS and WhatsApp.
    """

    LETTER = "letter"
    MESSAGE = "message"  # with or without letters
    PHONE = "phone"  # and no visit; with or without the lighter ones, as below
    VISIT = "visit"  # and no telephone
    VISIT_AND_PHONE = "visit_and_phone"
    OTHER = "other"
    NONE = "none"


class Attempts(StrEnum):
    """How many attempts a case had; the monitor compares one or two with four or more."""

    NONE = "0"
    ONE_OR_TWO = "1-2"
    THREE = "3"
    FOUR_OR_MORE = "4+"


class FirstAttempt(StrEnum):
    """Days from receipt to the first attempt. Amsterdam's published norm is 14 days; the offer's usual term is 28."""

    WEEK = "0-7"
    TWO_WEEKS = "8-14"
    FOUR_WEEKS = "15-28"
    LATER = "29+"
    NONE = "none"


class Conversation(StrEnum):
    """Whether the first conversation was in time (Wgs art. 4: 28 days, or 3 working days when threatened)."""

    IN_TIME = "in_time"
    LATE = "late"
    NONE = "none"  # not held (yet), or not recorded


class LeadTime(StrEnum):
    """Days from a household's first signal to its first signal with an urgent flag."""

    AT_ONCE = "0"  # the first signal had one
    MONTH = "1-30"
    TWO_MONTHS = "31-60"
    THREE_MONTHS = "61-90"
    LONGER = "91+"
    NONE = "none"  # no flag within the evaluation


class FollowUp(StrEnum):
    """Of a household's first case that was taken up and closed: reached or not, and whether a signal came again.

    "Again" is a signal received after the closing day and at most FOLLOW_UP_DAYS later. Where that time is not over yet
    the household is in TOO_EARLY, whatever came: else those who were reported again soon would count before the others.
    A case that ended with a death is no closed case here.
    """

    REACHED_AGAIN = "reached_again"
    REACHED_NOT_AGAIN = "reached_not_again"
    MISSED_AGAIN = "missed_again"
    MISSED_NOT_AGAIN = "missed_not_again"
    TOO_EARLY = "too_early"
    NO_CLOSED_CASE = "no_closed_case"


class TableName(StrEnum):
    """The tables, in the order in which they are shown."""

    REPORTS = "reports_by_category"
    REPETITION = "signals_by_repetition"
    FATE = "signals_by_fate"
    CHANNEL = "reach_by_channel"
    ATTEMPTS = "reach_by_attempts"
    FIRST_ATTEMPT = "first_attempt"
    CONVERSATION = "conversation"
    REACHED = "households_reached"
    LEAD_TIME = "lead_time"
    FOLLOW_UP = "follow_up"


POPULATION: Mapping[TableName, Population] = {
    TableName.REPORTS: Population.REPORTS,
    TableName.REPETITION: Population.SIGNALS,
    TableName.FATE: Population.SIGNALS,
    TableName.CHANNEL: Population.CASES,
    TableName.ATTEMPTS: Population.CASES,
    TableName.FIRST_ATTEMPT: Population.CASES,
    TableName.CONVERSATION: Population.CASES,  # those of which the outcome is help
    TableName.REACHED: Population.HOUSEHOLDS,
    TableName.LEAD_TIME: Population.HOUSEHOLDS,
    TableName.FOLLOW_UP: Population.HOUSEHOLDS,
}


class Reached(StrEnum):
    """Whether a household was reached in any case."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class CountedTable:
    """One table: row by row, the true counts.

    Most tables have one column. Those of reach have a column per outcome.
    """

    name: TableName
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[int, ...]]

    @property
    def total(self) -> int:
        """All of its cells together."""
        return sum(sum(row) for row in self.rows.values())


@dataclass(frozen=True, slots=True)
class Counted:
    """The true counts of a pilot, and medians in days where at least LEAST units are behind them (None: fewer)."""

    tables: tuple[CountedTable, ...]
    median_first_attempt: int | None
    median_lead_time: int | None

    def table(self, name: TableName) -> CountedTable:
        """The table of that name."""
        return next(table for table in self.tables if table.name is name)


def count(records: Iterable[SignalRecord], categories: Sequence[Category], until: date) -> Counted:
    """Count a pilot's signals.

    Args:
        categories: those of the pilot's document; which rows there are never follows from the data.
        records: each signal once; those of one case carry the same `case_id` and case.
        until: the evaluation's last day, up to which signals and entries are known.
    """
    signals = sorted(records, key=lambda record: record.received_on)
    cases = _cases(signals)
    households = _by_household(signals)
    waits = [days for case, since in cases if (days := _days_to_first_attempt(case, since)) is not None]
    leads = [days for of_one in households if (days := _lead_days(of_one)) is not None]
    return Counted(
        (
            _simple(TableName.REPORTS, categories, [one for each in signals for one in each.reports]),
            _simple(TableName.REPETITION, Repetition, [each.repetition for each in signals]),
            _simple(TableName.FATE, Fate, [_fate(each.case) for each in signals]),
            _crossed(TableName.CHANNEL, Channel, cases, _channel),
            _crossed(TableName.ATTEMPTS, Attempts, cases, lambda case: _attempts(len(case.attempts))),
            _simple(TableName.FIRST_ATTEMPT, FirstAttempt, [_first(*each) for each in cases]),
            CountedTable(
                TableName.CONVERSATION,
                (Outcome.HELPED,),
                _tally(Conversation, [_conversation(case) for case, _ in cases if _outcome(case) is Outcome.HELPED]),
            ),
            _simple(TableName.REACHED, Reached, [_reached(of_one) for of_one in households]),
            _simple(TableName.LEAD_TIME, LeadTime, [_lead(of_one) for of_one in households]),
            _simple(TableName.FOLLOW_UP, FollowUp, [_after(one, until) for one in households]),
        ),
        _median(waits),
        _median(leads),
    )


ALL = "all"  # the one column of a table that has no outcomes


def _simple(name: TableName, rows: Iterable[StrEnum], found: Iterable[str]) -> CountedTable:
    return CountedTable(name, (ALL,), _tally(rows, found))


def _tally(rows: Iterable[StrEnum], found: Iterable[str]) -> dict[str, tuple[int, ...]]:
    counts = Counter(found)
    return {row.value: (counts[row.value],) for row in rows}


def _crossed(
    name: TableName, rows: Iterable[StrEnum], cases: Sequence[tuple[Case, date]], row_of: Callable[[Case], str]
) -> CountedTable:
    counts = Counter((row_of(case), _outcome(case)) for case, _since in cases)
    cells = {row.value: tuple(counts[row.value, outcome] for outcome in Outcome) for row in rows}
    return CountedTable(name, tuple(Outcome), cells)


def _cases(signals: Sequence[SignalRecord]) -> list[tuple[Case, date]]:
    """Each case that was taken up, once, with the day on which the first of its signals was received."""
    found: dict[str, tuple[Case, date]] = {}
    for record in signals:
        if record.case_id is not None and record.case is not None and record.case.taken_up_on is not None:
            found.setdefault(record.case_id, (record.case, record.received_on))
    return list(found.values())


def _by_household(signals: Sequence[SignalRecord]) -> list[list[SignalRecord]]:
    found: dict[str, list[SignalRecord]] = {}
    for record in signals:
        found.setdefault(record.household, []).append(record)
    return list(found.values())


def _fate(case: Case | None) -> Fate:
    if case is None:
        return Fate.NOT_YET
    if case.taken_up_on is not None:
        return Fate.TAKEN_UP
    if case.closed and case.closed.result in FOUND_AT_ONCE:
        return Fate(case.closed.result.value)
    return Fate.NOT_YET


def _outcome(case: Case) -> Outcome:
    if case.accepted is not None or (case.closed and case.closed.result in HELP):
        return Outcome.HELPED
    return Outcome.REACHED if case.reached else Outcome.NOT_REACHED


def _channel(case: Case) -> Channel:
    kinds = {attempt.contact for attempt in case.attempts}
    if not kinds:
        return Channel.NONE
    visit, phone = ContactKind.HOME_VISIT in kinds, ContactKind.PHONE in kinds
    if visit or phone:
        return Channel.VISIT_AND_PHONE if visit and phone else Channel.VISIT if visit else Channel.PHONE
    light = kinds - {ContactKind.LETTER, ContactKind.CARD}
    if not light:
        return Channel.LETTER
    return Channel.MESSAGE if light <= {ContactKind.EMAIL, ContactKind.MESSAGE} else Channel.OTHER


def _attempts(number: int) -> Attempts:
    if number <= 2:
        return Attempts.ONE_OR_TWO if number else Attempts.NONE
    return Attempts.THREE if number == 3 else Attempts.FOUR_OR_MORE


def _days_to_first_attempt(case: Case, since: date) -> int | None:
    return max((min(attempt.on for attempt in case.attempts) - since).days, 0) if case.attempts else None


def _first(case: Case, since: date) -> FirstAttempt:
    days = _days_to_first_attempt(case, since)
    if days is None:
        return FirstAttempt.NONE
    bands = {7: FirstAttempt.WEEK, 14: FirstAttempt.TWO_WEEKS, 28: FirstAttempt.FOUR_WEEKS}
    return next((band for most, band in bands.items() if days <= most), FirstAttempt.LATER)


def _conversation(case: Case) -> Conversation:
    if case.spoken_on is None or case.accepted is None:
        return Conversation.NONE
    if case.accepted.threatened:
        due = add_working_days(case.accepted.on, THREATENED_WORKING_DAYS)
    else:
        due = case.accepted.on + timedelta(days=CONVERSATION_DAYS)
    return Conversation.IN_TIME if case.spoken_on <= due else Conversation.LATE


def _reached(signals: Sequence[SignalRecord]) -> Reached:
    taken_up = [each.case for each in signals if each.case and each.case.taken_up_on]
    reached = any(_outcome(case) is not Outcome.NOT_REACHED for case in taken_up)
    return Reached.REACHED if reached else Reached.NOT_REACHED


def _lead_days(signals: Sequence[SignalRecord]) -> int | None:
    """Days from the first signal to the first urgent one, where that is a later one."""
    urgent = next((each for each in signals if each.urgent), None)
    return (urgent.received_on - signals[0].received_on).days if urgent and not signals[0].urgent else None


def _lead(signals: Sequence[SignalRecord]) -> LeadTime:
    if signals[0].urgent:
        return LeadTime.AT_ONCE
    days = _lead_days(signals)
    if days is None:
        return LeadTime.NONE
    bands = {30: LeadTime.MONTH, 60: LeadTime.TWO_MONTHS, 90: LeadTime.THREE_MONTHS}
    return next((band for most, band in bands.items() if days <= most), LeadTime.LONGER)


def _after(signals: Sequence[SignalRecord], until: date) -> FollowUp:
    closed = [
        (each.case.closed.on, each.case)
        for each in signals
        if each.case and each.case.taken_up_on and each.case.closed and each.case.closed.result != Result.DECEASED
    ]
    if not closed:
        return FollowUp.NO_CLOSED_CASE
    ended, case = min(closed, key=lambda one: one[0])
    over = ended + timedelta(days=FOLLOW_UP_DAYS)
    if over > until:
        return FollowUp.TOO_EARLY
    again = any(ended < each.received_on <= over for each in signals)
    if _outcome(case) is Outcome.NOT_REACHED:
        return FollowUp.MISSED_AGAIN if again else FollowUp.MISSED_NOT_AGAIN
    return FollowUp.REACHED_AGAIN if again else FollowUp.REACHED_NOT_AGAIN


def _median(days: Sequence[int]) -> int | None:
    return round(median(days)) if len(days) >= LEAST else None
