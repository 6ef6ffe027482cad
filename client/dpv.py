"""Words of the W3C's Data Privacy Vocabulary (DPV 2.3) for what a municipality keeps and gives out as JSON-LD.

The prefixes stand in each document, so that it can be read without the internet. What DPV has no word for bears our own
prefix. `docs/api.md` names the editions.
"""

from collections.abc import Sequence
from typing import Any

from client.home import Home, HomeUnusable, Party
from privacy.pilot_document import PilotDocument
from signals.pilot import Basis, Ground
from signals.report import Category

_NAMES_SOMETHING = (  # values of these are names of things, not texts
    *("dct:conformsTo", "dct:publisher", "schema:recipient", "skos:broader", "dpv:hasDataController"),
    *("dpv:hasJurisdiction", "dpv:hasApplicableLaw", "dpv:hasLegalBasis", "dpv:hasPersonalData", "dpv:hasProcessing"),
    *("dpv:hasDataSource", "dpv:hasRecipient", "dpv:hasLocation", "dpv:isIndicatedBy", "dpv:isImplementedByEntity"),
)
CONTEXT: dict[str, Any] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vroegsein": "urn:vroegsein:term:",
    "skos:prefLabel": {"@id": "skos:prefLabel", "@container": "@language"},
    **{name: {"@id": name, "@type": "@id"} for name in _NAMES_SOMETHING},
}
# Of the law: what creditors must do, and what the municipality's task is.
LEGAL_BASIS: dict[Basis, list[str]] = {
    Basis.STATUTORY: ["eu-gdpr:A6-1-c", "eu-gdpr:A6-1-e"],
    Basis.EXPERIMENT: ["eu-gdpr:A6-1-e"],
    Basis.CONSENT: ["eu-gdpr:A6-1-a"],
}
CONSENT_RIGHTS = ("eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A16", "eu-gdpr:A17", "eu-gdpr:A21")
OTHER_RIGHTS = CONSENT_RIGHTS[1:]


def municipality(home: Home) -> Party:
    """Who the desk works for. Raises HomeUnusable when the settings don't say."""
    found = home.settings.municipality
    if found is None:
        raise HomeUnusable(
            f"say in {home.path / 'settings.yaml'} who you are: `municipality` with name, address, contact "
            "(telephone or e-mail) and stored_in (two letters: the country in which the service keeps the data)"
        )
    return found


def entity(of: str, party: Party) -> dict[str, Any]:
    """A party with its name, address and contact (ISO/IEC TS 27560, party fields)."""
    return {
        "@id": entity_id(of),
        "@type": ["dpv:LegalEntity", "dpv:DataController", "dpv:Recipient"],
        "dct:identifier": of,
        "dpv:hasName": party.name,
        "dpv:hasAddress": party.address,
        "dpv:hasContact": party.contact,
    }


def entity_id(of: str) -> str:
    """How an organisation is called in a document."""
    return f"urn:vroegsein:organisation:{of}"


def process(
    document: PilotDocument, category: Category, ground: Ground, party: Party, sources: Sequence[str]
) -> dict[str, Any]:
    """What is done with reports of one category: why, with which data, from whom, for whom, where and how long."""
    purposes = document.pilot.purposes.values()
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": [
            {
                "@type": "dpv:Purpose",
                "skos:prefLabel": {"nl": "vroegsignalering", "en": "early signalling"},
                "skos:narrower": [
                    {"@type": "dpv:Purpose", "skos:prefLabel": purpose.words.model_dump()} for purpose in purposes
                ],
            }
        ],
        "dpv:hasLegalBasis": LEGAL_BASIS[ground.basis],
        "dct:source": ground.source,
        "vroegsein:category": category.value,
        "vroegsein:evidence": ground.evidence.value,
        "dpv:hasPersonalData": [
            *("pd:Name", "pd:PhysicalAddress", "pd:BirthDate", "pd:TelephoneNumber", "pd:EmailAddress"),
            {"@type": "dpv:PersonalData", "skos:broader": "pd:FinancialStatus", "skos:prefLabel": ARREARS},
        ],
        "dpv:hasProcessing": ["dpv:Collect", "dpv:Store", "dpv:Match", "dpv:Consult", "dpv:Erase"],
        "dpv:hasDataSource": [entity_id(source) for source in sources],
        "dpv:hasRecipient": [entity_id(document.desk)],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": f"loc:{party.stored_in}"},
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": f"P{document.pilot.retention.report_days}D"},
        ],
    }


ARREARS = {
    "nl": "achterstand: bedrag, maanden, sinds wanneer, contract, wat de schuldeiser eraan deed",
    "en": "arrears: amount, months, since when, contract, what the creditor did about it",
}
