"""The operator changes its own log, with all that an operator has: the database's superuser and the log's key.

Promise 3: whatever it does to what a desk saw, the desk notices at its next look.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.log_sealing import seal_waiting
from client.log_reading import CheckedLog, export_log, read_log, verify_export
from client.log_watch import LogAltered, follow_log
from client.service import ServiceRefused
from privacy.checkpoints import Checkpoint, CheckpointRefused, cosigned_at, read_checkpoint
from privacy.errors import PrivacyError
from privacy.log import GrowingTree, commitment, leaf
from privacy.request_proof import prove_request
from privacy.signing import new_signing_key
from signals.pilot import Role
from tests.conftest import Database
from tests.world import World, make_row, small_world

TABLES = ("log_leaf", "log_node", "log_head", "event", "unsealed")


@pytest.fixture(scope="module")
def seen(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A pilot with a log that its desk has read once."""
    with small_world(module_database, tmp_path_factory.mktemp("log")) as world:
        world.push("housing", "aland", [make_row(f"c{n}", house_number=str(n), phone=f"061234567{n}") for n in (1, 2)])
        world.signals("aland")
        audited(world)
        yield world


@pytest.fixture
def world(seen: World) -> Iterator[World]:
    """The same, with its log put back after the test as it was before."""
    with sealing_held(seen) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE public.kept_{table} AS TABLE privacy.{table}")
    yield seen
    with sealing_held(seen) as connection:
        for table in TABLES:
            connection.execute(f"DELETE FROM privacy.{table}")
            connection.execute(f"INSERT INTO privacy.{table} SELECT * FROM public.kept_{table}")
            connection.execute(f"DROP TABLE public.kept_{table}")
    for note in (seen.home("town-a").path / "log" / "aland").glob("*.note"):
        note.unlink()
    audited(seen)


@contextmanager
def sealing_held(world: World) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's transaction during which the running service seals nothing."""
    with world.database.as_superuser(autocommit=False) as connection:
        connection.execute("LOCK TABLE privacy.log_head IN EXCLUSIVE MODE")
        yield connection


def audited(world: World) -> CheckedLog:
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        return read_log(world.home("town-a"), service, world.documents["aland"])


def log_key(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((world.folder / "service" / "keys" / "log-signing.jwk").read_bytes())
    return found


def rewrite(world: World, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], key: dict[str, Any]) -> None:
    """What a determined operator does: change the events, then build the whole log anew and sign it."""
    seal_waiting(world.sessions, log_key(world))  # what waits would be sealed behind it, with the log's own key
    with sealing_held(world) as connection:
        rows = connection.execute(
            "SELECT l.event_id, e.kind, e.keep_until, e.salt, e.body FROM privacy.log_leaf l"
            " JOIN privacy.event e USING (pilot_id, event_id) WHERE pilot_id = 'aland' ORDER BY leaf_index"
        ).fetchall()
        names = ("event_id", "kind", "keep_until", "salt", "body")
        events = change([dict(zip(names, row, strict=True)) for row in rows])
        for table in ("log_leaf", "log_node"):
            connection.execute(f"DELETE FROM privacy.{table} WHERE pilot_id = 'aland'")
        tree = GrowingTree()
        for index, event in enumerate(events):
            committed = commitment(event["salt"], event["body"])
            hashed = leaf(event["kind"], event["keep_until"], committed)
            connection.execute(
                "UPDATE privacy.event SET body = %s WHERE pilot_id = 'aland' AND event_id = %s",
                [json.dumps(event["body"]), event["event_id"]],
            )
            connection.execute(
                "INSERT INTO privacy.log_leaf VALUES ('aland', %s, %s, %s, %s, %s, %s)",
                [index, event["event_id"], event["kind"], event["keep_until"], committed, hashed],
            )
            for level, position, node in tree.append(hashed):
                connection.execute("INSERT INTO privacy.log_node VALUES ('aland', %s, %s, %s)", [level, position, node])
        head = Checkpoint("aland", tree.size, tree.root()).signed(key)
        connection.execute(
            "UPDATE privacy.log_head SET tree_size = %s, root = %s, checkpoint = %s WHERE pilot_id = 'aland'",
            [tree.size, tree.root(), head],
        )


