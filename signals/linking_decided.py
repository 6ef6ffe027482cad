"""People's decisions in linking's SQL: which contracts they join (step 1 of linking_oracle.py) and part (step 4).

Decisions are few, as people make them one by one: what holds of them is worked out in Python, and so is what becomes of
the few persons that they part. Where a pilot has none, all this costs one look at an empty table.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from signals.linking_decisions import Contract, Holding, LinkDecision, connected, what_holds
from signals.linking_oracle import Keyed, fall_apart


def decisions_of(connection: Connection, pilot_id: str) -> list[LinkDecision]:
    """All decisions about links in a pilot."""
    rows = connection.execute(
        text("""
            SELECT d.decided_at, d.decision_id, c.side, c.creditor_id, c.reference
            FROM privacy.link_decision d JOIN privacy.link_decision_contract c
              ON c.pilot_id = d.pilot_id AND c.decision_id = d.decision_id
            WHERE d.pilot_id = :pilot
        """),
        {"pilot": pilot_id},
    )
    groups: dict[tuple[datetime, UUID], dict[int, set[Contract]]] = {}
    for row in rows:
        sides = groups.setdefault((row.decided_at, row.decision_id), {})
        sides.setdefault(row.side, set()).add((row.creditor_id, row.reference))
    return [
        LinkDecision(at, decision, tuple(frozenset(group) for group in sides.values()))
        for (at, decision), sides in groups.items()
    ]


def touch_decided(connection: Connection, pilot_id: str, named: set[Contract]) -> None:
    """Add to `touched_report` the live reports of these contracts and of all that decisions connect with them.

    To be called before decisions go, and after they came: whose reports `link` then finds one or two persons'.
    """
    contracts = connected(decisions_of(connection, pilot_id), named)
    if contracts:
        connection.execute(
            text("""
                INSERT INTO touched_report
                SELECT r.report_id FROM unnest(CAST(:creditors AS text[]), CAST(:references AS uuid[]))
                    AS c (creditor_id, reference)
                CROSS JOIN LATERAL (
                    SELECT report_id FROM signals.report
                    WHERE pilot_id = :pilot AND creditor_id = c.creditor_id AND reference = c.reference
                      AND state = 'live' OFFSET 0
                ) AS r
                ON CONFLICT DO NOTHING
            """),
            {"pilot": pilot_id, **_columns(contracts)},
        )


def load_decisions(connection: Connection, pilot_id: str) -> Holding | None:
    """Fill link_said, a number for each contract that a decision names. None where there is none."""
    holding = what_holds(decisions_of(connection, pilot_id))
    if not holding.number:
        return None
    connection.execute(
        text("""
            INSERT INTO link_said
            SELECT * FROM unnest(CAST(:creditors AS text[]), CAST(:references AS uuid[]), CAST(:numbers AS integer[]))
        """),
        {**_columns(holding.number), "numbers": list(holding.number.values())},
    )
    connection.execute(text("ANALYZE link_said"))
    return holding


def decided_are_not_quiet(connection: Connection) -> None:
    """Take out of link_earlier what decisions are about: what it joins is not told by its keys."""
    connection.execute(
        text("""
            DELETE FROM link_earlier e USING link_said s
            WHERE s.creditor_id = e.creditor_id AND s.reference = e.reference
        """)
    )


def reach_decided(connection: Connection, pilot: dict[str, str], turn: int, columns: str) -> int:
    """Add to link_report, for the next turn, what decisions join with this turn's reports; returns how many."""
    return connection.execute(
        text(f"""
            WITH here AS MATERIALIZED (
                SELECT DISTINCT s.number FROM link_report r JOIN link_said s USING (creditor_id, reference)
                WHERE r.round = :turn
            ), contract AS MATERIALIZED (
                SELECT creditor_id, reference FROM link_said JOIN here USING (number) ORDER BY creditor_id, reference
            ), known AS MATERIALIZED (
                SELECT report_id FROM link_report
            )
            INSERT INTO link_report
            SELECT r.*, :turn + 1 FROM contract CROSS JOIN LATERAL (
                SELECT {columns} FROM signals.report
                WHERE pilot_id = :pilot AND creditor_id = contract.creditor_id AND reference = contract.reference
                  AND state = 'live' OFFSET 0
            ) AS r
            WHERE NOT EXISTS (SELECT FROM known WHERE known.report_id = r.report_id)
        """),  # noqa: S608 - the columns are ours
        {**pilot, "turn": turn},
    ).rowcount


def join_by_decisions(connection: Connection) -> None:
    """Step 1: edges between the reports of contracts that decisions call one person's."""
    connection.execute(
        text("""
            UPDATE link_node n SET said = s.number
            FROM link_report r JOIN link_said s USING (creditor_id, reference) WHERE r.report_id = n.report_id
        """)
    )
    connection.execute(
        text("""
            INSERT INTO link_edge
            SELECT first, no FROM (
                SELECT no, min(no) OVER (PARTITION BY said) AS first FROM link_node WHERE said IS NOT NULL
            ) AS s WHERE no <> first
        """)
    )


def part_by_decisions(connection: Connection, holding: Holding) -> None:
    """Step 4: `label` of link_node, for the reports of persons in whom decisions part contracts."""
    there: dict[int, set[int]] = {}
    for row in connection.execute(text("SELECT DISTINCT label, said FROM link_node WHERE said IS NOT NULL")):
        there.setdefault(row.label, set()).add(row.said)
    labels = [label for label, numbers in there.items() if holding.part(numbers)]
    if not labels:
        return
    rows = connection.execute(
        text("""
            SELECT n.label, n.no, n.report_id, r.creditor_id, r.reference,
                   array_agg(k.key) FILTER (WHERE k.strong) AS strong,
                   array_agg(k.key) FILTER (WHERE NOT k.strong) AS weak,
                   array_agg(k.birth) FILTER (WHERE NOT k.strong) AS births
            FROM link_node n JOIN link_report r USING (report_id) LEFT JOIN link_key k USING (report_id)
            WHERE n.label = ANY (:labels)
            GROUP BY n.label, n.no, n.report_id, r.creditor_id, r.reference
        """),
        {"labels": labels},
    ).all()
    number = {row.report_id: row.no for row in rows}
    persons: dict[int, list[Keyed]] = {}
    for row in rows:
        keyed = Keyed(
            report_id=row.report_id,
            creditor_id=row.creditor_id,
            reference=row.reference,
            strong=frozenset(row.strong or ()),
            weak=dict(zip(row.weak or (), row.births or (), strict=True)),
        )
        persons.setdefault(row.label, []).append(keyed)
    whose = {report: first for person in persons.values() for report, first in fall_apart(person, holding).items()}
    connection.execute(
        text("""
            UPDATE link_node n SET label = w.label
            FROM unnest(CAST(:numbers AS integer[]), CAST(:labels AS integer[])) AS w (no, label) WHERE w.no = n.no
        """),
        {"numbers": [number[report] for report in whose], "labels": [number[first] for first in whose.values()]},
    )


def _columns(contracts: Collection[Contract]) -> dict[str, list[Any]]:
    return {"creditors": [creditor for creditor, _ in contracts], "references": [of for _, of in contracts]}
