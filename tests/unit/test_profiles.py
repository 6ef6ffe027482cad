"""Mapping profiles: the seven examples, mistakes with their line, and when a profile can't be pushed with."""

from pathlib import Path

import pytest

from client.dates import Counting
from client.profiles import read_profile
from client.reasons import NoteCode, Reason
from signals.documents import DocumentError
from tests.exports import EXAMPLES, checked, example_profile, make_profile, write_rows

NAMES = ["woonstichting", "particulier", "zekerzorg", "polisplus", "noorderstroom", "waterbedrijf", "gasunie-lokaal"]
EXPORTS = sorted(path for place in ("waterbeek", "zandhoek") for path in (EXAMPLES / place).glob("*_2026-*"))
ROW = "100001;Jansen;Dorpsstraat;1;1234 AB;100,00;1"


def mistakes(folder: Path, text: str) -> list[tuple[int, str]]:
    path = folder / "profiel.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        read_profile(path)
    return [(mistake.line, mistake.field) for mistake in caught.value.mistakes]


@pytest.fixture
def text() -> str:
    return (EXAMPLES / "profiles" / "woonstichting.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_example_profile_is_complete_and_named_after_its_exports(name: str) -> None:
    profile = example_profile(name)
    assert profile.profile == name
    assert profile.push_obstacle is None
    assert any(path.name.startswith(f"{name}_") for path in EXPORTS)


def test_the_second_files_of_the_examples_keep_their_residents_from_being_sent() -> None:
    profile = example_profile("woonstichting")
    outcome = checked(EXAMPLES / "waterbeek" / "woonstichting_2026-09.csv", profile, exclusions=None)
    assert (outcome.reasons[Reason.REFUSED_BY_RESIDENT], outcome.reasons[Reason.PAYMENT_PLAN_KEPT]) == (1, 1)
    assert outcome.push_obstacle is None


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("delimiter:", "delimeter:", "file.delimeter"),
        ("category: rent", "category: huur", "category"),
        ("{label: Peildatum}", "{label: Peildatum, field: peildatum}", "reference_date"),
        ("{label: Peildatum}", "{}", "reference_date"),
        ("unit: euro", "unit: dubbeltje", "amount.unit"),
        ("{column: Mnd achterstand, of: months}", "{of: months}", "months"),
        ("{after_days: 15}", "{}", "social_collection.contact"),
        ("    refused: [bezwaar]\n", "", "recorded.file.refused"),
        ("name: woonstichting-uit", "name: ../uit", "recorded.file.name"),
        ("flag: eviction_announced", "flag: haast", "urgent.0.flag"),
        ("values: [J, ja]", "values: [J], words: [ja]", "urgent.0"),
        ("  delimiter:", "  encoding: ebcdic-nl\n  delimiter:", "file.encoding"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, old: str, new: str, field: str) -> None:
    changed = text.replace(old, new)
    line = next(n for n, (a, b) in enumerate(zip(text.split("\n"), changed.split("\n"), strict=False), 1) if a != b)
    [(found, where)] = mistakes(tmp_path, changed)
    assert where == field
    assert abs(found - line) <= 1 or "refused" in field


def test_what_contradicts_itself_is_a_mistake(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text.replace("  surname:", "  name: Naam\n  surname:"))[0][1] == "columns"
    assert mistakes(tmp_path, text.replace("  house_number: Huisnr\n", ""))[0][1] == "columns"
    assert mistakes(tmp_path, text.replace("  procedure: huurincasso-2026\n", ""))[0][1] == "social_collection"


def test_a_profile_without_a_place_for_refusals_can_check_but_not_push(tmp_path: Path) -> None:
    profile = make_profile(recorded=None)
    assert "objections and kept payment plans" in (profile.push_obstacle or "")
    outcome = checked(write_rows(tmp_path, ROW), profile, exclusions=None)
    assert len(outcome.to_send) == 1
    assert outcome.push_obstacle == profile.push_obstacle
    assert [note.code for note in outcome.notes] == [NoteCode.NO_EXCLUSIONS]


def test_one_of_the_two_columns_alone_is_no_place_for_refusals() -> None:
    with pytest.raises(ValueError, match="say both"):
        make_profile(recorded={"file": None, "refused": {"column": "bezwaar"}})


def test_a_missing_second_file_keeps_push_back_and_says_which(tmp_path: Path) -> None:
    outcome = checked(write_rows(tmp_path, ROW), exclusions=None)
    assert "'uitsluitingen.csv' is not beside lijst_2026-10.csv" in (outcome.push_obstacle or "")
    assert "uitsluitingen.csv" in outcome.notes[0].nl


@pytest.mark.parametrize("count", ["30-day-terms", "calendar-months"])
def test_columns_are_listed_with_their_place_in_the_profile(count: Counting) -> None:
    profile = make_profile(months={"column": None, "due_date": ["sinds", "vervaldatum"], "count": count})
    assert profile.mapped()[0] == ("columns.reference", ("klant",), True)
    assert ("months.due_date", ("sinds", "vervaldatum"), True) in profile.mapped()
    assert ("columns.name", ("naam",), False) in profile.mapped()
