"""Letters first: what names, streets and additions have in common before they part ways."""

import re
import unicodedata
from functools import lru_cache

CACHE = 1 << 16  # spellings that a cache keeps: names and streets of a municipality come back all the time

# What Unicode doesn't split into a base letter and a mark; and the many apostrophes and hyphens.
_WHOLE = str.maketrans(
    dict(zip("ıłŁøØđĐðÐħĦŧŦŋŊəƏ", "ilLoOdDdDhHtTnNeE", strict=True))
    | {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH", "\ufffd": "?"}
    | dict.fromkeys("’‘`´ʼʹ", "'")
    | dict.fromkeys("–—‐‑‒−", "-")
)
_MISREAD = re.compile("[ÂÃÄÅ]")


def word_set(text: str) -> frozenset[str]:
    """Read a list of words that is written as one text."""
    return frozenset(text.split())


@lru_cache(CACHE)
def plain(text: str) -> str:
    """Write `text` in ASCII, case kept, with single spaces: "Müller", "MÃ¼ller" and "Muller" read the same.

    UTF-8 that was read as cp1252 is read again. What has no Latin letter, or lost it on the way ("Y?lmaz"), is "?".
    """
    if not text.isascii():
        if _MISREAD.search(text):
            text = _read_again(text)
        letters = unicodedata.normalize("NFKD", text.translate(_WHOLE)).translate(_WHOLE)
        text = "".join(letter for letter in letters if not unicodedata.combining(letter))
        text = text.encode("ascii", "replace").decode("ascii")
    return " ".join(text.split())


def _read_again(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