def test_an_unchanged_log_adds_up_and_grows(world: World) -> None:
    first = audited(world)
    world.signals("aland")
    second = audited(world)
    assert second.events[: len(first.events)] == first.events
    assert second.checkpoint.size > first.checkpoint.size


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE privacy.event SET body = jsonb_set(body, '{actor}', '"0000000000000000"')
           WHERE pilot_id = 'aland' AND kind = 'access'""",
        "UPDATE privacy.event SET salt = sha256(salt) WHERE pilot_id = 'aland'",
        "UPDATE privacy.log_leaf SET keep_until = '2026-11-01' WHERE pilot_id = 'aland' AND leaf_index = 1",
        "UPDATE privacy.log_leaf SET kind = 'heartbeat' WHERE pilot_id = 'aland' AND leaf_index = 1",
        "DELETE FROM privacy.log_leaf WHERE pilot_id = 'aland' AND leaf_index = 1",
        """UPDATE privacy.log_leaf SET leaf_index = CASE leaf_index WHEN 1 THEN -7 ELSE 1 END
           WHERE pilot_id = 'aland' AND leaf_index IN (1, 2)""",
        "UPDATE privacy.log_node SET hash = sha256(hash) WHERE pilot_id = 'aland'",
    ],
    ids=["edited", "another salt", "shorter term", "another kind", "dropped", "moved", "nodes"],
)
def test_an_edited_log_is_found_out(world: World, statement: str) -> None:
    with world.database.as_superuser() as connection:
        connection.execute(statement)
    world.signals("aland")
    with pytest.raises((LogAltered, PrivacyError)):
        audited(world)


def test_a_log_that_was_cut_off_and_signed_again_is_found_out(world: World) -> None:
    rewrite(world, lambda events: events[:-3], log_key(world))
    with pytest.raises(LogAltered, match=r"shorter|seen before"):
        audited(world)


def without_a_look(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    at = next(at for at, event in enumerate(events) if event["kind"] == "access")
    return events[:at] + events[at + 1 :]


def with_another_actor(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    looks = [event for event in events if event["kind"] == "access"]
    looks[0]["body"] = {**looks[0]["body"], "actor": "0000000000000000"}
    return events


def two_swapped(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [events[1], events[0], *events[2:]]


@pytest.mark.parametrize("change", [without_a_look, with_another_actor, two_swapped])
def test_a_log_that_was_rewritten_as_a_whole_and_signed_with_its_own_key_is_found_out(
    world: World, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    rewrite(world, change, log_key(world))
    for _look in range(3):  # it grows beyond what was seen
        world.signals("aland")
    seal_waiting(world.sessions, log_key(world))
    with pytest.raises(LogAltered, match="seen before"):
        audited(world)


def test_a_log_signed_with_another_key_is_found_out(world: World) -> None:
    rewrite(world, lambda events: events, new_signing_key())
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service, pytest.raises(CheckpointRefused):
        follow_log(world.home("town-a"), service, world.documents["aland"])


def test_a_log_forked_for_one_desk_is_told_by_the_other_desks_cosignature(world: World) -> None:
    """Two desks shown two logs of one size: whoever sees both checkpoints holds the proof."""
    audited(world)
    rewrite(world, with_another_actor, log_key(world))
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        (seen,) = service.get("/checkpoints/newest", pilotId="aland")["cosignatures"]
        vkey = world.documents["aland"].log_key
        cosigned = read_checkpoint(seen["checkpoint"], vkey)
        cosigned_at(seen["signature"], cosigned, "town-a", world.documents["aland"].signing)
        forked = GrowingTree()
        for event in service.get("/access-events", pilotId="aland", limit=cosigned.size)["events"]:
            forked.append(bytes.fromhex(event["leafHash"]))
    assert (forked.size, forked.root() == cosigned.root) == (cosigned.size, False)


def invented(world: World, request: str) -> int:
    """The operator writes a look of its own making into the log, and has it sealed; gives its leaf index."""
    body: dict[str, Any] = {"actor": "0" * 16, "purpose": "worklist", "households": [], "refused": None}
    body |= {"organisation": "town-a", "role": "debt-help", "asks": {"ask": "worklist", "limit": 1, "request": request}}
    event = uuid.uuid4()
    with world.database.connect("vroegsein_linker") as connection:
        connection.execute("SELECT privacy.write_event('aland', %s, 'access', %s)", [event, json.dumps(body)])
    seal_waiting(world.sessions, log_key(world))
    statement = "SELECT leaf_index FROM privacy.log_leaf WHERE event_id = %(event)s"
    return int(world.rows(statement, event=event)[0][0])


def test_an_invented_look_is_found_out(world: World) -> None:
    assert audited(world).not_asked_for == ()
    at = invented(world, "")
    assert audited(world).not_asked_for == (at,)


def test_a_look_invented_on_a_request_that_was_made_is_found_out(world: World) -> None:
    """Neither the same request once more, nor one of another person or for another purpose, makes a look."""
    made = [event["body"] for event in audited(world).events if event["kind"] == "access"]
    found = tuple(invented(world, body["asks"]["request"]) for body in made)
    assert audited(world).not_asked_for == found


def test_a_kept_checkpoint_that_was_changed_at_the_desk_is_refused(world: World) -> None:
    newest = max((world.home("town-a").path / "log" / "aland").glob("*.note"))
    newest.write_text(newest.read_text(encoding="utf-8").replace("\n", "\n1", 1), encoding="utf-8")
    with pytest.raises(CheckpointRefused):
        audited(world)


@pytest.fixture
def exported(seen: World, tmp_path: Path) -> tuple[Path, str]:
    file = tmp_path / "log.jsonl"
    log = audited(seen)
    with seen.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        signed = service.get("/pilots/aland/documents/newest")["document"]
    assert export_log(file, log, signed) == log.checkpoint.size
    return file, seen.documents["aland"].fingerprint()


def test_an_exported_log_verifies_with_the_fingerprint_alone(exported: tuple[Path, str]) -> None:
    file, fingerprint = exported
    checked = verify_export(file, fingerprint)
    assert (checked.checkpoint.origin, checked.checkpoint.size) == ("aland", len(checked.events))
    assert checked.not_asked_for == ()


def edited(lines: list[str]) -> list[str]:
    return [line.replace('"purpose": "worklist"', '"purpose": "offer-help"') for line in lines]


@pytest.mark.parametrize(
    "change",
    [
        edited,
        lambda lines: lines[:-1],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: lines[1:],
        lambda _lines: [],
        lambda lines: [*lines[:-1], lines[-1][:40]],
        lambda lines: [lines[0], *["{}" for _ in lines[1:]]],
    ],
    ids=["edited", "cut off", "dropped", "moved", "repeated", "no head", "empty", "half a line", "not events"],
)
def test_an_exported_log_that_was_changed_does_not_verify(
    exported: tuple[Path, str], change: Callable[[list[str]], list[str]]
) -> None:
    file, fingerprint = exported
    file.write_text("\n".join(change(file.read_text(encoding="utf-8").splitlines())), encoding="utf-8")
    with pytest.raises(LogAltered):
        verify_export(file, fingerprint)


def test_an_exported_log_of_another_municipality_does_not_verify(seen: World, exported: tuple[Path, str]) -> None:
    with pytest.raises(PrivacyError):
        verify_export(exported[0], seen.documents["bland"].fingerprint())


def test_a_desk_whose_clock_is_wrong_is_refused_and_leaves_no_look_that_nobody_can_explain(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(audited(world).events)
    for wrong in (timedelta(minutes=6), timedelta(hours=-5)):

        def signed(*request: Any, wrong: timedelta = wrong) -> str:
            private, method, target, body, viewer, now = request
            return prove_request(private, method, target, body, viewer, now + wrong)

        monkeypatch.setattr("client.desk_work.prove_request", signed)
        with pytest.raises(ServiceRefused, match="clock"):
            world.signals("aland")
    monkeypatch.undo()
    log = audited(world)
    assert log.not_asked_for == ()
    assert not [event for event in log.events[before:] if event["body"].get("purpose") == "worklist"]
