"""Back-tests that a desk asks for, and what came of them; rule sets that are proposed and activated. Phase: expand.

The recorder leaves a request inside an access event that names it, the linker works it off, the reader shows counts
inside another event. A rule set can ask for any fact, so both want a purpose that shows facts.
"""

from alembic import op

from migrations.gate import create_functions

revision = "0019"
down_revision = "0018"
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
# A rule set of one pilot, as one person proposed it; another one activates it. `activated_by` and `jws` (the pilot
# document that names it) are left by that person, and the linker does the rest.
PROPOSALS = """
    CREATE TABLE registry.rule_set_proposal (
        pilot_id text NOT NULL,
        proposal_id uuid NOT NULL,
        rule_set text NOT NULL,
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        text text NOT NULL,
        proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        proposed_by text NOT NULL,
        state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'activating', 'activated', 'failed')),
        activated_at timestamptz,
        activated_by text CHECK (activated_by <> proposed_by),
        version integer,
        jws text,
        PRIMARY KEY (pilot_id, proposal_id),
        CHECK (state IN ('proposed', 'failed') OR (activated_by, version, jws) IS NOT NULL)
    )
"""
PROPOSING = "privacy.pilot_asked_for(ARRAY['rule-set-proposal'], 0)"
ACTIVATING = "privacy.pilot_asked_for(ARRAY['rule-set-activation'], 0)"
# A proposed rule set beside the running one: a month's counts, after each delivery; null: it can't be carried out.
SHADOWS = """
    CREATE TABLE signals.rule_set_shadow (
        pilot_id text NOT NULL,
        proposal_id uuid NOT NULL,
        period text NOT NULL,
        counted_at timestamptz NOT NULL,
        counts jsonb,
        PRIMARY KEY (pilot_id, proposal_id, period)
    )
"""
SHADOWING = f"privacy.pilot_asked_for(ARRAY['rule-set-shadow'], {FACTS})"
# Who it is, the event says, which was committed before; the name and the hash too.
WHO = """SELECT e.body ->> 'actor' INTO who FROM privacy.event e
      WHERE e.pilot_id = p AND e.event_id = scope.event_id;"""
