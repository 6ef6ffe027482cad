"""`vroegsein operator …`: what the service's operator does on its own machine."""

import json
import logging.config
import os
import signal
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import registry
from app.db.embedded import embedded
from app.db.passfiles import OWNER, Address, conninfo
from app.db.provisioning import provision
from app.db.sessions import LINKING, Login, Sessions, make_engine
from app.identity.signing_key import load_private_jwk, load_secret, make_secret, make_signing_key
from app.kept import Forecast
from app.linker import Linker
from app.logboek import Logboek
from app.logs import log_config
from app.main import create_app
from app.notices import Notifier
from app.otlp import Sender
from app.retention import Step, carry_out, look_ahead
from app.settings import Settings, load_settings
from app.webhooks import Caller
from cli.words import LangOption
from client.words import KEPT, Lang, day, either
from signals.days import AMSTERDAM

app = typer.Typer(help="Run the service: keys, database, registry, API description.", no_args_is_help=True)
console = Console(highlight=False)


@contextmanager
def database(settings: Settings) -> Iterator[tuple[Address, Path]]:
    """Where the database is and where its passfiles are; the embedded one runs as long as the block lasts."""
    if settings.database_url is not None:
        yield Address.from_url(settings.database_url), settings.home / "passfiles"
        return
    with embedded(settings.home / "postgresql") as server:
        for note in server.notes:
            Console(stderr=True, highlight=False).print(note, markup=False)
        yield server.address, server.passfiles


def sessions_at(address: Address, passfiles: Path, logins: Collection[Login]) -> Sessions:
    """Pools for these logins, each by its passfile."""
    return Sessions(lambda login: conninfo(address, login.value, passfiles), logins)


@app.command()
def init() -> None:
    """Make the service's own keys. Repeating it changes nothing."""
    settings = load_settings()
    signing = (settings.signing_key_file, settings.log_key_file)
    for file in (*signing, settings.logboek_key_file):
        if not file.exists():
            (make_signing_key if file in signing else make_secret)(file)
            console.print(f"made {file}", markup=False)
    console.print("Next: `vroegsein operator migrate`.", markup=False)


@app.command()
def migrate() -> None:
    """Bring the database up to date and give each login its passfile. Repeating it is safe."""
    with database(load_settings()) as (address, passfiles):
        done = provision(address, passfiles)
    if done.before == done.after:
        console.print(f"schema: {done.after}, nothing to do", markup=False)
    else:
        console.print(f"schema: {done.before or 'empty'} → {done.after}", markup=False)
    for login in done.renewed:
        console.print(f"{login}: new password in its passfile", markup=False)
    console.print("Next: `vroegsein operator apply FILE…`, then `vroegsein serve`.", markup=False)


@app.command()
def apply(
    files: Annotated[list[Path], typer.Argument(help="YAML documents: organisations, keys, pilots, agreements, rules")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and change nothing")] = False,
) -> None:
    """Bring the registry in line with documents. Shows the difference; repeating it is safe.

    Exit code: 0 done or nothing to do, 1 a document contradicts (each mistake with its line), 2 wrong usage.
    """
    with database(load_settings()) as (address, passfiles):
        engine = make_engine(conninfo(address, OWNER, passfiles), pool_size=1)
        try:
            with engine.begin() as connection:
                changes = registry.plan(connection, files)
                if not dry_run:
                    registry.carry_out(connection, changes)
        finally:
            engine.dispose()
    _show(changes)
    if dry_run:
        console.print("Nothing was changed (--dry-run).", markup=False)


def _show(changes: list[registry.Change]) -> None:
    table = Table("", "document", "value", "was", "is now", box=None, header_style="bold")
    for change in changes:
        if change.changes_nothing:
            continue
        if change.is_new:
            table.add_row("[green]+[/]", change.name, "", "", "")
        for path, old, new in change.differences:
            table.add_row("[yellow]~[/]", change.name, path, old, new)
    if table.row_count:
        console.print(table)
    same = sum(change.changes_nothing for change in changes)
    console.print(f"{len(changes) - same} new or changed, {same} unchanged.", markup=False)


@app.command()
def revoke(
    organisation: Annotated[str, typer.Argument(help="Short name of the organisation")],
    kid: Annotated[list[str] | None, typer.Argument(help="Key ids; without any, all keys of the organisation")] = None,
) -> None:
    """Revoke keys: nobody logs in or signs with them any more. Repeating it is safe.

    Tokens that were given out end within minutes. A revoked key never comes back: register a new one.
    Exit code: 0 done or nothing to do, 1 the organisation has no such key, 2 wrong usage.
    """
    with database(load_settings()) as (address, passfiles):
        engine = make_engine(conninfo(address, OWNER, passfiles), pool_size=1)
        try:
            with engine.begin() as connection:
                revoked = registry.revoke(connection, organisation, kid)
        finally:
            engine.dispose()
    if not revoked:
        Console(stderr=True, highlight=False).print(f"{organisation} has no such key.", markup=False)
        raise typer.Exit(1)
    for name, was in revoked.items():
        console.print(f"{name}: {'revoked' if was == 'active' else 'was revoked already'}", markup=False)


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go, and when the next goes")] = False,
    lang: LangOption = "nl",
) -> None:
    """Remove what is past its term, as the linker does once a day. Repeating it is safe.

    Exit code: 0 done or nothing to do, 1 it failed (what was removed before stays removed), 2 wrong usage.
    """
    settings, today = load_settings(), datetime.now(AMSTERDAM).date()
    with database(settings) as (address, passfiles):
        sessions = sessions_at(address, passfiles, LINKING)
        try:
            sessions.check()
            if dry_run:
                _show_ahead(look_ahead(sessions, today), lang)
            else:
                _show_removed(carry_out(sessions, today, linker_of(settings, sessions).rule_set), lang)
        finally:
            sessions.close()


