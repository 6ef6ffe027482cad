"""A resident's request at the desk: all that is held is fetched by match keys and opened, and sorted by whose it is.

Match keys can't tell twins apart, or a father and son with one telephone. So only what opens as this very person counts
as theirs; all else that meets the keys is put before a person, who says yes or no to each.
"""

import json
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from client.desk_basis import CONSENT as SEALED_CONSENT
from client.desk_basis import OBJECTION, keys_of, recorded, sealed_to_desk, today
from client.home import Home
from client.known_clients import KNOWN_CLIENT
from client.opening import OpenedReport, open_report
from client.service import Service
from privacy.errors import PrivacyError
from privacy.identity import Contact
from privacy.normalise.people import normalise
from privacy.normalise.text import plain
from privacy.pilot_document import PilotDocument
from privacy.recipients import unseal
from signals.consents import Erasure, Rectification
from signals.days import AMSTERDAM
from signals.rights import ErasureGround, IdentityCheck, StatedFact

ANSWER, CORRECT = "answer-resident", "correct-resident"  # the purposes, as a pilot document is to call them


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """One thing that meets the keys. `details` is who it is about, None where nothing says so or `trouble` why not.

    `sure`: the details are those of the resident who asks. Else a person has to say whose it is.
    """

    kind: Literal["report", "consent", "objection", "client"]  # a client is an entry of the knock-out list
    id: uuid.UUID
    row: Mapping[str, Any]
    opened: OpenedReport | None
    details: Mapping[str, Any] | None
    trouble: str | None
    sure: bool


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """What the service holds that meets a resident's keys, opened; nothing of it is stored."""

    asked: Contact
    identity: IdentityCheck
    asked_at: datetime
    found: tuple[Found, ...]
    signals: tuple[Mapping[str, Any], ...]
    looks: tuple[Mapping[str, Any], ...]
    municipality: str
    terms_kept_on: date | None
    hand_overs: Mapping[str, str]  # by report, to whose pilot it went because the household moved
    unkeyed: int  # reports of the pilot that wait to be keyed: this resident's may be among them
    link_decisions: tuple[Mapping[str, Any], ...] = ()
    cases: tuple[Mapping[str, Any], ...] = ()

    def sure(self) -> set[uuid.UUID]:
        """What is the resident's beyond doubt."""
        return {one.id for one in self.found if one.sure}

    def doubtful(self) -> list[Found]:
        """What a person has to look at."""
        return [one for one in self.found if not one.sure]


def look_up(home: Home, service: Service, document: PilotDocument, contact: Contact, identity: IdentityCheck) -> Held:
    """Fetch and open all that meets a resident's match keys. The log says that it was done, and how it was checked."""
    keys = keys_of(home, document, contact)
    asked_at = datetime.now(AMSTERDAM)
    body = {"pilotId": document.pilot.id, "identity": identity.value, "keys": keys.model_dump(by_alias=True)}
    held = service.post("/residents/_search", body)
    private = home.secret("recipient.key")
    found = [_report(row, document, private, contact) for row in held["reports"]]
    found += [
        _statement("consent", row, private, (SEALED_CONSENT, document.pilot.id, row["category"]), contact)
        for row in held["consents"]
    ]
    found += [
        _statement("objection", row, private, (OBJECTION, document.pilot.id), contact) for row in held["objections"]
    ]
    found += [
        _statement("client", row, private, (KNOWN_CLIENT, document.pilot.id), contact) for row in held["knownClients"]
    ]
    kept_on = held["termsKeptOn"]
    return Held(
        contact,
        identity,
        asked_at,
        tuple(found),
        tuple(held["signals"]),
        tuple(held["looks"]),
        held["municipality"],
        date.fromisoformat(kept_on) if kept_on else None,
        {one["reportId"]: one["toMunicipality"] or one["toPilot"] for one in held["handOvers"]},
        int(held["unkeyed"]),
        tuple(held["linkDecisions"]),
        tuple(held["cases"]),
    )


