"""A pilot's own rule set, over HTTP: tried out in counts, proposed by one person, activated by another."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.kept import BACKTEST_DAYS
from app.retention import carry_out
from cli.desk import app as desk_app
from cli.rules import app
from cli.rules_backtest import periods_of
from cli.words import console
from client import desk_rules
from client.desk_pilot import own_document, sign_anew
from client.desk_rules import BacktestFailed, run_backtest
from client.desk_work import desk_service
from client.service import Service, ServiceRefused
from privacy.request_proof import looks_not_asked_for
from privacy.signing import public_jwk
from signals.backtest_counts import Both
from signals.pilot import Role
from signals.rulesets import default_text, parse_rule_set
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

STRICT = default_text().replace("id: default", "id: strict").replace("at_least: 50,", "at_least: 900,")
PILOT = "aland"
SEPTEMBER: dict[str, Any] = {"reported_on": date(2026, 9, 30), "arrears_since": date(2026, 8, 15)}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        rows = [
            make_row(
                f"c{n}",
                f"Name{n}",
                house_number=str(n),
                birth_date=date(1950, 1, n + 1),
                phone="",
                amount_cents=cents,
                **SEPTEMBER,
            )
            for n, cents in enumerate((20_000, 30_000, 95_000))
        ]
        world.push("housing", "aland", rows, "2026-09")
        yield world


def tried(world: World, rule_set: str = STRICT, purpose: str = "compare-rules", **how: Any) -> Any:
    with world.desk("aland", purpose) as service:
        return run_backtest(service, "aland", rule_set, ["2026-09"], most_seconds=20, **how)


def test_a_desk_sees_what_another_rule_set_would_have_done_and_no_household(world: World) -> None:
    found = tried(world)
    assert (found.old.name, found.new.name) == ("default@1", "strict@1")
    (month,) = found.months
    assert (month.worklist, month.came_in, month.went_out) == (Both(old=3, new=1), 0, 2)
    kept = world.rows("SELECT result::text FROM signals.backtest_result")[0][0]
    for (household,) in world.rows("SELECT DISTINCT household_id::text FROM signals.report"):
        assert household not in kept
    assert {row[0] for row in world.rows("SELECT DISTINCT rule_set FROM signals.signal_facts")} == {"default@1"}


def test_it_is_compared_with_the_registered_rule_set_that_is_named(world: World) -> None:
    assert tried(world, against="default@1").months[0].went_out == 2
    with pytest.raises(ServiceRefused) as refused:
        tried(world, against="never@1")
    assert (refused.value.status, refused.value.kind) == (400, "invalid-input")


def test_the_log_tells_who_asked_for_what_and_that_it_ran(world: World) -> None:
    tried(world)
    events = world.rows(
        "SELECT kind, body FROM privacy.event WHERE pilot_id = 'aland' AND (kind = 'backtest'"
        " OR kind = 'access' AND body #>> '{asks,ask}' LIKE 'backtest%%') ORDER BY at DESC LIMIT 3"
    )
    (shown, ran, asked) = (body for _kind, body in events)
    assert (asked["asks"]["ask"], shown["asks"]["ask"]) == ("backtest", "backtest-result")
    assert {asked["purpose"], shown["purpose"]} == {"compare-rules"}
    assert asked["asks"]["backtest"] == ran["backtest"] == shown["asks"]["backtest"]
    assert asked["asks"]["hash"] == ran["new"]["hash"]
    assert (ran["outcome"], ran["old"]["rule_set"], ran["periods"]) == ("done", "default@1", ["2026-09"])
    signing = public_jwk(world.home(PILOTS["aland"]).jwk("signing.jwk"))
    looks = [{"leafIndex": n, "kind": kind, "body": body} for n, (kind, body) in enumerate(events) if kind == "access"]
    assert looks_not_asked_for(looks, signing, PILOTS["aland"]) == []


@pytest.mark.parametrize("purpose", ["count", "sort", "record-basis"])
def test_a_purpose_that_shows_no_facts_gets_no_counts_by_facts(world: World, purpose: str) -> None:
    before = world.rows("SELECT count(*) FROM signals.backtest")
    with pytest.raises(ServiceRefused) as refused:
        tried(world, purpose=purpose)
    assert (refused.value.status, refused.value.kind) == (404, "not-in-scope")
    assert world.rows("SELECT count(*) FROM signals.backtest") == before


@pytest.mark.parametrize(
    "text", ["", "kind: rule-set", "a: &a [*a]", STRICT.replace("tray: urgent", "tray: 7"), "[" * 9000]
)
def test_a_candidate_with_mistakes_is_refused_with_their_lines_and_not_repeated(world: World, text: str) -> None:
    with pytest.raises(ServiceRefused) as refused:
        tried(world, text)
    assert (refused.value.status, refused.value.kind) == (400, "invalid-input")
    assert refused.value.problem["errors"][0]["pointer"] == "/ruleSet"
    assert all("urgent" not in str(mistake) for mistake in refused.value.problem["errors"])


def test_another_municipality_and_another_role_get_nothing(world: World) -> None:
    tried(world)
    asked = str(world.rows("SELECT backtest_id FROM signals.backtest LIMIT 1")[0][0])
    with world.desk("bland", "compare-rules") as service:
        for path in (f"/backtests/{asked}", f"/backtests/{asked}/result"):
            for pilot in ("aland", "bland"):
                with pytest.raises(ServiceRefused) as refused:
                    service.get(path, pilotId=pilot)
                assert refused.value.status in (403, 404)
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service, pytest.raises(ServiceRefused) as refused:
        service.get(f"/backtests/{asked}/result", pilotId="aland")
    assert refused.value.kind == "scope-missing"


def test_one_that_cannot_be_carried_out_is_marked_and_not_tried_for_ever(world: World) -> None:
    """What a creditor may send can be counted; a day that never comes can't be taken from another one."""
    with world.database.as_superuser() as connection:
        connection.execute("UPDATE signals.report SET arrears_since = 'infinity'")
    try:
        with pytest.raises(BacktestFailed):
            tried(world)
    finally:
        with world.database.as_superuser() as connection:
            connection.execute("UPDATE signals.report SET arrears_since = '2026-08-15'")
    assert world.rows("SELECT state FROM signals.backtest ORDER BY asked_at DESC LIMIT 1") == [("failed",)]


