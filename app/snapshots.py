"""What a delivery says of contracts beyond its own lines: which it no longer names, which end of supply came first.

A creditor is told the same of its lines whatever their residents said: what was shut out counts by its id.
"""

from typing import Any

import sqlalchemy as sa

from signals.line_rules import NO_EARLIER_REPORT
from signals.settling import CONTRACTS, REPORT_ID, report_id_head

_SNAPSHOT = """
    UPDATE intake.delivery SET snapshot = EXISTS (
        SELECT FROM registry.agreement a WHERE a.pilot_id = :pilot AND a.organisation_id = :creditor
          AND coalesce(a.document ->> 'feed', 'snapshot') = 'snapshot')
    WHERE pilot_id = :pilot AND delivery_id = :delivery
"""
_DELIVERED = "INSERT INTO touched_contract SELECT DISTINCT :creditor, (r ->> 'reference')::uuid FROM fresh"
# Months of which reports may have gone by now are not looked at: the id of what was shut out goes some days later, and
# by that a creditor could tell which it was.
_WARN = f"""
    INSERT INTO intake.warned_row (pilot_id, delivery_id, part, line, creditor_id, report_id, code)
    WITH line AS MATERIALIZED (
        SELECT part, line, report_id, (r ->> 'reference')::uuid AS reference FROM fresh
        WHERE r ->> 'kind' = 'end_of_supply'
    ), earlier AS MATERIALIZED (
        SELECT DISTINCT period FROM intake.delivery
        WHERE pilot_id = :pilot AND creditor_id = :creditor AND state = 'completed' AND period < :period
          AND to_date(period, 'YYYY-MM') + :report_days >= :received_on
    ), named AS MATERIALIZED (
        SELECT line.report_id,
               {REPORT_ID.format(creditor="CAST(:creditor AS text)", reference="line.reference", period="e.period")}
               AS earlier
        FROM line CROSS JOIN earlier e
    ), announced AS MATERIALIZED (
        SELECT n.report_id FROM named n CROSS JOIN LATERAL (
            SELECT FROM signals.report
            WHERE pilot_id = :pilot AND report_id = n.earlier AND state <> 'shut_out' OFFSET 0
        ) AS r
        UNION ALL
        SELECT n.report_id FROM named n CROSS JOIN LATERAL (
            SELECT FROM signals.shut_out WHERE pilot_id = :pilot AND report_id = n.earlier OFFSET 0
        ) AS s
    )
    SELECT :pilot, :delivery, part, line, :creditor, report_id, '{NO_EARLIER_REPORT}' FROM line
    WHERE NOT EXISTS (SELECT FROM announced a WHERE a.report_id = line.report_id)
"""  # noqa: S608 - words of this file only
# What is delivered now was missed before: this month's reports come after those of a later one.
_WARNED_LATER = sa.text("""
    SELECT DISTINCT d.period FROM intake.warned_row w
    JOIN intake.delivery d ON d.pilot_id = w.pilot_id AND d.delivery_id = w.delivery_id
    WHERE w.pilot_id = :pilot AND w.creditor_id = :creditor AND d.period > :period
""")
_UNWARN = f"""
    DELETE FROM intake.warned_row WHERE pilot_id = :pilot AND creditor_id = :creditor AND report_id = ANY (ARRAY(
        SELECT {REPORT_ID.format(creditor="CAST(:creditor AS text)", reference="r ->> 'reference'", period="later")}
        FROM fresh CROSS JOIN unnest(CAST(:later AS text[])) AS later))
"""  # noqa: S608 - words of this file only
# Said by the creditor before the report came.
_WITHDRAWN = """
    INSERT INTO without_basis (report_id)
    WITH line AS MATERIALIZED (
        SELECT report_id, (r ->> 'reference')::uuid AS reference, (r ->> 'reportedOn')::date AS reported_on FROM fresh
    )
    SELECT line.report_id FROM line CROSS JOIN LATERAL (
        SELECT max(ended_on) AS ended_on FROM intake.ending
        WHERE pilot_id = :pilot AND creditor_id = :creditor AND reference = line.reference AND ending = 'withdrawn'
        OFFSET 0
    ) AS e
    WHERE line.reported_on <= e.ended_on
      AND NOT EXISTS (SELECT FROM without_basis w WHERE w.report_id = line.report_id)
"""
# Those that no earlier snapshot settled: this one may, or may undo what a part of it did.
_OPEN = """
    INSERT INTO touched_contract
    WITH open AS MATERIALIZED (
        SELECT DISTINCT reference FROM signals.report
        WHERE pilot_id = :pilot AND creditor_id = :creditor AND category = :category AND period < :period
          AND (settled_on IS NULL OR settled_on >= to_date(:period, 'YYYY-MM'))
    )
    SELECT :creditor, reference FROM open
    WHERE NOT EXISTS (SELECT FROM touched_contract t WHERE t.reference = open.reference)
"""


def look_over(connection: sa.Connection, values: dict[str, Any], report_days: int) -> None:
    """Of the delivery in `fresh`, before anything is shut out: note its contracts, and warn of what came out of order.

    Begins the temporary table `touched_contract` with its contracts and, where it is a snapshot, those that it may
    have left out.
    """
    given = {**values, "report_days": report_days, "head": report_id_head(values["pilot"])}
    for statement in (_SNAPSHOT, CONTRACTS, _DELIVERED, _WARN):
        connection.execute(sa.text(statement), given)
    if later := connection.execute(_WARNED_LATER, given).scalars().all():
        connection.execute(sa.text(_UNWARN), {**given, "later": list(later)})
    connection.execute(sa.text("ANALYZE touched_contract"))
    connection.execute(sa.text(_OPEN), given)


def shut_out_withdrawn(connection: sa.Connection, values: dict[str, Any]) -> None:
    """Add to `without_basis` what the creditor has withdrawn already."""
    connection.execute(sa.text(_WITHDRAWN), values)
