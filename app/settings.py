"""Settings of the service: from `VROEGSEIN_…` in the environment. Secrets are files in the data folder."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SettingsUnusable(Exception):
    """The service must not start with these settings. The message names each one and what it must be, not its value."""


def _default_home() -> Path:
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path.home() / ".local/share") / "vroegsein/service"


class Settings(BaseSettings):
    """What differs between one installation and another."""

    model_config = SettingsConfigDict(
        env_prefix="VROEGSEIN_", frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="Where callers reach the service, without a path: https, or http on this machine alone",
    )
    home: Path = Field(
        default_factory=_default_home,
        description="Data folder of the service: keys, passfiles and the embedded database",
    )
    database_url: str | None = Field(
        None, description="Another PostgreSQL server's host and database; without it the embedded one runs"
    )
    token_lifetime_seconds: Annotated[int, Field(ge=300, le=600)] = Field(
        300, description="How long an access token is good for; a revoked key works no longer than this"
    )
    max_body_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = Field(
        1024 * 1024, description="Largest request body, where a route names no other limit"
    )

    logboek_endpoint: str | None = Field(
        None, description="Where a Logboek Dataverwerkingen takes records in (OTLP over HTTP); without it none are sent"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the service and its linker write to standard error; no level names a resident"
    )

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, url: str) -> str:
        url = url.rstrip("/")
        parts = urlsplit(url)
        try:
            usual = (parts.scheme, parts.port) in {("https", 443), ("http", 80)}
        except ValueError:  # its message would quote what stands in the port's place
            raise ValueError("must name its port by number") from None
        if not parts.hostname or usual or url != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
            raise ValueError("must be scheme, host and port alone (no path, no user, not the scheme's usual port)")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("must be https, except on this machine (127.0.0.1): tokens travel over it")
        return url

    @field_validator("logboek_endpoint")
    @classmethod
    def _is_safe_to_send_to(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("must be an address with host and path alone, like https://logboek.example.org/v1/traces")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("must be https, except on this machine (127.0.0.1): it is told who was looked at")
        return url

    @field_validator("database_url")
    @classmethod
    def _names_no_login(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or not parts.path.strip("/"):
            raise ValueError("must look like postgresql://host:5432/database")
        words = {name for name, _ in parse_qsl(parts.query)}
        if "@" in parts.netloc or words & {"user", "password", "passfile"}:
            raise ValueError("must name no user and no password: each login has a passfile in the data folder")
        return url

    @property
    def token_lifetime(self) -> timedelta:
        """How long an access token is good for."""
        return timedelta(seconds=self.token_lifetime_seconds)

    @property
    def token_url(self) -> str:
        """Where tokens are asked for: the one audience that a client assertion may name."""
        return f"{self.public_url}/v1/tokens"

    @property
    def signing_key_file(self) -> Path:
        """The key that access tokens are signed with (private JWK, mode 0600)."""
        return self.home / "keys" / "token-signing.jwk"

    @property
    def logboek_key_file(self) -> Path:
        """The secret by which households are given other names in a Logboek (hexadecimal, mode 0600)."""
        return self.home / "keys" / "logboek.key"

    @property
    def log_key_file(self) -> Path:
        """The key that the log's checkpoints and the receipts are signed with (private JWK, mode 0600)."""
        return self.home / "keys" / "log-signing.jwk"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsUnusable: with a line for each setting that can't be used, without its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"VROEGSEIN_{'_'.join(str(step) for step in finding['loc']).upper()}: "
            f"{finding['msg'].removeprefix('Value error, ')}"
            for finding in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsUnusable("\n".join(lines)) from None
