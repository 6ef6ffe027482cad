"""`vroegsein desk erase-event`: events of the log go before their day, signed for by this desk."""

from typing import Annotated

import typer
from rich.prompt import Confirm

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home
from client.log_erasing import erase_events
from client.log_reading import read_log
from client.words import EVENT, either, in_words
from privacy.log_erasures import Reason
from signals.pilot import Role


def erase_event(
    leaves: Annotated[list[int], typer.Argument(help="The events' numbers, as `audit` shows them", min=0)],
    reason: Annotated[Reason, typer.Option(help="Why; it stays in the log")],
    pilot: PilotOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask again")] = False,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Erase the contents of events that hold what must not be there. That they were, and why they went, stays.

    Exit code: 0 erased, 1 not, or not yet.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.PRIVACY_OFFICER, user_of(user), "audit") as service:
        document = own_document(place, service, pilot)
        log = read_log(place, service, document)
        for index in leaves:
            if index < len(log.events):
                console.print(f"{index}: {in_words(EVENT, log.events[index]['kind'], lang)}", markup=False)
        question = either(
            lang, "De inhoud gaat weg en komt nooit terug. Wissen?", "The contents go and never come back. Erase?"
        )
        if not yes and not Confirm.ask(question, console=errors):
            raise typer.Exit(1)
        outcome = erase_events(place, service, document, log, leaves, reason)
    said = {
        "erased": ("Gewist. In het register staat dat, en waarom.", "Erased. The log says that, and why."),
        None: (
            "Genoteerd; het register vertelt het eerst. Kijk straks met vroegsein desk audit.",
            "Noted; the log tells of it first. Look in a while with vroegsein desk audit.",
        ),
    }.get(outcome, (f"Niet gewist: {outcome}.", f"Not erased: {outcome}."))
    console.print(either(lang, *said), markup=False)
    raise typer.Exit(0 if outcome == "erased" else 1)
