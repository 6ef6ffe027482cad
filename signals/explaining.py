"""Explanations in words: why a signal is there, in plain Dutch (B1) and in English, from its explanation alone."""

from signals.conditions import bounds_words, in_unit
from signals.explanation import Breach, Explanation, JudgedReport, JudgedRule, Need, SetAsideReason, Value
from signals.facts import FACTS, FactName, Unit
from signals.wording import (
    CATEGORIES,
    FLAGS,
    KINDS,
    Language,
    day,
    euros,
    listed,
    month,
    number,
    sentence,
    several,
    word,
)

_SET_ASIDE: dict[SetAsideReason, dict[Language, str]] = {
    "none_eligible": {
        "nl": "geen van de meldingen telt mee volgens de regels",
        "en": "none of the reports counts by the rules",
    },
    "all_settled": {
        "nl": "elke melding is voldaan of wordt niet meer gemeld",
        "en": "every report is settled or no longer reported",
    },
    "all_repeats": {
        "nl": "elke melding herhaalt een eerdere melding en de achterstand is niet gegroeid",
        "en": "every report repeats an earlier one and the arrears have not grown",
    },
    "no_rule": {"nl": "geen enkele regel past bij deze maand", "en": "no rule fits this month"},
}


def explain(explanation: Explanation, language: Language) -> list[str]:
    """The whole explanation in sentences: what was reported, why it is a signal, by when, each report, each rule."""
    sentences = [_summary(explanation, language), *_looking_back(explanation, language)]
    sentences += [*_settled(explanation, language), *_unannounced(explanation, language)]
    sentences += [_reason(rule, explanation, language) for rule in explanation.rules if rule.matched]
    if explanation.set_aside:
        sentences.append(_set_aside(explanation.set_aside, language))
    sentences.append(_deadline(explanation, language))
    sentences += [_report(report, language) for report in explanation.reports]
    if explanation.set_aside != "none_eligible":
        sentences += [_no_reason(rule, explanation, language) for rule in explanation.rules if not rule.matched]
    sentences.append(_by_which_rules(explanation, language))
    return sentences


def reason_line(explanation: Explanation, language: Language) -> str:
    """One line for a list: `2 schuldeisers: huur en energie, samen € 1.034, 2 maanden`."""
    nl = language == "nl"
    creditors = _number(explanation, FactName.CREDITORS)
    amount = euros(_number(explanation, FactName.AMOUNT_EUROS), language)
    months = _number(explanation, FactName.MONTHS)
    together = ("samen " if nl else "together ") if len(_counted(explanation)) > 1 else ""
    line = ", ".join(
        [
            f"{several(creditors, *(('schuldeiser', 'schuldeisers') if nl else ('creditor', 'creditors')))}: "
            + listed(_words(explanation, FactName.CATEGORIES, language), language),
            together + amount,
            several(months, *(("maand", "maanden") if nl else ("month", "months"))),
            *_words(explanation, FactName.URGENT_FLAGS, language),
        ]
    )
    if _partly_settled(explanation):
        settled, reports = _number(explanation, FactName.SETTLED), _number(explanation, FactName.REPORTS)
        line += f", {settled} van {reports} voldaan" if nl else f", {settled} of {reports} settled"
    if explanation.set_aside:
        line += f" ({'terzijde' if nl else 'set aside'}: {_SET_ASIDE[explanation.set_aside][language]})"
    return line


def _summary(explanation: Explanation, language: Language) -> str:
    creditors = _number(explanation, FactName.CREDITORS)
    amount = euros(_number(explanation, FactName.AMOUNT_EUROS), language)
    months = _number(explanation, FactName.MONTHS)
    kinds = listed(_words(explanation, FactName.CATEGORIES, language), language)
    when = month(explanation.period, language)
    who = number(creditors, language)
    several_reports = len(_counted(explanation)) > 1
    if language == "nl":
        verb = "schuldeiser meldt" if creditors == 1 else "schuldeisers melden"
        total = f"samen {amount}, langste achterstand" if several_reports else f"{amount}, achterstand"
        text = f"{who} {verb} in {when} een achterstand: {kinds}, {total} {several(months, 'maand', 'maanden')}"
    else:
        verb = "creditor reports" if creditors == 1 else "creditors report"
        total = f"together {amount}, longest arrears" if several_reports else f"{amount}, arrears of"
        text = f"{who} {verb} arrears in {when}: {kinds}, {total} {several(months, 'month', 'months')}"
    return sentence(text)


