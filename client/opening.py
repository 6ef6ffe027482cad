"""Opening reports at the desk: first the creditor's signature and the binding are checked, then the details shown."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from privacy import merkle
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from privacy.receipts import details_commitment
from privacy.references import report_id
from privacy.sealing import AlteredReport, Envelope, SealedReport, rekeyed_leaf, report_leaf
from privacy.signing import NotSigned, verify
from signals.report import Kind, Manifest, Report

MANIFEST_SIGNED_AS = "vroegsein/delivery/v1"
REKEYED_AS = "vroegsein/rekeying/v1"
HASH = 32
_CONTACT = TypeAdapter(Contact)


@dataclass(frozen=True, slots=True, repr=False)
class OpenedReport:
    """One report as its creditor wrote it: what the service knows of it, and the details that only the desk sees.

    `salt` (hexadecimal) is what the commitment to these details was made with. `signer` is `x` of the creditor's
    key that signed it; `compromised`: somebody else may have had that key.
    """

    creditor: str
    report: Report
    details: Mapping[str, str | int]
    salt: str
    signer: str
    compromised: bool

    @property
    def contact(self) -> Contact:
        """The resident, in the creditor's spelling. Raises ValueError: a detail has another form."""
        return contact_of(self.details)


def contact_of(details: Mapping[str, Any]) -> Contact:
    """The resident among sealed details. Raises ValueError: one has another form than it was sealed in."""
    known = Contact.__dataclass_fields__
    return _CONTACT.validate_python({name: value for name, value in details.items() if name in known})


def open_report(row: Mapping[str, Any], document: PilotDocument, private: bytes) -> OpenedReport:
    """Check and open one report of a signal.

    Args:
        row: the report as the service hands it out, with its sealed details.
        document: this desk's own pilot document, with the creditors' keys.
        private: the municipality's private key.

    Raises:
        AlteredReport: the report, its details or what the service says of it is not what the creditor signed.
        NotForThisKey: the delivery key is sealed to another key, or for another delivery, or was altered.
        NotSigned: the creditor's signature is missing or another's.
    """
    creditor, sealed_row = row["creditorId"], row["sealed"]
    if creditor not in document.creditors and creditor not in document.former:
        raise NotSigned(f"{creditor} is not in the pilot document that this desk signed")
    if sealed_row is None:
        raise AlteredReport("the service hands out no sealed details with this report")
    if _is_rekeyed(sealed_row["manifest"], document):
        return _open_rekeyed(row, document, private)
    sent = sealed_row["sent"].encode()
    sealed = SealedReport(_bytes(sealed_row["wrappedKey"]), _bytes(sealed_row["contact"]))
    try:
        signed, signer, compromised = document.signed_by(creditor, sealed_row["manifest"], MANIFEST_SIGNED_AS)
        manifest = Manifest.model_validate_json(signed)
        report = Report.model_validate_json(sent)
    except ValidationError:
        raise AlteredReport("the report or its manifest does not have the form that the creditor signs") from None
    _refuse_other_than_signed(row, report, manifest, document)
    _refuse_outside_manifest(sealed_row, manifest, report_leaf(sent, sealed))
    details = _details(sealed_row, private, document, manifest, creditor, report, sealed)
    return _opened(creditor, report, details, signer, compromised=compromised)


def _is_rekeyed(signed: str, document: PilotDocument) -> bool:
    try:
        return bool(verify(signed, document.signing, REKEYED_AS))
    except NotSigned:
        return False


def _open_rekeyed(row: Mapping[str, Any], document: PilotDocument, private: bytes) -> OpenedReport:
    """Check and open a report that this desk gave other match keys: it checked the creditor's signature then."""
    creditor, sealed_row = row["creditorId"], row["sealed"]
    manifest = Manifest.model_validate_json(verify(sealed_row["manifest"], document.signing, REKEYED_AS))
    sent = sealed_row["sent"].encode()
    sealed = SealedReport(_bytes(sealed_row["wrappedKey"]), _bytes(sealed_row["contact"]))
    entry = rekeyed_leaf(sent, sealed, creditor, row["category"], row["period"])
    _refuse_outside_manifest(sealed_row, manifest, entry)
    report = Report.model_validate_json(sent)
    said = manifest.model_copy(
        update={"creditor": creditor, "category": row["category"], "period": row["period"]}
    )  # the leaf holds these of each report
    _refuse_other_than_signed(row, report, said, document)
    details = _details(sealed_row, private, document, manifest, document.desk, report, sealed)
    signer, former = str(details.pop("signer", "")), document.former.get(creditor)
    stolen = former is not None and former.compromised and signer == former.signing["x"]
    return _opened(creditor, report, details, signer, compromised=stolen)


