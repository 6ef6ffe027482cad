"""A desk's knock-out list: read from the export of its own debt-help system, pushed under match keys, listed, opened.

Who it is leaves the desk as match keys and sealed to the desk itself; the numbers of that system don't leave it.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from client.cells import Cell
from client.contact_columns import ContactColumns
from client.dates import read_date
from client.desk_basis import keys_of, recorded, sealed_to_desk, today
from client.home import Home
from client.profiles import Columns, FileLayout, Names
from client.reading import read_table
from client.service import Service
from client.tables import Wanted
from privacy.errors import PrivacyError
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from privacy.recipients import unseal
from signals.consents import MOST_CLIENTS, KnownClient, KnownClientRemoval, KnownClients
from signals.documents import Document
from signals.report import Slug

PURPOSE = "known-clients"  # in the pilot document; what the log shows
KNOWN_CLIENT = "vroegsein/known-client/v1"  # what the details are sealed for

Unread = Literal["unreadable_row", "unreadable_until", "unrecognisable"]
"""Why a line is not on the list: misplaced columns, no readable last day, or nothing that a strong key is made of."""


class ClientColumns(Columns):
    """Which column says what of a client; `reference` is the client's number, `until` the last day of the help."""

    until: Names | None = None


class ClientListProfile(Document):
    """How the debt-help system's export is built."""

    profile: Slug
    title: str = ""
    file: FileLayout
    columns: ClientColumns
    unknown_birth_dates: tuple[date, ...] = ()

    def mapped(self) -> Wanted:
        """Every column that is read, the reference first: its place, its names, whether no row does without."""
        fields = [name for name in ClientColumns.model_fields if name not in ("reference", "name_order")]
        others = [(f"columns.{name}", names, False) for name in fields if (names := getattr(self.columns, name))]
        return [("columns.reference", self.columns.reference, True), *others]


@dataclass(frozen=True, slots=True, repr=False)
class Client:
    """Somebody on the list. Without `until`: as long as the pilot lets an entry stand."""

    contact: Contact
    until: date | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ClientList:
    """An export as read: who is on it now, whose help has ended, and which lines can't be used."""

    clients: tuple[Client, ...]
    ended: int
    unread: tuple[tuple[int, Unread], ...]


def read_client_list(path: Path, profile: ClientListProfile, on: date) -> ClientList:
    """Read the export as on a day. Raises UnreadableFile, which quotes no row."""
    table = read_table(path, profile.file, profile.mapped())
    who = ContactColumns(table, profile.columns, profile.unknown_birth_dates, on)
    at = table.position(profile.columns.until) if profile.columns.until else None
    clients: list[Client] = []
    ended, unread = 0, list[tuple[int, Unread]]()
    for row in table.rows:
        written: Cell = "" if at is None or at >= len(row.cells) else row.cells[at]
        until = read_date(written)
        contact = who.read(row.line, row.cells)
        if any(cell != "" for cell in row.cells[table.width :]):
            unread.append((row.line, "unreadable_row"))
        elif written != "" and until is None:
            unread.append((row.line, "unreadable_until"))
        elif until is not None and until < on:
            ended += 1
        elif not (contact.birth_date or contact.phone or contact.email):
            unread.append((row.line, "unrecognisable"))
        else:
            clients.append(Client(contact, until))
    return ClientList(tuple(clients), ended, tuple(unread))


def push_clients(
    home: Home,
    service: Service,
    document: PilotDocument,
    clients: Sequence[Client],
    *,
    replace: bool,
    advance: Callable[[int], None] = lambda _n: None,
) -> dict[str, Any]:
    """Put people on the list, in parts; with `replace` all who are not among them go, once the last part is there.

    Returns the last part's answer.
    """
    list_id, done = uuid.uuid4(), dict[str, Any]()
    parts = [clients[start : start + MOST_CLIENTS] for start in range(0, len(clients), MOST_CLIENTS)] or [()]
    for number, part in enumerate(parts, start=1):
        entries = tuple(_entry(home, document, client) for client in part)
        complete = replace and number == len(parts)
        done = recorded(
            service, document, "/known-clients", KnownClients(list_id=list_id, clients=entries, complete=complete)
        )
        advance(len(part))
    return done


def remove_client(home: Home, service: Service, document: PilotDocument, contact: Contact) -> dict[str, Any]:
    """Take somebody off the list, recognised by match keys."""
    removal = KnownClientRemoval(keys=keys_of(home, document, contact))
    return recorded(service, document, "/known-client-removals", removal)


def listed_clients(
    home: Home, service: Service, document: PilotDocument
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | PrivacyError]]:
    """All entries, each with who it is, opened here, or why it can't be."""
    private, pilot_id = home.secret("recipient.key"), document.pilot.id
    behind: dict[str, str] = {}
    while True:
        page = service.get("/known-clients", pilotId=pilot_id, **behind)
        for row in page["clients"]:
            try:
                yield row, json.loads(unseal(bytes.fromhex(row["sealed"]), private, KNOWN_CLIENT, pilot_id))
            except PrivacyError as error:
                yield row, error
        if page["next"] is None:
            return
        behind = {"behind": page["next"]}


def _entry(home: Home, document: PilotDocument, client: Client) -> KnownClient:
    last = today() + timedelta(days=document.pilot.retention.known_client_days)
    return KnownClient(
        keys=keys_of(home, document, client.contact),
        sealed=sealed_to_desk(document, client.contact, KNOWN_CLIENT, document.pilot.id),
        until=client.until or last,
    )
