"""For tests of judging: reports and rule sets of every shape, and a database with a pilot to put them in."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.db.sessions import make_engine
from signals.facts import FACTS, FactName
from signals.oracle import LiveReport
from signals.pilot import Words
from signals.report import Category, Kind, UrgentFlag
from signals.rulesets import (
    AlwaysEligible,
    Bounds,
    Clock,
    Condition,
    Eligibility,
    Repeats,
    Rule,
    RuleSet,
    SetAside,
    Settled,
    Window,
    default_rule_set,
)
from tests.budget import examples
from tests.conftest import Database

PILOT = "oudewater"
OTHER_PILOT = "vianen"
DEFAULT = default_rule_set()
WORDS = Words(nl='een regel\'s "woorden": ë', en="a rule's words: 100%")
PERIODS = ("2025-07", "2025-12", "2026-01", "2026-02", "2026-03", "2026-08")
DISTRICTS = (UUID(int=7 << 120), UUID(int=0xA << 64))

quick = settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def live_reports(draw: st.DrawFn) -> list[LiveReport]:
    """Reports of a few households, with values around the default's borders; a reference has one report a month."""
    places = draw(
        st.lists(
            st.tuples(st.sampled_from(("alfa", "beta-2", "beta_x")), st.integers(1, 2), st.sampled_from(PERIODS)),
            min_size=1,
            max_size=14,
            unique=True,
        )
    )
    return [draw(_report(number, *place)) for number, place in enumerate(places)]


