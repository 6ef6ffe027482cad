"""What a creditor's administrator sees of a check, of a push and of deliveries: tables and lines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from cli.creditor_endings import show_open, show_settled
from cli.words import console, errors
from client.checking import Checked, Pilots
from client.last_month import months_missing
from client.pushing import Outcome
from client.reasons import LABELS, Reason
from client.words import CATEGORY, Lang, day, either, euros, month
from signals.days import AMSTERDAM
from signals.line_rules import LINE_RULES, WARNINGS

FEW = 20  # rows shown of each kind, unless all are asked for


def shares(checked: Checked, pilots: Pilots, lang: Lang) -> Table:
    """How many rows would go to each pilot."""
    counts = Counter(row.pilot for row in checked.to_send)
    table = Table("pilot", either(lang, "te versturen", "to send"), box=None, header_style="bold")
    for pilot in pilots:
        table.add_row(pilot, str(counts[pilot]))
    return table


def show_check(checked: Checked, lang: Lang, *, whole: bool = False) -> None:
    """What a check found: counts, amounts, and each row that stays home with what to do about it; `whole`: all rows."""
    sent = len(checked.to_send)
    ended = f"{len(checked.settled)} {either(lang, 'voldaan', 'settled')}, " if checked.settled else ""
    console.print(
        either(
            lang,
            f"{checked.source}: {month(checked.period, lang)}, peildatum {day(checked.reported_on, lang)}\n"
            f"{checked.rows_read} regels gelezen, {sent} te versturen, {ended}{len(checked.refused)} niet.",
            f"{checked.source}: {month(checked.period, lang)}, reference date {day(checked.reported_on, lang)}\n"
            f"{checked.rows_read} rows read, {sent} to send, {ended}{len(checked.refused)} not.",
        ),
        markup=False,
    )
    if sent:
        total = sum(row.amount_cents for row in checked.to_send)
        console.print(either(lang, f"Samen {euros(total, lang)}.", f"{euros(total, lang)} in all."), markup=False)
    if checked.reasons:
        table = Table(
            either(lang, "waarom niet", "why not"), either(lang, "regels", "rows"), box=None, header_style="bold"
        )
        for reason, count in checked.reasons.items():
            table.add_row(either(lang, *LABELS[reason]), str(count))
        console.print(table)
        heads = either(lang, "regel|kenmerk|waarom en wat nu", "line|reference|why, and what now").split("|")
        details = Table(*heads, box=None, header_style="bold")
        # Where somebody lives needs no mending: those rows are counted, and would hide the others.
        told = [refusal for refusal in checked.refused if whole or refusal.reason is not Reason.OUTSIDE_PILOT]
        shown = told if whole else told[:FEW]
        for refusal in shown:
            details.add_row(str(refusal.line), refusal.reference, either(lang, refusal.nl, refusal.en))
        if shown:
            console.print(details)
        if more := len(checked.refused) - len(shown):
            console.print(either(lang, f"… en nog {more} (--all toont alles)", f"… and {more} more (--all shows all)"))
    elsewhere = Counter(str(refusal.details["region"]) for refusal in checked.refused if "region" in refusal.details)
    if elsewhere:
        listed = ", ".join(f"{region} {count}" for region, count in elsewhere.most_common(FEW))
        said = either(lang, "Buiten uw pilots, naar postcode: ", "Outside your pilots, by postcode: ")
        console.print(f"{said}{listed}", markup=False, soft_wrap=True)
    show_settled(checked, lang, None if whole else FEW)
    show_open(checked, lang)
    for note in checked.notes:
        console.print(f"• {either(lang, note.nl, note.en)}", style="yellow", markup=False)
    if checked.push_obstacle:
        console.print(checked.push_obstacle, style="bold red", markup=False)


def show_outcomes(checked: Checked, outcomes: Sequence[Outcome], lang: Lang) -> None:
    """What became of each pilot's part, the lines that the service refused, and where every row that was read is."""
    heads = either(
        lang, "pilot|verstuurd|geweigerd|niet verstuurd|levering", "pilot|sent|refused|not sent|delivery"
    ).split("|")
    table = Table(*heads, box=None, header_style="bold")
    table.columns[-1].overflow = "fold"
    for outcome in outcomes:
        numbers = map(str, (outcome.sent, outcome.refused, outcome.not_sent))
        failed = outcome.receipt is None and not outcome.only_settled
        table.add_row(outcome.pilot, *numbers, _delivery(outcome, lang), style="bold red" if failed else "")
    console.print(table)
    for outcome in outcomes:
        if outcome.failure is not None:
            errors.print(f"✗ {outcome.pilot}: {outcome.failure}", style="bold red", markup=False, soft_wrap=True)
        if outcome.receipt and outcome.receipt.overtaken:
            said = either(
                lang,
                "deze lijst was al geleverd, en daarna leverde u over deze maand nog een andere. Moet deze weer "
                "gelden? Herhaal het commando met --restore.",
                "this list was delivered before, and you delivered another one of this month after it. Is this one to "
                "hold again? Repeat the command with --restore.",
            )
            console.print(f"  {outcome.pilot}: {said}", style="yellow", markup=False, soft_wrap=True)
        for line, code in outcome.receipt.refused if outcome.receipt else ():
            console.print(refused_line(line, code, lang), markup=False)
        for line, code in outcome.receipt.warned if outcome.receipt else ():
            console.print(_warned_line(line, code, lang), style="yellow", markup=False)
        if outcome.settled:
            told = either(lang, "contract(en) doorgegeven als voldaan", "contract(s) passed on as settled")
            console.print(f"  {outcome.pilot}: {outcome.settled} {told}", markup=False)
        if outcome.still_open:
            told = either(lang, "contract(en) doorgegeven als nog lopend", "contract(s) passed on as still open")
            console.print(f"  {outcome.pilot}: {outcome.still_open} {told}", markup=False)
    sent = sum(outcome.sent for outcome in outcomes)
    refused = sum(outcome.refused for outcome in outcomes)
    not_sent = sum(outcome.not_sent for outcome in outcomes)
    home, paid = len(checked.refused), len(checked.settled)
    settled = f" + {paid} {either(lang, 'voldaan', 'settled')}" if paid else ""
    console.print(
        either(
            lang,
            f"{checked.rows_read} regels gelezen = {sent} verstuurd{settled} + {refused} geweigerd + {not_sent} niet "
            f"verstuurd + {home} thuisgebleven.",
            f"{checked.rows_read} rows read = {sent} sent{settled} + {refused} refused + {not_sent} not sent "
            f"+ {home} stayed home.",
        ),
        style="bold",
        markup=False,
        soft_wrap=True,
    )


