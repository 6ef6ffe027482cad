"""A new pilot key: all that stands goes under it at one stroke, links survive, and nothing of the old one is left."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from app.completion import lock_pilot
from app.db.sessions import Login
from app.rekeying import rekey as carry_out
from cli.desk import app
from client import rekeying
from client.delivering import deliver
from client.desk_basis import recorded
from client.desk_pilot import expel, own_document, sign_anew
from client.desk_work import show
from client.log_reading import read_log
from client.opening import REKEYED_AS, OpenedReport, open_report
from client.service import ServiceRefused
from client.trust import join
from privacy.matchkeys import match_keys
from privacy.sealing import AlteredReport
from privacy.signing import NotSigned, new_signing_key, sign
from signals.consents import Rekeyed
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.held import KEYS
from tests.world import CREDITORS, PILOTS, World, checked_of, make_row, small_world

NEXT, LATER = "2026-11", date(2026, 11, 30)
NEXT_MONTH: dict[str, Any] = {"category": Category.HEALTH_INSURANCE, "reported_on": LATER}
OBJECTOR = {"house_number": "77", "phone": "", "initials": "Q."}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """In both pilots: a household that two creditors reported, one of consent, one that objected, one alone."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            consenting = make_row("e1", category=Category.ENERGY)
            world.consent(pilot, consenting.contacts[0])
            objecting = make_row("o1", "Objector", **OBJECTOR)
            alone = make_row("a1", "Bakker", house_number="5", phone="", initials="K.")
            world.push("housing", pilot, [make_row("c1"), objecting, alone])
            world.push("power", pilot, [consenting])
            world.decide(pilot, world.object(pilot, objecting.contacts[0]), "upheld")
            world.object(pilot, make_row("p", "Pauser", house_number="88", phone="", initials="P.").contacts[0])
            world.list_clients(pilot, alone.contacts[0])
        yield world


def new_epoch(world: World, pilot: str = "aland", *, shut_out: bool = False) -> rekeying.Outcome:
    home = world.home(PILOTS[pilot])
    with world.desk(pilot, "rekey") as service:
        world.documents[pilot] = rekeying.begin_epoch(home, service, own_document(home, service, pilot))
        return rekeying.rekey(home, service, world.documents[pilot], shut_out=shut_out)


def re_keyed(world: World, pilot: str = "aland") -> None:
    """That the pilot has had a new epoch."""
    if world.documents[pilot].epoch == 1:
        assert new_epoch(world, pilot).outcome == "re-keyed"


def links(world: World, pilot: str = "aland") -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT report_id, person_id, household_id, state, amount_euros FROM signals.report WHERE pilot_id = %(p)s"
        " ORDER BY report_id",
        p=pilot,
    )


def keys(world: World, pilot: str = "aland") -> set[str]:
    """Every match key, veto token and district under the pilot key that is in use, wherever it stands."""
    texts = world.rows("SELECT sent FROM signals.sealed_report WHERE pilot_id = %(p)s", p=pilot)
    found = set()
    for (sent,) in texts:
        said = json.loads(sent)
        found |= {*re.findall(r"[0-9a-f]{32}", json.dumps(said["keys"])), said["district"]}
    for table in ("consent_key", "objection_key", "known_client_key"):
        whole = "NOT of_contract" if table == "objection_key" else "true"
        rows = world.rows(f"SELECT key, birth FROM privacy.{table} WHERE pilot_id = %(p)s AND {whole}", p=pilot)
        found |= {value.hex for row in rows for value in row if value is not None}
    return found


def dump(world: World) -> str:
    tables = world.rows(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
        " WHERE schemaname IN ('registry', 'intake', 'signals', 'privacy')"
    )
    rows = (world.rows(f"SELECT to_jsonb(t)::text FROM {table} t") for (table,) in tables)
    return "\n".join(row[0] for of_table in rows for row in of_table).replace("-", "")


def opened(world: World, pilot: str = "aland") -> list[Any]:
    ids = [signal["signalId"] for signal in world.signals(pilot)]
    home = world.home(PILOTS[pilot])
    with world.desk(pilot, "offer-help") as service:
        document = own_document(home, service, pilot)
        return [report for one in ids for _row, report in show(home, service, document, one).reports]


