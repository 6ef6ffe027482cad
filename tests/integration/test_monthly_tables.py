"""Monthly tables: made once, when a month is closed, with no small number in them, for the pilot's municipality."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from app.linker import Linker
from app.monthly_tables import CLOSED_AFTER
from cli.desk import app
from client.account import DELIVERING, Records, signal_records
from client.checking import SendableRow
from client.monitor import monthly_tables
from client.service import ServiceRefused
from privacy.signing import new_signing_key
from privacy.small_numbers import shown
from signals.days import AMSTERDAM, months_before
from signals.monthly_table import MonthlyTable, Total
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

POWER: dict[str, Any] = {"category": Category.ENERGY}
SEPTEMBER: dict[str, Any] = {"reported_on": date(2026, 9, 30), "arrears_since": date(2026, 8, 15)}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """In aland 31 households with rent reports, 14 of them of energy too, and 11 lines refused as too small."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        rows = [one_of(n, "r") for n in range(1, 32)]
        rows += [one_of(n, "s", amount_cents=900) for n in range(60, 71)]
        world.push("housing", "aland", rows)
        rows = [one_of(n, "p", **POWER) for n in range(1, 15)]
        world.push("power", "aland", rows)
        yield world


def one_of(n: int, creditor: str, **changes: Any) -> SendableRow:
    """A row about the n-th of many households."""
    who = {"birth_date": date(1950, 1, 1) + timedelta(days=37 * n), "house_number": str(n), "phone": ""}
    return make_row(f"{creditor}{n}", f"Name{n}", **who, **changes)


def closed_on() -> date:
    """The first day on which a month is closed that was delivered today and was over before."""
    return datetime.now(AMSTERDAM).date() + timedelta(days=CLOSED_AFTER + 1)


def tables(world: World, pilot: str = "aland", period: str | None = None) -> list[MonthlyTable]:
    with world.desk(pilot) as service:
        return monthly_tables(service, pilot, period)


def test_a_table_is_made_once_when_its_month_is_closed_and_nothing_changes_it(world: World) -> None:
    world.linker.publish_months(closed_on() - timedelta(days=1))
    assert tables(world) == []
    assert world.linker.publish_months(closed_on()) == 1
    (table,) = tables(world)
    assert (table.period, table.computed_on, table.rule_set) == ("2026-10", closed_on(), "default@1")
    world.push("health", "aland", [make_row("h1", house_number="90", phone="", category=Category.HEALTH_INSURANCE)])
    assert world.linker.publish_months(closed_on() + timedelta(days=90)) == 0
    assert tables(world) == tables(world, period="2026-10") == [table]


def test_its_figures_are_the_counts_without_the_small_ones(world: World) -> None:
    world.linker.publish_months(closed_on())
    (table,) = tables(world)
    assert {row.category.value: row.count for row in table.reports} == {
        "rent": 30,
        "energy": 15,
        "health_insurance": None,
    }
    assert table.signals is not None
    assert {(row.tray, row.repetition): row.count for row in table.signals if row.count} == {
        ("multiple", "multiple"): 15,
        ("single", "single"): 15,
    }
    assert table.households is not None
    assert table.households.at_least == 26
    assert table.reports_total == Total(at_least=41, at_most=58)
    assert {row.rule: row.count for row in table.refused if row.count} == {"below-threshold": 10}
    kept = world.rows("SELECT document::text FROM privacy.monthly_table")[0][0]
    assert ": 31" not in kept
    assert ": 14" not in kept


def test_a_delivery_and_an_evaluation_of_the_month_count_what_its_table_counts(world: World) -> None:
    world.linker.publish_months(closed_on())
    (table,) = tables(world)
    with world.desk("aland", DELIVERING) as service:
        records = Records(service, "aland", date(2026, 10, 1), date(2026, 10, 31))
        rows = list(records.reports())
    before = [row for row in rows if row["category"] != "health_insurance"]  # came in after the table was made
    counted = Counter(row["category"] for row in before)
    assert {row.category: row.count for row in table.reports} == {
        row.category: shown(counted[row.category]) for row in table.reports
    }
    assert table.signals
    signals = Counter(one.repetition for one in signal_records(records, before))
    assert signals.total() == 31
    for repetition, count in signals.items():
        assert [row.count for row in table.signals if row.count and row.repetition == repetition] == [shown(count)]


def test_the_making_is_an_event_of_the_log(world: World) -> None:
    world.linker.publish_months(closed_on())
    bodies = world.rows("SELECT body - 'event' - 'at' FROM privacy.event WHERE kind = 'monthly-table'")
    of = {"pilot": "aland", "kind": "monthly-table", "period": "2026-10", "thresholds": 1, "rule_set": "default@1"}
    assert bodies == [(of,)]


