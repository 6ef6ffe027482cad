"""A mapping profile applied: each row of an export as figures, dates and a contact, or the reason why it can't be."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from client.amounts import MOST_MONTHS, read_cents, read_count
from client.cells import Cell, as_text, postcode_digits, read_reference
from client.contact_columns import ContactColumns
from client.dates import months_between, read_date
from client.profiles import Mark, Profile
from client.reasons import Note, NoteCode, Reason, Refusal, masked
from client.tables import RawRow, Table
from privacy.identity import Contact
from signals.report import Category, Kind, SocialCollection, UrgentFlag

_YES = frozenset({"j", "ja", "y", "yes", "true", "waar", "1", "x"})
_NO = frozenset({"", "n", "nee", "no", "false", "onwaar", "0", "geen", "-"})

_SPELLINGS = 1 << 12  # of dates and counts, kept read

Answer = Literal["none", "refused", "kept", "unclear"]
SAID_NO: frozenset[Answer] = frozenset({"refused", "kept"})


@dataclass(
    slots=True, kw_only=True, repr=False
)  # not frozen, like all that a file has many of: it would take thrice as long
class Row:
    """One customer's row, read. The amount is in cents, negative for a credit.

    `postcode_digits` is "" where the row has no readable postcode. `social_collection` is the reason where the steps
    are not all taken on the reference date.
    """

    line: int
    reference: str
    contact: Contact
    postcode_digits: str
    amount_cents: int
    months: int
    arrears_since: date
    since_derived: bool
    reported_on: date
    category: Category
    kind: Kind
    urgent: tuple[UrgentFlag, ...]
    answer: Answer
    social_collection: SocialCollection | Reason

    def __repr__(self) -> str:
        return f"Row(line {self.line}, {masked(self.reference)})"

    def refuse(self, reason: Reason, **details: str | int) -> Refusal:
        """This row, not sent."""
        said_no = self.answer in SAID_NO
        return Refusal(self.line, reason, self.reference, details, None, self.postcode_digits, said_no)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SettledRow:
    """One customer's row that says that the contract is paid or closed: no report, but an ending for these pilots."""

    line: int
    reference: str
    postcode_digits: str
    pilots: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SettledRow(line {self.line}, {self.masked_reference})"

    @property
    def masked_reference(self) -> str:
        """The reference for a screen: its last three characters."""
        return masked(self.reference)

    def refuse(self, reason: Reason, **details: str | int) -> Refusal:
        """This row, not sent."""
        return Refusal(self.line, reason, self.reference, details, None, self.postcode_digits)


def apply_profile(
    table: Table, profile: Profile, reported_on: date
) -> tuple[list[Row | SettledRow | Refusal], list[Note]]:
    """Read every row of a table as the profile says, as of the reference date `reported_on`."""
    mapping = _Mapping(table, profile, reported_on)
    return [mapping.read(row) for row in table.rows], mapping.notes()


