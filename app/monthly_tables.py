"""Monthly tables: made once by the linker when a month is closed, and read by the pilot's municipality."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.completion import WRITE_EVENT, RuleSets, lock_pilot
from app.db.sessions import Login, Sessions
from app.publishing import refuse_others
from signals.days import months_before
from signals.monthly_table import MonthCounts, MonthlyTable, Repetition, publish

CLOSED_AFTER = 14  # days without a delivery of the month, all of them after the month: late ones are in by then

# Per pilot the first month without a table, where it is closed: a later one waits, because each table is made with the
# earlier ones at hand. One whose reports have begun to go, or that comes after a later one, gets none.
DUE = f"""
    SELECT pilot_id, period AS id FROM (
        SELECT DISTINCT ON (d.pilot_id) d.pilot_id, d.period,
               max(d.completed_at AT TIME ZONE 'Europe/Amsterdam')::date AS last_delivery
        FROM intake.delivery d JOIN registry.pilot p USING (pilot_id)
        WHERE d.state = 'completed' AND d.creditor_id <> p.municipality_id  -- which re-keys, and delivers nothing new
          AND NOT EXISTS (SELECT FROM privacy.monthly_table t WHERE t.pilot_id = d.pilot_id AND t.period >= d.period)
          AND to_date(d.period, 'YYYY-MM') + (p.document #>> '{{retention,report_days}}')::integer >= :today
        GROUP BY d.pilot_id, d.period ORDER BY d.pilot_id, d.period
    ) AS first
    WHERE greatest(last_delivery, (to_date(period, 'YYYY-MM') + interval '1 month')::date - 1) + {CLOSED_AFTER} < :today
    ORDER BY pilot_id
"""  # noqa: S608 - a number of this file
REPORTS = sa.text("""
    SELECT category, count(*) AS n FROM signals.report
    WHERE pilot_id = :pilot AND period = :period AND state = 'live' GROUP BY category
""")
SIGNALS = sa.text("""
    SELECT s.tray, CASE WHEN c.creditors > 1 THEN 'multiple'
                        WHEN (f.explanation::jsonb #>> '{facts,earlier_months}')::integer > 0 THEN 'consecutive'
                        ELSE 'single' END AS repetition, count(*) AS n
    FROM signals.signal s
    JOIN signals.signal_categories c ON c.pilot_id = s.pilot_id AND c.signal_id = s.signal_id
    JOIN signals.signal_facts f ON f.pilot_id = s.pilot_id AND f.signal_id = s.signal_id
    WHERE s.pilot_id = :pilot AND s.period = :period GROUP BY 1, 2
""")
REFUSED = sa.text("""
    SELECT r.code, count(DISTINCT (r.delivery_id, r.part, r.line)) AS n
    FROM intake.delivery d JOIN intake.refused_row r ON r.pilot_id = d.pilot_id AND r.delivery_id = d.delivery_id
    WHERE d.pilot_id = :pilot AND d.period = :period AND d.state = 'completed' GROUP BY r.code
""")
STANDING = """
    SELECT document FROM privacy.monthly_table
    WHERE pilot_id = :pilot AND period >= :from AND period <= :until ORDER BY period DESC
"""
KEEP = sa.text("INSERT INTO privacy.monthly_table VALUES (:pilot, :period, :document)").bindparams(
    sa.bindparam("document", type_=JSONB)
)


def make_table(connection: sa.Connection, pilot_id: str, period: str, today: date, rule_sets: RuleSets) -> bool:
    """Make the table of a month that is due, in the caller's transaction. False when somebody else did so already."""
    pilot = lock_pilot(connection, pilot_id)
    if _standing(connection, pilot_id, period, "9999-12"):
        return False
    rule_set = rule_sets(connection, pilot.rule_set)
    values = {"pilot": pilot_id, "period": period}
    counts = MonthCounts(
        {row.category: row.n for row in connection.execute(REPORTS, values)},
        {(row.tray, Repetition(row.repetition)): row.n for row in connection.execute(SIGNALS, values)},
        {row.code: row.n for row in connection.execute(REFUSED, values)},
    )
    earlier = _standing(connection, pilot_id, months_before(period, rule_set.window.months), period)
    table = publish(counts, pilot, rule_set, period, earlier, today)
    connection.execute(KEEP, {**values, "document": table.model_dump(mode="json", by_alias=True)})
    body = {"period": period, "thresholds": table.thresholds, "rule_set": rule_set.name}
    connection.execute(WRITE_EVENT, {"pilot": pilot_id, "event": uuid.uuid4(), "kind": "monthly-table", "body": body})
    return True


def tables_of(
    sessions: Sessions, municipality: str, pilot_id: str, period: str | None = None
) -> Sequence[MonthlyTable]:
    """A pilot's monthly tables, newest first, or that of one month, for its municipality. Raises PilotUnknown."""
    with sessions.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        return _standing(connection, pilot_id, period or "", period or "9999-12")


def _standing(connection: sa.Connection, pilot_id: str, first: str, last: str) -> list[MonthlyTable]:
    values: dict[str, Any] = {"pilot": pilot_id, "from": first, "until": last}
    documents = connection.execute(sa.text(STANDING), values).scalars()
    return [MonthlyTable.model_validate(document) for document in documents]
