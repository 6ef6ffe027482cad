"""What a resident says no to stops at once and stays stopped, on staged reports too, and no creditor can tell."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from app.db.sessions import Login
from cli.creditor import app as creditor_app
from cli.desk import app as desk_app
from client import desk_basis
from client.log_reading import read_log
from client.service import ServiceRefused
from privacy.identity import Contact
from signals.consents import Objection
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.world import PILOTS, World, as_login, make_row, small_world, told_by

TODAY = desk_basis.today()
POWER: dict[str, Any] = {"category": Category.ENERGY}
HEALTH: dict[str, Any] = {"category": Category.HEALTH_INSURANCE}
HER: dict[str, Any] = {"surname": "Aksoy", "initials": "E.", "house_number": "3", "phone": "0611111111"} | {
    "birth_date": date(1990, 5, 1)
}
HIM: dict[str, Any] = {"surname": "Bloem", "initials": "K.", "house_number": "9", "phone": "0622222222"} | {
    "birth_date": date(1970, 1, 9)
}
# The same household: a father of the same initial, and her as a creditor knows her without birth date or telephone.
FATHER: dict[str, Any] = HER | {"phone": "", "birth_date": date(1960, 2, 2)}
VAGUE: dict[str, Any] = HER | {"phone": "", "birth_date": None}


def contact(**details: Any) -> Contact:
    return make_row("x", **details).contacts[0]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    with small_world(database, tmp_path) as world:
        yield world


def categories(world: World, pilot: str = "aland") -> list[set[str]]:
    """The categories of each signal, the fullest first."""
    return sorted((set(signal["categories"]) for signal in world.signals(pilot)), key=len, reverse=True)


def states(world: World) -> list[tuple[str, str]]:
    return world.rows("SELECT category, state FROM signals.report ORDER BY 1, 2")


def left_of(world: World, table: str) -> int:
    found: int = world.rows(f"SELECT count(*) FROM {table}")[0][0]
    return found


def push_her(world: World, pilot: str = "aland") -> None:
    world.push("housing", pilot, [make_row("home", **HER), make_row("his", **HIM)])
    world.push("health", pilot, [make_row("care", **HER, **HEALTH)])


def test_an_objection_hides_all_reports_at_once_and_keeps_them(world: World) -> None:
    push_her(world)
    assert categories(world) == [{"rent", "health_insurance"}, {"rent"}]
    world.object("aland", contact(**HER))
    assert categories(world) == [{"rent"}]
    assert states(world) == [("health_insurance", "paused"), ("rent", "live"), ("rent", "paused")]
    assert world.rows("SELECT DISTINCT person_id, household_id FROM signals.report WHERE state = 'paused'") == [
        (None, None)
    ]
    hidden = world.rows("""
        SELECT DISTINCT s.household_id FROM signals.sealed_report s JOIN signals.report r USING (pilot_id, report_id)
        WHERE r.state = 'paused'
    """)
    assert hidden == [(None,)]  # a look at a household reaches none of it


def test_a_report_that_comes_while_an_objection_waits_is_kept_and_not_shown(world: World) -> None:
    world.object("aland", contact(**HER))
    receipt = world.push("housing", "aland", [make_row("home", **HER), make_row("his", **HIM)])
    assert (receipt.accepted, receipt.refused) == (2, ())
    assert categories(world) == [{"rent"}]
    assert states(world) == [("rent", "live"), ("rent", "paused")]


def test_a_dismissed_objection_brings_back_exactly_what_was_there(world: World) -> None:
    push_her(world)
    before = world.rows("SELECT signal_id, household_id, explanation FROM signals.signal_facts ORDER BY 1")
    sealed = world.rows("SELECT report_id, household_id FROM signals.sealed_report ORDER BY 1")
    objection = world.object("aland", contact(**HER))
    assert world.decide("aland", objection, "dismissed") == "dismissed"
    assert world.rows("SELECT signal_id, household_id, explanation FROM signals.signal_facts ORDER BY 1") == before
    assert world.rows("SELECT report_id, household_id FROM signals.sealed_report ORDER BY 1") == sealed
    assert left_of(world, "privacy.objection_key") == 0  # what binds nobody recognises nobody
    world.push("housing", "aland", [make_row("home", **HER, amount_cents=99_900)])
    assert ("rent", "paused") not in states(world)


def test_an_upheld_objection_erases_the_reports_and_next_months_stay_out(world: World) -> None:
    push_her(world)
    objection = world.object("aland", contact(**HER))
    assert world.decide("aland", objection, "upheld") == "upheld"
    assert categories(world) == [{"rent"}]
    assert states(world) == [("rent", "live")]
    for table in ("signals.sealed_report", "signals.report"):
        assert left_of(world, table) == 1
    assert left_of(world, "signals.shut_out") == 2
    next_month: dict[str, Any] = {"reported_on": date(2026, 11, 30), "arrears_since": date(2026, 10, 1)}
    receipt = world.push("housing", "aland", [make_row("home", **HER, **next_month)], "2026-11")
    assert receipt.accepted == 1
    assert states(world) == [("rent", "live")]


def test_an_objection_is_decided_once_and_only_in_its_own_pilot(world: World) -> None:
    push_her(world)
    objection = world.object("aland", contact(**HER))
    assert world.decide("bland", objection, "dismissed") == "no such objection"
    assert world.decide("aland", uuid.uuid4(), "upheld") == "no such objection"
    assert world.decide("aland", objection, "upheld") == "upheld"
    assert world.decide("aland", objection, "dismissed") == "no such objection"
    assert categories(world) == [{"rent"}]


def test_what_was_only_linked_to_the_resident_stops_too_and_stays_out(world: World) -> None:
    world.push("housing", "aland", [make_row("home", **HER)])
    world.push("health", "aland", [make_row("care", **VAGUE, **HEALTH)])
    assert categories(world) == [{"rent", "health_insurance"}]
    objection = world.object("aland", contact(**HER | {"street": "Elders", "postcode": "1112 XY"}))  # she moved
    assert categories(world) == []
    world.decide("aland", objection, "upheld")
    world.push("health", "aland", [make_row("care", **VAGUE, **HEALTH, amount_cents=77_700)])
    assert states(world) == []


def test_a_parent_of_the_same_initial_at_the_same_address_is_not_stopped(world: World) -> None:
    world.push("housing", "aland", [make_row("hers", **HER), make_row("father", **FATHER)])
    world.decide("aland", world.object("aland", contact(**HER)), "upheld")
    assert len(states(world)) == 1
    world.push("health", "aland", [make_row("father-care", **FATHER, **HEALTH)])
    assert categories(world) == [{"rent", "health_insurance"}]


def test_in_doubt_a_report_is_not_shown(world: World) -> None:
    """Neither birth date nor telephone: it may be hers, as linking would say."""
    world.object("aland", contact(**HER))
    world.push("health", "aland", [make_row("care", **VAGUE, **HEALTH)])
    assert states(world) == [("health_insurance", "paused")]


def test_a_correction_that_tells_who_it_is_takes_away_what_stood(world: World) -> None:
    world.decide("aland", world.object("aland", contact(**HER)), "upheld")
    stranger = HER | {"phone": "", "birth_date": None, "surname": "Aksoi-Typfout", "house_number": "4"}
    world.push("housing", "aland", [make_row("home", **stranger)])
    assert len(world.signals("aland")) == 1
    world.push("housing", "aland", [make_row("home", **HER)])
    assert world.signals("aland") == []
    assert (left_of(world, "signals.report"), left_of(world, "signals.report_key")) == (0, 0)


def test_a_refusal_shuts_out_its_category_alone_and_for_good(world: World) -> None:
    push_her(world)
    assert world.refuse("aland", contact(**HER), Category.RENT)["outcome"] == "refused"
    assert {frozenset(found) for found in categories(world)} == {frozenset({"health_insurance"}), frozenset({"rent"})}
    world.push("housing", "aland", [make_row("home", **HER, amount_cents=99_900), make_row("his", **HIM)])
    assert states(world) == [("health_insurance", "live"), ("rent", "live")]


def test_a_consent_counts_only_when_it_was_given_after_the_no(world: World) -> None:
    world.refuse("bland", contact(**HER))
    assert world.consent("bland", contact(**HER), given_on=TODAY - timedelta(days=1))["outcome"] == "said no since"
    row = make_row("her", **HER, **POWER, reported_on=TODAY, arrears_since=TODAY - timedelta(days=40))
    month = f"{TODAY:%Y-%m}"
    world.push("power", "bland", [row], month)
    assert states(world) == []
    assert world.consent("bland", contact(**HER), given_on=TODAY)["outcome"] == "recorded"  # later on the same day
    again = make_row("her", **HER, **POWER, reported_on=TODAY, arrears_since=TODAY - timedelta(days=41))
    world.push("power", "bland", [again], month)
    assert states(world) == [("energy", "live")]
    world.withdraw("bland", contact(**HER))
    assert states(world) == []


def test_a_withdrawal_never_falls_back_on_another_basis(world: World) -> None:
    world.consent("bland", contact(**HER))
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    world.withdraw("bland", contact(**HER))
    with world.database.as_superuser() as connection:  # the municipality changes the pilot: energy is statutory now
        connection.execute("""
            UPDATE registry.pilot SET document = jsonb_set(document, '{categories,energy}',
                '{"basis": "statutory", "source": "Energieregeling"}') WHERE pilot_id = 'bland'
        """)
    rows = [make_row("her", **HER, **POWER, amount_cents=99_900), make_row("him", **HIM, **POWER)]
    world.push("power", "bland", rows)
    assert states(world) == [("energy", "live")]


def test_a_paused_report_whose_consent_is_withdrawn_does_not_come_back(world: World) -> None:
    world.consent("bland", contact(**HER))
    world.push("power", "bland", [make_row("her", **HER, **POWER)])
    objection = world.object("bland", contact(**HER))
    world.withdraw("bland", contact(**HER))
    assert states(world) == []
    world.decide("bland", objection, "dismissed")
    assert world.signals("bland") == []


def test_two_objections_pause_until_both_are_decided(world: World) -> None:
    push_her(world)
    first, second = world.object("aland", contact(**HER)), world.object("aland", contact(**HER))
    world.decide("aland", first, "dismissed")
    assert categories(world) == [{"rent"}]
    world.decide("aland", second, "dismissed")
    assert categories(world) == [{"rent", "health_insurance"}, {"rent"}]


def test_a_creditors_objection_stops_its_own_reports_of_that_resident_alone(world: World) -> None:
    push_her(world)
    world.push("housing", "aland", [make_row("garage", **HER), make_row("home", **HER), make_row("his", **HIM)])
    assert world.pass_on("housing", "aland", "home")["state"] == "done"
    assert states(world) == [("health_insurance", "live"), ("rent", "live")]
    new = make_row("new-contract", **HER)  # she, under another number
    world.push("housing", "aland", [make_row("home", **HER), new, make_row("his", **HIM, amount_cents=88_800)])
    assert states(world) == [("health_insurance", "live"), ("rent", "live")]


def test_a_creditors_objection_that_comes_before_the_report_holds_too(world: World) -> None:
    for _ in range(2):  # passed on twice, it is one objection
        world.pass_on("housing", "aland", "home")
    assert left_of(world, "privacy.objection") == 1
    world.push("housing", "aland", [make_row("home", **HER)])
    assert states(world) == []


def test_a_creditor_is_answered_alike_whether_a_contract_is_known_or_not(world: World) -> None:
    push_her(world)
    known, unknown = world.pass_on("housing", "aland", "home"), world.pass_on("housing", "aland", "never-heard-of")
    assert known | {"changeId": ""} == unknown | {"changeId": ""}


def test_a_creditors_no_touches_no_other_creditors_contract_of_the_same_number(world: World) -> None:
    push_her(world)
    world.pass_on("power", "aland", "home")
    assert len(states(world)) == 3


def test_a_creditor_without_an_agreement_passes_on_nothing(world: World) -> None:
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM registry.agreement WHERE pilot_id = 'aland' AND organisation_id = 'health'")
    for pilot in ("aland", "nowhere"):
        with pytest.raises(ServiceRefused) as refused:
            world.pass_on("health", pilot, "care")
        assert (refused.value.status, refused.value.rule) == (409, "no-agreement")
    assert left_of(world, "privacy.basis_change") == 0


@pytest.mark.parametrize("said", ["nothing", "refusal", "objection", "upheld"])
def test_receipts_and_states_are_the_same_whatever_the_resident_said(world: World, said: str) -> None:
    """Promise 5: two creditors report, one of a resident who said no; their answers differ by ids and days alone."""
    if said == "refusal":
        world.refuse("aland", contact(**HER), Category.RENT)
    elif said != "nothing":
        objection = world.object("aland", contact(**HER))
        if said == "upheld":
            world.decide("aland", objection, "upheld")
    told = []
    for creditor, who, category in (("housing", HER, Category.RENT), ("health", HIM, Category.HEALTH_INSURANCE)):
        receipt = world.push(creditor, "aland", [make_row("x", **who, category=category)])
        with world.creditor(creditor) as service:
            state = service.get(f"/deliveries/{receipt.delivery}", pilotId="aland")
            listed = service.get("/deliveries", pilotId="aland")["deliveries"]
            own = ("deliveryId", "openedAt", "completedAt", "category", "manifest", "receipt")
            parts = [{**part, "sha256": ""} for part in state.pop("parts")]
            states_shown = [{**row, **dict.fromkeys(own)} for row in (state, *listed)]
            told.append((receipt.accepted, receipt.refused, told_by(receipt.signed), parts, states_shown))
    assert told[0] == told[1]
    assert len(world.signals("aland")) == (2 if said == "nothing" else 1)


@pytest.mark.parametrize("first", ["delivery", "objection"])
def test_a_delivery_that_is_staged_when_somebody_objects_shows_nothing_of_hers(world: World, first: str) -> None:
    """Both wait behind the pilot's lock; whichever is carried out first, the end is the same."""
    pushing = threading.Thread(target=world.push, args=("housing", "aland", [make_row("home", **HER)]))
    objecting = threading.Thread(target=world.object, args=("aland", contact(**HER)))
    order = [pushing, objecting] if first == "delivery" else [objecting, pushing]
    with world.database.as_superuser() as locked, locked.transaction():
        locked.execute("SELECT FROM registry.pilot WHERE pilot_id = 'aland' FOR NO KEY UPDATE")
        for thread, waiting in zip(order, (1, 2), strict=True):
            thread.start()
            _until(world, waiting)
    for thread in order:
        thread.join(30)
    assert world.signals("aland") == []
    assert states(world) == [("rent", "paused")]


