"""A resident's rights: what one access event shows of one resident; requests to erase or correct. Phase: expand.

Who answers a resident asks by match keys, not by households. So the event is opened by a function of its own, which
finds the reports and statements that meet the keys and names those; the reader then gets these and no others, by
functions under policies of the same width. Match keys do not go into the event.
"""

from alembic import op

from migrations.gate import create_functions

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

IN_SCOPE = "pilot_id = privacy.pilot_in_scope()"
CONTACT = 4  # the disclosure level, as in privacy.open_event

TABLES = (
    "ALTER TABLE privacy.access_scope ADD COLUMN reports uuid[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE privacy.access_scope ADD COLUMN statements uuid[] NOT NULL DEFAULT '{}'",  # consents, objections
    "ALTER TABLE privacy.objection DROP CONSTRAINT objection_kind_check",
    """
    ALTER TABLE privacy.objection ADD CONSTRAINT objection_kind_check CHECK (
        kind IN ('refusal', 'withdrawal', 'objection', 'erasure', 'rectification'))
    """,
    "CREATE INDEX link_change_report ON signals.link_change (pilot_id, report_id)",
)

# Met: by a strong key, or by a weak one to which no birth date objects; and what meets the keys of those reports in
# turn, as linking would join it. Which of it is this resident's a person decides at the desk, who sees the names.
OPEN = f"""
    CREATE FUNCTION privacy.open_resident_event(
        p_pilot text, p_organisation text, p_role text, p_actor text, p_purpose text, p_asks jsonb,
        p_strong uuid[], p_weak jsonb, OUT event_id uuid, OUT refused text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      purpose jsonb;
      asked_strong uuid[] := p_strong;
      asked_weak jsonb := p_weak;
      met_reports uuid[] := '{{}}';
      met_statements uuid[] := '{{}}';
    BEGIN
      SELECT p.document -> 'purposes' -> p_purpose INTO purpose FROM registry.pilot p
      WHERE p.pilot_id = p_pilot AND p.municipality_id = p_organisation;
      IF coalesce(purpose -> 'roles' ? p_role, false) THEN  -- else open_event refuses, and nothing is looked up
        IF array_position(ARRAY['none', 'index', 'categories', 'facts', 'contact'], purpose ->> 'level') - 1 < {CONTACT}
           OR p_role <> 'privacy-officer' THEN
          refused := 'purpose-discloses-less';
          PERFORM privacy.write_event(p_pilot, gen_random_uuid(), 'refusal',
            jsonb_build_object('organisation', p_organisation, 'role', p_role, 'actor', p_actor, 'purpose', p_purpose,
              'basis', purpose ->> 'basis', 'level', purpose ->> 'level', 'asks', p_asks, 'households', '[]'::jsonb,
              'refused', refused));
          RETURN;
        END IF;
        FOR round IN 1..2 LOOP
          SELECT coalesce(array_agg(DISTINCT met.report_id), '{{}}') INTO met_reports FROM (
            SELECT k.report_id FROM signals.report_key k
            WHERE k.pilot_id = p_pilot AND k.key = ANY (asked_strong) AND k.strong
            UNION
            SELECT k.report_id FROM jsonb_to_recordset(asked_weak) AS a (key uuid, birth uuid)
            JOIN signals.report_key k ON k.pilot_id = p_pilot AND k.key = a.key AND NOT k.strong
              AND (k.birth = a.birth) IS NOT FALSE) AS met;
          EXIT WHEN round = 2;
          SELECT asked_strong || coalesce(array_agg(k.key) FILTER (WHERE k.strong), '{{}}'),
                 asked_weak || coalesce(jsonb_agg(jsonb_build_object('key', k.key, 'birth', k.birth))
                                        FILTER (WHERE NOT k.strong), '[]')
          INTO asked_strong, asked_weak
          FROM signals.report_key k WHERE k.pilot_id = p_pilot AND k.report_id = ANY (met_reports);
        END LOOP;
        SELECT coalesce(array_agg(DISTINCT met.id), '{{}}') INTO met_statements FROM (
          SELECT k.consent_id AS id FROM privacy.consent_key k
          WHERE k.pilot_id = p_pilot AND k.key = ANY (asked_strong) AND k.strong
          UNION
          SELECT k.objection_id FROM privacy.objection_key k
          WHERE k.pilot_id = p_pilot AND k.key = ANY (asked_strong) AND k.strong
          UNION
          SELECT k.client_id FROM privacy.known_client_key k
          WHERE k.pilot_id = p_pilot AND k.key = ANY (asked_strong) AND k.strong
          UNION
          SELECT k.consent_id FROM jsonb_to_recordset(asked_weak) AS a (key uuid, birth uuid)
          JOIN privacy.consent_key k ON k.pilot_id = p_pilot AND k.key = a.key AND NOT k.strong
            AND (k.birth = a.birth) IS NOT FALSE
          UNION
          SELECT k.objection_id FROM jsonb_to_recordset(asked_weak) AS a (key uuid, birth uuid)
          JOIN privacy.objection_key k ON k.pilot_id = p_pilot AND k.key = a.key AND NOT k.strong
            AND (k.birth = a.birth) IS NOT FALSE
          UNION
          SELECT k.client_id FROM jsonb_to_recordset(asked_weak) AS a (key uuid, birth uuid)
          JOIN privacy.known_client_key k ON k.pilot_id = p_pilot AND k.key = a.key AND NOT k.strong
            AND (k.birth = a.birth) IS NOT FALSE) AS met;
      END IF;
      SELECT o.event_id, o.refused INTO event_id, refused
      FROM privacy.open_event(p_pilot, p_organisation, p_role, p_actor, p_purpose, p_asks
        || jsonb_build_object('reports', met_reports, 'statements', met_statements)) AS o;
      IF event_id IS NOT NULL THEN
        UPDATE privacy.access_scope s SET reports = met_reports, statements = met_statements
        WHERE s.pilot_id = p_pilot AND s.event_id = open_resident_event.event_id;
      END IF;
    END $$
"""
IN_SCOPE_OF_EVENT = """
    CREATE FUNCTION privacy.{what}_in_scope() RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN RETURN CASE WHEN scope.level >= {level} THEN scope.{what} ELSE '{{}}' END; END $$
"""
ANSWERED = """
    CREATE FUNCTION privacy.answered_pilot() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN RETURN CASE WHEN cardinality(privacy.reports_in_scope()) > 0 THEN privacy.pilot_in_scope() END; END $$
"""


