"""`vroegsein rules …`: rule sets."""

from pathlib import Path
from typing import Annotated

import typer

from cli import rules_activate, rules_backtest
from cli.words import console
from signals.rulesets import default_text, read_rule_set

app = typer.Typer(help="Rule sets: print the default one, check, try out and activate one's own.", no_args_is_help=True)
app.command()(rules_backtest.backtest)
app.command()(rules_activate.propose)
app.command()(rules_activate.proposals)
app.command()(rules_activate.shadow)
app.command()(rules_activate.activate)


@app.command()
def default() -> None:
    """Print the field's default rule set, to begin one's own from."""
    typer.echo(default_text(), nl=False)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A rule set (YAML)", exists=True)]) -> None:
    """Read a rule set and tell of every mistake with its line."""
    rule_set = read_rule_set(file)
    console.print(f"{rule_set.name}: {len(rule_set.rules)} rules, in order.", markup=False)
