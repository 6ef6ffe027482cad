"""`python -m tests.soak --faults 200 --seed N`: exit code 0 where all was kept, else 1 and what was not."""

import argparse
import os
import secrets
import sys
import tempfile
from pathlib import Path

from tests.soak.run import Outcome, Soak
from tests.soak.world import SoakFailed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Break everything, and compare the ends.")
    parser.add_argument("--faults", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=None, help="of an earlier soak; else a new one")
    parser.add_argument("--quiet", action="store_true", help="only the end")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind when it fails")
    chosen = parser.parse_args()
    seed = secrets.randbelow(10**6) if chosen.seed is None else chosen.seed
    print(f"soak: {chosen.faults} faults, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-soak-"))
    folder.chmod(0o711)  # as root the database's own user must get through
    soak = Soak(folder, chosen.faults, seed, (lambda _said: None) if chosen.quiet else _tell)
    try:
        outcome = soak.run()
    except SoakFailed as failed:
        injected = soak.outcome.injected.total()
        print(f"FAILED after {injected} faults: {failed}")
        print(f"Again: python -m tests.soak --faults {chosen.faults} --seed {seed}")
        if chosen.keep:
            print(f"Left behind: {folder}; the service's log is {soak.world.places.service_log}")
            os._exit(1)
        return 1
    finally:
        soak.close()
    show(outcome)
    return 0


def _tell(said: str) -> None:
    print(said, flush=True)


def show(outcome: Outcome) -> None:
    """The count by kind, and the seed."""
    for kind, count in sorted(outcome.injected.items()):
        print(f"{count:5}  {kind}")
    print(
        f"{outcome.injected.total():5}  faults injected in {outcome.attempts} attempts, {outcome.seconds:.0f} s; "
        f"disk full by {outcome.disk}\n"
        f"end as undisturbed: {outcome.end}, {outcome.receipts} receipts kept, log verified, digest {outcome.digest}\n"
        f"seed {outcome.seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
