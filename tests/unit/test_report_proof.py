"""A proof of one report holds as it was made, and in no other form."""

import json
import random
import secrets
from dataclasses import astuple
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import merkle
from privacy.checkpoints import Checkpoint, CheckpointRefused, cosign
from privacy.errors import PrivacyError
from privacy.pilot_document import UntrustedDocument
from privacy.receipts import Receipt, ReceiptRefused, details_commitment, read_receipt, report_leaf_hash
from privacy.report_proof import Flaw, ProofRefused, ReportProof, read_proof, verify_proof
from privacy.signing import NotSigned, new_signing_key, sign
from signals.report import Report
from tests.budget import examples
from tests.unit.test_pilot_document import DESK, FINGERPRINT, LOG, OTHER_DESK, make_document
from tests.unit.test_report_wire import make_report

DETAILS: dict[str, str | int] = {
    "surname": "Yıldız",
    "birth_date": "1980-02-29",
    "contract": "HC 1",
    "amount_cents": 34_567,
}
DOCUMENT = make_document()
SEALED = "ee" * 32


def make_receipt(root: bytes, accepted: int, changes: dict[str, Any] | None = None) -> Receipt:
    event = {
        "accepted": accepted,
        "at": "2026-11-24T22:10:11.123456Z",
        "category": "rent",
        "creditor": "housing",
        "delivery": "0d2c0000-0000-0000-0000-000000000000",
        "event": "11110000-0000-0000-0000-000000000000",
        "kind": "delivery",
        "manifest": "cc" * 32,
        "period": "2026-10",
        "pilot": "aland",
        "refused": 1,
        "root": root.hex(),
    }
    return Receipt.model_validate(
        {"event": event | (changes or {}), "keep_until": date(2031, 11, 25), "salt": secrets.token_hex(32)}
    )


def make_proof(
    details: dict[str, str | int] = DETAILS,
    log: dict[str, Any] = LOG,
    desk: dict[str, Any] = DESK,
    committed: dict[str, str | int] | None = None,
    receipt_changes: dict[str, Any] | None = None,
    **report: Any,
) -> dict[str, Any]:
    """A proof of the third of five reports, whose receipt is the sixth of ten leaves."""
    salt = secrets.token_bytes(16)
    stated = make_report(commitment=details_commitment(salt, committed or details), **report)
    sent = Report.model_validate(stated).canonical()
    reports = [secrets.token_bytes(32) for _ in range(5)]
    reports[2] = report_leaf_hash(sent, bytes.fromhex(SEALED))
    receipt = make_receipt(merkle.root(reports), 5, receipt_changes)
    leaves = [secrets.token_bytes(32) for _ in range(10)]
    leaves[5] = receipt.leaf_hash()
    checkpoint = Checkpoint("aland", 10, merkle.root(leaves))
    return {
        "format": "vroegsein/report-proof/v1",
        "sent": sent.decode(),
        "details": details,
        "salt": salt.hex(),
        "sealed": SEALED,
        "index": 2,
        "path": [hashed.hex() for hashed in merkle.proof(merkle.levels(reports), 2)],
        "receipt": receipt.signed(log),
        "leaf_index": 5,
        "inclusion": [hashed.hex() for hashed in merkle.proof(merkle.levels(leaves), 5)],
        "checkpoint": checkpoint.signed(log),
        "cosignature": cosign(checkpoint, "town-a", desk, 1_790_000_000),
        "document": DOCUMENT.signed(DESK),
    }


PROOF = make_proof()


def check(proof: dict[str, Any], fingerprint: str = FINGERPRINT) -> tuple[Any, ...]:
    return astuple_of(json.dumps(proof).encode(), fingerprint)


def astuple_of(text: bytes, fingerprint: str = FINGERPRINT) -> tuple[Any, ...]:
    return astuple(verify_proof(read_proof(text), fingerprint))


def test_a_proof_holds_as_it_was_made() -> None:
    proven = verify_proof(ReportProof.model_validate_json(json.dumps(PROOF)), FINGERPRINT)
    assert (proven.details, proven.receipt.event.creditor) == (DETAILS, "housing")
    assert proven.seen_at is not None
    assert int(proven.seen_at.timestamp()) == 1_790_000_000
    assert "Yıldız" not in repr(proven)


def test_without_the_municipalitys_cosignature_it_holds_and_does_not_say_that_it_was_seen() -> None:
    assert check(PROOF | {"cosignature": None})[-1] is None


