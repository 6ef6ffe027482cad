"""For a ledger that delivers by itself: rows as typed objects, one call, and what became of each of them.

The rows go the way that an export goes (client/checking.py, client/pushing.py), read by a profile that is built in, so
that there is one set of rules. docs/ledger.md is a worked example; `vroegsein creditor schema` prints the JSON Schema.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.cells import Cell, column_key, postcode_digits, read_reference, tidy
from client.checking import Checked, check
from client.decoding import UnreadableFile
from client.export import Export
from client.home import Home
from client.profiles import Profile
from client.proving import Place, check_receipts
from client.pushing import Outcome, creditor_service, join_all, plan, push
from client.reasons import Note, NoteCode, Reason, Refusal, masked
from client.receipts import clear_kept
from client.rows import Row, SettledRow, apply_profile
from client.tables import RawRow, Table
from client.trust import JoinedPilot
from signals.days import AMSTERDAM
from signals.line_rules import LINE_RULES
from signals.report import Category, Kind, UrgentFlag

Text = Annotated[str, Field(max_length=200)]


class LedgerRow(BaseModel):
    """What a ledger knows of one customer's arrears of one contract, on the reference date.

    Only the amount in whole euros, the months, the dates and the flags travel in clear, and those under a reference
    that says nothing. Everything else is made into keyed pseudonyms or sealed to the municipality before it leaves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    reference: Annotated[
        str, Field(min_length=1, max_length=100, description="Your own number of the contract; one row for each")
    ]
    surname: Annotated[str, Field(min_length=1, max_length=200, description="Surname without prefix, or a firm's name")]
    prefix: Annotated[Text, Field(description="What stands before the surname: van, de, van der")] = ""
    initials: Annotated[Text, Field(description="Initials of the first names")] = ""
    first_name: Annotated[Text, Field(description="First name")] = ""
    birth_date: Annotated[date | None, Field(description="Birth date; null where it is not known")] = None
    street: Annotated[Text, Field(description="Street of the address where the customer lives")] = ""
    house_number: Annotated[Text, Field(description="House number, with or without its addition")]
    letter: Annotated[Text, Field(description="Letter of the house number, where it is kept apart")] = ""
    addition: Annotated[Text, Field(description="Addition to the house number, where it is kept apart")] = ""
    postcode: Annotated[Text, Field(description="Postcode; its four digits say which pilot the row goes to")]
    town: Annotated[Text, Field(description="Town")] = ""
    phone: Annotated[Text, Field(description="One telephone number")] = ""
    email: Annotated[Text, Field(description="One e-mail address")] = ""
    amount_cents: Annotated[int, Field(description="Arrears in euro cents on the reference date; 0 or less is refused")]
    months: Annotated[int, Field(ge=0, le=600, description="For how many months the customer is behind")]
    arrears_since: Annotated[
        date | None, Field(description="Due day of the oldest open term; null: 30 days a month before the reference")
    ] = None
    kind: Annotated[
        Literal[Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER],
        Field(description="early: early warning; end_of_supply: energy stops; hand_over: handed over in person"),
    ] = Kind.EARLY
    urgent: Annotated[
        tuple[UrgentFlag, ...], Field(max_length=3, description="What makes it urgent; an empty list for nothing")
    ] = ()
    reminder_sent_on: Annotated[date | None, Field(description="When a written reminder was sent (Bgs art. 2(a))")]
    contact_sought_on: Annotated[date | None, Field(description="When personal contact was sought (Bgs art. 2(b))")]
    pointed_at_help_on: Annotated[date | None, Field(description="When debt help was pointed out (Bgs art. 2(c))")]
    offer_made_on: Annotated[
        date | None, Field(description="When it was offered to pass the details on to the municipality (Bgs art. 2(d))")
    ]
    objected: Annotated[bool, Field(description="The customer refused the offer or objected: never sent")]
    payment_plan_kept: Annotated[bool, Field(description="A payment plan runs and is kept: never sent")]

    def __repr__(self) -> str:
        """No customer's data."""
        return f"LedgerRow({masked(self.reference)})"

    __str__ = __repr__


class LedgerFile(BaseModel):
    """Rows of a ledger in a file, for `vroegsein creditor push`. A row that does not fit stops no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    category: Category
    reported_on: date
    rows: list[Any]


State = Literal["sent", "refused", "not_sent", "stayed_home"]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row.

    `state`: sent; refused by the service; not_sent (its pilot's part was held or failed: answer, and call again);
    stayed_home (see `reason`). `line` counts the rows from 1. `nl` and `en` say why in a sentence, "" where it was
    sent; no customer's data is in them. The service names at most 1000 refused lines of a delivery: others look sent,
    and are counted in `Delivered.pilots`.
    """

    line: int
    state: State
    pilot: str | None = None
    reason: str = ""
    nl: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of all rows, in their order, and of each pilot's part; receipts that the log does not hold.

    `complete`: every pilot got its delivery. Where it is False, look at `pilots`, then call again with the same rows:
    only what is missing is sent.
    """

    rows: tuple[RowOutcome, ...]
    pilots: tuple[Outcome, ...]
    lost_receipts: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether no pilot waits for its part."""
        return not any(outcome.again for outcome in self.pilots)


