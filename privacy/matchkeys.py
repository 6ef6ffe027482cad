"""Match keys, scheme v1.hmac: keyed pseudonyms that meet where two creditors mean the same person or the same home.

Made at the creditor (or at the desk), under the pilot key, which the service never has. `docs/match-keys.md` lists the
kinds with the reason for each and has worked examples; a change here that changes a key is another scheme.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
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
_SURNAME_INITIAL_BIRTH = framed("1-surname-initial-birth")
_INITIAL_BIRTH_BUILDING = framed("2-initial-birth-building")
_MOBILE_BIRTH = framed("3-mobile-birth")
_EMAIL_BIRTH = framed("4-email-birth")
_SURNAME_INITIAL_BUILDING = framed("1-surname-initial-building")
_PHONE_INITIAL = framed("2-phone-initial")
_EMAIL_INITIAL = framed("3-email-initial")
_START_INITIAL_DWELLING = framed("4-surname-start-initial-dwelling")
_END_INITIAL_DWELLING = framed("5-surname-end-initial-dwelling")
_SURNAME_INITIAL_STREET = framed("6-surname-initial-street-dwelling")
_DWELLING, _STREET_DWELLING, _BUILDING = framed("dwelling"), framed("street-dwelling"), framed("building")
_BIRTH = framed("birth") + (2 * KEY_BYTES).to_bytes(4, "big")  # and how long the key is that follows, in hexadecimal
_END_LETTERS = 3  # of a surname: a typing error spoils its beginning or its end, seldom both
_FULL_POSTCODE = 6


def match_keys(
    pilot_key: bytes, contacts: Sequence[Contact], epoch: int = 1, *, fill: Callable[[int], bytes] = os.urandom
) -> MatchKeys:
    """Make the match keys of one report; the arguments and errors are those of KeyMaker."""
    return KeyMaker(pilot_key, epoch, fill=fill).made(contacts).as_model()


def strong_combinations(person: Person) -> tuple[bytes, ...]:
    """What the strong keys of a report about `person` are made of. For words (`kind_of`), not keys."""
    return tuple(_Combinations.of(person).strong[:STRONG_KEYS])


def weak_combinations(person: Person) -> tuple[bytes, ...]:
    """What the weak keys of a report about `person` are made of."""
    return tuple(_Combinations.of(person).weak[:WEAK_KEYS])


def kind_of(combination: bytes) -> str:
    """The kind of a combination, as docs/match-keys.md lists them."""
    length = int.from_bytes(combination[:4], "big")
    return combination[4 : 4 + length].decode()


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
        strong, weak, birth, places = _Combinations.of(people[0])
        for person in people[1:]:
            further = _Combinations.of(person)
            strong, weak, birth = strong + further.strong, weak + further.weak, birth or further.birth
        if len(people) > 1:  # where there are too many, the best kinds stay
            strong, weak = (sorted(dict.fromkeys(each), key=kind_of) for each in (strong, weak))
        strong_keys, weak_keys = self._keys(strong[:STRONG_KEYS]), self._keys(weak[:WEAK_KEYS])
        tokens: list[str] = self._keys([_BIRTH + key.encode() + birth for key in weak_keys]) if birth else []
        homes = self._keys([place for place in places if place])

        more_strong, more_weak = STRONG_KEYS - len(strong_keys), WEAK_KEYS - len(weak_keys)
        noise = self._noise(more_strong + 2 * more_weak + len(places) - len(homes))
        strong_keys += noise[:more_strong]
        weak_keys += noise[more_strong : more_strong + more_weak]
        if birth:  # a filling key has a veto token like any other
            tokens += noise[more_strong + more_weak : more_strong + 2 * more_weak]
        if len(homes) < len(places):
            known = iter(homes)
            homes = [next(known) if place else noise.pop() for place in places]
        strong_keys.sort()
        dwelling, street_dwelling, building = homes
        return MadeKeys(
            dwelling,
            street_dwelling,
            building,
            self._epoch,
            bool(people[0].address.addition),
            strong_keys,
            sorted(zip(weak_keys, tokens, strict=True)) if birth else [(key, None) for key in sorted(weak_keys)],
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

    def _noise(self, number: int) -> list[str]:
        text = self._fill(number * KEY_BYTES).hex() if number else ""
        return [text[start : start + 2 * KEY_BYTES] for start in range(0, len(text), 2 * KEY_BYTES)]


class _Combinations(NamedTuple):
    """What the keys of a person are made of: texts to be keyed, each with its kind in front, all framed.

    Strong ones are what one person has: they join by themselves. Weak ones may be shared by a parent and a child, or by
    two strangers: they join unless birth dates object. `birth` and places are b"" where they are not known.
    """

    strong: list[bytes]
    weak: list[bytes]
    birth: bytes
    places: tuple[bytes, bytes, bytes]  # dwelling, dwelling by its street, building

    @classmethod
    def of(cls, person: Person) -> "_Combinations":
        """Combine what is known of one person."""
        (surnames, initial), birth, (postcode, number, addition, street), phone, email = person
        anagrams = [_anagram(surname) for surname in surnames]
        initial_, birth_ = _framed(initial), _framed(birth) if birth else b""  # an initial also where it is not known
        phone_, email_ = framed(phone) if phone else b"", framed(email) if email else b""
        building = dwelling = street_dwelling = b""
        if number and postcode:
            number_, addition_ = _framed(number), _framed(addition)
            if len(postcode) == _FULL_POSTCODE:
                building = _framed(postcode) + number_
                dwelling = building + addition_
            if street:
                street_dwelling = _framed(postcode[:4]) + _framed(street) + number_ + addition_

        strong = _strong(anagrams, initial_, birth_, building, phone_ if phone.startswith(MOBILE) else b"", email_)
        weak = _weak(anagrams, initial_, building, phone_, email_)
        if surnames and dwelling:
            weak.append(_START_INITIAL_DWELLING + _framed(surnames[0][:_END_LETTERS]) + initial_ + dwelling)
            weak.append(_END_INITIAL_DWELLING + _framed(surnames[-1][-_END_LETTERS:]) + initial_ + dwelling)
        if surnames and street_dwelling:
            weak.append(_SURNAME_INITIAL_STREET + anagrams[0] + initial_ + street_dwelling)
        if len(surnames) > 1:  # two may have the same letters
            strong, weak = list(dict.fromkeys(strong)), list(dict.fromkeys(weak))
        places = (
            dwelling and _DWELLING + dwelling,
            street_dwelling and _STREET_DWELLING + street_dwelling,
            building and _BUILDING + building,
        )
        return cls(strong, weak, birth_, places)


def _strong(
    anagrams: Sequence[bytes], initial: bytes, birth: bytes, building: bytes, mobile: bytes, email: bytes
) -> list[bytes]:
    if not birth:
        return []
    made = [_SURNAME_INITIAL_BIRTH + anagram + initial + birth for anagram in anagrams]
    if building:
        made.append(_INITIAL_BIRTH_BUILDING + initial + birth + building)
    if mobile:  # and no landline: that is a home's, which twins share
        made.append(_MOBILE_BIRTH + mobile + birth)
    if email:
        made.append(_EMAIL_BIRTH + email + birth)
    return made


def _weak(anagrams: Sequence[bytes], initial: bytes, building: bytes, phone: bytes, email: bytes) -> list[bytes]:
    made = []
    if building:
        made += [_SURNAME_INITIAL_BUILDING + anagram + initial + building for anagram in anagrams[:2]]
    if phone:
        made.append(_PHONE_INITIAL + phone + initial)
    if email:
        made.append(_EMAIL_INITIAL + email + initial)
    return made


@lru_cache(CACHE)
def _framed(part: str) -> bytes:
    """Frame one part: `framed(a, b)` is `framed(a) + framed(b)`, and initials, postcodes and numbers come back."""
    raw = part.encode()
    return len(raw).to_bytes(4, "big") + raw


@lru_cache(CACHE)
def _anagram(surname: str) -> bytes:
    """Frame the letters of a surname in alphabetical order: two that changed places don't matter."""
    return framed("".join(sorted(surname)))


def _fullest_first(person: Person) -> tuple[object, ...]:
    address = person.address
    return (-len(address.postcode), not address.addition, not address.street, not person.birth, tuple(person))
