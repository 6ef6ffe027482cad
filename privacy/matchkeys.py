"""Match keys, scheme v1.hmac: keyed pseudonyms that meet where two creditors mean the same person or the same home.

Made at the creditor (or at the desk), under the pilot key, which the service never has. `docs/match-keys.md` lists the
kinds with the reason for each and has worked examples; a change here that changes a key is another scheme.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from privacy.framing import framed
from privacy.identity import Contact
from privacy.normalise.contacts import MOBILE
from privacy.normalise.people import Person, normalise
from privacy.normalise.text import CACHE
from signals.report import NOT_KEYED, MatchKeys

SCHEME = "v1.hmac"
STRONG_KEYS = 6  # per report, whatever is known: the number of keys tells nothing
WEAK_KEYS = 6
KEY_BYTES = 16
PILOT_KEY_BYTES = 32
_KEY_LENGTH = (2 * KEY_BYTES).to_bytes(4, "big")  # as `framed` writes it before a key in hexadecimal
_PLACES = ("dwelling", "street-dwelling", "building")
_END_LETTERS = 3  # of a surname: a typing error spoils its beginning or its end, seldom both
_FULL_POSTCODE = 6

Key = tuple[str, bytes]  # the kind; its values, framed


def match_keys(
    pilot_key: bytes, contacts: Sequence[Contact], epoch: int = 1, *, fill: Callable[[int], bytes] = os.urandom
) -> MatchKeys:
    """Make the match keys of one report; the arguments and errors are those of KeyMaker."""
    return KeyMaker(pilot_key, epoch, fill=fill).made(contacts).as_model()


def strong_combinations(person: Person) -> tuple[Key, ...]:
    """What the strong keys of a report about `person` are made of. For words, not keys."""
    return tuple(dict.fromkeys(_strong(_Values.of(person))))[:STRONG_KEYS]


def weak_combinations(person: Person) -> tuple[Key, ...]:
    """What the weak keys of a report about `person` are made of."""
    return tuple(dict.fromkeys(_weak(_Values.of(person))))[:WEAK_KEYS]


def district_key(pilot_key: bytes, postcode4: str) -> str:
    """Make the keyed code of a district, the four digits of its postcode: comparable within one pilot only.

    Raises:
        ValueError: the pilot key has another length, or `postcode4` isn't four digits.
    """
    return KeyMaker(pilot_key).district(postcode4)


class MadeKeys(NamedTuple):
    """The match keys of one report, before they are on the wire (signals.report.MatchKeys); lists are sorted."""

    dwelling: str
    street_dwelling: str
    building: str
    epoch: int
    has_addition: bool
    strong: list[str]
    weak: list[tuple[str, str | None]]  # the key and its veto token, which all have or none has

    def as_model(self) -> MatchKeys:
        """The same, as a model that was checked."""
        weak = [{"key": key, "birth": token} for key, token in self.weak]
        return MatchKeys.model_validate(self._asdict() | {"scheme": SCHEME, "weak": weak})

    def as_json(self) -> str:
        """What the model writes of itself, without the cost of making one: RFC 8785."""
        form = '{"birth":null,"key":"%s"}' if self.weak[0][1] is None else '{"birth":"%s","key":"%s"}'
        strong = '","'.join(self.strong)
        weak = ",".join([form % ((token, key) if token else key) for key, token in self.weak])
        return (
            f'{{"building":"{self.building}","dwelling":"{self.dwelling}","epoch":{self.epoch},'
            f'"hasAddition":{"true" if self.has_addition else "false"},"scheme":"{SCHEME}",'
            f'"streetDwelling":"{self.street_dwelling}","strong":["{strong}"],"weak":[{weak}]}}'
        )


def unkeyed() -> MadeKeys:
    """Match keys of somebody who has no pilot key: all of them random, so that they meet nothing and tell nothing."""
    weak = [(secrets.token_hex(KEY_BYTES), secrets.token_hex(KEY_BYTES)) for _ in range(WEAK_KEYS)]
    return MadeKeys(
        dwelling=secrets.token_hex(KEY_BYTES),
        street_dwelling=secrets.token_hex(KEY_BYTES),
        building=secrets.token_hex(KEY_BYTES),
        epoch=NOT_KEYED,
        has_addition=False,
        strong=sorted(secrets.token_hex(KEY_BYTES) for _ in range(STRONG_KEYS)),
        weak=[*sorted(weak)],
    )


class KeyMaker:
    """The pilot key at work on the reports of a delivery.

    A key is the HMAC-SHA-256 over scheme, kind and values, each behind its length; cut to 16 bytes.
    """

    def __init__(self, pilot_key: bytes, epoch: int = 1, *, fill: Callable[[int], bytes] = os.urandom) -> None:
        """Take up a pilot key.

        Args:
            pilot_key: 32 secret bytes that the pilot's creditors and desk share.
            epoch: of the pilot key.
            fill: gives that many random bytes; only tests have another.

        Raises:
            ValueError: the pilot key has another length.
        """
        if len(pilot_key) != PILOT_KEY_BYTES:
            raise ValueError(f"a pilot key has {PILOT_KEY_BYTES} bytes, this one {len(pilot_key)}")
        self._epoch, self._fill = epoch, fill
        self._keyed = HMAC(pilot_key, SHA256())  # copied for each key: half the work is done by then
        self._keyed.update(framed(SCHEME))
        self._districts: dict[str, str] = {}

    def made(self, contacts: Sequence[Contact]) -> MadeKeys:
        """Make the match keys of one report.

        Args:
            contacts: the resident in the creditor's spelling; several for repeated rows of one contract, whose keys are
                joined. Their order says nothing.

        Returns:
            STRONG_KEYS strong and WEAK_KEYS weak keys, each list sorted; where fewer are known, random ones fill up. An
            address that isn't known becomes a random key, which meets no other.

        Raises:
            ValueError: there is no contact.
        """
        if not contacts:
            raise ValueError("match keys need at least one contact")
        people = [normalise(contact) for contact in contacts]
        if len(people) > 1:
            people = sorted(set(people), key=_fullest_first)
        values = [_Values.of(person) for person in people]
        strong = list(dict.fromkeys([key for each in values for key in _strong(each)]))
        weak = list(dict.fromkeys([key for each in values for key in _weak(each)]))
        if len(people) > 1:  # where there are too many, the best kinds stay
            strong.sort(key=lambda key: key[0])
            weak.sort(key=lambda key: key[0])
        del strong[STRONG_KEYS:], weak[WEAK_KEYS:]

        places = [place for place in zip(_PLACES, values[0].places(), strict=True) if place[1]]
        keys = self._keys([_framed(kind) + each for kind, each in chain(strong, weak, places)])
        strong_keys, weak_keys = keys[: len(strong)], keys[len(strong) : len(strong) + len(weak)]
        found = dict(zip([kind for kind, _ in places], keys[len(strong) + len(weak) :], strict=True))
        tokens: list[str | None] = []
        birth = next((each.birth for each in values if each.birth), b"")
        if birth:
            before = _framed("birth") + _KEY_LENGTH
            tokens += self._keys([before + key.encode() + birth for key in weak_keys])
        noise = self._noise(STRONG_KEYS - len(strong) + 2 * (WEAK_KEYS - len(weak)) + len(_PLACES) - len(places))
        strong_keys += islice(noise, STRONG_KEYS - len(strong))
        weak_keys += islice(noise, WEAK_KEYS - len(weak))
        # A filling key has a veto token like any other.
        tokens += islice(noise, WEAK_KEYS - len(weak)) if birth else repeat(None, WEAK_KEYS)
        strong_keys.sort()
        dwelling, street_dwelling, building = [found.get(kind) or next(noise) for kind in _PLACES]
        return MadeKeys(
            dwelling,
            street_dwelling,
            building,
            self._epoch,
            has_addition=bool(people[0].address.addition),
            strong=strong_keys,
            weak=sorted(zip(weak_keys, tokens, strict=True)),
        )

    def district(self, postcode4: str) -> str:
        """Make the keyed code of a district. Raises ValueError: `postcode4` isn't four digits."""
        made = self._districts.get(postcode4)
        if made is None:
            if len(postcode4) != 4 or not (postcode4.isascii() and postcode4.isdigit()):
                raise ValueError("a district is the four digits of a postcode")
            made = self._districts[postcode4] = self._keys([framed("district", postcode4)])[0]
        return made

    def _keys(self, texts: Iterable[bytes]) -> list[str]:
        # `hmac.digest` takes more than twice as long: it takes the key up anew each time.
        copied, made = self._keyed.copy, []
        for text in texts:
            keyed = copied()
            keyed.update(text)
            made.append(keyed.finalize().hex()[: 2 * KEY_BYTES])
        return made

    def _noise(self, number: int) -> Iterator[str]:
        text = self._fill(number * KEY_BYTES).hex()
        return iter([text[start : start + 2 * KEY_BYTES] for start in range(0, len(text), 2 * KEY_BYTES)])


