"""Sealing to a public key: opens for that key and that purpose, for nothing else."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.hybrid import NotForThisKey, key_id, new_private_key, public_key, seal, unseal
from tests.budget import examples

PRIVATE = new_private_key()
PUBLIC = public_key(PRIVATE)
SECRET = bytes(range(32))
PURPOSE = ("pilot-key", "aland", "housing", "1")


@given(st.binary(max_size=200), st.lists(st.text(max_size=20) | st.binary(max_size=20), max_size=4))
@settings(max_examples=examples(40))
def test_what_is_sealed_opens_with_the_private_key_and_the_same_purpose(secret: bytes, purpose: list[str]) -> None:
    assert unseal(seal(secret, PUBLIC, *purpose), PRIVATE, *purpose) == secret


def test_sealing_twice_gives_bytes_that_have_nothing_in_common() -> None:
    one, other = seal(SECRET, PUBLIC, *PURPOSE), seal(SECRET, PUBLIC, *PURPOSE)
    assert one != other
    assert SECRET not in one


@pytest.mark.parametrize(
    "purpose",
    [
        ("pilot-key", "aland", "housing", "2"),
        ("pilot-key", "aland", "power", "1"),
        ("pilot-key", "bland", "housing", "1"),
        ("pilot-key", "aland", "housing"),
        ("pilot-key", "aland", "hous", "ing1"),
        ("pilot-key", "alandhousing", "", "1"),
        ("housing", "aland", "pilot-key", "1"),
        (),
    ],
)
def test_another_purpose_does_not_open_it(purpose: tuple[str, ...]) -> None:
    with pytest.raises(NotForThisKey):
        unseal(seal(SECRET, PUBLIC, *PURPOSE), PRIVATE, *purpose)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(NotForThisKey):
        unseal(seal(SECRET, PUBLIC, *PURPOSE), new_private_key(), *PURPOSE)


@pytest.mark.parametrize("half", ["ML-KEM", "X25519"])
def test_one_half_of_the_private_key_is_not_enough(half: str) -> None:
    """Whoever breaks one of the two algorithms has the seal only half open."""
    other = new_private_key()
    mixed = PRIVATE[:64] + other[64:] if half == "ML-KEM" else other[:64] + PRIVATE[64:]
    with pytest.raises(NotForThisKey):
        unseal(seal(SECRET, PUBLIC, *PURPOSE), mixed, *PURPOSE)


@given(st.data())
@settings(max_examples=examples(60))
def test_no_bit_of_a_sealed_secret_can_be_flipped(data: st.DataObject) -> None:
    sealed = bytearray(seal(SECRET, PUBLIC, *PURPOSE))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(NotForThisKey):
        unseal(bytes(sealed), PRIVATE, *PURPOSE)


@pytest.mark.parametrize("length", [0, 1, 1120, 1135, 1136])
def test_a_cut_off_seal_is_refused_by_name(length: int) -> None:
    with pytest.raises(NotForThisKey):
        unseal(seal(SECRET, PUBLIC, *PURPOSE)[:length], PRIVATE, *PURPOSE)


def test_keys_have_their_lengths_and_the_public_one_follows_from_the_private_one() -> None:
    assert (len(PRIVATE), len(PUBLIC)) == (96, 1216)
    assert public_key(PRIVATE) == PUBLIC
    assert public_key(new_private_key()) != PUBLIC


@pytest.mark.parametrize("length", [0, 32, 95, 97, 1216])
def test_a_private_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="not a private key"):
        public_key(bytes(length))


@pytest.mark.parametrize("length", [0, 32, 96, 1215, 1217])
def test_a_public_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="not a public key"):
        seal(SECRET, bytes(length), *PURPOSE)


def test_a_key_id_names_the_public_key() -> None:
    assert key_id(PUBLIC) == hashlib.sha256(PUBLIC).hexdigest()[:32]
    assert key_id(PUBLIC) != key_id(public_key(new_private_key()))
