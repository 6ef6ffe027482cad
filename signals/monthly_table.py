"""The monthly table: what of a pilot's month may leave the pilot, in the breakdowns of the national monitor.

Which rows it has follows from the pilot's document and rule set, never from the data. It is made once, from counts of a
closed month, and holds no count that privacy/small_numbers.py does not show.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import Field

from privacy.small_numbers import LEAST, STEP, THRESHOLDS, Figure, shown, tells_no_more, total
from signals.facts import FactName
from signals.line_rules import LINE_RULES
from signals.pilot import Pilot
from signals.report import Category, Period, Wire
from signals.rulesets import RuleSet


class Repetition(StrEnum):
    """The national definitions, a signal in one of them: several creditors go before several months."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    CONSECUTIVE = "consecutive"


class OfCategory(Wire):
    """How many reports of a category; null: fewer than the least that is shown, or none."""

    category: Category
    count: int | None


class OfTray(Wire):
    """How many signals in a tray, of one repetition where that is told."""

    tray: str
    repetition: Repetition | None
    count: int | None


class OfRule(Wire):
    """How many lines were refused by a rule."""

    rule: str
    count: int | None


class Total(Wire):
    """Between which two a total lies, by the figures that are shown."""

    at_least: int
    at_most: int


class MonthlyTable(Wire):
    """One month of a pilot. `signals` and `households` are null where they would tell more of small numbers."""

    period: Period
    computed_on: date
    rule_set: str
    thresholds: int = Field(description="Version of the thresholds by which it was made")
    least: int = Field(description="Smaller counts are null")
    step: int = Field(description="Other counts are rounded to a multiple of this")
    reports: tuple[OfCategory, ...]
    reports_total: Total
    signals: tuple[OfTray, ...] | None
    households: Total | None
    refused: tuple[OfRule, ...]


@dataclass(frozen=True, slots=True)
class MonthCounts:
    """The true counts of one month, which stay inside; what is not named is none."""

    reports: Mapping[str, int]  # by category
    signals: Mapping[tuple[str, Repetition], int]  # by tray and repetition; one signal is one household
    refused: Mapping[str, int]  # by rule


def publish(
    counts: MonthCounts,
    pilot: Pilot,
    rule_set: RuleSet,
    period: str,
    earlier: Iterable[MonthlyTable],
    computed_on: date,
) -> MonthlyTable:
    """Make the table of a month. `earlier`: those of the months that the rule set looks back on, as they were made."""
    reports = tuple(
        OfCategory(category=category, count=shown(counts.reports.get(category, 0))) for category in pilot.categories
    )
    signals = signals_beside(counts.signals, rule_set, [row.count for row in reports], earlier)
    return MonthlyTable(
        period=period,
        computed_on=computed_on,
        rule_set=rule_set.name,
        thresholds=THRESHOLDS,
        least=LEAST,
        step=STEP,
        reports=reports,
        reports_total=_total(row.count for row in reports),
        signals=signals,
        households=None if signals is None else _total(row.count for row in signals),
        refused=tuple(OfRule(rule=rule, count=shown(counts.refused.get(rule, 0))) for rule in LINE_RULES),
    )


def trays(rule_set: RuleSet) -> tuple[str, ...]:
    """All trays of a rule set, in the order of its rules, then those of what is set aside."""
    return tuple(dict.fromkeys([*(rule.tray for rule in rule_set.by_priority()), *rule_set.set_aside.trays]))


def signals_beside(
    counts: Mapping[tuple[str, Repetition], int],
    rule_set: RuleSet,
    reports: Iterable[Figure],
    earlier: Iterable[MonthlyTable],
) -> tuple[OfTray, ...] | None:
    """The signals by tray and repetition, else by tray, else none: the finest that tells no more of what is shown."""
    most, most_before = total(reports).at_most, _households_before(earlier, rule_set)
    by_both = [
        (tray, repetition, counts.get((tray, repetition), 0)) for tray in trays(rule_set) for repetition in Repetition
    ]
    by_tray = [(tray, None, sum(counts.get((tray, r), 0) for r in Repetition)) for tray in trays(rule_set)]
    for breakdown in (by_both, by_tray):
        rows = tuple(OfTray(tray=tray, repetition=of, count=shown(count)) for tray, of, count in breakdown)
        again = [(row.count, 1) for row in rows if _again(row, rule_set)]
        if tells_no_more([(row.count, _reports_behind(row, rule_set)) for row in rows], most) and (
            most_before is None or tells_no_more(again, most_before)
        ):
            return rows
    return None


def _reports_behind(row: OfTray, rule_set: RuleSet) -> int:
    """How many reports of the month each signal of the row rests on at the least: what ties signals to reports."""
    by_definition = 2 if row.repetition is Repetition.MULTIPLE else 1
    return max(
        by_definition, _asked(rule_set, row.tray, FactName.CREDITORS), _asked(rule_set, row.tray, FactName.REPORTS)
    )


def _again(row: OfTray, rule_set: RuleSet) -> bool:
    """Whether each signal of the row is of a household that had one in an earlier month: what ties months together."""
    if row.repetition is None:
        return _asked(rule_set, row.tray, FactName.EARLIER_MONTHS) > 0
    return row.repetition is Repetition.CONSECUTIVE


def _asked(rule_set: RuleSet, tray: str, fact: FactName) -> int:
    """How much of a fact every rule asks for that sorts into the tray."""
    if tray in rule_set.set_aside.trays:
        return 0
    asked = [
        [need.at_least or 0 for need in rule.needs if need.fact == fact] for rule in rule_set.rules if rule.tray == tray
    ]
    return min(max(of_rule, default=0) for of_rule in asked)


def _households_before(earlier: Iterable[MonthlyTable], rule_set: RuleSet) -> int | None:
    """As many signals as the earlier months may have had, by what is shown of them; None where nothing is.

    Not more than their reports leave room for: each table was made with room for two counts that are not shown.
    """
    shown_before = [table.signals for table in earlier if table.signals is not None]
    if not shown_before:
        return None
    most = 0
    for rows in shown_before:
        hidden = sum(row.count is None and _reports_behind(row, rule_set) == 1 for row in rows)
        most += total(row.count for row in rows).at_least + min(2, hidden) * (LEAST - 1)
    return most


def _total(figures: Iterable[Figure]) -> Total:
    band = total(figures)
    return Total(at_least=band.at_least, at_most=band.at_most)
