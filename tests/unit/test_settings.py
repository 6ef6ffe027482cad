"""What the service starts with: settings that are safe and a signing key that is its own, or it does not start."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OKPKey

from app.identity.service import make_identity
from app.identity.signing_key import SigningKeyUnusable, load_secret, load_signing_key, make_secret, make_signing_key
from app.settings import Settings, SettingsUnusable, load_settings
from tests.callers import MemoryLedger, MemoryRegistry


def test_a_made_key_loads_and_is_the_services_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "keys" / "token-signing.jwk"
    make_signing_key(path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    load_signing_key(path)
    with pytest.raises(FileExistsError):
        make_signing_key(path)


def test_a_missing_key_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyUnusable, match="vroegsein operator init"):
        load_signing_key(tmp_path / "none")
    with pytest.raises(SigningKeyUnusable, match="vroegsein operator init"):
        make_identity(Settings(home=tmp_path), MemoryRegistry(), MemoryLedger())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    make_signing_key(path)
    path.chmod(mode)
    with pytest.raises(SigningKeyUnusable, match="other users"):
        load_signing_key(path)


def test_a_key_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key"
    make_signing_key(path)
    path.parent.chmod(0o777)
    with pytest.raises(SigningKeyUnusable, match="replace"):
        load_signing_key(path)


WEAK = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": "A" * 43, "x": "A" * 43}).as_dict(private=True)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        "not json",
        json.dumps(WEAK),
        json.dumps(OKPKey.generate_key("X25519").as_dict(private=True)),
        json.dumps(OKPKey.generate_key("Ed448").as_dict(private=True)),
        json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=False)),
        json.dumps(ECKey.generate_key("P-256").as_dict(private=True)),
        json.dumps({"kty": "oct", "k": "c2VjcmV0"}),
    ],
    ids=["empty", "no key", "list", "no JSON", "weak", "X25519", "Ed448", "public half", "P-256", "secret"],
)
def test_another_sort_of_key_or_a_made_up_one_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SigningKeyUnusable, match="vroegsein operator init") as caught:
        load_signing_key(path)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://vroegsein.example"),
        ("PUBLIC_URL", "https://vroegsein.example/api"),
        ("PUBLIC_URL", "https://vroegsein.example:443"),
        ("PUBLIC_URL", "https://admin:geheim@vroegsein.example"),
        ("PUBLIC_URL", "https://admin:geheim"),
        ("DATABASE_URL", "postgresql://admin:geheim@db.example/vroegsein"),
        ("DATABASE_URL", "postgresql://db.example/vroegsein?password=geheim"),
        ("DATABASE_URL", "postgresql://db.example"),
        ("DATABASE_URL", "mysql://db.example/vroegsein"),
        ("TOKEN_LIFETIME_SECONDS", "3600"),
        ("TOKEN_LIFETIME_SECONDS", "geheim"),
    ],
)
def test_unusable_settings_are_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VROEGSEIN_{name}", value)
    with pytest.raises(SettingsUnusable) as caught:
        load_settings()
    assert str(caught.value).startswith(f"VROEGSEIN_{name}: ")
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_usable_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VROEGSEIN_PUBLIC_URL", "https://vroegsein.example:8443/")
    monkeypatch.setenv("VROEGSEIN_HOME", str(tmp_path))
    monkeypatch.setenv("VROEGSEIN_DATABASE_URL", "postgresql://db.example:5433/vroegsein?sslmode=verify-full")
    settings = load_settings()
    assert settings.token_url == "https://vroegsein.example:8443/v1/tokens"
    assert settings.signing_key_file == tmp_path / "keys" / "token-signing.jwk"


def test_a_made_secret_loads_and_another_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "logboek.key"
    make_secret(path)
    assert len(load_secret(path)) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_secret(path)
    for content in ("", "ab", "no hexadecimal", "é"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(SigningKeyUnusable, match="no secret of 32 bytes"):
            load_secret(path)
    path.chmod(0o644)
    with pytest.raises(SigningKeyUnusable, match="other users"):
        load_secret(path)


@pytest.mark.parametrize(
    "endpoint",
    ["http://logboek.example.org/v1/traces", "https://me:secret@example.org/", "https://x.example/?key=1", "logboek"],
)
def test_an_address_of_a_logboek_is_https_without_anything_secret(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VROEGSEIN_LOGBOEK_ENDPOINT", endpoint)
    with pytest.raises(SettingsUnusable, match="VROEGSEIN_LOGBOEK_ENDPOINT: must") as caught:
        load_settings()
    assert "secret@" not in str(caught.value)


def test_a_logboek_may_be_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().logboek_endpoint is None
    monkeypatch.setenv("VROEGSEIN_LOGBOEK_ENDPOINT", "http://127.0.0.1:4318/v1/traces")
    assert load_settings().logboek_endpoint == "http://127.0.0.1:4318/v1/traces"
