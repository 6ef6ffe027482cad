"""A creditor without a pilot key: its reports wait out of sight until the desk has made their match keys."""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from app.completion import lock_pilot
from app.db.sessions import Login
from app.rekeying import key as carry_out
from app.retention import take_step
from cli.desk import app
from client import desk_work, rekeying
from client.delivering import deliver
from client.desk_pilot import own_document, seal_pilot_key
from client.log_reading import read_log
from client.opening import OpenedReport
from client.service import ServiceRefused
from client.trust import join
from privacy.matchkeys import STRONG_KEYS, WEAK_KEYS
from signals.pilot import Keying, Role
from signals.report import Category
from tests.conftest import Database
from tests.world import World, add_creditor, checked_of, make_row, small_world, told_by

SMALL = "lodge"  # a private landlord
NEXT, LATER = "2026-11", date(2026, 11, 30)
NEXT_MONTH: dict[str, Any] = {"reported_on": LATER, "months": 2, "arrears_since": date(2026, 9, 20)}
ALONE = {"house_number": "5", "phone": "", "initials": "K."}


@pytest.fixture(scope="module")
def its_world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small world, in whose first pilot a private landlord takes part."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        add_creditor(world, SMALL, "aland", keying="desk")
        yield world


@pytest.fixture
def world(its_world: World) -> Iterator[World]:
    """Of which each test finds nothing delivered or said."""
    yield its_world
    its_world.empty()


def key(world: World, **how: Any) -> rekeying.Outcome:
    with world.desk("aland", "rekey") as service:
        return rekeying.key(world.home("town-a"), service, world.documents["aland"], **how)


def states(world: World) -> list[tuple[str, str]]:
    return world.rows("SELECT creditor_id, state FROM signals.report WHERE pilot_id = 'aland' ORDER BY 1, 2")


def unkeyed(world: World) -> int:
    with world.desk("aland") as service:
        return desk_work.pull(world.home("town-a"), service, "aland")[1]


def opened(world: World) -> list[Any]:
    ids = [signal["signalId"] for signal in world.signals("aland")]
    home = world.home("town-a")
    with world.desk("aland", "offer-help") as service:
        document = own_document(home, service, "aland")
        return [report for one in ids for _row, report in desk_work.show(home, service, document, one).reports]


def test_no_pilot_key_is_sealed_to_it_and_it_joins_without(world: World) -> None:
    home = world.home(SMALL)
    assert world.documents["aland"].creditors[SMALL].keying is Keying.DESK
    with world.creditor(SMALL) as service:
        assert join(home, service, "aland").key is None
        assert service.get("/pilots/aland/key-envelopes")["keyEnvelopes"] == []
    assert not list((home.path / "keys").glob("pilot-*"))
    with world.desk("aland", "rekey") as service:
        seal_pilot_key(world.home("town-a"), service, world.documents["aland"])  # as for a new epoch
        with pytest.raises(ServiceRefused):  # nor does the service take one for it
            service.put(f"/pilots/aland/key-envelopes/{SMALL}", {"envelope": "AAAA", "epoch": 1})
    assert world.rows("SELECT FROM registry.key_envelope WHERE organisation_id = %(c)s", c=SMALL) == []


def test_what_it_sends_has_as_many_keys_as_any_and_all_of_them_random(world: World) -> None:
    world.push(SMALL, "aland", [make_row("l1"), make_row("l2")])  # of one and the same tenant
    sent = [json.loads(row[0]) for row in world.rows("SELECT sent FROM signals.sealed_report")]
    values = re.findall(r"[0-9a-f]{32}", json.dumps([[said["keys"], said["district"]] for said in sent]))
    assert [(len(said["keys"]["strong"]), len(said["keys"]["weak"]), said["keys"]["epoch"]) for said in sent] == [
        (STRONG_KEYS, WEAK_KEYS, 0)
    ] * 2
    assert len(values) == len(set(values)) == 2 * (STRONG_KEYS + 2 * WEAK_KEYS + 4)
    assert world.rows("SELECT FROM signals.report_key") == []


def test_until_it_is_keyed_a_report_is_in_no_household_signal_or_table_and_then_it_joins_the_others(
    world: World,
) -> None:
    world.push("power", "aland", [make_row("e1", category=Category.ENERGY)])
    world.push(SMALL, "aland", [make_row("l1")])
    assert states(world) == [(SMALL, "unkeyed"), ("power", "live")]
    assert [signal["creditors"] for signal in world.signals("aland")] == [1]
    assert unkeyed(world) == 1
    assert (key(world).reports, unkeyed(world)) == (1, 0)
    assert states(world) == [(SMALL, "live"), ("power", "live")]
    (signal,) = world.signals("aland")
    assert signal["creditors"] == 2
    found = opened(world)
    assert {report.creditor for report in found if isinstance(report, OpenedReport)} == {SMALL, "power"}
    assert [report.details["contract"] for report in found if report.creditor == SMALL] == ["l1"]


