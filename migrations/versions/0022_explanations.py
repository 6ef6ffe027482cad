"""An explanation is kept as the text that was made; packing one for each signal took as long as judging.

It is `jsonb` again where one is read. Its digest gets a column of its own. Phase: contract; nothing judges meanwhile.
"""

from alembic import op

from migrations.gate import GATE

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = (
    "ALTER TABLE signals.signal_facts ALTER COLUMN explanation TYPE text",
    # Compressing it would cost more than what is saved: most of them fit in their row.
    "ALTER TABLE signals.signal_facts ALTER COLUMN explanation SET STORAGE EXTERNAL",
    # Of no month: each that stands is judged once more when it is touched.
    "ALTER TABLE signals.signal_facts ADD COLUMN digest text NOT NULL DEFAULT ''",
)
# The functions that read explanations, and what changes in them.
READING = {
    "gate.signals()": [("               f.explanation\n", "               f.explanation::jsonb\n")],
    "gate.resident_signals()": [
        ("f.explanation ->", "f.explanation::jsonb ->"),
        ("THEN f.explanation END", "THEN f.explanation::jsonb END"),
    ],
    "gate.records()": [("f.explanation #>>", "f.explanation::jsonb #>>")],
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in TABLE:
        op.execute(statement)
    connection = op.get_bind()
    op.execute(f"GRANT CREATE ON SCHEMA gate TO {GATE}")
    op.execute(f"SET LOCAL ROLE {GATE}")
    for function, changes in READING.items():
        asked = "SELECT pg_get_functiondef(CAST(%s AS regprocedure))"
        text = connection.exec_driver_sql(asked, (function,)).scalar_one()
        for old, new in changes:
            if old not in text:
                raise RuntimeError(f"{function} is not as migration 0021 left it")
            text = text.replace(old, new)
        connection.exec_driver_sql(text.replace("%", "%%"))
    op.execute("RESET ROLE")
    op.execute(f"REVOKE CREATE ON SCHEMA gate FROM {GATE}")


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
