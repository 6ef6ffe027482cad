"""What a rule set makes of reports, in plain Python: the oracle that tests compare the compiled SQL with.

It is written to be read and not to be quick; the service never runs it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from signals.explanation import FORMAT, Breach, Explanation, JudgedReport, JudgedRule, Need, SetAsideReason, Value
from signals.facts import FACTS, FactName, Listing
from signals.report import Category, Kind, UrgentFlag
from signals.rulesets import Bounds, Clock, Condition, Rule, RuleSet
from signals.workdays import add_working_days

Facts = Mapping[FactName, Value]


@dataclass(frozen=True, slots=True)
class LiveReport:
    """One live report of a linked household: the columns of `signals.report` that judging reads."""

    household_id: UUID
    report_id: UUID
    creditor_id: str
    reference: UUID
    period: str
    kind: Kind
    category: Category
    amount_euros: int
    months: int
    arrears_since: date
    reported_on: date
    received_on: date
    urgent: tuple[UrgentFlag, ...]
    district: UUID
    known_client: bool = False
    settled_on: date | None = None
    unannounced: bool = False

    @property
    def days(self) -> int:
        """Days from the start of the arrears to the reference date."""
        return (self.reported_on - self.arrears_since).days


AnyReport = LiveReport | JudgedReport


@dataclass(frozen=True, slots=True)
class JudgedMonth:
    """One signal: the columns of the three tables."""

    signal_id: UUID
    household_id: UUID
    period: str
    tray: str
    rules: tuple[str, ...]
    urgent: bool
    priority: int
    received_on: date
    deadline: date
    categories: tuple[str, ...]
    creditors: int
    rule_set: str
    amount_euros: int
    months: int
    district: UUID
    reports: tuple[UUID, ...]
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule set makes of the facts of one month."""

    tray: str
    rules: tuple[str, ...]
    urgent: bool
    priority: int
    deadline: date
    set_aside: SetAsideReason | None


def judge_reports(pilot_id: str, rule_set: RuleSet, reports: Iterable[LiveReport]) -> list[JudgedMonth]:
    """Judge every household and month that has a report, in the order of household and month."""
    households: dict[UUID, list[LiveReport]] = defaultdict(list)
    for report in reports:
        households[report.household_id].append(report)
    return [
        _judge_month(pilot_id, rule_set, households[household], period)
        for household in sorted(households)
        for period in sorted({report.period for report in households[household]})
    ]


def signal_id(pilot_id: str, household_id: UUID, period: str) -> UUID:
    """The id that a household's month always has: the first 16 bytes of SHA-256 over the three."""
    return UUID(bytes=hashlib.sha256(f"{pilot_id}/{household_id}/{period}".encode()).digest()[:16])


def replay(explanation: Explanation, rule_set: RuleSet) -> tuple[Facts, Decision]:
    """Judge a signal again from its explanation alone, by the rule set that it names.

    Facts that follow from the month's reports are worked out anew; what other months and the creditors' names would be
    needed for (creditors, repeats, growth, earlier months, district) is taken from the explanation.

    Raises:
        ValueError: the rule set is not the one that made the signal.
    """
    if rule_set.hash().hex() != explanation.hash:
        raise ValueError(f"the signal was made by {explanation.rule_set} with another content")
    eligible = [report for report in explanation.reports if _eligible(rule_set, report)]
    facts = dict(explanation.facts) | _of_reports(eligible or explanation.reports)
    return facts, decide(rule_set, facts, explanation.received_on, any_eligible=bool(eligible))


def decide(rule_set: RuleSet, facts: Facts, received_on: date, *, any_eligible: bool) -> Decision:
    """What the rule set makes of the facts; `received_on` is the day on which the clocks start."""
    matched = [rule for rule in rule_set.by_priority() if any_eligible and _matches(rule, facts)]
    reason = _set_aside(matched, facts, any_eligible=any_eligible)
    settled = reason == "all_settled"
    clocks = [rule.clock for rule in matched if not settled] or [rule_set.set_aside.clock]
    aside = rule_set.set_aside.settled.tray if settled else rule_set.set_aside.tray
    return Decision(
        tray=aside if reason else matched[0].tray,
        rules=tuple(rule.id for rule in matched),
        urgent=not settled and any(rule.urgent for rule in matched),
        priority=0 if reason else matched[0].priority,
        deadline=min(_due(rule_set.clock(clock), received_on) for clock in clocks),
        set_aside=reason,
    )


