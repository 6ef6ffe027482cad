"""Fragments of SQL made from a rule set: names of columns and parameters only, never a value out of a document."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from signals.facts import FactName, Listing
from signals.report import Category, Kind, UrgentFlag
from signals.rulesets import Clock, Condition, Eligibility
from signals.workdays import FIRST_YEAR, weekday_holidays

# The periods of reports lie in this century, so these are all the holidays that a deadline can meet.
LAST_YEAR = 2099

# Facts that are words: how a report has one, and the closed list. A month gathers them as bits, one for each place in
# the list, which is far quicker than arrays of distinct values.
WORDS: Mapping[FactName, tuple[str, type[StrEnum]]] = {
    FactName.CATEGORIES: ("category = {word}", Category),
    FactName.KINDS: ("kind = {word}", Kind),
    FactName.URGENT_FLAGS: ("{word} = ANY (urgent)", UrgentFlag),
    FactName.KNOWN_CLIENT: (f"known_client = ({{word}} = '{Listing.LISTED}')", Listing),
}


class Binds:
    """Values that were given a parameter; an equal value gets the same one."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[tuple[str, str], str] = {}

    def number(self, value: int) -> str:
        """A whole number."""
        return self.value(value, "integer")

    def text(self, value: str) -> str:
        """A text."""
        return self.value(str(value), "text")

    def texts(self, values: Iterable[str]) -> str:
        """An array of texts."""
        return self.value([str(value) for value in values], "text[]")

    def value(self, value: object, kind: str) -> str:
        """A value of another type: `kind` is PostgreSQL's name of it."""
        name = self._names.setdefault((repr(value), kind), f"v{len(self._names)}")
        self.values[name] = value
        return f"CAST(:{name} AS {kind})"


def has_word(fact: FactName, word: str) -> str:
    """Whether a month has that word among the values of the fact."""
    return f"{fact} & {1 << [str(known) for known in WORDS[fact][1]].index(word)} <> 0"


def word_columns(binds: Binds) -> str:
    """For each fact that is words, a column with the bits of all reports that count."""
    columns = []
    for fact, (has, words) in WORDS.items():
        bits = [
            f"CASE WHEN {has.format(word=binds.text(word))} THEN {1 << place} ELSE 0 END"
            for place, word in enumerate(words)
        ]
        columns.append(f"bit_or({' | '.join(bits)}) FILTER (WHERE counts) AS {fact}")
    return ",\n    ".join(columns)


def array_of(words: Mapping[str, str], binds: Binds) -> str:
    """An array of the words whose condition holds, in the given order."""
    inside = ", ".join(f"CASE WHEN {condition} THEN {binds.text(word)} END" for word, condition in words.items())
    return f"array_remove(ARRAY[{inside}], NULL)"


def outside(terms: Iterable[Eligibility], binds: Binds) -> str:
    """What a report lies outside of: breaches as JSON, a comma in front of each."""
    cases = []
    for each in terms:
        breaches = [
            when(f"{fact} {sign} {binds.number(limit)}", binds.text("," + json_text({"fact": fact, word: limit})))
            for fact, bounds in (("days", each.days), ("amount_euros", each.amount_euros), ("months", each.months))
            if bounds is not None
            for word, sign, limit in (("at_least", "<", bounds.at_least), ("at_most", ">", bounds.at_most))
            if limit is not None
        ]
        cases.append(f"WHEN {binds.text(each.category)} THEN {concat(breaches)}")
    return f"CASE category {' '.join(cases)} ELSE {binds.text(',' + json_text({'fact': 'category'}))} END"


def term(clock: Clock, binds: Binds) -> str:
    """The last day of a clock that starts on `received_on`."""
    if clock.working_days is None:
        return f"received_on + {binds.number(clock.days or 0)}"
    # Even round Easter and Christmas, twice the count and two weeks more hold that many working days.
    reach = binds.number(2 * clock.working_days + 14)
    holidays = binds.value(list(weekday_holidays(FIRST_YEAR, LAST_YEAR)), "date[]")
    return f"""(
    SELECT received_on + n FROM generate_series(1, {reach}) AS n
    WHERE extract(isodow FROM received_on + n) < 6 AND received_on + n <> ALL ({holidays})
    ORDER BY n OFFSET {binds.number(clock.working_days - 1)} LIMIT 1)"""  # noqa: S608 - names of parameters only


def holds(need: Condition, binds: Binds) -> str:
    """A condition on one fact: true or false, never unknown."""
    parts = []
    if need.at_least is not None:
        parts.append(f"{need.fact} >= {binds.number(need.at_least)}")
    if need.at_most is not None:
        parts.append(f"{need.fact} <= {binds.number(need.at_most)}")
    if need.any_of is not None:
        parts.append(_is_one_of(need.fact, need.any_of, binds))
    if need.none_of is not None:
        parts.append(f"NOT {_is_one_of(need.fact, need.none_of, binds)}")
    return f"coalesce({' AND '.join(parts)}, false)"


def _is_one_of(fact: FactName, words: Iterable[str], binds: Binds) -> str:
    if fact is FactName.DISTRICT:
        return f"(district = ANY ({binds.value(list(words), 'uuid[]')}))"
    return f"({' OR '.join(has_word(fact, word) for word in words)})"


def when(condition: str, then: str, otherwise: str = "NULL") -> str:
    """One of two fragments."""
    return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"


def json_text(value: object) -> str:
    """JSON without blanks; names and words stay as they are written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def concat(parts: list[str]) -> str:
    """The parts one after the other; a function takes a hundred arguments at most."""
    if not parts:
        return "''"
    if len(parts) <= 90:
        return f"concat({', '.join(parts)})"
    return f"concat({', '.join(concat(parts[start : start + 90]) for start in range(0, len(parts), 90))})"
