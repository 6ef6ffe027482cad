"""Rule sets: the versioned document that says which reports count and what they make of a household's month.

Nothing in it weighs or ranks a person. Values stand apart from words, and each value names its source. A changed rule
gets a new number (`multiple@2`) and a changed document a new version beside the old one, so that a judgement of last
year can be replayed.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from signals.cases import ContactKind, DayPart
from signals.documents import Document, DocumentError, Source, meant, parse_sources, read_sources
from signals.facts import FACTS, FactName
from signals.pilot import Words
from signals.report import Category, Kind, Slug

# Whole numbers only: YAML's 2.5, "2" and yes are mistakes here and not something to round.
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Change = Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]
Tray = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,30}$")]
RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}@[1-9][0-9]{0,3}$")]
Text = Annotated[str, Field(min_length=1, max_length=400)]

Part = TypeVar("Part")


def _at_least_one(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    # As a length of the field, pydantic would count valid parts only and report a list with one bad part as empty too.
    if not parts:
        raise ValueError("give at least one")
    return parts


Some = Annotated[tuple[Part, ...], AfterValidator(_at_least_one), Field(json_schema_extra={"minItems": 1})]
# For editors only: which words go with which fact is what Condition checks.
_WORDS = sorted({str(word) for fact in FACTS.values() for word in fact.words or ()})
Word = Annotated[str, WithJsonSchema({"anyOf": [{"enum": _WORDS}, {"type": "string", "pattern": "^[0-9a-f]{32}$"}]})]


class Bounds(Document):
    """At least, at most, or both; both ends count as inside."""

    source: Text
    at_least: Count | None = None
    at_most: Count | None = None

    @field_validator("at_most")
    @classmethod
    def _upwards(cls, at_most: int | None, info: ValidationInfo) -> int | None:
        return _not_below(at_most, info)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both")
        return self


class Eligibility(Document):
    """Which reports of one category count: days from the start of the arrears to the reference date, euros, months."""

    category: Category
    source: Text
    days: Bounds | None = None
    amount_euros: Bounds | None = None
    months: Bounds | None = None


class AlwaysEligible(Document):
    """Kinds of report that count wherever they fall; what they fall outside of is shown with them, never dropped."""

    kinds: tuple[Literal[Kind.END_OF_SUPPLY, Kind.HAND_OVER], ...]
    source: Text


class Repeats(Document):
    """When a report only repeats an earlier one.

    It does where the same creditor and reference had an eligible report at most `months_back` months before (the latest
    one counts) and the amount has grown by less than `grown_by_euros` since.

    A report with an urgent flag, or of a kind that is always eligible, says something new and is never a repeat, and
    neither is one that comes after the earlier one was settled. A repeat counts for every fact; a month of nothing but
    repeats is set aside.
    """

    source: Text
    months_back: Annotated[int, Field(strict=True, ge=1, le=24)]
    grown_by_euros: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Window(Document):
    """How many months before a month are looked back on for `earlier_months` and `growth_euros`."""

    months: Annotated[int, Field(strict=True, ge=1, le=60)]
    source: Text


class Clock(Document):
    """A term for the offer, from the day after receipt: calendar days or Dutch working days."""

    id: Slug
    source: Text
    days: Annotated[int, Field(strict=True, ge=1, le=366)] | None = None
    working_days: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.days is None) == (self.working_days is None):
            raise ValueError("give either days or working_days")
        return self


class Condition(Document):
    """What a rule asks of one fact: numbers by `at_least` and `at_most`, words by `any_of` or `none_of`.

    A fact that is unknown (growth without an earlier month) meets no condition.
    """

    fact: FactName
    at_least: Change | None = None
    at_most: Change | None = None
    any_of: Some[Word] | None = None
    none_of: Some[Word] | None = None

    @field_validator("at_least", "at_most")
    @classmethod
    def _for_numbers(cls, bound: int | None, info: ValidationInfo) -> int | None:
        fact = info.data.get("fact")
        if bound is not None and fact is not None and not FACTS[fact].is_number:
            raise ValueError(f"{fact} holds words, not a number: ask with any_of or none_of")
        return _not_below(bound, info) if info.field_name == "at_most" else bound

    @field_validator("any_of", "none_of")
    @classmethod
    def _for_words(cls, words: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        fact = info.data.get("fact")
        if words is None or fact is None:
            return words
        if FACTS[fact].is_number:
            raise ValueError(f"{fact} is a number: ask with at_least or at_most")
        known = FACTS[fact].words
        unknown = [word for word in words if not _is_word(word, known)]
        if unknown:
            raise ValueError(f"{fact} is never {', '.join(unknown)}{_known(known)}{meant(unknown[0], known or ())}")
        return words

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.at_least, self.at_most, self.any_of, self.none_of) == (None, None, None, None):
            raise ValueError("a condition needs at_least, at_most, any_of or none_of")
        return self


class Rule(Document):
    """One rule: it matches where all of `needs` hold, and then says which tray, how soon, and how far in front.

    `priority`: higher comes first; the tray is that of the matched rule with the highest one (the earlier in the
    document where two are equal). The deadline is the soonest of all matched rules. A rule with `apart` decides on the
    tray before all others, however low its priority.
    """

    id: RuleId
    source: Text
    words: Words
    tray: Tray
    priority: Annotated[int, Field(strict=True, ge=1, le=1000)]
    urgent: Annotated[bool, Field(strict=True)] = False
    apart: Annotated[bool, Field(strict=True)] = False
    clock: Slug
    needs: Some[Condition]


class Settled(Document):
    """Where a month goes of which every report that counts is settled since, urgent or not."""

    tray: Tray
    source: Text


class SetAside(Document):
    """Where a month goes in which no report counts, all are repeats, or no rule matches: a human confirms it.

    What is settled since goes apart, under the same clock.
    """

    tray: Tray
    clock: Slug
    source: Text
    settled: Settled

    @property
    def trays(self) -> tuple[str, ...]:
        """Its trays, each once."""
        return tuple(dict.fromkeys((self.tray, self.settled.tray)))


class PlannedAttempt(Document):
    """One contact attempt that a frame plans: how, so many days after receipt, and in which part of the day."""

    kind: ContactKind
    after_days: Annotated[int, Field(strict=True, ge=0, le=366)]
    part_of_day: DayPart | None = None


class Frame(Document):
    """What a municipality does with the signals of one tray ("afwegingskader"): an action, and attempts in order.

    A plan and no decision: it judges nothing, and who works a case does what the case needs. `per_week`: how many of
    the tray's signals can be taken up in a week (signals/frames.py); without it, as many as come.
    """

    tray: Tray
    source: Text
    action: Words
    attempts: tuple[PlannedAttempt, ...] = ()
    per_week: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None


class RuleSet(Document):
    """A rule set, whole. Read one with `read_rule_set`, which also finds what contradicts itself across its parts."""

    kind: Literal["rule-set"]
    id: Slug
    version: Annotated[int, Field(strict=True, ge=1, le=9999)]
    words: Words
    valid_from: date
    valid_until: date | None = None
    window: Window
    eligibility: Some[Eligibility]
    always_eligible: AlwaysEligible
    repeats: Repeats
    clocks: Some[Clock]
    rules: Some[Rule]
    set_aside: SetAside
    frames: tuple[Frame, ...] = ()

    @field_validator("valid_until")
    @classmethod
    def _in_order(cls, until: date | None, info: ValidationInfo) -> date | None:
        first = info.data.get("valid_from")
        if until is not None and first is not None and until < first:
            raise ValueError(f"valid_until lies before valid_from ({first})")
        return until

    @property
    def name(self) -> str:
        """Id and version, such as `national@1`: what signals and registry say."""
        return f"{self.id}@{self.version}"

    def holds_on(self, day: date) -> bool:
        """Whether `day` lies within the days of validity, both ends included."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def hash(self) -> bytes:
        """SHA-256 (32 bytes) over the content as canonical JSON: comments and layout of the file don't matter."""
        # What is not said is left out: signed pilot documents name hashes of before it could be said.
        content = self.model_dump(mode="json", exclude=None if self.frames else {"frames"})
        for frame in content.get("frames", ()):
            if frame["per_week"] is None:
                del frame["per_week"]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).digest()

    def clock(self, clock_id: str) -> Clock:
        """The clock of that name. Raises KeyError."""
        return {clock.id: clock for clock in self.clocks}[clock_id]

    def frame(self, tray: str) -> Frame | None:
        """What is planned for the signals of a tray."""
        return next((frame for frame in self.frames if frame.tray == tray), None)

    def by_priority(self) -> tuple[Rule, ...]:
        """The rules, the one that decides on the tray first."""
        return tuple(sorted(self.rules, key=lambda rule: (not rule.apart, -rule.priority)))


