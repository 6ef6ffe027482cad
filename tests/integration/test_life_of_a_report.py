"""Promise 7 over a report's whole life: any order and partition of deliveries, corrections and endings ends alike."""

import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from app.basis import carry_out
from app.completion import complete_delivery
from app.db.sessions import make_engine
from privacy.references import report_id
from privacy.signing import new_signing_key
from signals.consents import ContractEndings, Ending
from signals.report import Kind, MatchKeys, Report, SocialCollection, UrgentFlag
from signals.rulesets import RuleSet, default_rule_set
from tests.budget import examples
from tests.conftest import Database
from tests.world import agreement_document, pilot_document

PILOT, DEFAULT, LOG_KEY = "aland", default_rule_set(), new_signing_key()
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MONTHS = ("2026-07", "2026-08", "2026-09", "2026-10")
CREDITORS = {
    "housing": ("rent", "snapshot"),
    "power": ("energy", "snapshot"),
    "health": ("health_insurance", "changes"),
}
PERSONS = 3

# Moments, and the delivery that a report or an id came with last, hang on the order by nature.
STATE = (
    """
    SELECT report_id, period, kind, amount_euros, state, settled_on, unannounced, person_id, household_id
    FROM signals.report ORDER BY 1
    """,
    "SELECT report_id, key FROM signals.report_key ORDER BY 1, 2",
    "SELECT report_id, household_id FROM signals.sealed_report ORDER BY 1",
    """
    SELECT report_id FROM signals.shut_out s
    WHERE NOT EXISTS (SELECT FROM signals.report r WHERE r.report_id = s.report_id) ORDER BY 1
    """,
    """
    SELECT household_id, s.period, tray, rules, urgent, priority, deadline, creditors, explanation::jsonb - 'digest'
    FROM signals.signal s JOIN signals.signal_categories c USING (pilot_id, signal_id, household_id)
    JOIN signals.signal_facts f USING (pilot_id, signal_id, household_id) ORDER BY 1, 2
    """,
    "SELECT reference, ending, ended_on FROM intake.ending ORDER BY 1, 2, 3",
    "SELECT DISTINCT report_id, code FROM intake.warned_row ORDER BY 1, 2",
)


@dataclass(frozen=True)
class Line:
    """One report as its creditor delivers it."""

    contract: int
    day: int
    kind: Kind
    euros: int
    urgent: bool


@dataclass(frozen=True)
class Delivered:
    """A creditor's lines of a month; a correction comes after what it corrects."""

    creditor: str
    period: str
    lines: tuple[Line, ...]
    correction: bool = False


@dataclass(frozen=True)
class Ended:
    """What a creditor says of a contract."""

    creditor: str
    contract: int
    ending: Ending
    on: date


Step = Delivered | Ended
lines = st.builds(
    Line,
    contract=st.integers(0, 3),
    day=st.sampled_from((10, 20)),
    kind=st.sampled_from((Kind.EARLY, Kind.EARLY, Kind.END_OF_SUPPLY)),
    euros=st.sampled_from((100, 100, 200)),
    urgent=st.sampled_from((False, False, True)),
)
months = st.lists(lines, max_size=4, unique_by=lambda line: line.contract).map(tuple)
ends = st.builds(
    Ended,
    creditor=st.sampled_from(sorted(CREDITORS)),
    contract=st.integers(0, 3),
    ending=st.sampled_from(("settled", "settled", "withdrawn", "open", "open", "open")),
    on=st.builds(date, st.just(2026), st.integers(7, 10), st.sampled_from((5, 10, 15, 25))),
)


@st.composite
def scripts(draw: st.DrawFn) -> list[Step]:
    """Months of three creditors, some of them corrected, and endings; in the order of the calendar."""
    script: list[Step] = []
    for creditor in CREDITORS:
        for period in draw(st.lists(st.sampled_from(MONTHS), min_size=1, unique=True).map(sorted)):
            delivered = draw(months)
            script.append(Delivered(creditor, period, delivered))
            if delivered and draw(st.integers(0, 2)) == 0:
                corrected = [line for line in draw(months) if line.contract in {old.contract for old in delivered}]
                script.append(Delivered(creditor, period, tuple(corrected), correction=True))
    return script + draw(st.lists(ends, max_size=5))


