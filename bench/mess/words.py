"""The words of a made-up town, out of words.yaml: names by where families come from, streets, names of columns.

In the file a slash parts spellings of one name that clerks don't tell apart; a surname stands behind its infix and a
bar, with underscores for blanks; a name in daily use behind the passport name and a colon.
"""

from pathlib import Path
from typing import Any

import yaml

_WORDS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text(encoding="utf-8"))
WEIGHTS: dict[str, int] = _WORDS["weights"]
STREETS: list[str] = _WORDS["streets"]
SHORT_STREET: list[list[str]] = _WORDS["short_street"]  # a part of a street's name, and what clerks make of it
TRADES: list[str] = _WORDS["trades"]
MAIL: list[str] = _WORDS["mail"]
HEADERS: dict[str, list[str]] = _WORDS["headers"]  # by the place of a profile
TOWN = "Molenkerk"


def surnames(group: str) -> list[tuple[str, tuple[str, ...]]]:
    """Infix and the spellings of each surname of a group."""
    entries = [entry.partition("|") for entry in _WORDS["surnames"][group]]
    return [
        (infix.replace("_", " "), tuple(name.replace("_", " ") for name in names.split("/")))
        for infix, _, names in entries
    ]


def given(group: str, sex: int) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The spellings of each passport name, and those of the name in daily use. `sex`: 0 men, 1 women."""
    found = []
    for entry in _WORDS["given"][group]["women" if sex else "men"]:
        passport, _, daily = entry.partition(":")
        spellings = tuple(passport.split("/"))
        found.append((spellings, tuple(daily.split("/")) if daily else spellings))
    return found