def test_another_municipalitys_fingerprint_refuses_it() -> None:
    with pytest.raises(UntrustedDocument):
        check(PROOF, make_document(OTHER_DESK).fingerprint())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each single value of a proof stands, and each list."""
    if isinstance(value, dict):
        return [place for name in value for place in places(value[name], (*path, name))]
    if isinstance(value, list):
        return [path, *(place for at, below in enumerate(value) for place in places(below, (*path, at)))]
    return [path]


def other(value: Any) -> list[Any]:
    """Values that look like this one and are another."""
    if isinstance(value, list):
        return [value[:-1], [*value, "00" * 32], value[::-1]]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 100]
    middle = len(value) // 2
    return [value[:middle] + ("1" if value[middle] != "1" else "2") + value[middle + 1 :], value[:-3], ""]


@pytest.mark.parametrize("place", places(PROOF), ids=lambda place: ".".join(map(str, place)))
def test_whatever_is_altered_in_it_it_is_refused(place: tuple[Any, ...]) -> None:
    held: Any = PROOF
    for step in place:
        held = held[step]
    for changed in other(held):
        proof = json.loads(json.dumps(PROOF))
        holder = proof
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = changed
        with pytest.raises(PrivacyError):
            check(proof)


@pytest.mark.parametrize("name", [*DETAILS, *sorted(set(PROOF) - {"cosignature"})])
def test_whatever_is_left_out_of_it_it_is_refused(name: str) -> None:
    short = {**PROOF, "details": {k: v for k, v in DETAILS.items() if k != name}}
    with pytest.raises(PrivacyError):
        check({k: v for k, v in short.items() if k != name})


@given(at=st.integers(0, len(json.dumps(PROOF)) - 1), sign=st.characters(min_codepoint=32, max_codepoint=255))
@settings(max_examples=examples(300))
def test_one_other_character_is_refused_or_says_the_same(at: int, sign: str) -> None:
    """Not every character means something: base64 has idle bits, JSON has blanks."""
    text = json.dumps(PROOF)
    try:
        said = astuple_of((text[:at] + sign + text[at + 1 :]).encode())
    except PrivacyError:
        return
    assert said == check(PROOF)


@pytest.mark.parametrize("name", [name for name in PROOF if name not in {"format", "index", "leaf_index", "document"}])
def test_a_proof_put_together_from_two_is_refused(name: str) -> None:
    """Both of one creditor and one log; each part of the other one fits nothing here."""
    another = make_proof({**DETAILS, "surname": "Bakker"})
    if name == "sealed":
        another["sealed"] = "dd" * 32
    with pytest.raises(PrivacyError):
        check(PROOF | {name: another[name]})


def test_a_receipt_of_another_log_key_is_refused() -> None:
    forged = make_proof(log=new_signing_key())
    with pytest.raises(CheckpointRefused):
        check(forged)
    with pytest.raises(NotSigned):
        check(PROOF | {"receipt": forged["receipt"]})


def test_a_cosignature_by_another_than_the_municipality_is_refused() -> None:
    with pytest.raises(CheckpointRefused):
        check(make_proof(desk=OTHER_DESK))


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"receipt_changes": {"pilot": "bland"}}, Flaw.OTHER_PILOT),
        ({"receipt_changes": {"root": "ab" * 32}}, Flaw.NOT_IN_DELIVERY),
        ({"receipt_changes": {"accepted": 2}}, Flaw.NOT_IN_DELIVERY),
        ({"committed": {**DETAILS, "surname": "Bakker"}}, Flaw.OTHER_DETAILS),
        ({"amountEuros": 344}, Flaw.OTHER_AMOUNT),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Flaw) else "",
)
def test_what_does_not_lead_from_report_to_checkpoint_is_named(changes: dict[str, Any], flaw: Flaw) -> None:
    with pytest.raises(ProofRefused) as refused:
        check(make_proof(**changes))
    assert refused.value.flaw is flaw


def test_a_checkpoint_does_not_pass_for_a_receipt_nor_a_receipt_for_something_else() -> None:
    """One key signs both; what is signed for the one never has the form of the other."""
    for token in (PROOF["checkpoint"], sign(b"{}", LOG, "vroegsein/pilot/v1"), "", "a.b.c"):
        with pytest.raises(NotSigned):
            read_receipt(token, DOCUMENT.log_key)
    with pytest.raises(ReceiptRefused):
        read_receipt(sign(b"{}", LOG, "vroegsein/receipt/v1"), DOCUMENT.log_key)


def test_a_commitment_does_not_tell_the_details_to_who_guesses_them() -> None:
    guesses = {details_commitment(random.randbytes(16), DETAILS) for _ in range(50)}
    assert len(guesses) == 50
    assert details_commitment(bytes(16), DETAILS) == details_commitment(bytes(16), dict(reversed(DETAILS.items())))
