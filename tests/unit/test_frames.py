"""A tray's frame for one signal: what comes next, what was done of it, and what of a tray can be done this week."""

from datetime import date, timedelta

import pytest

from signals.cases import Accepted, Attempt, Case, Closed, ContactKind, DayPart, Entry, Result, Struck, TakenUp, case_of
from signals.frames import Plan, Waits, plan_of, weeks
from signals.pilot import Words
from signals.rulesets import Frame, PlannedAttempt

PHONE, VISIT, LETTER = ContactKind.PHONE, ContactKind.HOME_VISIT, ContactKind.LETTER
MORNING, AFTERNOON, EVENING = DayPart
DAY = date(2026, 11, 23)  # a Monday
FRAME = Frame(
    tray="urgent",
    source="x",
    action=Words(nl="x", en="x"),
    attempts=(
        PlannedAttempt(kind=PHONE, after_days=0, part_of_day=EVENING),
        PlannedAttempt(kind=VISIT, after_days=2),
        PlannedAttempt(kind=PHONE, after_days=5, part_of_day=AFTERNOON),
    ),
    per_week=3,
)


def attempt(kind: ContactKind, part: DayPart | None = None, *, reached: bool = False) -> Attempt:
    return Attempt(on=DAY, contact=kind, reached=reached, day_part=part)


def case(*entries: Entry) -> Case:
    return case_of(DAY, [TakenUp(on=DAY), *entries])


def plan(*attempts: Attempt) -> Plan:
    return plan_of(FRAME, DAY, case(*attempts))


def done(found: Plan) -> list[int]:
    return [step.number for step in found.steps if step.done]


def test_without_a_case_the_first_step_comes_next_and_every_part_of_the_day_is_untried() -> None:
    found = plan_of(FRAME, DAY, None)
    assert found.next is not None
    assert (found.next.number, found.next.by, found.done) == (1, DAY, 0)
    assert found.untried == (MORNING, AFTERNOON, EVENING)


def test_a_step_is_to_be_done_by_a_working_day() -> None:
    assert [step.by for step in plan().steps] == [DAY, date(2026, 11, 25), date(2026, 11, 30)]  # not Saturday the 28th
    kings_day = plan_of(FRAME, date(2026, 4, 25), None)  # a Saturday, with Monday the 27th after it
    assert kings_day.steps[0].by == date(2026, 4, 28)


@pytest.mark.parametrize(
    ("attempts", "steps", "following"),
    [
        ([attempt(PHONE, EVENING)], [1], 2),
        ([attempt(PHONE, AFTERNOON)], [3], 1),  # the evening that was asked for is still to be tried
        ([attempt(PHONE, AFTERNOON), attempt(PHONE, MORNING)], [1, 3], 2),
        ([attempt(PHONE)], [1], 2),
        ([attempt(VISIT, MORNING)], [2], 1),
        ([attempt(LETTER)], [], 1),  # nothing that was planned
        ([attempt(PHONE, EVENING), attempt(VISIT), attempt(PHONE, EVENING)], [1, 2, 3], None),
        ([attempt(VISIT), attempt(VISIT), attempt(VISIT)], [2], 1),
    ],
)
def test_an_attempt_does_the_step_of_its_kind_first_where_the_part_of_the_day_is_right(
    attempts: list[Attempt], steps: list[int], following: int | None
) -> None:
    found = plan(*attempts)
    assert done(found) == steps
    assert (found.next.number if found.next else None) == following


def test_untried_is_the_part_of_the_day_in_which_nobody_called_or_visited() -> None:
    assert plan(attempt(PHONE, EVENING), attempt(LETTER, MORNING)).untried == (MORNING, AFTERNOON)


def test_who_was_reached_and_what_is_closed_has_no_next_step() -> None:
    assert plan(attempt(PHONE, MORNING, reached=True)).next is None
    assert plan_of(FRAME, DAY, case(Accepted(on=DAY, threatened=False))).next is None
    closed = case(attempt(PHONE), Closed(on=DAY, result=Result.NO_CONTACT))
    assert plan_of(FRAME, DAY, closed).next is None


def test_an_attempt_that_was_struck_did_nothing() -> None:
    assert plan_of(FRAME, DAY, case(attempt(PHONE, EVENING), Struck(on=DAY, number=2))).done == 0


def waiting(count: int, tray: str = "urgent", deadline: date = DAY + timedelta(days=30)) -> list[Waits]:
    return [Waits(f"{tray}{number}", tray, deadline) for number in range(count)]


def test_the_first_of_the_worklist_are_this_weeks_and_the_rest_is_left() -> None:
    (week,) = weeks([FRAME], [*waiting(2, "single"), *waiting(5)], {}, DAY)
    assert (week.now, week.left) == (("urgent0", "urgent1", "urgent2"), ("urgent3", "urgent4"))
    assert weeks([FRAME.model_copy(update={"per_week": None})], waiting(5), {}, DAY) == []


def test_what_was_taken_up_this_week_takes_room_and_what_was_taken_up_before_does_not() -> None:
    taken = {"urgent": [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)], "single": [DAY]}
    (week,) = weeks([FRAME], waiting(3), taken, DAY + timedelta(days=4))
    assert (week.taken_up, week.now, week.left) == (2, ("urgent0",), ("urgent1", "urgent2"))
    (week,) = weeks([FRAME], waiting(1), {"urgent": [DAY] * 9}, DAY)  # more than planned leaves no room, never less
    assert week.left == ("urgent0",)


@pytest.mark.parametrize(("days", "too_late"), [(6, 1), (7, 0)])
def test_what_is_left_and_due_before_next_monday_is_named(days: int, too_late: int) -> None:
    last = waiting(1, deadline=DAY + timedelta(days=days))
    (week,) = weeks([FRAME], [*waiting(3), Waits("last", "urgent", last[0].deadline)], {}, DAY + timedelta(days=2))
    assert week.left == ("last",)
    assert len(week.too_late) == too_late
