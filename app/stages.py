"""How long the stages of taking in a delivery last: a line in the log for each, at the level DEBUG."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

_log = logging.getLogger("vroegsein.stages")

Stage = Literal["parse", "copy", "merge", "link", "rules", "finish"]


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Time what is done within, if it succeeds."""
    begun = time.perf_counter()
    yield
    _log.debug("stage %s took %.4f s", name, time.perf_counter() - begun)
