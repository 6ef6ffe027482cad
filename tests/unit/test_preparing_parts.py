"""Parts that several processes prepare are those that one prepares; a process that is ended is told of."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pytest

from client import preparing_parts
from client.preparing import Prepared
from client.preparing_parts import PreparingStopped, prepared_parts
from client.trust import JoinedPilot
from privacy.sealing import Envelope
from signals.report import Report
from tests.unit.test_pilot_document import DOCUMENT
from tests.world import make_row

PILOT = JoinedPilot(DOCUMENT, bytes(range(32)))
ENVELOPE = Envelope.new(PILOT.id, "housing", "0123456789abcdef")
ROWS = [make_row(f"c{number}", birth_date=date(1980, 2, 29)) for number in range(11)]


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing_parts, "MANY_ROWS", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@contextmanager
def parts() -> Iterator[Iterator[list[Prepared]]]:
    with closing(prepared_parts(PILOT, bytes(32), ENVELOPE, ROWS, 2)) as ready:
        yield ready


@pytest.mark.usefixtures("two_cores")
def test_parts_come_in_the_order_of_the_rows_with_the_same_keys_and_open() -> None:
    with parts() as ready:
        first = next(ready)
        assert 1 <= len(multiprocessing.active_children()) <= 2
        made = [first, *ready]
    assert [len(part) for part in made] == [2, 2, 2, 2, 2, 1]
    assert not multiprocessing.active_children()
    rows = [row for part in made for row in part]
    assert [row.details["contract"] for row in rows] == [row.reference for row in ROWS]
    assert all(ENVELOPE.open(row.sealed, row.reference, row.sent)["contract"] for row in rows)
    assert len({row.salt for row in rows}) == len({row.sealed.wrapped_key for row in rows}) == len(ROWS)
    assert len({Report.model_validate_json(row.sent).keys.dwelling for row in rows}) == 1


def test_few_rows_start_no_process() -> None:
    with parts() as ready:
        assert len(next(ready)) == 2
        assert not multiprocessing.active_children()


@pytest.mark.usefixtures("two_cores")
def test_a_process_that_is_ended_is_told_of() -> None:
    with parts() as ready:
        next(ready)
        for child in multiprocessing.active_children():
            child.kill()  # no error where the pool, which has seen another one end, was first
            child.join()
        with pytest.raises(PreparingStopped):
            for _part in ready:
                pass
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("two_cores")
def test_who_stops_in_the_midst_leaves_no_process_behind() -> None:
    with parts() as ready:
        next(ready)
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="/proc tells who runs")
def test_no_process_outlives_the_one_that_is_killed() -> None:
    here = "from tests.unit import test_preparing_parts as t; t.stand_still()"
    with subprocess.Popen([sys.executable, "-c", here], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        children = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    assert children
    until = time.monotonic() + 30
    while (left := [pid for pid in children if is_running(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left


def is_running(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def stand_still() -> None:
    """Prepare one part, say which processes do so, and wait."""
    preparing_parts.MANY_ROWS = 1
    with parts() as ready:
        next(ready)
        sys.stdout.write(" ".join(str(child.pid) for child in multiprocessing.active_children()) + "\n")
        sys.stdout.flush()
        time.sleep(60)
