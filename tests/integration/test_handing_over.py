"""A household that moved: its reports go to the other municipality's pilot, sealed to its key, and leave the first."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.db.sessions import Login
from app.retention import take_step
from cli.desk import app
from client import desk_rights, desk_work, handing_over, rekeying
from client.delivering import deliver
from client.desk_pilot import own_document, parties, sign_pilot
from client.home import Home, Settings, init_creditor, own_fingerprint
from client.log_reading import read_log
from client.oauth import ServiceLogin
from client.opening import OpenedReport
from client.resident_answer import answer_of
from client.resident_letter import letter_of
from client.service import Service, ServiceRefused
from client.trust import join
from privacy.pilot_document import UntrustedDocument
from privacy.signing import NotSigned, new_signing_key, public_jwk
from signals.pilot import Keying, Role
from signals.report import Category, SocialCollection
from signals.rights import IdentityCheck
from tests.conftest import Database
from tests.world import World, agreement_document, apply_documents, checked_of, make_row, small_world

OTHER = {"house_number": "99", "phone": "0687654321", "initials": "Z."}


@pytest.fixture(scope="module")
def shared_world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two pilots; the first one's municipality takes part in the second, to hand over."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        take_part(world)
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """In the first pilot a household that two creditors reported, and one that one did."""
    deliver_first(shared_world)
    yield shared_world
    shared_world.empty()


@pytest.fixture
def own_world(database: Database, tmp_path: Path) -> Iterator[World]:
    """The same, for tests that change what does not go by emptying tables: documents, keys, the log."""
    with small_world(database, tmp_path) as world:
        take_part(world)
        deliver_first(world)
        yield world


def deliver_first(world: World) -> None:
    world.push("housing", "aland", [make_row("c1"), make_row("c2", "Bakker", **OTHER)])
    world.push("power", "aland", [make_row("e1", category=Category.ENERGY)])


def take_part(world: World, **agreement: Any) -> Home:
    home = handing_over.as_creditor(world.home("town-a"))
    public = init_creditor(home, Settings(organisation="town-a", service_url=world.url))
    agreed = {"keying": "desk", "feed": "changes", "categories": ["rent", "health_insurance"], **agreement}
    roles = ["debt-help", "privacy-officer", "creditor"]
    town = {"kind": "organisation", "id": "town-a", "name": "Gemeente A", "roles": roles}
    other = {"kind": "organisation", "id": "town-b", "name": "Gemeente B", "roles": roles[:2]}
    apply_documents(world, [town, other, agreement_document("bland", "town-a", **agreed)], public)
    desk = world.home("town-b")
    with world.desk("bland") as service:
        world.documents["bland"] = sign_pilot(desk, service, parties(service, "bland"))
    home.save(home.settings.model_copy(update={"pilots": {"bland": own_fingerprint(desk)}}))
    return home


def as_municipality(world: World) -> Service:
    home = handing_over.as_creditor(world.home("town-a"))
    return Service(world.url, ServiceLogin(world.url, "town-a", home.jwk("auth.jwk")))


def hand_over(world: World, surname: str = "Visser") -> handing_over.HandedOver:
    """Hand over the household of that name."""
    home, giving = world.home("town-a"), handing_over.as_creditor(world.home("town-a"))
    with world.desk("aland", "hand-over") as service, as_municipality(world) as sending:
        document = own_document(home, service, "aland")
        to = join(giving, sending, "bland")
        for signal in world.signals("aland"):
            reports = desk_work.show(home, service, document, signal["signalId"]).reports
            if any(isinstance(one, OpenedReport) and one.details["surname"] == surname for _row, one in reports):
                return handing_over.hand_over(home, service, document, reports, to, sending)
    raise AssertionError("there is no such household")


def key(world: World) -> rekeying.Outcome:
    with world.desk("bland", "rekey") as service:
        return rekeying.key(world.home("town-b"), service, world.documents["bland"])


def opened(world: World, pilot: str = "bland") -> list[OpenedReport]:
    home = world.home({"aland": "town-a", "bland": "town-b"}[pilot])
    with world.desk(pilot, "offer-help") as service:
        document = own_document(home, service, pilot)
        ids = [signal["signalId"] for signal in world.signals(pilot)]
        found = [report for one in ids for _row, report in desk_work.show(home, service, document, one).reports]
    assert all(isinstance(report, OpenedReport) for report in found)
    return found  # type: ignore[return-value] # as was just asserted


def states(world: World, pilot: str) -> list[str]:
    rows = world.rows("SELECT state FROM signals.report WHERE pilot_id = %(p)s ORDER BY 1", p=pilot)
    return [state for (state,) in rows]


def test_what_the_other_pilot_takes_leaves_the_first_and_waits_there_until_it_is_keyed(world: World) -> None:
    before = len(world.signals("aland"))
    done = hand_over(world)
    assert (len(done.reports), done.outcome) == (1, "handed over")
    assert [rule for _report, rule in done.stayed] == ["category-not-agreed"]  # the agreement covers no energy
    assert states(world, "aland") == ["handed_over", "live", "live"]
    assert (states(world, "bland"), world.signals("bland")) == (["unkeyed"], [])
    assert len(world.signals("aland")) == before  # of energy and of the neighbour
    assert {signal["categories"][0] for signal in world.signals("aland")} == {"energy", "rent"}
    assert key(world).reports == 1
    (report,) = opened(world)
    shown = ("surname", "contract", "reported_by", "amount_cents")
    assert [report.details[name] for name in shown] == ["Visser", "c1", "housing", 34_550]
    assert report.creditor == "town-a"


def test_handing_over_once_more_changes_nothing_also_where_it_broke_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def breaks(*_: Any) -> None:
            raise ConnectionError

        patched.setattr(handing_over, "recorded", breaks)
        with pytest.raises(ConnectionError):
            hand_over(world)
    assert states(world, "aland") == ["live"] * 3  # and delivered to the other
    assert hand_over(world).receipts[0].was_there
    again = hand_over(world, "Bakker")
    assert (len(again.reports), again.outcome) == (1, "handed over")
    assert states(world, "bland") == ["unkeyed"] * 2
    count = world.rows("SELECT count(*) FROM intake.delivery WHERE pilot_id = 'bland'")
    assert count == [(2,)]


def test_two_creditors_contracts_of_one_number_stay_two(world: World) -> None:
    """A contract number is its creditor's own."""
    world.push("health", "aland", [make_row("c1", category=Category.HEALTH_INSURANCE)])
    assert len(hand_over(world).reports) == 2
    assert len(world.rows("SELECT DISTINCT reference FROM signals.report WHERE pilot_id = 'bland'")) == 2


