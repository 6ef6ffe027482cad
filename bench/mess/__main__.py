"""Write a made-up set of exports with its truth, let the profiles be proposed, and measure linking on it.

    python -m bench.mess FOLDER --seed 7 --households 2000 --json

FOLDER gets the month's exports, truth.csv, and profiles/: what `vroegsein creditor profile` proposes, with the steps of
the procedure and the place of objections filled in, as a person does. What was proposed wrong is told, and put right:
the two are measured apart. With FOLDER/profiles `bench.linking` measures the same through the whole service, and
`bench.keys` each kind of key.
"""

import argparse
import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import yaml

from bench.keys import KINDS, measured, read_rows
from bench.linking import read_truth
from bench.mess.creditors import Style, styles
from bench.mess.town import TODAY, Contract, Maker
from cli.words import errors
from client.decoding import UnreadableFile
from client.profiles import Profile
from client.profiling.proposing import propose

MONTH = f"{TODAY:%Y-%m}"
_DAYS = {"reminder": 7, "contact": 14, "help": 7, "offer": 7}


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--households", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    known = styles(Random(arguments.seed))
    write_set(arguments.folder, known, arguments.seed, arguments.households)
    mapping = propose_profiles(arguments.folder, known)
    truth = read_truth(arguments.folder / "truth.csv", MONTH)
    rows = read_rows(arguments.folder, MONTH, arguments.folder / "profiles")
    found = measured(truth, rows, MONTH, KINDS)
    result = {"seed": arguments.seed, "rows": len(truth), "read": len(rows), **found, "profiles": mapping}
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))


def write_set(folder: Path, known: dict[str, Style], seed: int, households: int) -> None:
    """Write the exports of one month and truth.csv; the same seed writes the same."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = Random(seed)
    listed: dict[str, list[list[Any]]] = {name: [] for name in known}
    truth = []
    for number, contract in enumerate(Maker(seed).town(households).contracts):
        reference = str(4_000_000 + 13 * number)
        listed[contract.creditor].append(known[contract.creditor].row(chance, contract, reference))
        truth.append(_true(contract, reference))
    for name, rows in listed.items():
        style = known[name]
        style.write(folder / f"{name}_{MONTH}.{style.suffix}", list(style.columns.values()), rows)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("file", "month", "reference", "person", "household"))
        writer.writerows(truth)


def _true(contract: Contract, reference: str) -> tuple[str, ...]:
    return contract.creditor, MONTH, reference, contract.person.id, contract.person.household


def propose_profiles(folder: Path, known: dict[str, Style]) -> dict[str, Any]:
    """Have a profile proposed for every export and write it; what was wrong in it is returned, and put right."""
    (folder / "profiles").mkdir(exist_ok=True)
    told: dict[str, Any] = {}
    for name, style in known.items():
        path = folder / f"{name}_{MONTH}.{style.suffix}"
        try:
            proposal = propose(path)
            document, doubts = proposal.document, [one.place for one in proposal.placed if one.doubt[0]]
            told[name] = {}
        except UnreadableFile as refused:
            document, doubts = _bare(style), []
            told[name] = {"refused": refused.message}
        wrong, right = _compared(document, style)
        told[name] |= {"wrong": wrong, "doubted": doubts}
        right["social_collection"] = {"procedure": "bench", **{k: {"after_days": v} for k, v in _DAYS.items()}}
        right["recorded"] = {"file": {"name": "no.csv", "reference": "nr", "state": "reden"}} | {}
        right["recorded"]["file"] |= {"refused": ["bezwaar"], "payment_plan_kept": ["regeling"]}
        right |= {"profile": name, "category": style.category}
        Profile.model_validate(right)
        (folder / "profiles" / f"{name}.yaml").write_text(yaml.safe_dump(right, allow_unicode=True), encoding="utf-8")
    return told


def _bare(style: Style) -> dict[str, Any]:
    """What a person would begin with where nothing was proposed."""
    form = {"xlsx": "workbook", "json": "json"}.get(style.suffix, "csv")
    nothing = {"column": "", "unit": "", "decimal": ""}
    where = {"records": "polissen"} if form == "json" else {}
    return {"file": {"format": form, **where}, "category": "", "columns": {}, "amount": nothing, "months": {}}


def _compared(document: dict[str, Any], style: Style) -> tuple[dict[str, str], dict[str, Any]]:
    """What a proposal has otherwise than the creditor would, and the proposal put right."""
    wanted = {place: header for place, header in style.columns.items() if not place.startswith("unplaced")}
    proposed = {f"columns.{name}": header for name, header in document["columns"].items() if name != "name_order"}
    proposed["amount.column"] = document["amount"]["column"]
    proposed |= {
        f"months.{name}": document["months"][name] for name in ("column", "due_date") if name in document["months"]
    }
    wrong = {place: str(proposed.get(place)) for place, header in wanted.items() if proposed.get(place) != header}
    wrong |= {place: header for place, header in proposed.items() if place not in wanted}
    settings = {"name_order": document["columns"].get("name_order"), "category": document["category"]}
    settings |= {name: document["amount"][name] for name in ("unit", "decimal")}
    expected = {"category": style.category, "unit": "euro", **style.extra}
    wrong |= {name: str(settings[name]) for name, value in expected.items() if settings[name] != value}
    right = {**document, "columns": {}, "amount": {**document["amount"]}, "months": {}}
    for place, header in wanted.items():
        part, _, name = place.partition(".")
        right[part][name] = header
    if "name_order" in style.extra:
        right["columns"]["name_order"] = style.extra["name_order"]
    right["amount"] |= {"unit": "euro", "decimal": "comma"}
    right["amount"] |= {name: value for name, value in style.extra.items() if name != "name_order"}
    return wrong, right


if __name__ == "__main__":
    main()