def _until(world: World, waiting: int) -> None:
    """Wait until so many things lie ready for the linker."""
    for _ in range(2_000):
        found = world.rows("""
            SELECT (SELECT count(*) FROM intake.delivery WHERE state = 'completing')
                 + (SELECT count(*) FROM privacy.basis_change WHERE done_at IS NULL)
        """)
        if found[0][0] >= waiting:
            return
        threading.Event().wait(0.01)
    raise AssertionError("nothing lies ready for the linker")


def test_a_desk_opens_who_objected_and_the_service_can_not(world: World) -> None:
    objection = world.object("aland", contact(**HER))
    home = world.home("town-a")
    with world.desk("aland", "record-basis") as service:
        ((row, who),) = desk_basis.objections(home, service, world.documents["aland"])
    assert (row["objectionId"], row["state"], row["category"]) == (str(objection), "pending", None)
    assert isinstance(who, dict)
    assert who["surname"] == "Aksoy"
    dumped = str(world.rows("SELECT * FROM privacy.objection, privacy.objection_key"))
    assert "Aksoy" not in dumped


def test_another_municipality_records_lists_and_decides_nothing_here(world: World) -> None:
    push_her(world)
    objection = world.object("aland", contact(**HER))
    document, home = world.documents["aland"], world.home(PILOTS["bland"])
    with world.desk("bland", "record-basis") as service:
        attempts: tuple[Callable[[], Any], ...] = (
            lambda: service.get("/objections", pilotId="aland"),
            lambda: desk_basis.decide_objection(service, document, objection, "dismissed"),
            lambda: service.post("/objections", _body(world, home), pilotId="aland"),
        )
        for attempt in attempts:
            with pytest.raises(ServiceRefused) as refused:
                attempt()
            assert (refused.value.status, refused.value.kind) == (403, "look-refused")
    assert left_of(world, "privacy.objection") == 1
    assert categories(world) == [{"rent"}]


