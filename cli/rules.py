"""`vroegsein rules …`: rule sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import rules_activate, rules_backtest
from cli.words import LangOption, console
from client.algorithm_register import as_markdown, draft_entry
from signals.documents import DocumentError, schema_of
from signals.examples import ExampleFile, read_examples, try_examples
from signals.reading_out import read_out
from signals.rulesets import RuleSet, default_rule_set, default_text, read_rule_set

app = typer.Typer(
    help="Rule sets: the default one, and what helps to write, check, read, try and activate one's own.",
    no_args_is_help=True,
)
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


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A rule set (YAML)", exists=True)], lang: LangOption = "nl"
) -> None:
    """Read a rule set out in plain words, as Markdown: what counts, each rule, each term, with the sources."""
    typer.echo(read_out(read_rule_set(file), lang).as_markdown(), nl=False)


@app.command()
def schema(
    examples: Annotated[bool, typer.Option("--examples", help="Of a file of examples, not of a rule set")] = False,
) -> None:
    """Print the JSON Schema with which an editor completes and checks a rule set (see docs/rules.md)."""
    typer.echo(json.dumps(schema_of(ExampleFile if examples else RuleSet), indent=2, ensure_ascii=False))


@app.command()
def test(
    cases: Annotated[list[Path], typer.Argument(help="Files of examples (YAML), or folders of them", exists=True)],
    rules: Annotated[Path, typer.Option("--rules", help="The rule set that they are examples of", exists=True)],
) -> None:
    """Try worked examples on a rule set; what comes to something else than expected is shown with its place."""
    rule_set = read_rule_set(rules)
    examples = [example for path in cases for example in read_examples(path)]
    mistakes = try_examples(rule_set, examples)
    if mistakes:
        raise DocumentError(mistakes)
    console.print(f"{rule_set.name}: {len(examples)} examples, all as expected.", markup=False)
