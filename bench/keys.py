"""What each kind of match key brings and costs: linking on a folder of exports, with the kind left out and alone.

    python -m bench.keys FOLDER --truth FOLDER/truth.csv --month 2026-10 --json

Rows are read, normalised and keyed as a creditor does it, and linked by the oracle (signals/linking_oracle.py), which
the tests hold the database to; no service runs. `brings` is how much recall of pairs of persons falls when the kind is
left out, `costs` how much precision rises by leaving it out, `alone` the quality with no other kind.
"""

import argparse
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.linking import Row, quality, read_truth
from cli.demo import EXAMPLES
from cli.words import errors
from client.checking import SendableRow, check
from client.exclusions import NOBODY_EXCLUDED, fold_reference
from client.export import read_export
from client.profiles import Profile
from privacy import matchkeys
from privacy.normalise.people import Person
from signals.documents import read_document
from signals.linking_oracle import LinkedReport, Place, cluster
from signals.report import MatchKeys

KINDS = (
    "1-surname-initial-birth",
    "2-initial-birth-building",
    "3-mobile-birth",
    "4-email-birth",
    "1-surname-initial-building",
    "2-phone-initial",
    "3-email-initial",
    "4-surname-start-initial-dwelling",
    "5-surname-end-initial-dwelling",
    "6-surname-initial-street-dwelling",
)
PILOT_KEY = bytes(range(32))
Rows = dict[Row, SendableRow]


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
    rows = read_rows(arguments.folder, arguments.month, arguments.profiles)
    result = measure(truth, rows, arguments.month)
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))


def read_rows(folder: Path, month: str, profiles: Path) -> Rows:
    """Every row of a month that would be sent, by its file and contract."""
    rows: Rows = {}
    for file in sorted(folder.glob(f"*_{month}.*")):
        name = file.stem.removesuffix(f"_{month}")
        profile = read_document(profiles / f"{name}.yaml", Profile)
        export = read_export(file, profile, period=month, exclusions=NOBODY_EXCLUDED)
        rows |= {(name, fold_reference(row.reference)): row for row in check(export, profile, None).to_send}
    return rows


def measure(truth: dict[Row, tuple[str, str]], rows: Rows, month: str) -> dict[str, Any]:
    """The quality with all kinds, without each, and with each alone."""
    whole = measured(truth, rows, month, KINDS)
    kinds = {}
    for kind in KINDS:
        without = measured(truth, rows, month, [other for other in KINDS if other != kind])
        alone = measured(truth, rows, month, [kind])
        kinds[kind] = {
            "brings": round(whole["persons"]["recall"] - without["persons"]["recall"], 4),
            "costs": round(without["persons"]["precision"] - whole["persons"]["precision"], 4),
            "without": without,
            "alone": alone,
        }
    return {"rows": len(rows), "all": whole, "kinds": kinds}


def measured(
    truth: dict[Row, tuple[str, str]], rows: Rows, month: str, kinds: Sequence[str]
) -> dict[str, dict[str, float]]:
    """The quality, over persons and over households, with keys of these kinds."""
    with _only(kinds):
        reports = {row: _report(row, sendable, month) for row, sendable in rows.items()}
    places: dict[uuid.UUID, Place] = cluster(reports.values())
    found = {
        row: (places[report.report_id].person_id, places[report.report_id].household_id)
        for row, report in reports.items()
    }
    return {"persons": quality(truth, found, 0), "households": quality(truth, found, 1)}


@contextmanager
def _only(kinds: Sequence[str]) -> Iterator[None]:
    """Make keys of these kinds alone; random ones fill up as ever."""
    of = matchkeys._Combinations.of  # noqa: SLF001 - what the bench is about

    def some(person: Person) -> Any:  # noqa: ANN401 - that file's own
        found = of(person)
        return found._replace(
            strong=[each for each in found.strong if matchkeys.kind_of(each) in kinds],
            weak=[each for each in found.weak if matchkeys.kind_of(each) in kinds],
        )

    with patch.object(matchkeys._Combinations, "of", some):  # noqa: SLF001 - likewise
        yield


def _report(row: Row, sendable: SendableRow, month: str) -> LinkedReport:
    keys: MatchKeys = matchkeys.match_keys(PILOT_KEY, sendable.contacts)
    return LinkedReport(
        report_id=uuid.uuid5(uuid.NAMESPACE_OID, "/".join(row)),
        creditor_id=row[0],
        reference=uuid.uuid5(uuid.NAMESPACE_OID, sendable.reference),
        category=sendable.category,
        period=month,
        reported_on=sendable.reported_on,
        dwelling=uuid.UUID(keys.dwelling),
        street_dwelling=uuid.UUID(keys.street_dwelling),
        building=uuid.UUID(keys.building),
        has_addition=keys.has_addition,
        strong=frozenset(map(uuid.UUID, keys.strong)),
        weak={uuid.UUID(weak.key): uuid.UUID(weak.birth) if weak.birth else None for weak in keys.weak},
    )


if __name__ == "__main__":
    main()
