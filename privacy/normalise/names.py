"""Names: one person's surname and first initial read the same in every creditor's spelling.

Classes (all that a line names gets one form):
- letters: case, diacritics, ligatures, apostrophes, dots and doubled spaces; a lost letter ("?") counts as left out;
- infixes: "van der", "v.d.", "v/d", "vd", none at all; in front, behind a comma or in a column of their own; glued to
  the name ("deBoer"), torn by a misplaced space ("d eJong", "deV ries"), or misspelt, short as they are ("vn Beek");
- sound: see sounds.py;
- partner names: "Jansen-de Jong", "de Jong-Jansen", "Jansen e/v de Jong", "de Jong geb. Jansen" give both surnames;
- initials: "J.", "J", "JPM", "J.P.M.", "Jan" and "Jan Piet" give j; C is K, and Y and IJ are I;
- forms of address and titles count for nothing.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from privacy.identity import Contact
from privacy.normalise.sounds import sound
from privacy.normalise.text import CACHE, plain, word_set

INFIXES = word_set(
    "a aan aande aandem aanden aander af al am an at auf aus bei ben bij bin boven d da dal dalla das de degli dei del "
    "della dem den der des di die do don dos du el en gen het ibn im in inde inden inder l la las le les li lo los met "
    "mit of onder op opde opden opder over s sint st t te ten ter thoe tho thor to toe tom tot uit uijt uut uyt v van "
    "vande vanden vander vant vd vdr ver voir vom von voor vor z zu zum zur"
)
_BEHIND = word_set("de den der la le te ten ter van vd von")  # those that may stand behind the initials
_BEHIND_SURNAME = _BEHIND | {"t"}  # not behind initials: there a "T" is one
TITLES = word_set(
    "bc bsc dhr dr drs ds erven erfgenamen fam familie gebr heer hr ing ir jhr jkvr mej mejuffrouw mevr mevrouw mr msc "
    "mvr mw prof tav wed weduwe"
)
_SHORT = 3  # a word of so few letters in front of the surname is an infix, known or misspelt
_MARRIED = re.compile(r"\b(?:e/v|e\.v\.?|ev|geb|geboren|gehuwd|gesch|wed)\b\.?|[()]|\s/\s")
_INFIX = r"\b([Vv]an ?(?:de[nr]?|t)?|[Vv]d|[Dd]e[nr]?|[Tt]e[nr]?)"
_MISPLACED_SPACES = (
    (re.compile(r"\b([A-Za-z]+) ([a-z])(?=[A-Z])"), r"\1\2 "),  # d eJong
    (re.compile(rf"{_INFIX}([A-Z]) (?=[a-z]{{2}})"), r"\1 \2"),  # deJ ong
    (re.compile(rf"{_INFIX}(?=[A-Z])"), r"\1 "),  # deJong
)
_GLUED = re.compile(r"^(?:van(?:de[nr]?|t)?|v?de[nr]?|vd|te[nr])(?=[a-z]{3})")  # DEBOER, Vandenberg
_INITIALS = re.compile(r"(?:[A-Za-z]{1,3}\.)+[A-Za-z]?|[A-Z]{1,5}|[a-z]")
_DOTTED = re.compile(r"(?:[A-Za-z]{1,2}\.)+")
_ONE_INITIAL = str.maketrans("cy", "ki")


class Name(NamedTuple):
    """A name as match keys use it: sound classes of the surnames, likeliest first, and an initial ("": not known)."""

    surnames: tuple[str, ...]
    initial: str

    def __repr__(self) -> str:
        """Give nobody away."""
        return f"Name(<{len(self.surnames)} surnames>)"


def normalise_name(contact: Contact) -> Name:
    """Read the name of `contact`, whole or in parts. Nothing is refused: what isn't there stays empty."""
    if not contact.surname:
        return whole_name(contact.name, contact.name_order)
    given = contact.initials or contact.first_name
    if not given and "," in contact.surname:
        return whole_name(contact.surname, "surname-first")
    surname = f"{contact.prefix} {contact.surname}" if contact.prefix else contact.surname
    return Name(surnames(surname), initial(given))


