"""Whether reports have a basis: what their residents said no to since, and the consent where that is the evidence.

One check for what comes in and for what stands. A later yes beats an earlier no, by the day that it was said and then
in the order of recording; a consent that was withdrawn is no yes. What nobody has decided yet pauses in any case.
"""

import sqlalchemy as sa

from app.case_reports import forget_cases
from signals.pilot import Pilot

IN_FORCE = sa.text("""
    SELECT EXISTS (SELECT FROM privacy.objection WHERE pilot_id = :pilot AND state IN ('pending', 'stands'))
""")
# The reference of a contract counts as a strong key: it is a secret of its creditor's, so it meets nothing else.
OF_FRESH = (
    """
    CREATE TEMPORARY TABLE checked ON COMMIT DROP AS
    SELECT report_id, CAST(:creditor AS text) AS creditor_id, CAST(:category AS text) AS category,
           r ->> 'kind' AS kind, (r ->> 'reportedOn')::date AS reported_on, 'fresh' AS state
    FROM fresh
    """,
    """
    CREATE TEMPORARY TABLE checked_key ON COMMIT DROP AS
    SELECT report_id, key, strong, birth FROM fresh_key
    UNION ALL SELECT report_id, (r ->> 'reference')::uuid, true, NULL FROM fresh
    """,
)
OF_TOUCHED = (
    """
    CREATE TEMPORARY TABLE checked ON COMMIT DROP AS
    SELECT r.* FROM (SELECT report_id FROM touched_report ORDER BY report_id) AS t CROSS JOIN LATERAL (
        SELECT report_id, creditor_id, category, kind, reported_on, reference, delivery_id, state FROM signals.report
        WHERE pilot_id = :pilot AND report_id = t.report_id OFFSET 0
    ) AS r
    """,
    """
    CREATE TEMPORARY TABLE checked_key ON COMMIT DROP AS
    SELECT k.* FROM (SELECT report_id FROM checked ORDER BY report_id) AS t CROSS JOIN LATERAL (
        SELECT report_id, key, strong, birth FROM signals.report_key
        WHERE pilot_id = :pilot AND report_id = t.report_id OFFSET 0
    ) AS k
    UNION ALL SELECT report_id, reference, true, NULL FROM checked
    """,
)
# A weak key meets as in linking, unless both birth dates are known and differ: in doubt nothing is shown.
CHECK = (
    "ANALYZE checked",
    "ANALYZE checked_key",
    """
    CREATE TEMPORARY TABLE said_no ON COMMIT DROP AS
    WITH said AS MATERIALIZED (
        SELECT k.key, k.strong, k.birth, o.state, o.category, o.creditor_id, o.since, o.recorded_at
        FROM privacy.objection o JOIN privacy.objection_key k
          ON k.pilot_id = o.pilot_id AND k.objection_id = o.objection_id
        WHERE o.pilot_id = :pilot AND o.state IN ('pending', 'stands')
    ), asked AS MATERIALIZED (
        SELECT k.report_id, k.key, k.strong, k.birth, c.category, c.creditor_id
        FROM checked_key k JOIN checked c USING (report_id)
    )
    SELECT DISTINCT asked.report_id, said.state, said.since, said.recorded_at
    FROM asked JOIN said ON said.key = asked.key AND said.strong = asked.strong
      AND (asked.strong OR (said.birth = asked.birth) IS NOT FALSE)
    WHERE coalesce(said.category, asked.category) = asked.category
      AND coalesce(said.creditor_id, asked.creditor_id) = asked.creditor_id
    """,
    # Of whom it is asked: where consent is the evidence, and of whoever said no before.
    """
    CREATE TEMPORARY TABLE said_yes ON COMMIT DROP AS
    WITH asked AS MATERIALIZED (
        SELECT k.report_id, k.key, k.strong, k.birth, c.category, c.reported_on
        FROM checked_key k JOIN checked c USING (report_id)
        WHERE (k.strong OR k.birth IS NOT NULL)
          AND (c.category || '/' || c.kind = ANY (:rests_on_consent)
               OR EXISTS (SELECT FROM said_no n WHERE n.report_id = c.report_id))
        ORDER BY k.key
    ), met AS MATERIALIZED (
        SELECT DISTINCT a.report_id, a.category, a.reported_on, c.consent_id FROM asked a CROSS JOIN LATERAL (
            SELECT consent_id FROM privacy.consent_key
            WHERE pilot_id = :pilot AND key = a.key AND strong = a.strong AND (strong OR birth = a.birth) OFFSET 0
        ) AS c
    )
    SELECT DISTINCT met.report_id, c.given_on, c.recorded_at FROM met CROSS JOIN LATERAL (
        SELECT given_on, recorded_at FROM privacy.consent
        WHERE pilot_id = :pilot AND consent_id = met.consent_id AND category = met.category
          AND withdrawn_on IS NULL AND met.reported_on BETWEEN given_on AND valid_until OFFSET 0
    ) AS c
    """,
    """
    CREATE TEMPORARY TABLE without_basis ON COMMIT DROP AS
    SELECT report_id FROM checked c
    WHERE (c.category || '/' || c.kind = ANY (:rests_on_consent) AND c.state <> 'unkeyed'
           AND NOT EXISTS (SELECT FROM said_yes y WHERE y.report_id = c.report_id))
       OR EXISTS (SELECT FROM said_no n WHERE n.report_id = c.report_id AND n.state = 'stands'
                  AND NOT EXISTS (SELECT FROM said_yes y WHERE y.report_id = n.report_id
                                  AND (y.given_on, y.recorded_at) > (n.since, n.recorded_at)))
    """,
    """
    CREATE TEMPORARY TABLE paused ON COMMIT DROP AS
    SELECT DISTINCT n.report_id FROM said_no n
    WHERE n.state = 'pending' AND NOT EXISTS (SELECT FROM without_basis w WHERE w.report_id = n.report_id)
    """,
)
NOTHING_FOUND = (
    "CREATE TEMPORARY TABLE without_basis (report_id uuid) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE paused (report_id uuid) ON COMMIT DROP",
)
FORGET = """
    DELETE FROM signals.{table} WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM {which}))
"""


