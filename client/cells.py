"""Cells of an export as they come out of a file, and what can be said of one cell without knowing its column."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TypeAlias

Cell: TypeAlias = str | Decimal | date
"""Text (tidied), a number (exact), or a date. An empty cell is ""."""

_HIDDEN = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])  # soft hyphen, zero widths, a stray mark
_STRAY = "\x00\x1a"
_FORMULA_TEXT = re.compile(r'="(.*)"')  # how spreadsheets are told to leave leading zeros alone
_NOTHING = frozenset({"NULL", "(null)", "N/A", "#N/A", "#N/B", "NaN", "(leeg)", "#VALUE!", "#WAARDE!", "#REF!"})
_BETWEEN_LETTERS = re.compile(r"[\W_]+")
_WHOLE_AS_FLOAT = re.compile(r"([0-9]+)[.,]0+")
_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_EXACT_IN_A_SPREADSHEET = 10**15  # above this a spreadsheet's number has lost its last digits
_POSTCODE_FIRST = re.compile(r"\D{0,4}?([1-9][0-9]{3})(?![0-9])")
_POSTCODE_IN_TEXT = re.compile(r"(?<![0-9])([1-9][0-9]{3})\s*[A-Za-z]{2}(?![A-Za-z])")


def tidy(raw: str) -> str:
    """One text cell without what only a machine meant: odd blanks, zero-width signs, `="…"`, the words for nothing."""
    text = raw
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_HIDDEN).replace("\u00a0", " ").replace("\u202f", " ")
    text = text.strip()
    if text[:1] in _STRAY or text[-1:] in _STRAY:  # an empty text too
        text = text.strip("\x00\x1a").strip()
    if text.startswith("=") and (wrapped := _FORMULA_TEXT.fullmatch(text)):
        text = wrapped.group(1).strip()
    return "" if text in _NOTHING else text


def tidy_cells(cells: Iterable[str], line: str) -> tuple[Cell, ...]:
    """The cells of a row, each tidied; `line` is the text that they were cut from."""
    if not line.isascii() or "=" in line or "\x00" in line or "\x1a" in line:
        return tuple(map(tidy, cells))
    return tuple(["" if (text := cell.strip()) in _NOTHING else text for cell in cells])


def as_text(cell: Cell) -> str:
    """A cell in words: a whole number without its ".0", a date as YYYY-MM-DD."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        whole = cell.adjusted() <= 30 and cell == cell.to_integral_value()
        return str(int(cell)) if whole else str(cell)
    return cell.isoformat()


def column_key(text: str) -> str:
    """A header word for comparing: "Geb. datum", "GEB_DATUM" and "geb.datum" are one column."""
    letters = _BETWEEN_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())
    return letters or text.strip()


def read_reference(cell: Cell) -> str:
    """The creditor's own number of a contract: 199765.0 and "199765.0" are "199765". "" if there is none to be had.

    A number that a spreadsheet rounded or wrote as 8.7E+17 has lost digits and would be somebody else's.
    """
    if isinstance(cell, Decimal):
        usable = cell == cell.to_integral_value() and 0 <= cell < _EXACT_IN_A_SPREADSHEET
        return as_text(cell) if usable else ""
    if not isinstance(cell, str):
        return ""
    text = cell.lstrip("'\u2019`").strip()
    whole = _WHOLE_AS_FLOAT.fullmatch(text)
    if whole:
        text = whole.group(1)
    if _SCIENTIFIC.fullmatch(text) or not any(sign.isalnum() for sign in text):
        return ""
    return " ".join(text.split())


def read_phone(cell: Cell) -> str:
    """A phone number as written; a number cell can hold no leading zero, so a nine-digit one gets it back."""
    text = as_text(cell).lstrip("'\u2019`")
    return f"0{text}" if isinstance(cell, Decimal) and len(text) == 9 else text


def postcode_digits(postcode: str, address: str = "") -> str:
    """The four digits of a Dutch postcode: of its own column, else of the last one in a whole address; "" if none.

    The two letters may be wrong: which pilot a row belongs to hangs on the digits alone.
    """
    if match := _POSTCODE_FIRST.match(postcode):
        return match.group(1)
    found: list[str] = _POSTCODE_IN_TEXT.findall(address)
    if found:
        return found[-1]
    match = _POSTCODE_FIRST.match(address.rpartition(",")[2].strip()) if "," in address else None
    return match.group(1) if match else ""
