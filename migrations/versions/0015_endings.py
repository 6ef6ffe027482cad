"""The life of a report: what its creditor says is settled, wrong or open, and what follows from all of a contract's.

`settled_on` and `unannounced` follow from the reports, deliveries and endings that are there (signals/settling.py).
Deliveries that were taken up before this count as no snapshot: by their absence nothing is settled. Phase: expand.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CONTACT = 4  # the disclosure level, as in privacy.open_event
CREDITORS_OWN = "creditor_id = registry.creditor_in_scope()"

STATEMENTS = (
    "ALTER TABLE signals.report ADD COLUMN settled_on date",
    # End of supply without a report of the same contract before it.
    "ALTER TABLE signals.report ADD COLUMN unannounced boolean NOT NULL DEFAULT false",
    # By this the contracts of a creditor are found that a new snapshot may settle.
    "CREATE INDEX report_settled ON signals.report (pilot_id, creditor_id, settled_on)",
    # Whether the agreement made it a snapshot when it was taken up.
    "ALTER TABLE intake.delivery ADD COLUMN snapshot boolean NOT NULL DEFAULT false",
    # What a creditor said of its contracts, whether there is a report or not. The id is made from the rest.
    """
    CREATE TABLE intake.ending (
        pilot_id text NOT NULL,
        ending_id uuid NOT NULL,
        creditor_id text NOT NULL,
        reference uuid NOT NULL,
        ending text NOT NULL CHECK (ending IN ('settled', 'withdrawn', 'open')),
        ended_on date NOT NULL,
        PRIMARY KEY (pilot_id, ending_id)
    )""",
    "CREATE INDEX ending_contract ON intake.ending (pilot_id, creditor_id, reference)",
    # Lines that were taken and that their creditor should look at. By the report's id a later delivery finds them.
    """
    CREATE TABLE intake.warned_row (
        pilot_id text NOT NULL,
        delivery_id uuid NOT NULL,
        part integer NOT NULL,
        line integer NOT NULL,
        creditor_id text NOT NULL,
        report_id uuid NOT NULL,
        code text NOT NULL,
        PRIMARY KEY (pilot_id, delivery_id, part, line, code)
    )""",
    "ALTER TABLE privacy.basis_change DROP CONSTRAINT basis_change_kind_check",
    """
    ALTER TABLE privacy.basis_change ADD CONSTRAINT basis_change_kind_check CHECK (
        (kind IN ('contract-objection', 'contract-endings')) = (creditor_id IS NOT NULL))
    """,
    """
    ALTER TABLE intake.warned_row ADD FOREIGN KEY (pilot_id, delivery_id)
        REFERENCES intake.delivery (pilot_id, delivery_id)
    """,
    "GRANT SELECT, INSERT, DELETE, MAINTAIN ON intake.ending TO vroegsein_linker",
    "GRANT SELECT, INSERT, DELETE, MAINTAIN ON intake.warned_row TO vroegsein_linker",
    "GRANT SELECT (pilot_id, creditor_id, ending, ended_on) ON intake.ending TO vroegsein_ingest",
    "GRANT SELECT (pilot_id, delivery_id, part, line, creditor_id, code) ON intake.warned_row TO vroegsein_ingest",
    *(
        statement
        for table in ("intake.ending", "intake.warned_row")
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)",
            f"CREATE POLICY ingest_select ON {table} FOR SELECT TO vroegsein_ingest USING ({CREDITORS_OWN})",
        )
    ),
    f"GRANT SELECT (settled_on) ON signals.report TO {GATE}",
    f"SET LOCAL ROLE {GATE}",
    "DROP FUNCTION gate.resident_reports()",
    "RESET ROLE",
)
# As in 0012, with `settled_on`.
RESIDENT_REPORTS = f"""
    CREATE FUNCTION gate.resident_reports() RETURNS TABLE (
        report_id uuid, creditor_id text, creditor text, period text, kind text, category text,
        amount_euros integer, months integer, arrears_since date, since_derived boolean, reported_on date,
        received_on date, social_collection jsonb, urgent text[], state text, settled_on date, sent text,
        wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text, key_envelope bytea)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on AS $$
    #variable_conflict use_column
    DECLARE
      scope privacy.access_scope := privacy.scope();
      p text := scope.pilot_id;
      theirs uuid[] := scope.reports;
    BEGIN
      IF p IS NULL OR scope.level < {CONTACT} OR scope.asks ->> 'ask' IS DISTINCT FROM 'resident' THEN RETURN; END IF;
      RETURN QUERY
        SELECT r.report_id, r.creditor_id, o.document ->> 'name', r.period, r.kind, r.category,
               r.amount_euros, r.months, r.arrears_since, r.since_derived, r.reported_on,
               r.received_on, r.social_collection, r.urgent, r.state, r.settled_on,
               s.sent, s.wrapped_key, s.contact, s.part, s.proof, d.manifest, d.key_envelope
        FROM signals.report r
        LEFT JOIN signals.sealed_report s ON s.pilot_id = r.pilot_id AND s.report_id = r.report_id
        LEFT JOIN intake.delivery d ON d.pilot_id = r.pilot_id AND d.delivery_id = r.delivery_id
        LEFT JOIN registry.organisation o ON o.organisation_id = r.creditor_id
        WHERE r.pilot_id = p AND r.report_id = ANY (theirs)
        ORDER BY r.period DESC, r.creditor_id, r.report_id;
    END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in STATEMENTS:
        op.execute(statement)
    create_functions([RESIDENT_REPORTS], {"gate.resident_reports()": ("reader",)})


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
