"""A draft entry for the Dutch Algorithm Register, in the fields of its publication standard 1.0, from a rule set.

What the rule set says (words, values, sources) is filled in; what only the municipality can say, such as whether an
impact assessment was done, is left open with a note in brackets, and listed under `open` for the reader.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from signals.facts import FACTS, FactName, Unit
from signals.pilot import Pilot
from signals.rulesets import (
    AlwaysEligible,
    Bounds,
    Clock,
    Condition,
    Eligibility,
    Repeats,
    Rule,
    RuleSet,
    Window,
)
from signals.wording import CATEGORIES, KINDS, day, euros, listed, several, word

TO_FILL = "[in te vullen door de gemeente"
_GOAL = (
    "Het algoritme zet meldingen van betalingsachterstanden per huishouden bij elkaar en legt ze in een werkbakje, "
    "zodat de gemeente eerst die huishoudens hulp kan aanbieden waar het het dringendst is. Inwoners merken het "
    "doordat zij een aanbod van hulp krijgen, en wanneer. Zij hoeven dat niet aan te nemen."
)
_PROPORTIONALITY = (
    "Zonder sortering blijven dringende meldingen tussen de andere liggen: gemeenten krijgen er elke maand veel. De "
    "regels zijn vaste voorwaarden die iedereen kan nalezen. Er is geen score of kans per persoon, en niets wordt "
    "geleerd uit gegevens. Leeftijd, geslacht, nationaliteit en herkomst kan geen regel gebruiken: zij staan niet in "
    "de feiten. De gegevens die mensen herkenbaar maken, zijn versleuteld voor de gemeente; de dienst die sorteert, "
    "kan ze niet lezen."
)
_HUMAN = (
    "Niets wordt zonder mens besloten. Een medewerker opent een signaal, ziet welke regel waarom paste, en beslist "
    "of en hoe er contact wordt gezocht. Wat de regels apart leggen, ligt in een eigen werkbakje: een medewerker "
    "kijkt het na voordat een aanbod vervalt of een schuldeiser iets hoort. Twijfel of meldingen bij elkaar horen, "
    "beslist een mens."
)
_RISKS = (
    "Verkeerd koppelen: zwakke overeenkomsten koppelen niet bij verschillende geboortedata, twijfel gaat naar een "
    "mens, en een koppeling kan ongedaan gemaakt worden. Verkeerde grenzen: een veranderde regelset krijgt een nieuw "
    "nummer, en een oordeel van vorig jaar is na te rekenen met de regels van toen. Onbevoegd kijken: elke inzage "
    "staat in een register dat niemand ongemerkt kan veranderen. Uitleg: bij elk signaal staat welke regel, feiten "
    f"en meldingen ertoe leidden; een inwoner kan die uitleg opvragen en bezwaar maken. {TO_FILL}: wie een nieuwe "
    "regelset beproeft en wie hem vaststelt]"
)
_TASK = (
    "Wet gemeentelijke schuldhulpverlening (Wgs) artikel 3 en Besluit gemeentelijke schuldhulpverlening (Bgs): de "
    "gemeente biedt hulp aan na een melding. Verwerking: AVG artikel 6, eerste lid, onder e."
)
_DATA = (
    "Per melding: soort achterstand, bedrag in hele euro’s, aantal maanden, begin van de achterstand, peildatum, "
    "stappen van de schuldeiser (herinnering, contact gezocht, gewezen op hulp, aanbod gedaan), spoedkenmerken, een "
    "versleutelde wijkcode, en koppelsleutels: versleutelde kenmerken die alleen op gelijkheid te vergelijken zijn. "
    "Naam, adres, geboortedatum en contactgegevens zijn alleen voor de gemeente te openen en tellen in geen regel "
    "mee. Er wordt geen burgerservicenummer gebruikt. Bron: schuldeisers met een overeenkomst"
)
_METHOD = (
    "Regels: vaste voorwaarden op een gesloten lijst van feiten over de meldingen van een huishouden in een maand. "
    "Dezelfde meldingen geven altijd hetzelfde resultaat. Geen zelflerend model; wij zien dit niet als AI-systeem, "
    "laat dat oordeel bevestigen."
)


def draft_entry(
    rule_set: RuleSet, municipality: str, contact_email: str = "", pilot: Pilot | None = None
) -> dict[str, Any]:
    """Make the entry. `pilot` adds its categories with their basis and its days; without it those stay open."""
    name = f"Vroegsignalering van betalingsachterstanden ({rule_set.name})"
    return {
        "name": name,
        "description_short": (
            "Zet meldingen van betalingsachterstanden per huishouden bij elkaar en sorteert ze in werkbakjes, zodat "
            "medewerkers hulp kunnen aanbieden."
        ),
        "organization": municipality,
        "category": ["Sociale zekerheid"],
        "status": _status(rule_set, pilot),
        "begin_date": _month(pilot.starts if pilot else rule_set.valid_from),
        "end_date": _month(pilot.ends) if pilot else None,
        "contact_email": contact_email or f"{TO_FILL}: e-mailadres]",
        "website": f"{TO_FILL}: pagina over vroegsignalering]",
        "publication_category": "Impactvolle algoritmes",
        "goal": _GOAL,
        "proportionality": _proportionality(rule_set),
        "human_intervention": _HUMAN,
        "risks": _RISKS,
        "lawful_basis": _lawful_basis(rule_set, pilot),
        "impacttoetsen": f"{TO_FILL}: welke toetsen zijn gedaan (DPIA, IAMA) en waar zij te lezen zijn]",
        "source_data": f"{_DATA}. Soorten achterstand: {_categories(rule_set, pilot)}.",
        "methods_and_models": f"{_METHOD}\n\n{_rules(rule_set)}",
        "provider": "Vroegsein, vrije software (EUPL-1.2), beheerd door of voor de gemeente",
        "lang": "nld",
        "standard_version": "1.0",
        "source_id": f"{rule_set.name}-{rule_set.hash().hex()[:16]}",
        "tags": "vroegsignalering, schuldhulpverlening",
    }


def open_fields(entry: dict[str, Any]) -> list[str]:
    """The fields that the municipality has to fill in before it publishes."""
    return [field for field, said in entry.items() if isinstance(said, str) and TO_FILL in said]


def as_markdown(entry: dict[str, Any]) -> str:
    """The entry for people to read and complete, field by field in the order of the register."""
    waiting = [f"- {FIELDS[field]}" for field in open_fields(entry)]
    head = f"# Concept voor het Algoritmeregister: {entry['name']}"
    said = [f"## {FIELDS[field]}\n\n{_text(entry[field])}" for field in FIELDS if entry[field] is not None]
    return "\n\n".join([head, "Nog in te vullen:", "\n".join(waiting), *said]) + "\n"


FIELDS = {
    "name": "Naam",
    "description_short": "Korte beschrijving",
    "organization": "Organisatie",
    "category": "Thema",
    "status": "Status",
    "begin_date": "Begindatum",
    "end_date": "Einddatum",
    "contact_email": "Contact",
    "website": "Website",
    "publication_category": "Publicatiecategorie",
    "goal": "Doel en impact",
    "proportionality": "Afwegingen",
    "human_intervention": "Menselijke tussenkomst",
    "risks": "Risicobeheer",
    "lawful_basis": "Wettelijke basis",
    "impacttoetsen": "Impacttoetsen",
    "source_data": "Gegevens",
    "methods_and_models": "Technische werking",
    "provider": "Leverancier",
    "lang": "Taal",
    "standard_version": "Versie van de publicatiestandaard",
    "source_id": "Bronvermelding (regelset en kenmerk)",
    "tags": "Trefwoorden",
}


def _status(rule_set: RuleSet, pilot: Pilot | None) -> str:
    """In use where a pilot names the rule set; a pilot that has not begun is for the municipality to say."""
    return "In gebruik" if pilot and pilot.rule_set == rule_set.name else "In ontwikkeling"


def _lawful_basis(rule_set: RuleSet, pilot: Pilot | None) -> str:
    lines = [f"- {CATEGORIES[one.category]['nl']}: {_source(one)}" for one in _of(rule_set, pilot)]
    return "\n".join([_TASK, *lines])


def _of(rule_set: RuleSet, pilot: Pilot | None) -> list[Eligibility]:
    """What the rule set says of the pilot's categories, or of all."""
    return [one for one in rule_set.eligibility if pilot is None or one.category in pilot.categories]