def breaches(rule_set: RuleSet, report: AnyReport) -> tuple[Breach, ...]:
    """What of its category's terms the report lies outside of, whatever its kind."""
    terms = {terms.category: terms for terms in rule_set.eligibility}.get(report.category)
    if terms is None:
        return (Breach(fact="category"),)
    checks: tuple[tuple[Literal["days", "amount_euros", "months"], int, Bounds | None], ...] = (
        ("days", report.days, terms.days),
        ("amount_euros", report.amount_euros, terms.amount_euros),
        ("months", report.months, terms.months),
    )
    found = []
    for fact, value, bounds in checks:
        if bounds is not None and bounds.at_least is not None and value < bounds.at_least:
            found.append(Breach(fact=fact, at_least=bounds.at_least))
        if bounds is not None and bounds.at_most is not None and value > bounds.at_most:
            found.append(Breach(fact=fact, at_most=bounds.at_most))
    return tuple(found)


def _eligible(rule_set: RuleSet, report: AnyReport) -> bool:
    return report.kind in rule_set.always_eligible.kinds or not breaches(rule_set, report)


def _repeats(rule_set: RuleSet, report: LiveReport, household: Sequence[LiveReport]) -> bool:
    if not _eligible(rule_set, report) or report.kind in rule_set.always_eligible.kinds or report.urgent:
        return False
    earlier = [
        other
        for other in household
        if (other.creditor_id, other.reference) == (report.creditor_id, report.reference)
        and _month(other.period) < _month(report.period)
        and _eligible(rule_set, other)
    ]
    if not earlier:
        return False
    last = max(earlier, key=lambda other: other.period)
    if last.settled_on is not None and last.settled_on <= report.reported_on:
        return False  # other arrears
    recent = _month(last.period) >= _month(report.period) - rule_set.repeats.months_back
    return recent and report.amount_euros < last.amount_euros + rule_set.repeats.grown_by_euros


def _judge_month(pilot_id: str, rule_set: RuleSet, household: Sequence[LiveReport], period: str) -> JudgedMonth:
    reports = sorted(
        (report for report in household if report.period == period),
        key=lambda report: (not _eligible(rule_set, report), report.creditor_id, report.report_id),
    )
    eligible = [report for report in reports if _eligible(rule_set, report)]
    facts = _facts(rule_set, eligible or reports, household, period)
    received_on = min(report.received_on for report in eligible or reports)
    decision = decide(rule_set, facts, received_on, any_eligible=bool(eligible))
    household_id = reports[0].household_id
    return JudgedMonth(
        signal_id=signal_id(pilot_id, household_id, period),
        household_id=household_id,
        period=period,
        tray=decision.tray,
        rules=decision.rules,
        urgent=decision.urgent,
        priority=decision.priority,
        received_on=received_on,
        deadline=decision.deadline,
        categories=_words(facts[FactName.CATEGORIES]),
        creditors=_number(facts[FactName.CREDITORS]),
        rule_set=rule_set.name,
        amount_euros=_number(facts[FactName.AMOUNT_EUROS]),
        months=_number(facts[FactName.MONTHS]),
        district=reports[0].district,
        reports=tuple(report.report_id for report in reports),
        explanation=Explanation(
            format=FORMAT,
            rule_set=rule_set.name,
            hash=rule_set.hash().hex(),
            window_months=rule_set.window.months,
            period=period,
            received_on=received_on,
            deadline=decision.deadline,
            tray=decision.tray,
            set_aside=decision.set_aside,
            facts=dict(facts),
            rules=tuple(
                _judged_rule(rule, facts, matched=rule.id in decision.rules) for rule in rule_set.by_priority()
            ),
            reports=tuple(_judged_report(rule_set, report, household) for report in reports),
        ),
    )


def _set_aside(matched: Sequence[Rule], facts: Facts, *, any_eligible: bool) -> SetAsideReason | None:
    if not any_eligible:
        return "none_eligible"
    if facts[FactName.SETTLED] == facts[FactName.REPORTS]:
        return "all_settled"
    if not matched:
        return "no_rule"
    only_repeats = facts[FactName.REPEATS] == facts[FactName.REPORTS]
    return "all_repeats" if only_repeats and not any(rule.urgent for rule in matched) else None


