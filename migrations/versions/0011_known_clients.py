"""The knock-out list: who is in debt help already, by match keys, and which reports are about them. Phase: expand.

The linker keeps it and marks reports by it. A desk that lists it reads through a function, inside an access event.
"""

from alembic import op

from migrations.gate import create_functions

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    "SET LOCAL lock_timeout = '4s'",
    # `list_id`: with which push it came; `until`: the last day on which it counts; `sealed`: who, for the municipality.
    """
    CREATE TABLE privacy.known_client (
        pilot_id text NOT NULL,
        client_id uuid NOT NULL,
        list_id uuid NOT NULL,
        until date NOT NULL,
        recorded_on date NOT NULL,
        sealed bytea NOT NULL,
        PRIMARY KEY (pilot_id, client_id)
    )""",
    """
    CREATE TABLE privacy.known_client_key (
        pilot_id text NOT NULL,
        key uuid NOT NULL,
        client_id uuid NOT NULL,
        strong boolean NOT NULL,
        birth uuid,
        PRIMARY KEY (pilot_id, key, client_id)
    )""",
    "CREATE INDEX known_client_key_client ON privacy.known_client_key (pilot_id, client_id)",
    """
    ALTER TABLE privacy.known_client_key ADD FOREIGN KEY (pilot_id, client_id)
        REFERENCES privacy.known_client (pilot_id, client_id)
    """,
    # Marks are few, and each run of linking compares them all with the list.
    "ALTER TABLE signals.report ADD COLUMN known_client boolean NOT NULL DEFAULT false",
    "CREATE INDEX report_known_client ON signals.report (pilot_id) WHERE known_client",
    # Which kinds there are is said once, by signals/consents.py.
    "ALTER TABLE privacy.basis_change DROP CONSTRAINT basis_change_kind_check",
    """
    ALTER TABLE privacy.basis_change ADD CONSTRAINT basis_change_kind_check CHECK (
        (kind = 'contract-objection') = (creditor_id IS NOT NULL))
    """,
    """
    GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON privacy.known_client, privacy.known_client_key
    TO vroegsein_linker
    """,
    *(
        statement
        for table in ("privacy.known_client", "privacy.known_client_key")
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)",
        )
    ),
    "GRANT SELECT (pilot_id, client_id, until, recorded_on, sealed) ON privacy.known_client TO vroegsein_gate",
    "CREATE POLICY gate_select ON privacy.known_client TO vroegsein_gate USING (pilot_id = privacy.pilot_in_scope())",
)

# The page that the event named.
LIST = """
    CREATE FUNCTION gate.known_clients()
    RETURNS TABLE (client_id uuid, until date, recorded_on date, sealed text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on AS $$
    DECLARE
      scope privacy.access_scope := privacy.scope();
      behind uuid := (scope.asks ->> 'behind')::uuid;
    BEGIN
      IF scope.pilot_id IS NULL OR scope.asks ->> 'ask' IS DISTINCT FROM 'known-client-list' THEN RETURN; END IF;
      RETURN QUERY
        SELECT c.client_id, c.until, c.recorded_on, encode(c.sealed, 'hex') FROM privacy.known_client c
        WHERE c.pilot_id = scope.pilot_id AND (behind IS NULL OR c.client_id > behind)
        ORDER BY c.client_id LIMIT 200;
    END $$
    """


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_functions([LIST], {"gate.known_clients()": ("recorder",)})


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
