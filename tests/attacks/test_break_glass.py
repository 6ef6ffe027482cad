"""Break-glass: no look under a purpose for emergencies without a reason said before, by that person, not long ago."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from cli.desk import app as desk_app
from client.break_glass import RECENT, break_the_glass, recent_break_glasses
from client.desk_work import desk_service
from client.log_reading import read_log
from client.service import Service, ServiceRefused
from signals.pilot import Role
from tests.conftest import Database
from tests.held import ACTOR, PROOF, callers
from tests.world import PILOTS, World, make_row, small_world

WHY = "Ontruiming vandaag, collega's zijn weg: zoek Naam-onbekend"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            world.push("housing", pilot, [make_row("c1")])
        yield world


@pytest.fixture(autouse=True)
def _unbroken(world: World) -> None:
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM privacy.break_glass")


def somebody(world: World, user: str, purpose: str = "emergency", pilot: str = "aland") -> Service:
    return desk_service(world.home(PILOTS[pilot]), Role.DEBT_HELP, user, purpose)


def refused(service: Service, pilot: str = "aland") -> str:
    """Why a page and a signal are refused under that connection's purpose."""
    said = set()
    asks: list[Callable[[], Any]] = [
        lambda: service.post("/signals/_search", {"pilotId": pilot}),
        lambda: service.get("/signals/00000000-0000-4000-8000-000000000000", pilotId=pilot),
    ]
    for ask in asks:
        with pytest.raises(ServiceRefused) as no:
            ask()
        assert (no.value.status, no.value.kind) == (403, "look-refused")
        said.add(no.value.problem["detail"])
    (one,) = said
    return str(one)


def shown(service: Service, pilot: str = "aland") -> int:
    return len(service.post("/signals/_search", {"pilotId": pilot})["signals"])


def over(world: World) -> None:
    with world.database.as_superuser() as connection:
        connection.execute("UPDATE privacy.break_glass SET until = now()")


def last_event(world: World, kind: str) -> dict[str, Any]:
    body: dict[str, Any] = world.rows(
        "SELECT body FROM privacy.event WHERE kind = %(k)s ORDER BY at DESC LIMIT 1", k=kind
    )[0][0]
    return body


def test_nobody_looks_before_saying_why_and_nobody_after_it_is_over(world: World) -> None:
    with somebody(world, "worker") as service:
        assert refused(service) == "break-glass-needed"
        break_the_glass(service, "aland", WHY)
        assert shown(service) == 1
        over(world)
        assert refused(service) == "break-glass-over"
        break_the_glass(service, "aland", WHY)
        assert shown(service) == 1


def test_it_is_good_for_that_person_in_that_pilot_alone(world: World) -> None:
    with somebody(world, "worker") as service:
        break_the_glass(service, "aland", WHY)
    with somebody(world, "colleague") as service:
        assert refused(service) == "break-glass-needed"
    with somebody(world, "worker", pilot="bland") as service:
        assert refused(service, "bland") == "break-glass-needed"
        assert refused(service, "aland") == "not-this-municipality"


def test_it_lasts_as_long_as_the_pilot_document_says(world: World) -> None:
    with somebody(world, "worker") as service:
        until = break_the_glass(service, "aland", WHY)
    minutes = world.rows("SELECT extract(epoch FROM %(u)s::timestamptz - now()) / 60", u=until)[0][0]
    assert 29 < minutes <= 30


def test_it_discloses_its_purposes_level_and_each_look_names_it(world: World) -> None:
    with somebody(world, "worker") as service:
        break_the_glass(service, "aland", WHY)
        signal = service.post("/signals/_search", {"pilotId": "aland"})["signals"][0]["signalId"]
        assert service.get(f"/signals/{signal}", pilotId="aland")["reports"][0]["sealed"]
    glass, look = last_event(world, "break-glass"), last_event(world, "access")
    assert (glass["reason"], glass["purpose"], glass["role"]) == (WHY, "emergency", "debt-help")
    assert glass["actor"] == look["actor"]
    assert glass["until"] > glass["at"]
    assert look["break_glass"] == glass["event"]
    with somebody(world, "worker", "worklist") as service:
        shown(service)
    assert "break_glass" not in last_event(world, "access")


@pytest.mark.parametrize(
    ("role", "purpose", "said"),
    [
        (Role.DEBT_HELP, "offer-help", "no-break-glass"),
        (Role.DEBT_HELP, "never-heard-of", "unknown-purpose"),
        (Role.DEBT_HELP, "audit", "purpose-not-for-role"),
    ],
)
def test_only_a_purpose_for_emergencies_is_opened_so(world: World, role: Role, purpose: str, said: str) -> None:
    with desk_service(world.home("town-a"), role, "worker", purpose) as service, pytest.raises(ServiceRefused) as no:
        break_the_glass(service, "aland", WHY)
    assert (no.value.status, no.value.problem["detail"]) == (403, said)
    refusal = last_event(world, "refusal")
    assert (refusal["refused"], refusal["asks"]["ask"]) == (said, "break-glass")
    assert WHY not in str(refusal)


