"""The operator swaps keys in its own database: each client refuses, and says what does not fit.

What it alters in reports and deliveries is in tests/integration/test_opening.py.
"""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from client.desk_pilot import own_document, parties, sign_pilot
from client.home import Home, HomeUnusable, Settings, creditor_keys, init_creditor, init_desk, own_fingerprint
from client.trust import envelope_purpose, join
from privacy import hybrid
from privacy.errors import PrivacyError
from privacy.pilot_document import SIGNED_AS, PilotDocument, UntrustedDocument, creditor_fingerprint, key_check
from privacy.signing import NotSigned, public_jwk, sign
from tests.conftest import Database
from tests.world import World, small_world

PILOT, TOWN, CREDITOR = "aland", "town-a", "housing"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def home(world: World, tmp_path: Path) -> Home:
    """The creditor's home as it is before it first joins: with the desk's fingerprint, without a pilot key."""
    shutil.copytree(world.home(CREDITOR).path, tmp_path / CREDITOR)
    return Home(tmp_path / CREDITOR)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    """Keys of the operator's own making: a desk's and a creditor's, under the names of the real ones."""
    homes = Home(tmp_path_factory.mktemp("desk")), Home(tmp_path_factory.mktemp("creditor"))
    init_desk(homes[0], Settings(organisation=TOWN, service_url="http://127.0.0.1"))
    init_creditor(homes[1], Settings(organisation=CREDITOR, service_url="http://127.0.0.1"))
    return homes


@contextmanager
def put(world: World, table: str, change: str, **values: Any) -> Iterator[None]:
    """Alter rows of the registry as the operator can, and put them back."""
    with world.database.as_superuser() as connection:
        row = connection.execute(f"SELECT jsonb_agg(to_jsonb(t)) FROM registry.{table} t").fetchone()
        assert row is not None
        try:
            assert connection.execute(f"UPDATE registry.{table} SET {change}", values).rowcount > 0
            yield
        finally:
            connection.execute(f"DELETE FROM registry.{table}")
            whole = f"INSERT INTO registry.{table} SELECT * FROM jsonb_populate_recordset(NULL::registry.{table}, %s)"
            connection.execute(whole, [Jsonb(row[0])])


def refuses_to_join(world: World, home: Home, error: type[Exception], words: str) -> None:
    with world.creditor(CREDITOR) as service, pytest.raises(error, match=words):
        join(home, service, PILOT)
    assert not [file.name for file in (home.path / "keys").iterdir() if file.name.startswith("pilot-")]


def test_untouched_a_creditor_joins(world: World, home: Home) -> None:
    with world.creditor(CREDITOR) as service:
        joined = join(home, service, PILOT)
    assert joined.key is not None
    assert key_check(PILOT, 1, joined.key) == world.documents[PILOT].key_check


def with_operators_recipient(document: PilotDocument, operator: Home) -> dict[str, Any]:
    recipient = hybrid.public_key(operator.secret("recipient.key"))
    return {"recipient": base64.b64encode(recipient).decode(), "recipient_key": hybrid.key_id(recipient)}


def with_operators_recovery(document: PilotDocument, operator: Home) -> dict[str, Any]:
    return {"recovery": base64.b64encode(operator.secret("recovery.public")).decode()}


def with_operators_signing(document: PilotDocument, operator: Home) -> dict[str, Any]:
    return {"signing": public_jwk(operator.jwk("signing.jwk"))}


def with_both(document: PilotDocument, operator: Home) -> dict[str, Any]:
    return with_operators_recipient(document, operator) | with_operators_signing(document, operator)


def with_all(document: PilotDocument, operator: Home) -> dict[str, Any]:
    return with_both(document, operator) | with_operators_recovery(document, operator)


def with_another_creditor(document: PilotDocument, operator: Home) -> dict[str, Any]:
    return {"creditors": {**document.creditors, CREDITOR: document.creditors["power"]}}


def with_another_pilot_key(document: PilotDocument, operator: Home) -> dict[str, Any]:
    return {"key_check": key_check(PILOT, 1, bytes(32))}


@pytest.mark.parametrize(
    ("swap", "error", "words"),
    [
        (with_operators_recipient, NotSigned, "expected key"),
        (with_operators_recovery, UntrustedDocument, "not those of the fingerprint"),
        (with_operators_signing, UntrustedDocument, "not those of the fingerprint"),
        (with_both, UntrustedDocument, "not those of the fingerprint"),
        (with_all, UntrustedDocument, "not those of the fingerprint"),
        (with_another_creditor, NotSigned, "expected key"),
        (with_another_pilot_key, NotSigned, "expected key"),
    ],
)
def test_no_document_of_the_operators_making_is_believed(
    world: World, home: Home, operator: tuple[Home, Home], swap: Any, error: type[PrivacyError], words: str
) -> None:
    """Neither by the creditor that asks for it nor by the desk whose it should be."""
    document = world.documents[PILOT]
    swapped = document.model_copy(update=swap(document, operator[0]))
    signed = sign(swapped.model_dump_json().encode(), operator[0].jwk("signing.jwk"), SIGNED_AS)
    with put(world, "signed_document", "jws = %(jws)s WHERE pilot_id = 'aland'", jws=signed):
        refuses_to_join(world, home, error, words)
        if swap is with_operators_recovery:  # the creditor goes by the fingerprint, the desk by its own signature
            error, words = NotSigned, "expected key"
        with world.desk(PILOT) as service, pytest.raises(error, match=words):
            own_document(world.home(TOWN), service, PILOT)


