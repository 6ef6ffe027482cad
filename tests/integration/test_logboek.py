"""Records for a Logboek: one per data subject, to a real receiver of OTLP, none lost, and none says who acted."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from app import logboek as telling
from app.db.sessions import Login
from app.logboek import Logboek
from app.otlp import LogboekUnusable, Sender
from client.log_reading import read_log
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.world import PILOTS, World, as_login, make_row, small_world

ACTIVITY, OF_OFFER = "https://register.example.org/activities/7/versions/2", "urn:example:activity:9"
SECRET = bytes(range(32))
PROCESSING, SUBJECT, TYPE = (
    f"dpl.core.{n}" for n in ("processing_activity_id", "data_subject_id", "data_subject_id_type")
)


@dataclass
class Receiver:
    """What came in, as a Logboek would store it; `status` and `rejected` are what it answers."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    status: int = 200
    rejected: int = 0

    def attributes(self, span: Any) -> dict[str, str]:
        return {each.key: each.value.string_value for each in span.attributes}

    def subjects(self, name: str) -> list[str]:
        found = [self.attributes(span).get(SUBJECT, "") for span in self.spans if span.name == name]
        return sorted(filter(None, found))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/x-protobuf"
            request = trace_service_pb2.ExportTraceServiceRequest()
            request.ParseFromString(body)
            if received.status == 200:
                received.raw.append(body)
                scopes = [scope for of in request.resource_spans for scope in of.scope_spans]
                received.spans += [span for scope in scopes for span in scope.spans]
            answer = trace_service_pb2.ExportTraceServiceResponse()
            if received.rejected:
                answer = trace_service_pb2.ExportTraceServiceResponse(
                    partial_success=trace_service_pb2.ExportTracePartialSuccess(rejected_spans=received.rejected)
                )
            self.send_response(received.status)
            self.end_headers()
            self.wfile.write(answer.SerializeToString())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two households in aland, one of two creditors; one in bland. Both pilots name their entry in the register."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        change = f"""
            UPDATE registry.pilot SET document = jsonb_set(document || '{{"processing_activity": "{ACTIVITY}"}}',
                '{{purposes,offer-help,processing_activity}}', '"{OF_OFFER}"')
        """
        with world.database.as_superuser() as connection:
            connection.execute(change.encode())
        tell(world, "http://127.0.0.1:9/v1/traces")  # from here on
        world.push("housing", "aland", [make_row("a1", phone=""), make_row("a2", "Bakker", house_number="9", phone="")])
        world.push("power", "aland", [make_row("a1", phone="", category=Category.ENERGY)])
        world.push("housing", "bland", [make_row("b1", phone="")])
        world.signals("aland")
        (household,) = world.rows("SELECT household_id::text FROM signals.signal WHERE pilot_id = 'bland'")[0]
        (signal,) = world.rows("SELECT signal_id::text FROM signals.signal WHERE household_id = %(h)s", h=household)[0]
        with world.desk("bland", "offer-help") as service:
            service.get(f"/signals/{signal}", pilotId="bland")
        while world.rows("SELECT 1 FROM privacy.unsealed"):
            threading.Event().wait(0.1)
        yield world


@pytest.fixture(autouse=True)
def at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test tells the same again, and does not wait for looks to be closed: they are."""
    monkeypatch.setattr(telling, "SETTLED_AFTER", 0)
    with world.database.as_superuser() as connection:
        connection.execute("UPDATE privacy.logboek_position SET leaf_index = 0, after = NULL")


def tell(world: World, url: str) -> int:
    return Logboek(Sender(url), SECRET).tell(world.sessions)


def households(world: World, pilot: str) -> set[str]:
    return {
        row[0] for row in world.rows("SELECT household_id::text FROM signals.report WHERE pilot_id = %(p)s", p=pilot)
    }