@pytest.fixture(scope="module")
def engine(module_database: Database) -> Iterator[sa.Engine]:
    with module_database.as_superuser() as connection:
        document = pilot_document(PILOT, "town-a")
        connection.execute(
            "INSERT INTO registry.pilot VALUES (%s, 'town-a', '2026-01-01', '2027-12-31', %s)", [PILOT, Jsonb(document)]
        )
        for creditor, (_category, feed) in CREDITORS.items():
            connection.execute("INSERT INTO registry.organisation VALUES (%s, '{}')", [creditor])
            connection.execute(
                "INSERT INTO registry.agreement VALUES (%s, %s, '2026-01-01', '2027-12-31', %s)",
                [PILOT, creditor, Jsonb(agreement_document(PILOT, creditor, feed=feed))],
            )
    engine = make_engine(module_database.conninfo("vroegsein_linker"), pool_size=1)
    yield engine
    engine.dispose()


def ident(kind: int, number: int) -> uuid.UUID:
    return uuid.UUID(int=(kind << 96) + number)


def contract(creditor: str, number: int) -> str:
    return ident(7, sorted(CREDITORS).index(creditor) * 10 + number).hex


def report(step: Delivered, line: Line) -> Report:
    """Its person is told by the contract's number, and lives with the next one."""
    year, month = (int(part) for part in step.period.split("-"))
    reported_on = date(year, month, line.day)
    since = reported_on - timedelta(days=60)
    person, home = line.contract % PERSONS, line.contract % 2
    return Report(
        amount_euros=line.euros,
        arrears_since=since,
        commitment="00" * 32,
        district=ident(1, 1).hex,
        keys=MatchKeys(
            building=ident(2, home).hex,
            dwelling=ident(3, home).hex,
            has_addition=False,
            street_dwelling=ident(4, home).hex,
            strong=(ident(5, person).hex,),
            weak=(),
        ),
        kind=line.kind,
        months=2,
        reference=contract(step.creditor, line.contract),
        reported_on=reported_on,
        since_derived=False,
        social_collection=SocialCollection(
            by="record", contact_sought_on=since, offer_made_on=since, pointed_at_help_on=since, reminder_sent_on=since
        ),
        urgent=(UrgentFlag.EVICTION_ANNOUNCED,) if line.urgent else (),
    )  # fmt: skip


def rule_sets(_connection: sa.Connection, _name: str) -> RuleSet:
    return DEFAULT


def deliver(engine: sa.Engine, database: Database, step: Delivered, number: int) -> None:
    delivery = ident(9, number)
    with database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count,"
            " content_hash, state, opened_at, manifest)"
            " VALUES (%s, %s, %s, %s, %s, 0, sha256(%s), 'completing', %s, '')",
            [PILOT, delivery, step.creditor, step.period, CREDITORS[step.creditor][0], str(number).encode(), NOW],
        )
        for at, line in enumerate(step.lines, start=1):
            sent = report(step, line)
            connection.execute(
                "INSERT INTO intake.staged_report VALUES (%s, %s, 1, %s, %s, %s, '', '', '', sha256(''))",
                [PILOT, delivery, at, report_id(PILOT, step.creditor, step.period, sent.reference),
                 sent.canonical().decode()],
            )  # fmt: skip
    with engine.begin() as connection:
        assert complete_delivery(connection, PILOT, delivery, rule_sets, LOG_KEY, NOW)


def end(engine: sa.Engine, database: Database, step: Ended, number: int) -> None:
    say(engine, database, step.creditor, contract(step.creditor, step.contract), step.ending, step.on, number)


def say(
    engine: sa.Engine, database: Database, creditor: str, reference: str, ending: Ending, on: date, number: int
) -> None:
    said = ContractEndings(ending=ending, ended_on=on, references=(reference,)).model_dump(mode="json", by_alias=True)
    with database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body, creditor_id)"
            " VALUES (%s, %s, %s, %s, %s)",
            [PILOT, ident(8, number), "contract-endings", Jsonb(said), creditor],
        )
    with engine.begin() as connection:
        assert carry_out(connection, PILOT, ident(8, number), rule_sets)


