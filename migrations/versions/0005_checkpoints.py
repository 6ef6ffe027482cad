"""Signed checkpoints of the log, and the desks' cosignatures. Phase: expand.

Everybody who takes part in a pilot may ask for its checkpoint and for proofs: hashes tell nothing of an event.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE privacy.log_head ADD COLUMN checkpoint text NOT NULL DEFAULT ''",
    """
    CREATE TABLE privacy.cosignature (
        pilot_id text NOT NULL,
        witness text NOT NULL,
        tree_size bigint NOT NULL,
        checkpoint text NOT NULL,
        signature text NOT NULL,
        PRIMARY KEY (pilot_id, witness)
    )""",
    "CREATE INDEX log_leaf_hash ON privacy.log_leaf (pilot_id, leaf_hash)",
    "GRANT SELECT ON privacy.log_head, privacy.log_node TO vroegsein_opener",
    "GRANT SELECT (pilot_id, leaf_index, leaf_hash) ON privacy.log_leaf TO vroegsein_opener",
    "GRANT SELECT, INSERT, UPDATE ON privacy.cosignature TO vroegsein_opener",
    "CREATE POLICY opener_select ON privacy.log_head FOR SELECT TO vroegsein_opener USING (true)",
    "CREATE POLICY opener_select ON privacy.log_leaf FOR SELECT TO vroegsein_opener USING (true)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
