"""Which reports a case is about: new ones join the open case of their household; it goes with the last of them."""

import sqlalchemy as sa

# Cases that were opened or reopened, by pilot: there may be reports that join them.
DUE = "SELECT DISTINCT pilot_id, 'cases' AS id FROM signals.case_file WHERE joins ORDER BY pilot_id"
ANY_OPEN = sa.text("SELECT EXISTS (SELECT FROM signals.case_file WHERE pilot_id = :pilot AND stage <> 'closed')")
# Of several open cases in a household the one opened first goes on.
JOIN = """
    WITH standing AS MATERIALIZED (
        SELECT DISTINCT ON (r.household_id) r.household_id, c.case_id
        FROM signals.case_file c
        JOIN signals.case_report m ON m.pilot_id = :pilot AND m.case_id = c.case_id
        JOIN signals.report r ON r.pilot_id = :pilot AND r.report_id = m.report_id
        WHERE c.pilot_id = :pilot AND c.stage <> 'closed' AND r.household_id IN ({households})
        ORDER BY r.household_id, c.opened_at, c.case_id
    )
    INSERT INTO signals.case_report (pilot_id, report_id, case_id)
    SELECT :pilot, r.report_id, s.case_id FROM standing s CROSS JOIN LATERAL (
        SELECT report_id FROM signals.report
        WHERE pilot_id = :pilot AND household_id = s.household_id AND state = 'live' OFFSET 0
    ) AS r
    ON CONFLICT DO NOTHING
"""
TOUCHED = "SELECT household_id FROM touched_household"
OF_DUE = """
    SELECT DISTINCT r.household_id FROM signals.case_file f
    JOIN signals.case_report m ON m.pilot_id = :pilot AND m.case_id = f.case_id
    JOIN signals.report r ON r.pilot_id = :pilot AND r.report_id = m.report_id
    WHERE f.pilot_id = :pilot AND f.joins AND r.household_id IS NOT NULL
"""
LOOKED = "UPDATE signals.case_file SET joins = false WHERE pilot_id = :pilot AND joins"
WITHOUT_REPORTS = """
    SELECT f.case_id FROM signals.case_file f
    WHERE f.pilot_id = :pilot AND NOT EXISTS (
        SELECT FROM signals.case_report m WHERE m.pilot_id = :pilot AND m.case_id = f.case_id)
"""
FORGET = "DELETE FROM signals.{table} WHERE pilot_id = :pilot AND case_id = ANY (:cases)"


def join_cases(connection: sa.Connection, pilot_id: str) -> None:
    """Let reports without a case join the open case of their household, in the households of `touched_household`.

    In the caller's transaction, under the pilot's lock, once the reports are linked.
    """
    if connection.execute(ANY_OPEN, {"pilot": pilot_id}).scalar_one():
        connection.execute(sa.text(JOIN.format(households=TOUCHED)), {"pilot": pilot_id})


def join_due(connection: sa.Connection, pilot_id: str) -> bool:
    """The same in the households of cases that were opened or reopened. The caller has locked the pilot."""
    connection.execute(sa.text(JOIN.format(households=OF_DUE)), {"pilot": pilot_id})
    return connection.execute(sa.text(LOOKED), {"pilot": pilot_id}).rowcount > 0


def forget_cases(connection: sa.Connection, pilot_id: str) -> int:
    """Take away the cases that have no report any more; returns how many."""
    cases = connection.execute(sa.text(WITHOUT_REPORTS), {"pilot": pilot_id}).scalars().all()
    if cases:
        for table in ("case_entry", "case_file"):
            connection.execute(sa.text(FORGET.format(table=table)), {"pilot": pilot_id, "cases": list(cases)})
    return len(cases)
