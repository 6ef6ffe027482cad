"""Where a database is, and the passfiles that open it: a password is only ever in such a file, which libpq reads."""

import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

OWNER = "vroegsein_owner"
LOGINS = (
    "vroegsein_ingest",
    "vroegsein_linker",
    "vroegsein_opener",
    "vroegsein_reader",
    "vroegsein_recorder",
    "vroegsein_auditor",
)
MAY_STAND_IN_URL = frozenset(
    {"host", "port", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding"}
)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AddressError(ValueError):
    """VROEGSEIN_DATABASE_URL is not of the form postgresql://host:port/database. The URL itself is never repeated."""


class PassfileError(RuntimeError):
    """A passfile is missing, open to others, or not accepted by the server."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is; nothing in it is secret. A `host` that begins with / is the folder of a Unix socket.

    `extra` holds TLS settings of libpq. Without any, another machine's certificate is checked (`sslmode=verify-full`);
    a socket and this machine itself (localhost) need none.
    """

    host: str
    port: int
    database: str
    extra: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read VROEGSEIN_DATABASE_URL, such as `postgresql://host:5432/vroegsein?sslmode=verify-full`.

        Raises:
            AddressError: another form, a user or password in it, several hosts, or settings that are not about TLS.
        """
        if not url.startswith(("postgresql://", "postgres://")):
            raise AddressError(
                "VROEGSEIN_DATABASE_URL must begin with postgresql://, as postgresql://host:5432/vroegsein"
            )
        try:
            parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        except psycopg.Error:  # its text may quote a piece of the password
            raise AddressError(
                "VROEGSEIN_DATABASE_URL cannot be read; write it as postgresql://host:5432/vroegsein"
            ) from None
        if unwanted := sorted(parts.keys() - MAY_STAND_IN_URL):
            raise AddressError(
                f"VROEGSEIN_DATABASE_URL must not hold {', '.join(unwanted)}: it names server and database only. "
                "Logins are fixed, and their passwords are in passfiles."
            )
        if not parts.get("host") or not parts.get("dbname") or "," in parts["host"]:
            raise AddressError(
                "VROEGSEIN_DATABASE_URL must name one host and a database: postgresql://host:5432/vroegsein"
            )
        if not (port := parts.get("port", "5432")).isdecimal():
            raise AddressError("the port in VROEGSEIN_DATABASE_URL must be a number")
        extra = {name: value for name, value in parts.items() if name not in {"host", "port", "dbname"}}
        return cls(parts["host"], int(port), parts["dbname"], extra)

    def on(self, database: str) -> Self:
        """Name another database of the same server."""
        return replace(self, database=database)

    @property
    def is_socket(self) -> bool:
        """Whether `host` is the folder of a Unix socket."""
        return self.host.startswith("/")

    def parts(self) -> dict[str, str]:
        """Give what libpq needs to get there, without a login. Explicit, so that no PG… variable slips in."""
        tls = {} if self.is_socket or self.host in LOOPBACK else {"sslmode": "verify-full"}
        here = {"host": self.host, "port": str(self.port), "dbname": self.database, "hostaddr": "", "options": ""}
        return here | tls | dict(self.extra)


def passfile(passfiles: Path, login: str) -> Path:
    """Name the passfile of `login` in the folder `passfiles`."""
    return passfiles / f"{login}.pgpass"


def check_passfile(path: Path) -> None:
    """See that nobody but its owner can read the passfile.

    Raises:
        PassfileError: it is missing, not a plain file, or open to the group or to others.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise PassfileError(f"no passfile {path}; `vroegsein operator migrate` makes those of the service") from None
    except PermissionError:
        raise PassfileError(f"passfile {path} cannot be reached by this user") from None
    if not stat.S_ISREG(found.st_mode):
        raise PassfileError(f"passfile {path} is not a plain file")
    if found.st_mode & 0o077:
        raise PassfileError(f"passfile {path} can be read by others than its owner; close it: chmod 600 {path}")
    if not os.access(path, os.R_OK):
        raise PassfileError(f"passfile {path} cannot be read by this user")


def conninfo(address: Address, login: str, passfiles: Path) -> dict[str, Any]:
    """Give the arguments of `psycopg.connect` (or SQLAlchemy's `connect_args`) for one login. They hold no password.

    An empty `password` makes libpq take the passfile even where PGPASSWORD is set; `require_auth` keeps it from
    showing the password itself to a server that asks for it.

    Raises:
        PassfileError: the login's passfile is missing or open to others.
    """
    path = passfile(passfiles, login)
    check_passfile(path)
    who = {"user": login, "password": "", "passfile": str(path), "require_auth": "scram-sha-256"}
    return address.parts() | who | {"connect_timeout": "10"}


def works(address: Address, login: str, passfiles: Path) -> bool:
    """Try whether the login's passfile opens the database. A missing one does not; one open to others is an error."""
    if not passfile(passfiles, login).exists():
        return False
    try:
        psycopg.connect(**conninfo(address, login, passfiles)).close()
    except psycopg.OperationalError:
        return False
    return True


def write_passfile(address: Address, login: str, passfiles: Path, password: str) -> Path:
    """Write a passfile in PostgreSQL's form, whole or not at all, for its owner's eyes only (0600)."""
    passfiles.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A socket's folder may change from one start to the next; whoever can open it is on this machine anyway.
    where = "*:*" if address.is_socket else f"{_escaped(address.host)}:{address.port}"
    with tempfile.NamedTemporaryFile("w", dir=passfiles, prefix=".", suffix=".new", delete=False) as file:  # is 0600
        try:
            file.write(f"{where}:*:{_escaped(login)}:{_escaped(password)}\n")
            file.flush()
            os.fsync(file.fileno())
            return Path(file.name).replace(passfile(passfiles, login))
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


def give_password(connection: psycopg.Connection[Any], address: Address, login: str, passfiles: Path) -> None:
    """Let `login` log in with a fresh random password, and write its passfile.

    Only the SCRAM verifier, made here, goes to the server: neither its log nor its statistics see the password.
    A crash between the two steps leaves a passfile that does not work, which the next run replaces.
    """
    password = secrets.token_urlsafe(32)
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), sql.Literal(verifier))
    connection.execute(statement)
    write_passfile(address, login, passfiles, password)
