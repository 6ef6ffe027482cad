"""Linking in SQL equals its oracle, whatever the order and the partition, and touches no more than it must."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text

from signals.linking import link, touch_neighbours
from signals.linking_decided import touch_decided
from signals.linking_decisions import Contract, LinkDecision, what_holds
from signals.linking_oracle import LinkedReport, Place, cluster
from signals.report import Category
from tests.budget import examples
from tests.conftest import Database

PILOT = "testpilot"
NAMES = [field.name for field in fields(LinkedReport)]
RUNS = count(1)
CATEGORIES = (Category.RENT, Category.ENERGY, Category.WATER, Category.HEALTH_INSURANCE)


@pytest.fixture(scope="module")
def engine(module_database: Database) -> Iterator[Engine]:
    with module_database.as_superuser() as connection:  # these reports come without a delivery
        connection.execute("ALTER TABLE signals.report DROP CONSTRAINT report_pilot_id_delivery_id_fkey")
    engine = create_engine("postgresql+psycopg://", creator=lambda: module_database.connect("vroegsein_linker"))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection  # and roll back


def ident(kind: int, number: int) -> uuid.UUID:
    return uuid.UUID(int=(kind << 96) + number)


def report(number: int, **known: Any) -> LinkedReport:
    """A report of nobody in particular: what isn't said meets nothing."""
    if "dwelling" in known:
        known = {"building": ident(3, known["dwelling"].int % 1000)} | known
    given: dict[str, Any] = {
        "report_id": ident(0, number),
        "creditor_id": "creditor",
        "reference": contract(number),
        "category": Category.HEALTH_INSURANCE,
        "period": "2026-10",
        "reported_on": date(2026, 10, 31),
        "dwelling": ident(1, number),
        "street_dwelling": ident(2, number),
        "building": ident(3, number),
        "has_addition": False,
        "strong": frozenset(),
        "weak": {},
    }
    return LinkedReport(**(given | known))


def contract(number: int) -> uuid.UUID:
    """Three contracts in all: most reports follow on one before."""
    return ident(7, number % 3)


def add(connection: Connection, reports: Sequence[LinkedReport], pilot: str = PILOT) -> None:
    connection.execute(
        text("""
            INSERT INTO signals.report (pilot_id, report_id, creditor_id, delivery_id, reference, period, kind,
                category, amount_euros, months, arrears_since, since_derived, reported_on, received_on,
                social_collection, urgent, district, dwelling, street_dwelling, building, has_addition)
            VALUES (:pilot, :report_id, :creditor_id, :report_id, :reference, :period, 'early',
                :category, 1, 1, '2026-09-01', false, :reported_on, '2026-11-01',
                '{}', '{}', :report_id, :dwelling, :street_dwelling, :building, :has_addition)
        """),
        [
            {
                "pilot": pilot,
                **{name: getattr(one, name) for name in NAMES if name not in {"strong", "weak"}},
                "category": one.category.value,
            }
            for one in reports
        ],
    )
    keys = [
        {"pilot": pilot, "key": key, "report": one.report_id, "strong": strong, "birth": birth}
        for one in reports
        for strong, of in ((True, dict.fromkeys(one.strong)), (False, one.weak))
        for key, birth in of.items()
    ]
    if keys:
        connection.execute(text("INSERT INTO signals.report_key VALUES (:pilot, :key, :report, :strong, :birth)"), keys)


def touch(connection: Connection, touched: Sequence[uuid.UUID]) -> None:
    connection.execute(text("DROP TABLE IF EXISTS touched_report"))
    connection.execute(text("CREATE TEMPORARY TABLE touched_report (report_id uuid PRIMARY KEY) ON COMMIT DROP"))
    if touched:
        connection.execute(text("INSERT INTO touched_report VALUES (:id)"), [{"id": one} for one in touched])


def relink(connection: Connection, touched: Sequence[uuid.UUID], pilot: str = PILOT) -> uuid.UUID:
    run = ident(9, next(RUNS))
    touch(connection, touched)
    link(connection, pilot, run)
    return run


def deliver(connection: Connection, reports: Sequence[LinkedReport], pilot: str = PILOT) -> uuid.UUID:
    add(connection, reports, pilot)
    return relink(connection, [one.report_id for one in reports], pilot)


