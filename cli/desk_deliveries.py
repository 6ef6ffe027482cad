"""`vroegsein desk deliveries`: which creditor delivered which month, and who is silent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console
from client.desk_creditors import CreditorMonths, creditor_months
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home
from client.service import Service
from client.words import CATEGORY, Lang, day, either, in_words, month
from signals.days import AMSTERDAM
from signals.pilot import Role

NEWEST = 3  # months of each creditor


def deliveries(
    whole: Annotated[bool, typer.Option("--all", help="Every month, not only the newest three")] = False,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Which creditors delivered which months, how many reports, and when; those that are late first, in red.

    A creditor is late a week after its usual day (the middle one of its last six months, of three at least), and
    without one two weeks after the month.

    Exit code: 0 nobody is late, 1 somebody is, 2 wrong usage.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "worklist") as service:
        found = fetched(place, service, pilot)
    heads = either(lang, "schuldeiser|soort|maand|aantal|ontvangen", "creditor|kind|month|number|received").split("|")
    table = Table(*heads, box=None, header_style="bold")
    for one in found:
        of = (one.name, in_words(CATEGORY, one.category, lang))
        if one.late:
            nothing = either(lang, "niets ontvangen", "nothing received")
            table.add_row(*of, _late(one, lang), "", nothing, style="bold red")
        shown = one.months if whole else one.months[:NEWEST]
        for got in shown:
            table.add_row(
                *of, month(got.period, lang), str(got.accepted), day(got.taken_up.astimezone(AMSTERDAM), lang)
            )
        if one.next_due and not one.late:
            due = either(lang, "uiterlijk", "by") + f" {day(one.next_due, lang)}"
            table.add_row(*of, either(lang, "volgende", "next"), "", due, style="dim")
    none = either(lang, "Er is nog geen schuldeiser met een overeenkomst.", "No creditor has an agreement yet.")
    console.print(table if found else none)
    raise typer.Exit(1 if any(one.late for one in found) else 0)


def fetched(home: Home, service: Service, pilot: str) -> list[CreditorMonths]:
    """What is known today of the deliveries to this desk's own pilot."""
    return creditor_months(service, own_document(home, service, pilot).pilot, datetime.now(AMSTERDAM).date())


def silent_lines(found: Sequence[CreditorMonths], lang: Lang) -> list[str]:
    """One sentence for each creditor and category that is late."""
    said = either(lang, "{} leverde nog niets over {} ({}).", "{} has delivered nothing for {} yet ({}).")
    return [
        said.format(one.name, _late(one, lang), in_words(CATEGORY, one.category, lang)) for one in found if one.late
    ]


def _late(one: CreditorMonths, lang: Lang) -> str:
    """The months that are late; they follow on each other."""
    first, last = month(one.late[0], lang), month(one.late[-1], lang)
    return first if first == last else f"{first} {either(lang, 't/m', 'to')} {last}"
