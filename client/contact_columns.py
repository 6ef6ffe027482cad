"""Where in a table a resident's details stand, and reading them out of a row."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from client.cells import Cell, as_text, read_phone
from client.dates import read_birth_date, read_date
from client.profiles import Columns
from client.tables import Table
from privacy.identity import Contact

_TEXTS = (
    *("name", "surname", "prefix", "initials", "first_name", "address", "street"),
    *("house_number", "letter", "addition", "postcode", "town", "email"),
)
_SPELLINGS = 1 << 15  # as many days as a population has birthdays


class ContactColumns:
    """The columns of one table that say who somebody is.

    `no_birth`: the lines read so far whose birth date can't be read.
    """

    def __init__(self, table: Table, columns: Columns, unknown_birth_dates: Sequence[date], on: date) -> None:
        """`on`: nobody is born after this day."""
        self.no_birth: list[int] = []
        self._name_order, self._unknown, self._on = columns.name_order, tuple(unknown_birth_dates), on
        places = {name: table.position(getattr(columns, name) or ()) for name in (*_TEXTS, "birth_date", "phone")}
        self._birth_at, self._phone_at = places.pop("birth_date"), places.pop("phone")
        self._texts = [(name, at) for name, at in places.items() if at is not None]
        self._birth = lru_cache(_SPELLINGS)(self._read_birth)

    def read(self, line: int, cells: Sequence[Cell]) -> Contact:
        """The resident of one row, which has as many cells as the header."""
        birth = None
        if self._birth_at is not None:
            birth, readable = self._birth(cells[self._birth_at])
            if not readable:
                self.no_birth.append(line)
        return Contact(
            **{name: cell if isinstance(cell := cells[at], str) else as_text(cell) for name, at in self._texts},
            name_order=self._name_order,
            birth_date=birth,
            phone="" if self._phone_at is None else read_phone(cells[self._phone_at]),
        )

    def _read_birth(self, written: Cell) -> tuple[date | None, bool]:
        """The birth date, and whether the cell is empty or a date at all."""
        birth = read_birth_date(written, self._on, self._unknown)
        return birth, birth is not None or written == "" or read_date(written) is not None
