"""What is sealed to a municipality, and what stands under its pilot key, is read and replaced in bulk. Phase: expand.

For a desk that replaces its own key (sealings: delivery keys, who consented or objected) or the pilot key (re-keying:
reports, and the match keys of consents, nos and listings). The functions work inside an access event that was opened
for just that, in its pilot alone. They belong to `vroegsein_gate` (0008), and the policies keep them to it once more.
"""

from alembic import op

from migrations.gate import create_functions

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOST = 500  # in one page, whatever is asked for
CONTACT = 4  # the level from which details are disclosed
RESEAL, REKEY = "ARRAY['sealings', 'replace-sealings']", "ARRAY['rekey', 'stage-rekeying']"
RESEALING, REKEYING = f"privacy.pilot_asked_for({RESEAL}, 0)", f"privacy.pilot_asked_for({REKEY}, {CONTACT})"

# table, its id, its column with what is sealed, kind, what the desk needs to open it
SEALED = (
    ("intake.delivery", "delivery_id", "key_envelope", "'delivery'", "NULL::text, x.manifest"),
    ("privacy.consent", "consent_id", "sealed", "'consent'", "x.category, NULL::text"),
    ("privacy.objection", "objection_id", "sealed", "'objection'", "NULL::text, NULL::text"),
    ("privacy.known_client", "client_id", "sealed", "'known-client'", "NULL::text, NULL::text"),
)
PAGES = " UNION ALL ".join(
    f"(SELECT x.{key}, {kind}::text, x.{column}, {known} FROM {table} x"
    f" WHERE x.pilot_id = p AND x.{key} > p_behind AND x.{column} IS NOT NULL ORDER BY x.{key} LIMIT page)"
    for table, key, column, kind, known in SEALED
)
# Of another length: not sealed as this was, and what stands is worth more.
REPLACED = "".join(
    f"""
      UPDATE {table} x SET {column} = n.sealed FROM unnest(p_ids, p_sealed) AS n (id, sealed)
      WHERE x.pilot_id = p AND x.{key} = n.id AND octet_length(x.{column}) = octet_length(n.sealed);
      GET DIAGNOSTICS done = ROW_COUNT;
      replaced := replaced + done;
    """
    for table, key, column, _kind, _known in SEALED
)
SECURITY = "LANGUAGE plpgsql {volatility} SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
LOOKS, CHANGES = SECURITY.format(volatility="STABLE"), SECURITY.format(volatility="VOLATILE")

