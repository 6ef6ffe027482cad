"""`vroegsein operator …`: what the service's operator does on its own machine."""

import json
import os
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
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
from app.identity.signing_key import load_private_jwk, make_signing_key
from app.linker import Linker
from app.main import create_app
from app.settings import Settings, load_settings

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
    for file in (settings.signing_key_file, settings.receipt_key_file, settings.log_key_file):
        if not file.exists():
            make_signing_key(file)
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
def openapi() -> None:
    """Print the API's description (OpenAPI 3). Needs no settings, keys, database or network."""
    typer.echo(json.dumps(create_app(None).openapi(), indent=2, ensure_ascii=False))


@app.command()
def linker() -> None:
    """Run a linker alone: takes up deliveries, carries out changes of basis, seals the log. `serve` runs one too."""
    settings = load_settings()
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


def run_linker(settings: Settings, sessions: Sessions, stop: threading.Event) -> None:
    """Work as the linker until told to stop. Raises UnsafeLogin."""
    try:
        sessions.check()
        receipts, log = (load_private_jwk(file) for file in (settings.receipt_key_file, settings.log_key_file))
        Linker(sessions, receipts, log).run(stop)
    finally:
        sessions.close()