def _reading(name: str, columns: str, query: str) -> str:
    """A function for the reader: without a scope it reads no row."""
    return f"""
    CREATE FUNCTION gate.resident_{name}() RETURNS TABLE ({columns}) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on AS $$
    #variable_conflict use_column
    DECLARE
      scope privacy.access_scope := privacy.scope();
      p text := scope.pilot_id;
      theirs uuid[] := scope.reports;
      said uuid[] := scope.statements;
    BEGIN
      IF p IS NULL OR scope.level < {CONTACT} OR scope.asks ->> 'ask' IS DISTINCT FROM 'resident' THEN RETURN; END IF;
      RETURN QUERY {query};
    END $$
    """


READING = {
    "reports": _reading(
        "reports",
        """
        report_id uuid, creditor_id text, creditor text, period text, kind text, category text,
        amount_euros integer, months integer, arrears_since date, since_derived boolean, reported_on date,
        received_on date, social_collection jsonb, urgent text[], state text, sent text,
        wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text, key_envelope bytea
        """,
        """
        SELECT r.report_id, r.creditor_id, o.document ->> 'name', r.period, r.kind, r.category,
               r.amount_euros, r.months, r.arrears_since, r.since_derived, r.reported_on,
               r.received_on, r.social_collection, r.urgent, r.state,
               s.sent, s.wrapped_key, s.contact, s.part, s.proof, d.manifest, d.key_envelope
        FROM signals.report r
        LEFT JOIN signals.sealed_report s ON s.pilot_id = r.pilot_id AND s.report_id = r.report_id
        LEFT JOIN intake.delivery d ON d.pilot_id = r.pilot_id AND d.delivery_id = r.delivery_id
        LEFT JOIN registry.organisation o ON o.organisation_id = r.creditor_id
        WHERE r.pilot_id = p AND r.report_id = ANY (theirs)
        ORDER BY r.period DESC, r.creditor_id, r.report_id
        """,
    ),
    # What it says of the whole household goes along only where all its reports are in scope.
    "signals": _reading(
        "signals",
        "signal_id uuid, period text, received_on date, reports uuid[], judged jsonb, explanation jsonb",
        """
        SELECT f.signal_id, f.explanation ->> 'period', (f.explanation ->> 'received_on')::date,
               ARRAY(SELECT r FROM unnest(f.reports) AS r WHERE r = ANY (theirs)),
               (SELECT jsonb_agg(j) FROM jsonb_array_elements(f.explanation -> 'reports') AS j
                WHERE (j ->> 'report_id')::uuid = ANY (theirs)),
               CASE WHEN f.reports <@ theirs THEN f.explanation END
        FROM signals.signal_facts f
        WHERE f.pilot_id = p AND f.reports && theirs AND f.household_id = ANY (ARRAY(
            SELECT r.household_id FROM signals.report r
            WHERE r.pilot_id = p AND r.report_id = ANY (theirs) AND r.household_id IS NOT NULL))
        ORDER BY 2 DESC, f.signal_id
        """,
    ),
    "consents": _reading(
        "consents",
        """
        consent_id uuid, category text, given_on date, valid_until date, notice text, given_by text, withdrawn_on date,
        sealed text
        """,
        """
        SELECT c.consent_id, c.category, c.given_on, c.valid_until, c.notice, c.given_by, c.withdrawn_on,
               encode(c.sealed, 'hex')
        FROM privacy.consent c WHERE c.pilot_id = p AND c.consent_id = ANY (said) ORDER BY c.given_on, c.consent_id
        """,
    ),
    "objections": _reading(
        "objections",
        """
        objection_id uuid, kind text, state text, category text, creditor_id text, since date, decided_on date,
        sealed text
        """,
        """
        SELECT o.objection_id, o.kind, o.state, o.category, o.creditor_id, o.since, o.decided_on,
               encode(o.sealed, 'hex')
        FROM privacy.objection o WHERE o.pilot_id = p AND o.objection_id = ANY (said)
        ORDER BY o.recorded_at, o.objection_id
        """,
    ),
    "known_clients": _reading(
        "known_clients",
        "client_id uuid, recorded_on date, until date, sealed text",
        """
        SELECT c.client_id, c.recorded_on, c.until, encode(c.sealed, 'hex')
        FROM privacy.known_client c WHERE c.pilot_id = p AND c.client_id = ANY (said)
        ORDER BY c.recorded_on, c.client_id
        """,
    ),
    # A report's household changes its id when others join or leave; a look names those of its moment.
    "looks": _reading(
        "looks",
        """
        at timestamptz, organisation text, organisation_id text, role text, purpose text, basis text, level text,
        reports uuid[]
        """,
        """
        WITH placed AS MATERIALIZED (
            SELECT r.report_id, r.household_id, r.received_on FROM signals.report r
            WHERE r.pilot_id = p AND r.report_id = ANY (theirs)
        ), named AS MATERIALIZED (
            SELECT report_id, household_id::text AS name FROM placed WHERE household_id IS NOT NULL
            UNION SELECT c.report_id, h.id::text FROM signals.link_change c
                  CROSS JOIN LATERAL (VALUES (c.old_household), (c.new_household)) AS h (id)
                  WHERE c.pilot_id = p AND c.report_id = ANY (theirs) AND h.id IS NOT NULL
            UNION SELECT report_id, report_id::text FROM placed
        ), looked AS MATERIALIZED (
            SELECT e.event_id, e.at, e.body, e.body -> 'households' AS households,
                   e.body #> '{asks,reports}' AS answered
            FROM privacy.event e
            WHERE e.pilot_id = p AND e.kind = 'access'
              AND e.at >= (SELECT min(received_on)::timestamp AT TIME ZONE 'Europe/Amsterdam' FROM placed)
              AND (e.body -> 'households' ?| ARRAY(SELECT name FROM named)
                   OR e.body #> '{asks,reports}' ?| ARRAY(SELECT name FROM named))
        )
        SELECT l.at, o.document ->> 'name', l.body ->> 'organisation', l.body ->> 'role', l.body ->> 'purpose',
               l.body ->> 'basis', l.body ->> 'level', array_agg(DISTINCT placed.report_id)
        FROM looked l JOIN named n ON l.households ? n.name OR l.answered ? n.name JOIN placed USING (report_id)
        LEFT JOIN registry.organisation o ON o.organisation_id = l.body ->> 'organisation'
        WHERE (l.at AT TIME ZONE 'Europe/Amsterdam')::date >= placed.received_on
        GROUP BY l.event_id, l.at, l.body, o.document ORDER BY l.at, l.event_id
        """,
    ),
    "pilot": _reading(
        "pilot",
        "municipality text, terms_kept_on date",
        """
        SELECT o.document ->> 'name', (SELECT r.done_on FROM privacy.retention_run r WHERE r.pilot_id = p)
        FROM registry.pilot g JOIN registry.organisation o ON o.organisation_id = g.municipality_id
        WHERE g.pilot_id = p
        """,
    ),
}