@st.composite
def _report(draw: st.DrawFn, number: int, creditor: str, reference: int, period: str) -> LiveReport:
    reported_on = date(int(period[:4]), int(period[5:]), 28)
    return LiveReport(
        household_id=UUID(int=draw(st.integers(1, 3))),
        report_id=UUID(int=draw(st.integers(0, 255)) << 120 | number),
        creditor_id=creditor,
        reference=UUID(int=reference),
        period=period,
        kind=draw(st.sampled_from((Kind.EARLY, Kind.EARLY, Kind.UPDATE, Kind.END_OF_SUPPLY, Kind.HAND_OVER))),
        category=draw(st.sampled_from((Category.RENT, Category.ENERGY, *Category))),
        amount_euros=draw(st.sampled_from((0, 9, 10, 49, 50, 51, 100, 600, 4321))),
        months=draw(st.sampled_from((0, 1, 2, 3, 7))),
        arrears_since=reported_on - timedelta(days=draw(st.sampled_from((-3, 0, 29, 30, 31, 100, 101, 150, 400)))),
        reported_on=reported_on,
        received_on=reported_on + timedelta(days=draw(st.integers(0, 40))),
        urgent=tuple(draw(st.lists(st.sampled_from(UrgentFlag), max_size=2, unique=True))),
        district=draw(st.sampled_from(DISTRICTS)),
        known_client=draw(st.booleans()),
        settled_on=draw(st.none() | st.integers(-40, 40).map(lambda days: reported_on + timedelta(days=days))),
        unannounced=draw(st.booleans()),
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """Rule sets of every shape that the document allows."""
    categories = draw(st.lists(st.sampled_from(Category), min_size=1, unique=True))
    rules = [
        Rule(
            id=f"rule-{number}@1",
            source="test",
            words=WORDS,
            tray=f"tray_{draw(st.integers(0, 2))}",
            priority=draw(st.integers(1, 3)),
            urgent=draw(st.booleans()),
            apart=draw(st.booleans()),
            clock=draw(st.sampled_from(("days", "working-days"))),
            needs=tuple(draw(st.lists(_conditions(), min_size=1, max_size=3))),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    always = draw(st.lists(st.sampled_from((Kind.END_OF_SUPPLY, Kind.HAND_OVER)), unique=True))
    return RuleSet(
        kind="rule-set",
        id="drawn",
        version=1,
        words=WORDS,
        valid_from=date(2026, 1, 1),
        window=Window(months=draw(st.sampled_from((1, 3, 6, 12))), source="test"),
        eligibility=tuple(draw(_terms(category)) for category in categories),
        always_eligible=AlwaysEligible(kinds=tuple(always), source="test"),
        repeats=Repeats(
            months_back=draw(st.integers(1, 4)), grown_by_euros=draw(st.sampled_from((1, 50))), source="test"
        ),
        clocks=(
            Clock(id="days", days=draw(st.integers(1, 60)), source="test"),
            Clock(id="working-days", working_days=draw(st.integers(1, 30)), source="test"),
        ),
        rules=tuple(rules),
        set_aside=SetAside(
            tray="set_aside",
            clock=draw(st.sampled_from(("days", "working-days"))),
            source="test",
            settled=Settled(tray=draw(st.sampled_from(("set_aside", "settled"))), source="test"),
        ),
    )


def _bounds(most: int) -> st.SearchStrategy[Bounds | None]:
    ends = st.tuples(st.none() | st.integers(0, most), st.none() | st.integers(most, 2 * most))
    some = ends.filter(any).map(lambda pair: Bounds(at_least=pair[0], at_most=pair[1], source="test"))
    return st.none() | some


def _terms(category: Category) -> st.SearchStrategy[Eligibility]:
    return st.builds(
        Eligibility,
        category=st.just(category),
        source=st.just("test"),
        days=_bounds(100),
        amount_euros=_bounds(50),
        months=_bounds(2),
    )


@st.composite
def _conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(FactName))
    fact = FACTS[name]
    if fact.is_number:
        low = draw(st.none() | st.integers(-2, 3) | st.integers(-100, 500))
        high = draw(st.integers(low or 0, 1000)) if low is None or draw(st.booleans()) else None
        return Condition(fact=name, at_least=low, at_most=high)
    words = [str(word) for word in fact.words] if fact.words else [district.hex for district in DISTRICTS]
    asked = tuple(draw(st.lists(st.sampled_from(words), min_size=1, unique=True)))
    return Condition(fact=name, **{draw(st.sampled_from(("any_of", "none_of"))): asked})


@contextmanager
def judging_engine(database: Database) -> Iterator[sa.Engine]:
    """The linker's engine on a database with two pilots and a delivery in each."""
    with database.as_superuser() as connection:
        for pilot in (PILOT, OTHER_PILOT):
            connection.execute(
                "INSERT INTO registry.pilot VALUES (%s, 'gemeente', '2025-01-01', '2030-01-01', '{}')", [pilot]
            )
            connection.execute(
                "INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count,"
                " content_hash, opened_at) VALUES (%s, %s, 'alfa', '2026-01', 'rent', 1, sha256(''), now())",
                [pilot, UUID(int=1)],
            )
    engine = make_engine(database.conninfo("vroegsein_linker"), pool_size=1)
    yield engine
    engine.dispose()


def store(connection: sa.Connection, reports: Iterable[LiveReport], pilot: str = PILOT) -> None:
    """Put the reports into the database as they would stand after linking."""
    rows = [
        {
            **{field.name: getattr(report, field.name) for field in fields(report)},
            "urgent": list(report.urgent),
            "pilot": pilot,
            "delivery": UUID(int=1),
        }
        for report in reports
    ]
    if rows:
        connection.execute(
            sa.text("""
                INSERT INTO signals.report (pilot_id, report_id, creditor_id, delivery_id, reference, period, kind,
                  category, amount_euros, months, arrears_since, since_derived, reported_on, received_on,
                  social_collection, urgent, known_client, settled_on, unannounced, district, dwelling, street_dwelling,
                  building, has_addition, household_id)
                VALUES (:pilot, :report_id, :creditor_id, :delivery, :reference, :period, :kind, :category,
                  :amount_euros, :months, :arrears_since, false, :reported_on, :received_on, '{}',
                  CAST(:urgent AS text[]), :known_client, :settled_on, :unannounced, :district, :delivery, :delivery,
                  :delivery, false, :household_id)"""),
            rows,
        )


def rent(number: int, period: str = "2026-10", **changed: Any) -> LiveReport:
    """An eligible report of its own creditor in household 1."""
    last = date(int(period[:4]), int(period[5:]), 28)
    report = LiveReport(
        household_id=UUID(int=1),
        report_id=UUID(int=100 + number),
        creditor_id=f"creditor-{number}",
        reference=UUID(int=number),
        period=period,
        kind=Kind.EARLY,
        category=Category.RENT,
        amount_euros=500,
        months=1,
        arrears_since=last - timedelta(days=30),
        reported_on=last,
        received_on=last + timedelta(days=4),
        urgent=(),
        district=DISTRICTS[0],
    )
    return replace(report, **changed)