def read_rule_set(path: Path) -> RuleSet:
    """Read a file that holds one rule set.

    Raises:
        DocumentError: with every mistake at its line.
    """
    return _only(read_sources(path))


def parse_rule_set(text: str, name: str) -> RuleSet:
    """Read one rule set from `text`; `name` stands for the file in mistakes. Raises DocumentError."""
    return _only(parse_sources(text, name))


def default_rule_set() -> RuleSet:
    """The field's default, as shipped with the package (`signals/data/default.yaml`)."""
    return parse_rule_set(default_text(), "default.yaml")


def default_text() -> str:
    """The default rule set as it is written, comments included."""
    return resources.files("signals").joinpath("data/default.yaml").read_text(encoding="utf-8")


def check_rule_set(source: Source) -> RuleSet:
    """Read a rule set from a document among others. Raises DocumentError with every mistake at its line."""
    rule_set = source.read(RuleSet)
    mistakes = [source.mistake(path, message) for path, message in _contradictions(rule_set)]
    if mistakes:
        raise DocumentError(mistakes)
    return rule_set


def _only(sources: list[Source]) -> RuleSet:
    if len(sources) > 1:
        raise DocumentError([sources[1].mistake((), "only one rule set is expected in this file")])
    return check_rule_set(sources[0])


