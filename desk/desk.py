"""What all pages of one running desk share."""

import secrets
from dataclasses import dataclass, field

from client.desk_work import pseudonym
from client.home import Home
from desk.connections import Connections
from desk.pages import Pages
from desk.sessions import Sessions
from desk.users import Users


@dataclass(frozen=True, slots=True)
class Desk:
    """One municipality's desk for one pilot. `hosts`: the names and ports by which a browser may ask for it."""

    home: Home
    pilot_id: str
    users: Users
    hosts: frozenset[str]
    sessions: Sessions
    connections: Connections
    pages: Pages = field(default_factory=Pages)
    actors: dict[str, str] = field(default_factory=dict, repr=False)  # users by pseudonym, once they were asked for
    sign_in_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def who(self, actor: str) -> str:
        """The user behind a pseudonym in the service's answers; "" for somebody who is not listed (any more)."""
        if not self.actors:
            self.actors.update({pseudonym(self.home, user.name): user.name for user in self.users.users})
        return self.actors.get(actor, "")

    def shown_as(self, name: str) -> str:
        """How colleagues know a user; a team or somebody who left keeps the short name."""
        user = self.users.named(name)
        return user.shown if user else name
