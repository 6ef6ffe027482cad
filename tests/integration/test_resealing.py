"""A municipality replaces its key, or lost it: what is sealed to it opens with the new one, nothing with the old."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from cli.desk import app
from client import resealing
from client.delivering import deliver
from client.desk_basis import objections
from client.desk_pilot import own_document, sign_anew
from client.desk_work import show
from client.home import Home, HomeUnusable, init_desk, own_fingerprint
from client.opening import OpenedReport
from client.service import ServiceRefused
from client.trust import join
from privacy import hybrid
from privacy.pilot_document import UntrustedDocument
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.world import World, checked_of, make_row, small_world

PILOT, TOWN, OTHER = "aland", "town-a", "bland"
SEALED = """
    SELECT delivery_id, key_envelope FROM intake.delivery WHERE pilot_id = %(p)s AND key_envelope IS NOT NULL
    UNION ALL SELECT consent_id, sealed FROM privacy.consent WHERE pilot_id = %(p)s
    UNION ALL SELECT objection_id, sealed FROM privacy.objection WHERE pilot_id = %(p)s AND sealed IS NOT NULL
    UNION ALL SELECT client_id, sealed FROM privacy.known_client WHERE pilot_id = %(p)s
"""


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        home = world.home(TOWN)
        home.save(home.settings.model_copy(update={"pilots": {PILOT: "typed"}}))
        for pilot in (PILOT, OTHER):
            row = make_row("c1", phone="", house_number="3")
            world.push("housing", pilot, [row])
            world.consent(pilot, row.contacts[0])
            world.object(pilot, make_row("objects", "Objector", house_number="77", phone="").contacts[0])
            world.list_clients(pilot, make_row("knows", "Bekend", house_number="78", phone="").contacts[0])
        yield world


def sealed(world: World, pilot: str = PILOT) -> dict[uuid.UUID, bytes]:
    return {row[0]: bytes(row[1]) for row in world.rows(SEALED, p=pilot)}


def opens(world: World, private: bytes) -> set[bool]:
    """Whether a key opens what the service holds: all of it, none of it, or some."""
    home = world.home(TOWN)
    with world.desk(PILOT, "keep-keys") as service:
        document = own_document(home, service, PILOT)
        pages = list(service.get("/sealings", pilotId=PILOT)["sealings"])
    assert {page["kind"] for page in pages} == {"delivery", "consent", "objection", "known-client"}
    return {resealing._opened(sealing, document, [private]) is not None for sealing in pages}


def run(world: World, *words: str) -> tuple[int, str]:
    home = str(world.home(TOWN).path)
    done = CliRunner().invoke(app, [*words, "--home", home, "--user", "somebody", "--lang", "en"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def reports(world: World) -> list[Any]:
    """What became of each report behind each signal, at the desk."""
    found = []
    ids = [signal["signalId"] for signal in world.signals(PILOT)]
    with world.desk(PILOT, "offer-help") as service:
        document = own_document(world.home(TOWN), service, PILOT)
        for signal in ids:
            found += [report for _row, report in show(world.home(TOWN), service, document, signal).reports]
    return found


def all_open(world: World) -> bool:
    home, found = world.home(TOWN), reports(world)
    with world.desk(PILOT, "record-basis") as service:
        document = own_document(home, service, PILOT)
        who = [contact for _row, contact in objections(home, service, document)]
    assert found
    names = [contact["surname"] for contact in who if isinstance(contact, dict)]
    return all(isinstance(report, OpenedReport) for report in found) and names == ["Objector"]


def test_after_a_rotation_everything_opens_with_the_new_key_and_nothing_with_the_old(world: World) -> None:
    home = world.home(TOWN)
    old, before, others = home.secret("recipient.key"), sealed(world), sealed(world, OTHER)
    assert opens(world, old) == {True}
    code, said = run(world, "rotate-recipient")
    assert (code, home.has(resealing.OLD)) == (0, False), said
    assert opens(world, old) == {False}
    assert opens(world, home.secret("recipient.key")) == {True}
    after = sealed(world)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert sealed(world, OTHER) == others
    assert all_open(world)


def test_the_recovery_key_opens_what_was_sealed_anew(world: World) -> None:
    run(world, "rotate-recipient")
    assert opens(world, (world.home(TOWN).path / "recovery.key").read_bytes()) == {True}


def test_creditors_go_on_without_a_telephone_call(world: World) -> None:
    run(world, "rotate-recipient")
    world.push("housing", PILOT, [make_row("after", "Later", house_number="41", phone="")])
    assert all_open(world)


def test_a_rotation_that_broke_off_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new document is out, and nothing was sealed anew: reports open again after the second run."""
    home = world.home(TOWN)
    old = home.secret("recipient.key")

    def broken(*_: Any, **__: Any) -> Iterator[Any]:
        raise ConnectionError("the line broke")

    with monkeypatch.context() as patched:
        patched.setattr(resealing, "pages", broken)
        with pytest.raises(ConnectionError):
            run(world, "rotate-recipient")
    assert home.secret(resealing.OLD) == old
    new = home.secret("recipient.key")
    assert new != old
    assert run(world, "rotate-recipient")[0] == 0
    assert home.secret("recipient.key") == new
    assert opens(world, old) == {False}
    assert all_open(world)


