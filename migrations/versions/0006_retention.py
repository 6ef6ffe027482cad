"""Retention: the day of each pilot's last run, and what the linker may take away. Phase: expand.

The linker could delete deliveries, reports and consents already. New is what it may delete of the privacy layer, and
the database refuses an event of the log before its day has passed, whatever clock the linker goes by.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE TABLE privacy.retention_run (pilot_id text PRIMARY KEY, done_on date NOT NULL)",
    "GRANT SELECT, INSERT, UPDATE ON privacy.retention_run TO vroegsein_linker",
    "GRANT DELETE ON privacy.event, privacy.basis_change TO vroegsein_linker",
    # An event's id is the pass to what it allows; the linker sees ids and may not enter a scope (migration 0004).
    "GRANT DELETE, SELECT (pilot_id, event_id, opened_at) ON privacy.access_scope TO vroegsein_linker",
    "GRANT DELETE, SELECT (pilot_id, event_id) ON privacy.access_closed TO vroegsein_linker",
    "GRANT DELETE, SELECT (pilot_id, event_id, until) ON privacy.break_glass TO vroegsein_linker",
    # To have the planner forget its samples of what went.
    """
    GRANT MAINTAIN ON intake.staged_report, privacy.consent, privacy.consent_key, privacy.basis_change,
        privacy.access_scope, privacy.break_glass, privacy.event TO vroegsein_linker
    """,
    """
    CREATE POLICY linker_delete ON privacy.event FOR DELETE TO vroegsein_linker
    USING (keep_until < (now() AT TIME ZONE 'Europe/Amsterdam')::date)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