def shut_out(connection: Connection, touched: Sequence[uuid.UUID]) -> uuid.UUID:
    marked = {"pilot": PILOT, "ids": list(touched)}
    connection.execute(
        text("UPDATE signals.report SET state = 'shut_out' WHERE pilot_id = :pilot AND report_id = ANY(:ids)"), marked
    )
    run = relink(connection, touched)
    connection.execute(text("DELETE FROM signals.report_key WHERE pilot_id = :pilot AND report_id = ANY(:ids)"), marked)
    return run


def correct(connection: Connection, corrected: LinkedReport) -> None:
    touch(connection, [corrected.report_id])
    touch_neighbours(connection, PILOT)
    before = {"pilot": PILOT, "id": corrected.report_id}
    placed = places(connection)[corrected.report_id]
    for table in ("report", "report_key"):
        connection.execute(text(f"DELETE FROM signals.{table} WHERE pilot_id = :pilot AND report_id = :id"), before)
    add(connection, [corrected])
    connection.execute(
        text("""
            UPDATE signals.report SET person_id = :person, household_id = :household
            WHERE pilot_id = :pilot AND report_id = :id
        """),
        {**before, "person": placed.person_id, "household": placed.household_id},
    )
    link(connection, PILOT, ident(9, next(RUNS)))


def decision(number: int, *groups: Sequence[Contract], moment: int | None = None) -> LinkDecision:
    """A decision; a later number is a later decision, unless `moment` says otherwise."""
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number if moment is None else moment)
    return LinkDecision(at, ident(8, number), tuple(frozenset(group) for group in groups))


def of(number: int, creditor: str = "creditor") -> Contract:
    """The contract of the report with this number."""
    return creditor, contract(number)


def decide(connection: Connection, *decisions: LinkDecision, pilot: str = PILOT) -> uuid.UUID:
    for one in decisions:
        values = {"pilot": pilot, "id": one.decision_id, "at": one.decided_at}
        connection.execute(
            text("INSERT INTO privacy.link_decision VALUES (:pilot, :id, :at, 'somebody', 'same-details')"), values
        )
        connection.execute(
            text("INSERT INTO privacy.link_decision_contract VALUES (:pilot, :id, :side, :creditor, :reference)"),
            [
                {**values, "side": side, "creditor": creditor, "reference": reference}
                for side, group in enumerate(one.groups, 1)
                for creditor, reference in group
            ],
        )
    return after_decisions(connection, decisions, pilot)


def undecide(connection: Connection, one: LinkDecision) -> None:
    touch(connection, [])
    touch_decided(connection, PILOT, set().union(*one.groups))
    for table in ("link_decision_contract", "link_decision"):
        connection.execute(
            text(f"DELETE FROM privacy.{table} WHERE pilot_id = :pilot AND decision_id = :id"),
            {"pilot": PILOT, "id": one.decision_id},
        )
    link(connection, PILOT, ident(9, next(RUNS)))


def after_decisions(connection: Connection, decisions: Sequence[LinkDecision], pilot: str = PILOT) -> uuid.UUID:
    run = ident(9, next(RUNS))
    touch(connection, [])
    touch_decided(connection, pilot, {contract for one in decisions for group in one.groups for contract in group})
    link(connection, pilot, run)
    return run


def places(connection: Connection, pilot: str = PILOT) -> dict[uuid.UUID, Place]:
    rows = connection.execute(
        text(
            "SELECT report_id, person_id, household_id FROM signals.report WHERE pilot_id = :pilot AND state = 'live'"
        ),
        {"pilot": pilot},
    )
    return {row.report_id: Place(row.person_id, row.household_id) for row in rows}


def touched_households(connection: Connection) -> set[uuid.UUID]:
    return set(connection.execute(text("SELECT household_id FROM touched_household")).scalars())


def reasons(connection: Connection, run: uuid.UUID) -> dict[uuid.UUID, str]:
    rows = connection.execute(
        text("SELECT report_id, reason FROM signals.link_change WHERE pilot_id = :pilot AND run_id = :run"),
        {"pilot": PILOT, "run": run},
    )
    return {row.report_id: row.reason for row in rows}


