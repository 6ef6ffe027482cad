"""`vroegsein desk known-clients …`: the knock-out list of people who are in debt help already."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.desk_basis import resident_on_input, say_changed
from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, contact_lines, pilot_of, user_of
from cli.words import LangOption, console, errors, progress
from client.desk_basis import today
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home
from client.known_clients import (
    PURPOSE,
    Client,
    ClientListProfile,
    Unread,
    listed_clients,
    push_clients,
    read_client_list,
    remove_client,
)
from client.words import Lang, day, either
from signals.documents import read_document
from signals.pilot import Role

known_clients_app = typer.Typer(help="The knock-out list: who is in debt help already.", no_args_is_help=True)

UNREAD: dict[Unread, tuple[str, str]] = {
    "unreadable_row": (
        "te veel kolommen: een scheidingsteken staat verkeerd",
        "too many columns: a separator is misplaced",
    ),
    "unreadable_until": ("de einddatum is niet te lezen", "the last day can't be read"),
    "unrecognisable": (
        "zonder geboortedatum, telefoon en e-mail is niemand zeker te herkennen",
        "without birth date, telephone and e-mail nobody can be recognised for certain",
    ),
}
UntilOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Last day on which it counts; else as long as the pilot allows"),
]


@known_clients_app.command()
def push(
    file: Annotated[Path, typer.Argument(help="The export of your debt-help system")],
    profile: Annotated[Path, typer.Option(help="The profile that says how that export is built")],
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Replace the list by an export: who is not in it is no longer on the list.

    While lines can't be read, nobody goes off the list. Exit code: 0 all on the list, 1 some lines left out.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    found = read_client_list(file, read_document(profile, ClientListProfile), today())
    for line, why in found.unread:
        errors.print(f"{either(lang, 'regel', 'line')} {line}: {either(lang, *UNREAD[why])}", markup=False)
    if not found.clients:
        raise typer.BadParameter("holds nobody who can be put on the list, so nothing was changed", param_hint="FILE")
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service, progress() as bar:
        task = bar.add_task(either(lang, "Uitsluitlijst", "Knock-out list"), total=len(found.clients))
        done = push_clients(
            place,
            service,
            own_document(place, service, pilot),
            found.clients,
            replace=not found.unread,
            advance=lambda count: bar.advance(task, count),
        )
    say_changed(done, lang)
    on, ended, unread = len(found.clients), found.ended, len(found.unread)
    console.print(
        either(
            lang,
            f"{on} inwoners op de lijst; van {ended} is de hulp al afgelopen; {unread} regels niet te gebruiken.",
            f"{on} residents on the list; the help of {ended} has ended; {unread} lines of no use.",
        ),
        markup=False,
    )
    if found.unread:
        console.print(either(lang, "Daarom ging er niemand af.", "Therefore nobody went off it."))
        raise typer.Exit(1)


@known_clients_app.command()
def add(
    until: UntilOption = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Put one resident on the list, until the next push. Who it is comes as JSON on standard input."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    client = Client(resident_on_input(), until.date() if until else None)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        done = push_clients(place, service, own_document(place, service, pilot), [client], replace=False)
    say_changed(done, lang)


@known_clients_app.command()
def remove(
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Take one resident off the list. Who it is comes as JSON on standard input."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    contact = resident_on_input()
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        done = remove_client(place, service, own_document(place, service, pilot), contact)
    say_changed(done, lang)


@known_clients_app.command("list")
def list_clients(
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Who is on the list and until when; opened here, and in the log."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    count = 0
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        for row, who in listed_clients(place, service, own_document(place, service, pilot)):
            count += 1
            console.print("\n".join(_lines(row["until"], who, lang)), markup=False, soft_wrap=True)
    if not count:
        console.print(either(lang, "Niemand.", "Nobody."))


def _lines(until: str, who: dict[str, str] | Exception, lang: Lang) -> list[str]:
    head = f"{either(lang, 'tot en met', 'through')} {day(date.fromisoformat(until), lang)}"
    return [head, *([f"  ✗ {who}"] if isinstance(who, Exception) else contact_lines(who))]
