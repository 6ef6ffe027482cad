"""A rule set in words, and its JSON Schema: what people and editors see of it."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings

from cli.main import main
from signals.cases import ContactKind, DayPart
from signals.conditions import condition_sentence
from signals.documents import DocumentError, schema_of
from signals.examples import ExampleFile
from signals.facts import FACTS, FactName
from signals.reading_out import read_out
from signals.rulesets import Condition, RuleSet, default_rule_set, default_text, parse_rule_set
from signals.wording import CONTACT_KINDS, DAY_PARTS, Language
from tests.budget import examples
from tests.rule_sets import rule_sets
from tests.unit.test_examples import CASES
from tests.unit.test_rulesets import FRAMES

DEFAULT = default_rule_set()


def test_the_default_is_read_out_in_dutch() -> None:
    lines = read_out(DEFAULT, "nl").as_markdown().splitlines()
    assert lines[:3] == [
        "# Landelijke uitgangspunten voor vroegsignalering (default@1)",
        "",
        f"Geldt vanaf 1 januari 2026. Kenmerk {DEFAULT.hash().hex()[:16]}.",
    ]
    for line in (
        "- Zorgverzekering: ten minste 30 dagen en ten hoogste 100 dagen oud, ten minste € 50 en ten minste 1 maand.",
        "- Niet, want er is niets over bepaald: studieschuld en overige.",
        "- Altijd, ook buiten deze grenzen: einde levering en warme overdracht.",
        "4. Meer dan één schuldeiser in dezelfde maand (meervoudig) (multiple@1)",
        "   - Voorwaarde: het huishouden is gemeld door ten minste 2 schuldeisers.",
        "   - Dan: werkbakje urgent, hulp aanbieden binnen 3 werkdagen, met spoed; voorrang 50.",
        "- Is elke melding die meetelt voldaan, ook waar spoed was: werkbakje settled.",
    ):
        assert line in lines


def test_the_default_is_read_out_in_english() -> None:
    lines = read_out(DEFAULT, "en").as_markdown().splitlines()
    for line in (
        "- Water: at least 30 days old, at least €10 and at least 1 month.",
        "   - Condition: the household is reported by at least 2 creditors.",
        "   - Condition: the household is reported in at least 1 earlier month.",
        "   - Then: tray urgent, offer help within 10 working days, urgent; priority 40.",
        "- Earlier months: 6 months are looked back on.",
    ):
        assert line in lines


def test_frames_are_read_out_where_there_are_any() -> None:
    framed = parse_rule_set(default_text() + FRAMES, "x")
    assert (
        read_out(framed, "nl")
        .as_markdown()
        .endswith(
            "## Wat er met een werkbakje gebeurt\n\n"
            "- urgent: bel en ga langs.\n"
            "  - Contactpogingen: telefoongesprek op de dag van ontvangst (avond); huisbezoek na 2 dagen.\n"
            "  - Bron: own choice: an example.\n"
        )
    )
    english = read_out(framed, "en").as_markdown()
    assert "telephone call on the day of receipt (evening); home visit after 2 days" in english
    assert "Contactpogingen" not in read_out(DEFAULT, "nl").as_markdown()


def test_each_kind_and_part_of_day_has_a_name() -> None:
    assert set(CONTACT_KINDS) == set(ContactKind)
    assert set(DAY_PARTS) == set(DayPart)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_value_and_source_of_the_default_is_read_out(language: Language) -> None:
    said = read_out(DEFAULT, language).as_markdown()
    for line in default_text().splitlines():
        for source in re.findall(r'source: "([^"]*)"', line):
            assert source in said or source.replace("own", "Own", 1) in said
    for rule in DEFAULT.rules:
        assert rule.id in said
        assert rule.tray in said


@settings(max_examples=examples(15))
@given(rule_sets())
def test_every_rule_set_reads_as_sentences_and_is_the_same_when_written_and_read(rule_set: RuleSet) -> None:
    assert parse_rule_set(rule_set.model_dump_json(), "written.yaml") == rule_set
    languages: tuple[Language, ...] = ("nl", "en")
    for language in languages:
        out = read_out(rule_set, language)
        for chapter in out.chapters:
            for entry in chapter.entries:
                assert all(text.endswith(".") for text in entry.under)
        assert not re.search(
            r"None|\{|\}|  +[^ -]|: \.|, \.", re.sub(r"^ +", "", out.as_markdown(), flags=re.MULTILINE)
        )


@pytest.mark.parametrize("fact", FactName)
def test_each_fact_has_a_sentence_in_both_tongues(fact: FactName) -> None:
    words = FACTS[fact].words
    asked: dict[str, Any] = {"at_least": 1, "at_most": 4} if FACTS[fact].is_number else {"any_of": ["0" * 32]}
    if words:
        asked = {"any_of": [str(word) for word in words], "none_of": [next(str(word) for word in words)]}
    dutch, english = (condition_sentence(Condition(fact=fact, **asked), language) for language in ("nl", "en"))
    assert dutch != english
    assert "_" not in dutch + english


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition(fact=FactName.CREDITORS, at_most=1), "het huishouden is gemeld door ten hoogste 1 schuldeiser"),
        (Condition(fact=FactName.REPEATS, at_most=0), "het huishouden heeft geen herhaalde meldingen"),
        (Condition(fact=FactName.MONTHS, at_least=3), "de langste achterstand is ten minste 3 maanden"),
        (
            Condition(fact=FactName.AMOUNT_EUROS, at_least=500, at_most=1500),
            "het totaal is ten minste € 500 en ten hoogste € 1.500",
        ),
        (
            Condition(fact=FactName.CATEGORIES, any_of=("rent", "energy", "water")),
            "er is een achterstand bij huur, energie of water",
        ),
        (
            Condition(fact=FactName.URGENT_FLAGS, none_of=("insurance_ended",)),
            "bij geen melding staat: zorgverzekering beëindigd",
        ),
    ],
)
def test_a_condition_reads_as_people_say_it(condition: Condition, said: str) -> None:
    assert condition_sentence(condition, "nl") == said


def in_json(text: str) -> Any:
    """A YAML document as an editor sees it: a day is a text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def test_the_default_fits_the_schema() -> None:
    jsonschema_rs.Draft202012Validator(schema_of(RuleSet)).validate(in_json(default_text()))


