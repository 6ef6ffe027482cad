"""`vroegsein desk alerts`: unusual reading, by the rules of the pilot document, for the privacy officer."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home
from client.log_reading import read_log
from client.unusual import Alert, unusual
from client.words import Lang, either
from signals.pilot import Role

MOST_LEAVES = 12  # of an alert's evidence on the screen; --json has all


def alerts(
    pilot: PilotOption = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only of this day and later, YYYY-MM-DD")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with all the evidence")] = False,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """What is unusual in who looked at what, after checking that the log adds up. Each alert says its rule and numbers.

    Exit code: 0 nothing unusual, 1 there is something to look at, 2 wrong usage.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.PRIVACY_OFFICER, user_of(user), "audit") as service:
        document = own_document(place, service, pilot)
        log = read_log(place, service, document)
    found = unusual(log.events, document.pilot.alerts, since.date() if since else None)
    if as_json:
        rows = [{**dataclasses.asdict(alert), "day": alert.day.isoformat()} for alert in found]
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        show_alerts(found, lang, most=len(found))
    raise typer.Exit(1 if found else 0)


def show_alerts(found: Sequence[Alert], lang: Lang, most: int) -> None:
    """Print the first `most` alerts, each with the leaves that it rests on, and how many more there are."""
    if not found:
        console.print(either(lang, "Geen ongewone inzage.", "No unusual reading."), style="green")
        return
    for alert in found[:most]:
        leaves = ", ".join(map(str, alert.leaves[:MOST_LEAVES])) + (" …" if len(alert.leaves) > MOST_LEAVES else "")
        console.print(f"! {either(lang, alert.nl, alert.en)} [{alert.rule}: {leaves}]", style="yellow", markup=False)
    if len(found) > most:
        more = len(found) - most
        console.print(
            either(
                lang,
                f"… en nog {more}. Alle: vroegsein desk alerts",
                f"… and {more} more. All of them: vroegsein desk alerts",
            ),
            markup=False,
        )
