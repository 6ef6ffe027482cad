"""Records of a period, for giving account of it: reports with their cases, page by page. Phase: expand.

A desk makes the national delivery (DDAS) and the evaluation of a pilot from them. Under a purpose of level "facts"
there are no sealed details in them, which an evaluation has no need of.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PAGE = 200  # reports
FACTS, CONTACT = 3, 4  # disclosure levels, as in privacy.open_event
RECORDS, WITH_DETAILS = (f"privacy.pilot_asked_for('{{records}}', {level})" for level in (FACTS, CONTACT))
LOOKS = "LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp"

FUNCTIONS = (
    # The page that the event named: reports of its days, and earlier ones that a case holds. `repetition` is by the
    # national definitions, of the signal of the household's month.
    f"""
    CREATE FUNCTION gate.records() RETURNS TABLE (
        report_id uuid, creditor_id text, period text, kind text, category text, amount_euros integer, months integer,
        arrears_since date, since_derived boolean, reported_on date, social_collection jsonb, urgent text[],
        received_on date, household_id uuid, repetition text, case_id uuid,
        sent text, wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text, key_envelope bytea)
    {LOOKS} AS $$
    DECLARE
      scope privacy.access_scope := privacy.scope();
      p text := CASE WHEN scope.level >= {FACTS} AND scope.asks ->> 'ask' = 'records' THEN scope.pilot_id END;
      first_day date := (scope.asks ->> 'first')::date;
      last_day date := (scope.asks ->> 'last')::date;
      behind uuid := (scope.asks ->> 'behind')::uuid;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
        SELECT r.report_id, r.creditor_id, r.period, r.kind, r.category, r.amount_euros, r.months, r.arrears_since,
               r.since_derived, r.reported_on, r.social_collection, r.urgent, r.received_on, r.household_id,
               CASE WHEN c.creditors > 1 THEN 'multiple'
                    WHEN (f.explanation #>> '{{facts,earlier_months}}')::integer > 0 THEN 'consecutive'
                    ELSE 'single' END,
               m.case_id,
               x.sent, x.wrapped_key, x.contact, x.part, x.proof, d.manifest, d.key_envelope
        FROM signals.report r
        LEFT JOIN signals.case_report m ON m.pilot_id = p AND m.report_id = r.report_id
        LEFT JOIN signals.signal s ON s.pilot_id = p AND s.household_id = r.household_id AND s.period = r.period
        LEFT JOIN signals.signal_categories c ON c.pilot_id = p AND c.signal_id = s.signal_id
        LEFT JOIN signals.signal_facts f ON f.pilot_id = p AND f.signal_id = s.signal_id
        LEFT JOIN signals.sealed_report x ON x.pilot_id = p AND x.report_id = r.report_id AND scope.level >= {CONTACT}
        LEFT JOIN intake.delivery d ON d.pilot_id = p AND d.delivery_id = r.delivery_id AND scope.level >= {CONTACT}
        WHERE r.pilot_id = p AND r.state = 'live' AND r.report_id > behind
          AND r.reported_on <= last_day AND (r.reported_on >= first_day OR m.case_id IS NOT NULL)
        ORDER BY r.report_id LIMIT {PAGE};
    END $$
    """,
    f"""
    CREATE FUNCTION gate.record_cases(p_cases uuid[]) RETURNS TABLE (case_id uuid, opened_on date, entries jsonb)
    {LOOKS} AS $$
    DECLARE
      p text := {RECORDS};
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
        SELECT c.case_id, (c.opened_at AT TIME ZONE 'Europe/Amsterdam')::date,
               coalesce((SELECT jsonb_agg(e.body ORDER BY e.number) FROM signals.case_entry e
                         WHERE e.pilot_id = p AND e.case_id = c.case_id), '[]')
        FROM signals.case_file c WHERE c.pilot_id = p AND c.case_id = ANY (p_cases) ORDER BY c.case_id;
    END $$
    """,
)
POLICIES = (
    *(
        (table, RECORDS)
        for table in (
            *("signals.report", "signals.signal", "signals.signal_categories", "signals.signal_facts"),
            *("signals.case_file", "signals.case_entry", "signals.case_report"),
        )
    ),
    ("signals.sealed_report", WITH_DETAILS),
    ("intake.delivery", WITH_DETAILS),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table, pilot in POLICIES:
        op.execute(f"CREATE POLICY records_select ON {table} FOR SELECT TO {GATE} USING (pilot_id = {pilot})")
    create_functions(FUNCTIONS, dict.fromkeys(("gate.records()", "gate.record_cases(uuid[])"), ("reader",)))


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
