"""`vroegsein desk ddas`: the national delivery to Statistics Netherlands (CBS), DDAS vroegsignalering v1.2."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors, progress
from client import ddas
from client.account import DELIVERING, Records, delivered
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home
from client.words import CATEGORY, Lang, either, in_words
from signals.days import AMSTERDAM, last_day
from signals.pilot import Role

LEFT_OUT = {
    ddas.LeftOut.NOT_OPENED.value: ("niet te openen", "can't be opened"),
    ddas.LeftOut.NO_POSTCODE.value: ("geen volledige postcode", "no whole postcode"),
    ddas.LeftOut.NO_HOUSE_NUMBER.value: ("geen huisnummer", "no house number"),
}


def deliver_ddas(
    period: Annotated[str, typer.Option("--month", help="Which month, YYYY-MM")],
    supplier: Annotated[str, typer.Option(help="Your supplier code, as CBS gave it to you")],
    municipality: Annotated[str, typer.Option("--municipality", help="The municipality's code of four digits")],
    out: Annotated[Path | None, typer.Option(help="The file; else ddas-MONTH.json here", dir_okay=False)] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Make the file for CBS: reports and cases of a month, with postcode, house number and birth date.

    All reports of the month are opened for it on this machine, and the log says so. Exit code: 0 all of them are in it,
    1 some had to be left out, and it says why.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    try:
        delivery = ddas.Delivery(
            first=datetime.strptime(period, "%Y-%m").date(),  # noqa: DTZ007 - a month
            last=last_day(period),
            supplier=supplier,
            municipality=municipality,
            organisation=place.settings.organisation,
            made_at=datetime.now(AMSTERDAM),
        )
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
    file = out or Path(f"ddas-{period}.json")
    with desk_service(place, Role.DEBT_HELP, user_of(user), DELIVERING) as service, progress() as bar:
        document = own_document(place, service, pilot)
        task = bar.add_task(either(lang, "Meldingen openen", "Opening reports"), total=None)
        records = Records(service, pilot, delivery.first, delivery.last)
        found = delivered(place, document, records, lambda count: bar.advance(task, count))
        written = ddas.write_file(file, delivery, *found)
    for line in shown(written, file, lang):
        console.print(line, markup=False, soft_wrap=True)
    if written.left_out:
        reasons = (f"{in_words(LEFT_OUT, why.value, lang)}: {count}" for why, count in written.left_out.items())
        errors.print(f"{either(lang, 'Weggelaten', 'Left out')}: {', '.join(reasons)}", style="yellow", markup=False)
        raise typer.Exit(1)


def shown(written: ddas.Written, file: Path, lang: Lang) -> list[str]:
    """What is in the file, in words."""
    kinds = ", ".join(f"{in_words(CATEGORY, of.value, lang)} {n}" for of, n in sorted(written.signals.items()))
    signals = sum(written.signals.values())
    return [
        either(
            lang,
            f"{signals} vroegsignalen ({kinds or 'geen'}) en {written.cases} zaken in {file} (DDAS 1.2).",
            f"{signals} reports ({kinds or 'none'}) and {written.cases} cases in {file} (DDAS 1.2).",
        ),
        either(
            lang,
            "Er staan postcodes, huisnummers en geboortedatums in: stuur het alleen naar het CBS en wis het daarna.",
            "It holds postcodes, house numbers and birth dates: send it to CBS alone, and throw it away afterwards.",
        ),
    ]
