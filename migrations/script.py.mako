"""${message}

Phase: expand | migrate | contract. What is running while this runs, and why it may go on doing so.
"""

from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else 'op.execute("")'}


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup, or write the next migration")
