"""`vroegsein desk cases …`: what is due, what was done, and the next thing that somebody did."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from cli.desk_cases_shown import (
    case_lines,
    counted_line,
    entry_lines,
    next_lines,
    state_lines,
    table_of,
)
from cli.desk_options import DEFAULT_HOME, STOPPED_SHORT, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors
from client import desk_cases, desk_work
from client.case_words import CONTACT, DAY_PART, RESULT, STAGE
from client.desk_cases import PURPOSE, CannotFollow, SomebodyWrote, Wanted
from client.desk_pilot import own_document
from client.desk_plans import Planner, running_rule_set
from client.desk_work import desk_service, pseudonym, whole_signal_id
from client.home import Home
from client.words import Lang, either
from signals.cases import (
    Accepted,
    Assigned,
    Attempt,
    Closed,
    Entry,
    Reopened,
    Spoken,
    Struck,
    TakenUp,
)
from signals.days import AMSTERDAM
from signals.pilot import Role

cases_app = typer.Typer(help="Cases: open one for a signal, see what is due, write down what was done.")
add_app = typer.Typer(help="Write down in a case what was done. Look at it first: what others wrote is not lost.")
cases_app.add_typer(add_app, name="add")

Code = TypeVar("Code", bound=StrEnum)
CaseArgument = Annotated[str, typer.Argument(help="The case's id, or its first characters, as `list` shows it")]
OnOption = Annotated[str, typer.Option("--on", "--op", help="The day: 2026-11-24, 24-11-2026, today or yesterday")]
TODAY = "today"


@cases_app.command("list")
def list_cases(  # each is an option of the command
    late: Annotated[bool, typer.Option("--late", "--te-laat", help="Only what is overdue")] = False,
    within: Annotated[
        int | None, typer.Option("--within", "--binnen", min=0, help="Only what is due within so many days, or overdue")
    ] = None,
    worker: Annotated[str | None, typer.Option("--worker", "--wie", help="Only this worker's or team's")] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", "--fase", help="nieuw, opgepakt, …: only these; else all but gesloten")
    ] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """The cases, what is due first: offers until contact was sought, conversations since the offer was accepted."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    today = _today()
    wanted = _code(STAGE, stage, "--stage") if stage else None
    due_by = today - timedelta(days=1) if late else None if within is None else today + timedelta(days=within)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        found = desk_cases.listed(place, service, pilot, Wanted(wanted, worker, due_by))
        planner = Planner(running_rule_set(service, own_document(place, service, pilot)))
    signals = desk_work.signals_of_cases(place, pilot) if planner.has_plans else {}
    console.print(table_of(found, today, lang, planner, signals))
    console.print(counted_line(found, today, lang), markup=False)


