"""From raw lines to a table: the header found by its words, and the lines that are about no customer set aside."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from client.cells import Cell, as_text, column_key
from client.reasons import Note, NoteCode

Wanted: TypeAlias = Sequence[tuple[str, tuple[str, ...], bool]]
"""Columns to look for: where the profile names them, their names, whether no row does without."""

_WORD = re.compile(r"[^\W_]+")
_HEADER_WITHIN = 100  # lines from the top of the file
SUMMARY_WORDS = frozenset(
    {"totaal", "totalen", "totale", "subtotaal", "eindtotaal", "total", "totals", "subtotal", "grand"}
    | {"aantal", "som", "einde"}
)


@dataclass(slots=True, repr=False)  # not frozen, as all of which a file has many: it would take thrice as long
class RawRow:
    """One line of a file: its number (row of a sheet, position of a record; from 1) and its cells.

    `pointer` is the JSON pointer of a record.
    """

    line: int
    cells: tuple[Cell, ...]
    pointer: str = ""

    def __repr__(self) -> str:
        return f"RawRow(line {self.line}, {len(self.cells)} cells)"


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Table:
    """What a file holds: its columns, the rows about customers, the lines above the header, and the total rows."""

    columns: Mapping[str, int]  # column key to position
    width: int
    rows: tuple[RawRow, ...]
    preamble: tuple[RawRow, ...] = ()
    totals: tuple[RawRow, ...] = ()
    fields: Mapping[str, Cell] = field(default_factory=dict)  # of a JSON file, beside its records; by column key
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} rows, {self.width} columns)"

    def position(self, names: Iterable[str]) -> int | None:
        """Where a column stands; None if the file has none of that name."""
        return next((self.columns[key] for key in map(column_key, names) if key in self.columns), None)


@dataclass(frozen=True, slots=True)
class Header:
    """A header row as found: its place among the rows, its columns, and what is wrong with it.

    `missing` and `doubled` hold places in the profile with the names that were looked for.
    """

    at: int
    columns: Mapping[str, int]
    found: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    doubled: tuple[tuple[str, str], ...]
    hits: int
    width: int

    @property
    def fits(self) -> bool:
        """Whether every column that the profile names is there once."""
        return not self.missing and not self.doubled


def find_header(rows: Sequence[RawRow], wanted: Wanted) -> Header | None:
    """The first row that holds every column looked for; else the one that holds most, at least half and two.

    A row with fewer is no header, and its cells could be a person's.
    """
    best: Header | None = None
    for at, row in enumerate(rows[:_HEADER_WITHIN]):
        header = _as_header(at, row, wanted)
        if header.fits:
            return header
        if header.hits >= max(2, len(wanted) / 2) and (best is None or header.hits > best.hits):
            best = header
    return best


def build_table(rows: Sequence[RawRow], header: Header, wanted: Wanted, words: Iterable[str]) -> Table:
    """Sort the rows below the header: customers', totals, and those that are neither (blank, repeated header, footer).

    Args:
        rows: all rows of the file.
        header: as found among them.
        wanted: the columns that the profile reads; the first one is the reference.
        words: what a total row begins with, besides the usual words.
    """
    sorter = _Sorter(
        reference=_position(header.columns, wanted[0][1]) or 0,
        numbers=frozenset(_positions(header.columns, (names for place, names, _ in wanted if _is_number(place)))),
        mapped=frozenset(_positions(header.columns, (names for _, names, _ in wanted))),
        words=SUMMARY_WORDS | {column_key(word) for word in words},
        repeated={_keys(row)[0]: _keys(row) for row in rows[: header.at + 1] if any(row.cells)},
    )
    kept: list[RawRow] = []
    totals: list[RawRow] = []
    skipped: list[RawRow] = []
    for row in rows[header.at + 1 :]:
        kind = sorter.kind(row)
        if kind == "customer":
            kept.append(row)
        elif kind != "blank":
            (totals if kind == "total" else skipped).append(row)
    notes = []
    if skipped:
        some = ", ".join(str(row.line) for row in skipped[:10]) + (" …" if len(skipped) > 10 else "")
        notes.append(Note(NoteCode.LINES_SKIPPED, skipped[0].line, {"count": len(skipped), "lines": some}))
    return Table(
        columns=header.columns,
        width=header.width,
        rows=tuple(kept),
        preamble=tuple(rows[: header.at]),
        totals=tuple(totals),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Sorter:
    reference: int
    numbers: frozenset[int]  # where amounts and months stand
    mapped: frozenset[int]
    words: frozenset[str]
    repeated: Mapping[str, tuple[str, ...]]  # header and what stands above it, by their first cell

    def kind(self, row: RawRow) -> str:
        cells = row.cells
        if self._is_plain(cells):
            return "customer"
        filled = [at for at, cell in enumerate(cells) if not isinstance(cell, str) or any(map(str.isalnum, cell))]
        if not filled:
            return "blank"
        first = as_text(cells[filled[0]])
        has_reference = self.reference in filled and filled[0] != self.reference
        if not has_reference and not self._says_who(row, filled) and first_word(first) in self.words:
            return "total"
        again = self.repeated.get(column_key(as_text(cells[0])))
        if (again and again == _keys(row)) or self._is_footer(row, filled, first):
            return "skipped"
        return "customer"

    def _is_plain(self, cells: tuple[Cell, ...]) -> bool:
        """Whether a row is a customer's at first sight, as nearly all are: what follows would say so too.

        It begins with no word of a total's or a header's, and a digit stands where an amount or a count does.
        """
        first = cells[0]
        if not isinstance(first, str) or not first[:1].isalnum():
            return False
        if first_word(first) in self.words or column_key(first) in self.repeated:
            return False
        return any(isinstance(cell := cells[at], str) and cell[:1].isdigit() for at in self.numbers if at < len(cells))

    def _says_who(self, row: RawRow, filled: list[int]) -> bool:
        """Whether words stand in any column about the resident, besides the first cell that is filled."""
        about = self.mapped - self.numbers - {self.reference}
        return any(at in about and any(map(str.isalpha, as_text(row.cells[at]))) for at in filled[1:])

    def _is_footer(self, row: RawRow, filled: list[int], first: str) -> bool:
        """A cell of words at the left margin, perhaps with a date behind: "-- einde --", "Gegenereerd op;1-10-2026"."""
        if filled[0] != 0 or len(filled) > 2 or any(at in self.numbers for at in filled) or row.pointer:
            return False
        if self._says_who(row, filled):
            return False
        return " " in first or not any(map(str.isdigit, first))


def first_word(text: str) -> str:
    """The first word of a cell, in small letters."""
    found = _WORD.search(text.casefold())
    return found[0] if found else ""


def _is_number(place: str) -> bool:
    return place.startswith(("amount.", "months."))


def _keys(row: RawRow) -> tuple[str, ...]:
    keys = [column_key(as_text(cell)) for cell in row.cells]
    while keys and not keys[-1]:
        keys.pop()
    return tuple(keys)


def _positions(columns: Mapping[str, int], wanted: Iterable[Iterable[str]]) -> Iterator[int]:
    return (at for names in wanted if (at := _position(columns, names)) is not None)


def _position(columns: Mapping[str, int], names: Iterable[str]) -> int | None:
    return next((columns[key] for key in map(column_key, names) if key in columns), None)


def _as_header(at: int, row: RawRow, wanted: Wanted) -> Header:
    columns: dict[str, int] = {}
    twice = set()
    for position, cell in enumerate(row.cells):
        word = column_key(cell) if isinstance(cell, str) else ""
        if word and word in columns:
            twice.add(word)
        elif word:
            columns[word] = position
    missing, doubled, hits = [], [], 0
    for place, names, _ in wanted:
        key = next((key for key in map(column_key, names) if key in columns), None)
        hits += key is not None
        if key is None:
            missing.append((place, " / ".join(names)))
        elif key in twice:
            doubled.append((place, " / ".join(names)))
    found = tuple(cell for cell in row.cells if isinstance(cell, str) and cell)
    return Header(at, columns, found, tuple(missing), tuple(doubled), hits, len(row.cells))
