"""What follows from all reports of one contract together: kind, whether it is settled, whether it was announced.

Each is worked out anew for the contracts that something happened to, from the reports, completed deliveries and endings
that are there and from nothing else. So it is the same in whatever order and number of parts they came (promise 7):

- kind: the first report of a contract is `early` and those after it are `update`;
- settled on: the first day on which its creditor said so, not before the report's reference date; or the first day of
  the first month after the report's of which the creditor delivered a snapshot without the contract, if that is sooner,
  and didn't say that the contract is open then: its row may have been refused, or held back because it was unreadable;
- unannounced: an end of supply before which the contract was never reported.

A contract was reported in a month when its report stands, in whatever state, or was shut out: then its id is left, so
nobody's no makes it look paid.
"""

from sqlalchemy import Connection, text

from privacy.framing import framed

# The id of a report, as privacy/references.py makes it; {head} is framed already.
REPORT_ID = """CAST(substr(encode(sha256(CAST(:head AS bytea)
    || int4send(octet_length({creditor})) || convert_to({creditor}, 'UTF8')
    || int4send(32) || convert_to(replace(CAST({reference} AS text), '-', ''), 'UTF8')
    || int4send(octet_length({period})) || convert_to({period}, 'UTF8')), 'hex'), 1, 32) AS uuid)"""
CONTRACTS = """
    CREATE TEMPORARY TABLE touched_contract (creditor_id text, reference uuid, PRIMARY KEY (creditor_id, reference))
    ON COMMIT DROP
"""
OF_REPORTS = """
    WITH touched AS MATERIALIZED (SELECT report_id FROM touched_report ORDER BY report_id)
    INSERT INTO touched_contract
    SELECT DISTINCT r.creditor_id, r.reference FROM touched CROSS JOIN LATERAL (
        SELECT creditor_id, reference FROM signals.report
        WHERE pilot_id = :pilot AND report_id = touched.report_id OFFSET 0
    ) AS r
"""
# What was shut out is about to go. Its id is left where it was received, and not where its term ended.
_REPORTS = """
    CREATE TEMPORARY TABLE contract_report ON COMMIT DROP AS
    WITH asked AS MATERIALIZED (SELECT creditor_id, reference FROM touched_contract ORDER BY creditor_id, reference)
    SELECT r.* FROM asked CROSS JOIN LATERAL (
        SELECT report_id, creditor_id, reference, period, category, kind, reported_on, household_id, settled_on,
               unannounced, period > min(period) OVER () AS follows
        FROM signals.report
        WHERE pilot_id = :pilot AND creditor_id = asked.creditor_id AND reference = asked.reference
          AND state <> 'shut_out'
        OFFSET 0
    ) AS r
"""
# The months of which there is a snapshot without the contract, after its first report, and in which it isn't open.
_MISSING = f"""
    CREATE TEMPORARY TABLE contract_missing ON COMMIT DROP AS
    WITH snapshot AS MATERIALIZED (
        SELECT DISTINCT creditor_id, category, period FROM intake.delivery
        WHERE pilot_id = :pilot AND snapshot AND state <> 'open'
    ), contract AS MATERIALIZED (
        SELECT creditor_id, reference, category, min(period) AS first FROM contract_report GROUP BY 1, 2, 3
    ), without AS MATERIALIZED (
        SELECT c.creditor_id, c.reference, c.category, s.period
        FROM contract c JOIN snapshot s USING (creditor_id, category)
        WHERE s.period > c.first AND NOT EXISTS (
            SELECT FROM contract_report r
            WHERE r.creditor_id = c.creditor_id AND r.reference = c.reference AND r.period = s.period)
          AND NOT EXISTS (
            SELECT FROM contract_ended e
            WHERE e.creditor_id = c.creditor_id AND e.reference = c.reference AND e.ending = 'open'
              AND to_char(e.ended_on, 'YYYY-MM') = s.period)
    ), named AS MATERIALIZED (
        SELECT *, {REPORT_ID.format(creditor="creditor_id", reference="reference", period="period")} AS report_id
        FROM without
    )
    SELECT creditor_id, reference, category, period FROM named
    WHERE NOT EXISTS (
        SELECT FROM signals.shut_out s WHERE s.pilot_id = :pilot AND s.report_id = named.report_id)
"""  # noqa: S608 - words of this file only
_ENDED = """
    CREATE TEMPORARY TABLE contract_ended ON COMMIT DROP AS
    WITH asked AS MATERIALIZED (SELECT creditor_id, reference FROM touched_contract ORDER BY creditor_id, reference)
    SELECT asked.*, e.ending, e.ended_on FROM asked CROSS JOIN LATERAL (
        SELECT ending, ended_on FROM intake.ending
        WHERE pilot_id = :pilot AND creditor_id = asked.creditor_id AND reference = asked.reference
          AND ending <> 'withdrawn'
        OFFSET 0
    ) AS e
"""
_UNANNOUNCED = f"""
    CREATE TEMPORARY TABLE contract_unannounced ON COMMIT DROP AS
    WITH first AS MATERIALIZED (
        SELECT report_id, creditor_id, reference, period FROM contract_report
        WHERE kind = 'end_of_supply' AND NOT follows
    ), delivered AS MATERIALIZED (
        SELECT DISTINCT creditor_id, period FROM intake.delivery WHERE pilot_id = :pilot AND state <> 'open'
    ), named AS MATERIALIZED (
        SELECT f.report_id,
               {REPORT_ID.format(creditor="f.creditor_id", reference="f.reference", period="d.period")} AS earlier
        FROM first f JOIN delivered d ON d.creditor_id = f.creditor_id AND d.period < f.period
    ), announced AS MATERIALIZED (
        SELECT n.report_id FROM named n CROSS JOIN LATERAL (
            SELECT FROM signals.shut_out WHERE pilot_id = :pilot AND report_id = n.earlier OFFSET 0) AS s
    )
    SELECT report_id FROM first WHERE NOT EXISTS (SELECT FROM announced a WHERE a.report_id = first.report_id)
"""  # noqa: S608 - words of this file only
_CHANGED = """
    CREATE TEMPORARY TABLE contract_changed ON COMMIT DROP AS
    WITH missed AS (
        SELECT r.report_id, to_date(min(m.period), 'YYYY-MM') AS settled_on
        FROM contract_report r JOIN contract_missing m USING (creditor_id, reference, category)
        WHERE m.period > r.period GROUP BY r.report_id
    ), said AS (
        SELECT r.report_id, min(s.ended_on) AS settled_on
        FROM contract_report r JOIN contract_ended s USING (creditor_id, reference)
        WHERE s.ending = 'settled' AND s.ended_on >= r.reported_on GROUP BY r.report_id
    ), now AS (
        SELECT r.report_id, r.household_id,
               CASE WHEN r.kind NOT IN ('early', 'update') THEN r.kind
                    WHEN r.follows THEN 'update' ELSE 'early' END AS kind,
               least(missed.settled_on, said.settled_on) AS settled_on, u.report_id IS NOT NULL AS unannounced,
               r.kind AS kind_before, r.settled_on AS settled_before, r.unannounced AS unannounced_before
        FROM contract_report r LEFT JOIN missed USING (report_id) LEFT JOIN said USING (report_id)
        LEFT JOIN contract_unannounced u USING (report_id)
    )
    SELECT report_id, household_id, kind, settled_on, unannounced FROM now
    WHERE (kind, settled_on, unannounced) IS DISTINCT FROM (kind_before, settled_before, unannounced_before)
"""
_APPLY = (
    """
    UPDATE signals.report r SET kind = c.kind, settled_on = c.settled_on, unannounced = c.unannounced
    FROM contract_changed c WHERE r.pilot_id = :pilot AND r.report_id = c.report_id
    """,
    """
    INSERT INTO touched_household SELECT DISTINCT household_id FROM contract_changed WHERE household_id IS NOT NULL
    ON CONFLICT DO NOTHING
    """,
)
_TEMPORARY = "contract_report, contract_missing, contract_ended, contract_unannounced, contract_changed"