def test_no_login_of_the_service_changes_or_removes_a_table(world: World) -> None:
    world.linker.publish_months(closed_on())
    for login in ("linker", "opener", "ingest", "reader", "recorder", "auditor"):
        for statement in ("UPDATE privacy.monthly_table SET period = '2026-01'", "DELETE FROM privacy.monthly_table"):
            with (
                world.database.connect(f"vroegsein_{login}") as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(statement.encode())


def test_a_month_that_comes_in_after_a_later_one_was_published_gets_no_table(world: World) -> None:
    """The later one was made without it at hand, and beside it could tell too much."""
    world.linker.publish_months(closed_on())
    world.push("housing", "aland", [make_row("late", house_number="91", phone="", **SEPTEMBER)], "2026-09")
    assert world.linker.publish_months(closed_on() + timedelta(days=60)) == 0


def test_another_municipality_finds_no_table_and_the_privacy_officer_finds_the_same(world: World) -> None:
    world.linker.publish_months(closed_on())
    with world.desk("bland") as service, pytest.raises(ServiceRefused) as refused:
        monthly_tables(service, "aland")
    assert (refused.value.status, refused.value.kind) == (404, "pilot-unknown")
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        assert monthly_tables(service, "aland") == tables(world)


def test_the_desk_prints_it_and_writes_it_as_csv(world: World, tmp_path: Path) -> None:
    world.linker.publish_months(closed_on())
    home, file = str(world.folder / PILOTS["aland"]), tmp_path / "october.csv"
    ask = ["monitor", "--home", home, "--pilot", "aland", "--user", "somebody"]
    done = CliRunner().invoke(app, [*ask, "--period", "2026-10", "--csv", str(file), "--lang", "nl"])
    assert done.exit_code == 0, done.output
    for said in ("oktober 2026", "huur", "30", "<10", "enkelvoudig: enkelvoudig", "minder dan 10, of geen"):
        assert said in done.output, said
    assert "fewer than 10, or none" in CliRunner().invoke(app, [*ask, "--lang", "en"]).output
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "pilot,period,table,row,repetition,count,thresholds"
    assert "aland,2026-10,reports,rent,,30,1" in lines
    assert "aland,2026-10,reports,health_insurance,,<10,1" in lines
    none = CliRunner().invoke(app, [*ask, "--period", "2026-11", "--lang", "en"])
    assert (none.exit_code, "There is no table (yet)" in none.output) == (1, True)


def test_months_in_order_and_two_linkers_at_once_make_each_one_table(world: World) -> None:
    many = [one_of(n, "b") for n in range(1, 41)]
    world.push("housing", "bland", many)
    again = [one_of(n, "b", **SEPTEMBER) for n in range(1, 41)]
    world.push("housing", "bland", again, "2026-09")
    made = list[int]()
    others = [Linker(world.sessions, new_signing_key()) for _ in range(2)]
    running = [threading.Thread(target=lambda of=of: made.append(of.publish_months(closed_on()))) for of in others]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    october, september = tables(world, "bland")
    assert (october.period, september.period) == ("2026-10", "2026-09")
    assert sum(made) >= 2
    assert october.signals is not None
    told = {(row.tray, row.repetition): row.count for row in october.signals if row.count}
    assert told == {("set_aside", "consecutive"): 40}
    assert len(world.rows("SELECT FROM privacy.event WHERE kind = 'monthly-table' AND pilot_id = 'bland'")) == 2


def test_a_month_whose_reports_have_begun_to_go_gets_no_table(database: Database, tmp_path: Path) -> None:
    with small_world(database, tmp_path) as world:
        world.push("housing", "aland", [make_row("r", phone="")])
        assert world.linker.publish_months(date(2027, 10, 2)) == 0
        assert world.linker.publish_months(date(2027, 10, 1)) == 1


def test_a_re_keying_delays_no_table(database: Database, tmp_path: Path) -> None:
    """It is a delivery of the municipality's own: nothing new of the month is in it."""
    shortly_before = datetime.combine(closed_on() - timedelta(days=1), time(12), AMSTERDAM)
    with small_world(database, tmp_path) as world:
        world.push("housing", "aland", [make_row("r", phone="")])
        with database.as_superuser() as connection:
            connection.execute(
                """
                INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count,
                  content_hash, state, opened_at, completed_at, accepted, refused)
                SELECT pilot_id, gen_random_uuid(), %(by)s, period, category, 1, sha256('x'), 'completed', %(at)s,
                  %(at)s, 1, 0 FROM intake.delivery
                """,
                {"by": "town-a", "at": shortly_before},
            )
        assert world.linker.publish_months(closed_on()) == 1


def test_months_are_counted_back_over_the_turn_of_the_year() -> None:
    assert [months_before("2026-02", n) for n in (0, 1, 2, 6, 26)] == [
        "2026-02",
        "2026-01",
        "2025-12",
        "2025-08",
        "2023-12",
    ]
