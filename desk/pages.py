"""Pages from templates: everything is escaped, in the language of who reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from client import words
from client.case_words import CONTACT, DAY_PART, RESULT, STAGE, told
from client.words import Lang
from desk.sessions import IDLE_SECONDS
from desk.words import WORDS
from signals.days import AMSTERDAM

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True, slots=True)
class Says:
    """The desk's words in one language, as templates call them."""

    lang: Lang

    def __call__(self, key: str, **details: object) -> str:
        """The sentence of this key, with its details filled in."""
        return words.either(self.lang, *WORDS[key]).format(**details)

    def code(self, kind: str, code: str) -> str:
        """What a code is called: `category rent`, `stage taken_up`; one without words is shown as it is."""
        found = {str(one): both for one, both in _CODES[kind].items()}
        return words.in_words(found, code, self.lang)

    def codes(self, kind: str) -> list[tuple[str, str]]:
        """All codes of a kind with what they are called, to choose from."""
        return [(str(code), words.either(self.lang, *both)) for code, both in _CODES[kind].items()]

    def day(self, on: date | str) -> str:
        """A day in a list: wo 25 nov. 2026."""
        moment = date.fromisoformat(on) if isinstance(on, str) else on
        return format_date(moment, "EEE d MMM y", locale=_LOCALES[self.lang])

    def long_day(self, on: date | str) -> str:
        """A day in a sentence: 25 november 2026."""
        moment = date.fromisoformat(on) if isinstance(on, str) else on
        return format_date(moment, "d MMMM y", locale=_LOCALES[self.lang])

    def time(self, at: datetime) -> str:
        """A time of the day in the Netherlands: 13.22, or 13:22 in English."""
        pattern = "HH.mm" if self.lang == "nl" else "HH:mm"
        return format_time(at, pattern, tzinfo=AMSTERDAM, locale=_LOCALES[self.lang])

    def month(self, period: str) -> str:
        """A month: oktober 2026."""
        return words.month(period, self.lang)

    def whole_euros(self, amount: int) -> str:
        """An amount in a list: € 1.234."""
        return words.whole_euros(amount, self.lang)

    def euros(self, cents: int) -> str:
        """An exact amount: € 1.234,50."""
        return words.euros(cents, self.lang)

    def entry(self, entry: Mapping[str, Any]) -> str:
        """One entry of a case in words."""
        return told(entry, self.lang)


class Pages:
    """All templates of the desk."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def show(self, name: str, lang: Lang, status: int = 200, **shown: object) -> HTMLResponse:
        """The page of one template."""
        usual = {"session": None, "pilot": None, "lock_after": IDLE_SECONDS, "other_url": None}
        text = self._environment.get_template(f"{name}.html").render({**usual, **shown, "say": Says(lang)})
        return HTMLResponse(text, status)


_LOCALES = {"nl": "nl_NL", "en": "en_GB"}
_CODES: Mapping[str, Mapping[Any, tuple[str, str]]] = {
    "category": words.CATEGORY,
    "tray": words.TRAY,
    "stage": STAGE,
    "contact": CONTACT,
    "day_part": DAY_PART,
    "result": RESULT,
}