TABLES = (
    # Match keys of a new epoch that wait until all of a pilot's are there; none: the desk could not open that report.
    """
    CREATE TABLE privacy.rekeyed_node (
        pilot_id text NOT NULL,
        node_id uuid NOT NULL,
        keys jsonb,
        staged_on date NOT NULL DEFAULT (now() AT TIME ZONE 'Europe/Amsterdam')::date,
        PRIMARY KEY (pilot_id, node_id)
    )""",
    "ALTER TABLE intake.part ADD COLUMN epoch integer",  # of the match keys in it; none where no line was taken
    # A contract's reference, which is under its creditor's own secret and of no epoch.
    "ALTER TABLE privacy.objection_key ADD COLUMN of_contract boolean NOT NULL DEFAULT false",
)
ASKED_FOR = f"""
    CREATE FUNCTION privacy.pilot_asked_for(p_asks text[], p_level integer) RETURNS text {LOOKS} COST 1000 AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      RETURN CASE WHEN scope.level >= p_level AND scope.asks ->> 'ask' = ANY (p_asks) THEN scope.pilot_id END;
    END $$
"""
FUNCTIONS = (
    f"""
    CREATE FUNCTION gate.sealed_to_municipality(p_behind uuid, p_limit integer)
    RETURNS TABLE (sealing_id uuid, kind text, sealed bytea, category text, manifest text) {LOOKS} AS $$
    DECLARE
      p text := {RESEALING};
      page integer := least(p_limit, {MOST});
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT * FROM ({PAGES}) AS found ORDER BY 1 LIMIT page;
    END $$
    """,
    f"""
    CREATE FUNCTION gate.replace_sealed(p_ids uuid[], p_sealed bytea[]) RETURNS integer {CHANGES} AS $$
    DECLARE
      p text := {RESEALING};
      done integer;
      replaced integer := 0;
    BEGIN
      IF p IS NULL THEN RETURN 0; END IF;
      {REPLACED}
      RETURN replaced;
    END $$
    """,
    f"""
    CREATE FUNCTION gate.may_rekey() RETURNS boolean {LOOKS} AS $$
    BEGIN RETURN {REKEYING} IS NOT NULL; END $$
    """,
    f"""
    CREATE FUNCTION gate.reports_to_rekey(p_epoch integer, p_behind uuid, p_limit integer)
    RETURNS TABLE (report_id uuid, creditor_id text, period text, kind text, category text, amount_euros integer,
                   months integer, arrears_since date, since_derived boolean, reported_on date, social_collection jsonb,
                   urgent text[], sent text, wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text,
                   key_envelope bytea) {LOOKS} AS $$
    DECLARE
      p text := {REKEYING};
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
      SELECT r.report_id, r.creditor_id, r.period, r.kind, r.category, r.amount_euros, r.months, r.arrears_since,
             r.since_derived, r.reported_on, r.social_collection, r.urgent, s.sent, s.wrapped_key, s.contact, s.part,
             s.proof, d.manifest, d.key_envelope
      FROM signals.report r
      LEFT JOIN signals.sealed_report s ON s.pilot_id = r.pilot_id AND s.report_id = r.report_id
      LEFT JOIN intake.delivery d ON d.pilot_id = r.pilot_id AND d.delivery_id = r.delivery_id
      WHERE r.pilot_id = p AND r.report_id > p_behind AND r.state IN ('live', 'paused')
        AND (s.sent::jsonb #>> '{{keys,epoch}}')::integer IS DISTINCT FROM p_epoch
      ORDER BY r.report_id LIMIT least(p_limit, {MOST});
    END $$
    """,
    # The desk's own delivery, with what it sealed anew under another pilot key; the linker takes it up as a whole.
    f"""
    CREATE FUNCTION gate.stage_rekeying(
        p_rekeying uuid, p_period text, p_hash bytea, p_manifest text, p_envelope bytea, p_reports jsonb, p_nodes jsonb)
    RETURNS void {CHANGES} AS $$
    DECLARE
      p text := {REKEYING};
      municipality text;
    BEGIN
      IF p IS NULL THEN RAISE EXCEPTION 'no such access event' USING ERRCODE = 'insufficient_privilege'; END IF;
      SELECT municipality_id INTO municipality FROM registry.pilot WHERE pilot_id = p;
      INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count, content_hash,
                                   opened_at, manifest, key_envelope)
      VALUES (p, p_rekeying, municipality, p_period, 'other', jsonb_array_length(p_reports), p_hash, clock_timestamp(),
              p_manifest, p_envelope)
      ON CONFLICT (pilot_id, creditor_id, period, category, content_hash) DO NOTHING;
      IF NOT FOUND THEN RETURN; END IF;  -- the same once more
      INSERT INTO intake.staged_report
        (pilot_id, delivery_id, part, line, report_id, sent, wrapped_key, contact, proof, leaf)
      SELECT p, p_rekeying, 1, n.line, (n.r ->> 'reportId')::uuid, n.r ->> 'sent',
             decode(n.r ->> 'wrappedKey', 'base64'), decode(n.r ->> 'contact', 'base64'),
             decode(n.r ->> 'proof', 'base64'), ''::bytea  -- no receipt is given for it
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS n (r, line);
      INSERT INTO privacy.rekeyed_node (pilot_id, node_id, keys)
      SELECT DISTINCT ON (1, 2) p, (n.r ->> 'nodeId')::uuid, nullif(n.r -> 'keys', 'null')
      FROM jsonb_array_elements(p_nodes) AS n (r)
      ON CONFLICT (pilot_id, node_id) DO UPDATE SET keys = excluded.keys, staged_on = excluded.staged_on;
    END $$
    """,
)
RECORDERS = (
    "gate.sealed_to_municipality(uuid, integer)",
    "gate.replace_sealed(uuid[], bytea[])",
    "gate.may_rekey()",
    "gate.reports_to_rekey(integer, uuid, integer)",
    "gate.stage_rekeying(uuid, text, bytea, text, bytea, jsonb, jsonb)",
)
GRANTS = (
    "EXECUTE ON FUNCTION privacy.pilot_asked_for(text[], integer)",
    *(f"UPDATE ({column}) ON {table}" for table, _key, column, *_rest in SEALED),
    (
        "SELECT (creditor_id, period, category, content_hash),"
        " INSERT (pilot_id, delivery_id, creditor_id, period, category, expected_count, content_hash, opened_at,"
        " manifest, key_envelope) ON intake.delivery"
    ),
    (
        "INSERT (pilot_id, delivery_id, part, line, report_id, sent, wrapped_key, contact, proof, leaf)"
        " ON intake.staged_report"
    ),
    "SELECT, INSERT, UPDATE ON privacy.rekeyed_node",
)
# table, name, command, rows
POLICIES = (
    *((table, "resealing", command, RESEALING) for table, *_ in SEALED for command in ("SELECT", "UPDATE")),
    *(
        (table, "rekeying", "SELECT", REKEYING)
        for table in ("signals.report", "signals.sealed_report", "intake.delivery")
    ),
    ("intake.delivery", "rekeying", "INSERT", REKEYING),
    *(("privacy.rekeyed_node", "rekeying", command, REKEYING) for command in ("SELECT", "INSERT", "UPDATE")),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in (*TABLES, ASKED_FOR):
        op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION privacy.pilot_asked_for(text[], integer) FROM PUBLIC")
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO vroegsein_gate")
    create_functions(FUNCTIONS, dict.fromkeys(RECORDERS, ("recorder",)))
    op.execute("GRANT SELECT, DELETE, MAINTAIN ON privacy.rekeyed_node TO vroegsein_linker")
    op.execute("ALTER TABLE privacy.rekeyed_node ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE privacy.rekeyed_node FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY linker_all ON privacy.rekeyed_node TO vroegsein_linker USING (true)")
    for table, name, command, pilot in POLICIES:
        clause = "WITH CHECK" if command == "INSERT" else "USING"
        op.execute(
            f"CREATE POLICY {name}_{command.lower()} ON {table} FOR {command} TO vroegsein_gate"
            f" {clause} (pilot_id = {pilot})"
        )


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
