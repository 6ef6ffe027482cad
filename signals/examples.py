"""Worked examples of a rule set, as data: what is reported about a household, and what a rule set has to make of it.

A policy officer writes and reads them; a municipality keeps its own beside its own rule set. What an example doesn't
say of a report stands once for the file, under `unless_said`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from signals.days import last_day
from signals.documents import Document, DocumentError, Mistake, Source, read_sources
from signals.explanation import SetAsideReason
from signals.facts import FactName
from signals.oracle import JudgedMonth, LiveReport, judge_reports
from signals.report import Category, Kind, Period, Slug, UrgentFlag
from signals.rulesets import Change, Count, RuleId, RuleSet, Some, Text, Tray

# A number, a word (a district), words, or null: not known.
Found = Annotated[int, Field(strict=True)] | str | tuple[str, ...] | None


def _at_least_one(value: dict[FactName, Found]) -> dict[FactName, Found]:
    if not value:
        raise ValueError("give at least one")
    return value


class Given(Document):
    """What is said of one report: `days` old on the reference date, which is the last day of the month unless said.

    A creditor is called after its category unless said, and the report is received on its reference date.
    """

    category: Category | None = None
    creditor: Slug | None = None
    contract: Slug = "contract"
    month: Period | None = None
    kind: Kind = Kind.EARLY
    days: Change | None = None
    amount_euros: Count | None = None
    months: Count | None = None
    urgent: tuple[UrgentFlag, ...] = ()
    known_client: Annotated[bool, Field(strict=True)] = False
    unannounced: Annotated[bool, Field(strict=True)] = False
    reported_on: date | None = None
    received_on: date | None = None
    settled_on: date | None = None
    district: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = "0" * 32


class Expected(Document):
    """What has to come of it in `month` (the last one unless said). What isn't named may be anything."""

    month: Period | None = None
    tray: Tray | None = None
    set_aside: SetAsideReason | None = None
    rules: tuple[RuleId, ...] | None = None
    urgent: Annotated[bool, Field(strict=True)] | None = None
    priority: Count | None = None
    deadline: date | None = None
    facts: Annotated[dict[FactName, Found], AfterValidator(_at_least_one)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"month"}:
            raise ValueError("say what has to come of it: tray, set_aside, rules, urgent, priority, deadline or facts")
        return self


class Example(Document):
    """One household's reports, and what has to come of them; `example` says it in a sentence."""

    example: Text
    reports: Some[Given]
    expected: Expected


class ExampleFile(Document):
    """A file of examples about one subject."""

    kind: Literal["rule-examples"]
    about: Text
    unless_said: Given = Given()
    examples: Some[Example]


@dataclass(frozen=True, slots=True)
class Case:
    """One example as it stands in its file. `reports` are those of household 0 until `of` says another."""

    source: Source
    position: int
    example: Example
    reports: tuple[LiveReport, ...]

    @property
    def name(self) -> str:
        """File and sentence."""
        return f"{self.source.name}: {self.example.example}"

    def of(self, household: int) -> list[LiveReport]:
        """The same reports about another household, with ids that no other household's have."""
        return [
            replace(report, household_id=UUID(int=household), report_id=_id(household, number))
            for number, report in enumerate(self.reports)
        ]

    def differences(self, signals: Iterable[JudgedMonth]) -> list[Mistake]:
        """Where the household's signals are not as expected, each at its place in the file."""
        expected = self.example.expected
        signal = max(
            (each for each in signals if expected.month in (None, each.period)),
            key=lambda each: each.period,
            default=None,
        )
        if signal is None:
            return [self._mistake(("month",), f"nothing is reported in {expected.month}")]
        found = {name: getattr(signal, name) for name in ("tray", "rules", "urgent", "priority", "deadline")}
        found["set_aside"] = signal.explanation.set_aside
        wanted = {name: getattr(expected, name) for name in found if name in expected.model_fields_set}
        mistakes = [
            self._mistake((name,), f"expected {_shown(value)}, came to {_shown(found[name])}")
            for name, value in wanted.items()
            if found[name] != value
        ]
        for fact, value in (expected.facts or {}).items():
            came = signal.explanation.facts[fact]
            if came != value:
                mistakes.append(self._mistake(("facts", fact), f"expected {_shown(value)}, came to {_shown(came)}"))
        return mistakes

    def _mistake(self, field: tuple[str, ...], message: str) -> Mistake:
        where = self.source.mistake(("examples", self.position, "expected", *field), message)
        return Mistake(where.source, where.line, where.column, self.example.example, f"{'.'.join(field)}: {message}")


def read_examples(path: Path) -> list[Case]:
    """Read a file of examples, or every `*.yaml` of a folder.

    Raises:
        DocumentError: with every mistake of a file at its line and column, or because there is no such file.
    """
    if path.is_dir():
        files = sorted(path.glob("*.yaml"))
        if not files:
            raise DocumentError([Mistake(path.name, 1, 1, "", "no examples (*.yaml) in this folder")])
        return [case for file in files for case in read_examples(file)]
    return [case for source in read_sources(path) for case in _cases(source)]


def try_examples(rule_set: RuleSet, cases: Iterable[Case]) -> list[Mistake]:
    """Evaluate each example with the rule set, in plain Python; what is not as expected."""
    return [mistake for case in cases for mistake in try_example(rule_set, case)]


def try_example(rule_set: RuleSet, case: Case) -> list[Mistake]:
    """Evaluate one example; what is not as expected."""
    return case.differences(judge_reports("example", rule_set, case.reports))


def _cases(source: Source) -> Iterator[Case]:
    file = source.read(ExampleFile)
    mistakes: list[Mistake] = []
    cases: list[Case] = []
    names: set[str] = set()
    for position, example in enumerate(file.examples):
        if example.example in names:
            mistakes.append(source.mistake(("examples", position, "example"), "this example stands here twice"))
        names.add(example.example)
        reports = []
        for number, given in enumerate(example.reports):
            said = file.unless_said.model_dump(exclude_unset=True) | given.model_dump(exclude_unset=True)
            needed = ("category", "month", "days", "amount_euros", "months")
            missing = [name for name in needed if said.get(name) is None]
            if missing:
                message = f"say {', '.join(missing)} here or under unless_said"
                mistakes.append(source.mistake(("examples", position, "reports", number), message))
            else:
                reports.append(_live(Given(**said), number))
        cases.append(Case(source, position, example, tuple(reports)))
    if mistakes:
        raise DocumentError(mistakes)
    yield from cases


def _live(given: Given, number: int) -> LiveReport:
    assert given.category is not None
    assert given.month is not None
    assert given.days is not None
    assert given.amount_euros is not None
    assert given.months is not None
    reported_on = given.reported_on or last_day(given.month)
    return LiveReport(
        household_id=UUID(int=0),
        report_id=_id(0, number),
        creditor_id=given.creditor or given.category.value.replace("_", "-"),
        reference=UUID(bytes=hashlib.sha256(given.contract.encode()).digest()[:16]),
        period=given.month,
        kind=given.kind,
        category=given.category,
        amount_euros=given.amount_euros,
        months=given.months,
        arrears_since=reported_on - timedelta(days=given.days),
        reported_on=reported_on,
        received_on=given.received_on or reported_on,
        urgent=given.urgent,
        district=UUID(hex=given.district),
        known_client=given.known_client,
        settled_on=given.settled_on,
        unannounced=given.unannounced,
    )


def _id(household: int, number: int) -> UUID:
    return UUID(int=household << 64 | number)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(str(each) for each in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
