"""The parts of a delivery, prepared on all cores of the machine where there are rows enough for it to pay.

The secrets go to the other processes through a pipe, never as an argument or in the environment.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from client.checking import SendableRow
from client.preparing import Prepared, Preparer
from client.trust import JoinedPilot
from privacy.sealing import Envelope

MANY_ROWS = 20_000  # below these, starting processes takes longer than they save


class PreparingStopped(Exception):
    """A process that prepared rows was ended from outside, for want of memory perhaps."""


def prepared_parts(
    pilot: JoinedPilot, secret: bytes, envelope: Envelope, rows: Sequence[SendableRow], part_rows: int
) -> Generator[list[Prepared], None, None]:
    """Prepare the rows in parts, in their order; no more than a part for each core, and one, are held at a time.

    Close it when it is not read to its end: processes may be at work for it.

    Raises:
        PreparingStopped: one of them was ended. What was given before is right.
    """
    chunks = (rows[start : start + part_rows] for start in range(0, len(rows), part_rows))
    cores = os.cpu_count() or 1
    if cores == 1 or len(rows) < MANY_ROWS or len(rows) <= part_rows:
        preparer = Preparer(pilot, secret, envelope)
        yield from ([preparer.prepare(row) for row in chunk] for chunk in chunks)
        return
    sealing = (envelope.key, envelope.pilot, envelope.creditor, envelope.recipient_key)
    # "spawn" on every system: a copy of this process would hold its connections and locks too.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(cores, context, initializer=_begin, initargs=(pilot, secret, sealing))
    try:
        at_work: deque[Future[list[Prepared]]] = deque()
        at_work.extend(pool.submit(_prepare, chunk) for chunk in islice(chunks, cores + 1))
        while at_work:
            prepared = at_work.popleft().result()
            at_work.extend(pool.submit(_prepare, chunk) for chunk in islice(chunks, 1))
            yield prepared
    except BrokenProcessPool:
        raise PreparingStopped from None
    finally:
        pool.shutdown(cancel_futures=True)


_at_work: Preparer  # of this process, where it is one of those that were started


def _begin(pilot: JoinedPilot, secret: bytes, sealing: tuple[bytes, str, str, str]) -> None:
    global _at_work  # noqa: PLW0603 - how a pool hands something to its processes
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _at_work = Preparer(pilot, secret, Envelope(*sealing))


def _end_with_parent() -> None:
    """A pool's process that is alone would wait for work for ever, with the secrets in its memory."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _prepare(rows: Sequence[SendableRow]) -> list[Prepared]:
    return [_at_work.prepare(row) for row in rows]
