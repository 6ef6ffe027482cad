"""Feedback: once a week the linker writes down what creditors may know of their reports; they fetch it.

What is told of a report is worked out by signals/feedback.py from its case. A report of which nothing is told has no
row, whatever the reason: without a case, without contact, refused by its resident, of a known client. Its creditor
counts the days of those itself.
"""

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from app.completion import lock_pilot
from app.db.sessions import Sessions
from app.intake import as_creditor
from app.notices import put_ready
from signals.cases import ENTRY, Case, Entry, IllegalEntry, case_of
from signals.days import AMSTERDAM
from signals.feedback import Feedback, FeedbackStatus, feedback

_log = logging.getLogger("vroegsein.linker")

PAGE = 1_000
UNTOLD = frozenset({FeedbackStatus.RECEIVED, FeedbackStatus.NOT_REACHED})  # what a creditor counts itself

DUE = """
    SELECT pilot_id, 'feedback' AS id FROM registry.pilot p
    WHERE NOT EXISTS (SELECT FROM intake.feedback_run r WHERE r.pilot_id = p.pilot_id AND r.batch >= :batch)
    ORDER BY pilot_id
"""
LAST_RUN = sa.text("SELECT batch FROM intake.feedback_run WHERE pilot_id = :pilot")
# Cases in which something was written since the last batch: of the others nothing new is to be told.
CHANGED = """
    SELECT DISTINCT case_id FROM signals.case_entry
    WHERE pilot_id = :pilot AND written_at >= :since AND written_at < :until
"""
ENTRIES = sa.text(f"""
    SELECT c.case_id, (c.opened_at AT TIME ZONE 'Europe/Amsterdam')::date AS opened_on, e.number, e.body
    FROM ({CHANGED}) AS changed
    JOIN signals.case_file c ON c.pilot_id = :pilot AND c.case_id = changed.case_id
    JOIN signals.case_entry e ON e.pilot_id = :pilot AND e.case_id = changed.case_id AND e.written_at < :until
    ORDER BY c.case_id, e.number
""")  # noqa: S608 - words of this file only
REPORTS = sa.text(f"""
    SELECT w.case_id, r.report_id, r.creditor_id, r.reference, r.period, r.category, r.received_on, r.person_id,
           told.status, told.since, told.pause_until
    FROM ({CHANGED}) AS changed
    JOIN signals.case_report w ON w.pilot_id = :pilot AND w.case_id = changed.case_id
    JOIN signals.report r ON r.pilot_id = :pilot AND r.report_id = w.report_id AND r.received_on < :batch
    LEFT JOIN LATERAL (
        SELECT f.status, f.since, f.pause_until FROM intake.feedback f
        WHERE f.pilot_id = :pilot AND f.report_id = r.report_id ORDER BY f.batch DESC LIMIT 1
    ) AS told ON true
    ORDER BY w.case_id, r.report_id
""")  # noqa: S608 - words of this file only
TELL = sa.text("""
    INSERT INTO intake.feedback
        (pilot_id, batch, report_id, creditor_id, reference, period, category, status, since, pause_until)
    VALUES (:pilot, :batch, :report_id, :creditor_id, :reference, :period, :category, :status, :since, :pause_until)
""")
RAN = sa.text("""
    INSERT INTO intake.feedback_run VALUES (:pilot, :batch)
    ON CONFLICT (pilot_id) DO UPDATE SET batch = excluded.batch
""")
TOLD = sa.text("""
    SELECT batch, report_id, reference, period, category, status, since, pause_until FROM intake.feedback
    WHERE pilot_id = :pilot AND creditor_id = :creditor
      AND (batch, report_id) > (CAST(:batch AS date), CAST(:report AS uuid))
    ORDER BY batch, report_id LIMIT :page
""")


def tell_creditors(connection: sa.Connection, pilot_id: str, batch: date) -> bool:
    """Write down what there is to tell as of a batch day, in the caller's transaction, under the pilot's lock.

    Only what differs from what was told of a report before gets a row. False when it was done already.
    """
    lock_pilot(connection, pilot_id)
    last = connection.execute(LAST_RUN, {"pilot": pilot_id}).scalar()
    if last is not None and last >= batch:
        return False
    between = {"since": _midnight(last or date(1970, 1, 1)), "until": _midnight(batch)}
    asked = {"pilot": pilot_id, "batch": batch, **between}
    cases = dict(_cases(connection.execute(ENTRIES, asked)))
    rows = [
        row
        for case_id, reports in groupby(connection.execute(REPORTS, asked).mappings(), key=lambda row: row["case_id"])
        if case_id in cases
        for row in _news(cases[case_id], list(reports), batch)
    ]
    if rows:
        connection.execute(TELL, [{"pilot": pilot_id, "batch": batch, **row} for row in rows])
    connection.execute(RAN, {"pilot": pilot_id, "batch": batch})
    put_ready(connection, pilot_id, batch)
    return True


def told_to(
    sessions: Sessions, creditor: str, pilot_id: str, after: tuple[date, uuid.UUID] | None
) -> list[dict[str, Any]]:
    """What was told of a creditor's own reports, in the order of batches; at most PAGE, those behind `after`."""
    batch, report = after or (date(1970, 1, 1), uuid.UUID(int=0))
    values = {"pilot": pilot_id, "creditor": creditor, "batch": batch, "report": report, "page": PAGE}
    with as_creditor(sessions, creditor) as connection:
        return [dict(row) for row in connection.execute(TOLD, values).mappings()]


def _cases(rows: Iterable[Any]) -> Iterator[tuple[uuid.UUID, Case]]:
    for case_id, entries in groupby(rows, key=lambda row: row.case_id):
        found = list(entries)
        try:
            written: list[Entry] = [ENTRY.validate_python(row.body) for row in found]
            yield case_id, case_of(found[0].opened_on, written)
        except (IllegalEntry, ValidationError):  # of a stolen login: it would keep all others from being told, for ever
            _log.error("case %s holds an entry that it can't: nothing is told of its reports", case_id)


def _news(case: Case, reports: list[Any], batch: date) -> Iterator[dict[str, Any]]:
    one_person = len({row["person_id"] for row in reports} - {None}) == 1  # None: it was shut out since
    for row in reports:
        said = feedback(row["received_on"], case, batch, one_person=one_person)
        if said != _told(row) and (said.status not in UNTOLD or row["status"] is not None):
            about = {name: row[name] for name in ("report_id", "creditor_id", "reference", "period", "category")}
            yield {**about, **said.model_dump()}


def _told(row: Mapping[str, Any]) -> Feedback | None:
    if row["status"] is None:
        return None
    return Feedback(status=row["status"], since=row["since"], pause_until=row["pause_until"])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM)
