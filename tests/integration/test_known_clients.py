"""The knock-out list: a known client's reports go to a tray of their own, in any order, and no creditor can tell."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.retention import carry_out
from cli.desk import app as desk_app
from client.desk_basis import today
from client.known_clients import Client, listed_clients, push_clients
from privacy.identity import Contact
from signals.explaining import explain
from signals.explanation import Explanation
from signals.report import Category, UrgentFlag
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world, told_by

HER: dict[str, Any] = {"surname": "Aksoy", "initials": "E.", "house_number": "3", "phone": "0611111111"} | {
    "birth_date": date(1990, 5, 1)
}
HIM: dict[str, Any] = {"surname": "Bloem", "initials": "K.", "house_number": "9", "phone": "0622222222"} | {
    "birth_date": date(1970, 1, 9)
}
# Her as a creditor knows her that has neither birth date nor telephone: hers by linking, by a weak key alone.
VAGUE: dict[str, Any] = HER | {"phone": "", "birth_date": None}
MATE: dict[str, Any] = HER | {"surname": "Bos", "initials": "P.", "phone": "", "birth_date": date(1988, 1, 1)}
HEALTH: dict[str, Any] = {"category": Category.HEALTH_INSURANCE}


def contact(**details: Any) -> Contact:
    return make_row("x", **details).contacts[0]


@pytest.fixture(scope="module")
def of_module(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(of_module: World) -> Iterator[World]:
    """The module's world, without reports and list; each test takes it as if it were its own."""
    yield of_module
    with of_module.database.as_superuser() as connection:
        connection.execute("SELECT FROM registry.pilot FOR UPDATE")  # the linker may be looking for doubts
        for table in (
            *("signals.doubt", "signals.review_due"),
            *("signals.signal", "signals.signal_categories", "signals.signal_facts", "signals.link_change"),
            *("signals.report_key", "signals.sealed_report", "signals.report", "signals.shut_out"),
            *("privacy.known_client_key", "privacy.known_client", "privacy.basis_change"),
            *("intake.refused_row", "intake.part", "intake.delivery"),
        ):
            connection.execute(f"DELETE FROM {table}".encode())


def trays(world: World) -> list[tuple[str, bool]]:
    return sorted((signal["tray"], signal["urgent"]) for signal in world.signals("aland"))


def standing(world: World) -> list[tuple[Any, ...]]:
    return world.rows("""
        SELECT s.signal_id, s.tray, s.rules, s.priority, s.deadline, f.explanation::jsonb - 'digest'
        FROM signals.signal s JOIN signals.signal_facts f USING (pilot_id, signal_id) ORDER BY 1
    """)


def test_a_known_clients_reports_lie_in_a_tray_of_their_own_and_say_why(world: World) -> None:
    world.push("housing", "aland", [make_row("home", **HER), make_row("his", **HIM)])
    world.push("health", "aland", [make_row("care", **VAGUE, **HEALTH)])
    assert trays(world) == [("multiple", False), ("single", False)]
    assert world.list_clients("aland", contact(**HER)) == "listed"
    assert trays(world) == [("known_client", False), ("single", False)]
    signal = next(signal for signal in world.signals("aland") if signal["tray"] == "known_client")
    assert signal["rules"] == ["known-client@1", "multiple@1"]
    told = explain(Explanation.model_validate(signal["explanation"]), "nl")
    assert any("al bekend bij schuldhulp" in sentence and "known-client@1" in sentence for sentence in told)
    assert sum(sentence.startswith("Melding") and "al bekend bij schuldhulp" in sentence for sentence in told) == 2


def test_what_is_urgent_of_a_known_client_stands_on_top_and_is_shown_as_urgent(world: World) -> None:
    world.list_clients("aland", contact(**HER), contact(**HIM))
    threatened = make_row("home", **HER, urgent=(UrgentFlag.EVICTION_ANNOUNCED,))
    world.push("housing", "aland", [make_row("his", **HIM), threatened])
    assert [(s["tray"], s["urgent"]) for s in world.signals("aland")] == [
        ("known_client", True),
        ("known_client", False),
    ]


def test_a_housemate_who_is_not_on_the_list_keeps_the_signal_where_it_was(world: World) -> None:
    world.list_clients("aland", contact(**HER))
    world.push("housing", "aland", [make_row("home", **HER)])
    world.push("health", "aland", [make_row("mate", **MATE, **HEALTH)])
    assert trays(world) == [("multiple", False)]
    reports = world.signals("aland")[0]["explanation"]["reports"]
    assert sorted((r["category"], r.get("known_client", False)) for r in reports) == [
        ("health_insurance", False),
        ("rent", True),
    ]