def check_fresh(connection: sa.Connection, pilot: Pilot, values: dict[str, object]) -> None:
    """Fill the temporary tables `without_basis` and `paused (report_id)` for the delivery in `fresh`, `fresh_key`.

    Whose consent it takes for a report that is not keyed yet shows when it is keyed; a no by its contract holds now.
    """
    resting = pilot.rests_on_consent() if values["keyed"] else []
    rests = any(of.startswith(f"{values['category']}/") for of in resting)
    asked = rests or connection.execute(IN_FORCE, {"pilot": pilot.id}).scalar_one()
    for statement in (*OF_FRESH, *CHECK) if asked else NOTHING_FOUND:
        connection.execute(sa.text(statement), {**values, "rests_on_consent": resting})


def check_touched(connection: sa.Connection, pilot: Pilot) -> None:
    """The same for the standing reports in `touched_report`."""
    for statement in (*OF_TOUCHED, *CHECK):
        connection.execute(sa.text(statement), {"pilot": pilot.id, "rests_on_consent": pilot.rests_on_consent()})


def forget(connection: sa.Connection, pilot_id: str, which: str = "without_basis") -> None:
    """Erase what is shut out, after linking: keys, sealed details, facts, and a case that was about nothing else.

    Its id stays: nobody counts it as lost.

    `which` is the temporary table that names it.
    """
    for table in ("report_key", "sealed_report", "link_change", "report"):
        connection.execute(sa.text(FORGET.format(table=table, which=which)), {"pilot": pilot_id})
    forget_cases(connection, pilot_id)
