"""Dutch working days: weekends and recognised holidays, for deadlines that count in working days.

Source: Algemene termijnenwet art. 3, first and second paragraph. Chosen where the field differs:

- 5 May counts as a holiday in every year, as that law has it. Most collective agreements give the day off once in five
  years; that is about employees' leave, not about terms.
- Good Friday counts as a holiday, by the second paragraph.
- The days that a royal decree puts beside them (third paragraph, such as the Friday after Ascension Day) are not in:
  each decree holds for some years only. Leaving them out makes a deadline at most a few days early, never late.
"""

from datetime import date, timedelta
from functools import cache

# Before 2014 the Queen's birthday was kept on another day; no report is as old as that.
FIRST_YEAR = 2014
LAST_YEAR = 2199

_SATURDAY = 5


@cache
def easter_sunday(year: int) -> date:
    """The day of Easter by the Gregorian church calendar (golden number, epact, Sunday after the full moon).

    Raises:
        ValueError: the year lies outside FIRST_YEAR to LAST_YEAR.
    """
    _check(year)
    golden = year % 19
    century = year // 100
    skipped_leap_days = century - century // 4
    moon_correction = (8 * century + 13) // 25
    epact = (19 * golden + skipped_leap_days - moon_correction + 15) % 30
    # The church's full moon is never later than 18 April, nor twice in one cycle on the same day.
    full_moon = epact - (epact // 28) * (1 - (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + full_moon + 2 - skipped_leap_days) % 7
    return date(year, 3, 28) + timedelta(days=full_moon - weekday)


@cache
def holidays(year: int) -> frozenset[date]:
    """The recognised holidays of a year, those that fall in a weekend included.

    Raises:
        ValueError: the year lies outside FIRST_YEAR to LAST_YEAR.
    """
    easter = easter_sunday(year)
    moving = {easter + timedelta(days=days) for days in (-2, 0, 1, 39, 49, 50)}
    fixed = {date(year, 1, 1), kings_day(year), date(year, 5, 5), date(year, 12, 25), date(year, 12, 26)}
    return frozenset(moving | fixed)


def kings_day(year: int) -> date:
    """27 April, or the day before where that is a Sunday. Raises ValueError for a year outside the range."""
    _check(year)
    birthday = date(year, 4, 27)
    return birthday - timedelta(days=1) if birthday.weekday() > _SATURDAY else birthday


def is_working_day(day: date) -> bool:
    """Whether `day` is neither Saturday, Sunday nor a holiday. Raises ValueError for a year outside the range."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day`; `day` itself is not counted (0: `day`, whatever day it is).

    Raises:
        ValueError: `count` is negative, or a year lies outside FIRST_YEAR to LAST_YEAR.
    """
    if count < 0:
        raise ValueError("working days are counted forwards")
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


@cache
def weekday_holidays(first: int, last: int) -> tuple[date, ...]:
    """The holidays from Monday to Friday of the years `first` to `last`, in order: what SQL needs beside weekends."""
    days = (day for year in range(first, last + 1) for day in holidays(year))
    return tuple(sorted(day for day in days if day.weekday() < _SATURDAY))


def _check(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"holidays are known for {FIRST_YEAR} to {LAST_YEAR}, not for {year}")
