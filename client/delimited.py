"""Lines of delimited text (csv, tab, pipe …) to cells, so that one bad quote never takes other rows with it."""

import csv
from collections.abc import Iterator

from client.cells import Cell, tidy, tidy_cells
from client.tables import RawRow

DELIMITERS = (";", ",", "\t", "|")
_MOST_LINES = 4  # of one row, where a quoted cell holds line breaks (an address block)


def split_rows(lines: list[str], delimiter: str, width: int = csv.field_size_limit()) -> Iterator[RawRow]:
    """Cut lines into cells. A row that runs over several lines has the number of its first.

    `width`: how many cells the header has, once it is known; it tells a slipped quote from a cell with a line break.
    """
    at = 0
    while at < len(lines):
        line = lines[at]
        if '"' in line:
            taken, cells = _row(lines, at, delimiter, width)
            yield RawRow(at + 1, tuple(map(_tidied, cells)))
            at += taken
        else:
            yield RawRow(at + 1, tidy_cells(line.split(delimiter), line))
            at += 1


def _row(lines: list[str], at: int, delimiter: str, width: int) -> tuple[int, list[str]]:
    line = lines[at]
    if line.count('"') % 2 == 0:
        return 1, _cells(line, delimiter, strict=False) or _as_written(line, delimiter)
    for taken in range(2, _MOST_LINES + 1):
        more = lines[at + 1 : at + taken]
        # a line with as many delimiters as a row has is a row: the quote was a slip, and swallows nothing
        if len(more) < taken - 1 or any(part.count(delimiter) >= width - 1 for part in (line, more[-1])):
            break
        joined = "\n".join((line, *more))
        if joined.count('"') % 2 == 0 and (cells := _cells(joined, delimiter, strict=True)):
            return taken, cells
    return 1, _as_written(line, delimiter)


def _cells(text: str, delimiter: str, *, strict: bool) -> list[str]:
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=strict, skipinitialspace=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def _as_written(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(delimiter)]


def _tidied(cell: str) -> Cell:
    return tidy(" ".join(cell.split("\n")) if "\n" in cell else cell)
