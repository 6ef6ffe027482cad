"""A home folder keeps its keys to its owner, never overwrites one, and says in a sentence what is wrong with it."""

import base64
import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from client.home import (
    Home,
    HomeUnusable,
    Settings,
    creditor_keys,
    init_creditor,
    init_desk,
    own_fingerprint,
    read_recovery,
)
from privacy.hybrid import public_key
from privacy.pilot_document import creditor_fingerprint
from signals.documents import DocumentError, read_document
from signals.pilot import Keys, Role

Init = Callable[[Home, Settings], Path]
CREDITOR_SECRETS = {"secret.key", "auth.jwk", "signing.jwk", "envelope.key"}
DESK_SECRETS = {"recipient.key", "recovery.public", "actors.key"} | {
    "auth-debt-help.jwk",
    "auth-privacy-officer.jwk",
    "signing.jwk",
}
BOTH = pytest.mark.parametrize(
    ("init", "secrets"), [(init_creditor, CREDITOR_SECRETS), (init_desk, DESK_SECRETS)], ids=["creditor", "desk"]
)


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"organisation": "housing", "service_url": "https://v.example"} | changes)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o022)  # the usual one, which leaves files open to others
    yield Home(tmp_path / "deep" / "home")
    os.umask(before)


def contents(home: Home) -> dict[str, bytes]:
    return {str(file.relative_to(home.path)): file.read_bytes() for file in home.path.rglob("*") if file.is_file()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@BOTH
def test_every_secret_is_its_owners_alone(home: Home, init: Init, secrets: set[str]) -> None:
    init(home, settings())
    home.keep_private("receipts/one.jws", b"x")
    assert {file.name for file in (home.path / "keys").iterdir()} == secrets
    private = [file for file in home.path.rglob("*") if not file.name.endswith(".public.yaml")]
    assert {mode(file) for file in private if file.is_file()} == {0o600}
    assert {mode(folder) for folder in (home.path, *private) if folder.is_dir()} == {0o700}


@BOTH
def test_init_once_more_changes_nothing(home: Home, init: Init, secrets: set[str]) -> None:
    init(home, settings())
    home.save(settings(pilots={"aland": "12345"}))
    before = contents(home)
    init(home, settings())
    assert contents(home) == before


@BOTH
def test_init_makes_a_key_that_is_missing_and_leaves_the_others(home: Home, init: Init, secrets: set[str]) -> None:
    init(home, settings())
    before = contents(home)
    (home.path / "keys" / "signing.jwk").unlink()
    init(home, settings())
    changed = {name for name, content in contents(home).items() if before[name] != content}
    assert changed == {"keys/signing.jwk", "housing.public.yaml"}


def test_two_homes_have_no_key_in_common(tmp_path: Path) -> None:
    one, other = Home(tmp_path / "one"), Home(tmp_path / "other")
    for each in (one, other):
        init_creditor(each, settings())
    for name in CREDITOR_SECRETS:
        assert one.secret(name) != other.secret(name)
    assert own_fingerprint(one) != own_fingerprint(other)


def test_a_new_address_of_the_service_is_taken_over_and_joined_pilots_stay(home: Home) -> None:
    init_creditor(home, settings(pilots={"aland": "12345"}))
    init_creditor(home, settings(service_url="https://new.example"))
    assert home.settings == settings(service_url="https://new.example", pilots={"aland": "12345"})


def test_a_key_is_never_overwritten(home: Home) -> None:
    home.keep("pilot-aland-1.key", b"first")
    with pytest.raises(HomeUnusable, match="not overwritten"):
        home.keep("pilot-aland-1.key", b"second")
    assert home.secret("pilot-aland-1.key") == b"first"


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o666, 0o610, 0o601])
def test_a_key_that_others_can_reach_is_refused_and_named(home: Home, bits: int) -> None:
    init_creditor(home, settings())
    (home.path / "keys" / "envelope.key").chmod(bits)
    with pytest.raises(HomeUnusable, match=r"envelope\.key.*chmod 600"):
        home.secret("envelope.key")


@pytest.mark.parametrize("bits", [0o600, 0o400])
def test_a_key_of_ones_own_is_read(home: Home, bits: int) -> None:
    home.keep("some.key", b"secret")
    (home.path / "keys" / "some.key").chmod(bits)
    assert home.secret("some.key") == b"secret"


def test_a_missing_key_is_named(home: Home) -> None:
    with pytest.raises(HomeUnusable, match=r"signing\.jwk is missing.*backup"):
        home.jwk("signing.jwk")


def test_a_damaged_signing_key_is_named_and_not_shown(home: Home) -> None:
    home.keep("signing.jwk", b'{"d": "very-secret')
    with pytest.raises(HomeUnusable, match=r"signing\.jwk is damaged") as refused:
        home.jwk("signing.jwk")
    assert "very-secret" not in str(refused.value)


