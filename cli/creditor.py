"""`vroegsein creditor …`: what a creditor's administrator does with a monthly export."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Confirm, Prompt
from rich.table import Table

from cli import creditor_receipts
from cli.creditor_form import form
from cli.creditor_options import DEFAULT_HOME, HomeOption, PilotOption, pilot_of, service_of
from cli.creditor_profile import profile as propose_profile
from cli.creditor_sample import show_sample
from cli.words import CATEGORY, Lang, LangOption, console, day, either, errors, euros, month, progress
from client.checking import Checked, SendingTerms, check
from client.delivering import Receipt, deliver, pass_on_objection
from client.export import read_export
from client.home import Home, Settings, init_creditor, own_fingerprint
from client.last_month import months_missing, questions, remember
from client.profiles import Profile
from client.reasons import LABELS
from client.service import Service, ServiceUnreachable
from client.trust import JoinedPilot, join, sending_terms
from signals.days import AMSTERDAM
from signals.documents import read_document
from signals.line_rules import LINE_RULES

app = typer.Typer(help="Deliver arrears reports: set up, check, push, status, proof.", no_args_is_help=True)
app.command()(creditor_receipts.receipts)
app.command()(creditor_receipts.proof)
app.command()(form)

ProfileOption = Annotated[Path, typer.Option("--profile", help="Mapping profile (YAML) of this export", exists=True)]
PeriodOption = Annotated[str | None, typer.Option("--period", help="Month of the export, YYYY-MM; else as it says")]
FileArgument = Annotated[Path, typer.Argument(help="The export", exists=True, dir_okay=False)]
FEW = 20


@app.command()
def init(
    organisation: Annotated[str, typer.Option(help="Your short name, as agreed with the operator")],
    service: Annotated[str, typer.Option(help="Address of the service, such as https://vroegsein.example")],
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Make your keys. Repeating it changes nothing; keys never leave this machine."""
    public = init_creditor(Home(home), Settings(organisation=organisation, service_url=service.rstrip("/")))
    console.print(
        either(
            lang,
            f"Uw sleutels staan in {home}. Maak er een reservekopie van.\n"
            f"1. Stuur {public} naar de beheerder van de dienst; er staat niets geheims in.\n"
            f"2. Lees de gemeente per telefoon uw vingerafdruk voor:\n   {own_fingerprint(Home(home))}\n"
            "3. Daarna: vroegsein creditor join PILOT",
            f"Your keys are in {home}. Make a backup.\n"
            f"1. Send {public} to the service's operator; nothing in it is secret.\n"
            f"2. Read your fingerprint to the municipality over the telephone:\n   {own_fingerprint(Home(home))}\n"
            "3. Then: vroegsein creditor join PILOT",
        ),
        markup=False,
    )