def test_a_likeness_by_weak_keys_alone_marks_nobody(world: World) -> None:
    world.list_clients("aland", contact(**HER))
    world.push("health", "aland", [make_row("care", **VAGUE, **HEALTH)])
    father = HER | {"phone": "", "birth_date": date(1960, 2, 2), "house_number": "4"}
    world.push("housing", "aland", [make_row("father", **father)])
    assert trays(world) == [("single", False), ("single", False)]


def test_the_list_is_replaced_as_a_whole_and_what_was_marked_comes_back(world: World) -> None:
    world.push("housing", "aland", [make_row("home", **HER), make_row("his", **HIM)])
    before = standing(world)
    world.list_clients("aland", contact(**HER))
    world.list_clients("aland", contact(**HIM))
    assert {s["tray"] for s in world.signals("aland") if s["explanation"]["facts"]["known_client"] == ["listed"]} == {
        "known_client"
    }
    assert world.rows("SELECT count(*) FROM privacy.known_client") == [(1,)]
    assert world.unlist_client("aland", contact(**HER)) == "not on the list"
    assert world.unlist_client("aland", contact(**HIM)) == "removed"
    assert standing(world) == before
    assert world.rows("SELECT count(*) FROM privacy.known_client_key") == [(0,)]


def test_lists_and_deliveries_in_any_order_give_the_same_signals(world: World) -> None:
    """Promise 7: what was added and taken off again is as if it had never been there."""
    steps: tuple[Callable[[], object], ...] = (
        lambda: world.push("housing", "aland", [make_row("home", **HER), make_row("his", **HIM)]),
        lambda: world.push(
            "health", "aland", [make_row("care", **VAGUE, **HEALTH), make_row("mate", **MATE, **HEALTH)]
        ),
        lambda: world.list_clients("aland", contact(**HER), replace=False),
        lambda: world.list_clients("aland", contact(**MATE), replace=False),
        lambda: (
            world.list_clients("aland", contact(**HIM), replace=False),
            world.unlist_client("aland", contact(**HIM)),
        ),
    )
    found = []
    for order in ((0, 1, 2, 3, 4), (2, 3, 4, 0, 1), (4, 1, 2, 0, 3), (3, 0, 4, 1, 2)):
        for step in order:
            steps[step]()
        found.append([row[1:] for row in standing(world)])
        with world.database.as_superuser() as connection:
            connection.execute("SELECT FROM registry.pilot FOR UPDATE")
            for table in ("known_client_key", "known_client"):
                connection.execute(f"DELETE FROM privacy.{table}".encode())
            for table in ("signal", "signal_categories", "signal_facts", "link_change", "report_key", "sealed_report"):
                connection.execute(f"DELETE FROM signals.{table}".encode())
            connection.execute("DELETE FROM signals.report")
            for table in ("refused_row", "part", "delivery"):
                connection.execute(f"DELETE FROM intake.{table}".encode())
    assert sorted(row[0] for row in found[0]) == ["known_client", "single"]
    assert all(other == found[0] for other in found)


def test_an_entry_goes_the_day_after_its_last_and_its_reports_come_back(world: World) -> None:
    world.push("housing", "aland", [make_row("home", **HER), make_row("his", **HIM)])
    before = standing(world)
    tomorrow = today() + timedelta(days=1)
    with world.desk("aland", "known-clients") as service:
        clients = [Client(contact(**HER), tomorrow), Client(contact(**HIM), today() + timedelta(days=4000))]
        push_clients(world.home("town-a"), service, world.documents["aland"], clients, replace=True)
    untils = world.rows("SELECT until FROM privacy.known_client ORDER BY 1")
    assert untils == [(tomorrow,), (today() + timedelta(days=92),)]  # none outlives the pilot's term
    list(carry_out(world.sessions, tomorrow, world.linker.rule_set))
    assert trays(world) == [("known_client", False)] * 2
    list(carry_out(world.sessions, tomorrow + timedelta(days=1), world.linker.rule_set))
    assert trays(world) == [("known_client", False), ("single", False)]
    list(carry_out(world.sessions, today() + timedelta(days=93), world.linker.rule_set))
    assert standing(world) == before


