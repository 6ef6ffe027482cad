"""The signed pilot document: nobody but the desk behind the fingerprint makes one that is believed."""

import base64
import json
from typing import Any

import pytest

from privacy.checkpoints import log_vkey
from privacy.hybrid import key_id, new_private_key, public_key
from privacy.pilot_document import (
    SIGNED_AS,
    CreditorKeys,
    PilotDocument,
    UntrustedDocument,
    creditor_fingerprint,
    key_check,
    read_signed,
)
from privacy.signing import NotSigned, new_signing_key, public_jwk, sign
from signals.pilot import Pilot
from tests.world import pilot_document

DESK, OTHER_DESK = new_signing_key(), new_signing_key()
CREDITOR, LOG = new_signing_key(), new_signing_key()
RECIPIENT, RECOVERY, OTHER_RECIPIENT, ENVELOPE = (public_key(new_private_key()) for _ in range(4))


def make_document(signing: dict[str, Any] = DESK, recovery: bytes = RECOVERY, **changes: Any) -> PilotDocument:
    values: dict[str, Any] = {
        "version": 1,
        "pilot": Pilot.model_validate(pilot_document("aland", "town-a")),
        "desk": "town-a",
        "signing": public_jwk(signing),
        "recipient": base64.b64encode(RECIPIENT).decode(),
        "recipient_key": key_id(RECIPIENT),
        "recovery": base64.b64encode(recovery).decode(),
        "creditors": {"housing": make_creditor()},
        "epoch": 1,
        "key_check": key_check("aland", 1, bytes(32)),
        "rule_set_hash": "ab" * 32,
        "log_key": log_vkey("aland", public_jwk(LOG)),
    }
    return PilotDocument(**values | changes)


def make_creditor(signing: dict[str, Any] = CREDITOR, envelope: bytes = ENVELOPE) -> CreditorKeys:
    return CreditorKeys(signing=public_jwk(signing), envelope=base64.b64encode(envelope).decode())


DOCUMENT = make_document()
FINGERPRINT = DOCUMENT.fingerprint()


def with_payload(token: str, **changes: Any) -> str:
    """The same token with other words in it, the signature left as it was."""
    head, payload, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    altered = base64.urlsafe_b64encode(json.dumps(said | changes).encode()).rstrip(b"=").decode()
    return f"{head}.{altered}.{signature}"


def test_the_desks_own_document_reads_back_whole() -> None:
    assert read_signed(DOCUMENT.signed(DESK), FINGERPRINT) == DOCUMENT


@pytest.mark.parametrize(
    "typed",
    [FINGERPRINT.replace(" ", ""), FINGERPRINT.replace(" ", "-"), f"  {FINGERPRINT}\n", FINGERPRINT.replace(" ", "  ")],
    ids=["none", "dashes", "blanks around", "wide"],
)
def test_how_the_digits_are_spaced_does_not_matter(typed: str) -> None:
    assert read_signed(DOCUMENT.signed(DESK), typed) == DOCUMENT


@pytest.mark.parametrize(
    "typed",
    ["", "12345", FINGERPRINT[:-1], FINGERPRINT + "0", FINGERPRINT[:-1] + str((int(FINGERPRINT[-1]) + 1) % 10)],
    ids=["empty", "short", "a digit less", "a digit more", "another digit"],
)
def test_another_fingerprint_is_refused(typed: str) -> None:
    with pytest.raises(UntrustedDocument):
        read_signed(DOCUMENT.signed(DESK), typed)


def test_another_desks_document_is_refused() -> None:
    other = make_document(OTHER_DESK, OTHER_RECIPIENT)
    with pytest.raises(UntrustedDocument):
        read_signed(other.signed(OTHER_DESK), FINGERPRINT)


def test_the_desks_words_signed_by_another_are_refused() -> None:
    with pytest.raises(NotSigned):
        read_signed(DOCUMENT.signed(OTHER_DESK), FINGERPRINT)


