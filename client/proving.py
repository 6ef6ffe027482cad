"""What a creditor does with its receipts: ask whether they are still in the log, and prove one single report."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from client.exclusions import fold_reference
from client.home import Home, HomeUnusable
from client.receipts import KeptDelivery, KeptReport, kept_deliveries, last_day, taken_reports
from client.service import Service, ServiceRefused
from client.trust import signed_document
from privacy import merkle
from privacy.checkpoints import Checkpoint, CheckpointRefused, cosigned_at, read_checkpoint
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument
from privacy.proofs import is_included
from privacy.receipts import Receipt, read_receipt
from privacy.references import reference
from privacy.report_proof import Proven, ReportProof, verify_proof
from signals.days import AMSTERDAM

SEALED_WITHIN = timedelta(minutes=1)  # an event becomes a leaf within a second or two
PATIENCE = 15.0  # seconds, where a delivery was taken up a moment ago


class NothingToProve(PrivacyError):
    """No report of that contract is kept here that was taken; refused lines have no proof."""

    code = "nothing-to-prove"


class Place(StrEnum):
    """Where the leaf of a receipt is."""

    SEEN = "seen"  # in the log, at a checkpoint that the municipality cosigned
    IN_LOG = "in_log"
    WAITING = "waiting"  # not sealed yet, which takes a second or two
    MISSING = "missing"  # the service signed for it, and the log does not hold it


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """A receipt, and whether the log holds its leaf."""

    receipt: Receipt
    place: Place


@dataclass(frozen=True, slots=True)
class _Head:
    """A checkpoint that the service shows: its note, and the municipality's cosignature if there is one."""

    checkpoint: Checkpoint
    note: str
    cosignature: str | None


def check_receipts(home: Home, service: Service, pilot_id: str) -> list[CheckedReceipt]:
    """Ask for each receipt of this pilot that is kept here whether its leaf is in the log; the newest first.

    Not asked for are those that the service, by the terms of now, keeps no longer than today. A leaf must also be at
    the checkpoint that the municipality cosigned last, where that is large enough: a log that shows it to its creditor
    alone is found out.

    Raises:
        UntrustedDocument, NotSigned, CheckpointRefused: the service shows a document, receipt or checkpoint that was
            not signed as it should be.
    """
    document, _token = signed_document(home, service, pilot_id)
    today, terms = datetime.now(AMSTERDAM).date(), document.pilot.retention
    standing = [receipt for _kept, receipt in _receipts(home, document) if last_day(receipt, terms) > today]
    heads = _heads(service, document) if standing else []
    return [CheckedReceipt(receipt, _place(service, receipt, heads)) for receipt in standing]


def prove_report(
    home: Home, service: Service, pilot_id: str, contract: str, period: str | None = None
) -> tuple[ReportProof, Proven]:
    """Make the proof of one report, and check it as anybody would.

    Args:
        home: the creditor's home.
        service: logged in as that creditor.
        pilot_id: which pilot.
        contract: the creditor's own number, as in its export.
        period: which month; else the newest one in which that contract was reported.

    Raises:
        NothingToProve: no report of it that was taken is kept here, or its receipt is not in the log.
        UntrustedDocument, NotSigned, CheckpointRefused, ReceiptRefused, ProofRefused: something does not hold.
    """
    document, token = signed_document(home, service, pilot_id)
    opaque = reference(home.secret("secret.key"), pilot_id, fold_reference(contract))
    signed, receipt, index, report, leaves = _found(home, document, opaque, period)
    head, (leaf_index, inclusion) = _sealed(service, document, receipt)
    proof = ReportProof(
        format="vroegsein/report-proof/v1",
        sent=report.sent,
        details=report.details,
        salt=report.salt,
        sealed=report.sealed,
        index=index,
        path=tuple(hashed.hex() for hashed in merkle.proof(merkle.levels(leaves), index)),
        receipt=signed,
        leaf_index=leaf_index,
        inclusion=tuple(hashed.hex() for hashed in inclusion),
        checkpoint=head.note,
        cosignature=head.cosignature,
        document=token,
    )
    return proof, verify_proof(proof, home.settings.pilots[pilot_id])