PROPOSING_FUNCTIONS = (
    f"""
    CREATE FUNCTION gate.propose_rule_set(p_text text) RETURNS void {CHANGES} AS $$
    DECLARE
      p text := {PROPOSING};
      scope privacy.access_scope := privacy.scope();
      who text;
    BEGIN
      IF p IS NULL OR scope.asks ->> 'sent' IS DISTINCT FROM encode(sha256(convert_to(p_text, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'no event in scope names this rule set' USING ERRCODE = 'insufficient_privilege';
      END IF;
      {WHO}
      INSERT INTO registry.rule_set_proposal (pilot_id, proposal_id, rule_set, hash, text, proposed_by)
      VALUES (p, (scope.asks ->> 'proposal')::uuid, scope.asks ->> 'rule_set', decode(scope.asks ->> 'hash', 'hex'),
              p_text, who);
    END $$
    """,
    f"""
    CREATE FUNCTION gate.rule_set_shadow() RETURNS TABLE (period text, counts jsonb) {LOOKS} AS $$
    DECLARE
      scope privacy.access_scope := privacy.scope();
      p text := CASE WHEN scope.level >= {FACTS} AND scope.asks ->> 'ask' = 'rule-set-shadow' THEN scope.pilot_id END;
      asked uuid := (scope.asks ->> 'proposal')::uuid;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT s.period, s.counts FROM signals.rule_set_shadow s
        WHERE s.pilot_id = p AND s.proposal_id = asked AND s.counts IS NOT NULL ORDER BY s.period;
    END $$
    """,
    # Leaves the activation for the linker, or says why not.
    f"""
    CREATE FUNCTION gate.activate_rule_set(p_version integer, p_jws text) RETURNS text {CHANGES} AS $$
    DECLARE
      p text := {ACTIVATING};
      scope privacy.access_scope := privacy.scope();
      asked uuid := (scope.asks ->> 'proposal')::uuid;
      who text;
      proposer text;
    BEGIN
      IF p IS NULL OR scope.asks ->> 'sent' IS DISTINCT FROM encode(sha256(convert_to(p_jws, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'no event in scope names this activation' USING ERRCODE = 'insufficient_privilege';
      END IF;
      {WHO}
      SELECT r.proposed_by INTO proposer FROM registry.rule_set_proposal r
      WHERE r.pilot_id = p AND r.proposal_id = asked AND r.state = 'proposed' FOR UPDATE;
      IF NOT FOUND THEN RETURN 'no-such-proposal'; END IF;
      IF proposer = who THEN RETURN 'same-person'; END IF;
      UPDATE registry.rule_set_proposal r
      SET state = 'activating', activated_at = clock_timestamp(), activated_by = who, version = p_version, jws = p_jws
      WHERE r.pilot_id = p AND r.proposal_id = asked;
      RETURN NULL;
    END $$
    """,
)
# The registry is the owner's: the linker changes of it just this, and only what two persons of the municipality want.
ACTIVATE = """
    CREATE FUNCTION registry.activate_rule_set(p_pilot text, p_proposal uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      asked registry.rule_set_proposal;
    BEGIN
      SELECT * INTO asked FROM registry.rule_set_proposal r
      WHERE r.pilot_id = p_pilot AND r.proposal_id = p_proposal AND r.state = 'activating' FOR UPDATE;
      IF NOT FOUND OR (asked.activated_by <> asked.proposed_by) IS NOT TRUE THEN
        RAISE EXCEPTION 'nobody else activated this' USING ERRCODE = 'insufficient_privilege';
      END IF;
      INSERT INTO registry.rule_set (rule_set, text, hash) VALUES (asked.rule_set, asked.text, asked.hash)
      ON CONFLICT (rule_set) DO NOTHING;
      IF NOT EXISTS (SELECT FROM registry.rule_set s WHERE s.rule_set = asked.rule_set AND s.hash = asked.hash) THEN
        RAISE EXCEPTION 'another rule set has this name' USING ERRCODE = 'unique_violation';
      END IF;
      INSERT INTO registry.signed_document (pilot_id, version, jws) VALUES (p_pilot, asked.version, asked.jws);
      UPDATE registry.pilot
      SET document = jsonb_set(document, '{rule_set}', to_jsonb(asked.rule_set)), applied_at = now()
      WHERE pilot_id = p_pilot;
      UPDATE registry.rule_set_proposal r SET state = 'activated'
      WHERE r.pilot_id = p_pilot AND r.proposal_id = p_proposal;
    END $$
"""
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
    "gate.rule_set_shadow()": ("reader",),
    "gate.propose_rule_set(text)": ("recorder",),
    "gate.activate_rule_set(integer, text)": ("recorder",),
}
GRANTS = (
    "INSERT (pilot_id, backtest_id, candidate, against, periods) ON signals.backtest",
    "SELECT (pilot_id, backtest_id, state) ON signals.backtest",
    "SELECT ON signals.backtest_result",
    "SELECT (pilot_id, proposal_id, period, counts) ON signals.rule_set_shadow",
    "INSERT (pilot_id, proposal_id, rule_set, hash, text, proposed_by) ON registry.rule_set_proposal",
    "SELECT (pilot_id, proposal_id, state, proposed_by) ON registry.rule_set_proposal",
    "UPDATE (state, activated_at, activated_by, version, jws) ON registry.rule_set_proposal",
)
# table, name, command, rows
POLICIES = (
    ("signals.backtest", "asking", "INSERT", f"pilot_id = {ASKING}"),
    ("signals.backtest", "state", "SELECT", "true"),  # three columns without a person in them, see GRANTS
    ("signals.backtest_result", "showing", "SELECT", f"pilot_id = {SHOWING}"),
    ("signals.rule_set_shadow", "showing", "SELECT", f"pilot_id = {SHADOWING}"),
    ("registry.rule_set_proposal", "proposing", "INSERT", f"pilot_id = {PROPOSING} AND state = 'proposed'"),
    ("registry.rule_set_proposal", "activating", "SELECT", f"pilot_id = {ACTIVATING}"),
    ("registry.rule_set_proposal", "activating", "UPDATE", f"pilot_id = {ACTIVATING}"),
)
LINKERS = ("signals.backtest", "signals.backtest_result", "signals.rule_set_shadow", "registry.rule_set_proposal")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in (*TABLES, PROPOSALS, SHADOWS):
        op.execute(statement)
    op.execute("GRANT SELECT, UPDATE, DELETE, MAINTAIN ON signals.backtest TO vroegsein_linker")
    op.execute("GRANT SELECT, INSERT, DELETE, MAINTAIN ON signals.backtest_result TO vroegsein_linker")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON signals.rule_set_shadow TO vroegsein_linker")
    for table in LINKERS:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)")
    # A failed or forgotten proposal the linker takes away; what it activates goes by the function alone.
    op.execute("GRANT SELECT, DELETE, UPDATE (state) ON registry.rule_set_proposal TO vroegsein_linker")
    op.execute("GRANT SELECT ON registry.rule_set_proposal TO vroegsein_opener")
    op.execute("CREATE POLICY opener_select ON registry.rule_set_proposal FOR SELECT TO vroegsein_opener USING (true)")
    op.execute("CREATE POLICY owner_all ON registry.rule_set_proposal TO CURRENT_USER USING (true)")
    op.execute(ACTIVATE)
    op.execute("REVOKE ALL ON FUNCTION registry.activate_rule_set(text, uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION registry.activate_rule_set(text, uuid) TO vroegsein_linker")
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO vroegsein_gate")
    for table, name, command, rows in POLICIES:
        clause = "WITH CHECK" if command == "INSERT" else "USING"
        op.execute(
            f"CREATE POLICY {name}_{command.lower()} ON {table} FOR {command} TO vroegsein_gate {clause} ({rows})"
        )
    create_functions((*FUNCTIONS, *PROPOSING_FUNCTIONS), CALLERS)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
