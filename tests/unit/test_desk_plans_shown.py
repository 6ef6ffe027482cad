"""Plans as the desk's commands show them, in both languages; nothing is said where there is no plan."""

from datetime import date
from typing import Any

import pytest

from cli.desk_plans_shown import next_short, plan_lines, week_lines
from client.desk_plans import Planner
from signals.cases import Attempt, ContactKind, DayPart, TakenUp, case_of
from signals.frames import Week
from signals.rulesets import default_rule_set, default_text, parse_rule_set

DAY = date(2026, 11, 23)
FRAMES = """
frames:
  - tray: urgent
    source: x
    action: {nl: bel, en: call}
    per_week: 1
    attempts: [{kind: phone, after_days: 0, part_of_day: evening}, {kind: letter, after_days: 2}]
"""
PLANNER = Planner(parse_rule_set(default_text() + FRAMES, "x"))


def signal(**changes: Any) -> dict[str, Any]:
    usual = {"signalId": "s" * 36, "tray": "urgent", "receivedOn": "2026-11-23", "deadline": "2026-12-30"}
    return {**usual, "period": "2026-10", "caseId": None, "caseStage": None, **changes}


def test_the_next_step_is_told_with_the_part_of_the_day_and_the_day() -> None:
    plan = PLANNER.of_signal(signal())
    assert next_short(plan, "nl") == "telefoongesprek (avond) 23 nov 2026"
    assert next_short(plan, "en") == "telephone call (evening) 23 Nov 2026"
    assert plan_lines(plan, "nl")[0] == "Plan: 0 van 2 stappen gedaan"
    assert plan_lines(plan, "nl")[-1] == "Nog niet geprobeerd: ochtend, middag en avond"


def test_what_was_done_is_told_and_a_letter_asks_for_no_part_of_the_day() -> None:
    attempt = Attempt(on=DAY, contact=ContactKind.PHONE, reached=False, day_part=DayPart.MORNING)
    plan = PLANNER.of(signal(), case_of(DAY, [TakenUp(on=DAY), attempt]))
    assert plan_lines(plan, "en") == [
        "Plan: 1 of 2 steps done",
        "  ✓ 1. telephone call (evening), by 23 Nov 2026: done 23 Nov 2026 (morning)",
        "  → 2. letter, by 25 Nov 2026",
    ]
    reached = PLANNER.of(signal(), case_of(DAY, [TakenUp(on=DAY), attempt.model_copy(update={"reached": True})]))
    assert (next_short(reached, "nl"), plan_lines(reached, "nl")[-1][:8]) == ("", "Er hoeft")


@pytest.mark.parametrize(
    ("planner", "changes"),
    [
        (Planner(), {}),
        (Planner(default_rule_set()), {}),
        (PLANNER, {"tray": "single"}),
        (PLANNER, {"caseId": "c", "caseStage": "closed"}),
        (PLANNER, {"caseId": "c", "caseStage": "taken_up"}),  # a case of which nothing is known here
    ],
)
def test_where_nothing_is_planned_or_known_nothing_is_said(planner: Planner, changes: dict[str, Any]) -> None:
    plan = planner.of_signal(signal(**changes))
    assert plan is None
    assert (next_short(plan, "nl"), plan_lines(plan, "nl")) == ("", [])


def test_only_what_nobody_took_up_in_the_month_shown_waits() -> None:
    signals = [signal(signalId=name) for name in "ab"] + [signal(signalId="old", period="2026-09")]
    signals += [signal(signalId="t", caseId="c", caseStage="taken_up"), signal(signalId="n", caseStage="new")]
    (week,) = PLANNER.weeks(signals, "2026-10", DAY)
    assert (week.now, week.left) == (("a",), ("b", "n"))
    taken = Planner(PLANNER.rule_set, {"c": {"takenUpOn": "2026-11-23"}})
    assert taken.weeks(signals, "2026-10", DAY)[0].now == ()


def test_what_is_left_over_is_named_with_the_reason_and_what_can_not_wait_in_red() -> None:
    week = Week("urgent", 3, 1, ("a" * 36, "b" * 36), ("c" * 36, "d" * 36), ("d" * 36,))
    why = "spoed: 4 wachten, 3 per week, 1 deze week opgepakt. Deze week nog 2 (spoed, termijn, voorrang); "
    assert week_lines([week], "nl") == [
        (why + "over: 2 (cccccccc, dddddddd)", "yellow"),
        ("  ✗ Daarvan moeten er 1 voor volgende week: dddddddd", "bold red"),
    ]
    assert "left over: 2" in week_lines([week], "en")[0][0]
    assert week_lines([Week("urgent", 3, 0, ("a",), (), ())], "nl") == []
