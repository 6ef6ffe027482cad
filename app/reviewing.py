"""The queue of doubtful links: which of them are put before a person, because the answer would change a signal.

The linker works it off in small steps when nothing else waits. First it looks for doubts among the households that
changed (signals/doubts.py); then it tries each out: it carries the other answer out in a savepoint, links and judges,
compares the signals and rolls back. So what is asked depends on what is there, and not on how it came.
"""

import uuid
from collections import Counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.completion import RuleSets, begin_touched, lock_pilot
from app.link_deciding import INSERT, INSERT_CONTRACT
from signals.doubts import Doubt, find_doubts
from signals.judging import judge
from signals.linking import link
from signals.linking_decided import touch_decided
from signals.linking_known import mark_known_clients
from signals.pilot import Pilot

TRIED_AT_ONCE = 10  # each takes some tenths of a second, and the pilot is locked meanwhile
MONTHS_TOLD = 2  # of what would change: the newest ones

DUE = """
    SELECT pilot_id, 'review' AS id FROM registry.pilot p
    WHERE EXISTS (SELECT FROM signals.review_due d WHERE d.pilot_id = p.pilot_id)
       OR EXISTS (SELECT FROM signals.doubt d WHERE d.pilot_id = p.pilot_id AND d.state = 'waiting')
    ORDER BY pilot_id
"""
HOUSEHOLDS = (
    "DROP TABLE IF EXISTS due_household",
    "CREATE TEMPORARY TABLE due_household (household_id uuid PRIMARY KEY) ON COMMIT DROP",
    """
    INSERT INTO due_household
    SELECT DISTINCT h FROM signals.review_due d CROSS JOIN LATERAL unnest(d.households) AS h WHERE d.pilot_id = :pilot
    """,
    # A run without names: all, those included that only a doubt still names.
    """
    INSERT INTO due_household
    SELECT household_id FROM signals.report
    WHERE pilot_id = :pilot AND household_id IS NOT NULL
      AND EXISTS (SELECT FROM signals.review_due d WHERE d.pilot_id = :pilot AND d.households IS NULL)
    UNION
    SELECT h FROM signals.doubt d CROSS JOIN LATERAL unnest(d.households) AS h
    WHERE d.pilot_id = :pilot
      AND EXISTS (SELECT FROM signals.review_due n WHERE n.pilot_id = :pilot AND n.households IS NULL)
    ON CONFLICT DO NOTHING
    """,
    "ANALYZE due_household",
)
FORGET = sa.text("""
    DELETE FROM signals.doubt
    WHERE pilot_id = :pilot AND households && ARRAY(SELECT household_id FROM due_household)
""")
KEEP = sa.text("""
    INSERT INTO signals.doubt (pilot_id, doubt_id, kind, linked, one, other, households, newest)
    VALUES (:pilot, :doubt_id, :kind, :linked, :one, :other, :households, :newest)
    ON CONFLICT (pilot_id, doubt_id) DO NOTHING
""")
LOOKED = (
    "DELETE FROM signals.review_due WHERE pilot_id = :pilot",
    """
    INSERT INTO signals.review (pilot_id, newest)
    SELECT :pilot, newest FROM (SELECT max(period) AS newest FROM signals.signal WHERE pilot_id = :pilot) AS s
    WHERE newest IS NOT NULL
    ON CONFLICT (pilot_id) DO UPDATE SET newest = excluded.newest
    """,
    """
    DELETE FROM signals.review WHERE pilot_id = :pilot
      AND NOT EXISTS (SELECT FROM signals.signal s WHERE s.pilot_id = :pilot)
    """,
)
WAITING = sa.text("""
    SELECT doubt_id, kind, linked, one, other, households, newest FROM signals.doubt
    WHERE pilot_id = :pilot AND state = 'waiting' ORDER BY newest DESC, doubt_id LIMIT :most
""")
CONTRACTS = sa.text("""
    SELECT creditor_id, reference, report_id = ANY (:one) AS of_one FROM signals.report
    WHERE pilot_id = :pilot AND report_id = ANY (:reports) ORDER BY period, report_id
""")
SIGNALS = sa.text("""
    SELECT period, tray, rules, urgent, priority, deadline FROM signals.signal
    WHERE pilot_id = :pilot AND household_id = ANY (:households)
""")
TRIED = sa.text("""
    UPDATE signals.doubt SET state = :state, households = :households, newest = :newest, changes = :changes
    WHERE pilot_id = :pilot AND doubt_id = :doubt
""").bindparams(sa.bindparam("changes", type_=JSONB))