def _show_ahead(pilots: Iterable[tuple[str, list[Forecast]]], lang: Lang) -> None:
    heads = either(
        lang,
        "pilot|wat|termijn (dagen)|gaat nu|oudste|volgende gaat op",
        "pilot|what|term (days)|goes now|oldest|next goes on",
    ).split("|")
    table = Table(*heads, box=None, header_style="bold")
    for pilot, forecasts in pilots:
        for of in forecasts:
            oldest, next_on = (day(when, lang) if when else "" for when in (of.oldest, of.next_on))
            term = "" if of.name == "events" else str(of.days)  # each event carries its own last day
            table.add_row(pilot, either(lang, *KEPT[of.name]), term, str(of.past), oldest, next_on)
    console.print(table)
    said = "Er is niets veranderd (--dry-run).", "Nothing was changed (--dry-run)."
    console.print(either(lang, *said), markup=False)


def _show_removed(steps: Iterable[Step], lang: Lang) -> None:
    removed = Counter[tuple[str, str]]()
    for step in steps:
        removed.update({(step.pilot, name): count for name, count in step.removed.items()})
    table = Table(*either(lang, "pilot|wat|verwijderd", "pilot|what|removed").split("|"), box=None, header_style="bold")
    for (pilot, name), count in removed.items():
        table.add_row(pilot, either(lang, *KEPT[name]), str(count))
    if table.row_count:
        console.print(table)
    else:
        console.print(either(lang, "Er is niets over zijn termijn.", "Nothing is past its term."), markup=False)


@app.command()
def openapi() -> None:
    """Print the API's description (OpenAPI 3). Needs no settings, keys, database or network."""
    typer.echo(json.dumps(create_app(None).openapi(), indent=2, ensure_ascii=False))


@app.command()
def linker() -> None:
    """Run a linker alone: deliveries, changes of basis, terms of retention, sealing the log. `serve` runs one too."""
    settings = load_settings()
    logging.config.dictConfig(log_config(settings.log_level))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_stop_with_parent, args=(stop,), name="parent-watch", daemon=True).start()
    with database(settings) as (address, passfiles):
        run_linker(settings, sessions_at(address, passfiles, LINKING), stop)


def _stop_with_parent(stop: threading.Event) -> None:
    """End when `serve` was killed, or a linker without its service would hold the database for ever."""
    parent = int(os.environ.get("VROEGSEIN_PARENT", "0"))
    while parent and not stop.wait(1.0):
        if os.getppid() != parent:
            stop.set()


def linker_of(settings: Settings, sessions: Sessions) -> Linker:
    """A linker with the service's keys."""
    endpoint = settings.logboek_endpoint
    logboek = Logboek(Sender(endpoint), load_secret(settings.logboek_key_file)) if endpoint is not None else None
    log_key = load_private_jwk(settings.log_key_file)
    return Linker(sessions, log_key, logboek, Notifier(settings.public_url, log_key, Caller()))


def run_linker(settings: Settings, sessions: Sessions, stop: threading.Event) -> None:
    """Work as the linker until told to stop. Raises UnsafeLogin."""
    try:
        sessions.check()
        linker_of(settings, sessions).run(stop)
    finally:
        sessions.close()
