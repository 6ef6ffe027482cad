"""How long a back-test of three months takes, beside a bare GROUP BY over the same reports in the same run.

python -m bench.backtest --reports 100000 --json

The reports are made up in the database, linked already (a household has some four of them over four months); nothing is
pushed. `ratio` is the back-test's time by that of `household_id, count(*), sum(amount), max(months), count(DISTINCT
creditor), count(DISTINCT category)`; each is the best of `--runs`.
Two rule sets are judged, so it can't be less than twice what judging takes.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import sqlalchemy as sa

from app.db.embedded import DATABASE, embedded
from app.db.provisioning import provision
from app.db.sessions import LINKING, Login
from cli.operator import sessions_at
from cli.words import errors
from signals.backtest import backtest
from signals.rulesets import default_rule_set

PILOT = "bench"
MONTHS = ("2026-08", "2026-09", "2026-10")
PILOT_ROWS = (
    "INSERT INTO registry.pilot VALUES (%(pilot)s, 'town', '2025-01-01', '2030-01-01', '{}')",
    """
    INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count, content_hash,
      opened_at)
    VALUES (%(pilot)s, %(id)s, 'creditor-1', '2026-10', 'rent', 1, sha256(''), now())
    """,
)
# Contracts in four months, of which each is reported in about two; creditors, categories and amounts as they fall.
REPORTS = """
    INSERT INTO signals.report (pilot_id, report_id, creditor_id, delivery_id, reference, period, kind, category,
      amount_euros, months, arrears_since, since_derived, reported_on, received_on, social_collection, urgent,
      settled_on, district, dwelling, street_dwelling, building, has_addition, household_id)
    SELECT %(pilot)s, gen_random_uuid(), 'creditor-' || c.n %% 7, %(id)s, md5('c' || c.n)::uuid,
      to_char(m.last, 'YYYY-MM'), 'early', (ARRAY['rent', 'energy', 'water', 'health_insurance'])[1 + c.n %% 4],
      20 + (c.n * 7919 + extract(month FROM m.last)::int * 331) %% 1500, 1 + c.n %% 5,
      m.last - 30 - c.n %% 60, false, m.last, m.last + 4, '{}',
      CASE WHEN (c.n + extract(month FROM m.last)::int) %% 25 = 0 THEN '{shut_off_announced}' ELSE '{}' END::text[],
      CASE WHEN c.n %% 3 = 0 THEN m.last + 1 END, md5('d' || c.n %% 40)::uuid, %(id)s, %(id)s, %(id)s, false,
      md5('h' || c.n / 2)::uuid
    FROM generate_series(1, %(contracts)s) AS c (n)
    CROSS JOIN unnest(ARRAY['2026-07-31', '2026-08-31', '2026-09-30', '2026-10-31']::date[]) AS m (last)
    WHERE (c.n + extract(month FROM m.last)::int) %% 2 = 0
"""
BARE = """
    SELECT count(*) FROM (
        SELECT household_id, count(*), sum(amount_euros), max(months), count(DISTINCT creditor_id),
               count(DISTINCT category)
        FROM signals.report WHERE pilot_id = :pilot GROUP BY household_id) AS each
"""


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    found = measure(arguments.reports, arguments.runs)
    if not arguments.json:
        errors.print(found)
    print(json.dumps(found))


def measure(reports: int, runs: int) -> dict[str, Any]:
    """Times in seconds: of the back-test of three months, and of the bare GROUP BY over the same rows."""
    with TemporaryDirectory(prefix="vroegsein-bench-", ignore_cleanup_errors=True) as fresh:
        folder = Path(fresh)
        folder.chmod(0o711)  # as root the database's own user must get through
        with embedded(folder / "postgresql") as server:
            provision(server.address, server.passfiles)
            with psycopg.connect(**server.as_superuser(DATABASE), autocommit=True) as connection:
                make_up(connection, reports)
            sessions = sessions_at(server.address, server.passfiles, LINKING)
            try:
                return _measured(sessions.engine(Login.LINKER), runs)
            finally:
                sessions.close()


def make_up(connection: psycopg.Connection[Any], reports: int) -> None:
    """Put about so many linked reports of one pilot into an empty database."""
    values = {"pilot": PILOT, "id": "00000000-0000-0000-0000-000000000001", "contracts": reports // 2}
    for statement in (*PILOT_ROWS, REPORTS):
        connection.execute(statement.encode(), values)
    connection.execute("ANALYZE signals.report")


def _measured(engine: sa.Engine, runs: int) -> dict[str, Any]:
    old = default_rule_set()
    new = old.model_copy(update={"id": "looser", "window": old.window.model_copy(update={"months": 3})})
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM signals.report")).scalar_one()
        bare = _best(lambda: connection.execute(sa.text(BARE), {"pilot": PILOT}).scalar_one(), runs)
        tried = _best(lambda: backtest(connection, PILOT, old, new, MONTHS), runs)
        connection.rollback()
    times = {"bare_seconds": round(bare, 3), "backtest_seconds": round(tried, 3)}
    return {"reports": count, "months": len(MONTHS), **times, "ratio": round(tried / bare, 2)}


def _best(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
