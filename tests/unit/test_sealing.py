"""Contact details under seal: bound to their report, of one length, and alterable by nobody."""

import dataclasses
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.compact import compact
from privacy.hybrid import NotForThisKey, key_id, new_private_key, public_key
from privacy.recipients import Recipients
from privacy.sealing import AlteredReport, Envelope, SealedReport, report_leaf
from tests.budget import examples

PRIVATE = new_private_key()
RECIPIENT = public_key(PRIVATE)
RECOVERY = new_private_key()
RECIPIENTS = Recipients(RECIPIENT, public_key(RECOVERY))
CONTENT = "ab" * 32
REFERENCE, SENT = "0" * 32, b'{"amountEuros":345}'
DETAILS: dict[str, str | int] = {"surname": "Visser", "birth_date": "1980-02-29", "amount_cents": 34_550}
texts = st.text(max_size=40)


@pytest.fixture
def envelope() -> Envelope:
    return Envelope.new("aland", "housing", key_id(RECIPIENT))


@given(st.dictionaries(texts, texts | st.integers(-(2**60), 2**60), max_size=8), texts, st.binary(max_size=50))
@settings(max_examples=examples(100))
def test_what_is_sealed_opens_as_it_was(details: dict[str, str | int], reference: str, sent: bytes) -> None:
    envelope = Envelope.new("aland", "housing", "some-key")
    assert envelope.open(envelope.seal(compact(details), reference, sent), reference, sent) == details


@pytest.mark.parametrize("private", [PRIVATE, RECOVERY], ids=["its own key", "its recovery key"])
def test_the_municipality_gets_the_delivery_key_back(envelope: Envelope, private: bytes) -> None:
    sealed_key = envelope.sealed_to(RECIPIENTS, CONTENT)
    opened = Envelope.opened(sealed_key, private, "aland", "housing", key_id(RECIPIENT), CONTENT)
    assert opened.open(envelope.seal(compact(DETAILS), REFERENCE, SENT), REFERENCE, SENT) == DETAILS
    assert opened.check() == envelope.check() != Envelope.new("aland", "housing", key_id(RECIPIENT)).check()


def test_what_is_sealed_to_the_municipality_is_of_two_equal_halves_that_nobody_else_opens(envelope: Envelope) -> None:
    sealed = envelope.sealed_to(RECIPIENTS, CONTENT)
    assert len(sealed) % 2 == 0
    with pytest.raises(NotForThisKey):
        Envelope.opened(sealed, new_private_key(), "aland", "housing", key_id(RECIPIENT), CONTENT)
    half = len(sealed) // 2
    swapped = sealed[half:] + sealed[:half]  # who moves the halves about gains nothing
    for broken in (swapped[:half], b"", sealed[:-1], sealed + sealed[:1]):
        with pytest.raises(NotForThisKey):
            Envelope.opened(broken, PRIVATE, "aland", "housing", key_id(RECIPIENT), CONTENT)


@pytest.mark.parametrize("part", ["pilot", "creditor", "recipient_key", "content_hash"])
def test_a_delivery_key_opens_for_its_own_delivery_only(envelope: Envelope, part: str) -> None:
    binding = {"pilot": "aland", "creditor": "housing", "recipient_key": key_id(RECIPIENT), "content_hash": CONTENT}
    sealed_key = envelope.sealed_to(RECIPIENTS, CONTENT)
    with pytest.raises(NotForThisKey):
        Envelope.opened(sealed_key, PRIVATE, **binding | {part: "another"})


@pytest.mark.parametrize("part", ["pilot", "creditor", "recipient_key", "key"])
def test_a_report_opens_in_its_own_delivery_only(envelope: Envelope, part: str) -> None:
    change: dict[str, Any] = {part: os.urandom(32) if part == "key" else "another"}
    other = dataclasses.replace(envelope, **change)
    with pytest.raises(AlteredReport):
        other.open(envelope.seal(compact(DETAILS), REFERENCE, SENT), REFERENCE, SENT)


def test_details_do_not_open_beside_another_reference_or_another_clear_text(envelope: Envelope) -> None:
    sealed = envelope.seal(compact(DETAILS), REFERENCE, SENT)
    for reference, sent in (("1" * 32, SENT), (REFERENCE, SENT + b" "), (REFERENCE, b"")):
        with pytest.raises(AlteredReport):
            envelope.open(sealed, reference, sent)


