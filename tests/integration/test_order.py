"""The same reports give the same persons, households and signals (promise 7), through real deliveries.

Each drawn history is delivered twice: as whole months in one order, and cut up in another. And what stands in the end
is what linking and judging make of everything at once.
"""

import base64
import hashlib
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from app import intake
from app.api.deliveries import Deliveries, DeliveryState, TakenPart
from app.db.sessions import Login, Sessions
from app.linker import Linker
from client.delivering import deliver
from client.trust import JoinedPilot, join
from signals.judging import judge_all
from signals.linking import link
from signals.linking_known import mark_known_clients
from signals.report import Category
from tests.budget import SLOW, examples
from tests.conftest import Database
from tests.histories import Delivery, Era, histories
from tests.world import CREDITORS, PILOTS, World, checked_of, small_world

PILOT = "bland"  # where energy arrears need a consent
EMPTIED = """
    TRUNCATE intake.delivery, intake.part, intake.refused_row, intake.staged_report, signals.report, signals.report_key,
        signals.sealed_report, signals.shut_out, signals.link_change, signals.signal, signals.signal_categories,
        signals.signal_facts, privacy.consent, privacy.consent_key, privacy.basis_change, privacy.objection,
        privacy.objection_key, privacy.known_client, privacy.known_client_key CASCADE
"""
STANDS = {
    "reports": "SELECT to_jsonb(r) - 'delivery_id' FROM signals.report r",
    "sealed": "SELECT to_jsonb(ARRAY[report_id, household_id]) FROM signals.sealed_report",
    "signals": "SELECT to_jsonb(s) FROM signals.signal s",
    "categories": "SELECT to_jsonb(s) FROM signals.signal_categories s",
    "facts": "SELECT to_jsonb(s) FROM signals.signal_facts s",
}
SHUT_OUT = "SELECT to_jsonb(report_id) FROM signals.shut_out"


