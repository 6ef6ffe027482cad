"""Made-up follow-up for the demo: what a team could have done with its signals, from a fixed seed; no database.

`play_case` plays the work on one case, `made_up_pilot` a year of signals with it. Shares follow the Divosa Monitor
Vroegsignalering (2023, in brackets what is aimed at): letters alone reach 6 %, with a telephone call 59 %, with a home
visit 46 %; four and more attempts 37 % against 18 % for one or two; of who is reached 35 to 39 % accepts help; 83 % of
signals become a case.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import TypeVar

from signals.cases import (
    Accepted,
    Attempt,
    Closed,
    ContactKind,
    DayPart,
    Entry,
    Result,
    Spoken,
    TakenUp,
    case_of,
)
from signals.days import last_day, months_before
from signals.evaluation import SignalRecord
from signals.monthly_table import Repetition
from signals.report import Category
from signals.workdays import add_working_days

Thing = TypeVar("Thing")
LETTER, CARD, CALL, VISIT = ContactKind.LETTER, ContactKind.CARD, ContactKind.PHONE, ContactKind.HOME_VISIT
MESSAGE, EMAIL = ContactKind.MESSAGE, ContactKind.EMAIL
HELPED = 0.37  # of who was reached
TAKEN_UP = 0.8  # of signals that begin a case; with those that join one it is 83 %
AGAIN = 0.14  # of households, in each month after the first: 40 % of signals are consecutive
ESCALATES = 0.2  # of households can come to an announced eviction or shut-off


@dataclass(frozen=True, slots=True)
class _Plan:
    """A way to seek contact: how often it is chosen, how often it reaches, and by what, however far it goes."""

    share: float
    reaches: float
    steps: tuple[ContactKind, ...]
    lengths: tuple[int, ...]  # each as likely: how many attempts there are


_PLANS = (
    _Plan(0.58, 0.06, (LETTER, LETTER, LETTER, CARD), (1, 1, 1, 2, 2, 3, 4)),
    _Plan(0.10, 0.14, (LETTER, MESSAGE, EMAIL, MESSAGE), (2, 2, 3, 4)),
    _Plan(0.13, 0.57, (CALL, LETTER, CALL, CALL, CALL, LETTER), (1, 2, 2, 3, 4, 5)),
    _Plan(0.14, 0.37, (VISIT, LETTER, VISIT, CARD, VISIT, CARD), (1, 2, 3, 4, 4, 5)),
    _Plan(0.05, 0.64, (CALL, VISIT, LETTER, CALL, VISIT, CARD), (2, 3, 4, 5, 6)),
)
_HELP = ((Result.ADVICE, 0.5), (Result.FOLLOW_UP_FINANCIAL, 0.34), (Result.FOLLOW_UP_OTHER, 0.16))
_NO_HELP = (
    (Result.MANAGES_ALONE, 0.5),
    (Result.ALREADY_PAID, 0.28),
    (Result.NO_REACTION, 0.15),
    (Result.KNOWN_CLIENT, 0.05),
    (Result.OTHER_HELPER, 0.02),
)
_AT_ONCE = (
    (Result.REPEATED, 0.27),
    (Result.WRONGFUL, 0.24),
    (Result.NOT_TAKEN_UP, 0.23),
    (Result.NOT_RESIDENT, 0.20),
    (Result.KNOWN_CLIENT, 0.04),
    (Result.DECEASED, 0.02),
)
_CATEGORIES = (
    (Category.HEALTH_INSURANCE, 0.45),
    (Category.ENERGY, 0.25),
    (Category.RENT, 0.19),
    (Category.WATER, 0.10),
    (Category.CAK_CONTRIBUTION, 0.01),
)


def play_case(random: Random, opened_on: date, *, urgent: bool = False) -> list[Entry]:
    """The entries of a case from its opening to its end, in their order; each follows legally from those before."""
    if random.random() > TAKEN_UP and not urgent:
        return [Closed(on=_later(random, opened_on, 1, 6), result=_drawn(random, _AT_ONCE))]
    on = _later(random, opened_on, 0, 3)
    entries: list[Entry] = [TakenUp(on=on)]
    plan = random.choices(_PLANS, [plan.share * (6 if urgent and VISIT in plan.steps else 1) for plan in _PLANS])[0]
    length, reached = random.choice(plan.lengths), random.random() < plan.reaches
    for step in plan.steps[:length]:
        on = _later(random, on, 1, 9 if len(entries) == 1 else 5)
        last = len(entries) == length
        entries.append(Attempt(on=on, contact=step, reached=reached and last, day_part=_day_part(random, step)))
    if not reached:
        return [*entries, Closed(on=_later(random, on, 8, 15), result=Result.NO_CONTACT)]
    if random.random() >= HELPED:
        return [*entries, Closed(on=_later(random, on, 1, 10), result=_drawn(random, _NO_HELP))]
    entries.append(Accepted(on=on, threatened=urgent))
    if random.random() < 0.93:
        on = _later(random, on, 1, 3) if urgent and random.random() < 0.85 else _later(random, on, 2, 22)
        entries.append(Spoken(on=on))
    return [*entries, Closed(on=_later(random, on, 2, 12), result=_drawn(random, _HELP))]


def until_day(entries: Sequence[Entry], until: date) -> list[Entry]:
    """What of a played case has happened by the end of a day."""
    return [entry for entry in entries if entry.on <= until]


def made_up_pilot(seed: int, households: int, first: str, months: int, until: date) -> list[SignalRecord]:
    """A pilot's signals with the work on them, as at the end of `until`; the same for the same arguments.

    `first` (YYYY-MM) is the first of so many months; a month's signals are received in the first days of the next.
    """
    random = Random(seed)  # noqa: S311 - made-up people need no secrecy
    periods = [months_before(first, -at) for at in range(months)]
    found: list[SignalRecord] = []
    for at in range(households):
        found += _lived(random, f"household-{at}", periods[random.randrange(months) :], until)
    return sorted(found, key=lambda record: (record.received_on, record.household))


def received_after(period: str) -> date:
    """When a month's signals would have come in."""
    return add_working_days(last_day(period), 3)


