"""Notices to webhooks: every creditor with one, every Monday, once; tried again until given up, which can be seen."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from app import linker as linking
from app.db.sessions import Login
from app.linker import Linker
from app.notices import MOST_ATTEMPTS, Notifier, wait_after
from app.webhooks import Failure
from cli.creditor import app
from client.notices import check_notice
from client.service import ServiceRefused
from client.trust import join, signed_document
from privacy.notices import NoticeRefused
from signals.cases import Attempt, ContactKind, TakenUp
from signals.feedback import newest_batch
from signals.report import Category
from tests.conftest import Database
from tests.hooks import HOST, PUBLIC, URL, Hook, listening
from tests.worked import worked_case
from tests.world import World, agreement_document, apply_documents, as_login, make_row, small_world

BATCH = newest_batch(datetime.now(UTC).date())
NOW = datetime.now(UTC) + timedelta(days=1)  # after the database's own now, whenever it is this test's turn
OPEN = """
    SELECT query FROM pg_stat_activity
    WHERE usename = 'vroegsein_linker' AND datname = current_database() AND state LIKE 'idle in transaction%%'
"""
ELSEWHERE = f"https://{HOST}/another"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Housing and health have a webhook in aland; there is feedback for housing alone. Power has none."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push("housing", "aland", [make_row("c1", phone="")])
        world.stop_linking()
        received = BATCH - timedelta(days=11)
        with world.database.as_superuser() as connection:
            connection.execute("UPDATE signals.report SET received_on = %s", [received])
        reached = Attempt(on=received, contact=ContactKind.PHONE, reached=True)
        worked_case(world, "aland", {"housing": "c1"}, [TakenUp(on=received), reached], received, received)
        yield world


@pytest.fixture
def hook(world: World) -> Iterator[Hook]:
    """Their webhook, and a batch that was just made."""
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM intake.feedback_run; DELETE FROM intake.feedback; DELETE FROM intake.notice")
    register(world, URL, "housing", "health")
    world.linker.tell_creditors(BATCH)
    with listening(world.folder) as hook:
        yield hook


def register(world: World, url: str, *creditors: str) -> None:
    apply_documents(world, [agreement_document("aland", name, webhook=url) for name in creditors])


def notifier(world: World, hook: Hook) -> Notifier:
    key = json.loads((world.folder / "service" / "keys" / "log-signing.jwk").read_bytes())
    return Notifier(world.url, key, hook.caller)


def shown(world: World, creditor: str = "housing") -> list[dict[str, Any]]:
    with world.creditor(creditor) as service:
        found: list[dict[str, Any]] = service.get("/feedback/notices", pilotId="aland")["notices"]
    return found


def states(world: World) -> set[tuple[str, int, str | None]]:
    of = [*shown(world), *shown(world, "health")]
    return {(each["state"], each["attempts"], each["failure"]) for each in of}


def give_up(world: World, hook: Hook) -> datetime:
    """Try until all is given up; returns the moment after."""
    now = NOW
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert notifier(world, hook).notify(world.sessions, now) == 2
        now += wait_after(attempt)
    return now


def test_each_creditor_with_a_webhook_gets_one_with_feedback_or_without_and_alike(world: World, hook: Hook) -> None:
    assert world.rows("SELECT DISTINCT creditor_id FROM intake.feedback") == [("housing",)]
    assert notifier(world, hook).notify(world.sessions, NOW) == 2
    assert notifier(world, hook).notify(world.sessions, NOW + timedelta(days=1)) == 0
    world.linker.tell_creditors(BATCH)
    assert notifier(world, hook).notify(world.sessions, NOW + timedelta(days=2)) == 0
    events = {json.loads(body)["subject"]: json.loads(body) for _, _, body in hook.calls}
    assert (len(hook.calls), set(events)) == (2, {"housing", "health"})
    same = [{**event, "subject": "", "id": ""} for event in events.values()]
    assert same[0] == same[1]
    assert states(world) == {("delivered", 1, None)}
    assert shown(world, "power") == []


def test_a_notice_holds_nothing_of_a_report(world: World, hook: Hook) -> None:
    notifier(world, hook).notify(world.sessions, NOW)
    for _, headers, body in hook.calls:
        assert set(json.loads(body)["data"]) == {"pilotId", "batch", "feedback"}
        said = body.decode() + " ".join(headers.values())
        for (value,) in world.rows(
            "SELECT unnest(ARRAY[report_id::text, reference::text, replace(reference::text, '-', ''), period, status])"
            " FROM intake.feedback"
        ):
            assert value not in said
    assert {headers["Content-Type"] for _, headers, _ in hook.calls} == {"application/cloudevents+json"}


def test_the_creditor_knows_it_by_the_signed_pilot_document_and_refuses_anothers(world: World, hook: Hook) -> None:
    notifier(world, hook).notify(world.sessions, NOW)
    home = world.home("housing")
    with world.creditor("housing") as service:
        join(home, service, "aland")
        document, _ = signed_document(home, service, "aland")
    of = {json.loads(body)["subject"]: (body, headers["Vroegsein-Signature"]) for _, headers, body in hook.calls}
    assert check_notice(*of["housing"], document, "housing").batch == BATCH
    for body, signature in (of["health"], (of["housing"][0], of["health"][1])):
        with pytest.raises(NoticeRefused):
            check_notice(body, signature, document, "housing")


def test_what_fails_is_tried_again_later_with_the_same_event_until_it_succeeds_once(world: World, hook: Hook) -> None:
    register(world, URL, "housing")
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM intake.notice WHERE creditor_id = 'health'")
    hook.answers, now = [500, 404], NOW
    for attempt, failure in enumerate((Failure.SERVER_ERROR, Failure.CLIENT_ERROR), start=1):
        assert notifier(world, hook).notify(world.sessions, now) == 1
        (of,) = shown(world)
        assert (of["state"], of["attempts"], of["failure"]) == ("waiting", attempt, failure.value)
        assert notifier(world, hook).notify(world.sessions, now + wait_after(attempt) - timedelta(seconds=1)) == 0
        now += wait_after(attempt)
    port, hook.port = hook.port, 9
    assert notifier(world, hook).notify(world.sessions, now) == 1
    assert shown(world)[0]["failure"] == Failure.UNREACHABLE.value
    hook.port, now = port, now + wait_after(3)
    assert notifier(world, hook).notify(world.sessions, now) == 1
    assert notifier(world, hook).notify(world.sessions, now + timedelta(days=9)) == 0
    assert len(hook.calls) == 3
    assert len({(body, headers["Vroegsein-Signature"]) for _, headers, body in hook.calls}) == 1
    assert shown(world)[0]["state"] == "delivered"


def test_after_the_last_attempt_it_is_given_up_for_all_to_see(
    world: World, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.addresses = lambda: [PUBLIC, "10.0.0.7"]
    with caplog.at_level(logging.WARNING, "vroegsein.notices"):
        after = give_up(world, hook)
    assert states(world) == {("given_up", MOST_ATTEMPTS, "not-public")}
    assert (hook.calls, hook.dialled) == ([], [])
    assert f"{BATCH} to housing in pilot aland is given up after {MOST_ATTEMPTS} attempts: not-public" in caplog.text
    assert "10.0.0.7" not in caplog.text
    assert notifier(world, hook).notify(world.sessions, after + timedelta(days=30)) == 0
    said = CliRunner().invoke(app, ["feedback", "--home", str(world.home("housing").path), "--lang", "en"])
    assert said.exit_code == 0, said.output
    assert "did not reach your webhook (not-public)" in " ".join(said.output.split())


def test_what_was_given_up_goes_out_to_another_webhook_once_one_is_registered(world: World, hook: Hook) -> None:
    hook.addresses = lambda: ["127.0.0.1"]
    after = give_up(world, hook)
    hook.addresses = lambda: [PUBLIC]
    register(world, URL, "housing", "health")  # the same one is nothing new
    assert notifier(world, hook).notify(world.sessions, after) == 0
    register(world, ELSEWHERE, "housing")
    assert notifier(world, hook).notify(world.sessions, after) == 1
    assert [path for path, _, _ in hook.calls] == ["/another"]
    assert (shown(world)[0]["state"], shown(world)[0]["attempts"]) == ("delivered", 1)
    assert shown(world, "health")[0]["state"] == "given_up"


def test_a_webhook_that_was_taken_out_is_called_no_more(world: World, hook: Hook) -> None:
    apply_documents(world, [agreement_document("aland", name) for name in ("housing", "health")])
    assert notifier(world, hook).notify(world.sessions, NOW) == 0


def test_nothing_is_locked_while_a_webhook_is_called_and_two_linkers_do_not_call_twice(
    world: World, hook: Hook
) -> None:
    open_then: list[Any] = []

    def addresses() -> list[str]:
        open_then.extend(world.rows(OPEN))
        open_then.append(notifier(world, quiet).notify(world.sessions, NOW))
        return [PUBLIC]

    with listening(world.folder) as quiet:
        hook.addresses = addresses
        assert notifier(world, hook).notify(world.sessions, NOW) == 1  # the other one was taken meanwhile
        assert open_then == [1]
        assert len(hook.calls) + len(quiet.calls) == 2


def test_a_webhook_that_does_not_answer_holds_up_no_delivery(
    world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "NOTIFY_EVERY", 0.01)
    asked, done, stop = threading.Event(), threading.Event(), threading.Event()

    def waits() -> list[str]:
        asked.set()
        done.wait(30)
        return []

    hook.addresses = waits
    sender = notifier(world, hook)
    linker = Linker(world.sessions, sender.log_key, None, sender)
    with world.database.as_superuser() as connection:
        connection.execute("UPDATE intake.notice SET next_at = now()")
    working = threading.Thread(target=linker.run, args=(stop,), daemon=True)
    working.start()
    try:
        assert asked.wait(30)
        assert world.push("power", "aland", [make_row("p1", phone="", category=Category.ENERGY)]).accepted == 1
        assert not done.is_set()
    finally:
        done.set()
        stop.set()
        working.join()


def test_no_creditor_reads_anothers_notices_and_no_login_of_the_api_writes_them_or_reads_where_they_go(
    world: World, hook: Hook
) -> None:
    notifier(world, hook).notify(world.sessions, NOW)
    with pytest.raises(ServiceRefused) as refused, world.desk("aland", "worklist") as service:
        service.get("/feedback/notices", pilotId="aland")
    assert refused.value.status == 403
    with world.database.connect("vroegsein_ingest") as ingest:
        assert ingest.execute("SELECT batch FROM intake.notice").fetchall() == []
        ingest.execute("SELECT registry.enter_creditor('housing')")
        assert ingest.execute("SELECT creditor_id FROM intake.notice").fetchall() == [("housing",)]
    assert as_login(world, Login.LINKER, "SELECT DISTINCT url FROM intake.notice")[0].url == URL


@pytest.mark.usefixtures("hook")
def test_a_notice_goes_after_a_quarter(world: World) -> None:
    for days, left in ((92, 2), (93, 0)):
        while world.linker.keep_terms(BATCH + timedelta(days=days)):
            pass
        assert world.rows("SELECT count(*) FROM intake.notice") == [(left,)]