# What the functions above need. They belong to `vroegsein_gate` (0008), which the policies hold to the event once more.
GRANTS = (
    "EXECUTE ON FUNCTION privacy.reports_in_scope(), privacy.statements_in_scope(), privacy.answered_pilot()",
    "USAGE ON SCHEMA registry",
    "SELECT (received_on, state) ON signals.report",
    "SELECT (pilot_id, report_id, old_household, new_household) ON signals.link_change",
    (
        "SELECT (pilot_id, consent_id, category, given_on, valid_until, notice, given_by, withdrawn_on, sealed)"
        " ON privacy.consent"
    ),
    "SELECT ON privacy.retention_run",
    "SELECT (pilot_id, municipality_id) ON registry.pilot",
    "SELECT (organisation_id, document) ON registry.organisation",
)
# The tables of keys are for finding, which `open_resident_event` does as the owner; no login reads those.
KEYS = ("signals.report_key", "privacy.consent_key", "privacy.objection_key", "privacy.known_client_key")
# One comparison that an index answers: a function beside it would be asked anew for each event of the log.
A_RESIDENT = "pilot_id = privacy.answered_pilot()"
POLICIES = {
    **dict.fromkeys(
        ("signals.report", "signals.sealed_report", "signals.link_change"),
        IN_SCOPE + " AND report_id = ANY (privacy.reports_in_scope())",
    ),
    "signals.signal_facts": IN_SCOPE + " AND reports && privacy.reports_in_scope()",
    "privacy.consent": IN_SCOPE + " AND consent_id = ANY (privacy.statements_in_scope())",
    "privacy.objection": IN_SCOPE + " AND objection_id = ANY (privacy.statements_in_scope())",
    "privacy.event": A_RESIDENT,
    "intake.delivery": A_RESIDENT,
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in TABLES:
        op.execute(statement)
    for what in ("reports", "statements"):
        op.execute(IN_SCOPE_OF_EVENT.format(what=what, level=CONTACT))
        op.execute(f"REVOKE ALL ON FUNCTION privacy.{what}_in_scope() FROM PUBLIC")
    op.execute(ANSWERED)
    op.execute("REVOKE ALL ON FUNCTION privacy.answered_pilot() FROM PUBLIC")
    op.execute(OPEN)
    opening = "privacy.open_resident_event(text, text, text, text, text, jsonb, uuid[], jsonb)"
    op.execute(f"REVOKE ALL ON FUNCTION {opening} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {opening} TO vroegsein_opener")
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO vroegsein_gate")
    for table in KEYS:
        op.execute(f"CREATE POLICY resident_select ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    for table, rows in POLICIES.items():
        op.execute(f"CREATE POLICY resident_select ON {table} FOR SELECT TO vroegsein_gate USING ({rows})")
    create_functions(READING.values(), {f"gate.resident_{name}()": ("reader",) for name in READING})


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
