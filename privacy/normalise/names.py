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
    "mvr mw prof tav wed weduwe wln wijlen"
)
_FORMS = re.compile(  # forms of address of more than a word
    r"\b(?:aan )?(?:de )?(?:(?:heer|hr|dhr)\b\.?(?: (?:en|&|/|of|e\.o\.) (?:mevrouw|mevr|mvr|mw|echtgenote)\b\.?)?|"
    r"familie\b|erven\b(?: van\b)?|erfgenamen\b(?: van\b)?)(?=[ ,)]|$)",
    re.IGNORECASE,
)
# A sole trader's row names a business and, with luck, a person: "J. Vos h/o Klusbedrijf", "Kapsalon t.a.v. J. Smit".
_TRADES_AS = re.compile(
    r"\s*\b(?:h/o|h\.o\.|handelend onder(?: de naam)?|t\.?h\.?o\.?d\.?n|p\.?/a|c/o)(?=[\s.:]).*", re.IGNORECASE
)
_CARE_OF = re.compile(r".*\b(?:t\.\s?a\.\s?v\.?|tav|ter attentie van)(?=[\s:]):?\s*(?=\S)", re.IGNORECASE)
_BUSINESS = re.compile(
    r"\b(?:vof|v\.o\.f\.|eenmanszaak|holding|bakkerij|slagerij|kapsalon|rijschool|restaurant|eetcafe|cafe|cafetaria|"
    r"snackbar|bloemen(?:huis|winkel)|garage|[a-z]*bedrijf|[a-z]*kantoor|[a-z]*bureau|handelsonderneming|[a-z]*salon)"
    r"(?=[\s,]|$)",
    re.IGNORECASE,
)
_UNUSUAL = re.compile(
    r"/[oa]\b|heer|de [dh]h?r|famil|\berv?[ef]|h\.o\.|handel|t\.?h\.?o\.?d|t\. ?a\.|\btav\b|attentie|"
    r"vof|v\.o\.f|eenman|holding|bakkerij|slagerij|salon|rijschool|restaurant|cafe|snackbar|bloemen|garage|bedrijf|kantoor|bureau",
    re.IGNORECASE,
)
_LONGEST_INITIALS = 4
_SHORT = 3  # a word of so few letters in front of the surname is an infix, known or misspelt
_MARRIED = re.compile(r"\b(?:e/v|e\.v\.?|ev|geb|geboren|gehuwd|gesch|wed)\b\.?|[()]|\s/\s")
_INFIX = r"\b([Vv]an ?(?:de[nr]?|t)?|[Vv]d|[Dd]e[nr]?|[Tt]e[nr]?)"
_MISPLACED_SPACES = (
    (re.compile(r"\b([A-Za-z]+) ([a-z])(?=[A-Z])"), r"\1\2 "),  # d eJong
    (re.compile(rf"{_INFIX}([A-Z]) (?=[a-z]{{2}})"), r"\1 \2"),  # deJ ong
    (re.compile(rf"{_INFIX}(?=[A-Z])"), r"\1 "),  # deJong
)
_GLUED = re.compile(
    r"^(?:van(?:de[nr]?|t)?|v?de[nr]?|vd|te[nr]|el|al|ben)(?=[a-z]{3})"
)  # DEBOER, Vandenberg, Elkhattabi
_INITIALS = re.compile(r"(?:[A-Za-z]{1,3}\.)+[A-Za-z]?|[A-Z]{1,5}|[a-z]")
_DOTTED = re.compile(r"(?:[A-Za-z]{1,2}\.)+")
_APART = re.compile(r"(?<!\S)' ?(?=[tTsS]\b)")  # ' t Hart
_SHORT_INFIX = re.compile(
    r"(?:[vVaAoOiI][./]+\s?[dDhHtT]+\.?|[dDlL]'|(?:[vVoOiI]\.?)?'[tTsS]|[vV]\.|[dD]\.)"
)  # v.d. v/h o.d. d' v.'t
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
    front, _, behind = _person_alone(_mended(name)).partition(",")
    words = _without_titles(front.split())
    parts = [_without_titles(part.split()) for part in behind.split(",")]
    if given := [word for part in parts if len(parts) == 1 or not all(map(_is_infix, part)) for word in part]:
        kept = [word for word in given if (len(word) == 1 and word.isupper()) or not _is_infix(word)]
        return Name(surnames(" ".join(words)), initial(" ".join(kept)))
    if len(words) < 2:
        return Name(surnames(" ".join(words)), "")
    if order == "surname-first" or (_DOTTED.fullmatch(words[-1]) and not _INITIALS.fullmatch(words[0])):
        return _surname_first(words)
    return _given_first(words)


def _surname_first(words: list[str]) -> Name:
    """Read "DE GRAAF Y", "GRAAF Yvonne", "VRIES J DE" and "VISSER J P": infixes may stand behind the given part."""
    end = len(words)
    while end > 2 and _is_infix(words[end - 1]) and (len(words[end - 1]) > 1 or end < len(words)):
        end -= 1
    if len(words[end - 1]) > _LONGEST_INITIALS or not _has_surname(
        words[: end - 1]
    ):  # no initials: they were no infixes
        end = len(words)
    start = end - 1
    while (
        start > 1
        and len(words[start]) == 1
        and len(words[start - 1].rstrip(".")) == 1
        and _has_surname(words[: start - 1])
    ):
        start -= 1
    if not _has_surname(words[:start]) and len(words[start]) > _SHORT:
        return Name(surnames(" ".join(words)), "")
    return Name(surnames(" ".join(words[:start])), initial(words[start]))


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


def _person_alone(name: str) -> str:
    """Leave out forms of address of more than a word, and the business that somebody is or works for."""
    if not _UNUSUAL.search(name):
        return name
    name = _CARE_OF.sub("", _TRADES_AS.sub("", name), count=1)
    return _BUSINESS.sub(" ", _FORMS.sub(" ", name)).strip()


@lru_cache(CACHE)
def _is_infix(word: str) -> bool:
    """Whether a word is an infix: known, shortened ("v/h"), or with an apostrophe or hyphen ("op't", "d'", "al-")."""
    parts = re.split("['-]+", word.lower().strip("'-"))
    return all(part in INFIXES for part in parts if part) or bool(_SHORT_INFIX.fullmatch(word))


@lru_cache(CACHE)
def surnames(text: str) -> tuple[str, ...]:
    """Give the sound classes of the surnames in `text`, in its order: one, or two with a partner's name."""
    text = _MARRIED.sub("-", _mended(text).lower().replace("v/d", "v d")).partition(",")[0]  # behind a comma: infixes
    parts = re.split("[-/]+", text)
    named = [part for part in parts if not all(map(_is_infix, part.split()))]  # "Al-Hassani" is one surname
    found = (sound(_core(part)) for part in named or parts)
    return tuple(dict.fromkeys(surname for surname in found if surname))


def _mended(text: str) -> str:
    text = plain(text)
    if "'" in text:
        text = _APART.sub("'", text)
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
    if not any(word.rstrip(".").lower() in TITLES for word in words):
        return words
    last = next((at for at in reversed(range(len(words))) if not _is_infix(words[at])), 0)
    ends = (0, last, len(words) - 1)
    return [
        word
        for place, word in enumerate(words)
        if word.rstrip(".").lower() not in TITLES or (place in ends and len(word) <= _SHORT and word.isupper())
    ]
