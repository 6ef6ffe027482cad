"""`vroegsein desk serve`: the municipality's own web app, on this machine."""

import importlib
from typing import Annotated

import typer

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, pilot_of
from cli.failures import MissingPart
from cli.words import LangOption, errors
from client.home import Home, HomeUnusable
from client.words import either

NO_SIGN_IN = (
    "nobody could sign in: signing in with the municipality's own provider (OIDC) is not there yet."
    " To look around with made-up data: vroegsein desk serve --demo-sign-in"
)


def serve(
    demo_sign_in: Annotated[
        bool,
        typer.Option("--demo-sign-in", help="Whoever is at this machine chooses a name: made-up data only"),
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on 127.0.0.1")] = 8600,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Run the desk's pages for browsers on this machine, until stopped. Who may sign in stands in HOME/users.yaml."""
    if not demo_sign_in:
        raise HomeUnusable(NO_SIGN_IN)
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    try:  # by name: the commands of the base package load no web server
        running, users = importlib.import_module("desk.running"), importlib.import_module("desk.users")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "desk":
            raise
        raise MissingPart(f"desk serve needs more: pip install 'vroegsein[desk]' (missing: {error.name})") from None
    listed = users.read_users(home)
    said = (
        f"Demonstratie, zonder wachtwoorden: http://127.0.0.1:{port}/ (stoppen: Ctrl+C)",
        f"Demonstration, without passwords: http://127.0.0.1:{port}/ (stop: Ctrl+C)",
    )
    errors.print(either(lang, *said), markup=False)
    running.run(place, pilot, listed, port)
