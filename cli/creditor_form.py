"""`vroegsein creditor form`: the form in the browser, for who has no export."""

import webbrowser
from typing import Annotated

import typer

from cli.creditor_options import DEFAULT_HOME, HomeOption, PilotOption, pilot_of
from cli.words import LangOption, console
from client.form.landlord import Landlord
from client.form.server import FormServer
from client.home import Home
from client.pushing import creditor_service
from client.words import either
from signals.report import Category


def form(
    pilot: PilotOption = None,
    category: Annotated[Category, typer.Option(help="What arrears these are")] = Category.RENT,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
    browser: Annotated[bool, typer.Option(help="Open the browser; else open the address yourself")] = True,
) -> None:
    """Fill in tenants in your browser and send them; on this computer alone, until Ctrl-C.

    The address holds a secret: don't pass it on. What is filled in is kept in memory until it is sent.
    """
    place = Home(home)
    landlord = Landlord(place, lambda: creditor_service(place), pilot_of(place, pilot), category)
    landlord.pilot()  # what stops it is told here, and not in the browser
    with FormServer(landlord, lang) as server:
        said = ("Het formulier staat klaar; stoppen met Ctrl-C:", "The form is ready; stop with Ctrl-C:")
        console.print(either(lang, *said), markup=False)
        console.print(server.url, markup=False, soft_wrap=True)
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print(either(lang, "Gestopt.", "Stopped."))
