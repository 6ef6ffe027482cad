"""The doubts that are found among households that changed are those that a look at everything finds."""

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text

from app.reviewing import look_for_doubts
from signals.doubts import note_linked
from signals.linking_decisions import LinkDecision
from signals.linking_oracle import LinkedReport
from tests.budget import examples
from tests.conftest import Database
from tests.integration.test_linking import PILOT, decide, decisions, deliver, shut_out, small_worlds

Found = set[tuple[object, ...]]


@pytest.fixture(scope="module")
def engine(module_database: Database) -> Iterator[Engine]:
    with module_database.as_superuser() as connection:  # these reports come without a delivery
        connection.execute("ALTER TABLE signals.report DROP CONSTRAINT report_pilot_id_delivery_id_fkey")
    engine = create_engine("postgresql+psycopg://", creator=lambda: module_database.connect("vroegsein_linker"))
    yield engine
    engine.dispose()


def doubts(connection: Connection) -> Found:
    rows = connection.execute(
        text("SELECT doubt_id, kind, linked, one, other FROM signals.doubt WHERE pilot_id = :pilot"), {"pilot": PILOT}
    )
    return {(row.doubt_id, row.kind, row.linked, tuple(row.one), tuple(row.other)) for row in rows}


def look(connection: Connection) -> Found:
    """What stands after a look at what changed."""
    look_for_doubts(connection, PILOT)
    return doubts(connection)


def look_at_all(connection: Connection) -> Found:
    connection.execute(text("DELETE FROM signals.doubt"))
    connection.execute(
        text("INSERT INTO signals.review_due VALUES (:pilot, :run, NULL)"), {"pilot": PILOT, "run": uuid.uuid4()}
    )
    return look(connection)


@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), world=small_worlds(), made=decisions())
def test_looking_at_what_changed_finds_what_looking_at_everything_finds(
    engine: Engine, data: st.DataObject, world: list[LinkedReport], made: list[LinkDecision]
) -> None:
    with engine.connect() as connection:
        waiting: list[LinkedReport | LinkDecision] = data.draw(st.permutations([*world, *made]), label="order")
        live: set[uuid.UUID] = set()
        while waiting:
            size = data.draw(st.integers(1, len(waiting)), label="size of the delivery")
            now, waiting = waiting[:size], waiting[size:]
            if delivery := [one for one in now if isinstance(one, LinkedReport)]:
                note_linked(connection, PILOT, deliver(connection, delivery))
                live |= {one.report_id for one in delivery}
            if said := [one for one in now if isinstance(one, LinkDecision)]:
                note_linked(connection, PILOT, decide(connection, *said))
            leaving = data.draw(st.sets(st.sampled_from(sorted(live)), max_size=2), label="shut out") if live else None
            if leaving:
                note_linked(connection, PILOT, shut_out(connection, sorted(leaving)))
                live -= leaving
            if data.draw(st.booleans(), label="looked at already"):
                look(connection)
        step_by_step = look(connection)
        assert step_by_step == look_at_all(connection)
