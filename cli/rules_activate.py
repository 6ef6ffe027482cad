"""`vroegsein rules propose`, `proposals` and `activate`: one person proposes a rule set, another one activates it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Confirm
from rich.table import Table

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.rules_backtest import by_month
from cli.words import LangOption, console, errors
from client import desk_rules
from client.desk_rules import PURPOSE
from client.desk_work import desk_service
from client.home import Home
from client.words import either, in_words, moment
from signals.pilot import Role
from signals.rulesets import read_rule_set

STATE = {
    "proposed": ("voorgesteld", "proposed"),
    "activating": ("wordt ingevoerd", "being activated"),
    "activated": ("ingevoerd", "activated"),
    "failed": ("mislukt", "failed"),
}


def propose(
    file: Annotated[Path, typer.Argument(help="The rule set (YAML)", exists=True)],
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Propose a rule set for one's own pilot. Nothing changes before a colleague activates it."""
    name, place = read_rule_set(file).name, Home(home)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        done = desk_rules.propose(service, pilot_of(place, pilot), file.read_text(encoding="utf-8"))
    said = (
        f"{name} is voorgesteld ({done['hash']}).\nEen collega voert hem in: vroegsein rules activate {name}",
        f"{name} is proposed ({done['hash']}).\nA colleague activates it: vroegsein rules activate {name}",
    )
    console.print(either(lang, *said), markup=False)


def proposals(
    pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, user: UserOption = None, lang: LangOption = "nl"
) -> None:
    """What was proposed for the pilot, when, by whom (the log's pseudonyms), and what became of it."""
    place = Home(home)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        found = desk_rules.proposals(service, pilot_of(place, pilot))
    heads = either(lang, "regelset|stand|voorgesteld|door|ingevoerd door", "rule set|state|proposed|by|activated by")
    table = Table(*heads.split("|"), box=None, header_style="bold")
    for row in found:
        at = moment(datetime.fromisoformat(row["proposedAt"]), lang)
        by = (row["proposedBy"][:8], (row["activatedBy"] or "–")[:8])
        table.add_row(row["ruleSet"], in_words(STATE, row["state"], lang), at, *by)
    console.print(table)


def shadow(
    name: Annotated[str, typer.Argument(help="The proposed rule set's name, such as a-town@2")],
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """What a proposed rule set would have made of the months delivered since, beside the running one.

    Exact counts, for the desk alone. Exit code: 0 shown, 1 nothing was delivered since, or not counted yet.
    """
    place = Home(home)
    pilot = pilot_of(place, pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        row, _ = desk_rules.waiting_proposal(service, pilot, name)
        months = desk_rules.shadow(service, pilot, row["proposalId"])
    if not months:
        said = (
            "Sinds het voorstel is nog niets geleverd en geteld.",
            "Nothing was delivered and counted since.",
        )
        console.print(either(lang, *said), markup=False)
        raise typer.Exit(1)
    console.print(by_month(months, lang))


def activate(
    name: Annotated[str, typer.Argument(help="The proposed rule set's name, such as a-town@2")],
    yes: Annotated[bool, typer.Option("--yes", help="It was read already")] = False,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Activate what a colleague proposed: sign the pilot document with it, and have all of the pilot judged anew.

    Who proposed it is refused. Exit code: 0 activated, 1 refused or failed, 2 wrong usage.
    """
    place = Home(home)
    pilot = pilot_of(place, pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        row, rule_set = desk_rules.waiting_proposal(service, pilot, name)
        console.print(row["text"], markup=False)
        console.print(f"{rule_set.name}: {rule_set.hash().hex()}", markup=False)
        if not yes and not Confirm.ask(either(lang, "Invoeren?", "Activate?"), console=errors):
            raise typer.Exit(1)
        with errors.status(either(lang, "De dienst voert hem in…", "The service activates it…")):
            desk_rules.activate(place, service, pilot, row["proposalId"], rule_set)
    said = (
        f"{name} geldt nu; alle signalen zijn opnieuw gesorteerd.",
        f"{name} holds now; all is sorted anew.",
    )
    console.print(either(lang, *said), markup=False)