def test_a_folder_where_nothing_was_set_up_says_what_to_run(home: Home) -> None:
    with pytest.raises(HomeUnusable, match="init"):
        _ = home.settings


def test_settings_with_a_mistake_name_the_line(home: Home) -> None:
    home.save(settings())
    (home.path / "settings.yaml").write_text("organisation: housing\nservice_url: https://v.example\npilot: x\n")
    with pytest.raises(DocumentError, match=r"settings\.yaml:3:1: pilot"):
        _ = home.settings


def test_a_private_file_replaces_the_one_before_and_leaves_no_other(home: Home) -> None:
    for content in (b"one", b"two"):
        home.keep_private("pulled/aland.json", content)
    assert [(file.name, file.read_bytes()) for file in (home.path / "pulled").iterdir()] == [("aland.json", b"two")]


def test_a_write_that_fails_leaves_the_old_file_and_no_trace(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.keep_private("pulled/aland.json", b"one")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HomeUnusable, match="No space left on device"):
        home.keep_private("pulled/aland.json", b"two")
    assert [(file.name, file.read_bytes()) for file in (home.path / "pulled").iterdir()] == [("aland.json", b"one")]


@BOTH
def test_the_public_file_is_a_registry_document_without_a_secret(home: Home, init: Init, secrets: set[str]) -> None:
    file = init(home, settings())
    keys = read_document(file, Keys)
    assert keys.organisation == "housing"
    assert not [key for key in keys.keys if key.public.keys() & {"d", "p", "q", "k"}]
    text = file.read_text()
    private = [home.jwk(name)["d"] for name in secrets if name.endswith(".jwk")]
    private += [form(home.secret(name)) for name in secrets if name.endswith(".key") for form in (_b64, bytes.hex)]
    assert not [secret for secret in private if secret in text]


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()[:40]


def test_a_creditors_public_file_holds_the_keys_that_its_home_signs_and_opens_with(home: Home) -> None:
    keys = read_document(init_creditor(home, settings()), Keys)
    by_use = {key.use: key for key in keys.keys}
    assert {key.role for key in keys.keys} == {Role.CREDITOR}
    assert by_use["auth"].public["x"] == home.jwk("auth.jwk")["x"]
    assert by_use["signing"].public == creditor_keys(home).signing
    assert base64.b64decode(by_use["envelope"].public["hpke"]) == public_key(home.secret("envelope.key"))


def test_the_recovery_key_is_written_where_it_was_asked_for_and_nowhere_else(home: Home, tmp_path: Path) -> None:
    stick = tmp_path / "stick" / "recovery.key"
    init_desk(home, settings(), stick)
    assert mode(stick) == 0o600
    assert public_key(read_recovery(stick)) == home.secret("recovery.public")
    assert not [name for name, content in contents(home).items() if content == stick.read_bytes()]
    stick.unlink()  # taken offline
    init_desk(home, settings(), stick)
    assert not stick.exists()


def test_a_new_home_takes_over_the_recovery_key_that_is_there(home: Home, tmp_path: Path) -> None:
    stick = tmp_path / "stick.key"
    init_desk(home, settings(), stick)
    other = Home(tmp_path / "other")
    init_desk(other, settings(), stick)
    assert other.secret("recovery.public") == home.secret("recovery.public")
    assert other.secret("recipient.key") != home.secret("recipient.key")


def test_a_file_that_holds_no_recovery_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(b"not a key")
    file.chmod(0o600)
    with pytest.raises(HomeUnusable, match="holds no recovery key"):
        read_recovery(file)
    file.chmod(0o644)
    with pytest.raises(HomeUnusable, match="chmod 600"):
        read_recovery(file)


def test_a_desk_logs_in_with_another_key_in_each_role(home: Home) -> None:
    keys = read_document(init_desk(home, settings()), Keys)
    roles = [(key.use, key.role) for key in keys.keys]
    assert sorted(roles) == [("auth", "debt-help"), ("auth", "privacy-officer"), ("signing", "debt-help")]
    assert len({key.kid for key in keys.keys}) == 3


def test_a_creditors_fingerprint_is_over_the_keys_that_it_publishes(home: Home) -> None:
    init_creditor(home, settings())
    assert own_fingerprint(home) == creditor_fingerprint(creditor_keys(home))
    (home.path / "keys" / "auth.jwk").unlink()
    init_creditor(home, settings())
    assert own_fingerprint(home) == creditor_fingerprint(creditor_keys(home))  # logging in is no part of it


def test_what_is_on_disk_is_plain_yaml_and_json(home: Home) -> None:
    init_creditor(home, settings())
    assert yaml.safe_load((home.path / "settings.yaml").read_text()) == settings().model_dump(exclude_none=True)
    assert json.loads(home.secret("signing.jwk"))["crv"] == "Ed25519"
