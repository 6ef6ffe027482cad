"""The service's own keys: made once, each kept in a file that only the service can read."""

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from privacy.signing import new_signing_key

MAKE = "`vroegsein operator init` makes one"


class SigningKeyUnusable(Exception):
    """A key of the service is missing or unsafe: it must not start. The message says what to do."""


def make_signing_key(path: Path) -> None:
    """Make a new Ed25519 key in `path` (private JWK, mode 0600), and its folder (0700) where there is none.

    Raises:
        FileExistsError: a key is there already; replacing it ends every token that it signed, so remove it yourself.
    """
    _write(path, json.dumps(new_signing_key()))


def make_secret(path: Path) -> None:
    """Make a new secret of 32 random bytes in `path`, as `make_signing_key` does. Raises FileExistsError."""
    _write(path, secrets.token_hex(32))


def load_secret(path: Path) -> bytes:
    """The secret in `path`. Raises SigningKeyUnusable, as `load_signing_key`."""
    try:
        secret = bytes.fromhex(_read(path).decode("ascii"))
    except ValueError:  # without the cause: it could quote the secret
        secret = b""
    if len(secret) != 32:
        raise SigningKeyUnusable(f"{path} holds no secret of 32 bytes in hexadecimal: {MAKE}.") from None
    return secret


def load_private_jwk(path: Path) -> dict[str, Any]:
    """The private key in `path` as a JWK with its `kid`. Raises SigningKeyUnusable, as `load_signing_key`."""
    key = load_signing_key(path)
    return {**key.as_dict(private=True), "kid": key.thumbprint()}


def load_signing_key(path: Path) -> OKPKey:
    """Read the private key in `path`.

    Raises:
        SigningKeyUnusable: the file is missing, open to other users, no Ed25519 key, or made by hand.
    """
    try:
        key = OKPKey.import_key(json.loads(_read(path)))
    except (JoseError, ValueError, TypeError, KeyError):  # without the cause: it could quote the key
        raise SigningKeyUnusable(f"{path} holds no Ed25519 key as a private JWK: {MAKE}.") from None
    if not isinstance(key.private_key, Ed25519PrivateKey):
        raise SigningKeyUnusable(f"{path} holds no Ed25519 key as a private JWK: {MAKE}.")
    if len(set(key.private_key.private_bytes_raw())) < 16:  # of 32 random bytes: less than once in 10^15 keys
        raise SigningKeyUnusable(f"The signing key at {path} was not made at random: {MAKE}.")
    return key


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(10_000)
        folder = path.parent.stat()
    except FileNotFoundError:
        raise SigningKeyUnusable(f"There is no key at {path}: {MAKE}.") from None
    except OSError as error:
        raise SigningKeyUnusable(f"The key at {path} can't be read ({error.strerror}).") from None
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise SigningKeyUnusable(
            f"The key at {path} can be read by other users, so it may be known: remove it; {MAKE}."
        )
    if found.st_uid not in (0, os.geteuid()) or folder.st_mode & 0o022:
        raise SigningKeyUnusable(
            f"Other users can replace the key at {path}: put it in a folder of your own (mode 0700)."
        )
    return text
