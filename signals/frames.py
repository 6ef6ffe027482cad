"""What comes next for a signal by its tray's frame, and what of a tray can be done this week.

A frame plans and judges nothing: a step that was done in another part of the day was done, and whoever was reached
needs no further step of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from signals.cases import Attempt, Case, ContactKind, DayPart, Stage
from signals.rulesets import Frame, PlannedAttempt
from signals.workdays import is_working_day

# Attempts that meet somebody at home or not: for these it matters which part of the day was tried.
IN_PERSON = frozenset({ContactKind.PHONE, ContactKind.HOME_VISIT})


@dataclass(frozen=True, slots=True)
class Step:
    """A planned attempt: its number from 1, the working day by which it is to be done, and what was done of it."""

    number: int
    planned: PlannedAttempt
    by: date
    done: Attempt | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A frame for one signal. `untried`: see the function of this name.

    `over`: somebody was reached or the case is closed, so that no step of it comes next.
    """

    steps: tuple[Step, ...]
    untried: tuple[DayPart, ...]
    over: bool

    @property
    def done(self) -> int:
        """How many of its steps were done."""
        return sum(step.done is not None for step in self.steps)

    @property
    def next(self) -> Step | None:
        """The first step that is still to be done."""
        return None if self.over else next((step for step in self.steps if step.done is None), None)


@dataclass(frozen=True, slots=True)
class Waits:
    """A signal that nobody took up yet, as a worklist lists it."""

    signal_id: str
    tray: str
    deadline: date


@dataclass(frozen=True, slots=True)
class Week:
    """What one tray's frame allows for this week: so many can be taken up, so many were, and what is left over.

    `too_late`: those of `left` whose deadline lies before the next week begins.
    """

    tray: str
    per_week: int
    taken_up: int
    now: tuple[str, ...]
    left: tuple[str, ...]
    too_late: tuple[str, ...]


def plan_of(frame: Frame, received_on: date, case: Case | None) -> Plan:
    """What a frame plans for a signal received on that day, and what of it was done in its case (None: no case yet).

    An attempt does the first step of its kind that asks for its part of the day; one that is asked for in no such part
    does the first step of its kind that nothing else did.
    """
    attempts = case.attempts if case else ()
    done = _matched(frame.attempts, attempts)
    steps = tuple(
        Step(number, planned, _working_day(received_on + timedelta(days=planned.after_days)), done.get(number))
        for number, planned in enumerate(frame.attempts, start=1)
    )
    over = case is not None and (case.reached or case.stage not in {Stage.NEW, Stage.TAKEN_UP})
    return Plan(steps, untried(attempts), over)


def untried(attempts: Sequence[Attempt]) -> tuple[DayPart, ...]:
    """The parts of the day in which nobody called or visited yet."""
    tried = {attempt.day_part for attempt in attempts if attempt.contact in IN_PERSON}
    return tuple(part for part in DayPart if part not in tried)


def weeks(
    frames: Sequence[Frame], waiting: Sequence[Waits], taken_up: Mapping[str, Collection[date]], today: date
) -> list[Week]:
    """For each frame that says how much can be done in a week: which of `waiting`, in its order, and which are left.

    `taken_up`: for each tray the days on which its open cases were taken up; those of this week count as done. Weeks
    begin on Monday.
    """
    monday = today - timedelta(days=today.weekday())
    found = []
    for frame in frames:
        if frame.per_week is None:
            continue
        taken = sum(monday <= day <= today for day in taken_up.get(frame.tray, ()))
        room = max(frame.per_week - taken, 0)
        wait = [one for one in waiting if one.tray == frame.tray]
        left = wait[room:]
        too_late = tuple(one.signal_id for one in left if one.deadline < monday + timedelta(days=7))
        now = tuple(one.signal_id for one in wait[:room])
        found.append(Week(frame.tray, frame.per_week, taken, now, tuple(one.signal_id for one in left), too_late))
    return found


def _matched(planned: Sequence[PlannedAttempt], attempts: Sequence[Attempt]) -> dict[int, Attempt]:
    """By the number of a step, the attempt that did it: first those in the part of the day that was asked for."""
    found: dict[int, Attempt] = {}
    left = list(attempts)
    for exactly in (True, False):
        for number, step in enumerate(planned, start=1):
            fits = _fitting(step, left, exactly=exactly)
            attempt = None if number in found else next(fits, None)
            if attempt is not None:
                found[number] = attempt
                left.remove(attempt)
    return found


def _fitting(step: PlannedAttempt, attempts: Sequence[Attempt], *, exactly: bool) -> Iterator[Attempt]:
    for attempt in attempts:
        if attempt.contact is step.kind and (not exactly or step.part_of_day in (None, attempt.day_part)):
            yield attempt


def _working_day(day: date) -> date:
    while not is_working_day(day):
        day += timedelta(days=1)
    return day
