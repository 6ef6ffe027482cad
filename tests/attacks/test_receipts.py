"""The operator breaks its word on a receipt, a creditor asks for what is another's, or states to a judge what it did
not report.

Promise 6: what a creditor has a receipt for is not lost, and not altered unseen.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from app.log_sealing import seal_waiting
from cli import creditor
from cli.creditor_receipts import look_after
from client import preparing, proving
from client.desk_work import show
from client.log_watch import follow_log
from client.proving import Place, check_receipts, prove_report
from client.service import ServiceRefused
from privacy.errors import PrivacyError
from privacy.receipts import details_commitment
from privacy.report_proof import Flaw, ProofRefused, verify_proof
from privacy.sealing import AlteredReport
from signals.pilot import Role
from signals.report import Category
from tests.attacks.test_log import TABLES, log_key, rewrite, sealing_held
from tests.conftest import Database
from tests.world import World, make_row, small_world

OF_THE_TREE = ("log_leaf", "log_node", "log_head")


@pytest.fixture(scope="module")
def kept(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A pilot to which a landlord and a power company delivered."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push("housing", "aland", [make_row(f"c{n}", house_number=str(n), phone="") for n in (1, 2, 3)])
        world.push("power", "aland", [make_row("e1", "Bakker", category=Category.ENERGY, house_number="8", phone="")])
        seal_waiting(world.sessions, log_key(world))
        yield world


@pytest.fixture
def world(kept: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same, where a receipt must be in the log at once; its log is put back after the test."""
    monkeypatch.setattr(proving, "SEALED_WITHIN", timedelta(0))
    monkeypatch.setattr(proving, "PATIENCE", 0.0)
    with sealing_held(kept) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE public.kept_{table} AS TABLE privacy.{table}")
    yield kept
    with sealing_held(kept) as connection:
        connection.execute("DELETE FROM privacy.cosignature")
        for table in TABLES:
            connection.execute(f"DELETE FROM privacy.{table}")
            connection.execute(f"INSERT INTO privacy.{table} SELECT * FROM public.kept_{table}")
            connection.execute(f"DROP TABLE public.kept_{table}")
    for note in (kept.home("town-a").path / "log" / "aland").glob("*.note"):
        note.unlink()


def places(world: World, name: str) -> list[Place]:
    with world.creditor(name) as service:
        return [checked.place for checked in check_receipts(world.home(name), service, "aland")]


def cosigned(world: World) -> None:
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        follow_log(world.home("town-a"), service, world.documents["aland"])


def without_the_landlords(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["body"].get("creditor") != "housing"]


def with_fewer_reports(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**event, "body": {**event["body"], "accepted": 2}} if event["body"].get("creditor") == "housing" else event
        for event in events
    ]


@pytest.mark.parametrize("change", [without_the_landlords, with_fewer_reports])
def test_a_receipt_that_the_operator_drops_from_its_log_is_found_out(world: World, change: Any) -> None:
    assert places(world, "housing") == [Place.IN_LOG]
    rewrite(world, change, log_key(world))
    assert places(world, "housing") == [Place.MISSING]
    assert places(world, "power") == [Place.IN_LOG]


def test_a_receipt_that_its_creditor_alone_is_shown_in_the_log_is_found_out(world: World) -> None:
    """The desk cosigns a log without it; the creditor is shown one with it."""
    rewrite(world, without_the_landlords, log_key(world))
    cosigned(world)
    with sealing_held(world) as connection:
        for table in OF_THE_TREE:
            connection.execute(f"DELETE FROM privacy.{table}")
            connection.execute(f"INSERT INTO privacy.{table} SELECT * FROM public.kept_{table}")
    assert places(world, "housing") == [Place.MISSING]
    with world.creditor("housing") as service:
        _proof, proven = prove_report(world.home("housing"), service, "aland", "c1")
    assert proven.seen_at is None  # no proof claims that the municipality saw it


def test_the_commands_say_that_a_receipt_is_lost(world: World) -> None:
    rewrite(world, without_the_landlords, log_key(world))
    with world.creditor("housing") as service:
        lost = look_after(world.home("housing"), service, "aland", "en")
    assert lost
    words = ["receipts", "--home", str(world.home("housing").path), "--pilot", "aland"]
    listed = CliRunner().invoke(creditor.app, words)
    assert (listed.exit_code, "NIET IN HET LOGBOEK" in listed.stdout) == (1, True)


def test_a_creditor_gets_the_proof_of_its_own_receipts_and_of_no_other_leaf(world: World) -> None:
    rows = world.rows(
        "SELECT encode(leaf_hash, 'hex'), d.creditor_id FROM privacy.log_leaf l"
        " LEFT JOIN intake.delivery d USING (pilot_id, leaf_hash) WHERE pilot_id = 'aland'"
    )
    assert {owner for _leaf, owner in rows} == {"housing", "power", None}
    size = len(rows)
    refusals = []
    with world.creditor("power") as service:
        for leaf, owner in [*rows, ("00" * 32, None)]:
            ask = {"pilotId": "aland", "leafHash": leaf, "treeSize": size}
            if owner == "power":
                assert service.get("/inclusion-proofs", **ask)["hashes"]
                continue
            with pytest.raises(ServiceRefused) as refused:
                service.get("/inclusion-proofs", **ask)
            refusals.append((refused.value.status, refused.value.kind, refused.value.problem.get("detail")))
    assert len(refusals) == size
    assert set(refusals) == {(404, "not-in-log", "there is no such leaf in a log of that size")}


def test_another_creditors_receipt_does_not_prove_ones_own_report(world: World) -> None:
    proofs = []
    for name, contract in (("housing", "c1"), ("power", "e1")):
        with world.creditor(name) as service:
            proofs.append(prove_report(world.home(name), service, "aland", contract)[0])
    taken = {part: getattr(proofs[1], part) for part in ("receipt", "leaf_index", "inclusion")}
    with pytest.raises(ProofRefused) as refused:
        verify_proof(proofs[0].model_copy(update=taken), world.documents["aland"].fingerprint())
    assert refused.value.flaw is Flaw.NOT_IN_DELIVERY


def test_a_creditor_that_commits_to_other_details_than_it_seals_is_found_out_at_the_desk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would show a judge that it reported somebody else than whom the municipality was told of."""
    monkeypatch.setattr(
        preparing,
        "commitment_to",
        lambda salt, details: details_commitment(salt, {**json.loads(details), "surname": "Jansen"}),
    )
    row = make_row("liar", "Smit", house_number="66", phone="", category=Category.HEALTH_INSURANCE)
    world.push("health", "aland", [row])
    signals = world.signals("aland")
    found: list[PrivacyError | None] = []
    with world.desk("aland", "offer-help") as service:
        for signal in signals:
            opened = show(world.home("town-a"), service, world.documents["aland"], signal["signalId"])
            found += [told for row, told in opened.reports if row["creditorId"] == "health"]  # type: ignore[misc]
    assert [type(error) for error in found] == [AlteredReport]
    assert "committed to" in str(found[0])
    with world.creditor("health") as service, pytest.raises((PrivacyError, json.JSONDecodeError)):
        prove_report(world.home("health"), service, "aland", "liar")