class _UnreadableError(Exception):
    """Leaves this file as a refusal only."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason


_Cells = tuple[Cell, ...]


class _Mapping:
    """The profile's columns as positions in one table, and what was noticed on the way."""

    def __init__(self, table: Table, profile: Profile, reported_on: date) -> None:
        self._profile, self._on, self._width = profile, reported_on, table.width
        places = {place: table.position(names) for place, names, _ in profile.mapped()}
        self._at = {place: at for place, at in places.items() if at is not None}
        self._contact = ContactColumns(table, profile.columns, profile.unknown_birth_dates, reported_on)
        needed = ("amount.column", "months.column", "months.due_date", "columns.reference")
        self._shortest = max(self._at[place] for place in needed if place in self._at) + 1
        self._steps_at = [self._at.get(f"social_collection.{name}") for name, _ in profile.social_collection.steps()]
        # In a file there are few days and counts, and many rows that have them.
        self._duration = lru_cache(_SPELLINGS)(self._read_duration)
        self._social_collection = lru_cache(_SPELLINGS)(self._read_steps)
        self._unclear: Counter[str] = Counter()

    def read(self, raw: RawRow) -> Row | SettledRow | Refusal:
        """Read one row."""
        cells = raw.cells
        if len(cells) < self._width:
            cells = (*cells, *[""] * (self._width - len(cells)))
        reference = read_reference(self._cell(cells, "columns.reference"))
        if len(raw.cells) < self._shortest or any(cell != "" for cell in cells[self._width :]):
            return Refusal(raw.line, Reason.UNREADABLE_ROW, reference)
        if not reference:
            return Refusal(raw.line, Reason.NO_REFERENCE)
        try:
            return self._settled(raw.line, cells, reference) or self._row(raw.line, cells, reference)
        except _UnreadableError as unreadable:
            said_no = self._answer(cells) in SAID_NO
            return Refusal(raw.line, unreadable.reason, reference, {}, None, self._digits(cells), said_no)

    def notes(self) -> list[Note]:
        """What is worth mentioning about the rows read so far."""
        notes = [
            Note(NoteCode.UNCLEAR_FLAG, None, {"count": count, "column": column})
            for column, count in sorted(self._unclear.items())
        ]
        if no_birth := self._contact.no_birth:
            notes.append(Note(NoteCode.UNREADABLE_BIRTH_DATE, no_birth[0], {"count": len(no_birth)}))
        return notes

    def _settled(self, line: int, cells: _Cells, reference: str) -> SettledRow | None:
        """The row as an ending; such a row need not hold an amount, a duration or a name."""
        mark = self._profile.settled
        settled = _means_yes(mark, self._cell(cells, "settled")) if mark else False
        if settled is None:
            raise _UnreadableError(Reason.UNCLEAR_SETTLED)
        if not settled:
            return None
        return SettledRow(line=line, reference=reference, postcode_digits=self._digits(cells))

    def _digits(self, cells: _Cells) -> str:
        postcode, address = (as_text(self._cell(cells, f"columns.{name}")) for name in ("postcode", "address"))
        return postcode_digits(postcode, address)

    def _row(self, line: int, cells: _Cells, reference: str) -> Row:
        profile = self._profile
        cents = read_cents(self._cell(cells, "amount.column"), profile.amount.unit, profile.amount.decimal)
        if cents is None:
            raise _UnreadableError(Reason.UNREADABLE_AMOUNT)
        counted, due = self._cell(cells, "months.column"), self._cell(cells, "months.due_date")
        months, since, derived = self._duration(counted, due)
        contact = self._contact.read(line, cells)
        kinds = [mark.kind for at, mark in enumerate(profile.kinds) if self._flag(cells, f"kinds.{at}", mark)]
        flags = {mark.flag for at, mark in enumerate(profile.urgent) if self._flag(cells, f"urgent.{at}", mark)}
        written = tuple("" if at is None else cells[at] for at in self._steps_at)
        return Row(
            line=line,
            reference=reference,
            contact=contact,
            postcode_digits=postcode_digits(contact.postcode, contact.address),
            amount_cents=cents,
            months=months,
            arrears_since=since,
            since_derived=derived,
            reported_on=self._on,
            category=profile.category,
            kind=kinds[0] if kinds else profile.kind,
            urgent=tuple(flag for flag in UrgentFlag if flag in flags) if flags else (),
            answer=self._answer(cells),
            social_collection=self._social_collection(since, written),
        )

    def _read_duration(self, counted: Cell, written: Cell) -> tuple[int, date, bool]:
        """Months, since when, and whether that date was derived from a count."""
        months = self._profile.months
        count = read_count(counted) if months.column else None
        if months.column and count is None:
            raise _UnreadableError(Reason.UNREADABLE_MONTHS)
        if count is not None and written == "":
            return count, self._on - timedelta(days=30 * count), True
        due = read_date(written)
        if due is None or due.year < self._on.year - MOST_MONTHS // 12:
            raise _UnreadableError(Reason.UNREADABLE_DATE)
        if due > self._on:
            raise _UnreadableError(Reason.NOT_YET_DUE)
        if count is None:
            count = months_between(due, self._on, months.count)
        if count > MOST_MONTHS:
            raise _UnreadableError(Reason.UNREADABLE_DATE)
        return count, due, False

    def _answer(self, cells: _Cells) -> Answer:
        recorded = self._profile.recorded
        if recorded is None:
            return "none"
        refused = recorded.refused and _means_yes(recorded.refused, self._cell(cells, "recorded.refused"))
        kept = recorded.payment_plan_kept and _means_yes(
            recorded.payment_plan_kept, self._cell(cells, "recorded.payment_plan_kept")
        )
        if refused:
            return "refused"
        if kept:
            return "kept"
        unclear = (recorded.refused and refused is None) or (recorded.payment_plan_kept and kept is None)
        return "unclear" if unclear else "none"

    def _read_steps(self, since: date, written: _Cells) -> SocialCollection | Reason:
        steps = self._profile.social_collection
        dates = []
        for (_, step), cell in zip(steps.steps(), written, strict=True):
            after = step.after_days
            taken = read_date(cell) if after is None else since + timedelta(days=after)
            if taken is None:
                return Reason.COLLECTION_INCOMPLETE
            dates.append(taken)
        reminder, contact, pointed, offer = dates
        if max(reminder, contact, pointed, offer + timedelta(days=steps.answer_days)) > self._on:
            return Reason.TOO_EARLY
        return SocialCollection(
            reminder_sent_on=reminder,
            contact_sought_on=contact,
            pointed_at_help_on=pointed,
            offer_made_on=offer,
            by="procedure" if steps.by_procedure else "record",
            procedure=steps.procedure,
        )

    def _flag(self, cells: _Cells, place: str, mark: Mark) -> bool:
        answer = _means_yes(mark, self._cell(cells, place))
        if answer is None:
            self._unclear[mark.column[0]] += 1
        return bool(answer)

    def _cell(self, cells: _Cells, place: str) -> Cell:
        at = self._at.get(place)
        return "" if at is None else cells[at]


def _means_yes(mark: Mark, cell: Cell) -> bool | None:
    """What a cell says under a mark; None if it says neither yes nor no."""
    text = " ".join(as_text(cell).split()).casefold()
    if any(word.casefold() in text for word in mark.unless):
        return False
    if mark.words:
        return any(word.casefold() in text for word in mark.words)
    if text in ({word.casefold() for word in mark.values} or _YES):
        return True
    return False if text in _NO or text in {word.casefold() for word in mark.otherwise} else None