def _looking_back(explanation: Explanation, language: Language) -> list[str]:
    """Earlier months and growth, where there were any."""
    earlier = explanation.facts.get(FactName.EARLIER_MONTHS)
    growth = explanation.facts.get(FactName.GROWTH_EUROS)
    if not isinstance(earlier, int) or not earlier:
        return []
    window = explanation.window_months
    if language == "nl":
        back = f"In de {several(window, 'maand', 'maanden')} ervoor"
        sentences = [f"{back} was er in {several(earlier, 'maand', 'maanden')} ook een melding."]
    else:
        back = f"In the {several(window, 'month', 'months')} before"
        sentences = [f"{back}, {several(earlier, 'month has', 'months have')} a report too."]
    if isinstance(growth, int) and growth:
        amount = euros(abs(growth), language)
        if language == "nl":
            sentences.append(f"Het totaal is {amount} {'hoger' if growth > 0 else 'lager'} dan bij de vorige melding.")
        else:
            sentences.append(f"The total is {amount} {'higher' if growth > 0 else 'lower'} than at the last report.")
    return sentences


def _settled(explanation: Explanation, language: Language) -> list[str]:
    if not _partly_settled(explanation):
        return []
    settled, reports = _number(explanation, FactName.SETTLED), _number(explanation, FactName.REPORTS)
    if language == "nl":
        verb = "is" if settled == 1 else "zijn"
        return [f"Van de {reports} meldingen {verb} er {settled} voldaan of niet meer gemeld."]
    verb = "is" if settled == 1 else "are"
    return [f"Of the {reports} reports {settled} {verb} settled or no longer reported."]


def _unannounced(explanation: Explanation, language: Language) -> list[str]:
    if not explanation.facts.get(FactName.UNANNOUNCED):
        return []
    if language == "nl":
        return ["Let op: eindelevering gemeld zonder eerder vroegsignaal; de leverancier hoort eerst vroeg te melden."]
    return ["Mind: end of supply without an early report before it; the supplier has to report early first."]


def _reason(rule: JudgedRule, explanation: Explanation, language: Language) -> str:
    words = (rule.words.nl if language == "nl" else rule.words.en) if rule.words else rule.id
    head = "Waarom dit signaal" if language == "nl" else "Why this signal"
    asked = "; ".join(_need(need, explanation.facts[need.fact], language) for need in rule.needs)
    source = f" {'Bron' if language == 'nl' else 'Source'}: {rule.source}." if rule.source else ""
    return f"{head}: {words} ({asked}; {'regel' if language == 'nl' else 'rule'} {rule.id}).{source}"


def _no_reason(rule: JudgedRule, explanation: Explanation, language: Language) -> str:
    asked = "; ".join(_need(need, explanation.facts[need.fact], language) for need in rule.needs if not need.ok)
    return f"Regel {rule.id} past niet: {asked}." if language == "nl" else f"Rule {rule.id} does not fit: {asked}."


def _need(need: Need, found: Value, language: Language) -> str:
    """`aantal schuldeisers is 1, nodig is ten minste 2`."""
    nl = language == "nl"
    fact = FACTS[need.fact]
    unit = fact.unit
    if found is None:
        value = "niet bekend" if nl else "not known"
    elif isinstance(found, tuple):
        value = listed([word(each, language) for each in found], language) or ("geen" if nl else "none")
    else:
        value = in_unit(found, unit, language)
    asked = bounds_words(need, unit, language)
    if need.any_of is not None:
        asked.append(" of ".join(_names(need.any_of, language)) if nl else " or ".join(_names(need.any_of, language)))
    if need.none_of is not None:
        asked.append(f"{'geen' if nl else 'no'} {listed(_names(need.none_of, language), language)}")
    name = fact.nl if nl else fact.en
    wanted = (" en " if nl else " and ").join(asked)
    return f"{name}: {value}, {'nodig' if nl else 'needed'}: {wanted}"