def test_the_command_shows_tables_and_draws_a_picture_without_small_numbers(world: World, tmp_path: Path) -> None:
    candidate, picture = tmp_path / "strict.yaml", tmp_path / "picture.svg"
    candidate.write_text(STRICT, encoding="utf-8")
    home = ["--home", str(world.folder / PILOTS["aland"]), "--pilot", "aland", "--user", "somebody"]
    ask = ["backtest", str(candidate), "--months", "2026-09..2026-10", *home]
    done = CliRunner().invoke(app, [*ask, "--picture", str(picture)])
    assert done.exit_code == 0, done.output
    for said in (
        "strict@1 naast default@1",
        "apart gelegd",
        "2026-09",
        "huishoudens eruit",
        "enkelvoudig → apart gelegd: 2",
    ):
        assert said in done.output, said
    assert "Loos alarm" in done.output
    drawn = picture.read_text(encoding="utf-8")
    assert "&lt;10" in drawn or "niet getoond" in drawn
    assert "strict@1 beside default@1" in CliRunner().invoke(app, [*ask, "--lang", "en"]).output
    assert CliRunner().invoke(app, [*ask[:2], "--months", "oktober", *home]).exit_code == 2


@pytest.mark.parametrize(
    ("months", "periods"),
    [
        ("2026-11..2027-02", ["2026-11", "2026-12", "2027-01", "2027-02"]),
        ("2026-10", ["2026-10"]),
        ("2026-10, 2026-08", ["2026-08", "2026-10"]),
        ("2026-10..2026-09", None),
        ("2020-01..2026-09", None),
        ("2026-13", None),
    ],
)
def test_months_are_named_one_by_one_or_from_and_to(months: str, periods: list[str] | None) -> None:
    if periods is None:
        with pytest.raises(typer.BadParameter):
            periods_of(months)
    else:
        assert periods_of(months) == periods


