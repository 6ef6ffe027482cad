"""`vroegsein rules …`: rule sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.words import console
from client.algorithm_register import as_markdown, draft_entry
from signals.rulesets import default_rule_set, default_text, read_rule_set

app = typer.Typer(help="Rule sets: print the default one, check one's own.", no_args_is_help=True)


@app.command()
def default() -> None:
    """Print the field's default rule set, to begin one's own from."""
    typer.echo(default_text(), nl=False)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A rule set (YAML)", exists=True)]) -> None:
    """Read a rule set and tell of every mistake with its line."""
    rule_set = read_rule_set(file)
    console.print(f"{rule_set.name}: {len(rule_set.rules)} rules, in order.", markup=False)


@app.command()
def register(
    municipality: Annotated[str, typer.Option(help="Who uses the rule set: the municipality's name")],
    file: Annotated[Path | None, typer.Argument(help="A rule set (YAML); else the default one", exists=True)] = None,
    email: Annotated[str, typer.Option(help="Where people can ask about it")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the fields as JSON to this file too")] = None,
) -> None:
    """Print a draft entry for the Algorithm Register, in Dutch (Markdown); what it can't know is left open."""
    entry = draft_entry(default_rule_set() if file is None else read_rule_set(file), municipality, email)
    if json_file is not None:
        json_file.write_text(json.dumps(entry, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    typer.echo(as_markdown(entry), nl=False)