@st.composite
def small_worlds(draw: st.DrawFn) -> list[LinkedReport]:
    """Reports in a world so small that everything meets: keys, birth dates, homes, contracts."""
    few = st.integers(0, 5)
    world: list[LinkedReport] = []
    for number in draw(st.permutations(range(draw(st.integers(2, 14))))):
        building, addition, birth = (
            draw(st.integers(0, 3)),
            draw(st.integers(0, 2)),
            draw(st.sampled_from((0, 0, 1, 2))),
        )
        weak: dict[uuid.UUID, uuid.UUID | None] = {
            ident(5, key): ident(6, key * 10 + birth) if birth else None for key in draw(st.sets(few, max_size=3))
        }
        strong = frozenset(ident(4, key) for key in draw(st.sets(few, max_size=1)))
        creditor = draw(st.sampled_from(("one", "two")))
        earlier = [one for one in world if one.report_id.int % 3 == number % 3]
        if earlier and draw(st.integers(0, 1)) == 0:  # what the same contract said, and keys that it didn't have
            other = draw(st.sampled_from(earlier))
            creditor, strong = other.creditor_id, other.strong | {ident(4, draw(st.sampled_from((1, 100 + number))))}
            weak = draw(st.sampled_from((dict(other.weak), {}))) | {
                ident(5, draw(st.sampled_from((1, 100 + number)))): ident(6, 1000 + birth) if birth else None
            }
        world.append(
            report(
                number,
                creditor_id=creditor,
                category=draw(st.sampled_from(CATEGORIES)),
                period=draw(st.sampled_from(("2026-09", "2026-10"))),
                reported_on=date(2026, 10, draw(st.sampled_from((30, 31)))),
                dwelling=ident(1, building * 10 + addition),
                street_dwelling=ident(2, draw(st.sampled_from((building * 10 + addition, 100 + number, 0)))),
                building=ident(3, building),
                has_addition=addition > 0,
                strong=strong,
                weak=weak,
            )
        )
    return world


@st.composite
def decisions(draw: st.DrawFn) -> list[LinkDecision]:
    """Decisions about the few contracts of a small world: they repeat, overlap and contradict each other."""
    contracts = st.sampled_from([of(number, creditor) for number in range(3) for creditor in ("one", "two")])
    made = []
    for number in range(draw(st.integers(1, 5))):
        named = draw(st.lists(contracts, unique=True, min_size=2, max_size=5))
        cut = draw(st.integers(1, len(named)))
        groups = [group for group in (named[:cut], named[cut:]) if group]
        made.append(decision(number, *groups, moment=draw(st.integers(0, 5))))
    return made


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), world=small_worlds())
def test_any_order_and_partition_gives_what_the_oracle_gives(
    engine: Engine, data: st.DataObject, world: list[LinkedReport]
) -> None:
    with engine.connect() as connection:
        live: dict[uuid.UUID, LinkedReport] = {}
        waiting = list(world)
        while waiting:
            size = data.draw(st.integers(1, len(waiting)), label="size of the delivery")
            delivery, waiting = waiting[:size], waiting[size:]
            before = places(connection)
            deliver(connection, delivery)
            live |= {one.report_id: one for one in delivery}
            assert places(connection) == cluster(live.values())
            leaving = data.draw(st.sets(st.sampled_from(sorted(live)), max_size=3), label="shut out")
            if leaving:
                shut_out(connection, sorted(leaving))
                live = {key: one for key, one in live.items() if key not in leaving}
                assert places(connection) == cluster(live.values())
            other = data.draw(st.sampled_from([None, *sorted(live)]), label="corrected by what another says")
            if other:
                first = live[min(live)]
                corrected = replace(
                    live[other], report_id=first.report_id, creditor_id=first.creditor_id, reference=first.reference
                )
                live[corrected.report_id] = corrected
                correct(connection, corrected)
                assert places(connection) == cluster(live.values())
            moved = {
                place.household_id
                for one, place in [*before.items(), *places(connection).items()]
                if before.get(one) != places(connection).get(one)
            }
            if not leaving and not other:
                assert moved <= touched_households(connection)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), world=small_worlds(), made=decisions())
