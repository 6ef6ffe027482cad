"""Reading an export: text, a workbook or JSON becomes one table, or an error that says what is wrong and where."""

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import python_calamine

from client.cells import Cell, column_key, tidy
from client.decoding import Kind, UnreadableFile, kind_of, text_lines
from client.delimited import DELIMITERS, split_rows
from client.profiles import FileLayout
from client.records import read_records
from client.tables import Header, RawRow, Table, Wanted, build_table, find_header

_BINARY = frozenset({"workbook", "zip", "pdf"})
_EXPECTED = {"csv": "a text file with columns", "workbook": "an Excel workbook", "json": "a JSON file"}
_ACTUAL: Mapping[Kind, str] = {
    "workbook": "an Excel workbook",
    "zip": "a zip file, or a workbook that is cut off",
    "pdf": "a PDF",
    "markup": "a web page or XML",
    "json": "JSON",
    "text": "plain text",
}


def read_table(path: Path, layout: FileLayout, wanted: Wanted) -> Table:
    """Read one file.

    Args:
        path: the export.
        layout: how the profile says that it is built.
        wanted: the columns that the profile reads, the reference first.

    Raises:
        UnreadableFile: it can't be opened, is empty, cut off or of another kind, or a column is missing. The message
            holds column names at most, never a cell of a row.
    """
    source = path.name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(source, f"can't be opened: {error.strerror}") from None
    kind = kind_of(data)
    if kind == "empty":
        raise UnreadableFile(source, "the file is empty", 1)
    if (kind in _BINARY) != (layout.format == "workbook") or kind in {"zip", "pdf"}:
        raise UnreadableFile(source, _other_kind(layout.format, kind), 1)
    if layout.format == "workbook":
        return _from_workbook(data, source, layout, wanted)
    lines, ended, notes = text_lines(data, source, layout.encoding)
    if layout.format == "json":
        return read_records("\n".join(lines), source, layout, wanted, notes)
    table = _from_text(lines, source, layout, wanted, ended=ended, kind=kind)
    return replace(table, notes=(*notes, *table.notes))


def _from_text(lines: list[str], source: str, layout: FileLayout, wanted: Wanted, *, ended: bool, kind: Kind) -> Table:
    declared = layout.delimiter or ""
    best: tuple[str, Header] | None = None
    for delimiter in dict.fromkeys((declared, *DELIMITERS) if declared else DELIMITERS):
        header = find_header(list(split_rows(lines[:200], delimiter)), wanted)
        if header and (best is None or (header.fits, header.hits) > (best[1].fits, best[1].hits)):
            best = (delimiter, header)
        if header and header.fits:
            break
    if best is None and kind in {"json", "markup"}:
        raise UnreadableFile(source, _other_kind(layout.format, kind), 1)
    if best is None:
        raise _no_header(source, wanted)
    rows = list(split_rows(lines, best[0], best[1].width))
    header = find_header(rows, wanted) or best[1]
    if not header.fits:
        raise _unfit(source, header, rows[header.at].line)
    table = build_table(rows, header, wanted, layout.summary_words)
    if not ended and table.rows and table.rows[-1].line == rows[-1].line and _breaks_off(table, wanted):
        message = "the last line breaks off: the file is cut off; export or copy it again"
        raise UnreadableFile(source, message, table.rows[-1].line)
    return table


def _breaks_off(table: Table, wanted: Wanted) -> bool:
    """Whether the last row alone lacks the last column that is read, or has nothing behind its delimiter."""
    last = max(position for _, names, _ in wanted if (position := table.position(names)) is not None)
    *others, row = table.rows
    if len(row.cells) <= last:
        return all(len(other.cells) > last for other in others)
    return row.cells[last] == "" and bool(others) and all(other.cells[last : last + 1] > ("",) for other in others)


def _from_workbook(data: bytes, source: str, layout: FileLayout, wanted: Wanted) -> Table:
    best: tuple[list[RawRow], Header] | None = None
    names, fitting = [], []
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        names = [name for name in book.sheet_names if _is_asked_for(name, layout.sheet)]
        for name in names:
            cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            rows = [RawRow(number, tuple(map(workbook_cell, row))) for number, row in enumerate(cells, start=1)]
            header = find_header(rows, wanted)
            if header and (best is None or (header.fits, header.hits) > (best[1].fits, best[1].hits)):
                best = (rows, header)
            if header and header.fits:
                fitting.append(f"'{name}'")
    except python_calamine.PasswordError:
        raise UnreadableFile(source, "the workbook is protected by a password: save it without one") from None
    except (python_calamine.CalamineError, OSError) as error:
        message = f"the workbook is damaged or cut off ({type(error).__name__}): export or copy it again"
        raise UnreadableFile(source, message) from None
    if not names:
        raise UnreadableFile(source, f"the workbook has no sheet called '{layout.sheet}'")
    if best is None:
        raise _no_header(source, wanted)
    if len(fitting) > 1:  # taking one of them would lose the others' rows without a word
        raise UnreadableFile(source, f"the sheets {', '.join(fitting)} all hold the columns: name one in the profile")
    rows, header = best
    if not header.fits:
        raise _unfit(source, header, rows[header.at].line)
    return build_table(rows, header, wanted, layout.summary_words)


def _is_asked_for(name: str, sheet: str | None) -> bool:
    return sheet is None or column_key(name) == column_key(sheet)


def workbook_cell(value: object) -> Cell:
    """A workbook's cell; a number by its shortest decimal form, which is what the spreadsheet shows."""
    if isinstance(value, str):
        return tidy(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return Decimal(repr(value))
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else str(value)


def _other_kind(expected: str, kind: Kind) -> str:
    other = f"the profile expects {_EXPECTED[expected]}, but this is {_ACTUAL[kind]}"
    return f"{other}: export it again, or use the profile that fits"


def _no_header(source: str, wanted: Wanted) -> UnreadableFile:
    names = ", ".join(dict.fromkeys(f"'{' / '.join(names)}'" for _, names, _ in wanted))
    return UnreadableFile(source, f"no header row found: no line holds the column names {names}", 1)


def _unfit(source: str, header: Header, line: int) -> UnreadableFile:
    found = ", ".join(f"'{name}'" for name in header.found)
    if header.missing:
        missing = ", ".join(dict.fromkeys(f"'{names}' ({place})" for place, names in header.missing))
        return UnreadableFile(source, f"the header lacks the column {missing}; columns found: {found}", line)
    doubled = ", ".join(dict.fromkeys(f"'{names}'" for _, names in header.doubled))
    return UnreadableFile(source, f"the header has the column {doubled} twice; columns found: {found}", line)
