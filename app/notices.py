"""Notices: every creditor with a webhook is told of every batch, whether or not there is anything in it for it.

A notice is claimed in one transaction and settled in another; no transaction is open while its webhook is called. If
the process ends in between, the notice goes out once more, under the same id. (docs/decisions/0038)
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from app.db.sessions import Login, Sessions
from app.intake import as_creditor
from app.last_net import where
from app.webhooks import Caller
from privacy.notices import HEADER, MEDIA_TYPE, Notice, notice_id, signature_of

_log = logging.getLogger("vroegsein.notices")

A_ROUND = 20  # notices: what is slow holds up no more than these
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
MOST_ATTEMPTS = 20  # the last of them just under three days after the first

HOOKS = sa.text("""
    SELECT organisation_id FROM registry.agreement
    WHERE pilot_id = :pilot AND document ->> 'webhook' IS NOT NULL ORDER BY organisation_id
""")
PUT = sa.text("""
    INSERT INTO intake.notice (pilot_id, notice_id, creditor_id, batch, next_at)
    VALUES (:pilot, :id, :creditor, :batch, now()) ON CONFLICT DO NOTHING
""")
# One that was given up is due once more when its creditor's webhook is another one than was called.
WAITING = """
    n.delivered_at IS NULL AND a.document ->> 'webhook' IS NOT NULL
    AND (n.next_at <= :now OR (n.next_at IS NULL AND n.url <> a.document ->> 'webhook'))
"""
DUE = sa.text(f"""
    SELECT n.pilot_id, n.notice_id FROM intake.notice n
    JOIN registry.agreement a ON a.pilot_id = n.pilot_id AND a.organisation_id = n.creditor_id
    WHERE {WAITING} ORDER BY n.next_at, n.notice_id LIMIT :most
""")  # noqa: S608 - words of this file only
CLAIM = sa.text(f"""
    SELECT n.creditor_id, n.batch, a.document ->> 'webhook' AS url,
           CASE WHEN n.next_at IS NULL THEN 0 ELSE n.attempts END AS attempts
    FROM intake.notice n
    JOIN registry.agreement a ON a.pilot_id = n.pilot_id AND a.organisation_id = n.creditor_id
    WHERE n.pilot_id = :pilot AND n.notice_id = :id AND {WAITING} FOR UPDATE OF n SKIP LOCKED
""")  # noqa: S608 - words of this file only
CLAIMED = sa.text("""
    UPDATE intake.notice SET attempts = :attempts, next_at = :next, url = :url
    WHERE pilot_id = :pilot AND notice_id = :id
""")
DELIVERED = sa.text("""
    UPDATE intake.notice SET delivered_at = :now, next_at = NULL, failure = NULL
    WHERE pilot_id = :pilot AND notice_id = :id
""")
FAILED = sa.text("""
    UPDATE intake.notice SET failure = :failure, next_at = CASE WHEN :given_up THEN NULL ELSE next_at END
    WHERE pilot_id = :pilot AND notice_id = :id AND delivered_at IS NULL AND attempts = :attempts
""")
OF_CREDITOR = sa.text("""
    SELECT notice_id, batch, attempts, next_at, delivered_at, failure FROM intake.notice
    WHERE pilot_id = :pilot AND creditor_id = :creditor ORDER BY batch DESC
""")

State = Literal["delivered", "waiting", "given_up"]


def put_ready(connection: sa.Connection, pilot_id: str, batch: date) -> None:
    """Have every creditor of a pilot with a webhook told that a batch is ready, once the transaction ends well."""
    ready = [
        {"pilot": pilot_id, "creditor": creditor, "batch": batch, "id": notice_id(pilot_id, creditor, batch)}
        for creditor in connection.execute(HOOKS, {"pilot": pilot_id}).scalars()
    ]
    if ready:
        connection.execute(PUT, ready)


def wait_after(attempts: int) -> timedelta:
    """How long after that many attempts the next one comes: a minute, then each time twice as long, at most 6 hours."""
    return min(FIRST_WAIT * (1 << min(attempts - 1, 16)), LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Notifier:
    """What sends notices: the service's address, the key that signs, and how a webhook is called."""

    service: str
    log_key: dict[str, Any]
    caller: Caller

    def notify(self, sessions: Sessions, now: datetime) -> int:
        """Try the notices that are due, at most a round of them; returns how many were tried."""
        with sessions.begin(Login.LINKER) as connection:
            due = connection.execute(DUE, {"now": now, "most": A_ROUND}).all()
        tried = 0
        for row in due:
            try:
                tried += self._try(sessions, row.pilot_id, row.notice_id, now)
            except Exception as error:  # noqa: BLE001 - one that fails waits for its next turn and holds up no others
                _log.error("a notice of pilot %s failed, to be tried again: %s", row.pilot_id, where(error))
        return tried

    def _try(self, sessions: Sessions, pilot: str, notice: uuid.UUID, now: datetime) -> bool:
        which = {"pilot": pilot, "id": notice}
        with sessions.begin(Login.LINKER) as connection:
            row = connection.execute(CLAIM, {**which, "now": now}).one_or_none()
            if row is None:
                return False  # another linker has it
            attempts = row.attempts + 1
            claimed = {**which, "attempts": attempts, "next": now + wait_after(attempts), "url": row.url}
            connection.execute(CLAIMED, claimed)
        body = Notice(self.service, pilot, row.creditor_id, row.batch).body()
        headers = {"Content-Type": MEDIA_TYPE, HEADER: signature_of(body, self.log_key)}
        failure = self.caller.call(row.url, body, headers, attempts)
        with sessions.begin(Login.LINKER) as connection:
            if failure is None:
                connection.execute(DELIVERED, {**which, "now": now})
                return True
            given_up = attempts >= MOST_ATTEMPTS
            connection.execute(FAILED, {**which, "failure": failure.value, "attempts": attempts, "given_up": given_up})
        if given_up:
            said = "the notice of %s to %s in pilot %s is given up after %d attempts: %s"
            _log.warning(said, row.batch, row.creditor_id, pilot, attempts, failure.value)
        return True


def notices_of(sessions: Sessions, creditor: str, pilot_id: str) -> list[dict[str, Any]]:
    """A creditor's own notices, newest batch first, each with its state."""
    with as_creditor(sessions, creditor) as connection:
        rows = connection.execute(OF_CREDITOR, {"pilot": pilot_id, "creditor": creditor}).mappings().all()
    return [{**row, "state": _state(row["delivered_at"], row["next_at"])} for row in rows]


def _state(delivered_at: datetime | None, next_at: datetime | None) -> State:
    if delivered_at is not None:
        return "delivered"
    return "given_up" if next_at is None else "waiting"