def erase(
    home: Home,
    service: Service,
    document: PilotDocument,
    held: Held,
    theirs: Collection[uuid.UUID],
    ground: ErasureGround,
) -> dict[str, Any]:
    """Have all that is held about the resident erased; what was found to be somebody else's is spared."""
    erasure = Erasure(
        erased_on=today(),
        ground=ground,
        identity=held.identity,
        keys=keys_of(home, document, held.asked),
        not_theirs=tuple(one.id for one in held.found if one.id not in theirs),
    )
    return recorded(service, document, "/erasures", erasure)


def dispute(
    service: Service, document: PilotDocument, held: Held, report: uuid.UUID, wrong: Sequence[StatedFact]
) -> dict[str, Any]:
    """Note that a report is said to be wrong; it pauses until somebody has decided (`vroegsein desk objection`)."""
    rectification = Rectification(
        asked_on=today(),
        identity=held.identity,
        report=report,
        sealed=sealed_to_desk(document, held.asked, OBJECTION, document.pilot.id),
        wrong=tuple(wrong),
    )
    return recorded(service, document, "/rectifications", rectification)


def same_person(asked: Contact, details: Mapping[str, Any]) -> bool:
    """Whether opened details are this very person's. In doubt they are not.

    The same: the birth date, a surname, all initials and first names that both tell, and the address, the telephone or
    the e-mail address.
    """
    known = {field.name for field in fields(Contact)}
    told: dict[str, Any] = {name: value for name, value in details.items() if name in known}
    told["birth_date"] = _day(details.get("birth_date"))
    other = Contact(**told)
    one, two = normalise(asked), normalise(other)
    reached = {(one.address.postcode, one.address.number), one.phone, one.email} & {
        (two.address.postcode, two.address.number),
        two.phone,
        two.email,
    } - {"", ("", "")}
    return (
        asked.birth_date is not None
        and asked.birth_date == other.birth_date
        and not set(one.name.surnames).isdisjoint(two.name.surnames)
        and one.name.initial == two.name.initial != ""
        and _given_fits(asked, other)
        and bool(reached)
    )


def _given_fits(one: Contact, two: Contact) -> bool:
    """Neither first names nor initials contradict each other; twins often share the first of them."""
    first, second = (plain(contact.first_name).split() for contact in (one, two))
    names_fit = all(a.lower() == b.lower() for a, b in zip(first, second, strict=False))
    letters, others = (_initials(contact) for contact in (one, two))
    return names_fit and all(a == b for a, b in zip(letters, others, strict=False))


def _initials(contact: Contact) -> str:
    """All initials that are told apart, such as "jp" of "J.P." or "Jan Piet"; "" where a name stands in one column."""
    given = plain(contact.initials or contact.first_name)
    if contact.initials and "." not in given and given.isupper():
        return given.lower()
    return "".join(word[0].lower() for word in re.findall("[A-Za-z]+", given))


def _report(row: Mapping[str, Any], document: PilotDocument, private: bytes, asked: Contact) -> Found:
    number = uuid.UUID(row["reportId"])
    try:
        opened = open_report(row, document, private)
    except PrivacyError as error:
        return Found("report", number, row, None, None, str(error), sure=False)
    sure = same_person(asked, opened.details)
    return Found("report", number, row, opened, opened.details, None, sure)


def _statement(
    kind: Literal["consent", "objection", "client"],
    row: Mapping[str, Any],
    private: bytes,
    purpose: tuple[str, ...],
    asked: Contact,
) -> Found:
    number = uuid.UUID(row[f"{kind}Id"])
    if not row["sealed"]:
        return Found(kind, number, row, None, None, None, sure=False)
    try:
        details = json.loads(unseal(bytes.fromhex(row["sealed"]), private, *purpose))
    except PrivacyError as error:
        return Found(kind, number, row, None, None, str(error), sure=False)
    return Found(kind, number, row, None, details, None, same_person(asked, details))


def _day(text: Any) -> date | None:  # noqa: ANN401 - as it was sealed
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None
