"""The command `vroegsein`. A group is imported when it is used, so that a creditor needs no server's libraries."""

import importlib
import sys
from collections.abc import Sequence

import typer
from rich.console import Console

from cli.failures import MissingPart, explained

GROUPS = {
    "creditor": "Deliver arrears reports: set up, check, push, status, proof.",
    "desk": "Work with signals at a municipality: set up, pull, list, show, consent, audit.",
    "operator": "Run the service: keys, database, registry, API description.",
    "serve": "Run the service (API and linker) until it is stopped.",
    "rules": "Rule sets: print the default one; check, read out, try and activate one's own.",
    "verify-receipt": "Check a creditor's proof that it reported, with nothing but the municipality's fingerprint.",
    "demo": "See the whole job on example data, on this machine alone.",
}
OURS = {"app", "cli", "client", "desk", "migrations", "privacy", "signals"}
MISSING = "{group} needs more than the base package: pip install 'vroegsein[service]' (missing: {name})"


def build(chosen: str | None) -> typer.Typer:
    """The command, with the group that is asked for imported and the others known by name alone."""
    app = typer.Typer(
        help="Early warning of payment arrears: pseudonymised reports in, explained signals out, every look logged.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, text in GROUPS.items():
        if name != chosen:
            app.add_typer(typer.Typer(help=text), name=name)
            continue
        try:
            module = importlib.import_module(f"cli.{name.replace('-', '_')}")
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in OURS:
                raise
            raise MissingPart(MISSING.format(group=name, name=error.name)) from None
        if hasattr(module, "command"):  # one command by itself, without a group
            app.command(name)(module.command)
        else:
            app.add_typer(module.app, name=name, help=text)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Exit code: 0 done, 1 something was refused or failed (it says what), 2 wrong usage."""
    try:
        words = sys.argv[1:] if arguments is None else list(arguments)
        chosen = next((word for word in words if not word.startswith("-")), None)
        build(chosen)(words)
    except Exception as error:
        message = explained(error)
        if message is None:
            raise
        Console(stderr=True, highlight=False).print(f"[bold red]✗[/] {message}", markup=True, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
