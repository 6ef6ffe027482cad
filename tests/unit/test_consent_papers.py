"""The register of lawful bases and a consent's receipt: the fields of ISO/IEC TS 27560:2023 in DPV's words, and a page.

The specification's mandatory fields and DPV's words for them are those of the guide of 1 August 2024 (DPVCG).
"""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pypdf
import pytest

from client.basis_register import basis_register, entries
from client.consent_receipt import consent_page, consent_receipt, write_receipt
from client.desk_basis import ConsentGiven
from client.dpv import CONTEXT, municipality
from client.home import Home, HomeUnusable, Party, Settings, init_desk
from privacy.pilot_document import CreditorKeys, PilotDocument
from privacy.signing import new_signing_key, public_jwk
from signals.pilot import Evidence, Pilot
from signals.report import Category, Kind
from tests.world import pilot_document

PARTY = Party(name="Gemeente Bland", address="Plein 1, 1111 AA Dorp", contact="0123 456789", stored_in="NL")
CONSENT = "0d2c1f0e-1111-4222-8333-944444444444"
GIVEN = ConsentGiven(Category.ENERGY, "folder-2026-1", date(2026, 10, 1), date(2027, 9, 30), "telephone")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

TEXT = {"type": "string", "minLength": 1}
A_PARTY = {
    "type": "object",
    "required": ["@id", "@type", "dct:identifier", "dpv:hasName", "dpv:hasAddress", "dpv:hasContact"],
}
STORED = {
    "type": "array",
    "allOf": [
        {"contains": {"properties": {"@type": {"const": "dpv:StorageLocation"}}, "required": ["dpv:hasLocation"]}},
        {"contains": {"properties": {"@type": {"const": "dpv:StorageDuration"}}, "required": ["dpv:hasDuration"]}},
    ],
}
# Processing fields: purpose, data, its kinds, recipients, where and how long.
A_PROCESS = {
    "type": "object",
    "required": ["dpv:hasPurpose", "dpv:hasPersonalData", "dpv:hasRecipient", "dpv:hasStorageCondition"],
    "properties": {
        "dpv:hasPurpose": {"type": "array", "minItems": 1},
        "dpv:hasPersonalData": {"type": "array", "minItems": 1},
        "dpv:hasRecipient": {"type": "array", "minItems": 1},
        "dpv:hasStorageCondition": STORED,
        "dpv:hasLegalBasis": {"type": "array", "minItems": 1, "items": {"pattern": "^eu-gdpr:A6-1-[ace]$"}},
    },
}
AN_EVENT = {
    "type": "object",
    "required": ["@type", "dct:date", "dct:valid", "dpv:isImplementedByEntity", "dpv:isIndicatedAtTime"],
}
RECORD = {
    "type": "object",
    "required": [
        *("dct:conformsTo", "dct:identifier", "dpv:hasDataSubject", "dpv:hasNotice", "dct:language", "dpv:hasProcess"),
        *("dpv:hasDataController", "dpv:hasEntity", "dpv:hasJurisdiction", "dpv:hasConsentControl"),
        "dpv:hasConsentStatus",
    ],
    "properties": {
        "@type": {"const": "dpv:ConsentRecord"},
        "dct:conformsTo": {"const": "https://w3id.org/dpv/schema/dpv-27560#record"},
        "dct:language": {"pattern": "^[a-z]{2}$"},
        "dpv:hasDataSubject": {"type": "object", "required": ["@id"]},
        "dpv:hasNotice": {"type": "object", "required": ["dct:identifier", "dct:date", "dct:language"]},
        "dpv:hasProcess": {"type": "array", "minItems": 1, "items": A_PROCESS},
        "dpv:hasEntity": {"type": "array", "contains": A_PARTY},
        "dpv:hasConsentControl": {
            "properties": {"@type": {"const": "dpv:WithdrawConsent"}, "dpv:isExercisedAt": TEXT},
            "required": ["@type", "dpv:isExercisedAt"],
        },
        "dpv:hasConsentStatus": {"type": "array", "minItems": 1, "items": AN_EVENT},
    },
}
RECEIPT = {
    "type": "object",
    "required": [
        "@context",
        "dct:identifier",
        "dct:conformsTo",
        "dct:created",
        "dct:publisher",
        "dpv:hasRecordOfActivity",
    ],
    "properties": {
        "@type": {"const": "dpv:ConsentReceipt"},
        "dct:conformsTo": {"const": "https://w3id.org/dpv/schema/dpv-27560#receipt"},
        "dpv:hasRecordOfActivity": RECORD,
    },
}
LINE = {**A_PROCESS, "required": [*A_PROCESS["required"], "dpv:hasLegalBasis", "dct:source", "vroegsein:evidence"]}
REGISTER = {
    "type": "object",
    "required": [
        *("@context", "dct:identifier", "dct:conformsTo", "dct:created", "dpv:hasProcess", "dpv:hasDataController"),
        *("dpv:hasEntity", "dpv:hasJurisdiction", "vroegsein:signedDocument"),
    ],
    "properties": {
        "dpv:hasEntity": {"type": "array", "contains": A_PARTY},
        "dpv:hasProcess": {"type": "array", "minItems": 1, "items": LINE},
    },
}