def _categories(rule_set: RuleSet, pilot: Pilot | None) -> str:
    return listed([CATEGORIES[one.category]["nl"] for one in _of(rule_set, pilot)], "nl")


def _source(of: Eligibility | Bounds | Window | Repeats | AlwaysEligible | Rule) -> str:
    """A source as the rule set has it; what it calls its own choice is told in Dutch."""
    return of.source.replace("own choice", "eigen keuze")


def _proportionality(rule_set: RuleSet) -> str:
    by_district = [rule.id for rule in rule_set.rules if any(need.fact is FactName.DISTRICT for need in rule.needs)]
    if by_district:
        district = (
            f"De wijk telt mee in {listed(by_district, 'nl')}: {TO_FILL}: waarom dat nodig is en niet onderscheidt]."
        )
    else:
        district = "De wijk telt in geen regel mee."
    return f"{_PROPORTIONALITY} {district}"


def _rules(rule_set: RuleSet) -> str:
    window = rule_set.window
    parts = [
        f"Regelset {rule_set.name} ({rule_set.words.nl}), geldig vanaf {day(rule_set.valid_from, 'nl')}.",
        "Welke meldingen meetellen:",
        *(f"- {CATEGORIES[one.category]['nl']}: {_limits(one)} Bron: {_source(one)}." for one in rule_set.eligibility),
        f"- altijd, ook buiten deze grenzen: {_kinds(rule_set)}. Bron: {_source(rule_set.always_eligible)}.",
        f"Terugkijken: {several(window.months, 'maand', 'maanden')}. Bron: {_source(window)}.",
        (
            f"Herhaling: dezelfde schuldeiser en hetzelfde contract, hoogstens "
            f"{several(rule_set.repeats.months_back, 'maand', 'maanden')} eerder, en minder dan "
            f"{euros(rule_set.repeats.grown_by_euros, 'nl')} gegroeid. Bron: {_source(rule_set.repeats)}."
        ),
        "Regels, de eerste die past gaat voor:",
        *(
            f"- {rule.words.nl} ({rule.id}): {_needs(rule.needs)}. Werkbakje {rule.tray}; hulp aanbieden "
            f"{_term(rule_set.clock(rule.clock))}. Bron: {_source(rule)}."
            for rule in rule_set.by_priority()
        ),
        f"Past geen regel, dan ligt het signaal apart (werkbakje {rule_set.set_aside.tray}) en kijkt een mens het na.",
    ]
    return "\n".join(parts)


