"""Checkpoints as C2SP signed notes: what is signed, by whom, and what is refused."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from privacy.checkpoints import Checkpoint, CheckpointRefused, cosign, cosigned_at, log_vkey, read_checkpoint
from privacy.signing import new_signing_key, public_jwk

KEY, OTHER = new_signing_key(), new_signing_key()
HEAD = Checkpoint("a-pilot", 7, hashlib.sha256(b"root").digest())
VKEY = log_vkey("a-pilot", public_jwk(KEY))


def test_a_checkpoint_reads_back() -> None:
    assert read_checkpoint(HEAD.signed(KEY), VKEY) == HEAD


def test_a_note_is_built_as_the_published_form_says() -> None:
    """Recomputed here from c2sp.org/signed-note, without the code under test."""
    note = HEAD.signed(KEY)
    text, _, line = note.partition("\n\n")
    assert text == "a-pilot\n7\n" + base64.b64encode(HEAD.root).decode()
    dash, name, encoded = line.rstrip("\n").split(" ")
    assert (dash, name, line[-1]) == ("—", "a-pilot", "\n")
    raw = base64.urlsafe_b64decode(KEY["x"] + "=")
    signature = base64.b64decode(encoded)
    assert signature[:4] == hashlib.sha256(b"a-pilot\n\x01" + raw).digest()[:4]
    Ed25519PublicKey.from_public_bytes(raw).verify(signature[4:], (text + "\n").encode())
    assert f"a-pilot+{signature[:4].hex()}+{base64.b64encode(bytes([1]) + raw).decode()}" == VKEY


def test_signatures_of_others_beside_the_logs_do_no_harm() -> None:
    note = HEAD.signed(KEY)
    text, _, line = note.partition("\n\n")
    others = f"— somebody {base64.b64encode(bytes(68)).decode()}\n— a-pilot {base64.b64encode(bytes(40)).decode()}\n"
    assert read_checkpoint(f"{text}\n\n{others}{line}", VKEY) == HEAD


@pytest.mark.parametrize(
    "note",
    [
        HEAD.signed(OTHER),
        Checkpoint("b-pilot", 7, HEAD.root).signed(KEY),
        HEAD.signed(KEY).replace("\n7\n", "\n8\n"),
        HEAD.signed(KEY).replace("\n7\n", "\n07\n"),
        HEAD.signed(KEY).replace("\n7\n", "\n7\nmore\n"),
        HEAD.signed(KEY).replace("—", "-"),
        HEAD.text(),
        "",
        "\n\n",
    ],
    ids=[
        "other key",
        "other pilot",
        "other size",
        "leading zero",
        "more lines",
        "no dash",
        "unsigned",
        "empty",
        "blank",
    ],
)
def test_what_is_not_the_logs_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(CheckpointRefused):
        read_checkpoint(note, VKEY)


def test_a_verifier_key_is_that_of_the_published_example() -> None:
    """The example key of golang.org/x/mod/sumdb/note, which c2sp.org/signed-note repeats."""
    public = {"kty": "OKP", "crv": "Ed25519", "x": "GlzZBxQ8OExB6DDFvOEqqIF-xWSaqr8sMTiLNbLXRNY"}
    assert log_vkey("PeterNeumann", public) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


@pytest.mark.parametrize(
    "vkey",
    ["", "a-pilot", VKEY.replace("+", "+0", 1), "a-pilot+00000000+AAAA"],
    ids=["empty", "name", "other hash", "too short"],
)
def test_a_key_that_is_none_is_refused(vkey: str) -> None:
    with pytest.raises(CheckpointRefused):
        read_checkpoint(HEAD.signed(KEY), vkey)


def test_a_desks_cosignature_tells_when_it_saw_which_state() -> None:
    line = cosign(HEAD, "town-a", OTHER, 1_780_000_000)
    assert cosigned_at(line, HEAD, "town-a", public_jwk(OTHER)) == 1_780_000_000
    refused: list[tuple[Checkpoint, str, dict[str, Any]]] = [
        (Checkpoint("a-pilot", 8, HEAD.root), "town-a", OTHER),
        (HEAD, "town-b", OTHER),
        (HEAD, "town-a", KEY),
    ]
    for checkpoint, witness, key in refused:
        with pytest.raises(CheckpointRefused):
            cosigned_at(line, checkpoint, witness, public_jwk(key))
