"""Match keys, scheme v1.hmac: keyed pseudonyms that meet where two creditors mean the same person or the same home.

Made at the creditor (or at the desk), under the pilot key, which the service never has. `docs/match-keys.md` lists the
kinds with the reason for each and has worked examples; a change here that changes a key is another scheme.
"""

import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter

from privacy.framing import framed
from privacy.identity import Contact
from privacy.normalise.people import Person, normalise
from privacy.normalise.text import CACHE
from signals.report import NOT_KEYED, MatchKeys, WeakKey

SCHEME = "v1.hmac"
STRONG_KEYS = 6  # per report, whatever is known: the number of keys tells nothing
WEAK_KEYS = 6
KEY_BYTES = 16
PILOT_KEY_BYTES = 32
_END_LETTERS = 3  # of a surname: a typing error spoils its beginning or its end, seldom both
_FULL_POSTCODE = 6

Key = tuple[str, ...]  # kind, then the values


def match_keys(
    pilot_key: bytes, contacts: Sequence[Contact], epoch: int = 1, *, fill: Callable[[int], bytes] = os.urandom
) -> MatchKeys:
    """Make the match keys of one report.

    Args:
        pilot_key: 32 secret bytes that the pilot's creditors and desk share.
        contacts: the resident in the creditor's spelling; several for repeated rows of one contract, whose keys are
            joined. Their order says nothing.
        epoch: of the pilot key.
        fill: gives that many random bytes; only tests have another.

    Returns:
        STRONG_KEYS strong and WEAK_KEYS weak keys, each list sorted; where fewer are known, random ones fill up. An
        address that isn't known becomes a random key, which meets no other.

    Raises:
        ValueError: the pilot key has another length, or there is no contact.
    """
    if len(pilot_key) != PILOT_KEY_BYTES:
        raise ValueError(f"a pilot key has {PILOT_KEY_BYTES} bytes, this one {len(pilot_key)}")
    if not contacts:
        raise ValueError("match keys need at least one contact")
    people = [normalise(contact) for contact in contacts]
    if len(people) > 1:
        people = sorted(set(people), key=_fullest_first)
    birth = next((person.birth for person in people if person.birth), "")
    strong = list(dict.fromkeys(key for person in people for key in _strong(person)))
    weak = list(dict.fromkeys(key for person in people for key in _weak(person)))
    if len(people) > 1:  # where there are too many, the best kinds stay
        strong.sort(key=lambda key: key[0])
        weak.sort(key=lambda key: key[0])

    secret = _Secret(pilot_key)
    known = [secret.key(*key) for key in weak[:WEAK_KEYS]]
    noise = _noise(fill, STRONG_KEYS + 2 * WEAK_KEYS + 3)  # a filling key has a veto token like any other
    weak_keys = [(key, secret.key("birth", key, birth) if birth else None) for key in known]
    weak_keys += [(next(noise), next(noise) if birth else None) for _ in range(WEAK_KEYS - len(known))]
    strong_keys = [secret.key(*key) for key in strong[:STRONG_KEYS]]
    strong_keys += [next(noise) for _ in range(STRONG_KEYS - len(strong_keys))]
    dwelling, street_dwelling, building = _places(people[0])
    return MatchKeys.model_validate(
        {
            "scheme": SCHEME,
            "epoch": epoch,
            "strong": sorted(strong_keys),
            "weak": [{"key": key, "birth": token} for key, token in sorted(weak_keys, key=itemgetter(0))],
            "dwelling": secret.key("dwelling", *dwelling) if dwelling else next(noise),
            "street_dwelling": secret.key("street-dwelling", *street_dwelling) if street_dwelling else next(noise),
            "building": secret.key("building", *building) if building else next(noise),
            "has_addition": bool(people[0].address.addition),
        }
    )


