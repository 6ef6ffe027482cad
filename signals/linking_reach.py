"""Which reports a delivery can change anything for: its neighbourhood over match keys and over people's decisions."""

from sqlalchemy import Connection, text

from signals.linking_decided import decided_are_not_quiet, reach_decided

_COLUMNS = (
    "report_id, state = 'live' AS live, person_id AS old_person, household_id AS old_household, creditor_id, "
    "reference, category, period, reported_on, dwelling, street_dwelling, building, has_addition"
)


def touch_neighbours(connection: Connection, pilot_id: str) -> None:
    """Add to `touched_report` all that share a key or an address with its reports as they are now.

    To be called before such reports are replaced by a correction, or lose their keys before `link` sees them: what they
    kept apart or together can't be seen from what takes their place.
    """
    connection.execute(text("ANALYZE touched_report"))
    connection.execute(
        text("""
            WITH touched AS MATERIALIZED (
                SELECT report_id FROM touched_report ORDER BY report_id
            ), keys AS MATERIALIZED (
                SELECT DISTINCT k.key FROM touched CROSS JOIN LATERAL (
                    SELECT key FROM signals.report_key
                    WHERE pilot_id = :pilot AND report_id = touched.report_id OFFSET 0
                ) AS k ORDER BY k.key
            ), homes AS MATERIALIZED (
                SELECT DISTINCT r.building, r.street_dwelling FROM touched CROSS JOIN LATERAL (
                    SELECT building, street_dwelling FROM signals.report
                    WHERE pilot_id = :pilot AND report_id = touched.report_id OFFSET 0
                ) AS r
            )
            INSERT INTO touched_report
            SELECT r.report_id FROM keys CROSS JOIN LATERAL (
                SELECT report_id FROM signals.report_key WHERE pilot_id = :pilot AND key = keys.key OFFSET 0
            ) AS r
            UNION
            SELECT r.report_id FROM homes CROSS JOIN LATERAL (
                SELECT report_id FROM signals.report WHERE pilot_id = :pilot AND building = homes.building OFFSET 0
            ) AS r
            UNION
            SELECT r.report_id FROM homes CROSS JOIN LATERAL (
                SELECT report_id FROM signals.report
                WHERE pilot_id = :pilot AND street_dwelling = homes.street_dwelling OFFSET 0
            ) AS r
            ON CONFLICT DO NOTHING
        """),
        {"pilot": pilot_id},
    )


def set_quiet_aside(connection: Connection, pilot: dict[str, str], *, decided: bool) -> None:
    """Fill link_quiet: reports that say of somebody what the same contract's last report said, and meet nobody else.

    Most of a month's reports are so, and need no neighbourhood: all keys of such a report that meet any report are keys
    of the earlier one too, with the same birth token; one of them joins both by itself; a birth date is known of both
    or of neither. So it changes nothing for others, and its person is the earlier one's. With `decided`, there are
    decisions in link_said: what they are about is not quiet.
    """
    connection.execute(text("DROP TABLE IF EXISTS link_earlier, link_fresh"))
    connection.execute(
        text("""
            CREATE TEMPORARY TABLE link_earlier ON COMMIT DROP AS
            SELECT DISTINCT ON (t.report_id)
                   t.report_id, e.report_id AS earlier, e.person_id, r.creditor_id, r.reference
            FROM (SELECT report_id FROM touched_report ORDER BY report_id) AS t CROSS JOIN LATERAL (
                SELECT creditor_id, reference, state, person_id FROM signals.report
                WHERE pilot_id = :pilot AND report_id = t.report_id OFFSET 0
            ) AS r CROSS JOIN LATERAL (
                SELECT report_id, person_id, period, state FROM signals.report
                WHERE pilot_id = :pilot AND creditor_id = r.creditor_id AND reference = r.reference OFFSET 0
            ) AS e
            WHERE r.state = 'live' AND r.person_id IS NULL AND e.state = 'live' AND e.person_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM touched_report x WHERE x.report_id = e.report_id)
            ORDER BY t.report_id, e.period DESC
        """),
        pilot,
    )
    if decided:
        decided_are_not_quiet(connection)
    connection.execute(text("ANALYZE link_earlier"))
    connection.execute(
        text("""
            CREATE TEMPORARY TABLE link_fresh ON COMMIT DROP AS
            SELECT e.report_id, k.key, k.strong, k.birth, b.key IS NOT NULL AS before
            FROM link_earlier e CROSS JOIN LATERAL (
                SELECT key, strong, birth FROM signals.report_key
                WHERE pilot_id = :pilot AND report_id = e.report_id OFFSET 0
            ) AS k LEFT JOIN (
                SELECT e.report_id, k.key, k.birth FROM link_earlier e CROSS JOIN LATERAL (
                    SELECT key, birth FROM signals.report_key
                    WHERE pilot_id = :pilot AND report_id = e.earlier OFFSET 0
                ) AS k
            ) AS b ON b.report_id = e.report_id AND b.key = k.key AND b.birth IS NOT DISTINCT FROM k.birth
        """),
        pilot,
    )
    connection.execute(text("ANALYZE link_fresh"))
    connection.execute(
        text("""
            WITH known AS MATERIALIZED (
                SELECT report_id FROM link_fresh GROUP BY report_id
                HAVING bool_or(before AND (strong OR birth IS NOT NULL))
                   AND bool_or(birth IS NOT NULL) = bool_or(before AND birth IS NOT NULL)
            ), fresh AS MATERIALIZED (
                SELECT key, report_id FROM link_fresh WHERE NOT before ORDER BY key
            ), meets AS MATERIALIZED (
                SELECT DISTINCT f.report_id FROM fresh f CROSS JOIN LATERAL (
                    SELECT FROM signals.report_key k
                    WHERE k.pilot_id = :pilot AND k.key = f.key AND k.report_id <> f.report_id LIMIT 1
                ) AS k
            )
            INSERT INTO link_quiet SELECT e.report_id, e.person_id FROM link_earlier e JOIN known USING (report_id)
            WHERE NOT EXISTS (SELECT FROM meets WHERE meets.report_id = e.report_id)
        """),
        pilot,
    )
    connection.execute(text("ANALYZE link_quiet"))


