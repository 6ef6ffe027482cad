"""Where in a table a resident's details stand, and reading them out of a row."""

from collections.abc import Sequence
from datetime import date

from client.cells import Cell, as_text, read_phone
from client.dates import read_birth_date, read_date
from client.profiles import Columns
from client.tables import Table
from privacy.identity import Contact

_TEXTS = (
    *("name", "surname", "prefix", "initials", "first_name", "address", "street"),
    *("house_number", "letter", "addition", "postcode", "town", "email"),
)


class ContactColumns:
    """The columns of one table that say who somebody is.

    `no_birth`: the lines read so far whose birth date can't be read.
    """

    def __init__(self, table: Table, columns: Columns, unknown_birth_dates: Sequence[date], on: date) -> None:
        """`on`: nobody is born after this day."""
        self.no_birth: list[int] = []
        self._name_order, self._unknown, self._on = columns.name_order, tuple(unknown_birth_dates), on
        names = {name: getattr(columns, name) for name in (*_TEXTS, "birth_date", "phone")}
        self._at = {name: at for name, known in names.items() if known and (at := table.position(known)) is not None}

    def read(self, line: int, cells: Sequence[Cell]) -> Contact:
        """The resident of one row."""
        texts = {name: as_text(self._cell(cells, name)) for name in _TEXTS if name in self._at}
        written = self._cell(cells, "birth_date")
        birth = read_birth_date(written, self._on, self._unknown)
        if birth is None and written != "" and read_date(written) is None:
            self.no_birth.append(line)
        phone = read_phone(self._cell(cells, "phone"))
        return Contact(**texts, name_order=self._name_order, birth_date=birth, phone=phone)

    def _cell(self, cells: Sequence[Cell], name: str) -> Cell:
        at = self._at.get(name)
        return "" if at is None or at >= len(cells) else cells[at]
