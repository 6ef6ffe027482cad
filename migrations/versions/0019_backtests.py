"""Back-tests that a desk asks for, and what came of them; rule sets that are proposed and activated. Phase: expand.

The recorder leaves a request inside an access event that names it, the linker works it off, the reader shows counts
inside another event. A rule set can ask for any fact, so both want a purpose that shows facts.
"""

from alembic import op

from migrations.gate import create_functions

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

FACTS = 3  # the disclosure level, as in privacy.open_event
ASKING = f"privacy.pilot_asked_for(ARRAY['backtest'], {FACTS})"
SHOWING = f"privacy.pilot_asked_for(ARRAY['backtest-result'], {FACTS})"
SECURITY = "LANGUAGE plpgsql {volatility} SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
LOOKS, CHANGES = SECURITY.format(volatility="STABLE"), SECURITY.format(volatility="VOLATILE")

TABLES = (
    # `candidate`: the rule set's text. `against`: another one's name; none: the pilot's running one.
    """
    CREATE TABLE signals.backtest (
        pilot_id text NOT NULL,
        backtest_id uuid NOT NULL,
        asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        candidate text NOT NULL,
        against text,
        periods text[] NOT NULL CHECK (cardinality(periods) BETWEEN 1 AND 24),
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
        PRIMARY KEY (pilot_id, backtest_id)
    )""",
    "CREATE INDEX backtest_waiting ON signals.backtest (pilot_id, asked_at) WHERE state = 'waiting'",
    # Counts, and no household: of a level of its own, so a table of its own.
    """
    CREATE TABLE signals.backtest_result (
        pilot_id text NOT NULL,
        backtest_id uuid NOT NULL,
        result jsonb NOT NULL,
        PRIMARY KEY (pilot_id, backtest_id)
    )""",
    """
    ALTER TABLE signals.backtest_result ADD FOREIGN KEY (pilot_id, backtest_id)
        REFERENCES signals.backtest (pilot_id, backtest_id)
    """,
)
FUNCTIONS = (
    # What is tried out is what the event names: its months, what it is compared with, and the hash of the text.
    f"""
    CREATE FUNCTION gate.leave_backtest(p_candidate text) RETURNS void {CHANGES} AS $$
    DECLARE
      p text := {ASKING};
      scope privacy.access_scope := privacy.scope();
    BEGIN
      IF p IS NULL OR scope.asks ->> 'sent' IS DISTINCT FROM encode(sha256(convert_to(p_candidate, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'no event in scope names this back-test' USING ERRCODE = 'insufficient_privilege';
      END IF;
      INSERT INTO signals.backtest (pilot_id, backtest_id, candidate, against, periods)
      VALUES (p, (scope.asks ->> 'backtest')::uuid, p_candidate, scope.asks ->> 'against',
              ARRAY(SELECT jsonb_array_elements_text(scope.asks -> 'periods')));
    END $$
    """,
    # Whether it was worked off: for who knows its id. Nothing of a resident.
    f"""
    CREATE FUNCTION gate.backtest_state(p_pilot text, p_backtest uuid) RETURNS text {LOOKS} AS $$
    BEGIN
      RETURN (SELECT b.state FROM signals.backtest b WHERE b.pilot_id = p_pilot AND b.backtest_id = p_backtest);
    END $$
    """,
    f"""
    CREATE FUNCTION gate.backtest_result() RETURNS jsonb {LOOKS} AS $$
    DECLARE
      scope privacy.access_scope := privacy.scope();
      p text := CASE WHEN scope.level >= {FACTS} AND scope.asks ->> 'ask' = 'backtest-result' THEN scope.pilot_id END;
      asked uuid := (scope.asks ->> 'backtest')::uuid;
    BEGIN
      IF p IS NULL THEN RETURN NULL; END IF;
      RETURN (SELECT r.result FROM signals.backtest_result r WHERE r.pilot_id = p AND r.backtest_id = asked);
    END $$
    """,
)
CALLERS = {
    "gate.leave_backtest(text)": ("recorder",),
    "gate.backtest_state(text, uuid)": ("recorder",),
    "gate.backtest_result()": ("reader",),
}
GRANTS = (
    "INSERT (pilot_id, backtest_id, candidate, against, periods) ON signals.backtest",
    "SELECT (pilot_id, backtest_id, state) ON signals.backtest",
    "SELECT ON signals.backtest_result",
)
# table, name, command, rows
POLICIES = (
    ("signals.backtest", "asking", "INSERT", f"pilot_id = {ASKING}"),
    ("signals.backtest", "state", "SELECT", "true"),  # three columns without a person in them, see GRANTS
    ("signals.backtest_result", "showing", "SELECT", f"pilot_id = {SHOWING}"),
)
LINKERS = ("signals.backtest", "signals.backtest_result")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in TABLES:
        op.execute(statement)
    op.execute("GRANT SELECT, UPDATE, DELETE, MAINTAIN ON signals.backtest TO vroegsein_linker")
    op.execute("GRANT SELECT, INSERT, DELETE, MAINTAIN ON signals.backtest_result TO vroegsein_linker")
    for table in LINKERS:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)")
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO vroegsein_gate")
    for table, name, command, rows in POLICIES:
        clause = "WITH CHECK" if command == "INSERT" else "USING"
        op.execute(
            f"CREATE POLICY {name}_{command.lower()} ON {table} FOR {command} TO vroegsein_gate {clause} ({rows})"
        )
    create_functions(FUNCTIONS, CALLERS)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
