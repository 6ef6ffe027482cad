"""`vroegsein desk …`: what a municipality's debt-help worker and privacy officer do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.prompt import Confirm
from rich.table import Table

from cli import (
    desk_alerts,
    desk_break_glass,
    desk_ddas,
    desk_deliveries,
    desk_erasure,
    desk_evaluation,
    desk_hand_over,
    desk_keys,
    desk_log,
    desk_monitor,
    desk_register,
    desk_serve,
)
from cli.desk_basis import consent_app, objection_app
from cli.desk_cases import cases_app
from cli.desk_known_clients import known_clients_app
from cli.desk_links import links_app
from cli.desk_options import (
    DEFAULT_HOME,
    STOPPED_SHORT,
    HomeOption,
    PilotOption,
    UserOption,
    contact_lines,
    pilot_of,
    user_of,
)
from cli.desk_plans_shown import next_short, plan_lines, week_lines
from cli.desk_resident import resident_app
from cli.words import LangOption, console, errors, progress
from client import desk_work, link_reasons
from client.case_words import STAGE
from client.desk_pilot import own_document, parties, sign_pilot
from client.desk_work import desk_service
from client.home import Home, Settings, init_desk, own_fingerprint
from client.opening import OpenedReport
from client.words import CATEGORY, TRAY, Lang, day, either, euros, in_words, moment, month
from privacy.identity import Contact
from signals.cases import Stage
from signals.days import AMSTERDAM
from signals.explaining import explain, reason_line
from signals.explanation import Explanation
from signals.pilot import Keying, Role

app = typer.Typer(help="Work with signals at a municipality.", no_args_is_help=True)
app.add_typer(consent_app, name="consent")
app.add_typer(objection_app, name="objection")
app.add_typer(known_clients_app, name="known-clients")
app.add_typer(cases_app, name="cases")
app.add_typer(links_app, name="links")
app.command("basis-register")(desk_register.register)
app.add_typer(resident_app, name="resident")
app.command()(desk_deliveries.deliveries)
app.command()(desk_log.audit)
app.command()(desk_log.verify)
app.command()(desk_break_glass.break_glass)
app.command()(desk_alerts.alerts)
app.command("erase-event")(desk_erasure.erase_event)
app.command()(desk_monitor.monitor)
app.command("ddas")(desk_ddas.deliver_ddas)
app.command()(desk_evaluation.evaluate)
app.command()(desk_keys.rotate_recipient)
app.command()(desk_keys.recover)
app.command()(desk_keys.expel)
app.command()(desk_keys.new_epoch)
app.command()(desk_keys.rekey)
app.command()(desk_keys.key)
app.command()(desk_hand_over.hand_over)
app.command()(desk_serve.serve)


@app.command()
def init(
    organisation: Annotated[str, typer.Option(help="Your short name, as agreed with the operator")],
    service: Annotated[str, typer.Option(help="Address of the service")],
    recovery: Annotated[
        Path,
        typer.Option(prompt="File for the recovery key, such as one on a stick", help="Where the recovery key goes"),
    ],
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """Make the desk's keys: for opening, signing and logging in. Repeating it changes nothing.

    The recovery key opens all that is sealed to the municipality when the desk's own key is lost. It is made once, in a
    file of its own, to be kept offline.
    """
    public = init_desk(Home(home), Settings(organisation=organisation, service_url=service.rstrip("/")), recovery)
    console.print(
        either(
            lang,
            f"De sleutels staan in {home}. Maak er een reservekopie van.\n"
            f"0. De herstelsleutel staat in {recovery}. Zet hem op een stick, leg die in een kluis en wis hem hier:\n"
            "   hij opent alles als de eigen sleutel kwijt is (vroegsein desk recover).\n"
            f"1. Stuur {public} naar de beheerder van de dienst; er staat niets geheims in.\n"
            f"2. Lees elke schuldeiser per telefoon uw vingerafdruk voor:\n   {own_fingerprint(Home(home))}\n"
            "3. Daarna: vroegsein desk sign PILOT",
            f"The keys are in {home}. Make a backup.\n"
            f"0. The recovery key is in {recovery}. Put it on a stick, the stick in a safe, and remove it here:\n"
            "   it opens everything when the desk's own key is lost (vroegsein desk recover).\n"
            f"1. Send {public} to the service's operator; nothing in it is secret.\n"
            f"2. Read your fingerprint to each creditor over the telephone:\n   {own_fingerprint(Home(home))}\n"
            "3. Then: vroegsein desk sign PILOT",
        ),
        markup=False,
    )


@app.command()
def sign(
    pilot: Annotated[str, typer.Argument(help="The pilot's short name")],
    yes: Annotated[bool, typer.Option("--yes", help="The fingerprints were compared already")] = False,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Sign the pilot document after comparing each creditor's fingerprint, and put the pilot key ready for them."""
    place = Home(home)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "worklist") as service:
        found = parties(service, pilot)
        console.print(
            either(
                lang, "Vergelijk met wat elke schuldeiser u voorleest:", "Compare with what each creditor reads out:"
            )
        )
        no_key = either(lang, " (krijgt geen pilotsleutel: vroegsein desk key)", " (gets no pilot key: desk key)")
        for name, fingerprint in found.fingerprints().items():
            by_desk = found.creditors[name].keying is Keying.DESK
            console.print(f"  {name}{no_key if by_desk else ''}\n    {fingerprint}", markup=False)
        question = either(lang, "Kloppen ze allemaal?", "Do they all agree?")
        if not yes and not Confirm.ask(question, console=errors):
            raise typer.Exit(1)
        document = sign_pilot(place, service, found)
    settings = place.settings
    place.save(settings.model_copy(update={"pilots": {**settings.pilots, pilot: own_fingerprint(place)}}))
    count = sum(keys.keying is Keying.CREDITOR for keys in document.creditors.values())
    console.print(
        either(
            lang,
            f"Versie {document.version} is getekend; de sleutel ligt klaar voor {count} schuldeisers.",
            f"Version {document.version} is signed; the key is ready for {count} creditors.",
        ),
        markup=False,
    )


