"""The knock-out list in linking: which live reports are about somebody who is in debt help already.

An entry is a node of strong keys. It joins persons and never makes one: a report is marked when any report of its
person shares a strong key with an entry, or a weak one with the same birth date, as in step 1 of linking.
"""

from sqlalchemy import Connection, text

_ASKED = text("""
    SELECT EXISTS (SELECT FROM privacy.known_client WHERE pilot_id = :pilot)
        OR EXISTS (SELECT FROM signals.report WHERE pilot_id = :pilot AND known_client)
""")
# Looked up key by key from the list, which is short: so it costs the same whatever a delivery brings.
_PERSONS = text("""
    CREATE TEMPORARY TABLE known_person ON COMMIT DROP AS
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT key, strong, birth FROM privacy.known_client_key
        WHERE pilot_id = :pilot AND (strong OR birth IS NOT NULL) ORDER BY key
    ), met AS MATERIALIZED (
        SELECT DISTINCT k.report_id FROM asked CROSS JOIN LATERAL (
            SELECT report_id FROM signals.report_key
            WHERE pilot_id = :pilot AND key = asked.key AND strong = asked.strong AND (strong OR birth = asked.birth)
            OFFSET 0
        ) AS k
    )
    SELECT DISTINCT r.person_id FROM met CROSS JOIN LATERAL (
        SELECT person_id FROM signals.report
        WHERE pilot_id = :pilot AND report_id = met.report_id AND state = 'live' AND person_id IS NOT NULL OFFSET 0
    ) AS r
""")
_MARK = text("""
    WITH theirs AS MATERIALIZED (
        SELECT r.report_id FROM known_person p CROSS JOIN LATERAL (
            SELECT report_id FROM signals.report
            WHERE pilot_id = :pilot AND person_id = p.person_id AND state = 'live' AND NOT known_client OFFSET 0
        ) AS r
    ), marked AS (
        UPDATE signals.report SET known_client = true
        WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM theirs)) RETURNING household_id
    ), unmarked AS (
        UPDATE signals.report r SET known_client = false
        WHERE r.pilot_id = :pilot AND r.known_client
          AND NOT EXISTS (SELECT FROM known_person p WHERE p.person_id = r.person_id)
        RETURNING household_id
    )
    INSERT INTO touched_household
    SELECT household_id FROM (SELECT household_id FROM marked UNION SELECT household_id FROM unmarked) AS changed
    WHERE household_id IS NOT NULL ON CONFLICT DO NOTHING
""")


def mark_known_clients(connection: Connection, pilot_id: str) -> None:
    """Bring `known_client` of all the pilot's reports up to date, from the list and the persons as they stand.

    The same marks come out in whatever order reports and entries came and went. Households in which one changed are
    added to the temporary table `touched_household`. The caller holds the pilot's lock.
    """
    pilot = {"pilot": pilot_id}
    if not connection.execute(_ASKED, pilot).scalar_one():
        return
    connection.execute(text("DROP TABLE IF EXISTS known_person"))
    connection.execute(_PERSONS, pilot)
    connection.execute(text("ANALYZE known_person"))
    connection.execute(_MARK, pilot)
