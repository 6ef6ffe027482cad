"""What residents said no to (refused, withdrew, objected), and reports that wait for a decision. Phase: expand.

One table for every no, so that one query at completion finds them all. A creditor may leave an objection for the linker
too, and learns only whether it was carried out.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    # pending: a person has yet to decide, reports are paused. stands: reports are shut out. dismissed: it binds nobody.
    # No category: all of them; no creditor: all of them. `sealed` is who it is, for the municipality alone.
    """
    CREATE TABLE privacy.objection (
        pilot_id text NOT NULL,
        objection_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('refusal', 'withdrawal', 'objection')),
        state text NOT NULL CHECK (state IN ('pending', 'stands', 'dismissed')),
        category text,
        creditor_id text,
        since date NOT NULL,
        recorded_at timestamptz NOT NULL,
        decided_on date,
        sealed bytea,
        PRIMARY KEY (pilot_id, objection_id)
    )""",
    # By what the resident is recognised: match keys, and as strong ones the references of contracts that were stopped.
    """
    CREATE TABLE privacy.objection_key (
        pilot_id text NOT NULL,
        key uuid NOT NULL,
        objection_id uuid NOT NULL,
        strong boolean NOT NULL,
        birth uuid,
        PRIMARY KEY (pilot_id, key, objection_id)
    )""",
    "CREATE INDEX objection_key_objection ON privacy.objection_key (pilot_id, objection_id)",
    """
    ALTER TABLE privacy.objection_key ADD FOREIGN KEY (pilot_id, objection_id)
        REFERENCES privacy.objection (pilot_id, objection_id)
    """,
    "ALTER TABLE privacy.consent ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE signals.report DROP CONSTRAINT report_state_check",
    "ALTER TABLE signals.report ADD CONSTRAINT report_state_check CHECK (state IN ('live', 'paused', 'shut_out'))",
    "ALTER TABLE privacy.basis_change ADD COLUMN creditor_id text",  # none: a desk's change
    "ALTER TABLE privacy.basis_change DROP CONSTRAINT basis_change_kind_check",
    """
    ALTER TABLE privacy.basis_change ADD CONSTRAINT basis_change_kind_check CHECK (
        kind IN ('consent', 'refusal', 'withdrawal', 'objection', 'decision', 'contract-objection')
        AND (kind = 'contract-objection') = (creditor_id IS NOT NULL))
    """,
    "GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON privacy.objection, privacy.objection_key TO vroegsein_linker",
    (
        "GRANT INSERT (pilot_id, change_id, kind, body, creditor_id),"
        " SELECT (pilot_id, change_id, creditor_id, done_at) ON privacy.basis_change TO vroegsein_ingest"
    ),
    (
        "CREATE POLICY ingest_all ON privacy.basis_change TO vroegsein_ingest"
        " USING (creditor_id = registry.creditor_in_scope())"
    ),
    *(
        statement
        for table in ("privacy.objection", "privacy.objection_key")
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)",
        )
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