@app.command()
def pull(
    pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, user: UserOption = None, lang: LangOption = "nl"
) -> None:
    """Fetch the worklist, without contact details."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "worklist") as service, progress() as bar:
        task = bar.add_task(either(lang, "Ophalen", "Fetching"), total=None)
        count, unkeyed = desk_work.pull(place, service, pilot, lambda new: bar.advance(task, new))
        silent = desk_deliveries.silent_lines(desk_deliveries.fetched(place, service, pilot), lang)
    console.print(
        either(
            lang,
            f"{count} signalen opgehaald. Verder: vroegsein desk list",
            f"{count} signals. Next: vroegsein desk list",
        ),
        markup=False,
    )
    for line in silent:
        console.print(line, style="red", markup=False)
    if unkeyed:
        said = (
            f"{unkeyed} meldingen van kleine schuldeisers zitten er nog niet in: vroegsein desk key",
            f"{unkeyed} reports of small creditors are not among them yet: vroegsein desk key",
        )
        console.print(either(lang, *said), style="yellow", markup=False)


@app.command("list")
def list_signals(  # each is an option of the command
    pilot: PilotOption = None,
    tray: Annotated[str | None, typer.Option(help="Only this tray")] = None,
    period: Annotated[str | None, typer.Option(help="Only this month, YYYY-MM; else the newest")] = None,
    most: Annotated[int, typer.Option(help="How many to show")] = 25,
    home: HomeOption = DEFAULT_HOME,
    lang: LangOption = "nl",
) -> None:
    """The worklist as it was pulled: which signal, what, why, by when. No names: those come with `show`.

    Where the rule set has frames: what comes next, and what is left over of what can be done this week.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    at, signals = desk_work.pulled(place, pilot)
    newest = period or max((signal["period"] for signal in signals), default="")
    chosen = [s for s in signals if s["period"] == newest and tray in (None, s["tray"])]
    planner = desk_work.planner_pulled(place, pilot)
    weeks = [w for w in planner.weeks(signals, newest, datetime.now(AMSTERDAM).date()) if tray in (None, w.tray)]
    left = {signal for week in weeks for signal in week.left}
    heads = either(lang, "signaal|werkbakje|uiterlijk|zaak|waarom", "signal|tray|by|case|why").split("|")
    heads += [either(lang, "hierna", "next")] if planner.has_plans else []
    table = Table(*heads, box=None, header_style="bold")
    for signal in chosen[:most]:
        style = "bold red" if signal["urgent"] else ""
        tray_words = in_words(TRAY, signal["tray"], lang)
        mark = f"▲ {tray_words}" if signal["urgent"] else tray_words
        why = reason_line(Explanation.model_validate(signal["explanation"]), lang) if signal["explanation"] else ""
        by = day(date.fromisoformat(signal["deadline"]), lang)
        case = either(lang, *STAGE[Stage(signal["caseStage"])]) if signal.get("caseStage") else ""
        cells = [signal["signalId"][:STOPPED_SHORT], mark, by, case, why]
        if signal["signalId"] in left:
            cells.append(either(lang, "over: deze week vol", "left over: week is full"))
        elif planner.has_plans:
            cells.append(next_short(planner.of_signal(signal), lang))
        table.add_row(*cells, style=style)
    console.print(table)
    for line, style in week_lines(weeks, lang):
        console.print(line, style=style, markup=False)
    trays = tray_counts(chosen, lang)
    of = month(newest, lang) if newest else ""
    console.print(
        either(
            lang,
            f"{of}: {len(chosen)} signalen ({trays}), opgehaald {moment(at, lang)}.\n"
            "Eén openen: vroegsein desk show SIGNAAL",
            f"{of}: {len(chosen)} signals ({trays}), fetched {moment(at, lang)}.\nOpen one: vroegsein desk show SIGNAL",
        ),
        markup=False,
    )


