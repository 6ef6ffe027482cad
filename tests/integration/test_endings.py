"""How reports end: by a snapshot without the contract, by what the creditor says; and end of supply out of order."""

import itertools
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from app.db.sessions import Login
from app.retention import take_step
from cli.creditor import app as creditor_app
from client import delivering
from client.delivering import Receipt
from client.desk_rights import look_up
from client.log_reading import read_log
from client.resident_answer import answer_of
from client.resident_letter import as_page, letter_of
from client.service import ServiceRefused
from privacy.references import report_id
from signals.consents import Ending
from signals.pilot import Role
from signals.report import Category, Kind, UrgentFlag
from signals.rights import IdentityCheck
from tests.conftest import Database
from tests.exports import HEADER, make_profile, write_rows
from tests.world import CREDITORS, PILOTS, World, agreement_document, make_row, small_world

LAST = {"2026-08": date(2026, 8, 31), "2026-09": date(2026, 9, 30), "2026-10": date(2026, 10, 31)}
POWER: dict[str, Any] = {"category": Category.ENERGY}
ENDINGS: tuple[Ending, ...] = ("open", "settled", "withdrawn")
PEOPLE = ("Aksoy", "Bloem", "Coster", "Dekker")
EXPLAINED = "(SELECT pilot_id, signal_id, explanation::jsonb AS explanation FROM signals.signal_facts) AS explained"


@pytest.fixture(scope="module")
def one_world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(one_world: World) -> World:
    """The world as it began: nothing was delivered or said, and the agreements are as they were."""
    with one_world.database.as_superuser() as connection:
        connection.execute("""
            TRUNCATE intake.delivery, intake.part, intake.refused_row, intake.warned_row, intake.staged_report,
                intake.ending, signals.report, signals.report_key, signals.sealed_report, signals.shut_out,
                signals.link_change, signals.signal, signals.signal_categories, signals.signal_facts,
                privacy.objection, privacy.objection_key, privacy.basis_change CASCADE
        """)
        for pilot, creditor in itertools.product(PILOTS, CREDITORS):
            connection.execute(
                "INSERT INTO registry.agreement VALUES (%s, %s, '2026-01-01', '2027-12-31', %s)"
                " ON CONFLICT (pilot_id, organisation_id) DO UPDATE SET document = excluded.document",
                [pilot, creditor, Jsonb(agreement_document(pilot, creditor))],
            )
    for creditor in CREDITORS:
        shutil.rmtree(one_world.home(creditor).path / "receipts", ignore_errors=True)
    return one_world


def row(contract: str, period: str, **changes: Any) -> Any:
    """A report of somebody of his own, told by the contract's first letter."""
    number = "ABCD".index(contract[0].upper())
    who = {"house_number": str(number + 1), "phone": f"061111111{number}", "birth_date": date(1960 + number, 3, 4)}
    when = {"reported_on": LAST[period], "months": 2, "arrears_since": LAST[period] - timedelta(days=60)}
    return make_row(contract, PEOPLE[number], **who | when | changes)


def push(world: World, period: str, *contracts: str, creditor: str = "housing", **changes: Any) -> Any:
    return world.push(creditor, "aland", [row(contract, period, **changes) for contract in contracts], period)


def changes_only(world: World, creditor: str = "housing") -> None:
    with world.database.as_superuser() as connection:
        connection.execute(
            'UPDATE registry.agreement SET document = document || \'{"feed": "changes"}\' WHERE organisation_id = %s',
            [creditor],
        )


def settled(world: World) -> list[tuple[str, str]]:
    """Which reports are settled since when: their months and days."""
    return world.rows(
        "SELECT period, settled_on::text FROM signals.report WHERE settled_on IS NOT NULL ORDER BY 1, 2, report_id"
    )


def trays(world: World) -> list[tuple[str, str]]:
    return world.rows("SELECT period, tray FROM signals.signal ORDER BY 1, 2")


