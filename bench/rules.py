"""How fast rules are applied: to all of a pilot, with explanations, to what a delivery touched, and in a back-test.

    python -m bench.rules --reports 1000000 --json

In the same run and over the same rows stands a bare `GROUP BY household_id`; `ratio` is `full` over it, so that it says
something on any machine. Exits with 1 where it is above `at_most`. `cpu` counts the time that all processes of the
database were busy: where others use the machine too it says more than the clock.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import sqlalchemy as sa

from app.db.embedded import DATABASE, Server, embedded
from app.db.provisioning import provision
from app.db.sessions import LINKING, Login
from bench.world import PILOT
from cli.operator import sessions_at
from cli.words import errors
from signals.backtest import backtest
from signals.compiling import compile_rule_set
from signals.judging import JOINS, judge, judge_all
from signals.rulesets import default_rule_set

AT_MOST = 6
DELIVERY = 10_000
CONTRACTS_A_HOUSEHOLD = 1 / 0.374 / 3  # as measured for the design: a million reports of 374,000 households
RULES = default_rule_set()
OTHER_RULES = RULES.model_copy(update={"id": "other", "window": RULES.window.model_copy(update={"months": 3})})
BACKTESTED = ("2026-08", "2026-09", "2026-10")
BARE_RUNS = 5

PILOT_ROWS = (
    "INSERT INTO registry.pilot VALUES (%(pilot)s, 'bench', '2020-01-01', '2035-01-01', '{}')",
    """
    INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count, content_hash,
      opened_at)
    VALUES (%(pilot)s, CAST(md5('delivery') AS uuid), 'creditor-1', '2026-10', 'rent', 1, sha256(''), now())
    """,
)
# A contract is a household's with one of twelve creditors and is reported in each month once, with another amount.
# Numbers are made from hashes, so every run has the same rows.
REPORTS = """
    INSERT INTO signals.report (pilot_id, report_id, creditor_id, delivery_id, reference, period, kind, category,
      amount_euros, months, arrears_since, since_derived, reported_on, received_on, social_collection, urgent, district,
      dwelling, street_dwelling, building, has_addition, household_id)
    SELECT %(pilot)s, CAST(md5('report' || contract || day) AS uuid), 'creditor-' || mod(contract, 12),
      CAST(md5('delivery') AS uuid), CAST(md5('contract' || contract) AS uuid), to_char(day, 'YYYY-MM'),
      CASE WHEN mod(chance, 100) < 2 THEN 'end_of_supply' ELSE 'early' END,
      (ARRAY['rent', 'energy', 'water', 'health_insurance'])[mod(contract, 4) + 1],
      20 + mod(chance, 907), 1 + mod(chance, 4), day - CAST(20 + mod(chance, 110) AS integer), false, day, day + 3,
      '{}', CASE WHEN mod(chance, 100) = 3 THEN ARRAY['eviction_announced'] ELSE '{}' END,
      CAST(md5('district' || mod(household, 20)) AS uuid), home, home, home, false, home
    FROM (
      SELECT contract, day, abs(hashtextextended(contract || '/' || day, 1) / 2) AS chance, household,
        CAST(md5('home' || household) AS uuid) AS home
      FROM (
        SELECT contract, CAST(CAST(%(day)s AS date) - make_interval(months => month) AS date) AS day,
          mod(abs(hashtextextended(CAST(contract AS text), 2) / 2), %(households)s) AS household
        FROM generate_series(0, %(months)s - 1) AS month, generate_series(1, %(contracts)s) AS contract
      ) dated
    ) drawn
    ORDER BY day, contract
"""
BARE = """
    SELECT sum(reports), sum(amount), sum(months), sum(creditors), sum(categories) FROM (
      SELECT household_id, count(*) AS reports, sum(amount_euros) AS amount, max(months) AS months,
        count(DISTINCT creditor_id) AS creditors, count(DISTINCT category) AS categories
      FROM signals.report WHERE pilot_id = :pilot GROUP BY household_id
    ) household
