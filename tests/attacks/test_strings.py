"""SQL and other poison in every string of every operation: nothing breaks, waits, or changes what stands."""

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from signals.pilot import Role
from tests.conftest import Database
from tests.held import callers, digest, hand, purpose_of, stranger, values
from tests.operations import FORM, LINES, Operation, operations
from tests.world import World, make_row, small_world

Place = tuple[str, tuple[str | int, ...]]  # which part of a request, and where in it
PILOT, CREDITOR = "aland", "housing"
SLEEP = 15  # seconds: longer than any answer takes, shorter than the database lets a statement run
POISON = (
    f"'||(SELECT pg_sleep({SLEEP}))||'",
    f"'; SELECT pg_sleep({SLEEP}); --",
    "' OR '1'='1",
    "aland' OR pilot_id = 'bland",
    "'); DELETE FROM signals.report; COMMIT; --",
    "$$; RESET ROLE; SET ROLE vroegsein_owner; $$",
    '"; DROP SCHEMA signals CASCADE; --',
    "\\'; TRUNCATE privacy.event; --",
    "%(pilot)s %s :pilot $1 {0} ${jndi:ldap://x}",
)
ONLY_IN_BODIES = ("'\0'", "\ud800", "\u202e'", "'\n\r\t'", "'" * 3000)
LOG = {"privacy.event", "privacy.unsealed", "privacy.access_scope", "privacy.access_closed", "privacy.log_leaf",
       "privacy.log_node", "privacy.log_head", "registry.used_assertion"}  # fmt: skip
# Where free text is taken, it is a value and no more: these tables get a row that holds it, to the letter. Of a
# delivery's line that is refused, its number and the rule are kept.
TAKEN = {
    "recordConsent": {"privacy.basis_change", "privacy.consent", "privacy.consent_key"},
    "putPart": {"intake.part", "intake.refused_row"},
}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        for pilot in ("aland", "bland"):
            row = make_row("c1", phone="", house_number="3")
            world.push(CREDITOR, pilot, [row])
            world.consent(pilot, row.contacts[0])
        yield world


@pytest.fixture(scope="module")
def held(world: World) -> dict[str, Any]:
    return {**values(world, PILOT, CREDITOR, Role.DEBT_HELP), "tray": "quick", "rule": "1b"}


@pytest.fixture(scope="module")
def clients(world: World) -> Iterator[dict[Role, httpx.Client]]:
    with callers(world, PILOT, CREDITOR) as clients:
        yield clients


@pytest.fixture(scope="module")
def without(world: World) -> Iterator[httpx.Client]:
    with stranger(world) as client:
        yield client


def strings(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the strings are in a value."""
    if isinstance(value, str):
        yield at
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from strings(below, (*at, name))
    elif isinstance(value, list | tuple):
        for n, below in enumerate(value):
            yield from strings(below, (*at, n))


def places(operation: Operation, held: dict[str, Any]) -> list[Place]:
    """Every place of a request that is a string; those of an address and of headers always are."""
    found: list[Place] = [
        (where, (name,)) for where in ("path", "query", "header") for name in operation.parameters(where)
    ]
    body = json.loads(held["lines"]) if operation.kind == LINES else operation.request(held).get("json")
    body = operation.request(held).get("data", body)
    return found + [("body", at) for at in strings(body)]


def poisoned(operation: Operation, held: dict[str, Any], place: Place, poison: str) -> dict[str, Any]:
    """The request with the poison in that place, whole in all others."""
    where, at = place
    if where != "body":
        return operation.request({**held, str(at[0]): poison.replace("/", "%2F") if where == "path" else poison})
    request = operation.request(held)
    if operation.kind == FORM:
        return {**request, "data": with_poison(request["data"], at, poison)}
    body = json.loads(held["lines"]) if operation.kind == LINES else request.pop("json")
    content = json.dumps(with_poison(body, at, poison)).encode()
    headers = {"Content-Type": operation.kind}
    if operation.kind == LINES:
        headers["Content-Digest"] = digest(content)
    return {**request, "content": content, "headers": request["headers"] | headers}


def with_poison(value: Any, at: tuple[str | int, ...], poison: str) -> Any:
    altered = copy.deepcopy(value)
    inner = altered
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = poison
    return altered


def standing(world: World) -> dict[str, str]:
    """A hash of each table's rows, without those of the log."""
    tables = world.rows(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN"
        " ('registry', 'intake', 'signals', 'privacy')"
    )
    return {
        table: world.rows(f"SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {table} t")[0][0]
        for (table,) in tables
        if table not in LOG
    }


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_poison_in_a_string_breaks_delays_and_alters_nothing(
    operation: Operation, world: World, held: dict[str, Any], clients: dict[Role, httpx.Client], without: httpx.Client
) -> None:
    role = operation.roles[0] if operation.wants_token else Role.DEBT_HELP
    own = {
        **held,
        "Vroegsein-Purpose": purpose_of(operation, role),
        "number": 2,
    }  # a second part: the same once more is not read
    before, taken = standing(world), 0
    client = hand(operation, clients, without)
    for place in places(operation, own):
        for poison in POISON + (ONLY_IN_BODIES if place[0] == "body" and operation.kind != FORM else ()):
            since = time.monotonic()
            answer = client.request(**poisoned(operation, own, place, poison))
            assert answer.status_code < 500, (place, poison, answer.text)
            assert time.monotonic() - since < SLEEP, (place, poison)
            assert poison not in answer.text or answer.is_success, (place, poison)
            taken += answer.is_success and operation.raw["operationId"] in TAKEN
    after = standing(world)
    altered = {table for table in before | after if before.get(table) != after.get(table)}
    assert altered == (TAKEN[operation.raw["operationId"]] if taken else set())


def test_free_text_is_kept_to_the_letter(world: World, held: dict[str, Any], clients: dict[Role, httpx.Client]) -> None:
    record = next(operation for operation in operations() if operation.raw["operationId"] == "recordConsent")
    for poison in POISON:
        request = record.request({**held, "Vroegsein-Purpose": "record-basis", "notice": poison})
        assert clients[Role.DEBT_HELP].request(**request).status_code == 201
        assert world.rows("SELECT count(*) > 0 FROM privacy.consent WHERE notice = %(p)s", p=poison) == [(True,)]


def test_every_operation_has_strings_that_are_tried(held: dict[str, Any]) -> None:
    tried = {str(operation): len(places(operation, held)) for operation in operations()}
    assert [name for name, many in tried.items() if not many] == ["GET /health"]
    assert tried["PUT /deliveries/{deliveryId}/parts/{number}"] > 30  # those of a line are among them