def _opened(
    creditor: str, report: Report, details: dict[str, str | int], signer: str, *, compromised: bool
) -> OpenedReport:
    shown = _without_salt(details, report.commitment)
    return OpenedReport(creditor, report, shown, str(details["salt"]), signer, compromised)


def _details(
    sealed_row: Mapping[str, Any],
    private: bytes,
    document: PilotDocument,
    manifest: Manifest,
    sender: str,
    report: Report,
    sealed: SealedReport,
) -> dict[str, str | int]:
    """Open the delivery key and with it the details; both must be those that were signed for."""
    about = (document.pilot.id, sender, manifest.recipient_key, manifest.content_hash)
    envelope = Envelope.opened(_bytes(sealed_row["keyEnvelope"]), private, *about)
    if envelope.check() != manifest.delivery_key_check:
        raise AlteredReport("the delivery key is not the one that was signed for this delivery")
    details = envelope.open(sealed, report.reference, sealed_row["sent"].encode())
    cents = details.get("amount_cents")
    if not isinstance(cents, int) or cents // 100 != report.amount_euros or "contract" not in details:
        raise AlteredReport("the sealed details are not those of the report beside them: ask the creditor")
    return details


def _refuse_other_than_signed(
    row: Mapping[str, Any], report: Report, manifest: Manifest, document: PilotDocument
) -> None:
    """What the service shows beside the signed text must be what the text says, or its lists would mislead."""
    said = report.model_dump(mode="json", by_alias=True)
    same = ("amountEuros", "months", "arrearsSince", "sinceDerived", "reportedOn", "socialCollection")
    shown = ([row[name] for name in same], sorted(row["urgent"]), row["reportId"])
    its_id = str(report_id(manifest.pilot, manifest.creditor, manifest.period, report.reference))
    signed = ([said[name] for name in same], sorted(report.urgent), its_id)
    # That it is an update of an earlier report is the service's to say; the other kinds are the creditor's.
    kind_fits = row["kind"] in ({Kind.EARLY, Kind.UPDATE} if report.kind is Kind.EARLY else {report.kind})
    about = (row["creditorId"], row["category"], row["period"], document.pilot.id)
    signed_about = (manifest.creditor, manifest.category, manifest.period, manifest.pilot)
    if shown != signed or about != signed_about or not kind_fits:
        raise AlteredReport("what the service says of this report is not what the creditor signed")


def _refuse_outside_manifest(sealed_row: Mapping[str, Any], manifest: Manifest, entry: bytes) -> None:
    part = next((part for part in manifest.parts if part.number == sealed_row["part"]), None)
    proof = _bytes(sealed_row["proof"])
    index, path = int.from_bytes(proof[:4], "big"), [proof[i : i + HASH] for i in range(4, len(proof), HASH)]
    root = merkle.root_from_proof(merkle.leaf_hash(entry), index, part.accepted, path) if part else None
    if part is None or root is None or root.hex() != part.root:
        raise AlteredReport("this report is not in the delivery that the creditor signed")


def _without_salt(details: dict[str, str | int], committed: str) -> dict[str, str | int]:
    """The details that the creditor can prove to have reported, which must be these."""
    shown = {name: value for name, value in details.items() if name != "salt"}
    try:
        fits = details_commitment(bytes.fromhex(str(details.get("salt"))), shown) == committed
    except ValueError:
        fits = False
    if not fits:
        raise AlteredReport("the sealed details are not those that the creditor committed to: ask the creditor")
    return shown


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise AlteredReport("what is sealed in this report does not arrive whole") from None