@lru_cache(CACHE)
def whole_name(name: str, order: str) -> Name:
    """Read a name that stands in one column; `order` as Contact.name_order. A comma always says surname first."""
    front, _, behind = _mended(name).partition(",")
    words = _without_titles(front.split())
    if given := _without_titles(behind.replace(",", " ").split()):
        lone = len(given) == len(given[0]) == 1  # "Jong, D": no infix
        kept = [word for word in given if lone or word.endswith(".") or word.lower() not in INFIXES]
        return Name(surnames(" ".join(words)), initial(" ".join(kept)))
    if len(words) < 2:
        return Name(surnames(" ".join(words)), "")
    if order == "surname-first" or (_DOTTED.fullmatch(words[-1]) and not _INITIALS.fullmatch(words[0])):
        return _surname_first(words)
    return _given_first(words)


def _surname_first(words: list[str]) -> Name:
    """Read "DE GRAAF Y", "GRAAF Yvonne" and "VRIES J DE": the given part is the last word but for infixes."""
    end = len(words)
    while end > 2 and (words[end - 1].lower() in _BEHIND or words[end - 1].startswith("'")):
        end -= 1
    if len(words[end - 1]) > 4 or not _has_surname(words[: end - 1]):  # no initials: the infix was none
        end = len(words)
    if not _has_surname(words[: end - 1]) and len(words[end - 1]) > _SHORT:
        return Name(surnames(" ".join(words)), "")
    return Name(surnames(" ".join(words[: end - 1])), initial(words[end - 1]))


def _given_first(words: list[str]) -> Name:
    """Read "J.P. de Vries" and "Anna Maria de Vries", whose surname may begin at the second word or later."""
    if words[0].lower() in INFIXES and not _INITIALS.fullmatch(words[0]):
        return Name(surnames(" ".join(words)), "")
    start = 1
    while start < len(words) - 1 and _INITIALS.fullmatch(words[start]) and words[start].lower() not in INFIXES:
        start += 1
    found = surnames(" ".join(words[start:]))
    later = next((i for i in range(start, len(words) - 1) if words[i].lower() in INFIXES), len(words) - 1)
    if later > start and _has_surname(words[start:later]):
        found = tuple(dict.fromkeys(found + surnames(" ".join(words[later:]))))
    return Name(found, initial(words[0]))


@lru_cache(CACHE)
def surnames(text: str) -> tuple[str, ...]:
    """Give the sound classes of the surnames in `text`, in its order: one, or two with a partner's name."""
    text = _MARRIED.sub("-", _mended(text).lower().replace("v/d", "v d")).partition(",")[0]  # behind a comma: infixes
    found = (sound(_core(part)) for part in re.split("[-/]+", text))
    return tuple(dict.fromkeys(surname for surname in found if surname))


def _mended(text: str) -> str:
    text = plain(text)
    for torn, whole in _MISPLACED_SPACES:
        text = torn.sub(whole, text)
    return text


def _core(part: str) -> str:
    words = re.findall("[a-z]+", part.replace("?", "").replace("'", " "))
    while len(words) > 1 and words[-1] in _BEHIND_SURNAME and _has_surname(words):  # "BERG VAN DEN", "HOF VAN 'T"
        words.pop()
    kept = [word for word in words[:-1] if len(word) > _SHORT and word not in INFIXES] + words[-1:]
    return _GLUED.sub("", "".join(kept))


@lru_cache(CACHE)
def initial(given: str) -> str:
    """Give the class of the first letter of initials or first names; "" when there is none."""
    found = re.search("[a-z]", " ".join(_without_titles(plain(given).split())).lower())
    return found[0].translate(_ONE_INITIAL) if found else ""


def _has_surname(words: list[str]) -> bool:
    return any(word.lower() not in INFIXES for word in words)


def _without_titles(words: list[str]) -> list[str]:
    """Leave out forms of address. At either end "MR", "DR" and the like, in capitals without a dot, are initials."""
    ends = (0, len(words) - 1)
    return [
        word
        for place, word in enumerate(words)
        if word.rstrip(".").lower() not in TITLES or (place in ends and len(word) <= _SHORT and word.isupper())
    ]