def test_decisions_between_deliveries_give_what_they_give_all_at_once(
    engine: Engine, data: st.DataObject, world: list[LinkedReport], made: list[LinkDecision]
) -> None:
    with engine.connect() as connection:
        live: dict[uuid.UUID, LinkedReport] = {}
        stand: list[LinkDecision] = []
        waiting: list[LinkedReport | LinkDecision] = data.draw(st.permutations([*world, *made]), label="order")
        while waiting:
            size = data.draw(st.integers(1, len(waiting)), label="size of the delivery")
            now, waiting = waiting[:size], waiting[size:]
            if delivery := [one for one in now if isinstance(one, LinkedReport)]:
                deliver(connection, delivery)
                live |= {one.report_id: one for one in delivery}
                assert places(connection) == cluster(live.values(), stand)
            if said := [one for one in now if isinstance(one, LinkDecision)]:
                decide(connection, *said)
                stand += said
                assert places(connection) == cluster(live.values(), stand)
            leaving = data.draw(st.sets(st.sampled_from(sorted(live)), max_size=2), label="shut out") if live else None
            if leaving:
                shut_out(connection, sorted(leaving))
                live = {key: one for key, one in live.items() if key not in leaving}
                assert places(connection) == cluster(live.values(), stand)
            gone = data.draw(st.sampled_from([None, *stand]), label="decision that goes")
            if gone:
                undecide(connection, gone)
                stand.remove(gone)
                assert places(connection) == cluster(live.values(), stand)


@settings(max_examples=examples(25))
@given(world=small_worlds(), made=decisions(), mixed=st.randoms(use_true_random=False))
def test_the_oracle_does_not_depend_on_the_order(
    world: list[LinkedReport], made: list[LinkDecision], mixed: Any
) -> None:
    others, said = list(world), list(made)
    mixed.shuffle(others)
    mixed.shuffle(said)
    assert cluster(world, made) == cluster(others, said)


@settings(max_examples=examples(25))
@given(world=small_worlds(), made=decisions())
def test_the_newest_decision_about_two_contracts_holds_whatever_the_keys_say(
    world: list[LinkedReport], made: list[LinkDecision]
) -> None:
    newest = max(made, key=lambda one: (one.decided_at, one.decision_id))
    found = cluster(world, made)
    persons: dict[Contract, set[uuid.UUID]] = {}
    for each in world:
        persons.setdefault((each.creditor_id, each.reference), set()).add(found[each.report_id].person_id)
    for group in newest.groups:
        assert len(set().union(*(persons.get(contract, set()) for contract in group))) <= 1
    for one, other in combinations(newest.groups, 2):
        for left in one:
            for right in other:
                assert persons.get(left, set()).isdisjoint(persons.get(right, set()))


def test_nothing_of_another_pilot_is_met(connection: Connection) -> None:
    strong = frozenset({ident(4, 1)})
    deliver(connection, [report(1, strong=strong, dwelling=ident(1, 7))], "elsewhere")
    deliver(connection, [report(2, strong=strong, dwelling=ident(1, 7))])
    assert places(connection) == {ident(0, 2): Place(ident(0, 2), ident(0, 2))}
    assert places(connection, "elsewhere") == {ident(0, 1): Place(ident(0, 1), ident(0, 1))}


def test_a_weak_key_joins_unless_both_birth_dates_are_known_and_differ(connection: Connection) -> None:
    key = ident(5, 1)
    deliver(connection, [report(1, weak={key: ident(6, 1)}), report(2, weak={key: None})])
    assert places(connection)[ident(0, 2)].person_id == ident(0, 1)
    deliver(connection, [report(3, weak={key: ident(6, 2)})])
    found = places(connection)
    assert {found[ident(0, one)].person_id for one in (1, 2, 3)} == {ident(0, 1), ident(0, 2), ident(0, 3)}


def test_who_fitted_two_persons_joins_the_other_when_one_is_shut_out(connection: Connection) -> None:
    key = ident(5, 1)
    births = (ident(6, 1), None, ident(6, 2))
    deliver(connection, [report(number, weak={key: birth}) for number, birth in enumerate(births, 1)])
    run = shut_out(connection, [ident(0, 3)])
    assert places(connection)[ident(0, 2)].person_id == ident(0, 1)
    assert reasons(connection, run) == {
        ident(0, 2): "joined: weak key; home of its own",
        ident(0, 3): "shut out",
    }


