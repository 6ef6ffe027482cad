"""What creditors are told of their reports: on Mondays, each its own, and the same of all of which nothing is told."""

import csv
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from cli.creditor import app
from client.feedback import feedback_of
from client.service import ServiceRefused
from client.trust import join
from signals.cases import Accepted, Attempt, Closed, ContactKind, Entry, Result, TakenUp
from signals.days import AMSTERDAM
from signals.feedback import newest_batch
from signals.report import Category
from tests.conftest import Database
from tests.worked import worked_case
from tests.world import World, make_row, small_world

TODAY = datetime.now(AMSTERDAM).date()
RECEIVED = newest_batch(TODAY) - timedelta(days=11)  # a Thursday
WORKED = RECEIVED + timedelta(days=1)
FIRST = newest_batch(TODAY) - timedelta(days=7)  # the Monday after
SECOND = newest_batch(TODAY)


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Housing and power reported the same residents; somebody called one of them, and took another one up."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        homes = {"reached": "1", "helped": "2", "tried": "3", "alone": "4", "forged": "5"}
        for creditor, category in (("housing", Category.RENT), ("power", Category.ENERGY)):
            world.push(creditor, "aland", [
                make_row(f"{creditor}-{what}", what.title(), house_number=number, phone="", category=category)
                for what, number in homes.items()
            ])  # fmt: skip
        world.stop_linking()
        with world.database.as_superuser() as connection:
            connection.execute("UPDATE signals.report SET received_on = %s", [RECEIVED])
            connection.execute("DELETE FROM intake.feedback_run")
        open_case(world, "reached", [TakenUp(on=WORKED), called(reached=True)])
        open_case(world, "helped", [TakenUp(on=WORKED), called(reached=True), accepted(), help_given()])
        open_case(world, "tried", [TakenUp(on=WORKED), called(reached=False)])
        forged = open_case(world, "forged", [TakenUp(on=WORKED), called(reached=True)])
        with world.database.as_superuser() as connection:  # as a stolen login of the recorder could leave it
            connection.execute("UPDATE signals.case_entry SET body = %s WHERE case_id = %s AND number = 2",
                               [Jsonb(TakenUp(on=WORKED).model_dump(mode="json", by_alias=True)), forged])  # fmt: skip
        assert world.linker.tell_creditors(FIRST + timedelta(days=3)) == 2  # of both pilots
        yield world


def called(*, reached: bool) -> Attempt:
    return Attempt(on=WORKED, contact=ContactKind.PHONE, reached=reached)


def accepted() -> Accepted:
    return Accepted(on=WORKED, threatened=False)


def help_given() -> Closed:
    return Closed(on=WORKED, result=Result.FOLLOW_UP)


def open_case(world: World, what: str, entries: list[Entry]) -> uuid.UUID:
    """A case of the reports about one household, written down on the day after the work."""
    contracts = {creditor: f"{creditor}-{what}" for creditor in ("housing", "power")}
    return worked_case(world, "aland", contracts, entries, RECEIVED, WORKED + timedelta(days=1))


def told(world: World, creditor: str, today: date) -> dict[str, tuple[str, date | None]]:
    home = world.home(creditor)
    with world.creditor(creditor) as service:
        found = feedback_of(home, service, join(home, service, "aland"), today)
    return {one.contract.partition("-")[2]: (one.feedback.status.value, one.feedback.pause_until) for one in found}


def rows(world: World, creditor: str) -> list[dict[str, Any]]:
    with world.creditor(creditor) as service:
        found: list[dict[str, Any]] = service.get("/feedback", pilotId="aland")["feedback"]
    return found


def test_it_goes_out_on_mondays_once_and_to_each_creditor_its_own(world: World) -> None:
    assert world.linker.tell_creditors(FIRST + timedelta(days=6)) == 0
    mine, others = rows(world, "housing"), rows(world, "power")
    for found in (mine, others):
        assert sorted(row["status"] for row in found) == ["help_accepted", "reached"]
    assert {row["batch"] for row in mine} == {FIRST.isoformat()}
    assert not {row["reference"] for row in mine} & {row["reference"] for row in others}
    assert rows(world, "health") == []


def test_what_was_told_is_not_told_again_and_a_page_goes_on_where_the_last_one_ended(world: World) -> None:
    with world.creditor("housing") as service:
        first = service.get("/feedback", pilotId="aland")
        assert service.get("/feedback", pilotId="aland", newerThan=first["next"])["feedback"] == []
        world.linker.tell_creditors(SECOND)
        assert service.get("/feedback", pilotId="aland", newerThan=first["next"])["feedback"] == []
        with pytest.raises(ServiceRefused) as refused:
            service.get("/feedback", pilotId="aland", newerThan="yesterday")
    assert refused.value.status == 400


def test_an_entry_that_cant_be_keeps_nobody_else_from_being_told(world: World) -> None:
    seen = told(world, "housing", TODAY + timedelta(days=8))
    assert seen["forged"] == ("received", None)
    assert seen["reached"] == ("reached", None)


def test_a_report_that_was_tried_and_one_that_nobody_opened_look_alike(world: World) -> None:
    seen = told(world, "housing", TODAY + timedelta(days=8))
    assert seen["tried"] == seen["alone"] == ("received", None)
    assert seen["reached"] == ("reached", None)
    assert seen["helped"] == ("help_accepted", WORKED + timedelta(days=30))
    later = told(world, "housing", TODAY + timedelta(days=40))
    assert later["tried"] == later["alone"]


def test_the_command_names_ones_own_contracts_and_writes_all_of_it_to_a_file(world: World) -> None:
    file = world.folder / "feedback.csv"
    command = ["feedback", "--home", str(world.home("housing").path), "--out", str(file), "--lang", "nl"]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    assert "housing-helped" in shown.output
    assert "incasso gepauzeerd tot en met" in " ".join(shown.output.split())
    assert "housing-alone" not in shown.output
    assert file.stat().st_mode & 0o077 == 0
    with file.open(encoding="utf-8-sig", newline="") as written:
        found = {row["contract"]: row["code"] for row in csv.DictReader(written, delimiter=";")}
    assert found == {"housing-helped": "help_accepted", "housing-reached": "reached"}  # the others came in today


def test_no_creditor_reads_what_another_one_is_told_and_no_login_of_the_api_writes_it(world: World) -> None:
    with pytest.raises(ServiceRefused) as refused, world.desk("aland", "worklist") as service:
        service.get("/feedback", pilotId="aland")
    assert refused.value.status == 403
    with world.database.connect("vroegsein_ingest") as ingest:
        assert ingest.execute("SELECT 1 FROM intake.feedback").fetchall() == []
        ingest.execute("SELECT registry.enter_creditor('housing')")
        assert {row[0] for row in ingest.execute("SELECT creditor_id FROM intake.feedback")} == {"housing"}
