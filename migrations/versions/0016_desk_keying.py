"""Reports that came without match keys wait, out of sight, until the desk has made them. Phase: expand.

The desk fetches them as it does for a new pilot key, under an access event for just that, and leaves them in the same
way (0013). How many wait is told with the worklist and with a resident's answer, and nothing else of them. Reports of a
household that moved, handed over to another pilot, stay out of sight too; an answer says where they went.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOST = 500  # in one page, whatever is asked for
CONTACT = 4  # the level from which details are disclosed
REKEYING = f"privacy.pilot_asked_for(ARRAY['rekey', 'stage-rekeying'], {CONTACT})"
STATES = "'live', 'paused', 'shut_out', 'unkeyed', 'handed_over'"

TABLES = (
    "ALTER TABLE signals.report DROP CONSTRAINT report_state_check",
    f"ALTER TABLE signals.report ADD CONSTRAINT report_state_check CHECK (state IN ({STATES}))",
    "ALTER TABLE signals.report ADD COLUMN handed_over_to text",  # the pilot that it was handed over to last
    "CREATE INDEX report_unkeyed ON signals.report (pilot_id, report_id) WHERE state = 'unkeyed'",
)
LOOKS = "LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
COLUMNS = """
    RETURNS TABLE (report_id uuid, creditor_id text, period text, kind text, category text, amount_euros integer,
                   months integer, arrears_since date, since_derived boolean, reported_on date, social_collection jsonb,
                   urgent text[], sent text, wrapped_key bytea, contact bytea, part integer, proof bytea, manifest text,
                   key_envelope bytea)
"""
# What is handed over has match keys too: a resident's answer finds it by them.
REPORTS = """
    CREATE OR REPLACE FUNCTION gate.{name} {columns} {looks} AS $$
    DECLARE
      p text := {rekeying};
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
      SELECT r.report_id, r.creditor_id, r.period, r.kind, r.category, r.amount_euros, r.months, r.arrears_since,
             r.since_derived, r.reported_on, r.social_collection, r.urgent, s.sent, s.wrapped_key, s.contact, s.part,
             s.proof, d.manifest, d.key_envelope
      FROM signals.report r
      LEFT JOIN signals.sealed_report s ON s.pilot_id = r.pilot_id AND s.report_id = r.report_id
      LEFT JOIN intake.delivery d ON d.pilot_id = r.pilot_id AND d.delivery_id = r.delivery_id
      WHERE r.pilot_id = p AND r.report_id > p_behind AND {which}
      ORDER BY r.report_id LIMIT least(p_limit, {most});
    END $$
"""
GIVES = {"columns": COLUMNS, "looks": LOOKS, "rekeying": REKEYING, "most": MOST}
OTHER_EPOCH = """
    r.state IN ('live', 'paused', 'handed_over')
    AND (s.sent::jsonb #>> '{keys,epoch}')::integer IS DISTINCT FROM p_epoch
"""
FUNCTIONS = (
    REPORTS.format(name="reports_to_key(p_behind uuid, p_limit integer)", which="r.state = 'unkeyed'", **GIVES),
    REPORTS.format(
        name="reports_to_rekey(p_epoch integer, p_behind uuid, p_limit integer)", which=OTHER_EPOCH, **GIVES
    ),
    f"""
    CREATE FUNCTION gate.unkeyed() RETURNS bigint {LOOKS} AS $$ BEGIN RETURN privacy.unkeyed_in_scope(); END $$
    """,
    f"""
    CREATE FUNCTION gate.resident_hand_overs() RETURNS TABLE (report_id uuid, to_pilot text, to_municipality text)
    {LOOKS} SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on AS $$
    #variable_conflict use_column
    DECLARE
      scope privacy.access_scope := privacy.scope();
      p text := scope.pilot_id;
      theirs uuid[] := scope.reports;
    BEGIN
      IF p IS NULL OR scope.level < {CONTACT} OR scope.asks ->> 'ask' IS DISTINCT FROM 'resident' THEN RETURN; END IF;
      RETURN QUERY
      SELECT r.report_id, r.handed_over_to, o.document ->> 'name' FROM signals.report r
      LEFT JOIN registry.pilot g ON g.pilot_id = r.handed_over_to
      LEFT JOIN registry.organisation o ON o.organisation_id = g.municipality_id
      WHERE r.pilot_id = p AND r.report_id = ANY (theirs) AND r.state = 'handed_over' ORDER BY r.report_id;
    END $$
    """,
)
# A number alone: the functions of the gate see no row of these by it, whatever one of them does wrong.
COUNTED = """
    CREATE FUNCTION privacy.unkeyed_in_scope() RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE p text := privacy.pilot_asked_for(ARRAY['worklist', 'resident'], 1);
    BEGIN
      IF p IS NULL THEN RETURN NULL; END IF;
      RETURN (SELECT count(*) FROM signals.report r WHERE r.pilot_id = p AND r.state = 'unkeyed');
    END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in TABLES:
        op.execute(statement)
    op.execute("CREATE POLICY owner_select ON signals.report FOR SELECT TO CURRENT_USER USING (state = 'unkeyed')")
    op.execute(COUNTED)
    op.execute("REVOKE ALL ON FUNCTION privacy.unkeyed_in_scope() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION privacy.unkeyed_in_scope() TO {GATE}")
    op.execute(f"GRANT SELECT (handed_over_to) ON signals.report TO {GATE}")
    callers = {
        "gate.reports_to_key(uuid, integer)": ("recorder",),
        "gate.reports_to_rekey(integer, uuid, integer)": ("recorder",),
        "gate.unkeyed()": ("reader",),
        "gate.resident_hand_overs()": ("reader",),
    }
    create_functions(FUNCTIONS, callers)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
