"""Erasing events before their day: the linker tells of it in the log first, and once that is sealed takes them away."""

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from app.completion import lock_pilot
from app.publishing import signing_keys
from privacy.log_erasures import KIND, Erasure, read_erasure
from privacy.signing import NotSigned

ERASURES = """
    SELECT pilot_id, erasure_id AS id FROM privacy.log_erasure WHERE done_at IS NULL ORDER BY asked_at, erasure_id
"""
WAITING = sa.text("""
    SELECT r.signed, r.event_id IS NOT NULL AS told, EXISTS (
        SELECT FROM privacy.log_leaf l WHERE l.pilot_id = r.pilot_id AND l.event_id = r.event_id) AS sealed
    FROM privacy.log_erasure r
    WHERE r.pilot_id = :pilot AND r.erasure_id = :erasure AND r.done_at IS NULL FOR UPDATE
""")
NAMED = sa.text("""
    SELECT count(DISTINCT leaf_hash) FROM privacy.log_leaf
    WHERE pilot_id = :pilot AND leaf_hash = ANY (:leaves) AND kind <> :kind
""").bindparams(sa.bindparam("leaves", type_=ARRAY(BYTEA)))
TELL = sa.text("SELECT privacy.tell_erasure(:pilot, :erasure, :leaves, :body)").bindparams(
    sa.bindparam("leaves", type_=ARRAY(BYTEA)), sa.bindparam("body", type_=JSONB)
)
ERASE = sa.text("SELECT privacy.erase_events(:pilot, :erasure)")
DONE = sa.text("""
    UPDATE privacy.log_erasure SET done_at = clock_timestamp(), outcome = :outcome, signed = ''
    WHERE pilot_id = :pilot AND erasure_id = :erasure
""")


def erase_step(connection: sa.Connection, pilot: str, erasure_id: uuid.UUID) -> bool:
    """Take the next step of one erasure, in the caller's transaction. Returns False when there is none to take yet."""
    lock_pilot(connection, pilot)
    values = {"pilot": pilot, "erasure": erasure_id}
    row = connection.execute(WAITING, values).one_or_none()
    if row is None or (row.told and not row.sealed):
        return False
    if row.told:
        connection.execute(ERASE, values)
        connection.execute(DONE, {**values, "outcome": "erased"})
        return True
    erasure = _signed_for(connection, pilot, row.signed)
    leaves = [bytes.fromhex(leaf) for leaf in erasure.leaves] if erasure else []
    found = connection.execute(NAMED, {**values, "leaves": leaves, "kind": KIND}).scalar_one()
    if erasure is None or found < len(leaves):
        connection.execute(DONE, {**values, "outcome": "not signed" if erasure is None else "no such events"})
        return True
    told = {"erasure": str(erasure_id), "leaves": list(erasure.leaves), "reason": erasure.reason.value}
    connection.execute(TELL, {**values, "leaves": leaves, "body": {**told, "signed": row.signed}})
    return True


def _signed_for(connection: sa.Connection, pilot: str, signed: str) -> Erasure | None:
    municipality = connection.execute(
        sa.text("SELECT municipality_id FROM registry.pilot WHERE pilot_id = :pilot"), {"pilot": pilot}
    ).scalar_one()
    return signed_by_one_of(signing_keys(connection, municipality), pilot, signed)


def signed_by_one_of(keys: list[dict[str, object]], pilot: str, signed: str) -> Erasure | None:
    """The erasure that one of these keys (JWK) signed for this pilot, if one did."""
    for public in keys:
        try:
            return read_erasure(signed, pilot, public)
        except NotSigned:
            continue
    return None