def test_what_the_next_snapshot_leaves_out_is_settled(world: World) -> None:
    push(world, "2026-08", "a", "b")
    push(world, "2026-09", "a", amount_cents=50_000)
    assert settled(world) == [("2026-08", "2026-09-01")]
    assert trays(world) == [("2026-08", "settled"), ("2026-08", "single"), ("2026-09", "consecutive")]
    push(world, "2026-10", "b")  # new arrears: the old ones stay settled
    assert settled(world) == [("2026-08", "2026-09-01"), ("2026-08", "2026-10-01"), ("2026-09", "2026-10-01")]


def test_an_empty_delivery_is_a_snapshot_too(world: World) -> None:
    push(world, "2026-08", "a")
    push(world, "2026-09")
    assert settled(world) == [("2026-08", "2026-09-01")]


def test_deliveries_of_one_month_are_one_snapshot(world: World) -> None:
    push(world, "2026-08", "a", "b", "c")
    push(world, "2026-09", "a")
    push(world, "2026-09", "b")
    assert settled(world) == [("2026-08", "2026-09-01")]
    assert world.rows("SELECT count(*) FROM signals.signal WHERE tray = 'settled'") == [(1,)]


def test_a_month_without_a_delivery_settles_nothing(world: World) -> None:
    push(world, "2026-08", "a")
    push(world, "2026-10", "a")
    assert settled(world) == []
    push(world, "2026-09", "b")  # which comes after all
    assert settled(world) == [("2026-08", "2026-09-01"), ("2026-09", "2026-10-01")]


def test_another_category_or_creditor_settles_nothing(world: World) -> None:
    push(world, "2026-08", "a")
    push(world, "2026-09", "a", creditor="power", **POWER)
    assert settled(world) == []


def test_under_an_agreement_of_changes_only_what_the_creditor_says_is_settled(world: World) -> None:
    changes_only(world)
    push(world, "2026-08", "a", "b")
    push(world, "2026-09", "c")
    assert settled(world) == []
    world.end("housing", "aland", "settled", date(2026, 9, 12), "a")
    assert settled(world) == [("2026-08", "2026-09-12")]


@pytest.mark.parametrize("said", ["objection", "upheld", "refusal"])
def test_a_contract_that_is_named_again_is_not_settled_whatever_its_resident_said(world: World, said: str) -> None:
    """What stands of another month must not tell that this one was shut out."""
    push(world, "2026-08", "a", "b")
    push(world, "2026-10", "b")
    who = row("a", "2026-09").contacts[0]
    if said == "refusal":
        world.refuse("aland", who, Category.RENT)
    else:
        objection = world.object("aland", who)
        if said == "upheld":
            world.decide("aland", objection, "upheld")
    push(world, "2026-09", "a", "b")
    found = {"objection": [("2026-08", "2026-10-01"), ("2026-09", "2026-10-01")]}.get(said, [])
    assert settled(world) == found  # paused: as if nobody had objected; shut out: nothing of it is left


def test_a_month_that_was_shut_out_counts_by_its_id(world: World) -> None:
    push(world, "2026-08", "a", "b")
    push(world, "2026-09", "a", "b")
    with world.database.as_superuser() as connection:  # as a consent for one month alone would
        connection.execute("""
            WITH gone AS (
                DELETE FROM signals.report WHERE period = '2026-09' RETURNING pilot_id, report_id, delivery_id)
            INSERT INTO signals.shut_out SELECT * FROM gone
        """)
    push(world, "2026-10", "b")
    assert settled(world) == [("2026-08", "2026-10-01")]


def test_the_database_makes_a_reports_id_as_the_program_does(world: World) -> None:
    push(world, "2026-08", "a")
    ((reference, found),) = world.rows("SELECT reference, report_id FROM signals.report")
    assert found == report_id("aland", "housing", "2026-08", uuid.UUID(str(reference)).hex)


def test_what_is_settled_stays_to_look_back_on(world: World) -> None:
    push(world, "2026-08", "a")
    push(world, "2026-09", "b")
    push(world, "2026-10", "a", amount_cents=34_550)
    facts = world.rows(f"SELECT explanation -> 'facts' FROM {EXPLAINED} WHERE explanation ->> 'period' = '2026-10'")
    assert (facts[0][0]["earlier_months"], facts[0][0]["growth_euros"], facts[0][0]["repeats"]) == (1, 0, 0)
    assert ("2026-10", "consecutive") in trays(world)