def _limits(one: Eligibility) -> str:
    bounds: tuple[tuple[str, Bounds | None, Unit], ...] = (
        ("leeftijd van de achterstand", one.days, Unit.DAYS),
        ("bedrag", one.amount_euros, Unit.EUROS),
        ("maanden achter", one.months, Unit.MONTHS),
    )
    said = [f"{name} {_between(limit, unit)} ({_source(limit)})" for name, limit, unit in bounds if limit]
    return (", ".join(said) or "geen grens") + "."


def _kinds(rule_set: RuleSet) -> str:
    return listed([KINDS[kind]["nl"] for kind in rule_set.always_eligible.kinds], "nl")


def _needs(needs: Iterable[Condition]) -> str:
    return " en ".join(_need(need) for need in needs)


def _need(need: Condition) -> str:
    fact = FACTS[need.fact]
    said = []
    if need.at_least is not None or need.at_most is not None:
        said.append(_between(need, fact.unit))
    if need.any_of is not None:
        said.append(" of ".join(word(one, "nl") for one in need.any_of))
    if need.none_of is not None:
        said.append("geen " + " of ".join(word(one, "nl") for one in need.none_of))
    return f"{fact.nl}: {' en '.join(said)}"


def _between(limit: Bounds | Condition, unit: Unit) -> str:
    if (limit.at_least, limit.at_most) == (None, 0):
        return "geen"
    ends = (("ten minste", limit.at_least), ("ten hoogste", limit.at_most))
    return " en ".join(f"{name} {_amount(value, unit)}" for name, value in ends if value is not None)


def _amount(value: int, unit: Unit) -> str:
    if unit is Unit.EUROS:
        return euros(value, "nl")
    if unit is Unit.DAYS:
        return several(value, "dag", "dagen")
    return several(value, "maand", "maanden") if unit is Unit.MONTHS else str(value)


def _term(clock: Clock) -> str:
    if clock.working_days is not None:
        return f"binnen {several(clock.working_days, 'werkdag', 'werkdagen')} na ontvangst"
    return f"binnen {several(clock.days or 0, 'dag', 'dagen')} na ontvangst"


def _month(on: date) -> str:
    return f"{on.year:04}-{on.month:02}"


def _text(said: str | list[str]) -> str:
    return ", ".join(said) if isinstance(said, list) else said
