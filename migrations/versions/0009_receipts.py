"""Receipts for single reports: the leaf of each staged line, and the log's leaf of each delivery. Phase: expand.

A receipt holds the root over the reports that were taken, so their leaves stay beside the staged lines until then. The
leaf of a delivery's event is what its creditor, and nobody else, may ask the log's proof of.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    # Fails while lines of the form of before are waiting: let the linker take them up first.
    op.execute("ALTER TABLE intake.staged_report ADD COLUMN leaf bytea NOT NULL")
    op.execute("ALTER TABLE intake.delivery ADD COLUMN leaf_hash bytea")


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