@pytest.mark.parametrize("first", ["report", "ending"])
def test_what_is_settled_is_settled_in_whatever_order_it_is_said(world: World, first: str) -> None:
    changes_only(world)
    for step in ("report", "ending") if first == "report" else ("ending", "report"):
        if step == "report":
            push(world, "2026-08", "a")
        else:
            world.end("housing", "aland", "settled", LAST["2026-08"], "a")
    assert settled(world) == [("2026-08", "2026-08-31")]
    assert trays(world) == [("2026-08", "settled")]
    push(world, "2026-09", "a")  # of a newer day
    assert settled(world) == [("2026-08", "2026-08-31")]


def test_paid_is_paid_also_what_was_urgent_and_as_long_as_one_report_is_open_the_signal_stays(world: World) -> None:
    changes_only(world)
    changes_only(world, "power")
    push(world, "2026-08", "a", urgent=(UrgentFlag.EVICTION_ANNOUNCED,))
    push(world, "2026-08", "a", creditor="power", **POWER)
    world.end("housing", "aland", "settled", date(2026, 9, 2), "a")
    ((tray, urgent, explanation),) = world.rows(
        f"SELECT tray, urgent, explanation FROM signals.signal JOIN {EXPLAINED} USING (pilot_id, signal_id)"
    )
    assert (tray, urgent, explanation["facts"]["settled"]) == ("urgent", True, 1)
    world.end("power", "aland", "settled", date(2026, 9, 3), "a")
    ((tray, urgent, explanation),) = world.rows(
        f"SELECT tray, urgent, explanation FROM signals.signal JOIN {EXPLAINED} USING (pilot_id, signal_id)"
    )
    assert (tray, urgent, explanation["set_aside"]) == ("settled", False, "all_settled")


@pytest.mark.parametrize("first", ["report", "ending"])
def test_what_was_withdrawn_leaves_its_id_alone_in_whatever_order(world: World, first: str) -> None:
    push(world, "2026-08", "b")
    for step in ("report", "ending") if first == "report" else ("ending", "report"):
        if step == "report":
            push(world, "2026-08", "a")
        else:
            world.end("housing", "aland", "withdrawn", date(2026, 9, 1), "a")
    for table in ("report", "sealed_report", "shut_out", "signal"):
        assert world.rows(f"SELECT count(*) FROM signals.{table}") == [(1,)], table
    assert world.rows("SELECT count(DISTINCT report_id) FROM signals.report_key") == [(1,)]
    push(world, "2026-09", "a")
    assert world.rows("SELECT period, kind FROM signals.report ORDER BY 1") == [
        ("2026-08", "early"),
        ("2026-09", "early"),  # of a newer day, and the first of its contract
    ]


def test_what_follows_on_a_withdrawn_report_becomes_the_first(world: World) -> None:
    push(world, "2026-08", "a")
    push(world, "2026-09", "a")
    assert world.rows("SELECT kind FROM signals.report ORDER BY period") == [("early",), ("update",)]
    world.end("housing", "aland", "withdrawn", date(2026, 9, 1), "a")
    assert world.rows("SELECT period, kind FROM signals.report") == [("2026-09", "early")]


def test_an_ending_says_the_same_whether_the_contract_is_known_or_not_and_is_in_the_log(world: World) -> None:
    push(world, "2026-08", "a")
    for ending in ENDINGS:
        (known,) = world.end("housing", "aland", ending, date(2026, 9, 1), "a")
        (unknown,) = world.end("housing", "aland", ending, date(2026, 9, 1), "never-heard-of")
        assert known | {"changeId": ""} == unknown | {"changeId": ""}
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        events = read_log(world.home(PILOTS["aland"]), service, world.documents["aland"]).events
    said = [body for event in events if (body := event["body"])["kind"] == "basis-contract-endings"]
    assert [(body["creditor"], body["ending"], body["contracts"]) for body in said[-6:]] == [
        ("housing", ending, 1) for ending in ENDINGS for _ in range(2)
    ]
    assert not any("reference" in body for body in said)


