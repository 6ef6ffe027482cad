"""People's decisions on doubtful links, and the doubts whose answer would change a signal. Phase: expand.

A decision names contracts, in one group (one person's) or two (two persons'). The linker keeps the tables; a desk
reads doubts by functions, inside an access event that names the reports of the one that it opens.
"""

from alembic import op

from migrations.gate import create_functions

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    # `actor`: the desk's pseudonym of who decided; `why`: one of a closed list (signals/consents.py).
    """
    CREATE TABLE privacy.link_decision (
        pilot_id text NOT NULL,
        decision_id uuid NOT NULL,
        decided_at timestamptz NOT NULL,
        actor text NOT NULL,
        why text NOT NULL,
        PRIMARY KEY (pilot_id, decision_id)
    )""",
    """
    CREATE TABLE privacy.link_decision_contract (
        pilot_id text NOT NULL,
        decision_id uuid NOT NULL,
        side smallint NOT NULL CHECK (side IN (1, 2)),
        creditor_id text NOT NULL,
        reference uuid NOT NULL,
        PRIMARY KEY (pilot_id, decision_id, creditor_id, reference)
    )""",
    "CREATE INDEX link_decision_contract_of ON privacy.link_decision_contract (pilot_id, creditor_id, reference)",
    """
    ALTER TABLE privacy.link_decision_contract ADD FOREIGN KEY (pilot_id, decision_id)
        REFERENCES privacy.link_decision (pilot_id, decision_id)
    """,
)
QUEUE = (
    # Households whose links or signals changed; null: all. The linker looks for doubts among them when it has time.
    """
    CREATE TABLE signals.review_due (
        pilot_id text NOT NULL,
        run_id uuid NOT NULL,
        households uuid[],
        PRIMARY KEY (pilot_id, run_id)
    )""",
    # The newest month with signals: what was found in it and in the month before is still worked on.
    """
    CREATE TABLE signals.review (
        pilot_id text PRIMARY KEY,
        newest text NOT NULL
    )""",
    # `one` and `other`: a report of each contract. `linked`: they are one person's now, and the doubt is whether they
    # should be. `state`: waiting until the effect of the other answer is known; then asked, or nothing would change.
    # `households`: where it could change something; `newest`: the newest month in which it would; `changes`: what.
    """
    CREATE TABLE signals.doubt (
        pilot_id text NOT NULL,
        doubt_id uuid NOT NULL,
        kind text NOT NULL,
        linked boolean NOT NULL,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'asked', 'nothing')),
        one uuid[] NOT NULL,
        other uuid[] NOT NULL,
        households uuid[] NOT NULL,
        newest text NOT NULL,
        changes jsonb NOT NULL DEFAULT '[]',
        PRIMARY KEY (pilot_id, doubt_id)
    )""",
)
# The planner's samples would keep ids until it looks again; it needs none of these columns.
UNSAMPLED = (
    "ALTER TABLE signals.review_due ALTER COLUMN households SET STATISTICS 0",
    *(f"ALTER TABLE signals.doubt ALTER COLUMN {column} SET STATISTICS 0" for column in ("one", "other", "households")),
)
LINKERS = (
    *("privacy.link_decision", "privacy.link_decision_contract"),
    *("signals.review_due", "signals.review", "signals.doubt"),
)

CONTACT = 4  # the disclosure level, as in privacy.open_event
FACTS = 3
PAGE = 50  # doubts in one list
MOST_NAMED = 400  # reports in one decision

