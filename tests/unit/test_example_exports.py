"""The example exports of both places, as they are and in further disarray: every amount and month comes out exactly."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from client.checking import Checked
from client.exclusions import NOBODY_EXCLUDED
from client.export import read_export
from client.reasons import NoteCode
from client.rows import Row
from tests.exports import EXAMPLES, checked, example_profile

EXPORTS = sorted(path for place in ("waterbeek", "zandhoek") for path in (EXAMPLES / place).glob("*_2026-*"))


def figures(outcome: Checked) -> dict[str, tuple[int, int]]:
    """Cents and months by reference, of what would be sent."""
    return {row.reference: (row.amount_cents, row.months) for row in outcome.to_send}


def truth(path: Path) -> dict[str, tuple[int, int]]:
    """The same as the place's list of what is true says it."""
    stem, month = path.stem.split("_")
    with (path.parent / "truth.csv").open(encoding="utf-8", newline="") as file:
        return {
            line["reference"]: (int(line["amount"].replace(".", "")), int(line["months"]))
            for line in csv.DictReader(file)
            if (line["file"], line["month"]) == (stem, month)
        }


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_amount_and_count_of_months_comes_out_exactly(path: Path) -> None:
    stem, month = path.stem.split("_")
    outcome = checked(path, example_profile(stem))
    assert figures(outcome) == truth(path)
    assert outcome.period == month
    assert outcome.rows_read == len(outcome.to_send) + len(outcome.refused)
    assert set(outcome.reasons) <= {"repeated"}
    assert {note.code for note in outcome.notes} <= {NoteCode.TOTAL_DIFFERS}
    assert outcome.push_obstacle is None


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_example_row_says_who_and_where(path: Path) -> None:
    export = read_export(path, example_profile(path.stem.split("_")[0]), exclusions=NOBODY_EXCLUDED)
    for row in export.rows:
        assert isinstance(row, Row)
        assert re.fullmatch(r"\d{4}", row.postcode_digits)
        assert row.contact.name or row.contact.surname
        assert row.contact.address or row.contact.house_number
        assert row.contact.birth_date is None or row.contact.birth_date.isoformat() != "1900-01-01"


def as_text(path: Path) -> str:
    """An example of text, line ends and all."""
    return path.read_bytes().decode("cp1252" if path.name.startswith("woonstichting") else "utf-8-sig")


def repeat_header(text: str, every: int = 40) -> str:
    """The header again above every so many rows, as page breaks leave it."""
    lines = text.splitlines()
    header = next(line for line in lines if re.search("postcode|dossier|klant", line, re.IGNORECASE))
    return "\n".join(f"{header}\n\n{line}" if at % every == every - 1 else line for at, line in enumerate(lines))


def shout_header(text: str) -> str:
    """Header in capitals, with blanks inside and around the names."""
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if re.search("postcode|dossier|klant", line, re.IGNORECASE))
    lines[at] = re.sub(r"([;|,\t])", r" \1 ", lines[at].upper())
    return "\r\n".join(lines)


def add_junk(text: str) -> str:
    """Blank lines, a footer and the sign that ends files of old systems."""
    return text.replace("\r\n", "\n") + "\n\n;;;\n-- einde van de lijst --\nGegenereerd door het systeem\n\x1a"


def end_lines_oddly(text: str) -> str:
    """Lines ended as old Macs did."""
    return re.sub(r"\r?\n", "\r", text)


DISARRAY: list[Callable[[str], str]] = [
    repeat_header,
    shout_header,
    add_junk,
    lambda text: re.sub(r"\r?\n", "\r", text),
]
TEXTS = [path for path in EXPORTS if path.suffix in {".csv", ".txt", ".tsv"} and "2026-10" in path.name]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("disarray", DISARRAY)
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_disarray_changes_no_figure(tmp_path: Path, path: Path, disarray: Callable[[str], str], encoding: str) -> None:
    text = as_text(path)
    changed = tmp_path / path.name
    changed.write_bytes(disarray(text).encode(encoding))
    assert figures(checked(changed, example_profile(path.stem.split("_")[0]))) == truth(path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("woonstichting", r"(\d)\.(\d{3},\d\d;)", r"\1\2"),
        ("woonstichting", r"(?:(\d)\.)?(\d+),(\d\d);(\d;)", r"\1\2.\3;\4"),
        ("woonstichting", r"(\d+),(\d\d);(\d);", r"€ \1,\2 ;\3,0;"),
        ("woonstichting", r"(\d\d)-(\d\d)-(\d{4})", r"\3/\2/\1"),
        ("particulier", r"(\d\d)[-/](\d\d)[-/](?:20)?26", r"\1.\2.2026"),
        ("gasunie-lokaal", r"(\d+)\.(\d\d)\t", r"\1,\2\t"),
        ("zekerzorg", r"(?m)^(\d+)\|", r"'00\1|"),
    ],
)
def test_another_style_within_a_column_changes_no_figure(tmp_path: Path, name: str, old: str, new: str) -> None:
    [path] = (EXAMPLES / "waterbeek").glob(f"{name}_2026-10*")
    text = as_text(path)
    restyled = re.sub(old, new, text)
    assert restyled != text
    changed = tmp_path / path.name
    changed.write_text(restyled, encoding="utf-8", newline="")
    found = figures(checked(changed, example_profile(name)))
    assert {reference.removeprefix("00"): figure for reference, figure in found.items()} == truth(path)
