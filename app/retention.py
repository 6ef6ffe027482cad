"""Retention: what is past its term goes, day by day, by set, under the pilot's lock, in steps of bounded size.

A step may be repeated, and two linkers may take steps side by side: each finds what is still there. What is left is as
if the reports that went had never been delivered.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from app.case_reports import forget_cases
from app.completion import WRITE_EVENT, RuleSets, begin_touched, lock_pilot, relink
from app.db.sessions import Login, Sessions
from app.kept import KEPT, KNOWN_CLIENTS, LINK_DECISIONS, REPORTS, Forecast, Kept, forecast
from app.known_clients import judge_by_list
from app.link_deciding import forget_decisions
from signals.pilot import Pilot

BATCH = 2_000  # things that one step takes away: the pilot is locked for seconds, and deliveries come in between

DUE = """
    SELECT pilot_id, 'retention' AS id FROM registry.pilot p
    WHERE NOT EXISTS (SELECT FROM privacy.retention_run r WHERE r.pilot_id = p.pilot_id AND r.done_on >= :today)
    ORDER BY pilot_id
"""
PAST = "SELECT id FROM ({held}) AS held WHERE since < :before ORDER BY since, id LIMIT :left"
NO_LONGER_LIVE = (
    """
    WITH gone AS (
        UPDATE signals.report SET state = 'shut_out' WHERE pilot_id = :pilot AND report_id = ANY (:ids)
        RETURNING report_id
    )
    INSERT INTO touched_report SELECT report_id FROM gone
    """,
    "ANALYZE touched_report",
)
DONE = """
    INSERT INTO privacy.retention_run VALUES (:pilot, :today)
    ON CONFLICT (pilot_id) DO UPDATE SET done_on = greatest(retention_run.done_on, excluded.done_on)
"""

# The planner keeps samples of what stood in a table, keys and ids among them, until it looks again; of a table that
# became empty it keeps them for ever.
SAMPLED = (
    "signals.report, signals.report_key, signals.sealed_report, signals.link_change, signals.shut_out, signals.signal, "
    "signals.signal_categories, signals.signal_facts, intake.staged_report, intake.ending, intake.warned_row, "
    "privacy.consent, privacy.consent_key, privacy.objection, privacy.objection_key, privacy.known_client, "
    "privacy.known_client_key, privacy.link_decision, privacy.link_decision_contract, "
    "signals.case_file, signals.case_entry, signals.case_report, "
    "privacy.basis_change, privacy.access_scope, privacy.break_glass, privacy.event"
)
FORGET_SAMPLES = """
    SELECT pg_clear_attribute_stats(c.relnamespace::regnamespace::text, c.relname::text, a.attname::text, false)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    WHERE c.oid = ANY (CAST(string_to_array(:tables, ', ') AS regclass[])) AND a.attnum > 0 AND NOT a.attisdropped
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step took away, by kind of data, and whether more is past its term."""

    pilot: str
    removed: dict[str, int]
    more: bool


def take_step(connection: sa.Connection, pilot_id: str, today: date, rule_sets: RuleSets) -> Step:
    """Remove what is past its term on `today` (Europe/Amsterdam), in the caller's transaction, up to BATCH things.

    Each step that removes something is an event of the pilot's log, and so is a day's last one if it removes nothing.
    """
    pilot = lock_pilot(connection, pilot_id)
    done_today = connection.execute(
        sa.text("SELECT done_on >= :today FROM privacy.retention_run WHERE pilot_id = :pilot"),
        {"pilot": pilot_id, "today": today},
    ).scalar()
    left, removed = BATCH, dict[str, int]()
    for kept in KEPT:
        ids = _past(connection, kept, pilot, today, left)
        if ids and kept is REPORTS:
            removed["signals"] = _without(connection, pilot, ids, rule_sets)
        if ids and kept is LINK_DECISIONS:
            removed[kept.name] = forget_decisions(connection, pilot, rule_sets, ids)
        elif ids:
            removed[kept.name] = _remove(connection, kept, pilot, ids)
        if ids and kept is REPORTS:
            removed["cases"] = forget_cases(connection, pilot_id)
        left -= removed.get(kept.name, 0)
        if ids and kept is KNOWN_CLIENTS:
            judge_by_list(connection, pilot, rule_sets)
        if left <= 0:
            break
    if left > 0:
        connection.execute(sa.text(DONE), {"pilot": pilot_id, "today": today})
    if any(removed.values()) or (left > 0 and not done_today):
        body = {"day": today.isoformat(), "removed": removed, "more": left <= 0}
        connection.execute(WRITE_EVENT, {"pilot": pilot_id, "event": uuid.uuid4(), "kind": "retention", "body": body})
    return Step(pilot_id, removed, left <= 0)


def carry_out(sessions: Sessions, today: date, rule_sets: RuleSets) -> Iterator[Step]:
    """Take steps in every pilot until nothing is past its term, whether or not today's run was done."""
    for pilot in _pilots(sessions):
        more = True
        while more:
            with sessions.begin(Login.LINKER) as connection:
                step = take_step(connection, pilot.id, today, rule_sets)
            more = step.more
            yield step
    refresh_statistics(sessions)


def refresh_statistics(sessions: Sessions) -> None:
    """Have the planner look afresh at all that the run takes from. Holds no pilot's lock: it may wait for another."""
    with sessions.begin(Login.LINKER) as connection:
        connection.execute(sa.text(FORGET_SAMPLES), {"tables": SAMPLED})
        connection.execute(sa.text(f"ANALYZE {SAMPLED}"))


def look_ahead(sessions: Sessions, today: date) -> Iterator[tuple[str, list[Forecast]]]:
    """What `carry_out` would remove today in each pilot, and when what is left goes."""
    for pilot in _pilots(sessions):
        with sessions.begin(Login.LINKER) as connection:
            yield pilot.id, forecast(connection, pilot, today)


def _pilots(sessions: Sessions) -> list[Pilot]:
    with sessions.begin(Login.LINKER) as connection:
        documents = connection.execute(sa.text("SELECT document FROM registry.pilot ORDER BY pilot_id")).scalars()
        return [Pilot.model_validate(document) for document in documents]


def _past(connection: sa.Connection, kept: Kept, pilot: Pilot, today: date, left: int) -> list[uuid.UUID]:
    values = {"pilot": pilot.id, "before": kept.before(pilot, today), "left": left}
    return list(connection.execute(sa.text(PAST.format(held=kept.held) + kept.lock), values).scalars())


def _without(connection: sa.Connection, pilot: Pilot, ids: list[uuid.UUID], rule_sets: RuleSets) -> int:
    """Link and judge without these reports; returns by how many the pilot's signals became fewer."""
    count = sa.text("SELECT count(*) FROM signals.signal WHERE pilot_id = :pilot")
    values = {"pilot": pilot.id, "ids": ids}
    before: int = connection.execute(count, values).scalar_one()
    begin_touched(connection)
    for statement in NO_LONGER_LIVE:
        connection.execute(sa.text(statement), values)
    relink(connection, pilot, rule_sets)
    after: int = connection.execute(count, values).scalar_one()
    return max(before - after, 0)  # a household that came apart may have more of them


def _remove(connection: sa.Connection, kept: Kept, pilot: Pilot, ids: list[uuid.UUID]) -> int:
    """Take these away; returns how many went, which row-level security may keep below the number of ids."""
    count = 0
    for statement in kept.removal:
        count = connection.execute(sa.text(statement), {"pilot": pilot.id, "ids": ids, "reports": ids}).rowcount
    return count