def test_a_shut_out_report_without_keys_still_takes_its_person_along(connection: Connection) -> None:
    first, second = frozenset({ident(4, 1)}), frozenset({ident(4, 2)})
    deliver(connection, [report(1, strong=first), report(2, strong=first | second), report(3, strong=second)])
    assert len({place.person_id for place in places(connection).values()}) == 1
    connection.execute(
        text("DELETE FROM signals.report_key WHERE pilot_id = :pilot AND report_id = :id"),
        {"pilot": PILOT, "id": ident(0, 2)},
    )
    run = shut_out(connection, [ident(0, 2)])
    assert len({place.person_id for place in places(connection).values()}) == 2
    assert reasons(connection, run)[ident(0, 3)] == "parted; home of its own"


def test_a_landlord_knows_better_than_an_insurer_where_somebody_lives(connection: Connection) -> None:
    strong = frozenset({ident(4, 1)})
    new_home, old_home = ident(1, 100), ident(1, 200)
    deliver(
        connection,
        [
            report(1, strong=strong, dwelling=old_home),
            report(2, strong=strong, dwelling=new_home, category=Category.RENT, reported_on=date(2026, 10, 1)),
            report(3, dwelling=new_home),
            report(4, dwelling=old_home),
        ],
    )
    found = places(connection)
    assert found[ident(0, 3)].household_id == found[ident(0, 1)].household_id
    assert found[ident(0, 4)].household_id == ident(0, 4)


def test_two_water_contracts_behind_one_door_are_two_households(connection: Connection) -> None:
    home = ident(1, 100)
    water = {"category": Category.WATER, "creditor_id": "water"}
    deliver(connection, [report(1, dwelling=home, **water), report(2, dwelling=home)])
    assert places(connection)[ident(0, 2)].household_id == ident(0, 1)
    run = deliver(connection, [report(3, dwelling=home, **water)])
    assert {place.household_id for place in places(connection).values()} == {ident(0, 1), ident(0, 2), ident(0, 3)}
    assert touched_households(connection) == {ident(0, 1), ident(0, 2), ident(0, 3)}
    assert reasons(connection, run)[ident(0, 2)] == "person as before; address of several households"


def test_those_behind_one_door_are_one_household_again_when_the_second_contract_is_shut_out(
    connection: Connection,
) -> None:
    home = ident(1, 100)
    water = {"category": Category.WATER, "creditor_id": "water"}
    deliver(
        connection, [report(1, dwelling=home, **water), report(2, dwelling=home), report(3, dwelling=home, **water)]
    )
    run = shut_out(connection, [ident(0, 3)])
    assert {place.household_id for place in places(connection).values()} == {ident(0, 1)}
    assert touched_households(connection) == {ident(0, 1), ident(0, 2), ident(0, 3)}
    assert reasons(connection, run) == {ident(0, 2): "person as before; shared home", ident(0, 3): "shut out"}


def test_a_household_that_hangs_together_by_postcode_and_by_street_is_found_whole(connection: Connection) -> None:
    home, street, misspelt = ident(1, 100), ident(2, 100), ident(1, 200)
    deliver(
        connection,
        [report(2, dwelling=home, street_dwelling=street), report(3, dwelling=misspelt, street_dwelling=street)],
    )
    assert places(connection)[ident(0, 3)].household_id == ident(0, 2)
    deliver(connection, [report(1, dwelling=home)])
    assert {place.household_id for place in places(connection).values()} == {ident(0, 1)}


def test_an_addition_that_one_creditor_leaves_out_is_taken_from_another(connection: Connection) -> None:
    strong, building = frozenset({ident(4, 1)}), ident(3, 100)
    deliver(
        connection,
        [
            report(1, strong=strong, building=building, dwelling=ident(1, 100), category=Category.RENT),
            report(2, strong=strong, building=building, dwelling=ident(1, 101), has_addition=True),
            report(3, building=building, dwelling=ident(1, 101), has_addition=True),
            report(4, building=building, dwelling=ident(1, 100)),
        ],
    )
    found = places(connection)
    assert found[ident(0, 3)].household_id == ident(0, 1)
    assert found[ident(0, 4)].household_id == ident(0, 4)


def test_more_than_six_persons_at_one_address_are_as_many_households(connection: Connection) -> None:
    reports = [report(number, dwelling=ident(1, 100)) for number in range(1, 8)]
    deliver(connection, reports[:6])
    assert len({place.household_id for place in places(connection).values()}) == 1
    deliver(connection, reports[6:])
    assert len({place.household_id for place in places(connection).values()}) == 7


