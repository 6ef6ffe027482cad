"""Back-tests as a desk asks for them: over HTTP, worked off by the linker, in counts, and told of in the log."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.kept import BACKTEST_DAYS
from app.retention import carry_out
from cli.rules import app
from cli.rules_backtest import periods_of
from client.desk_rules import BacktestFailed, run_backtest
from client.service import ServiceRefused
from privacy.request_proof import looks_not_asked_for
from privacy.signing import public_jwk
from signals.backtest_counts import Both
from signals.pilot import Role
from signals.rulesets import default_text
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

STRICT = default_text().replace("id: default", "id: strict").replace("at_least: 50,", "at_least: 900,")
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
