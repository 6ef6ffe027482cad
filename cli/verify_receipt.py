"""`vroegsein verify-receipt`: check a creditor's proof that it reported, offline, with the base package alone."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Prompt

from cli.desk_options import contact_lines
from cli.words import LangOption, console, errors
from client.words import CATEGORY, Lang, day, either, euros, in_words, moment, month
from privacy.errors import PrivacyError
from privacy.report_proof import Flaw, ProofRefused, Proven, read_proof, verify_proof

FLAW = {
    Flaw.UNREADABLE: "dit is geen bewijs van een versie die dit programma kent, of het is beschadigd",
    Flaw.OTHER_PILOT: "de delen van dit bewijs horen bij verschillende pilots",
    Flaw.NOT_IN_LOG: "het ontvangstbewijs staat niet in het logboek van dit ijkpunt",
    Flaw.NOT_IN_DELIVERY: "de melding zit niet in de levering waar het ontvangstbewijs over gaat",
    Flaw.OTHER_DETAILS: "de getoonde persoon, het contract of het bedrag is niet wat er is gemeld",
    Flaw.OTHER_AMOUNT: "het bedrag in euro's en centen is niet het bedrag dat open is meegestuurd",
}
OTHERS = {  # by code: what the other checks say
    "untrusted-document": "het pilotdocument is niet van de gemeente met deze vingerafdruk",
    "not-signed": "een handtekening ontbreekt, klopt niet of is van een andere sleutel",
    "checkpoint-refused": "het ijkpunt is niet getekend zoals het pilotdocument zegt",
    "receipt-refused": "het ontvangstbewijs is niet van een versie die dit programma kent",
}


def command(
    file: Annotated[Path, typer.Argument(help="The proof, as `creditor proof` made it", exists=True, dir_okay=False)],
    fingerprint: Annotated[str | None, typer.Option(help="The municipality's fingerprint; else it is asked")] = None,
    lang: LangOption = "nl",
) -> None:
    """Check a proof, without the service, any key or settings. Ask the municipality itself for its fingerprint.

    Exit code: 0 it holds, 1 it does not, 2 wrong usage.
    """
    question = either(lang, "Vingerafdruk van de gemeente (vraag die haar zelf)", "The municipality's fingerprint")
    typed = fingerprint or Prompt.ask(question, console=errors)
    try:
        proven = verify_proof(read_proof(file.read_bytes()), typed)
    except PrivacyError as error:
        said = either(lang, "Dit bewijs klopt niet", "This proof does not hold")
        errors.print(f"✗ {said}: {_why(error, lang)}.", style="bold red", markup=False)
        raise typer.Exit(1) from None
    console.print(either(lang, "✓ Dit bewijs klopt.", "✓ This proof holds."), style="bold green")
    console.print("\n".join(_shown(proven, lang)), markup=False)


def _why(error: PrivacyError, lang: Lang) -> str:
    if isinstance(error, ProofRefused):
        return either(lang, FLAW[error.flaw], error.flaw.value)
    return either(lang, OTHERS.get(error.code, str(error)), str(error))


def _shown(proven: Proven, lang: Lang) -> list[str]:
    event, report, details = proven.receipt.event, proven.report, proven.details
    category = in_words(CATEGORY, event.category.value, lang)
    amount = euros(int(details["amount_cents"]), lang)
    at = moment(datetime.fromisoformat(event.at), lang)
    since = day(report.arrears_since, lang)
    lines = [
        either(
            lang,
            f"{event.creditor} meldde aan {proven.document.pilot.municipality} ({event.pilot}), over "
            f"{month(event.period, lang)}:",
            f"{event.creditor} reported to {proven.document.pilot.municipality} ({event.pilot}), about "
            f"{month(event.period, lang)}:",
        ),
        *contact_lines(details),
        either(
            lang,
            f"  contract {details['contract']}, {category}: {amount}, {report.months} maanden, sinds {since}",
            f"  contract {details['contract']}, {category}: {amount}, {report.months} months, since {since}",
        ),
        either(lang, f"Ontvangen op {at}, levering {event.delivery}.", f"Received on {at}, delivery {event.delivery}."),
    ]
    if proven.seen_at is not None:
        seen = moment(proven.seen_at, lang)
        lines.append(
            either(
                lang,
                f"De gemeente zag het logboek met dit ontvangstbewijs en tekende mee op {seen}.",
                f"The municipality saw the log with this receipt and cosigned it on {seen}.",
            )
        )
    lines.append(
        either(
            lang,
            "Het bewijst niet dat de achterstand klopt, of dat er hulp is aangeboden.",
            "It does not prove that the arrears are right, or that help was offered.",
        )
    )
    return lines
