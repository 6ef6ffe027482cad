"""`vroegsein desk links …`: doubtful links, both sides opened side by side, and what somebody decides about them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.prompt import Confirm
from rich.table import Table

from cli.desk_basis import say_changed
from cli.desk_options import DEFAULT_HOME, STOPPED_SHORT, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors
from client import desk_links
from client.desk_links import PURPOSE, OpenedDoubt, Side
from client.desk_pilot import own_document
from client.desk_work import desk_service, whole_signal_id
from client.home import Home, HomeUnusable
from client.link_reasons import Reasons, explain
from client.opening import OpenedReport
from client.service import Service
from client.words import CATEGORY, TRAY, Lang, day, either, in_words, month
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from signals.consents import LinkReason
from signals.pilot import Role

links_app = typer.Typer(
    help="Doubtful links: is it one person, or are they two? Only what would change a signal is asked."
)

DoubtArgument = Annotated[str, typer.Argument(help="The doubt's id, or its first characters, as `links list` shows it")]
WhyOption = Annotated[LinkReason, typer.Option("--why", help="Why, by its code")]
YesOption = Annotated[bool, typer.Option("--yes", help="Both sides were looked at already")]

KIND = {
    "birth-dates-differ": ("geboortedatums verschillen", "birth dates differ"),
    "fits-several": ("past bij meer dan één persoon", "fits more than one person"),
    "no-birth-date": ("gekoppeld zonder geboortedatum", "linked without a birth date"),
}
NOW = {True: ("één persoon", "one person"), False: ("twee personen", "two persons")}
DETAIL = {
    "name": ("naam", "name"),
    "birth_date": ("geboortedatum", "birth date"),
    "address": ("adres", "address"),
    "place": ("postcode en plaats", "postcode and town"),
    "phone": ("telefoon", "telephone"),
    "email": ("e-mail", "e-mail"),
}


@links_app.command("list")
def list_doubts(
    pilot: PilotOption = None, home: HomeOption = DEFAULT_HOME, user: UserOption = None, lang: LangOption = "nl"
) -> None:
    """The doubtful links whose answer would change a signal of the newest two months. No names: those come with one."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        found = desk_links.doubts(service, own_document(place, service, pilot))
    heads = either(lang, "twijfelgeval|maand|twijfel|telt nu als|wordt anders", "doubt|month|doubt|now|would become")
    table = Table(*heads.split("|"), box=None, header_style="bold")
    for doubt in found["doubts"]:
        table.add_row(
            doubt["doubtId"][:STOPPED_SHORT],
            month(doubt["period"], lang),
            in_words(KIND, doubt["kind"], lang),
            either(lang, *NOW[doubt["linked"]]),
            change_line(doubt["changes"][0], lang),
        )
    console.print(table)
    for line in queue_lines(found, lang):
        console.print(line, markup=False)


