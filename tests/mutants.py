"""Every small change of a rule set, one at a time: what its examples have to notice.

Numbers go one up and one down, bounds and conditions and words and rules away, words and trays and clocks into others,
flags over. What can't be read as a rule set is refused by the reader and needs no example.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from signals.facts import FACTS, FactName
from signals.report import Category, Kind
from signals.rulesets import RuleSet, _contradictions

Path = tuple[str | int, ...]
Changed = tuple[str, dict[str, Any]]
# What says nothing about a household: names, texts, and from when until when the document holds.
LEFT_ALONE = {"kind", "id", "version", "words", "source", "valid_from", "valid_until", "fact", "category", "frames"}
ABSENT = object()


def mutants(rule_set: RuleSet) -> Iterator[tuple[str, RuleSet]]:
    """Each change in words, with the rule set that it makes."""
    for name, document in _changes(rule_set.model_dump(mode="json")):
        try:
            mutant = RuleSet.model_validate(document)
        except ValidationError:
            continue
        if not any(_contradictions(mutant)):
            yield name, mutant


def _changes(document: dict[str, Any]) -> Iterator[Changed]:
    for path, value in list(_leaves(document, ())):
        for other in _others(document, path, value):
            yield f"{_spelt(path)}: {value} -> {'away' if other is ABSENT else other}", _with(document, path, other)
    for path in _parts(document):
        yield f"{_spelt(path)} -> away", _with(document, path, ABSENT)
    for place, clock in enumerate(document["clocks"]):
        turned = {**clock, "days": clock["working_days"], "working_days": clock["days"]}
        yield f"clocks.{place}: days for working days", _with(document, ("clocks", place), turned)
    for category in sorted(set(Category) - {terms["category"] for terms in document["eligibility"]}):
        added = [*document["eligibility"], {"category": category, "source": "mutant"}]
        yield f"eligibility: {category} as well", {**document, "eligibility": added}
    for place, (first, second) in enumerate(pairwise(document["rules"])):
        swapped = _with(document, ("rules", place, "priority"), second["priority"])
        swapped["rules"][place + 1]["priority"] = first["priority"]
        yield f"rules: priorities of {first['id']} and {second['id']} swapped", swapped


def _parts(document: dict[str, Any]) -> Iterator[Path]:
    """What can go as a whole: a category's terms, one of its bounds, a rule, one of its conditions."""
    for place, terms in enumerate(document["eligibility"]):
        yield ("eligibility", place)
        yield from (("eligibility", place, bounds) for bounds in ("days", "amount_euros", "months") if terms[bounds])
    for place, rule in enumerate(document["rules"]):
        yield ("rules", place)
        yield from (("rules", place, "needs", need) for need in range(len(rule["needs"])))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Numbers, flags, names of trays and clocks, and whole lists of words; not what is left alone."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in LEFT_ALONE and inner is not None:
                yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value and not isinstance(value[0], str):
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    else:
        yield path, value


def _others(document: dict[str, Any], path: Path, value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
        if path[-1] in ("at_least", "at_most"):
            yield ABSENT
    elif isinstance(value, list):
        yield from _other_lists(value, _known_words(document, path))
    elif path[-1] == "tray":
        trays = {rule["tray"] for rule in document["rules"]}
        trays |= {document["set_aside"]["tray"], document["set_aside"]["settled"]["tray"], "elsewhere"}
        yield from sorted(trays - {value})
    elif path[-1] == "clock":
        yield from sorted({clock["id"] for clock in document["clocks"]} - {value})
    else:
        raise AssertionError(f"no way is known to change {_spelt(path)}")


def _other_lists(words: Sequence[str], known: Sequence[str]) -> Iterator[Any]:
    yield ABSENT
    others = [word for word in known if word not in words]
    for place in range(len(words)):
        if len(words) > 1:
            yield [*words[:place], *words[place + 1 :]]
        for other in others:
            yield [*words[:place], other, *words[place + 1 :]]
    for other in others:
        yield [*words, other]


def _known_words(document: dict[str, Any], path: Path) -> list[str]:
    if path[-1] == "kinds":
        return [str(kind) for kind in Kind]
    fact = FactName(_at(document, path[:-1])["fact"])
    return [str(word) for word in FACTS[fact].words or ()]


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _with(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = deepcopy(document)
    place = _at(changed, path[:-1])
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def _spelt(path: Path) -> str:
    return ".".join(str(step) for step in path)
