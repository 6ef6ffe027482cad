"""`vroegsein creditor profile`: an export that nobody has described yet, and how it would be read."""

from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Confirm
from rich.table import Table

from cli.words import LangOption, console, errors
from client.profiling.proposing import Proposal, propose
from client.profiling.wording import as_yaml
from client.words import CATEGORY, Lang, either
from signals.report import Category


def profile(
    file: Annotated[Path, typer.Argument(help="An export that has no profile yet", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="Where to write the profile; else NAME.yaml in this folder")] = None,
    category: Annotated[Category | None, typer.Option(help="What the arrears are of, if the file doesn't say")] = None,
    lang: LangOption = "nl",
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking")] = False,
) -> None:
    """Look at an unknown export and propose the profile that reads it, with the reason of each column.

    Exit code: 0 written, with nothing doubtful among the columns; 1 written with doubts, or not written; 2 wrong usage.
    """
    proposal = propose(file, category)
    _show(proposal, lang)
    target = out or Path(f"{proposal.document['profile']}.yaml")
    if target.exists():
        message = either(lang, f"{target} bestaat al", f"{target} exists already")
        raise typer.BadParameter(message, param_hint="--out")
    question = either(lang, f"Opslaan als {target}?", f"Save as {target}?")
    if not yes and not Confirm.ask(question, console=errors, default=True):
        raise typer.Exit(1)
    target.write_text(as_yaml(proposal, file.name, lang), encoding="utf-8")
    console.print(
        either(
            lang,
            f"✓ {target} geschreven. Beantwoord de vragen daarin, en bekijk dan wat er zou gaan:\n"
            f"  vroegsein creditor check {file} --profile {target} --sample 5",
            f"✓ {target} written. Answer the questions in it, then look at what would be sent:\n"
            f"  vroegsein creditor check {file} --profile {target} --sample 5",
        ),
        style="bold green",
        markup=False,
    )
    raise typer.Exit(1 if any(one.doubt[0] for one in proposal.placed) else 0)


def _show(proposal: Proposal, lang: Lang) -> None:
    at = 0 if lang == "nl" else 1
    kind = either(lang, *CATEGORY[str(proposal.document["category"])])
    told = "; ".join(said[at] for said in proposal.recognised)
    console.print(f"{told}; {proposal.rows} {either(lang, 'regels', 'rows')}; {kind}.", markup=False)
    heads = either(lang, "wat|kolom|waarom", "what|column|why").split("|")
    table = Table(*heads, box=None, header_style="bold")
    for one in proposal.placed:
        why = f"[yellow]? {one.doubt[at]}[/yellow]" if one.doubt[at] else one.why[at]
        table.add_row(one.label[at], one.column.header, why)
    console.print(table)
    if proposal.questions:
        console.print(either(lang, "Nog te beantwoorden:", "Still to be answered:"), style="bold yellow")
        for said in proposal.questions:
            console.print(f"? {said[at]}", style="yellow", markup=False)
