"""`vroegsein desk resident …`: the privacy officer answers a resident, erases, or has a report looked into.

Whatever opens as somebody else, or can't be told apart, is put before the officer one by one. Nothing is written,
erased or paused before the whole letter was on the screen: at a terminal somebody says yes to it, elsewhere one runs
the command without `--to` first.
"""

import sys
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.prompt import Confirm, Prompt
from rich.table import Table
from rich.text import Text

from cli.desk_basis import resident_on_input
from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, contact_lines, pilot_of, user_of
from cli.words import LangOption, console, errors
from client.desk_pilot import own_document
from client.desk_rights import ANSWER, CORRECT, Found, Held, dispute, erase, look_up
from client.desk_work import desk_service
from client.home import Home
from client.resident_answer import answer_of
from client.resident_letter import letter_of, write_answer
from client.words import CATEGORY, NO, Lang, day, either, in_words, month
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from signals.pilot import Role
from signals.rights import ErasureGround, IdentityCheck, StatedFact

resident_app = typer.Typer(
    help="Answer a resident: what is held, from whom, why, who looked. Erase, or have it put right."
)

IdentityOption = Annotated[
    IdentityCheck | None,
    typer.Option("--identity", help="How it was checked that this is the resident; goes into the log"),
]
IncludeOption = Annotated[
    list[uuid.UUID] | None,
    typer.Option(
        "--include", help="An id that is doubtful, and that a person found to be this resident's; may be repeated"
    ),
]
ToOption = Annotated[
    Path | None,
    typer.Option("--to", help="Folder for the letter (PDF, HTML) and the data (JSON); without it all is shown only"),
]

