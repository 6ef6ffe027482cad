"""`vroegsein desk hand-over`: a household moved to a municipality that has a pilot here too."""

import uuid
from typing import Annotated

import typer
from rich.prompt import Confirm

from cli.desk_options import (
    DEFAULT_HOME,
    HomeOption,
    PilotOption,
    UserOption,
    contact_lines,
    pilot_of,
    user_of,
)
from cli.words import LangOption, console, errors
from client import desk_work, handing_over
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home, HomeUnusable
from client.opening import OpenedReport
from client.pushing import creditor_service
from client.trust import join
from client.words import CATEGORY, Lang, either, month
from signals.line_rules import LINE_RULES
from signals.pilot import Role


def hand_over(
    signal: Annotated[str, typer.Argument(help="The household's newest signal: its id, or its first characters")],
    to: Annotated[str, typer.Option("--to", help="The other municipality's pilot, by its short name")],
    report: Annotated[
        list[uuid.UUID] | None, typer.Option("--report", help="Only this report; may be repeated. Else all of them")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Somebody has seen that this household moved there")] = False,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Hand a household's reports over to the municipality that it moved to. Broken off, run it again.

    They are opened here, sealed to that municipality's key, and leave your worklist. To the other pilot your
    municipality is a creditor that gets no pilot key. Set that up once: `vroegsein creditor init` and
    `vroegsein creditor join`, with `--home` the folder `hand-over` in this desk's home.
    Exit code: 0 all went, 1 some stay (listed) or nothing was done.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    giving = handing_over.as_creditor(place)
    if not (giving.path / "settings.yaml").exists():
        raise HomeUnusable(
            f"your municipality does not take part in {to} yet: run `vroegsein creditor init --home {giving.path}`, "
            f"have it registered, then `vroegsein creditor join {to} --home {giving.path}`"
        )
    with (
        desk_service(place, Role.DEBT_HELP, user_of(user), handing_over.PURPOSE) as service,
        creditor_service(giving) as sending,
    ):
        joined = join(giving, sending, to)
        document = own_document(place, service, pilot)
        opened = desk_work.show(place, service, document, desk_work.whole_signal_id(place, pilot, signal))
        chosen = [one for one in opened.reports if not report or uuid.UUID(one[0]["reportId"]) in report]
        for row, found in chosen:
            head = f"{either(lang, *CATEGORY[row['category']])}, {month(row['period'], lang)} ({row['creditorId']})"
            console.print(f"{row['reportId']} {head}", markup=False)
            if isinstance(found, OpenedReport):
                console.print("\n".join(contact_lines(found.details)), markup=False)
        question = (
            f"Woont dit huishouden nu in het gebied van {joined.document.desk}, en mag dit daarheen?",
            f"Does this household live in the area of {joined.document.desk} now, and may this go there?",
        )
        if not yes and not (errors.is_terminal and Confirm.ask(either(lang, *question), console=errors, default=False)):
            errors.print(either(lang, "Niets overgedragen.", "Nothing was handed over."))
            raise typer.Exit(1)
        done = handing_over.hand_over(place, service, document, chosen, joined, sending)
    _tell(done, joined.document.desk, lang)
    raise typer.Exit(1 if done.stayed or done.outcome != "handed over" else 0)


def _tell(done: handing_over.HandedOver, desk: str, lang: Lang) -> None:
    for identity, why in done.stayed:
        rule = LINE_RULES.get(why)
        words = either(lang, rule.nl, rule.en) if rule else why
        said = (f"✗ melding {identity} blijft hier: {words}", f"✗ report {identity} stays here: {words}")
        errors.print(either(lang, *said), markup=False)
    for receipt in done.receipts:
        said = (f"✓ ontvangstbewijs: levering {receipt.delivery}", f"✓ receipt: delivery {receipt.delivery}")
        console.print(either(lang, *said), markup=False)
    count = len(done.reports)
    said = (f"{count} meldingen overgedragen aan {desk}.", f"{count} reports handed over to {desk}.")
    console.print(either(lang, *said), markup=False)
