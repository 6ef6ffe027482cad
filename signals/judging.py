"""Judging: a rule set applied to the households that a delivery touched, or to all of a pilot.

The compiled statement makes one row for each month in which a household has live reports; what stands is then compared
with it, and only what differs is written. Nothing here reads the clock, so the same reports give the same signals in
whatever order and number of parts they came (promise 7). `signals/oracle.py` says the same in plain Python, and the
tests compare the two.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from signals.compiling import compile_rule_set
from signals.rulesets import RuleSet


@dataclass(frozen=True, slots=True)
class _Target:
    """One of the signal's tables: what belongs to one level of disclosure."""

    name: str
    columns: tuple[str, ...]


_TARGETS = (
    _Target("signal", ("period", "tray", "rules", "urgent", "priority", "received_on", "deadline")),
    _Target("signal_categories", ("categories", "creditors")),
    _Target("signal_facts", ("rule_set", "amount_euros", "months", "district", "reports", "digest", "explanation")),
)


def judge(connection: sa.Connection, pilot_id: str, rule_set: RuleSet) -> None:
    """Make the signals of the touched households true: one per household and month with live reports.

    Reads the temporary table `touched_household (household_id uuid PRIMARY KEY)`: every household that reports came to
    or went from, those without live reports included (their signals go). The caller holds the pilot's row lock and the
    transaction.
    """
    _apply(connection, pilot_id, rule_set, everything=False)


def judge_all(connection: sa.Connection, pilot_id: str, rule_set: RuleSet) -> None:
    """Make all signals of a pilot true, as after a change of the rule set. Gives what `judge` gives for each part."""
    _apply(connection, pilot_id, rule_set, everything=True)


def _apply(connection: sa.Connection, pilot_id: str, rule_set: RuleSet, *, everything: bool) -> None:
    compiled = compile_rule_set(rule_set, everything=everything)
    pilot = {"pilot": pilot_id}
    connection.execute(sa.text("DROP TABLE IF EXISTS pg_temp.judged_month"))
    connection.execute(sa.text(JOINS), {"state": "off"})
    connection.execute(compiled.statement, {**compiled.values, **pilot})
    if not everything:
        connection.execute(sa.text(JOINS), {"state": "on"})
    for target in _TARGETS:
        connection.execute(sa.text((_DELETE_ALL if everything else _DELETE).format(table=target.name)), pilot)
        connection.execute(_upsert(target, everything=everything), pilot if everything else {})
    if everything:
        connection.execute(sa.text(JOINS), {"state": "on"})


# Ways to join that are off for the statement: the planner, which knows nothing of a CTE's columns, else sorts all
# months to join them to the few verdicts, or goes through the verdicts for each month. Look-ups by LATERAL stay.
JOINS = "SELECT set_config('enable_mergejoin', :state, true), set_config('enable_nestloop', :state, true)"
_DELETE = """
    DELETE FROM signals.{table} s USING judged_month j
    WHERE s.pilot_id = :pilot AND j.pilot_id = s.pilot_id AND j.signal_id = s.signal_id AND j.tray IS NULL"""
_DELETE_ALL = """
    WITH gone AS MATERIALIZED (
      SELECT signal_id FROM signals.{table} WHERE pilot_id = :pilot EXCEPT SELECT signal_id FROM judged_month)
    DELETE FROM signals.{table} s USING gone WHERE s.pilot_id = :pilot AND s.signal_id = gone.signal_id"""


def _upsert(target: _Target, *, everything: bool) -> sa.TextClause:
    columns = ", ".join(target.columns)
    new = ", ".join(f"excluded.{column}" for column in target.columns)
    old = ", ".join(f"s.{column}" for column in target.columns)
    standing = ", ".join(f"t.{column}" for column in target.columns)
    # ON CONFLICT locks, and so writes, each row that it meets. Where that is all of them, what is the same stays out.
    judged = ", ".join(f"j.{column}" for column in target.columns)
    differing = f"""AND NOT EXISTS (
          SELECT FROM signals.{target.name} t
          WHERE t.pilot_id = :pilot AND t.pilot_id = j.pilot_id AND t.signal_id = j.signal_id
            AND ({standing}) IS NOT DISTINCT FROM ({judged}))"""  # noqa: S608 - names from this file only
    return sa.text(f"""
        INSERT INTO signals.{target.name} AS s (pilot_id, signal_id, household_id, {columns})
        SELECT pilot_id, signal_id, household_id, {columns} FROM judged_month j
        WHERE tray IS NOT NULL {differing if everything else ""}
        ON CONFLICT (pilot_id, signal_id) DO UPDATE SET ({columns}) = ROW ({new})
        WHERE ({old}) IS DISTINCT FROM ({new})
    """)  # noqa: S608 - names from this file only