def test_a_look_is_one_record_and_one_for_each_household_that_it_was_about(world: World, receiver: Receiver) -> None:
    told = tell(world, receiver.url)
    assert told == len(receiver.spans)
    looks = [span for span in receiver.spans if span.name == "look"]
    of_list = [span for span in looks if receiver.attributes(span)[PROCESSING] == ACTIVITY]
    parent, *children = sorted(of_list, key=lambda span: span.parent_span_id)
    assert receiver.attributes(parent) == {PROCESSING: ACTIVITY}
    assert {span.trace_id for span in of_list} == {parent.trace_id}
    assert {span.parent_span_id for span in children} == {parent.span_id}
    named = {Logboek(Sender(receiver.url), SECRET).subject("aland", each) for each in households(world, "aland")}
    assert {receiver.attributes(span)[SUBJECT] for span in children} == named
    assert len(children) == len(named) == 2
    assert {receiver.attributes(span)[TYPE] for span in children} == {"household"}
    assert {receiver.attributes(span)[PROCESSING] for span in looks} == {ACTIVITY, OF_OFFER}
    for span in receiver.spans:
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.status.code == span.status.STATUS_CODE_UNSET
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in looks)


def test_a_look_that_failed_is_told_as_failed(world: World, receiver: Receiver) -> None:
    ask = "SELECT event_id FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', 'offer-help', '{}')"
    event = as_login(world, Login.OPENER, ask)[0].event_id
    as_login(world, Login.OPENER, "SELECT privacy.close_event('aland', :e, 'failed', '[]')", e=event)
    while world.rows("SELECT 1 FROM privacy.unsealed"):
        threading.Event().wait(0.1)
    tell(world, receiver.url)
    leaf = world.rows("SELECT encode(leaf_hash, 'hex') FROM privacy.log_leaf WHERE event_id = %(e)s", e=event)[0][0]
    failed = [span.trace_id.hex() for span in receiver.spans if span.status.code == span.status.STATUS_CODE_ERROR]
    assert failed == [leaf[:32]]


def test_a_delivery_is_one_record_and_one_for_each_household_in_it(world: World, receiver: Receiver) -> None:
    tell(world, receiver.url)
    deliveries = [span for span in receiver.spans if span.name == "delivery"]
    assert len([span for span in deliveries if not span.parent_span_id]) == 3
    assert len(receiver.subjects("delivery")) == 2 + 1 + 1


def test_a_household_has_another_name_in_each_pilot_and_its_id_is_in_no_record(
    world: World, receiver: Receiver
) -> None:
    tell(world, receiver.url)
    sent = b"".join(receiver.raw)
    known = households(world, "aland") | households(world, "bland")
    for each in known:
        assert each.encode() not in sent
        assert uuid.UUID(each).bytes not in sent
    logboek = Logboek(Sender(receiver.url), SECRET)
    assert len({logboek.subject(pilot, each) for pilot in PILOTS for each in known}) == 2 * len(known)


def test_no_record_tells_who_acted_or_holds_the_pass_to_a_look(world: World, receiver: Receiver) -> None:
    tell(world, receiver.url)
    sent = b"".join(receiver.raw)
    bodies = world.rows(
        "SELECT event_id, body ->> 'actor', body ->> 'organisation', body ->> 'role' FROM privacy.event"
    )
    looks = [row for row in bodies if row[1]]
    assert looks
    for event, actor, organisation, role in looks:
        for secret in (event.bytes, str(event).encode(), event.hex.encode(), actor.encode(), organisation.encode()):
            assert secret not in sent
        assert role.encode() not in sent
    assert {key for span in receiver.spans for key in receiver.attributes(span)} == {PROCESSING, SUBJECT, TYPE}