def deliver_rows(
    home: Path,
    rows: Sequence[LedgerRow],
    *,
    category: Category | str,
    reported_on: date,
    pilot: str | None = None,
    unlike: bool = False,
    restore: bool = False,
) -> Delivered:
    """Check rows and deliver each to the pilot that its postcode lies in. Calling it again is safe, and sends the rest.

    Args:
        home: the folder that `vroegsein creditor init` made.
        rows: of all customers in arrears, one for each contract. What the absence of one says, your agreement tells.
        category: of all rows.
        reported_on: the reference date, Europe/Amsterdam; its month is the month of the delivery.
        pilot: deliver to this one only; else to all that were joined.
        unlike: send it although it looks unlike the month before (half the rows, other amounts): it was looked at.
        restore: deliver what was delivered before once more, where another list of its month came after it
            (`overtaken` in a pilot's receipt tells): this one is to hold again.

    Raises:
        HomeUnusable, ServiceUnreachable, LoginRefused: nothing was sent.
        With `pilot`, or where only one was joined: whatever keeps it from being delivered to.
    """
    place, lost = Home(home), list[str]()
    with creditor_service(place) as service:

        def look_after(joined: JoinedPilot) -> None:
            clear_kept(place, datetime.now(AMSTERDAM).date())
            found = check_receipts(place, service, joined.id)
            lost.extend(one.receipt.event.delivery for one in found if one.place is Place.MISSING)

        joined = join_all(place, service, pilot, look_after)
        profile = ledger_profile(Category(category))
        checked = check(export_of(rows, profile, reported_on), profile, joined.terms())
        planned = plan(place, profile.profile, checked, joined)
        asked = {part.joined.id for part in planned.parts if planned.questions or part.questions}
        outcomes = tuple(push(place, service, profile.profile, planned, () if unlike else asked, restore=restore))
    return Delivered(outcomes_of(checked, outcomes), outcomes, tuple(lost))


def check_rows(rows: Sequence[LedgerRow], *, category: Category | str, reported_on: date) -> tuple[RowOutcome, ...]:
    """What would become of rows, without any pilot's terms: "sent" says that a row is in order. Nothing leaves here."""
    profile = ledger_profile(Category(category))
    return outcomes_of(check(export_of(rows, profile, reported_on), profile), ())


def read_ledger(path: Path) -> tuple[Export, Profile]:
    """Read a file of a ledger.

    Raises:
        UnreadableFile: it is not JSON, or not built as `LedgerFile`; the message holds nothing that stood there.
    """
    try:
        data = json.loads(path.read_bytes())
        file = LedgerFile.model_validate(data)
    except (OSError, ValueError) as error:  # ValueError: not JSON, not UTF-8, or not by the schema
        fields = f": {_places(error)}" if isinstance(error, ValidationError) else ""
        message = f"is no ledger's file (category, reported_on, rows; docs/ledger.md){fields}. Another needs --profile"
        raise UnreadableFile(path.name, message) from None
    profile = ledger_profile(file.category)
    rows = [_row_or_refusal(line, row) for line, row in enumerate(file.rows, start=1)]
    return export_of(rows, profile, file.reported_on, path.name), profile


def export_of(rows: Iterable[LedgerRow | Refusal], profile: Profile, on: date, source: str = "ledger") -> Export:
    """Rows as an export that was read, numbered from 1."""
    given = list(rows)
    raw = [RawRow(line, _cells(row)) for line, row in enumerate(given, start=1) if isinstance(row, LedgerRow)]
    table = Table(
        columns={column_key(name): at for at, name in enumerate(_COLUMNS)}, width=len(_COLUMNS), rows=tuple(raw)
    )
    read, notes = apply_profile(table, profile, on)
    found: list[Row | SettledRow | Refusal] = [*read, *(row for row in given if isinstance(row, Refusal))]
    return Export(
        source=source,
        period=f"{on.year:04}-{on.month:02}",
        reported_on=on,
        kind=profile.kind,
        rows=tuple(sorted(found, key=lambda row: row.line)),
        exclusions=None,
        exclusions_wanted=None,
        notes=tuple(notes) if given else (*notes, Note(NoteCode.NO_ROWS)),
    )


