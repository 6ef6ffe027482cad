"""Words and formats in both tongues, as Dutch people write them: amounts, days, months, kinds of arrears."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from babel.dates import format_date
from babel.numbers import format_currency

from signals.cases import ContactKind, DayPart
from signals.facts import Listing
from signals.report import Category, Kind, UrgentFlag

Language = Literal["nl", "en"]

_LOCALES = {"nl": "nl_NL", "en": "en_GB"}

CATEGORIES: dict[Category, dict[Language, str]] = {
    Category.RENT: {"nl": "huur", "en": "rent"},
    Category.HEALTH_INSURANCE: {"nl": "zorgverzekering", "en": "health insurance"},
    Category.ENERGY: {"nl": "energie", "en": "energy"},
    Category.WATER: {"nl": "water", "en": "water"},
    Category.MORTGAGE: {"nl": "hypotheek", "en": "mortgage"},
    Category.CAK_CONTRIBUTION: {"nl": "eigen bijdrage CAK", "en": "CAK contribution"},
    Category.CAK_INSURANCE: {"nl": "zorgverzekering via het CAK", "en": "health insurance through CAK"},
    Category.STUDENT_LOAN: {"nl": "studieschuld", "en": "student loan"},
    Category.TAXES: {"nl": "belastingen", "en": "taxes"},
    Category.BENEFITS: {"nl": "toeslagen", "en": "benefits"},
    Category.OTHER: {"nl": "overige", "en": "other"},
}
KINDS: dict[Kind, dict[Language, str]] = {
    Kind.EARLY: {"nl": "eerste melding", "en": "first report"},
    Kind.UPDATE: {"nl": "vervolgmelding", "en": "follow-up report"},
    Kind.END_OF_SUPPLY: {"nl": "einde levering", "en": "end of supply"},
    Kind.HAND_OVER: {"nl": "warme overdracht", "en": "warm hand-over"},
}
FLAGS: dict[UrgentFlag, dict[Language, str]] = {
    UrgentFlag.EVICTION_ANNOUNCED: {"nl": "ontruiming aangekondigd", "en": "eviction announced"},
    UrgentFlag.SHUT_OFF_ANNOUNCED: {"nl": "afsluiting aangekondigd", "en": "shut-off announced"},
    UrgentFlag.INSURANCE_ENDED: {"nl": "zorgverzekering beëindigd", "en": "health insurance ended"},
}
LISTINGS: dict[Listing, dict[Language, str]] = {
    Listing.LISTED: {"nl": "bekende bij schuldhulp", "en": "known client"},
    Listing.NOT_LISTED: {"nl": "onbekende bij schuldhulp", "en": "stranger to debt help"},
}
CONTACT_KINDS: dict[ContactKind, dict[Language, str]] = {
    ContactKind.ADMINISTRATIVE: {"nl": "administratief", "en": "paperwork"},
    ContactKind.APPOINTMENT: {"nl": "afspraak", "en": "appointment"},
    ContactKind.LETTER: {"nl": "brief", "en": "letter"},
    ContactKind.HOME_VISIT: {"nl": "huisbezoek", "en": "home visit"},
    ContactKind.CARD: {"nl": "kaart", "en": "card"},
    ContactKind.EMAIL: {"nl": "e-mail", "en": "e-mail"},
    ContactKind.UNKNOWN: {"nl": "onbekend", "en": "unknown"},
    ContactKind.OTHER: {"nl": "anders", "en": "other"},
    ContactKind.MESSAGE: {"nl": "sms of WhatsApp", "en": "text message"},
    ContactKind.PHONE: {"nl": "telefoongesprek", "en": "telephone call"},
}
DAY_PARTS: dict[DayPart, dict[Language, str]] = {
    DayPart.MORNING: {"nl": "ochtend", "en": "morning"},
    DayPart.AFTERNOON: {"nl": "middag", "en": "afternoon"},
    DayPart.EVENING: {"nl": "avond", "en": "evening"},
}
_NAMES: dict[str, dict[Language, str]] = {
    str(value): names for table in (CATEGORIES, KINDS, FLAGS, LISTINGS) for value, names in table.items()
}
_NUMBERS: dict[Language, Sequence[str]] = {
    "nl": ("nul", "één", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien", "elf", "twaalf"),
    "en": (
        *("zero", "one", "two", "three", "four", "five", "six"),
        *("seven", "eight", "nine", "ten", "eleven", "twelve"),
    ),
}


def euros(amount: int, language: Language) -> str:
    """Whole euros: `€ 1.234` or `€1,234`."""
    pattern = {"nl": "¤ #,##0;¤ -#,##0", "en": "¤#,##0;-¤#,##0"}[language]
    return format_currency(amount, "EUR", pattern, locale=_LOCALES[language], currency_digits=False)


def day(value: date, language: Language) -> str:
    """A day in full: `1 maart 2026`."""
    return format_date(value, "d MMMM y", locale=_LOCALES[language])


def month(period: str, language: Language) -> str:
    """A period (YYYY-MM) in full: `oktober 2026`."""
    return format_date(_first_of(period), "MMMM y", locale=_LOCALES[language])


def short_month(period: str, language: Language) -> str:
    """A period (YYYY-MM) for a column: `okt. 2026`. Names that are not shortened get no full stop: `mei 2026`."""
    first = _first_of(period)
    name = format_date(first, "MMM", locale=_LOCALES[language]).rstrip(".")
    shortened = name != format_date(first, "MMMM", locale=_LOCALES[language])
    return f"{name}{'.' if shortened and language == 'nl' else ''} {first.year}"


def number(count: int, language: Language) -> str:
    """A count in words up to twelve, in figures above."""
    return _NUMBERS[language][count] if 0 <= count < len(_NUMBERS[language]) else str(count)


def several(count: int, one: str, more: str) -> str:
    """`1 maand`, `2 maanden`."""
    return f"{count} {one if count == 1 else more}"


def sentence(text: str) -> str:
    """With a capital and a full stop. A Dutch capital of `één` has one accent: `Eén`."""
    return text[0].replace("é", "E").upper() + text[1:] + "."


def listed(words: Sequence[str], language: Language) -> str:
    """`huur, water en energie`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {'en' if language == 'nl' else 'and'} {words[-1]}"


def either_of(words: Sequence[str], language: Language) -> str:
    """`huur, water of energie`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {'of' if language == 'nl' else 'or'} {words[-1]}"


def word(value: str, language: Language) -> str:
    """The name of a category, kind, flag or listing; anything else (a district's code) as it is."""
    return _NAMES[value][language] if value in _NAMES else value


def _first_of(period: str) -> date:
    return date(int(period[:4]), int(period[5:]), 1)