def test_another_pilots_document_is_not_believed(world: World, home: Home) -> None:
    """Also not where one desk runs both, so that the fingerprint fits."""
    change = "jws = (SELECT jws FROM registry.signed_document WHERE pilot_id = 'bland') WHERE pilot_id = 'aland'"
    with put(world, "signed_document", change):
        refuses_to_join(world, home, UntrustedDocument, "not those of the fingerprint")
        other = own_fingerprint(world.home("town-b"))
        with world.creditor(CREDITOR) as service, pytest.raises(UntrustedDocument, match="another pilot than aland"):
            join(home, service, PILOT, other)


def envelope(world: World, key: bytes, creditor: str = CREDITOR, epoch: int = 1, pilot: str = PILOT) -> bytes:
    """A pilot key sealed to the creditor by anybody at all: its public key is no secret."""
    public = base64.b64decode(creditor_keys(world.home(CREDITOR)).envelope)
    return hybrid.seal(key, public, *envelope_purpose(pilot, creditor, epoch))


def test_a_pilot_key_of_the_operators_making_is_not_used(world: World, home: Home) -> None:
    """It could try out whom match keys under such a key belong to."""
    mine = "envelope = %(sealed)s WHERE pilot_id = 'aland' AND organisation_id = 'housing'"
    with put(world, "key_envelope", mine, sealed=envelope(world, bytes(32))):
        refuses_to_join(world, home, UntrustedDocument, "pilot key here is not the one that the municipality signed")


OF_ANOTHER = """
    envelope = (SELECT envelope FROM registry.key_envelope
                WHERE pilot_id = '{pilot}' AND organisation_id = '{creditor}')
"""


@pytest.mark.parametrize(
    "change",
    [
        OF_ANOTHER.format(pilot="aland", creditor="power"),
        OF_ANOTHER.format(pilot="bland", creditor="housing"),
        "envelope = set_byte(envelope, 5, 255 - get_byte(envelope, 5))",
        "envelope = set_byte(envelope, length(envelope) - 1, 255 - get_byte(envelope, length(envelope) - 1))",
        "envelope = substr(envelope, 1, 9)",
    ],
    ids=["another creditor's", "another pilot's", "altered key", "altered contents", "cut off"],
)
def test_a_swapped_or_altered_envelope_does_not_open(world: World, home: Home, change: str) -> None:
    with put(world, "key_envelope", f"{change} WHERE pilot_id = 'aland' AND organisation_id = 'housing'"):
        refuses_to_join(world, home, hybrid.NotForThisKey, "made for another key or purpose, or was altered")


def test_an_envelope_that_is_held_back_is_missed(world: World, home: Home) -> None:
    with put(world, "key_envelope", "epoch = 2 WHERE pilot_id = 'aland' AND organisation_id = 'housing'"):
        refuses_to_join(world, home, HomeUnusable, "has not put the pilot key ready")


@pytest.mark.parametrize("use", ["signing", "envelope"])
def test_a_creditors_key_swapped_before_the_desk_signs_shows_in_the_fingerprint(
    world: World, home: Home, operator: tuple[Home, Home], use: str
) -> None:
    """And where nobody compared it, the creditor itself refuses the document that was signed with it."""
    theirs = creditor_keys(operator[1])
    public = theirs.signing if use == "signing" else {"hpke": theirs.envelope}
    change = f"public = %(public)s WHERE organisation_id = '{CREDITOR}' AND use = '{use}'"
    with put(world, "organisation_key", change, public=Jsonb(public)), world.desk(PILOT) as service:
        found = parties(service, PILOT)
        assert found.fingerprints()[CREDITOR] != creditor_fingerprint(creditor_keys(world.home(CREDITOR)))
        sign_pilot(world.home(TOWN), service, found)
        refuses_to_join(world, home, UntrustedDocument, "does not name your keys")
    with world.desk(PILOT) as service:
        world.documents[PILOT] = sign_pilot(world.home(TOWN), service, parties(service, PILOT))


def test_a_pilot_key_that_is_kept_is_not_replaced_by_another(world: World) -> None:
    """A creditor that joined before: what the service hands out now does not come near the key that it has."""
    kept = world.home(CREDITOR)
    with world.creditor(CREDITOR) as service:
        before = join(kept, service, PILOT).key
        mine = "envelope = %(sealed)s WHERE pilot_id = 'aland' AND organisation_id = 'housing'"
        with put(world, "key_envelope", mine, sealed=envelope(world, bytes(32))):
            assert join(kept, service, PILOT).key == before


def test_an_older_document_is_not_taken_again(world: World, home: Home) -> None:
    """The desk's own, truly signed, from before it took a key or a creditor out."""
    desk = world.home(TOWN)
    with world.desk(PILOT) as service:
        newest = sign_pilot(desk, service, parties(service, PILOT))
        assert own_document(desk, service, PILOT).version == newest.version
        with world.creditor(CREDITOR) as creditors:
            join(home, creditors, PILOT)
        with put(world, "signed_document", "version = version + 100 WHERE pilot_id = 'aland' AND version = 1"):
            older = f"version 1 of the pilot document, and version {newest.version}"
            with world.creditor(CREDITOR) as creditors, pytest.raises(UntrustedDocument, match=older):
                join(home, creditors, PILOT)
            with pytest.raises(UntrustedDocument, match=older):
                own_document(desk, service, PILOT)


def test_a_document_names_no_key_of_the_service(world: World) -> None:
    """What a creditor seals to and verifies with comes from the desk alone."""
    named = json.loads(world.documents[PILOT].model_dump_json())
    desk = world.home(TOWN)
    assert named["recipient"] == base64.b64encode(hybrid.public_key(desk.secret("recipient.key"))).decode()
    assert named["signing"] == public_jwk(desk.jwk("signing.jwk"))
    assert {name: keys["envelope"] for name, keys in named["creditors"].items()} == {
        name: creditor_keys(world.home(name)).envelope for name in named["creditors"]
    }
