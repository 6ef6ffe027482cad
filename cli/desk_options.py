"""What the desk's commands share: their options, which pilot is meant, and who is at the keyboard."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from client.home import Home

HomeOption = Annotated[
    Path, typer.Option("--home", envvar="VROEGSEIN_DESK_HOME", help="Folder with this desk's settings and keys")
]
PilotOption = Annotated[str | None, typer.Option("--pilot", help="Which pilot; needed when there are several")]
UserOption = Annotated[
    str | None,
    typer.Option(
        "--user", envvar="VROEGSEIN_DESK_USER", help="Who is at the keyboard; else the name you logged in with"
    ),
]
DEFAULT_HOME = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "vroegsein" / "desk"
STOPPED_SHORT = 8  # characters of an id that are enough to name a signal in one pilot's list


def which_pilot(home: Home, asked: str | None) -> str:
    """The pilot that was asked for, or the only one. Raises BadParameter."""
    pilots = list(home.settings.pilots)
    if asked is None and len(pilots) != 1:
        known = ", ".join(pilots) or "none signed yet: vroegsein desk sign PILOT"
        raise typer.BadParameter(f"say which pilot ({known})", param_hint="--pilot")
    return asked or pilots[0]


def who_acts(asked: str | None) -> str:
    """Who is at the keyboard; the service learns a pseudonym."""
    return asked or getpass.getuser()
