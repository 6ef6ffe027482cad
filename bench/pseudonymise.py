"""How fast a creditor's machine turns an export into what travels: rows a second on one core, and on all.

    python -m bench.pseudonymise --rows 100000 --json

An export is written and then read, checked, normalised, keyed and sealed as `vroegsein creditor push` does it; nothing
is sent. `rows_per_second` is on one core, over all stages together, and `at_least` the limit it is held to. Seconds are
the process's own (CPU) time; on a machine that others use too, they still grow with what those do. `peak_memory_mb` is
after reading and checking, when all rows are held.

With `--steps`, each step by itself on 5,000 of the rows, the best of five times with what is cached forgotten before
each: microseconds a row. They add up to less than the whole, which goes from step to step for every row.
"""

import argparse
import gc
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from bench.ingest import synthetic_rows
from cli.words import errors
from client.checking import SendableRow, check
from client.export import read_export
from client.preparing import Preparer
from client.profiles import Profile
from client.reading import read_table
from client.rows import apply_profile
from client.trust import JoinedPilot
from privacy import hybrid
from privacy.compact import compact
from privacy.matchkeys import KeyMaker
from privacy.normalise.people import normalise
from privacy.receipts import details_commitment
from privacy.sealing import Envelope
from signals.report import Category

AT_LEAST = 15_000
HEADERS = "klantnummer;voorletters;achternaam;geboortedatum;straat;huisnummer;postcode;telefoon;email;bedrag;maanden"
PROFILE = {
    "profile": "bench",
    "file": {"format": "csv", "delimiter": ";"},
    "category": "rent",
    "columns": {
        "postcode": "postcode",
        "email": "email",
        "reference": "klantnummer",
        "initials": "voorletters",
        "surname": "achternaam",
        "birth_date": "geboortedatum",
        "street": "straat",
        "house_number": "huisnummer",
        "phone": "telefoon",
    },
    "amount": {"column": "bedrag"},
    "months": {"column": "maanden"},
    "social_collection": {
        "procedure": "bench-2026",
        **{step: {"after_days": 7} for step in ("reminder", "contact", "help", "offer")},
    },
}


@dataclass(frozen=True, slots=True)
class _Pilot:
    """As much of a joined pilot as making keys takes."""

    id: str
    key: bytes
    document: Any


@dataclass(frozen=True, slots=True)
class _Document:
    epoch: int = 1


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    parser.add_argument("--steps", action="store_true", help="what each step costs, in place of the whole")
    arguments = parser.parse_args()
    if arguments.steps:
        print(json.dumps(steps(5_000)))
        return
    result = measure(arguments.rows)
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))
    sys.exit(0 if result["rows_per_second"] >= AT_LEAST else 1)


def measure(count: int) -> dict[str, Any]:
    """Write an export of so many rows, and time each stage on it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "export_2026-10.csv"
        write_export(file, count)
        begun = time.process_time()
        profile = Profile.model_validate(PROFILE)
        checked = check(read_export(file, profile), profile)
        reading = time.process_time() - begun
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = list(checked.to_send)
    assert len(rows) == count, checked.reasons
    begun = time.process_time()
    written = _prepared(rows)
    preparing = time.process_time() - begun
    cores = os.cpu_count() or 1
    begun = time.monotonic()
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        together = sum(pool.map(_prepared, [rows[start::cores] for start in range(cores)]))
    all_cores = time.monotonic() - begun
    assert written == together
    return {
        "rows": count,
        "seconds": {"read_and_check": round(reading, 2), "keys_and_sealing": round(preparing, 2)},
        "rows_per_second": round(count / (reading + preparing)),
        "at_least": AT_LEAST,
        "keys_and_sealing_per_second": {"one_core": round(count / preparing), "all_cores": round(count / all_cores)},
        "cores": cores,
        "peak_memory_mb": held,
    }


def steps(count: int) -> dict[str, float]:
    """Microseconds that each step costs a row, on an export of so many."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "export_2026-10.csv"
        write_export(file, count)
        profile = Profile.model_validate(PROFILE)
        table = read_table(file, profile.file, profile.mapped())
        export = read_export(file, profile)
        rows = check(export, profile).to_send
        preparer, envelope = _preparer()
        keys, contacts = KeyMaker(bytes(range(32))), [row.contacts for row in rows]
        made, prepared = [keys.made(each) for each in contacts], [preparer.prepare(row) for row in rows]
        texts = [compact(one.details) for one in prepared]
        measured: dict[str, Callable[[], Any]] = {
            "file to cells": lambda: read_table(file, profile.file, profile.mapped()),
            "cells to rows": lambda: apply_profile(table, profile, export.reported_on),
            "check": lambda: check(export, profile),
            "normalise": lambda: [normalise(contact) for contact, *_ in contacts],
            "normalise, match keys": lambda: [keys.made(each) for each in contacts],
            "match keys as JSON": lambda: [each.as_json() for each in made],
            "details": lambda: [contact.as_json() for contact, *_ in contacts],
            "commitment": lambda: [details_commitment(bytes(16), one.details) for one in prepared],
            "seal": lambda: [
                envelope.seal(text, "0" * 32, one.sent) for text, one in zip(texts, prepared, strict=True)
            ],
            "line": lambda: [one.as_line() for one in prepared],
            "all from row to line": lambda: [preparer.prepare(row).as_line() for row in rows],
        }
        return {name: round(min(_timed(step) for _ in range(5)) / count * 1e6, 1) for name, step in measured.items()}


def _timed(step: Callable[[], Any]) -> float:
    for found in gc.get_objects():
        if isinstance(found, type(forgetting)):
            found.cache_clear()
    begun = time.process_time()
    step()
    return time.process_time() - begun


@lru_cache
def forgetting() -> None:
    """One of the caches that are forgotten: by it the others are known."""


def write_export(file: Path, count: int) -> None:
    """A landlord's list of so many made-up tenants."""
    with file.open("w", encoding="utf-8") as out:
        out.write(HEADERS + "\n")
        for row in synthetic_rows(Category.RENT, count):
            contact, cents = row.contacts[0], row.amount_cents
            cells = (
                *(row.reference, contact.initials, contact.surname, contact.birth_date, contact.street),
                *(contact.house_number, contact.postcode, contact.phone, contact.email),
                *(f"{cents // 100},{cents % 100:02}", row.months),
            )
            out.write(";".join(map(str, cells)) + "\n")


def _prepared(rows: list[SendableRow]) -> int:
    """Make what travels of these rows; returns how many lines, so that nothing is carried between processes."""
    preparer, _envelope = _preparer()
    return sum(bool(preparer.prepare(row).as_line()) for row in rows)


def _preparer() -> tuple[Preparer, Envelope]:
    recipient = b64encode(hybrid.public_key(hybrid.new_private_key())).decode()[:16]
    pilot = cast("JoinedPilot", _Pilot("bench", bytes(range(32)), _Document()))
    envelope = Envelope.new("bench", "bench-landlord", recipient)
    return Preparer(pilot, bytes(32), envelope), envelope


if __name__ == "__main__":
    main()
