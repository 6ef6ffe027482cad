"""The national delivery to Statistics Netherlands (CBS): DDAS vroegsignalering v1.2, written piece by piece.

It is made at the desk, because postcode and house number are sealed to it. Of a resident it holds postcode, number,
addition and birth date, nothing else, and never a citizen service number. A version of the standard has a writer here
(`WRITERS`) that a test holds against that version's schema.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TextIO

from client.opening import OpenedReport
from privacy.identity import Contact
from privacy.normalise.additions import normalise_addition
from privacy.normalise.addresses import address_parts
from privacy.normalise.dates import normalise_birth_date
from signals.cases import FOUND_AT_ONCE, Attempt, Case, ContactKind, DayPart
from signals.days import AMSTERDAM, last_day
from signals.feedback import SEEN
from signals.report import Category, Kind, UrgentFlag

NOT_YET, TAKEN_UP = "Nog niet opgepakt", "Opgepakt"  # EnumSignaalstatus, beside what may be found at once
PARTNER: Mapping[Category, str] = {  # EnumSignaalpartner
    Category.TAXES: "Belastingdienst",
    Category.CAK_CONTRIBUTION: "CAK Eigen bijdrage",
    Category.CAK_INSURANCE: "CAK Zorgverzekeringen",
    Category.BENEFITS: "Dienst Toeslagen",
    Category.STUDENT_LOAN: "DUO",
    Category.ENERGY: "Energie",
    Category.RENT: "Huur",
    Category.MORTGAGE: "Hypotheek",
    Category.OTHER: "Overige",
    Category.WATER: "Water",
    Category.HEALTH_INSURANCE: "Zorg",
}
CONTACT: Mapping[ContactKind, str] = {  # EnumContactsoort
    ContactKind.ADMINISTRATIVE: "Administratief",
    ContactKind.APPOINTMENT: "Afspraak op locatie",
    ContactKind.LETTER: "Brief",
    ContactKind.HOME_VISIT: "Huisbezoek",
    ContactKind.CARD: "Kaartje",
    ContactKind.EMAIL: "Mail",
    ContactKind.UNKNOWN: "Onbekend",
    ContactKind.OTHER: "Overige",
    ContactKind.MESSAGE: "SMS/Whatsapp",
    ContactKind.PHONE: "Telefoon",
}
DAY_PART: Mapping[DayPart, str] = {  # EnumDagdeel
    DayPart.MORNING: "Ochtend",
    DayPart.AFTERNOON: "Middag",
    DayPart.EVENING: "Avond",
}
_MUNICIPALITY = re.compile(r"[0-9]{4}")
_WHOLE_POSTCODE = re.compile(r"[1-9][0-9]{3}[a-z]{2}")


class LeftOut(StrEnum):
    """Why a signal can't be delivered: the standard asks for postcode and house number."""

    NOT_OPENED = "not_opened"  # altered, or sealed to another key
    NO_POSTCODE = "no_postcode"  # none, or the four digits alone, or a post-office box
    NO_HOUSE_NUMBER = "no_house_number"


@dataclass(frozen=True, slots=True)
class ContactPerson:
    """Somebody at the municipality whom CBS can ask; what is "" is left out."""

    name: str = ""
    phone: str = ""
    email: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Who delivers, and about which days: `first` and `last` are both included, Europe/Amsterdam.

    Args:
        supplier: `codeGegevensleverancier`, which CBS gives to who sends the file.
        municipality: its code of four digits.
        organisation: name of the organisation that does the work; `kvk`: its number at the chamber of commerce, or "".
        made_at: when the delivery was made, with a time zone.
    """

    first: date
    last: date
    supplier: str
    municipality: str
    organisation: str
    made_at: datetime
    kvk: str = ""
    contacts: tuple[ContactPerson, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError: one of these can't be delivered."""
        if self.last < self.first:
            raise ValueError("the delivery's last day lies before its first")
        if self.made_at.tzinfo is None:
            raise ValueError("say in which time zone the delivery was made")
        if not _MUNICIPALITY.fullmatch(self.municipality):
            raise ValueError("a municipality's code has four digits")