def test_neither_half_can_be_moved_to_another_report(envelope: Envelope) -> None:
    one, other = envelope.seal(compact(DETAILS), REFERENCE, SENT), envelope.seal(compact(DETAILS), REFERENCE, SENT)
    for mixed in (SealedReport(one.wrapped_key, other.contact), SealedReport(other.wrapped_key, one.contact)):
        with pytest.raises(AlteredReport):
            envelope.open(mixed, REFERENCE, SENT)


@given(st.data())
@settings(max_examples=examples(60))
def test_no_bit_can_be_flipped(data: st.DataObject) -> None:
    envelope = Envelope.new("aland", "housing", "some-key")
    sealed = envelope.seal(compact(DETAILS), REFERENCE, SENT)
    part = data.draw(st.sampled_from(["wrapped_key", "contact"]))
    altered = bytearray(getattr(sealed, part))
    at = data.draw(st.integers(0, len(altered) * 8 - 1))
    altered[at // 8] ^= 1 << at % 8
    with pytest.raises(AlteredReport):
        envelope.open(dataclasses.replace(sealed, **{part: bytes(altered)}), REFERENCE, SENT)


@pytest.mark.parametrize(("wrapped", "contact"), [(0, 0), (11, 528), (12, 528), (59, 528), (60, 0), (60, 15)])
def test_what_is_cut_off_is_refused_by_name(envelope: Envelope, wrapped: int, contact: int) -> None:
    sealed = envelope.seal(compact(DETAILS), REFERENCE, SENT)
    with pytest.raises(AlteredReport):
        envelope.open(SealedReport(sealed.wrapped_key[:wrapped], sealed.contact[:contact]), REFERENCE, SENT)


def test_the_length_says_nothing_about_a_name_and_the_bytes_hold_none(envelope: Envelope) -> None:
    short, long = ({**DETAILS, "surname": name} for name in ("Ö", "van der Linden-Smit van Oranje" * 10))
    sealed = [envelope.seal(compact(details), REFERENCE, SENT) for details in (short, long)]
    assert {(len(one.wrapped_key), len(one.contact)) for one in sealed} == {(60, 512 + 16)}
    assert b"Linden" not in sealed[1].contact


def test_details_that_need_more_room_take_a_whole_step_more(envelope: Envelope) -> None:
    long = envelope.seal(compact({"note": "x" * 600}), REFERENCE, SENT)
    assert len(long.contact) == 2 * 512 + 16
    assert envelope.open(long, REFERENCE, SENT) == {"note": "x" * 600}


def test_each_report_has_a_key_of_its_own(envelope: Envelope) -> None:
    """So that one report is shredded by deleting its wrapped key."""
    one, other = envelope.seal(compact(DETAILS), REFERENCE, SENT), envelope.seal(compact(DETAILS), REFERENCE, SENT)
    assert one.wrapped_key[:12] != other.wrapped_key[:12]  # a nonce is never used twice under the delivery key
    assert one.contact != other.contact


@pytest.mark.parametrize("text", [b"no json", b"[1, 2]", b'"name"', b"\xff"])
def test_details_in_no_known_form_are_refused_by_name(envelope: Envelope, text: bytes) -> None:
    """A creditor that writes nonsense must not keep the desk from the other reports of a household."""
    key, nonce, bound = bytes(32), bytes(12), envelope._bound(REFERENCE, SENT)
    wrapped = nonce + AESGCM(envelope.key).encrypt(nonce, key, bound)
    with pytest.raises(AlteredReport):
        envelope.open(SealedReport(wrapped, AESGCM(key).encrypt(bytes(12), text, bound)), REFERENCE, SENT)


def test_an_envelope_never_shows_its_key(envelope: Envelope) -> None:
    assert repr(envelope.key) not in repr(envelope)
    assert envelope.key.hex() not in repr(envelope)


def test_the_signed_leaf_covers_clear_text_wrapped_key_and_contact() -> None:
    sealed = SealedReport(b"k" * 60, b"contact")
    others = [
        report_leaf(b"other", sealed),
        report_leaf(SENT, dataclasses.replace(sealed, wrapped_key=b"j" * 60)),
        report_leaf(SENT, dataclasses.replace(sealed, contact=b"Contact")),
        report_leaf(SENT, SealedReport(b"k" * 59, b"kcontact")),
    ]
    assert len({report_leaf(SENT, sealed), *others}) == 5