def test_its_result_is_forgotten_after_its_term(world: World) -> None:
    tried(world)
    last = date.today() + timedelta(days=BACKTEST_DAYS)  # noqa: DTZ011 - a day more or less is no matter here
    for day, left in ((last - timedelta(days=1), True), (last + timedelta(days=2), False)):
        list(carry_out(world.sessions, day, world.linker.rule_set))
        for table in ("backtest", "backtest_result"):
            assert bool(world.rows(f"SELECT FROM signals.{table}")) is left


def named(version: int) -> str:
    """A rule set that no other test here has."""
    return STRICT.replace("version: 1", f"version: {version}")


def desk(world: World, user: str) -> Service:
    return desk_service(world.home(PILOTS[PILOT]), Role.DEBT_HELP, user, "compare-rules")


def activated(world: World, user: str, name: str) -> None:
    with desk(world, user) as service:
        row, rule_set = desk_rules.waiting_proposal(service, PILOT, name)
        desk_rules.activate(world.home(PILOTS[PILOT]), service, PILOT, row["proposalId"], rule_set, most_seconds=20)


def proposed(world: World, text: str, user: str = "anna") -> dict[str, Any]:
    with desk(world, user) as service:
        return desk_rules.propose(service, PILOT, text)


def judged_by(world: World) -> set[str]:
    return {row[0] for row in world.rows("SELECT DISTINCT rule_set FROM signals.signal_facts")}


def refused_by(world: World, user: str, name: str) -> tuple[int, str]:
    with pytest.raises(ServiceRefused) as refused:
        activated(world, user, name)
    return refused.value.status, refused.value.kind


def test_one_proposes_and_another_activates_and_all_is_judged_by_it(world: World) -> None:
    proposal, before = proposed(world, named(2)), judged_by(world)
    assert judged_by(world) == before
    assert refused_by(world, "anna", "strict@2") == (403, "same-person")
    assert judged_by(world) == before
    activated(world, "bram", "strict@2")
    assert judged_by(world) == {"strict@2"}
    with desk(world, "anna") as service:
        document = own_document(world.home(PILOTS[PILOT]), service, PILOT)
        row = next(row for row in desk_rules.proposals(service, PILOT) if row["ruleSet"] == "strict@2")
    assert (document.pilot.rule_set, document.rule_set_hash) == ("strict@2", proposal["hash"])
    assert document.rule_set_hash == parse_rule_set(named(2), "strict").hash().hex()
    assert row["state"] == "activated"
    assert row["proposedBy"] != row["activatedBy"]
    body = world.rows("SELECT body FROM privacy.event WHERE kind = 'rule-set' AND body ->> 'rule_set' = 'strict@2'")[0][
        0
    ]
    assert ({body["before"]}, body["outcome"]) == (before, "activated")
    assert (body["proposed_by"], body["activated_by"]) == (row["proposedBy"], row["activatedBy"])
    world.push("housing", PILOT, [make_row("later", "Later", house_number="99", phone="")])
    assert judged_by(world) == {"strict@2"}
    with pytest.raises(desk_rules.NoSuchProposal):
        activated(world, "cees", "strict@2")  # once