def _body(world: World, home: Any) -> dict[str, Any]:
    """An objection as the other municipality would write it, with a pilot key of its own."""
    objection = Objection(
        objected_on=TODAY,
        keys=desk_basis.keys_of(home, world.documents["bland"], contact(**HER)),
        sealed="00",
    )
    return objection.model_dump(mode="json", by_alias=True)


def test_the_log_tells_of_each_no_and_each_decision_and_names_nobody(world: World) -> None:
    push_her(world)
    objection = world.object("aland", contact(**HER))
    world.decide("aland", objection, "upheld")
    world.refuse("aland", contact(**HIM), Category.RENT)
    world.pass_on("health", "aland", "care")
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        bodies = [event["body"] for event in read_log(world.home("town-a"), service, world.documents["aland"]).events]
    told = {body["kind"]: body for body in bodies if body["kind"].startswith("basis-")}
    assert told["basis-objection"]["outcome"] == "paused"
    assert told["basis-decision"]["objection"] == str(objection)
    assert told["basis-decision"]["outcome"] == "upheld"
    assert (told["basis-refusal"]["category"], told["basis-refusal"]["outcome"]) == ("rent", "refused")
    assert told["basis-contract-objection"]["creditor"] == "health"
    asked = {body["asks"]["ask"] for body in bodies if body["kind"] == "access"}
    assert {"objection", "decision", "refusal"} <= asked
    assert world.rows("SELECT DISTINCT body FROM privacy.basis_change") == [({},)]  # no keys beside what was done


