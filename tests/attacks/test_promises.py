"""The operator drops or alters what it has not sealed yet, or answers without a promise that binds it to this look.

It has the database's superuser and the log's key. Promise 3: the desk notices, and holds the evidence.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from app.log_sealing import seal_waiting
from cli.desk import app
from client import promises
from client.home import Home
from client.log_reading import CheckedLog, export_log, read_log, verify_export, verify_promise
from client.promises import KeptPromise, kept_promises, read_evidence
from client.service import Service, ServiceRefused
from privacy.log import canonical, leaf
from privacy.log import commitment as committed
from privacy.promises import HEADER, Unpromised, read_promise, request_hash
from privacy.signing import new_signing_key
from signals.pilot import Role
from tests.attacks.test_log import log_key, sealing_held
from tests.budget import examples
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

LATER = timedelta(minutes=2)


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("promises")) as world:
        for pilot in PILOTS:
            rows = [make_row(f"c{n}", house_number=str(n), phone=f"061234567{n}") for n in (1, 2)]
            world.push("housing", pilot, rows)
        yield world


@pytest.fixture(autouse=True)
def none_waits(world: World) -> Iterator[None]:
    """Each test begins and ends without a promise that waits."""
    yield
    for town in PILOTS.values():
        for file in (world.home(town).path / "promises").rglob("*.json"):
            file.unlink()


def home(world: World) -> Home:
    return world.home("town-a")


def kept(world: World) -> list[KeptPromise]:
    return kept_promises(home(world), world.documents["aland"])


def aged(world: World) -> None:
    """As if all that waits had been promised two minutes ago."""
    for one in kept(world):
        promises._write(home(world), replace(one, since=one.since - LATER))


def audited(world: World) -> CheckedLog:
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        return read_log(home(world), service, world.documents["aland"])


def changed_before_sealing(world: World, statement: str) -> KeptPromise:
    """Look at the worklist and have the operator change what tells of it before it is sealed; gives the promise."""
    with sealing_held(world) as connection:
        world.signals("aland")
        (one,) = kept(world)
        proofs = [{"hash": bytes.fromhex(leaf)} for leaf in one.promise.leaves]
        events = connection.execute("SELECT * FROM privacy.event WHERE pilot_id = 'aland'").fetchall()
        assert events
        for proof in proofs:
            rows = connection.execute(
                "SELECT event_id FROM privacy.event WHERE pilot_id = 'aland'"
                " AND privacy.leaf_of(kind, keep_until, salt, body) = %(hash)s",
                proof,
            ).fetchall()
            assert len(rows) == 1
            connection.execute(statement.encode(), {"event": rows[0][0]})
    seal_waiting(world.sessions, log_key(world))
    return one


def test_every_look_is_promised_kept_for_its_owner_alone_and_let_go_once_the_log_tells_of_it(world: World) -> None:
    shown = {signal["signalId"] for signal in world.signals("aland")}
    (one,) = kept(world)
    assert set(one.shown) == shown != set()
    assert one.file.stat().st_mode & 0o777 == 0o600
    log = audited(world)
    assert log.broken == ()
    bodies = {event["leafHash"]: event["body"] for event in log.events}
    looked, told = (bodies[leaf] for leaf in one.promise.leaves)
    assert (looked["asks"]["ask"], set(told["shown"])) == ("worklist", shown)
    assert told["access"] == looked["event"]
    assert not one.file.exists()


def test_the_next_contact_after_a_minute_demands_the_proof(world: World) -> None:
    world.signals("aland")
    seal_waiting(world.sessions, log_key(world))
    aged(world)
    world.signals("aland")
    assert sorted(one.proven for one in kept(world)) == [False, True]
    assert audited(world).broken == ()
    assert not any(one.proven for one in kept(world))


@pytest.mark.parametrize("days", [30, 32])
def test_a_proven_promise_that_nobody_audits_goes_after_a_month(world: World, days: int) -> None:
    for _contact in range(2):
        world.signals("aland")
        seal_waiting(world.sessions, log_key(world))
        aged(world)
    (proven,) = (one for one in kept(world) if one.proven)
    os.utime(proven.file, times=(time.time() - days * 86_400,) * 2)
    world.signals("aland")
    assert proven.file.exists() == (days == 30)


DROPPED = "DELETE FROM privacy.event WHERE event_id = %(event)s"
NEVER_SEALED = "DELETE FROM privacy.unsealed WHERE event_id = %(event)s"
ALTERED = 'UPDATE privacy.event SET body = body || \'{"actor": "0", "shown": []}\' WHERE event_id = %(event)s'
NEW_SALT = "UPDATE privacy.event SET salt = sha256(salt) WHERE event_id = %(event)s"
OTHER_TERM = "UPDATE privacy.event SET keep_until = keep_until - 1 WHERE event_id = %(event)s"


@pytest.mark.parametrize("statement", [DROPPED, NEVER_SEALED, ALTERED, NEW_SALT, OTHER_TERM])
def test_what_was_dropped_or_altered_before_it_was_sealed_is_found_out_with_evidence(
    world: World,
    statement: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = changed_before_sealing(world, statement)
    aged(world)
    world.signals("aland")  # the next contact says so, loudly, and helps residents all the same
    assert "BROKE A PROMISE" in caplog.text
    assert str(one.file) in caplog.text
    seal_waiting(world.sessions, log_key(world))  # so the log goes on after the promise
    log = audited(world)
    assert [broken.kept.file for broken in log.broken] == [one.file]
    assert one.file.exists()
    document = world.documents["aland"]
    file = tmp_path / "log.jsonl"
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        export_log(file, log, service.get("/pilots/aland/documents/newest")["document"])
    checked = verify_export(file, document.fingerprint())  # it adds up: without the promise nothing would show
    with pytest.raises(Unpromised, match="ends before"):  # nobody is blamed for what was not due yet
        verify_promise(checked, read_evidence(one.file))
    monkeypatch.setattr("client.log_reading.TERM", timedelta(0))  # a log that goes on for the whole minute
    words = ["verify", "--log", str(file), "--promise", str(one.file), "--fingerprint", document.fingerprint()]
    told = CliRunner().invoke(app, [*words, "--lang", "en"])
    assert (told.exit_code, "This promise was BROKEN" in told.output) == (1, True), told.output


def test_a_promise_kept_verifies_by_the_exported_log(world: World) -> None:
    world.signals("aland")
    token = kept(world)[0].token
    assert verify_promise(audited(world), token) is None


def with_header(service: Service, change: Callable[[str], str | None]) -> None:
    """What the operator does to the promise of each answer."""

    def changed(answer: httpx.Response) -> None:
        if HEADER in answer.headers and (found := change(answer.headers.pop(HEADER))) is not None:
            answer.headers[HEADER] = found

    service._http.event_hooks["response"].append(changed)


def looks(world: World) -> list[tuple[str, Callable[[Service], Any]]]:
    signal = world.rows("SELECT signal_id::text FROM signals.signal WHERE pilot_id = 'aland' LIMIT 1")[0][0]
    return [
        ("worklist", lambda service: service.post("/signals/_search", {"pilotId": "aland"})),
        ("offer-help", lambda service: service.get(f"/signals/{signal}", pilotId="aland")),
        ("record-basis", lambda service: service.get("/objections", pilotId="aland")),
        ("audit", lambda service: service.get("/access-events", pilotId="aland", limit=1)),
    ]


def forged(world: World, key: dict[str, Any], **changes: Any) -> Callable[[str], str]:
    """A promise like the one on the answer, but for `changes`, signed by `key`."""

    def change(token: str) -> str:
        return replace(read_promise(token, "aland", world.documents["aland"].log_key), **changes).signed(key)

    return change


def test_no_look_is_answered_without_a_promise(world: World) -> None:
    for purpose, ask in looks(world):
        role = Role.PRIVACY_OFFICER if purpose == "audit" else Role.DEBT_HELP
        with world.desk("aland", purpose, role) as service:
            ask(service)
            with_header(service, lambda _token: None)
            with pytest.raises(Unpromised, match="without a promise"):
                ask(service)


def test_an_answer_with_another_promise_than_its_own_is_refused(world: World) -> None:
    world.signals("aland")
    old, key = kept(world)[0].token, log_key(world)
    changes: dict[str, Callable[[str], str]] = {
        "empty": lambda _token: "",
        "no JWS": lambda _token: "a.b.c",
        "replayed": lambda _token: old,
        "another key": forged(world, new_signing_key()),
        "another pilot": forged(world, key, pilot="bland"),
        "another request": forged(world, key, request=request_hash("x")),
        "another time": forged(world, key, at=datetime.now(UTC) + timedelta(hours=1)),
        "one leaf": forged(world, key, leaves=("ab" * 32,)),
        "one leaf twice": forged(world, key, leaves=("ab" * 32, "ab" * 32)),
        "no leaf": forged(world, key, leaves=("../../x", "y")),
    }
    for name, change in changes.items():
        with world.desk("aland") as service:
            with_header(service, change)
            with pytest.raises(Unpromised):
                service.post("/signals/_search", {"pilotId": "aland", "limit": 1})
        assert len(kept(world)) == 1, name


def test_a_promise_of_other_events_is_found_out_by_an_audit(world: World) -> None:
    """The operator promises leaves that are in the log, of other looks, or of one that tells less."""
    log = audited(world)
    looked = next(event for event in log.events if event["kind"] == "access")
    told = next(event for event in log.events if event["kind"] == "shown")
    others = (looked["leafHash"], told["leafHash"])
    with world.desk("aland") as service:
        with_header(service, forged(world, log_key(world), leaves=others))
        service.post("/signals/_search", {"pilotId": "aland"})
    assert [broken.why for broken in audited(world).broken] == ["the first promised event is not of this request"]


def test_an_event_that_tells_less_than_was_shown_is_found_out_by_an_audit(world: World) -> None:
    with world.desk("aland") as service:
        service.post("/signals/_search", {"pilotId": "aland"})
    (one,) = kept(world)
    promises._write(home(world), replace(one, shown=(*one.shown, "a-signal-that-the-log-does-not-tell")))
    assert [broken.why for broken in audited(world).broken] == ["the answer showed more than the log tells"]


def test_a_kept_promise_that_was_changed_at_the_desk_is_refused(world: World) -> None:
    world.signals("aland")
    (one,) = kept(world)
    one.file.write_text(one.file.read_text(encoding="utf-8").replace('"promise": "', '"promise": "x'), encoding="utf-8")
    with pytest.raises(Unpromised):
        kept(world)


def test_a_refused_look_is_promised_too(world: World) -> None:
    answers: list[httpx.Response] = []
    with world.desk("aland", "audit") as service:  # no purpose of this role
        service._http.event_hooks["response"].append(answers.append)
        with pytest.raises(ServiceRefused):
            service.post("/signals/_search", {"pilotId": "aland"})
    promise = read_promise(answers[-1].headers[HEADER], "aland", world.documents["aland"].log_key)
    (told,) = (event for event in audited(world).events if event["leafHash"] in promise.leaves)
    assert (told["kind"], told["body"]["refused"]) == ("refusal", "purpose-not-for-role")


def test_a_look_that_a_token_does_not_allow_is_in_the_log(world: World) -> None:
    with world.desk("aland", "offer-help", Role.PRIVACY_OFFICER) as service, pytest.raises(ServiceRefused):
        service.post("/signals/_search", {"pilotId": "aland"})
    with world.creditor("housing") as service, pytest.raises(ServiceRefused):
        service.get("/access-events", pilotId="aland")
    log = audited(world)
    refusals = [event for event in log.events if event["kind"] == "refusal"][-2:]
    bodies = [event["body"] for event in refusals]
    found = [(body["organisation"], body["role"], body["asks"]["ask"]) for body in bodies]
    assert [body["refused"] for body in bodies] == ["scope-missing"] * 2
    assert found == [("town-a", "privacy-officer", "worklist"), ("housing", "creditor", "log")]
    assert {event["leafIndex"] for event in refusals}.isdisjoint(log.not_asked_for)


@pytest.fixture(scope="module")
def owner(module_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with module_database.connect("vroegsein_owner") as connection:
        yield connection


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUES, max_size=6))
@settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
def test_the_database_knows_the_leaf_that_the_log_will_hold(
    owner: psycopg.Connection[Any], body: dict[str, Any]
) -> None:
    salt, day = bytes(range(32)), datetime(2031, 1, 2, tzinfo=UTC).date()
    row = owner.execute(
        "SELECT privacy.canonical(%(body)s), privacy.leaf_of('access', %(day)s, %(salt)s, %(body)s)",
        {"body": Jsonb(body), "day": day, "salt": salt},
    ).fetchone()
    assert row == (canonical(body).decode(), leaf("access", day, committed(salt, body)))
