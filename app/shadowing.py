"""Shadow mode: a proposed rule set is judged beside the running one, for each month that was delivered since.

Nothing of it comes into the worklist: the linker keeps counts per month, as a back-test gives them, when it has time
after a completion. They go when the rule set is activated, or with the proposal. What another linker takes up at that
very moment may be missing until the month's next delivery: it takes no lock.
"""

import logging
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.completion import WRITE_EVENT, RuleSets
from app.last_net import where
from signals.backtest import backtest
from signals.rulesets import parse_rule_set

_log = logging.getLogger("vroegsein.linker")

# Months of which something was taken up since the proposal, and since they were counted for it.
DUE = """
    SELECT DISTINCT ON (pilot_id) pilot_id, proposal_id || ' ' || period AS id FROM (
        SELECT p.pilot_id, p.proposal_id, d.period, max(d.completed_at) AS last
        FROM registry.rule_set_proposal p JOIN intake.delivery d ON d.pilot_id = p.pilot_id
        WHERE p.state = 'proposed' AND d.state = 'completed' AND d.completed_at > p.proposed_at
        GROUP BY p.pilot_id, p.proposal_id, d.period) AS delivered
    WHERE NOT EXISTS (
        SELECT FROM signals.rule_set_shadow s
        WHERE s.pilot_id = delivered.pilot_id AND s.proposal_id = delivered.proposal_id
          AND s.period = delivered.period AND s.counted_at > delivered.last)
    ORDER BY pilot_id, period, proposal_id
"""
TAKE = sa.text("""
    SELECT p.text, g.document ->> 'rule_set' AS running, clock_timestamp() AS now
    FROM registry.rule_set_proposal p JOIN registry.pilot g ON g.pilot_id = p.pilot_id
    WHERE p.pilot_id = :pilot AND p.proposal_id = :proposal AND p.state = 'proposed'
""")
KEEP = sa.text("""
    INSERT INTO signals.rule_set_shadow (pilot_id, proposal_id, period, counted_at, counts)
    VALUES (:pilot, :proposal, :period, :now, :counts)
    ON CONFLICT (pilot_id, proposal_id, period) DO UPDATE SET counted_at = excluded.counted_at, counts = excluded.counts
""").bindparams(sa.bindparam("counts", type_=JSONB(none_as_null=True)))


def count_shadow(connection: sa.Connection, pilot_id: str, which: str, rule_sets: RuleSets) -> bool:
    """Count one month by one proposal ("id period") beside the running rule set, in the caller's transaction.

    False: the proposal is none any more. One that the database can't carry out has no counts until the next delivery.
    """
    proposal, period = which.split()
    of: dict[str, Any] = {"pilot": pilot_id, "proposal": uuid.UUID(proposal), "period": period}
    row = connection.execute(TAKE, of).one_or_none()
    if row is None:
        return False
    new, old = parse_rule_set(row.text, "proposal"), rule_sets(connection, row.running)
    counts = None
    trial = connection.begin_nested()
    try:
        counts = backtest(connection, pilot_id, old, new, [period]).months[0].model_dump(mode="json", by_alias=True)
        trial.commit()
    except sa.exc.DataError as error:  # a number out of range
        trial.rollback()
        _log.error("proposal %s of pilot %s can't be carried out: %s", proposal, pilot_id, where(error))
    connection.execute(KEEP, {**of, "now": row.now, "counts": counts})
    body = {
        "proposal": proposal,
        "old": {"rule_set": old.name, "hash": old.hash().hex()},
        "new": {"rule_set": new.name, "hash": new.hash().hex()},
        "periods": [period],
        "outcome": "failed" if counts is None else "done",
    }
    connection.execute(WRITE_EVENT, {"pilot": pilot_id, "event": uuid.uuid4(), "kind": "backtest", "body": body})
    return True
