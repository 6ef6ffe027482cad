"""Additions: all that follows a house number, letter and addition together.

Classes (all that a line names gets one form):
- "C", "c", "-C", " C", "/C"; "A 2", "A2", "A-2"; "2", "02";
- floors: "2", "II", "2-hoog", "2hg", "2-h", "2e", "2e etage", "2e verd."; "kamer 2", "k2", "app. 2", "ap 2", "appt. 2",
  "unit 2" are that number too; behind a letter: "A-III", "A III", "AIII", "A3", "A 3-hoog";
- ground floor: "hs", "huis", "bg", "beg.gr.", "bgg", "begane grond", "parterre"; "bis", "bs"; "rd", "rood"; "zw",
  "zwart"; "bv", "boven"; "bn", "beneden"; "to", "t/o" (a houseboat);
- a range of numbers is the first: "t/m 14" is no addition.
A roman numeral and a house letter can't be told apart ("12 I"): I to VIII are always numerals.
"""

import re
from functools import lru_cache

from privacy.normalise.text import CACHE, plain, word_set

_FLOORS = word_set("hoog hg h etage etg et verdieping verd vd vdp")
_ROOMS = word_set("appartement app apt appt ap flat kamer kmr kam k unit studio nummer nr no toev woning won")
_ORDINAL = word_set("e de ste")
_SAME = {
    **dict.fromkeys(("huis", "bg", "beg", "bgg", "beggr", "begr", "parterre", "part", "beganegrond", "begane"), "hs"),
    "bs": "bis",
    "rood": "rd",
    "zwart": "zw",
    "boven": "bv",
    "bov": "bv",
    "beneden": "bn",
    "ben": "bn",
    "i": "1",
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "v": "5",
    "vi": "6",
    "vii": "7",
    "viii": "8",
}
_LONGEST = 4  # letters in an addition (BAG); a longer word that is not listed above is a town, a note or a person
_SOMEBODY = re.compile(r"\b(?:c/o|p/a|t\.?a\.?v)\b.*")
_UP_TO = re.compile(r"\bt\.?\s?(?:e\.?\s?m|/?m)\b\.?\s*[0-9]+\s*$")  # t/m 14
_LETTER_AND_ROMAN = re.compile(r"([a-h])(i{1,3}|iv|vi{0,3})")


@lru_cache(CACHE)
def normalise_addition(text: str) -> str:
    """Give the class of an addition; "" when there is none. `normalise_addition` of a class is that class."""
    if not text or text.isspace():
        return ""
    text, before = _UP_TO.sub("", _SOMEBODY.sub("", plain(text).lower())), ""
    while text != before:
        before, text = text, _reduced(re.findall("[a-z]+|[0-9]+", text))
    return text


def _reduced(words: list[str]) -> str:
    if (joined := "".join(words)) in _SAME:
        return _SAME[joined]
    if behind := _LETTER_AND_ROMAN.fullmatch(joined):
        return behind[1] + _SAME[behind[2]]
    kept = [word for at, word in enumerate(words) if not _is_unsaid(words, at)]
    kept = [_SAME.get(word, word) for word in kept if len(word) <= _LONGEST or word in _SAME]
    return "".join(word.lstrip("0") or "0" if word.isdigit() else word for word in kept)


def _is_unsaid(words: list[str], at: int) -> bool:
    """Whether a word only says what kind of number stands beside it."""
    word, front, behind = words[at], words[at - 1 : at], words[at + 1 : at + 2]
    if word in _FLOORS or word in _ORDINAL:
        before = bool(front) and (front[0].isdigit() or front[0] in _SAME or front[0] in _ORDINAL)
        return before or (len(word) > 1 and bool(behind) and behind[0].isdigit())
    return word in _ROOMS and (len(word) > 1 or (bool(behind) and behind[0].isdigit()))
