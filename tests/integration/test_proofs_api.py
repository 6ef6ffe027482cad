"""What the log proves over the API, to whom, and its heartbeat."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.log_sealing import beat, seal_waiting
from client.log_watch import follow_log, kept_checkpoints
from client.service import ServiceRefused
from privacy.checkpoints import Checkpoint, cosign, read_checkpoint
from privacy.proofs import is_included
from privacy.signing import new_signing_key
from signals.pilot import Role
from tests.conftest import Database
from tests.world import World, make_row, small_world


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        world.push("housing", "aland", [make_row("c1")])
        seal(world)
        yield world


def seal(world: World) -> None:
    key = json.loads((world.folder / "service" / "keys" / "log-signing.jwk").read_bytes())
    seal_waiting(world.sessions, key)


def followed(world: World, pilot: str = "aland") -> Checkpoint:
    with world.desk(pilot, "audit", Role.PRIVACY_OFFICER) as service:
        town = {"aland": "town-a", "bland": "town-b"}[pilot]
        return follow_log(world.home(town), service, world.documents[pilot])[0]


def test_every_leaf_can_be_proven_to_be_in_the_log(world: World) -> None:
    checkpoint = followed(world)
    leaves = world.rows("SELECT leaf_hash FROM privacy.log_leaf WHERE pilot_id = 'aland' ORDER BY leaf_index")
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        for at, (leaf,) in enumerate(leaves[: checkpoint.size]):
            proof = service.get("/inclusion-proofs", pilotId="aland", leafHash=leaf.hex(), treeSize=checkpoint.size)
            hashes = [bytes.fromhex(hashed) for hashed in proof["hashes"]]
            assert proof["leafIndex"] == at
            assert is_included(leaf, at, checkpoint.size, hashes, checkpoint.root)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/inclusion-proofs", {"leafHash": "00" * 32, "treeSize": 3}),
        ("/consistency-proofs", {"first": 1, "second": 2**40}),
        ("/consistency-proofs", {"first": 2, "second": 1}),
    ],
    ids=["no such leaf", "not that large", "sizes reversed"],
)
def test_what_can_not_be_proven_is_not_found(world: World, path: str, query: dict[str, Any]) -> None:
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service, pytest.raises(ServiceRefused) as refused:
        service.get(path, pilotId="aland", **query)
    assert (refused.value.status, refused.value.kind) == (404, "not-in-log")


def test_a_municipality_gets_nothing_of_another_pilots_log(world: World) -> None:
    with world.desk("bland", "audit", Role.PRIVACY_OFFICER) as service:
        for path, query in (
            ("/checkpoints/newest", {}),
            ("/consistency-proofs", {"first": 0, "second": 1}),
            ("/inclusion-proofs", {"leafHash": "00" * 32, "treeSize": 1}),
        ):
            with pytest.raises(ServiceRefused) as refused:
                service.get(path, pilotId="aland", **query)
            assert (refused.value.status, refused.value.kind) == (404, "pilot-unknown")


def test_a_desk_keeps_what_it_saw_and_its_cosignature_stands_at_the_service(world: World) -> None:
    checkpoint = followed(world)
    newest = kept_checkpoints(world.home("town-a"), "aland")[-1]
    assert read_checkpoint(newest.read_text(encoding="utf-8"), world.documents["aland"].log_key) == checkpoint
    assert newest.stat().st_mode & 0o077 == 0
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        (seen,) = service.get("/checkpoints/newest", pilotId="aland")["cosignatures"]
    assert seen["checkpoint"] == newest.read_text(encoding="utf-8")


def test_nobody_cosigns_in_anothers_name(world: World) -> None:
    followed(world)
    note = kept_checkpoints(world.home("town-a"), "aland")[-1].read_text(encoding="utf-8")
    checkpoint = read_checkpoint(note, world.documents["aland"].log_key)
    forged = {"checkpoint": note, "signature": cosign(checkpoint, "town-a", new_signing_key(), 1_790_000_000)}
    for pilot, status in (("aland", 400), ("bland", 404)):
        with world.desk(pilot, "audit", Role.PRIVACY_OFFICER) as service, pytest.raises(ServiceRefused) as refused:
            service.put("/cosignatures", forged, pilotId="aland")
        assert refused.value.status == status


def test_a_silent_log_gets_a_heartbeat_and_moves_on(world: World) -> None:
    before = followed(world).size
    assert beat(world.sessions) == 0  # not silent for ten minutes yet
    assert beat(world.sessions, minutes=0) == 2
    seal(world)
    assert followed(world).size > before
    assert world.rows("SELECT count(*) FROM privacy.log_leaf WHERE pilot_id = 'aland' AND kind = 'heartbeat'") == [(1,)]