def _contradictions(rule_set: RuleSet) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between parts of a document that are each right."""
    lists: dict[str, tuple[str, list[str]]] = {
        "rules": ("id", [rule.id for rule in rule_set.rules]),
        "clocks": ("id", [clock.id for clock in rule_set.clocks]),
        "eligibility": ("category", [terms.category for terms in rule_set.eligibility]),
        "frames": ("tray", [frame.tray for frame in rule_set.frames]),
    }
    for part, (field, ids) in lists.items():
        for position, value in enumerate(ids):
            if value in ids[:position]:
                yield (part, position, field), f"{value} stands here for the second time"
    clocks = {clock.id for clock in rule_set.clocks}
    for position, rule in enumerate(rule_set.rules):
        if rule.clock not in clocks:
            yield ("rules", position, "clock"), f"no clock is called {rule.clock}{meant(rule.clock, clocks)}"
        if rule.tray in rule_set.set_aside.trays:
            yield ("rules", position, "tray"), f"{rule.tray} is the tray of what is set aside"
    if rule_set.set_aside.clock not in clocks:
        wrong = rule_set.set_aside.clock
        yield ("set_aside", "clock"), f"no clock is called {wrong}{meant(wrong, clocks)}"

    yield from _wrong_frames(rule_set)


def _wrong_frames(rule_set: RuleSet) -> Iterator[tuple[tuple[str | int, ...], str]]:
    trays = {rule.tray for rule in rule_set.rules} | set(rule_set.set_aside.trays)
    for position, frame in enumerate(rule_set.frames):
        if frame.tray not in trays:
            yield ("frames", position, "tray"), f"nothing comes into {frame.tray}{meant(frame.tray, trays)}"
        days = [attempt.after_days for attempt in frame.attempts]
        for place, (before, after) in enumerate(pairwise(days), start=1):
            if after < before:
                yield ("frames", position, "attempts", place, "after_days"), f"lies before the attempt above ({before})"


def _not_below(at_most: int | None, info: ValidationInfo) -> int | None:
    at_least = info.data.get("at_least")
    if at_most is not None and at_least is not None and at_most < at_least:
        raise ValueError(f"at_most lies below at_least ({at_least})")
    return at_most


def _is_word(word: str, known: type[StrEnum] | None) -> bool:
    if known is None:  # a district: 16 bytes in lower-case hexadecimal
        return len(word) == 32 and set(word) <= set("0123456789abcdef")
    return word in set(known)


def _known(known: type[StrEnum] | None) -> str:
    return "" if known is None else f" (known: {', '.join(known)})"
