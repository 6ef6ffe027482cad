"""The proof that one report was delivered and received, which anybody checks offline with one fingerprint.

It leads from the details in clear, over what was sent, the delivery's root and the receipt, to a leaf of the log, and
from there to a checkpoint signed with the key that the municipality signed for.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from privacy import merkle
from privacy.checkpoints import Checkpoint, cosigned_at, read_checkpoint
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument, read_signed
from privacy.proofs import is_included
from privacy.receipts import Receipt, details_commitment, read_receipt, report_leaf_hash
from signals.documents import Document
from signals.report import Hex16, Hex32, Report


class Flaw(StrEnum):
    """What is wrong with a proof; the values are English sentences."""

    UNREADABLE = "this is not a proof of a version that this program knows, or it is damaged"
    OTHER_PILOT = "the parts of this proof are of different pilots"
    NOT_IN_LOG = "the receipt is not in the log of this checkpoint"
    NOT_IN_DELIVERY = "the report is not in the delivery that the receipt is about"
    OTHER_DETAILS = "the person, contract or amount shown are not those that were reported"
    OTHER_AMOUNT = "the amount in euros and cents is not the one that was sent in clear"


class ProofRefused(PrivacyError):
    """A proof does not hold: something in it was altered, left out, or put together from others."""

    code = "proof-refused"

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw.value)


@dataclass(frozen=True, slots=True, repr=False)
class Proven:
    """What a proof shows. `seen_at`: when the municipality itself cosigned the checkpoint, if it did."""

    document: PilotDocument
    receipt: Receipt
    report: Report
    details: dict[str, str | int]
    checkpoint: Checkpoint
    seen_at: datetime | None


class ReportProof(Document):
    """A proof as it stands in its file.

    `sent` is the report as it travelled in clear, `details` what was sealed beside it with `salt` as the key to the
    commitment, `sealed` the hash of the ciphertext; `index` and `path` lead to the receipt's root, `leaf_index` and
    `inclusion` from the receipt's leaf to the checkpoint.
    """

    format: Literal["vroegsein/report-proof/v1"]
    sent: str
    details: dict[str, Annotated[str, Field(strict=True)] | Annotated[int, Field(strict=True)]]
    salt: Hex16
    sealed: Hex32
    index: Annotated[int, Field(ge=0, strict=True)]
    path: tuple[Hex32, ...]
    receipt: str
    leaf_index: Annotated[int, Field(ge=0, strict=True)]
    inclusion: tuple[Hex32, ...]
    checkpoint: str
    cosignature: str | None
    document: str


def read_proof(text: bytes) -> ReportProof:
    """Read a proof's file. Raises ProofRefused."""
    try:
        return ReportProof.model_validate_json(text)
    except ValidationError:
        raise ProofRefused(Flaw.UNREADABLE) from None


def verify_proof(proof: ReportProof, fingerprint: str) -> Proven:
    """Check a proof with nothing but the municipality's fingerprint.

    Raises:
        UntrustedDocument, NotSigned: the pilot document is not that municipality's; the receipt is signed with another
            key than the log's.
        CheckpointRefused: the checkpoint is not signed with the log's key of that document, or the cosignature is not
            the municipality's.
        ReceiptRefused: the receipt is not of a version that this program knows.
        ProofRefused: the parts do not lead from the report to the checkpoint.
    """
    document = read_signed(proof.document, fingerprint)
    checkpoint = read_checkpoint(proof.checkpoint, document.log_key)
    receipt = read_receipt(proof.receipt, document.log_key)
    if not document.pilot.id == checkpoint.origin == receipt.event.pilot:
        raise ProofRefused(Flaw.OTHER_PILOT)
    inclusion = [bytes.fromhex(hashed) for hashed in proof.inclusion]
    if not is_included(receipt.leaf_hash(), proof.leaf_index, checkpoint.size, inclusion, checkpoint.root):
        raise ProofRefused(Flaw.NOT_IN_LOG)
    report = _reported(proof, receipt)
    seen_at = None
    if proof.cosignature is not None:
        seconds = cosigned_at(proof.cosignature, checkpoint, document.desk, document.signing)
        seen_at = datetime.fromtimestamp(seconds, UTC)
    return Proven(document, receipt, report, dict(proof.details), checkpoint, seen_at)


def _reported(proof: ReportProof, receipt: Receipt) -> Report:
    """The report, which must be one of the receipt's delivery and have these details."""
    sent = proof.sent.encode()
    leaf = report_leaf_hash(sent, bytes.fromhex(proof.sealed))
    path = [bytes.fromhex(hashed) for hashed in proof.path]
    root = merkle.root_from_proof(leaf, proof.index, receipt.event.accepted, path)
    if root is None or root.hex() != receipt.event.root:
        raise ProofRefused(Flaw.NOT_IN_DELIVERY)
    try:
        report = Report.model_validate_json(sent)
    except ValidationError:
        raise ProofRefused(Flaw.UNREADABLE) from None
    if details_commitment(bytes.fromhex(proof.salt), proof.details) != report.commitment:
        raise ProofRefused(Flaw.OTHER_DETAILS)
    cents = proof.details.get("amount_cents")
    if not isinstance(cents, int) or cents // 100 != report.amount_euros:
        raise ProofRefused(Flaw.OTHER_AMOUNT)
    return report
