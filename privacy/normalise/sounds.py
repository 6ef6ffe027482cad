"""Sound classes: spellings that Dutch ears and clerks don't tell apart."""

import re
from functools import lru_cache

from privacy.normalise.text import CACHE

# From top to bottom, again and again until nothing changes. Each step shortens the word or leaves fewer of its letters
# to be changed, so it ends.
_SOUNDS = (
    ("t?sch", "s"),  # Bosch, Bos
    ("ij|y", "i"),  # Dijk, Dyk
    ("ei|ie", "i"),  # Meijer, Meyer, Meier
    ("ae", "a"),  # Claassen, Claessen; also an umlaut written out
    ("au|oe|ou", "o"),
    ("eu|ue", "u"),
    ("ck|cq|q", "k"),
    ("ch|gh", "g"),
    ("c", "k"),  # Cok, Kok
    ("ph|v", "f"),  # Visser, Fisser
    ("th|dt", "t"),  # Smith, Smit
    ("d$", "t"),  # Brand, Brandt
    ("x", "ks"),
    ("z", "s"),
    (r"(.)\1+", r"\1"),  # Janssen, Jansen
)
_STEPS = tuple((re.compile(pattern), form) for pattern, form in _SOUNDS)


@lru_cache(CACHE)
def sound(word: str) -> str:
    """Give the class of a word of small letters a-z. Digits pass; a class is its own class."""
    before = ""
    while word != before:
        before = word
        for step, form in _STEPS:
            word = step.sub(form, word)
    return word