def touch_contracts(connection: Connection, pilot_id: str) -> None:
    """Begin `touched_contract (creditor_id, reference)` with the contracts of the reports in `touched_report`."""
    connection.execute(text(CONTRACTS))
    connection.execute(text(OF_REPORTS), {"pilot": pilot_id})


def settle(connection: Connection, pilot_id: str) -> None:
    """Work out what follows for the contracts in `touched_contract`, which goes.

    The caller holds the pilot's lock; reports are linked. Households in which something changed are added to the
    temporary table `touched_household`, for judging.
    """
    pilot = {"pilot": pilot_id, "head": report_id_head(pilot_id)}
    connection.execute(text("ANALYZE touched_contract"))
    connection.execute(text(f"DROP TABLE IF EXISTS {_TEMPORARY}"))
    connection.execute(text(_REPORTS), pilot)
    connection.execute(text("ANALYZE contract_report"))
    connection.execute(text(_ENDED), pilot)
    connection.execute(text("ANALYZE contract_ended"))
    for statement in (_MISSING, _UNANNOUNCED, _CHANGED, *_APPLY):
        connection.execute(text(statement), pilot)
    connection.execute(text("DROP TABLE touched_contract"))


def report_id_head(pilot_id: str) -> bytes:
    """What the ids of all reports of a pilot are hashed from first (privacy/references.py)."""
    return framed("vroegsein/report-id/v1", pilot_id)