def test_a_lost_key_is_replaced_by_means_of_the_recovery_key(world: World) -> None:
    home = world.home(TOWN)
    lost = home.secret("recipient.key")
    (home.path / "keys" / "recipient.key").unlink()
    recovery = str(home.path / "recovery.key")
    code, said = run(world, "recover", "--recovery", recovery)
    assert code == 0, said
    assert home.secret("recipient.key") != lost
    assert opens(world, lost) == {False}
    assert all_open(world)


def test_another_desks_recovery_key_is_refused_before_anything_is_made(world: World) -> None:
    home = world.home(TOWN)
    (home.path / "keys" / "recipient.key").rename(home.path / "keys" / "aside")
    try:
        with pytest.raises(HomeUnusable, match="another one than the pilot documents"):
            run(world, "recover", "--recovery", str(world.home("town-b").path / "recovery.key"))
        assert not home.has("recipient.key")
    finally:
        (home.path / "keys" / "aside").rename(home.path / "keys" / "recipient.key")


def test_another_recovery_key_takes_the_place_of_one_that_was_lost(world: World, tmp_path: Path) -> None:
    home, stick = world.home(TOWN), tmp_path / "stick.key"
    lost, before = home.path / "recovery.key", own_fingerprint(home)
    (home.path / "keys" / "recovery.public").unlink()
    init_desk(home, home.settings, stick)
    assert run(world, "rotate-recipient")[0] == 0
    assert (opens(world, lost.read_bytes()), opens(world, stick.read_bytes())) == ({False}, {True})
    with world.creditor("housing") as service:
        with pytest.raises(UntrustedDocument):
            join(world.home("housing"), service, PILOT, before)
        join(world.home("housing"), service, PILOT, own_fingerprint(home))
    lost.write_bytes(stick.read_bytes())
    creditor = world.home("housing")
    pilots = {**creditor.settings.pilots, PILOT: own_fingerprint(home)}
    creditor.save(creditor.settings.model_copy(update={"pilots": pilots}))
    power = world.home("power")
    power.save(power.settings.model_copy(update={"pilots": pilots}))


@pytest.mark.parametrize("table", ["intake.delivery", "privacy.objection"])
def test_what_does_not_open_is_named_and_the_old_key_is_kept(world: World, table: str) -> None:
    column, key = ("key_envelope", "delivery_id") if table == "intake.delivery" else ("sealed", "objection_id")
    home = world.home(TOWN)
    found = world.rows(f"SELECT {key}, {column} FROM {table} WHERE pilot_id = 'aland' LIMIT 1")
    broken, right = found[0][0], bytes(found[0][1])
    put = f"UPDATE {table} SET {column} = %(sealed)s WHERE {key} = %(id)s RETURNING 1"
    world.rows(put, id=broken, sealed=bytes(len(right)))
    code, said = run(world, "rotate-recipient")
    assert code == 1
    assert str(broken) in said
    assert home.has(resealing.OLD)
    world.rows(put, id=broken, sealed=right)
    assert run(world, "rotate-recipient")[0] == 0
    assert not home.has(resealing.OLD)
    assert all_open(world)


def test_a_delivery_sealed_to_the_old_key_is_refused_and_repeating_it_mends_that(world: World) -> None:
    home, rows = world.home("housing"), [make_row("late", "Late", house_number="51", phone="")]
    with world.creditor("housing") as service:
        before = join(home, service, PILOT)
        run(world, "rotate-recipient")
        with pytest.raises(ServiceRefused) as refused:
            deliver(home, service, before, checked_of(rows, Category.RENT))
        assert refused.value.rule == "manifest-other-recipient"
        done = deliver(home, service, join(home, service, PILOT), checked_of(rows, Category.RENT))
    assert done.accepted == 1
    assert all_open(world)


