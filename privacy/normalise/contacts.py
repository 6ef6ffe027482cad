"""Phone numbers and e-mail addresses: one spelling each, and nothing for those that are nobody's own.

Classes (all that a line names gets one form):
- phone: "+31 6 17614633", "0031617614633", "06-17614633", "0617614633", "+31 (0)6 17 61 46 33", "31617614633",
  "617614633"; of several in one cell the first mobile one, else the first;
- e-mail: case, "mailto:", "<...>", what follows a plus, googlemail.com and gmail.com; of several the first.
"""

import re

import phonenumbers

from privacy.normalise.text import word_set

_DUTCH = re.compile(r"(?:\+31|0031|31|0)(?:\(0\)|0)?([1-9][0-9]{8})|(6[1-9][0-9]{7})")
MOBILE = "316"  # how a Dutch mobile number begins
_SEVERAL = re.compile(r"[/;,|\n]| of | en | or | and |  +")
_MOST_SIGNS = 18  # of one number, with blanks and marks
_UNLIKELY = re.compile(r"([0-9])\1{5}|1234567|2345678")  # somebody filled in a form
_NOBODY = word_set("admin contact geen geenemail info klant mail no-reply nomail noreply nvt onbekend postbus test x")


def normalise_phone(text: str) -> str:
    """Write a phone number in E.164 without the plus; "" when it is none, or a stand-in such as 0600000000.

    Numbers without a country are Dutch.
    """
    if len(text) > _MOST_SIGNS and len(parts := _SEVERAL.split(text)) > 1:
        numbers = [number for part in parts if (number := normalise_phone(part))]
        return next((number for number in numbers if number.startswith(MOBILE)), numbers[0] if numbers else "")
    if not text:
        return ""
    dutch = _DUTCH.fullmatch(re.sub(r"[^0-9+()]", "", text).replace("(0)", "0").replace("(", "").replace(")", ""))
    number = f"31{dutch[1] or dutch[2]}" if dutch else _by_library(text)  # the library takes thirty times as long
    return "" if _UNLIKELY.search(number, 2) else number


def _by_library(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "NL")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def normalise_email(text: str) -> str:
    """Write an e-mail address in small letters; "" when it is none, or belongs to no one person."""
    text = text.strip(" <>;,.").casefold().removeprefix("mailto:")
    if text.count("@") > 1:
        text = re.split(r"[\s;,/|]+", text, maxsplit=1)[0]
    local, at, domain = text.rpartition("@")
    local = local.partition("+")[0]
    if not (at and local and "." in domain) or " " in text or local in _NOBODY:
        return ""
    return f"{local}@{'gmail.com' if domain == 'googlemail.com' else domain}"
