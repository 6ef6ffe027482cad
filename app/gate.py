"""The gate: nobody who serves a request reads about a household without an access event that was committed before.

Two phases and two logins. `opener` writes the event, which names what may be shown, and commits; it can read no signal.
`reader` (or `recorder`, or `auditor`) then enters that event's scope and reads by functions that take what they show
from it; it can write no event. At the end the opener records what was shown, before the answer leaves, and the scope is
over. The database enforces it (migrations 0004 and 0008).
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.db.sessions import Login, Sessions
from privacy.errors import PrivacyError
from signals.report import MatchKeys


class NotInScope(PrivacyError):
    """The id is unknown or another municipality's. Both look alike, so ids can't be probed."""

    code = "not-in-scope"


class LookRefused(PrivacyError):
    """No look without a running pilot of one's own, a role and a purpose that the pilot names for that role."""

    code = "look-refused"


@dataclass(frozen=True, slots=True)
class Look:
    """Who wants to look, for which organisation, in which role, and why (NEN 7513's questions)."""

    pilot: str
    organisation: str
    role: str
    actor: str  # the desk's own pseudonym of the person at the keyboard
    purpose: str
    proof: str = ""  # the desk's signature on the request; the event holds it for whoever reads the log
    # Gets the leaf hashes (hex) of the events that tell of this look, once they are committed.
    told: Callable[[tuple[str, ...]], None] = lambda _leaves: None


@dataclass(slots=True)
class Scope:
    """What one access event allows: only the gate makes these, and every query about households takes one."""

    connection: sa.Connection
    pilot: str
    event: uuid.UUID
    shown: list[str] = field(default_factory=list)


# `g.leaf`: the leaf hash of the event that the function just wrote.
OPEN = sa.text("""
    SELECT event_id, refused, current_setting('g.leaf', true) AS leaf
    FROM privacy.open_event(:pilot, :organisation, :role, :actor, :purpose, :asks)
""")
OPEN = OPEN.bindparams(sa.bindparam("asks", type_=JSONB))
BREAK_GLASS = sa.text("""
    SELECT until, refused, current_setting('g.leaf', true) AS leaf
    FROM privacy.open_break_glass(:pilot, :organisation, :role, :actor, :purpose, :reason, :request)
""")
# The event of an answer to a resident names what meets the match keys; the keys themselves it leaves out.
OPEN_RESIDENT = sa.text("""
    SELECT event_id, refused, current_setting('g.leaf', true) AS leaf
    FROM privacy.open_resident_event(
        :pilot, :organisation, :role, :actor, :purpose, :asks, CAST(:strong AS uuid[]), :weak)
""").bindparams(sa.bindparam("asks", type_=JSONB), sa.bindparam("weak", type_=JSONB))
# A look at doubtful links, or a decision about one: its event names the reports, under a purpose that shows contact.
OPEN_LINK = sa.text("""
    SELECT event_id, refused, current_setting('g.leaf', true) AS leaf
    FROM privacy.open_link_event(:pilot, :organisation, :role, :actor, :purpose, :asks)
""").bindparams(sa.bindparam("asks", type_=JSONB))
ABOUT_LINKS = {"link-doubts", "link-doubt", "link-decision"}
# A look at cases, or an entry in one: its event names the cases and their reports.
OPEN_CASE = sa.text("""
    SELECT event_id, refused, current_setting('g.leaf', true) AS leaf
    FROM privacy.open_case_event(:pilot, :organisation, :role, :actor, :purpose, :asks)
""").bindparams(sa.bindparam("asks", type_=JSONB))
ABOUT_CASES = {"cases", "case", "case-entry", "open-case"}
CLOSE = sa.text(
    "SELECT current_setting('g.leaf') AS leaf FROM privacy.close_event(:pilot, :event, :outcome, :shown) AS closed"
)
CLOSE = CLOSE.bindparams(sa.bindparam("shown", type_=JSONB))
ENTER = sa.text("SELECT gate.enter_scope(:pilot, :event)")


class Gate:
    """Opens and closes looks on one set of sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @contextmanager
    def open(
        self, look: Look, asks: dict[str, Any], login: Login = Login.READER, keys: MatchKeys | None = None
    ) -> Iterator[Scope]:
        """Commit the access event, then hand out a transaction in its scope; record the outcome at the end.

        `asks` is what the caller wants: {"ask": "signal", "signal": id}, {"ask": "worklist", "limit": n, ...}, or
        anything else, which allows no household at all. With `keys`, it is about what meets these.

        Raises:
            LookRefused: no running pilot, role or purpose; the refusal is in the log.
        """
        event, opening = self._opened(look, asks, keys)
        outcome, scope = "failed", None
        try:
            with self._sessions.begin(login) as connection:
                connection.execute(ENTER, {"pilot": look.pilot, "event": event})
                scope = Scope(connection, look.pilot, event)
                yield scope
            outcome = "shown"
        except NotInScope:
            outcome = "refused"
            raise
        finally:
            # After a failure nobody knows what left the database: it counts as everything in scope shown.
            shown = scope.shown if scope is not None and outcome == "shown" else []
            with self._sessions.begin(Login.OPENER) as opener:
                values = {"pilot": look.pilot, "event": event, "outcome": outcome, "shown": shown}
                closing: str = opener.execute(CLOSE, values).scalar_one()
            look.told((opening, closing))

    def break_glass(self, look: Look, reason: str) -> datetime:
        """Let this person look under a purpose for emergencies, for the minutes that the pilot document gives it.

        The log has it, with the reason, when this returns. Returns until when.

        Raises:
            LookRefused: no running pilot, role or purpose, or not a purpose for emergencies; the refusal is in the log.
        """
        who = {"organisation": look.organisation, "role": look.role, "actor": look.actor, "purpose": look.purpose}
        values = {"pilot": look.pilot, **who, "reason": reason, "request": look.proof}
        with self._sessions.begin(Login.OPENER) as opener:
            row = opener.execute(BREAK_GLASS, values).one()
        _refuse(look, row)
        look.told((row.leaf,))
        until: datetime = row.until
        return until

    def _opened(self, look: Look, asks: dict[str, Any], keys: MatchKeys | None) -> tuple[uuid.UUID, str]:
        values: dict[str, Any] = {
            "pilot": look.pilot,
            "organisation": look.organisation,
            "role": look.role,
            "actor": look.actor,
            "purpose": look.purpose,
            "asks": {**asks, "request": look.proof},
        }
        if keys is not None:
            values |= {"strong": list(keys.strong), "weak": [key.model_dump() for key in keys.weak]}
        opening = OPEN if keys is None else OPEN_RESIDENT
        if asks["ask"] in ABOUT_LINKS | ABOUT_CASES:
            opening = OPEN_LINK if asks["ask"] in ABOUT_LINKS else OPEN_CASE
        with self._sessions.begin(Login.OPENER) as opener:
            row = opener.execute(opening, values).one()
        _refuse(look, row)
        return row.event_id, row.leaf


def _refuse(look: Look, row: sa.Row[Any]) -> None:
    """Raise LookRefused when a function refused; the refusal's leaf is promised like any other."""
    if row.refused is None:
        return
    if row.leaf:  # an unknown pilot has no log
        look.told((row.leaf,))
    # The same words for a pilot of somebody else's, or its name could be tried out.
    raise LookRefused("not-this-municipality" if row.refused == "unknown-pilot" else row.refused)