def review_step(connection: sa.Connection, pilot_id: str, rule_sets: RuleSets) -> bool:
    """Look for doubts, or try some out, in the caller's transaction. False: nothing was left to do."""
    pilot = lock_pilot(connection, pilot_id)
    due = sa.text("SELECT EXISTS (SELECT FROM signals.review_due WHERE pilot_id = :pilot)")
    if connection.execute(due, {"pilot": pilot_id}).scalar_one():
        look_for_doubts(connection, pilot_id)
        return True
    doubts = [
        Doubt(row.doubt_id, row.kind, row.linked, row.one, row.other, row.households, row.newest)
        for row in connection.execute(WAITING, {"pilot": pilot_id, "most": TRIED_AT_ONCE})
    ]
    for doubt in doubts:
        households, changes = what_would_change(connection, pilot, rule_sets, doubt)
        state = "asked" if changes else "nothing"
        newest = changes[0]["period"] if changes else doubt.newest
        tried = {"state": state, "newest": newest, "changes": changes[:MONTHS_TOLD], "households": households}
        connection.execute(TRIED, {"pilot": pilot_id, "doubt": doubt.doubt_id, **tried})
    return bool(doubts)


def look_for_doubts(connection: sa.Connection, pilot_id: str) -> None:
    """Replace the doubts that concern households that changed by those that are there now, to be tried out."""
    for statement in HOUSEHOLDS:
        connection.execute(sa.text(statement), {"pilot": pilot_id})
    found = find_doubts(connection, pilot_id)
    connection.execute(FORGET, {"pilot": pilot_id})
    if found:
        connection.execute(KEEP, [_kept(pilot_id, doubt) for doubt in found])
    for text in LOOKED:
        connection.execute(sa.text(text), {"pilot": pilot_id})


def _kept(pilot_id: str, doubt: Doubt) -> dict[str, Any]:
    sides = {"one": list(doubt.one), "other": list(doubt.other), "households": list(doubt.households)}
    of = {"doubt_id": doubt.doubt_id, "kind": doubt.kind, "linked": doubt.linked, "newest": doubt.newest}
    return {"pilot": pilot_id, **of, **sides}


def what_would_change(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, doubt: Doubt
) -> tuple[list[uuid.UUID], list[dict[str, Any]]]:
    """The households that the other answer would touch, and what it would change in their signals, newest month first.

    Changed is what sorts work: tray, rules, urgency, priority, deadline; not the amounts behind them.
    """
    trial = connection.begin_nested()
    _decide_the_other_way(connection, pilot.id, doubt)
    link(connection, pilot.id, uuid.uuid4())
    mark_known_clients(connection, pilot.id)
    judge(connection, pilot.id, rule_sets(connection, pilot.rule_set))
    touched = set(connection.execute(sa.text("SELECT household_id FROM touched_household")).scalars())
    households = sorted(touched | set(doubt.households))
    after = _signals(connection, pilot.id, households)
    trial.rollback()
    before = _signals(connection, pilot.id, households)
    periods = sorted({*before, *after}, reverse=True)
    changes = [
        {
            "period": period,
            "before": _told(before.get(period, Counter()) - after.get(period, Counter())),
            "after": _told(after.get(period, Counter()) - before.get(period, Counter())),
        }
        for period in periods
        if before.get(period) != after.get(period)
    ]
    return households, changes


def _decide_the_other_way(connection: sa.Connection, pilot_id: str, doubt: Doubt) -> None:
    sides: dict[tuple[str, uuid.UUID], int] = {}  # a contract of both sides goes with its newest report
    of = {"pilot": pilot_id, "one": list(doubt.one), "reports": [*doubt.one, *doubt.other]}
    for row in connection.execute(CONTRACTS, of):
        sides[row.creditor_id, row.reference] = 2 if doubt.linked and not row.of_one else 1
    values = {"pilot": pilot_id, "decision": uuid.uuid4()}
    connection.execute(INSERT, {**values, "actor": "-", "why": "-"})
    connection.execute(
        INSERT_CONTRACT,
        [
            {**values, "side": side, "creditor": creditor, "reference": reference}
            for (creditor, reference), side in sides.items()
        ],
    )
    begin_touched(connection)
    touch_decided(connection, pilot_id, set(sides))


def _signals(
    connection: sa.Connection, pilot_id: str, households: list[uuid.UUID]
) -> dict[str, Counter[tuple[Any, ...]]]:
    found: dict[str, Counter[tuple[Any, ...]]] = {}
    for row in connection.execute(SIGNALS, {"pilot": pilot_id, "households": households}):
        said = (row.tray, tuple(row.rules), row.urgent, row.priority, row.deadline.isoformat())
        found.setdefault(row.period, Counter())[said] += 1
    return found


def _told(signals: Counter[tuple[Any, ...]]) -> list[dict[str, Any]]:
    names = ("tray", "rules", "urgent", "priority", "deadline")
    return [dict(zip(names, said, strict=True)) for said in sorted(signals.elements())]