def test_a_creditor_that_the_newest_document_does_not_name_completes_nothing(world: World) -> None:
    home, desk = world.home("power"), world.home(TOWN)
    with world.creditor("power") as service, world.desk(PILOT) as signing:
        joined = join(home, service, PILOT)
        standing = own_document(desk, signing, PILOT)
        others = {name: keys for name, keys in standing.creditors.items() if name != "power"}
        without = sign_anew(desk, signing, standing, {"creditors": others})
        with pytest.raises(ServiceRefused) as refused:
            deliver(home, service, joined, checked_of([make_row("p1", category=Category.ENERGY)], Category.ENERGY))
        assert refused.value.rule == "manifest-key-not-signed-for"
        sign_anew(desk, signing, without, {"creditors": standing.creditors})


def test_every_page_is_a_look_in_the_log(world: World) -> None:
    run(world, "rotate-recipient")
    asked = {
        (row[0], row[1])
        for row in world.rows(
            "SELECT body #>> '{asks,ask}', body ->> 'purpose' FROM privacy.event WHERE pilot_id = 'aland'"
        )
    }
    assert {("sealings", "keep-keys"), ("replace-sealings", "keep-keys")} <= asked


def test_another_pilots_sealings_and_other_lengths_are_not_replaced(world: World) -> None:
    """Also not in the same request as one of the own, and not by the other pilot's desk."""
    mine, theirs = sealed(world), sealed(world, OTHER)
    with world.desk(PILOT, "keep-keys") as service:
        for identity, length in ((next(iter(theirs)), len(next(iter(theirs.values())))), (next(iter(mine)), 60)):
            body = {"sealings": [{"sealingId": str(identity), "sealed": "A" * (-(-length // 3) * 4)}]}
            assert service.put("/sealings", body, pilotId=PILOT) == {"replaced": 0}
    assert (sealed(world), sealed(world, OTHER)) == (mine, theirs)


def opened(world: World, ask: str) -> Any:
    """An event of the desk that was opened for just this."""
    with world.database.connect("vroegsein_opener") as opener:
        row = opener.execute(
            "SELECT event_id FROM privacy.open_event('aland', 'town-a', 'debt-help', 'abcd', 'keep-keys', %s)",
            [Jsonb({"ask": ask, "limit": 1})],
        ).fetchone()
    assert row is not None
    return row[0]


def test_the_recorder_gets_at_sealings_in_its_event_only(world: World) -> None:
    ask = "SELECT count(*) FROM gate.sealed_to_municipality(%(zero)s, 500)"
    put = "SELECT gate.replace_sealed(%(ids)s, %(new)s)"
    zero = uuid.UUID(int=0)
    theirs = sealed(world, OTHER)
    new = [bytes(len(content)) for content in theirs.values()]
    other, event = (opened(world, ask) for ask in ("worklist", "sealings"))
    with world.database.connect("vroegsein_recorder") as recorder:
        assert recorder.execute(ask, {"zero": zero}).fetchone() == (0,)
        assert recorder.execute(put, {"ids": list(theirs), "new": new}).fetchone() == (0,)
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [other])
        assert recorder.execute(ask, {"zero": zero}).fetchone() == (0,)
        recorder.execute("SELECT gate.enter_scope('aland', %s)", [event])
        assert recorder.execute(ask, {"zero": zero}).fetchone() == (len(sealed(world)),)
        assert recorder.execute(put, {"ids": list(theirs), "new": new}).fetchone() == (0,)
        recorder.execute("SELECT gate.enter_scope('bland', %s)", [event])
        assert recorder.execute(ask, {"zero": zero}).fetchone() == (0,)
        assert recorder.execute(put, {"ids": list(theirs), "new": new}).fetchone() == (0,)
    assert sealed(world, OTHER) == theirs


def test_nobody_but_the_desks_role_for_keys_gets_at_sealings(world: World) -> None:
    with world.desk(PILOT, "audit", Role.PRIVACY_OFFICER) as service, pytest.raises(ServiceRefused) as refused:
        service.get("/sealings", pilotId=PILOT)
    assert refused.value.status == 403


def test_old_and_new_key_are_their_owners_alone_and_a_second_beginning_makes_no_other(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.keep("recipient.key", hybrid.new_private_key())
    old = home.secret("recipient.key")
    resealing.begin_rotation(home)
    new = home.secret("recipient.key")
    resealing.begin_rotation(home)
    assert (home.secret(resealing.OLD), home.secret("recipient.key")) == (old, new)
    assert old != new
