"""Records for a Logboek Dataverwerkingen (Logius): one per processing, and one per data subject in it.

They come out of the sealed log, where every processing passes, and so never hold up or fail a request. How far each
pilot's log was told is kept; what the receiver did not confirm is told again, under the same ids (docs/logboek.md).
"""

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.db.sessions import Login, Sessions
from app.last_net import where
from app.otlp import Record, Sender
from privacy.framing import framed
from signals.pilot import Pilot

_log = logging.getLogger("vroegsein.logboek")

MOST_RECORDS = 2_000  # of one batch: about half a megabyte
MOST_LEAVES = 500
CLOSED_WITHIN = 30  # seconds: then a look was closed, or never will be
SETTLED_AFTER = 30  # seconds: what is younger waits
SUBJECT_TYPE = "household"
# Events that are no processing of residents' data; one that this list does not know is told.
NO_PROCESSING = frozenset(
    {"shown", "refusal", "heartbeat", "registry", "monthly-table", "break-glass", "log-erasure", "rule-set"}
)

PILOTS = sa.text("""
    SELECT document FROM registry.pilot WHERE document ->> 'processing_activity' IS NOT NULL ORDER BY pilot_id
""")
BEGIN = sa.text("""
    INSERT INTO privacy.logboek_position
    SELECT :pilot, coalesce((SELECT tree_size FROM privacy.log_head WHERE pilot_id = :pilot), 0), NULL
    ON CONFLICT DO NOTHING
""")
POSITION = sa.text("""
    SELECT leaf_index, after FROM privacy.logboek_position WHERE pilot_id = :pilot FOR UPDATE SKIP LOCKED
""")
MOVE = sa.text("""
    UPDATE privacy.logboek_position SET leaf_index = :leaf, after = :after WHERE pilot_id = :pilot
""")
LEAVES = sa.text("""
    SELECT l.leaf_index, l.leaf_hash, l.kind, e.event_id::text AS event, e.at, e.body,
           e.at > clock_timestamp() - make_interval(secs => :wait) AS unsettled
    FROM privacy.log_leaf l LEFT JOIN privacy.event e ON e.pilot_id = l.pilot_id AND e.event_id = l.event_id
    WHERE l.pilot_id = :pilot AND l.leaf_index >= :leaf ORDER BY l.leaf_index LIMIT :most
""")
CLOSED = sa.text("""
    SELECT body ->> 'access' AS event, body ->> 'outcome' AS outcome, at FROM privacy.event
    WHERE pilot_id = :pilot AND kind = 'shown'
      AND at >= :first AND at <= CAST(:last AS timestamptz) + make_interval(secs => :within)
""")
OF_DELIVERY = sa.text("""
    SELECT household_id::text FROM (
        SELECT DISTINCT household_id FROM signals.report
        WHERE pilot_id = :pilot AND delivery_id = CAST(:delivery AS uuid) AND household_id IS NOT NULL
          AND (CAST(:after AS uuid) IS NULL OR household_id > CAST(:after AS uuid))
        ORDER BY household_id LIMIT :most) AS page
""")


