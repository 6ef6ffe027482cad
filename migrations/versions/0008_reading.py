"""Reading under an access event: functions only, in a schema of their own, owned by a role that nobody logs in as.

A login that may read a table can have PostgreSQL run a cheap comparison of its own before the policies, and count by
buffers or by a clock what fits. So reader, recorder and auditor may name no table at all. A function takes what it
reads by from the event, and returns at once where none is in scope. It runs as `vroegsein_gate`, which sees what this
migration grants and, by the policies, no row outside the scope: a mistake in a function shows nothing more.
docs/decisions/0017. Phase: contract.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROLE = (
    f"""
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{GATE}') THEN
        CREATE ROLE {GATE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
      END IF;
    END $$
    """,
    # Functions are made as this role, so that they are its own.
    f"GRANT {GATE} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE",
    "CREATE SCHEMA gate",
    f"GRANT USAGE ON SCHEMA gate TO {GATE}, vroegsein_reader, vroegsein_recorder, vroegsein_auditor",
    f"GRANT USAGE ON SCHEMA intake, signals, privacy TO {GATE}",
)

# By the keys whatever the session sets: rows that were read on the way would tell how many there are, of all pilots.
BY_KEYS = "SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on"
MAKES = f"LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp {BY_KEYS}"
FUNCTIONS = (
    """
    CREATE FUNCTION gate.enter_scope(p_pilot text, p_event uuid) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      EXECUTE format('SET LOCAL g.pilot = %L', p_pilot);
      EXECUTE format('SET LOCAL g.event = %L', p_event);
    END $$
    """,
    # The signals that the event named: a page's, or the one that was asked for. Above its level columns are empty.
    f"""
    CREATE FUNCTION gate.signals() RETURNS TABLE (
        signal_id uuid, household_id uuid, period text, tray text, rules text[], urgent boolean, priority integer,
        received_on date, deadline date, categories text[], creditors integer, rule_set text, amount_euros integer,
        months integer, district text, explanation jsonb)
    {MAKES} AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.level < 1 THEN RETURN; END IF;
      -- Households are looked up as a whole, or the policies' functions would be called for each row.
      RETURN QUERY
        WITH c AS MATERIALIZED (
          SELECT t.signal_id, t.categories, t.creditors FROM signals.signal_categories t
          WHERE t.pilot_id = scope.pilot_id AND t.household_id = ANY (scope.households) AND scope.level >= 2
        ), f AS MATERIALIZED (
          SELECT t.signal_id, t.rule_set, t.amount_euros, t.months, t.district, t.explanation
          FROM signals.signal_facts t
          WHERE t.pilot_id = scope.pilot_id AND t.household_id = ANY (scope.households) AND scope.level >= 3
        )
        SELECT s.signal_id, s.household_id, s.period, s.tray, s.rules, s.urgent, s.priority, s.received_on, s.deadline,
               c.categories, c.creditors, f.rule_set, f.amount_euros, f.months, replace(f.district::text, '-', ''),
               f.explanation
        FROM signals.signal s
        LEFT JOIN c ON c.signal_id = s.signal_id
        LEFT JOIN f ON f.signal_id = s.signal_id
        WHERE s.pilot_id = scope.pilot_id AND s.signal_id = ANY (scope.signals)
          AND s.household_id = ANY (scope.households)
        ORDER BY NOT s.urgent, s.deadline, -s.priority, s.signal_id;
    END $$
    """,
    # Where the page of the event ended, if it was full: by that, and not by what is left of it, the next one is found.
    f"""
    CREATE FUNCTION gate.next_place() RETURNS jsonb {MAKES} AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN RETURN CASE WHEN scope.level >= 1 THEN scope.next END; END $$
    """,
    # The reports behind the one signal that was asked for, up to its month, newest first.
    f"""
    CREATE FUNCTION gate.reports() RETURNS TABLE (
        report_id uuid, creditor_id text, period text, kind text, category text, amount_euros integer, months integer,
        arrears_since date, since_derived boolean, reported_on date, social_collection jsonb, urgent text[],
        sent text, wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text, key_envelope bytea)
    {MAKES} AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.level < 3 OR scope.asks ->> 'ask' IS DISTINCT FROM 'signal' THEN
        RETURN;
      END IF;
      RETURN QUERY
        WITH x AS MATERIALIZED (
          SELECT t.report_id, t.sent, t.wrapped_key, t.contact, t.part, t.proof FROM signals.sealed_report t
          WHERE t.pilot_id = scope.pilot_id AND t.household_id = ANY (scope.households) AND scope.level >= 4
        )
        SELECT r.report_id, r.creditor_id, r.period, r.kind, r.category, r.amount_euros, r.months, r.arrears_since,
               r.since_derived, r.reported_on, r.social_collection, r.urgent,
               x.sent, x.wrapped_key, x.contact, x.part, x.proof, d.manifest, d.key_envelope
        FROM signals.signal s
        JOIN signals.report r
          ON r.pilot_id = scope.pilot_id AND r.household_id = s.household_id AND r.period <= s.period
        LEFT JOIN x ON x.report_id = r.report_id
        LEFT JOIN intake.delivery d
          ON d.pilot_id = scope.pilot_id AND d.delivery_id = r.delivery_id AND scope.level >= 4
        WHERE s.pilot_id = scope.pilot_id AND s.signal_id = ANY (scope.signals)
          AND s.household_id = ANY (scope.households)
        ORDER BY r.period DESC, r.creditor_id, r.report_id;
    END $$
    """,
    # The one change of basis that the event named, for the linker. What is done must be what was asked for.
    """
    CREATE FUNCTION gate.leave_change(p_body jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.asks ->> 'change' IS NULL
          OR p_body ->> 'kind' IS DISTINCT FROM scope.asks ->> 'ask' THEN
        RAISE EXCEPTION 'no event in scope names this change' USING ERRCODE = 'insufficient_privilege';
      END IF;
      INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body)
      VALUES (scope.pilot_id, (scope.asks ->> 'change')::uuid, p_body ->> 'kind', p_body);
    END $$
    """,
    # Whether a change was carried out: for who knows its id, because it outlasts the event. Nothing of a resident.
    f"""
    CREATE FUNCTION gate.change_state(p_pilot text, p_change uuid) RETURNS TABLE (done boolean, outcome text)
    {MAKES} AS $$
    BEGIN
      RETURN QUERY SELECT b.done_at IS NOT NULL, b.outcome FROM privacy.basis_change b
        WHERE b.pilot_id = p_pilot AND b.change_id = p_change;
    END $$
    """,
    f"""
    CREATE FUNCTION gate.objections() RETURNS TABLE (
        objection_id uuid, kind text, state text, category text, creditor_id text, since date, decided_on date,
        sealed text)
    {MAKES} AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.asks ->> 'ask' IS DISTINCT FROM 'objections' THEN RETURN; END IF;
      RETURN QUERY
        SELECT o.objection_id, o.kind, o.state, o.category, o.creditor_id, o.since, o.decided_on,
               encode(o.sealed, 'hex')
        FROM privacy.objection o WHERE o.pilot_id = scope.pilot_id AND o.state = scope.asks ->> 'state'
        ORDER BY o.recorded_at, o.objection_id LIMIT 500;
    END $$
    """,
    # The tree's head, and whether it holds the look in scope, and so all that was committed before it.
    f"""
    CREATE FUNCTION gate.log_head() RETURNS TABLE (
        tree_size bigint, root text, sealed_at timestamptz, holds_this_look boolean)
    {MAKES} AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.asks ->> 'ask' IS DISTINCT FROM 'log' OR scope.role <> 'privacy-officer' THEN
        RETURN;
      END IF;
      RETURN QUERY
        SELECT h.tree_size, encode(h.root, 'hex'), h.sealed_at, EXISTS (
            SELECT FROM privacy.log_leaf l
            WHERE l.pilot_id = scope.pilot_id AND l.event_id = scope.event_id AND l.leaf_index < h.tree_size)
        FROM privacy.log_head h WHERE h.pilot_id = scope.pilot_id;
    END $$
    """,
    # The sealed events behind the leaf that the event named, in the order of the tree.
    f"""
    CREATE FUNCTION gate.log_events() RETURNS TABLE (
        leaf_index bigint, kind text, keep_until date, commitment text, leaf_hash text, salt text, body jsonb)
    {MAKES} AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.asks ->> 'ask' IS DISTINCT FROM 'log' OR scope.role <> 'privacy-officer' THEN
        RETURN;
      END IF;
      RETURN QUERY
        SELECT l.leaf_index, l.kind, l.keep_until, encode(l.commitment, 'hex'), encode(l.leaf_hash, 'hex'),
               encode(e.salt, 'hex'), e.body
        FROM privacy.log_leaf l
        LEFT JOIN privacy.event e ON e.pilot_id = scope.pilot_id AND e.event_id = l.event_id
        WHERE l.pilot_id = scope.pilot_id AND l.leaf_index > coalesce((scope.asks ->> 'after')::bigint, -1)
        ORDER BY l.leaf_index LIMIT least(coalesce((scope.asks ->> 'limit')::integer, 1000), 1000);
    END $$
    """,
)

# Which of the functions each login may call.
EXECUTE = {
    "gate.enter_scope(text, uuid)": ("reader", "recorder", "auditor"),
    "gate.signals()": ("reader",),
    "gate.next_place()": ("reader",),
    "gate.reports()": ("reader",),
    "gate.leave_change(jsonb)": ("recorder",),
    "gate.change_state(text, uuid)": ("recorder",),
    "gate.objections()": ("recorder",),
    "gate.log_head()": ("auditor",),
    "gate.log_events()": ("auditor",),
}

# What the functions need, and no more: no match key, no reference, no address.
GRANTS = (
    "EXECUTE ON FUNCTION privacy.scope(), privacy.pilot_in_scope(), privacy.households_in_scope(integer)",
    "SELECT ON signals.signal, signals.signal_categories, signals.signal_facts, signals.sealed_report",
    (
        "SELECT (pilot_id, report_id, household_id, creditor_id, delivery_id, period, kind, category, amount_euros,"
        " months, arrears_since, since_derived, reported_on, social_collection, urgent) ON signals.report"
    ),
    "SELECT (pilot_id, delivery_id, manifest, key_envelope) ON intake.delivery",
    "INSERT (pilot_id, change_id, kind, body) ON privacy.basis_change",
    "SELECT (pilot_id, change_id, done_at, outcome) ON privacy.basis_change",
    "SELECT ON privacy.objection, privacy.event, privacy.log_leaf, privacy.log_head",
)

# table, what may be done, with which rows (always bare function calls: Citus takes no subselect in a policy)
IN_SCOPE = "pilot_id = privacy.pilot_in_scope()"
HOUSEHOLD = IN_SCOPE + " AND household_id = ANY (privacy.households_in_scope({level}))"
POLICIES = (
    ("signals.signal", "SELECT", HOUSEHOLD.format(level=1)),
    ("signals.signal_categories", "SELECT", HOUSEHOLD.format(level=2)),
    ("signals.signal_facts", "SELECT", HOUSEHOLD.format(level=3)),
    ("signals.report", "SELECT", HOUSEHOLD.format(level=3)),
    ("signals.sealed_report", "SELECT", HOUSEHOLD.format(level=4)),
    ("intake.delivery", "SELECT", IN_SCOPE),
    ("privacy.basis_change", "INSERT", IN_SCOPE + " AND creditor_id IS NULL"),
    ("privacy.basis_change", "SELECT", "true"),  # four columns without a person in them, see GRANTS
    ("privacy.objection", "SELECT", IN_SCOPE),
    ("privacy.event", "SELECT", IN_SCOPE),
    ("privacy.log_leaf", "SELECT", IN_SCOPE),
    ("privacy.log_head", "SELECT", IN_SCOPE),
)


def upgrade() -> None:
    for statement in ROLE:
        op.execute(statement)
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO {GATE}")
    for table, command, rows in POLICIES:
        clause = f"WITH CHECK ({rows})" if command == "INSERT" else f"USING ({rows})"
        op.execute(f"CREATE POLICY gate_{command.lower()} ON {table} FOR {command} TO {GATE} {clause}")
    create_functions(FUNCTIONS, EXECUTE)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
