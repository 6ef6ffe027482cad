"""Loaded by the processes of a soak alone (PYTHONPATH): their clock goes wrong by what the file SOAK_CLOCK says.

The file holds one little-endian double, in seconds, and is looked at each time: a clock may jump while a process runs.
"""

import ctypes
import datetime as dt
import gc
import mmap
import os
import struct
import time

_real_time, _real_time_ns, _real_now = time.time, time.time_ns, dt.datetime.now


def _install(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123 - it must be loaded before anything else, and quickly
        offset = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)

    def ahead() -> float:
        seconds: float = struct.unpack_from("<d", offset)[0]
        return seconds

    def now(tz: dt.tzinfo | None = None) -> dt.datetime:
        moved = _real_now(dt.UTC) + dt.timedelta(seconds=ahead())
        return moved.astimezone(tz) if tz else moved.astimezone().replace(tzinfo=None)

    time.time = lambda: _real_time() + ahead()
    time.time_ns = lambda: _real_time_ns() + int(ahead() * 1e9)
    # The class itself must stay the one that every library knows, and it is written in C: so its method is replaced.
    gc.get_referents(dt.datetime.__dict__)[0]["now"] = staticmethod(now)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(dt.datetime))


if "SOAK_CLOCK" in os.environ:
    _install(os.environ["SOAK_CLOCK"])
