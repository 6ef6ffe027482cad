"""Persons in SQL: steps 1 to 4 of linking_oracle.py, for the reports in link_report and their keys in link_key."""

from sqlalchemy import Connection, text

from signals.linking_components import label_components
from signals.linking_decided import join_by_decisions, part_by_decisions
from signals.linking_decisions import Holding


def find_persons(connection: Connection, holding: Holding | None) -> None:
    """Fill link_person: whose each live report is. `holding`: what holds of people's decisions, if there are any."""
    _join_by_strong_keys(connection, holding)
    _join_undated(connection)
    if holding is not None:
        part_by_decisions(connection, holding)
    _name_persons(connection)


def _join_by_strong_keys(connection: Connection, holding: Holding | None) -> None:
    """Step 1: `part` of link_node, and whether it is dated."""
    connection.execute(text("ANALYZE link_key"))
    connection.execute(
        text("""
            INSERT INTO link_node (no, label, dated, report_id)
            SELECT row_number() OVER by_id, row_number() OVER by_id,
                   EXISTS (SELECT FROM link_key k WHERE k.report_id = r.report_id AND k.birth IS NOT NULL), r.report_id
            FROM link_report r WHERE live WINDOW by_id AS (ORDER BY report_id)
        """)
    )
    connection.execute(text("ANALYZE link_node"))
    # Most keys meet nobody: they are random, or this person's alone.
    connection.execute(text("DROP TABLE IF EXISTS link_shared"))
    connection.execute(
        text("""
            CREATE TEMPORARY TABLE link_shared ON COMMIT DROP AS
            WITH lively AS MATERIALIZED (
                SELECT k.key, k.strong, k.birth, n.no FROM link_key k JOIN link_node n USING (report_id)
            )
            SELECT l.* FROM lively l JOIN (SELECT key FROM lively GROUP BY key HAVING count(*) > 1) AS s USING (key)
        """)
    )
    connection.execute(text("ANALYZE link_shared"))
    connection.execute(
        text("""
            INSERT INTO link_edge
            SELECT DISTINCT first, no FROM (
                SELECT no, min(no) OVER (PARTITION BY key, birth) AS first FROM link_shared
                WHERE strong OR birth IS NOT NULL
            ) AS s
            WHERE no <> first
        """)
    )
    if holding is not None:
        join_by_decisions(connection)
    connection.execute(text("ANALYZE link_edge"))
    label_components(connection, "link_node", "link_edge")
    connection.execute(
        text("""
            UPDATE link_node n SET part = p.label, dated = p.dated
            FROM (SELECT label, bool_or(dated) AS dated FROM link_node GROUP BY label) AS p WHERE n.label = p.label
        """)
    )


def _join_undated(connection: Connection) -> None:
    """Steps 2 and 3: `label` of link_node, the person."""
    connection.execute(text("DROP TABLE IF EXISTS link_at, link_open"))
    connection.execute(
        text("""
            CREATE TEMPORARY TABLE link_at ON COMMIT DROP AS
            SELECT DISTINCT s.key, n.part, n.dated FROM link_shared s JOIN link_node n USING (no) WHERE NOT s.strong
        """)
    )
    connection.execute(
        text("""
            CREATE TEMPORARY TABLE link_open ON COMMIT DROP AS
            SELECT key, min(part) FILTER (WHERE dated) AS dated, min(part) FILTER (WHERE NOT dated) AS first
            FROM link_at GROUP BY key HAVING bool_or(NOT dated) AND count(*) > 1 AND count(*) FILTER (WHERE dated) <= 1
        """)
    )
    connection.execute(text("INSERT INTO link_undated SELECT DISTINCT part, part FROM link_node WHERE NOT dated"))
    connection.execute(
        text("""
            INSERT INTO link_undated_edge
            SELECT DISTINCT o.first, a.part FROM link_at a JOIN link_open o USING (key)
            WHERE NOT a.dated AND a.part <> o.first
        """)
    )
    connection.execute(
        text("""
            INSERT INTO link_meets
            SELECT DISTINCT a.part, o.dated FROM link_at a JOIN link_open o USING (key)
            WHERE NOT a.dated AND o.dated IS NOT NULL
        """)
    )
    for table in ("link_undated", "link_undated_edge", "link_meets"):
        connection.execute(text(f"ANALYZE {table}"))
    label_components(connection, "link_undated", "link_undated_edge")
    connection.execute(
        text("""
            WITH of_part AS (SELECT part, min(dated) AS dated, count(*) AS met FROM link_meets GROUP BY part),
            of_group AS (
                SELECT u.label, min(m.dated) AS dated, count(DISTINCT m.dated) AS met
                FROM link_undated u JOIN link_meets m ON m.part = u.no GROUP BY u.label
            ), joined AS (
                SELECT u.no AS part,
                       CASE WHEN g.label IS NULL THEN u.label
                            WHEN g.met = 1 THEN g.dated
                            WHEN p.met = 1 THEN p.dated
                            ELSE u.no END AS label
                FROM link_undated u LEFT JOIN of_group g ON g.label = u.label LEFT JOIN of_part p ON p.part = u.no
            )
            UPDATE link_node n SET label = j.label FROM joined j WHERE n.part = j.part AND n.label <> j.label
        """)
    )


def _name_persons(connection: Connection) -> None:
    """Name each person after its smallest report id, and say what made it one."""
    connection.execute(
        text("""
            INSERT INTO link_person
            SELECT report_id, first_value(report_id) OVER (PARTITION BY label ORDER BY no),
                   CASE WHEN said IS NOT NULL THEN 'decision'
                        WHEN count(*) OVER (PARTITION BY label, part) > 1 THEN 'strong key'
                        WHEN count(*) OVER (PARTITION BY label) > 1 THEN 'weak key' END
            FROM link_node
        """)
    )
    connection.execute(text("ANALYZE link_person"))
