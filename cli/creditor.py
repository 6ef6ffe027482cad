"""`vroegsein creditor …`: what a creditor's administrator does with a monthly export."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Confirm, Prompt

from cli import creditor_endings, creditor_receipts
from cli.creditor_feedback import feedback
from cli.creditor_form import form
from cli.creditor_options import DEFAULT_HOME, HomeOption, PilotOption, PilotsOption, pilot_of, pilots_of
from cli.creditor_profile import profile as propose_profile
from cli.creditor_sample import show_sample
from cli.creditor_shown import shares, show_check, show_deliveries, show_outcomes
from cli.words import LangOption, console, errors, progress
from client.checking import Pilots, check
from client.delivering import pass_on_objection
from client.export import Export, read_export
from client.home import Home, Settings, init_creditor, own_fingerprint
from client.ledger import LedgerRow, read_ledger
from client.profiles import Profile
from client.pushing import Outcome, Planned, creditor_service, join_all, plan
from client.pushing import push as push_all
from client.service import Service, ServiceUnreachable
from client.trust import JoinedPilot, join
from client.words import CATEGORY, Lang, day, either
from signals.documents import read_document

app = typer.Typer(help="Deliver arrears reports: set up, check, push, settle, status, proof.", no_args_is_help=True)
app.command()(creditor_receipts.receipts)
app.command()(creditor_receipts.proof)
app.command()(creditor_endings.settle)
app.command()(creditor_endings.withdraw)
app.command()(feedback)
app.command()(form)

ProfileOption = Annotated[
    Path | None,
    typer.Option("--profile", help="Mapping profile (YAML) of this export; a ledger's JSON needs none", exists=True),
]
PeriodOption = Annotated[str | None, typer.Option("--period", help="Month of the export, YYYY-MM; else as it says")]
FileArgument = Annotated[Path, typer.Argument(help="The export", exists=True, dir_okay=False)]


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
    with creditor_service(place) as service:
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


@app.command()
def leave(
    pilot: Annotated[str, typer.Argument(help="The pilot's short name")],
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Take part in a pilot no longer: `push` passes it by from now on. Receipts and keys stay where they are."""
    place = Home(home)
    settings = place.settings
    if pilot not in settings.pilots:
        raise typer.BadParameter(f"not joined ({', '.join(settings.pilots) or 'none'})", param_hint="PILOT")
    kept = {name: typed for name, typed in settings.pilots.items() if name != pilot}
    place.save(settings.model_copy(update={"pilots": kept}))
    console.print(
        either(lang, f"U doet niet meer mee aan {pilot}.", f"You take part in {pilot} no longer."), markup=False
    )


app.command("profile")(propose_profile)


