"""Signatures hold for one key and one kind, whatever an attacker writes in the header; fingerprints tell keys apart."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey

from privacy.signing import NotSigned, fingerprint, new_signing_key, public_jwk, sign, verify
from tests.budget import examples

PRIVATE = new_signing_key()
PUBLIC = public_jwk(PRIVATE)
KIND = "vroegsein/test/v1"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def put_together(header: dict[str, Any], payload: bytes, signature: bytes) -> str:
    return ".".join(b64(part) for part in (json.dumps(header).encode(), payload, signature))


def signed_by_hand(header: dict[str, Any], payload: bytes, private: dict[str, Any]) -> str:
    key = OKPKey.import_key(private).get_op_key("sign")
    assert isinstance(key, Ed25519PrivateKey)
    signing_input = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
    return put_together(header, payload, key.sign(signing_input.encode()))


@given(st.binary(max_size=200))
@settings(max_examples=examples(30))
def test_what_is_signed_verifies_and_comes_back_byte_for_byte(payload: bytes) -> None:
    assert verify(sign(payload, PRIVATE, KIND), PUBLIC, KIND) == payload


@pytest.mark.parametrize("part", [0, 1, 2])
def test_no_part_of_a_signed_token_can_be_altered(part: int) -> None:
    parts = sign(b'{"amount": 1}', PRIVATE, KIND).split(".")
    raw = bytearray(unb64(parts[part]))
    for at in range(len(raw)):
        altered = bytearray(raw)
        altered[at] ^= 1
        token = ".".join([*parts[:part], b64(bytes(altered)), *parts[part + 1 :]])
        with pytest.raises(NotSigned):
            verify(token, PUBLIC, KIND)


def test_another_key_is_refused_also_under_the_same_key_id() -> None:
    other = {**new_signing_key(), "kid": PRIVATE["kid"]}
    with pytest.raises(NotSigned):
        verify(sign(b"x", other, KIND), PUBLIC, KIND)


def test_a_signature_of_one_kind_does_not_pass_for_another() -> None:
    with pytest.raises(NotSigned, match="vroegsein/pilot/v1"):
        verify(sign(b"x", PRIVATE, KIND), PUBLIC, "vroegsein/pilot/v1")


def test_a_signature_without_a_kind_is_refused() -> None:
    assert verify(signed_by_hand({"alg": "Ed25519", "typ": KIND}, b"x", PRIVATE), PUBLIC, KIND) == b"x"
    with pytest.raises(NotSigned, match=KIND):
        verify(signed_by_hand({"alg": "Ed25519"}, b"x", PRIVATE), PUBLIC, KIND)


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "ES256", "EdDSA", "Ed448", "RS256"])
def test_the_header_does_not_choose_the_algorithm(algorithm: str) -> None:
    good = unb64(sign(b"x", PRIVATE, KIND).split(".")[2])
    for signature in (b"", good):
        with pytest.raises(NotSigned):
            verify(put_together({"alg": algorithm, "typ": KIND}, b"x", signature), PUBLIC, KIND)


def test_the_public_key_does_not_pass_for_a_shared_secret() -> None:
    header = {"alg": "HS256", "typ": KIND}
    signing_input = f"{b64(json.dumps(header).encode())}.{b64(b'x')}"
    for secret in (unb64(PUBLIC["x"]), PUBLIC["x"].encode(), json.dumps(PUBLIC).encode()):
        signature = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
        with pytest.raises(NotSigned):
            verify(put_together(header, b"x", signature), PUBLIC, KIND)


def test_a_key_in_the_header_is_not_used() -> None:
    other = new_signing_key()
    header = {"alg": "Ed25519", "typ": KIND, "jwk": public_jwk(other)}
    with pytest.raises(NotSigned):
        verify(signed_by_hand(header, b"x", other), PUBLIC, KIND)


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "....", "é.é.é", "\0.\0.\0", "e30.e30.", "bnVsbA.eA.eA"])
def test_what_is_no_token_is_refused_by_name(token: str) -> None:
    with pytest.raises(NotSigned):
        verify(token, PUBLIC, KIND)


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "OKP"},
        {**PUBLIC, "x": "!"},
        {**PUBLIC, "x": 1},
        {**PUBLIC, "crv": "X25519"},
        ECKey.generate_key("P-256", private=False).as_dict(private=False),
        OctKey.generate_key(256).as_dict(private=True),
    ],
    ids=["empty", "no curve", "no base64", "no text", "another curve", "another kind", "a shared secret"],
)
def test_an_unusable_key_verifies_nothing(key: dict[str, Any]) -> None:
    with pytest.raises(NotSigned):
        verify(sign(b"x", PRIVATE, KIND), key, KIND)


def test_a_refusal_repeats_neither_the_token_nor_the_key() -> None:
    token = sign(b"Visser", new_signing_key(), KIND)
    with pytest.raises(NotSigned) as refused:
        verify(token, PUBLIC, KIND)
    assert not [part for part in (*token.split("."), "Visser", PUBLIC["x"]) if part in str(refused.value)]


def test_the_public_half_holds_nothing_private_and_has_the_thumbprint_as_its_id() -> None:
    assert PUBLIC.keys() == {"kty", "crv", "x", "kid"}
    assert PUBLIC["kid"] == PRIVATE["kid"] == OKPKey.import_key(PRIVATE).thumbprint()
    assert PRIVATE["d"] != new_signing_key()["d"]


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4, unique=True), st.randoms())
def test_a_fingerprint_is_twelve_groups_of_five_digits_whatever_the_order(keys: list[bytes], random: Any) -> None:
    shuffled = random.sample(keys, len(keys))
    found = fingerprint(keys)
    assert found == fingerprint(shuffled)
    assert [len(group) for group in found.split(" ")] == [5] * 12
    assert found.replace(" ", "").isdecimal()


@given(st.lists(st.binary(min_size=2, max_size=20), min_size=2, max_size=4, unique=True), st.data())
def test_a_fingerprint_tells_apart_other_keys_and_other_cuts_of_the_same_bytes(
    keys: list[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(keys) - 1))
    altered = [*keys]
    altered[at] = bytes([altered[at][0] ^ 1]) + altered[at][1:]
    others = [keys[:-1], [b"".join(keys)], [keys[0][:-1], keys[0][-1:], *keys[1:]]]
    if sorted(altered) != sorted(keys):
        others.append(altered)
    assert fingerprint(keys) not in [fingerprint(other) for other in others]
