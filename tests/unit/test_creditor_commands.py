"""The creditor's commands as its administrator types them, where no service is at hand."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.creditor import app
from cli.creditor_shown import refused_line
from cli.demo import EXAMPLES
from client.home import Home, Settings, init_creditor

EXPORT = EXAMPLES / "waterbeek" / "woonstichting_2026-10.csv"
PROFILE = EXAMPLES / "profiles" / "woonstichting.yaml"


def test_a_check_without_the_service_still_tells_about_the_file(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    init_creditor(home, Settings(organisation="woonstichting", service_url="http://127.0.0.1:9"))
    home.save(home.settings.model_copy(update={"pilots": {"a-pilot": "00000"}}))
    checked = CliRunner().invoke(
        app, ["check", str(EXPORT), "--profile", str(PROFILE), "--home", str(home.path), "--lang", "en"]
    )
    assert checked.exit_code == 1  # one row is a repeat
    assert "rows read" in checked.stdout
    assert "postcodes and thresholds were not looked at" in checked.stderr


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_a_check_shows_no_residents_data(tmp_path: Path, lang: str) -> None:
    checked = CliRunner().invoke(
        app, ["check", str(EXPORT), "--profile", str(PROFILE), "--home", str(tmp_path), "--lang", lang, "--all"]
    )
    said = checked.stdout + checked.stderr
    rows = csv.DictReader(EXPORT.read_text(encoding="cp1252").splitlines()[3:-1], delimiter=";")
    for row in rows:
        for column in ("Huurdernr", "Geb.datum", "Telefoon", "E-mailadres"):
            assert not row[column] or row[column] not in said


def test_a_line_that_the_service_refused_is_shown_with_the_rules_name_and_source() -> None:
    shown = refused_line(7, "offer-refused", "nl")
    assert shown == "  regel 7 geweigerd: de klant heeft het doorgeven geweigerd (offer-refused; Bgs art. 2(d))"
    assert refused_line(7, "new-rule", "en") == "  line 7 refused: new-rule (new-rule)"


def test_a_sample_shows_rows_as_they_stand_and_as_they_are_read_when_it_is_asked_for(tmp_path: Path) -> None:
    shown = CliRunner().invoke(
        app,
        ["check", str(EXPORT), "--profile", str(PROFILE), "--home", str(tmp_path), "--sample", "3"],
        env={"COLUMNS": "160"},
    )
    rows = list(csv.DictReader(EXPORT.read_text(encoding="cp1252").splitlines()[3:-1], delimiter=";"))
    assert sum(f" {row['Naam huurder']} " in shown.stdout for row in rows) >= 3
    assert rows[0]["Postcode"].casefold() in shown.stdout  # as it is compared: small letters, no blank


def test_a_push_without_the_service_is_to_be_tried_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    init_creditor(home, Settings(organisation="woonstichting", service_url="http://127.0.0.1:9"))
    home.save(home.settings.model_copy(update={"pilots": {"a-pilot": "00000", "b-pilot": "11111"}}))
    pushed = CliRunner().invoke(app, ["push", str(EXPORT), "--profile", str(PROFILE), "--home", str(home.path)])
    assert (pushed.exit_code, "does not answer" in pushed.stderr) == (3, True)


def test_a_pilot_that_was_left_is_passed_by(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    init_creditor(home, Settings(organisation="woonstichting", service_url="http://127.0.0.1:9"))
    home.save(home.settings.model_copy(update={"pilots": {"a-pilot": "00000", "b-pilot": "11111"}}))
    left = [CliRunner().invoke(app, ["leave", "a-pilot", "--home", str(home.path)]) for _ in range(2)]
    assert [done.exit_code for done in left] == [0, 2]
    assert home.settings.pilots == {"b-pilot": "11111"}
