"""Additions: all that follows a house number, letter and addition together.

Classes (all that a line names gets one form):
- "C", "c", "-C", " C", "/C"; "A 2", "A2", "A-2"; "2", "02";
- floors: "2", "II", "2-hoog", "2hg", "2e etage", "2e verdieping"; "kamer 2", "app. 2", "unit 2" are that number too;
- ground floor: "hs", "huis", "bg", "begane grond", "parterre"; "bis", "bs"; "rd", "rood"; "zw", "zwart";
  "bv", "boven"; "bn", "beneden".
A roman numeral and a house letter can't be told apart ("12 I"): I to VIII are always numerals.
"""

import re
from functools import lru_cache

from privacy.normalise.text import CACHE, plain, word_set

_FLOORS = word_set("hoog hg etage et verdieping verd")
_ROOMS = word_set("appartement app apt flat kamer kmr kam unit studio nummer nr no toev")
_ORDINAL = word_set("e de ste")
_SAME = {
    **dict.fromkeys(("huis", "bg", "beg", "parterre", "part", "beganegrond"), "hs"),
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


@lru_cache(CACHE)
def normalise_addition(text: str) -> str:
    """Give the class of an addition; "" when there is none. `normalise_addition` of a class is that class."""
    if not text or text.isspace():
        return ""
    text, before = _SOMEBODY.sub("", plain(text).lower()), ""
    while text != before:
        before, text = text, _reduced(re.findall("[a-z]+|[0-9]+", text))
    return text


def _reduced(words: list[str]) -> str:
    if (joined := "".join(words)) in _SAME:
        return _SAME[joined]
    unsaid = _ROOMS | _FLOORS | _ORDINAL if _FLOORS.intersection(words) else _ROOMS
    kept = (_SAME.get(word, word) for word in words if word not in unsaid)
    return "".join(word.lstrip("0") or "0" if word.isdigit() else word for word in kept if len(word) <= _LONGEST)
