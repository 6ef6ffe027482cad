"""The reason of a link is told in words, from two opened contacts: what is the same, what differs and how."""

from datetime import date
from typing import Any

import pytest

from bench.keys import KINDS
from client.link_reasons import COMBINATIONS, explain
from privacy.identity import Contact

ONE = {
    "surname": "de Haan",
    "initials": "J.",
    "birth_date": date(1980, 4, 3),
    "street": "Kade",
    "house_number": "5",
    "addition": "2",
    "postcode": "6789 CA",
    "phone": "0620719384",
    "email": "j@voorbeeld.nl",
}
ELSEWHERE = {"street": "Dijk", "house_number": "8", "postcode": "6789 XY"}


def contact(**changes: Any) -> Contact:
    return Contact(**{**ONE, **changes})


def different(lang: Any = "en", **changes: Any) -> tuple[str, ...]:
    return explain(contact(), contact(**changes), lang).different


def test_every_kind_of_key_has_words() -> None:
    assert set(COMBINATIONS) == set(KINDS)
    assert all(nl and en and nl != en for nl, en in COMBINATIONS.values())


def test_the_same_person_twice_differs_in_nothing() -> None:
    reasons = explain(contact(), contact(surname="DE HAAN", initials="JP", phone="+31 6 20719384"), "nl")
    assert reasons.joined
    assert not reasons.different
    assert reasons.same == (
        "dezelfde achternaam, voorletter en geboortedatum",
        "dezelfde voorletter en geboortedatum in hetzelfde pand",
        "hetzelfde mobiele nummer en dezelfde geboortedatum",
        "hetzelfde e-mailadres en dezelfde geboortedatum",
    )


def test_a_swapped_birth_date_is_told_beside_the_phone() -> None:
    """The words of the issue: same phone and initial; birth date day and month swapped."""
    home = {"email": "", "phone": "020 7896298"}
    one = contact(surname="Jansen", **home)
    other = contact(surname="Bakker", birth_date=date(1980, 3, 4), **home, **ELSEWHERE)
    reasons = explain(one, other, "en")
    assert reasons.joined
    assert reasons.same == ("same telephone number and initial",)
    assert reasons.different == ("another surname", "birth date day and month swapped", "another address (moved)")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"surname": "de Hnaa"}, "letters of the surname swapped"),
        ({"surname": "de Harn"}, "one letter of the surname differs"),
        ({"surname": "de Haag"}, "one letter of the surname differs"),
        ({"surname": "de Haan-Smit"}, "one of them has a further name (a partner's)"),
        ({"surname": "Bakker"}, "another surname"),
        ({"initials": "P."}, "another initial"),
        ({"birth_date": date(1980, 3, 4)}, "birth date day and month swapped"),
        ({"birth_date": date(1990, 4, 3)}, "one digit of the birth date differs"),
        ({"birth_date": date(1951, 11, 20)}, "another birth date"),
        ({"birth_date": None}, "the birth date is known of one only"),
        ({"addition": ""}, "one lacks the addition to the house number"),
        ({"addition": "3"}, "another addition to the house number"),
        ({"postcode": "6789 AC"}, "other letters in the postcode"),
        ({"house_number": "", "street": ""}, "the address is known of one only"),
        (ELSEWHERE, "another address (moved)"),
        ({"phone": "0631904482"}, "another telephone number"),
        ({"email": "k@voorbeeld.nl"}, "another e-mail address"),
    ],
)
def test_each_difference_has_its_words(changes: dict[str, Any], words: str) -> None:
    assert different(**changes) == (words,)
    assert explain(contact(**changes), contact(), "en").different == (words,)


def test_dutch_says_as_much() -> None:
    assert different("nl", addition="", phone="0631904482") == (
        "de toevoeging bij het huisnummer ontbreekt bij één",
        "een ander telefoonnummer",
    )


def test_birth_dates_that_differ_undo_what_a_parent_and_a_child_share() -> None:
    bare = {"phone": "", "email": ""}
    reasons = explain(contact(**bare), contact(birth_date=date(1951, 11, 20), **bare), "en")
    assert not reasons.joined
    assert reasons.same
    assert reasons.different == ("another birth date",)
    assert explain(contact(**bare), contact(birth_date=None, **bare), "en").joined


def test_strangers_share_nothing() -> None:
    other = contact(surname="Bakker", initials="K.", birth_date=None, phone="", email="", **ELSEWHERE)
    reasons = explain(contact(), other, "nl")
    assert not reasons.joined
    assert not reasons.same


def test_words_hold_nothing_of_the_contact() -> None:
    other = contact(surname="Bakker", birth_date=date(1980, 3, 4), **ELSEWHERE)
    for lang in ("nl", "en"):
        reasons = explain(contact(), other, lang)
        told = " ".join((*reasons.same, *reasons.different)).casefold()
        assert not any(str(value).casefold() in told for value in ONE.values() if len(str(value)) > 2)
