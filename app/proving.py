"""What the log proves to whoever takes part in a pilot: its checkpoint, inclusion, consistency; what desks cosign.

Hashes alone: nothing here tells of an event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.db.sessions import Login, Sessions
from app.intake import as_creditor
from app.publishing import PilotUnknown, refuse_others, signing_keys
from privacy.checkpoints import Checkpoint, CheckpointRefused, cosigned_at, log_vkey, read_checkpoint
from privacy.errors import PrivacyError
from privacy.proofs import Place, Span, consistency_spans, fold, inclusion_spans, places

TAKES_PART = sa.text("""
    SELECT p.municipality_id = :organisation FROM registry.pilot p
    WHERE p.pilot_id = :pilot AND (p.municipality_id = :organisation OR EXISTS (
        SELECT FROM registry.agreement a WHERE a.pilot_id = :pilot AND a.organisation_id = :organisation))
""")
OWN_RECEIPT = sa.text("""
    SELECT FROM intake.delivery
    WHERE pilot_id = :pilot AND creditor_id = :organisation AND leaf_hash = :leaf
""")
NODES = sa.text("""
    SELECT n.level, n.position, n.hash
    FROM unnest(CAST(:levels AS int[]), CAST(:positions AS bigint[])) AS p (level, position)
    CROSS JOIN LATERAL (
        SELECT level, position, hash FROM privacy.log_node
        WHERE pilot_id = :pilot AND level = p.level AND position = p.position OFFSET 0
    ) AS n
""")
NO_SUCH_LEAF = "there is no such leaf in a log of that size"


class NotInLog(PrivacyError):
    """The log has no such leaf, or is not as large as the size that was named."""

    code = "not-in-log"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The newest checkpoint as a signed note, and the newest cosignature of each desk with the note that it is of."""

    checkpoint: str
    cosignatures: tuple[tuple[str, str], ...]


def newest_checkpoint(sessions: Sessions, organisation: str, pilot: str) -> SignedHead:
    """The log's newest signed head. Raises PilotUnknown; NotInLog before the first one was signed."""
    with sessions.begin(Login.OPENER) as connection:
        _refuse_strangers(connection, organisation, pilot)
        note = connection.execute(
            sa.text("SELECT checkpoint FROM privacy.log_head WHERE pilot_id = :pilot AND checkpoint <> ''"),
            {"pilot": pilot},
        ).scalar_one_or_none()
        if note is None:
            raise NotInLog("the log of this pilot has no checkpoint yet: ask again in a few seconds")
        rows = connection.execute(
            sa.text("""
                SELECT checkpoint, signature FROM privacy.cosignature WHERE pilot_id = :pilot ORDER BY witness
            """),
            {"pilot": pilot},
        )
        return SignedHead(note, tuple((row.checkpoint, row.signature) for row in rows))


def inclusion(
    sessions: Sessions, organisation: str, pilot: str, leaf_hash: bytes, size: int
) -> tuple[int, list[bytes]]:
    """Place and proof of a leaf in the tree of `size` leaves. Raises PilotUnknown, NotInLog.

    A creditor gets those of its own receipts; to it every other leaf looks like one that is not there.
    """
    with sessions.begin(Login.OPENER) as connection:
        is_municipality = _refuse_strangers(connection, organisation, pilot)
    if not is_municipality:
        with as_creditor(sessions, organisation) as connection:
            values = {"pilot": pilot, "organisation": organisation, "leaf": leaf_hash}
            if connection.execute(OWN_RECEIPT, values).first() is None:
                raise NotInLog(NO_SUCH_LEAF)
    with sessions.begin(Login.OPENER) as connection:
        index = connection.execute(
            sa.text("""
                SELECT min(leaf_index) FROM privacy.log_leaf l
                WHERE pilot_id = :pilot AND leaf_hash = :leaf AND leaf_index < :size
            """),
            {"pilot": pilot, "leaf": leaf_hash, "size": size},
        ).scalar_one()
        if index is None:
            raise NotInLog(NO_SUCH_LEAF)
        return index, _proof(connection, pilot, inclusion_spans(index, size))


def consistency(sessions: Sessions, organisation: str, pilot: str, first: int, second: int) -> list[bytes]:
    """The proof that the log at size `second` holds the one at size `first`. Raises PilotUnknown, NotInLog."""
    if first > second:
        raise NotInLog("the second size must not be below the first")
    with sessions.begin(Login.OPENER) as connection:
        _refuse_strangers(connection, organisation, pilot)
        return _proof(connection, pilot, consistency_spans(first, second))


def keep_cosignature(
    sessions: Sessions, organisation: str, pilot: str, note: str, signature: str, log_public: dict[str, Any]
) -> None:
    """Keep a desk's cosignature, in place of its earlier one.

    Raises:
        PilotUnknown: not a pilot of this municipality.
        CheckpointRefused: not a checkpoint of this log, or not signed by a registered key of the municipality.
    """
    with sessions.begin(Login.OPENER) as connection:
        refuse_others(connection, organisation, pilot)
        checkpoint = read_checkpoint(note, log_vkey(pilot, log_public))
        keys = signing_keys(connection, organisation)
        if not any(_is_by(public, signature, checkpoint, organisation) for public in keys):
            raise CheckpointRefused("not cosigned by a registered key of this municipality")
        connection.execute(
            sa.text("""
                INSERT INTO privacy.cosignature AS c VALUES (:pilot, :witness, :size, :note, :signature)
                ON CONFLICT (pilot_id, witness) DO UPDATE SET tree_size = excluded.tree_size,
                    checkpoint = excluded.checkpoint, signature = excluded.signature
                WHERE c.tree_size <= excluded.tree_size
            """),
            {
                "pilot": pilot,
                "witness": organisation,
                "size": checkpoint.size,
                "note": note,
                "signature": signature,
            },
        )


def _is_by(public: dict[str, Any], signature: str, checkpoint: Checkpoint, witness: str) -> bool:
    try:
        cosigned_at(signature, checkpoint, witness, public)
    except CheckpointRefused:
        return False
    return True


def _refuse_strangers(connection: sa.Connection, organisation: str, pilot: str) -> bool:
    """Whether who takes part is the pilot's municipality. Raises PilotUnknown for who takes no part."""
    found = connection.execute(TAKES_PART, {"pilot": pilot, "organisation": organisation}).one_or_none()
    if found is None:
        raise PilotUnknown("there is no such pilot that you take part in")
    return bool(found[0])


def _proof(connection: sa.Connection, pilot: str, spans: Iterable[Span]) -> list[bytes]:
    spans = list(spans)
    wanted = [place for span in spans for place in places(span)]
    rows = connection.execute(
        NODES, {"pilot": pilot, "levels": [level for level, _ in wanted], "positions": [at for _, at in wanted]}
    )
    found: dict[Place, bytes] = {(row.level, row.position): row.hash for row in rows}
    if len(found) < len(set(wanted)):
        raise NotInLog("the log is not that large yet")
    return fold(spans, found.__getitem__)
