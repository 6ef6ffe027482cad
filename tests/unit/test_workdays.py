"""Working days: known years checked by hand, and what must hold in each."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.workdays import (
    FIRST_YEAR,
    LAST_YEAR,
    add_working_days,
    easter_sunday,
    holidays,
    is_working_day,
    kings_day,
    weekday_holidays,
)

days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR - 1, 12, 31))


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (2019, 4, 21),
        (2020, 4, 12),
        (2024, 3, 31),
        (2025, 4, 20),
        (2026, 4, 5),
        (2027, 3, 28),
        (2038, 4, 25),  # the latest day that Easter can fall on
        (2049, 4, 18),  # one of the years in which the full moon is moved a day
        (2076, 4, 19),
        (2160, 3, 23),
    ],
)
def test_easter_falls_where_the_calendars_say(year: int, month: int, day: int) -> None:
    assert easter_sunday(year) == date(year, month, day)


@given(st.integers(FIRST_YEAR, LAST_YEAR))
def test_easter_is_a_sunday_between_22_march_and_25_april(year: int) -> None:
    easter = easter_sunday(year)
    assert easter.weekday() == 6
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)


def test_the_holidays_of_2026_are_those_of_the_law() -> None:
    assert sorted(holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 3),  # Good Friday
        date(2026, 4, 5),
        date(2026, 4, 6),
        date(2026, 4, 27),
        date(2026, 5, 5),
        date(2026, 5, 14),  # Ascension Day
        date(2026, 5, 24),
        date(2026, 5, 25),  # Whit Monday
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


def test_kings_day_moves_to_saturday_when_27_april_is_a_sunday() -> None:
    assert kings_day(2025) == date(2025, 4, 26)
    assert kings_day(2026) == date(2026, 4, 27)
    assert date(2025, 4, 27) not in holidays(2025)


def test_liberation_day_is_a_holiday_in_years_without_a_lustrum_too() -> None:
    assert not is_working_day(date(2026, 5, 5))
    assert not is_working_day(date(2025, 5, 5))


def test_three_working_days_step_over_easter() -> None:
    # Thursday before Good Friday: Friday to Monday are free, so Tuesday is the first.
    assert add_working_days(date(2026, 4, 2), 3) == date(2026, 4, 9)


def test_the_day_itself_is_not_counted() -> None:
    assert add_working_days(date(2026, 11, 2), 1) == date(2026, 11, 3)
    assert add_working_days(date(2026, 11, 7), 1) == date(2026, 11, 9)
    assert add_working_days(date(2026, 11, 7), 0) == date(2026, 11, 7)


@given(days, st.integers(1, 60))
def test_between_a_day_and_its_nth_working_day_lie_n_working_days(day: date, count: int) -> None:
    end = add_working_days(day, count)
    assert is_working_day(end)
    assert (end - day).days <= 2 * count + 14  # as far as the compiled rule set looks
    assert sum(is_working_day(day + timedelta(days=n)) for n in range(1, (end - day).days + 1)) == count


def test_counting_backwards_and_unknown_years_are_refused() -> None:
    with pytest.raises(ValueError, match="forwards"):
        add_working_days(date(2026, 1, 1), -1)
    with pytest.raises(ValueError, match="2014"):
        is_working_day(date(2013, 1, 1))


def test_the_holidays_for_sql_are_sorted_and_none_is_in_a_weekend() -> None:
    found = weekday_holidays(2025, 2027)
    assert list(found) == sorted(set(found))
    assert date(2026, 12, 25) in found
    assert date(2026, 12, 26) not in found  # a Saturday
    assert {day.year for day in found} == {2025, 2026, 2027}
