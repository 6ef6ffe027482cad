"""`vroegsein desk audit` and `desk verify`: who looked at what and why, and that the log adds up."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.prompt import Prompt
from rich.table import Table

from cli.desk_alerts import show_alerts
from cli.desk_options import (
    DEFAULT_HOME,
    STOPPED_SHORT,
    HomeOption,
    PilotOption,
    UserOption,
    pilot_of,
    user_of,
)
from cli.words import LangOption, console, errors
from client.break_glass import recent_break_glasses
from client.desk_pilot import own_signed_document
from client.desk_work import desk_service
from client.home import Home
from client.log_reading import CheckedLog, export_log, read_log, silences, verify_export, verify_promise
from client.log_watch import kept_checkpoints
from client.promises import read_evidence
from client.unusual import unusual
from client.words import CATEGORY, EVENT, ROLE, Lang, either, in_words, moment
from signals.pilot import Purpose, Role

MOST_ALERTS = 10  # on top of an audit; `desk alerts` shows all


def audit(
    pilot: PilotOption = None,
    most: Annotated[int, typer.Option(help="How many events to show, the newest ones")] = 40,
    export: Annotated[Path | None, typer.Option(help="Write the log to a file that a third party can verify")] = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Who looked at what, when and why, after checking that the log adds up. Reading it is an event in it too.

    The log must be signed by its key in the pilot document, extend what this desk saw before, and keep its promises.
    Exit code: 0 it does, 1 a look that nobody here asked for or a broken promise.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.PRIVACY_OFFICER, user_of(user), "audit") as service:
        document, signed = own_signed_document(place, service, pilot)
        log = read_log(place, service, document)
    for line in _break_glass_lines(log.events, document.pilot.purposes, lang):
        console.print(line, markup=False, style="red", soft_wrap=True)
    show_alerts(unusual(log.events, document.pilot.alerts), lang, most=MOST_ALERTS)
    console.print(_table(log.events[-most:], document.pilot.purposes, lang))
    kept = len(kept_checkpoints(place, pilot))
    console.print(
        either(
            lang,
            f"✓ {len(log.events)} gebeurtenissen nagerekend; het logboek klopt, is getekend en zet voort wat deze desk "
            f"eerder zag ({kept} ijkpunten bewaard).",
            f"✓ {len(log.events)} events recomputed; the log adds up, is signed, and extends what this desk saw before "
            f"({kept} checkpoints kept).",
        ),
        style="bold green",
        markup=False,
    )
    _warn(log, lang)
    if export is not None:
        count = export_log(export, log, signed)
        console.print(
            either(
                lang,
                f"{count} gebeurtenissen in {export}. Nazien kan zonder dienst: vroegsein desk verify --log {export}",
                f"{count} events in {export}. To verify it, without the service: vroegsein desk verify --log {export}",
            ),
            markup=False,
        )
    raise typer.Exit(1 if log.not_asked_for or log.broken else 0)


def verify(
    log: Annotated[Path, typer.Option("--log", help="An exported log", exists=True, dir_okay=False)],
    promise: Annotated[
        Path | None,
        typer.Option(help="A promise that a desk kept: was it kept by this log?", exists=True, dir_okay=False),
    ] = None,
    fingerprint: Annotated[str | None, typer.Option(help="The municipality's fingerprint; else it is asked")] = None,
    lang: LangOption = "nl",
) -> None:
    """Verify an exported log, without the service, any key or settings: only the municipality's fingerprint is needed.

    Exit code: 0 it adds up, 1 it does not, 2 wrong usage.
    """
    question = either(lang, "Vingerafdruk van de gemeente", "The municipality's fingerprint")
    checked = verify_export(log, fingerprint or Prompt.ask(question, console=errors))
    size, origin = len(checked.events), checked.checkpoint.origin
    console.print(
        either(
            lang,
            f"✓ {size} gebeurtenissen van {origin} nagerekend tot het getekende ijkpunt.",
            f"✓ {size} events of {origin} recomputed up to the signed checkpoint.",
        ),
        style="bold green",
        markup=False,
    )
    _warn(checked, lang)
    broken = None if promise is None else verify_promise(checked, read_evidence(promise))
    if promise is not None:
        kept = ("✓ Deze belofte is door het logboek gehouden.", "✓ The log kept this promise.")
        not_kept = (f"✗ Deze belofte is GEBROKEN: {broken}.", f"✗ This promise was BROKEN: {broken}.")
        words, style = (kept, "bold green") if broken is None else (not_kept, "bold red")
        console.print(either(lang, *words), style=style, markup=False)
    raise typer.Exit(1 if checked.not_asked_for or broken else 0)


def _break_glass_lines(events: Sequence[dict[str, Any]], purposes: Mapping[str, Purpose], lang: Lang) -> list[str]:
    """Every break-glass of the last weeks, open ones first, with its reason and each look under it."""
    lines = []
    now = datetime.now(UTC)
    for glass in recent_break_glasses(events, now):
        until = moment(glass.until, lang)
        state = (
            either(lang, f"OPEN tot {until}", f"OPEN until {until}")
            if glass.until > now
            else either(lang, f"voorbij sinds {until}", f"over since {until}")
        )
        words = purpose_words(purposes, glass.body["purpose"], lang)
        lines.append(
            f"▲ {either(lang, 'Noodinzage', 'Break-glass')} {glass.leaf}: {glass.body['actor'][:12]}, {words}, "
            f"{moment(glass.at, lang)}, {state}"
        )
        lines.append(f"    {either(lang, 'reden', 'reason')}: {' '.join(glass.body['reason'].split())}")
        lines += [
            f"    {event['leafIndex']}  {moment(datetime.fromisoformat(event['body']['at']), lang)}  "
            f"{_at_what(event['body'], lang)}"
            for event in glass.looks
        ]
        if not glass.looks:
            lines.append(f"    {either(lang, 'er is niets onder bekeken', 'nothing was looked at under it')}")
    return lines


def _table(events: tuple[dict[str, Any], ...], purposes: Mapping[str, Purpose], lang: Lang) -> Table:
    heads = either(lang, "nr|wanneer|wat|wie|rol|doel|waarnaar", "no|when|what|who|role|purpose|at what").split("|")
    table = Table(*heads, box=None, header_style="bold")
    for event in events:
        body = event["body"] or {}
        row = (
            str(event["leafIndex"]),
            moment(datetime.fromisoformat(body["at"]), lang) if body else "",
            in_words(EVENT, event["kind"], lang),
            (body.get("actor") or body.get("creditor") or "")[:12],
            in_words(ROLE, body.get("role", ""), lang),
            purpose_words(purposes, body.get("purpose", ""), lang),
            _at_what(body, lang),
        )
        table.add_row(*row, style="red" if event["kind"] == "refusal" else "")
    return table


def _warn(log: CheckedLog, lang: Lang) -> None:
    """Say what deserves a question although the log adds up."""
    if log.not_asked_for:
        numbers = ", ".join(map(str, log.not_asked_for[:20])) + (" …" if len(log.not_asked_for) > 20 else "")
        console.print(
            either(
                lang,
                f"✗ {len(log.not_asked_for)} inzagen of wissingen zonder handtekening van deze gemeente: "
                f"{numbers}. Vraag de beheerder om uitleg en licht de functionaris gegevensbescherming in.",
                f"✗ {len(log.not_asked_for)} looks or erasures that this municipality did not sign for: "
                f"{numbers}. Ask the operator, and tell the data protection officer.",
            ),
            style="bold red",
            markup=False,
        )
    for promise in log.broken:
        console.print(
            either(
                lang,
                f"✗ GEBROKEN BELOFTE van {moment(promise.kept.promise.at, lang)}: {promise.why}. Bewaar als bewijs: "
                f"{promise.kept.file}. Vraag de beheerder om uitleg; iedereen kan het nagaan met "
                "vroegsein desk verify --log --promise.",
                f"✗ BROKEN PROMISE of {moment(promise.kept.promise.at, lang)}: {promise.why}. Keep as evidence: "
                f"{promise.kept.file}. Ask the operator; anybody can verify it with "
                "vroegsein desk verify --log --promise.",
            ),
            style="bold red",
            markup=False,
        )
    if log.erased:
        numbers = ", ".join(map(str, log.erased[:20])) + (" …" if len(log.erased) > 20 else "")
        console.print(
            either(
                lang,
                f"! {len(log.erased)} gebeurtenissen zijn eerder gewist; deze gemeente tekende ervoor: {numbers}.",
                f"! {len(log.erased)} events were erased before their day, as this municipality signed for: {numbers}.",
            ),
            style="yellow",
            markup=False,
        )
    if open_looks := _never_closed(log.events):
        console.print(
            either(
                lang,
                f"! {open_looks} inzagen zonder afsluiting: alles binnen hun bereik telt als getoond.",
                f"! {open_looks} looks were never closed: everything in their scope counts as shown.",
            ),
            style="yellow",
        )
    for since, until in silences(log.events):
        console.print(
            either(
                lang,
                f"! Stil van {moment(since, lang)} tot {moment(until, lang)}: lag de dienst toen plat?",
                f"! Silent from {moment(since, lang)} to {moment(until, lang)}: was the service down?",
            ),
            style="yellow",
        )


def purpose_words(purposes: Mapping[str, Purpose], purpose: str, lang: Lang) -> str:
    """A purpose in the words of the pilot document; one that it does not name as it was sent."""
    known = purposes.get(purpose)
    return either(lang, known.words.nl, known.words.en) if known else purpose


def _never_closed(events: Sequence[dict[str, Any]]) -> int:
    bodies = [event["body"] for event in events if event["body"]]
    closed = {body["access"] for body in bodies if body["kind"] == "shown"}
    opened = [body for body in bodies if body["kind"] == "access" and body["event"] not in closed]
    # What was opened a moment ago, the look at the log itself among it, may still be under way.
    under_way = datetime.fromisoformat(bodies[-1]["at"]) - timedelta(minutes=1) if bodies else None
    return sum(1 for body in opened if under_way is None or datetime.fromisoformat(body["at"]) < under_way)


def _at_what(body: dict[str, Any], lang: Lang) -> str:
    if body.get("refused"):
        return str(body["refused"])
    asks = body.get("asks") or {}
    if asks.get("ask") == "signal":
        return str(asks["signal"])[:STOPPED_SHORT]
    if asks.get("ask") == "worklist":
        return either(lang, f"{len(body['households'])} huishoudens", f"{len(body['households'])} households")
    if "shown" in body or "removed" in body:
        count = len(body["shown"]) if "shown" in body else sum(body["removed"].values())
        did = ("getoond", "shown") if "shown" in body else ("verwijderd", "removed")
        return f"{count} {either(lang, *did)}"
    if "accepted" in body:
        return f"{body['period']} {either(lang, *CATEGORY[body['category']])}: {body['accepted']}"
    return str(body.get("outcome") or body.get("document") or asks.get("ask") or "")
