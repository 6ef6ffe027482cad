"""Retention takes reports as if they had never been delivered: links, kinds and signals are those of what is left."""

import calendar
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import registry, retention
from app.completion import complete_delivery
from app.db.sessions import LINKING, Login, Sessions, make_engine
from app.linker import Linker
from cli.demo_world import DEFAULT_RULES
from privacy.signing import new_signing_key
from tests.budget import SLOW, examples
from tests.conftest import Database
from tests.world import pilot_document

KEY = new_signing_key()
CATEGORIES = {"housing": "rent", "power": "energy", "health": "health_insurance"}
PERIODS = ("2025-08", "2025-09", "2025-11", "2026-01", "2026-02")
REPORT_DAYS = 365
COLUMNS = (  # all but the pilot, the delivery and, of a signal, its id, which has the pilot in it
    "SELECT report_id, person_id, household_id, kind, state, amount_euros, period FROM signals.report",
    "SELECT report_id, key, strong, birth FROM signals.report_key",
    "SELECT report_id, household_id, sent FROM signals.sealed_report",
    "SELECT household_id, period, tray, rules, urgent, priority, received_on, deadline FROM signals.signal",
    "SELECT household_id, categories, creditors FROM signals.signal_categories",
    "SELECT household_id, amount_euros, months, reports, explanation::jsonb - 'digest' FROM signals.signal_facts",
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One report: of which creditor's contract, in which month, about whom, living where, how much."""

    creditor: str
    contract: int
    period: str
    strong: frozenset[int]
    weak: tuple[int, int | None]
    home: int
    euros: int
    kind: str

    @property
    def reported_on(self) -> date:
        year, month = int(self.period[:4]), int(self.period[5:])
        return date(year, month, calendar.monthrange(year, month)[1])

    def line(self) -> dict[str, Any]:
        """The report as a staged line has it; its id is one and the same in every pilot."""
        ident = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.creditor}/{self.contract}/{self.period}")
        home = {name: str(uuid.UUID(int=9 << 64 | n << 32 | self.home)) for n, name in enumerate(("a", "b", "c"))}
        weak, birth = self.weak
        sent = {
            "reference": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.creditor}/{self.contract}")),
            "kind": self.kind,
            "amountEuros": self.euros,
            "months": 2,
            "arrearsSince": str(self.reported_on - timedelta(days=60)),
            "sinceDerived": False,
            "reportedOn": str(self.reported_on),
            "socialCollection": {},
            "urgent": [],
            "district": str(uuid.UUID(int=7)),
            "keys": {
                "strong": [str(uuid.UUID(int=1 << 64 | key)) for key in sorted(self.strong)],
                "weak": [
                    {
                        "key": str(uuid.UUID(int=2 << 64 | weak)),
                        "birth": None if birth is None else str(uuid.UUID(int=3 << 64 | birth)),
                    }
                ],
                "dwelling": home["a"],
                "streetDwelling": home["b"],
                "building": home["c"],
                "hasAddition": False,
            },
        }
        return {"report": ident, "sent": json.dumps(sent)}


drawn = st.builds(
    Drawn,
    creditor=st.sampled_from(tuple(CATEGORIES)),
    contract=st.integers(1, 3),
    period=st.sampled_from(PERIODS),
    strong=st.frozensets(st.integers(1, 5), max_size=2),
    weak=st.tuples(st.integers(1, 3), st.none() | st.integers(1, 2)),
    home=st.integers(1, 3),
    euros=st.sampled_from((60, 100, 101, 900)),
    kind=st.sampled_from(("early", "early", "end_of_supply")),
)
reports_of_all_ages = st.lists(
    drawn, min_size=1, max_size=14, unique_by=lambda one: (one.creditor, one.contract, one.period)
)