def test_keying_once_more_changes_nothing_and_what_was_used_is_gone(world: World) -> None:
    world.push(SMALL, "aland", [make_row("l1")])
    assert key(world).reports == 1
    before = world.rows("SELECT * FROM signals.report"), world.rows("SELECT * FROM signals.report_key ORDER BY key")
    assert (key(world).reports, key(world).outcome) == (0, "keyed")
    assert before == (
        world.rows("SELECT * FROM signals.report"),
        world.rows("SELECT * FROM signals.report_key ORDER BY key"),
    )
    assert world.rows("SELECT FROM intake.staged_report") == []
    assert world.rows("SELECT FROM intake.delivery WHERE creditor_id = 'town-a' AND state <> 'completed'") == []
    keys = world.rows("SELECT creditor_id FROM intake.delivery WHERE key_envelope IS NOT NULL")
    assert keys == [("town-a",)]


def test_two_sessions_at_once_key_each_report_once(world: World) -> None:
    """Both have left keys before either is carried out: the second finds nothing left to do."""
    rows = [make_row(f"l{n}", house_number=str(n), phone="", initials="KLM"[n]) for n in range(3)]
    world.push(SMALL, "aland", rows)
    home, document = world.home("town-a"), world.documents["aland"]
    with world.desk("aland", "rekey") as one, world.desk("aland", "rekey") as other:
        for service in (one, other):
            staged, _ = rekeying._leave_reports(home, service, document, lambda _n: None, shut_out=False, unkeyed=True)
            assert staged == 3
        assert rekeying.key(home, one, document).outcome == "keyed"
        assert rekeying.key(home, other, document).outcome == "keyed"
    assert states(world) == [(SMALL, "live")] * 3
    assert world.rows("SELECT FROM intake.staged_report") == []
    assert len(opened(world)) == 3


def test_a_report_that_was_corrected_meanwhile_is_keyed_anew(world: World) -> None:
    world.push(SMALL, "aland", [make_row("l1", "Visser")])
    home, document = world.home("town-a"), world.documents["aland"]
    with world.desk("aland", "rekey") as service:
        rekeying._leave_reports(home, service, document, lambda _n: None, shut_out=False, unkeyed=True)
        world.push(SMALL, "aland", [make_row("l1", "Bakker", amount_cents=77_700)])
        with world.sessions.begin(Login.LINKER) as connection:  # as if the linker got to it just now
            carry_out(connection, lock_pilot(connection, "aland"), world.linker.rule_set, document.epoch)
        assert states(world) == [(SMALL, "unkeyed")]
        assert rekeying.key(home, service, document).reports == 1
    (report,) = opened(world)
    assert (report.details["surname"], report.report.amount_euros) == ("Bakker", 777)


def test_a_correction_of_a_keyed_report_takes_it_out_of_sight_until_it_is_keyed_again(world: World) -> None:
    world.push("power", "aland", [make_row("e1", category=Category.ENERGY)])
    world.push(SMALL, "aland", [make_row("l1")])
    key(world)
    world.push(SMALL, "aland", [make_row("l1", amount_cents=77_700)])
    assert [signal["creditors"] for signal in world.signals("aland")] == [1]
    assert world.rows("SELECT FROM signals.sealed_report s JOIN signals.report USING (pilot_id, report_id)"
                      " WHERE state = 'unkeyed' AND s.household_id IS NOT NULL") == []  # fmt: skip
    key(world)
    assert [(signal["creditors"], signal["amountEuros"]) for signal in world.signals("aland")] == [(2, 777 + 345)]


def test_the_same_content_once_more_is_the_same_delivery_and_next_months_report_is_keyed_too(world: World) -> None:
    first = world.push(SMALL, "aland", [make_row("l1")])
    key(world)
    again = world.push(SMALL, "aland", [make_row("l1")])
    assert (again.delivery, again.was_there, states(world)) == (first.delivery, True, [(SMALL, "live")])
    world.push(SMALL, "aland", [make_row("l1", **NEXT_MONTH)], NEXT)
    assert states(world) == [(SMALL, "live"), (SMALL, "unkeyed")]
    key(world)
    households = world.rows("SELECT DISTINCT household_id FROM signals.report")
    assert (len(households), states(world)) == (1, [(SMALL, "live")] * 2)
    assert sorted(kind for (kind,) in world.rows("SELECT kind FROM signals.report")) == ["early", "update"]


