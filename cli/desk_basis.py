"""`vroegsein desk consent …` and `vroegsein desk objection …`: what a desk records for a resident.

Who it is comes as JSON on standard input, never as an argument: arguments are seen by others and kept in histories.
"""

import json
import sys
import uuid
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, contact_lines, pilot_of, user_of
from cli.words import LangOption, console, errors
from client import desk_basis
from client.consent_receipt import write_receipt
from client.desk_basis import ConsentGiven
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.dpv import municipality
from client.home import Home
from client.service import Service
from client.words import CATEGORY, NO, Lang, day, either, in_words
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from signals.pilot import Role
from signals.report import Category

consent_app = typer.Typer(help="Record what a resident says about one category: yes, no, no longer.")
objection_app = typer.Typer(help="Record a resident's objection (art. 21 GDPR), decide about it, list them.")

CategoryOption = Annotated[Category, typer.Option("--category", help="Kind of arrears that this is about")]

OUTCOMES = {
    "recorded": ("De toestemming is vastgelegd.", "The consent is recorded."),
    "said no since": (
        "Niet vastgelegd: deze inwoner heeft op een latere dag nee gezegd.",
        "Not recorded: this resident said no on a later day.",
    ),
    "refused": (
        "De weigering is vastgelegd; meldingen van deze soort zijn weg en blijven weg.",
        "The refusal is recorded; reports of this kind are gone and stay away.",
    ),
    "withdrawn": (
        "De toestemming is ingetrokken; wat erop rustte is weg.",
        "The consent is withdrawn; what rested on it is gone.",
    ),
    "no consent found": (
        "Geen toestemming gevonden. De intrekking is vastgelegd; meldingen van deze soort zijn weg en blijven weg.",
        "No consent was found. The withdrawal is recorded; reports of this kind are gone and stay away.",
    ),
    "paused": (
        "Het bezwaar is vastgelegd; alle meldingen van deze inwoner wachten tot iemand erover beslist.",
        "The objection is recorded; all reports of this resident wait until somebody has decided about it.",
    ),
    "upheld": (
        "Het bezwaar is toegewezen; de meldingen zijn weg en blijven weg.",
        "The objection is upheld; the reports are gone and stay away.",
    ),
    "dismissed": (
        "Het bezwaar is afgewezen; de meldingen tellen weer mee.",
        "The objection is dismissed; the reports count again.",
    ),
    "listed": ("De uitsluitlijst is bijgewerkt.", "The knock-out list is up to date."),
    "removed": (
        "Deze inwoner staat niet meer op de uitsluitlijst.",
        "This resident is no longer on the knock-out list.",
    ),
    "not on the list": (
        "Deze inwoner stond niet op de uitsluitlijst.",
        "This resident was not on the knock-out list.",
    ),
    "one person": (
        "Vastgelegd: dit is één persoon, ook in volgende maanden. De signalen zijn bijgewerkt.",
        "Noted: this is one person, in later months too. The signals are up to date.",
    ),
    "two persons": (
        "Vastgelegd: dit zijn twee personen, ook in volgende maanden. De signalen zijn bijgewerkt.",
        "Noted: these are two persons, in later months too. The signals are up to date.",
    ),
    "two persons, one household": (
        "Vastgelegd: dit zijn twee personen, ook in volgende maanden. Op hun ene adres blijven zij één huishouden.",
        "Noted: these are two persons, in later months too. They live at one address and stay one household.",
    ),
    "no such report": (
        "Er is niets vastgelegd: van een van beide kanten is geen melding (meer).",
        "Nothing is noted: of one of the sides there is no report (any more).",
    ),
    "nothing else linked": (
        "Er is niets vastgelegd: met deze contracten is niets anders gekoppeld.",
        "Nothing is noted: nothing else is linked with these contracts.",
    ),
    "one contract": (
        "Er is niets vastgelegd: beide kanten zijn hetzelfde contract.",
        "Nothing is noted: both sides are the same contract.",
    ),
    "no such objection": (
        "Er wacht geen bezwaar met dit nummer op een beslissing.",
        "No objection of this id waits for a decision.",
    ),
}
NOTHING_DONE = {
    *("said no since", "no such objection", "not on the list"),
    *("no such report", "nothing else linked", "one contract"),
}


class How(StrEnum):
    """How a resident said it."""

    DESK = "desk"
    WRITING = "writing"
    TELEPHONE = "telephone"


class Which(StrEnum):
    """Which objections to list."""

    PENDING = "pending"
    STANDS = "stands"
    DISMISSED = "dismissed"


class Decided(StrEnum):
    """What a person decided."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"


@consent_app.command("record")
def record_consent(  # noqa: PLR0913, PLR0917 - each is an option of the command
    category: CategoryOption,
    notice: Annotated[str, typer.Option(help="Which notice was shown: its name and version")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day on which it holds")],
    given_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day it was given; else today")
    ] = None,
    how: Annotated[How, typer.Option(help="How it was given: at the desk, in writing, by telephone")] = How.DESK,
    receipt: Annotated[
        Path | None, typer.Option(help="Folder for what the resident takes home: a page (PDF) and the record (JSON)")
    ] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Record that a resident consents. Who it is comes as JSON on standard input, never as an argument.

    Such as {"name": "…", "birth_date": "1980-02-29", "street": "…", "house_number": "…", "postcode": "…"}.
    """
    given = ConsentGiven(category, notice, given_on.date() if given_on else desk_basis.today(), until.date(), how.value)
    if receipt is None:
        _said(home, pilot, user, lang, partial(desk_basis.record_consent, given=given))
        return
    party = municipality(Home(home))  # before anything is recorded

    def record(place: Home, service: Service, document: PilotDocument, contact: Contact) -> dict[str, Any]:
        done = desk_basis.record_consent(place, service, document, contact, given)
        if done["outcome"] == "recorded":
            files = write_receipt(receipt, document, done["changeId"], given, party, contact_lines(contact.as_json()))
            console.print("\n".join(map(str, files)), markup=False, soft_wrap=True)
        return done

    _said(home, pilot, user, lang, record)


