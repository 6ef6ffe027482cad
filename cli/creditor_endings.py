"""`vroegsein creditor settle` and `withdraw`: saying that contracts are paid, or that reports of them were wrong."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Confirm
from rich.table import Table

from cli.creditor_options import DEFAULT_HOME, HomeOption, PilotsOption, pilots_of
from cli.words import LangOption, console, errors
from client.checking import Checked
from client.endings import end_contracts, left_out, read_contracts
from client.home import Home
from client.pushing import creditor_service
from client.service import Service
from client.words import CATEGORY, Lang, day, either, month
from signals.consents import Ending
from signals.days import AMSTERDAM

ContractOption = Annotated[
    list[str] | None, typer.Option("--contract", help="A customer or contract number; may be repeated")
]
FileArgument = Annotated[
    Path | None,
    typer.Argument(help="A file with one customer or contract number a line", exists=True, dir_okay=False),
]
DayOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Up to and including which reference date; else today"),
]


def settle(
    file: FileArgument = None,
    contract: ContractOption = None,
    on: DayOption = None,
    pilot: PilotsOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Say that contracts are paid: their reports up to a day count as settled, in all pilots. Repeating it is safe.

    A file is better than --contract: what you type stays in your shell's history.
    """
    _end(Home(home), pilot, "settled", file, contract, on, lang)


def withdraw(
    file: FileArgument = None,
    contract: ContractOption = None,
    on: DayOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant")] = False,
    pilot: PilotsOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Take back reports that were wrong: those of these contracts up to a day are erased. Repeating it is safe.

    A wrong amount alone is corrected by pushing the export of that month again. A report of a newer day counts again.
    """
    question = either(
        lang,
        "Alle meldingen van deze contracten tot en met die dag worden gewist. Doorgaan?",
        "All reports of these contracts up to that day will be erased. Go on?",
    )
    if not yes and not (errors.is_terminal and Confirm.ask(question, console=errors, default=False)):
        errors.print(either(lang, "Niets ingetrokken: geef --yes mee.", "Nothing withdrawn: add --yes."), style="red")
        raise typer.Exit(1)
    _end(Home(home), pilot, "withdrawn", file, contract, on, lang)


def show_settled(checked: Checked, lang: Lang, most: int | None) -> None:
    """The rows that would become endings, by line."""
    if not checked.settled:
        return
    heads = either(lang, "regel|kenmerk|wordt doorgegeven als", "line|reference|is passed on as").split("|")
    table = Table(*heads, box=None, header_style="bold")
    for row in checked.settled[:most]:
        table.add_row(str(row.line), row.masked_reference, either(lang, "voldaan", "settled"))
    console.print(table)
    if most is not None and len(checked.settled) > most:
        more = len(checked.settled) - most
        console.print(either(lang, f"… en nog {more} (--all toont alles)", f"… and {more} more (--all shows all)"))


def show_open(checked: Checked, lang: Lang) -> None:
    """How many contracts are told of as still open though their row stays home."""
    if count := len(checked.still_open):
        said = either(
            lang,
            f"{count} thuisgebleven contract(en) worden doorgegeven als nog lopend (alleen het kenmerk): "
            "een eerdere melding geldt dan niet als voldaan.",
            f"{count} contract(s) that stay home are passed on as still open (by reference alone): "
            "an earlier report then doesn't count as settled.",
        )
        console.print(f"• {said}", markup=False)


def show_ended(home: Home, service: Service, pilot: str, deliveries: Sequence[dict[str, object]], lang: Lang) -> None:
    """What ended: what the newest snapshot leaves out, and what was said."""
    said_so = service.get("/contract-endings", pilotId=pilot)["endings"]
    with_open = {row["period"] for row in said_so if row["ending"] == "open"}
    for one in left_out(home, deliveries):
        kind, now, before = either(lang, *CATEGORY[one.category]), month(one.period, lang), month(one.before, lang)
        said = either(
            lang,
            f"{one.contracts} contract(en) van {before} staan niet meer in {now}; die gelden als voldaan.",
            f"{one.contracts} contract(s) of {before} are not in {now} any more; they count as settled.",
        )
        but = either(lang, " Wat nog loopt (hieronder) niet.", " Those that are still open (below) don't.")
        console.print(f"{pilot}, {kind}: {said}{but if one.period in with_open else ''}", markup=False)
    names = {
        "settled": ("voldaan gemeld", "said to be settled"),
        "withdrawn": ("ingetrokken", "withdrawn"),
        "open": ("nog lopend gemeld, zonder melding", "said to be still open, though not reported"),
    }
    for row in said_so:
        what = either(lang, *names[row["ending"]])
        console.print(f"{pilot}: {month(row['period'], lang)}: {row['contracts']} {what}", markup=False)


def _end(
    home: Home,
    pilot: str | None,
    ending: Ending,
    file: Path | None,
    named: list[str] | None,
    on: datetime | None,
    lang: Lang,
) -> None:
    contracts = [*(named or []), *(read_contracts(file) if file else [])]
    if not contracts:
        raise typer.BadParameter("name a file with numbers, or --contract")
    ended_on = on.date() if on else datetime.now(AMSTERDAM).date()
    with creditor_service(home) as service:
        for name in pilots_of(home, pilot):
            answers = end_contracts(home, service, name, contracts, ending, ended_on)
            _passed_on(name, len(contracts), ending, [str(answer["state"]) for answer in answers], lang)
    console.print(
        either(
            lang,
            f"Het geldt voor meldingen met een peildatum tot en met {day(ended_on, lang)}.",
            f"It holds for reports with a reference date up to {day(ended_on, lang)}.",
        ),
        markup=False,
    )


def _passed_on(pilot: str, count: int, ending: Ending, states: Sequence[str], lang: Lang) -> None:
    what = {"settled": ("voldaan", "settled"), "withdrawn": ("ingetrokken", "withdrawn"), "open": ("lopend", "open")}[
        ending
    ]
    said = either(
        lang,
        f"✓ {pilot}: {count} contract(en) doorgegeven als {what[0]}",
        f"✓ {pilot}: {count} contract(s) passed on as {what[1]}",
    )
    busy = either(lang, "; het geldt zodra de dienst zover is", "; it holds as soon as the service gets to it")
    console.print(f"{said}{busy if 'waiting' in states else ''}.", style="bold green", markup=False)
