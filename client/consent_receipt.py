"""A consent as its resident takes it home: the record of ISO/IEC TS 27560:2023 inside a receipt, and a page to read.

Made when a consent is recorded, from what the desk has at that moment; the service keeps nothing of it. The JSON names
nobody: the page, which is handed over, says whose it is.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.desk_basis import ConsentGiven
from client.dpv import CONSENT_RIGHTS, CONTEXT, entity, entity_id, process
from client.home import Party, write_private
from client.paper import typeset
from privacy.pilot_document import PilotDocument
from signals.report import Kind
from signals.wording import CATEGORIES, day, listed

SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#"
HOW = {"desk": "aan de balie", "writing": "op papier", "telephone": "door de telefoon"}


def consent_receipt(
    document: PilotDocument, consent: str, given: ConsentGiven, party: Party, now: datetime
) -> dict[str, Any]:
    """The receipt as JSON-LD: its record has every field that the specification makes mandatory.

    Args:
        document: the signed pilot document.
        consent: the id under which the consent was recorded.
        given: what was consented to.
        party: the municipality.
        now: when the receipt is made.
    """
    record = f"urn:uuid:{consent}"
    ground = document.pilot.categories[given.category].ground(Kind.EARLY)
    valid = f"{given.given_on}/{given.valid_until}"
    exercised = {"dpv:isExercisedAt": f"{party.address}; {party.contact}"}
    return {
        "@context": CONTEXT,
        "@id": f"{record}#receipt",
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": f"{consent}-receipt",
        "dct:conformsTo": f"{SCHEMA}receipt",
        "dct:created": now.isoformat(timespec="seconds"),
        "dct:publisher": entity_id(document.desk),
        "schema:recipient": "dpv:DataSubject",
        "dpv:hasRecordOfActivity": {
            "@id": record,
            "@type": "dpv:ConsentRecord",
            "dct:identifier": consent,
            "dct:conformsTo": f"{SCHEMA}record",
            "dct:language": "nl",
            "dpv:hasDataSubject": {"@id": f"{record}#resident", "@type": "dpv:DataSubject"},
            "dpv:hasDataController": entity_id(document.desk),
            "dpv:hasEntity": [entity(document.desk, party)],
            "dpv:hasJurisdiction": "loc:NL",
            "dpv:hasApplicableLaw": "eu-gdpr:GDPR",
            "dpv:hasProcess": [process(document, given.category, ground, party, sources(document, given))],
            "dpv:hasNotice": {
                "@type": "dpv:ConsentNotice",
                "dct:identifier": given.notice,
                "dct:date": given.given_on.isoformat(),
                "dct:language": "nl",
            },
            "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", **exercised},
            "dpv:hasRight": [{"@type": ["dpv:DataSubjectRight", right], **exercised} for right in CONSENT_RIGHTS],
            "dpv:hasConsentStatus": [
                {
                    "@type": ["dpv:ConsentGiven", "dpv:ExpressedConsent"],
                    "dpv:isIndicatedBy": "dpv:DataSubject",
                    "dpv:hasIndicationMethod": HOW[given.given_by],
                    "dpv:isIndicatedAtTime": given.given_on.isoformat(),
                    "dct:date": given.given_on.isoformat(),
                    "dct:valid": valid,
                    "dpv:isImplementedByEntity": entity_id(document.desk),
                }
            ],
        },
    }


def consent_page(
    document: PilotDocument, consent: str, given: ConsentGiven, party: Party, whose: Sequence[str]
) -> bytes:
    """The same in plain Dutch on one page (PDF/UA-1). `whose`: the resident's name and address, line by line."""
    return typeset(
        "consent",
        {
            "whose": [line.strip() for line in whose],
            "category": CATEGORIES[given.category]["nl"],
            "creditors": listed(sources(document, given), "nl"),
            "municipality": party.name,
            "address": party.address,
            "contact": party.contact,
            "notice": given.notice,
            "how": HOW[given.given_by],
            "given_on": day(given.given_on, "nl"),
            "valid_until": day(given.valid_until, "nl"),
            "report_days": document.pilot.retention.report_days,
            "consent": consent,
        },
    )


def write_receipt(
    folder: Path, document: PilotDocument, consent: str, given: ConsentGiven, party: Party, whose: Sequence[str]
) -> tuple[Path, Path]:
    """Write page and receipt into a folder, for their owner alone; returns the two files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    page, record = folder / f"{consent}.pdf", folder / f"{consent}.json"
    write_private(page, consent_page(document, consent, given, party, whose))
    receipt = consent_receipt(document, consent, given, party, datetime.now(UTC))
    write_private(record, json.dumps(receipt, ensure_ascii=False, indent=2).encode())
    return page, record


def sources(document: PilotDocument, given: ConsentGiven) -> tuple[str, ...]:
    """Whose reports the consent is about: an experiment's creditors, else all of the pilot."""
    experiment = document.pilot.categories[given.category].experiment
    return experiment.creditors if experiment else tuple(document.creditors)