@cases_app.command("show")
def show_case(
    case: CaseArgument,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """One case: what was done, entry by entry, what is due and what may come next. It goes into the log."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        found = desk_cases.show(place, service, pilot, desk_cases.whole_case_id(place, pilot, case))
        planner = Planner(running_rule_set(service, own_document(place, service, pilot)))
    _print(case_lines(found, planner, pseudonym(place, user_of(user)), _today(), lang))


@cases_app.command("open")
def open_case(
    signal: Annotated[str, typer.Argument(help="The signal's id, or its first characters, as `desk list` shows it")],
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Open a case for a signal; where one is open for this household already, that one goes on."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        case, opened = desk_cases.open_case(place, service, pilot, whole_signal_id(place, pilot, signal))
    short = case[:STOPPED_SHORT]
    if opened:
        said = (
            f"Zaak {short} is geopend. Verder: vroegsein desk cases add take-up {short}",
            f"Case {short} is open. Next: vroegsein desk cases add take-up {short}",
        )
    else:
        said = (
            f"Er is al een zaak: {short}. Bekijk hem: vroegsein desk cases show {short}",
            f"There is a case already: {short}. Look at it: vroegsein desk cases show {short}",
        )
    console.print(either(lang, *said), markup=False)


@add_app.command("pak-op", hidden=True)
@add_app.command("take-up")
def add_taken_up(
    case: CaseArgument,
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Somebody begins to work on it."""
    _add(case, TakenUp(on=_day(on)), pilot, home, user, lang)


@add_app.command("poging", hidden=True)
@add_app.command("attempt")
def add_attempt(  # noqa: PLR0913, PLR0917 - each is an option of the command
    case: CaseArgument,
    how: Annotated[str, typer.Option("--how", "--hoe", help="telefoon, huisbezoek, brief, kaart, e-mail, bericht, …")],
    reached: Annotated[
        bool, typer.Option("--reached/--missed", "--bereikt/--niet-bereikt", help="Whether somebody was reached")
    ],
    day_part: Annotated[
        str | None, typer.Option("--day-part", "--dagdeel", help="ochtend, middag (from noon) or avond (from six)")
    ] = None,
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Contact was sought."""
    part = _code(DAY_PART, day_part, "--day-part") if day_part else None
    entry = Attempt(on=_day(on), contact=_code(CONTACT, how, "--how"), reached=reached, day_part=part)
    _add(case, entry, pilot, home, user, lang)


@add_app.command("aanvaard", hidden=True)
@add_app.command("accepted")
def add_accepted(
    case: CaseArgument,
    threatened: Annotated[
        bool,
        typer.Option("--threatened/--not-threatened", "--bedreigend/--niet-bedreigend", help="Wgs art. 4, lid 2"),
    ],
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """The resident accepts the offer: a conversation is due in four weeks, or three working days when threatened."""
    _add(case, Accepted(on=_day(on), threatened=threatened), pilot, home, user, lang)


@add_app.command("gesproken", hidden=True)
@add_app.command("spoken")
def add_spoken(
    case: CaseArgument,
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """The first conversation was held."""
    _add(case, Spoken(on=_day(on)), pilot, home, user, lang)


@add_app.command("sluit", hidden=True)
@add_app.command("close")
def add_closed(
    case: CaseArgument,
    result: Annotated[str, typer.Argument(help="advies, geen-contact, al-betaald, vervolg, …: `show` names them")],
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """The work has ended, with a result."""
    _add(case, Closed(on=_day(on), result=_code(RESULT, result, "RESULT")), pilot, home, user, lang)


@add_app.command("heropen", hidden=True)
@add_app.command("reopen")
def add_reopened(
    case: CaseArgument,
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """The work goes on; reports that came meanwhile join it."""
    _add(case, Reopened(on=_day(on)), pilot, home, user, lang)


@add_app.command("wijs-toe", hidden=True)
@add_app.command("assign")
def add_assigned(
    case: CaseArgument,
    worker: Annotated[str, typer.Argument(help="A worker's or a team's short name, such as team-noord")],
    partner: Annotated[str | None, typer.Option(help="The partner organisation, where it is one's")] = None,
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Who works on it."""
    try:
        entry = Assigned(on=_day(on), worker=worker, partner=partner)
    except ValueError:
        raise typer.BadParameter("short names are lower-case letters, digits and hyphens: team-noord") from None
    _add(case, entry, pilot, home, user, lang)


@add_app.command("haal-door", hidden=True)
@add_app.command("strike")
def add_struck(
    case: CaseArgument,
    number: Annotated[int, typer.Argument(min=1, help="The entry's number, as `show` gives it")],
    on: OnOption = TODAY,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """An entry was a mistake: it counts no more, and stays to be read."""
    _add(case, Struck(on=_day(on), number=number), pilot, home, user, lang)


def _add(case: str, entry: Entry, pilot: str | None, home: Path, user: str | None, lang: Lang) -> None:
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    me = pseudonym(place, user_of(user))
    whole = desk_cases.whole_case_id(place, pilot, case)
    short = whole[:STOPPED_SHORT]
    try:
        with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
            written = desk_cases.add(place, service, pilot, whole, entry)
    except SomebodyWrote as others:
        said = (
            "Er is niets opgeschreven. Intussen schreef iemand anders in deze zaak:",
            "Nothing was written. Meanwhile somebody else wrote in this case:",
        )
        again = (
            f"Kijk eerst opnieuw: vroegsein desk cases show {short}",
            f"Look again first: vroegsein desk cases show {short}",
        )
        errors.print(either(lang, *said), style="red", markup=False)
        for text, style in entry_lines(others.entries, me, lang):
            errors.print(Text(text, style=style))
        errors.print(either(lang, *again), markup=False)
        raise typer.Exit(1) from None
    except CannotFollow as refused:
        said = (
            f"Er is niets opgeschreven: dat kan nu niet ({refused}).",
            f"Nothing was written: that can't come now ({refused}).",
        )
        errors.print(either(lang, *said), style="red", markup=False)
        for text, style in next_lines(refused.case, lang):
            errors.print(Text(text, style=style))
        raise typer.Exit(1) from None
    _print([*entry_lines(written["entries"][-1:], me, lang), *state_lines(written["case"], _today(), lang)])


def _print(lines: Sequence[tuple[str, str]]) -> None:
    for text, style in lines:
        console.print(Text(text, style=style))


def _code(words: Mapping[Code, tuple[str, str]], said: str, parameter: str) -> Code:
    """The code that somebody meant: by itself, or by its Dutch or English word. Raises BadParameter."""
    wanted = said.strip().lower().replace(" ", "-").replace("_", "-")
    for code, names in words.items():
        if wanted in {name.replace(" ", "-") for name in (*names, code.value.replace("_", "-"))}:
            return code
    known = ", ".join(dutch.replace(" ", "-") for dutch, _english in words.values())
    raise typer.BadParameter(f"one of: {known}", param_hint=parameter)


def _day(said: str) -> date:
    """A day as people write it. Raises BadParameter."""
    today = _today()
    if said in {TODAY, "vandaag"}:
        return today
    if said in {"yesterday", "gisteren"}:
        return today - timedelta(days=1)
    for form in ("%Y-%m-%d", "%d-%m-%Y"):
        try:
            return datetime.strptime(said, form).replace(tzinfo=AMSTERDAM).date()
        except ValueError:
            continue
    raise typer.BadParameter("a day is written 2026-11-24, 24-11-2026, today or yesterday", param_hint="--on")


def _today() -> date:
    return datetime.now(AMSTERDAM).date()
