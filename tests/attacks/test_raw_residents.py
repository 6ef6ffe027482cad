"""Raw sessions at the functions that answer a resident: nothing without the event, no more than it names, no keys."""

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from client import desk_basis
from privacy.identity import Contact
from signals.report import MatchKeys
from tests.attacks.test_raw_logins import refused, session
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

HER: dict[str, Any] = {"surname": "Aksoy", "initials": "E.", "house_number": "3", "birth_date": date(1990, 5, 1)}
HIM: dict[str, Any] = {"surname": "Bloem", "initials": "K.", "house_number": "9", "phone": "0622222222"}
READING = ("reports", "signals", "consents", "objections", "known_clients", "link_decisions", "cases", "looks", "pilot")
OPEN = "SELECT event_id, refused FROM privacy.open_resident_event(%s, %s, %s, 'abcd', %s, %s, %s, %s)"


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in PILOTS:
            world.push("housing", pilot, [make_row("hers", **HER), make_row("his", **HIM)])
            for who in (HER, HIM):
                world.consent(pilot, contact(**who))
            world.refuse(pilot, contact(**HER))
            world.list_clients(pilot, contact(**HER))
        world.signals("aland")  # a look at both
        yield world


def contact(**details: Any) -> Contact:
    return make_row("x", **details).contacts[0]


def keys_of(world: World, pilot: str, **details: Any) -> MatchKeys:
    return desk_basis.keys_of(world.home(PILOTS[pilot]), world.documents[pilot], contact(**details))


def opened(
    world: World,
    keys: MatchKeys,
    pilot: str = "aland",
    town: str = "town-a",
    role: str = "privacy-officer",
    purpose: str = "answer-resident",
) -> tuple[uuid.UUID | None, str | None]:
    asks, weak = Jsonb({"ask": "resident"}), Jsonb([key.model_dump() for key in keys.weak])
    with session(world, "opener") as opener:
        row = opener.execute(OPEN, [pilot, town, role, purpose, asks, list(keys.strong), weak]).fetchone()
    assert row is not None
    return row[0], row[1]


def shown(reader: psycopg.Connection[Any], pilot: str, event: object) -> dict[str, list[tuple[Any, ...]]]:
    with reader.transaction(force_rollback=True):
        reader.execute("SELECT gate.enter_scope(%s, %s)", [pilot, event])
        return {what: reader.execute(f"SELECT * FROM gate.resident_{what}()".encode()).fetchall() for what in READING}


def test_the_functions_show_the_one_resident_that_the_event_names(world: World) -> None:
    event, _ = opened(world, keys_of(world, "aland", **HER))
    with session(world, "reader") as reader:
        found = shown(reader, "aland", event)
    assert {what: len(rows) for what, rows in found.items() if what != "looks"} == {
        **dict.fromkeys(("reports", "signals", "consents", "objections", "known_clients", "pilot"), 1),
        **dict.fromkeys(("link_decisions", "cases"), 0),
    }
    assert len(found["looks"]) == 2  # the worklist and this very event
    hers = world.rows(
        "SELECT DISTINCT report_id FROM signals.report_key WHERE pilot_id = 'aland' AND key = ANY (%(keys)s)",
        keys=[uuid.UUID(key) for key in keys_of(world, "aland", **HER).strong],
    )
    assert [(row[0],) for row in found["reports"]] == hers


def test_without_such_an_event_no_row_is_read(world: World) -> None:
    her = keys_of(world, "aland", **HER)
    good, _ = opened(world, her)
    with session(world, "opener") as opener:
        others = [
            opener.execute(
                "SELECT event_id FROM privacy.open_event('aland', 'town-a', %s, 'abcd', %s, %s)", [role, purpose, asks]
            ).fetchone()
            for role, purpose in (("debt-help", "offer-help"), ("privacy-officer", "answer-resident"))
            for asks in (Jsonb({"ask": "worklist", "limit": 200}), Jsonb({"ask": "resident", "reports": ["x"]}))
        ]
    with session(world, "reader") as reader:
        for what in READING:
            assert reader.execute(f"SELECT * FROM gate.resident_{what}()".encode()).fetchall() == []
        for pilot, event in (("bland", good), ("aland", uuid.uuid4()), ("nowhere", good)):
            assert not any(shown(reader, pilot, event).values())
        for row in others:
            assert row is not None
            found = shown(reader, "aland", row[0])
            assert not any(rows for what, rows in found.items() if what != "pilot")
        reader.rollback()
        with session(world, "opener") as opener:
            opener.execute("SELECT privacy.close_event('aland', %s, 'shown', '[]')", [good])
        assert not any(shown(reader, "aland", good).values())


def test_the_opener_learns_nothing_by_asking_for_a_resident(world: World) -> None:
    her, nobody = keys_of(world, "aland", **HER), keys_of(world, "bland", surname="Niemand", house_number="1")
    for town, role, purpose, why in (
        ("town-b", "privacy-officer", "answer-resident", "not-this-municipality"),
        ("town-a", "debt-help", "answer-resident", "purpose-not-for-role"),
        ("town-a", "privacy-officer", "offer-help", "purpose-not-for-role"),
        ("town-a", "privacy-officer", "everything", "unknown-purpose"),
        ("town-a", "privacy-officer", "audit", "purpose-discloses-less"),
        ("town-a", "debt-help", "offer-help", "purpose-discloses-less"),
    ):
        for keys in (her, nobody):
            assert opened(world, keys, town=town, role=role, purpose=purpose) == (None, why)
    assert [opened(world, keys)[1] for keys in (her, nobody)] == [None, None]
    named = world.rows("SELECT body FROM privacy.event WHERE kind = 'refusal'")
    assert not [body for (body,) in named if body["asks"].get("reports")]


def test_no_login_reads_keys_or_takes_part_of_the_answer_by_other_ways(world: World) -> None:
    event, _ = opened(world, keys_of(world, "aland", **HER))
    with session(world, "reader") as reader:
        reader.execute("SELECT gate.enter_scope('aland', %s)", [event])
        for statement in (
            "SELECT * FROM signals.report_key",
            "SELECT * FROM privacy.consent",
            "SELECT * FROM privacy.objection_key",
            "SELECT * FROM privacy.event",
            "SELECT privacy.reports_in_scope()",
            "SELECT privacy.open_resident_event('aland', 'town-a', 'privacy-officer', 'a', 'audit', '{}', '{}', '[]')",
        ):
            refused(reader, statement)
        reader.rollback()
    for login in ("ingest", "opener", "recorder", "auditor"):
        with session(world, login) as connection:
            for what in READING:
                refused(connection, f"SELECT * FROM gate.resident_{what}()")