def test_links_and_signals_survive_and_no_key_of_the_old_epoch_is_left_in_any_table(world: World) -> None:
    before, signals, old = links(world), world.signals("aland"), keys(world)
    assert len({row[2] for row in before}) < len(before)  # some share a household
    assert len(old) > 40
    done = new_epoch(world)
    assert (done.outcome, done.unopened, done.closed) == ("re-keyed", (), ())
    assert done.reports == len(before)
    assert links(world) == before
    assert [{**s, "district": None, "explanation": None} for s in world.signals("aland")] == [
        {**s, "district": None, "explanation": None} for s in signals
    ]
    whole = dump(world)
    assert not [key for key in old if key in whole]
    assert len(keys(world)) > 40
    found = opened(world)
    assert found
    assert all(isinstance(report, OpenedReport) for report in found)


def test_the_log_tells_of_every_step_as_the_desks_own_and_keeps_its_promises(world: World) -> None:
    re_keyed(world)
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-a"), service, world.documents["aland"])
    asked = {event["body"]["asks"]["ask"] for event in log.events if event["kind"] == "access"}
    assert {"sealings", "rekey", "stage-rekeying", "rekeying"} <= asked
    assert (log.not_asked_for, log.broken) == ((), ())


def test_who_is_on_the_knock_out_list_stays_known_under_the_new_key(world: World) -> None:
    re_keyed(world)
    world.push(
        "health", "aland", [make_row("h1", "Bakker", house_number="5", phone="", initials="K.", **NEXT_MONTH)], NEXT
    )
    assert {signal["tray"] for signal in world.signals("aland") if signal["period"] == NEXT} == {"known_client"}


def test_next_months_reports_under_the_new_key_meet_those_of_before(world: World) -> None:
    re_keyed(world)
    before = {row[0]: row[2] for row in links(world)}
    row = make_row("c1", reported_on=LATER, months=2, arrears_since=date(2026, 9, 20))
    assert world.push("housing", "aland", [row], NEXT).accepted == 1
    after = {row[0]: row[2] for row in links(world)}
    (fresh,) = after.keys() - before.keys()
    assert len([report for report in before if after[report] == after[fresh]]) == 2  # this contract's, and energy


@pytest.mark.parametrize("pilot", list(PILOTS))
def test_consents_and_noes_hold_under_the_new_key(world: World, pilot: str) -> None:
    """The objector, with another contract of another creditor, stays out; who consented comes in; who waits, waits."""
    re_keyed(world, pilot)
    count = len(links(world, pilot))
    steps: dict[str, Any] = {"reported_on": LATER, "months": 2, "arrears_since": date(2026, 9, 20)}
    energy: dict[str, Any] = {"category": Category.ENERGY, **steps}
    other = make_row(f"n-{pilot}", "Objector", **OBJECTOR, **{**energy, "category": Category.HEALTH_INSURANCE})
    assert world.push("health", pilot, [other], NEXT).accepted == 1
    assert len(links(world, pilot)) == count
    waiting = make_row(f"w-{pilot}", "Pauser", house_number="88", phone="", initials="P.", **steps)
    world.push("housing", pilot, [waiting], NEXT)
    assert [row[3] for row in links(world, pilot)].count("paused") == 1
    world.push("power", pilot, [make_row("e1", **energy)], NEXT)
    assert len(links(world, pilot)) == count + 2


def test_what_is_sent_under_the_old_key_is_refused_and_repeating_it_mends_that(world: World) -> None:
    home, rows = world.home("housing"), [make_row("late", "Late", house_number="51", phone="")]
    with world.creditor("housing") as service:
        before = join(home, service, "aland")
        new_epoch(world)
        with pytest.raises(ServiceRefused) as refused:
            deliver(home, service, before, checked_of(rows, Category.RENT))
        assert refused.value.rule == "other-epoch"
        done = deliver(home, service, join(home, service, "aland"), checked_of(rows, Category.RENT))
    assert done.accepted == 1