@pytest.mark.parametrize("said", ["nothing", "objected", "upheld", "known client"])
def test_basis_objections_and_the_knock_out_list_hold_when_it_is_keyed_as_if_it_came_in_then(
    world: World, said: str
) -> None:
    """And the creditor can't tell one from the other, before or after."""
    row = make_row("l1")
    world.push(SMALL, "aland", [make_row("l0", "Ander", **ALONE)])
    contact = row.contacts[0]
    if said in {"objected", "upheld"}:
        objection = world.object("aland", contact)
        if said == "upheld":
            world.decide("aland", objection, "upheld")
    if said == "known client":
        world.list_clients("aland", contact)
    receipt = world.push(SMALL, "aland", [row])
    assert states(world).count((SMALL, "unkeyed")) == 2
    key(world)
    expected = {"objected": ["live", "paused"], "upheld": ["live"]}
    assert [state for _creditor, state in states(world)] == expected.get(said, ["live", "live"])
    assert len(world.rows("SELECT FROM signals.shut_out")) == (said == "upheld")
    assert ("known_client" in {signal["tray"] for signal in world.signals("aland")}) == (said == "known client")
    with world.creditor(SMALL) as service:
        status = service.get(f"/deliveries/{receipt.delivery}", pilotId="aland")
    assert (status["state"], status["accepted"], status["refused"], status["refusals"]) == ("completed", 1, 0, [])
    assert status["receipt"] == receipt.signed


