"""Cases over HTTP on a real database: opened, continued by several people at once, joined, gone with reports."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from app.retention import carry_out
from cli.desk import app
from cli.words import console
from client import desk_cases, desk_rights
from client.home import HomeUnusable
from client.resident_answer import answer_of
from client.resident_letter import letter_of
from signals.cases import TakenUp
from signals.days import AMSTERDAM
from signals.pilot import Role
from signals.rights import IdentityCheck
from tests.conftest import Database
from tests.held import ACTOR, PROOF, callers
from tests.world import World, make_row, small_world

PILOT = "aland"
NOW = datetime.now(UTC).astimezone(AMSTERDAM).date()
TODAY = NOW.isoformat()
TAKEN_UP = {"kind": "taken_up", "on": TODAY}
MISSED = {"kind": "attempt", "on": TODAY, "contact": "phone", "reached": False}
REACHED = {**MISSED, "reached": True}
ACCEPTED = {"kind": "accepted", "on": TODAY, "threatened": False}
CLOSED = {"kind": "closed", "on": TODAY, "result": "known_client"}
REOPENED = {"kind": "reopened", "on": TODAY}
MERGED = {31: "Aksoy", 32: "Bloem", 33: "Cornelissen"}
NUMBERS, SEPTEMBERS = (*range(11, 26), *MERGED, 51, 52, 53, 54, 60), (41,)  # households of one report each
EARLY = {"reported_on": date(2026, 9, 30), "months": 3}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push("housing", PILOT, [row(number, f"h{number}") for number in NUMBERS])
        world.push("housing", PILOT, [row(number, f"h{number}", **EARLY) for number in SEPTEMBERS], "2026-09")
        yield world


@pytest.fixture(scope="module")
def desk(world: World) -> Iterator[httpx.Client]:
    with callers(world, PILOT, "housing") as clients:
        client = clients[Role.DEBT_HELP]
        client.headers.update({"Vroegsein-Actor": ACTOR, "Vroegsein-Purpose": "worklist", **PROOF})
        client.params = client.params.merge({"pilotId": PILOT})
        yield client


def a_signal(world: World, number: int) -> str:
    """The newest signal of the household at this number, as it is now."""
    found = world.rows(
        "SELECT s.signal_id::text FROM signals.report r JOIN signals.signal s USING (pilot_id, household_id)"
        " WHERE r.amount_euros = %(n)s ORDER BY s.period DESC",
        n=1000 + number,
    )
    return str(found[0][0])


def row(number: int, reference: str, **details: Any) -> Any:
    """A report of the one who lives at this number."""
    born = date(1980, 1, 1) + timedelta(days=number)
    usual: dict[str, Any] = {"house_number": str(number), "birth_date": born, "phone": f"06{number:08d}"}
    usual |= {"amount_cents": 100_000 + number * 100}
    if number in MERGED:  # to be known as one by a later report
        usual |= {"birth_date": date(1980, 1, 1), "email": f"{number}@example.org"}
    return make_row(reference, MERGED.get(number, f"Naam{number}"), **{**usual, **details})


def opened(desk: httpx.Client, signal: str) -> str:
    answer = desk.post("/cases", json={"signalId": signal})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["caseId"])


def shown(desk: httpx.Client, case: str) -> dict[str, Any]:
    answer = desk.get(f"/cases/{case}")
    found: dict[str, Any] = answer.json()
    assert answer.headers["ETag"] == f'"{found["case"]["entries"]}"'
    return found


def write(desk: httpx.Client, case: str, entry: dict[str, Any], seen: int | str) -> httpx.Response:
    tag = f'"{seen}"' if isinstance(seen, int) else seen
    return desk.post(f"/cases/{case}/entries", json={"entry": entry}, headers={"If-Match": tag})


def written(desk: httpx.Client, case: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """The case after these entries, each taken."""
    for entry in entries:
        answer = write(desk, case, entry, shown(desk, case)["case"]["entries"])
        assert answer.status_code == 201, answer.text
    return shown(desk, case)


def eventually(found: Callable[[], Any], expected: Any) -> None:
    """What the linker does once it is woken."""
    until = time.monotonic() + 20
    while (last := found()) != expected and time.monotonic() < until:
        time.sleep(0.05)
    assert last == expected


def of_case(world: World, case: str) -> set[str]:
    found = world.rows("SELECT report_id::text FROM signals.case_report WHERE case_id = %(c)s", c=case)
    return {report for (report,) in found}


def live(world: World, number: int) -> set[str]:
    """The live reports in the household at this number."""
    found = world.rows(
        "SELECT r.report_id::text FROM signals.report one JOIN signals.report r USING (pilot_id, household_id)"
        " WHERE one.amount_euros = %(n)s AND r.state = 'live'",
        n=1000 + number,
    )
    return {report for (report,) in found}


def together(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_case_is_opened_once_and_continued_until_it_is_closed(world: World, desk: httpx.Client) -> None:
    signal = a_signal(world, 11)
    case = opened(desk, signal)
    again = desk.post("/cases", json={"signalId": signal})
    assert (again.status_code, again.json()) == (200, {"caseId": case, "opened": False})
    first = shown(desk, case)
    assert (first["case"]["stage"], first["case"]["openedOn"], first["live"]) == ("new", TODAY, 1)
    deadline = world.rows("SELECT deadline::text FROM signals.signal WHERE signal_id = %(s)s", s=signal)[0][0]
    assert (first["case"]["offerDue"], first["signals"][0]["signalId"]) == (deadline, signal)
    accepted = written(desk, case, TAKEN_UP, REACHED, ACCEPTED)
    due = NOW + timedelta(days=28)
    assert (accepted["case"]["offerDue"], accepted["case"]["conversationDue"]) == (None, due.isoformat())
    spoken = {"kind": "spoken", "on": TODAY}
    closed = written(desk, case, spoken, {"kind": "closed", "on": TODAY, "result": "advice"})
    assert [one["entry"]["kind"] for one in closed["entries"]] == [
        "taken_up",
        "attempt",
        "accepted",
        "spoken",
        "closed",
    ]
    assert {one["actor"] for one in closed["entries"]} == {ACTOR}
    assert (closed["case"]["stage"], closed["case"]["result"]) == ("closed", "advice")
    assert closed["legal"] == ["reopened", "struck"]


def test_an_entry_that_cannot_follow_is_refused_with_what_could_and_nothing_is_written(
    world: World, desk: httpx.Client
) -> None:
    case = opened(desk, a_signal(world, 12))
    for entry, legal in (
        (ACCEPTED, "taken_up, closed, assigned, struck"),
        ({**CLOSED, "result": "advice"}, "known_client, deceased, not_taken_up, repeated, wrongful, not_resident"),
        ({**TAKEN_UP, "on": (NOW + timedelta(days=1)).isoformat()}, "after today"),
        ({**TAKEN_UP, "on": (NOW - timedelta(days=1)).isoformat()}, "before the case was opened"),
    ):
        answer = write(desk, case, entry, 0)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/illegal-entry")
        assert legal in answer.json()["detail"]
    assert shown(desk, case)["entries"] == []


def test_who_does_not_say_what_it_saw_or_saw_less_is_refused_with_the_tag_of_now(
    world: World, desk: httpx.Client
) -> None:
    case = opened(desk, a_signal(world, 13))
    answer = desk.post(f"/cases/{case}/entries", json={"entry": TAKEN_UP})
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/if-match-missing")
    written(desk, case, TAKEN_UP)
    for seen in (0, 2, "1", 'W/"1"', "*", ""):
        answer = write(desk, case, MISSED, seen)
        assert (answer.status_code, answer.json()["type"]) == (412, "/problems/case-changed"), seen
        assert answer.headers["ETag"] == '"1"'
        assert answer.headers["Vroegsein-Promise"]
    assert len(shown(desk, case)["entries"]) == 1


def test_of_people_who_write_at_once_none_loses_an_entry(world: World, desk: httpx.Client) -> None:
    case = opened(desk, a_signal(world, 14))
    written(desk, case, TAKEN_UP)
    refused = []

    def call_twice() -> None:
        for _ in range(2):
            seen = shown(desk, case)["case"]["entries"]
            while (answer := write(desk, case, MISSED, seen)).status_code == 412:
                refused.append(seen)
                seen = int(answer.headers["ETag"].strip('"'))
            assert answer.status_code == 201, answer.text

    together(4, call_twice)
    after = shown(desk, case)
    assert [one["number"] for one in after["entries"]] == list(range(1, 10))
    assert after["case"]["entries"] == 9


def test_of_people_who_open_at_once_one_gets_a_new_case_and_all_the_same(world: World, desk: httpx.Client) -> None:
    signal = a_signal(world, 15)
    answers: list[httpx.Response] = []
    together(4, lambda: answers.append(desk.post("/cases", json={"signalId": signal})))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["caseId"] for answer in answers}) == 1
    assert len(world.rows("SELECT DISTINCT case_id FROM signals.case_report WHERE report_id::text = ANY (%(r)s)",
                          r=list(live(world, 15)))) == 1  # fmt: skip


def test_a_new_report_joins_the_open_case_and_a_closed_one_only_when_it_is_reopened(
    world: World, desk: httpx.Client
) -> None:
    case = opened(desk, a_signal(world, 16))
    world.push("power", PILOT, [row(16, "p16")])
    assert of_case(world, case) == live(world, 16)
    assert len(live(world, 16)) == 2
    written(desk, case, CLOSED)
    world.push("health", PILOT, [row(16, "z16")])
    assert len(of_case(world, case)) == 2
    written(desk, case, REOPENED)
    eventually(lambda: of_case(world, case), live(world, 16))
    assert len(live(world, 16)) == 3


def test_a_case_stays_with_its_reports_when_households_merge_and_the_first_one_takes_what_has_none(
    world: World, desk: httpx.Client
) -> None:
    one, two = (opened(desk, a_signal(world, number)) for number in (31, 32))
    before = {case: of_case(world, case) for case in (one, two)}
    alone = live(world, 33)
    known = [row(31, f"m{other}", email=f"{other}@example.org") for other in (32, 33)]  # by telephone and e-mail
    world.push("power", PILOT, known)
    together_now = live(world, 31)
    assert together_now > before[one] | before[two] | alone
    assert of_case(world, one) == together_now - before[two]
    assert of_case(world, two) == before[two]


def test_who_opens_by_an_earlier_signal_at_the_same_time_gets_the_same_case_about_all_months(
    world: World, desk: httpx.Client
) -> None:
    world.push("power", PILOT, [row(41, "p41")])
    both = world.rows(
        "SELECT s.signal_id::text FROM signals.report r JOIN signals.signal s USING (pilot_id, household_id)"
        " WHERE r.amount_euros = 1041 AND r.period = '2026-09' ORDER BY s.period"
    )
    assert len(both) == 2
    waiting = [signal for (signal,) in both * 2]
    answers: list[httpx.Response] = []
    together(4, lambda: answers.append(desk.post("/cases", json={"signalId": waiting.pop()})))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    (case,) = {answer.json()["caseId"] for answer in answers}
    eventually(lambda: of_case(world, case), live(world, 41))
    assert len(of_case(world, case)) == 2


def test_what_comes_after_a_closed_case_gets_a_case_of_its_own(world: World, desk: httpx.Client) -> None:
    ended = opened(desk, a_signal(world, 21))
    written(desk, ended, CLOSED)
    assert desk.post("/cases", json={"signalId": a_signal(world, 21)}).json() == {"caseId": ended, "opened": False}
    world.push("power", PILOT, [row(21, "p21")])
    again = opened(desk, a_signal(world, 21))
    assert again != ended
    assert of_case(world, again) | of_case(world, ended) == live(world, 21)
    assert of_case(world, again).isdisjoint(of_case(world, ended))


def test_the_worklist_and_the_signal_tell_how_far_the_open_case_is(world: World, desk: httpx.Client) -> None:
    def told() -> list[tuple[str | None, str | None]]:
        signal = a_signal(world, 25)
        one = desk.get(f"/signals/{signal}").json()["signal"]
        found = desk.post("/signals/_search", json={"pilotId": PILOT, "limit": 200}, params={"pilotId": PILOT}).json()
        (listed,) = [row for row in found["signals"] if row["signalId"] == signal]
        return [(row["caseId"], row["caseStage"]) for row in (one, listed)]

    assert told() == [(None, None)] * 2
    first = opened(desk, a_signal(world, 25))
    assert told() == [(first, "new")] * 2
    written(desk, first, CLOSED)
    assert told() == [(first, "closed")] * 2
    world.push("power", PILOT, [row(25, "p25")])
    second = opened(desk, a_signal(world, 25))
    assert told() == [(second, "new")] * 2


def test_a_list_has_what_is_due_first_page_by_page_and_leaves_closed_ones_out(world: World, desk: httpx.Client) -> None:
    cases = [opened(desk, a_signal(world, number)) for number in (51, 52, 53, 54)]
    assigned = {"kind": "assigned", "on": TODAY, "worker": "team-lijst"}
    for case in cases:
        written(desk, case, assigned)
    threatened = {**ACCEPTED, "threatened": True}
    written(desk, cases[3], TAKEN_UP, REACHED, threatened)
    written(desk, cases[2], TAKEN_UP, REACHED)  # nothing is due
    written(desk, cases[1], CLOSED)
    found: list[str] = []
    place: str | None = None
    while place or not found:
        asked: dict[str, str | int] = {"worker": "team-lijst", "limit": 1}
        asked |= {"place": place} if place else {}
        page = desk.get("/cases", params=asked)
        found += [case["caseId"] for case in page.json()["cases"]]
        place = page.json()["next"]
    assert found == [cases[3], cases[0], cases[2]]
    due = (NOW + timedelta(days=8)).isoformat()
    soon = desk.get("/cases", params={"worker": "team-lijst", "dueBy": due}).json()["cases"]
    assert [case["caseId"] for case in soon] == [cases[3]]
    closed = desk.get("/cases", params={"worker": "team-lijst", "stage": "closed"}).json()["cases"]
    assert [case["caseId"] for case in closed] == [cases[1]]
    assert desk.get("/cases", params={"place": "e30="}).status_code == 400


def test_the_event_of_a_case_names_its_reports_and_its_kind_of_entry_and_not_what_was_written(
    world: World, desk: httpx.Client
) -> None:
    case = opened(desk, a_signal(world, 18))
    written(desk, case, {"kind": "assigned", "on": TODAY, "worker": "an-employee"})
    events = [
        body
        for (body,) in world.rows("SELECT body FROM privacy.event WHERE kind = 'access'")
        if body["asks"].get("case") == case
    ]
    assert {body["asks"]["ask"] for body in events} == {"open-case", "case", "case-entry"}
    assert all(set(body["asks"]["reports"]) == live(world, 18) for body in events)
    assert "an-employee" not in json.dumps(events)


@pytest.mark.parametrize("purpose", ["count", "sort", "record-basis", "emergency", "audit"])
def test_a_purpose_that_shows_less_gets_at_no_case(world: World, desk: httpx.Client, purpose: str) -> None:
    for answer in (
        desk.get("/cases", headers={"Vroegsein-Purpose": purpose}),
        desk.post("/cases", json={"signalId": a_signal(world, 60)}, headers={"Vroegsein-Purpose": purpose}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/look-refused")


def test_a_resident_hears_of_the_case_and_not_who_worked_on_it(world: World, desk: httpx.Client) -> None:
    case = opened(desk, a_signal(world, 19))
    worker = {"kind": "assigned", "on": TODAY, "worker": "an-employee", "partner": "helping-hand"}
    written(desk, case, worker, TAKEN_UP, REACHED, {"kind": "closed", "on": TODAY, "result": "manages_alone"})
    home, document = world.home("town-a"), world.documents[PILOT]
    with world.desk(PILOT, "answer-resident", Role.PRIVACY_OFFICER) as service:
        held = desk_rights.look_up(home, service, document, row(19, "x").contacts[0], IdentityCheck.DIGID)
    answer = answer_of(held, document, held.sure())
    (told,) = answer["cases"]
    assert (told["caseId"], told["result"], len(told["entries"])) == (case, "manages_alone", 4)
    letter = json.dumps(letter_of(answer), ensure_ascii=False)
    assert "Wij spraken u telefonisch" in letter
    assert "helping-hand" in letter
    assert "an-employee" not in json.dumps(answer) + letter
    assert {look["purpose"] for look in answer["looks"]} >= {"worklist", "answer-resident"}
    assert answer_of(held, document, set())["cases"] == []


def cli(world: World, *words: str, user: str = "anna", fails: bool = False) -> str:
    """What a command of the desk's says, in Dutch."""
    options = ("--home", str(world.home("town-a").path), "--pilot", PILOT, "--user", user)
    width, console.width = console.width, 200
    try:
        result = CliRunner().invoke(app, ["cases", *words, *options])
    finally:
        console.width = width
    assert result.exit_code == (1 if fails else 0), result.output
    return result.output