def test_the_privacy_officer_finds_the_event_by_the_trace(world: World, receiver: Receiver) -> None:
    tell(world, receiver.url)
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-a"), service, world.documents["aland"])
    leaves = world.rows("SELECT encode(leaf_hash, 'hex'), kind FROM privacy.log_leaf")
    kinds = {leaf[:32]: kind for leaf, kind in leaves}
    assert log.events
    assert {kinds[span.trace_id.hex()] for span in receiver.spans if span.name == "look"} == {"access"}
    assert {kinds[span.trace_id.hex()] for span in receiver.spans if span.name == "delivery"} == {"delivery"}


@pytest.mark.parametrize("trouble", ["down", "refuses", "rejects some", "is something else"])
def test_what_was_not_confirmed_is_told_again_under_the_same_ids(
    world: World, receiver: Receiver, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = "http://127.0.0.1:9/v1/traces" if trouble == "down" else receiver.url
    receiver.status = {"refuses": 503, "is something else": 302}.get(trouble, 200)
    receiver.rejected = 1 if trouble == "rejects some" else 0
    assert tell(world, url) == 0
    assert "was not told, to be tried again" in caplog.text
    before = [(span.trace_id, span.span_id) for span in receiver.spans]
    receiver.status, receiver.rejected = 200, 0
    receiver.spans.clear()
    assert tell(world, receiver.url) == len(receiver.spans) > 0
    ids = [(span.trace_id, span.span_id) for span in receiver.spans]
    assert len(set(ids)) == len(ids)
    assert set(before) <= set(ids)
    receiver.spans.clear()
    tell(world, receiver.url)
    assert not receiver.subjects("delivery")  # what was confirmed is not told again


def test_a_large_delivery_goes_in_several_batches_and_each_household_once(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(world, receiver.url)
    whole = sorted((span.trace_id, span.span_id, span.parent_span_id) for span in receiver.spans)
    receiver.spans.clear()
    with world.database.as_superuser() as connection:
        connection.execute("UPDATE privacy.logboek_position SET leaf_index = 0, after = NULL")
    monkeypatch.setattr(telling, "MOST_RECORDS", 1)
    while tell(world, receiver.url):
        pass
    parts = sorted((span.trace_id, span.span_id, span.parent_span_id) for span in receiver.spans)
    assert [part for part in parts if part in set(whole)] == whole


def test_a_look_that_may_still_be_under_way_waits(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "SETTLED_AFTER", 3600)
    assert tell(world, receiver.url) == 0


def test_two_linkers_at_once_tell_it_once(world: World, receiver: Receiver) -> None:
    with world.sessions.begin(Login.LINKER) as connection:
        connection.execute(telling.POSITION, {"pilot": "aland"}).one()
        tell(world, receiver.url)
        assert {receiver.attributes(span)[PROCESSING] for span in receiver.spans if span.name == "look"} == {OF_OFFER}


def test_a_pilot_that_names_no_entry_of_the_register_is_not_told_of(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    with small_world(database, tmp_path) as other:
        assert tell(other, receiver.url) == 0
        assert as_login(other, Login.LINKER, "SELECT FROM privacy.logboek_position") == []


def test_off_by_default_nothing_is_loaded_and_nobody_is_told(tmp_path: Path) -> None:
    code = """
        import sys
        from app.identity.signing_key import make_signing_key
        from app.settings import load_settings
        from cli.operator import linker_of
        settings = load_settings()
        make_signing_key(settings.log_key_file)
        assert linker_of(settings, None)._logboek is None
        loaded = [name for name in sys.modules if name.startswith(("opentelemetry.proto", "google.protobuf"))]
        sys.exit(f"loaded: {loaded}" if loaded else 0)
    """
    code = "\n".join(line.strip() for line in code.splitlines())
    plain = {name: value for name, value in os.environ.items() if not name.startswith("VROEGSEIN_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**plain, "VROEGSEIN_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_where_it_is_set_and_the_library_is_missing_the_linker_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1", None)
    with pytest.raises(LogboekUnusable, match=r"pip install 'vroegsein\[logboek\]'"):
        Sender("https://logboek.example.org/v1/traces")
