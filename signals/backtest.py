"""Back-tests: what another rule set would have made of months that are over, beside what the running one makes of them.

Each month is judged as it came in. Nothing of it is settled yet, or every month of last year would look paid; which
earlier arrears were settled is known, as it was then. All else is as it stands today: corrections, endings of the kind
"withdrawn", objections, who is on the knock-out list, and which households there are. So a back-test shows what the
rules make of today's reports, not what the worklist said on that day, and the old rule set is judged anew too.

It writes temporary tables alone, and gives counts alone: no household is named in a `Backtest`. Its counts are exact
and stay at the desk; what is handed on leaves small numbers out, as a monthly table does.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from signals.backtest_counts import (
    MOST_MONTHS,
    Backtest,
    Both,
    BothOfCategory,
    BothOfTray,
    BothOfWeek,
    FalseAlarms,
    LeadTime,
    Median,
    MonthCompared,
    Move,
    NamedRuleSet,
)
from signals.compiling import compile_replay
from signals.days import months_before
from signals.judging import JOINS
from signals.judging_sql import COLUMNS
from signals.monthly_table import trays
from signals.report import Category
from signals.rulesets import RuleSet

# One moment for both rule sets: a delivery that is completed in between is in neither. The month after the last one
# tells what came of it.
REPLAYED = f"""
    CREATE TEMPORARY TABLE replayed_report ON COMMIT DROP AS
    SELECT {COLUMNS} FROM signals.report r
    WHERE r.pilot_id = :pilot AND r.household_id IS NOT NULL AND r.state = 'live' AND r.period BETWEEN :from AND :until
"""  # noqa: S608 - words of this file and of judging_sql.py only
JUDGED = """
    CREATE TEMPORARY TABLE replayed_{which} ON COMMIT DROP AS
    SELECT pilot_id, household_id, period, tray, tray = ANY (:aside) AS aside, received_on, deadline, categories
    FROM ({judged}) AS judged WHERE period = ANY (:periods)
"""
COMPARED = """
    CREATE TEMPORARY TABLE replayed_both ON COMMIT DROP AS
    SELECT household_id, period,
           CAST(substr(period, 1, 4) AS integer) * 12 + CAST(substr(period, 6, 2) AS integer) AS month,
           o.tray AS old_tray, o.aside AS old_aside, o.received_on AS old_day, o.deadline AS old_deadline,
           o.categories AS old_categories,
           n.tray AS new_tray, n.aside AS new_aside, n.received_on AS new_day, n.deadline AS new_deadline,
           n.categories AS new_categories
    FROM replayed_old o JOIN replayed_new n USING (pilot_id, household_id, period)
"""
TABLES = "replayed_report, replayed_old, replayed_new, replayed_both"
CROSSED = """
    SELECT period, old_tray, new_tray, old_aside, new_aside, count(*) AS n FROM replayed_both GROUP BY 1, 2, 3, 4, 5
"""
CATEGORIES = """
    SELECT period, category, sum(old) AS old, sum(new) AS new FROM (
        SELECT period, unnest(old_categories) AS category, 1 AS old, 0 AS new FROM replayed_both WHERE NOT old_aside
        UNION ALL
        SELECT period, unnest(new_categories), 0, 1 FROM replayed_both WHERE NOT new_aside) AS each
    GROUP BY period, category
"""
WEEKS = """
    SELECT CAST(date_trunc('week', due) AS date) AS week, sum(old) AS old, sum(new) AS new FROM (
        SELECT old_deadline AS due, 1 AS old, 0 AS new FROM replayed_both WHERE NOT old_aside
        UNION ALL
        SELECT new_deadline, 0, 1 FROM replayed_both WHERE NOT new_aside) AS each
    GROUP BY 1 ORDER BY 1
"""
# `greatest` leaves nulls out: who is never in the worklist, or not before the flag, has no day of lead.
LEAD = """
    WITH flagged AS (
        SELECT household_id, min(received_on) AS flagged_on FROM replayed_report
        WHERE urgent <> '{}' AND period = ANY (:periods) GROUP BY household_id
    ), shown AS (
        SELECT household_id, min(old_day) FILTER (WHERE NOT old_aside) AS old_day,
               min(new_day) FILTER (WHERE NOT new_aside) AS new_day
        FROM replayed_both GROUP BY household_id
    ), lead AS (
        SELECT greatest(flagged_on - old_day, 0) AS old, greatest(flagged_on - new_day, 0) AS new
        FROM flagged JOIN shown USING (household_id)
    )
    SELECT count(*) AS flagged,
           count(*) FILTER (WHERE old > 0) AS old_before, count(*) FILTER (WHERE new > 0) AS new_before,
           count(*) FILTER (WHERE new > old) AS earlier, count(*) FILTER (WHERE new < old) AS later,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY old) FILTER (WHERE old > 0) AS old_median,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY new) FILTER (WHERE new > 0) AS new_median
    FROM lead
"""
ALARMS = """
    WITH of_month AS (
        SELECT household_id, month, bool_or(urgent <> '{}') AS flagged,
               bool_and(coalesce(settled_since < make_date((month + 1) / 12, (month + 1) % 12 + 1, 1), false)) AS paid
        FROM replayed_report GROUP BY household_id, month
    ), followed AS (
        SELECT b.old_aside, b.new_aside,
               NOT m.flagged AND n.flagged IS NOT TRUE AND (n.household_id IS NULL OR m.paid) AS quiet
        FROM replayed_both b JOIN of_month m ON m.household_id = b.household_id AND m.month = b.month
        LEFT JOIN of_month n ON n.household_id = b.household_id AND n.month = b.month + 1
        WHERE b.month IN (SELECT month - 1 FROM replayed_report)
    )
    SELECT count(*) FILTER (WHERE NOT old_aside) AS old_told, count(*) FILTER (WHERE NOT new_aside) AS new_told,
           count(*) FILTER (WHERE quiet AND NOT old_aside) AS old,
           count(*) FILTER (WHERE quiet AND NOT new_aside) AS new
    FROM followed
