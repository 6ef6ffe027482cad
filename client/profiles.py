"""Mapping profiles: documents that say how one creditor's export becomes reports.

A profile names columns, units and habits of an export; what it can't know (postcodes, thresholds) is the pilot's.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from client.amounts import DecimalMark, Unit
from client.dates import Counting
from signals.documents import Document, read_document
from signals.report import Category, Kind, Slug, UrgentFlag

Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(max_length=100)]
Days = Annotated[int, Field(ge=0, le=3650)]


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError("no encoding is called that; e.g. cp1252, utf-8, cp850, iso-8859-15") from None
    return name


Names = Annotated[tuple[Word, ...], BeforeValidator(_one_or_more), Field(min_length=1, max_length=10)]
"""How a column is called: one name, or several of which the first that the file has is taken."""


class FileLayout(Document):
    """How the file is built. `delimiter` is tried first, then the usual ones; `encoding` overrules the rule."""

    format: Literal["csv", "workbook", "json"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = None
    sheet: Word | None = None  # of a workbook; else the first sheet with the header
    records: str = ""  # of a JSON file: the dotted path of the list, "" when the file is the list
    count: Word | None = None  # of a JSON file: the field that states how many records there are
    total_row: bool = False  # the list ends with a total row, so a file without one is mentioned
    summary_words: Words = ()  # words that a total row begins with, besides the usual ones


class ReferenceDate(Document):
    """Where the file tells its reference date: the cell behind a label above the header, or a JSON field."""

    label: Word | None = None
    field: Word | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.label is None) == (self.field is None):
            raise ValueError("say either `label` (a cell above the header) or `field` (of a JSON file)")
        return self


class Columns(Document):
    """Which column says what of the resident; whole or in parts, as the export has it."""

    reference: Names
    name: Names | None = None
    name_order: Literal["given-first", "surname-first"] = "given-first"
    surname: Names | None = None
    prefix: Names | None = None
    initials: Names | None = None
    first_name: Names | None = None
    birth_date: Names | None = None
    address: Names | None = None
    street: Names | None = None
    house_number: Names | None = None
    letter: Names | None = None
    addition: Names | None = None
    postcode: Names | None = None
    town: Names | None = None
    phone: Names | None = None
    email: Names | None = None

    @model_validator(mode="after")
    def _somebody_somewhere(self) -> Self:
        if (self.name is None) == (self.surname is None):
            raise ValueError("say either `name` (the whole name in one column) or `surname` and its companions")
        if (self.address is None) == (self.house_number is None):
            raise ValueError("say either `address` (the whole address in one column) or `house_number` and the street")
        return self


class Amount(Document):
    """The amount's column, its unit, and its decimal mark (which decides only what a figure leaves open)."""

    column: Names
    unit: Unit = "euro"
    decimal: DecimalMark = "comma"


class Months(Document):
    """How long there are arrears: a column that counts, or a due date that is counted from, or both."""

    column: Names | None = None
    of: Literal["months", "terms", "invoices"] = "months"  # what the column counts; each counts as a month
    due_date: Names | None = None
    count: Counting = "30-day-terms"

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.column is None and self.due_date is None:
            raise ValueError("say `column` (a count) or `due_date` (a date to count from), or both")
        return self


class Mark(Document):
    """A column in which a cell means yes: when it is one of `values`, or when it contains one of `words`.

    Without either, the usual words for yes (j, ja, x, 1 …). `unless`: words that undo it ("regeling niet nagekomen").
    `otherwise`: further words that mean no, for columns with values.
    """

    column: Names
    values: Words = ()
    otherwise: Words = ()
    words: Words = ()
    unless: Words = ()

    @model_validator(mode="after")
    def _values_or_words(self) -> Self:
        if self.values and self.words:
            raise ValueError("say either `values` (the whole cell) or `words` (contained in a remark)")
        return self


class UrgentMark(Mark):
    """A column that makes a report urgent."""

    flag: UrgentFlag


class KindMark(Mark):
    """A column that makes a report another kind than the profile's."""

    kind: Literal[Kind.END_OF_SUPPLY, Kind.HAND_OVER]


class Step(Document):
    """When one step of the social collection was taken: a column's date, or so many days after arrears since."""

    column: Names | None = None
    after_days: Days | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.after_days is None):
            raise ValueError("say either `column` (a date of this resident) or `after_days` (the fixed procedure)")
        return self