# A list names the reports of all its doubts, though it shows none of them; an opened doubt, and a decision, its own.
OPEN = f"""
    CREATE FUNCTION privacy.open_link_event(
        p_pilot text, p_organisation text, p_role text, p_actor text, p_purpose text, p_asks jsonb,
        OUT event_id uuid, OUT refused text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      purpose jsonb;
      since text;
      found_doubts uuid[] := '{{}}';
      found_reports uuid[] := '{{}}';
      told jsonb := '{{}}';
    BEGIN
      SELECT p.document -> 'purposes' -> p_purpose INTO purpose FROM registry.pilot p
      WHERE p.pilot_id = p_pilot AND p.municipality_id = p_organisation;
      IF coalesce(purpose -> 'roles' ? p_role, false) THEN  -- else open_event refuses, and nothing is looked up
        IF array_position(ARRAY['none', 'index', 'categories', 'facts', 'contact'], purpose ->> 'level') - 1 < {CONTACT}
           OR p_role <> 'debt-help' THEN
          refused := 'purpose-discloses-less';
        ELSIF p_asks ->> 'ask' = 'link-decision' THEN
          SELECT coalesce(array_agg(DISTINCT named.report_id), '{{}}') INTO found_reports FROM (
            SELECT n.id::uuid AS report_id FROM jsonb_array_elements_text(p_asks -> 'reports') AS n (id)
            LIMIT {MOST_NAMED}) AS named
          WHERE EXISTS (SELECT FROM signals.report_key k WHERE k.pilot_id = p_pilot AND k.report_id = named.report_id);
          IF found_reports = '{{}}' THEN refused := 'no-such-report'; END IF;
        END IF;
        IF refused IS NOT NULL THEN
          PERFORM privacy.write_event(p_pilot, gen_random_uuid(), 'refusal',
            jsonb_build_object('organisation', p_organisation, 'role', p_role, 'actor', p_actor, 'purpose', p_purpose,
              'basis', purpose ->> 'basis', 'level', purpose ->> 'level', 'asks', p_asks, 'households', '[]'::jsonb,
              'refused', refused));
          RETURN;
        END IF;
        SELECT to_char(to_date(r.newest, 'YYYY-MM') - interval '1 month', 'YYYY-MM') INTO since
        FROM signals.review r WHERE r.pilot_id = p_pilot;
        IF p_asks ->> 'ask' = 'link-doubts' THEN
          SELECT jsonb_build_object('asked', count(*) FILTER (WHERE d.state = 'asked' AND d.newest >= since),
                                    'waiting', count(*) FILTER (WHERE d.state = 'waiting'),
                                    'due', (SELECT count(*) FROM signals.review_due n WHERE n.pilot_id = p_pilot))
          INTO told FROM signals.doubt d WHERE d.pilot_id = p_pilot;
          SELECT coalesce(array_agg(page.doubt_id), '{{}}') INTO found_doubts FROM (
            SELECT d.doubt_id FROM signals.doubt d
            WHERE d.pilot_id = p_pilot AND d.state = 'asked' AND d.newest >= since
            ORDER BY d.newest DESC, d.doubt_id LIMIT {PAGE}) AS page;
        ELSIF p_asks ->> 'ask' = 'link-doubt' THEN
          SELECT coalesce(array_agg(d.doubt_id), '{{}}') INTO found_doubts FROM signals.doubt d
          WHERE d.pilot_id = p_pilot AND d.doubt_id = (p_asks ->> 'doubt')::uuid AND d.state = 'asked';
        END IF;
        IF found_doubts <> '{{}}' THEN
          SELECT coalesce(array_agg(DISTINCT named.id), '{{}}') INTO found_reports
          FROM signals.doubt d CROSS JOIN LATERAL unnest(d.one || d.other) AS named (id)
          WHERE d.pilot_id = p_pilot AND d.doubt_id = ANY (found_doubts);
        END IF;
      END IF;
      SELECT o.event_id, o.refused INTO event_id, refused
      FROM privacy.open_event(p_pilot, p_organisation, p_role, p_actor, p_purpose, p_asks || told
        || jsonb_build_object('reports', found_reports)) AS o;
      IF event_id IS NOT NULL THEN
        UPDATE privacy.access_scope s
        SET statements = found_doubts,
            reports = CASE WHEN p_asks ->> 'ask' = 'link-doubts' THEN '{{}}' ELSE found_reports END
        WHERE s.pilot_id = p_pilot AND s.event_id = open_link_event.event_id;
      END IF;
    END $$
"""
BY_KEYS = "SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on"
MAKES = f"LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp {BY_KEYS}"
# One look-up of the event, as in 0008: without one, nothing else is touched.
SCOPED = """scope privacy.access_scope := privacy.scope();
      p text := CASE WHEN scope.level >= {level} AND scope.asks ->> 'ask' = ANY ('{{{asks}}}')
                     THEN scope.pilot_id END;"""