def test_an_ending_that_is_said_twice_is_one_and_counts_whether_it_is_known_or_not(world: World) -> None:
    for _ in range(2):
        world.end("housing", "aland", "settled", date(2026, 9, 1), *(f"contract {n}" for n in range(1001)))
    world.end("housing", "aland", "withdrawn", date(2026, 10, 1), "one")
    assert world.rows("SELECT count(*) FROM intake.ending") == [(1002,)]
    with world.creditor("housing") as service:
        found = service.get("/contract-endings", pilotId="aland")["endings"]
    assert [(row["period"], row["ending"], row["contracts"]) for row in found] == [
        ("2026-10", "withdrawn", 1),
        ("2026-09", "settled", 1001),
    ]
    with world.creditor("power") as service:
        assert service.get("/contract-endings", pilotId="aland") == {"endings": []}


def test_an_ending_in_the_future_or_without_an_agreement_is_refused(world: World) -> None:
    with pytest.raises(ServiceRefused) as refused:
        world.end("housing", "aland", "settled", date(2099, 1, 1), "a")
    assert refused.value.problem["errors"][0]["pointer"] == "/endedOn"
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM registry.agreement WHERE pilot_id = 'aland' AND organisation_id = 'housing'")
    with pytest.raises(ServiceRefused) as refused:
        world.end("housing", "aland", "settled", date(2026, 9, 1), "a")
    assert (refused.value.status, refused.value.rule) == (409, "no-agreement")
    assert world.rows("SELECT count(*) FROM intake.ending") == [(0,)]


END: dict[str, Any] = {**POWER, "kind": Kind.END_OF_SUPPLY, "creditor": "power"}


def warned(world: World, delivery: str) -> list[tuple[int, str]]:
    with world.creditor("power") as service:
        state = service.get(f"/deliveries/{delivery}", pilotId="aland")
    return [(one["line"], one["code"]) for one in state["warnings"]]


@pytest.mark.parametrize("order", [("2026-08", "2026-09"), ("2026-09", "2026-08")])
def test_end_of_supply_without_an_earlier_report_is_flagged_and_never_dropped(
    world: World, order: tuple[str, str]
) -> None:
    deliveries = {}
    for period in order:
        contracts = ("a", "c") if period == "2026-08" else ("a", "b", "c")
        kind = {**POWER, "creditor": "power"} if period == "2026-08" else END
        deliveries[period] = push(world, period, *contracts, **kind)
    assert deliveries["2026-09"].accepted == 3
    found = world.rows(
        "SELECT unannounced, count(*) FROM signals.report WHERE period = '2026-09' GROUP BY 1 ORDER BY 1"
    )
    assert found == [(False, 2), (True, 1)]
    assert warned(world, deliveries["2026-09"].delivery) == [(2, "no-earlier-report")]
    facts = world.rows(
        f"SELECT (explanation #>> '{{facts,unannounced}}')::int FROM {EXPLAINED}"
        " WHERE explanation ->> 'period' = '2026-09' ORDER BY 1"
    )
    assert facts == [(0,), (0,), (1,)]


@pytest.mark.parametrize("said", ["nothing", "objection", "upheld"])
def test_a_creditor_is_warned_alike_whatever_the_resident_said(world: World, said: str) -> None:
    who = row("a", "2026-08").contacts[0]
    if said != "nothing":
        objection = world.object("aland", who)
        if said == "upheld":
            world.decide("aland", objection, "upheld")
    push(world, "2026-08", "a", creditor="power", **POWER)
    assert warned(world, push(world, "2026-09", "a", **END).delivery) == []
    assert warned(world, push(world, "2026-10", "a2", **END).delivery) == [(1, "no-earlier-report")]


def test_corrections_of_amount_and_kind_keep_to_what_is_settled(world: World) -> None:
    push(world, "2026-08", "a", creditor="power", **POWER)
    push(world, "2026-09", creditor="power", **POWER)
    push(world, "2026-08", "a", amount_cents=99_900, creditor="power", **POWER)  # another amount: still settled
    assert world.rows("SELECT amount_euros, kind, settled_on::text FROM signals.report") == [
        (999, "early", "2026-09-01")
    ]
    push(world, "2026-09", "a", **END)  # it was left out by mistake
    assert settled(world) == []
    push(world, "2026-09", "a", creditor="power", **POWER)  # and was no end of supply
    assert world.rows("SELECT period, kind, unannounced FROM signals.report ORDER BY 1") == [
        ("2026-08", "early", False),
        ("2026-09", "update", False),
    ]


