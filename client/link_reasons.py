"""Why two reports were linked, in words: what they share and how they differ, told from the two opened contacts.

It is worked out at the desk (or at a creditor about its own rows) and needs no key: two match keys are equal when the
kind and the values below them are. The words name no detail's content, so that they can stand in a list or a decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from privacy.identity import Contact
from privacy.matchkeys import kind_of, strong_combinations, weak_combinations
from privacy.normalise.people import Person, normalise

Lang = Literal["nl", "en"]
Said = tuple[str, str]  # Dutch, English

# What the values of a kind of match key are; docs/match-keys.md lists the kinds.
COMBINATIONS: dict[str, Said] = {
    "1-surname-initial-birth": (
        "dezelfde achternaam, voorletter en geboortedatum",
        "same surname, initial and birth date",
    ),
    "2-initial-birth-building": (
        "dezelfde voorletter en geboortedatum in hetzelfde pand",
        "same initial and birth date in one building",
    ),
    "2-phone-initial": ("hetzelfde telefoonnummer en dezelfde voorletter", "same telephone number and initial"),
    "3-email-initial": ("hetzelfde e-mailadres en dezelfde voorletter", "same e-mail address and initial"),
    "3-mobile-birth": (
        "hetzelfde mobiele nummer en dezelfde geboortedatum",
        "same mobile number and birth date",
    ),
    "4-email-birth": ("hetzelfde e-mailadres en dezelfde geboortedatum", "same e-mail address and birth date"),
    "1-surname-initial-building": (
        "dezelfde achternaam en voorletter in hetzelfde pand",
        "same surname and initial in one building",
    ),
    "4-surname-start-initial-dwelling": (
        "hetzelfde begin van de achternaam en dezelfde voorletter in één woning",
        "same beginning of the surname and same initial in one dwelling",
    ),
    "5-surname-end-initial-dwelling": (
        "hetzelfde einde van de achternaam en dezelfde voorletter in één woning",
        "same end of the surname and same initial in one dwelling",
    ),
    "6-surname-initial-street-dwelling": (
        "dezelfde achternaam en voorletter op één adres, de postcodeletters niet meegeteld",
        "same surname and initial at one address, the letters of the postcode left out",
    ),
}


@dataclass(frozen=True, slots=True)
class Reasons:
    """What two contacts share and how they differ, in words of one language.

    Attributes:
        same: each combination that both have, the surest first. Of those that a parent and a child may share, only
            when there are no others.
        different: each detail that is not the same, and how; empty when nothing differs.
        joined: whether what they share joins them by itself. Where it does not, they are one person only through other
            reports, or not at all: two known birth dates that differ undo all but the surest combinations.
    """

    same: tuple[str, ...]
    different: tuple[str, ...]
    joined: bool

    @property
    def fit(self) -> tuple[bool, int, int]:
        """How well the two fit; the greater, the better."""
        return self.joined, len(self.same), -len(self.different)

    @property
    def told(self) -> str:
        """The surest of what they share, and all that differs."""
        return "; ".join((*self.same[:1], *self.different))


def explain(one: Contact, other: Contact, lang: Lang) -> Reasons:
    """Say why the reports of these two contacts are, or are not, about one person; their order doesn't matter."""
    first, second = normalise(one), normalise(other)
    strong = _shared(strong_combinations(first), strong_combinations(second))
    weak = _shared(weak_combinations(first), weak_combinations(second))
    objected = bool(first.birth and second.birth and first.birth != second.birth)
    at = 0 if lang == "nl" else 1
    return Reasons(
        same=tuple(dict.fromkeys(COMBINATIONS[kind][at] for kind in strong or weak)),
        different=tuple(said[at] for said in _differences(one, other, first, second)),
        joined=bool(strong or (weak and not objected)),
    )


def _shared(ones: tuple[bytes, ...], others: tuple[bytes, ...]) -> list[str]:
    return sorted(set(map(kind_of, set(ones) & set(others))))


def _differences(one: Contact, other: Contact, first: Person, second: Person) -> Iterator[Said]:
    yield from _names(first, second)
    yield from _births(one, other, first, second)
    yield from _homes(first, second)
    if first.phone and second.phone and first.phone != second.phone:
        yield "een ander telefoonnummer", "another telephone number"
    if first.email and second.email and first.email != second.email:
        yield "een ander e-mailadres", "another e-mail address"


def _names(first: Person, second: Person) -> Iterator[Said]:
    ones, others = set(first.name.surnames), set(second.name.surnames)
    if ones and others and ones != others:
        if ones & others:
            yield "één heeft er een naam bij (van een partner)", "one of them has a further name (a partner's)"
        elif any(sorted(a) == sorted(b) for a in ones for b in others):
            yield "letters van de achternaam verwisseld", "letters of the surname swapped"
        elif any(_one_letter(a, b) for a in ones for b in others):
            yield "één letter van de achternaam verschilt", "one letter of the surname differs"
        else:
            yield "een andere achternaam", "another surname"
    if first.name.initial and second.name.initial and first.name.initial != second.name.initial:
        yield "een andere voorletter", "another initial"


def _births(one: Contact, other: Contact, first: Person, second: Person) -> Iterator[Said]:
    if not first.birth or not second.birth:
        if first.birth or second.birth:
            yield "de geboortedatum is maar bij één bekend", "the birth date is known of one only"
        else:
            yield "van geen van beide is de geboortedatum bekend", "the birth date is known of neither"
    elif first.birth != second.birth:
        if sum(a != b for a, b in zip(first.birth, second.birth, strict=True)) == 1:
            yield "één cijfer van de geboortedatum verschilt", "one digit of the birth date differs"
        else:
            yield "een andere geboortedatum", "another birth date"
    elif one.birth_date != other.birth_date:
        yield "dag en maand van de geboortedatum verwisseld", "birth date day and month swapped"


def _homes(first: Person, second: Person) -> Iterator[Said]:
    one, other = first.address, second.address
    if not (one.number and other.number):
        if one.number or other.number:
            yield "het adres is maar bij één bekend", "the address is known of one only"
    elif (one.postcode, one.number) == (other.postcode, other.number):
        if one.addition and other.addition and one.addition != other.addition:
            yield "een andere toevoeging bij het huisnummer", "another addition to the house number"
        elif one.addition != other.addition:
            yield "de toevoeging bij het huisnummer ontbreekt bij één", "one lacks the addition to the house number"
    elif (one.postcode[:4], one.number) == (other.postcode[:4], other.number) and one.street == other.street:
        yield "andere letters in de postcode", "other letters in the postcode"
    else:
        yield "een ander adres (verhuisd)", "another address (moved)"


def _one_letter(one: str, other: str) -> bool:
    """Whether one letter left out, put in or changed makes the one word the other."""
    short, long = sorted((one, other), key=len)
    at = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return len(long) - len(short) <= 1 and short[at + (len(short) == len(long)) :] == long[at + 1 :]