@pytest.fixture(scope="module")
def document() -> PilotDocument:
    """A signed pilot whose energy arrears are an experiment with consent as evidence."""
    key = public_jwk(new_signing_key())
    return PilotDocument(
        version=3,
        pilot=Pilot.model_validate(pilot_document("bland", "town-b")),
        desk="town-b",
        signing=key,
        recipient="AAAA",
        recipient_key="0" * 32,
        recovery="AAAA",
        creditors={name: CreditorKeys(signing=key, envelope="AAAA") for name in ("housing", "power")},
        epoch=1,
        key_check="0" * 64,
        rule_set_hash="0" * 64,
        log_key="bland+00000000+AAAA",
    )


def names(value: Any) -> Iterator[str]:
    """Every member's name, and every value that is a name with a prefix."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name == "@context" or name in {"vroegsein:experiment", "vroegsein:retentionDays"}:
                continue
            yield name
            yield from names(below)
    elif isinstance(value, list):
        for below in value:
            yield from names(below)
    elif isinstance(value, str) and value.split(":")[0] in {"dpv", "pd", "loc", "eu-gdpr", "vroegsein", "skos", "dct"}:
        yield value


def refused(schema: dict[str, Any], found: Any) -> bool:
    return not jsonschema_rs.Draft202012Validator(schema).is_valid(found)


def test_a_receipt_has_every_field_that_the_specification_makes_mandatory(document: PilotDocument) -> None:
    receipt = json.loads(json.dumps(consent_receipt(document, CONSENT, GIVEN, PARTY, NOW)))
    jsonschema_rs.Draft202012Validator(RECEIPT).validate(receipt)
    for name in RECORD["required"]:
        record = {key: value for key, value in receipt["dpv:hasRecordOfActivity"].items() if key != name}
        assert refused(RECEIPT, {**receipt, "dpv:hasRecordOfActivity": record}), name


def test_a_receipt_says_what_was_consented_to_when_how_and_until_when(document: PilotDocument) -> None:
    record = consent_receipt(document, CONSENT, GIVEN, PARTY, NOW)["dpv:hasRecordOfActivity"]
    event, process = record["dpv:hasConsentStatus"][0], record["dpv:hasProcess"][0]
    assert event["dct:valid"] == "2026-10-01/2027-09-30"
    assert event["dpv:hasIndicationMethod"] == "door de telefoon"
    assert process["vroegsein:category"] == "energy"
    assert process["dpv:hasDataSource"] == ["urn:vroegsein:organisation:power"]  # the experiment names it alone
    assert record["dpv:hasNotice"]["dct:identifier"] == "folder-2026-1"


def test_the_register_has_a_line_for_each_category_and_kind_with_its_basis(document: PilotDocument) -> None:
    register = json.loads(json.dumps(basis_register(document, "a.b.c", PARTY, NOW)))
    jsonschema_rs.Draft202012Validator(REGISTER).validate(register)
    lines = {(line["vroegsein:category"], line["vroegsein:kind"]): line for line in register["dpv:hasProcess"]}
    assert len(lines) == len(document.pilot.categories) * 3
    energy, rent = lines["energy", "early"], lines["rent", "early"]
    assert (energy["vroegsein:basis"], energy["vroegsein:evidence"]) == ("experiment", "consent")
    assert energy["vroegsein:experiment"]["article"] == "regulation art. 1"
    assert (rent["dpv:hasLegalBasis"], rent["dct:source"]) == (["eu-gdpr:A6-1-c", "eu-gdpr:A6-1-e"], "Bgs art. 2")
    rights = {tuple(right["@type"])[1] for right in rent["dpv:hasRight"]}
    assert "eu-gdpr:A7-3" not in rights  # nothing was consented to
    assert {purpose["dct:identifier"] for purpose in register["vroegsein:lookingAllowed"]} == set(
        document.pilot.purposes
    )


def test_the_register_tells_each_kinds_own_basis(document: PilotDocument) -> None:
    grounds = {(entry.category, entry.kind): entry.ground.evidence for entry in entries(document)}
    assert grounds[Category.ENERGY, Kind.END_OF_SUPPLY] is Evidence.CONSENT
    assert grounds[Category.RENT, Kind.EARLY] is Evidence.OFFER_NOT_REFUSED


def test_every_prefix_is_explained_in_the_document_itself(document: PilotDocument) -> None:
    receipt = consent_receipt(document, CONSENT, GIVEN, PARTY, NOW)
    for found in (receipt, basis_register(document, "a.b.c", PARTY, NOW)):
        used = {name.split(":")[0] for name in names(found) if not name.startswith("@")}
        assert used - {"nl", "en"} <= CONTEXT.keys()


def test_a_receipt_names_nobody(document: PilotDocument, tmp_path: Path) -> None:
    page, record = write_receipt(tmp_path / "out", document, CONSENT, GIVEN, PARTY, ["  A. Yılmaz", "  Kade 3"])
    assert "lmaz" not in record.read_text(encoding="utf-8")
    assert {file.stat().st_mode & 0o777 for file in (page, record)} == {0o600}


def test_the_page_tells_the_resident_the_same_in_plain_dutch_on_one_page(document: PilotDocument) -> None:
    read = pypdf.PdfReader(io.BytesIO(consent_page(document, CONSENT, GIVEN, PARTY, ["A. Yılmaz", "Kade 3 #x"])))
    said = " ".join(read.pages[0].extract_text().split())
    assert len(read.pages) == 1
    for told in ("A. Yılmaz", "Kade 3 #x", "energie", "power", "Gemeente Bland", "1 oktober 2026", "30 september 2027"):
        assert told in said
    for told in ("door de telefoon", "folder-2026-1", CONSENT, "0123 456789", "365 dagen", "intrekken"):
        assert told in said
    assert str(read.root_object["/Lang"]) == "nl"


def test_a_desk_that_does_not_say_who_it_is_gives_out_no_paper_and_keeps_it_once_it_did(tmp_path: Path) -> None:
    home = Home(tmp_path)
    init_desk(home, Settings(organisation="town-b", service_url="http://127.0.0.1:9"))
    with pytest.raises(HomeUnusable, match="municipality"):
        municipality(home)
    home.save(home.settings.model_copy(update={"municipality": PARTY}))
    init_desk(home, Settings(organisation="town-b", service_url="http://127.0.0.1:9"))
    assert municipality(home) == PARTY
