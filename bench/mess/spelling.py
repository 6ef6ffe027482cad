"""How clerks and ledgers spell one thing in many ways, and get it wrong."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from random import Random

from bench.mess import words
from bench.mess.town import Home, Person

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_DUTCH_MONTHS = ("jan.", "feb.", "mrt.", "apr.", "mei", "juni", "juli", "aug.", "sept.", "okt.", "nov.", "dec.")
_WRITTEN_OUT = {ord(letter): written for letter, written in (("ü", "ue"), ("ö", "oe"), ("ä", "ae"), ("ø", "oe"))}
_ROMAN = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII"]


def typed(chance: Random, word: str, rate: float) -> str:
    """The word, or at this rate with a letter lost, doubled, swapped with its neighbour, or hit beside."""
    letters = [at for at, sign in enumerate(word) if sign.isalpha()]
    if chance.random() >= rate or len(letters) < 4:
        return word
    at = chance.choice(letters[1:-1])
    match chance.choice(("lost", "doubled", "swapped", "beside")):
        case "lost":
            return word[:at] + word[at + 1 :]
        case "doubled":
            return word[: at + 1] + word[at:]
        case "swapped":
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    row = next((row for row in _KEYBOARD if word[at].lower() in row), "")
    near = row[max(0, (here := row.find(word[at].lower())) - 1) : here] + row[here + 1 : here + 2]
    return word[:at] + (chance.choice(near) if near else word[at]) + word[at + 1 :]


def letters(chance: Random, text: str) -> str:
    """Diacritics as they are, stripped, written out, read in the wrong encoding, or lost."""
    if text.isascii():
        return text
    how = chance.random()
    if how < 0.45:
        return text
    if how < 0.85:
        return _stripped(text)
    if how < 0.92:
        return _stripped(text.translate(_WRITTEN_OUT))
    try:
        return text.encode().decode("cp1252")
    except UnicodeDecodeError:
        return _stripped(text)


def _stripped(text: str) -> str:
    text = text.translate(str.maketrans("łŁıİøØ", "lLiIoO"))
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def infix(chance: Random, text: str) -> str:
    """An infix as it is, short, in capitals, or left out."""
    if not text:
        return ""
    how, plain = chance.random(), text.lower()
    if how < 0.12:
        return ""
    if how < 0.24:
        return text.title()
    if how < 0.5 and " " in plain and "'" not in plain:
        first, last = plain.split(" ")[0], plain.split(" ")[-1]
        return chance.choice(
            (f"{first[0]}.{last[0]}.", f"{first[0]}/{last[0]}", f"{first[0]}{last[0]}", f"{first[0]}. {last}")
        )
    if how < 0.5 and "'t" in plain:
        return chance.choice(
            (plain.replace("'t", "t"), plain.replace(" '", "'"), plain.replace("'t", "het"), plain.replace("'", "’"))
        )
    return text


def initials(chance: Random, person: Person) -> str:
    """All or the first of the passport names, with dots, without, or with spaces."""
    firsts = [_stripped(spellings[0])[0] for spellings in person.given]
    firsts = firsts if chance.random() < 0.8 else firsts[:1]
    return _joined(chance, firsts)


def _joined(chance: Random, firsts: Sequence[str]) -> str:
    between, behind = chance.choice(((".", "."), ("", ""), (" ", ""), (". ", "."), (".", ".")))
    return between.join(firsts) + behind


def first_name(chance: Random, person: Person) -> str:
    """A passport name or the one in daily use, in one of its spellings."""
    spellings = person.daily if chance.random() < 0.35 else person.given[0]
    return typed(chance, letters(chance, chance.choice(spellings)), 0.02)


def surname(chance: Random, person: Person) -> tuple[str, str]:
    """Infix and surname: one's own, the partner's, or both in either order."""
    before, spellings = person.infix, person.surname
    own = (infix(chance, before), _spelt(chance, spellings))
    if person.partner is None:
        return own
    partner = (infix(chance, person.partner[0]), _spelt(chance, person.partner[1]))
    how = chance.random()
    if how < 0.3:
        return own
    if how < 0.45:
        return partner
    front, back = (partner, own) if how < 0.85 else (own, partner)
    between = chance.choice(("-", "-", " - ", " e/v ", "/")) if how < 0.85 or chance.random() < 0.5 else " geb. "
    return front[0], f"{front[1]}{between}{' '.join(filter(None, back))}"


def _spelt(chance: Random, spellings: Sequence[str]) -> str:
    name = spellings[0] if chance.random() < 0.75 else chance.choice(spellings)
    name = typed(chance, letters(chance, name), 0.05)
    if chance.random() < 0.04:
        name = name.replace(" ", "-") if " " in name else name.lower()
    return name.upper() if chance.random() < 0.05 else name


_HERS: tuple[str, ...] = ("Mevr.", "Mw.", "mevrouw", "Mevr. dr.", "Mw. drs.", "Mej.")
_HIS: tuple[str, ...] = ("Dhr.", "De heer", "dhr", "De heer ir.", "Hr.")


def title(chance: Random, person: Person) -> str:
    """A form of address, or none."""
    if chance.random() < 0.6:
        return ""
    theirs = _HERS if person.sex else _HIS
    return chance.choice((*theirs, "Fam.", "Familie"))


def street(chance: Random, name: str) -> str:
    """A street's name as it is, or with a part shortened or misspelt."""
    if chance.random() < 0.45:
        for long, short in chance.sample(words.SHORT_STREET, k=8):
            if long in name:
                name = name.replace(long, short, 1)
                break
    name = typed(chance, name, 0.03)
    return name.upper() if chance.random() < 0.06 else name