@dataclass(frozen=True, slots=True)
class Logboek:
    """Where to tell, and the secret behind the names that households have there."""

    sender: Sender
    secret: bytes

    def tell(self, sessions: Sessions) -> int:
        """Tell the next batch of every pilot that asks for it; returns how many records the receiver confirmed.

        What kept a batch from being confirmed goes into the service's log, and the batch is told again the next time.
        """
        with sessions.begin(Login.LINKER) as connection:
            pilots = [Pilot.model_validate(document) for document in connection.execute(PILOTS).scalars()]
        told = 0
        for pilot in pilots:
            try:
                with sessions.begin(Login.LINKER) as connection:
                    told += self._tell_pilot(connection, pilot)
            except Exception as error:  # noqa: BLE001 - one that fails holds up no others
                _log.error("the Logboek of pilot %s was not told, to be tried again: %s", pilot.id, where(error))
        return told

    def subject(self, pilot: str, household: str) -> str:
        """The name of a household in the Logboek: another one in each pilot, so that two logs can't be joined by it."""
        return hmac.digest(self.secret, framed("vroegsein/logboek-subject/v1", pilot, household), "sha256")[:16].hex()

    def _tell_pilot(self, connection: sa.Connection, pilot: Pilot) -> int:
        connection.execute(BEGIN, {"pilot": pilot.id})
        position = connection.execute(POSITION, {"pilot": pilot.id}).one_or_none()
        if position is None:
            return 0  # another linker is telling
        leaf, after, records = position.leaf_index, position.after, list[Record]()
        values = {"pilot": pilot.id, "leaf": leaf, "wait": SETTLED_AFTER, "most": MOST_LEAVES}
        leaves = connection.execute(LEAVES, values).all()
        closed = _closed(connection, pilot.id, leaves)
        for row in leaves:
            if row.unsettled or len(records) >= MOST_RECORDS:
                break
            households = self._households(connection, pilot, row, after)
            records += self._records(pilot, row, closed.get(row.event), households, with_parent=after is None)
            whole = len(households) < MOST_RECORDS
            leaf, after = (row.leaf_index + 1, None) if whole else (row.leaf_index, households[-1])
            if not whole:
                break
        if records:
            self.sender.send(records)
        connection.execute(MOVE, {"pilot": pilot.id, "leaf": leaf, "after": after})
        return len(records)

    def _households(self, connection: sa.Connection, pilot: Pilot, row: sa.Row[Any], after: str | None) -> list[str]:
        """The next households of one event, in order."""
        if row.body is None or row.kind in NO_PROCESSING:
            return []
        if row.kind == "delivery":
            values = {"pilot": pilot.id, "delivery": row.body["delivery"], "after": after, "most": MOST_RECORDS}
            return list(connection.execute(OF_DELIVERY, values).scalars())
        named = sorted(row.body.get("households") or ())
        return [household for household in named if after is None or household > str(after)][:MOST_RECORDS]

    def _records(
        self,
        pilot: Pilot,
        row: sa.Row[Any],
        closed: sa.Row[Any] | None,
        households: Sequence[str],
        *,
        with_parent: bool,
    ) -> list[Record]:
        """The record of the processing itself, and one for each household. No record tells who acted."""
        if row.body is None or row.kind in NO_PROCESSING:
            return []
        purpose = pilot.purposes.get(row.body.get("purpose", ""))
        activity = (purpose and purpose.processing_activity) or pilot.processing_activity or ""
        name, of = "look" if row.kind == "access" else row.kind, (("dpl.core.processing_activity_id", activity),)
        # The privacy officer finds the event in the log by its leaf; the receiver learns nothing from a hash.
        trace, span = row.leaf_hash[:16], row.leaf_hash[16:24]
        end, failed = (closed.at, closed.outcome == "failed") if closed is not None else (row.at, False)
        records = [Record(name, trace, span, b"", row.at, end, failed, of)] if with_parent else []
        for household in households:
            subject = self.subject(pilot.id, household)
            who = (("dpl.core.data_subject_id", subject), ("dpl.core.data_subject_id_type", SUBJECT_TYPE))
            own = hmac.digest(trace, bytes.fromhex(subject), "sha256")[:8]
            records.append(Record(name, trace, own, span, row.at, end, failed, of + who))
        return records


def _closed(connection: sa.Connection, pilot: str, leaves: Sequence[sa.Row[Any]]) -> dict[str, sa.Row[Any]]:
    """How the looks among these leaves ended, by their events."""
    moments = [row.at for row in leaves if row.kind == "access" and row.at is not None]
    if not moments:
        return {}
    values = {"pilot": pilot, "first": min(moments), "last": max(moments), "within": CLOSED_WITHIN}
    return {row.event: row for row in connection.execute(CLOSED, values)}
