"""Back-tests: left by a desk inside an access event, worked off by the linker one at a time, shown as counts.

The linker is the one login that reads all households, and it answers no request. It keeps counts and no household; its
run is an event of the pilot's log. It takes no lock of the pilot: it reads reports of one moment and changes nothing.
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

# Of each pilot the oldest: many of one pilot don't keep another's waiting.
WAITING = """
    SELECT DISTINCT ON (pilot_id) pilot_id, backtest_id AS id FROM signals.backtest WHERE state = 'waiting'
    ORDER BY pilot_id, asked_at, backtest_id
"""
TAKE = sa.text("""
    SELECT b.candidate, coalesce(b.against, p.document ->> 'rule_set') AS against, b.periods
    FROM signals.backtest b JOIN registry.pilot p ON p.pilot_id = b.pilot_id
    WHERE b.pilot_id = :pilot AND b.backtest_id = :backtest AND b.state = 'waiting' FOR UPDATE OF b SKIP LOCKED
""")
DONE = sa.text("UPDATE signals.backtest SET state = :state WHERE pilot_id = :pilot AND backtest_id = :backtest")
KEEP = sa.text("""
    INSERT INTO signals.backtest_result (pilot_id, backtest_id, result) VALUES (:pilot, :backtest, :result)
""").bindparams(sa.bindparam("result", type_=JSONB))


def run_backtest(connection: sa.Connection, pilot_id: str, backtest_id: uuid.UUID, rule_sets: RuleSets) -> bool:
    """Run one that waits, in the caller's transaction. False: somebody else has it, or had.

    One that the database can't carry out is marked as failed and not tried again: it would fail for ever.
    """
    of = {"pilot": pilot_id, "backtest": backtest_id}
    row = connection.execute(TAKE, of).one_or_none()
    if row is None:
        return False
    new = parse_rule_set(row.candidate, "candidate")
    old = rule_sets(connection, row.against)
    state = "done"
    trial = connection.begin_nested()
    try:
        found = backtest(connection, pilot_id, old, new, row.periods)
        connection.execute(KEEP, {**of, "result": found.model_dump(mode="json", by_alias=True)})
        trial.commit()
    except sa.exc.DataError as error:  # a number out of range
        trial.rollback()
        _log.error("back-test %s of pilot %s can't be carried out: %s", backtest_id, pilot_id, where(error))
        state = "failed"
    connection.execute(DONE, {**of, "state": state})
    body: dict[str, Any] = {
        "backtest": str(backtest_id),
        "old": {"rule_set": old.name, "hash": old.hash().hex()},
        "new": {"rule_set": new.name, "hash": new.hash().hex()},
        "periods": row.periods,
        "outcome": state,
    }
    connection.execute(WRITE_EVENT, {"pilot": pilot_id, "event": uuid.uuid4(), "kind": "backtest", "body": body})
    return True
