"""The register of lawful bases: for each category and kind of a pilot what it rests on, as its desk signed it.

In the shape of ISO/IEC TS 27560:2023 (record, processing, party), with DPV's words, for bases of law too. It holds
nothing of a resident: all of it stands in the signed pilot document, so making it looks at nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from client.dpv import CONSENT_RIGHTS, CONTEXT, OTHER_RIGHTS, entity, entity_id, process
from client.home import Party
from privacy.pilot_document import PilotDocument
from signals.pilot import Evidence, Ground
from signals.report import Category, Kind

CONFORMS_TO = "urn:vroegsein:basis-register:1"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a category, its kind, and what reports of it rest on."""

    category: Category
    kind: Kind
    ground: Ground


def entries(document: PilotDocument) -> Iterator[Entry]:
    """What is laid down, in the document's order. An update rests on what the contract's first report rested on."""
    for category, terms in document.pilot.categories.items():
        for kind in (Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER):
            yield Entry(category, kind, terms.ground(kind))


def basis_register(document: PilotDocument, signed: str, party: Party, now: datetime) -> dict[str, Any]:
    """The register as JSON-LD. `signed`: the pilot document as the desk signed it, so that anybody can check it."""
    pilot = document.pilot
    register = f"urn:vroegsein:pilot:{pilot.id}:basis-register:{document.version}"
    return {
        "@context": CONTEXT,
        "@id": register,
        "@type": "dpv:RecordsOfActivities",
        "dct:identifier": register,
        "dct:conformsTo": CONFORMS_TO,
        "dct:created": now.isoformat(timespec="seconds"),
        "dct:language": "nl",
        "dct:valid": f"{pilot.starts}/{pilot.ends}",
        "dpv:hasJurisdiction": "loc:NL",
        "dpv:hasApplicableLaw": "eu-gdpr:GDPR",
        "dpv:hasDataController": entity_id(document.desk),
        "dpv:hasEntity": [
            entity(document.desk, party),
            *(
                {"@id": entity_id(name), "@type": ["dpv:LegalEntity", "dpv:DataSource"], "dct:identifier": name}
                for name in document.creditors
            ),
        ],
        "dpv:hasProcess": [_line(document, entry, party, register) for entry in entries(document)],
        "vroegsein:lookingAllowed": [
            {
                "@type": "dpv:Purpose",
                "dct:identifier": name,
                "skos:prefLabel": purpose.words.model_dump(),
                "dct:source": purpose.basis,
                "vroegsein:roles": list(purpose.roles),
                "vroegsein:level": purpose.level.value,
            }
            for name, purpose in pilot.purposes.items()
        ],
        "vroegsein:retentionDays": pilot.retention.model_dump(),
        "vroegsein:signedDocument": signed,
    }


def _line(document: PilotDocument, entry: Entry, party: Party, register: str) -> dict[str, Any]:
    experiment = entry.ground.experiment
    by_consent = entry.ground.evidence is Evidence.CONSENT
    sources = experiment.creditors if experiment else tuple(document.creditors)
    rights = CONSENT_RIGHTS if by_consent else OTHER_RIGHTS
    return {
        **process(document, entry.category, entry.ground, party, sources),
        "@id": f"{register}:{entry.category.value}:{entry.kind.value}",
        "vroegsein:kind": entry.kind.value,
        "vroegsein:basis": entry.ground.basis.value,
        **({"vroegsein:experiment": experiment.model_dump(mode="json")} if experiment else {}),
        "dpv:hasRight": [{"@type": ["dpv:DataSubjectRight", right]} for right in rights],
    }
