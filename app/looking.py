"""Queries about households. Each takes a `Scope`, which only the gate can make; the policies hold them to it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.gate import NotInScope, Scope

# The levels above the purpose's own give no rows, so their columns come back empty: one query serves every level.
SIGNALS = """
    SELECT s.signal_id, s.household_id, s.period, s.tray, s.rules, s.urgent, s.priority, s.received_on, s.deadline,
           c.categories, c.creditors, f.rule_set, f.amount_euros, f.months,
           replace(f.district::text, '-', '') AS district, f.explanation
    FROM signals.signal s
    LEFT JOIN signals.signal_categories c ON c.pilot_id = s.pilot_id AND c.signal_id = s.signal_id
    LEFT JOIN signals.signal_facts f ON f.pilot_id = s.pilot_id AND f.signal_id = s.signal_id
    WHERE s.pilot_id = :pilot
"""


def worklist_page(scope: Scope, asks: Mapping[str, Any]) -> Sequence[sa.RowMapping]:
    """The signals of the page that the access event named, urgent first, then by deadline, then by priority."""
    rows = (
        scope.connection.execute(
            sa.text(
                SIGNALS
                + """
                  AND (CAST(:tray AS text) IS NULL OR s.tray = :tray)
                  AND (CAST(:period AS text) IS NULL OR s.period = :period)
                  AND (CAST(:rule AS text) IS NULL OR :rule = ANY (s.rules))
                  AND (CAST(:signal AS uuid) IS NULL
                       OR (NOT s.urgent, s.deadline, -s.priority, s.signal_id)
                        > (NOT CAST(:urgent AS boolean), CAST(:deadline AS date), -CAST(:priority AS integer),
                           CAST(:signal AS uuid)))
                ORDER BY NOT s.urgent, s.deadline, -s.priority, s.signal_id LIMIT :limit
                """
            ),
            {
                "pilot": scope.pilot,
                "tray": asks.get("tray"),
                "period": asks.get("period"),
                "rule": asks.get("rule"),
                "limit": asks["limit"],
                **dict(
                    zip(("urgent", "deadline", "priority", "signal"), asks.get("after") or (None,) * 4, strict=True)
                ),
            },
        )
        .mappings()
        .all()
    )
    scope.shown += [str(row["signal_id"]) for row in rows]
    return rows


def one_signal(scope: Scope, signal_id: uuid.UUID) -> sa.RowMapping:
    """One signal, as far as the purpose discloses. Raises NotInScope."""
    row = (
        scope.connection.execute(
            sa.text(SIGNALS + " AND s.signal_id = :signal"), {"pilot": scope.pilot, "signal": signal_id}
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotInScope("there is no such signal in this pilot")
    scope.shown.append(str(signal_id))
    return row


def reports_of(scope: Scope, household: uuid.UUID, period: str) -> Sequence[sa.RowMapping]:
    """A household's reports up to and with a period, newest first, each with its sealed details where disclosed."""
    rows = (
        scope.connection.execute(
            sa.text("""
                SELECT r.report_id, r.creditor_id, r.period, r.kind, r.category, r.amount_euros, r.months,
                       r.arrears_since, r.since_derived, r.reported_on, r.social_collection, r.urgent,
                       s.sent, s.wrapped_key, s.contact, s.part, s.proof, d.manifest, d.key_envelope
                FROM signals.report r
                LEFT JOIN signals.sealed_report s ON s.pilot_id = r.pilot_id AND s.report_id = r.report_id
                LEFT JOIN intake.delivery d ON d.pilot_id = r.pilot_id AND d.delivery_id = r.delivery_id
                WHERE r.pilot_id = :pilot AND r.household_id = :household AND r.period <= :period
                ORDER BY r.period DESC, r.creditor_id, r.report_id
            """),
            {"pilot": scope.pilot, "household": household, "period": period},
        )
        .mappings()
        .all()
    )
    scope.shown += [str(row["report_id"]) for row in rows]
    return rows


def held_of_resident(scope: Scope) -> dict[str, Any]:
    """All that the event found by match keys: reports, signals, consents, objections, looks, and the pilot's own.

    Raises NotInScope: the event's seconds were over before the last of it, and an answer without looks would be a lie.
    """
    held: dict[str, Any] = {}
    for what in ("reports", "signals", "consents", "objections", "pilot", "looks"):
        rows = scope.connection.execute(sa.text(f"SELECT * FROM privacy.resident_{what}()")).mappings()  # noqa: S608 - words of this file only
        held[what] = [dict(row) for row in rows]
    if not held["pilot"] or (held["reports"] and not held["looks"]):  # this very look is one of them
        raise NotInScope("the answer took longer than a look may: ask once more")
    for what in ("report", "signal", "consent", "objection"):
        scope.shown += [str(row[f"{what}_id"]) for row in held[f"{what}s"]]
    (pilot,) = held.pop("pilot")
    return {**held, **pilot}


def holds_this_look(scope: Scope, head: sa.RowMapping | None) -> bool:
    """Whether the tree under `head` holds the access event of this look, and so all that was committed before it."""
    if head is None:
        return False
    found: bool = scope.connection.execute(
        sa.text("""
            SELECT EXISTS (SELECT FROM privacy.log_leaf
                           WHERE pilot_id = :pilot AND event_id = :event AND leaf_index < :size)
        """),
        {"pilot": scope.pilot, "event": scope.event, "size": head["tree_size"]},
    ).scalar_one()
    return found


def log_page(scope: Scope, after: int, limit: int) -> tuple[Sequence[sa.RowMapping], sa.RowMapping | None]:
    """The sealed events of a pilot behind leaf `after`, in the order of the tree, and the tree's head."""
    # The head first: events that are sealed in between lie beyond it, and nothing before it can be missing.
    head = (
        scope.connection.execute(
            sa.text("""
                SELECT tree_size, encode(root, 'hex') AS root, sealed_at FROM privacy.log_head WHERE pilot_id = :pilot
            """),
            {"pilot": scope.pilot},
        )
        .mappings()
        .one_or_none()
    )
    rows = (
        scope.connection.execute(
            sa.text("""
                SELECT l.leaf_index, l.kind, l.keep_until, encode(l.commitment, 'hex') AS commitment,
                       encode(l.leaf_hash, 'hex') AS leaf_hash, encode(e.salt, 'hex') AS salt, e.body
                FROM privacy.log_leaf l
                LEFT JOIN privacy.event e ON e.pilot_id = l.pilot_id AND e.event_id = l.event_id
                WHERE l.pilot_id = :pilot AND l.leaf_index > :after ORDER BY l.leaf_index LIMIT :limit
            """),
            {"pilot": scope.pilot, "after": after, "limit": limit},
        )
        .mappings()
        .all()
    )
    return rows, head