"""
TOUCHED = (
    "CREATE TEMPORARY TABLE touched_household (household_id uuid PRIMARY KEY) ON COMMIT DROP",
    """
    INSERT INTO touched_household
    SELECT DISTINCT household_id FROM signals.report WHERE pilot_id = :pilot AND period = '2026-11'
    """,
)
STAGES = {  # of one judging, by how the statement begins
    "CREATE TEMPORARY TABLE judged_month": "judge_and_explain",
    "INSERT INTO signals.signal ": "write_signals",
    "INSERT INTO signals.signal_categories": "write_categories",
    "INSERT INTO signals.signal_facts": "write_facts_and_explanations",
}


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=3, help="over which the reports are spread")
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.reports, arguments.months)
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))
    sys.exit(result["ratio"] > result["at_most"])


def measure(reports: int, months: int) -> dict[str, Any]:
    """Fill a pilot, judge it whole from nothing and again, by two rule sets, after a delivery, and count it barely."""
    contracts = reports // months
    with _world() as server:
        _fill(server, "2026-10-31", months, contracts, contracts)
        sessions = sessions_at(server.address, server.passfiles, LINKING)
        bench = _Bench(sessions.engine(Login.LINKER), _postmaster(server))
        try:
            bench.take("full_from_nothing", lambda connection: judge_all(connection, PILOT, RULES), keep=True)
            _settle(server)
            for _ in range(BARE_RUNS):
                bench.take("bare", lambda connection: connection.execute(sa.text(BARE), {"pilot": PILOT}).all())
            bench.take("judged_and_explained", _judged)
            bench.take("full", lambda connection: judge_all(connection, PILOT, RULES))
            bench.take("backtest", lambda connection: backtest(connection, PILOT, RULES, OTHER_RULES, BACKTESTED))
            signals, households = bench.count("*"), bench.count("DISTINCT household_id")
            _fill(server, "2026-11-30", 1, contracts, min(DELIVERY, contracts))
            bench.take("incremental", lambda connection: judge(connection, PILOT, RULES), before=TOUCHED)
        finally:
            sessions.close()
    seconds = {name: median(taken) for name, taken in bench.seconds.items()}
    busy = {name: median(taken) for name, taken in bench.busy.items()}
    return {
        "reports": contracts * months,
        "signals": signals,
        "households": households,
        "seconds": {name: round(taken, 3) for name, taken in seconds.items()},
        "of_bare": {name: round(taken / seconds["bare"], 2) for name, taken in seconds.items()},
        "stage_seconds": bench.stages,
        "cpu": {"seconds": {name: round(taken, 2) for name, taken in busy.items()}}
        | {"of_bare": {name: round(taken / busy["bare"], 1) for name, taken in busy.items()}},
        "delivery": min(DELIVERY, contracts),
        "incremental_of_full": round(seconds["incremental"] / seconds["full"], 3),
        "ratio": round(seconds["full"] / seconds["bare"], 2),
        "at_most": AT_MOST,
    }


class _Bench:
    """Takes times in transactions of the linker's, and those of the statements in them."""

    def __init__(self, engine: sa.Engine, postmaster: int) -> None:
        self.engine = engine
        self.postmaster = postmaster
        self.seconds: dict[str, list[float]] = {}
        self.busy: dict[str, list[float]] = {}
        self.stages: dict[str, dict[str, float]] = {}

    def take(
        self,
        name: str,
        work: Callable[[sa.Connection], Any],
        *,
        keep: bool = False,
        before: Sequence[str] = (),
    ) -> None:
        """Take the time of `work`, with the commit where it is kept."""
        with self.engine.connect() as connection:
            for statement in before:
                connection.execute(sa.text(statement), {"pilot": PILOT})
            with self._staged(connection, name):
                begun, busy = time.monotonic(), _busy(self.postmaster)
                work(connection)
                if keep:
                    connection.commit()
                self.seconds.setdefault(name, []).append(time.monotonic() - begun)
                self.busy.setdefault(name, []).append(_busy(self.postmaster) - busy)
            connection.rollback()

    def count(self, what: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(sa.text(f"SELECT count({what}) FROM signals.signal")).scalar_one())

    @contextmanager
    def _staged(self, connection: sa.Connection, name: str) -> Iterator[None]:
        begun = 0.0

        def begin(*_: Any) -> None:  # noqa: ANN401 - what SQLAlchemy hands over
            nonlocal begun
            begun = time.monotonic()

        def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
            stage = next((stage for start, stage in STAGES.items() if statement.lstrip().startswith(start)), None)
            if stage is not None:
                self.stages.setdefault(name, {})[stage] = round(time.monotonic() - begun, 3)

        sa.event.listen(connection, "before_cursor_execute", begin)
        sa.event.listen(connection, "after_cursor_execute", end)
        try:
            yield
        finally:
            sa.event.remove(connection, "before_cursor_execute", begin)
            sa.event.remove(connection, "after_cursor_execute", end)


def _judged(connection: sa.Connection) -> None:
    """The one statement that judges and explains all months, without what stands."""
    connection.execute(sa.text(JOINS), {"state": "off"})
    compiled = compile_rule_set(RULES, everything=True)
    connection.execute(compiled.statement, {**compiled.values, "pilot": PILOT})


@contextmanager
def _world() -> Iterator[Server]:
    with TemporaryDirectory(prefix="vroegsein-bench-", ignore_cleanup_errors=True) as fresh:
        folder = Path(fresh)
        folder.chmod(0o711)  # as root the database's own user must get through
        with embedded(folder / "postgresql") as server:
            provision(server.address, server.passfiles)
            with _superuser(server) as connection:
                for statement in PILOT_ROWS:
                    connection.execute(statement, {"pilot": PILOT})
            yield server


def _fill(server: Server, day: str, months: int, all_contracts: int, contracts: int) -> None:
    households = max(1, int(all_contracts / CONTRACTS_A_HOUSEHOLD))
    values = {"pilot": PILOT, "day": day, "months": months, "contracts": contracts, "households": households}
    with _superuser(server) as connection:
        connection.execute(REPORTS, values)
    _settle(server)


def _settle(server: Server) -> None:
    """As the server does by itself in time: statistics, and no flood of pages left to be written."""
    with _superuser(server) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _postmaster(server: Server) -> int:
    folder = Path(str(server.as_superuser()["host"]))
    return int((folder / "postmaster.pid").read_text(encoding="ascii").split()[0])


def _busy(postmaster: int) -> float:
    """CPU seconds of all its processes: those that run, and those that ended, which the first one counts."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
    ticks = 0
    for pid in (str(postmaster), *children):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += sum(int(field) for field in (fields[11:15] if pid == str(postmaster) else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _superuser(server: Server) -> psycopg.Connection[Any]:
    return psycopg.connect(**server.as_superuser(DATABASE), autocommit=True)


if __name__ == "__main__":
    main()
