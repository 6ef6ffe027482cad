"""`vroegsein desk evaluate`: the evaluation of a pilot as a council reads it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, progress
from client.account import EVALUATING, Records, signal_records
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.evaluation_report import About, write_report
from client.home import Home
from client.monitor import monthly_tables
from client.words import Lang, either
from signals.days import AMSTERDAM
from signals.evaluation import count
from signals.evaluation_shown import Effort, publish
from signals.pilot import Role


def evaluate(
    first: Annotated[datetime, typer.Option(help="First reference date", formats=["%Y-%m-%d"])],
    last: Annotated[datetime, typer.Option(help="Last one; the stand is that of now", formats=["%Y-%m-%d"])],
    out: Annotated[Path, typer.Option(help="Folder for the files", file_okay=False)] = Path("evaluatie"),
    effort: Annotated[
        tuple[int, int] | None, typer.Option(help="Hours of work in that time, and euros an hour: for the cost")
    ] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Make the evaluation of the pilot: a report for the council (PDF and web page, Dutch), a workbook, CSV files.

    Nothing is opened for it, and small numbers are left out: it may leave the municipality.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), EVALUATING) as service, progress() as bar:
        document = own_document(place, service, pilot)
        task = bar.add_task(either(lang, "Gegevens ophalen", "Fetching records"), total=None)
        records = Records(service, pilot, first.date(), last.date())
        published = monthly_tables(service, pilot)
        found = signal_records(records, records.reports(lambda rows: bar.advance(task, rows)))
    today = datetime.now(AMSTERDAM).date()
    counted = count(found, tuple(document.pilot.categories), today)
    about = About(pilot, place.settings.name, first.date(), last.date(), today, document.pilot.rule_set)
    months = [table for table in published if f"{first:%Y-%m}" <= table.period <= f"{last:%Y-%m}"]
    evaluation = publish(counted, Effort(*effort) if effort else None, months)
    files = write_report(out, evaluation, about)
    for line in shown(files, lang):
        console.print(line, markup=False, soft_wrap=True)


def shown(files: tuple[Path, ...], lang: Lang) -> list[str]:
    """Where the files are."""
    report, page, book, *tables = files
    return [
        either(lang, f"Verslag: {report} en {page}", f"Report: {report} and {page}"),
        either(lang, f"Tabellen: {book} en {len(tables)} CSV-bestanden", f"Tables: {book} and {len(tables)} CSV files"),
    ]
