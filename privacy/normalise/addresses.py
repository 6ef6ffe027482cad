"""Addresses: postcode, number, addition and street of a home read the same in every creditor's spelling.

Classes (all that a line names gets one form):
- postcode: "6789CA", "6789 ca", "6789  CA", "NL-6789CA"; in its own column or behind the street;
- number: "37", "00037", "nr. 37"; with the addition in one column, or both behind the street;
- addition: see additions.py;
- street: case, diacritics, dots, spaces, hyphens and sound (sounds.py); "str.", "ln", "pln", "wg" ...; "1e", "1ste" and
  "eerste"; titles ("Ds.", "Dominee", "Prinses"), initials and infixes count for nothing;
- a post-office box is nobody's home: no address at all.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from privacy.identity import Contact
from privacy.normalise.additions import normalise_addition
from privacy.normalise.names import INFIXES
from privacy.normalise.sounds import sound
from privacy.normalise.text import CACHE, plain, word_set

_POSTCODE = re.compile(r"(?<![0-9])([1-9][0-9]{3})\s*-?\s*([A-Za-z]{2})(?![A-Za-z])")
_DIGITS = re.compile(r"(?<![0-9])([1-9][0-9]{3})(?![0-9])")
_NUMBER = re.compile(r"\s*(?:nr|no|#)?[.\s]*0*([1-9][0-9]{0,4})(?![0-9])(.*)", re.DOTALL | re.IGNORECASE)
# A number in front belongs to the street ("1e Dwarsstraat"), and so does a year with another number behind it
# ("Plein 1944 19", "Laan 1940-1945 12").
_STREET_AND_NUMBER = re.compile(
    r"((?:.*?\b(?:plein|laan|straat|weg|park|hof|kade|singel)\s+1[5-9][0-9]{2}(?:\s*-\s*1[5-9][0-9]{2})?"
    r"(?=\s+0*[1-9])|.*?[A-Za-z]{2})[^0-9]*)"
    r"(?<![0-9])0*([1-9][0-9]{0,4})(?![0-9])(.*)",
    re.DOTALL | re.IGNORECASE,
)
_TITLES = word_set(
    "admiraal adm baron barones burgemeester burg bgm burgem dokter doctor dr dominee ds drs freule generaal gen "
    "graaf gravin hertog hertogin ing ingenieur ir jhr jonker jonkheer jonkvrouw kapelaan kap kapitein kardinaal "
    "kard  kolonel kol koning koningin kon luitenant lt meester mr mgr monseigneur minister min pastoor past "
    "pater president pres  prins prinses pr prof professor rector sint st sinte weth wethouder zr zuster"
)
_WORDS = {
    **dict.fromkeys(("1e", "1ste"), "eerste"),
    **dict.fromkeys(("2e", "2de"), "tweede"),
    **dict.fromkeys(("3e", "3de"), "derde"),
    **dict.fromkeys(("4e", "4de"), "vierde"),
    **dict.fromkeys(("5e", "5de"), "vijfde"),
    **dict.fromkeys(("nw", "nwe"), "nieuwe"),
    "oz": "oudezijds",
    "nz": "nieuwezijds",
    "gr": "grote",
    "kl": "kleine",
    "lg": "lange",
}
_ENDINGS = tuple(
    (re.compile(f"(?:{short})$"), full)
    for short, full in (
        ("dw(?:ars)?str", "dwarsstraat"),
        ("str[at]?|stra", "straat"),
        ("plnts", "plantsoen"),
        ("pln", "plein"),
        ("ln", "laan"),
        ("wg", "weg"),
        ("si?n?gl", "singel"),
        ("gra?cht", "gracht"),
        ("blvd?|boul", "boulevard"),
        ("kd", "kade"),
        ("hf", "hof"),
        ("pd", "pad"),
    )
)


class Address(NamedTuple):
    """A home as match keys use it; what the creditor doesn't know is ""."""

    postcode: str  # "6789ca", or the digits alone
    number: str  # "37"
    addition: str  # "c"
    street: str  # sound class of the name

    def __repr__(self) -> str:
        """Give nobody away."""
        return f"Address(<{sum(map(bool, self))} parts>)"


NOWHERE = Address("", "", "", "")


def normalise_address(contact: Contact) -> Address:
    """Read the address of `contact`, whole or in parts. Nothing is refused: what can't be read stays empty."""
    postcode, number, addition, street = address_parts(contact)
    return Address(postcode, number, normalise_addition(addition), normalise_street(street))


def address_parts(contact: Contact) -> Address:
    """The address with postcode and number read, and addition and street as the creditor wrote them."""
    postcode = _postcode(contact.postcode)
    if contact.street or contact.house_number:
        street = contact.street
        behind = f"{contact.house_number} {contact.letter} {contact.addition}"
        number, rest = _number(behind)
        if not number:  # the street's column holds it all
            street, number, rest = _split(f"{street} {behind}")
    else:
        line, found = _without_postcode(contact.address, postcode)
        street, number, rest = _split(line)
        postcode = postcode or found
    if street.lower().startswith("postbus"):
        return NOWHERE
    return Address(postcode, number, rest, street)


@lru_cache(CACHE)
def _postcode(text: str) -> str:
    found = _POSTCODE.search(text) or _DIGITS.search(text)
    return "".join(found.groups()).lower() if found else ""


def _without_postcode(address: str, known: str) -> tuple[str, str]:
    """Cut the last postcode, and what stands behind it, from `address`; `known` is one from a column of its own."""
    found = [match for match in _POSTCODE.finditer(address) if not known or match[1] == known[:4]]
    if not found:
        return address, ""
    before, behind = address[: found[-1].start()].strip(" ,;"), address[found[-1].end() :].strip(" ,;")
    return before or behind, f"{found[-1][1]}{found[-1][2]}".lower()


@lru_cache(CACHE)
def _split(line: str) -> tuple[str, str, str]:
    line = line.strip(" ,;")
    if found := _STREET_AND_NUMBER.fullmatch(line):
        return found[1], found[2], found[3].partition(",")[0]
    return (line, *_number(line)) if line[:1].isalpha() else ("", *_number(line))


@lru_cache(CACHE)
def _number(text: str) -> tuple[str, str]:
    found = _NUMBER.fullmatch(text)
    return (found[1], found[2]) if found else ("", "")


@lru_cache(CACHE)
def normalise_street(name: str) -> str:
    """Give the class of a street's name; "" when there is none."""
    text = re.sub(r"\b([on])\.? ?z\.?(?= )", r"\1z", plain(name).lower().replace("'", ""))
    words = [_WORDS.get(word, word) for word in re.findall("[a-z0-9]+", text)]
    kept = [word for word in words if word not in _TITLES and word not in INFIXES and (len(word) > 1 or word.isdigit())]
    joined = "".join(kept or words)
    for ending, full in _ENDINGS:
        if ending.search(joined):
            joined = ending.sub(full, joined)
            break
    return sound(joined)