def test_a_worker_opens_lists_shows_and_continues_a_case_in_dutch(world: World) -> None:
    said = cli(world, "open", a_signal(world, 22))
    short = said.split()[1]
    assert "is geopend" in said
    assert "Er is al een zaak" in cli(world, "open", a_signal(world, 22))
    cli(world, "add", "pak-op", short)
    cli(world, "add", "poging", short, "--hoe", "telefoon", "--niet-bereikt", "--dagdeel", "avond")
    cli(world, "add", "attempt", short, "--how", "huisbezoek", "--reached")
    said = cli(world, "add", "aanvaard", short, "--bedreigend", "--op", "vandaag")
    assert "aanbod aanvaard, bedreigend  [u]" in said
    assert "gesprek" in said
    cli(world, "add", "assign", short, "team-cli", "--partner", "helping-hand")
    listed = cli(world, "list", "--wie", "team-cli", "--binnen", "9")
    assert short in listed
    assert "1 zaken: 0 te laat, 1 binnen 7 dagen" in listed
    assert short not in cli(world, "list", "--wie", "team-cli", "--te-laat")
    cli(world, "add", "strike", short, "2")
    shown = cli(world, "show", short, user="bert")
    assert "huisbezoek: bereikt" in shown
    assert "team-cli @ helping-hand" in shown
    assert "gesproken" not in shown.split("Wat nu kan")[0]
    assert "het eerste gesprek" in shown
    assert "[u]" not in shown


