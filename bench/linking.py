"""How well reports are linked: precision, recall and F1 over pairs, on a folder of exports with the truth beside them.

    python -m bench.linking FOLDER --truth FOLDER/truth.csv --month 2026-10 --json

The month's files go through the real client, service and database, into a pilot without bounds. A pair is two rows of
the truth that one person (or household) is behind; rows of the truth that were not sent count as missed.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from math import comb
from pathlib import Path
from typing import Any

from bench.world import PILOT, BenchWorld, bench_world
from cli.demo import EXAMPLES
from cli.words import errors
from client.checking import check
from client.delivering import deliver
from client.exclusions import NOBODY_EXCLUDED, fold_reference
from client.export import read_export
from client.profiles import Profile
from privacy.references import reference
from signals.documents import read_document

Row = tuple[str, str]  # file, reference


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--month", required=True)
    parser.add_argument("--profiles", type=Path, default=EXAMPLES / "profiles")
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    truth = read_truth(arguments.truth, arguments.month)
    found = link_folder(arguments.folder, arguments.month, arguments.profiles)
    result: dict[str, Any] = {
        "persons": quality(truth, found, 0),
        "households": quality(truth, found, 1),
        "rows": len(truth),
        "linked": sum(row in found for row in truth),
    }
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))


def read_truth(file: Path, month: str) -> dict[Row, tuple[str, str]]:
    """Person and household of each row of a month."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return {
            (row["file"], fold_reference(row["reference"])): (row["person"], row["household"])
            for row in csv.DictReader(lines)
            if row["month"] == month
        }


def link_folder(folder: Path, month: str, profiles: Path) -> dict[Row, tuple[Hashable, Hashable]]:
    """Push the month's exports and return person and household of each row that arrived."""
    exports = {file.stem.removesuffix(f"_{month}"): file for file in sorted(folder.glob(f"*_{month}.*"))}
    if not exports:
        sys.exit(f"there is no file of {month} in {folder}")
    known = {name: read_document(profiles / f"{name}.yaml", Profile) for name in exports}
    creditors = {name: (profile.category, profile.social_collection.procedure) for name, profile in known.items()}
    sent: dict[Row, str] = {}
    with bench_world(creditors) as world:
        for name, file in exports.items():
            sent |= _push(world, name, file, known[name], month)
        linked = {
            (row.creditor_id, row.reference.hex): (row.person_id, row.household_id)
            for row in world.linked("SELECT creditor_id, reference, person_id, household_id FROM signals.report")
        }
    return {row: linked[row[0], opaque] for row, opaque in sent.items() if (row[0], opaque) in linked}


def _push(world: BenchWorld, name: str, file: Path, profile: Profile, month: str) -> dict[Row, str]:
    export = read_export(file, profile, period=month, exclusions=NOBODY_EXCLUDED)
    checked = check(export, profile, None)
    home = world.home(name)
    with world.creditor(name) as (service, joined):
        receipt = deliver(home, service, joined, checked)
    for reason, count in Counter(refusal.reason.value for refusal in checked.refused).items():
        errors.print(f"{file.name}: {count} not sent ({reason})", markup=False)
    for line, code in receipt.refused:
        errors.print(f"{file.name}:{line}: refused by the service ({code})", markup=False)
    secret = home.secret("secret.key")
    contracts = {fold_reference(row.reference) for row in checked.to_send}
    return {(name, contract): reference(secret, PILOT, contract) for contract in contracts}


def quality(
    truth: Mapping[Row, tuple[str, str]], found: Mapping[Row, tuple[Hashable, Hashable]], which: int
) -> dict[str, float]:
    """Precision, recall and F1 over pairs of rows; `which`: 0 persons, 1 households."""
    arrived = [row for row in truth if row in found]
    right = _pairs((truth[row][which], found[row][which]) for row in arrived)
    said = _pairs(found[row][which] for row in arrived)
    true = _pairs(row[which] for row in truth.values())
    precision, recall = right / said if said else 1.0, right / true if true else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _pairs(groups: Iterable[Hashable]) -> int:
    return sum(comb(size, 2) for size in Counter(groups).values())


if __name__ == "__main__":
    main()
