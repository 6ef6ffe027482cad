"""`vroegsein creditor feedback`: what became of one's reports, next to one's own contract numbers."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.creditor_options import DEFAULT_HOME, HomeOption, PilotsOption, pilots_of
from cli.words import LangOption, console
from client.feedback import ContractFeedback, feedback_of, given_up
from client.home import Home, write_private
from client.pushing import creditor_service
from client.trust import join
from client.words import CATEGORY, Lang, day, either, in_words, month
from signals.days import AMSTERDAM
from signals.feedback import STATUS_WORDS, FeedbackStatus

QUIET = (FeedbackStatus.RECEIVED, FeedbackStatus.NOT_REACHED)


def feedback(
    out: Annotated[
        Path | None, typer.Option("--out", help="Write all of it to this CSV file, for your own system", dir_okay=False)
    ] = None,
    pilot: PilotsOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """What became of your reports. It is renewed on Mondays; of most reports there is nothing to tell.

    Where a resident accepted help, collection pauses until the day that is named.
    """
    place, today = Home(home), datetime.now(AMSTERDAM).date()
    found: list[tuple[str, ContractFeedback]] = []
    in_vain: list[tuple[str, date, str]] = []
    with creditor_service(place) as service:
        for name in pilots_of(place, pilot):
            found += [(name, one) for one in feedback_of(place, service, join(place, service, name), today)]
            in_vain += [(name, *one) for one in given_up(service, name)[:1]]
    _show(found, lang)
    for name, batch, failure in in_vain:
        said = either(
            lang,
            f"{name}: bericht van {day(batch, lang)} kwam niet aan bij je webhook ({failure}) en is opgegeven",
            f"{name}: the notice of {day(batch, lang)} did not reach your webhook ({failure}) and was given up",
        )
        console.print(said, markup=False, style="yellow")
    if out is not None:
        _write(out, found, lang)
        console.print(
            either(lang, f"{len(found)} regels in {out}", f"{len(found)} rows in {out}"), markup=False, soft_wrap=True
        )


def _show(found: Sequence[tuple[str, ContractFeedback]], lang: Lang) -> None:
    heads = either(
        lang, "pilot|maand|soort|contract|terugkoppeling|sinds", "pilot|month|kind|contract|feedback|since"
    ).split("|")
    table = Table(*heads, box=None, header_style="bold")
    told = [(pilot, one) for pilot, one in found if one.feedback.status not in QUIET]
    for pilot, one in told:
        table.add_row(
            pilot,
            month(one.period, lang),
            in_words(CATEGORY, one.category.value, lang),
            one.contract,
            one.feedback.in_words(lang),
            day(one.feedback.since, lang),
            style="green" if one.feedback.pause_until else "",
        )
    if told:
        console.print(table)
    quiet = Counter(one.feedback.status for _pilot, one in found)
    for status in QUIET:
        if quiet[status]:
            words = STATUS_WORDS[status]
            console.print(f"{quiet[status]} × {either(lang, words.nl, words.en)}", markup=False)
    if not found:
        console.print(either(lang, "Nog niets terug te koppelen.", "Nothing to tell yet."))


def _write(file: Path, found: Sequence[tuple[str, ContractFeedback]], lang: Lang) -> None:
    heads = either(
        lang,
        "pilot;maand;soort;contract;code;terugkoppeling;sinds;pauze tot en met",
        "pilot;month;kind;contract;code;feedback;since;pause through",
    ).split(";")
    written = io.StringIO()
    rows = csv.writer(written, delimiter=";")
    rows.writerow(heads)
    for pilot, one in found:
        said = one.feedback
        until = said.pause_until.isoformat() if said.pause_until else ""
        about = (pilot, one.period, one.category.value, one.contract)
        rows.writerow([*about, said.status.value, said.in_words(lang), said.since.isoformat(), until])
    write_private(file, written.getvalue().encode("utf-8-sig"))  # by the mark a spreadsheet knows the encoding