class Straight:
    """The service without HTTP and without waiting: what a creditor completes is taken up before the answer."""

    def __init__(self, sessions: Sessions, linker: Linker, database: Database, creditor: str = "") -> None:
        self._sessions, self._linker, self._database, self._creditor = sessions, linker, database, creditor

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        if path == "/deliveries":
            named = {"pilot": body["pilotId"], "period": body["period"], "category": Category(body["category"])}
            wanted = intake.OpenDelivery(
                **named, expected_count=body["expectedCount"], content_hash=body["contentHash"]
            )
            found, new = intake.open_delivery(self._sessions, self._creditor, wanted, datetime.now(UTC))
            return {"deliveryId": str(found), "new": new}
        return self._change(body, query["pilotId"])

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        if path == "/deliveries":
            known = intake.deliveries_of(self._sessions, self._creditor, query["pilotId"])
            return Deliveries.model_validate({"deliveries": known}).model_dump(mode="json", by_alias=True)
        found = intake.status(self._sessions, self._creditor, query["pilotId"], uuid.UUID(path.split("/")[2]))
        return DeliveryState.model_validate(found).model_dump(mode="json", by_alias=True)

    def put_lines(self, path: str, body: bytes, **query: str) -> dict[str, Any]:
        delivery, number = uuid.UUID(path.split("/")[2]), int(path.split("/")[4])
        sha = hashlib.sha256(body).hexdigest()
        where = (self._sessions, self._creditor, query["pilotId"], delivery, number)
        part = intake.put_part(*where, body, sha, datetime.now(UTC))
        return TakenPart.model_validate(part, from_attributes=True).model_dump(mode="json", by_alias=True)

    def put(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        where = (self._sessions, self._creditor, query["pilotId"], uuid.UUID(path.split("/")[2]))
        envelope = base64.b64decode(body["keyEnvelope"])
        intake.complete(*where, envelope, body["manifest"], datetime.now(UTC))
        assert self._linker.work_off() == 1
        return self.get(path, **query)

    def _change(self, body: Mapping[str, Any], pilot: str) -> dict[str, Any]:
        change = uuid.uuid4()
        with self._database.as_superuser() as connection:
            connection.execute(
                "INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body) VALUES (%s, %s, %s, %s)",
                [pilot, change, body["kind"], Jsonb(body)],
            )
        assert self._linker.work_off() == 1
        return {"changeId": change, "state": "done", "outcome": ""}


class Pilot:
    """One pilot that histories are played in, one after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._joined: dict[str, JoinedPilot] = {}
        for name in CREDITORS:
            with world.creditor(name) as service:
                self._joined[name] = join(world.home(name), service, PILOT)
        world.stop_linking()

    def play(self, eras: Sequence[Era], mixed: random.Random | None) -> dict[str, list[Any]]:
        """Play a history from nothing: whole months in order, or in another order and cut up. Gives what stands."""
        with self._world.database.as_superuser() as connection:
            connection.execute(EMPTIED)
        for era in eras:
            for delivery, part_rows in _cut(era.deliveries, mixed):
                self._deliver(delivery, part_rows)
            for step in era.steps:
                desk: Any = self._straight()
                step.carry_out(self._world.home(PILOTS[PILOT]), desk, self._world.documents[PILOT])
        return self.stands()

    def stands(self) -> dict[str, list[Any]]:
        with self._world.sessions.begin(Login.LINKER) as connection:
            return _read(connection, {**STANDS, "shut out": SHUT_OUT})

    def afresh(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """What stands, and what linking and judging everything at once gives instead; the latter is rolled back."""
        linker = self._world.linker
        with self._world.sessions.engine(Login.LINKER).connect() as connection:
            before = _read(connection, STANDS)
            for statement in (
                "UPDATE signals.report SET person_id = NULL, household_id = NULL WHERE pilot_id = :pilot",
                "CREATE TEMPORARY TABLE touched_report (report_id uuid PRIMARY KEY) ON COMMIT DROP",
                "INSERT INTO touched_report SELECT report_id FROM signals.report WHERE pilot_id = :pilot",
            ):
                connection.execute(sa.text(statement), {"pilot": PILOT})
            link(connection, PILOT, uuid.uuid4())
            mark_known_clients(connection, PILOT)
            judge_all(connection, PILOT, linker.rule_set(connection, "default@1"))
            after = _read(connection, {**STANDS, "sealed": HOUSEHOLDS})
            connection.rollback()
        return before, after

    def _straight(self, creditor: str = "") -> Straight:
        return Straight(self._world.sessions, self._world.linker, self._world.database, creditor)

    def _deliver(self, delivery: Delivery, part_rows: int) -> None:
        service: Any = self._straight(delivery.creditor)
        home, joined = self._world.home(delivery.creditor), self._joined[delivery.creditor]
        checked = checked_of(delivery.rows, CREDITORS[delivery.creditor], delivery.period)
        receipt = deliver(home, service, joined, checked, part_rows=part_rows)
        assert receipt.accepted == len(delivery.rows)


# What a sealed report's household must be: that of its report.
HOUSEHOLDS = """
    SELECT to_jsonb(ARRAY[s.report_id, r.household_id]) FROM signals.sealed_report s
    JOIN signals.report r USING (pilot_id, report_id)
"""


def _read(connection: sa.Connection, statements: Mapping[str, str]) -> dict[str, list[Any]]:
    return {
        name: sorted(connection.execute(sa.text(statement)).scalars(), key=str)
        for name, statement in statements.items()
    }


def _cut(deliveries: Sequence[Delivery], mixed: random.Random | None) -> Iterator[tuple[Delivery, int]]:
    """Each delivery with the rows of a part; mixed: months cut up, in any order, some of it delivered again."""
    if mixed is None:
        yield from ((delivery, 1000) for delivery in deliveries)
        return
    pieces = []
    for delivery in deliveries:
        rows = list(delivery.rows)
        mixed.shuffle(rows)
        while rows:
            size = mixed.randint(1, len(rows))
            pieces.append(replace(delivery, rows=tuple(rows[:size])))
            del rows[:size]
    mixed.shuffle(pieces)
    for number, piece in enumerate(pieces):
        yield piece, mixed.randint(1, 3)
        if mixed.random() < 0.2:
            yield mixed.choice(pieces[: number + 1]), 1000


@pytest.fixture(scope="module")
def pilot(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        yield Pilot(world)


@settings(
    max_examples=examples(6),
    suppress_health_check=list(HealthCheck),
    phases=SLOW,
)
@given(eras=histories(), mixed=st.randoms(use_true_random=False))
def test_any_order_and_any_partition_of_deliveries_give_the_same_end(
    pilot: Pilot, eras: list[Era], mixed: random.Random
) -> None:
    whole = pilot.play(eras, None)
    assert pilot.play(eras, mixed) == whole
    before, after = pilot.afresh()
    assert after == before
