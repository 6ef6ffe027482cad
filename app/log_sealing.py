"""Sealing the log: events that were committed become leaves of their pilot's tree, in batches, within a second or two.

A chain in the reading transaction would halve the throughput (docs/decisions). No event is passed over: what is not yet
committed is simply not yet waiting, and gets a later place.
"""

import sqlalchemy as sa

from app.db.sessions import Login, Sessions
from privacy.log import GrowingTree, commitment, leaf, peak_places
from privacy.merkle import EMPTY_ROOT

BATCH = 5_000


def seal_waiting(sessions: Sessions) -> int:
    """Seal what waits in every pilot's log; returns how many events were sealed. Safe to run twice at once."""
    with sessions.begin(Login.LINKER) as connection:
        pilots = connection.execute(
            sa.text("SELECT DISTINCT pilot_id FROM privacy.unsealed ORDER BY pilot_id")
        ).scalars()
        waiting = list(pilots)
    return sum(_seal_pilot(sessions, pilot) for pilot in waiting)


def _seal_pilot(sessions: Sessions, pilot: str) -> int:
    with sessions.begin(Login.LINKER) as connection:
        head = _locked_head(connection, pilot)
        tree = _right_edge(connection, pilot, head)
        events = connection.execute(
            sa.text("""
                SELECT e.event_id, e.kind, e.keep_until, e.salt, e.body
                FROM privacy.unsealed u JOIN privacy.event e USING (pilot_id, event_id)
                WHERE u.pilot_id = :pilot ORDER BY e.at, e.event_id LIMIT :batch
            """),
            {"pilot": pilot, "batch": BATCH},
        ).all()
        if not events:
            return 0
        leaves, nodes = [], []
        for event in events:
            committed = commitment(event.salt, event.body)
            hashed = leaf(event.kind, event.keep_until, committed)
            leaves.append(
                {
                    "pilot": pilot,
                    "index": tree.size,
                    "event": event.event_id,
                    "kind": event.kind,
                    "keep": event.keep_until,
                    "commitment": committed,
                    "hash": hashed,
                }
            )
            nodes += [
                {"pilot": pilot, "level": level, "position": position, "hash": node}
                for level, position, node in tree.append(hashed)
            ]
        connection.execute(
            sa.text("INSERT INTO privacy.log_leaf VALUES (:pilot, :index, :event, :kind, :keep, :commitment, :hash)"),
            leaves,
        )
        connection.execute(sa.text("INSERT INTO privacy.log_node VALUES (:pilot, :level, :position, :hash)"), nodes)
        connection.execute(
            sa.text("DELETE FROM privacy.unsealed WHERE pilot_id = :pilot AND event_id = ANY (:events)"),
            {"pilot": pilot, "events": [event.event_id for event in events]},
        )
        connection.execute(
            sa.text("""
                UPDATE privacy.log_head SET tree_size = :size, root = :root, sealed_at = clock_timestamp()
                WHERE pilot_id = :pilot
            """),
            {"pilot": pilot, "size": tree.size, "root": tree.root()},
        )
        return len(events)


def _locked_head(connection: sa.Connection, pilot: str) -> int:
    """Lock the pilot's tree head, so that two sealers take turns; returns the size of the tree."""
    connection.execute(
        sa.text("INSERT INTO privacy.log_head VALUES (:pilot, 0, :root, clock_timestamp()) ON CONFLICT DO NOTHING"),
        {"pilot": pilot, "root": EMPTY_ROOT},
    )
    size: int = connection.execute(
        sa.text("SELECT tree_size FROM privacy.log_head WHERE pilot_id = :pilot FOR UPDATE"), {"pilot": pilot}
    ).scalar_one()
    return size


def _right_edge(connection: sa.Connection, pilot: str, size: int) -> GrowingTree:
    places = peak_places(size)
    rows = connection.execute(
        sa.text("""
            SELECT n.level, n.hash FROM privacy.log_node n
            JOIN unnest(CAST(:levels AS int[]), CAST(:positions AS bigint[])) AS p (level, position)
              ON n.level = p.level AND n.position = p.position
            WHERE n.pilot_id = :pilot
        """),
        {"pilot": pilot, "levels": [level for level, _ in places], "positions": [position for _, position in places]},
    )
    return GrowingTree(size, {row.level: row.hash for row in rows})