DOUBTS = SCOPED.format(level=CONTACT, asks="link-doubts,link-doubt")
SIDES = SCOPED.format(level=CONTACT, asks="link-doubt")
MARKED = SCOPED.format(level=FACTS, asks="signal")
RESIDENT = SCOPED.format(level=CONTACT, asks="resident")
FUNCTIONS = (
    # The doubts that the event named.
    f"""
    CREATE FUNCTION gate.link_doubts() RETURNS TABLE (
        doubt_id uuid, kind text, linked boolean, period text, changes jsonb, one uuid[], other uuid[]) {MAKES} AS $$
    DECLARE
      {DOUBTS}
      named uuid[] := scope.statements;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
        SELECT d.doubt_id, d.kind, d.linked, d.newest, d.changes, d.one, d.other FROM signals.doubt d
        WHERE d.pilot_id = p AND d.doubt_id = ANY (named) ORDER BY d.newest DESC, d.doubt_id;
    END $$
    """,
    # How many there are in all, and how much is still to be looked at, when the event was opened.
    f"""
    CREATE FUNCTION gate.link_doubts_counted() RETURNS TABLE (asked integer, waiting integer, due integer) {MAKES} AS $$
    DECLARE
      {DOUBTS}
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT (scope.asks ->> 'asked')::integer, (scope.asks ->> 'waiting')::integer,
                          (scope.asks ->> 'due')::integer;
    END $$
    """,
    # Both sides of the one doubt that was asked for, with what only the municipality opens.
    f"""
    CREATE FUNCTION gate.link_doubt_reports() RETURNS TABLE (
        report_id uuid, creditor_id text, period text, kind text, category text, amount_euros integer, months integer,
        arrears_since date, since_derived boolean, reported_on date, social_collection jsonb, urgent text[],
        sent text, wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text, key_envelope bytea)
    {MAKES} AS $$
    DECLARE
      {SIDES}
      named uuid[] := scope.reports;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
        SELECT r.report_id, r.creditor_id, r.period, r.kind, r.category, r.amount_euros, r.months, r.arrears_since,
               r.since_derived, r.reported_on, r.social_collection, r.urgent,
               x.sent, x.wrapped_key, x.contact, x.part, x.proof, d.manifest, d.key_envelope
        FROM signals.report r
        LEFT JOIN signals.sealed_report x ON x.pilot_id = p AND x.report_id = r.report_id
        LEFT JOIN intake.delivery d ON d.pilot_id = p AND d.delivery_id = r.delivery_id
        WHERE r.pilot_id = p AND r.report_id = ANY (named)
        ORDER BY r.period DESC, r.creditor_id, r.report_id;
    END $$
    """,
    # Whether a link behind the one signal that was asked for is doubtful, and no more of it.
    f"""
    CREATE FUNCTION gate.signal_is_doubtful() RETURNS boolean {MAKES} AS $$
    DECLARE
      {MARKED}
      named uuid[] := scope.households;
    BEGIN
      IF p IS NULL THEN RETURN NULL; END IF;
      RETURN EXISTS (
        SELECT FROM signals.doubt d JOIN signals.review n ON n.pilot_id = p
        WHERE d.pilot_id = p AND d.state = 'asked' AND d.households && named
          AND d.newest >= to_char(to_date(n.newest, 'YYYY-MM') - interval '1 month', 'YYYY-MM'));
    END $$
    """,
    # What was decided about this resident's contracts: by their own reports; of others it says nothing.
    f"""
    CREATE FUNCTION gate.resident_link_decisions() RETURNS TABLE (
        decision_id uuid, decided_at timestamptz, why text, apart boolean, reports uuid[]) {MAKES} AS $$
    #variable_conflict use_column
    DECLARE
      {RESIDENT}
      theirs uuid[] := scope.reports;
    BEGIN
      IF p IS NULL OR cardinality(theirs) = 0 THEN RETURN; END IF;
      RETURN QUERY
        WITH named AS MATERIALIZED (
          SELECT c.decision_id, r.report_id FROM signals.report r JOIN privacy.link_decision_contract c
            ON c.pilot_id = p AND c.creditor_id = r.creditor_id AND c.reference = r.reference
          WHERE r.pilot_id = p AND r.report_id = ANY (theirs)
        )
        SELECT d.decision_id, d.decided_at, d.why,
               EXISTS (SELECT FROM privacy.link_decision_contract c
                       WHERE c.pilot_id = p AND c.decision_id = d.decision_id AND c.side = 2),
               ARRAY(SELECT n.report_id FROM named n WHERE n.decision_id = d.decision_id ORDER BY n.report_id)
        FROM privacy.link_decision d
        WHERE d.pilot_id = p AND d.decision_id IN (SELECT n.decision_id FROM named n)
        ORDER BY d.decided_at, d.decision_id;
    END $$
    """,
)
READERS = (
    *("gate.link_doubts()", "gate.link_doubts_counted()", "gate.link_doubt_reports()"),
    *("gate.signal_is_doubtful()", "gate.resident_link_decisions()"),
)
GRANTS = (
    "SELECT (pilot_id, doubt_id, kind, linked, state, one, other, households, newest, changes) ON signals.doubt",
    "SELECT ON signals.review",
    "SELECT (reference) ON signals.report",
    "SELECT (pilot_id, decision_id, decided_at, why) ON privacy.link_decision",
    "SELECT ON privacy.link_decision_contract",
)
ABOUT_DOUBTS = "privacy.pilot_asked_for('{link-doubts,link-doubt}', " + f"{CONTACT})"
OF_SIGNAL = "privacy.pilot_asked_for('{signal}', " + f"{FACTS})"
OF_RESIDENT = "privacy.pilot_asked_for('{resident}', " + f"{CONTACT})"
# table, name, rows. The gate's functions see no more than these let through, whatever mistake one has.
POLICIES = (
    ("signals.doubt", "named", f"pilot_id = {ABOUT_DOUBTS} AND doubt_id = ANY (privacy.statements_in_scope())"),
    ("signals.doubt", "marked", f"pilot_id = {OF_SIGNAL} AND households && privacy.households_in_scope({FACTS})"),
    ("signals.review", "marked", f"pilot_id = {OF_SIGNAL}"),
    ("privacy.link_decision", "resident", f"pilot_id = {OF_RESIDENT}"),
    ("privacy.link_decision_contract", "resident", f"pilot_id = {OF_RESIDENT}"),
)
# Who decides was shown the reports of both sides: under a purpose that discloses contact, by an event that names them.
SAW_BOTH_SIDES = """
    CREATE POLICY saw_both_sides ON privacy.basis_change AS RESTRICTIVE FOR INSERT TO vroegsein_gate
    WITH CHECK (kind <> 'link-decision' OR cardinality(privacy.reports_in_scope()) > 0)
"""


# Pilots that run already are looked through once.
ALL_DUE = """
    INSERT INTO signals.review_due (pilot_id, run_id)
    SELECT pilot_id, '00000000-0000-0000-0000-000000000000' FROM registry.pilot
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in (*TABLES, *QUEUE, *UNSAMPLED, ALL_DUE):
        op.execute(statement)
    for table in LINKERS:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON {table} TO vroegsein_linker")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)")
    for table in ("signals.review_due", "signals.review", "signals.doubt"):  # open_link_event runs as the owner
        op.execute(f"CREATE POLICY owner_select ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(OPEN)
    opening = "privacy.open_link_event(text, text, text, text, text, jsonb)"
    op.execute(f"REVOKE ALL ON FUNCTION {opening} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {opening} TO vroegsein_opener")
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO vroegsein_gate")
    for table, name, rows in POLICIES:
        op.execute(f"CREATE POLICY {name}_select ON {table} FOR SELECT TO vroegsein_gate USING ({rows})")
    op.execute(SAW_BOTH_SIDES)
    create_functions(FUNCTIONS, dict.fromkeys(READERS, ("reader",)))


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
