"""What may be delivered: each rule refuses by name at its border, and lets through what lies on the right side."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake_rules import Agreed, DeliveryRefused, broken_rule, first_and_last_day, refuse_dates
from signals.line_rules import LINE_RULES
from signals.pilot import Agreement, Pilot
from signals.report import Category, Report
from tests.unit.test_report_wire import make_report
from tests.world import agreement_document, pilot_document

ROOT = Path(__file__).parents[2]
PERIOD = "2026-10"
STEPS = ("contactSoughtOn", "offerMadeOn", "pointedAtHelpOn", "reminderSentOn")


def make_agreed(pilot: dict[str, Any] | None = None, agreement: dict[str, Any] | None = None, **terms: Any) -> Agreed:
    rent = {"basis": "statutory", "source": "Bgs art. 2", **terms}
    document = pilot_document("aland", "town-a", **{"categories": {"rent": rent}} | (pilot or {}))
    read = Pilot.model_validate(document)
    agreed = Agreement.model_validate(agreement_document("aland", "housing", **agreement or {}))
    return Agreed(read, agreed, read.categories[Category.RENT])


def broken(agreed: Agreed | None = None, steps: dict[str, Any] | None = None, **changes: Any) -> tuple[str, str] | None:
    report = make_report(**changes)
    report["socialCollection"] |= steps or {}
    return broken_rule(Report.model_validate(report), agreed or make_agreed(), PERIOD)


def test_a_report_in_order_breaks_no_rule() -> None:
    assert broken() is None


@pytest.mark.parametrize("day", ["2026-09-30", "2026-11-01", "2025-10-31"])
def test_a_report_of_another_month_is_refused(day: str) -> None:
    assert broken(reportedOn=day, arrearsSince="2025-01-01") == ("/report/reportedOn", "not-in-period")


@pytest.mark.parametrize("day", ["2026-10-16", "2026-10-31"])
def test_a_report_on_the_last_day_of_the_month_or_before_is_taken(day: str) -> None:
    assert broken(reportedOn=day) is None


def test_arrears_can_not_begin_after_the_report() -> None:
    assert broken(arrearsSince="2026-11-01") == ("/report/arrearsSince", "arrears-after-report")


@pytest.mark.parametrize("kind", ["end_of_supply", "hand_over"])
def test_a_kind_that_the_agreement_does_not_name_is_refused(kind: str) -> None:
    assert broken(make_agreed(agreement={"kinds": ["early"]}), kind=kind) == ("/report/kind", "kind-not-agreed")
    assert broken(make_agreed(agreement={"kinds": ["early", kind]}), kind=kind) is None


@pytest.mark.parametrize(
    ("terms", "below", "at", "pointer"),
    [
        ({"minimum_euros": 50}, {"amountEuros": 49}, {"amountEuros": 50}, "/report/amountEuros"),
        ({"minimum_months": 2}, {"months": 1}, {"months": 2}, "/report/months"),
        ({"minimum_days": 30}, {"arrearsSince": "2026-10-02"}, {"arrearsSince": "2026-10-01"}, "/report/arrearsSince"),
    ],
    ids=["euros", "months", "days"],
)
def test_a_threshold_holds_up_to_its_border(
    terms: dict[str, Any], below: dict[str, Any], at: dict[str, Any], pointer: str
) -> None:
    agreed = make_agreed(agreement={"kinds": ["early", "end_of_supply", "hand_over"]}, **terms)
    assert broken(agreed, **below) == (pointer, "below-threshold")
    assert broken(agreed, **at) is None
    for free in ("end_of_supply", "hand_over"):  # duties that hold below the thresholds too
        assert broken(agreed, **below, kind=free) is None


@pytest.mark.parametrize("step", STEPS)
def test_each_step_of_social_collection_lies_between_arrears_and_report(step: str) -> None:
    refused = ("/report/socialCollection", "social-collection-incomplete")
    assert broken(steps={step: "2026-09-30"}) == refused
    assert broken(steps={step: "2026-11-01"}) == refused
    for day in ("2026-10-01", "2026-10-31"):  # the offer not before the reminder, see below
        assert broken(steps={"reminderSentOn": day, "offerMadeOn": day, step: day}) is None


def test_no_kind_is_free_of_social_collection() -> None:
    agreed = make_agreed(agreement={"kinds": ["end_of_supply"]})
    found = broken(agreed, kind="end_of_supply", steps={"offerMadeOn": "2026-11-01"})
    assert found == ("/report/socialCollection", "social-collection-incomplete")


@pytest.mark.parametrize(
    ("agreed", "said"),
    [("steps-2026", "steps-2025"), ("steps-2026", None), (None, "steps-2026"), (None, None)],
)
def test_a_fixed_procedure_is_the_one_that_the_agreement_names(agreed: str | None, said: str | None) -> None:
    steps = {"by": "procedure", "procedure": said}
    refused = ("/report/socialCollection/procedure", "procedure-not-agreed")
    assert broken(make_agreed(agreement={"procedure": agreed}), steps=steps) == refused
    if said is not None:
        assert broken(make_agreed(agreement={"procedure": said}), steps=steps) is None


def test_a_record_of_the_resident_needs_no_agreed_procedure() -> None:
    assert broken(make_agreed(agreement={"procedure": "steps-2026"}), steps={"by": "record"}) is None


DATES = {"starts": "2026-03-10", "ends": "2026-11-20"}


def refused_rule(agreed: Agreed, period: str, today: date) -> str | None:
    try:
        refuse_dates(agreed, period, today)
    except DeliveryRefused as refused:
        return refused.rule
    return None


@pytest.mark.parametrize("which", ["pilot", "agreement"])
@pytest.mark.parametrize(
    ("period", "today", "rule"),
    [
        ("2026-10", "2026-11-02", None),
        ("2026-10", "2026-10-01", None),
        ("2026-11", "2026-11-20", None),
        ("2026-03", "2026-03-10", None),
        ("2026-10", "2026-11-21", "{}-not-running"),
        ("2026-03", "2026-03-09", "{}-not-running"),
        ("2026-02", "2026-03-10", "period-outside-{}"),
        ("2026-11", "2026-10-31", "period-in-future"),
        ("2027-10", "2026-10-31", "period-in-future"),
    ],
)
def test_a_delivery_lies_within_the_days_of_pilot_and_agreement(
    which: str, period: str, today: str, rule: str | None
) -> None:
    agreed = make_agreed(**{which: DATES})
    assert refused_rule(agreed, period, date.fromisoformat(today)) == (rule.format(which) if rule else None)


def test_a_month_in_which_it_ran_for_one_day_may_be_delivered() -> None:
    assert refused_rule(make_agreed(pilot={"starts": "2026-09-30"}), "2026-09", date(2026, 10, 5)) is None
    assert refused_rule(make_agreed(pilot={"starts": "2026-10-01"}), "2026-09", date(2026, 10, 5)) == (
        "period-outside-pilot"
    )


def test_a_month_may_be_delivered_as_long_as_its_reports_are_kept() -> None:
    agreed = make_agreed(pilot={"retention": {"report_days": 30}})
    assert refused_rule(agreed, "2026-09", date(2026, 10, 30)) is None
    assert refused_rule(agreed, "2026-09", date(2026, 10, 31)) == "period-past-retention"


@given(st.dates(date(2020, 1, 1), date(2099, 12, 31)))
def test_the_first_and_last_day_of_a_month_hold_every_day_of_it_and_no_other(day: date) -> None:
    first, last = first_and_last_day(f"{day:%Y-%m}")
    assert first <= day <= last
    assert (first.day, first.month, last.month) == (1, day.month, day.month)
    assert date.fromordinal(last.toordinal() + 1).day == 1


def test_a_refusal_says_the_rule_and_never_the_report() -> None:
    with pytest.raises(DeliveryRefused) as refused:
        refuse_dates(make_agreed(), "2027-10", date(2026, 10, 31))
    assert (refused.value.rule, refused.value.code) == ("period-in-future", "delivery-refused")


@pytest.mark.parametrize(
    ("answer", "rule"),
    [("refused", "offer-refused"), ("payment_plan_kept", "payment-plan-kept"), ("none", None), ("not_refused", None)],
)
def test_a_refused_offer_and_a_kept_payment_plan_never_become_a_report(answer: str, rule: str | None) -> None:
    agreed = make_agreed(agreement={"kinds": ["early", "end_of_supply"]})
    for kind in ("early", "end_of_supply"):
        expected = ("/report/socialCollection/answer", rule) if rule else None
        assert broken(agreed, kind=kind, steps={"answer": answer}) == expected


def test_the_offer_is_made_with_the_reminder_or_after_it() -> None:
    reminded = {"reminderSentOn": "2026-10-15"}
    refused = ("/report/socialCollection", "offer-before-reminder")
    assert broken(steps={**reminded, "offerMadeOn": "2026-10-14"}) == refused
    assert broken(steps={**reminded, "offerMadeOn": "2026-10-15"}) is None


EXPERIMENT = {"article": "art. 2.2", "creditors": ["housing"], "starts": "2026-02-01", "ends": "2026-12-31"}


def tried(**changes: Any) -> Agreed:
    """Rent as an experiment, which is checked for every kind."""
    terms: Any = {"basis": "experiment", "experiment": EXPERIMENT | changes}
    return make_agreed(agreement={"kinds": ["early", "end_of_supply"]}, **terms)


@pytest.mark.parametrize(
    ("outside", "inside", "report", "refused"),
    [
        ({"creditors": ["power"]}, {"creditors": ["power", "housing"]}, {}, ("/report", "not-in-experiment")),
        ({"ends": "2026-10-30"}, {"ends": "2026-10-31"}, {}, ("/report/reportedOn", "experiment-not-running")),
        ({"starts": "2026-11-01"}, {"starts": "2026-10-31"}, {}, ("/report/reportedOn", "experiment-not-running")),
        (
            {"minimum_euros": 101},
            {"minimum_euros": 100},
            {"amountEuros": 100},
            ("/report/amountEuros", "below-experiment-threshold"),
        ),
        (
            {"minimum_months": 6},
            {"minimum_months": 5},
            {"months": 5},
            ("/report/months", "below-experiment-threshold"),
        ),
    ],
    ids=["creditors", "ends", "starts", "euros", "months"],
)
def test_an_experiment_holds_for_whom_when_and_from_what_it_names(
    outside: dict[str, Any], inside: dict[str, Any], report: dict[str, Any], refused: tuple[str, str]
) -> None:
    for kind in ("early", "end_of_supply"):
        assert broken(tried(**outside), kind=kind, **report) == refused
        assert broken(tried(**inside), kind=kind, **report) is None


def test_a_kind_may_rest_on_a_basis_of_its_own() -> None:
    ground = {"basis": "experiment", "source": "x", "experiment": EXPERIMENT | {"creditors": ["power"]}}
    terms: Any = {"kinds": {"end_of_supply": ground}}
    agreed = make_agreed(agreement={"kinds": ["early", "end_of_supply"]}, **terms)
    assert broken(agreed, kind="end_of_supply") == ("/report", "not-in-experiment")
    assert broken(agreed, kind="early") is None


def test_every_rule_that_refuses_a_line_has_words_and_a_source() -> None:
    sources = [(ROOT / "app" / name).read_text(encoding="utf-8") for name in ("intake_rules.py", "part_reading.py")]
    named = {rule for text in sources for rule in re.findall(r'"/[\w/]+", "([a-z-]+)"', text)} | {"unreadable-line"}
    assert named == LINE_RULES.keys()
    assert all(rule.nl and rule.en and rule.source for rule in LINE_RULES.values())