QUESTIONS = {
    "name": ("Naam, zoals J.P. de Vries", "Name, such as J.P. de Vries"),
    "birth_date": ("Geboortedatum (JJJJ-MM-DD)", "Birth date (YYYY-MM-DD)"),
    "street": ("Straat", "Street"),
    "house_number": ("Huisnummer", "House number"),
    "addition": ("Toevoeging", "Addition"),
    "postcode": ("Postcode", "Postcode"),
    "town": ("Woonplaats", "Town"),
    "phone": ("Telefoon (mag leeg)", "Telephone (may be empty)"),
    "email": ("E-mail (mag leeg)", "E-mail (may be empty)"),
}
WAITING = (
    "Vastgelegd, maar nog niet van kracht: de dienst is bezig. De brief is niet geschreven.",
    "Noted, not yet in force: the service is busy. No letter was written.",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What all three commands start from."""

    home: Home
    pilot: str
    user: str
    lang: Lang
    document: PilotDocument
    held: Held
    theirs: set[uuid.UUID]

    def answer(self) -> dict[str, Any]:
        """What is to be told of it."""
        return answer_of(self.held, self.document, self.theirs)


@resident_app.callback(invoke_without_command=True)
def answer(
    context: typer.Context,
    identity: IdentityOption = None,
    include: IncludeOption = None,
    to: ToOption = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Answer a resident (GDPR art. 15): asks who it is, or takes it as JSON on standard input, never as an argument.

    Writes a letter in Dutch and the data, once somebody has seen them here. Exit code: 0 written, 1 not, 2 wrong usage.
    """
    if context.invoked_subcommand is not None:
        return
    request = _asked(home, pilot, user, lang, identity, include)
    found = request.answer()
    to = _seen(request, found, to, "Is dit allemaal van deze inwoner, en mag het zo weg?", "Is all this theirs?")
    _write(to, request, found)


@resident_app.command("erase")
def erase_all(
    ground: Annotated[ErasureGround, typer.Option(help="Why: GDPR art. 17(1), (a) to (e)")],
    identity: IdentityOption = None,
    include: IncludeOption = None,
    to: ToOption = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Erase all that is held about a resident (GDPR art. 17); the letter says what went, what stays and why."""
    request = _asked(home, pilot, user, lang, identity, include)
    found = request.answer()
    found["erased"] = {"on": found["askedOn"], "ground": ground.value}
    to = _seen(request, found, to, "Dit alles voorgoed wissen?", "Erase all this for good?")
    with desk_service(request.home, Role.PRIVACY_OFFICER, request.user, CORRECT) as service:
        done = erase(request.home, service, request.document, request.held, request.theirs, ground)
    _in_force(done, lang)
    _write(to, request, found)


@resident_app.command("rectify")
def rectify(
    report: Annotated[uuid.UUID, typer.Argument(help="The report that is said to be wrong, as the answer names it")],
    wrong: Annotated[list[StatedFact], typer.Option(help="What is said to be wrong; may be repeated")],
    identity: IdentityOption = None,
    to: ToOption = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Note that a report is said to be wrong (GDPR art. 16): it is not used until somebody has decided (art. 18).

    The creditor puts it right in its next delivery; `vroegsein desk objection decide` then brings it back.
    """
    request = _asked(home, pilot, user, lang, identity, [report])
    found = request.answer()
    if str(report) not in {row["reportId"] for row in found["reports"]}:
        raise typer.BadParameter("no report of this resident has that id", param_hint="REPORT")
    found["disputed"] = {"on": found["askedOn"], "report": str(report), "wrong": [fact.value for fact in wrong]}
    to = _seen(request, found, to, "Deze melding stilzetten?", "Pause this report?")
    with desk_service(request.home, Role.PRIVACY_OFFICER, request.user, CORRECT) as service:
        done = dispute(service, request.document, request.held, report, wrong)
    _in_force(done, lang)
    _write(to, request, found)
    command = f"vroegsein desk objection decide {done['changeId']} upheld|dismissed"
    console.print(f"{either(lang, 'Na het besluit', 'Once decided')}: {command}", markup=False, soft_wrap=True)


def _asked(
    home: Path,
    pilot: str | None,
    user: str | None,
    lang: Lang,
    identity: IdentityCheck | None,
    include: Collection[uuid.UUID] | None,
) -> Request:
    """Who it is, all that is held, and which of it is theirs."""
    place, pilot, user = Home(home), pilot_of(Home(home), pilot), user_of(user)
    if identity is None:
        raise typer.BadParameter(f"how was it checked? One of {', '.join(IdentityCheck)}", param_hint="--identity")
    contact = _questioned(lang) if sys.stdin.isatty() else resident_on_input()
    if contact.birth_date is None:
        raise typer.BadParameter("a resident is found by name, birth date and address: the birth date is missing")
    with desk_service(place, Role.PRIVACY_OFFICER, user, ANSWER) as service:
        document = own_document(place, service, pilot)
        held = look_up(place, service, document, contact, identity)
    if held.unkeyed:
        said = either(
            lang,
            f"{held.unkeyed} meldingen hebben nog geen koppelsleutels: of er een van deze inwoner bij is, is niet "
            "bekend. Laat een schuldhulpverlener eerst `vroegsein desk key` doen.",
            f"{held.unkeyed} reports have no match keys yet: whether one is this resident's is not known. Have a "
            "debt-help worker run `vroegsein desk key` first.",
        )
        errors.print(said, style="yellow", markup=False)
    return Request(place, pilot, user, lang, document, held, held.sure() | _confirmed(held, include or (), lang))


def _questioned(lang: Lang) -> Contact:
    told = {name: Prompt.ask(either(lang, *words), default="", console=errors) for name, words in QUESTIONS.items()}
    try:
        return TypeAdapter(Contact).validate_python({name: text for name, text in told.items() if text})
    except ValidationError as error:
        wrong = ", ".join(str(mistake["loc"][0]) for mistake in error.errors(include_input=False))
        raise typer.BadParameter(f"these details can't be read: {wrong}") from None


def _confirmed(held: Held, include: Collection[uuid.UUID], lang: Lang) -> set[uuid.UUID]:
    """Which of the doubtful ones are this resident's: named beforehand, or asked one by one."""
    confirmed = set()
    for one in held.doubtful():
        console.print("\n".join(_doubtful(one, lang)), markup=False, style="yellow")
        if one.id in include or (
            sys.stdin.isatty()
            and Confirm.ask(
                either(lang, "Is dit deze inwoner?", "Is this the resident?"), default=False, console=errors
            )
        ):
            confirmed.add(one.id)
            continue
        left_out = ("Telt niet mee; wel van deze inwoner? Dan: ", "Left out; theirs after all? Then: ")
        console.print(f"  {either(lang, *left_out)}--include {one.id}", markup=False, soft_wrap=True)
    return confirmed


def _doubtful(one: Found, lang: Lang) -> list[str]:
    row = one.row
    category = row.get("category")
    about = in_words(CATEGORY, category, lang) if category else either(lang, "alles", "all")
    if one.kind == "report":
        what = f"{about}, {month(row['period'], lang)} ({row['creditor'] or row['creditorId']})"
    elif one.kind == "consent":
        what = f"{either(lang, 'toestemming', 'consent')}: {about}, {day(date.fromisoformat(row['givenOn']), lang)}"
    elif one.kind == "client":
        until = day(date.fromisoformat(row["until"]), lang)
        what = either(lang, f"op de uitsluitlijst, tot en met {until}", f"on the knock-out list, through {until}")
    else:
        what = f"{in_words(NO, row['kind'], lang)}: {about}, {day(date.fromisoformat(row['since']), lang)}"
    nameless = either(
        lang, "  zonder naam: er zijn alleen koppelsleutels", "  without a name: there are match keys only"
    )
    told = contact_lines(one.details) if one.details else (f"  ✗ {one.trouble}" if one.trouble else nameless,)
    return [f"? {what}", *told]


def _show(found: Mapping[str, Any], office: str) -> None:
    """The letter as it will be, on the screen."""
    letter = letter_of(found, office)
    console.rule(Text(letter["title"]))
    for line in (*letter["to"], "", letter["place"], "", *letter["opening"]):
        console.print(line, markup=False)
    for section in letter["sections"]:
        console.print(f"\n{section['heading']}", markup=False, style="bold")
        for block in section["blocks"]:
            if "text" in block:
                console.print(block["text"], markup=False)
            for one in block.get("list", ()):
                console.print(f"– {one}", markup=False)
            if "rows" in block:
                table = Table(*block["head"], box=None, header_style="bold")
                for row in block["rows"]:
                    table.add_row(*map(Text, row))
                console.print(table)
    for report in found["reports"]:
        console.print(f"  {report['reportId']}  {report['creditor']}, {report['period']}", markup=False, style="dim")


def _seen(request: Request, found: Mapping[str, Any], to: Path | None, *question: str) -> Path:
    """Show the whole letter; where to write it, once somebody has agreed. Ends the command where nobody did."""
    _show(found, request.home.settings.contact)
    asked = either(request.lang, *question)
    if to is None:
        more = either(
            request.lang, "Niets gedaan. Gezien en akkoord? Dan: --to MAP", "Nothing done. Agreed? --to FOLDER"
        )
        errors.print(f"{asked} {more}", markup=False, style="yellow")
        raise typer.Exit(1)
    if sys.stdin.isatty() and not Confirm.ask(asked, default=False, console=errors):
        raise typer.Exit(1)
    return to


def _in_force(done: Mapping[str, Any], lang: Lang) -> None:
    if done["state"] == "waiting":
        errors.print(either(lang, *WAITING), style="yellow")
        raise typer.Exit(1)
    if done["outcome"] == "no such report":
        errors.print(either(lang, "Deze melding is er niet meer.", "This report is gone."), style="yellow")
        raise typer.Exit(1)


def _write(to: Path, request: Request, found: Mapping[str, Any]) -> None:
    files = write_answer(to, found, request.home.settings.contact)
    head = either(request.lang, "Geschreven (wis ze na verzending):", "Written (remove them once sent):")
    console.print("\n".join([head, *(f"  {file}" for file in files)]), markup=False, soft_wrap=True)
