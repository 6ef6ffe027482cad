"""Notices: that a batch of feedback is ready, per creditor with a webhook; how often it was tried, how it ended.

A creditor reads its own; the linker alone writes. Nothing of a report stands in one. Phase: expand.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE intake.notice (
        pilot_id text NOT NULL,
        notice_id uuid NOT NULL,
        creditor_id text NOT NULL,
        batch date NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        url text,
        next_at timestamptz,
        delivered_at timestamptz,
        failure text,
        PRIMARY KEY (pilot_id, notice_id)
    )""",
    "CREATE INDEX notice_page ON intake.notice (pilot_id, creditor_id, batch)",
    "CREATE INDEX notice_due ON intake.notice (pilot_id, next_at) WHERE delivered_at IS NULL",
    "GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON intake.notice TO vroegsein_linker",
    (
        "GRANT SELECT (pilot_id, notice_id, creditor_id, batch, attempts, next_at, delivered_at, failure)"
        " ON intake.notice TO vroegsein_ingest"
    ),
    "ALTER TABLE intake.notice ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE intake.notice FORCE ROW LEVEL SECURITY",
    "CREATE POLICY linker_all ON intake.notice TO vroegsein_linker USING (true)",
    """
    CREATE POLICY ingest_select ON intake.notice FOR SELECT TO vroegsein_ingest
        USING (creditor_id = registry.creditor_in_scope())
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