def test_repeating_a_link_changes_nothing(connection: Connection) -> None:
    strong = frozenset({ident(4, 1)})
    reports = [report(number, strong=strong) for number in (1, 2)]
    deliver(connection, reports)
    run = relink(connection, [one.report_id for one in reports])
    assert not reasons(connection, run)
    assert touched_households(connection) == {ident(0, 1)}


def test_only_rows_that_change_are_written(connection: Connection) -> None:
    strong = frozenset({ident(4, 1)})
    deliver(connection, [report(1, strong=strong), report(5)])
    run = deliver(connection, [report(2, strong=strong)])
    assert reasons(connection, run) == {ident(0, 2): "added: strong key; home of its own"}


def falling_apart() -> list[LinkedReport]:
    keys = [ident(5, number) for number in range(3)]
    return [
        report(1, weak={keys[0]: ident(6, 1)}),
        report(2, weak={keys[0]: None, keys[1]: None}),
        report(3, weak={keys[1]: None, keys[2]: None}),
        report(4, weak={keys[2]: ident(6, 2)}),
    ]


def test_undated_reports_that_connect_two_dated_persons_fall_back_to_their_own(connection: Connection) -> None:
    world = falling_apart()
    expected = [ident(0, number) for number in (1, 1, 3, 3)]
    assert [cluster(world)[ident(0, number)].person_id for number in (1, 2, 3, 4)] == expected
    deliver(connection, world)
    assert [places(connection)[ident(0, number)].person_id for number in (1, 2, 3, 4)] == expected
    undated = [*world[:3], replace(world[3], weak={ident(5, 2): None})]
    assert {place.person_id for place in cluster(undated).values()} == {ident(0, 1)}


FIRST = report(1, strong=frozenset({ident(4, 1)}), weak={ident(5, 1): ident(6, 1), ident(5, 2): ident(6, 2)})


@pytest.mark.parametrize(
    "repeat",
    [
        replace(FIRST, report_id=ident(0, 4), weak={**FIRST.weak, ident(5, 9): ident(6, 9)}),  # nothing new
        replace(FIRST, report_id=ident(0, 4), strong=frozenset({ident(4, 1), ident(4, 3)})),  # meets another
        replace(FIRST, report_id=ident(0, 4), weak={ident(5, 1): ident(6, 7)}),  # another birth date
        replace(FIRST, report_id=ident(0, 4), weak={ident(5, 1): None}),  # its birth date no longer known
    ],
)
def test_a_contracts_next_report_is_linked_as_any_other(connection: Connection, repeat: LinkedReport) -> None:
    others = [
        report(2, weak={ident(5, 1): None}),
        report(3, strong=frozenset({ident(4, 3)}), weak={ident(5, 2): ident(6, 5)}),
        report(5, weak={ident(5, 9): None}),
        report(6, weak={ident(5, 1): ident(6, 7)}),
    ]
    deliver(connection, [FIRST, *others])
    deliver(connection, [repeat])
    assert places(connection) == cluster([FIRST, *others, repeat])


def test_a_contract_that_learns_a_birth_date_leaves_the_namesake_it_was_taken_for(connection: Connection) -> None:
    phone = frozenset({ident(4, 1)})
    before = [report(1, strong=phone, weak={ident(5, 1): None}), report(2, weak={ident(5, 1): ident(6, 1)})]
    deliver(connection, before)
    assert len({place.person_id for place in places(connection).values()}) == 1
    moved = report(4, strong=phone, weak={ident(5, 2): ident(6, 2)})
    deliver(connection, [moved])
    assert places(connection) == cluster([*before, moved])
    assert len({place.person_id for place in places(connection).values()}) == 2


A, B, C, D = (("housing", ident(7, number)) for number in range(4))


def of_contract(number: int, named: Contract, **known: Any) -> LinkedReport:
    return report(number, creditor_id=named[0], reference=named[1], **known)


def together(connection: Connection, *numbers: int) -> bool:
    found = places(connection)
    return len({found[ident(0, number)].person_id for number in numbers}) == 1


