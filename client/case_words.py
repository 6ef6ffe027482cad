"""Cases in words: stages, contacts and results, what is due, and one entry as a sentence."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from client.words import Lang, either
from signals.cases import ContactKind, DayPart, Result, Stage

STAGE = {
    Stage.NEW: ("nieuw", "new"),
    Stage.TAKEN_UP: ("opgepakt", "taken up"),
    Stage.ACCEPTED: ("aanbod aanvaard", "accepted"),
    Stage.SPOKEN: ("gesproken", "spoken"),
    Stage.CLOSED: ("gesloten", "closed"),
}
# The first word is what somebody types, in either language; blanks are typed as hyphens.
CONTACT = {
    ContactKind.PHONE: ("telefoon", "phone"),
    ContactKind.HOME_VISIT: ("huisbezoek", "home visit"),
    ContactKind.LETTER: ("brief", "letter"),
    ContactKind.CARD: ("kaart", "card"),
    ContactKind.EMAIL: ("e-mail", "email"),
    ContactKind.MESSAGE: ("bericht", "message"),
    ContactKind.APPOINTMENT: ("afspraak", "appointment"),
    ContactKind.ADMINISTRATIVE: ("administratief", "administrative"),
    ContactKind.OTHER: ("anders", "other"),
    ContactKind.UNKNOWN: ("onbekend", "unknown"),
}
DAY_PART = {
    DayPart.MORNING: ("ochtend", "morning"),
    DayPart.AFTERNOON: ("middag", "afternoon"),
    DayPart.EVENING: ("avond", "evening"),
}
RESULT = {
    Result.ADVICE: ("advies", "advice"),
    Result.NO_CONTACT: ("geen contact", "no contact"),
    Result.NO_REACTION: ("geen reactie", "no reaction"),
    Result.KNOWN_CLIENT: ("bekende klant", "known client"),
    Result.OTHER_HELPER: ("andere hulp", "other helper"),
    Result.ALREADY_PAID: ("al betaald", "already paid"),
    Result.DECEASED: ("overleden", "deceased"),
    Result.MANAGES_ALONE: ("lost zelf op", "manages alone"),
    Result.NOT_TAKEN_UP: ("niet opgepakt", "not taken up"),
    Result.REPEATED: ("herhaald", "repeated"),
    Result.WRONGFUL: ("onterecht", "wrongful"),
    Result.NOT_RESIDENT: ("geen inwoner", "not resident"),
    Result.FOLLOW_UP: ("vervolg", "follow up"),
    Result.FOLLOW_UP_FINANCIAL: ("vervolg financieel", "follow up financial"),
    Result.FOLLOW_UP_OTHER: ("vervolg overig", "follow up other"),
    Result.REFERRED_WITHOUT_RESIDENT: ("doorverwezen zonder inwoner", "referred without resident"),
}


def due_of(case: Mapping[str, Any], lang: Lang) -> tuple[date | None, str]:
    """The day that is due, and for what."""
    if case["conversationDue"]:
        return date.fromisoformat(case["conversationDue"]), either(lang, "gesprek", "conversation")
    if case["offerDue"]:
        return date.fromisoformat(case["offerDue"]), either(lang, "aanbod", "offer")
    return None, ""


def told(entry: Mapping[str, Any], lang: Lang) -> str:
    """One entry in words."""
    match entry["kind"]:
        case "attempt":
            how = either(lang, *CONTACT[ContactKind(entry["contact"])])
            part = f" ({either(lang, *DAY_PART[DayPart(entry['dayPart'])])})" if entry.get("dayPart") else ""
            reached = either(lang, "bereikt", "reached") if entry["reached"] else either(lang, "niet bereikt", "missed")
            return f"{how}{part}: {reached}"
        case "accepted":
            threat = either(lang, ", bedreigend", ", threatened") if entry["threatened"] else ""
            return either(lang, "aanbod aanvaard", "offer accepted") + threat
        case "closed":
            result = either(lang, *RESULT[Result(entry["result"])])
            return either(lang, f"gesloten: {result}", f"closed: {result}")
        case "assigned":
            who = " @ ".join(filter(None, (entry["worker"], entry.get("partner"))))
            return either(lang, f"toegewezen aan {who}", f"assigned to {who}")
        case "struck":
            return either(lang, f"aantekening {entry['number']} doorgehaald", f"entry {entry['number']} struck")
        case kind:
            words = {
                "taken_up": ("opgepakt", "taken up"),
                "spoken": ("eerste gesprek gevoerd", "first conversation held"),
                "reopened": ("heropend", "reopened"),
            }
            return either(lang, *words[kind])