def gather(connection: Connection, pilot: dict[str, str], *, decided: bool) -> None:
    """Fill link_report and link_key with all that the other touched reports reach over keys, vetoes set aside.

    With `decided`, over what decisions in link_said join, too.
    """
    connection.execute(
        text(f"""
            INSERT INTO link_report
            SELECT r.*, 0 FROM (
                SELECT report_id FROM touched_report t
                WHERE NOT EXISTS (SELECT FROM link_quiet q WHERE q.report_id = t.report_id) ORDER BY report_id
            ) AS t CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM signals.report
                WHERE pilot_id = :pilot AND report_id = t.report_id OFFSET 0
            ) AS r
        """),  # noqa: S608 - the columns are ours
        pilot,
    )
    connection.execute(  # in case the keys of one are gone or replaced: those who were one person with it
        text(f"""
            WITH known AS MATERIALIZED (SELECT report_id FROM link_report)
            INSERT INTO link_report
            SELECT r.*, 0 FROM (
                SELECT DISTINCT old_person FROM link_report WHERE old_person IS NOT NULL ORDER BY old_person
            ) AS t CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM signals.report
                WHERE pilot_id = :pilot AND person_id = t.old_person AND state = 'live' OFFSET 0
            ) AS r
            WHERE NOT EXISTS (SELECT FROM known WHERE known.report_id = r.report_id)
        """),  # noqa: S608 - the columns are ours
        pilot,
    )
    turn, found = 0, 1
    while found:
        parameters = {**pilot, "turn": turn}
        connection.execute(text("ANALYZE link_report"))
        connection.execute(
            text("""
                INSERT INTO link_key
                SELECT k.*, :turn FROM (SELECT report_id FROM link_report WHERE round = :turn ORDER BY report_id) AS t
                CROSS JOIN LATERAL (
                    SELECT key, report_id, strong, birth FROM signals.report_key
                    WHERE pilot_id = :pilot AND report_id = t.report_id OFFSET 0
                ) AS k
            """),
            parameters,
        )
        connection.execute(text("DROP TABLE IF EXISTS link_ask"))
        connection.execute(
            text("""
                CREATE TEMPORARY TABLE link_ask ON COMMIT DROP AS
                SELECT DISTINCT key FROM link_key
                WHERE round = :turn AND NOT EXISTS (SELECT FROM link_asked a WHERE a.key = link_key.key)
                ORDER BY key
            """),
            parameters,
        )
        connection.execute(text("INSERT INTO link_asked SELECT key FROM link_ask"))
        connection.execute(text("ANALYZE link_ask"))
        found = connection.execute(
            text(f"""
                WITH met AS MATERIALIZED (
                    SELECT DISTINCT k.report_id FROM link_ask t CROSS JOIN LATERAL (
                        SELECT report_id FROM signals.report_key
                        WHERE pilot_id = :pilot AND key = t.key OFFSET 0
                    ) AS k
                ), unknown AS MATERIALIZED (
                    SELECT report_id FROM met
                    WHERE NOT EXISTS (SELECT FROM link_report r WHERE r.report_id = met.report_id) ORDER BY report_id
                )
                INSERT INTO link_report
                SELECT r.*, :turn + 1 FROM unknown t CROSS JOIN LATERAL (
                    SELECT {_COLUMNS} FROM signals.report
                    WHERE pilot_id = :pilot AND report_id = t.report_id AND state = 'live' OFFSET 0
                ) AS r
            """),  # noqa: S608 - the columns are ours
            parameters,
        ).rowcount
        if decided:
            found += reach_decided(connection, pilot, turn, _COLUMNS)
        turn += 1


def add_quiet(connection: Connection, pilot: dict[str, str]) -> None:
    """Add to link_report and link_person the persons of quiet reports, unless the others' neighbourhood has them."""
    connection.execute(text("DELETE FROM link_quiet q USING link_person p WHERE p.report_id = q.report_id"))
    connection.execute(
        text(f"""
            WITH quiet AS MATERIALIZED (
                SELECT report_id FROM link_quiet ORDER BY report_id
            ), theirs AS MATERIALIZED (
                SELECT DISTINCT person_id FROM link_quiet ORDER BY person_id
            )
            INSERT INTO link_report
            SELECT r.*, -1 FROM quiet CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM signals.report WHERE pilot_id = :pilot AND report_id = quiet.report_id OFFSET 0
            ) AS r
            UNION ALL
            SELECT r.*, -1 FROM theirs CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM signals.report
                WHERE pilot_id = :pilot AND person_id = theirs.person_id AND state = 'live' OFFSET 0
            ) AS r
        """),  # noqa: S608 - the columns are ours
        pilot,
    )
    connection.execute(
        text("""
            WITH named AS (
                SELECT r.report_id, coalesce(r.old_person, q.person_id) AS old_person
                FROM link_report r LEFT JOIN link_quiet q USING (report_id) WHERE r.round = -1
            )
            INSERT INTO link_person
            SELECT report_id, first_value(report_id) OVER (PARTITION BY old_person ORDER BY report_id), 'strong key'
            FROM named
        """)
    )
    connection.execute(text("ANALYZE link_report, link_person"))
