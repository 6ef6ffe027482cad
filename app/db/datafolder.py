"""The embedded server's data folder: found whole, or made whole; never half."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from app.db.binaries import EmbeddedError, Programs, can_write, make_own_place
from app.db.passfiles import Address, write_passfile

VERSION = "18"
SUPERUSER = "postgres"
NEEDED_MEGABYTES = 200


def existing(data: Path) -> Path | None:
    """Find the data folder of `data`, which may be a link to a place that the server's account can reach.

    Raises:
        EmbeddedError: it is of another version, or not whole.
    """
    link = data / "cluster"
    folder = link.resolve()
    if not folder.is_dir() or not any(folder.iterdir()):
        if link.is_symlink():
            raise EmbeddedError(
                f"{link} points to {folder}, where there is no data folder; bring it back or remove {data}"
            )
        return None
    try:
        version = (folder / "PG_VERSION").read_text().strip()
        (folder / "global" / "pg_control").stat()
    except FileNotFoundError:
        raise EmbeddedError(
            f"{folder} is not a whole data folder; restore it, or remove {data} to begin anew"
        ) from None
    if version != VERSION:
        raise EmbeddedError(
            f"{folder} was made by PostgreSQL {version}, this is PostgreSQL {VERSION}: "
            "take it over with pg_dump of the old version, or with pg_upgrade"
        )
    return folder


def create(data: Path, programs: Programs) -> Path:
    """Make the data folder; the superuser's password goes to `data`/superuser. Only a finished folder gets its name.

    Returns:
        Where it is: in `data`, or in /var/lib/vroegsein where the server's account cannot get to `data`.

    Raises:
        EmbeddedError: no room, or initdb failed.
    """
    account = programs.account
    new = tempfile.mkdtemp(prefix="new-", dir=data)
    if account:
        os.chown(new, account.uid, account.gid)
        if not can_write(account, Path(new)):
            Path(new).rmdir()
            new = tempfile.mkdtemp(prefix="data-new-", dir=make_own_place())
            os.chown(new, account.uid, account.gid)
    place = Path(new)
    final = data / "cluster"
    if place.parent != data:  # a name that no other data folder has
        final = place.with_name(place.name.replace("-new-", "-"))
    try:
        _initdb(place, data, programs)
        (place / "cluster").rename(final)
        if place.parent != data:
            (data / "cluster").symlink_to(final)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return final.resolve()


def _initdb(place: Path, data: Path, programs: Programs) -> None:
    free = shutil.disk_usage(place).free // 2**20
    if free < NEEDED_MEGABYTES:
        raise EmbeddedError(f"{place.parent} has {free} MB free; a new database needs at least {NEEDED_MEGABYTES} MB")
    password = secrets.token_urlsafe(32)
    secret = place / "password"
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        if programs.account:
            os.fchown(file.fileno(), programs.account.uid, programs.account.gid)
        file.write(password)
    access = ["-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={secret}"]
    # PostgreSQL's own C.UTF-8 sorts alike on every system; that of the C library need not even be there.
    words = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    programs.run("initdb", "-D", place / "cluster", *access, *words, "--data-checksums")
    secret.unlink()
    write_passfile(Address("/", 0, "postgres"), SUPERUSER, data / "superuser", password)