def test_the_same_arrears_not_grown_are_a_repeat_unless_the_first_were_settled_before(world: World) -> None:
    changes_only(world)
    push(world, "2026-08", "a", "b")
    world.end("housing", "aland", "settled", date(2026, 9, 10), "b")
    push(world, "2026-09", "a", "b")
    found = world.rows(
        f"SELECT explanation ->> 'set_aside' FROM {EXPLAINED} WHERE explanation ->> 'period' = '2026-09'"
        " ORDER BY 1 NULLS LAST"
    )
    assert found == [("all_repeats",), (None,)]


def run(world: World, *arguments: str, code: int = 0) -> str:
    home = world.home("housing").path
    done = CliRunner().invoke(creditor_app, [*arguments, "--pilot", "aland", "--home", str(home), "--lang", "en"])
    assert done.exit_code == code, done.output
    return done.output


def test_the_commands_settle_and_withdraw_and_status_counts_what_ended(world: World, tmp_path: Path) -> None:
    push(world, "2026-08", "a", "b", "c")
    push(world, "2026-09", "a", "b")
    listed = tmp_path / "paid.txt"
    listed.write_text("a\nnever-heard-of\n", encoding="utf-8")
    assert "2 contract(s) passed on as settled" in run(world, "settle", str(listed), "--on", "2026-10-02")
    assert "--yes" in run(world, "withdraw", "--contract", "b", code=1)
    assert "1 contract(s) passed on as withdrawn" in run(world, "withdraw", "--contract", "b", "--yes")
    assert settled(world) == [("2026-08", "2026-09-01"), ("2026-08", "2026-10-02"), ("2026-09", "2026-10-02")]
    said = " ".join(run(world, "status").split())
    assert "1 contract(s) of August 2026 are not in September 2026 any more; they count as settled" in said
    assert "October 2026: 2 said to be settled" in said
    assert "1 withdrawn" in said


def test_paid_rows_of_an_export_become_endings_and_no_empty_snapshot(world: World, tmp_path: Path) -> None:
    push(world, "2026-08", "a", "b")
    with world.database.as_superuser() as connection:
        connection.execute(
            'UPDATE registry.agreement SET document = document || \'{"procedure": "test-2026"}\''
            " WHERE organisation_id = 'housing'"
        )
    mark = {"column": "stand", "values": ["betaald"], "otherwise": ["open"]}
    profile = tmp_path / "profile.yaml"
    profile.write_text(
        yaml.safe_dump(make_profile(category="rent", settled=mark).model_dump(mode="json", exclude_none=True)), "utf-8"
    )
    (tmp_path / "uitsluitingen.csv").write_text("klant;reden\n", encoding="utf-8")
    file = write_rows(tmp_path, "a;;;;1111 AB;;;betaald", header=f"{HEADER};stand", name="lijst_2026-09.csv")
    checked = run(world, "check", str(file), "--profile", str(profile))
    assert "1 rows read, 0 to send, 1 settled, 0 not" in checked
    assert "is passed on as" in checked
    assert "1 rows read = 0 sent + 1 settled" in run(world, "push", str(file), "--profile", str(profile))
    assert settled(world) == [("2026-08", "2026-09-30")]
    assert world.rows("SELECT count(*) FROM intake.delivery") == [(1,)]


def export_of_september(world: World, tmp_path: Path, *lines: str, procedure: str = "test-2026", code: int = 1) -> str:
    """What `push` says of an export of rent, by a creditor whose agreement names that procedure."""
    with world.database.as_superuser() as connection:
        connection.execute(
            "UPDATE registry.agreement SET document = document || jsonb_build_object('procedure', %s::text)"
            " WHERE organisation_id = 'housing'",
            [procedure],
        )
    profile = tmp_path / "profile.yaml"
    content = make_profile(category="rent", months={"column": "maanden", "due_date": "sinds"})
    profile.write_text(yaml.safe_dump(content.model_dump(mode="json", exclude_none=True)), "utf-8")
    (tmp_path / "uitsluitingen.csv").write_text("klant;reden\n", encoding="utf-8")
    file = write_rows(tmp_path, *lines, header=f"{HEADER};sinds", name="lijst_2026-09.csv")
    return run(world, "push", str(file), "--profile", str(profile), "--unlike", code=code)