def test_basis_objections_and_the_knock_out_list_of_the_other_pilot_hold(world: World) -> None:
    contact = make_row("c1").contacts[0]
    world.decide("bland", world.object("bland", contact), "upheld")
    world.list_clients("bland", make_row("c2", "Bakker", **OTHER).contacts[0])
    hand_over(world)
    hand_over(world, "Bakker")
    key(world)
    assert [signal["tray"] for signal in world.signals("bland")] == ["known_client"]
    assert len(world.rows("SELECT FROM signals.shut_out WHERE pilot_id = 'bland'")) == 1


def test_nothing_that_was_opened_stays_on_the_desks_machine(world: World) -> None:
    hand_over(world)
    home = world.home("town-a")
    kept = [file for file in home.path.rglob("*") if file.is_file()]
    assert {file.suffix for file in kept if "receipts" in file.parts} == {".json"}
    assert not [file for file in kept if b"Visser" in file.read_bytes()]


def test_both_logs_tell_and_the_first_names_the_reports_and_where_they_went(own_world: World) -> None:
    world = own_world
    done = hand_over(world)
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-a"), service, world.documents["aland"])
    (event,) = [event["body"] for event in log.events if event["kind"] == "basis-hand-over"]
    assert (event["report_ids"], event["to_pilot"]) == (list(done.reports), "bland")
    purposes = [event["body"]["purpose"] for event in log.events if event["kind"] == "access"]
    assert "hand-over" in purposes
    assert (log.not_asked_for, log.broken) == ((), ())
    with world.desk("bland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-b"), service, world.documents["bland"])
    deliveries = [event["body"] for event in log.events if event["kind"] == "delivery"]
    assert [(body["creditor"], body["accepted"]) for body in deliveries] == [("town-a", 1)]


