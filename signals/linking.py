"""Linking in SQL: reports become persons and households, for a delivery's whole neighbourhood and nothing else.

`linking_oracle.py` says what comes out; these modules say it by set, in the order in which `link` calls them. Every
look-up names the pilot and comes sorted by key; where labels travel, numbers stand for ids, in the ids' order.
"""

import uuid

from sqlalchemy import Connection, text

from signals.linking_decided import load_decisions
from signals.linking_homes import place_persons
from signals.linking_persons import find_persons
from signals.linking_reach import add_quiet, gather, set_quiet_aside, touch_neighbours

__all__ = ["link", "touch_neighbours"]

_TABLES = {
    "link_report": """
        report_id uuid, live boolean, old_person uuid, old_household uuid, creditor_id text, reference uuid,
        category text, period text, reported_on date, dwelling uuid, street_dwelling uuid, building uuid,
        has_addition boolean, round integer""",
    "link_key": "key uuid, report_id uuid, strong boolean, birth uuid, round integer",
    "link_said": "creditor_id text, reference uuid, number integer",
    "link_quiet": "report_id uuid, person_id uuid",
    "link_asked": "key uuid",
    "link_node": "no integer, label integer, part integer, dated boolean, report_id uuid, said integer",
    "link_edge": "a integer, b integer",
    "link_undated": "no integer, label integer",
    "link_undated_edge": "a integer, b integer",
    "link_meets": "part integer, dated integer",
    "link_person": "report_id uuid, person_id uuid, evidence text",
}


def link(connection: Connection, pilot_id: str, run_id: uuid.UUID) -> None:
    """Bring person_id and household_id of all reports up to date after `touched_report` changed.

    The caller has locked the pilot's row and, in this same transaction, filled the temporary table
    `touched_report (report_id uuid PRIMARY KEY)`: reports just added, and reports just shut out. The latter's rows must
    still be there (state other than 'live'), and their keys too: who could join neither of two persons before may now
    join one. Delete keys and rows after this. A correction that replaces a report's keys or address: put the report in
    `touched_report`, call `touch_neighbours`, replace it, and then call this. Where decisions on links come or go, call
    `touch_decided` (linking_decided.py) first.

    Leaves the temporary table `touched_household (household_id uuid PRIMARY KEY)` with every household, old and new,
    that a changed report is or was in; it, like the others, is dropped at the end of the transaction or by the next
    call. What changed is in signals.link_change under `run_id`, each report once, with the reason in words.
    """
    pilot = {"pilot": pilot_id}
    # Temporary tables live for milliseconds: rough statistics will do. Without room to hash, sorting takes over.
    connection.execute(text("SET LOCAL default_statistics_target = 5"))
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    for table, columns in _TABLES.items():
        connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        connection.execute(text(f"CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP"))
    holding = load_decisions(connection, pilot_id)
    set_quiet_aside(connection, pilot, decided=holding is not None)
    gather(connection, pilot, decided=holding is not None)
    find_persons(connection, holding)
    add_quiet(connection, pilot)
    place_persons(connection, pilot)
    _record(connection, {**pilot, "run": run_id})


def _record(connection: Connection, pilot_and_run: dict[str, object]) -> None:
    """Write what differs to signals.report and signals.link_change, and leave touched_household."""
    connection.execute(text("DROP TABLE IF EXISTS link_change, touched_household"))
    connection.execute(
        text("""
            CREATE TEMPORARY TABLE link_change ON COMMIT DROP AS
            WITH parted AS (
                SELECT old_person FROM link_placed WHERE old_person IS NOT NULL AND person_id IS NOT NULL
                GROUP BY old_person HAVING count(DISTINCT person_id) > 1
            ), joined AS (
                SELECT person_id FROM link_placed WHERE person_id IS NOT NULL
                GROUP BY person_id HAVING count(DISTINCT coalesce(old_person, report_id)) > 1
            )
            SELECT c.*,
                   CASE WHEN c.person_id IS NULL THEN 'shut out'
                        WHEN c.old_person IS NULL THEN 'added' || coalesce(': ' || c.evidence, '')
                        WHEN c.old_person = c.person_id THEN 'person as before'
                        ELSE concat_ws(' and ',
                            CASE WHEN p.old_person IS NOT NULL THEN 'parted' END,
                            CASE WHEN j.person_id IS NOT NULL THEN 'joined' || coalesce(': ' || c.evidence, '') END,
                            CASE WHEN p.old_person IS NULL AND j.person_id IS NULL THEN 'first report left' END)
                   END || CASE WHEN c.household_id IS DISTINCT FROM c.old_household AND c.person_id IS NOT NULL
                               THEN '; ' || c.home ELSE '' END AS reason
            FROM link_placed c
            LEFT JOIN parted p ON p.old_person = c.old_person LEFT JOIN joined j ON j.person_id = c.person_id
            WHERE (c.person_id, c.household_id) IS DISTINCT FROM (c.old_person, c.old_household)
        """)
    )
    connection.execute(text("ANALYZE link_change"))
    connection.execute(
        text("""
            UPDATE signals.report r SET person_id = c.person_id, household_id = c.household_id
            FROM link_change c WHERE r.pilot_id = :pilot AND r.report_id = c.report_id
        """),
        pilot_and_run,
    )
    connection.execute(
        text("""
            INSERT INTO signals.link_change
                (pilot_id, run_id, report_id, old_person, new_person, old_household, new_household, reason)
            SELECT :pilot, :run, report_id, old_person, person_id, old_household, household_id, reason FROM link_change
        """),
        pilot_and_run,
    )
    connection.execute(text("CREATE TEMPORARY TABLE touched_household (household_id uuid PRIMARY KEY) ON COMMIT DROP"))
    connection.execute(
        text("""
            INSERT INTO touched_household
            SELECT household_id FROM (
                SELECT old_household AS household_id FROM link_change UNION SELECT household_id FROM link_change
                UNION SELECT p.household_id FROM link_placed p JOIN touched_report t USING (report_id)
            ) AS h WHERE household_id IS NOT NULL
        """)
    )
    connection.execute(text("ANALYZE touched_household"))
