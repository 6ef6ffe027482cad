"""The draft entry for the Algorithm Register says what the rule set says, and leaves open what it can't know."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.rules import app
from client.algorithm_register import FIELDS, as_markdown, draft_entry, open_fields
from signals.facts import FactName
from signals.pilot import Pilot
from signals.report import Category
from signals.rulesets import Condition, default_rule_set
from signals.wording import CATEGORIES
from tests.world import pilot_document

RULES = default_rule_set()
# The fields of the register's own delivery API, publication standard 1.0, that one delivers.
STANDARD = {
    *("name", "description_short", "organization", "category", "status", "begin_date", "end_date", "contact_email"),
    *("website", "publication_category", "goal", "proportionality", "human_intervention", "risks", "lawful_basis"),
    *(
        "impacttoetsen",
        "source_data",
        "methods_and_models",
        "provider",
        "lang",
        "standard_version",
        "source_id",
        "tags",
    ),
}


def test_the_entry_has_the_fields_and_words_of_the_publication_standard() -> None:
    entry = draft_entry(RULES, "Waterbeek", "vroeg@waterbeek.example")
    assert set(entry) == set(FIELDS) == STANDARD
    assert entry["publication_category"] == "Impactvolle algoritmes"
    assert entry["status"] == "In ontwikkeling"
    assert (entry["lang"], entry["standard_version"], entry["category"]) == ("nld", "1.0", ["Sociale zekerheid"])
    assert entry["source_id"] == f"default@1-{RULES.hash().hex()[:16]}"


def test_every_rule_value_and_source_of_the_rule_set_is_told() -> None:
    entry = draft_entry(RULES, "Waterbeek")
    told = entry["methods_and_models"]
    sources = [RULES.window.source, RULES.repeats.source]
    sources += [rule.source for rule in RULES.rules] + [one.source for one in RULES.eligibility]
    for one in RULES.eligibility:
        assert CATEGORIES[one.category]["nl"] in told
        sources += [limit.source for limit in (one.days, one.amount_euros, one.months) if limit]
    assert all(source.replace("own choice", "eigen keuze") in told for source in sources)
    for rule in RULES.rules:
        assert f"{rule.words.nl} ({rule.id})" in told
        assert f"Werkbakje {rule.tray}" in told
    assert "leeftijd van de achterstand ten minste 30 dagen en ten hoogste 100 dagen" in told
    assert "aantal schuldeisers: ten minste 2" in told
    assert "eerdere maanden met een melding: geen" in told
    assert "binnen 3 werkdagen na ontvangst" in told


def test_what_only_the_municipality_knows_is_left_open() -> None:
    assert open_fields(draft_entry(RULES, "W")) == ["contact_email", "website", "risks", "impacttoetsen"]
    assert "contact_email" not in open_fields(draft_entry(RULES, "W", "a@b.example"))


def test_a_rule_that_asks_for_the_district_is_told_and_asks_for_a_reason() -> None:
    assert "De wijk telt in geen regel mee." in draft_entry(RULES, "W")["proportionality"]
    need = Condition(fact=FactName.DISTRICT, any_of=("0" * 32,))
    rule = RULES.rules[0].model_copy(update={"needs": (need,)})
    entry = draft_entry(RULES.model_copy(update={"rules": (rule,)}), "W")
    assert f"De wijk telt mee in {rule.id}" in entry["proportionality"]
    assert "proportionality" in open_fields(entry)


def test_a_pilot_gives_its_days_and_names_its_own_categories_alone() -> None:
    pilot = Pilot.model_validate(pilot_document("aland", "town-a"))
    entry = draft_entry(RULES, "W", pilot=pilot.model_copy(update={"rule_set": RULES.name}))
    assert (entry["status"], entry["begin_date"]) == ("In gebruik", f"{pilot.starts:%Y-%m}")
    others = set(Category) - set(pilot.categories)
    assert others
    assert not [one for one in others if f"- {CATEGORIES[one]['nl']}:" in entry["lawful_basis"]]


def test_the_draft_can_be_read_and_is_written_by_a_command(tmp_path: Path) -> None:
    file = tmp_path / "entry.json"
    done = CliRunner().invoke(app, ["register", "--municipality", "Waterbeek", "--json", str(file)])
    assert done.exit_code == 0
    entry = json.loads(file.read_text(encoding="utf-8"))
    assert entry == draft_entry(RULES, "Waterbeek")
    assert done.stdout == as_markdown(entry)
    for field, name in FIELDS.items():
        assert (f"## {name}\n" in done.stdout) == (entry[field] is not None)