@lru_cache(CACHE)
def _framed(part: str) -> bytes:
    """Frame one part: `framed(a, b)` is `framed(a) + framed(b)`, and kinds, initials and postcodes come back."""
    raw = part.encode()
    return len(raw).to_bytes(4, "big") + raw


class _Values(NamedTuple):
    """What the keys of a person are made of, each value framed once; b"" where a part is not known."""

    surnames: tuple[str, ...]  # not framed: keys hold parts of them
    anagrams: list[bytes]
    initial: bytes  # framed also where it is not known
    birth: bytes
    phone: bytes
    email: bytes
    mobile: bool
    building: bytes
    dwelling: bytes
    street_dwelling: bytes

    @classmethod
    def of(cls, person: Person) -> "_Values":
        """Frame the values of one person."""
        (surnames, initial), birth, (postcode, number, addition, street), phone, email = person
        building = dwelling = street_dwelling = b""
        if number and len(postcode) == _FULL_POSTCODE:
            building = _framed(postcode) + _framed(number)
            dwelling = building + _framed(addition)
        if number and street and postcode:
            street_dwelling = _framed(postcode[:4]) + _framed(street) + _framed(number) + _framed(addition)
        return cls(
            surnames,
            [_anagram(surname) for surname in surnames],
            _framed(initial),
            _framed(birth) if birth else b"",
            framed(phone) if phone else b"",
            framed(email) if email else b"",
            phone.startswith(MOBILE),
            building,
            dwelling,
            street_dwelling,
        )

    def places(self) -> tuple[bytes, bytes, bytes]:
        """The home, as `_PLACES` names it."""
        return self.dwelling, self.street_dwelling, self.building


