"""A municipality sees which creditors delivered which months, and who is silent; nobody else does."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.desk import app
from client.desk_creditors import creditor_months
from client.service import ServiceRefused
from signals.days import months_before
from signals.pilot import Role
from tests.conftest import Database
from tests.world import PERIOD, PILOTS, World, make_row, small_world

BEFORE = months_before(PERIOD, 1)


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """In aland housing delivered a month, then nobody of the next, and power a month with one line refused."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        earlier: dict[str, Any] = {"reported_on": date(2026, 9, 30), "arrears_since": date(2026, 8, 15)}
        world.push("housing", "aland", [make_row("h1", **earlier), make_row("h2", "Bakker", **earlier)], BEFORE)
        world.push("housing", "aland", [])
        world.push("power", "aland", [make_row("p1", house_number="3"), make_row("p2", months=0, amount_cents=100)])
        world.push("power", "bland", [make_row("p3", house_number="4")])
        yield world


def listed(world: World, pilot: str = "aland", role: Role = Role.DEBT_HELP) -> dict[str, list[tuple[Any, ...]]]:
    """For each creditor its deliveries: month and number of reports."""
    purpose = "worklist" if role is Role.DEBT_HELP else "audit"
    with world.desk(pilot, purpose, role) as service:
        found = service.get(f"/pilots/{pilot}/creditors")["creditors"]
    return {one["creditorId"]: [(got["period"], got["accepted"]) for got in one["deliveries"]] for one in found}


def test_each_creditor_with_an_agreement_is_listed_with_what_was_taken_up(world: World) -> None:
    expected = {"health": [], "housing": [(PERIOD, 0), (BEFORE, 2)], "power": [(PERIOD, 1)]}
    assert listed(world) == listed(world, role=Role.PRIVACY_OFFICER) == expected
    assert listed(world, "bland") == {"health": [], "housing": [], "power": [(PERIOD, 1)]}


def test_an_empty_delivery_has_a_receipt_and_is_told_from_none(world: World) -> None:
    (row,) = world.rows(
        "SELECT accepted, refused, receipt IS NOT NULL, expected_count FROM intake.delivery"
        " WHERE creditor_id = 'housing' AND period = %(p)s",
        p=PERIOD,
    )
    assert row == (0, 0, True, 0)


def test_who_is_late_comes_first(world: World) -> None:
    with world.desk("aland") as service:
        found = creditor_months(service, world.documents["aland"].pilot, date(2026, 11, 25))
    late = {one.name: one.late for one in found}
    assert list(late) == ["health", "housing", "power"]
    assert late["health"][0] == "2026-01"  # it never delivered
    assert late["health"][-1] == PERIOD
    assert (late["housing"], late["power"]) == ((), ())
    with world.desk("aland") as service:
        later = creditor_months(service, world.documents["aland"].pilot, date(2026, 12, 15))
    assert {one.name: one.late[-1:] for one in later} == dict.fromkeys(late, ("2026-11",))


def test_a_creditor_whose_agreement_ended_owes_nothing(world: World) -> None:
    with world.desk("aland") as service:
        found = creditor_months(service, world.documents["aland"].pilot, date(2028, 2, 1))
    assert {(one.late, one.next_due) for one in found} == {((), None)}


def test_another_municipality_a_creditor_and_a_stranger_learn_nothing(world: World) -> None:
    for pilot in ("aland", "nowhere"):
        with world.desk("bland") as service, pytest.raises(ServiceRefused) as refused:
            service.get(f"/pilots/{pilot}/creditors")
        assert (refused.value.status, refused.value.kind) == (404, "pilot-unknown")
    with world.creditor("housing") as service, pytest.raises(ServiceRefused) as refused:
        service.get("/pilots/aland/creditors")
    assert (refused.value.status, refused.value.kind) == (403, "scope-missing")


def test_the_desk_says_who_is_silent_when_it_is_asked_and_when_it_pulls(world: World) -> None:
    home = str(world.folder / PILOTS["aland"])
    ask = ["--home", home, "--pilot", "aland", "--user", "somebody"]
    done = CliRunner().invoke(app, ["deliveries", *ask, "--lang", "nl"])
    assert done.exit_code == 1, done.output
    lines = done.output.splitlines()
    assert "health" in lines[1]
    assert "niets ontvangen" in " ".join(lines[1:3])
    assert any("housing" in line and "september 2026" in line and " 2 " in line for line in lines)
    pulled = CliRunner().invoke(app, ["pull", *ask, "--lang", "nl"])
    assert pulled.exit_code == 0, pulled.output
    said = " ".join(pulled.output.split())
    assert "health leverde nog niets over januari 2026 t/m oktober 2026 (zorgverzekering)" in said
    assert "housing leverde" not in said