@pytest.mark.parametrize("reason", ["", "too short", " " * 30, "x" * 501, None, 5, ["a reason in a list"]])
def test_a_reason_is_said_and_is_no_novel(world: World, reason: Any) -> None:
    with callers(world, "aland", "housing") as clients:
        headers = {"Vroegsein-Purpose": "emergency", "Vroegsein-Actor": ACTOR, **PROOF}
        body = {"pilotId": "aland", "reason": reason}
        answer = clients[Role.DEBT_HELP].post("/break-glasses", json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/reason")


def opened_raw(world: World, reason: str | None, actor: str | None = "abcd", town: str = "town-a") -> Any:
    with world.database.connect("vroegsein_opener") as opener:
        return opener.execute(
            "SELECT refused FROM privacy.open_break_glass('aland', %s, 'debt-help', %s, 'emergency', %s, 'proof')",
            [town, actor, reason],
        ).fetchall()[0][0]


def test_the_database_wants_a_reason_and_a_person_too(world: World) -> None:
    for reason in (None, "", "         ", "too short", " padded        ", "x" * 501):
        assert opened_raw(world, reason) == "no-reason"
    assert opened_raw(world, WHY, None) == opened_raw(world, WHY, "") == "no-actor"
    assert opened_raw(world, WHY, town="town-b") == "not-this-municipality"
    assert world.rows("SELECT count(*) FROM privacy.break_glass") == [(0,)]
    assert opened_raw(world, WHY) is None


def test_no_login_that_serves_requests_makes_or_lengthens_one_by_hand(world: World) -> None:
    for login in ("ingest", "opener", "reader", "recorder", "auditor"):
        with world.database.connect(f"vroegsein_{login}", autocommit=True) as session:
            for statement in (
                "SELECT FROM privacy.break_glass",
                "INSERT INTO privacy.break_glass (pilot_id) VALUES ('aland')",
                "UPDATE privacy.break_glass SET until = 'infinity'",
                "DELETE FROM privacy.break_glass",
            ):
                with pytest.raises(Exception, match="permission denied"):
                    session.execute(statement.encode())


def test_one_that_was_rolled_back_opens_nothing(world: World) -> None:
    with world.database.connect("vroegsein_opener") as opener:
        opener.execute(
            "SELECT privacy.open_break_glass('aland', 'town-a', 'debt-help', 'abcd', 'emergency', %s, 'proof')", [WHY]
        )
        opener.rollback()
        row = opener.execute(
            "SELECT refused FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', 'emergency', %s)",
            [Jsonb({"ask": "worklist", "limit": 1})],
        ).fetchone()
    assert row == ("break-glass-needed",)


def test_the_reason_is_in_the_event_and_nowhere_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """In no other table, no URL, no log line; what is refused is not repeated."""
    secret = "Mevrouw Onvindbaar staat vandaag op straat"
    with caplog.at_level(logging.DEBUG), somebody(world, "worker") as service:
        break_the_glass(service, "aland", secret)
        assert shown(service) == 1
    assert caplog.records
    assert secret not in caplog.text
    tables = world.rows(
        "SELECT schemaname || '.' || tablename FROM pg_tables"
        " WHERE schemaname IN ('registry', 'intake', 'signals', 'privacy')"
    )
    holding = {
        table
        for (table,) in tables
        if world.rows(f"SELECT FROM {table} t WHERE strpos(t::text, 'Onvindbaar') > 0 LIMIT 1")
    }
    assert holding == {"privacy.event"}


def test_an_invented_break_glass_is_found_out(world: World) -> None:
    """Like a look: it bears no signature of the desk's."""
    assert opened_raw(world, "an operator invents a reason") is None
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-a"), service, world.documents["aland"])
    kinds = {event["leafIndex"]: event for event in log.events}
    invented = [kinds[leaf]["body"] for leaf in log.not_asked_for if kinds[leaf]["kind"] == "break-glass"]
    assert "an operator invents a reason" in {body["reason"] for body in invented}
    assert WHY not in {body["reason"] for body in invented if body["asks"]["request"] != "proof"}


def run(world: World, *arguments: str, told: str = "") -> str:
    home = ["--pilot", "aland", "--home", str(world.home("town-a").path), "--lang", "en"]
    done = CliRunner().invoke(desk_app, [*arguments, *home], input=told, env={"COLUMNS": "200"})
    assert done.exit_code in (0, 1), done.output
    return done.output


def test_the_privacy_officer_sees_it_first_with_reason_and_looks(world: World) -> None:
    signal = world.rows("SELECT signal_id::text FROM signals.signal WHERE pilot_id = 'aland'")[0][0]
    said = run(world, "break-glass", "--user", "night-shift", told="the bailiff is at the door\n")
    assert "desk show SIGNAL --purpose emergency" in said
    assert "Visser" in run(world, "show", signal, "--purpose", "emergency", "--user", "night-shift")
    lines = run(world, "audit").splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("▲"))
    assert first == 0
    assert "OPEN until" in lines[first]
    assert "reason: the bailiff is at the door" in lines[first + 1]
    assert signal[:8] in lines[first + 2]
    over(world)
    assert run(world, "audit").splitlines()[0].startswith("▲")  # the log says until when, whatever the table


def test_old_ones_are_not_told_of_and_open_ones_come_first() -> None:
    def event(leaf: int, at: str, until: str, **more: Any) -> dict[str, Any]:
        body = {"event": f"e{leaf}", "at": at, "until": until}
        return {"leafIndex": leaf, "kind": "break-glass", "body": {**body, **more}}

    events = [
        event(0, "2026-10-01T08:00:00Z", "2026-10-01T08:30:00Z"),
        event(1, "2026-11-20T08:00:00Z", "2026-11-24T12:00:00Z"),
        event(2, "2026-11-23T08:00:00Z", "2026-11-23T08:30:00Z"),
        {"leafIndex": 3, "kind": "access", "body": {"break_glass": "e2", "at": "2026-11-23T08:10:00Z"}},
        {"leafIndex": 4, "kind": "break-glass", "body": None},
    ]
    now = datetime.fromisoformat("2026-11-24T08:00:00Z")
    assert RECENT.days == 30
    found = recent_break_glasses(events, now)
    assert [(glass.leaf, len(glass.looks)) for glass in found] == [(1, 0), (2, 1)]