def test_a_proposal_is_counted_beside_the_running_one_and_nothing_of_it_is_used(world: World) -> None:
    proposal, before = (
        proposed(world, STRICT.replace("version: 1", "version: 9").replace("900,", "10,")),
        judged_by(world),
    )
    with desk(world, "bram") as service:
        assert desk_rules.shadow(service, PILOT, proposal["proposalId"]) == []  # nothing was delivered since
    world.push("housing", PILOT, [make_row("shade", "Shade", house_number="55", phone="")])
    until, found = time.monotonic() + 20, list[Any]()
    with desk(world, "bram") as service:
        while not found and time.monotonic() < until:
            found = desk_rules.shadow(service, PILOT, proposal["proposalId"])
    (month,) = found
    october = "SELECT count(*) FROM signals.signal WHERE pilot_id = 'aland' AND period = '2026-10'"
    households = world.rows(october)[0][0]
    assert month.worklist.new == households
    assert judged_by(world) == before
    kept = world.rows("SELECT counts::text FROM signals.rule_set_shadow")
    assert len(kept) == 1
    with world.desk(PILOT, "count") as service:
        assert desk_rules.shadow(service, PILOT, proposal["proposalId"]) == []  # the purpose shows no facts
    with world.desk("bland", "compare-rules") as service:
        assert desk_rules.shadow(service, "bland", proposal["proposalId"]) == []
    activated(world, "bram", "strict@9")
    assert world.rows("SELECT FROM signals.rule_set_shadow") == []


def test_a_document_that_changes_something_else_too_activates_nothing(world: World) -> None:
    proposal, before = proposed(world, named(3)), judged_by(world)
    home = world.home(PILOTS[PILOT])

    def refused(service: Service, pilot: str, document: str) -> str:
        body = {"proposalId": proposal["proposalId"], "document": document}
        with pytest.raises(ServiceRefused) as found:
            service.post("/rule-set-activations", body, pilotId=pilot)
        return found.value.kind

    with desk(world, "bram") as service:
        standing = own_document(home, service, PILOT)
        terms = standing.pilot.model_copy(update={"rule_set": "strict@3"})
        right = {"pilot": terms, "rule_set_hash": proposal["hash"], "version": standing.version + 1}
        changes: list[tuple[dict[str, Any], str]] = [
            ({"rule_set_hash": "ab" * 32}, "untrusted-document"),
            ({"pilot": standing.pilot}, "untrusted-document"),
            ({"creditors": {}}, "untrusted-document"),
            ({"epoch": 2}, "untrusted-document"),
            ({"version": standing.version + 2}, "version-taken"),
        ]
        for wrong, kind in changes:
            document = standing.model_copy(update={**right, **wrong}).signed(home.jwk("signing.jwk"))
            assert refused(service, PILOT, document) == kind, wrong
        forged = standing.model_copy(update=right).signed(world.home("town-b").jwk("signing.jwk"))
        assert refused(service, PILOT, forged) == "not-signed"
    with world.desk("bland", "compare-rules") as service:
        assert refused(service, "bland", forged) == "proposal-unknown"
        assert refused(service, PILOT, forged) == "look-refused"
    assert judged_by(world) == before


def test_a_name_that_stands_with_other_contents_is_a_new_version(world: World) -> None:
    with pytest.raises(ServiceRefused) as refused:
        proposed(world, STRICT.replace("id: strict", "id: default"))
    assert (refused.value.status, refused.value.kind) == (409, "version-taken")


def test_the_commands_to_propose_and_activate(world: World, tmp_path: Path) -> None:
    file = tmp_path / "strict.yaml"
    file.write_text(named(4), encoding="utf-8")
    home = ["--home", str(world.folder / PILOTS[PILOT]), "--pilot", PILOT, "--lang", "nl"]

    def run(*words: str, user: str) -> Any:
        return CliRunner().invoke(app, [*words, *home, "--user", user])

    assert "strict@4 is voorgesteld" in run("propose", str(file), user="anna").output
    assert "voorgesteld" in run("proposals", user="bram").output
    assert isinstance(run("activate", "strict@4", "--yes", user="anna").exception, ServiceRefused)
    done = run("activate", "strict@4", "--yes", user="bram")
    assert (done.exit_code, "strict@4 geldt nu" in done.output) == (0, True), done.output


FRAMES = """
frames:
  - tray: single
    source: "own choice: an example"
    action: {nl: bel, en: call}
    per_week: 2
    attempts:
      - {kind: phone, after_days: 0, part_of_day: evening}
      - {kind: home_visit, after_days: 2}
"""


