"""Doubtful links: which are asked, what a decision does and how long it lasts, over HTTP on a real database."""

import json
import time
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from app.retention import carry_out
from cli.desk import app
from cli.words import console
from client import desk_links, desk_rights, desk_work, rekeying
from client.checking import SendableRow
from client.desk_links import NoSuchContract
from client.desk_pilot import own_document
from client.desk_rights import Held
from client.resident_answer import answer_of
from client.resident_letter import _decided
from client.service import ServiceRefused
from privacy.identity import Contact
from signals.consents import LinkReason
from signals.pilot import Role
from signals.rights import ErasureGround, IdentityCheck
from tests.conftest import Database
from tests.world import World, make_row, small_world

PILOT = "aland"
SHARED = "0687312954"  # twins', by which and by their birth date they are one person to the keys


@pytest.fixture
def world(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(database, tmp_path_factory.mktemp("world")) as world:
        yield world


def row(reference: str, surname: str = "Visser", **changes: Any) -> SendableRow:
    """A row old enough to count in September already."""
    return make_row(reference, surname, **{"months": 3, **changes})


def queue(world: World, pilot: str = PILOT, purpose: str = "review-links") -> dict[str, Any]:
    """The queue, once the linker has looked at everything."""
    until = time.monotonic() + 60
    with world.desk(pilot, purpose) as service:
        while time.monotonic() < until:
            found: dict[str, Any] = service.get("/link-doubts", pilotId=pilot)
            if found["complete"]:
                return found
            time.sleep(0.1)
    raise AssertionError("the linker did not get through")


def opened(world: World, doubt: dict[str, Any]) -> dict[str, Any]:
    with world.desk(PILOT, "review-links") as service:
        found: dict[str, Any] = service.get(f"/link-doubts/{doubt['doubtId']}", pilotId=PILOT)
        return found


def ids(reports: list[dict[str, Any]]) -> list[str]:
    return [report["reportId"] for report in reports]


def decide(world: World, decision: str, one: list[str], other: list[str] = [], why: str = "details-agree") -> str:  # noqa: B006
    with world.desk(PILOT, "review-links") as service:
        body = {"answer": decision, "one": one, "other": other, "why": why}
        return str(service.post("/link-decisions", body, pilotId=PILOT)["outcome"])


def answer(world: World, doubt: dict[str, Any], decision: str) -> str:
    sides = opened(world, doubt)
    return decide(world, decision, ids(sides["one"]), ids(sides["other"]))


def trays(world: World) -> list[str]:
    return sorted(signal["tray"] for signal in world.signals(PILOT) if signal["period"] == "2026-10")


def typing_error(world: World, period: str = "2026-10", **changes: Any) -> None:
    """One person, says who sees the names; two by equality of keys: another addition, and a birth date a day apart."""
    last = date(2026, int(period[-2:]), 30)
    changes = {"amount_cents": 1_000 * int(period[-2:]) ** 2, **changes}  # it grows: no repeat
    world.push("housing", PILOT, [row("h1", addition="A", reported_on=last, **changes)], period)
    other = row("p1", addition="B", birth_date=date(1980, 2, 28), phone="", reported_on=last, **changes)
    world.push("power", PILOT, [other], period)


def test_two_persons_whose_birth_dates_differ_are_asked_about_and_joined_by_a_decision(world: World) -> None:
    typing_error(world)
    assert trays(world) == ["single", "single"]
    (doubt,) = queue(world)["doubts"]
    assert (doubt["kind"], doubt["linked"], doubt["period"]) == ("birth-dates-differ", False, "2026-10")
    assert [signal["tray"] for signal in doubt["changes"][0]["before"]] == ["single", "single"]
    assert [signal["tray"] for signal in doubt["changes"][0]["after"]] == ["multiple"]
    sides = opened(world, doubt)
    assert len(sides["one"]) == len(sides["other"]) == 1
    assert all(report["sealed"] for report in sides["one"] + sides["other"])
    assert answer(world, doubt, "same") == "one person"
    assert trays(world) == ["multiple"]
    assert queue(world)["doubts"] == []


def test_what_would_change_is_worked_out_again_when_a_creditor_says_that_it_is_settled(world: World) -> None:
    typing_error(world)
    (doubt,) = queue(world)["doubts"]
    assert [signal["tray"] for signal in doubt["changes"][0]["before"]] == ["single", "single"]
    world.end("housing", PILOT, "settled", date(2026, 10, 30), "h1")
    (doubt,) = queue(world)["doubts"]
    assert [signal["tray"] for signal in doubt["changes"][0]["before"]] == ["settled", "single"]


def test_a_decision_holds_next_month(world: World) -> None:
    typing_error(world, "2026-09")
    (doubt,) = queue(world)["doubts"]
    assert answer(world, doubt, "same") == "one person"
    typing_error(world, "2026-10")
    assert len({signal["householdId"] for signal in world.signals(PILOT)}) == 1
    assert queue(world)["doubts"] == []


def test_what_is_said_to_be_two_persons_is_not_asked_again(world: World) -> None:
    typing_error(world, "2026-09")
    (doubt,) = queue(world)["doubts"]
    assert answer(world, doubt, "different") == "two persons"
    typing_error(world, "2026-10")
    assert trays(world) == ["consecutive", "consecutive"]
    assert queue(world)["doubts"] == []


def test_a_report_that_fits_two_persons_is_asked_about_with_each(world: World) -> None:
    typing_error(world)
    undated = row("v1", birth_date=None, phone="", amount_cents=200_000)
    world.push("health", PILOT, [undated])
    found = queue(world)["doubts"]
    assert sorted(doubt["kind"] for doubt in found) == ["birth-dates-differ", "fits-several", "fits-several"]
    chosen = next(doubt for doubt in found if doubt["kind"] == "fits-several")
    assert answer(world, chosen, "same") == "one person"
    assert "multiple" in trays(world)


def test_a_part_without_a_birth_date_is_asked_about_where_it_would_have_another_home(world: World) -> None:
    world.push("housing", PILOT, [row("h1", addition="A")])
    world.push("power", PILOT, [row("p1", addition="B", birth_date=None, phone="")])
    assert trays(world) == ["multiple"]
    (doubt,) = queue(world)["doubts"]
    assert (doubt["kind"], doubt["linked"]) == ("no-birth-date", True)
    assert answer(world, doubt, "different") == "two persons"
    assert trays(world) == ["single", "single"]


def test_nobody_is_asked_what_changes_nothing(world: World) -> None:
    world.push("housing", PILOT, [row("h1")])
    world.push("power", PILOT, [row("p1", birth_date=date(1950, 1, 1), phone="")])  # the father
    undated = row("v1", birth_date=None, phone="")
    world.push("health", PILOT, [undated, row("v2", "Anders", initials="C.", birth_date=None)])
    found = queue(world)
    assert (found["doubts"], found["asked"], found["waiting"]) == ([], 0, 0)
    assert trays(world) == ["multiple"]


def test_a_wrong_merge_in_a_signal_is_split_from_all_else(world: World) -> None:
    world.push("housing", PILOT, [row("h1", addition="A", phone=SHARED)])
    of_other = row("p1", house_number="80", postcode="1112 AB", initials="C.", phone=SHARED)  # a twin
    world.push("power", PILOT, [of_other])
    (signal,) = world.signals(PILOT)
    with world.desk(PILOT, "offer-help") as service:
        reports = service.get(f"/signals/{signal['signalId']}", pilotId=PILOT)["reports"]
    of_power = [report["reportId"] for report in reports if report["creditorId"] == "power"]
    assert decide(world, "different", of_power, why="housemates") == "two persons"
    assert trays(world) == ["single", "single"]
    assert decide(world, "different", of_power) == "nothing else linked"


def test_two_persons_of_one_address_stay_one_household_and_it_is_said(world: World) -> None:
    world.push("housing", PILOT, [row("h1", phone=SHARED)])
    world.push("power", PILOT, [row("p1", initials="C.", phone=SHARED)])  # a twin
    assert len(world.rows("SELECT DISTINCT person_id FROM signals.report")) == 1
    ((one,), (other,)) = (
        world.rows("SELECT report_id::text FROM signals.report WHERE creditor_id = %(c)s", c=creditor)[0:1]
        for creditor in ("housing", "power")
    )
    assert decide(world, "different", [one[0]], [other[0]]) == "two persons, one household"
    assert len(world.rows("SELECT DISTINCT person_id FROM signals.report")) == 2
    assert trays(world) == ["multiple"]


def test_a_signal_says_that_a_link_behind_it_is_doubtful_and_no_more(world: World) -> None:
    typing_error(world)
    queue(world)
    signal = world.signals(PILOT)[0]
    with world.desk(PILOT, "offer-help") as service:
        assert service.get(f"/signals/{signal['signalId']}", pilotId=PILOT)["doubtful"] is True
    answer(world, queue(world)["doubts"][0], "different")
    queue(world)
    with world.desk(PILOT, "offer-help") as service:
        assert service.get(f"/signals/{signal['signalId']}", pilotId=PILOT)["doubtful"] is False


def test_the_log_tells_of_each_look_and_each_decision_by_whom(world: World) -> None:
    typing_error(world)
    (doubt,) = queue(world)["doubts"]
    answer(world, doubt, "same")
    bodies = [body for (body,) in world.rows("SELECT body FROM privacy.event WHERE pilot_id = 'aland' ORDER BY at")]
    looks = [body for body in bodies if body["kind"] == "access" and body["purpose"] == "review-links"]
    reports = {report for (report,) in world.rows("SELECT report_id::text FROM signals.report")}
    assert {look["asks"]["ask"] for look in looks} == {"link-doubts", "link-doubt", "link-decision"}
    assert all(set(look["asks"]["reports"]) == reports for look in looks if look["asks"]["ask"] == "link-doubt")
    (decided,) = [look for look in looks if look["asks"]["ask"] == "link-decision"]
    assert (decided["asks"]["answer"], decided["asks"]["why"]) == ("same", "details-agree")
    (kept,) = world.rows("SELECT actor, why, decision_id::text FROM privacy.link_decision")
    assert kept == (decided["actor"], "details-agree", decided["asks"]["change"])
    (done,) = [body for body in bodies if body["kind"] == "basis-link-decision"]
    assert (done["outcome"], done["answer"]) == ("one person", "same")
    assert not reports & set(json.dumps(done).split('"'))


def test_the_queue_is_the_same_in_whatever_order_deliveries_came_and_looked_at_anew(world: World) -> None:
    rows = {
        "housing": [row("h1", addition="A"), row("h2", "Bakker", house_number="20", addition="A")],
        "power": [
            row("p1", addition="B", birth_date=date(1980, 2, 28), phone=""),
            row("p2", "Bakker", house_number="20", addition="B", birth_date=None, phone=""),
        ],
        "health": [row("v1", birth_date=None, phone=""), row("v2", "Bakker", house_number="20", phone="")],
    }
    for creditor in ("housing", "power", "health"):
        world.push(creditor, PILOT, rows[creditor])
        queue(world)
    found = queue(world)["doubts"]
    assert len(found) >= 3
    with world.database.as_superuser() as connection:
        connection.execute("INSERT INTO signals.review_due VALUES ('aland', gen_random_uuid(), NULL)")
    assert queue(world)["doubts"] == found
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM signals.doubt")
        connection.execute("INSERT INTO signals.review_due VALUES ('aland', gen_random_uuid(), NULL)")
    assert queue(world)["doubts"] == found


def test_invented_reports_and_another_purpose_decide_nothing(world: World) -> None:
    typing_error(world)
    nobody = str(uuid.UUID(int=7))
    reports = [report for (report,) in world.rows("SELECT report_id::text FROM signals.report")]
    with pytest.raises(ServiceRefused):  # the event names no report of this pilot
        decide(world, "same", [nobody], [nobody])
    for purpose in ("worklist", "record-basis", "sort"):
        with world.desk(PILOT, purpose) as service:
            with pytest.raises(ServiceRefused, match="purpose"):
                service.get("/link-doubts", pilotId=PILOT)
            body = {"answer": "same", "one": reports[:1], "other": reports[1:], "why": "moved"}
            with pytest.raises(ServiceRefused, match="purpose"):
                service.post("/link-decisions", body, pilotId=PILOT)
    assert world.rows("SELECT FROM privacy.link_decision") == []


def held(world: World, who: Contact) -> Held:
    with world.desk(PILOT, "answer-resident", Role.PRIVACY_OFFICER) as service:
        home, document = world.home("town-a"), world.documents[PILOT]
        return desk_rights.look_up(home, service, document, who, IdentityCheck.DIGID)


def test_a_resident_is_told_of_a_decision_and_of_nobody_else_that_it_names(world: World) -> None:
    typing_error(world)
    (doubt,) = queue(world)["doubts"]
    assert answer(world, doubt, "different") == "two persons"
    asker = row("h1", addition="A").contacts[0]
    found = held(world, asker)
    (decision,) = answer_of(found, world.documents[PILOT], found.sure())["linkDecisions"]
    mine = world.rows("SELECT report_id::text FROM signals.report WHERE creditor_id = 'housing'")
    assert (decision["why"], decision["apart"], decision["reports"]) == ("details-agree", True, [mine[0][0]])
    words = _decided(decision)
    assert "besloot een medewerker dat meldingen over u niet over dezelfde persoon gaan" in words
    assert words.endswith("omdat de gegevens bij elkaar passen.")


def test_an_erasure_takes_the_contract_out_of_decisions_and_what_then_says_nothing(world: World) -> None:
    typing_error(world)
    (doubt,) = queue(world)["doubts"]
    answer(world, doubt, "different")
    found = held(world, row("h1", addition="A").contacts[0])
    with world.desk(PILOT, "correct-resident", Role.PRIVACY_OFFICER) as service:
        home, document = world.home("town-a"), world.documents[PILOT]
        done = desk_rights.erase(home, service, document, found, found.sure(), ErasureGround.UNLAWFUL)
    assert done["outcome"] == "erased"
    assert world.rows("SELECT FROM privacy.link_decision") == []
    assert world.rows("SELECT FROM privacy.link_decision_contract") == []
    assert len(world.rows("SELECT FROM signals.report")) == 1


def test_a_decision_goes_when_the_last_report_that_rests_on_it_is_past_its_term(world: World) -> None:
    typing_error(world, "2026-09")
    (doubt,) = queue(world)["doubts"]
    answer(world, doubt, "same")
    typing_error(world, "2026-10")
    world.stop_linking()
    list(carry_out(world.sessions, date(2027, 10, 29), world.linker.rule_set))  # September's are gone
    assert len(world.rows("SELECT FROM privacy.link_decision")) == 1
    assert len(world.rows("SELECT DISTINCT person_id FROM signals.report")) == 1
    world.rows("UPDATE privacy.link_decision SET decided_at = '2026-11-01' RETURNING 1")
    list(carry_out(world.sessions, date(2027, 11, 2), world.linker.rule_set))
    assert world.rows("SELECT FROM privacy.link_decision") == []
    assert world.rows("SELECT FROM privacy.link_decision_contract") == []


def test_a_decision_survives_a_new_pilot_key(world: World) -> None:
    typing_error(world)
    (doubt,) = queue(world)["doubts"]
    answer(world, doubt, "same")
    before = world.rows("SELECT report_id, person_id FROM signals.report ORDER BY 1")
    home = world.home("town-a")
    with world.desk(PILOT, "rekey") as service:
        world.documents[PILOT] = rekeying.begin_epoch(home, service, own_document(home, service, PILOT))
        assert rekeying.rekey(home, service, world.documents[PILOT]).outcome == "re-keyed"
    assert world.rows("SELECT report_id, person_id FROM signals.report ORDER BY 1") == before
    assert len({person for _report, person in before}) == 1
    assert queue(world)["doubts"] == []


def at_desk(world: World, *words: str, lang: str = "nl") -> str:
    """What the command says, whatever its exit code."""
    home = str(world.home("town-a").path)
    width, console.width = console.width, 200
    try:
        result = CliRunner().invoke(app, [*words, "--home", home, "--pilot", PILOT, "--lang", lang])
    finally:
        console.width = width
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.output


def test_a_worker_sees_both_sides_with_what_differs_marked_and_decides(world: World) -> None:
    typing_error(world)
    (doubt,) = queue(world)["doubts"]
    listed = at_desk(world, "links", "list")
    assert "geboortedatums verschillen" in listed
    assert "enkelvoudig + enkelvoudig" in listed
    assert "Visser" not in listed
    shown = at_desk(world, "links", "show", doubt["doubtId"][:8])
    marked = {line.split()[0] for line in shown.splitlines() if "≠" in line}
    assert marked == {"geboortedatum", "adres"}
    assert "verschilt: dezelfde achternaam en voorletter in hetzelfde pand; één cijfer van de geboorte" in shown
    assert "Twee personen op één adres blijven samen één huishouden." in shown
    said = at_desk(world, "links", "same", doubt["doubtId"], "--why", "typing-error", "--yes", lang="en")
    assert "this is one person, in later months too" in said
    assert trays(world) == ["multiple"]
    queue(world)
    assert "0 twijfelgevallen" in at_desk(world, "links", "list")


def test_a_worker_splits_a_signal_by_the_contracts_of_one_of_two(world: World) -> None:
    world.push("housing", PILOT, [row("h1", addition="A", phone=SHARED)])
    of_other = row("p1", house_number="80", postcode="1112 AB", initials="C.", phone=SHARED)  # a twin
    world.push("power", PILOT, [of_other])
    with world.desk(PILOT) as service:
        desk_work.pull(world.home("town-a"), service, PILOT)
    (signal,) = world.signals(PILOT)
    split = ("links", "split", signal["signalId"][:8], "--why", "housemates", "--contract")
    home = world.home("town-a")
    with pytest.raises(NoSuchContract), world.desk(PILOT, "review-links") as service:
        desk_links.split(home, service, world.documents[PILOT], signal["signalId"], ["x9"], LinkReason.OTHER)
    assert "dit zijn twee personen" in at_desk(world, *split, "p1")
    assert trays(world) == ["single", "single"]
