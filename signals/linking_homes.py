"""Households in SQL: steps 4 and 5 of linking_oracle.py, for the persons that linking.py found and their neighbours."""

from sqlalchemy import Connection, text

from signals.linking_components import label_components
from signals.linking_terms import MOST_PERSONS, ONE_PER_HOME, RELIABILITY

_RELIABILITY = "CASE category " + " ".join(f"WHEN '{of}' THEN {rank}" for of, rank in RELIABILITY.items()) + " END"
_ONE_PER_HOME = ", ".join(f"'{category}'" for category in sorted(ONE_PER_HOME))

_TABLES = {
    "link_home_report": """
        person_id uuid, report_id uuid, old_person uuid, old_household uuid, creditor_id text, category text,
        period text, reported_on date, dwelling uuid, street_dwelling uuid, building uuid, has_addition boolean,
        round integer""",
    "link_home": "person_id uuid, dwelling uuid, street_dwelling uuid, building uuid",
    "link_home_token": "person_id uuid, token uuid, building uuid",
    "link_token": "token uuid, building uuid, round integer",
    "link_reached": "person_id uuid, round integer",
    "link_resident": "no integer, label integer, person_id uuid",
    "link_resident_edge": "a integer, b integer",
}


def place_persons(connection: Connection, pilot: dict[str, str]) -> None:
    """Fill link_placed: person and household of every report of link_report, and of all who share a home with them."""
    for table, columns in _TABLES.items():
        connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        connection.execute(text(f"CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP"))
    connection.execute(
        text("""
            INSERT INTO link_home_report
            SELECT p.person_id, r.report_id, r.old_person, r.old_household, r.creditor_id, r.category, r.period,
                   r.reported_on, r.dwelling, r.street_dwelling, r.building, r.has_addition, 0
            FROM link_report r JOIN link_person p USING (report_id)
        """)
    )
    # A dwelling's key comes with its building's, by which it is looked up; a street dwelling's without.
    # Every address that the neighbourhood's reports name, those shut out too: who lives there may be alone now.
    connection.execute(
        text("""
            INSERT INTO link_token
            SELECT dwelling, building, 0 FROM link_report UNION SELECT street_dwelling, NULL, 0 FROM link_report
        """)
    )
    turn = 0
    _find_homes(connection, turn)
    connection.execute(text("INSERT INTO link_reached SELECT person_id, 0 FROM link_home"))
    while True:
        _find_residents(connection, {**pilot, "turn": turn})
        turn += 1
        _find_homes(connection, turn)
        if not _reach(connection, turn):
            break
    _join_residents(connection)
    _give_households(connection)


def _find_homes(connection: Connection, turn: int) -> None:
    """Add the homes of the persons who came with `turn`, and the keys of these homes."""
    connection.execute(text("ANALYZE link_home_report"))
    connection.execute(
        text(f"""
            INSERT INTO link_home
            SELECT DISTINCT ON (person_id) person_id, dwelling, street_dwelling, building
            FROM (
                SELECT *, {_RELIABILITY} AS reliability,
                       first_value(building) OVER (
                           PARTITION BY person_id ORDER BY period DESC, {_RELIABILITY} DESC, reported_on DESC, report_id
                       ) AS best
                FROM link_home_report WHERE round = :turn
            ) AS r
            WHERE building = best
            ORDER BY person_id, has_addition DESC, period DESC, reliability DESC, reported_on DESC, report_id
        """),  # noqa: S608 - the categories are ours
        {"turn": turn},
    )
    connection.execute(text("ANALYZE link_home"))
    connection.execute(
        text("""
            INSERT INTO link_home_token
            SELECT DISTINCT r.person_id, t.token, t.building
            FROM link_home_report r JOIN link_home h USING (person_id)
            CROSS JOIN LATERAL (VALUES (r.dwelling, r.building), (r.street_dwelling, NULL)) AS t (token, building)
            WHERE r.round = :turn AND (r.dwelling = h.dwelling OR r.street_dwelling = h.street_dwelling)
        """),
        {"turn": turn},
    )


