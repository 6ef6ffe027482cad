"""Dates as Dutch exports write them, and the counting of months between two of them."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from client.cells import Cell, as_text

Counting = Literal["30-day-terms", "calendar-months"]

_TIME = r"(?:[t ]+[0-9]{1,2}[:.][0-9]{2}.*)?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/. ]([0-9]{{1,2}})[-/. ]([0-9]{{1,2}}){_TIME}")
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})[-/. ]([0-9]{{1,2}})[-/. ]([0-9]{{4}}|[0-9]{{2}}){_TIME}")
_IN_WORDS = re.compile(r"([0-9]{1,2})[-/. ]*([a-z]{3,9})[-/. ]*([0-9]{4}|[0-9]{2})")
_MONTH_WORDS = {
    word: month
    for month, words in enumerate(
        (
            *("jan januari", "feb februari", "mrt maart mar", "apr april", "mei may", "jun juni", "jul juli"),
            *("aug augustus", "sep sept september", "okt oktober oct", "nov november", "dec december"),
        ),
        start=1,
    )
    for word in words.split()
}
_DAY_ZERO = date(1899, 12, 30)  # of spreadsheets, for days from 1 March 1900 on
_LAST_SERIAL = 80_000  # 2119
_YOUNGEST = 16  # years: two digits of a birth year never make a customer younger than this


def read_date(cell: Cell) -> date | None:
    """A date in any of the usual ways, day before month; None if there is none or it can't be read.

    Also the eight digits YYYYMMDD or DDMMYYYY, and a spreadsheet's day number. Two digits of a year are 20YY. What only
    an American order could explain is not read: in the same column 10/01 would then be silently taken for January.
    """
    return _read(cell, youngest_on=None)


def read_birth_date(cell: Cell, on: date, unknown: Collection[date]) -> date | None:
    """A birth date as known on `on`; None if there is none, it is a stand-in for one, or it can't be right."""
    birth = _read(cell, youngest_on=on)
    if birth is None or birth in unknown or birth.year < 1900 or birth > on:
        return None
    return birth


def months_between(due: date, on: date, counting: Counting) -> int:
    """Whole terms of 30 days, or whole calendar months, from `due` to `on`.

    A calendar month is full on the due day: 31 January to 28 February is 0, to 1 March is 1.

    Raises:
        ValueError: `due` lies after `on`.
    """
    if due > on:
        raise ValueError("the due date lies after the reference date")
    if counting == "30-day-terms":
        return (on - due).days // 30
    return (on.year - due.year) * 12 + on.month - due.month - (on.day < due.day)


def _read(cell: Cell, youngest_on: date | None) -> date | None:
    if isinstance(cell, date):
        return cell
    text = as_text(cell).strip().lstrip("'\u2019`").casefold()
    if text.isascii() and text.isdigit():
        return _from_digits(text, numeric=isinstance(cell, Decimal))
    if match := _YEAR_FIRST.fullmatch(text):
        return _made(match.group(1), match.group(2), match.group(3))
    if match := _DAY_FIRST.fullmatch(text):
        return _made(_year(match.group(3), youngest_on), match.group(2), match.group(1))
    if (match := _IN_WORDS.fullmatch(text)) and match.group(2) in _MONTH_WORDS:
        return _made(_year(match.group(3), youngest_on), _MONTH_WORDS[match.group(2)], match.group(1))
    return None


def _from_digits(text: str, *, numeric: bool) -> date | None:
    if len(text) in {7, 8}:
        text = text.zfill(8)
        year_first = _made(text[:4], text[4:6], text[6:])
        if year_first and 1800 <= year_first.year <= 2200:
            return year_first
        return _made(text[4:], text[2:4], text[:2])
    if (numeric or len(text) == 5) and 61 <= int(text) <= _LAST_SERIAL:
        return _DAY_ZERO + timedelta(days=int(text))
    return None


def _year(digits: str, youngest_on: date | None) -> int:
    if len(digits) == 4:
        return int(digits)
    year = 2000 + int(digits)
    return year - 100 if youngest_on and year > youngest_on.year - _YOUNGEST else year


def _made(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