def with_follow_up(records: Iterable[SignalRecord], seed: int, until: date) -> list[SignalRecord]:
    """The same signals, each with the work on it that could have been done by the end of `until`.

    A household's later signal joins the case that is open; else a new one begins.
    """
    random, found = Random(seed), list[SignalRecord]()  # noqa: S311 - as above
    cases: dict[str, list[tuple[date, list[Entry]]]] = {}
    for record in sorted(records, key=lambda one: (one.received_on, one.reports, one.repetition, one.household)):
        theirs = cases.setdefault(record.household, [])
        if not theirs or theirs[-1][1][-1].on < record.received_on:
            theirs.append((record.received_on, play_case(random, record.received_on, urgent=record.urgent)))
        opened, entries = theirs[-1]
        case = case_of(opened, until_day(entries, until))
        found.append(replace(record, case_id=f"{record.household}-{len(theirs)}", case=case))
    return found


def _lived(random: Random, name: str, periods: Sequence[str], until: date) -> Iterator[SignalRecord]:
    """One household's time from its first signal on: it comes again, less often where it was reached or helped."""
    usual, escalates, comes_again = _drawn(random, _CATEGORIES), random.random() < ESCALATES, AGAIN
    earlier: list[str] = []
    cases: list[tuple[date, list[Entry]]] = []
    for period in periods:
        if earlier and random.random() > comes_again:
            continue
        received, kinds = _later(random, last_day(period), 1, 4), _kinds(random, usual)
        urgent = escalates and random.random() < (0.6 if earlier else 0.2)
        if not cases or cases[-1][1][-1].on < received:
            cases.append((received, play_case(random, received, urgent=urgent)))
            comes_again *= _after(cases[-1][1])
        if received <= until:
            opened, entries = cases[-1]
            case = case_of(opened, until_day(entries, until))
            said = _repetition(earlier, period, kinds)
            yield SignalRecord(name, received, said, kinds, urgent, f"{name}-case-{len(cases)}", case)
        earlier.append(period)


def _after(entries: Sequence[Entry]) -> float:
    """How much less often a household comes again after this work."""
    if any(isinstance(entry, Accepted) for entry in entries):
        return 0.45
    return 0.75 if any(isinstance(entry, Attempt) and entry.reached for entry in entries) else 1


def _kinds(random: Random, usual: Category) -> tuple[Category, ...]:
    """One report mostly; in 11 % of months another creditor reports too."""
    if random.random() > 0.11:
        return (usual,)
    return (usual, _drawn(random, [pair for pair in _CATEGORIES if pair[0] is not usual]))


def _repetition(earlier: Sequence[str], period: str, kinds: Sequence[Category]) -> Repetition:
    if len(kinds) > 1:
        return Repetition.MULTIPLE
    again = any(months_before(period, 6) <= before for before in earlier)
    return Repetition.CONSECUTIVE if again else Repetition.SINGLE


def _day_part(random: Random, kind: ContactKind) -> DayPart | None:
    if kind not in (CALL, VISIT):
        return None
    return random.choices(list(DayPart), (0.4, 0.45, 0.15))[0]


def _later(random: Random, on: date, least: int, most: int) -> date:
    """So many working days later."""
    return add_working_days(on, random.randint(least, most))


def _drawn(random: Random, shares: Sequence[tuple[Thing, float]]) -> Thing:
    return random.choices([thing for thing, _share in shares], [share for _thing, share in shares])[0]
