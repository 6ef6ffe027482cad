"""Who is signed in: sessions in this process's memory, so that none outlives it and none is on disk (decision 0037)."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from client.words import Lang
from desk.users import User

IDLE_SECONDS = 15 * 60
LONGEST_SECONDS = 10 * 3600  # a working day
MOST = 1_000


@dataclass(slots=True)
class Session:
    """One browser in which somebody is signed in. `csrf` goes into each form; nothing of a resident is kept here."""

    user: User
    lang: Lang
    began: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class Sessions:
    """All sessions, by the hash of the token that the browser holds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._found: dict[bytes, Session] = {}

    def begin(self, user: User, lang: Lang, before: str | None) -> str:
        """Sign somebody in; returns the new token. The one that the browser had `before` is good for nothing more."""
        token, now = secrets.token_urlsafe(32), self._clock()
        self.end(before)
        with self._lock:
            self._found = {one: session for one, session in self._found.items() if self._lives(session)}
            while len(self._found) >= MOST:
                self._found.pop(next(iter(self._found)))
            self._found[_hashed(token)] = Session(user, lang, now, now)
        return token

    def find(self, token: str | None, *, touch: bool = True) -> Session | None:
        """The session of a token that somebody used in the last quarter of an hour; `touch` counts as using it."""
        if token is None:
            return None
        with self._lock:
            session = self._found.get(_hashed(token))
            if session is None or not self._lives(session):
                self._found.pop(_hashed(token), None)
                return None
            if touch:
                session.seen = self._clock()
            return session

    def end(self, token: str | None) -> None:
        """Sign out."""
        if token is not None:
            with self._lock:
                self._found.pop(_hashed(token), None)

    def _lives(self, session: Session) -> bool:
        now = self._clock()
        return now - session.seen < IDLE_SECONDS and now - session.began < LONGEST_SECONDS


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