@consent_app.command("refuse")
def refuse_consent(
    category: CategoryOption,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Record that a resident refuses: reports of that kind are shut out. Who it is comes as JSON on standard input."""
    _said(home, pilot, user, lang, partial(desk_basis.refuse_consent, category=category))


@consent_app.command("withdraw")
def withdraw_consent(
    category: CategoryOption,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Withdraw a resident's consent: the reports are shut out at once. Who it is comes as JSON on standard input."""
    _said(home, pilot, user, lang, partial(desk_basis.withdraw_consent, category=category))


@objection_app.command("record")
def record_objection(
    pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, user: UserOption = None, lang: LangOption = "nl"
) -> None:
    """Record an objection: all of the resident's reports wait for a decision. Who it is: JSON on standard input."""
    done = _said(home, pilot, user, lang, desk_basis.record_objection)
    command = f"vroegsein desk objection decide {done['changeId']} upheld|dismissed"
    console.print(f"{either(lang, 'Na het besluit', 'Once decided')}: {command}", markup=False, soft_wrap=True)


@objection_app.command("decide")
def decide_objection(
    objection: Annotated[uuid.UUID, typer.Argument(help="The objection's id, as `list` shows it")],
    decision: Annotated[Decided, typer.Argument(help="upheld: reports are erased; dismissed: they come back")],
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Decide about an objection: upheld, the reports are erased for good; dismissed, they come back."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "record-basis") as service:
        document = own_document(place, service, pilot)
        done = desk_basis.decide_objection(service, document, objection, decision.value)
    say_changed(done, lang)


@objection_app.command("list")
def list_objections(
    which: Annotated[Which, typer.Option("--state", help="Waiting for a decision, in force, or dismissed")] = (
        Which.PENDING
    ),
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Who said no, to what, since when; opened here, and in the log. A creditor tells no name, so none is shown."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "record-basis") as service:
        found = desk_basis.objections(place, service, own_document(place, service, pilot), which.value)
    for row, who in found:
        about = either(lang, *CATEGORY[row["category"]]) if row["category"] else either(lang, "alles", "all")
        at = f" ({row['creditorId']})" if row["creditorId"] else ""
        since = day(date.fromisoformat(row["since"]), lang)
        head = f"{row['objectionId']}  {in_words(NO, row['kind'], lang)}: {about}{at}, {since}"
        lines = [f"  ✗ {who}"] if isinstance(who, Exception) else contact_lines(who or {})
        console.print("\n".join([head, *lines]), markup=False, soft_wrap=True)
    if not found:
        console.print(either(lang, "Geen.", "None."))


def _said(
    home: Path,
    pilot: str | None,
    user: str | None,
    lang: Lang,
    record: Callable[[Home, Service, PilotDocument, Contact], dict[str, Any]],
) -> dict[str, Any]:
    """Read from standard input who it is, have it recorded, and tell what came of it."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    contact = resident_on_input()
    with desk_service(place, Role.DEBT_HELP, user_of(user), "record-basis") as service:
        done = record(place, service, own_document(place, service, pilot), contact)
    say_changed(done, lang)
    return done


def say_changed(done: dict[str, Any], lang: Lang) -> None:
    """Tell what came of a change; leaves with exit code 1 when nothing did, or nothing yet."""
    if done["state"] == "waiting":
        errors.print(
            either(
                lang,
                "Vastgelegd, maar nog niet van kracht: de dienst is bezig.",
                "Noted, not yet in force: the service is busy.",
            ),
            style="yellow",
        )
        raise typer.Exit(1)
    console.print(either(lang, *OUTCOMES[done["outcome"]]), markup=False)
    if done["outcome"] in NOTHING_DONE:
        raise typer.Exit(1)


def resident_on_input() -> Contact:
    """Read who it is from standard input. Raises BadParameter, without repeating what was typed."""
    if sys.stdin.isatty():
        errors.print(
            '{"name": "…", "birth_date": "JJJJ-MM-DD", "street": "…", "house_number": "…", "postcode": "…"}  ^D',
            markup=False,
        )
    try:
        found = json.loads(sys.stdin.read())
    except ValueError:
        raise typer.BadParameter("on standard input: not JSON") from None
    known = Contact.__dataclass_fields__.keys()
    if not isinstance(found, dict) or not found or not found.keys() <= known:
        raise typer.BadParameter(f"on standard input: one object is expected, of {', '.join(known)}")
    try:
        return TypeAdapter(Contact).validate_python(found)
    except ValidationError as error:
        wrong = ", ".join(str(mistake["loc"][0]) for mistake in error.errors(include_input=False))
        raise typer.BadParameter(f"on standard input: these details can't be read: {wrong}") from None
