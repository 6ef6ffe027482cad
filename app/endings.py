"""What a creditor says of its contracts: settled, withdrawn because it was wrong, or open. The linker carries it out.

It holds for a contract's reports up to a day, those that arrive later too (app/snapshots.py). What is settled stays,
with the day. What was withdrawn goes like a report without a basis: its id stays, and nothing else. What is open is not
missing in the month of that day (signals/settling.py).
"""

import uuid
from typing import Any

import sqlalchemy as sa

from app.basis_check import forget
from app.completion import RuleSets, begin_touched, rejudge, relink
from signals.consents import ContractEndings
from signals.pilot import Pilot
from signals.settling import CONTRACTS, settle

# The same, said once more, is the same row.
_KEEP = """
    INSERT INTO intake.ending (pilot_id, ending_id, creditor_id, reference, ending, ended_on)
    SELECT :pilot, CAST(substr(encode(sha256(convert_to(
               concat_ws('/', CAST(:creditor AS text), reference, CAST(:ending AS text), CAST(:ended_on AS date)),
               'UTF8')), 'hex'), 1, 32) AS uuid),
           :creditor, reference, :ending, :ended_on
    FROM (SELECT DISTINCT reference FROM unnest(CAST(:references AS uuid[])) AS reference) AS said
    ON CONFLICT DO NOTHING
"""
_TOUCH = "INSERT INTO touched_contract SELECT DISTINCT :creditor, unnest(CAST(:references AS uuid[]))"
_WITHDRAW = (
    """
    INSERT INTO touched_report
    SELECT DISTINCT r.report_id FROM unnest(CAST(:references AS uuid[])) AS said CROSS JOIN LATERAL (
        SELECT report_id FROM signals.report
        WHERE pilot_id = :pilot AND creditor_id = :creditor AND reference = said AND reported_on <= :ended_on OFFSET 0
    ) AS r
    """,
    "ANALYZE touched_report",
    "CREATE TEMPORARY TABLE without_basis ON COMMIT DROP AS SELECT report_id FROM touched_report",
    """
    WITH gone AS (
        UPDATE signals.report SET state = 'shut_out'
        WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM touched_report))
        RETURNING report_id, delivery_id
    )
    INSERT INTO signals.shut_out (pilot_id, report_id, delivery_id)
    SELECT :pilot, report_id, delivery_id FROM gone ON CONFLICT DO NOTHING
    """,
)


def end_contracts(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, creditor: str, said: ContractEndings
) -> None:
    """Carry out what a creditor said of its own contracts, in the caller's transaction, under the pilot's lock."""
    values: dict[str, Any] = {
        "pilot": pilot.id,
        "creditor": creditor,
        "ending": said.ending,
        "ended_on": said.ended_on,
        "references": [uuid.UUID(reference) for reference in said.references],
    }
    connection.execute(sa.text(_KEEP), values)
    if said.ending == "withdrawn":
        begin_touched(connection)
        for statement in _WITHDRAW:
            connection.execute(sa.text(statement), values)
        relink(connection, pilot, rule_sets)
        forget(connection, pilot.id)
        return
    connection.execute(sa.text(CONTRACTS))
    connection.execute(sa.text(_TOUCH), values)
    rejudge(connection, pilot, rule_sets, settle)
