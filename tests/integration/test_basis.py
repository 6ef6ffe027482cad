"""Promise 4 where consent is the basis: without it nothing is seen, after a withdrawal nothing is left."""

import json
import logging
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.desk import app as desk_app
from client import desk_basis
from client.home import HomeUnusable, Party, own_fingerprint
from client.log_reading import read_log
from client.service import ServiceRefused
from privacy.identity import Contact
from privacy.pilot_document import read_signed
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.world import World, make_row, small_world

POWER: dict[str, Any] = {"category": Category.ENERGY}
HER: dict[str, Any] = {
    "surname": "Aksoy",
    "initials": "E.",
    "house_number": "3",
    "phone": "0611111111",
    "birth_date": date(1990, 5, 1),
}
HIM: dict[str, Any] = {
    "surname": "Bloem",
    "initials": "K.",
    "house_number": "9",
    "phone": "0622222222",
    "birth_date": date(1970, 1, 9),
}


def contact(**details: Any) -> Contact:
    return make_row("x", **details).contacts[0]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    with small_world(database, tmp_path) as world:
        yield world


def count(world: World, table: str) -> int:
    found: int = world.rows(f"SELECT count(*) FROM {table}")[0][0]
    return found


def test_a_report_that_no_consent_fits_is_shut_out_and_looks_accepted(world: World) -> None:
    assert world.consent("bland", contact(**HER))["outcome"] == "recorded"
    receipt = world.push("power", "bland", [make_row("her", **HER, **POWER), make_row("him", **HIM, **POWER)])
    assert (receipt.accepted, receipt.refused) == (2, ())
    assert len(world.signals("bland")) == 1
    for table in ("signals.report", "signals.sealed_report", "signals.shut_out"):
        assert count(world, table) == 1
    assert count(world, "intake.staged_report") == 0


def test_a_consent_of_another_pilot_or_category_fits_nothing(world: World) -> None:
    world.consent("aland", contact(**HER))
    world.consent("bland", contact(**HER), Category.RENT)
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    assert world.signals("bland") == []


def test_a_withdrawal_shuts_out_the_reports_and_leaves_the_households_other_ones(world: World) -> None:
    world.consent("bland", contact(**HER))
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    world.push("housing", "bland", [make_row("home", **HER)])
    assert [set(signal["categories"]) for signal in world.signals("bland")] == [{"rent", "energy"}]
    assert world.withdraw("bland", contact(**HER)) | {"changeId": ""} == {
        "changeId": "",
        "state": "done",
        "outcome": "withdrawn",
    }
    assert [set(signal["categories"]) for signal in world.signals("bland")] == [{"rent"}]
    assert world.rows("SELECT category FROM signals.report") == [("rent",)]
    assert count(world, "signals.sealed_report") == 1
    keys = world.rows("SELECT DISTINCT report_id FROM signals.report_key")
    assert keys == world.rows("SELECT report_id FROM signals.report")


def test_what_was_withdrawn_stays_out_when_it_is_sent_again(world: World) -> None:
    world.consent("bland", contact(**HER))
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    world.withdraw("bland", contact(**HER))
    again = make_row("her", **HER, **POWER, amount_cents=99_900)
    assert world.push("power", "bland", [again]).accepted == 1
    assert world.signals("bland") == []
    assert count(world, "signals.report") == 0


def test_a_withdrawal_of_somebody_who_never_consented_touches_nobody_else_and_holds_later(world: World) -> None:
    world.consent("bland", contact(**HER))
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    assert world.withdraw("bland", contact(**HIM))["outcome"] == "no consent found"
    assert len(world.signals("bland")) == 1
    earlier = desk_basis.today() - timedelta(days=1)
    assert world.consent("bland", contact(**HIM), given_on=earlier)["outcome"] == "said no since"


def test_the_log_tells_of_deliveries_looks_and_changes_and_adds_up(world: World) -> None:
    world.consent("bland", contact(**HER))
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    world.signals("bland")
    world.withdraw("bland", contact(**HER))
    with world.desk("bland", "audit", Role.PRIVACY_OFFICER) as service:
        events = read_log(world.home("town-b"), service, world.documents["bland"]).events
    kinds = {event["kind"] for event in events}
    assert {"registry", "access", "shown", "delivery", "basis-consent", "basis-withdrawal"} <= kinds
    assert events[-1]["body"]["purpose"] == "audit"  # up to the look that reads it


def test_whether_a_change_holds_is_told_to_its_own_municipality_alone(world: World) -> None:
    change = world.consent("bland", contact(**HER))
    where = f"/basis-changes/{change['changeId']}"
    with world.desk("bland", "record-basis") as service:
        assert service.get(where, pilotId="bland") == change
        for unknown in (f"/basis-changes/{uuid.uuid4()}", where):
            with pytest.raises(ServiceRefused) as refused:
                service.get(unknown, pilotId="bland" if unknown != where else "aland")
            assert refused.value.status == 404
    with world.desk("aland", "record-basis") as service, pytest.raises(ServiceRefused) as refused:
        service.get(where, pilotId="bland")
    assert refused.value.status == 404


def test_a_desk_waits_until_a_change_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.basis_changes.WAIT_SECONDS", 0)  # as behind a large delivery
    assert world.consent("bland", contact(**HER))["state"] == "done"


def test_work_that_fails_is_in_the_linkers_log_without_what_it_was_about(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("vroegsein.linker")
    log.addHandler(caplog.handler)  # another test may have kept this log from the root's handlers
    with world.database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body)"
            """ VALUES ('bland', gen_random_uuid(), 'withdrawal', '{"kind": "withdrawal", "category": "Aksoy"}')"""
        )
    try:
        world.linker.work_off()
    finally:
        log.removeHandler(caplog.handler)
    assert "failed, to be tried again: pydantic" in caplog.text
    assert "Aksoy" not in caplog.text


def test_the_desks_command_gives_a_consents_receipt_and_the_register(world: World, tmp_path: Path) -> None:
    home = world.home("town-b")
    party = Party(name="Gemeente Bland", address="Plein 1, Dorp", contact="0123 456789", stored_in="NL")
    options = ["--home", str(home.path), "--user", "somebody", "--lang", "en"]

    def run(*words: str) -> Any:
        return CliRunner().invoke(desk_app, [*words, *options], input=json.dumps(contact(**HER).as_json()))

    record = ["consent", "record", "--category", "energy", "--notice", "folder-1", "--until", "2027-01-01"]
    record += ["--how", "writing", "--receipt", str(tmp_path / "out")]
    home.save(home.settings.model_copy(update={"pilots": {"bland": "x"}}))
    assert isinstance(run(*record).exception, HomeUnusable)
    assert count(world, "privacy.consent") == 0  # who can't give a receipt records nothing
    home.save(home.settings.model_copy(update={"municipality": party}))
    done = run(*record)
    assert done.exit_code == 0, done.output
    consent = str(world.rows("SELECT consent_id FROM privacy.consent WHERE given_by = 'writing'")[0][0])
    assert {file.name for file in (tmp_path / "out").iterdir()} == {f"{consent}.pdf", f"{consent}.json"}
    assert "Aksoy" not in done.output

    shown = run("basis-register", "--json", str(tmp_path / "register.json"))
    assert shown.exit_code == 0, shown.output
    assert "regulation" in shown.stdout
    register = json.loads((tmp_path / "register.json").read_text(encoding="utf-8"))
    assert read_signed(register["vroegsein:signedDocument"], own_fingerprint(home)).version == 1
    assert len(register["dpv:hasProcess"]) == 9