@pytest.mark.parametrize(
    ("signing", "recovery"), [(OTHER_DESK, RECOVERY), (DESK, OTHER_RECIPIENT)], ids=["signing", "recovery"]
)
def test_one_swapped_key_of_the_desk_is_refused(signing: dict[str, Any], recovery: bytes) -> None:
    """Also where the service signs the swapped document itself, under the key that it put in."""
    swapped = make_document(signing, recovery)
    for signer in (DESK, OTHER_DESK):
        with pytest.raises(UntrustedDocument):
            read_signed(swapped.signed(signer), FINGERPRINT)


def test_the_desks_key_beside_words_of_a_key_that_signed_is_refused() -> None:
    """Keys in the fingerprint's place, but the signature by the key that the header names."""
    token = sign(DOCUMENT.model_dump_json().encode(), {**OTHER_DESK, "kid": DESK["kid"]}, SIGNED_AS)
    with pytest.raises(NotSigned):
        read_signed(token, FINGERPRINT)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"epoch": 2},
        {"desk": "town-b"},
        {"rule_set_hash": "cd" * 32},
        {"key_check": "cd" * 32},
        {"recipient_key": "0" * 32},
        {"recipient": base64.b64encode(OTHER_RECIPIENT).decode(), "recipient_key": key_id(OTHER_RECIPIENT)},
        {"creditors": {}},
        {"creditors": {"housing": make_creditor(OTHER_DESK).model_dump()}},
        {"creditors": {"housing": make_creditor(envelope=OTHER_RECIPIENT).model_dump()}},
        {"creditors": {"power": make_creditor().model_dump()}},
        {"pilot": {**DOCUMENT.pilot.model_dump(mode="json"), "ends": "2030-12-31"}},
        {"pilot": {**DOCUMENT.pilot.model_dump(mode="json"), "postcodes": []}},
        {"pilot": {**DOCUMENT.pilot.model_dump(mode="json"), "id": "bland"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_altered_terms_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotSigned):
        read_signed(with_payload(DOCUMENT.signed(DESK), **changes), FINGERPRINT)


def test_a_signature_for_something_else_makes_no_document() -> None:
    token = sign(DOCUMENT.model_dump_json().encode(), DESK, "vroegsein/delivery/v1")
    with pytest.raises(NotSigned):
        read_signed(token, FINGERPRINT)


@pytest.mark.parametrize(
    "token",
    ["", "abc", "a.b", "a.b.c", "a.é.c", "...", "e30.e30.e30", with_payload(DOCUMENT.signed(DESK), signing={})],
)
def test_what_is_no_document_is_refused_by_name(token: str) -> None:
    with pytest.raises(UntrustedDocument):
        read_signed(token, FINGERPRINT)


def test_a_document_of_a_version_with_unknown_words_is_refused() -> None:
    payload = json.dumps({**json.loads(DOCUMENT.model_dump_json()), "surprise": 1}).encode()
    with pytest.raises(UntrustedDocument):
        read_signed(sign(payload, DESK, SIGNED_AS), FINGERPRINT)


def test_a_creditors_fingerprint_covers_both_its_keys_and_not_the_key_id() -> None:
    mine = creditor_fingerprint(make_creditor())
    assert creditor_fingerprint(make_creditor({**CREDITOR, "kid": "another-id"})) == mine
    assert creditor_fingerprint(make_creditor(OTHER_DESK)) != mine
    assert creditor_fingerprint(make_creditor(envelope=OTHER_RECIPIENT)) != mine


def test_the_desks_fingerprint_does_not_change_with_the_terms() -> None:
    """So that it is typed in once; the terms, and a recipient key that is replaced, are covered by the signature."""
    replaced = base64.b64encode(OTHER_RECIPIENT).decode()
    assert make_document(version=7, creditors={}, epoch=3, recipient=replaced).fingerprint() == FINGERPRINT


def test_the_check_of_a_pilot_key_fits_one_key_in_one_pilot_and_epoch() -> None:
    mine = key_check("aland", 1, bytes(32))
    others = [key_check("bland", 1, bytes(32)), key_check("aland", 2, bytes(32)), key_check("aland", 1, b"\1" * 32)]
    assert mine not in others
