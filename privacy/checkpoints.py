"""Checkpoints: the signed head of a pilot's log, as C2SP signed notes, so that any tool of that family verifies them.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint and https://c2sp.org/tlog-cosignature. The text is three
lines: origin (the pilot), size of the tree, its root. A checkpoint carries no time; the log's heartbeats do.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import OKPKey

from privacy.errors import PrivacyError

_LOG, _WITNESS = 0x01, 0x04  # signature types: Ed25519 over the text, Ed25519 cosignature with a time
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")


class CheckpointRefused(PrivacyError):
    """A checkpoint is malformed, another log's, or not signed by the key that the pilot document names."""

    code = "checkpoint-refused"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One state of a pilot's log: `origin` is the pilot's id."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed: three lines, each with its end."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, private: dict[str, Any]) -> str:
        """The checkpoint as a note that the log's key signed (Ed25519, private JWK)."""
        key = OKPKey.import_key(private)
        signature = key.private_key.sign(self.text().encode())  # type: ignore[union-attr]  # Ed25519 alone is ours
        return f"{self.text()}\n{_line(self.origin, _key_id(self.origin, _LOG, _raw(private)), signature)}"


def log_vkey(pilot: str, public: dict[str, Any]) -> str:
    """The log's key as a C2SP verifier key: name, hash and public key. The signed pilot document holds it."""
    raw = _raw(public)
    encoded = base64.b64encode(bytes([_LOG]) + raw).decode()
    return f"{pilot}+{_key_id(pilot, _LOG, raw).hex()}+{encoded}"


def log_public(vkey: str) -> dict[str, Any]:
    """The log's public key as a JWK, from its verifier key. Raises CheckpointRefused when it is none."""
    raw = _read_vkey(vkey)[2]
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def read_checkpoint(note: str, vkey: str) -> Checkpoint:
    """Check a note against the log's verifier key.

    Raises:
        CheckpointRefused: malformed, of another origin, or not signed by that key.
    """
    name, key_id, raw = _read_vkey(vkey)
    text, _, signatures = note.partition("\n\n")
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError, binascii.Error):
        raise CheckpointRefused("this is no checkpoint") from None
    checkpoint = Checkpoint(origin, size, root)
    if len(root) != hashlib.sha256().digest_size or checkpoint.text() != f"{text}\n":
        raise CheckpointRefused("this is no checkpoint of a form that this program knows")
    if origin != name:
        raise CheckpointRefused(f"this checkpoint is of another log than {name}")
    for signed_by, found_id, signature in _signatures(signatures):
        if (signed_by, found_id) == (name, key_id) and _verifies(raw, signature, checkpoint.text().encode()):
            return checkpoint
    raise CheckpointRefused("this checkpoint is not signed by the log's key of the pilot document")


def cosign(checkpoint: Checkpoint, witness: str, private: dict[str, Any], at: int) -> str:
    """The signature line by which a desk says that it saw this log and nothing contrary to it. `at`: Unix seconds."""
    key = OKPKey.import_key(private)
    signature = key.private_key.sign(_cosigned(checkpoint, at))  # type: ignore[union-attr]
    return _line(witness, _key_id(witness, _WITNESS, _raw(private)), at.to_bytes(8, "big") + signature)


def cosigned_at(line: str, checkpoint: Checkpoint, witness: str, public: dict[str, Any]) -> int:
    """When a desk cosigned (Unix seconds). Raises CheckpointRefused when it is not that desk's signature."""
    for name, key_id, stamped in _signatures(line):
        if (name, key_id) != (witness, _key_id(witness, _WITNESS, _raw(public))):
            continue
        at = int.from_bytes(stamped[:8], "big")
        if _verifies(_raw(public), stamped[8:], _cosigned(checkpoint, at)):
            return at
    raise CheckpointRefused(f"this checkpoint is not cosigned by {witness}")


def _cosigned(checkpoint: Checkpoint, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{checkpoint.text()}".encode()


def _key_id(name: str, kind: int, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]


def _raw(jwk: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64decode(str(jwk["x"]) + "=")


def _line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"


def _signatures(lines: str) -> list[tuple[str, bytes, bytes]]:
    """Name, key id and signature of each signature line; what is no such line is passed over, as the form asks."""
    found = []
    for line in lines.split("\n"):
        if match := _SIGNATURE.fullmatch(line):
            try:
                raw = base64.b64decode(match[2], validate=True)
            except binascii.Error:
                continue
            found.append((match[1], raw[:4], raw[4:]))
    return found


def _read_vkey(vkey: str) -> tuple[str, bytes, bytes]:
    try:
        name, key_id, encoded = vkey.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        known = raw[0] == _LOG and len(raw) == 33 and bytes.fromhex(key_id) == _key_id(name, _LOG, raw[1:])
    except (ValueError, IndexError):
        known = False
    if not known:
        raise CheckpointRefused("the log's key in the pilot document is none")
    return name, bytes.fromhex(key_id), raw[1:]


def _verifies(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
