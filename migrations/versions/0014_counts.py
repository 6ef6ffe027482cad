"""Monthly tables, made once, and how far each pilot's log was told to a Logboek Dataverwerkingen. Phase: expand.

Nobody may change or remove a monthly table: what was published can't be taken back, and two versions side by side would
tell more than either. It holds only figures that are not small (privacy/small_numbers.py).
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE privacy.monthly_table (
        pilot_id text NOT NULL,
        period text NOT NULL,
        document jsonb NOT NULL,
        PRIMARY KEY (pilot_id, period)
    )""",
    "GRANT SELECT, INSERT ON privacy.monthly_table TO vroegsein_linker",
    "GRANT SELECT ON privacy.monthly_table TO vroegsein_opener",
    # `leaf_index`: the leaf whose turn it is; `after`: the household of it that was told last, where it has many.
    """
    CREATE TABLE privacy.logboek_position (
        pilot_id text PRIMARY KEY,
        leaf_index bigint NOT NULL,
        after uuid
    )""",
    "GRANT SELECT, INSERT, UPDATE ON privacy.logboek_position TO vroegsein_linker",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
