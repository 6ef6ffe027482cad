"""What a look gives: rows of the functions in schema `gate`, which take all they show from the access event in scope.

Each takes a `Scope`, which only the gate can make. Levels above the purpose's own give empty columns.
"""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.gate import NotInScope, Scope

# One statement: a page of which nothing is left still has a place where it ended.
PAGE = sa.text(
    "SELECT s.*, gate.next_place() AS next_place, gate.unkeyed() AS unkeyed"
    " FROM (SELECT) AS page LEFT JOIN gate.signals() AS s ON true"
)
SIGNAL = sa.text("SELECT * FROM gate.signals()")
REPORTS = sa.text("SELECT * FROM gate.reports()")
UNKEYED = sa.text("SELECT gate.unkeyed()")
DOUBTFUL = sa.text("SELECT gate.signal_is_doubtful()")
DOUBTS = sa.text("SELECT * FROM gate.link_doubts()")
DOUBTS_COUNTED = sa.text("SELECT * FROM gate.link_doubts_counted()")
DOUBT_REPORTS = sa.text("SELECT * FROM gate.link_doubt_reports()")
SIGNAL_CASES = sa.text("SELECT * FROM gate.signal_cases()")
CASES_PAGE = sa.text(
    "SELECT c.*, gate.next_place() AS next_place FROM (SELECT) AS page LEFT JOIN gate.cases() AS c ON true"
)
CASES_ENTRIES = sa.text("SELECT case_id, bodies FROM gate.entries_of_cases()")
CASE_SIGNALS = sa.text("SELECT * FROM gate.case_signals()")
RECORDS_PAGE = 200
RECORDS = sa.text("SELECT * FROM gate.records()")
RECORD_CASES = sa.text("SELECT * FROM gate.record_cases(:cases)")
LOG_HEAD = sa.text("SELECT * FROM gate.log_head()")
LOG_EVENTS = sa.text("SELECT * FROM gate.log_events()")


def worklist_page(scope: Scope) -> tuple[list[dict[str, Any]], list[Any] | None, int | None]:
    """The signals of the page that the access event named, urgent first, then by deadline, then by priority.

    Second comes the place where the page ended, None for the last page. What was withdrawn since the event is missing
    from the page, and ends nothing. Third, how many reports of the pilot wait for the desk to make their match keys,
    None below the level "index".
    """
    rows = [dict(row) for row in scope.connection.execute(PAGE).mappings()]
    ((next_place, unkeyed), *_same) = [(row.pop("next_place"), row.pop("unkeyed")) for row in rows]
    found = [row for row in rows if row["signal_id"] is not None]
    scope.shown += [str(row["signal_id"]) for row in found]
    return found, next_place, unkeyed


def one_signal(scope: Scope) -> sa.RowMapping:
    """The signal that the access event named, as far as the purpose discloses. Raises NotInScope."""
    row = scope.connection.execute(SIGNAL).mappings().one_or_none()
    if row is None:
        raise NotInScope("there is no such signal in this pilot")
    scope.shown.append(str(row["signal_id"]))
    return row


def reports_of_signal(scope: Scope) -> Sequence[sa.RowMapping]:
    """Its household's reports up to and with its month, newest first, each with its sealed details where disclosed."""
    rows = scope.connection.execute(REPORTS).mappings().all()
    scope.shown += [str(row["report_id"]) for row in rows]
    return rows


def signal_is_doubtful(scope: Scope) -> bool | None:
    """Whether a link behind the signal that the event named is doubtful; None where the purpose shows no facts."""
    found: bool | None = scope.connection.execute(DOUBTFUL).scalar_one()
    return found


def cases_of_signals(scope: Scope) -> dict[uuid.UUID, dict[str, Any]]:
    """By signal, the case of its household, where the purpose shows facts and there is one."""
    rows = scope.connection.execute(SIGNAL_CASES).mappings().all()
    scope.shown += sorted({str(row["case_id"]) for row in rows})
    return {row["signal_id"]: dict(row) for row in rows}