@links_app.command("show")
def show_doubt(
    doubt: DoubtArgument,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Both sides, opened, side by side; ≠ marks what differs. It goes into the log; nothing of it is stored here."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        opened = _opened(place, service, own_document(place, service, pilot), doubt)
    _show(opened, lang)


@links_app.command("same")
def decide_same(
    doubt: DoubtArgument,
    why: WhyOption,
    yes: YesOption = False,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Decide that both sides are one person, this month and later."""
    _decide(doubt, "same", why, pilot, home, user, lang, yes=yes)


@links_app.command("different")
def decide_different(
    doubt: DoubtArgument,
    why: WhyOption,
    yes: YesOption = False,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Decide that the two sides are two persons, this month and later. At one address they stay one household."""
    _decide(doubt, "different", why, pilot, home, user, lang, yes=yes)


@links_app.command("split")
def split_signal(
    signal: Annotated[str, typer.Argument(help="The signal in which two people were taken for one")],
    contract: Annotated[
        list[str], typer.Option("--contract", help="Reference of a contract of one of them, as `show` tells it; repeat")
    ],
    why: WhyOption,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Part a person who is two: the contracts named are one's, all else that is linked with them is the other's."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        document = own_document(place, service, pilot)
        done = desk_links.split(place, service, document, whole_signal_id(place, pilot, signal), contract, why)
    say_changed(done, lang)


def change_line(change: Mapping[str, Any], lang: Lang) -> str:
    """What the other answer would make of a month's signals: the trays before and after, with the first deadline.

    Where these stay as they are: what else changes.
    """

    def told(signals: Sequence[Mapping[str, Any]]) -> str:
        words = [in_words(TRAY, signal["tray"], lang) for signal in signals]
        by = min((signal["deadline"] for signal in signals), default=None)
        until = either(lang, "uiterlijk", "by")
        return (
            f"{' + '.join(words)} ({until} {day(date.fromisoformat(by), lang)})" if by else either(lang, "geen", "none")
        )

    before, after = told(change["before"]), told(change["after"])
    if before != after:
        return f"{before} → {after}"
    ones, others = (sorted(signal["rules"] for signal in change[side]) for side in ("before", "after"))
    if ones != others:
        return f"{after}: {either(lang, 'door andere regels', 'by other rules')}"
    return f"{after}: {either(lang, 'met een andere voorrang', 'of another priority')}"


def queue_lines(found: Mapping[str, Any], lang: Lang) -> list[str]:
    """How many doubts there are, and how much is still to be looked at."""
    asked, shown = found["asked"], len(found["doubts"])
    lines = [
        either(
            lang,
            f"{asked} twijfelgevallen; hier de eerste {shown}." if asked > shown else f"{asked} twijfelgevallen.",
            f"{asked} doubts; here the first {shown}." if asked > shown else f"{asked} doubts.",
        )
    ]
    if not found["complete"]:
        lines.append(
            either(
                lang,
                f"De dienst is nog bezig: {found['waiting']} worden nog bekeken.",
                f"The service is still busy: {found['waiting']} are still to be looked at.",
            )
        )
    if asked:
        lines.append(
            either(
                lang, "Eén openen: vroegsein desk links show TWIJFELGEVAL", "Open one: vroegsein desk links show DOUBT"
            )
        )
    return lines


def _show(opened: OpenedDoubt, lang: Lang) -> None:
    kind, now = in_words(KIND, opened.doubt["kind"], lang), either(lang, *NOW[opened.doubt["linked"]])
    console.print(f"{kind}; {either(lang, 'telt nu als', 'counts now as')} {now}", style="bold", markup=False)
    table = Table(
        "", either(lang, "de een", "one"), either(lang, "de ander", "other"), "", box=None, header_style="bold"
    )
    for compared in desk_links.compare(opened):
        if compared.one or compared.other:
            mark = "≠" if compared.differs else ""
            style = "yellow" if compared.differs else ""
            cells = ("\n".join(side) for side in (compared.one, compared.other))
            table.add_row(either(lang, *DETAIL[compared.what]), *cells, mark, style=style)
    table.add_row(
        either(lang, "meldingen", "reports"), *("\n".join(_heads(s, lang)) for s in (opened.one, opened.other)), ""
    )
    console.print(table)
    if why := closest(opened, lang):
        console.print(f"{either(lang, 'Wat overeenkomt en wat verschilt', 'What agrees and what differs')}: {why.told}")
    for change in opened.doubt["changes"]:
        told = either(lang, "Anders beslist wordt", "Decided otherwise it becomes, in")
        console.print(f"{told} {month(change['period'], lang)}: {change_line(change, lang)}", markup=False)
    short = opened.doubt["doubtId"][:STOPPED_SHORT]
    console.print(
        either(
            lang,
            f"Beslissen: vroegsein desk links same {short} --why … of different {short} --why …\n"
            "Twee personen op één adres blijven samen één huishouden.",
            f"To decide: vroegsein desk links same {short} --why … or different {short} --why …\n"
            "Two persons at one address stay one household.",
        ),
        markup=False,
    )


def closest(opened: OpenedDoubt, lang: Lang) -> Reasons | None:
    """Of what each side's creditors wrote, the two that fit best, compared in words."""
    ones, others = (list(_contacts(side)) for side in (opened.one, opened.other))
    return max((explain(one, other, lang) for one in ones for other in others), key=lambda why: why.fit, default=None)


def _contacts(side: Side) -> Iterator[Contact]:
    for _row, report in side:
        if isinstance(report, OpenedReport):
            with suppress(ValueError):  # details of another form are shown as they are
                yield report.contact


def _heads(side: Side, lang: Lang) -> list[str]:
    heads = []
    for row, report in side:
        head = f"{either(lang, *CATEGORY[row['category']])}, {month(row['period'], lang)} ({row['creditorId']})"
        if isinstance(report, OpenedReport):
            heads.append(f"{head} {report.details['contract']}")
        else:
            heads.append(f"✗ {head}: {report}")
    return heads


def _decide(
    doubt: str,
    answer: Literal["same", "different"],
    why: LinkReason,
    pilot: str | None,
    home: Path,
    user: str | None,
    lang: Lang,
    *,
    yes: bool,
) -> None:
    """Show both sides, ask, and have it decided: who decides must have seen them."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service:
        document = own_document(place, service, pilot)
        opened = _opened(place, service, document, doubt)
        _show(opened, lang)
        question = either(
            lang, *{"same": ("Eén persoon?", "One person?"), "different": ("Twee personen?", "Two persons?")}[answer]
        )
        if not yes and not Confirm.ask(question, console=errors):
            raise typer.Exit(1)
        done = desk_links.decide(service, document, opened, answer, why)
    say_changed(done, lang)


def _opened(home: Home, service: Service, document: PilotDocument, start: str) -> OpenedDoubt:
    start = start.strip().lower()
    if len(start) < 36:
        ids = [doubt["doubtId"] for doubt in desk_links.doubts(service, document)["doubts"]]
        found = [one for one in ids if one.startswith(start)]
        if len(found) != 1:
            raise HomeUnusable(
                f"{len(found)} doubts begin with {start}: give more characters, as `links list` shows them"
            )
        (start,) = found
    return desk_links.open_doubt(home, service, document, start)