def _facts(
    rule_set: RuleSet, counted: Sequence[LiveReport], household: Sequence[LiveReport], period: str
) -> dict[FactName, Value]:
    """The facts of a month; what looks back is unknown (None) where no report of the month is eligible."""
    amount = sum(report.amount_euros for report in counted)
    earlier_months: int | None = None
    growth: int | None = None
    if _eligible(rule_set, counted[0]):
        first = _month(period) - rule_set.window.months
        totals: dict[int, int] = defaultdict(int)
        for report in household:
            if first <= _month(report.period) < _month(period) and _eligible(rule_set, report):
                totals[_month(report.period)] += report.amount_euros
        earlier_months = len(totals)
        growth = amount - totals[max(totals)] if totals else None
    return _of_reports(counted) | {
        FactName.CREDITORS: len({report.creditor_id for report in counted}),
        FactName.REPEATS: sum(_repeats(rule_set, report, household) for report in counted),
        FactName.GROWTH_EUROS: growth,
        FactName.EARLIER_MONTHS: earlier_months,
        FactName.DISTRICT: counted[0].district.hex,
    }


def _of_reports(counted: Sequence[AnyReport]) -> dict[FactName, Value]:
    """The facts that follow from the month's own reports, without a name of a creditor."""
    return {
        FactName.REPORTS: len(counted),
        FactName.SETTLED: sum(report.settled_on is not None for report in counted),
        FactName.UNANNOUNCED: sum(report.unannounced for report in counted),
        FactName.CATEGORIES: tuple(word for word in Category if any(word == report.category for report in counted)),
        FactName.KINDS: tuple(word for word in Kind if any(word == report.kind for report in counted)),
        FactName.URGENT_FLAGS: tuple(word for word in UrgentFlag if any(word in report.urgent for report in counted)),
        FactName.KNOWN_CLIENT: tuple(
            word for word in Listing if any((word is Listing.LISTED) == report.known_client for report in counted)
        ),
        FactName.AMOUNT_EUROS: sum(report.amount_euros for report in counted),
        FactName.MONTHS: max(report.months for report in counted),
        FactName.NEWEST_DAYS: min(report.days for report in counted),
        FactName.OLDEST_DAYS: max(report.days for report in counted),
    }


def _matches(rule: Rule, facts: Facts) -> bool:
    return all(_holds(need, facts[need.fact]) for need in rule.needs)


def _holds(need: Condition, value: Value) -> bool:
    if FACTS[need.fact].is_number:
        return (
            isinstance(value, int)
            and (need.at_least is None or value >= need.at_least)
            and (need.at_most is None or value <= need.at_most)
        )
    words = {value} if isinstance(value, str) else set(_words(value))
    return (need.any_of is None or bool(words & set(need.any_of))) and not words & set(need.none_of or ())


def _judged_rule(rule: Rule, facts: Facts, *, matched: bool) -> JudgedRule:
    needs = tuple(Need(**need.model_dump(exclude_none=True), ok=_holds(need, facts[need.fact])) for need in rule.needs)
    if not matched:
        return JudgedRule(id=rule.id, matched=False, needs=needs)
    return JudgedRule(id=rule.id, matched=True, urgent=rule.urgent, words=rule.words, source=rule.source, needs=needs)


def _judged_report(rule_set: RuleSet, report: LiveReport, household: Sequence[LiveReport]) -> JudgedReport:
    return JudgedReport(
        report_id=report.report_id,
        category=report.category,
        kind=report.kind,
        amount_euros=report.amount_euros,
        months=report.months,
        days=report.days,
        eligible=_eligible(rule_set, report),
        outside=breaches(rule_set, report),
        repeat=_repeats(rule_set, report, household),
        urgent=report.urgent,
        known_client=report.known_client,
        settled_on=report.settled_on,
        unannounced=report.unannounced,
    )


def _due(clock: Clock, received_on: date) -> date:
    if clock.working_days is not None:
        return add_working_days(received_on, clock.working_days)
    return received_on + timedelta(days=clock.days or 0)


def _month(period: str) -> int:
    return int(period[:4]) * 12 + int(period[5:])


def _words(value: Value) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return tuple(str(word) for word in value)


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value