@pytest.mark.parametrize("given", [True, False])
def test_where_consent_is_the_evidence_it_is_looked_for_when_the_report_is_keyed(
    world: World,
    given: bool,  # noqa: FBT001 - pytest names it
) -> None:
    if "stove" not in world.documents["bland"].creditors:
        add_creditor(world, "stove", "bland", keying="desk", categories=["energy"])
    with world.database.as_superuser() as connection:
        connection.execute(
            "UPDATE registry.pilot SET document = jsonb_set(document, '{categories,energy,experiment,creditors}',"
            " '[\"power\", \"stove\"]') WHERE pilot_id = 'bland'"
        )
    row = make_row("s1", category=Category.ENERGY)
    receipts = world.push("stove", "bland", [row])
    assert world.rows("SELECT state FROM signals.report WHERE pilot_id = 'bland'") == [("unkeyed",)]
    if given:
        world.consent("bland", row.contacts[0])
    with world.desk("bland", "rekey") as service:
        assert rekeying.key(world.home("town-b"), service, world.documents["bland"]).reports == 1
    assert world.rows("SELECT state FROM signals.report WHERE pilot_id = 'bland'") == ([("live",)] if given else [])
    assert told_by(receipts.signed)["event"]["accepted"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_objection_that_the_creditor_passed_on_stops_a_report_that_is_not_keyed(world: World, when: str) -> None:
    if when == "before":
        world.pass_on(SMALL, "aland", "l1")
    world.push(SMALL, "aland", [make_row("l1"), make_row("l2", "Ander", **ALONE)])
    if when == "after":
        world.pass_on(SMALL, "aland", "l1")
    assert states(world) == [(SMALL, "unkeyed")]
    assert len(world.rows("SELECT FROM signals.shut_out")) == 1
    key(world)
    assert [report.details["contract"] for report in opened(world)] == ["l2"]


def test_another_objection_does_not_bring_a_report_into_sight_that_is_not_keyed(world: World) -> None:
    """An objection that was dismissed brings reports back that it had paused, and no others."""
    world.push(SMALL, "aland", [make_row("l1")])
    key(world)
    objection = world.object("aland", make_row("l1").contacts[0])
    world.push(SMALL, "aland", [make_row("l1", **NEXT_MONTH)], NEXT)
    assert states(world) == [(SMALL, "paused"), (SMALL, "unkeyed")]
    world.decide("aland", objection, "dismissed")
    assert states(world) == [(SMALL, "live"), (SMALL, "unkeyed")]


def test_a_new_epoch_and_reports_that_are_not_keyed_do_not_hold_each_other_up(world: World) -> None:
    home = world.home("town-a")
    world.push("power", "aland", [make_row("e1", category=Category.ENERGY)])
    world.push(SMALL, "aland", [make_row("l1")])
    with world.desk("aland", "rekey") as service:
        rekeying._leave_reports(
            home, service, world.documents["aland"], lambda _n: None, shut_out=False, unkeyed=True
        )  # keys of the old epoch, never carried out
        document = rekeying.begin_epoch(home, service, own_document(home, service, "aland"))
        world.documents["aland"] = document
        assert rekeying.rekey(home, service, document).outcome == "re-keyed"
        assert states(world) == [(SMALL, "unkeyed"), ("power", "live")]
        assert world.rows("SELECT FROM intake.staged_report") == []
        rekeying.key(home, service, document)
    assert [signal["creditors"] for signal in world.signals("aland")] == [2]
    world.push(SMALL, "aland", [make_row("l9", "Later", **ALONE)])  # takes no notice of the epoch
    with world.desk("aland", "rekey") as service:
        document = rekeying.begin_epoch(home, service, own_document(home, service, "aland"))
        world.documents["aland"] = document
        # The first page of a new epoch is left; then reports are keyed, which does not take it away.
        assert rekeying._leave_reports(home, service, document, lambda _n: None, shut_out=False)[0] == 2
        assert rekeying.key(home, service, document).reports == 1
        assert len(world.rows("SELECT FROM intake.staged_report")) == 2
        assert rekeying.rekey(home, service, document).outcome == "re-keyed"
    assert len(opened(world)) == 3


def test_what_does_not_open_stays_out_of_sight_is_named_and_goes_when_a_person_says_so(world: World) -> None:
    world.push(SMALL, "aland", [make_row("l1"), make_row("l2", "Ander", **ALONE)])
    (first, *_other) = world.rows("SELECT report_id FROM signals.report ORDER BY report_id")
    world.rows("UPDATE signals.sealed_report SET contact = '\\x00' WHERE report_id = %(id)s RETURNING 1", id=first[0])
    done = key(world)
    assert (done.reports, len(done.unopened), states(world)) == (1, 1, [(SMALL, "live"), (SMALL, "unkeyed")])
    done = key(world, shut_out=True)
    assert (done.reports, len(done.unopened), states(world)) == (0, 1, [(SMALL, "live")])
    assert world.rows("SELECT report_id::text FROM signals.shut_out") == [done.unopened]


def test_the_log_tells_of_each_step_as_the_desks_own(world: World) -> None:
    world.push(SMALL, "aland", [make_row("l1")])
    key(world)
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-a"), service, world.documents["aland"])
    asked = [event["body"]["asks"] for event in log.events if event["kind"] == "access"]
    assert [asks["unkeyed"] for asks in asked if asks["ask"] == "rekey"][-2:] == [True, True]
    assert {"stage-rekeying", "keying"} <= {asks["ask"] for asks in asked}
    assert {event["body"]["outcome"] for event in log.events if event["kind"] == "basis-keying"} == {"keyed"}
    assert (log.not_asked_for, log.broken) == ((), ())


def test_nobody_else_sends_reports_without_keys_and_it_sends_none_with(world: World) -> None:
    """Whatever a client says: the document that the desk signed decides."""
    for creditor, other in ((SMALL, "housing"), ("housing", SMALL)):
        with world.creditor(creditor) as service, world.creditor(other) as of_other:
            mine = join(world.home(creditor), service, "aland")
            others = join(world.home(other), of_other, "aland")
            with pytest.raises(ServiceRefused) as refused:
                deliver(
                    world.home(creditor),
                    service,
                    type(mine)(mine.document, others.key),
                    checked_of([make_row("x")], Category.RENT),
                )
            assert refused.value.rule == "other-epoch"
    assert states(world) == []


def test_what_waits_goes_at_the_end_of_its_term_like_any_report(world: World) -> None:
    world.push(SMALL, "aland", [make_row("l1")])
    with world.sessions.begin(Login.LINKER) as connection:
        step = take_step(connection, "aland", date(2027, 11, 1), world.linker.rule_set)
    assert step.removed["reports"] == 1
    assert states(world) == []
    assert world.rows("SELECT FROM signals.sealed_report") == []


def test_by_one_command_the_desk_keys_what_waits_and_pulling_says_how_many_there_are(world: World) -> None:
    home = world.home("town-a")
    home.save(home.settings.model_copy(update={"pilots": {"aland": "typed"}}))
    world.push(SMALL, "aland", [make_row("l1")])
    common = ["--home", str(home.path), "--user", "somebody", "--lang", "en"]
    pulled = CliRunner().invoke(app, ["pull", *common])
    assert "1 reports of small creditors" in pulled.output
    done = CliRunner().invoke(app, ["key", *common])
    assert (done.exit_code, "1 reports have match keys" in done.output) == (0, True), done.output
    assert "small creditors" not in CliRunner().invoke(app, ["pull", *common]).output