def play(engine: sa.Engine, database: Database, script: list[Step]) -> list[Any]:
    """Carry a script out on an empty pilot; what stands then."""
    with database.as_superuser() as connection:
        connection.execute("""
            TRUNCATE intake.delivery, intake.part, intake.refused_row, intake.warned_row, intake.staged_report,
                intake.ending, signals.report, signals.report_key, signals.sealed_report, signals.shut_out,
                signals.link_change, signals.signal, signals.signal_categories, signals.signal_facts,
                privacy.basis_change CASCADE
        """)
    for number, step in enumerate(script):
        if isinstance(step, Delivered):
            deliver(engine, database, step, number)
        else:
            end(engine, database, step, number)
    with database.as_superuser() as connection:
        return [connection.execute(query.encode()).fetchall() for query in STATE]


def mixed(script: list[Step], chance: random.Random) -> list[Step]:
    """The script in another order and in more parts; a correction still comes after all that it corrects."""
    placed: list[tuple[float, Step]] = []
    last: dict[tuple[str, str], float] = {}
    for step in script:
        if isinstance(step, Ended):
            placed.append((chance.random(), step))
        elif step.correction:
            placed.append((1 + last[step.creditor, step.period], step))
        else:
            several = list(step.lines)
            chance.shuffle(several)
            cut = chance.randint(0, len(several))
            for part in (several[:cut], several[cut:]) if chance.random() < 0.5 else (several,):
                at = chance.random() * 2
                last[step.creditor, step.period] = max(at, last.get((step.creditor, step.period), 0))
                placed.append((at, Delivered(step.creditor, step.period, tuple(part))))
    return [step for _, step in sorted(placed, key=lambda each: each[0])]


@settings(
    max_examples=examples(6),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a script is short; making it shorter takes minutes
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(script=scripts(), chance=st.randoms(use_true_random=False))
def test_any_order_and_partition_ends_alike(
    engine: sa.Engine, module_database: Database, script: list[Step], chance: random.Random
) -> None:
    expected = play(engine, module_database, script)
    found = play(engine, module_database, mixed(script, chance))
    for query, stands, other in zip(STATE, expected, found, strict=True):
        assert other == stands, query


@pytest.mark.parametrize(("said_of", "settled_on"), [(9, None), (8, date(2026, 9, 1)), (10, date(2026, 9, 1))])
def test_what_is_said_to_be_open_is_not_missing_in_that_month_in_whatever_order(
    engine: sa.Engine, module_database: Database, said_of: int, settled_on: date | None
) -> None:
    lines = [Line(contract, 10, Kind.EARLY, 100, urgent=False) for contract in range(2)]
    script: list[Step] = [
        Delivered("housing", "2026-08", tuple(lines)),
        Delivered("housing", "2026-09", tuple(lines[1:])),
        Ended("housing", 0, "open", date(2026, said_of, 25)),
    ]
    for order in itertools.permutations(script):
        reports = play(engine, module_database, list(order))[0]
        gone = report_id(PILOT, "housing", "2026-08", contract("housing", 0))
        assert {row[0]: row[5] for row in reports}[gone] == settled_on, order
        assert sum(row[5] is not None for row in reports) == (settled_on is not None), order


def test_what_was_open_and_is_missing_in_a_later_month_is_settled_from_that_one(
    engine: sa.Engine, module_database: Database
) -> None:
    line = Line(0, 10, Kind.EARLY, 100, urgent=False)
    script: list[Step] = [
        Delivered("housing", "2026-08", (line,)),
        Delivered("housing", "2026-09", ()),
        Delivered("housing", "2026-10", ()),
        Ended("housing", 0, "open", date(2026, 9, 25)),
    ]
    for order in itertools.permutations(script):
        ((*_, settled_on, _unannounced, _person, _household),) = play(engine, module_database, list(order))[0]
        assert settled_on == date(2026, 10, 1), order


def test_another_creditor_opens_nothing(engine: sa.Engine, module_database: Database) -> None:
    line = Line(0, 10, Kind.EARLY, 100, urgent=False)
    stolen = contract("housing", 0)
    play(engine, module_database, [Delivered("housing", "2026-08", (line,)), Delivered("housing", "2026-09", ())])
    say(engine, module_database, "power", stolen, "open", date(2026, 9, 25), 99)
    with module_database.as_superuser() as connection:
        assert connection.execute("SELECT settled_on FROM signals.report").fetchall() == [(date(2026, 9, 1),)]
