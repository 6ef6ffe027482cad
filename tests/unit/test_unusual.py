"""Unusual reading: each rule at both sides of its borders, and that an alert rests on what is in the log."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from client.unusual import Alert, unusual
from signals.alerts import ALERTS, AfterHours, BreakGlass, Refused, SameHousehold, Volume
from signals.days import AMSTERDAM
from signals.pilot import Pilot
from tests.budget import examples
from tests.world import pilot_document

Event = dict[str, Any]
MONDAY = date(2026, 11, 23)
ACTOR, OTHER = "ab" * 16, "cd" * 16


def at(day: date = MONDAY, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=AMSTERDAM)


def event(kind: str, moment: datetime, actor: str = ACTOR, **body: Any) -> Event:
    return {"kind": kind, "leafIndex": -1, "body": {"kind": kind, "at": moment.isoformat(), "actor": actor, **body}}


def opened(household: str, moment: datetime | None = None, actor: str = ACTOR, **body: Any) -> Event:
    return event("access", moment or at(), actor, asks={"ask": "signal"}, households=[household], **body)


def listed(moment: datetime, count: int = 200) -> Event:
    return event("access", moment, asks={"ask": "worklist"}, households=[str(n) for n in range(count)])


def logged(*events: Event) -> list[Event]:
    """The events as a log holds them: one leaf each, in this order."""
    return [{**one, "leafIndex": index} for index, one in enumerate(events)]


def many(count: int, day: date = MONDAY, actor: str = ACTOR) -> list[Event]:
    return [opened(f"h{n}", at(day), actor) for n in range(count)]


def working_days_before(count: int) -> list[date]:
    """The last `count` days before MONDAY from Monday to Friday; no holidays lie there."""
    days = [MONDAY - timedelta(days=n) for n in range(1, 60)]
    return [day for day in days if day.weekday() < 5][:count]


VOLUME = Volume(at_least=10, times=3, working_days=10, least_days=3)


@pytest.mark.parametrize(("count", "alerts"), [(9, 0), (10, 1)])
def test_without_a_habit_the_least_number_decides(count: int, alerts: int) -> None:
    found = unusual(logged(*many(count)), [VOLUME])
    assert len(found) == alerts
    if found:
        assert (found[0].day, found[0].actor, len(found[0].leaves)) == (MONDAY, ACTOR, 10)
        assert found[0].en.endswith(
            "opened 10 households on 23 November 2026; there is no habit yet (0 working days with looks, 3 needed). "
            "Rule: at least 10."
        )
        assert "opende op 23 november 2026 10 huishoudens" in found[0].nl


@pytest.mark.parametrize(("count", "alerts"), [(12, 0), (13, 1)])
def test_a_day_must_exceed_the_persons_own_habit_so_many_times(count: int, alerts: int) -> None:
    """Median of 2, 4 and 9 is 4; three times that is 12."""
    before = [one for day, n in zip(working_days_before(3), (2, 9, 4), strict=True) for one in many(n, day)]
    found = unusual(logged(*before, *many(count)), [VOLUME])
    assert len(found) == alerts
    assert all("usual are 4 a day (median of 3 of the 10 working days before)" in alert.en for alert in found)


def test_a_habit_is_ones_own_and_of_enough_working_days() -> None:
    days = working_days_before(11)
    others = [one for day in days[:3] for one in many(100, day, OTHER)]
    assert len([alert for alert in unusual(logged(*others, *many(10)), [VOLUME]) if alert.actor == ACTOR]) == 1
    two_days = [one for day in days[:2] for one in many(9, day)]
    assert len(unusual(logged(*two_days, *many(10)), [VOLUME])) == 1
    assert unusual(logged(*two_days, *many(9, days[9]), *many(10)), [VOLUME]) == []
    assert len(unusual(logged(*two_days, *many(9, days[10]), *many(10)), [VOLUME])) == 1  # too long ago
    weekend = many(9, MONDAY - timedelta(days=1))
    assert len(unusual(logged(*two_days, *weekend, *many(10)), [VOLUME])) == 1


def test_volume_counts_households_and_no_pages_of_the_worklist() -> None:
    assert unusual(logged(*[opened("h1") for _ in range(30)]), [VOLUME]) == []
    assert unusual(logged(*[listed(at()) for _ in range(30)]), [VOLUME]) == []
    assert unusual(logged(*many(9), opened("h8")), [VOLUME]) == []


SAME = SameHousehold(times=3, days=7)


@pytest.mark.parametrize(("days_ago", "alerts"), [(6, 1), (7, 0)])
def test_one_household_again_and_again_within_so_many_days(days_ago: int, alerts: int) -> None:
    first = at(MONDAY - timedelta(days=days_ago))
    found = unusual(logged(opened("h1", first), opened("h1"), opened("h2"), opened("h1")), [SAME])
    assert [alert.leaves for alert in found] == [(0, 1, 3)] * alerts


def test_one_household_opened_by_several_is_each_ones_own_count() -> None:
    assert unusual(logged(opened("h1"), opened("h1"), opened("h1", actor=OTHER)), [SAME]) == []


@pytest.mark.parametrize(
    ("moment", "alerts"),
    [
        (at(hour=6, minute=59), 1),
        (at(hour=7), 0),
        (at(hour=18, minute=59), 0),
        (at(hour=19), 1),
        (at(MONDAY - timedelta(days=1)), 1),  # Sunday
        (at(date(2026, 5, 5)), 1),  # a holiday on a Tuesday
        (at(date(2026, 12, 24)), 0),
        (datetime(2026, 7, 1, 17, 30, tzinfo=AMSTERDAM).astimezone(), 0),
        (datetime.fromisoformat("2026-07-01T17:00:00Z"), 1),  # 19:00 in summer
        (datetime.fromisoformat("2026-12-01T17:00:00Z"), 0),  # 18:00 in winter
    ],
)
def test_after_hours_are_those_of_amsterdam_on_working_days(moment: datetime, alerts: int) -> None:
    assert len(unusual(logged(opened("h1", moment)), [AfterHours()])) == alerts
    assert len(unusual(logged(listed(moment)), [AfterHours()])) == alerts
    assert unusual(logged(event("access", moment, asks={"ask": "log"})), [AfterHours()]) == []
    assert unusual(logged(event("heartbeat", moment)), [AfterHours()]) == []


def test_looks_of_one_evening_are_one_alert() -> None:
    (found,) = unusual(logged(opened("h1", at(hour=20)), opened("h2", at(hour=22, minute=5))), [AfterHours()])
    assert found.leaves == (0, 1)
    assert "looked 2 time(s) after hours on 23 November 2026 (20:00 to 22:05)" in found.en


def test_every_break_glass_is_told_with_the_looks_under_it() -> None:
    until = at(hour=10, minute=30).isoformat()
    glass = event("break-glass", at(), reason="x", until=until, event="g1", role="debt-help", purpose="emergency")
    under = opened("h1", at(minute=5), break_glass="g1")
    (found,) = unusual(logged(glass, opened("h2"), under), [BreakGlass()])
    assert found.leaves == (0, 2)
    assert "broke the glass on 23 November 2026 at 10:00, until 10:30: 1 look(s)" in found.en
    (unused,) = unusual(logged(glass), [BreakGlass()])
    assert "0 look(s)" in unused.en
    (alone,) = unusual([{**under, "leafIndex": 9}], [BreakGlass()])  # the break-glass itself is past its term
    assert alone.leaves == (9,)


@pytest.mark.parametrize(("count", "alerts"), [(4, 0), (5, 1)])
def test_many_refusals_of_one_person_on_one_day(count: int, alerts: int) -> None:
    refusals = [event("refusal", at(), refused="purpose-not-for-role") for _ in range(count)]
    others = [event("refusal", at(MONDAY - timedelta(days=1))), event("refusal", at(), OTHER)]
    assert len(unusual(logged(*refusals, *others), [Refused(times=5)])) == alerts


def test_what_is_gone_tells_nothing_and_since_leaves_out_the_days_before() -> None:
    gone = {"kind": "access", "leafIndex": 0, "body": None}
    events = [gone, *logged(opened("h1", at(hour=22)), opened("h1", at(MONDAY + timedelta(days=1), 22)))]
    assert [alert.day for alert in unusual(events, ALERTS)] == [MONDAY + timedelta(days=1), MONDAY]
    assert [alert.day for alert in unusual(events, ALERTS, MONDAY + timedelta(days=1))] == [MONDAY + timedelta(days=1)]


moments = st.builds(
    lambda days, hour: at(MONDAY + timedelta(days=days), hour), st.integers(-9, 3), st.sampled_from([3, 10, 12, 21])
)
some_events = st.one_of(
    st.builds(opened, st.sampled_from(["h1", "h2", "h3"]), moments, st.sampled_from([ACTOR, OTHER])),
    st.builds(lambda moment: event("refusal", moment), moments),
    st.builds(lambda moment: event("break-glass", moment, event="g", until=moment.isoformat()), moments),
    st.builds(listed, moments),
)
STRICT = (
    BreakGlass(),
    Volume(at_least=2, times=1, least_days=1),
    SameHousehold(times=2),
    AfterHours(),
    Refused(times=2),
)


@given(st.lists(some_events, max_size=25), st.randoms())
@settings(max_examples=examples(80))
def test_alerts_do_not_depend_on_the_order_within_a_moment_and_rest_on_leaves_of_the_log(
    events: list[Event], chance: Any
) -> None:
    in_order = logged(*sorted(events, key=lambda one: one["body"]["at"]))
    leaves = {one["leafIndex"]: one["body"] for one in in_order}
    found = unusual(in_order, STRICT)
    shuffled = in_order.copy()
    chance.shuffle(shuffled)
    assert unusual(shuffled, STRICT) == found
    renumbered = logged(*sorted(shuffled, key=lambda one: one["body"]["at"]))
    assert _without_places(unusual(renumbered, STRICT)) == _without_places(found)
    for alert in found:
        assert alert.leaves
        assert {leaves[leaf]["actor"] for leaf in alert.leaves} == {alert.actor}
        assert alert.day in {datetime.fromisoformat(leaves[leaf]["at"]).date() for leaf in alert.leaves}


def _without_places(alerts: Iterable[Alert]) -> list[tuple[Any, ...]]:
    return sorted((alert.rule, alert.day, alert.actor, alert.en, alert.nl, len(alert.leaves)) for alert in alerts)


def test_a_pilot_document_without_rules_has_the_usual_ones_and_says_its_own_by_kind() -> None:
    assert Pilot.model_validate(pilot_document("aland", "town-a")).alerts == ALERTS
    own = [{"id": "many", "kind": "volume", "at_least": 5}, {"kind": "after-hours", "from_hour": 8, "to_hour": 18}]
    pilot = Pilot.model_validate(pilot_document("aland", "town-a", alerts=own))
    assert pilot.alerts == (Volume(id="many", at_least=5), AfterHours(from_hour=8, to_hour=18))
    assert Pilot.model_validate_json(pilot.model_dump_json()) == pilot
    assert Pilot.model_validate(pilot_document("aland", "town-a", alerts=[])).alerts == ()


@pytest.mark.parametrize(
    "rules",
    [
        [{"kind": "feeling"}],
        [{"kind": "volume", "at_least": 0}],
        [{"kind": "volume", "least_days": 21}],
        [{"kind": "volume", "more": 1}],
        [{"kind": "after-hours", "from_hour": 19, "to_hour": 7}],
        [{"kind": "refused"}, {"kind": "refused"}],
    ],
)
def test_a_rule_that_says_nothing_sensible_is_a_mistake(rules: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        Pilot.model_validate(pilot_document("aland", "town-a", alerts=rules))
