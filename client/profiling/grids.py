"""An unknown export as grids of cells: what kind of file it is, its delimiter, sheets, or list of records."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import python_calamine

from client.cells import Cell, as_text
from client.decoding import UnreadableFile, kind_of, text_lines
from client.delimited import DELIMITERS, split_rows
from client.profiles import FileLayout
from client.reading import workbook_cell
from client.records import flattened
from client.tables import RawRow

_LOOKED_AT = 400  # lines that tell the delimiter


@dataclass(frozen=True, slots=True, repr=False)
class Grid:
    """One possible table of a file: its rows as they stand, and what a profile must say to find them.

    `fields`: of a JSON file, what stands beside the list of records, by dotted path.
    """

    layout: FileLayout
    rows: tuple[RawRow, ...]
    how: tuple[tuple[str, str], ...]  # what was recognised, in Dutch and English
    fields: dict[str, Cell] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Grid({self.layout.format}, {len(self.rows)} rows)"


def grids_of(path: Path) -> list[Grid]:
    """Every table that a file may hold: one for text and JSON, one per sheet that is not empty for a workbook.

    Raises:
        UnreadableFile: it can't be opened, is empty, cut off, protected, or no list.
    """
    source = path.name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(source, f"can't be opened: {error.strerror}") from None
    kind = kind_of(data)
    if kind == "empty":
        raise UnreadableFile(source, "the file is empty", 1)
    if kind in {"pdf", "markup", "zip"}:
        raise UnreadableFile(source, "is no list that can be read: export it as Excel, CSV or JSON", 1)
    if kind == "workbook":
        return _sheets(data, source)
    lines, _, notes = text_lines(data, source)
    told = _encoding(data, mixed=bool(notes))
    return [_records("\n".join(lines), source, told) if kind == "json" else _text(lines, source, told)]


def _encoding(data: bytes, *, mixed: bool) -> tuple[str, str]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        if mixed:
            return "UTF-8 en Windows-1252 door elkaar", "UTF-8 and Windows-1252 mixed"
        wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in data[:4]
        return ("UTF-16", "UTF-16") if wide else ("Windows-1252", "Windows-1252")
    return ("alleen ASCII-tekens", "ASCII only") if data.isascii() else ("UTF-8", "UTF-8")


def _text(lines: list[str], source: str, told: tuple[str, str]) -> Grid:
    """The delimiter is the one that cuts most lines into the same number of cells, and into more than one."""
    best, agreeing, width = "", 0, 1
    for delimiter in DELIMITERS:
        widths = Counter(len(row.cells) for row in split_rows(lines[:_LOOKED_AT], delimiter) if any(row.cells))
        wide = [(count, cells) for cells, count in widths.items() if cells > 1]
        count, cells = max(wide, default=(0, 1))
        if (count, cells) > (agreeing, width):
            best, agreeing, width = delimiter, count, cells
    if not best:
        raise UnreadableFile(source, "no line falls into columns by ; , tab or |: it is not a list", 1)
    name = {"\t": ("tab", "tab"), ";": ("puntkomma", "semicolon"), ",": ("komma", "comma")}.get(best, (best, best))
    return Grid(
        FileLayout(format="csv", delimiter=best),
        tuple(split_rows(lines, best, width)),
        ((f"tekst, {told[0]}, kolommen gescheiden door {name[0]}", f"text, {told[1]}, columns cut by {name[1]}"),),
    )


def _sheets(data: bytes, source: str) -> list[Grid]:
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        named = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names]
    except python_calamine.PasswordError:
        raise UnreadableFile(source, "the workbook is protected by a password: save it without one") from None
    except (python_calamine.CalamineError, OSError) as error:
        message = f"the workbook is damaged or cut off ({type(error).__name__}): export or copy it again"
        raise UnreadableFile(source, message) from None
    filled = [(name, cells) for name, cells in named if len(cells) > 1]
    if not filled:
        raise UnreadableFile(source, "no sheet of the workbook holds a list")
    return [
        Grid(
            FileLayout(format="workbook", sheet=name if len(filled) > 1 else None),
            tuple(RawRow(number, tuple(map(workbook_cell, row))) for number, row in enumerate(cells, start=1)),
            ((f"Excel, blad '{name}'", f"Excel, sheet '{name}'"),),
        )
        for name, cells in filled
    ]


def _records(text: str, source: str, told: tuple[str, str]) -> Grid:
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (json.JSONDecodeError, RecursionError):
        raise UnreadableFile(source, "is not JSON as a whole: the file is cut off or damaged") from None
    lists = [(len(found), where, found) for where, found in _lists(document, "")]
    if not lists:
        raise UnreadableFile(source, "holds no list of records")
    _, where, records = max(lists, key=lambda entry: entry[0])
    flat = [flattened(record) for record in records if isinstance(record, dict)]
    paths = {key: path for record in flat for key, (path, _) in record.items()}
    rows = [RawRow(0, tuple(paths.values()))]
    rows += [
        RawRow(at, tuple(record[key][1] if key in record else "" for key in paths)) for at, record in enumerate(flat, 1)
    ]
    beside = {k: v for k, v in document.items() if not isinstance(v, list)} if isinstance(document, dict) else {}
    fields = dict(flattened(beside).values())
    counts = [path for path, cell in fields.items() if isinstance(cell, Decimal) and as_text(cell) == str(len(records))]
    how = (f"JSON, {told[0]}, lijst '{where or 'het geheel'}'", f"JSON, {told[1]}, list '{where or 'the whole'}'")
    return Grid(
        FileLayout(format="json", records=where, count=counts[0] if counts else None), tuple(rows), (how,), fields
    )


def _lists(value: Any, where: str) -> Iterator[tuple[str, list[Any]]]:  # noqa: ANN401 - JSON holds anything
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield where, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _lists(inner, f"{where}.{name}" if where else name)