def test_contracts_that_a_person_calls_one_persons_are_whatever_their_birth_dates(connection: Connection) -> None:
    key = ident(5, 1)
    deliver(connection, [of_contract(1, A, weak={key: ident(6, 1)}), of_contract(2, B, weak={key: ident(6, 2)})])
    assert not together(connection, 1, 2)
    run = decide(connection, decision(1, [A, B]))
    assert together(connection, 1, 2)
    assert reasons(connection, run) == {ident(0, 2): "joined: decision; home of its own"}


def test_a_wrong_merge_is_split_and_stays_split_next_month(connection: Connection) -> None:
    shared = frozenset({ident(4, 1)})
    deliver(connection, [of_contract(1, A, strong=shared), of_contract(2, B, strong=shared)])
    run = decide(connection, decision(1, [A], [B]))
    assert not together(connection, 1, 2)
    assert reasons(connection, run)[ident(0, 2)] == "parted; home of its own"
    deliver(connection, [of_contract(3, A, strong=shared), of_contract(4, B, strong=shared)])
    assert together(connection, 1, 3)
    assert together(connection, 2, 4)
    assert not together(connection, 1, 2)


def test_what_has_a_key_of_both_sides_joins_neither_by_it_and_one_side_by_its_own(connection: Connection) -> None:
    shared, own = ident(4, 1), ident(4, 2)
    reports = [
        of_contract(1, A, strong=frozenset({shared, own})),
        of_contract(2, B, strong=frozenset({shared})),
        of_contract(3, C, strong=frozenset({shared})),
        of_contract(4, D, strong=frozenset({shared, own})),
    ]
    decide(connection, decision(1, [A], [B]))
    deliver(connection, reports)
    assert together(connection, 1, 4)
    assert not together(connection, 1, 3)
    assert not together(connection, 2, 3)


def test_the_reports_of_one_contract_stay_together_when_its_person_falls_apart(connection: Connection) -> None:
    to_a, to_c, to_b = (frozenset({ident(4, number)}) for number in range(3))
    decide(connection, decision(1, [A], [B]))
    deliver(connection, [of_contract(1, A, strong=to_a), of_contract(2, B, strong=to_b)])
    deliver(connection, [of_contract(3, C, strong=to_a | to_c), of_contract(4, C, strong=to_c | to_b)])
    assert together(connection, 3, 4)  # it meets A in one month and B in the next: it fits both
    assert not together(connection, 1, 3)
    assert not together(connection, 2, 3)


def test_a_newer_decision_takes_the_place_of_an_older_one_and_leaves_the_rest_of_it(connection: Connection) -> None:
    shared = frozenset({ident(4, 1)})
    deliver(connection, [of_contract(number, one, strong=shared) for number, one in enumerate((A, B, C, D), 1)])
    decide(connection, decision(1, [A, B], [C, D]))
    assert together(connection, 1, 2)
    assert together(connection, 3, 4)
    decide(connection, decision(2, [A], [B]))
    assert not together(connection, 1, 2)
    assert not together(connection, 1, 3)
    assert not together(connection, 2, 3)
    decide(connection, decision(3, [A, C]))
    assert together(connection, 1, 3)
    assert not together(connection, 1, 2)


def test_what_two_newer_decisions_say_together_beats_an_older_one(connection: Connection) -> None:
    made = [decision(1, [A], [C]), decision(2, [A, B]), decision(3, [B, C])]
    holding = what_holds(made)
    assert holding.number[A] == holding.number[C]
    assert not holding.apart
    assert what_holds(made[:2]).apart


def test_two_persons_of_one_home_stay_one_household_when_they_are_parted(connection: Connection) -> None:
    shared, home = frozenset({ident(4, 1)}), ident(1, 100)
    deliver(connection, [of_contract(n, one, strong=shared, dwelling=home) for n, one in enumerate((A, B), 1)])
    decide(connection, decision(1, [A], [B]))
    assert not together(connection, 1, 2)
    assert len({place.household_id for place in places(connection).values()}) == 1


def test_a_decision_of_another_pilot_says_nothing(connection: Connection) -> None:
    shared = frozenset({ident(4, 1)})
    decide(connection, decision(1, [A], [B]), pilot="elsewhere")
    deliver(connection, [of_contract(1, A, strong=shared), of_contract(2, B, strong=shared)])
    assert together(connection, 1, 2)
