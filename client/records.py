"""JSON exports: a list of records, flattened to a table whose columns are dotted paths."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from client.cells import Cell, column_key, tidy
from client.decoding import UnreadableFile
from client.profiles import FileLayout
from client.reasons import Note, NoteCode
from client.tables import Header, RawRow, Table, Wanted, build_table

_BLANKS = " \t\r\n\x00\x1a"


def read_records(text: str, source: str, layout: FileLayout, wanted: Wanted, notes: list[Note]) -> Table:
    """Read a JSON export. A record's line is its position in the list, from 1; its JSON pointer tells the rest.

    A field that no record has is an error where no row does without it, else it counts as empty.

    Raises:
        UnreadableFile: not JSON, cut off, without the list of records, or without a field that is needed.
    """
    document = _parsed(text, source, notes)
    records, pointer = _list(document, layout.records, source)
    flat = [flattened(record) if isinstance(record, dict) else {} for record in records]
    paths = {key: path for record in flat for key, (path, _) in record.items()}
    columns = {key: at for at, key in enumerate(paths)}
    notes += _absent(source, wanted, paths) if flat else []
    rows = [RawRow(0, tuple(columns))]
    for at, (record, cells) in enumerate(zip(records, flat, strict=True), start=1):
        row = tuple(cells[key][1] if key in cells else "" for key in columns)
        stray = () if isinstance(record, dict) or record is None else ("not an object",)
        rows.append(RawRow(at, (*row, *stray), f"{pointer}/{at - 1}"))
    table = build_table(rows, Header(0, columns, (), (), (), len(columns), len(columns)), wanted, layout.summary_words)
    beside = (
        {key: value for key, value in document.items() if not isinstance(value, list)}
        if records is not document
        else {}
    )
    return replace(
        table,
        fields={key: cell for key, (_, cell) in flattened(beside).items()},
        notes=(*notes, *table.notes),
    )


def _parsed(text: str, source: str, notes: list[Note]) -> Any:  # noqa: ANN401 - JSON holds anything
    decoder = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=str)
    start = len(text) - len(text.lstrip(_BLANKS))
    try:
        document, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        message = f"not JSON from column {error.colno} on ({error.msg}): the file is cut off or damaged"
        raise UnreadableFile(source, message, error.lineno) from None
    except RecursionError:
        raise UnreadableFile(source, "nested too deeply to be an export", 1) from None
    rest = text[end:].strip(_BLANKS)
    if rest[:1] in {"{", "["}:
        line = text.count("\n", 0, text.index(rest[0], end)) + 1
        raise UnreadableFile(source, "a second JSON document begins here: deliver them as two files", line)
    if rest:
        notes.append(Note(NoteCode.TEXT_AFTER_END, text.count("\n", 0, end) + 1))
    return document


def _list(document: Any, path: str, source: str) -> tuple[list[Any], str]:  # noqa: ANN401 - JSON holds anything
    """The list of records and its JSON pointer; field names match as column names do."""
    if isinstance(document, list):
        return document, ""
    found, pointer = document, ""
    for step in path.split(".") if path else []:
        name = (
            next((name for name in found if column_key(name) == column_key(step)), None)
            if isinstance(found, dict)
            else None
        )
        if name is None:
            known = ", ".join(f"'{name}'" for name in document) if isinstance(document, dict) else "none"
            raise UnreadableFile(source, f"no list of records at '{path}'; fields at the top: {known}", 1)
        found, pointer = found[name], f"{pointer}/{name}"
    if not isinstance(found, list):
        raise UnreadableFile(source, f"'{path or 'the file'}' is no list of records", 1)
    return found, pointer


def _absent(source: str, wanted: Wanted, paths: dict[str, str]) -> list[Note]:
    absent = [(names, needed) for _, names, needed in wanted if not any(column_key(name) in paths for name in names)]
    needed = [" / ".join(names) for names, is_needed in absent if is_needed]
    if needed:
        found = ", ".join(f"'{path}'" for path in paths.values())
        raise UnreadableFile(source, f"no record has the field '{needed[0]}'; fields found: {found}", 1)
    return [Note(NoteCode.FIELD_ABSENT, None, {"column": names[0]}) for names, _ in absent]


def flattened(record: dict[str, Any]) -> dict[str, tuple[str, Cell]]:
    """A record's leaves. Column key to dotted path and cell; the first of two paths that read alike counts."""
    flat: dict[str, tuple[str, Cell]] = {}
    for path, cell in _leaves(record, ""):
        flat.setdefault(column_key(path), (path, cell))
    return flat


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Cell]]:  # noqa: ANN401 - JSON holds anything
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{at}")
    elif isinstance(value, Decimal):
        yield path, value
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    else:
        yield path, tidy(value) if isinstance(value, str) else ""