def test_parts_that_were_sent_before_the_new_key_do_not_complete(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And they are gone when the pilot is re-keyed."""
    desk = world.home("town-a")
    home, rows = world.home("power"), [make_row("half", "Half", house_number="52", phone="", category=Category.ENERGY)]
    with world.creditor("power") as service:
        before = join(home, service, "aland")
        real = service.put

        def after_all_parts(path: str, body: Any, **query: str) -> dict[str, Any]:
            with world.desk("aland") as signing:
                world.documents["aland"] = rekeying.begin_epoch(desk, signing, own_document(desk, signing, "aland"))
            return real(path, body, **query)

        with monkeypatch.context() as patched:
            patched.setattr(service, "put", after_all_parts)
            with pytest.raises(ServiceRefused) as refused:
                deliver(home, service, before, checked_of(rows, Category.ENERGY))
    assert refused.value.rule == "other-epoch"
    with world.desk("aland", "rekey") as service:
        assert rekeying.rekey(desk, service, world.documents["aland"]).outcome == "re-keyed"
    assert before.key is not None
    whole, old = dump(world), match_keys(before.key, rows[0].contacts, before.document.epoch, fill=bytes)
    assert not [key for key in (*old.strong, old.dwelling) if key != "00" * 16 and key in whole]


def test_re_keying_changes_nothing_but_keys_and_district(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the desk's mistake, nor over a correction that came in meanwhile."""
    before, old, home = links(world), keys(world), world.home("town-a")
    with world.desk("aland", "rekey") as service:
        document = rekeying.begin_epoch(home, service, own_document(home, service, "aland"))

        def with_another_amount(row: Any, trusted: Any, private: bytes) -> OpenedReport:
            found = open_report(row, trusted, private)
            return replace(found, report=found.report.model_copy(update={"months": 99}))

        with monkeypatch.context() as patched:
            patched.setattr(rekeying, "open_report", with_another_amount)
            assert rekeying.rekey(home, service, document).outcome == "incomplete"
        assert (links(world), keys(world)) == (before, old)
        assert rekeying.rekey(home, service, document).outcome == "re-keyed"


NODES = """
    INSERT INTO privacy.rekeyed_node (pilot_id, node_id, keys)
    SELECT 'aland', consent_id, %(keys)s::jsonb FROM privacy.consent WHERE pilot_id = 'aland'
    UNION ALL SELECT 'aland', objection_id, %(keys)s FROM privacy.objection WHERE pilot_id = 'aland'
    UNION ALL SELECT 'aland', client_id, %(keys)s FROM privacy.known_client WHERE pilot_id = 'aland' RETURNING 1
"""
WAITS = """
    WITH waiting AS (UPDATE intake.delivery SET state = 'completing' WHERE delivery_id = (
        SELECT delivery_id FROM intake.part JOIN intake.delivery USING (pilot_id, delivery_id)
        WHERE pilot_id = 'aland' AND creditor_id = 'housing' LIMIT 1) RETURNING delivery_id)
    UPDATE intake.part SET epoch = :epoch - 1 WHERE delivery_id IN (SELECT delivery_id FROM waiting)
"""


@pytest.mark.parametrize(("waits", "outcome"), [(False, "re-keyed"), (True, "incomplete")], ids=["none", "one"])
def test_a_delivery_that_waits_under_the_old_key_is_taken_up_first(
    world: World,
    waits: bool,  # noqa: FBT001 - pytest names it
    outcome: str,
) -> None:
    """The linker does what the desk asks before it takes up deliveries: this one would come in with old keys."""
    new_epoch(world)
    epoch = world.documents["aland"].epoch
    assert world.rows(NODES, keys=Jsonb(KEYS))
    with world.sessions.begin(Login.LINKER) as connection:
        pilot = lock_pilot(connection, "aland")
        if waits:
            assert connection.execute(sa.text(WAITS), {"epoch": epoch}).rowcount
        assert carry_out(connection, pilot, world.linker.rule_set, epoch) == outcome
        connection.rollback()
    world.rows("DELETE FROM privacy.rekeyed_node RETURNING 1")


def test_nothing_changes_until_all_is_there(world: World) -> None:
    """The document names the new key, and the desk's line broke before it had sent anything."""
    home, before = world.home("town-a"), keys(world)
    with world.desk("aland", "rekey") as service:
        document = rekeying.begin_epoch(home, service, own_document(home, service, "aland"))
        done = recorded(service, document, "/rekeying-completions", Rekeyed(epoch=document.epoch))
        assert (done["outcome"], keys(world)) == ("incomplete", before)
        assert rekeying.rekey(home, service, document).outcome == "re-keyed"
        assert not keys(world) & before
        assert rekeying.rekey(home, service, document).outcome == "re-keyed"  # once more does no harm
    assert all(isinstance(report, OpenedReport) for report in opened(world))


@pytest.mark.parametrize(
    "change", ["UPDATE signals.sealed_report SET contact = '\\x00'", "DELETE FROM signals.sealed_report"]
)
def test_a_report_that_does_not_open_is_shut_out_once_a_person_says_so(world: World, change: str) -> None:
    """Whoever had a stolen key can't keep the old one alive by it, nor does a mistake at the desk erase them all."""
    world.push("housing", "aland", [make_row(change[:6], "Bad", house_number="61", phone="", initials="B.")])
    (bad,) = world.rows(
        "SELECT r.report_id FROM signals.report r JOIN intake.delivery d USING (pilot_id, delivery_id)"
        " WHERE pilot_id = 'aland' AND d.creditor_id = 'housing' ORDER BY d.completed_at DESC LIMIT 1"
    )
    with world.database.as_superuser() as connection:
        connection.execute(f"{change} WHERE report_id = %s".encode(), [bad[0]])
    before = links(world), keys(world)
    done = new_epoch(world)
    assert (done.outcome, done.unopened) == ("incomplete", (str(bad[0]),))
    assert (links(world), keys(world)) == before
    done = new_epoch(world, shut_out=True)
    assert (done.outcome, done.unopened) == ("re-keyed", (str(bad[0]),))
    assert bad[0] not in {row[0] for row in links(world)}
    assert world.rows("SELECT 1 FROM signals.shut_out WHERE report_id = %(id)s", id=bad[0])


@pytest.mark.parametrize(
    "change",
    [
        "sent = regexp_replace(sent, '\"months\":[0-9]+', '\"months\":9')",
        'sent = regexp_replace(sent, \'"strong":\\["[0-9a-f]{32}\', \'"strong":["00000000000000000000000000000000\')',
        "contact = set_byte(contact, 9, 255 - get_byte(contact, 9))",
    ],
    ids=["months", "match key", "details"],
)
def test_what_was_re_keyed_is_altered_by_nobody(world: World, change: str) -> None:
    re_keyed(world)
    with world.database.as_superuser() as connection:
        before = connection.execute(
            "SELECT report_id, sent, contact FROM signals.sealed_report WHERE pilot_id = 'aland'"
        ).fetchall()
        connection.execute(f"UPDATE signals.sealed_report SET {change} WHERE pilot_id = 'aland'".encode())
        found = opened(world)
        for report, sent, contact in before:
            connection.execute(
                "UPDATE signals.sealed_report SET sent = %s, contact = %s WHERE report_id = %s", [sent, contact, report]
            )
    assert found
    assert {type(report) for report in found} <= {AlteredReport}


@pytest.mark.parametrize("shown", ["creditor_id = 'health'", "category = 'water'", "period = '2026-09'"])
def test_a_re_keyed_report_is_nobody_elses_and_of_no_other_month(world: World, shown: str) -> None:
    re_keyed(world)
    (report,) = world.rows(
        "SELECT report_id FROM signals.report WHERE pilot_id = 'aland' AND creditor_id = 'power' AND period = '2026-10'"
        " ORDER BY report_id LIMIT 1"
    )
    with world.database.as_superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        before = connection.execute(
            "SELECT creditor_id, category, period FROM signals.report WHERE report_id = %s", [report[0]]
        ).fetchone()
        assert before is not None
        connection.execute(f"UPDATE signals.report SET {shown} WHERE report_id = %s".encode(), [report[0]])
        found = opened(world)
        connection.execute(
            "UPDATE signals.report SET creditor_id = %s, category = %s, period = %s WHERE report_id = %s",
            [*before, report[0]],
        )
    assert AlteredReport in {type(report) for report in found}


def test_nobody_pushes_keys_in_the_desks_name(world: World) -> None:
    """Neither signed by a key of the service's own, nor by a creditor, nor by another pilot's desk."""
    home = world.home("town-a")
    with world.desk("aland", "rekey") as service:
        document = own_document(home, service, "aland")
        sent: list[dict[str, Any]] = []
        real = service.post

        def keeping(path: str, body: Any, **query: str) -> dict[str, Any]:
            sent.append({**body})
            return real(path, body, **query)

        service.post = keeping  # type: ignore[method-assign]
        rekeying.rekey(home, service, document)
        batch = next(body for body in sent if "rekeying" in body)
        payload = base64.urlsafe_b64decode(batch["rekeying"].split(".")[1] + "==")
        signers = (new_signing_key(), *(world.home(name).jwk("signing.jwk") for name in (*CREDITORS, "town-b")))
        for signer in signers:
            with pytest.raises(ServiceRefused) as refused:
                real("/rekeyings", {**batch, "rekeying": sign(payload, signer, REKEYED_AS)}, pilotId="aland")
            assert (refused.value.status, refused.value.kind) == (400, "not-signed")


def test_a_manifest_of_re_keying_that_the_service_signed_opens_nothing(world: World) -> None:
    re_keyed(world)
    where = "pilot_id = 'aland' AND creditor_id = 'town-a' AND key_envelope IS NOT NULL"
    rows = world.rows(f"SELECT delivery_id, manifest FROM intake.delivery WHERE {where}")
    put = "UPDATE intake.delivery SET manifest = %(manifest)s WHERE delivery_id = %(id)s RETURNING 1"
    for identity, manifest in rows:
        payload = base64.urlsafe_b64decode(manifest.split(".")[1] + "==")
        world.rows(put, id=identity, manifest=sign(payload, new_signing_key(), REKEYED_AS))
    found = opened(world)
    for identity, manifest in rows:
        world.rows(put, id=identity, manifest=manifest)
    assert found
    assert {type(report) for report in found} == {NotSigned}


def test_the_mark_of_a_stolen_key_stays_through_a_new_epoch(world: World) -> None:
    home = world.home("town-a")
    with world.desk("aland") as service:
        before = own_document(home, service, "aland")
        expel(home, service, "aland", "power", date(2026, 11, 2), compromised=True)
    new_epoch(world)
    found = [report for report in opened(world) if isinstance(report, OpenedReport)]
    assert {report.creditor: report.compromised for report in found if report.creditor in {"power", "housing"}} == {
        "power": True,
        "housing": False,
    }
    with world.desk("aland", "rekey") as service:
        standing = own_document(home, service, "aland")
        sign_anew(home, service, standing, {"creditors": before.creditors, "former": {}})
        rekeying.rekey(home, service, own_document(home, service, "aland"))


def test_a_raw_session_gets_at_reports_to_re_key_in_an_event_for_that_alone(world: World) -> None:
    ask = "SELECT count(*) FROM gate.reports_to_rekey(999, '00000000-0000-0000-0000-000000000000', 500)"
    cases = (("rekey", "offer-help", True), ("rekey", "keep-keys", False), ("sealings", "offer-help", False))
    for asked, purpose, allowed in cases:
        with world.database.connect("vroegsein_opener") as opener:
            event = opener.execute(
                "SELECT event_id FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', %s, %s)",
                [purpose, Jsonb({"ask": asked})],
            ).fetchone()
        with world.database.connect("vroegsein_recorder") as recorder:
            assert recorder.execute(ask).fetchone() == (0,)
            recorder.execute("SELECT gate.enter_scope('aland', %s)", event)
            count = recorder.execute(ask).fetchone()
            assert count is not None
            assert (count[0] > 0) is allowed, (asked, purpose)
            recorder.execute("SELECT gate.enter_scope('bland', %s)", event)
            assert recorder.execute(ask).fetchone() == (0,)


def test_a_purpose_that_does_not_disclose_contact_details_re_keys_nothing(world: World) -> None:
    with world.desk("aland", "keep-keys") as service, pytest.raises(ServiceRefused) as refused:
        service.get("/rekeyings", pilotId="aland")
    assert (refused.value.status, refused.value.kind) == (403, "look-refused")


def test_by_one_command_the_desk_makes_a_new_key_forgets_the_old_and_creditors_get_it(world: World) -> None:
    home, old = world.home("town-a"), keys(world)
    home.save(home.settings.model_copy(update={"pilots": {"aland": "typed"}}))
    done = CliRunner().invoke(app, ["new-epoch", "--home", str(home.path), "--user", "somebody", "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert not keys(world) & old
    kept = [file.name for file in (home.path / "keys").glob("pilot-aland-*.key")]
    assert len(kept) == 1
    with world.creditor("health") as service:
        assert join(world.home("health"), service, "aland").key == home.secret(kept[0])
