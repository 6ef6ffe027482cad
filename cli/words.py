"""How the command line speaks: its language, its two streams, its progress bar. Words: `client/words.py`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client.words import Lang

LangOption = Annotated[
    Lang, typer.Option("--lang", envvar="VROEGSEIN_LANG", help="Language of what is shown: nl or en")
]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def progress() -> Progress:
    """A progress bar on standard error, so that what is printed can be piped; silent where nobody looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
