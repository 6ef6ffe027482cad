"""Giving account of a period: its records from the service, and the national delivery made of them at the desk."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import psycopg
import pytest
from typer.testing import CliRunner

from cli.desk import app
from client.account import DELIVERING, Records
from client.home import Party
from client.service import ServiceRefused
from signals.cases import Attempt, Closed, ContactKind, DayPart, Entry, Result, TakenUp
from signals.report import Category
from tests.conftest import Database
from tests.worked import worked_case
from tests.world import LAST_DAY, World, make_row, small_world

SCHEMA = Path(__file__).resolve().parents[3] / "shared/standards/ddas-vroegsignalering-1.2.schema.json"
PARTY = Party(name="Gemeente Aland", address="Plein 1, 1111 AA Dorp", contact="0123 456789", stored_in="NL")
FIRST_DAY = date(2026, 10, 1)
OPENED, DAY = date(2026, 10, 20), date(2026, 10, 25)


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Housing and power report a household, which is helped; housing also another one, and one without a number."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push("power", "aland", [make_row("p-helped", "Helped", house_number="1 A", category=Category.ENERGY)])
        rows = [
            make_row("helped", "Helped", house_number="1", addition="a"),
            make_row("alone", "Alone", house_number="2", phone=""),
            make_row("nowhere", "Nowhere", house_number="", phone=""),
        ]
        world.push("housing", "aland", rows)
        world.push("housing", "bland", [make_row("theirs", house_number="9", phone="")])
        world.stop_linking()
        called = Attempt(on=DAY, contact=ContactKind.PHONE, reached=True, day_part=DayPart.EVENING)
        entries: list[Entry] = [TakenUp(on=DAY), called, Closed(on=DAY, result=Result.FOLLOW_UP)]
        worked_case(world, "aland", {"housing": "helped", "power": "p-helped"}, entries, OPENED, DAY)
        yield world


def records(
    world: World, purpose: str = DELIVERING, pilot: str = "aland", first: date = FIRST_DAY
) -> list[dict[str, Any]]:
    with world.desk(pilot, purpose) as service:
        return list(Records(service, pilot, first, LAST_DAY).reports())


def test_records_hold_the_reports_of_the_days_and_of_their_cases_and_no_others(world: World) -> None:
    found = records(world)
    assert sorted(row["category"] for row in found) == ["energy", "rent", "rent", "rent"]
    assert len({row["householdId"] for row in found}) == 3
    helped = [row for row in found if row["caseId"]]
    assert {row["repetition"] for row in helped} == {"multiple"}
    later = records(world, first=date(2026, 11, 1))
    assert {row["reportId"] for row in later} == {row["reportId"] for row in helped}


def test_without_the_level_there_are_no_details_and_with_less_there_is_nothing(world: World) -> None:
    assert {row["sealed"] for row in records(world, "evaluate")} == {None}
    assert records(world, "sort") == []


def test_another_pilots_records_are_not_to_be_had(world: World) -> None:
    with world.desk("aland", DELIVERING) as service, pytest.raises(ServiceRefused) as refused:
        service.get("/records", pilotId="bland", firstDay=str(FIRST_DAY), lastDay=str(LAST_DAY))
    assert refused.value.status == 403
    with world.creditor("housing") as service, pytest.raises(ServiceRefused):
        service.get("/records", pilotId="aland", firstDay=str(FIRST_DAY), lastDay=str(LAST_DAY))


def test_a_raw_reader_gets_no_records_without_an_event(world: World) -> None:
    with world.database.connect("vroegsein_reader") as reader:
        assert reader.execute("SELECT * FROM gate.records()").fetchall() == []
        assert reader.execute("SELECT * FROM gate.record_cases(NULL)").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT 1 FROM signals.case_entry")


def test_the_national_delivery_holds_each_report_that_has_an_address_and_says_which_had_none(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "ddas.json"
    command = ["ddas", "--month", "2026-10", "--supplier", "VS", "--municipality", "9999", "--out", str(file)]
    home = ["--home", str(world.home("town-a").path), "--pilot", "aland", "--user", "somebody"]
    made = CliRunner().invoke(app, command + home)
    assert made.exit_code == 1, made.output
    assert "geen huisnummer: 1" in " ".join(made.output.split())
    assert file.stat().st_mode & 0o077 == 0
    delivered = json.loads(file.read_bytes())
    (part,) = delivered["leveringen"]
    assert len(part["vroegsignalen"]) == 3
    addresses = {tuple(one["client"].get(name) for name in ("postcode", "huisnummer", "huisnummertoevoeging"))
                 for one in part["vroegsignalen"]}  # fmt: skip
    assert addresses == {("1111AB", "1", "A"), ("1111AB", "2", None)}
    (case,) = part["vroegsignaalzaken"]
    assert len(case["vroegsignalen"]) == 2
    assert (case["resultaat"], len(case["contactpogingen"])) == ("Vervolghulp en/of verwijzing", 1)
    if not SCHEMA.exists():
        pytest.skip(f"NOT CHECKED against the national schema: {SCHEMA} is not there")
    schema = json.loads(SCHEMA.read_bytes())
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(delivered)


def test_the_evaluation_calls_the_municipality_by_its_name_and_holds_no_small_number(
    world: World, tmp_path: Path
) -> None:
    home = world.home("town-a")
    named = home.settings.model_copy(update={"municipality": PARTY})
    home.save(named)
    command = ["evaluate", "--first", str(FIRST_DAY), "--last", str(LAST_DAY), "--out", str(tmp_path / "council")]
    made = CliRunner().invoke(app, [*command, "--home", str(home.path), "--pilot", "aland", "--user", "somebody"])
    assert made.exit_code == 0, made.output
    page = next((tmp_path / "council").glob("*.html")).read_text(encoding="utf-8")
    assert PARTY.name in page
    assert "&lt;10" in page
    assert {file.suffix for file in (tmp_path / "council").iterdir()} >= {".pdf", ".html", ".xlsx", ".csv"}