def _receipts(home: Home, document: PilotDocument) -> list[tuple[KeptDelivery, Receipt]]:
    """The receipts of this pilot, each checked, the newest first."""
    found = [
        (kept, read_receipt(kept.receipt, document.log_key))
        for kept in kept_deliveries(home)
        if kept.pilot == document.pilot.id and kept.receipt is not None
    ]
    return sorted(found, key=lambda one: one[1].event.at, reverse=True)


def _found(
    home: Home, document: PilotDocument, opaque: str, period: str | None
) -> tuple[str, Receipt, int, KeptReport, list[bytes]]:
    """The newest report of a contract: its delivery's receipt as signed and read, its place there, all leaves."""
    kept_without_reports = []
    for kept, receipt in _receipts(home, document):
        if period is not None and kept.period != period:
            continue
        leaves, found = [], None
        try:
            for index, report in enumerate(taken_reports(home, kept.delivery)):
                leaves.append(report.leaf())
                if report.reference == opaque:
                    found = (index, report)
        except HomeUnusable as error:  # it may stand in another delivery
            kept_without_reports.append(error)
            continue
        if found is not None:
            return kept.receipt or "", receipt, *found, leaves
    if kept_without_reports:
        raise kept_without_reports[0]
    raise NothingToProve("no report of that contract that was taken is kept here: refused lines have no proof")


def _heads(service: Service, document: PilotDocument) -> list[_Head]:
    """The checkpoint that the municipality cosigned last, if there is one, and the newest one."""
    try:
        found = service.get("/checkpoints/newest", pilotId=document.pilot.id)
    except ServiceRefused as refused:
        if refused.kind != "not-in-log":
            raise
        return []  # nothing of this pilot was sealed yet
    cosigned = list(_cosigned(found["cosignatures"], document))
    note = found["checkpoint"]
    return [*cosigned, _Head(read_checkpoint(note, document.log_key), note, None)]


def _cosigned(cosignatures: list[dict[str, Any]], document: PilotDocument) -> Iterator[_Head]:
    for cosignature in cosignatures:
        note, line = cosignature["checkpoint"], cosignature["signature"]
        try:
            checkpoint = read_checkpoint(note, document.log_key)
            cosigned_at(line, checkpoint, document.desk, document.signing)
        except CheckpointRefused:
            continue  # of a desk that this document does not name, or no longer by that key
        yield _Head(checkpoint, note, line)


def _place(service: Service, receipt: Receipt, heads: list[_Head]) -> Place:
    proofs = [(head, _inclusion(service, receipt, head.checkpoint)) for head in heads]
    index = next((proof[0] for head, proof in reversed(proofs) if proof is not None), None)
    if index is None or proofs[-1][1] is None:
        age = datetime.now(UTC) - datetime.fromisoformat(receipt.event.at)
        return Place.WAITING if age < SEALED_WITHIN else Place.MISSING
    reached = [proof for head, proof in proofs if head.cosignature is not None and head.checkpoint.size > index]
    if None in reached:
        return Place.MISSING
    return Place.SEEN if reached else Place.IN_LOG


def _sealed(service: Service, document: PilotDocument, receipt: Receipt) -> tuple[_Head, tuple[int, list[bytes]]]:
    """A checkpoint that holds the receipt's leaf, the municipality's own word before the service's, with the proof."""
    until = time.monotonic() + PATIENCE
    while True:
        for head in _heads(service, document):
            proof = _inclusion(service, receipt, head.checkpoint)
            if proof is not None:
                return head, proof
        if time.monotonic() > until:
            raise NothingToProve("the receipt of that report is not in the log: run `vroegsein creditor receipts`")
        time.sleep(0.5)


def _inclusion(service: Service, receipt: Receipt, checkpoint: Checkpoint) -> tuple[int, list[bytes]] | None:
    """Place and proof of the receipt's leaf at a checkpoint; None where the service has none, or none that holds."""
    leaf = receipt.leaf_hash()
    try:
        found = service.get(
            "/inclusion-proofs", pilotId=checkpoint.origin, leafHash=leaf.hex(), treeSize=checkpoint.size
        )
    except ServiceRefused as refused:
        if refused.kind != "not-in-log":
            raise
        return None
    hashes = [bytes.fromhex(hashed) for hashed in found["hashes"]]
    holds = is_included(leaf, found["leafIndex"], checkpoint.size, hashes, checkpoint.root)
    return (found["leafIndex"], hashes) if holds else None