def link_doubts(scope: Scope) -> tuple[Sequence[sa.RowMapping], sa.RowMapping | None]:
    """The doubts that the event named, newest month first, and how many there are in all."""
    rows = scope.connection.execute(DOUBTS).mappings().all()
    scope.shown += [str(row["doubt_id"]) for row in rows]
    return rows, scope.connection.execute(DOUBTS_COUNTED).mappings().one_or_none()


def link_doubt(scope: Scope) -> tuple[sa.RowMapping, Sequence[sa.RowMapping]]:
    """The doubt that the event named, and the reports of both its sides. Raises NotInScope."""
    row = scope.connection.execute(DOUBTS).mappings().one_or_none()
    if row is None:
        raise NotInScope("there is no such doubt in this pilot, or it is decided")
    reports = scope.connection.execute(DOUBT_REPORTS).mappings().all()
    scope.shown += [str(row["doubt_id"]), *(str(report["report_id"]) for report in reports)]
    return row, reports


def cases_page(scope: Scope) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """The cases of the page that the event named, what is due first, and the place where the page ended.

    `bodies`: what was written in each, in order.
    """
    rows = [dict(row) for row in scope.connection.execute(CASES_PAGE).mappings()]
    (next_place, *_same) = [row.pop("next_place") for row in rows]
    written = {row.case_id: row.bodies for row in scope.connection.execute(CASES_ENTRIES)}
    found = [{**row, "bodies": written.get(row["case_id"], [])} for row in rows if row["case_id"] is not None]
    scope.shown += [str(row["case_id"]) for row in found]
    return found, next_place


def signals_of_case(scope: Scope) -> Sequence[sa.RowMapping]:
    """The signals of the households in which the case's reports are now, newest first."""
    rows = scope.connection.execute(CASE_SIGNALS).mappings().all()
    scope.shown += [str(row["signal_id"]) for row in rows]
    return rows


def records(scope: Scope) -> tuple[Sequence[sa.RowMapping], Sequence[sa.RowMapping]]:
    """The page of reports that the event named, and the cases that they belong to."""
    reports = scope.connection.execute(RECORDS).mappings().all()
    theirs = sorted({row["case_id"] for row in reports if row["case_id"]})
    scope.shown += [str(row["report_id"]) for row in reports]
    return reports, scope.connection.execute(RECORD_CASES, {"cases": theirs}).mappings().all()


def held_of_resident(scope: Scope) -> dict[str, Any]:
    """All that the event found by match keys: reports, signals, what was said, listings, looks, and the pilot's own.

    Raises NotInScope: the event's seconds were over before the last of it, and an answer without looks would be a lie.
    """
    held: dict[str, Any] = {}
    said = ("consents", "objections", "known_clients", "link_decisions", "cases")
    for what in ("reports", "signals", *said, "pilot", "hand_overs", "looks"):
        rows = scope.connection.execute(sa.text(f"SELECT * FROM gate.resident_{what}()")).mappings()  # noqa: S608 - words of this file only
        held[what] = [dict(row) for row in rows]
    unkeyed = scope.connection.execute(UNKEYED).scalar_one()
    if unkeyed is None or not held["pilot"] or (held["reports"] and not held["looks"]):  # this very look is one of them
        raise NotInScope("the answer took longer than a look may: ask once more")
    for what in ("report", "signal", "consent", "objection"):
        scope.shown += [str(row[f"{what}_id"]) for row in held[f"{what}s"]]
    scope.shown += [str(row["client_id"]) for row in held["known_clients"]]
    scope.shown += [str(row["decision_id"]) for row in held["link_decisions"]]
    scope.shown += [str(row["case_id"]) for row in held["cases"]]
    (pilot,) = held.pop("pilot")
    return {**held, **pilot, "unkeyed": unkeyed}


def log_page(scope: Scope) -> tuple[Sequence[sa.RowMapping], sa.RowMapping | None]:
    """The sealed events of the page that the access event named, in the order of the tree, and the tree's head.

    The head's `holds_this_look`: it holds the event of this look, and so all that was committed before it.
    """
    # The head first: events that are sealed in between lie beyond it, and nothing before it can be missing.
    head = scope.connection.execute(LOG_HEAD).mappings().one_or_none()
    return scope.connection.execute(LOG_EVENTS).mappings().all(), head
