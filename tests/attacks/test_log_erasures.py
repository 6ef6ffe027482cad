"""Events that go before their day: only those that the desk signed for, and whoever verifies the log sees which."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from app.log_sealing import seal_waiting
from cli.desk import app
from client.desk_pilot import parties, sign_pilot
from client.log_erasing import erase_events
from client.log_reading import CheckedLog, export_log, read_log, verify_export
from client.log_watch import LogAltered
from client.service import ServiceRefused
from privacy.log_erasures import Erasure, Reason
from privacy.pilot_document import PilotDocument
from privacy.signing import new_signing_key
from signals.pilot import Pilot, Role
from tests.attacks.test_log import log_key
from tests.conftest import Database
from tests.world import World, make_row, small_world


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("erasures")) as world:
        world.push("housing", "aland", [make_row("c1")])
        for _look in range(6):
            world.signals("aland")
        yield world


def audited(world: World) -> CheckedLog:
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        return read_log(world.home("town-a"), service, world.documents["aland"])


def looks(log: CheckedLog, but: int = 0) -> list[int]:
    """Leaf indexes of the worklist's looks whose contents are there, without the first `but`."""
    whole = [event for event in log.events if event["kind"] == "access" and event["body"]]
    return [event["leafIndex"] for event in whole if event["body"]["asks"]["ask"] == "worklist"][but:]


def erase(world: World, log: CheckedLog, *indexes: int) -> str | None:
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        document = world.documents["aland"]
        return erase_events(world.home("town-a"), service, document, log, indexes, Reason.NAMES_SOMEBODY)


def signed(world: World, leaves: list[str], key: dict[str, Any] | None = None, pilot: str = "aland") -> str:
    key = key or world.home("town-a").jwk("signing.jwk")
    return Erasure(pilot, tuple(sorted(leaves)), Reason.ORDERED, datetime.now(UTC)).signed(key)


def test_what_the_desk_signed_for_goes_and_the_log_adds_up_and_says_so(world: World, tmp_path: Path) -> None:
    before = audited(world)
    first, second = looks(before)[:2]
    assert erase(world, before, first, second) == "erased"
    log = audited(world)
    assert log.erased == (first, second)
    assert (log.not_asked_for, log.broken) == ((), ())
    assert [event["leafHash"] for event in log.events[: len(before.events)]] == [
        event["leafHash"] for event in before.events
    ]
    (told,) = (event["body"] for event in log.events if event["kind"] == "log-erasure")
    assert told["leaves"] == sorted(log.events[index]["leafHash"] for index in (first, second))
    assert told["reason"] == "names-somebody"
    gone = [before.events[index]["body"]["event"] for index in (first, second)]
    assert world.rows("SELECT FROM privacy.event WHERE event_id = ANY (%(gone)s::uuid[])", gone=gone) == []
    assert world.rows("SELECT signed FROM privacy.log_erasure WHERE outcome = 'erased'") == [("",)]
    file = tmp_path / "log.jsonl"
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        export_log(file, audited(world), service.get("/pilots/aland/documents/newest")["document"])
    assert verify_export(file, world.documents["aland"].fingerprint()).erased == (first, second)


def test_the_erasure_itself_can_not_be_erased(world: World) -> None:
    log = audited(world)
    at = next(event["leafIndex"] for event in log.events if event["kind"] == "log-erasure")
    with pytest.raises(LogAltered, match="those stay"):
        erase(world, log, at)
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        asked = {"erasure": signed(world, [log.events[at]["leafHash"]])}
        assert service.post("/log-erasures", asked, pilotId="aland")["outcome"] == "no such events"
    with world.database.connect("vroegsein_owner") as owner:  # nor by a function of ours that goes wrong
        assert owner.execute("DELETE FROM privacy.event WHERE kind = 'log-erasure'").rowcount == 0


def test_an_erasure_that_the_desk_did_not_sign_is_not_carried_out(world: World) -> None:
    log = audited(world)
    leaf = log.events[looks(log)[0]]["leafHash"]
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        for wrong in (
            signed(world, [leaf], new_signing_key()),
            signed(world, [leaf], world.home("town-b").jwk("signing.jwk")),
            signed(world, [leaf], pilot="bland"),
            signed(world, []),
            "a.b.c",
        ):
            with pytest.raises(ServiceRefused) as refused:
                service.post("/log-erasures", {"erasure": wrong}, pilotId="aland")
            assert refused.value.kind == "not-signed"
        unknown = {"erasure": signed(world, ["ab" * 32, leaf])}
        assert service.post("/log-erasures", unknown, pilotId="aland")["outcome"] == "no such events"
    assert audited(world).events[looks(log)[0]]["body"] is not None


def test_a_debt_help_worker_erases_nothing(world: World) -> None:
    log = audited(world)
    asked = {"erasure": signed(world, [log.events[looks(log)[0]]["leafHash"]])}
    with world.desk("aland") as service, pytest.raises(ServiceRefused) as refused:
        service.post("/log-erasures", asked, pilotId="aland")
    assert refused.value.kind == "scope-missing"