def _find_residents(connection: Connection, pilot_and_turn: dict[str, object]) -> None:
    """Add all reports of other persons who have, or had, an address of this turn; they come with the next turn."""
    connection.execute(text("ANALYZE link_token"))
    connection.execute(
        text("""
            WITH there AS MATERIALIZED (
                SELECT token, building FROM link_token WHERE round = :turn ORDER BY building, token
            ), known AS MATERIALIZED (
                SELECT report_id FROM link_home_report
            ), met AS MATERIALIZED (
                SELECT r.report_id, r.person_id FROM there CROSS JOIN LATERAL (
                    SELECT report_id, person_id FROM signals.report
                    WHERE pilot_id = :pilot AND building = there.building AND dwelling = there.token
                      AND state = 'live' OFFSET 0
                ) AS r WHERE there.building IS NOT NULL
                UNION ALL
                SELECT r.report_id, r.person_id FROM there CROSS JOIN LATERAL (
                    SELECT report_id, person_id FROM signals.report
                    WHERE pilot_id = :pilot AND street_dwelling = there.token AND state = 'live' OFFSET 0
                ) AS r WHERE there.building IS NULL
            ), others AS MATERIALIZED (
                SELECT DISTINCT person_id FROM met
                WHERE person_id IS NOT NULL
                  AND NOT EXISTS (SELECT FROM known WHERE known.report_id = met.report_id) ORDER BY person_id
            )
            INSERT INTO link_home_report
            SELECT r.person_id, r.report_id, r.person_id, r.household_id, r.creditor_id, r.category, r.period,
                   r.reported_on, r.dwelling, r.street_dwelling, r.building, r.has_addition, :turn + 1
            FROM others CROSS JOIN LATERAL (
                SELECT * FROM signals.report
                WHERE pilot_id = :pilot AND person_id = others.person_id AND state = 'live' OFFSET 0
            ) AS r
        """),
        pilot_and_turn,
    )


def _reach(connection: Connection, turn: int) -> bool:
    """Take in whose home has a key that was reached; True if that reached further keys, whose residents are to come."""
    connection.execute(text("ANALYZE link_home_token, link_reached, link_token"))
    further = False
    while connection.execute(
        text("""
            INSERT INTO link_reached
            SELECT DISTINCT h.person_id, :turn FROM link_home_token h JOIN link_token USING (token)
            WHERE NOT EXISTS (SELECT FROM link_reached r WHERE r.person_id = h.person_id)
        """),
        {"turn": turn},
    ).rowcount:
        connection.execute(text("ANALYZE link_reached"))
        added = connection.execute(
            text("""
                INSERT INTO link_token
                SELECT DISTINCT h.token, h.building, :turn FROM link_home_token h JOIN link_reached r USING (person_id)
                WHERE r.round = :turn AND NOT EXISTS (SELECT FROM link_token t WHERE t.token = h.token)
            """),
            {"turn": turn},
        ).rowcount
        further = further or added > 0
    return further


def _join_residents(connection: Connection) -> None:
    """Label the persons who share a home's key, postcode's or street's."""
    connection.execute(
        text("""
            INSERT INTO link_resident
            SELECT row_number() OVER by_id, row_number() OVER by_id, person_id
            FROM link_reached WINDOW by_id AS (ORDER BY person_id)
        """)
    )
    connection.execute(text("ANALYZE link_resident"))
    connection.execute(
        text("""
            INSERT INTO link_resident_edge
            SELECT DISTINCT first, no FROM (
                SELECT no, min(no) OVER (PARTITION BY token) AS first
                FROM link_home_token JOIN link_resident USING (person_id)
            ) AS t
            WHERE no <> first
        """)
    )
    connection.execute(text("ANALYZE link_resident_edge"))
    label_components(connection, "link_resident", "link_resident_edge")


def _give_households(connection: Connection) -> None:
    """Fill link_placed, with each person on its own where an address holds several households."""
    connection.execute(text("DROP TABLE IF EXISTS link_placed"))
    connection.execute(
        text(f"""
            CREATE TEMPORARY TABLE link_placed ON COMMIT DROP AS
            WITH shared AS MATERIALIZED (
                SELECT label, count(*) AS persons FROM link_resident GROUP BY label HAVING count(*) > 1
            ), several AS MATERIALIZED (
                SELECT label FROM shared WHERE persons > {MOST_PERSONS}
                UNION
                SELECT label FROM shared JOIN link_resident USING (label) JOIN link_home h USING (person_id)
                JOIN link_home_report r USING (person_id)
                WHERE r.category IN ({_ONE_PER_HOME})
                  AND (r.building = h.building OR r.street_dwelling = h.street_dwelling)
                GROUP BY label, r.creditor_id, r.category, r.period HAVING count(DISTINCT person_id) > 1
            )
            SELECT r.report_id, r.old_person, r.old_household, r.person_id,
                   CASE WHEN several.label IS NULL THEN first.person_id ELSE r.person_id END AS household_id,
                   p.evidence,
                   CASE WHEN several.label IS NOT NULL THEN 'address of several households'
                        WHEN shared.label IS NOT NULL THEN 'shared home' ELSE 'home of its own' END AS home
            FROM link_home_report r JOIN link_resident n USING (person_id)
            JOIN link_resident first ON first.no = n.label
            LEFT JOIN shared ON shared.label = n.label LEFT JOIN several ON several.label = n.label
            LEFT JOIN link_person p ON p.report_id = r.report_id
            UNION ALL
            SELECT report_id, old_person, old_household, NULL, NULL, NULL, NULL FROM link_report WHERE NOT live
        """)  # noqa: S608 - the categories are ours
    )
    connection.execute(text("ANALYZE link_placed"))