@app.command("join")
def join_pilot(
    pilot: Annotated[str, typer.Argument(help="The pilot's short name")],
    fingerprint: Annotated[
        str | None, typer.Option(help="The municipality's fingerprint; asked for if left out")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Take part in a pilot: type in the municipality's fingerprint, get its signed document and your pilot key."""
    place = Home(home)
    question = either(lang, "Vingerafdruk van de gemeente (12 groepen van 5 cijfers)", "The municipality's fingerprint")
    typed = fingerprint or Prompt.ask(question, console=errors)
    with service_of(place) as service:
        joined = join(place, service, pilot, typed)
    settings = place.settings  # only a fingerprint that fits is kept
    place.save(settings.model_copy(update={"pilots": {**settings.pilots, pilot: typed}}))
    names = ", ".join(either(lang, *CATEGORY[category]) for category in joined.document.pilot.categories)
    console.print(
        either(
            lang,
            f"U doet mee aan {pilot} ({names}), tot en met {day(joined.document.pilot.ends, lang)}.",
            f"You take part in {pilot} ({names}), until {day(joined.document.pilot.ends, lang)}.",
        ),
        markup=False,
    )


app.command("profile")(propose_profile)


@app.command("check")
def check_file(
    file: FileArgument,
    profile: ProfileOption,
    pilot: PilotOption = None,
    period: PeriodOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
    whole: Annotated[
        bool, typer.Option("--all", help="Show every row that is not sent, not only the first 20")
    ] = False,
    sample: Annotated[
        int, typer.Option(min=0, max=50, help="Show so many rows as they stand and as they are read, names included")
    ] = 0,
) -> None:
    """Show what would be sent of an export and what not, with line and reason. Nothing leaves this machine.

    Exit code: 0 all would be sent, 1 some rows would not (listed), 2 wrong usage.
    """
    terms = _known_terms(Home(home), pilot, lang)
    checked = _checked(file, read_document(profile, Profile), terms, period)
    _show(checked, lang, None if whole else FEW)
    if sample:
        show_sample(checked, sample, lang)
    raise typer.Exit(1 if checked.refused or checked.push_obstacle else 0)


@app.command()
def push(
    file: FileArgument,
    profile: ProfileOption,
    pilot: PilotOption = None,
    period: PeriodOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
    unlike: Annotated[
        bool, typer.Option("--unlike", help="Send it although it looks unlike the month before: it was looked at")
    ] = False,
) -> None:
    """Deliver an export. Repeating it is safe. Earlier receipts are looked up in the log on the way.

    A file that looks unlike the month before (half the rows, other amounts, a column moved) is held with a question.
    Exit code: 0 all sent, 1 some rows refused (listed) or a receipt is not in the log, 2 wrong usage.
    """
    place, mapping = Home(home), read_document(profile, Profile)
    with service_of(place) as service:
        joined = join(place, service, pilot_of(place, pilot))
        lost = creditor_receipts.look_after(place, service, joined.id, lang)
        checked = _checked(file, mapping, sending_terms(joined.document.pilot), period)
        if checked.push_obstacle:
            errors.print(checked.push_obstacle, style="bold red", markup=False)
            raise typer.Exit(1)
        if not unlike:
            _hold_if_unlike(questions(place, joined.id, mapping.profile, checked), lang)
        receipt = push_checked(place, service, joined, checked, lang)
    remember(place, joined.id, mapping.profile, checked)
    _show(checked, lang, FEW)
    _show_receipt(receipt, lang)
    raise typer.Exit(1 if checked.refused or receipt.refused or lost else 0)


@app.command()
def status(pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, lang: LangOption = "nl") -> None:
    """What became of your deliveries, and for which months there is none."""
    place = Home(home)
    with service_of(place) as service:
        found = service.get("/deliveries", pilotId=pilot_of(place, pilot))["deliveries"]
    heads = either(lang, "maand|soort|stand|verwacht|aangenomen|geweigerd", "month|kind|state|expected|taken|refused")
    table = Table(*heads.split("|"), box=None, header_style="bold")
    states = {"open": "open", "completing": either(lang, "wordt verwerkt", "being taken up")}
    for row in found:
        state = states.get(row["state"], either(lang, "klaar", "completed"))
        counts = [str(row[name]) if row[name] is not None else "" for name in ("expectedCount", "accepted", "refused")]
        table.add_row(month(row["period"], lang), either(lang, *CATEGORY[row["category"]]), state, *counts)
    console.print(table if found else either(lang, "Nog geen leveringen.", "No deliveries yet."))
    for period in months_missing(found, datetime.now(AMSTERDAM).date()):
        said = either(lang, "Over {} is niets geleverd, of niet alles.", "Nothing was delivered for {}, or not all.")
        console.print(said.format(month(period, lang)), style="yellow", markup=False)


@app.command()
def objection(pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, lang: LangOption = "nl") -> None:
    """Pass on that a customer objects. The customer or contract number comes on standard input, never as an argument.

    From then on nothing of that customer's that you report is used. Mark it in your own books too.
    """
    place = Home(home)
    contract = sys.stdin.readline().strip()
    if not contract:
        raise typer.BadParameter("on standard input: a customer or contract number is expected")
    with service_of(place) as service:
        done = pass_on_objection(place, service, pilot_of(place, pilot), contract)
    said = either(lang, "Het bezwaar is doorgegeven", "The objection is passed on")
    busy = either(lang, " en geldt zodra de dienst zover is", " and holds as soon as the service gets to it")
    console.print(f"{said}{busy if done['state'] == 'waiting' else ''}.", markup=False)


def push_checked(home: Home, service: Service, joined: JoinedPilot, checked: Checked, lang: Lang) -> Receipt:
    """Deliver with a progress bar; the receipt is checked and kept in the home folder."""
    with progress() as bar:
        task = bar.add_task(either(lang, "Versturen", "Sending"), total=len(checked.to_send))
        return deliver(home, service, joined, checked, lambda rows: bar.advance(task, rows))


def _hold_if_unlike(found: Sequence[tuple[str, str]], lang: Lang) -> None:
    """Ask about a file that looks unlike the month before; without somebody to answer it is not sent."""
    if not found:
        return
    errors.print(either(lang, "Dit bestand lijkt niet op dat van de vorige keer:", "This file is unlike the last one:"))
    for said in found:
        errors.print(f"• {either(lang, *said)}", style="yellow", markup=False)
    question = either(lang, "Toch versturen?", "Send it all the same?")
    if not errors.is_terminal or not Confirm.ask(question, console=errors, default=False):
        errors.print(
            either(
                lang,
                "Niet verstuurd. Klopt het bestand, geef dan --unlike mee.",
                "Not sent. If the file is right, add --unlike.",
            ),
            style="bold red",
        )
        raise typer.Exit(1)


def _checked(file: Path, profile: Profile, terms: SendingTerms | None, period: str | None) -> Checked:
    return check(read_export(file, profile, period=period), profile, terms)


def _known_terms(home: Home, asked: str | None, lang: Lang) -> SendingTerms | None:
    """The pilot's terms, fetched from the service; without them a check still tells about the file itself."""
    why = either(
        lang, "Zonder pilot (vroegsein creditor join PILOT)", "Without a pilot (vroegsein creditor join PILOT)"
    )
    if (home.path / "settings.yaml").exists() and home.settings.pilots:
        try:
            with service_of(home) as service:
                return sending_terms(join(home, service, pilot_of(home, asked)).document.pilot)
        except ServiceUnreachable as error:
            why = either(lang, f"Zonder dienst ({error})", f"Without the service ({error})")
    not_looked_at = either(
        lang, "postcodes en drempels zijn niet bekeken", "postcodes and thresholds were not looked at"
    )
    errors.print(f"{why}: {not_looked_at}.", style="yellow", markup=False)
    return None


def _show(checked: Checked, lang: Lang, most: int | None) -> None:
    sent = len(checked.to_send)
    console.print(
        either(
            lang,
            f"{checked.source}: {month(checked.period, lang)}, peildatum {day(checked.reported_on, lang)}\n"
            f"{checked.rows_read} regels gelezen, {sent} te versturen, {len(checked.refused)} niet.",
            f"{checked.source}: {month(checked.period, lang)}, reference date {day(checked.reported_on, lang)}\n"
            f"{checked.rows_read} rows read, {sent} to send, {len(checked.refused)} not.",
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
        for refusal in checked.refused[:most]:
            details.add_row(str(refusal.line), refusal.reference, either(lang, refusal.nl, refusal.en))
        console.print(details)
        if most is not None and len(checked.refused) > most:
            more = len(checked.refused) - most
            console.print(either(lang, f"… en nog {more} (--all toont alles)", f"… and {more} more (--all shows all)"))
    for note in checked.notes:
        console.print(f"• {either(lang, note.nl, note.en)}", style="yellow", markup=False)
    if checked.push_obstacle:
        console.print(checked.push_obstacle, style="bold red", markup=False)


def _show_receipt(receipt: Receipt, lang: Lang) -> None:
    again = either(lang, " (was al geleverd)", " (was delivered before)") if receipt.was_there else ""
    console.print(
        either(
            lang,
            f"✓ Ontvangstbewijs: levering {receipt.delivery}, {receipt.accepted} aangenomen{again}.",
            f"✓ Receipt: delivery {receipt.delivery}, {receipt.accepted} taken{again}.",
        ),
        style="bold green",
        markup=False,
    )
    for line, code in receipt.refused:
        console.print(refused_line(line, code, lang), markup=False)


def refused_line(line: int, code: str, lang: Lang) -> str:
    """A line that the service refused: why, by which rule, and where that stands."""
    rule = LINE_RULES.get(code)  # an older program may meet a rule that it doesn't know
    words, source = (either(lang, rule.nl, rule.en), f"; {rule.source}") if rule else (code, "")
    return either(lang, f"  regel {line} geweigerd: {words}", f"  line {line} refused: {words}") + f" ({code}{source})"