def unkeyed() -> MatchKeys:
    """Match keys of somebody who has no pilot key: all of them random, so that they meet nothing and tell nothing."""
    noise = _noise(os.urandom, STRONG_KEYS + 2 * WEAK_KEYS + 3)
    return MatchKeys(
        building=next(noise),
        dwelling=next(noise),
        epoch=NOT_KEYED,
        has_addition=False,
        street_dwelling=next(noise),
        strong=tuple(sorted(next(noise) for _ in range(STRONG_KEYS))),
        weak=tuple(
            sorted((WeakKey(key=next(noise), birth=next(noise)) for _ in range(WEAK_KEYS)), key=attrgetter("key"))
        ),
    )


def district_key(pilot_key: bytes, postcode4: str) -> str:
    """Make the keyed code of a district, the four digits of its postcode: comparable within one pilot only.

    Raises:
        ValueError: the pilot key has another length, or `postcode4` isn't four digits.
    """
    if len(pilot_key) != PILOT_KEY_BYTES:
        raise ValueError(f"a pilot key has {PILOT_KEY_BYTES} bytes, this one {len(pilot_key)}")
    if len(postcode4) != 4 or not (postcode4.isascii() and postcode4.isdigit()):
        raise ValueError("a district is the four digits of a postcode")
    return _Secret(pilot_key).key("district", postcode4)


class _Secret:
    """The pilot key at work: HMAC-SHA-256 over scheme, kind and values, each behind its length; cut to 16 bytes."""

    def __init__(self, pilot_key: bytes) -> None:
        self._key, self._scheme = pilot_key, framed(SCHEME)

    def key(self, *kind_and_values: str) -> str:
        text = self._scheme + b"".join(map(_framed, kind_and_values))
        return hmac.digest(self._key, text, "sha256")[:KEY_BYTES].hex()


@lru_cache(CACHE)
def _framed(part: str) -> bytes:
    """Frame one part: `framed(a, b)` is `framed(a) + framed(b)`, and kinds, initials and postcodes come back."""
    return framed(part)


def _noise(fill: Callable[[int], bytes], number: int) -> Iterator[str]:
    text = fill(number * KEY_BYTES).hex()
    return (text[start : start + 2 * KEY_BYTES] for start in range(0, len(text), 2 * KEY_BYTES))


def _strong(person: Person) -> Iterator[Key]:
    """Combinations that one person has: they join by themselves."""
    initial, birth = person.name.initial, person.birth
    if birth:
        for surname in person.name.surnames:
            yield "1-surname-initial-birth", _anagram(surname), initial, birth
        if building := _building(person):
            yield "2-initial-birth-building", initial, birth, *building
    if person.phone:
        yield "3-phone-initial", person.phone, initial
    if person.email:
        yield "4-email-initial", person.email, initial


def _weak(person: Person) -> Iterator[Key]:
    """Combinations that a parent and a child, or two strangers, may share: they join unless birth dates object."""
    initial, surnames = person.name.initial, person.name.surnames
    if not surnames:
        return
    dwelling, street_dwelling, building = _places(person)
    if building:
        for surname in surnames[:2]:
            yield "1-surname-initial-building", _anagram(surname), initial, *building
    if dwelling:
        yield "2-surname-start-initial-dwelling", surnames[0][:_END_LETTERS], initial, *dwelling
        yield "3-surname-end-initial-dwelling", surnames[-1][-_END_LETTERS:], initial, *dwelling
    if street_dwelling:
        for surname in surnames[:2]:
            yield "4-surname-initial-street-dwelling", _anagram(surname), initial, *street_dwelling


def _anagram(surname: str) -> str:
    """Give the letters of a surname in alphabetical order: two that changed places don't matter."""
    return "".join(sorted(surname))


def _places(person: Person) -> tuple[Key | None, Key | None, Key | None]:
    """Give the dwelling, the dwelling by street and the building, each as far as it is known."""
    postcode, number, addition, street = person.address
    building = _building(person)
    dwelling = (*building, addition) if building else None
    return dwelling, (postcode[:4], street, number, addition) if postcode and street and number else None, building


def _building(person: Person) -> Key | None:
    postcode, number, _, _ = person.address
    return (postcode, number) if number and len(postcode) == _FULL_POSTCODE else None


def _fullest_first(person: Person) -> tuple[object, ...]:
    address = person.address
    return (-len(address.postcode), not address.addition, not address.street, not person.birth, tuple(person))