def test_the_commands_of_desk_and_creditor_do_it_and_take_nobodys_name_as_an_argument(world: World) -> None:
    push_her(world)
    who = json.dumps(contact(**HER).as_json())
    desk = ["--pilot", "aland", "--home", str(world.home("town-a").path), "--user", "somebody"]
    recorded = _run(desk_app, ["objection", "record", *desk, "--lang", "en"], who)
    objection = re.search(r"decide (\S+) upheld", recorded)
    assert objection is not None
    listed = _run(desk_app, ["objection", "list", *desk], "")
    assert objection[1] in listed
    assert "bezwaar: alles" in listed
    assert "Aksoy" in listed
    assert "afgewezen" in _run(desk_app, ["objection", "decide", objection[1], "dismissed", *desk], "")
    assert categories(world) == [{"rent", "health_insurance"}, {"rent"}]
    assert "weigering" in _run(desk_app, ["consent", "refuse", "--category", "rent", *desk], who)
    creditor = ["--pilot", "aland", "--home", str(world.home("health").path), "--lang", "en"]
    assert "passed on" in _run(creditor_app, ["objection", *creditor], "care\n")
    assert categories(world) == [{"rent"}]


def _run(app: typer.Typer, arguments: list[str], told: str) -> str:
    done = CliRunner().invoke(app, arguments, input=told)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT outcome FROM privacy.basis_change",
        "SELECT body FROM privacy.basis_change",
        "SELECT FROM privacy.objection",
        "SELECT FROM privacy.objection_key",
        """INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body, creditor_id)
           VALUES ('aland', gen_random_uuid(), 'contract-objection', '{}', 'housing')""",
        """INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body)
           VALUES ('aland', gen_random_uuid(), 'decision', '{}')""",
    ],
    ids=["outcome", "body", "objections", "keys", "for-another", "as-a-desk"],
)
def test_the_ingest_login_learns_nothing_and_speaks_for_nobody_else(world: World, statement: str) -> None:
    with world.sessions.engine(Login.INGEST).connect() as connection:
        connection.execute(sa.text("SELECT registry.enter_creditor('health')"))
        with pytest.raises(sa.exc.DBAPIError, match=r"permission denied|row-level security"):
            connection.execute(sa.text(statement))


def test_the_recorder_sees_objections_inside_an_event_alone(world: World) -> None:
    world.object("aland", contact(**HER))
    assert as_login(world, Login.RECORDER, "SELECT objection_id FROM gate.objections()") == []
    for table in ("objection", "objection_key"):
        with pytest.raises(sa.exc.DBAPIError):
            as_login(world, Login.RECORDER, f"SELECT FROM privacy.{table}")
