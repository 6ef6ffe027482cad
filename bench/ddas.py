"""What the delivery to CBS costs: seconds, bytes, and whether memory stays flat while signals are written.

    python -m bench.ddas --signals 50000 --json

Made-up signals, each of a case with three attempts, are written as `client/ddas.py` does it. `growth_mb` is by how much
the process's peak memory grew after the first tenth; `at_most_growth_mb` the limit that it is held to. (What is read of
an address is cached up to a size; most of the growth is that.)
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cli.words import errors
from client.ddas import Delivery, Signal, SignalCase, Written, write_file
from privacy.identity import Contact
from signals.cases import Attempt, Case, Closed, ContactKind, DayPart, Result, TakenUp, case_of
from signals.report import Category, Kind

AT_MOST_GROWTH_MB = 32
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=50_000)
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.signals)
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))
    sys.exit(0 if result["growth_mb"] <= AT_MOST_GROWTH_MB else 1)


def measure(count: int) -> dict[str, Any]:
    """Write a tenth of so many signals, then all."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ddas.json"
        _written(file, count // 10)
        before = _peak_mb()
        begun = time.process_time()
        written = _written(file, count)
        seconds = time.process_time() - begun
        assert (written.signals.total(), written.cases) == (count, count)
        return {
            "signals": count,
            "seconds": round(seconds, 2),
            "signals_per_second": round(count / seconds),
            "megabytes": round(file.stat().st_size / 2**20, 1),
            "peak_memory_mb": _peak_mb(),
            "growth_mb": _peak_mb() - before,
            "at_most_growth_mb": AT_MOST_GROWTH_MB,
        }


def _written(file: Path, count: int) -> Written:
    made_at = datetime(2026, 11, 4, 9, tzinfo=UTC)
    delivery = Delivery(FIRST, LAST, "BENCH", "0000", "Bench", made_at)
    return write_file(file, delivery, _signals(count), _cases(count))


def _signals(count: int) -> Iterator[Signal]:
    categories = list(Category)
    for at in range(count):
        postcode = f"{1000 + at % 8999} {chr(65 + at % 26)}{chr(65 + at // 26 % 26)}"
        contact = Contact(
            street=f"Straat {at % 900}",
            house_number=str(at % 400 + 1),
            addition="2-hoog" if at % 5 == 0 else "",
            postcode=postcode,
            birth_date=date(1950, 1, 1) + timedelta(days=at % 18_000),
        )
        yield Signal(
            _name(at), categories[at % len(categories)], Kind.EARLY, 10_000 + at, FIRST, LAST, contact, case=_case(at)
        )


def _cases(count: int) -> Iterator[SignalCase]:
    for at in range(count):
        yield SignalCase((_name(at),), "2026-10", _case(at))


def _case(at: int) -> Case:
    on = FIRST + timedelta(days=at % 20)
    tries = [
        Attempt(on=on, contact=kind, reached=kind is ContactKind.PHONE, day_part=DayPart.MORNING)
        for kind in (ContactKind.LETTER, ContactKind.HOME_VISIT, ContactKind.PHONE)
    ]
    return case_of(FIRST, [TakenUp(on=on), *tries, Closed(on=on, result=Result.ADVICE)])


def _name(at: int) -> str:
    return f"00000000-0000-4000-8000-{at:012}"


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