def _report(report: JudgedReport, language: Language) -> str:
    nl = language == "nl"
    parts = [
        f"{CATEGORIES[report.category][language]}: {euros(report.amount_euros, language)}",
        several(report.months, *(("maand", "maanden") if nl else ("month", "months"))),
        several(report.days, *(("dag", "dagen") if nl else ("day", "days"))) + (" oud" if nl else " old"),
        KINDS[report.kind][language],
        *(FLAGS[flag][language] for flag in report.urgent),
    ]
    if report.known_client:
        parts.append("al bekend bij schuldhulp" if nl else "known to debt help already")
    text = f"{'Melding' if nl else 'Report'} {', '.join(parts)}"
    outside = listed([_breach(breach, language) for breach in report.outside], language)
    if not report.eligible:
        text += f"; {'telt niet mee' if nl else 'does not count'}: {outside}"
    elif outside:
        text += f"; {'telt mee, al is het' if nl else 'counts, though it is'} {outside}"
    if report.repeat:
        text += "; herhaling: de achterstand is niet gegroeid" if nl else "; repeated: the arrears have not grown"
    if report.unannounced:
        text += "; zonder eerder vroegsignaal" if nl else "; without an early report before it"
    if report.settled_on:
        since = day(report.settled_on, language)
        text += f"; voldaan of niet meer gemeld sinds {since}" if nl else f"; settled or not reported since {since}"
    return text + "."


def _breach(breach: Breach, language: Language) -> str:
    nl = language == "nl"
    if breach.fact == "category":
        return "een soort achterstand waarvoor de regels niets bepalen" if nl else "of a kind that the rules don't know"
    unit = {"days": Unit.DAYS, "amount_euros": Unit.EUROS, "months": Unit.MONTHS}[breach.fact]
    if breach.at_least is not None:
        return f"{'minder dan' if nl else 'less than'} {in_unit(breach.at_least, unit, language)}"
    return f"{'meer dan' if nl else 'more than'} {in_unit(breach.at_most or 0, unit, language)}"


def _set_aside(reason: SetAsideReason, language: Language) -> str:
    if language == "nl":
        return f"Terzijde gelegd: {_SET_ASIDE[reason][language]}. Een medewerker kijkt dit na."
    return f"Set aside: {_SET_ASIDE[reason][language]}. A worker checks this."


def _deadline(explanation: Explanation, language: Language) -> str:
    received, due = day(explanation.received_on, language), day(explanation.deadline, language)
    if language == "nl":
        return f"Ontvangen op {received}; bied uiterlijk op {due} hulp aan."
    return f"Received on {received}; offer help on {due} at the latest."


def _by_which_rules(explanation: Explanation, language: Language) -> str:
    if language == "nl":
        return f"Beoordeeld met regelset {explanation.rule_set} (kenmerk {explanation.hash[:16]})."
    return f"Judged by rule set {explanation.rule_set} (mark {explanation.hash[:16]})."


def _partly_settled(explanation: Explanation) -> bool:
    return 0 < _number(explanation, FactName.SETTLED) < _number(explanation, FactName.REPORTS)


def _counted(explanation: Explanation) -> list[JudgedReport]:
    return [report for report in explanation.reports if report.eligible] or list(explanation.reports)


def _number(explanation: Explanation, fact: FactName) -> int:
    value = explanation.facts.get(fact)
    return value if isinstance(value, int) else 0


def _words(explanation: Explanation, fact: FactName, language: Language) -> list[str]:
    value = explanation.facts[fact]
    return [word(each, language) for each in value] if isinstance(value, tuple) else []


def _names(words: tuple[str, ...], language: Language) -> list[str]:
    return [word(each, language) for each in words]
