"""What the cells of one column look like, whatever the column is called: shares of its filled cells, from 0 to 1."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from client.amounts import read_cents, read_count
from client.cells import Cell, as_text, column_key, read_reference
from client.dates import read_date
from privacy.normalise.names import INFIXES
from privacy.normalise.text import plain

_POSTCODE = re.compile(r"[1-9][0-9]{3}\s*[A-Za-z]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?:\+|00)?[0-9][0-9\s().-]{7,17}")
_INITIALS = re.compile(r"(?:[A-Za-zÀ-ž]{1,3}\.\s?)+[A-Za-zÀ-ž]?|[A-ZÀ-Ž]{1,6}")
_ADDRESS = re.compile(r".*[A-Za-zÀ-ž]{2,}\.?\s+[0-9]{1,5}(?![0-9]).*")
_MARKS = re.compile(r"[0-9](?P<mark>[.,])[0-9]{2}$")
_YES_NO = frozenset({"j", "n", "ja", "nee", "y", "yes", "no", "x", "true", "false", "waar", "onwaar", "0", "1"})
_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_YOUNGEST = 2012  # nobody with a contract of their own was born later
_EAN = re.compile(r"87[0-9]{16}")


@dataclass(frozen=True)
class Column:
    """One column: its header, its place, and some of its filled cells. `filled` is the share of rows that fill it."""

    header: str
    at: int
    cells: tuple[Cell, ...]
    filled: float

    def __repr__(self) -> str:
        """Give nobody away."""
        return f"Column({self.header!r}, {len(self.cells)} cells)"

    @cached_property
    def key(self) -> str:
        """The header for comparing; of a JSON path its last part."""
        return column_key(plain(self.header.rpartition(".")[2] or self.header))

    @cached_property
    def path_key(self) -> str:
        """The whole header for comparing."""
        return column_key(plain(self.header))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The cells in words."""
        return tuple(as_text(cell).strip() for cell in self.cells)

    def share(self, holds: Iterable[object]) -> float:
        """Of the filled cells, how many hold."""
        return sum(map(bool, holds)) / len(self.cells) if self.cells else 0.0

    @cached_property
    def distinct(self) -> float:
        """How many different cells there are for each filled one."""
        return len(set(self.texts)) / len(self.texts) if self.texts else 0.0

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The different cells, commonest first."""
        return tuple(text for text, _ in Counter(self.texts).most_common())

    @cached_property
    def postcode(self) -> float:
        """Dutch postcodes."""
        return self.share(_POSTCODE.fullmatch(text) for text in self.texts)

    @cached_property
    def email(self) -> float:
        """E-mail addresses."""
        return self.share(_EMAIL.fullmatch(text) for text in self.texts)

    @cached_property
    def phone(self) -> float:
        """Telephone numbers: nine digits or more, and no date, EAN or amount."""
        return self.share(
            _PHONE.fullmatch(text) and 9 <= sum(map(str.isdigit, text)) <= 13 and text.lstrip("+0")[:1] not in {"", "8"}
            for text in self.texts
        )

    @cached_property
    def dates(self) -> tuple[date, ...]:
        """The cells that read as dates; bare numbers don't count, unless they have eight digits."""
        found = (_date_of(cell, text) for cell, text in zip(self.cells, self.texts, strict=True))
        return tuple(day for day in found if day)

    @cached_property
    def dated(self) -> float:
        """Dates."""
        return len(self.dates) / len(self.cells) if self.cells else 0.0

    def dated_between(self, first: int, last: int) -> float:
        """Dates of the years `first` to `last`."""
        return self.share(first <= found.year <= last for found in self.dates)

    @cached_property
    def born(self) -> float:
        """Dates of people's births: of a year written in two digits the century is theirs."""
        years = [
            found.year - 100 if found.year > _YOUNGEST and not _FOUR_DIGITS.search(text) else found.year
            for cell, text in zip(self.cells, self.texts, strict=True)
            if (found := _date_of(cell, text))
        ]
        return sum(1900 <= year <= _YOUNGEST for year in years) / len(self.cells) if self.cells else 0.0

    def day_numbers(self, first: int, last: int) -> float:
        """Bare numbers that a spreadsheet would show as dates of the years `first` to `last`."""
        days = [read_date(cell) for cell, text in zip(self.cells, self.texts, strict=True) if len(text) == 5]
        return self.share(found and first <= found.year <= last for found in days)

    @cached_property
    def amount(self) -> float:
        """Amounts of money."""
        return self.share(read_cents(cell, "euro", "comma") is not None for cell in self.cells)

    @cached_property
    def fraction(self) -> float:
        """Numbers with cents behind a mark."""
        return self.share(
            cell % 1 != 0 if isinstance(cell, Decimal) else bool(_MARKS.search(text))
            for cell, text in zip(self.cells, self.texts, strict=True)
        )

    @cached_property
    def small_count(self) -> float:
        """Whole numbers from 0 to 60, as of months."""
        counts = [read_count(cell) for cell in self.cells]
        return self.share(count is not None and count <= 60 for count in counts)

    @cached_property
    def house_number(self) -> float:
        """A number of up to five digits, perhaps with something short behind it."""
        return self.share(re.fullmatch(r"0*[1-9][0-9]{0,4}(?:(?![0-9.,]).{0,12})?", text) for text in self.texts)

    @cached_property
    def initials(self) -> float:
        """Initials: up to six capitals, or letters with dots."""
        return self.share(_INITIALS.fullmatch(text) for text in self.texts)

    @cached_property
    def infix(self) -> float:
        """Nothing but the small words before a surname."""
        return self.share(text and all(word in INFIXES for word in _words(text)) for text in self.texts)

    @cached_property
    def wordy(self) -> float:
        """Letters and no digit."""
        return self.share(any(map(str.isalpha, text)) and not any(map(str.isdigit, text)) for text in self.texts)

    @cached_property
    def whole_name(self) -> float:
        """Two or more words without a digit: somebody's initials or first name, and a surname."""
        return self.share(
            len(_words(text)) >= 2 and not any(map(str.isdigit, text)) and "@" not in text for text in self.texts
        )

    @cached_property
    def address(self) -> float:
        """A street with a number behind it."""
        return self.share(_ADDRESS.fullmatch(text) for text in self.texts)

    @cached_property
    def short(self) -> float:
        """At most six signs."""
        return self.share(len(text) <= 6 for text in self.texts)

    @cached_property
    def one_letter(self) -> float:
        """A single letter."""
        return self.share(len(text) == 1 and text.isalpha() for text in self.texts)

    @cached_property
    def reference(self) -> float:
        """Numbers or codes, each of a customer or contract of its own, and not an EAN code."""
        usable = self.share(
            read_reference(cell) and any(map(str.isdigit, text)) and " " not in text and not _EAN.fullmatch(text)
            for cell, text in zip(self.cells, self.texts, strict=True)
        )
        return usable * self.distinct

    @cached_property
    def yes_no(self) -> float:
        """Words for yes and no, both or one of them."""
        return self.share(text.casefold() in _YES_NO for text in self.texts) if len(self.values) <= 4 else 0.0


def columns_of(headers: Sequence[Cell], rows: Sequence[Sequence[Cell]], most: int = 400) -> list[Column]:
    """The columns under a header row, each with cells from all over the file, at most `most`."""
    step = max(1, len(rows) // most)
    some = rows[::step]
    columns = []
    for at, header in enumerate(headers):
        cells = tuple(row[at] for row in some if at < len(row) and as_text(row[at]).strip())
        columns.append(Column(as_text(header).strip(), at, cells, len(cells) / len(some) if some else 0.0))
    return [column for column in columns if column.header]


def _date_of(cell: Cell, text: str) -> date | None:
    return read_date(cell) if isinstance(cell, date) or not text.isdigit() or len(text) == 8 else None


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s.,/]+", text.casefold()) if word]