def told_by_the_operator(world: World, text: str, leaves: list[str]) -> int:
    """The operator writes an erasure of its own making into the log, and has it sealed; gives its leaf index."""
    event = uuid.uuid4()
    body = {"erasure": str(uuid.uuid4()), "leaves": leaves, "reason": "ordered", "signed": text}
    with world.database.connect("vroegsein_linker") as connection:
        connection.execute("SELECT privacy.write_event('aland', %s, 'log-erasure', %s)", [event, json.dumps(body)])
    seal_waiting(world.sessions, log_key(world))
    statement = "SELECT leaf_index FROM privacy.log_leaf WHERE event_id = %(event)s"
    return int(world.rows(statement, event=event)[0][0])


@pytest.mark.parametrize("how", ["another key", "other leaves", "another pilot", "no erasure"])
def test_an_event_that_no_erasure_of_the_desks_names_is_found_missing(world: World, how: str) -> None:
    log = audited(world)
    event = log.events[looks(log)[-1]]
    leaf, other = event["leafHash"], log.events[0]["leafHash"]
    if how != "no erasure":
        text = {
            "another key": signed(world, [leaf], new_signing_key()),
            "other leaves": signed(world, [other]),
            "another pilot": signed(world, [leaf], pilot="bland"),
        }[how]
        at = told_by_the_operator(world, text, [leaf])
        assert (at in audited(world).not_asked_for) == (how != "other leaves")
    with world.database.as_superuser() as operator:
        kept = operator.execute(
            "DELETE FROM privacy.event WHERE event_id = %s RETURNING *", [event["body"]["event"]]
        ).fetchone()
    assert kept is not None
    with pytest.raises(LogAltered, match=f"event {event['leafIndex']} is missing"):
        audited(world)
    with world.database.as_superuser() as operator:
        operator.execute(
            "INSERT INTO privacy.event VALUES (%s, %s, %s, %s, %s, %s, %s)", [*kept[:-1], json.dumps(kept[-1])]
        )


def test_no_login_erases_what_the_log_does_not_tell(world: World) -> None:
    erasure = uuid.uuid4()
    with world.database.connect("vroegsein_recorder") as recorder, pytest.raises(psycopg.errors.InsufficientPrivilege):
        recorder.execute("SELECT gate.ask_erasure('a.b.c')")  # without an event
    with world.database.connect("vroegsein_linker") as linker:
        for statement in (
            "SELECT privacy.erase_events('aland', %s)",
            "SELECT privacy.tell_erasure('aland', %s, '{}', '{}')",
            "INSERT INTO privacy.log_erasure (pilot_id, erasure_id, signed) VALUES ('aland', %s, '')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), linker.transaction():
                linker.execute(statement.encode(), [erasure])
        gone = linker.execute("DELETE FROM privacy.event WHERE pilot_id = 'aland' AND kind = 'access'").rowcount
        assert gone == 0


def test_until_the_log_tells_of_it_nothing_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contents go only once the erasure is sealed, so that nobody finds them missing without a reason."""
    monkeypatch.setattr("app.api.log_erasures.WAIT_SECONDS", 2.5)  # longer than the linker rests
    log = audited(world)
    at = looks(log)[0]
    with world.database.as_superuser(autocommit=False) as connection:
        connection.execute("LOCK TABLE privacy.log_head IN EXCLUSIVE MODE")
        with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
            document = world.documents["aland"]
            done = erase_events(world.home("town-a"), service, document, log, [at], Reason.ORDERED)
        assert done is None
        event = log.events[at]["body"]["event"]
        assert len(world.rows("SELECT FROM privacy.event WHERE event_id = %(e)s", e=event)) == 1
    until = time.monotonic() + 15
    while world.rows("SELECT FROM privacy.event WHERE event_id = %(e)s", e=event):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert at in audited(world).erased


def signed_anew(world: World, alerts: list[dict[str, Any]]) -> PilotDocument:
    """The desk signs the pilot document once more, with other rules for unusual reading."""
    with world.desk("aland") as service:
        found = parties(service, "aland")
        pilot = Pilot.model_validate({**found.pilot.model_dump(mode="json"), "alerts": alerts})
        return sign_pilot(world.home("town-a"), service, replace(found, pilot=pilot))


def ran(world: World, *words: str) -> Result:
    there = ["--pilot", "aland", "--home", str(world.home("town-a").path), "--user", "officer", "--lang", "en"]
    return CliRunner().invoke(app, [*words, *there])


def test_the_commands_erase_and_say_so_and_show_what_is_unusual(world: World) -> None:
    at = looks(audited(world))[0]
    done = ran(world, "erase-event", str(at), "--reason", "ordered", "--yes")
    assert (done.exit_code, "Erased. The log says that" in done.output) == (0, True), done.output
    audit = ran(world, "audit")
    assert f"{at}" in audit.output
    assert "erased before their day, as this municipality signed for" in audit.output
    world.documents["aland"] = signed_anew(world, [{"kind": "same-household", "times": 2}])
    calm = ran(world, "alerts", "--json")
    assert (calm.exit_code, json.loads(calm.stdout)) == (0, [])
    signal = world.signals("aland")[0]["signalId"]
    for _look in range(2):
        with world.desk("aland", "offer-help") as service:
            service.get(f"/signals/{signal}", pilotId="aland")
    alerts = ran(world, "alerts", "--json")
    (alert,) = json.loads(alerts.stdout)
    assert (alerts.exit_code, alert["rule"], len(alert["leaves"])) == (1, "same-household", 2)
    assert alert["en"] in " ".join(ran(world, "audit").output.split())