def test_the_desk_reads_who_is_on_the_list_and_another_town_reads_nothing_of_it(world: World) -> None:
    world.list_clients("aland", contact(**HER), contact(**HIM))
    listed = {}
    for pilot, town in PILOTS.items():
        with world.desk(pilot, "known-clients") as service:
            listed[pilot] = list(listed_clients(world.home(town), service, world.documents[pilot]))
    assert {who["surname"] for _row, who in listed["aland"] if isinstance(who, dict)} == {"Aksoy", "Bloem"}
    assert listed["bland"] == []
    stored = str(world.rows("SELECT to_jsonb(c) FROM privacy.known_client c"))
    assert "Aksoy" not in stored


@pytest.mark.parametrize("listed", [False, True])
def test_receipts_and_states_are_the_same_for_a_known_client(world: World, *, listed: bool) -> None:
    """Promise 5: two creditors report, one of a known client; their answers differ by ids and days alone."""
    if listed:
        world.list_clients("aland", contact(**HER))
    told = []
    for creditor, who, category in (("housing", HER, Category.RENT), ("health", HIM, Category.HEALTH_INSURANCE)):
        receipt = world.push(creditor, "aland", [make_row("x", **who, category=category)])
        with world.creditor(creditor) as service:
            state = service.get(f"/deliveries/{receipt.delivery}", pilotId="aland")
        own = ("deliveryId", "openedAt", "completedAt", "category", "manifest", "receipt")
        parts = [{**part, "sha256": ""} for part in state.pop("parts")]
        same = {**state, **dict.fromkeys(own)}
        told.append((receipt.accepted, receipt.refused, told_by(receipt.signed), parts, same))
    assert told[0] == told[1]
    assert ("known_client" in {s["tray"] for s in world.signals("aland")}) is listed


def test_a_known_client_who_objects_is_hidden_like_anybody(world: World) -> None:
    world.push("housing", "aland", [make_row("home", **HER)])
    world.list_clients("aland", contact(**HER))
    objection = world.object("aland", contact(**HER))
    assert trays(world) == []
    world.decide("aland", objection, "dismissed")
    assert trays(world) == [("known_client", False)]


def test_the_desks_command_pushes_lists_adds_and_removes(world: World, tmp_path: Path) -> None:
    home = world.home("town-a")
    home.save(home.settings.model_copy(update={"pilots": {"aland": "x"}}))
    rows = [
        "Nr;Naam;Geboren;Adres;PC",
        "1;E. Aksoy;1990-05-01;Dorpsstraat 3;1111 AB",
        "2;K. Bloem;;Dorpsstraat 9;1111 AB",
    ]
    columns = "{reference: Nr, name: Naam, birth_date: Geboren, address: Adres, postcode: PC}"
    (tmp_path / "p.yaml").write_text(f"profile: system\nfile: {{format: csv}}\ncolumns: {columns}\n", encoding="utf-8")
    world.push("housing", "aland", [make_row("home", **HER), make_row("his", **HIM)])
    world.list_clients("aland", contact(**MATE))

    def run(*words: str, standard_input: str = "") -> Any:
        options = ["--home", str(home.path), "--user", "somebody", "--lang", "en"]
        return CliRunner().invoke(desk_app, ["known-clients", *words, *options], input=standard_input)

    push = ["push", str(tmp_path / "list.csv"), "--profile", str(tmp_path / "p.yaml")]
    (tmp_path / "list.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    done = run(*push)
    assert done.exit_code == 1, done.output
    assert "line 3" in done.stderr
    assert "nobody went off" in done.stdout
    assert world.rows("SELECT count(*) FROM privacy.known_client") == [(2,)]
    assert "Bloem" not in done.output
    (tmp_path / "list.csv").write_text("\n".join([*rows[:2], ""]), encoding="utf-8")
    assert run(*push).exit_code == 0
    assert trays(world) == [("known_client", False), ("single", False)]
    him = json.dumps({name: str(value) for name, value in contact(**HIM).as_json().items()})
    assert run("add", "--until", "2027-01-01", standard_input=him).exit_code == 0
    listed = run("list").stdout
    assert "E. Aksoy" in listed
    assert "Bloem" in listed
    assert "1 Jan 2027" in listed
    assert run("remove", standard_input=him).exit_code == 0
    assert run("remove", standard_input=him).exit_code == 1
    assert trays(world) == [("known_client", False), ("single", False)]
    (tmp_path / "list.csv").write_text(rows[0] + "\n", encoding="utf-8")
    assert run(*push).exit_code == 2  # an empty export empties no list
    assert trays(world) == [("known_client", False), ("single", False)]
