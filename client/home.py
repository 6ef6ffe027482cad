"""A client's home folder: who it is, where the service is, and its keys, each in a file for its owner alone."""

import base64
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import yaml
from pydantic import Field

from privacy import hybrid
from privacy.pilot_document import CreditorKeys, creditor_fingerprint, desk_fingerprint
from privacy.signing import new_signing_key, public_jwk
from signals.documents import Document, read_document
from signals.pilot import Role
from signals.report import Slug


class HomeUnusable(Exception):
    """The home folder can't be used as it is; the message says what to do."""

    code = "home-unusable"


class Party(Document):
    """A municipality as residents know it. `stored_in`: the country where the service keeps the data (ISO 3166-1)."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    address: Annotated[str, Field(min_length=1, max_length=200)]
    contact: Annotated[str, Field(min_length=1, max_length=200)]
    stored_in: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Settings(Document):
    """Who this is, where the service is, and for each pilot the fingerprint that was typed in.

    A desk that gives out papers and registers says as which municipality.
    """

    organisation: Slug
    service_url: str
    pilots: dict[Slug, str] = Field(default_factory=dict)
    municipality: Party | None = None

    @property
    def name(self) -> str:
        """What people call this organisation; its short name where no other was filled in."""
        return self.municipality.name if self.municipality else self.organisation

    @property
    def contact(self) -> str:
        """Where residents can ask a desk more, as its letters say; "" where that was not filled in."""
        return self.municipality.contact if self.municipality else ""


@dataclass(frozen=True, slots=True)
class Home:
    """One home folder. Secrets are made once and never printed."""

    path: Path

    @property
    def settings(self) -> Settings:
        """The settings. Raises HomeUnusable when nothing was set up here, DocumentError when the file has mistakes."""
        file = self.path / "settings.yaml"
        if not file.exists():
            raise HomeUnusable(f"nothing is set up in {self.path}: run `vroegsein creditor init` or `desk init` first")
        return read_document(file, Settings)

    def save(self, settings: Settings) -> None:
        """Write the settings."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = yaml.safe_dump(settings.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)
        write_private(self.path / "settings.yaml", text.encode())

    def has(self, name: str) -> bool:
        """Whether the secret `name` was made."""
        return (self.path / "keys" / name).exists()

    def secret(self, name: str) -> bytes:
        """The secret in `keys/<name>`. Raises HomeUnusable when it is missing or others can read it."""
        return read_secret(self.path / "keys" / name)

    def jwk(self, name: str) -> dict[str, Any]:
        """A signing key in `keys/<name>`."""
        try:
            found: dict[str, Any] = json.loads(self.secret(name))
        except ValueError:
            raise HomeUnusable(f"the key {self.path / 'keys' / name} is damaged: restore your backup") from None
        return found

    def keep_private(self, name: str, content: bytes) -> None:
        """Write a file that only its owner can read, in place of the one that stood there."""
        (self.path / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.path / name, content)

    def keep(self, name: str, secret: bytes) -> None:
        """Store a secret that isn't there yet. Raises HomeUnusable when it is: keys are never overwritten."""
        if self.has(name):
            raise HomeUnusable(f"the key {name} is there already: keys are not overwritten")
        folder = (self.path / "keys" / name).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.path / "keys" / name, secret)


def read_secret(file: Path) -> bytes:
    """A secret in a file of its owner's alone. Raises HomeUnusable when it is missing or others can read it."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        raise HomeUnusable(f"the key {file} is missing: restore it from your backup, or run `init` again") from None
    if mode & 0o077:
        raise HomeUnusable(f"others can read {file}: make it yours alone (chmod 600) and think who may have read it")
    return file.read_bytes()


def init_creditor(home: Home, settings: Settings) -> Path:
    """Make a creditor's keys; returns the file with the public ones, for the operator. Repeating it changes nothing."""
    home.save(_keeping_pilots(home, settings))
    _make(home, "secret.key", lambda: secrets.token_bytes(32))
    for name in ("auth.jwk", "signing.jwk"):
        _make(home, name, lambda: json.dumps(new_signing_key()).encode())
    _make(home, "envelope.key", hybrid.new_private_key)
    envelope = hybrid.public_key(home.secret("envelope.key"))
    return _write_public(
        home,
        settings.organisation,
        [
            _entry(home.jwk("auth.jwk"), "auth", Role.CREDITOR),
            _entry(home.jwk("signing.jwk"), "signing", Role.CREDITOR),
            {
                "kid": hybrid.key_id(envelope),
                "use": "envelope",
                "role": Role.CREDITOR.value,
                "public": {"hpke": base64.b64encode(envelope).decode()},
            },
        ],
    )


