"""Lists of cases tell what was done in each, a case's signals when they were received, a signal to whom its case is.

The first two are for the plan of a frame. Phase: expand.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

FACTS = 3  # disclosure level, as in privacy.open_event
BY_KEYS = "SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on"
LOOKS = f"LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp {BY_KEYS}"
# One look-up of the event, as in 0008: without one, nothing else is touched.
SCOPED = f"""scope privacy.access_scope := privacy.scope();
      p text := CASE WHEN scope.level >= {FACTS} AND scope.asks ->> 'ask' = ANY ('{{{{{{ask}}}}}}')
                     THEN scope.pilot_id END;"""
FUNCTIONS = (
    # What was written in the cases of the page that the event named; those without an entry are left out.
    f"""
    CREATE FUNCTION gate.entries_of_cases() RETURNS TABLE (case_id uuid, bodies jsonb) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(ask="cases")}
      named uuid[] := scope.statements;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT e.case_id, jsonb_agg(e.body ORDER BY e.number) FROM signals.case_entry e
        WHERE e.pilot_id = p AND e.case_id = ANY (named) GROUP BY e.case_id;
    END $$
    """,
    # The signals of the households in which the case's reports are now, newest first.
    f"""
    CREATE FUNCTION gate.case_signals() RETURNS TABLE (
        signal_id uuid, period text, tray text, urgent boolean, received_on date, deadline date) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(ask="case")}
      found_households uuid[] := scope.households;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT s.signal_id, s.period, s.tray, s.urgent, s.received_on, s.deadline FROM signals.signal s
        WHERE s.pilot_id = p AND s.household_id = ANY (found_households) ORDER BY s.period DESC, s.signal_id;
    END $$
    """,
    # Of each signal that the event named, a page's or the one, the case of its household: the open one that was opened
    # first, else the newest.
    f"""
    CREATE FUNCTION gate.signal_cases() RETURNS TABLE (signal_id uuid, case_id uuid, stage text, worker text)
      {LOOKS} AS $$
    DECLARE
      {SCOPED.format(ask="worklist,signal")}
      found_households uuid[] := scope.households;
      found_signals uuid[] := scope.signals;
    BEGIN
      IF p IS NULL OR found_signals = '{{}}' THEN RETURN; END IF;
      RETURN QUERY
        WITH r AS MATERIALIZED (
          SELECT t.report_id, t.household_id FROM signals.report t
          WHERE t.pilot_id = p AND t.household_id = ANY (found_households)
        ), m AS MATERIALIZED (
          SELECT t.report_id, t.case_id FROM signals.case_report t
          WHERE t.pilot_id = p AND t.report_id = ANY (ARRAY(SELECT r.report_id FROM r))
        ), c AS MATERIALIZED (
          SELECT t.case_id, t.stage, t.worker, t.opened_at FROM signals.case_file t
          WHERE t.pilot_id = p AND t.case_id = ANY (ARRAY(SELECT m.case_id FROM m))
        ), s AS MATERIALIZED (
          SELECT t.signal_id, t.household_id FROM signals.signal t
          WHERE t.pilot_id = p AND t.signal_id = ANY (found_signals) AND t.household_id = ANY (found_households)
        )
        SELECT DISTINCT ON (s.signal_id) s.signal_id, c.case_id, c.stage, c.worker
        FROM s JOIN r USING (household_id) JOIN m USING (report_id) JOIN c USING (case_id)
        ORDER BY s.signal_id, c.stage = 'closed',
                 CASE WHEN c.stage = 'closed' THEN -extract(epoch FROM c.opened_at)
                      ELSE extract(epoch FROM c.opened_at) END, c.case_id;
    END $$
    """,
)
EXECUTE = {f"gate.{name}()": ("reader",) for name in ("entries_of_cases", "case_signals", "signal_cases")}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(f"SET LOCAL ROLE {GATE}")
    op.execute("DROP FUNCTION gate.case_signals(), gate.signal_cases()")
    op.execute("RESET ROLE")
    op.execute(
        "CREATE POLICY listed_select ON signals.case_entry FOR SELECT TO vroegsein_gate USING"
        f" (pilot_id = privacy.pilot_asked_for('{{cases}}', {FACTS}) AND case_id = ANY (privacy.cases_in_scope()))"
    )
    create_functions(FUNCTIONS, EXECUTE)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
