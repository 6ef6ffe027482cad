"""What the creditor's commands share: its home and its pilot."""

import os
from pathlib import Path
from typing import Annotated

import typer

from client.home import Home

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="VROEGSEIN_CREDITOR_HOME", help="Folder with this creditor's settings and keys"),
]
PilotOption = Annotated[str | None, typer.Option("--pilot", help="Which pilot; needed when there are several")]
PilotsOption = Annotated[str | None, typer.Option("--pilot", help="Only this pilot; else all that you joined")]
DEFAULT_HOME = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "vroegsein" / "creditor"


def pilots_of(home: Home, asked: str | None) -> list[str]:
    """The pilot that was asked for, or all that were joined."""
    return list(home.settings.pilots) if asked is None else [asked]


def pilot_of(home: Home, asked: str | None) -> str:
    """The pilot that was asked for, or the only one."""
    pilots = list(home.settings.pilots)
    if asked is None and len(pilots) != 1:
        known = ", ".join(pilots) or "none joined yet: vroegsein creditor join PILOT"
        raise typer.BadParameter(f"say which pilot ({known})", param_hint="--pilot")
    return asked or pilots[0]
