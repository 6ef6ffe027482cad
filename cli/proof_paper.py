"""The page on paper that goes with a proof: in Dutch, for a judge or bailiff who has never heard of this program."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime

from cli.desk_options import contact_lines
from client.paper import typeset
from client.words import CATEGORY, day, euros, in_words, moment, month
from privacy.report_proof import Proven
from signals.days import AMSTERDAM

KIND = {
    "early": "melding van een betalingsachterstand",
    "end_of_supply": "melding vóór beëindiging van de levering",
    "hand_over": "melding vóór overdracht",
}
URGENT = {
    "eviction_announced": "ontruiming aangezegd",
    "shut_off_announced": "afsluiting aangekondigd",
    "insurance_ended": "verzekering geëindigd",
}


def proof_paper(proven: Proven, file: str, text: bytes) -> bytes:
    """The page as a PDF; `file` and `text` are the proof's file, which the page names by its hash."""
    event, report, details = proven.receipt.event, proven.report, proven.details
    steps = report.social_collection
    cents, since = details["amount_cents"], day(report.arrears_since, "nl")
    months = "1 maand" if report.months == 1 else f"{report.months} maanden"
    seen = moment(proven.seen_at, "nl") if proven.seen_at else "nog niet"
    by = {"record": "per klant vastgelegd", "procedure": "volgens de vaste werkwijze van de schuldeiser"}[steps.by]
    steps_taken = (
        f"herinnering {day(steps.reminder_sent_on, 'nl')}, contact gezocht {day(steps.contact_sought_on, 'nl')}, "
        f"gewezen op schuldhulp {day(steps.pointed_at_help_on, 'nl')}, aanbod gedaan "
        f"{day(steps.offer_made_on, 'nl')} ({by})"
    )
    facts = {
        "creditor": event.creditor,
        "municipality": proven.document.pilot.municipality,
        "person": _person(details),
        "reported": [
            ["Contract- of klantnummer", str(details["contract"])],
            ["Soort", f"{in_words(CATEGORY, event.category.value, 'nl')}; {KIND[report.kind.value]}"],
            ["Achterstand", f"{euros(int(cents), 'nl')}, {months}, sinds {since}"],
            ["Stand op", f"{day(report.reported_on, 'nl')} (maand {month(event.period, 'nl')})"],
            ["Spoed", ", ".join(URGENT[flag.value] for flag in report.urgent) or "geen"],
            ["Wat de schuldeiser deed", steps_taken],
        ],
        "received": [
            ["Ontvangen op", f"{moment(datetime.fromisoformat(event.at), 'nl')} (klok van de dienst)"],
            ["Levering", f"{event.delivery}, met {event.accepted} aangenomen meldingen"],
            ["Logboek", f"{proven.checkpoint.origin}, ijkpunt na {proven.checkpoint.size} gebeurtenissen"],
            ["Door de gemeente medeondertekend", seen],
        ],
        "file": file,
        "sha256": hashlib.sha256(text).hexdigest(),
        "root": proven.checkpoint.root.hex(),
        "fingerprint": proven.document.fingerprint(),
        "made": day(datetime.now(AMSTERDAM).date(), "nl"),
    }
    return typeset("report-proof", facts)


def _person(details: Mapping[str, str | int]) -> list[str]:
    """Name, address and birth date; how to reach somebody proves nothing to a judge."""
    lines = contact_lines({**details, "phone": "", "email": "", "birth_date": ""})
    born = details.get("birth_date")
    return [line.strip() for line in lines] + ([f"geboren {day(date.fromisoformat(str(born)), 'nl')}"] if born else [])
