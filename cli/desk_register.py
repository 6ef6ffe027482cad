"""`vroegsein desk basis-register`: what each category and kind of a pilot rests on, by law or by consent."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console
from client.basis_register import Entry, basis_register, entries
from client.desk_pilot import own_signed_document
from client.desk_work import desk_service
from client.dpv import municipality
from client.home import Home, write_private
from client.words import CATEGORY, Lang, either, in_words
from signals.pilot import Role

BASIS = {
    "statutory": ("wet", "law"),
    "experiment": ("experiment", "experiment"),
    "consent": ("toestemming", "consent"),
}
EVIDENCE = {
    "offer_not_refused": ("aanbod dat niet is geweigerd", "an offer that was not refused"),
    "consent": ("toestemming", "consent"),
}
KIND = {
    "early": ("eerste melding", "first report"),
    "end_of_supply": ("einde levering", "end of supply"),
    "hand_over": ("warme overdracht", "warm hand-over"),
}


def register(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write it as JSON-LD to this file")] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """The register of lawful bases, from the signed pilot document. Nothing of a resident is in it."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.PRIVACY_OFFICER, user_of(user), "audit") as service:
        document, signed = own_signed_document(place, service, pilot)
    if json_file is not None:
        found = basis_register(document, signed, municipality(place), datetime.now(UTC))
        write_private(json_file, json.dumps(found, ensure_ascii=False, indent=2).encode())
    heads = either(lang, "soort|melding|grondslag|bron|bewijs", "category|kind|basis|source|evidence").split("|")
    table = Table(*heads, box=None, header_style="bold")
    for entry in entries(document):
        table.add_row(*_cells(entry, lang))
    console.print(table)
    days = document.pilot.retention.report_days
    console.print(
        either(
            lang,
            f"Versie {document.version} van het pilotdocument; een melding wordt {days} dagen bewaard.",
            f"Version {document.version} of the pilot document; a report is kept for {days} days.",
        ),
        markup=False,
    )


def _cells(entry: Entry, lang: Lang) -> tuple[str, ...]:
    ground = entry.ground
    source = f"{ground.source}, {ground.experiment.article}" if ground.experiment else ground.source
    return (
        in_words(CATEGORY, entry.category, lang),
        in_words(KIND, entry.kind, lang),
        in_words(BASIS, ground.basis, lang),
        source,
        in_words(EVIDENCE, ground.evidence, lang),
    )
