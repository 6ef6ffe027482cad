"""Conditions in words: what a rule asks of a fact, as people say it in both tongues."""

from collections.abc import Mapping
from dataclasses import dataclass

from signals.explanation import Need
from signals.facts import FACTS, FactName, Unit
from signals.rulesets import Bounds, Condition
from signals.wording import Language, either_of, euros, several, word


@dataclass(frozen=True, slots=True)
class _Number:
    """A sentence about a number; `{}` is filled with the bounds, which end in `one` or `more` where those are given."""

    text: str
    one: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    """Two sentences about words, of which one holds, or none; `{}` is filled with them."""

    any_of: str
    none_of: str


_NUMBERS: Mapping[FactName, dict[Language, _Number]] = {
    FactName.CREDITORS: {
        "nl": _Number("het huishouden is gemeld door {}", "schuldeiser", "schuldeisers"),
        "en": _Number("the household is reported by {}", "creditor", "creditors"),
    },
    FactName.REPORTS: {
        "nl": _Number("het huishouden heeft {}", "melding", "meldingen"),
        "en": _Number("the household has {}", "report", "reports"),
    },
    FactName.REPEATS: {
        "nl": _Number("het huishouden heeft {}", "herhaalde melding", "herhaalde meldingen"),
        "en": _Number("the household has {}", "repeated report", "repeated reports"),
    },
    FactName.SETTLED: {
        "nl": _Number("het huishouden heeft {}", "voldane melding", "voldane meldingen"),
        "en": _Number("the household has {}", "settled report", "settled reports"),
    },
    FactName.UNANNOUNCED: {
        "nl": _Number(
            "het huishouden heeft {} zonder eerder vroegsignaal",
            "melding van einde levering",
            "meldingen van einde levering",
        ),
        "en": _Number("the household has {} without an earlier report", "end of supply", "ends of supply"),
    },
    FactName.AMOUNT_EUROS: {"nl": _Number("het totaal is {}"), "en": _Number("the total is {}")},
    FactName.MONTHS: {"nl": _Number("de langste achterstand is {}"), "en": _Number("the longest arrears are {}")},
    FactName.NEWEST_DAYS: {
        "nl": _Number("de nieuwste achterstand is {} oud"),
        "en": _Number("the newest arrears are {} old"),
    },
    FactName.OLDEST_DAYS: {
        "nl": _Number("de oudste achterstand is {} oud"),
        "en": _Number("the oldest arrears are {} old"),
    },
    FactName.GROWTH_EUROS: {
        "nl": _Number("het totaal is sinds de vorige melding gegroeid met {}"),
        "en": _Number("the total has grown since the last report by {}"),
    },
    FactName.EARLIER_MONTHS: {
        "nl": _Number("het huishouden is gemeld in {}", "eerdere maand", "eerdere maanden"),
        "en": _Number("the household is reported in {}", "earlier month", "earlier months"),
    },
}
_WORDS: Mapping[FactName, dict[Language, _Words]] = {
    FactName.CATEGORIES: {
        "nl": _Words("er is een achterstand bij {}", "er is geen achterstand bij {}"),
        "en": _Words("there are arrears of {}", "there are no arrears of {}"),
    },
    FactName.KINDS: {
        "nl": _Words("er is een melding van de soort {}", "er is geen melding van de soort {}"),
        "en": _Words("there is a report of the kind {}", "there is no report of the kind {}"),
    },
    FactName.URGENT_FLAGS: {
        "nl": _Words("bij een melding staat: {}", "bij geen melding staat: {}"),
        "en": _Words("with a report stands: {}", "with no report stands: {}"),
    },
    FactName.KNOWN_CLIENT: {
        "nl": _Words("gemeld is een {}", "niemand die gemeld is, is een {}"),
        "en": _Words("reported is a {}", "nobody who is reported is a {}"),
    },
    FactName.DISTRICT: {
        "nl": _Words("de wijk is {}", "de wijk is niet {}"),
        "en": _Words("the district is {}", "the district is not {}"),
    },
}


def condition_sentence(condition: Condition, language: Language) -> str:
    """What a rule asks of one fact: `het huishouden is gemeld door ten minste 2 schuldeisers`."""
    parts = []
    if condition.at_least is not None or condition.at_most is not None:
        said = _NUMBERS[condition.fact][language]
        parts.append(said.text.format(_counted(condition, said, language)))
    if condition.any_of is not None:
        parts.append(
            _WORDS[condition.fact][language].any_of.format(either_of(_names(condition.any_of, language), language))
        )
    if condition.none_of is not None:
        parts.append(
            _WORDS[condition.fact][language].none_of.format(either_of(_names(condition.none_of, language), language))
        )
    return (" en " if language == "nl" else " and ").join(parts)


def bounds_words(bounds: Bounds | Condition | Need, unit: Unit, language: Language) -> list[str]:
    """`ten minste 30 dagen` and `ten hoogste 100 dagen`, as far as they are there."""
    nl = language == "nl"
    asked = []
    if bounds.at_least is not None:
        asked.append(f"{'ten minste' if nl else 'at least'} {in_unit(bounds.at_least, unit, language)}")
    if bounds.at_most is not None:
        asked.append(f"{'ten hoogste' if nl else 'at most'} {in_unit(bounds.at_most, unit, language)}")
    return asked


def in_unit(value: int | str, unit: Unit, language: Language) -> str:
    """A value in its unit: `€ 500`, `3 maanden`; a word by its name."""
    if isinstance(value, str):
        return word(value, language)
    if unit is Unit.EUROS:
        return euros(value, language)
    if unit is Unit.DAYS:
        return several(value, *(("dag", "dagen") if language == "nl" else ("day", "days")))
    if unit is Unit.MONTHS:
        return several(value, *(("maand", "maanden") if language == "nl" else ("month", "months")))
    return str(value)


def _counted(condition: Condition, said: _Number, language: Language) -> str:
    if not said.more:
        return _both(bounds_words(condition, FACTS[condition.fact].unit, language), language)
    most = condition.at_most
    if most == 0:
        return f"{'geen' if language == 'nl' else 'no'} {said.more}"
    last = most if most is not None else condition.at_least
    numbers = _both(bounds_words(condition, Unit.REPORTS, language), language)  # without a unit of its own
    return f"{numbers} {said.one if last == 1 else said.more}"


def _both(asked: list[str], language: Language) -> str:
    return (" en " if language == "nl" else " and ").join(asked)


def _names(words: tuple[str, ...], language: Language) -> list[str]:
    return [word(each, language) for each in words]