def at_desk(world: World, *words: str) -> str:
    home = ["--home", str(world.folder / PILOTS[PILOT]), "--pilot", PILOT]
    width, console.width = console.width, 240
    try:
        done = CliRunner().invoke(desk_app, [*words, *home], env={"VROEGSEIN_DESK_USER": "anna"})
    finally:
        console.width = width
    assert done.exit_code == 0, done.output
    return done.output


def test_the_desk_tells_what_comes_next_by_the_frame_and_what_is_left_of_the_week(world: World) -> None:
    proposed(world, default_text().replace("id: default", "id: framed") + FRAMES)
    activated(world, "bram", "framed@1")
    rows = [make_row(f"f{n}", f"Frame{n}", house_number=str(200 + n), phone="", birth_date=date(1970, 1, n + 1))
            for n in range(4)]  # fmt: skip
    world.push("housing", PILOT, rows)
    at_desk(world, "pull")
    listed = at_desk(world, "list", "--tray", "single")
    waiting = listed.count("telefoongesprek (avond)")
    assert waiting == 2
    over = listed.count("over: deze week vol")
    assert f"{over + 2} wachten, 2 per week, 0 deze week opgepakt. Deze week nog 2" in listed
    assert over >= 2
    first = next(line.split()[0] for line in listed.splitlines() if "telefoongesprek (avond)" in line)
    assert "→ 1. telefoongesprek (avond)" in at_desk(world, "show", first)
    case = at_desk(world, "cases", "open", first).split()[1]
    at_desk(world, "cases", "add", "take-up", case)
    at_desk(world, "cases", "add", "attempt", case, "--hoe", "telefoon", "--niet-bereikt", "--dagdeel", "avond")
    at_desk(world, "pull")
    for said in (at_desk(world, "list", "--tray", "single"), at_desk(world, "cases", "list")):
        (line,) = [line for line in said.splitlines() if "huisbezoek" in line]
        assert line.split()[0] in (first, case)
    assert "1 deze week opgepakt. Deze week nog 1" in at_desk(world, "list", "--tray", "single")
    for said in (at_desk(world, "cases", "show", case), at_desk(world, "show", first)):
        assert "Plan: 1 van 2 stappen gedaan" in said
        assert "→ 2. huisbezoek" in said
        assert "Nog niet geprobeerd: ochtend en middag" in said
    assert "Not tried yet: morning and afternoon" in at_desk(world, "show", first, "--lang", "en")
    assert f"left over: {over}" in at_desk(world, "list", "--lang", "en")


def test_a_rule_set_that_was_not_signed_plans_nothing_and_the_worklist_goes_on(world: World) -> None:
    with world.database.as_superuser() as connection:
        text = "UPDATE registry.rule_set SET text = replace(text, 'per_week: 2', %s) WHERE rule_set = 'framed@1'"
        connection.execute(text, ["per_week: 9"])
    at_desk(world, "pull")
    assert "hierna" not in at_desk(world, "list")


def test_one_that_came_after_another_document_fails_and_changes_nothing(world: World) -> None:
    """The last test: the linker stops."""
    proposed(world, named(5))
    before = judged_by(world)
    world.stop_linking()
    home = world.home(PILOTS[PILOT])
    with desk(world, "bram") as service:
        row, rule_set = desk_rules.waiting_proposal(service, PILOT, "strict@5")
        with pytest.raises(desk_rules.ActivationFailed):
            desk_rules.activate(home, service, PILOT, row["proposalId"], rule_set, most_seconds=0)
        standing = own_document(home, service, PILOT)
        sign_anew(home, service, standing, {})
        world.linker.work_off()
        assert next(row for row in desk_rules.proposals(service, PILOT))["state"] == "failed"
        assert own_document(home, service, PILOT).pilot == standing.pilot
    assert judged_by(world) == before
    assert world.rows("SELECT FROM registry.rule_set WHERE rule_set = 'strict@5'") == []
