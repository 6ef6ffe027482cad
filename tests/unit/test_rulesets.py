"""Rule sets as documents: the default, and every mistake at its line."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from signals.documents import DocumentError, parse_sources
from signals.facts import FACTS, FactName
from signals.report import Category, Kind
from signals.rulesets import RuleSet, default_rule_set, default_text, parse_rule_set, read_rule_set


def mistakes(old: str, new: str) -> list[tuple[int, str, str]]:
    """What is said about the default rule set once `old` reads `new`: line, field, message."""
    text = default_text()
    assert text.count(old) == 1, f"{old!r} must stand in the default exactly once"
    with pytest.raises(DocumentError) as caught:
        parse_rule_set(text.replace(old, new), "rules.yaml")
    return [(mistake.line, mistake.field, mistake.message) for mistake in caught.value.mistakes]


def line_of(text: str) -> int:
    """The line of the default on which `text` stands."""
    return default_text()[: default_text().index(text)].count("\n") + 1


def test_the_default_is_read_and_has_a_name() -> None:
    rule_set = default_rule_set()
    assert rule_set.name == "default@1"
    assert [rule.id for rule in rule_set.by_priority()] == [
        "known-client@1",  # apart
        "urgent@1",
        "end-of-supply@1",
        "multiple@1",
        "consecutive@1",
        "single@1",
    ]
    assert rule_set.window.months == 6


def test_the_default_keeps_the_windows_of_the_field() -> None:
    terms = {each.category: each for each in default_rule_set().eligibility}
    windows = {
        category: (each.days.at_least, each.days.at_most) for category, each in terms.items() if each.days is not None
    }
    assert windows[Category.RENT] == (30, None)
    assert windows[Category.ENERGY] == (30, None)
    assert windows[Category.WATER] == (30, None)
    assert windows[Category.HEALTH_INSURANCE] == (30, 100)
    assert default_rule_set().always_eligible.kinds == (Kind.END_OF_SUPPLY, Kind.HAND_OVER)


def test_a_file_is_read_as_its_text_is(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(default_text(), encoding="utf-8")
    assert read_rule_set(file) == default_rule_set()


def test_every_fact_has_a_name_in_both_tongues() -> None:
    assert set(FACTS) == set(FactName)
    assert all(fact.nl and fact.en for fact in FACTS.values())


SAID = {"kind", "id", "version", "words", "valid_from", "valid_until", "source"}  # what a document is, and no value
# A law or another document by its name, or an own choice with its reason.
A_SOURCE = re.compile(
    r"\b(art\. \d|Stb\. \d|Stcrt\. \d|LCV|DDAS \w+ v\d|Divosa \w+|VNG on|AP, |\w*[Rr]egeling)|own choice: \w+"
)


def values(part: Any, above: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Where each value of a document stands, with the source that is nearest to it: beside it or above it."""
    if isinstance(part, dict):
        source = part.get("source", above)
        for word, inner in part.items():
            if word not in SAID:
                yield from values(inner, source, f"{path}.{word}")
    elif isinstance(part, list):
        for place, inner in enumerate(part):
            yield from values(inner, above, f"{path}.{place}")
    else:
        yield path, above


def test_each_value_of_the_default_names_its_source() -> None:
    found = dict(values(yaml.safe_load(default_text())))
    assert {path: source for path, source in found.items() if not A_SOURCE.search(source)} == {}
    assert len(found) > 70


def test_a_value_of_which_the_source_is_gone_is_refused() -> None:
    lines = default_text().splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if "source: " in line]
    assert len(places) > 40
    for place in places:
        without = re.sub(r"(, )?source: (\"[^\"]*\"|[^,}\n]*)", "", lines[place])
        text = "".join([*lines[:place], without, *lines[place + 1 :]])
        with pytest.raises(DocumentError, match="source: Field required"):
            parse_rule_set(text, "rules.yaml")


def test_the_default_speaks_of_no_score_and_no_suspicion() -> None:
    assert not re.search(r"\b(risico|score|fraude|afwijzing)", default_text(), re.IGNORECASE)


def test_the_hash_is_of_the_content_and_not_of_the_layout() -> None:
    rule_set = default_rule_set()
    assert parse_rule_set(default_text().replace("# ", "#  "), "x").hash() == rule_set.hash()
    changed = parse_rule_set(default_text().replace("grown_by_euros: 1", "grown_by_euros: 2"), "x")
    assert changed.hash() != rule_set.hash()
    assert len(rule_set.hash()) == 32


def test_validity_has_both_ends() -> None:
    text = default_text().replace("valid_from: 2026-01-01", "valid_from: 2026-01-01\nvalid_until: 2026-06-30")
    rule_set = parse_rule_set(text, "x")
    assert rule_set.holds_on(date(2026, 1, 1))
    assert rule_set.holds_on(date(2026, 6, 30))
    assert not rule_set.holds_on(date(2026, 7, 1))
    assert not rule_set.holds_on(date(2025, 12, 31))
    assert default_rule_set().holds_on(date(2099, 1, 1))