def test_the_resident_is_told_to_whom_it_went_and_in_the_other_pilot_from_whom_it_came(world: World) -> None:
    hand_over(world)
    key(world)
    contact = make_row("c1").contacts[0]
    letters = {}
    for pilot, town in (("aland", "town-a"), ("bland", "town-b")):
        with world.desk(pilot, "answer-resident", Role.PRIVACY_OFFICER) as service:
            document = world.documents[pilot]
            held = desk_rights.look_up(world.home(town), service, document, contact, IdentityCheck.DIGID)
            answer = answer_of(held, document, held.sure())
        assert held.unkeyed == 0
        letters[pilot] = json.dumps(letter_of(answer, world.home(town).settings.contact), ensure_ascii=False)
    assert "1 melding hebben wij overgedragen aan Gemeente B, omdat u daarheen bent verhuisd" in letters["aland"]
    assert "housing, via Gemeente A" in letters["bland"]


def test_what_was_handed_over_goes_at_the_end_of_its_term_and_has_keys_of_the_new_epoch(own_world: World) -> None:
    world = own_world
    hand_over(world)
    home = world.home("town-a")
    with world.desk("aland", "rekey") as service:
        document = rekeying.begin_epoch(home, service, own_document(home, service, "aland"))
        assert rekeying.rekey(home, service, document).outcome == "re-keyed"
    epochs = world.rows(
        "SELECT DISTINCT sent::jsonb #>> '{keys,epoch}' FROM signals.sealed_report WHERE pilot_id = 'aland'"
    )
    assert epochs == [("2",)]
    assert states(world, "aland") == ["handed_over", "live", "live"]
    with world.sessions.begin(Login.LINKER) as connection:
        take_step(connection, "aland", date(2027, 11, 1), world.linker.rule_set)
    assert states(world, "aland") == []


def test_an_objection_that_is_dismissed_brings_nothing_back_that_was_handed_over(world: World) -> None:
    hand_over(world)
    objection = world.object("aland", make_row("c1").contacts[0])
    world.decide("aland", objection, "dismissed")
    assert states(world, "aland") == ["handed_over", "live", "live"]


def test_steps_that_the_first_municipality_agreed_count_and_the_other_pilots_own_terms_too(own_world: World) -> None:
    """A creditor's fixed procedure is its agreement's with the first pilot; a threshold is the second one's own."""
    world = own_world
    with world.database.as_superuser() as connection:
        connection.execute(
            "UPDATE registry.agreement SET document = jsonb_set(document, '{procedure}', '\"letters\"')"
            " WHERE organisation_id = 'housing' AND pilot_id = 'aland'"
        )
        connection.execute(
            "UPDATE registry.pilot SET document = jsonb_set(document, '{categories,rent,minimum_euros}', '400')"
            " WHERE pilot_id = 'bland'"
        )
    row = make_row("p1", "Procedure", house_number="3", phone="", initials="P.", amount_cents=50_000)
    steps = SocialCollection.model_validate(
        {**row.social_collection.model_dump(), "by": "procedure", "procedure": "letters"}
    )
    world.push("housing", "aland", [make_row("p1", "Procedure", house_number="3", phone="", initials="P.",
                                             amount_cents=50_000, social_collection=steps)])  # fmt: skip
    assert hand_over(world, "Procedure").stayed == ()
    assert [rule for _report, rule in hand_over(world, "Bakker").stayed] == ["below-threshold"]
    assert states(world, "bland") == ["unkeyed"]
    assert states(world, "aland").count("handed_over") == 1


