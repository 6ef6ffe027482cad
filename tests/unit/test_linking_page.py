"""The worked examples of docs/linking.md are what the program does."""

import re
from pathlib import Path

import pytest

from privacy.identity import Contact
from privacy.normalise.addresses import normalise_address
from privacy.normalise.names import normalise_name

PAGE = (Path(__file__).parents[2] / "docs" / "linking.md").read_text(encoding="utf-8")


def examples(section: int) -> list[tuple[str, str, tuple[str, ...]]]:
    """Spelling, order of the name, and the one form; of the first or second table."""
    found = []
    tables = PAGE.partition("## Spellings that are one")[2].split("\n\n")
    table = [part for part in tables if part.startswith("| class")][section]
    for line in table.splitlines()[2:]:
        _, _, spellings, form, _ = line.split("|")
        wanted = tuple(re.findall("`([^`]*)`", form.replace("``", "` `")))
        for spelling, note in re.findall("`([^`]+)`(¹?)", spellings):
            order = "surname-first" if note else "given-first"
            found.append((spelling, order, tuple(part.strip() for part in wanted)))
    return found


@pytest.mark.parametrize(("spelling", "order", "form"), examples(0))
def test_each_spelling_of_a_name_gives_the_form(spelling: str, order: str, form: tuple[str, ...]) -> None:
    name = normalise_name(Contact(name=spelling, name_order=order))
    assert (*name.surnames, name.initial) == form


@pytest.mark.parametrize(("spelling", "order", "form"), examples(1))
def test_each_spelling_of_an_address_gives_the_form(spelling: str, order: str, form: tuple[str, ...]) -> None:
    address = normalise_address(Contact(address=spelling))
    assert (address.postcode, address.number, address.addition) == form