MULTIPLE = "      - {fact: creditors, at_least: 2}"
HEALTH = '    days: {at_least: 30, at_most: 100, source: "LCV; DDAS vroegsignalering v1.2"}'


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        pytest.param(MULTIPLE, MULTIPLE.replace("creditors", "neighbours"), 0, "creditors", id="unknown fact"),
        pytest.param(MULTIPLE, MULTIPLE.replace("2", "2.5"), 0, "integer", id="half a number"),
        pytest.param(MULTIPLE, MULTIPLE.replace("2", '"2"'), 0, "integer", id="a number in quotes"),
        pytest.param(MULTIPLE, MULTIPLE.replace("at_least: 2", "at_least: yes"), 0, "integer", id="yes as a number"),
        pytest.param(MULTIPLE, MULTIPLE.replace("at_least", "atleast"), 0, "not permitted", id="unknown word"),
        pytest.param(MULTIPLE, "      - {fact: creditors}", 0, "needs at_least", id="nothing asked"),
        pytest.param(MULTIPLE, "      - {fact: creditors, any_of: [rent]}", 0, "is a number", id="words of a number"),
        pytest.param(MULTIPLE, "      - {fact: categories, at_least: 2}", 0, "holds words", id="number of words"),
        pytest.param(MULTIPLE, "      - {fact: kinds, any_of: [late]}", 0, "never late", id="unknown word of a fact"),
        pytest.param(MULTIPLE, "      - {fact: district, any_of: [North]}", 0, "never North", id="district in clear"),
        pytest.param(
            MULTIPLE,
            "      - {fact: months, at_least: 3, at_most: 2}",
            0,
            "below at_least (3)",
            id="condition reversed",
        ),
        pytest.param(HEALTH, HEALTH.replace("100", "10"), 0, "below at_least (30)", id="threshold upside down"),
        pytest.param(HEALTH, '    days: {source: "LCV"}', 0, "give at_least", id="bounds without a bound"),
        pytest.param(HEALTH, "    days: {at_least: 30}", 0, "Field required", id="value without a source"),
        pytest.param(
            "valid_from: 2026-01-01",
            "valid_from: 2026-01-01\nvalid_until: 2025-01-01",
            1,
            "before valid_from",
            id="dates reversed",
        ),
        pytest.param("  - id: multiple@1", "  - id: urgent@1", 0, "second time", id="duplicate rule"),
        pytest.param("  - id: multiple@1", "  - id: multiple", 0, "pattern", id="rule without a number"),
        pytest.param("  - category: water", "  - category: energy", 0, "second time", id="duplicate category"),
        pytest.param("  - category: water", "  - category: waste", 0, "rent", id="unknown category"),
        pytest.param(
            "    clock: supply-offer", "    clock: sundial", 0, "no clock is called sundial", id="no such clock"
        ),
        pytest.param("    tray: multiple", "    tray: set_aside", 0, "what is set aside", id="a rule that sets aside"),
        pytest.param(
            "days: 28, source",
            "days: 28, working_days: 3, source",
            0,
            "either days or working_days",
            id="two clocks in one",
        ),
        pytest.param("kinds: [end_of_supply, hand_over]", "kinds: [early]", 0, "hand_over", id="all eligible"),
        pytest.param("window: {months: 6", "window: {months: 0", 0, "greater than or equal to 1", id="no window"),
    ],
)
def test_a_mistake_is_shown_at_its_line(old: str, new: str, line: int, message: str) -> None:
    found = mistakes(old, new)
    assert [(at, message in text) for at, _, text in found] == [(line_of(old) + line, True)], found


@pytest.mark.parametrize(
    ("old", "new", "pointed_at", "meant"),
    [
        pytest.param("creditors, at_least", "creditor, at_least", "creditor, at_least", "creditors", id="fact"),
        pytest.param("creditors, at_least", "creditors, atleast", "atleast: 2", "at_least", id="word"),
        pytest.param("  - category: water", "  - category: watr", "watr", "water", id="category"),
        pytest.param("    priority: 30", "    prioriteit: 30", "prioriteit", "priority", id="field of a rule"),
        pytest.param("clock: supply-offer", "clock: suply-offer", "suply-offer", "supply-offer", id="clock"),
        pytest.param("any_of: [end_of_supply]", "any_of: [end_supply]", "[end_supply]", "end_of_supply", id="kind"),
        pytest.param("repeats:\n", "repeat:\n", "repeat:\n", "repeats", id="part of the whole"),
        pytest.param("days: {at_least: 150", "days: {at_leest: 150", "at_leest", "at_least", id="bound"),
    ],
)
def test_a_wrong_word_is_shown_at_its_column_with_what_was_meant(
    old: str, new: str, pointed_at: str, meant: str
) -> None:
    assert default_text().count(old) == 1
    text = default_text().replace(old, new)
    with pytest.raises(DocumentError) as caught:
        parse_rule_set(text, "rules.yaml")
    place = text.index(pointed_at)
    where = (text[:place].count("\n") + 1, place - text.rfind("\n", 0, place))
    told = [(each.line, each.column) for each in caught.value.mistakes if f'did you mean "{meant}"?' in each.message]
    assert told == [where], caught.value.mistakes