@cache
def ledger_profile(category: Category) -> Profile:
    """The profile by which a ledger's rows are read."""
    return Profile.model_validate(
        {
            "profile": f"ledger-{category.value.replace('_', '-')}",
            "file": {"format": "json", "records": "rows"},
            "category": category,
            "columns": {name: name for name in ("reference", *_CONTACT, "birth_date")},
            "amount": {"column": "amount_cents", "unit": "cent"},
            "months": {"column": "months", "due_date": "arrears_since"},
            "kinds": [
                {"kind": kind, "column": "kind", "values": [kind], "otherwise": [other.value for other in Kind]}
                for kind in (Kind.END_OF_SUPPLY.value, Kind.HAND_OVER.value)
            ],
            "urgent": [{"flag": flag.value, "column": flag.value} for flag in UrgentFlag],
            "social_collection": {step: {"column": column} for step, column in _STEPS.items()},
            "recorded": {"refused": {"column": "objected"}, "payment_plan_kept": {"column": "payment_plan_kept"}},
        }
    )


def outcomes_of(checked: Checked, outcomes: Sequence[Outcome]) -> tuple[RowOutcome, ...]:
    """For each row that was checked, in order, what became of it."""
    parts = {outcome.pilot: outcome for outcome in outcomes}
    refused = {
        (outcome.pilot, line): code for outcome in outcomes if outcome.receipt for line, code in outcome.receipt.refused
    }
    found = [
        RowOutcome(refusal.line, "stayed_home", refusal.pilot, refusal.reason.value, refusal.nl, refusal.en)
        for refusal in checked.refused
    ]
    for row in checked.to_send:
        part, code = parts.get(row.pilot or ""), refused.get((row.pilot or "", row.line))
        if code is not None:
            rule = LINE_RULES.get(code)
            found.append(
                RowOutcome(row.line, "refused", row.pilot, code, rule.nl if rule else code, rule.en if rule else code)
            )
        elif part is not None and part.receipt is None:
            found.append(RowOutcome(row.line, "not_sent", row.pilot, *_why_not_sent(part)))
        else:
            found.append(RowOutcome(row.line, "sent", row.pilot))
    return tuple(sorted(found, key=lambda outcome: outcome.line))


_CONTACT = (
    *("surname", "prefix", "initials", "first_name", "street", "house_number", "letter", "addition"),
    *("postcode", "town", "phone", "email"),
)
_YES = frozenset({"true", "yes", "y", "ja", "j", "1"})
_STEPS = {
    "reminder": "reminder_sent_on",
    "contact": "contact_sought_on",
    "help": "pointed_at_help_on",
    "offer": "offer_made_on",
}
_COLUMNS = (*(name for name in LedgerRow.model_fields if name != "urgent"), *(flag.value for flag in UrgentFlag))


def _cells(row: LedgerRow) -> tuple[Cell, ...]:
    values = [getattr(row, name) for name in LedgerRow.model_fields if name != "urgent"]
    return tuple(_cell(value) for value in (*values, *(flag in row.urgent for flag in UrgentFlag)))


def _cell(value: str | float | date | None) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value
    return tidy(value) if isinstance(value, str) else Decimal(value)


def _row_or_refusal(line: int, row: Any) -> LedgerRow | Refusal:  # noqa: ANN401 - JSON holds anything
    try:
        return LedgerRow.model_validate(row)
    except ValidationError as error:
        given = row if isinstance(row, dict) else {}
        reference, postcode = (
            tidy(value) if isinstance(value := given.get(name), str) else "" for name in ("reference", "postcode")
        )
        said_no = any(str(given.get(name)).casefold() in _YES for name in ("objected", "payment_plan_kept"))
        about, digits = {"fields": _places(error)}, postcode_digits(postcode)
        return Refusal(line, Reason.NOT_BY_SCHEMA, read_reference(reference), about, None, digits, said_no)


def _places(error: ValidationError) -> str:
    """Where the mistakes are: names of our own fields alone, and never what stood there."""
    known = {*LedgerRow.model_fields, *LedgerFile.model_fields}
    names = (str(mistake["loc"][0]) if mistake["loc"] else "" for mistake in error.errors(include_input=False))
    return ", ".join(sorted({name if name in known else "?" for name in names}))


def _why_not_sent(part: Outcome) -> tuple[str, str, str]:
    if part.failure is not None:
        code = getattr(part.failure, "rule", "") or getattr(part.failure, "code", "failed")
        return str(code), str(part.failure), str(part.failure)
    nl, en = ("; ".join(said) for said in zip(*part.held, strict=True))
    return "held", nl, en