@pytest.fixture(scope="module")
def sessions(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    engine = make_engine(module_database.conninfo(Login.OWNER.value), pool_size=1)
    with engine.begin() as connection:
        registry.carry_out(connection, registry.plan(connection, [Path(DEFAULT_RULES)]))
    engine.dispose()
    sessions = Sessions(lambda login: module_database.conninfo(login.value), LINKING)
    yield sessions
    sessions.close()


@pytest.fixture(scope="module")
def new_pilot(module_database: Database) -> Callable[[], str]:
    """Makes a pilot that nothing was delivered to."""

    def make() -> str:
        name = f"p{uuid.uuid4().hex[:12]}"
        document = pilot_document(name, "town-a", retention={"report_days": REPORT_DAYS})
        with module_database.as_superuser() as connection:
            connection.execute(
                "INSERT INTO registry.pilot (pilot_id, municipality_id, starts, ends, document) "
                "VALUES (%s, 'town-a', '2025-01-01', '2027-12-31', %s)",
                [name, json.dumps(document)],
            )
        return name

    return make


def deliver(sessions: Sessions, linker: Linker, pilot: str, reports: Sequence[Drawn]) -> None:
    """One delivery per creditor and month, taken up in the order of the first report of each."""

    def of_delivery(one: Drawn) -> tuple[str, str]:
        return one.creditor, one.period

    for (creditor, period), lines in groupby(sorted(reports, key=of_delivery), of_delivery):
        delivery = uuid.uuid4()
        values = {"pilot": pilot, "delivery": delivery, "creditor": creditor, "period": period}
        with sessions.begin(Login.LINKER) as connection:
            connection.execute(
                sa.text("""
                    INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count,
                        content_hash, state, opened_at, manifest)
                    VALUES (:pilot, :delivery, :creditor, :period, :category, 1, :hash,
                        'completing', now(), '')
                """),
                {**values, "category": CATEGORIES[creditor], "hash": bytes(32)},
            )
            connection.execute(
                sa.text("""
                    INSERT INTO intake.staged_report
                    VALUES (:pilot, :delivery, 1, :line, :report, :sent, '', '', '', sha256(''))
                """),
                [{**values, "line": number, **one.line()} for number, one in enumerate(lines)],
            )
        year, month = int(period[:4]), int(period[5:])
        with sessions.begin(Login.LINKER) as connection:
            now = datetime(year, month, 28, 12, tzinfo=UTC) + timedelta(days=7)
            complete_delivery(connection, pilot, delivery, linker.rule_set, KEY, now)


def standing(sessions: Sessions, pilot: str) -> list[list[str]]:
    """What stands of reports, links and signals, in an order of its own."""
    with sessions.begin(Login.LINKER) as connection:
        return [
            sorted(
                connection.execute(sa.text(f"SELECT t::text FROM ({of} WHERE pilot_id = :pilot) t"), {"pilot": pilot})
                .scalars()
                .all()
            )
            for of in COLUMNS
        ]


@settings(
    max_examples=examples(12),
    phases=SLOW,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(reports=reports_of_all_ages, last=st.sampled_from(PERIODS), batch=st.sampled_from((1, 3, 1000)))
def test_what_is_left_is_as_if_the_old_reports_had_never_been_delivered(
    sessions: Sessions, new_pilot: Callable[[], str], reports: list[Drawn], last: str, batch: int
) -> None:
    linker = Linker(sessions, KEY)
    with_old, without_old = new_pilot(), new_pilot()
    border = max((one.reported_on for one in reports if one.period <= last), default=date(2025, 1, 1))
    deliver(sessions, linker, with_old, reports)
    deliver(sessions, linker, without_old, [one for one in reports if one.reported_on > border])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "BATCH", batch)
        more = True
        while more:
            with sessions.begin(Login.LINKER) as connection:
                day = border + timedelta(days=REPORT_DAYS + 1)
                more = retention.take_step(connection, with_old, day, linker.rule_set).more
    assert standing(sessions, with_old) == standing(sessions, without_old)
    with sessions.begin(Login.LINKER) as connection:
        told = connection.execute(
            sa.text("SELECT string_agg(l::text, ' ') FROM signals.link_change l WHERE pilot_id = :pilot"),
            {"pilot": with_old},
        ).scalar()
    gone = {str(one.line()["report"]) for one in reports if one.reported_on <= border}
    assert not any(report in (told or "") for report in gone)
