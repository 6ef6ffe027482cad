"""Never lost, never doubled: one fault of each kind in a running service (docs/faults.md; `make soak` has 200)."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.faults import Kind
from tests.soak.run import Soak


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc tells whom to kill")
@pytest.mark.timeout(1200)
def test_whatever_breaks_repeating_gives_the_end_of_the_undisturbed_run() -> None:
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-soak-"))  # short: the database's socket is in it
    folder.chmod(0o711)  # as root the database's own user must get through
    said: list[str] = []
    soak = Soak(folder, faults=len(Kind), seed=1, tell=said.append)
    try:
        outcome = soak.run()
    except BaseException as error:
        error.add_note("\n".join(said))
        raise
    finally:
        soak.close()
    assert outcome.injected == Counter(Kind)