class SocialSteps(Document):
    """The checklist of Bgs art. 2: four steps, and how many days a resident has to answer the offer.

    `procedure` names the creditor's fixed procedure, as its agreement does; needed as soon as a step counts days.
    """

    procedure: Slug | None = None
    reminder: Step
    contact: Step
    help: Step
    offer: Step
    answer_days: Days = 0

    def steps(self) -> tuple[tuple[str, Step], ...]:
        """The four steps with their names, in the order of the checklist."""
        return ("reminder", self.reminder), ("contact", self.contact), ("help", self.help), ("offer", self.offer)

    @property
    def by_procedure(self) -> bool:
        """Whether any step rests on the fixed procedure and not on a record of this resident."""
        return any(step.after_days is not None for _, step in self.steps())

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.by_procedure and self.procedure is None:
            raise ValueError("a step in `after_days` rests on a fixed procedure: name it in `procedure`")
        return self


class ExclusionFile(Document):
    """A second file that lists the references that must not be sent, and why; with a header and perhaps no rows."""

    name: Annotated[str, Field(pattern=r"^[^/\\]{1,200}$", description="A file beside the export")]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = None
    reference: Names
    state: Names
    refused: Annotated[Words, Field(min_length=1)]
    payment_plan_kept: Annotated[Words, Field(min_length=1)]


class Recorded(Document):
    """Where objections and kept payment plans are recorded: in two columns (or one), or in a second file."""

    refused: Mark | None = None
    payment_plan_kept: Mark | None = None
    file: ExclusionFile | None = None

    @model_validator(mode="after")
    def _both_or_file(self) -> Self:
        if self.file is None and (self.refused is None or self.payment_plan_kept is None):
            raise ValueError("say both `refused` and `payment_plan_kept`, or a second `file` that holds both")
        return self


class Profile(Document):
    """One export's mapping profile."""

    profile: Slug
    title: str = ""
    file: FileLayout
    category: Category
    kind: Literal[Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER] = Kind.EARLY
    kinds: tuple[KindMark, ...] = ()
    reference_date: ReferenceDate | None = None
    columns: Columns
    unknown_birth_dates: tuple[date, ...] = ()  # what the export writes when it knows none
    amount: Amount
    months: Months
    urgent: tuple[UrgentMark, ...] = ()
    social_collection: SocialSteps
    recorded: Recorded | None = None
    settled: Mark | None = None  # rows that say that a contract is paid or closed: no reports, but endings

    @property
    def push_obstacle(self) -> str | None:
        """Why `push` must refuse every file of this profile, in English with what to do; None if it need not."""
        if self.recorded is None:
            return (
                f"profile {self.profile} doesn't say where objections and kept payment plans are recorded: add "
                "`recorded` with two columns, or with a second file. Without it nobody can say who must not be reported"
            )
        return None

    def mapped(self) -> list[tuple[str, Names, bool]]:
        """Every column that the profile reads: its place in the profile, its names, and whether no row does without.

        A column may come twice (one remark can hold two marks).
        """
        columns = [(f"columns.{field}", getattr(self.columns, field)) for field in Columns.model_fields]
        optional = [(place, names) for place, names in columns[1:] if isinstance(names, tuple)]
        optional += [(f"urgent.{at}", mark.column) for at, mark in enumerate(self.urgent)]
        optional += [(f"kinds.{at}", mark.column) for at, mark in enumerate(self.kinds)]
        needed = [("columns.reference", self.columns.reference), ("amount.column", self.amount.column)]
        needed += [("months.column", self.months.column)] if self.months.column else []
        needed += [("months.due_date", self.months.due_date)] if self.months.due_date else []
        for name, step in self.social_collection.steps():
            needed += [(f"social_collection.{name}", step.column)] if step.column else []
        if self.recorded and self.recorded.refused:
            needed.append(("recorded.refused", self.recorded.refused.column))
        if self.recorded and self.recorded.payment_plan_kept:
            needed.append(("recorded.payment_plan_kept", self.recorded.payment_plan_kept.column))
        if self.settled:
            needed.append(("settled", self.settled.column))
        return [(place, names, True) for place, names in needed] + [(place, names, False) for place, names in optional]


def read_profile(path: Path) -> Profile:
    """Read a mapping profile.

    Raises:
        DocumentError: with the line of every mistake.
    """
    return read_document(path, Profile)
