"""One file, one push, two pilots: each gets its rows, the rest stays home, and a pilot that fails stops no other."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.creditor import app
from client import preparing_parts
from client.delivering import deliver
from client.home import Home
from client.service import ServiceUnreachable
from tests.conftest import Database
from tests.exports import make_profile, write_rows
from tests.world import World, small_world

HEADER = "klant;naam;straat;nr;postcode;bedrag;maanden;stap"
A, B, NOWHERE = "1111 AB", "2221 AB", "9711 AB"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    with small_world(database, tmp_path / "world") as world:
        yield world


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the landlord's profile, and nobody to be left out."""
    steps = {name: {"column": "stap"} for name in ("reminder", "contact", "help", "offer")}
    profile = make_profile(category="rent", social_collection={"procedure": None, **steps})
    text = yaml.safe_dump(profile.model_dump(mode="json", exclude_none=True))
    (tmp_path / "profile.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "uitsluitingen.csv").write_text("klant;reden\n", encoding="utf-8")
    return tmp_path


def rows(postcode: str, count: int, start: int = 1, month: int = 10) -> list[str]:
    """So many tenants in one place, each two months behind."""
    return [
        f"{start + n};J. Naam{start + n};Dorpsstraat;{start + n};{postcode};500,00;2;{month - 1:02}-{month:02}-2026"
        for n in range(count)
    ]


def run(world: World, files: Path, command: str, lines: list[str], *more: str, period: str = "2026-10") -> Result:
    file = write_rows(files, *lines, header=HEADER, name=f"lijst_{period}.csv")
    home = str(world.folder / "housing")
    words = [command, str(file), "--profile", str(files / "profile.yaml"), "--home", home, "--lang", "nl"]
    return CliRunner().invoke(app, [*words, *more], env={"COLUMNS": "200"})


def push(world: World, files: Path, lines: list[str], *more: str, period: str = "2026-10") -> Result:
    return run(world, files, "push", lines, *more, period=period)


def taken(world: World) -> list[tuple[Any, ...]]:
    """Pilot, month and number of reports of each delivery that was taken up, in their order."""
    return world.rows("SELECT pilot_id, period, accepted FROM intake.delivery ORDER BY opened_at, pilot_id")


def total(done: Result) -> tuple[int, ...]:
    """Rows read, sent, refused, not sent, stayed home: as the last line says, which must add up."""
    sentence = r"(\d+) regels gelezen = (\d+) \D+ (\d+) geweigerd \+ (\d+) \D+ (\d+) thuisgebleven"
    found = re.search(sentence, done.output)
    assert found, done.output
    read, *parts = map(int, found.groups())
    assert read == sum(parts)
    return read, *parts


@contextmanager
def changed(world: World, change: str, undo: str) -> Iterator[None]:
    with world.database.as_superuser() as connection:
        assert connection.execute(change.encode()).rowcount == 1
        yield
        connection.execute(undo.encode())


def test_each_pilot_gets_its_rows_and_the_total_adds_up(world: World, files: Path) -> None:
    lines = rows(A, 3) + rows(B, 2, 10) + rows(NOWHERE, 4, 20) + rows("onbekend", 1, 30)
    looked = run(world, files, "check", lines)
    assert "5 te versturen, 5 niet" in looked.output
    assert taken(world) == []
    done = push(world, files, lines)
    assert done.exit_code == 1, done.output  # five rows stay home
    assert taken(world) == [("aland", "2026-10", 3), ("bland", "2026-10", 2)]
    assert total(done) == (10, 5, 0, 0, 5)
    assert "97xx 4" in done.output
    assert "Naam" not in done.output
    again = push(world, files, lines)
    assert " ".join(again.output.split()).count("(was al") == 2
    assert len(taken(world)) == 2
    status = CliRunner().invoke(app, ["status", "--home", str(world.folder / "housing"), "--lang", "nl"]).output
    assert [line.split()[0] for line in status.splitlines() if "klaar" in line] == ["aland", "bland"]


def test_a_list_that_was_corrected_by_mistake_is_told_of_and_holds_again_when_restored_however_often(
    world: World, files: Path
) -> None:
    right, wrong = rows(A, 3), [line.replace("500,00", "900,00") for line in rows(A, 3)]
    amounts = "SELECT DISTINCT amount_euros FROM signals.report"
    overtaken = "daarna leverde u over deze maand nog een andere"
    assert overtaken not in push(world, files, right).output + push(world, files, right).output
    assert overtaken not in push(world, files, wrong).output
    told = push(world, files, right)
    assert overtaken in told.output
    assert "--restore" in told.output
    assert (len(taken(world)), world.rows(amounts)) == (2, [(900,)])
    for _ in range(2):
        restored = push(world, files, right, "--restore")
        assert restored.exit_code == 0, restored.output
        assert overtaken not in restored.output
        assert (len(taken(world)), world.rows(amounts)) == (3, [(500,)])
    push(world, files, wrong, "--restore")
    push(world, files, right, "--restore")
    assert (len(taken(world)), world.rows(amounts)) == (5, [(500,)])


def test_all_sent_is_exit_code_0_and_one_pilot_alone_can_be_named(world: World, files: Path) -> None:
    assert push(world, files, rows(A, 3) + rows(B, 2, 10)).exit_code == 0
    alone = push(world, files, rows(A, 2) + rows(B, 3, 10), "--pilot", "bland")
    assert total(alone) == (5, 3, 0, 0, 2)
    assert taken(world)[2:] == [("bland", "2026-10", 3)]


def test_a_pilot_that_can_not_be_joined_stops_no_other_and_its_rows_wait_at_home(world: World, files: Path) -> None:
    lines = rows(A, 3) + rows(B, 2, 10)
    where = "pilot_id = 'bland' AND organisation_id = 'housing'"
    with world.database.as_superuser() as connection:
        (row,) = connection.execute(f"SELECT to_jsonb(a)::text FROM registry.agreement a WHERE {where}").fetchone() or (
            "",
        )
    undo = f"INSERT INTO registry.agreement SELECT * FROM jsonb_populate_record(NULL::registry.agreement, '{row}')"
    with changed(world, f"DELETE FROM registry.agreement WHERE {where}", undo):
        done = push(world, files, lines)
        assert done.exit_code == 3, done.output
        assert total(done) == (5, 3, 0, 0, 2)
        assert "pilot niet te bereiken" in done.output
    assert taken(world) == [("aland", "2026-10", 3)]
    done = push(world, files, lines)
    assert (done.exit_code, total(done)) == (0, (5, 5, 0, 0, 0))
    assert taken(world) == [("aland", "2026-10", 3), ("bland", "2026-10", 2)]


def test_a_category_that_one_agreement_does_not_cover_stays_home_and_need_not_be_tried_again(
    world: World, files: Path
) -> None:
    what = "UPDATE registry.agreement SET document = jsonb_set(document, '{categories}', '%s') WHERE %s"
    where = "pilot_id = 'bland' AND organisation_id = 'housing'"
    with changed(world, what % ('["water"]', where), what % ('["rent"]', where)):
        done = push(world, files, rows(A, 3) + rows(B, 2, 10))
    assert done.exit_code == 1, done.output
    assert total(done) == (5, 3, 0, 2, 0)
    assert "buiten de overeenkomst" in done.output
    assert taken(world) == [("aland", "2026-10", 3)]


def test_a_service_that_falls_silent_half_way_is_told_and_the_same_command_sends_the_rest(
    world: World, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    lines = rows(A, 3) + rows(B, 2, 10)

    def falls_silent(home: Home, service: Any, pilot: Any, *rest: Any, **named: Any) -> Any:
        if pilot.id == "bland":
            raise ServiceUnreachable("the service does not answer (ReadTimeout)")
        return deliver(home, service, pilot, *rest, **named)

    monkeypatch.setattr("client.pushing.deliver", falls_silent)
    done = push(world, files, lines)
    assert (done.exit_code, total(done)) == (3, (5, 3, 0, 2, 0))
    assert "bland: the service does not answer" in done.output
    monkeypatch.undo()
    done = push(world, files, lines)
    assert (done.exit_code, total(done)) == (0, (5, 5, 0, 0, 0))
    assert taken(world) == [("aland", "2026-10", 3), ("bland", "2026-10", 2)]


def test_a_pilot_of_which_nobody_is_left_is_held_and_then_told_so_by_an_empty_delivery(
    world: World, files: Path
) -> None:
    both, forgotten = rows(A, 3, month=9) + rows(B, 2, 10, month=9), rows(A, 3)
    assert push(world, files, both, period="2026-09").exit_code == 0
    held = push(world, files, forgotten)
    assert held.exit_code == 3, held.output
    assert "bland: geen enkele regel; vorige keer (2026-09) waren het er 2" in held.output
    assert taken(world)[2:] == [("aland", "2026-10", 3)]
    meant = push(world, files, forgotten, "--unlike")
    assert (meant.exit_code, total(meant)) == (0, (3, 3, 0, 0, 0))
    assert taken(world)[2:] == [("aland", "2026-10", 3), ("bland", "2026-10", 0)]
    later = push(world, files, rows(A, 3, month=11), period="2026-11")
    assert later.exit_code == 0, later.output  # nobody there again: said without a question
    assert taken(world)[4:] == [("aland", "2026-11", 3), ("bland", "2026-11", 0)]


def test_a_pilot_that_never_got_a_row_gets_no_empty_delivery(world: World, files: Path) -> None:
    assert push(world, files, rows(A, 3)).exit_code == 0
    assert taken(world) == [("aland", "2026-10", 3)]


def test_a_file_with_a_question_about_all_of_it_goes_to_no_pilot(world: World, files: Path) -> None:
    assert push(world, files, rows(A, 30, month=9) + rows(B, 3, 50, month=9), period="2026-09").exit_code == 0
    done = push(world, files, rows(A, 5) + rows(B, 3, 50))
    assert (done.exit_code, total(done)) == (3, (8, 0, 0, 8, 0))
    assert "Toch versturen" not in done.output
    assert len(taken(world)) == 2


def test_half_a_part_is_held_alone(world: World, files: Path) -> None:
    many = rows(A, 60, month=9) + rows(B, 25, 100, month=9)
    assert push(world, files, many, period="2026-09").exit_code == 0
    done = push(world, files, rows(A, 60) + rows(B, 5, 100))
    assert (done.exit_code, total(done)) == (3, (65, 60, 0, 5, 0))
    assert "bland: 5 regels; vorige keer (2026-09) waren het er 25" in done.output


def test_parts_that_two_processes_prepare_are_taken_like_any_other(
    world: World, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing_parts, "MANY_ROWS", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr("client.pushing.deliver", partial(deliver, part_rows=3))
    done = push(world, files, rows(A, 10))
    assert done.exit_code == 0, done.output
    assert taken(world) == [("aland", "2026-10", 10)]
    assert world.rows("SELECT count(*), count(DISTINCT part) FROM intake.part") == [(4, 4)]
    monkeypatch.undo()
    again = push(world, files, rows(A, 10))  # the same rows, now in one part
    assert (again.exit_code, taken(world)) == (0, [("aland", "2026-10", 10)])