def test_who_writes_after_a_colleague_hears_what_that_one_wrote_and_looks_again(world: World) -> None:
    short = cli(world, "open", a_signal(world, 23)).split()[1]
    cli(world, "add", "take-up", short)
    home = world.home("town-a").path / "pulled" / f"{PILOT}-cases.json"
    before = home.read_bytes()  # what another machine of the desk's saw
    cli(world, "add", "attempt", short, "--hoe", "brief", "--missed", user="bert")
    home.write_bytes(before)
    said = cli(world, "add", "attempt", short, "--hoe", "telefoon", "--bereikt", fails=True)
    assert "Intussen schreef iemand anders" in said
    assert "brief: niet bereikt" in said
    cli(world, "add", "attempt", short, "--hoe", "telefoon", "--bereikt", fails=True)  # not looked yet
    cli(world, "show", short)
    cli(world, "add", "attempt", short, "--hoe", "telefoon", "--bereikt")
    said = cli(world, "add", "sluit", short, "geen-contact", fails=True)
    assert "Er is niets opgeschreven" in said
    assert "lost-zelf-op" in said


def test_nobody_writes_in_a_case_that_was_not_looked_at(world: World, desk: httpx.Client) -> None:
    case = opened(desk, a_signal(world, 24))
    with world.desk(PILOT) as service, pytest.raises(HomeUnusable, match="look at the case before"):
        desk_cases.add(world.home("town-a"), service, PILOT, case, TakenUp(on=NOW))
    assert world.rows("SELECT FROM signals.case_entry WHERE case_id = %(c)s", c=case) == []


