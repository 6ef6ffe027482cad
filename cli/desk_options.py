"""What the desk's commands have in common: whose home, which pilot, who is at the keyboard, how a contact is shown."""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from client import words
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


def pilot_of(home: Home, asked: str | None) -> str:
    """The pilot that was asked for, or the only one. Raises BadParameter."""
    pilots = list(home.settings.pilots)
    if asked is None and len(pilots) != 1:
        known = ", ".join(pilots) or "none signed yet: vroegsein desk sign PILOT"
        raise typer.BadParameter(f"say which pilot ({known})", param_hint="--pilot")
    return asked or pilots[0]


def user_of(asked: str | None) -> str:
    """Who is at the keyboard."""
    return asked or getpass.getuser()


def contact_lines(details: Mapping[str, str | int]) -> tuple[str, ...]:
    """Name, address, birth date, telephone and e-mail, as the creditor wrote them, indented."""
    return tuple(f"  {line}" for line in words.contact_lines(details))
