"""`vroegsein creditor receipts` and `creditor proof`: what a creditor can show of what it reported."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.creditor_options import DEFAULT_HOME, HomeOption, PilotOption, pilot_of
from cli.proof_paper import proof_paper
from cli.words import LangOption, console, errors
from client.home import Home
from client.proving import CheckedReceipt, Place, check_receipts, prove_report
from client.pushing import creditor_service
from client.receipts import clear_kept
from client.service import Service
from client.words import CATEGORY, Lang, day, either, in_words, moment, month
from privacy.report_proof import Proven, ReportProof
from signals.days import AMSTERDAM

PLACE = {
    Place.SEEN.value: ("in het logboek, door de gemeente gezien", "in the log, seen by the municipality"),
    Place.IN_LOG.value: ("in het logboek", "in the log"),
    Place.WAITING.value: ("komt zo in het logboek", "in the log in a moment"),
    Place.MISSING.value: ("NIET IN HET LOGBOEK", "NOT IN THE LOG"),
}


def receipts(pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, lang: LangOption = "nl") -> None:
    """Your receipts, and whether the log still holds what the service signed for.

    Exit code: 0 all of them, 1 a receipt is not in the log, 2 wrong usage.
    """
    place = Home(home)
    pilot = pilot_of(place, pilot)
    clear_kept(place, datetime.now(AMSTERDAM).date())
    with creditor_service(place) as service:
        found = check_receipts(place, service, pilot)
    heads = either(lang, "ontvangen|maand|soort|aangenomen|bewijs", "received|month|kind|taken|proof").split("|")
    table = Table(*heads, box=None, header_style="bold")
    for checked in found:
        event = checked.receipt.event
        row = (
            moment(datetime.fromisoformat(event.at), lang),
            month(event.period, lang),
            in_words(CATEGORY, event.category.value, lang),
            str(event.accepted),
            in_words(PLACE, checked.place.value, lang),
        )
        table.add_row(*row, style="bold red" if checked.place is Place.MISSING else "")
    console.print(table if found else either(lang, "Nog geen ontvangstbewijzen.", "No receipts yet."))
    raise typer.Exit(1 if _tell_lost(found, lang) else 0)


def proof(
    reference: Annotated[str, typer.Argument(help="Your own contract number; - reads it from standard input")],
    pilot: PilotOption = None,
    period: Annotated[str | None, typer.Option(help="Month of the report, YYYY-MM; else the newest one")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the two files", exists=True, file_okay=False)] = Path(),
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Prove that you reported one contract: a file that anybody can check, and a page on paper for a judge (Dutch).

    Exit code: 0 made and checked, 1 there is nothing to prove or it does not hold, 2 wrong usage.
    """
    place = Home(home)
    contract = sys.stdin.readline().strip() if reference == "-" else reference
    pilot = pilot_of(place, pilot)
    with creditor_service(place) as service:
        made, proven = prove_report(place, service, pilot, contract, period)
    file, event = write_proof(made, proven, out), proven.receipt.event
    received = day(datetime.fromisoformat(event.at).astimezone(AMSTERDAM).date(), lang)
    console.print(
        either(
            lang,
            f"✓ Bewijs gemaakt en nagerekend: {month(event.period, lang)}, ontvangen op {received}.\n"
            f"  {file} en {file.with_suffix('.pdf')} (met persoonsgegevens: deel ze alleen met wie ze moet zien)\n"
            f"  Nazien kan zonder dienst: vroegsein verify-receipt {file}",
            f"✓ Proof made and checked: {month(event.period, lang)}, received on {received}.\n"
            f"  {file} and {file.with_suffix('.pdf')} (they hold personal data: share them with care)\n"
            f"  To check it, without the service: vroegsein verify-receipt {file}",
        ),
        style="bold green",
        markup=False,
        soft_wrap=True,
    )


def write_proof(made: ReportProof, proven: Proven, folder: Path) -> Path:
    """Write the proof's file and, beside it, the page on paper; returns the former. Nobody but the owner reads them."""
    # The opaque reference: a file's name shows nobody.
    name = f"proof-{proven.receipt.event.period}-{proven.report.reference[:8]}"
    text = made.model_dump_json(indent=1).encode()
    place = Home(folder)  # for its way of writing: all or nothing, closed from the first moment
    place.keep_private(f"{name}.json", text)
    place.keep_private(f"{name}.pdf", proof_paper(proven, f"{name}.json", text))
    return folder / f"{name}.json"


def look_after(home: Home, service: Service, pilot: str, lang: Lang) -> bool:
    """Clear what is past its term and look up the receipts that are kept; says so and is true when one is lost."""
    clear_kept(home, datetime.now(AMSTERDAM).date())
    return _tell_lost(check_receipts(home, service, pilot), lang)


def _tell_lost(found: list[CheckedReceipt], lang: Lang) -> bool:
    lost = [checked.receipt.event for checked in found if checked.place is Place.MISSING]
    for event in lost:
        errors.print(
            either(
                lang,
                f"✗ De dienst tekende voor levering {event.delivery} ({month(event.period, lang)}), en het logboek "
                "heeft die niet. Meld dit aan de gemeente en bewaar de map receipts.",
                f"✗ The service signed for delivery {event.delivery} ({month(event.period, lang)}), and the log does "
                "not hold it. Tell the municipality, and keep the folder receipts.",
            ),
            style="bold red",
            markup=False,
        )
    return bool(lost)