def addition(chance: Random, home: Home) -> str:
    """One of the many ways in which what follows the house number is written."""
    if not home.part:
        return ""
    if home.kind == "floor":
        return _floor(chance, home.part)
    if home.kind == "letter-floor":
        letter, _, floor = home.part.partition(" ")
        return letter + chance.choice(("-", "", " ")) + _floor_behind_letter(chance, floor)
    ways = _WAYS[home.kind]
    return chance.choice(ways).format(home.part, home.part.upper(), home.part.lower(), other=home.number + 2)


_WAYS = {  # {0}: the part, {1} in capitals, {2} in small letters; {other}: a further number
    "letter": ("{0}", "{2}", "-{0}", " {0}", "/{0}"),
    "colour": ("{0}", "{1}", "-{0}", " {0}"),
    "bis": ("{0}", "{1}", "-{0}"),
    "flat": ("{0}", "-{0}", " {0}", "app. {0}", "appt. {0}", "ap {0}", "/{0}", "0{0}"),
    "room": ("kamer {0}", "K{0}", "kmr. {0}", " k. {0}", "-{0}", " {0}"),
    "facing": ("to", "t/o", "T.O.", "t.o.", " to"),
    "range": (" t/m {other}", "-{other}", "", " - {other}", " tm {other}"),
}
_ROMAN_OR_HIGH = [
    "{r}",
    "{n}",
    "-{n}",
    "{n}hoog",
    "{n}-hoog",
    "{n}e verd.",
    "{n}e verdieping",
    "{n} hg",
    "-{r}",
    "/{n}",
    "{n}e et.",
    "{n}e",
    "{n}-h",
]
_GROUND = ["hs", "HS", "huis", "-hs", "bg", "beg.gr.", "begane grond", "H", "/hs", "bgg"]


def _floor(chance: Random, part: str) -> str:
    if part == "hs":
        return chance.choice(_GROUND)
    return chance.choice(_ROMAN_OR_HIGH).format(n=part, r=_ROMAN[int(part)])


def _floor_behind_letter(chance: Random, part: str) -> str:
    if part == "hs":
        return chance.choice(_GROUND[:4])
    return chance.choice((_ROMAN[int(part)], part, f"{part}hoog"))


def postcode(chance: Random, text: str) -> str:
    """A postcode, now and then with a wrong letter or none."""
    how = chance.random()
    if how < 0.015:
        text = text[:5] + chance.choice("ABCDEFGHJ")
    if 0.015 <= how < 0.025:
        return ""
    return chance.choice(
        (text, f"{text[:4]} {text[4:]}", f"{text[:4]} {text[4:]}", text.lower(), f"{text[:4]}  {text[4:]}")
    )


def born(chance: Random, when: date, written: Callable[[date], object]) -> object:
    """A birth date: right, missing, a stand-in, day and month swapped, or a digit wrong."""
    how = chance.random()
    if how < 0.05:
        return ""
    if how < 0.08:
        return written(chance.choice((date(1900, 1, 1), date(1900, 1, 1), date(1970, 1, 1), date(1911, 11, 11))))
    if how < 0.11 and when.day <= 12:
        return written(date(when.year, when.day, when.month))
    if how < 0.13:
        return written(date(when.year + chance.choice((-10, -1, 1, 10)), when.month, min(when.day, 28)))
    return written(when)


_PHONES = (
    *(
        "0{whole}",
        "0{front}-{back}",
        "0{front}-{pairs}",
        "+31{whole}",
        "+31 {front} {back}",
        "0031{whole}",
        "31{whole}",
    ),
    *("0031 {front} {pairs}", "(0{front}) {back}", "+31(0){front}-{back}", "0{front} {back}"),
)


def phone(chance: Random, number: str) -> str:
    """A telephone number (without its zero) as people write it."""
    if not number:
        return ""
    area = 1 if number.startswith("6") else 3 if number.startswith(("224", "317")) else 2
    front, back = number[:area], number[area:]
    pairs = " ".join(re.findall("..?", back))
    way = chance.choice(_PHONES)
    return way.format(whole=number, front=front, back=back, pairs=pairs)


def email(chance: Random, address: str) -> str:
    """An e-mail address in small or mixed letters, or with a plus."""
    if not address or chance.random() < 0.8:
        return address
    local, _, domain = address.partition("@")
    return chance.choice((address.upper(), f"{local.title()}@{domain}", f"{local}+woning@{domain}", f" {address} "))


def day_month_year(mark: str, digits: int = 4) -> Callable[[date], str]:
    """Day first, with this mark; `digits` of the year."""
    return lambda when: f"{when.day:02}{mark}{when.month:02}{mark}{str(when.year)[-digits:]}"


def in_words(when: date) -> str:
    """As in "1 okt. 2026"."""
    return f"{when.day} {_DUTCH_MONTHS[when.month - 1]} {when.year}"
