"""A pilot's own rule set, over HTTP: proposed by one person, activated by another, and then what all is judged by."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.rules import app
from client import desk_rules
from client.desk_pilot import own_document, sign_anew
from client.desk_work import desk_service
from client.service import Service, ServiceRefused
from signals.pilot import Role
from signals.rulesets import default_text, parse_rule_set
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

STRICT = default_text().replace("id: default", "id: strict").replace("at_least: 50,", "at_least: 900,")
PILOT = "aland"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push("housing", PILOT, [make_row("c", phone="")])
        yield world


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
    assert world.rows("SELECT DISTINCT tray FROM signals.signal WHERE pilot_id = 'aland'") == [("set_aside",)]
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
    households = world.rows("SELECT count(DISTINCT household_id) FROM signals.signal WHERE pilot_id = 'aland'")[0][0]
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


def test_the_commands(world: World, tmp_path: Path) -> None:
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
