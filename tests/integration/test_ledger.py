"""A ledger's own call: the example of docs/ledger.md as it is printed there, and what is held or fails."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.creditor import app
from client.ledger import LedgerRow, deliver_rows
from client.service import ServiceUnreachable
from tests.conftest import Database
from tests.unit.test_ledger import ledger_row
from tests.world import World, small_world

PAGE = Path(__file__).parents[2] / "docs/ledger.md"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    with small_world(database, tmp_path / "world") as world:
        yield world


def block(kind: str) -> str:
    """The first block of that kind on the page."""
    blocks: list[tuple[str, str]] = re.findall(
        r"^```(\w*)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return next(text for name, text in blocks if name == kind)


def rows(postcode: str, count: int, month: int = 10) -> list[LedgerRow]:
    """So many customers in one place."""
    due, steps = f"2026-{month - 1:02}-01", f"2026-{month - 1:02}-15"
    dates = dict.fromkeys(("reminder_sent_on", "contact_sought_on", "pointed_at_help_on", "offer_made_on"), steps)
    return [
        LedgerRow.model_validate(
            ledger_row(
                reference=f"{postcode[:4]}-{n}", house_number=str(n + 1), postcode=postcode, arrears_since=due, **dates
            )
        )
        for n in range(count)
    ]


def deliver(world: World, given: list[LedgerRow], month: int = 10, **more: Any) -> Any:
    home = world.folder / "housing"
    return deliver_rows(home, given, category="rent", reported_on=date(2026, month, 28), **more)


def test_the_example_does_what_the_page_says_and_so_does_its_file(world: World, tmp_path: Path) -> None:
    said = io.StringIO()
    code = block("python").replace("/var/lib/ledger/vroegsein", str(world.folder / "housing"))
    with contextlib.redirect_stdout(said):
        exec(compile(code, str(PAGE), "exec"), {})
    assert said.getvalue() == block("")
    assert world.rows("SELECT pilot_id, period, category, accepted FROM intake.delivery") == [
        ("aland", "2026-10", "rent", 1)
    ]
    file = tmp_path / "rows.json"
    file.write_text(block("json"), encoding="utf-8")
    home = ["--home", str(world.folder / "housing"), "--lang", "en"]
    done = CliRunner().invoke(app, ["push", str(file), *home])
    assert done.exit_code == 0, done.output  # the very row that was sent above
    assert "1 rows read = 1 sent + 0 refused + 0 not sent + 0 stayed home" in done.output
    assert len(world.rows("SELECT FROM intake.delivery")) == 1


def test_a_part_that_looks_unlike_waits_for_a_person_and_then_goes(world: World) -> None:
    assert deliver(world, rows("1111 AB", 2, 9) + rows("2221 AB", 2, 9), 9).complete
    held = deliver(world, rows("1111 AB", 2))
    assert not held.complete
    assert [(part.pilot, part.sent, bool(part.held)) for part in held.pilots] == [
        ("aland", 2, False),
        ("bland", 0, True),
    ]
    meant = deliver(world, rows("1111 AB", 2), unlike=True)
    assert meant.complete
    assert [(part.pilot, part.sent) for part in meant.pilots] == [("aland", 2), ("bland", 0)]


def test_rows_of_a_part_that_failed_are_told_apart_and_sent_by_the_next_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **_named: Any) -> Any:
        raise ServiceUnreachable("the service does not answer")

    given = [*rows("1111 AB", 1), *rows("2221 AB", 1)]
    with monkeypatch.context() as patched:
        patched.setattr("client.pushing.deliver", silent)
        failed = deliver(world, given)
    assert not failed.complete
    assert [(one.state, one.reason) for one in failed.rows] == [("not_sent", "service-unreachable")] * 2
    again = deliver(world, given)
    assert again.complete
    assert [(one.state, one.pilot) for one in again.rows] == [("sent", "aland"), ("sent", "bland")]


def test_what_the_service_refuses_is_told_of_its_row(world: World) -> None:
    late = rows("1111 AB", 2)
    early = late[1].model_copy(update={"offer_made_on": date(2026, 9, 2)})  # before its reminder
    found = deliver(world, [late[0], early])
    assert [(one.state, one.reason) for one in found.rows] == [("sent", ""), ("refused", "offer-before-reminder")]
    assert json.dumps([one.en for one in found.rows]) != '["", ""]'
    assert [(part.sent, part.refused, part.not_sent) for part in found.pilots] == [(1, 1, 0)]
