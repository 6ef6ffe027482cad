"""A creditor that left, or whose keys were stolen: it delivers nothing more, and what it sent is known for that."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app import registry
from app.db.sessions import Login, make_engine
from cli.desk import opened_lines
from client.delivering import deliver
from client.desk_pilot import expel, own_document, parties, sign_anew, sign_pilot
from client.desk_work import Opened, show
from client.home import Home, creditor_keys, init_creditor
from client.oauth import LoginRefused
from client.opening import OpenedReport
from client.service import ServiceRefused
from client.trust import JoinedPilot, join
from privacy.pilot_document import PilotDocument, UntrustedDocument
from signals.report import Category
from tests.conftest import Database
from tests.world import World, checked_of, make_row, small_world

PILOT, TOWN, CREDITOR = "aland", "town-a", "housing"
TODAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push(CREDITOR, PILOT, [make_row("c1")])
        world.push("power", PILOT, [make_row("e1", category=Category.ENERGY)])
        yield world


@pytest.fixture
def joined(world: World) -> Iterator[JoinedPilot]:
    """The pilot as the creditor joined it before; afterwards the document names it again."""
    desk = world.home(TOWN)
    with world.creditor(CREDITOR) as service:
        found = join(world.home(CREDITOR), service, PILOT)
    yield found
    with world.desk(PILOT) as service:
        standing = own_document(desk, service, PILOT)
        sign_anew(desk, service, standing, {"creditors": found.document.creditors, "former": {}})


def expelled(world: World, *, compromised: bool) -> PilotDocument:
    with world.desk(PILOT) as service:
        return expel(world.home(TOWN), service, PILOT, CREDITOR, TODAY, compromised=compromised)


def shown(world: World) -> Opened:
    (signal,) = [signal["signalId"] for signal in world.signals(PILOT) if signal["creditors"] == 2]
    with world.desk(PILOT, "offer-help") as service:
        document = own_document(world.home(TOWN), service, PILOT)
        return show(world.home(TOWN), service, document, signal)


def marked(found: Opened) -> dict[str, Any]:
    return {row["creditorId"]: isinstance(one, OpenedReport) and one.compromised for row, one in found.reports}


@pytest.mark.parametrize("compromised", [False, True], ids=["left", "compromised"])
def test_it_delivers_nothing_more_though_its_token_still_works(
    world: World,
    joined: JoinedPilot,
    compromised: bool,  # noqa: FBT001 - pytest names it
) -> None:
    """With all its keys, its pilot key and the document of before: the service compares with the newest one."""
    expelled(world, compromised=compromised)
    with world.creditor(CREDITOR) as service:
        with pytest.raises(ServiceRefused) as refused:
            deliver(world.home(CREDITOR), service, joined, checked_of([make_row(f"n{compromised}")], Category.RENT))
        assert refused.value.rule == "manifest-key-not-signed-for"
        with pytest.raises(UntrustedDocument, match="does not name your keys"):
            join(world.home(CREDITOR), service, PILOT)


def test_what_it_sent_before_opens_and_is_marked_where_its_keys_were_stolen(world: World, joined: JoinedPilot) -> None:
    assert marked(shown(world)) == {CREDITOR: False, "power": False}
    expelled(world, compromised=False)
    found = shown(world)
    assert all(isinstance(report, OpenedReport) for _row, report in found.reports)
    assert marked(found) == {CREDITOR: False, "power": False}
    assert not [line for line in opened_lines(found, "en") if "somebody else" in line]
    document = expelled(world, compromised=True)
    assert document.former[CREDITOR].compromised
    found = shown(world)
    assert marked(found) == {CREDITOR: True, "power": False}
    assert len([line for line in opened_lines(found, "en") if "somebody else may have had" in line]) == 1
    assert expelled(world, compromised=False).former[CREDITOR].compromised  # the mark does not come off by itself


def test_signing_once_more_does_not_take_it_back(world: World, joined: JoinedPilot) -> None:
    """The operator still hands its keys out: the desk remembers which ones it struck."""
    expelled(world, compromised=True)
    with world.desk(PILOT) as service:
        found = parties(service, PILOT)
        assert CREDITOR in found.creditors
        document = sign_pilot(world.home(TOWN), service, found)
    assert CREDITOR not in document.creditors
    assert document.former[CREDITOR].compromised


def test_with_new_keys_it_is_taken_back_and_only_what_the_old_ones_signed_is_marked(
    world: World, joined: JoinedPilot, tmp_path: Path
) -> None:
    expelled(world, compromised=True)
    old, home = world.home(CREDITOR), Home(tmp_path / CREDITOR)
    shutil.copytree(old.path, home.path)
    for name in ("signing.jwk", "envelope.key"):
        (home.path / "keys" / name).unlink()
    init_creditor(home, old.settings)
    desk = world.home(TOWN)
    with world.desk(PILOT) as service, world.creditor(CREDITOR) as sending:
        found = parties(service, PILOT)
        with_new = {**found.creditors, CREDITOR: creditor_keys(home)}
        document = sign_pilot(desk, service, type(found)(**{**_fields(found), "creditors": with_new}))
        assert document.creditors[CREDITOR] == creditor_keys(home)
        assert join(home, sending, PILOT).key == joined.key
    assert marked(shown(world)) == {CREDITOR: True, "power": False}


def _fields(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def test_nobody_leaves_who_was_never_there(world: World) -> None:
    with world.desk(PILOT) as service, pytest.raises(UntrustedDocument, match="names no creditor stranger"):
        expel(world.home(TOWN), service, PILOT, "stranger", TODAY, compromised=False)


def test_a_revoked_key_logs_in_no_more_and_the_logs_of_its_pilots_tell(world: World) -> None:
    engine = make_engine(world.database.conninfo(Login.OWNER.value), pool_size=1)
    try:
        with engine.begin() as connection:
            assert registry.revoke(connection, "nobody", None) == {}
            assert registry.revoke(connection, "health", ["another-key"]) == {}
            assert set(registry.revoke(connection, "health", None).values()) == {"active"}
        with engine.begin() as connection:
            assert set(registry.revoke(connection, "health", None).values()) == {"revoked"}
    finally:
        engine.dispose()
    with world.creditor("health") as service, pytest.raises(LoginRefused):
        service.get("/deliveries", pilotId=PILOT)
    told = world.rows(
        "SELECT pilot_id FROM privacy.event WHERE kind = 'registry' AND body ->> 'document' = 'keys of health'"
    )
    assert sorted(told) == [("aland",), ("bland",)]
    with world.desk(PILOT) as service:
        assert "health" not in parties(service, PILOT).creditors