def _delivery(outcome: Outcome, lang: Lang) -> str:
    if outcome.receipt:
        again = either(lang, " (was al geleverd)", " (delivered before)") if outcome.receipt.was_there else ""
        return f"✓ {outcome.receipt.delivery}{again}"
    if outcome.only_settled:
        return either(lang, "geen: alleen voldaan", "none: settled only")
    if outcome.held:
        return either(lang, "vastgehouden, zie de vraag", "held, see the question")
    if not outcome.again:
        return either(lang, "buiten de overeenkomst", "not in the agreement")
    return either(lang, "mislukt: probeer het opnieuw", "failed: try again")


def refused_line(line: int, code: str, lang: Lang) -> str:
    """A line that the service refused: why, by which rule, and where that stands."""
    rule = LINE_RULES.get(code)  # an older program may meet a rule that it doesn't know
    words, source = (either(lang, rule.nl, rule.en), f"; {rule.source}") if rule else (code, "")
    return either(lang, f"  regel {line} geweigerd: {words}", f"  line {line} refused: {words}") + f" ({code}{source})"


def _warned_line(line: int, code: str, lang: Lang) -> str:
    rule = WARNINGS.get(code)
    words, source = (either(lang, rule.nl, rule.en), f"; {rule.source}") if rule else (code, "")
    return either(lang, f"  let op, regel {line}: {words}", f"  mind line {line}: {words}") + f" ({code}{source})"


def show_deliveries(deliveries: Mapping[str, Sequence[dict[str, Any]]], lang: Lang) -> None:
    """Each pilot's deliveries, and the months of which something is missing."""
    heads = either(
        lang, "pilot|maand|soort|stand|verwacht|aangenomen|geweigerd", "pilot|month|kind|state|expected|taken|refused"
    )
    table = Table(*heads.split("|"), box=None, header_style="bold")
    states = {"open": "open", "completing": either(lang, "wordt verwerkt", "being taken up")}
    for name, found in deliveries.items():
        for row in found:
            state = states.get(row["state"], either(lang, "klaar", "completed"))
            counts = [str(row[key]) if row[key] is not None else "" for key in ("expectedCount", "accepted", "refused")]
            table.add_row(name, month(row["period"], lang), either(lang, *CATEGORY[row["category"]]), state, *counts)
    console.print(table if table.row_count else either(lang, "Nog geen leveringen.", "No deliveries yet."))
    for name, found in deliveries.items():
        for period in months_missing(found, datetime.now(AMSTERDAM).date()):
            said = either(
                lang, "{}: over {} is niets geleverd, of niet alles.", "{}: nothing was delivered for {}, or not all."
            )
            console.print(said.format(name, month(period, lang)), style="yellow", markup=False)