@app.command()
def show(
    signal: Annotated[str, typer.Argument(help="The signal's id, or its first characters, as `list` shows it")],
    purpose: Annotated[str, typer.Option(help="What for, by its name in the pilot document")] = "offer-help",
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Open one signal: who, what, why, by when. It goes into the log; nothing of it is stored here."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), purpose) as service:
        document = own_document(place, service, pilot)
        opened = desk_work.show(place, service, document, desk_work.whole_signal_id(place, pilot, signal))
        plan = desk_work.plan(service, document, opened.signal)
    for line in [*opened_lines(opened, lang), *plan_lines(plan, lang)]:
        console.print(line, markup=False, style="bold red" if line.lstrip().startswith("✗") else "")


def opened_lines(opened: desk_work.Opened, lang: Lang) -> list[str]:
    """One opened signal as lines: why it is there, then each report with amount and contact details, once each."""
    lines: list[str] = []
    if opened.doubtful:
        lines.append(
            either(
                lang,
                "Let op: een koppeling hierachter is twijfelachtig. Zie: vroegsein desk links list",
                "Careful: a link behind this is doubtful. See: vroegsein desk links list",
            )
        )
    if opened.signal["explanation"]:
        lines += [*explain(Explanation.model_validate(opened.signal["explanation"]), lang), ""]
    shown: set[tuple[str, ...]] = set()
    for row, report in opened.reports:
        head = f"{either(lang, *CATEGORY[row['category']])}, {month(row['period'], lang)} ({row['creditorId']})"
        if not isinstance(report, OpenedReport):
            lines.append(f"✗ {head}: {report}")
            continue
        if first := report.details.get("reported_by"):
            said = f"{first}, overgedragen door {row['creditorId']}", f"{first}, handed over by {row['creditorId']}"
            head = head.replace(f"({row['creditorId']})", f"({either(lang, *said)})")
        amount = euros(int(report.details["amount_cents"]), lang)
        since = day(report.report.arrears_since, lang)
        lines.append(
            either(
                lang,
                f"{head}: {amount}, {row['months']} maand(en), sinds {since}; kenmerk {report.details['contract']}",
                f"{head}: {amount}, {row['months']} month(s), since {since}; reference {report.details['contract']}",
            )
        )
        if report.compromised:
            lines.append(
                either(
                    lang,
                    "  ✗ Let op: de sleutel van deze schuldeiser kan bij een ander zijn geweest. Vraag het na.",
                    "  ✗ Careful: somebody else may have had this creditor's key. Ask the creditor.",
                )
            )
        contact = contact_lines(report.details)
        if contact not in shown:
            lines += contact
        shown.add(contact)
    return lines + _link_lines([found for _, found in opened.reports if isinstance(found, OpenedReport)], lang)


def _link_lines(reports: Sequence[OpenedReport], lang: Lang) -> list[str]:
    """For each contract's spelling of a resident after the first: which earlier one it fits best and why."""
    lines: list[str] = []
    earlier: dict[Contact, str] = {}
    contracts: set[tuple[str, str]] = set()
    for report in reports:
        try:
            contact = report.contact
        except ValueError:  # details of another form, a creditor's own doing: shown as they are, and not compared
            continue
        contract = (report.creditor, str(report.details["contract"]))
        if earlier and contact not in earlier and contract not in contracts:
            told = [(link_reasons.explain(one, contact, lang), creditor) for one, creditor in earlier.items()]
            why, creditor = max(told, key=lambda found: found[0].fit)
            if why.joined:
                head = either(lang, f"dezelfde persoon als bij {creditor}", f"the same person as at {creditor}")
            else:
                head = either(lang, "met geen van deze alleen te koppelen", "linked to none of these alone")
            lines.append(f"  {report.creditor}: {head}: {why.told}")
        earlier.setdefault(contact, report.creditor)
        contracts.add(contract)
    return ["", either(lang, "Waarom dit bij elkaar staat:", "Why these stand together:"), *lines] if lines else []


def tray_counts(signals: Sequence[Mapping[str, Any]], lang: Lang) -> str:
    """How many signals lie in each tray, the fullest first."""
    counted = Counter(signal["tray"] for signal in signals).most_common()
    return ", ".join(f"{in_words(TRAY, tray, lang)} {count}" for tray, count in counted)
