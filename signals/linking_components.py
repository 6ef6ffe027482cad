"""Connected components in SQL: every node ends with the smallest number that it can reach."""

from sqlalchemy import Connection, text


def label_components(connection: Connection, nodes: str, edges: str) -> None:
    """Give each row of `nodes (no int, label int)` the smallest `no` of its component over `edges (a int, b int)`.

    Both are temporary tables; `label` must be `no` before, and edges join rows of `nodes`. Labels travel along the
    edges and then jump to their own label's label, so the number of rounds grows with the logarithm of the longest way.
    """
    travel = text(f"""
        UPDATE {nodes} n SET label = nearest.label
        FROM (
            SELECT no, min(label) AS label
            FROM (
                SELECT e.a AS no, n.label FROM {edges} e JOIN {nodes} n ON n.no = e.b
                UNION ALL
                SELECT e.b AS no, n.label FROM {edges} e JOIN {nodes} n ON n.no = e.a
            ) AS reached
            GROUP BY no
        ) AS nearest
        WHERE n.no = nearest.no AND nearest.label < n.label
    """)  # noqa: S608 - both names are this package's own
    jump = text(f"""
        UPDATE {nodes} n SET label = further.label FROM {nodes} further
        WHERE further.no = n.label AND further.label < n.label
    """)  # noqa: S608 - likewise
    while connection.execute(travel).rowcount:
        while connection.execute(jump).rowcount:
            pass