"""


def backtest(connection: sa.Connection, pilot_id: str, old: RuleSet, new: RuleSet, periods: Iterable[str]) -> Backtest:
    """Judge these months of a pilot (YYYY-MM, at most 24) by both rule sets and compare.

    Reads `signals.report` once and writes temporary tables, which are gone when it returns; takes no lock.

    Raises:
        ValueError: no month, or more than 24.
    """
    asked = sorted(set(periods))
    if not 1 <= len(asked) <= MOST_MONTHS:
        raise ValueError(f"give one month at least and {MOST_MONTHS} at most")
    values = {"pilot": pilot_id, "periods": asked}
    back = max(part for rules in (old, new) for part in (rules.window.months, rules.repeats.months_back))
    reach = {"from": months_before(asked[0], back), "until": months_before(asked[-1], -1)}
    _run(connection, f"DROP TABLE IF EXISTS {TABLES}", {})
    _run(connection, REPLAYED, values | reach)
    _run(connection, "ALTER TABLE replayed_report RENAME settled_on TO settled_since", {})
    _run(connection, "ANALYZE replayed_report", {})
    _run(connection, JOINS, {"state": "off"})
    for which, rules in (("old", old), ("new", new)):
        judged, terms = compile_replay(rules)
        aside = {"aside": list(rules.set_aside.trays)}
        _run(connection, JUDGED.format(which=which, judged=judged), {**terms, **values, **aside})
    _run(connection, JOINS, {"state": "on"})
    _run(connection, COMPARED, {})
    _run(connection, "ANALYZE replayed_both", {})
    found = _counted(connection, old, new, asked)
    _run(connection, f"DROP TABLE {TABLES}", {})
    return found


def _counted(connection: sa.Connection, old: RuleSet, new: RuleSet, periods: Sequence[str]) -> Backtest:
    crossed = _run(connection, CROSSED, {}).all()
    categories = _run(connection, CATEGORIES, {}).all()
    weeks = _run(connection, WEEKS, {}).all()
    lead = _run(connection, LEAD, {"periods": list(periods)}).one()
    alarms = _run(connection, ALARMS, {}).one()
    settled = {rules.set_aside.settled.tray for rules in (old, new)} - {rules.set_aside.tray for rules in (old, new)}
    of_rules = {rule.tray for rules in (old, new) for rule in rules.rules}
    # As months came in nothing is settled, so its tray holds nothing.
    order = tuple(tray for tray in dict.fromkeys([*trays(old), *trays(new)]) if tray not in settled - of_rules)
    return Backtest(
        old=NamedRuleSet(name=old.name, hash=old.hash().hex()),
        new=NamedRuleSet(name=new.name, hash=new.hash().hex()),
        periods=tuple(periods),
        set_aside=tuple(dict.fromkeys([*old.set_aside.trays, *new.set_aside.trays])),
        months=tuple(
            _month(
                period,
                order,
                [row for row in crossed if row.period == period],
                {row.category: (row.old, row.new) for row in categories if row.period == period},
            )
            for period in periods
        ),
        weeks=tuple(BothOfWeek(week=row.week, old=row.old, new=row.new) for row in weeks),
        lead_time=LeadTime(
            flagged=lead.flagged,
            before=Both(old=lead.old_before, new=lead.new_before),
            missed=Both(old=lead.flagged - lead.old_before, new=lead.flagged - lead.new_before),
            median_days=Median(old=lead.old_median, new=lead.new_median),
            earlier=lead.earlier,
            later=lead.later,
        ),
        false_alarms=FalseAlarms(
            told=Both(old=alarms.old_told, new=alarms.new_told), count=Both(old=alarms.old, new=alarms.new)
        ),
    )


def _month(
    period: str, order: Sequence[str], crossed: Sequence[Any], categories: Mapping[str, tuple[int, int]]
) -> MonthCompared:
    by_old, by_new, moved = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for row in crossed:
        by_old[row.old_tray] += row.n
        by_new[row.new_tray] += row.n
        if row.old_tray != row.new_tray:
            moved[row.old_tray, row.new_tray] += row.n
    in_old = sum(row.n for row in crossed if not row.old_aside)
    in_new = sum(row.n for row in crossed if not row.new_aside)
    return MonthCompared(
        period=period,
        worklist=Both(old=in_old, new=in_new),
        came_in=sum(row.n for row in crossed if row.old_aside and not row.new_aside),
        went_out=sum(row.n for row in crossed if row.new_aside and not row.old_aside),
        trays=tuple(BothOfTray(tray=tray, old=by_old[tray], new=by_new[tray]) for tray in order),
        moved=tuple(Move(old=old, new=new, count=moved[old, new]) for old in order for new in order if moved[old, new]),
        categories=tuple(
            BothOfCategory(category=category, old=categories[category][0], new=categories[category][1])
            for category in Category
            if category in categories
        ),
    )


def _run(connection: sa.Connection, statement: str, values: Mapping[str, Any]) -> sa.CursorResult[Any]:
    return connection.execute(sa.text(statement), values)
