"""When a creditor is late: a week after its usual day, and without one two weeks after the month."""

from datetime import date

import pytest

from signals.silence import due_on, silence

STARTS = date(2026, 6, 10)
HABIT = {
    "2026-06": date(2026, 7, 3),
    "2026-07": date(2026, 8, 4),
    "2026-08": date(2026, 9, 2),
}  # the middle one: 3 days


@pytest.mark.parametrize(
    ("delivered", "today", "late"),
    [
        ({}, date(2026, 7, 14), ()),
        ({}, date(2026, 7, 15), ("2026-06",)),  # two weeks after the first month that is owed
        ({}, date(2026, 8, 15), ("2026-06", "2026-07")),
        ({"2026-06": date(2026, 7, 3)}, date(2026, 8, 14), ()),  # once is no habit
        ({"2026-06": date(2026, 7, 3)}, date(2026, 8, 15), ("2026-07",)),
        (HABIT, date(2026, 10, 10), ()),
        (HABIT, date(2026, 10, 11), ("2026-09",)),  # ten days after the month: its usual three, and a week
        (HABIT | {"2026-10": date(2026, 10, 30)}, date(2026, 10, 31), ()),  # September is a gap: it comes no more
    ],
)
def test_a_creditor_is_late_after_its_usual_day_or_two_weeks_after_the_month(
    delivered: dict[str, date], today: date, late: tuple[str, ...]
) -> None:
    found = silence(delivered, STARTS, today)
    assert found.late == late
    assert found.next_due >= today


def test_one_late_month_does_not_change_the_usual_day() -> None:
    slow = HABIT | {"2026-08": date(2026, 9, 30)}
    assert due_on("2026-09", slow) == date(2026, 10, 11)


def test_who_delivers_within_the_month_is_late_before_it_is_over() -> None:
    early = {"2026-06": date(2026, 6, 20), "2026-07": date(2026, 7, 21), "2026-08": date(2026, 8, 20)}
    assert due_on("2026-09", early) == date(2026, 9, 27)


def test_a_habit_of_long_ago_counts_no_more() -> None:
    assert due_on("2027-06", HABIT) == date(2027, 7, 14)
