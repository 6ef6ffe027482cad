"""What the default rule set makes of reports, in worked examples: both sides of every border."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.explanation import Breach, Explanation
from signals.facts import FactName
from signals.oracle import Decision, JudgedMonth, LiveReport, judge_reports, replay, signal_id
from signals.report import Category, Kind, UrgentFlag
from signals.rulesets import RuleSet, default_rule_set
from tests.budget import examples
from tests.rule_sets import live_reports, rule_sets

RULES = default_rule_set()
HOUSEHOLD = UUID(int=1)


def rent(number: int = 1, period: str = "2026-10", days: int = 60, **changed: Any) -> LiveReport:
    """Rent arrears that count, of a creditor of its own; `days` is their age."""
    reported_on = date(int(period[:4]), int(period[5:]), 28)
    report = LiveReport(
        household_id=HOUSEHOLD,
        report_id=UUID(int=int(period.replace("-", "")) * 1000 + number),
        creditor_id=f"creditor-{number}",
        reference=UUID(int=number),
        period=period,
        kind=Kind.EARLY,
        category=Category.RENT,
        amount_euros=500,
        months=2,
        arrears_since=reported_on - timedelta(days=days),
        reported_on=reported_on,
        received_on=reported_on + timedelta(days=5),
        urgent=(),
        district=UUID(int=9),
    )
    return replace(report, **changed)


def judged(*reports: LiveReport) -> JudgedMonth:
    """The signal of the last month."""
    return judge_reports("oudewater", RULES, reports)[-1]


def test_one_creditor_and_nothing_before_is_single() -> None:
    signal = judged(rent())
    assert (signal.rules, signal.tray, signal.urgent) == (("single@1",), "single", False)
    assert (signal.creditors, signal.amount_euros, signal.months) == (1, 500, 2)


def test_two_creditors_in_the_same_month_are_multiple() -> None:
    signal = judged(rent(1), rent(2, category=Category.ENERGY, amount_euros=120, months=3))
    assert (signal.rules, signal.tray) == (("multiple@1",), "multiple")
    assert (signal.creditors, signal.amount_euros, signal.months) == (2, 620, 3)
    assert signal.categories == ("rent", "energy")


def test_two_contracts_of_one_creditor_are_not_multiple() -> None:
    signal = judged(rent(1), rent(2, creditor_id="creditor-1"))
    assert signal.rules == ("single@1",)
    assert signal.explanation.facts[FactName.REPORTS] == 2


@pytest.mark.parametrize(("earlier", "rule"), [("2026-04", "consecutive@1"), ("2026-03", "single@1")])
def test_again_within_six_months_is_consecutive(earlier: str, rule: str) -> None:
    assert judged(rent(1, earlier), rent(2)).rules == (rule,)


def test_multiple_and_consecutive_hold_together_and_the_tray_is_the_first() -> None:
    signal = judged(rent(1, "2026-09"), rent(1, amount_euros=800), rent(2))
    assert signal.rules == ("multiple@1", "consecutive@1")
    assert signal.tray == "multiple"


def test_the_window_crosses_the_year() -> None:
    assert judged(rent(1, "2025-11"), rent(2, "2026-02")).rules == ("consecutive@1",)


def test_a_report_that_did_not_count_makes_nothing_consecutive() -> None:
    assert judged(rent(1, "2026-09", days=10), rent(2)).rules == ("single@1",)


def test_growth_is_against_the_latest_earlier_month() -> None:
    signal = judged(rent(1, "2026-07", amount_euros=300), rent(1, "2026-09", amount_euros=200), rent(1))
    assert signal.explanation.facts[FactName.GROWTH_EUROS] == 300
    assert signal.explanation.facts[FactName.EARLIER_MONTHS] == 2
    assert judged(rent()).explanation.facts[FactName.GROWTH_EUROS] is None


@pytest.mark.parametrize(
    ("category", "days", "eligible"),
    [
        (Category.RENT, 29, False),
        (Category.RENT, 30, True),
        (Category.RENT, 400, True),
        (Category.ENERGY, 29, False),
        (Category.ENERGY, 30, True),
        (Category.WATER, 30, True),
        (Category.HEALTH_INSURANCE, 29, False),
        (Category.HEALTH_INSURANCE, 30, True),
        (Category.HEALTH_INSURANCE, 60, True),
        (Category.HEALTH_INSURANCE, 90, True),
        (Category.HEALTH_INSURANCE, 100, True),
        (Category.HEALTH_INSURANCE, 101, False),
        (Category.HEALTH_INSURANCE, 120, False),
        (Category.CAK_CONTRIBUTION, 149, False),
        (Category.CAK_CONTRIBUTION, 150, True),
    ],
)
def test_the_age_window_has_both_ends_inside(category: Category, days: int, *, eligible: bool) -> None:
    signal = judged(rent(category=category, days=days, months=1))
    assert (signal.tray == "set_aside") is not eligible


@pytest.mark.parametrize(
    ("category", "amount", "eligible"),
    [
        (Category.RENT, 49, False),
        (Category.RENT, 50, True),
        (Category.WATER, 9, False),
        (Category.WATER, 10, True),
        (Category.CAK_CONTRIBUTION, 99, False),
        (Category.CAK_CONTRIBUTION, 100, True),
        (Category.TAXES, 599, False),
        (Category.TAXES, 600, True),
        (Category.BENEFITS, 600, True),
        (Category.STUDENT_LOAN, 9999, False),
    ],
)
def test_the_least_amount_counts(category: Category, amount: int, *, eligible: bool) -> None:
    days = 160 if category is Category.CAK_CONTRIBUTION else 60
    signal = judged(rent(category=category, amount_euros=amount, days=days))
    assert (signal.tray == "set_aside") is not eligible


def test_a_household_whose_reports_all_fall_outside_is_set_aside_with_the_reason() -> None:
    signal = judged(rent(amount_euros=20, days=12))
    assert (signal.tray, signal.rules, signal.priority, signal.urgent) == ("set_aside", (), 0, False)
    assert signal.explanation.set_aside == "none_eligible"
    assert signal.explanation.reports[0].outside == (
        Breach(fact="days", at_least=30),
        Breach(fact="amount_euros", at_least=50),
    )
    assert signal.deadline == signal.received_on + timedelta(days=28)
    assert (signal.amount_euros, signal.creditors, signal.categories) == (20, 1, ("rent",))


def test_a_report_that_does_not_count_is_shown_beside_those_that_do() -> None:
    signal = judged(rent(1, days=5), rent(2))
    assert signal.rules == ("single@1",)
    assert signal.amount_euros == 500
    assert [report.eligible for report in signal.explanation.reports] == [True, False]


def test_end_of_supply_counts_outside_the_window_and_says_so() -> None:
    signal = judged(rent(category=Category.ENERGY, kind=Kind.END_OF_SUPPLY, amount_euros=5, days=3))
    assert signal.rules == ("end-of-supply@1", "single@1")
    assert (signal.tray, signal.urgent) == ("urgent", True)
    assert signal.explanation.reports[0].eligible
    assert {breach.fact for breach in signal.explanation.reports[0].outside} == {"days", "amount_euros"}


def test_a_hand_over_counts_outside_the_window_without_being_urgent() -> None:
    signal = judged(rent(category=Category.STUDENT_LOAN, kind=Kind.HAND_OVER))
    assert (signal.rules, signal.urgent) == (("single@1",), False)
    assert signal.explanation.reports[0].outside == (Breach(fact="category"),)


@pytest.mark.parametrize("flag", UrgentFlag)
def test_what_threatens_comes_first(flag: UrgentFlag) -> None:
    signal = judged(rent(urgent=(flag,)), rent(2))
    assert (signal.tray, signal.urgent, signal.priority) == ("urgent", True, 50)
    assert signal.rules == ("urgent@1", "multiple@1")


def test_the_urgent_clock_counts_working_days_from_receipt() -> None:
    signal = judged(rent(received_on=date(2026, 4, 2), urgent=(UrgentFlag.EVICTION_ANNOUNCED,)))
    assert signal.deadline == date(2026, 4, 9)  # over Easter
    assert judged(rent(received_on=date(2026, 4, 2))).deadline == date(2026, 4, 30)


def test_the_clock_starts_with_the_first_report_that_counts() -> None:
    first, second = date(2026, 11, 2), date(2026, 11, 9)
    assert judged(rent(1, received_on=first), rent(2, received_on=second)).received_on == first
    assert judged(rent(1, days=3, received_on=first), rent(2, received_on=second)).received_on == second


@pytest.mark.parametrize(("amount", "tray"), [(499, "set_aside"), (500, "set_aside"), (501, "consecutive")])
def test_the_same_arrears_not_grown_are_a_repeat(amount: int, tray: str) -> None:
    signal = judged(rent(1, "2026-09"), rent(1, amount_euros=amount, kind=Kind.UPDATE))
    assert signal.tray == tray
    assert signal.rules == ("consecutive@1",)  # the national definition counts a repeat as "again"
    assert signal.explanation.reports[0].repeat is (tray == "set_aside")
    assert signal.explanation.set_aside == ("all_repeats" if tray == "set_aside" else None)


def test_a_repeat_beside_something_new_stays_in_the_worklist() -> None:
    signal = judged(rent(1, "2026-09"), rent(1), rent(2))
    assert (signal.rules, signal.tray) == (("multiple@1", "consecutive@1"), "multiple")
    assert [report.repeat for report in signal.explanation.reports] == [True, False]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param(rent(1, "2026-08"), rent(1), id="a month between"),
        pytest.param(rent(1, "2026-09"), rent(1, reference=UUID(int=5)), id="another contract"),
        pytest.param(rent(1, "2026-09"), rent(1, creditor_id="other"), id="another creditor"),
        pytest.param(rent(1, "2026-09", days=20), rent(1), id="did not count before"),
        pytest.param(rent(1, "2026-09"), rent(1, urgent=(UrgentFlag.EVICTION_ANNOUNCED,)), id="urgent now"),
        pytest.param(rent(1, "2026-09"), rent(1, kind=Kind.END_OF_SUPPLY), id="end of supply now"),
        pytest.param(rent(1, "2026-09", household_id=UUID(int=2)), rent(1), id="another household"),
    ],
)
def test_what_says_something_new_is_no_repeat(earlier: LiveReport, later: LiveReport) -> None:
    signals = judge_reports("oudewater", RULES, [earlier, later])
    (signal,) = [each for each in signals if each.period == "2026-10"]
    assert not signal.explanation.reports[0].repeat
    assert signal.tray != "set_aside"


def test_each_month_and_household_has_a_signal_with_a_lasting_id() -> None:
    signals = judge_reports("oudewater", RULES, [rent(1, "2026-09"), rent(1), rent(2, household_id=UUID(int=2))])
    assert [(each.household_id.int, each.period) for each in signals] == [
        (1, "2026-09"),
        (1, "2026-10"),
        (2, "2026-10"),
    ]
    assert signals[1].signal_id == signal_id("oudewater", HOUSEHOLD, "2026-10")
    assert signal_id("oudewater", HOUSEHOLD, "2026-10") != signal_id("vianen", HOUSEHOLD, "2026-10")


@given(st.permutations([rent(1, "2026-08"), rent(1, "2026-09"), rent(1), rent(2), rent(3, days=4)]))
def test_the_order_of_the_reports_does_not_matter(reports: list[LiveReport]) -> None:
    expected = judge_reports("oudewater", RULES, sorted(reports, key=lambda report: report.report_id))
    assert judge_reports("oudewater", RULES, reports) == expected


@settings(max_examples=examples(20))
@given(live_reports(), rule_sets(), st.randoms(use_true_random=False))
def test_the_order_of_the_reports_does_not_matter_whatever_the_rules(
    reports: list[LiveReport], rule_set: RuleSet, chance: Any
) -> None:
    expected = judge_reports("oudewater", rule_set, reports)
    chance.shuffle(reports)
    assert judge_reports("oudewater", rule_set, reports) == expected


@settings(max_examples=examples(40))
@given(live_reports(), st.just(RULES) | rule_sets())
def test_a_signal_is_judged_again_to_the_same_from_its_explanation_alone(
    reports: list[LiveReport], rule_set: RuleSet
) -> None:
    for signal in judge_reports("oudewater", rule_set, reports):
        kept = Explanation.model_validate_json(signal.explanation.model_dump_json())
        facts, decision = replay(kept, rule_set)
        assert facts == kept.facts
        assert decision == Decision(
            signal.tray,
            signal.rules,
            signal.urgent,
            signal.priority,
            signal.deadline,
            signal.explanation.set_aside,
        )
        matched = [rule.id for rule in kept.rules if rule.matched]
        assert matched == list(decision.rules)
        assert all(rule.matched == all(need.ok for need in rule.needs) for rule in kept.rules if eligible(kept))


def eligible(explanation: Explanation) -> bool:
    return any(report.eligible for report in explanation.reports)


def test_an_explanation_that_was_altered_does_not_come_to_the_same_again() -> None:
    made = judged(rent(1), rent(2)).explanation
    fewer = made.model_copy(update={"facts": {**made.facts, FactName.CREDITORS: 1}})
    assert replay(made, RULES)[1].tray == "multiple"
    assert replay(fewer, RULES)[1].tray == "single"
    cheaper = made.model_copy(update={"facts": {**made.facts, FactName.AMOUNT_EUROS: 1}})
    assert replay(cheaper, RULES)[0] == made.facts


def test_a_signal_is_judged_again_only_by_the_rules_that_made_it() -> None:
    made = judged(rent(1)).explanation
    with pytest.raises(ValueError, match="default@1 with another content"):
        replay(made, RULES.model_copy(update={"version": 2}))


SETTLED = date(2026, 11, 1)


def test_a_month_of_which_all_that_counts_is_settled_goes_apart_also_what_was_urgent() -> None:
    signal = judged(rent(1, settled_on=SETTLED, urgent=(UrgentFlag.EVICTION_ANNOUNCED,)), rent(2, days=4))
    assert (signal.tray, signal.urgent, signal.priority) == ("settled", False, 0)
    assert signal.explanation.set_aside == "all_settled"
    assert signal.rules == ("urgent@1", "single@1")  # what matched is still told
    assert signal.deadline == signal.received_on + timedelta(days=28)


def test_as_long_as_one_report_is_open_the_signal_stays_and_says_how_many_are_settled() -> None:
    signal = judged(rent(1, settled_on=SETTLED, urgent=(UrgentFlag.EVICTION_ANNOUNCED,)), rent(2))
    assert (signal.tray, signal.urgent) == ("urgent", True)
    assert signal.explanation.facts[FactName.SETTLED] == 1


def test_what_is_settled_still_makes_a_later_month_consecutive() -> None:
    assert judged(rent(1, "2026-08", settled_on=date(2026, 9, 1)), rent(2)).rules == ("consecutive@1",)


@pytest.mark.parametrize(("settled_on", "repeat"), [(date(2026, 10, 28), False), (date(2026, 10, 29), True)])
def test_after_what_was_settled_the_same_amount_is_other_arrears(settled_on: date, *, repeat: bool) -> None:
    signal = judged(rent(1, "2026-09", settled_on=settled_on), rent(1))
    assert signal.explanation.reports[0].repeat is repeat


def test_end_of_supply_out_of_the_blue_is_urgent_all_the_same_and_counted() -> None:
    signal = judged(rent(category=Category.ENERGY, kind=Kind.END_OF_SUPPLY, unannounced=True))
    assert (signal.tray, signal.explanation.facts[FactName.UNANNOUNCED]) == ("urgent", 1)
