"""The clients of a soak: each command a process of its own, forked from one that has imported everything already.

Starting Python anew takes longer than the command itself, which is what the soak is about.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cli import creditor
from cli.main import main
from client.delivering import deliver

PART_ROWS = 40  # so that a small export has several parts


@dataclass(frozen=True, slots=True)
class Client:
    """One command that runs. Its files: pid, out, errors, and in the end its exit code."""

    base: Path
    pid: int

    def wait(self, seconds: float) -> tuple[int, str, str] | None:
        """Exit code (below 0: the signal), standard output and errors; None when it has not ended by then."""
        until, ended = time.monotonic() + seconds, self.base.with_suffix(".code")
        while not ended.exists():
            if time.monotonic() > until:
                return None
            time.sleep(0.01)
        said = [self.base.with_suffix(name).read_text(encoding="utf-8") for name in (".out", ".err")]
        return int(ended.read_text(encoding="ascii")), said[0], said[1]


class Clients:
    """Starts commands. Ends with its standard input."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._count = folder, 0
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.clients"], env=environment, stdin=subprocess.PIPE, text=True
        )

    def start(self, words: Sequence[str], said: str = "") -> Client:
        """Start one command with so much on its standard input."""
        self._count += 1
        base = self._folder / f"{self._count:05}"
        base.with_suffix(".in").write_text(said, encoding="utf-8")
        assert self._mother.stdin is not None
        self._mother.stdin.write(json.dumps([str(base), *words]) + "\n")
        self._mother.stdin.flush()
        born = base.with_suffix(".pid")
        while not born.exists():
            if self._mother.poll() is not None:
                raise RuntimeError("the process that starts clients has ended")
            time.sleep(0.005)
        return Client(base, int(born.read_text(encoding="ascii")))

    def close(self) -> None:
        """Start none any more."""
        assert self._mother.stdin is not None
        self._mother.stdin.close()
        self._mother.wait(10)


def _serve() -> None:
    importlib.import_module("cli.desk")  # so that the children have what its commands import
    setattr(creditor, "deliver", partial(deliver, part_rows=PART_ROWS))  # noqa: B010 - it is not that module's own
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        base, *words = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _keep(Path(base), words)
            os._exit(0)


def _keep(base: Path, words: list[str]) -> None:
    """Start the command itself, and note its process and its end."""
    pid = os.fork()
    if pid == 0:
        _run(base, words)
    _note(base.with_suffix(".pid"), pid)
    _pid, status = os.waitpid(pid, 0)
    _note(base.with_suffix(".code"), os.waitstatus_to_exitcode(status))


def _run(base: Path, words: list[str]) -> None:
    for number, suffix, flags in (
        (0, ".in", os.O_RDONLY),
        (1, ".out", os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, ".err", os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        os.dup2(os.open(base.with_suffix(suffix), flags, 0o600), number)
    code = 1
    try:
        main(words)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would say it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _note(file: Path, number: int) -> None:
    file.with_suffix(".new" + file.suffix).write_text(str(number), encoding="ascii")
    file.with_suffix(".new" + file.suffix).rename(file)


if __name__ == "__main__":
    _serve()