@app.command("check")
def check_file(
    file: FileArgument,
    profile: ProfileOption = None,
    pilot: PilotsOption = None,
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
    """Show what would be sent of an export, to which pilot, and what not, with line and reason. Nothing leaves here.

    Exit code: 0 all would be sent, 1 some rows would not (listed), 2 wrong usage.
    """
    export, mapping = _read(file, profile, period)
    pilots = _known_terms(Home(home), pilot, lang)
    checked = check(export, mapping, pilots)
    show_check(checked, lang, whole=whole)
    if pilots is not None:
        console.print(shares(checked, pilots, lang))
    if sample:
        show_sample(checked, sample, lang)
    raise typer.Exit(1 if checked.refused or checked.push_obstacle else 0)


@app.command()
def push(
    file: FileArgument,
    profile: ProfileOption = None,
    pilot: PilotsOption = None,
    period: PeriodOption = None,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
    unlike: Annotated[
        bool, typer.Option("--unlike", help="Send it although it looks unlike the month before: it was looked at")
    ] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Deliver it once more, if another list of its month came after it")
    ] = False,
) -> None:
    """Deliver an export, each row to the pilot that its postcode lies in. Repeating it is safe, and sends the rest.

    A file that looks unlike the month before (half the rows, other amounts, a column moved) is held with a question,
    and so is the part of one pilot. Earlier receipts are looked up in the log on the way.

    Exit code: 0 all sent, 1 some rows stay home or were refused (listed) or a receipt is not in the log, 2 wrong
    usage, 3 a pilot did not get its delivery: answer what was asked, then run the same command again.
    """
    place, lost = Home(home), list[bool]()
    export, mapping = _read(file, profile, period)
    with creditor_service(place) as service:

        def look_after(joined: JoinedPilot) -> None:
            lost.append(creditor_receipts.look_after(place, service, joined.id, lang))

        try:
            joined = join_all(place, service, pilot, look_after)
        except ServiceUnreachable as error:
            errors.print(f"✗ {error}", style="bold red", markup=False, soft_wrap=True)
            raise typer.Exit(3) from None
        checked = check(export, mapping, joined.terms())
        if checked.push_obstacle:
            errors.print(checked.push_obstacle, style="bold red", markup=False)
            raise typer.Exit(1)
        planned = plan(place, mapping.profile, checked, joined)
        held = frozenset[str]() if unlike else _held(planned, lang)
        outcomes = _pushed(place, service, mapping.profile, planned, held, restore=restore, lang=lang)
    show_check(checked, lang)
    show_outcomes(checked, outcomes, lang)
    if any(outcome.again for outcome in outcomes):
        raise typer.Exit(3)
    complete = not checked.refused and not any(outcome.refused or outcome.not_sent for outcome in outcomes)
    raise typer.Exit(0 if complete and not any(lost) else 1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of one row, for a ledger that delivers by itself (docs/ledger.md)."""
    print(json.dumps(LedgerRow.model_json_schema(), indent=2))


@app.command()
def status(pilot: PilotsOption = None, home: HomeOption = DEFAULT_HOME, lang: LangOption = "nl") -> None:
    """What became of your deliveries, for which months there is none, and what ended."""
    place = Home(home)
    with creditor_service(place) as service:
        deliveries = {name: service.get("/deliveries", pilotId=name)["deliveries"] for name in pilots_of(place, pilot)}
        show_deliveries(deliveries, lang)
        for name, found in deliveries.items():
            creditor_endings.show_ended(place, service, name, found, lang)


@app.command()
def objection(pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, lang: LangOption = "nl") -> None:
    """Pass on that a customer objects. The customer or contract number comes on standard input, never as an argument.

    From then on nothing of that customer's that you report is used. Mark it in your own books too.
    """
    place = Home(home)
    contract = sys.stdin.readline().strip()
    if not contract:
        raise typer.BadParameter("on standard input: a customer or contract number is expected")
    with creditor_service(place) as service:
        done = pass_on_objection(place, service, pilot_of(place, pilot), contract)
    said = either(lang, "Het bezwaar is doorgegeven", "The objection is passed on")
    busy = either(lang, " en geldt zodra de dienst zover is", " and holds as soon as the service gets to it")
    console.print(f"{said}{busy if done['state'] == 'waiting' else ''}.", markup=False)


def _pushed(
    home: Home, service: Service, profile: str, planned: Planned, held: frozenset[str], *, restore: bool, lang: Lang
) -> list[Outcome]:
    """Deliver with a progress bar; receipts are checked and kept in the home folder."""
    with progress() as bar:
        task = bar.add_task(either(lang, "Versturen", "Sending"), total=len(planned.whole.to_send))
        advance = partial(bar.advance, task)
        return list(push_all(home, service, profile, planned, held, advance, restore=restore))


def _held(planned: Planned, lang: Lang) -> frozenset[str]:
    """Ask about what looks unlike the month before; gives the pilots whose part is not sent.

    All of them where the question is about the file. Without somebody to answer, nothing that was asked about is sent.
    """
    asked = {part.joined.id: part.questions for part in planned.parts if part.questions}
    if not planned.questions and not asked:
        return frozenset()
    errors.print(either(lang, "Dit bestand lijkt niet op dat van de vorige keer:", "This file is unlike the last one:"))
    for said in planned.questions:
        errors.print(f"• {either(lang, *said)}", style="yellow", markup=False)
    for pilot, found in ({} if planned.questions else asked).items():
        for said in found:
            errors.print(f"• {pilot}: {either(lang, *said)}", style="yellow", markup=False)
    question = either(lang, "Toch versturen?", "Send it all the same?")
    if errors.is_terminal and Confirm.ask(question, console=errors, default=False):
        return frozenset()
    errors.print(
        either(
            lang,
            "Niet verstuurd. Klopt het bestand, geef dan --unlike mee.",
            "Not sent. If the file is right, add --unlike.",
        ),
        style="bold red",
    )
    return frozenset(part.joined.id for part in planned.parts) if planned.questions else frozenset(asked)


def _read(file: Path, profile: Path | None, period: str | None) -> tuple[Export, Profile]:
    """An export by its profile, or a ledger's own file, which says itself of which date it is."""
    if profile is not None:
        mapping = read_document(profile, Profile)
        return read_export(file, mapping, period=period), mapping
    if period is not None:
        raise typer.BadParameter("a ledger's file says its own reference date", param_hint="--period")
    return read_ledger(file)


def _known_terms(home: Home, asked: str | None, lang: Lang) -> Pilots | None:
    """The pilots' terms, fetched from the service; without them a check still tells about the file itself."""
    why = either(
        lang, "Zonder pilot (vroegsein creditor join PILOT)", "Without a pilot (vroegsein creditor join PILOT)"
    )
    if (home.path / "settings.yaml").exists() and home.settings.pilots:
        try:
            with creditor_service(home) as service:
                joined = join_all(home, service, asked)
            for pilot, error in joined.lost.items():
                errors.print(f"✗ {pilot}: {error}", style="bold red", markup=False)
            return joined.terms()
        except ServiceUnreachable as error:
            why = either(lang, f"Zonder dienst ({error})", f"Without the service ({error})")
    not_looked_at = either(
        lang, "postcodes en drempels zijn niet bekeken", "postcodes and thresholds were not looked at"
    )
    errors.print(f"{why}: {not_looked_at}.", style="yellow", markup=False)
    return None