def test_every_file_of_examples_fits_its_schema() -> None:
    validator = jsonschema_rs.Draft202012Validator(schema_of(ExampleFile))
    for file in CASES.glob("*.yaml"):
        validator.validate(in_json(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("creditors, at_least: 2", "creditor, at_least: 2"),
        ("creditors, at_least: 2", "creditors, atleast: 2"),
        ("creditors, at_least: 2", 'creditors, at_least: "2"'),
        ("any_of: [end_of_supply]", "any_of: [end_supply]"),
        ("any_of: [end_of_supply]", "any_of: []"),
        ("id: multiple@1", "id: multiple"),
        ("days: 28, source", "days: 28, bron"),
    ],
)
def test_an_editor_with_the_schema_sees_what_the_reader_refuses(old: str, new: str) -> None:
    text = default_text().replace(old, new)
    assert text != default_text()
    with pytest.raises(DocumentError):
        parse_rule_set(text, "x")
    assert not jsonschema_rs.Draft202012Validator(schema_of(RuleSet)).is_valid(in_json(text))


def test_the_commands_print_what_they_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(default_text(), encoding="utf-8")
    assert printed(capsys, "explain", str(file), "--lang", "en") == read_out(DEFAULT, "en").as_markdown()
    assert json.loads(printed(capsys, "schema")) == schema_of(RuleSet)
    assert json.loads(printed(capsys, "schema", "--examples")) == schema_of(ExampleFile)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["rules", *words])
    assert ended.value.code == 0
    return capsys.readouterr().out
