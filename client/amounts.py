"""Amounts and counts as exports write them. Whole cents, exact: no binary fraction is ever calculated with."""

import re
from decimal import Decimal
from typing import Literal

from client.cells import Cell

Unit = Literal["euro", "cent"]
DecimalMark = Literal["comma", "point"]

MOST_CENTS = 10_000_000_00  # a report holds at most ten million euros; anything above is no arrears of a household
MOST_MONTHS = 600

_CURRENCY = re.compile(r"€|euro'?s|euro|eur|[\s'\u2019`_]", re.IGNORECASE)  # with the blanks and marks of thousands
_NO_CENTS = re.compile(r"[.,](?:-{1,2}|=)$")  # "150,-" and "150,="
_PLAIN = re.compile(r"([0-9]{1,7})[.,]([0-9]{2})")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:[.,][0-9]{3})+")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[.,][0-9]{1,2}")
_COUNT = re.compile(r"([0-9]{1,3})(?:[.,]0+)?\s*(?:x|m|mnd|maand(?:en)?|termijn(?:en)?|factu(?:ur|ren)|months?)?\.?")
_NOISE = Decimal("0.00001")  # of a cent


def read_cents(cell: Cell, unit: Unit, mark: DecimalMark) -> int | None:
    """An amount in whole cents, negative for a credit; None if it can't be read without guessing.

    Two kinds of marks, or one or two digits behind the only one, say by themselves which is the decimal one. Three
    digits behind a single mark don't: there the column's declared `mark` decides ("1.234" is 1,234 euros under
    "comma", and no whole number of cents under "point").
    """
    if isinstance(cell, str) and unit == "euro" and (plain := _PLAIN.fullmatch(cell)):  # nearly all are
        return int(plain[1] + plain[2])
    value = cell if isinstance(cell, Decimal) else _read_number(cell, mark) if isinstance(cell, str) else None
    if value is None or value.adjusted() > 12:
        return None
    exact = value * 100 if unit == "euro" else value
    cents = exact.to_integral_value()
    # a spreadsheet's sum may be 151.39999999999998, which it shows as 151.40
    if abs(exact - cents) > _NOISE or abs(cents) > MOST_CENTS:
        return None
    return int(cents)


def read_count(cell: Cell) -> int | None:
    """A count of months, terms or invoices: 2, "2.0", "2 mnd". None if it is not a whole number from 0 to 600."""
    if isinstance(cell, Decimal):
        whole = cell.adjusted() <= 3 and cell == cell.to_integral_value()
        count = int(cell) if whole else -1
    elif isinstance(cell, str):
        match = _COUNT.fullmatch(cell.lstrip("'\u2019`").casefold())
        count = int(match.group(1)) if match else -1
    else:
        count = -1
    return count if 0 <= count <= MOST_MONTHS else None


def _read_number(text: str, mark: DecimalMark) -> Decimal | None:
    digits = _CURRENCY.sub("", text).replace("\u2212", "-").replace("\u2013", "-")
    negative = digits.startswith("(") and digits.endswith(")")
    if negative:
        digits = digits[1:-1]
    digits = _NO_CENTS.sub("", digits)
    if digits[:1] in {"-", "+"}:
        negative, digits = negative or digits[0] == "-", digits[1:]
    elif digits.endswith("-"):
        negative, digits = True, digits[:-1]
    if not _NUMBER.fullmatch(digits):
        return None
    value = _without_sign(digits, "," if mark == "comma" else ".")
    return -value if value is not None and negative else value


def _without_sign(digits: str, declared: str) -> Decimal | None:
    marks = [sign for sign in digits if sign in ".,"]
    if not marks:
        return Decimal(digits)
    last = marks[-1]
    whole, _, fraction = digits.rpartition(last)
    if len(marks) == 1:
        is_decimal = len(fraction) != 3 or last == declared
    else:
        is_decimal = marks.count(last) == 1
        if len(set(marks)) > 1 + is_decimal:
            return None
    grouped = whole if is_decimal else digits
    if ("." in grouped or "," in grouped) and not _GROUPED.fullmatch(grouped):
        return None
    plain = grouped.replace(".", "").replace(",", "")
    return Decimal(f"{plain or 0}.{fraction}") if is_decimal else Decimal(plain)