def test_a_case_goes_when_its_last_report_is_withdrawn_and_not_before(world: World, desk: httpx.Client) -> None:
    case = opened(desk, a_signal(world, 20))
    world.push("power", PILOT, [row(20, "p20")])
    world.end("housing", PILOT, "withdrawn", date(2026, 10, 31), "h20")
    assert len(of_case(world, case)) == 1
    world.end("power", PILOT, "withdrawn", date(2026, 10, 31), "p20")
    assert desk.get(f"/cases/{case}").status_code == 404
    left = "SELECT FROM signals.case_entry WHERE case_id = %(c)s UNION ALL SELECT FROM signals.case_file"
    assert world.rows(f"{left} WHERE case_id = %(c)s", c=case) == []


def test_no_login_writes_over_an_entry(world: World, desk: httpx.Client) -> None:
    for login in ("ingest", "opener", "reader", "recorder", "auditor", "linker", "gate"):
        rights = world.rows("SELECT has_any_column_privilege(%(l)s, 'signals.case_entry', 'UPDATE')",
                            l=f"vroegsein_{login}")  # fmt: skip
        assert rights == [(False,)], login
    with pytest.raises(psycopg.errors.InsufficientPrivilege), world.database.connect("vroegsein_recorder") as session:
        session.execute("UPDATE signals.case_entry SET body = '{}'")


def test_at_the_term_of_its_reports_a_case_is_gone_with_all_that_was_written(world: World, desk: httpx.Client) -> None:
    """The last test of this file: nothing is left after it."""
    written(desk, opened(desk, a_signal(world, 60)), TAKEN_UP)
    rule_sets = world.linker.rule_set
    steps = list(carry_out(world.sessions, date(2026, 10, 31) + timedelta(days=366), rule_sets))
    assert sum(step.removed.get("cases", 0) for step in steps) >= 1
    for table in ("case_file", "case_entry", "case_report"):
        assert world.rows(f"SELECT FROM signals.{table}") == []