def _strong(of: _Values) -> list[Key]:
    """Combinations that one person has: they join by themselves."""
    initial, birth = of.initial, of.birth
    keys: list[Key] = []
    if birth:
        keys += [("1-surname-initial-birth", anagram + initial + birth) for anagram in of.anagrams]
        if of.building:
            keys.append(("2-initial-birth-building", initial + birth + of.building))
        if of.mobile:  # a landline is a home's: twins share it
            keys.append(("3-mobile-birth", of.phone + birth))
        if of.email:
            keys.append(("4-email-birth", of.email + birth))
    return keys


def _weak(of: _Values) -> list[Key]:
    """Combinations that a parent and a child, or two strangers, may share: they join unless birth dates object."""
    initial, surnames = of.initial, of.surnames
    keys: list[Key] = []
    if of.building:
        keys += [("1-surname-initial-building", anagram + initial + of.building) for anagram in of.anagrams[:2]]
    if of.phone:
        keys.append(("2-phone-initial", of.phone + initial))
    if of.email:
        keys.append(("3-email-initial", of.email + initial))
    if surnames and of.dwelling:
        start, end = _framed(surnames[0][:_END_LETTERS]), _framed(surnames[-1][-_END_LETTERS:])
        keys.append(("4-surname-start-initial-dwelling", start + initial + of.dwelling))
        keys.append(("5-surname-end-initial-dwelling", end + initial + of.dwelling))
    if surnames and of.street_dwelling:
        keys.append(("6-surname-initial-street-dwelling", of.anagrams[0] + initial + of.street_dwelling))
    return keys


@lru_cache(CACHE)
def _anagram(surname: str) -> bytes:
    """Frame the letters of a surname in alphabetical order: two that changed places don't matter."""
    return framed("".join(sorted(surname)))


def _fullest_first(person: Person) -> tuple[object, ...]:
    address = person.address
    return (-len(address.postcode), not address.addition, not address.street, not person.birth, tuple(person))
