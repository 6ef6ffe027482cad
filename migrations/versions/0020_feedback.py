"""Feedback: what creditors are told of their reports, a row for each time that it changes.

A creditor reads its own; the linker alone writes. No foreign key to a report: what was told stays for its own term,
whatever becomes of the report, or its creditor would learn that from a row that is gone. Phase: expand.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE intake.feedback (
        pilot_id text NOT NULL,
        report_id uuid NOT NULL,
        batch date NOT NULL,
        creditor_id text NOT NULL,
        reference uuid NOT NULL,
        period text NOT NULL,
        category text NOT NULL,
        status text NOT NULL,
        since date NOT NULL,
        pause_until date,
        PRIMARY KEY (pilot_id, report_id, batch)
    )""",
    "CREATE INDEX feedback_page ON intake.feedback (pilot_id, creditor_id, batch, report_id)",
    "CREATE INDEX feedback_batch ON intake.feedback (pilot_id, batch)",
    """
    CREATE TABLE intake.feedback_run (
        pilot_id text PRIMARY KEY,
        batch date NOT NULL
    )""",
    "GRANT SELECT, INSERT, DELETE, MAINTAIN ON intake.feedback TO vroegsein_linker",
    "GRANT SELECT, INSERT, UPDATE ON intake.feedback_run TO vroegsein_linker",
    "GRANT SELECT ON intake.feedback TO vroegsein_ingest",
    *(
        statement
        for table in ("intake.feedback", "intake.feedback_run")
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)",
        )
    ),
    """
    CREATE POLICY ingest_select ON intake.feedback FOR SELECT TO vroegsein_ingest
        USING (creditor_id = registry.creditor_in_scope())
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
