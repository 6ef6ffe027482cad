"""Connections to the service, one for each user and purpose: the log says for each look who looked and what for."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from client.desk_pilot import own_document, pilot_key_name
from client.desk_work import desk_service
from client.home import Home
from client.service import Service
from privacy.matchkeys import district_key
from privacy.pilot_document import PilotDocument
from signals.pilot import Role

OFFER_HELP = "offer-help"  # as a pilot document is to call it (docs/desk.md)


class Connections:
    """All connections of this desk. Logging in at the service once serves many pages."""

    def __init__(self, home: Home, pilot_id: str) -> None:
        self.home = home
        self.pilot_id = pilot_id
        self._lock = RLock()
        self._open: dict[tuple[str, str], Service] = {}
        self._warm: set[tuple[str, str]] = set()
        self._districts: dict[str, str] | None = None

    @contextmanager
    def use(self, user: str, purpose: str) -> Iterator[Service]:
        """A connection for one person and one purpose.

        The first use of each is alone: it brings the log's earlier promises to book, and two at once would take
        the same files away from each other.
        """
        asked = (user, purpose)
        if asked in self._warm:
            yield self._open[asked]
            return
        with self._lock:
            if asked not in self._open:
                self._open[asked] = desk_service(self.home, Role.DEBT_HELP, user, purpose)
            yield self._open[asked]
            self._warm.add(asked)

    def document(self, service: Service) -> PilotDocument:
        """This desk's own pilot document, as it is now."""
        return own_document(self.home, service, self.pilot_id)

    def postcode4(self, service: Service, district: str | None) -> str:
        """The four digits behind a district's code, which the desk alone can tell; "" for a code of another epoch."""
        if self._districts is None:
            document = self.document(service)
            name = pilot_key_name(self.pilot_id, document.epoch)
            key = self.home.secret(name) if self.home.has(name) else None
            codes = {district_key(key, four): four for four in document.pilot.postcodes} if key else {}
            self._districts = codes
        return self._districts.get(district or "", "")

    def close(self) -> None:
        """End all connections."""
        for service in self._open.values():
            service.__exit__(None, None, None)
        self._open.clear()
        self._warm.clear()
