"""Sealing the log: events that were committed become leaves of their pilot's tree, in batches, within a second or two.

Every sealing signs the new head as a checkpoint (privacy/checkpoints.py). A log in which nothing happened for ten
minutes gets a heartbeat, so that silence shows. A chain in the reading transaction would halve the throughput
(docs/decisions). No event is passed over: what is not yet committed is simply not yet waiting, and gets a later place.
"""

import uuid
from typing import Any

import sqlalchemy as sa

from app.completion import WRITE_EVENT
from app.db.sessions import Login, Sessions
from privacy.checkpoints import Checkpoint
from privacy.log import GrowingTree, commitment, leaf, peak_places
from privacy.merkle import EMPTY_ROOT

BATCH = 5_000
HEARTBEAT_MINUTES = 10
SILENT = sa.text("""
    SELECT p.pilot_id FROM registry.pilot p
    WHERE (clock_timestamp() AT TIME ZONE 'Europe/Amsterdam')::date BETWEEN p.starts AND p.ends
      AND NOT EXISTS (SELECT FROM privacy.event e WHERE e.pilot_id = p.pilot_id
                      AND e.at > clock_timestamp() - make_interval(mins => :minutes))
""")


def beat(sessions: Sessions, minutes: int = HEARTBEAT_MINUTES) -> int:
    """Write a heartbeat for every running pilot whose last event is that old; returns how many."""
    with sessions.begin(Login.LINKER) as connection:
        silent = list(connection.execute(SILENT, {"minutes": minutes}).scalars())
        for pilot in silent:
            event = {"pilot": pilot, "event": uuid.uuid4(), "kind": "heartbeat", "body": {}}
            connection.execute(WRITE_EVENT, event)
        return len(silent)


def seal_waiting(sessions: Sessions, key: dict[str, Any]) -> int:
    """Seal what waits in every pilot's log and sign the head with `key` (private JWK). Safe to run twice at once.

    Returns how many events were sealed.
    """
    with sessions.begin(Login.LINKER) as connection:
        pilots = connection.execute(
            sa.text("SELECT DISTINCT pilot_id FROM privacy.unsealed ORDER BY pilot_id")
        ).scalars()
        waiting = list(pilots)
    return sum(_seal_pilot(sessions, pilot, key) for pilot in waiting)


def _seal_pilot(sessions: Sessions, pilot: str, key: dict[str, Any]) -> int:
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
                UPDATE privacy.log_head
                SET tree_size = :size, root = :root, checkpoint = :checkpoint, sealed_at = clock_timestamp()
                WHERE pilot_id = :pilot
            """),
            {
                "pilot": pilot,
                "size": tree.size,
                "root": tree.root(),
                "checkpoint": Checkpoint(pilot, tree.size, tree.root()).signed(key),
            },
        )
        return len(events)


def _locked_head(connection: sa.Connection, pilot: str) -> int:
    """Lock the pilot's tree head, so that two sealers take turns; returns the size of the tree."""
    connection.execute(
        sa.text(
            "INSERT INTO privacy.log_head (pilot_id, tree_size, root, sealed_at) "
            "VALUES (:pilot, 0, :root, clock_timestamp()) ON CONFLICT DO NOTHING"
        ),
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