def test_what_looks_like_no_known_word_gets_no_guess() -> None:
    text = default_text().replace("  - category: water", "  - category: xyz")
    with pytest.raises(DocumentError) as caught:
        parse_rule_set(text, "rules.yaml")
    assert "did you mean" not in str(caught.value)


LAUGHS = "\n".join(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise("abcdefg"))


@pytest.mark.parametrize("knot", ["a: &a [*a]", f"a: &a [x]\n{LAUGHS}", f"a: {'[' * 30}{']' * 30}"])
def test_a_document_that_has_no_end_or_is_nested_deep_is_refused(knot: str) -> None:
    with pytest.raises(DocumentError, match=r"knot:1:\d+: (more than|nested deeper)"):
        parse_rule_set(knot, "knot")


def test_an_anchor_that_repeats_a_value_is_read() -> None:
    assert parse_sources("a: &a [x]\nb: *a", "repeated")[0].data == {"a": ["x"], "b": ["x"]}


def test_all_mistakes_are_found_at_once() -> None:
    text = default_text().replace("at_most: 100", "at_most: 1").replace("creditors, at_least", "creditor, at_least")
    with pytest.raises(DocumentError) as caught:
        parse_rule_set(text, "rules.yaml")
    assert len(caught.value.mistakes) == 2


FRAMES = """
frames:
  - tray: urgent
    source: "own choice: an example"
    action: {nl: bel en ga langs, en: call and visit}
    attempts:
      - {kind: phone, after_days: 0, part_of_day: evening}
      - {kind: home_visit, after_days: 2}
"""


def test_a_frame_plans_what_is_done_with_a_tray_and_judges_nothing() -> None:
    framed = parse_rule_set(default_text() + FRAMES, "x")
    frame = framed.frame("urgent")
    assert frame is not None
    assert [(attempt.kind, attempt.after_days) for attempt in frame.attempts] == [("phone", 0), ("home_visit", 2)]
    assert framed.frame("single") is None
    assert framed.model_copy(update={"frames": ()}) == default_rule_set()


def test_what_can_be_done_in_a_week_is_in_the_hash_and_a_frame_that_says_nothing_of_it_keeps_the_hash_it_had() -> None:
    framed = parse_rule_set(default_text() + FRAMES, "x")
    assert parse_rule_set(default_text() + FRAMES + "    per_week: 12\n", "x").hash() != framed.hash()
    content = framed.model_dump(mode="json", exclude={"frames": {"__all__": {"per_week"}}})
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).digest() == framed.hash()


def test_frames_are_in_the_hash_and_a_rule_set_without_any_keeps_the_hash_it_had() -> None:
    """Signed pilot documents and standing signals name the hash; no release may change it under them."""
    assert parse_rule_set(default_text() + FRAMES, "x").hash() != default_rule_set().hash()
    content = default_rule_set().model_dump(mode="json", exclude={"frames"})
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).digest() == default_rule_set().hash()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    attempts:", "    per_week: 0\n    attempts:", "greater than or equal to 1"),
        ("tray: urgent", "tray: urgnt", 'nothing comes into urgnt; did you mean "urgent"?'),
        ("after_days: 0", "after_days: 3", "lies before the attempt above (3)"),
        ("kind: phone", "kind: fone", 'did you mean "phone"?'),
        ("part_of_day: evening", "part_of_day: night", "Input should be"),
        ('    source: "own choice: an example"\n', "", "Field required"),
    ],
)
def test_a_mistake_in_a_frame_is_told(old: str, new: str, message: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(message)):
        parse_rule_set(default_text() + FRAMES.replace(old, new), "x")


def test_only_one_rule_set_stands_in_a_file() -> None:
    with pytest.raises(DocumentError, match="only one rule set"):
        parse_rule_set(default_text() + "---\n" + default_text(), "rules.yaml")


def test_a_rule_set_can_not_be_changed_once_read() -> None:
    rule_set = default_rule_set()
    with pytest.raises(ValueError, match="frozen"):
        rule_set.version = 2  # type: ignore[misc]
    assert isinstance(rule_set, RuleSet)
    assert hash(rule_set) == hash(default_rule_set())  # compiled once for equal ones