@dataclass(frozen=True, slots=True)
class Signal:
    """One report as it is delivered; `contact` is None where the desk could not open it.

    `amount_cents` is delivered in whole euros, rounded down as in the report. `case`: the one it belongs to, if any.
    """

    id: str
    category: Category
    kind: Kind
    amount_cents: int
    arrears_since: date | None  # None: the export had a count of months only
    reported_on: date
    contact: Contact | None
    urgent: tuple[UrgentFlag, ...] = ()
    case: Case | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any], opened: OpenedReport | Exception, case: Case | None) -> Self:
        """From a row of a shown signal and what opening it gave (client/desk_work.py, `Opened.reports`)."""
        contact, cents = None, int(row["amountEuros"]) * 100
        if isinstance(opened, OpenedReport):
            cents = int(opened.details["amount_cents"])
            with suppress(ValueError):  # a detail of another form than it is sealed in: as if it had not been opened
                contact = opened.contact
        return cls(
            id=row["reportId"],
            category=Category(row["category"]),
            kind=Kind(row["kind"]),
            amount_cents=cents,
            arrears_since=None if row["sinceDerived"] else date.fromisoformat(row["arrearsSince"]),
            reported_on=date.fromisoformat(row["reportedOn"]),
            contact=contact,
            urgent=tuple(map(UrgentFlag, row["urgent"])),
            case=case,
        )


@dataclass(frozen=True, slots=True)
class SignalCase:
    """A case as it is delivered: the ids of its reports, and the month (YYYY-MM) of the signal that it began with."""

    signals: tuple[str, ...]
    period: str
    case: Case


@dataclass(slots=True)
class Written:
    """What a delivery holds, and what it doesn't: to be told to whoever made it, never kept silent.

    `cases_left_out`: cases of which no report could be delivered.
    """

    signals: Counter[Category] = field(default_factory=Counter)
    cases: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    cases_left_out: int = 0


def write_v1_2(out: TextIO, delivery: Delivery, signals: Iterable[Signal], cases: Iterable[SignalCase]) -> Written:
    """Write a delivery; memory stays flat, for both iterables are read once, the signals first.

    Delivered are the signals that were reported within the delivery's days (so the count of a month is that of the
    monthly table), and the cases that were open on one of them. Of a case counts what happened through the last day; it
    names its signals of earlier months too, which an earlier delivery holds under the same ids. So that it names none
    that could not be delivered then, `signals` holds those as well; outside the days they are not written nor counted.
    """
    written, missing = Written(), set[str]()
    head = json.dumps(_head(delivery), ensure_ascii=False)
    first = json.dumps(_first(delivery), ensure_ascii=False)
    out.write(f'{head[:-1]}, "leveringen": [{first[:-1]}, "vroegsignalen": [')
    _each(out, _signals(delivery, signals, written, missing))
    out.write('], "vroegsignaalzaken": [')
    _each(out, _cases(delivery, cases, written, missing))
    out.write("]}]}\n")
    return written


Writer = Callable[[TextIO, Delivery, Iterable[Signal], Iterable[SignalCase]], Written]
WRITERS: Mapping[str, Writer] = {"1.2": write_v1_2}


def write_file(
    file: Path, delivery: Delivery, signals: Iterable[Signal], cases: Iterable[SignalCase], version: str = "1.2"
) -> Written:
    """Write a delivery to a file for its owner alone; it is there whole or not at all. Raises KeyError: the version."""
    write, half = WRITERS[version], file.with_name(f".{file.name}.half")
    half.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            written = write(out, delivery, signals, cases)
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    return written


def _each(out: TextIO, things: Iterator[dict[str, Any]]) -> None:
    between = "\n"
    for thing in things:
        out.write(between + json.dumps(thing, ensure_ascii=False, separators=(",", ":")))
        between = ",\n"


def _head(delivery: Delivery) -> dict[str, Any]:
    return {
        "startdatumLevering": delivery.first.isoformat(),
        "einddatumLevering": delivery.last.isoformat(),
        "aanleverdatumEnTijd": delivery.made_at.astimezone(AMSTERDAM).isoformat(timespec="seconds"),
        "codeGegevensleverancier": delivery.supplier,
    }