def test_without_an_agreement_nothing_can_be_handed_over(own_world: World) -> None:
    world = own_world
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM registry.agreement WHERE organisation_id = 'town-a'")
    with pytest.raises(ServiceRefused) as refused:
        hand_over(world)
    assert (refused.value.status, refused.value.kind) == (404, "pilot-unknown")
    assert (states(world, "aland"), states(world, "bland")) == (["live"] * 3, [])


def test_the_operator_slips_in_no_key_of_its_own(own_world: World) -> None:
    """Neither by a document that it signed, nor by one of the desk's with another recipient."""
    world = own_world
    real = world.documents["bland"]
    forger = new_signing_key()
    forged = real.model_copy(update={"signing": public_jwk(forger), "version": real.version + 1})
    stolen = real.model_copy(update={"recipient": real.recovery, "version": real.version + 1})
    for document in (forged, stolen):
        world.rows(
            "UPDATE registry.signed_document SET jws = %(jws)s"
            " WHERE pilot_id = 'bland' AND version = %(v)s RETURNING 1",
            jws=document.signed(forger),
            v=real.version,
        )
        with pytest.raises((UntrustedDocument, NotSigned)):
            hand_over(world)
    assert (states(world, "aland"), states(world, "bland")) == (["live"] * 3, [])


def test_the_other_desk_sees_nothing_of_the_first_pilot_and_gets_no_key_of_it(world: World) -> None:
    hand_over(world)
    ids = [signal["signalId"] for signal in world.signals("aland")]
    with world.desk("bland", "offer-help") as service:
        for pilot in ("aland", "bland"):
            with pytest.raises(ServiceRefused) as refused:
                service.get(f"/signals/{ids[0]}", pilotId=pilot)
            assert refused.value.status in {403, 404}
    with world.desk("bland", "rekey") as service:
        with pytest.raises(ServiceRefused):
            service.get("/rekeyings", pilotId="aland", unkeyed="true")
        listed = service.get("/rekeyings", pilotId="bland", unkeyed="true")["reports"]
    assert [row["creditorId"] for row in listed] == ["town-a"]
    assert world.documents["bland"].creditors["town-a"].keying is Keying.DESK
    assert world.rows("SELECT FROM registry.key_envelope WHERE organisation_id = 'town-a'") == []


def test_a_creditors_key_of_a_municipality_signs_no_pilot_document_and_its_desks_key_no_delivery(
    own_world: World,
) -> None:
    world = own_world
    giving = handing_over.as_creditor(world.home("town-a"))
    standing = world.documents["aland"]
    signed = standing.model_copy(update={"version": standing.version + 1}).signed(giving.jwk("signing.jwk"))
    with world.desk("aland") as service, pytest.raises(ServiceRefused) as refused:
        service.put(f"/pilots/aland/documents/{standing.version + 1}", {"document": signed})
    assert refused.value.kind == "not-signed"
    with as_municipality(world) as sending:
        joined = join(giving, sending, "bland")
        (giving.path / "keys" / "signing.jwk").write_bytes(world.home("town-a").secret("signing.jwk"))
        with pytest.raises(ServiceRefused) as refused:
            deliver(giving, sending, joined, checked_of([make_row("x")], Category.RENT))
    assert refused.value.rule == "manifest-not-signed"


def test_by_one_command_a_household_is_handed_over_after_somebody_said_yes(world: World) -> None:
    home = world.home("town-a")
    home.save(home.settings.model_copy(update={"pilots": {"aland": "typed"}}))
    (signal,) = [signal for signal in world.signals("aland") if signal["creditors"] == 1]
    common = ["--home", str(home.path), "--user", "somebody", "--lang", "en"]
    ask = ["hand-over", signal["signalId"], "--to", "bland", *common]
    done = CliRunner().invoke(app, ask)
    assert (done.exit_code, states(world, "bland")) == (1, []), done.output
    assert "Bakker" in done.output
    done = CliRunner().invoke(app, [*ask, "--yes"])
    assert (done.exit_code, "1 reports handed over to town-b" in done.output) == (0, True), done.output
    assert states(world, "bland") == ["unkeyed"]
