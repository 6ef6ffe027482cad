"""What people read at a desk: codes in words, dates and amounts as people here write them, in Dutch or English."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from signals.days import AMSTERDAM

Lang = Literal["nl", "en"]

CATEGORY = {
    "rent": ("huur", "rent"),
    "health_insurance": ("zorgverzekering", "health insurance"),
    "energy": ("energie", "energy"),
    "water": ("water", "water"),
    "mortgage": ("hypotheek", "mortgage"),
    "cak_contribution": ("CAK eigen bijdrage", "CAK contribution"),
    "cak_insurance": ("CAK zorgverzekering", "CAK insurance"),
    "student_loan": ("DUO", "student loan"),
    "taxes": ("Belastingdienst", "taxes"),
    "benefits": ("Dienst Toeslagen", "benefits"),
    "other": ("overige", "other"),
}


TRAY = {  # of the default rule set; a municipality's own trays are called as it calls them
    "urgent": ("spoed", "urgent"),
    "multiple": ("meervoudig", "multiple"),
    "consecutive": ("opeenvolgend", "consecutive"),
    "single": ("enkelvoudig", "single"),
    "known_client": ("al bekend bij schuldhulp", "known to debt help"),
    "set_aside": ("apart gelegd", "set aside"),
    "settled": ("voldaan", "settled"),
}
REPETITION = {
    "single": ("enkelvoudig", "single"),
    "multiple": ("meervoudig", "multiple"),
    "consecutive": ("opeenvolgend", "consecutive"),
}
EVENT = {
    "access": ("inzage", "look"),
    "shown": ("getoond", "shown"),
    "refusal": ("geweigerd", "refused"),
    "break-glass": ("noodinzage", "break-glass"),
    "delivery": ("levering", "delivery"),
    "registry": ("register", "registry"),
    "heartbeat": ("levensteken", "heartbeat"),
    "basis-consent": ("toestemming", "consent"),
    "basis-refusal": ("weigering", "refusal"),
    "basis-withdrawal": ("intrekking", "withdrawal"),
    "basis-objection": ("bezwaar", "objection"),
    "basis-decision": ("beslissing op bezwaar", "decision on objection"),
    "basis-erasure": ("wissing", "erasure"),
    "basis-rectification": ("verzoek om verbetering", "rectification"),
    "basis-contract-objection": ("bezwaar bij schuldeiser", "objection at creditor"),
    "basis-known-clients": ("uitsluitlijst", "knock-out list"),
    "basis-known-client-removal": ("van de uitsluitlijst", "off the knock-out list"),
    "basis-rekeying": ("hersleuteld", "re-keyed"),
    "basis-keying": ("gesleuteld", "keyed"),
    "basis-hand-over": ("overgedragen aan een andere gemeente", "handed over to another municipality"),
    "basis-link-decision": ("koppelbeslissing", "decision on a link"),
    "retention": ("bewaartermijn", "retention"),
    "log-erasure": ("wissing uit het register", "erasure from the log"),
    "monthly-table": ("maandtabel", "monthly table"),
    "rule-set": ("andere regelset", "another rule set"),
    "backtest": ("proef met een regelset", "back-test of a rule set"),
}
KEPT = {  # the kinds of data of app/kept.py
    "reports": ("vroegsignalen, met sleutels en verzegelde gegevens", "reports, with keys and sealed details"),
    "signals": ("signalen", "signals"),
    "cases": ("vroegsignaalzaken", "cases"),
    "link_decisions": ("koppelbeslissingen", "decisions on links"),
    "shut_out": ("buitengesloten vroegsignalen (alleen het nummer)", "reports shut out (the id alone)"),
    "delivery_keys": ("leveringssleutels", "delivery keys"),
    "deliveries": ("leveringen met ontvangstbewijs en geweigerde regels", "deliveries with receipt and refused lines"),
    "warnings": ("waarschuwingen bij regels", "warnings of lines"),
    "feedback": ("terugkoppelingen aan schuldeisers", "feedback to creditors"),
    "notices": ("berichten aan webhooks van schuldeisers", "notices to creditors' webhooks"),
    "endings": ("meldingen van voldaan en ingetrokken", "statements of settled and withdrawn"),
    "unfinished": ("leveringen die nooit zijn afgerond", "deliveries never completed"),
    "rekeyed_nodes": ("nieuwe koppelsleutels die nooit zijn doorgevoerd", "new match keys never carried out"),
    "consents": ("toestemmingen die zijn geëindigd", "consents that ended"),
    "objections": ("bezwaren, weigeringen en intrekkingen", "objections, refusals and withdrawals"),
    "known_clients": ("vermeldingen op de uitsluitlijst", "entries of the knock-out list"),
    "basis_changes": ("doorgevoerde wijzigingen van grondslag", "changes of basis that are done"),
    "backtests": ("proeven met een regelset", "back-tests of rule sets"),
    "proposals": ("voorgestelde regelsets", "proposed rule sets"),
    "access_scopes": ("bereik van inzagen", "scopes of looks"),
    "break_glasses": ("noodinzagen die voorbij zijn", "break-glasses that are over"),
    "events": ("gebeurtenissen in het inzageregister", "events of the access log"),
}
NO = {
    "refusal": ("weigering", "refusal"),
    "withdrawal": ("intrekking", "withdrawal"),
    "objection": ("bezwaar", "objection"),
    "erasure": ("wissing", "erasure"),
    "rectification": ("verzoek om verbetering", "rectification"),
}
ROLE = {
    "creditor": ("schuldeiser", "creditor"),
    "debt-help": ("schuldhulp", "debt help"),
    "privacy-officer": ("privacy officer", "privacy officer"),
    "operator": ("beheerder", "operator"),
}


def in_words(words: Mapping[str, tuple[str, str]], code: str, lang: Lang) -> str:
    """What a code is called; a code without words is shown as it is."""
    return either(lang, *words.get(code, (code, code)))


def either(lang: Lang, nl: str, en: str) -> str:
    """The sentence in the language asked for."""
    return nl if lang == "nl" else en


def euros(cents: int, lang: Lang) -> str:
    """An amount: € 1.234,50 or €1,234.50."""
    return format_currency(cents / 100, "EUR", locale=_locale(lang))


def whole_euros(amount: int, lang: Lang) -> str:
    """An amount in whole euros: € 1.234."""
    pattern = "¤ #,##0" if lang == "nl" else "¤#,##0"
    return format_currency(amount, "EUR", format=pattern, locale=_locale(lang), currency_digits=False)


def day(moment: date, lang: Lang) -> str:
    """A date in a table: 25 nov 2026."""
    return format_date(moment, "d MMM y", locale=_locale(lang))


def month(period: str, lang: Lang) -> str:
    """A period in words: oktober 2026."""
    return format_date(date(int(period[:4]), int(period[5:]), 1), "LLLL y", locale=_locale(lang))


def moment(at: datetime, lang: Lang) -> str:
    """A moment, in the time of the Netherlands."""
    return format_datetime(at, "d MMM y HH:mm:ss", tzinfo=AMSTERDAM, locale=_locale(lang))


def contact_lines(details: Mapping[str, str | int]) -> tuple[str, ...]:
    """Name, address, birth date, telephone and e-mail, as the creditor wrote them."""

    def joined(*names: str) -> str:
        return " ".join(str(details[name]).strip() for name in names if details.get(name))

    lines = (
        joined("name") or joined("first_name", "initials", "prefix", "surname"),
        joined("address") or joined("street", "house_number", "letter", "addition"),
        joined("postcode", "town"),
        joined("birth_date"),
        joined("phone", "email"),
    )
    return tuple(line for line in lines if line)


def _locale(lang: Lang) -> str:
    return "nl_NL" if lang == "nl" else "en_GB"