def init_desk(home: Home, settings: Settings, recovery: Path | None = None) -> Path:
    """Make a desk's keys; returns the file with the public ones, for the operator. Repeating it changes nothing.

    `recovery` is where the recovery key is written, to be taken offline, or where one made earlier is; else
    `recovery.key` in the home folder.
    """
    home.save(_keeping_pilots(home, settings))
    _make(home, "recipient.key", hybrid.new_private_key)
    if not home.has("recovery.public"):
        file = recovery or home.path / "recovery.key"
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(file, hybrid.new_private_key())
        home.keep("recovery.public", hybrid.public_key(read_recovery(file)))
    _make(home, "actors.key", lambda: secrets.token_bytes(32))
    for name in ("auth-debt-help.jwk", "auth-privacy-officer.jwk", "signing.jwk"):
        _make(home, name, lambda: json.dumps(new_signing_key()).encode())
    return _write_public(
        home,
        settings.organisation,
        [
            _entry(home.jwk("auth-debt-help.jwk"), "auth", Role.DEBT_HELP),
            _entry(home.jwk("auth-privacy-officer.jwk"), "auth", Role.PRIVACY_OFFICER),
            _entry(home.jwk("signing.jwk"), "signing", Role.DEBT_HELP),
        ],
    )


def read_recovery(file: Path) -> bytes:
    """The recovery key from its file. Raises HomeUnusable when it is missing, no such key, or others can read it."""
    private = read_secret(file)
    try:
        hybrid.public_key(private)
    except ValueError:
        raise HomeUnusable(f"{file} holds no recovery key of a desk") from None
    return private


def creditor_keys(home: Home) -> CreditorKeys:
    """The creditor's public keys as they stand in a pilot document."""
    envelope = base64.b64encode(hybrid.public_key(home.secret("envelope.key"))).decode()
    return CreditorKeys(signing=public_jwk(home.jwk("signing.jwk")), envelope=envelope)


def own_fingerprint(home: Home) -> str:
    """What the other side types in: of a creditor over its signing and envelope keys, of a desk see PilotDocument."""
    if home.has("envelope.key"):
        return creditor_fingerprint(creditor_keys(home))
    recovery = base64.b64encode(home.secret("recovery.public")).decode()
    return desk_fingerprint(public_jwk(home.jwk("signing.jwk")), recovery)


def _keeping_pilots(home: Home, settings: Settings) -> Settings:
    if (home.path / "settings.yaml").exists():
        before = home.settings
        kept = {"pilots": {**before.pilots, **settings.pilots}, "municipality": before.municipality}
        return settings.model_copy(update=kept)
    return settings


def _make(home: Home, name: str, new: Callable[[], bytes]) -> None:
    if not home.has(name):
        home.keep(name, new())


def _entry(private: dict[str, Any], use: str, role: Role) -> dict[str, Any]:
    return {"kid": private["kid"], "use": use, "role": role.value, "public": public_jwk(private)}


def _write_public(home: Home, organisation: str, keys: list[dict[str, Any]]) -> Path:
    file = home.path / f"{organisation}.public.yaml"
    text = yaml.safe_dump({"kind": "keys", "organisation": organisation, "keys": keys}, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file


def write_private(file: Path, content: bytes) -> None:
    """Write all or nothing, readable by the owner alone from the first moment. Raises HomeUnusable: no room."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        cannot_write(file.parent, error)


def cannot_write(folder: Path, error: OSError) -> NoReturn:
    """Say that a folder can't be written to, such as a full disk. Raises HomeUnusable."""
    why = error.strerror or type(error).__name__
    raise HomeUnusable(f"cannot write in {folder} ({why}): see to it, then run the same command again") from None
