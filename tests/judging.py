"""For tests of judging: a database with a pilot to put reports in (those of every shape: tests/rule_sets.py)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from app.db.sessions import make_engine
from signals.oracle import LiveReport
from signals.report import Category, Kind
from signals.rulesets import (
    default_rule_set,
)
from tests.budget import examples
from tests.conftest import Database
from tests.rule_sets import DISTRICTS

PILOT = "oudewater"
OTHER_PILOT = "vianen"
DEFAULT = default_rule_set()

quick = settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


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
