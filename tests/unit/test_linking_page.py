"""The worked examples of docs/linking.md are what the program does."""

import re
from datetime import date
from pathlib import Path

import pytest

from privacy.identity import Contact
from privacy.normalise.addresses import normalise_address, normalise_street
from privacy.normalise.contacts import normalise_email, normalise_phone
from privacy.normalise.dates import normalise_birth_date
from privacy.normalise.names import normalise_name

PAGE = (Path(__file__).parents[2] / "docs" / "linking.md").read_text(encoding="utf-8")


def examples(section: int) -> list[tuple[str, str, tuple[str, ...]]]:
    """The class or the order of a name, a spelling, and the one form; of one of the four tables."""
    found = []
    tables = PAGE.partition("## Spellings that are one")[2].split("\n\n")
    table = [part for part in tables if part.startswith("| class")][section]
    for line in table.splitlines()[2:]:
        _, kind, spellings, form, _ = line.split("|")
        wanted = tuple(re.findall("`([^`]*)`", form.replace("``", "` `")))
        for spelling, note in re.findall("`([^`]+)`(¹?)", spellings):
            order = "surname-first" if note else "given-first"
            found.append((kind.strip() if section else order, spelling, tuple(part.strip() for part in wanted)))
    assert found
    return found


@pytest.mark.parametrize(("order", "spelling", "form"), examples(0))
def test_each_spelling_of_a_name_gives_the_form(order: str, spelling: str, form: tuple[str, ...]) -> None:
    name = normalise_name(Contact(name=spelling, name_order=order))
    assert (*name.surnames, name.initial) == form


@pytest.mark.parametrize(("kind", "spelling", "form"), examples(1))
def test_each_spelling_of_an_address_gives_the_form(kind: str, spelling: str, form: tuple[str, ...]) -> None:
    address = normalise_address(Contact(address=spelling))
    assert (address.postcode, address.number, address.addition) == form, kind


@pytest.mark.parametrize(("kind", "spelling", "form"), examples(2))
def test_each_spelling_of_a_street_gives_the_form(kind: str, spelling: str, form: tuple[str, ...]) -> None:
    assert (normalise_street(spelling),) == form, kind


@pytest.mark.parametrize(("kind", "spelling", "form"), examples(3))
def test_each_spelling_of_a_phone_an_email_or_a_birth_date_gives_the_form(
    kind: str, spelling: str, form: tuple[str, ...]
) -> None:
    if "birth date" in kind:
        found = normalise_birth_date(date.fromisoformat(spelling))
    else:
        found = normalise_email(spelling) if "e-mail" in kind else normalise_phone(spelling)
    assert (found,) == form
