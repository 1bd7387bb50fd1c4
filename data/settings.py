"""Every setting, from the environment (prefix NADIR_) or a .env file. An unknown or unusable one stops the start."""

from __future__ import annotations

import os
import stat
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "NADIR_"
SIGNING_IN = frozenset({"oncologist", "nurse", "admin", "auditor"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SENDER = r"^([^@\s<>]+@[^@\s<>]+|[^@\r\n<>]+ <[^@\s<>]+@[^@\s<>]+>)$"


class SettingsError(ValueError):
    """The environment cannot be used; the message is one line that names the variable and the cause."""


class Settings(BaseSettings):
    """Names are those of the contract without the prefix; see docs/operations.md for what each does."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    database_url: str = "sqlite:///var/nadir.db"
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")] = "http://127.0.0.1:8050"
    secret_key_file: Path = Path("var/secret.key")
    audit_key_file: Path = Path("var/audit.key")
    audit_key_previous_files: str = ""
    smtp_host: str = "127.0.0.1"
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 1025
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    mail_from: Annotated[str, Field(pattern=SENDER)] = "nadir@localhost"
    mail_redirect: Annotated[str | None, Field(pattern=r"^[^@\s]+@[^@\s]+$")] = None
    mllp_host: str = "127.0.0.1"
    mllp_port: Annotated[int | None, Field(ge=1, le=65_535)] = None
    mllp_peers: str = "127.0.0.1"
    mllp_idle_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30
    mllp_tls_cert_file: Path | None = None
    mllp_tls_key_file: Path | None = None
    environment: Literal["demo", "test", "production"] = "demo"
    read_only: bool = False
    sweep_s: Annotated[int, Field(ge=1)] = 20
    full_sweep_at: time = time(3, 0)
    backoff_base_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10
    idle_s: Annotated[int, Field(ge=1)] = 900
    absolute_s: Annotated[int, Field(ge=1)] = 43_200
    digest_at: time = time(7, 0)
    test_alert_at: time = time(10, 0)
    test_alert_answer_s: Annotated[int, Field(ge=1)] = 86_400
    urgent_next_s: Annotated[int, Field(ge=1)] = 1_800
    urgent_all_s: Annotated[int, Field(ge=1)] = 7_200
    urgent_repeat_s: Annotated[int, Field(ge=1)] = 14_400
    high_lead_days: Annotated[int, Field(ge=1)] = 1
    high_all_days: Annotated[int, Field(ge=1)] = 3
    medium_lead_days: Annotated[int, Field(ge=1)] = 14
    medium_repeat_days: Annotated[int, Field(ge=1)] = 7
    quiet_held_s: Annotated[int, Field(ge=0, le=43_200)] = 43_200
    medium_an_hour: Annotated[int, Field(ge=1)] = 10
    second_factor_roles: str = ""
    proxy_hops: Annotated[int, Field(ge=0)] = 0
    base_path: Annotated[str, Field(pattern=r"^/([A-Za-z0-9._~-]+/)*$")] = "/"
    anchor_file: Path | None = None
    audit_copy_file: Path | None = None
    backup_dir: Path | None = None
    backup_key_file: Path | None = None
    downtime_dir: Path | None = None
    downtime_at: time = time(5, 0)
    downtime_language: Literal["en", "de"] = "en"
    ping_url: Annotated[str | None, Field(pattern=r"^https?://[^\s/?#]+[^\s]*$")] = None
    privacy_mail: str | None = None
    contact_line: str | None = None
    retention_years: Annotated[int | None, Field(ge=1)] = None
    retention_raw_days: Annotated[int, Field(ge=1)] = 180
    retention_accounts_days: Annotated[int, Field(ge=1)] = 90
    retention_drafts_days: Annotated[int, Field(ge=1)] = 90
    metrics_token_file: Path | None = None
    site_timezone: str = "UTC"
    jurisdiction: str = "EU"
    protocol_file: Path | None = None
    trusted_hosts: str = "127.0.0.1,localhost"
    oidc_issuer: Annotated[str | None, Field(pattern=r"^https?://[^\s?#]+$")] = None
    oidc_client_id: Annotated[str | None, Field(min_length=1)] = None
    oidc_client_secret_file: Path | None = None
    oidc_name: Annotated[str | None, Field(min_length=1, max_length=60)] = None

    @field_validator("site_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone") from error
        return name

    @field_validator("second_factor_roles")
    @classmethod
    def _roles(cls, roles: str) -> str:
        for role in roles.split(",") if roles.strip() else ():
            if role.strip() not in SIGNING_IN:
                raise ValueError(f"{role.strip()!r} is no role that signs in; write {','.join(sorted(SIGNING_IN))}")
        return roles

    @field_validator("mllp_peers")
    @classmethod
    def _networks(cls, peers: str) -> str:
        for peer in peers.split(","):
            try:
                ip_network(peer.strip())
            except ValueError as error:
                raise ValueError(f"{peer.strip()!r} is no address or network; write 10.1.2.3,10.2.0.0/16") from error
        return peers

    @field_validator("base_path", mode="before")
    @classmethod
    def _closed(cls, path: str) -> str:
        return path if path.endswith("/") else f"{path}/"

    @model_validator(mode="after")
    def _base_path_in_base_url(self) -> Self:
        if f"{urlsplit(self.base_url).path.rstrip('/')}/" != self.base_path:
            raise ValueError(
                f"NADIR_BASE_URL {self.base_url} and NADIR_BASE_PATH {self.base_path} do not agree: "
                "links in mails would lead elsewhere than people go"
            )
        return self

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.mllp_tls_cert_file is None) != (self.mllp_tls_key_file is None):
            raise ValueError("NADIR_MLLP_TLS_CERT_FILE and NADIR_MLLP_TLS_KEY_FILE go together")
        return self

    @model_validator(mode="after")
    def _steps_in_order(self) -> Self:
        if not self.urgent_next_s <= self.urgent_all_s <= self.urgent_repeat_s:
            raise ValueError("NADIR_URGENT_NEXT_S, NADIR_URGENT_ALL_S and NADIR_URGENT_REPEAT_S must rise")
        if self.high_lead_days > self.high_all_days:
            raise ValueError("NADIR_HIGH_LEAD_DAYS must not be above NADIR_HIGH_ALL_DAYS")
        return self

    @model_validator(mode="after")
    def _provider_whole(self) -> Self:
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret_file)
        if any(given) and not all(given):
            raise ValueError("NADIR_OIDC_ISSUER, NADIR_OIDC_CLIENT_ID and NADIR_OIDC_CLIENT_SECRET_FILE go together")
        issuer = urlsplit(self.oidc_issuer or "")
        if issuer.scheme == "http" and issuer.hostname not in LOOPBACK:
            raise ValueError("NADIR_OIDC_ISSUER: over plain http only on this machine; write https://")
        return self

    @property
    def mllp_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Who may send over MLLP."""
        return tuple(ip_network(peer.strip()) for peer in self.mllp_peers.split(","))

    @property
    def second_factor_of(self) -> frozenset[str]:
        """The roles whose people reach nothing before they have set up a second factor."""
        return frozenset(role.strip() for role in self.second_factor_roles.split(",") if role.strip())

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone: what dates on pages and in digests mean."""
        return ZoneInfo(self.site_timezone)

    def secret_key(self) -> bytes:
        """The web secret. Raises SettingsError when the file is missing, short, a sample, or readable by others."""
        return secret_in(self.secret_key_file, "NADIR_SECRET_KEY_FILE")

    def oidc_client_secret(self) -> str:
        """The secret this client has at the identity provider. Raises SettingsError for a missing or readable file."""
        if self.oidc_client_secret_file is None:
            raise SettingsError("NADIR_OIDC_CLIENT_SECRET_FILE is not set")
        return _private(self.oidc_client_secret_file, "NADIR_OIDC_CLIENT_SECRET_FILE").decode()

    def audit_key(self) -> bytes:
        """The key of the audit chain. Raises SettingsError as `secret_key` does."""
        return secret_in(self.audit_key_file, "NADIR_AUDIT_KEY_FILE")

    def previous_audit_keys(self) -> tuple[bytes, ...]:
        """The keys that signed earlier rows of the audit chain. Raises SettingsError as `secret_key` does."""
        files = [Path(name.strip()) for name in self.audit_key_previous_files.split(",") if name.strip()]
        return tuple(secret_in(file, "NADIR_AUDIT_KEY_PREVIOUS_FILES") for file in files)

    def backup_key(self) -> bytes:
        """The secret that opens backups. Raises SettingsError as `secret_key` does, and where none is named."""
        if self.backup_key_file is None:
            raise SettingsError("NADIR_BACKUP_KEY_FILE: not set; a backup is written encrypted or not at all")
        return secret_in(self.backup_key_file, "NADIR_BACKUP_KEY_FILE")


def load_settings() -> Settings:
    """Settings of this process. Raises SettingsError with one line naming the variable and the cause."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    names = {*os.environ, *_names_in(Path(".env"))}
    unknown = sorted(n for n in names if n.startswith(PREFIX) and n not in known)
    if unknown:
        raise SettingsError(f"unknown setting {unknown[0]}")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(f"{name}: {first['msg']} (got {first['input']!r})") from error


def _names_in(env_file: Path) -> set[str]:
    if not env_file.is_file():
        return set()
    lines = env_file.read_text(encoding="utf-8").splitlines()
    return {line.partition("=")[0].strip() for line in lines if "=" in line and not line.lstrip().startswith("#")}


def secret_in(path: Path, variable: str) -> bytes:
    """The secret in a file. Raises SettingsError naming `variable` for one missing, short, a sample, or readable."""
    key = _private(path, variable)
    if len(key) < 32:
        raise SettingsError(f"{variable}: {path} holds {len(key)} bytes, at least 32 are needed")
    if len(set(key)) < 8 or key.lower().startswith((b"changeme", b"sample", b"secret")):
        raise SettingsError(f"{variable}: {path} holds a sample, not a secret")
    return key


def _private(path: Path, variable: str) -> bytes:
    if not path.is_file():
        raise SettingsError(f"{variable}: {path} does not exist")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(f"{variable}: {path} can be read by others; chmod 600 it")
    return path.read_bytes().strip()
