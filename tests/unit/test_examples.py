"""The default rule set's worked examples, and how a file of examples is read."""

from pathlib import Path

import pytest

from cli.main import main
from signals.documents import DocumentError
from signals.examples import Case, read_examples, try_example, try_examples
from signals.rulesets import default_rule_set, default_text, parse_rule_set

CASES = Path(__file__).parents[1] / "cases"
DEFAULT = default_rule_set()


@pytest.mark.parametrize("case", read_examples(CASES), ids=lambda case: case.name)
def test_the_default_does_what_the_example_says(case: Case) -> None:
    assert try_example(DEFAULT, case) == []


FILE = """\
kind: rule-examples
about: Huur
unless_said: {month: 2026-10, days: 60, amount_euros: 500, months: 2}
examples:
  - example: Huur telt mee
    reports: [{category: rent}]
    expected: {tray: single, rules: [single@1]}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "own.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_not_as_expected_is_told_at_its_place(tmp_path: Path) -> None:
    cases = read_examples(write(tmp_path, FILE.replace("tray: single", "tray: multiple")))
    assert [str(mistake) for mistake in try_examples(DEFAULT, cases)] == [
        "own.yaml:7:22: Huur telt mee: tray: expected multiple, came to single"
    ]


def test_a_changed_rule_set_is_noticed_with_all_that_it_changes(tmp_path: Path) -> None:
    other = parse_rule_set(
        default_text().replace("{fact: creditors, at_most: 1}", "{fact: creditors, at_most: 0}"), "x"
    )
    found = try_examples(other, read_examples(write(tmp_path, FILE)))
    assert [(mistake.line, mistake.message.split(":")[0]) for mistake in found] == [(7, "tray"), (7, "rules")]


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        pytest.param("category: rent", "category: waste", (6, 26), "rent", id="unknown category"),
        pytest.param("tray: single", "trey: single", (7, 16), "tray", id="unknown word"),
        pytest.param("days: 60", "days: sixty", (3, 37), "integer", id="words for a number"),
        pytest.param("days: 60, ", "", (6, 15), "say days here or under unless_said", id="nowhere said"),
        pytest.param("expected: {tray: single, rules: [single@1]}", "expected: {}", (7, 15), "say what", id="nothing"),
        pytest.param("[{category: rent}]", "[]", (6, 14), "at least one", id="no report"),
        pytest.param("[single@1]", "[single]", (7, 38), "pattern", id="a rule without a number"),
    ],
)
def test_a_mistake_in_an_example_is_shown_at_line_and_column(
    tmp_path: Path, old: str, new: str, where: tuple[int, int], message: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        read_examples(write(tmp_path, FILE.replace(old, new)))
    assert [((each.line, each.column), message in each.message) for each in caught.value.mistakes] == [(where, True)]


def test_the_same_sentence_stands_once_in_a_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"own\.yaml:8:14: .*stands here twice"):
        read_examples(write(tmp_path, FILE + FILE.split("examples:\n")[1]))


def test_a_folder_without_examples_is_a_mistake_and_not_a_success(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no examples"):
        read_examples(tmp_path)


def test_an_example_about_a_month_that_nothing_is_reported_in_fails(tmp_path: Path) -> None:
    cases = read_examples(write(tmp_path, FILE.replace("{tray: single", "{month: 2026-09, tray: single")))
    assert [mistake.message for mistake in try_examples(DEFAULT, cases)] == ["month: nothing is reported in 2026-09"]


def test_a_municipality_tries_its_own_examples_on_its_own_rule_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(default_text(), encoding="utf-8")
    assert run(write(tmp_path, FILE), CASES / "trays.yaml", "--rules", rules) == 0
    assert "examples, all as expected" in capsys.readouterr().out
    assert run(write(tmp_path, FILE.replace("single@1", "single@2")), "--rules", rules) == 1
    assert "own.yaml:7:37: Huur telt mee: rules: expected [single@2], came to [single@1]" in capsys.readouterr().err


def run(*arguments: Path | str) -> int | str | None:
    """`vroegsein rules test`; the exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["rules", "test", *(str(each) for each in arguments)])
    return ended.value.code
