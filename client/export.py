"""One export with its profile applied: its period and reference date, its rows, and what is worth mentioning."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client.amounts import read_cents
from client.cells import as_text, column_key
from client.collector import collector_paused
from client.dates import read_date
from client.decoding import UnreadableFile
from client.exclusions import Exclusions, read_exclusions
from client.profiles import Profile
from client.reading import read_table
from client.reasons import Note, NoteCode, Refusal
from client.rows import Row, SettledRow, apply_profile
from client.tables import RawRow, Table
from signals.days import last_day
from signals.report import Kind

_PERIOD = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")
_PERIOD_IN_NAME = re.compile(r"(?<![0-9])(20[0-9]{2}-(?:0[1-9]|1[0-2]))(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Export:
    """One file of one creditor, read. Each of `rows` is a customer's row, in the order of the file.

    `exclusions` is None where the profile names a second file that is not there.
    """

    source: str
    period: str
    reported_on: date
    kind: Kind
    rows: tuple[Row | SettledRow | Refusal, ...]
    exclusions: Exclusions | None
    exclusions_wanted: str | None  # the name of the second file that is missing
    notes: tuple[Note, ...]

    def __repr__(self) -> str:
        return f"Export({self.source}, {self.period}, {len(self.rows)} rows)"


@collector_paused()
def read_export(
    path: Path, profile: Profile, *, period: str | None = None, exclusions: Exclusions | Path | None = None
) -> Export:
    """Read an export as its profile says.

    Args:
        path: the creditor's file.
        profile: its mapping profile.
        period: YYYY-MM; else the month of the file's reference date, else YYYY-MM in the file's name.
        exclusions: who must not be sent, or the file that says so; else the profile's second file beside the export.

    Raises:
        UnreadableFile: the export or the second file can't be used, or the period can't be known.
    """
    table = read_table(path, profile.file, profile.mapped())
    second = profile.recorded.file if profile.recorded else None
    if second and not isinstance(exclusions, Exclusions):
        beside = exclusions or path.parent / second.name
        exclusions = read_exclusions(beside, second) if exclusions or beside.exists() else None
    listed = exclusions if isinstance(exclusions, Exclusions) else None
    return export_of(table, path.name, profile, period=period, exclusions=listed)


def export_of(
    table: Table, source: str, profile: Profile, *, period: str | None = None, exclusions: Exclusions | None = None
) -> Export:
    """An export whose table was read already, wherever it came from; `source` is what it is called.

    Raises:
        UnreadableFile: the period can't be known.
    """
    stated = _stated_date(table, profile)
    period = _period(source, stated, period)
    notes = list(table.notes)
    if profile.reference_date and stated is None:
        notes.append(Note(NoteCode.NO_REFERENCE_DATE, None, {"period": period}))
    if stated and stated.isoformat()[:7] != period:
        notes.append(Note(NoteCode.OTHER_PERIOD, None, {"found": stated.isoformat(), "period": period}))
    reported_on = stated or last_day(period)
    rows, about_rows = apply_profile(table, profile, reported_on)
    notes += about_rows
    notes += _counted(table, profile)
    second = profile.recorded.file if profile.recorded else None
    return Export(
        source=source,
        period=period,
        reported_on=reported_on,
        kind=profile.kind,
        rows=tuple(rows),
        exclusions=exclusions,
        exclusions_wanted=second.name if second and exclusions is None else None,
        notes=tuple(notes),
    )


def _stated_date(table: Table, profile: Profile) -> date | None:
    """The reference date that the file tells: a JSON field, or the cell behind its label (or in its own)."""
    where = profile.reference_date
    if where is None:
        return None
    if where.field:
        return read_date(table.fields.get(column_key(where.field), ""))
    label = column_key(where.label or "")
    for row in table.preamble:
        for at, cell in enumerate(row.cells):
            key = column_key(as_text(cell))
            if key == label:
                behind = [read_date(later) for later in row.cells[at + 1 :] if later != ""]
                return behind[0] if behind else None
            if key.startswith(label):
                return read_date(as_text(cell).rpartition(" ")[2])
    return None


def _period(source: str, stated: date | None, asked: str | None) -> str:
    if asked is not None:
        if not _PERIOD.fullmatch(asked):
            raise UnreadableFile(source, "the period must be a month, as YYYY-MM")
        return asked
    if stated:
        return stated.isoformat()[:7]
    named = _PERIOD_IN_NAME.findall(source)
    if not named:
        message = "no reference date in the file and no YYYY-MM in its name: say which period it is about"
        raise UnreadableFile(source, message)
    return str(named[-1])


def _counted(table: Table, profile: Profile) -> list[Note]:
    """What the file says of itself, beside what was found: its total, its count, that it is empty."""
    notes = []
    at = table.position(profile.amount.column)
    unit, mark = profile.amount.unit, profile.amount.decimal

    def amounts(rows: Sequence[RawRow]) -> Iterator[int]:
        read = (read_cents(row.cells[at], unit, mark) for row in rows if at is not None and at < len(row.cells))
        return (amount for amount in read if amount is not None)

    totals = list(amounts(table.totals))
    difference = abs(totals[-1] - sum(amounts(table.rows))) if totals else 0
    if difference:
        english = f"{difference // 100:,}.{difference % 100:02}"
        dutch = english.translate(str.maketrans(",.", ".,"))
        details = {"difference_nl": dutch, "difference_en": english}
        notes.append(Note(NoteCode.TOTAL_DIFFERS, table.totals[-1].line, details))
    if profile.file.total_row and not table.totals:
        notes.append(Note(NoteCode.NO_TOTAL))
    stated = as_text(table.fields.get(column_key(profile.file.count), "")) if profile.file.count else ""
    if stated.isdigit() and int(stated) != len(table.rows):
        notes.append(Note(NoteCode.COUNT_DIFFERS, None, {"stated": int(stated), "found": len(table.rows)}))
    if not table.rows:
        notes.append(Note(NoteCode.NO_ROWS))
    return notes