def exported(contract: str, amount: str = "345,50") -> str:
    number = "abcd".index(contract)
    return f"{contract};A. {PEOPLE[number]};Kade;{number + 1};1111 AB;{amount};2;2026-07-15"


def test_a_row_that_could_not_be_read_does_not_settle_its_contract(world: World, tmp_path: Path) -> None:
    push(world, "2026-08", "a", "b", "c")
    said = export_of_september(world, tmp_path, exported("a", "driehonderd"), exported("b"))
    assert "aland: 1 contract(s) passed on as still open" in said
    assert world.rows("SELECT ending, ended_on::text, count(*) FROM intake.ending GROUP BY 1, 2") == [
        ("open", "2026-09-30", 1)
    ]
    assert settled(world) == [("2026-08", "2026-09-01")]  # c
    assert sorted(tray for period, tray in trays(world) if period == "2026-08") == ["settled", "single", "single"]
    push(world, "2026-10", "b")
    assert settled(world) == [("2026-08", "2026-09-01"), ("2026-08", "2026-10-01")]  # that month names it no more
    status = " ".join(run(world, "status").split())
    assert "September 2026: 1 said to be still open" in status


def test_a_row_that_the_service_refused_does_not_settle_its_contract(world: World, tmp_path: Path) -> None:
    push(world, "2026-08", "a", "b")
    said = export_of_september(world, tmp_path, exported("a"), procedure="another")
    assert "procedure-not-agreed" in said
    assert "aland: 1 contract(s) passed on as still open" in said
    assert settled(world) == [("2026-08", "2026-09-01")]  # b


def test_what_the_service_refused_is_open_though_it_names_not_every_line(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(world, "2026-08", "a", "b")
    whole = delivering._outcome

    def naming_none(*given: Any, **also: Any) -> Receipt:
        return replace(whole(*given, **also), refused=())

    monkeypatch.setattr(delivering, "_outcome", naming_none)
    export_of_september(world, tmp_path, exported("a"), procedure="another")
    assert settled(world) == [("2026-08", "2026-09-01")]  # b


def test_where_changes_are_sent_nobody_is_told_what_is_open(world: World, tmp_path: Path) -> None:
    changes_only(world)
    push(world, "2026-08", "a")
    assert "still open\n" not in export_of_september(world, tmp_path, exported("a", "driehonderd"), exported("b"))
    assert world.rows("SELECT count(*) FROM intake.ending") == [(0,)]


def test_the_answer_to_a_resident_tells_what_is_settled(world: World) -> None:
    push(world, "2026-08", "a")
    push(world, "2026-09")
    who = row("a", "2026-08").contacts[0]
    with world.desk("aland", "answer-resident", Role.PRIVACY_OFFICER) as service:
        home, document = world.home("town-a"), world.documents["aland"]
        held = look_up(home, service, document, who, IdentityCheck.DIGID)
    answer = answer_of(held, document, {one.id for one in held.found})
    assert answer["reports"][0]["settledOn"] == "2026-09-01"
    letter = as_page(letter_of(answer))
    assert "(augustus 2026) is voldaan of wordt niet meer gemeld, sinds 1 september 2026." in letter


def test_an_ending_goes_when_the_reports_that_it_ends_are_past_their_term(world: World) -> None:
    push(world, "2026-08", "a", creditor="power", **POWER)
    push(world, "2026-09", "b", **END)
    world.end("power", "aland", "settled", date(2026, 9, 20), "a")
    held = "SELECT (SELECT count(*) FROM intake.ending), (SELECT count(*) FROM intake.warned_row)"
    for today, left in ((date(2027, 9, 20), (1, 1)), (date(2027, 9, 21), (0, 1)), (date(2028, 1, 1), (0, 0))):
        with world.sessions.begin(Login.LINKER) as connection:
            take_step(connection, "aland", today, world.linker.rule_set)
        assert world.rows(held) == [left]