def _first(delivery: Delivery) -> dict[str, Any]:
    organisation: dict[str, Any] = {"naam": delivery.organisation}
    if delivery.kvk:
        organisation["kvk-nummer"] = delivery.kvk
    people = [
        {"naam": one.name, "telefoonnummer": one.phone, "email": one.email, "functietitel": one.function}
        for one in dict.fromkeys(delivery.contacts)
    ]
    if told := [{name: said for name, said in person.items() if said} for person in people]:
        organisation["contactpersonen"] = told
    return {"teller": 1, "gemeentecode": delivery.municipality, "aanleverendeOrganisatie": organisation}


def _signals(
    delivery: Delivery, signals: Iterable[Signal], written: Written, missing: set[str]
) -> Iterator[dict[str, Any]]:
    for signal in signals:
        client = _client(signal)
        if isinstance(client, LeftOut):
            missing.add(signal.id)
        if not delivery.first <= signal.reported_on <= delivery.last:
            continue
        if isinstance(client, LeftOut):
            written.left_out[client] += 1
            continue
        written.signals[signal.category] += 1
        begun = {"ontstaansdatum": signal.arrears_since.isoformat()} if signal.arrears_since else {}
        yield {
            "ID": signal.id,
            "client": client,
            "signaalpartner": {"type": PARTNER[signal.category]},
            "crisissignaal": bool(signal.urgent) or signal.kind is Kind.END_OF_SUPPLY,
            "warmeOverdracht": signal.kind is Kind.HAND_OVER,
            "bedrag": signal.amount_cents // 100,
            **begun,
            "signaaldatum": signal.reported_on.isoformat(),
            "status": _status(signal.case, delivery.last),
        }


def _client(signal: Signal) -> dict[str, str] | LeftOut:
    if signal.contact is None:
        return LeftOut.NOT_OPENED
    postcode, number, behind, _street = address_parts(signal.contact)
    if not _WHOLE_POSTCODE.fullmatch(postcode):
        return LeftOut.NO_POSTCODE
    if not number:
        return LeftOut.NO_HOUSE_NUMBER
    client = {"postcode": postcode.upper(), "huisnummer": number}
    if addition := normalise_addition(behind):  # house letter and addition, one form in every creditor's spelling
        client["huisnummertoevoeging"] = addition.upper()
    born = signal.contact.birth_date
    if born is not None and normalise_birth_date(born) and born <= signal.reported_on:
        client["geboortedatum"] = born.isoformat()
    return client


def _status(case: Case | None, until: date) -> str:
    if case is None:
        return NOT_YET
    if case.taken_up_on and case.taken_up_on <= until:
        return TAKEN_UP
    if case.closed and case.closed.on <= until and case.closed.result in FOUND_AT_ONCE:
        return SEEN[case.closed.result].cbs
    return NOT_YET


def _cases(
    delivery: Delivery, cases: Iterable[SignalCase], written: Written, missing: set[str]
) -> Iterator[dict[str, Any]]:
    for one in cases:
        case = one.case
        if case.opened_on > delivery.last or (case.closed and case.closed.on < delivery.first):
            continue
        ids = [signal for signal in dict.fromkeys(one.signals) if signal not in missing]
        if not ids:
            written.cases_left_out += 1
            continue
        written.cases += 1
        told: dict[str, Any] = {
            "vroegsignalen": [{"ID": signal} for signal in ids],
            "matchingsdatum": case.opened_on.isoformat(),
            "startdatumMatchingperiode": f"{one.period}-01",
            "einddatumMatchingperiode": last_day(one.period).isoformat(),
        }
        if case.taken_up_on and case.taken_up_on <= delivery.last:
            told["datumOpgepakt"] = case.taken_up_on.isoformat()
        told["contactpogingen"] = [_attempt(each) for each in case.attempts if each.on <= delivery.last]
        if case.closed and case.closed.on <= delivery.last:
            told["resultaat"] = SEEN[case.closed.result].cbs
        yield told


def _attempt(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {
        "soort": CONTACT[attempt.contact],
        "bereikt": attempt.reached,
        "datum": attempt.on.isoformat(),
    }
    if attempt.day_part:
        told["dagdeel"] = DAY_PART[attempt.day_part]
    return told
