"""The garbage collector held back while a file is read: it walks all rows anew each time that they have grown."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Collect no cycles meanwhile; for work that makes many objects, keeps them, and makes no cycles among them.

    What is no part of a cycle is freed at once all the same. Where threads do so at once, the collector works again
    when the first of them is done, which harms nobody.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
