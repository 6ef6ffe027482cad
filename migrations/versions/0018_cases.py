"""Cases: what the municipality does about signals, entry by entry, and the reports that each case is about.

A case stays with its reports, whatever becomes of households; a report is in one case at most, and goes out of it when
it is erased. A desk opens, reads and continues cases by functions, inside an access event that names the cases and
their reports. docs/decisions/0033. Phase: expand.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = (
    # `entries`: how many there are. `stage`, `result`, `due`, `worker`, `partner`: what they come to, for lists.
    # `offer_by`: the last day for an offer, of the signal that it was opened from; `due`: the last day for whatever has
    # one now, an offer or a conversation. `joins`: the linker is to look which reports join it.
    """
    CREATE TABLE signals.case_file (
        pilot_id text NOT NULL,
        case_id uuid NOT NULL,
        opened_at timestamptz NOT NULL,
        opened_by text NOT NULL,
        offer_by date NOT NULL,
        entries integer NOT NULL DEFAULT 0 CHECK (entries >= 0),
        stage text NOT NULL DEFAULT 'new' CHECK (stage IN ('new', 'taken_up', 'accepted', 'spoken', 'closed')),
        result text,
        due date NOT NULL DEFAULT 'infinity',
        worker text,
        partner text,
        joins boolean NOT NULL DEFAULT true,
        PRIMARY KEY (pilot_id, case_id)
    )""",
    "CREATE INDEX case_file_due ON signals.case_file (pilot_id, due, case_id)",
    "CREATE INDEX case_file_joins ON signals.case_file (pilot_id) WHERE joins",
    """
    CREATE TABLE signals.case_entry (
        pilot_id text NOT NULL,
        case_id uuid NOT NULL,
        number integer NOT NULL CHECK (number >= 1),
        body jsonb NOT NULL,
        written_at timestamptz NOT NULL,
        actor text NOT NULL,
        PRIMARY KEY (pilot_id, case_id, number)
    )""",
    """
    CREATE TABLE signals.case_report (
        pilot_id text NOT NULL,
        report_id uuid NOT NULL,
        case_id uuid NOT NULL,
        PRIMARY KEY (pilot_id, report_id)
    )""",
    "CREATE INDEX case_report_of ON signals.case_report (pilot_id, case_id)",
    # Whatever erases a report takes it out of its case, also where the case is being opened at that moment.
    """
    ALTER TABLE signals.case_report ADD FOREIGN KEY (pilot_id, report_id)
        REFERENCES signals.report (pilot_id, report_id) ON DELETE CASCADE
    """,
)
NAMES = ("signals.case_file", "signals.case_entry", "signals.case_report")

FACTS, CONTACT = 3, 4  # disclosure levels, as in privacy.open_event
PAGE = 200  # cases in one list, at most
ASKS = "cases,case,case-entry,open-case"

# The event names the cases and their reports; what is in scope is read by the cases, or by the reports' households.
OPEN = f"""
    CREATE FUNCTION privacy.open_case_event(
        p_pilot text, p_organisation text, p_role text, p_actor text, p_purpose text, p_asks jsonb,
        OUT event_id uuid, OUT refused text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      purpose jsonb;
      found_cases uuid[] := '{{}}';
      found_reports uuid[] := '{{}}';
      found_households uuid[] := '{{}}';
      found_signals uuid[] := '{{}}';
      standing uuid;
      last uuid;
      next_place jsonb;
      after jsonb := p_asks -> 'after';
      most integer := least(coalesce((p_asks ->> 'limit')::integer, {PAGE}), {PAGE});
    BEGIN
      SELECT p.document -> 'purposes' -> p_purpose INTO purpose FROM registry.pilot p
      WHERE p.pilot_id = p_pilot AND p.municipality_id = p_organisation;
      IF coalesce(purpose -> 'roles' ? p_role, false) THEN  -- else open_event refuses, and nothing is looked up
        IF array_position(ARRAY['none', 'index', 'categories', 'facts', 'contact'], purpose ->> 'level') - 1 < {FACTS}
           OR p_role <> 'debt-help' THEN
          refused := 'purpose-discloses-less';
          PERFORM privacy.write_event(p_pilot, gen_random_uuid(), 'refusal',
            jsonb_build_object('organisation', p_organisation, 'role', p_role, 'actor', p_actor, 'purpose', p_purpose,
              'basis', purpose ->> 'basis', 'level', purpose ->> 'level', 'asks', p_asks, 'households', '[]'::jsonb,
              'refused', refused));
          RETURN;
        END IF;
        IF p_asks ->> 'ask' = 'open-case' THEN
          SELECT coalesce(array_agg(r.report_id ORDER BY r.report_id), '{{}}'),
                 coalesce(array_agg(DISTINCT s.signal_id), '{{}}')
          INTO found_reports, found_signals
          FROM signals.signal s JOIN signals.report r
            ON r.pilot_id = p_pilot AND r.household_id = s.household_id AND r.state = 'live' AND r.period <= s.period
          WHERE s.pilot_id = p_pilot AND s.signal_id = (p_asks ->> 'signal')::uuid;
          IF found_reports <> '{{}}' THEN
            SELECT coalesce(array_agg(DISTINCT c.case_id), '{{}}') || (p_asks ->> 'case')::uuid,
                   (array_agg(c.case_id ORDER BY c.opened_at, c.case_id) FILTER (WHERE c.stage <> 'closed'))[1],
                   (array_agg(c.case_id ORDER BY c.opened_at DESC, c.case_id))[1]
            INTO found_cases, standing, last
            FROM signals.case_report m JOIN signals.case_file c ON c.pilot_id = p_pilot AND c.case_id = m.case_id
            WHERE m.pilot_id = p_pilot AND m.report_id = ANY (found_reports);
          END IF;
        ELSIF p_asks ->> 'ask' = 'cases' THEN
          WITH page AS (
            SELECT c.case_id, c.due FROM signals.case_file c
            WHERE c.pilot_id = p_pilot
              AND CASE WHEN p_asks ->> 'stage' IS NULL THEN c.stage <> 'closed' ELSE c.stage = p_asks ->> 'stage' END
              AND (p_asks ->> 'worker' IS NULL OR c.worker = p_asks ->> 'worker')
              AND (p_asks ->> 'due_by' IS NULL OR c.due <= (p_asks ->> 'due_by')::date)
              AND (after IS NULL OR (c.due, c.case_id)
                > (coalesce((after ->> 0)::date, 'infinity'), (after ->> 1)::uuid))
            ORDER BY c.due, c.case_id LIMIT most)
          SELECT coalesce(array_agg(page.case_id), '{{}}'),
                 CASE WHEN count(*) = most THEN
                   (array_agg(jsonb_build_array(nullif(page.due, 'infinity'), page.case_id)
                      ORDER BY page.due DESC, page.case_id DESC))[1] END
          INTO found_cases, next_place FROM page;
        ELSE
          SELECT coalesce(array_agg(c.case_id), '{{}}') INTO found_cases FROM signals.case_file c
          WHERE c.pilot_id = p_pilot AND c.case_id = (p_asks ->> 'case')::uuid;
        END IF;
        IF found_reports = '{{}}' THEN
          SELECT coalesce(array_agg(m.report_id), '{{}}') INTO found_reports FROM signals.case_report m
          WHERE m.pilot_id = p_pilot AND m.case_id = ANY (found_cases);
        END IF;
        IF p_asks ->> 'ask' <> 'cases' THEN
          SELECT coalesce(array_agg(DISTINCT r.household_id), '{{}}') INTO found_households FROM signals.report r
          WHERE r.pilot_id = p_pilot AND r.report_id = ANY (found_reports) AND r.state = 'live';
        END IF;
      END IF;
      SELECT o.event_id, o.refused INTO event_id, refused
      FROM privacy.open_event(p_pilot, p_organisation, p_role, p_actor, p_purpose, p_asks
        || jsonb_build_object('reports', found_reports)) AS o;
      IF event_id IS NOT NULL THEN
        UPDATE privacy.access_scope s
        SET statements = found_cases, households = found_households, signals = found_signals, next = next_place,
            reports = CASE WHEN p_asks ->> 'ask' = 'open-case' THEN found_reports ELSE '{{}}' END,
            asks = s.asks || jsonb_build_object('actor', p_actor, 'standing', standing, 'last', last)
        WHERE s.pilot_id = p_pilot AND s.event_id = open_case_event.event_id;
      END IF;
    END $$
"""
IN_SCOPE = (
    f"""
    CREATE FUNCTION privacy.cases_in_scope() RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
    COST 1000 SET search_path = pg_catalog, pg_temp AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      RETURN CASE WHEN scope.level >= {FACTS} AND scope.asks ->> 'ask' = ANY ('{{{ASKS}}}')
                  THEN scope.statements ELSE '{{}}' END;
    END $$
    """,
    f"""
    CREATE FUNCTION privacy.reports_to_open() RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
    COST 1000 SET search_path = pg_catalog, pg_temp AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      RETURN CASE WHEN scope.level >= {FACTS} AND scope.asks ->> 'ask' = 'open-case' THEN scope.reports ELSE '{{}}' END;
    END $$
    """,
)

BY_KEYS = "SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = on"
LOOKS = f"LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp {BY_KEYS}"
WRITES = f"LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp {BY_KEYS}"
# One look-up of the event, as in 0008: without one, nothing else is touched.
SCOPED = """scope privacy.access_scope := privacy.scope();
      p text := CASE WHEN scope.level >= {level} AND scope.asks ->> 'ask' = ANY ('{{{asks}}}')
                     THEN scope.pilot_id END;
      named uuid[] := scope.statements;"""
FUNCTIONS = (
    # The cases that the event named, what is due first. `live`: how many of its reports count now.
    f"""
    CREATE FUNCTION gate.cases() RETURNS TABLE (
        case_id uuid, opened_on date, opened_by text, entries integer, stage text, result text, offer_by date,
        due date, worker text, partner text, reports integer, live integer) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(level=FACTS, asks="cases,case,case-entry")}
      found_households uuid[] := scope.households;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY
        WITH c AS MATERIALIZED (
          SELECT f.* FROM signals.case_file f WHERE f.pilot_id = p AND f.case_id = ANY (named)
        ), m AS MATERIALIZED (
          SELECT r.case_id, r.report_id FROM signals.case_report r WHERE r.pilot_id = p AND r.case_id = ANY (named)
        ), l AS MATERIALIZED (
          SELECT r.report_id FROM signals.report r
          WHERE r.pilot_id = p AND r.household_id = ANY (found_households) AND r.state = 'live'
        )
        SELECT c.case_id, (c.opened_at AT TIME ZONE 'Europe/Amsterdam')::date, c.opened_by, c.entries, c.stage,
               c.result, c.offer_by, nullif(c.due, 'infinity'), c.worker, c.partner,
               (SELECT count(*) FROM m WHERE m.case_id = c.case_id)::integer,
               CASE WHEN scope.asks ->> 'ask' <> 'cases' THEN
                 (SELECT count(*) FROM m JOIN l USING (report_id) WHERE m.case_id = c.case_id)::integer END
        FROM c ORDER BY c.due, c.case_id;
    END $$
    """,
    f"""
    CREATE FUNCTION gate.case_entries() RETURNS TABLE (
        number integer, body jsonb, written_at timestamptz, actor text) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(level=FACTS, asks="case,case-entry")}
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT e.number, e.body, e.written_at, e.actor FROM signals.case_entry e
        WHERE e.pilot_id = p AND e.case_id = ANY (named) ORDER BY e.number;
    END $$
    """,
    # The signals of the households in which the case's reports are now, newest first.
    f"""
    CREATE FUNCTION gate.case_signals() RETURNS TABLE (
        signal_id uuid, period text, tray text, urgent boolean, deadline date) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(level=FACTS, asks="case")}
      found_households uuid[] := scope.households;
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT s.signal_id, s.period, s.tray, s.urgent, s.deadline FROM signals.signal s
        WHERE s.pilot_id = p AND s.household_id = ANY (found_households) ORDER BY s.period DESC, s.signal_id;
    END $$
    """,
    # Of each signal that the event named, a page's or the one, the case of its household: the open one that was opened
    # first, else the newest.
    f"""
    CREATE FUNCTION gate.signal_cases() RETURNS TABLE (signal_id uuid, case_id uuid, stage text) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(level=FACTS, asks="worklist,signal")}
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
          SELECT t.case_id, t.stage, t.opened_at FROM signals.case_file t
          WHERE t.pilot_id = p AND t.case_id = ANY (ARRAY(SELECT m.case_id FROM m))
        ), s AS MATERIALIZED (
          SELECT t.signal_id, t.household_id FROM signals.signal t
          WHERE t.pilot_id = p AND t.signal_id = ANY (found_signals) AND t.household_id = ANY (found_households)
        )
        SELECT DISTINCT ON (s.signal_id) s.signal_id, c.case_id, c.stage
        FROM s JOIN r USING (household_id) JOIN m USING (report_id) JOIN c USING (case_id)
        ORDER BY s.signal_id, c.stage = 'closed',
                 CASE WHEN c.stage = 'closed' THEN -extract(epoch FROM c.opened_at)
                      ELSE extract(epoch FROM c.opened_at) END, c.case_id;
    END $$
    """,
    # The case of the signal that the event named: a new one, or the one that stands. Who comes second at the same
    # moment waits at the key of a report for the first, and is given that one's case; where it wrote some of the
    # household's other reports by then, it takes that back. No row: there is nothing to open it for.
    f"""
    CREATE FUNCTION gate.open_case() RETURNS TABLE (case_id uuid, opened boolean) {WRITES} AS $$
    #variable_conflict use_column
    DECLARE
      {SCOPED.format(level=FACTS, asks="open-case")}
      theirs uuid[] := privacy.reports_to_open();
      found_households uuid[] := scope.households;
      found_signals uuid[] := scope.signals;
      asked uuid := (scope.asks ->> 'case')::uuid;
      standing uuid := (scope.asks ->> 'standing')::uuid;
      last uuid := (scope.asks ->> 'last')::uuid;
      quicker uuid;
      offered date;
      written integer;
    BEGIN
      IF p IS NULL THEN
        RAISE EXCEPTION 'no event in scope names a case' USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF theirs = '{{}}' THEN RETURN; END IF;
      IF standing IS NOT NULL THEN
        RETURN QUERY SELECT standing, false;
        RETURN;
      END IF;
      INSERT INTO signals.case_report (pilot_id, report_id, case_id)
      SELECT p, r.report_id, asked FROM signals.report r
      WHERE r.pilot_id = p AND r.household_id = ANY (found_households) AND r.state = 'live'
        AND r.report_id = ANY (theirs) ORDER BY r.report_id
      ON CONFLICT DO NOTHING;
      GET DIAGNOSTICS written = ROW_COUNT;
      SELECT m.case_id INTO quicker FROM signals.case_report m
      WHERE m.pilot_id = p AND m.report_id = ANY (theirs) AND m.case_id <> ALL (named) LIMIT 1;
      IF quicker IS NOT NULL THEN
        RAISE unique_violation;
      ELSIF written > 0 THEN
        SELECT min(s.deadline) INTO offered FROM signals.signal s
        WHERE s.pilot_id = p AND s.household_id = ANY (found_households) AND s.signal_id = ANY (found_signals);
        INSERT INTO signals.case_file (pilot_id, case_id, opened_at, opened_by, offer_by, due)
        VALUES (p, asked, clock_timestamp(), scope.asks ->> 'actor', offered, offered);
        RETURN QUERY SELECT asked, true;
      ELSIF last IS NOT NULL THEN
        RETURN QUERY SELECT last, false;
      END IF;
    EXCEPTION
    WHEN unique_violation THEN
      RETURN QUERY SELECT quicker, false;
    WHEN foreign_key_violation OR not_null_violation THEN
      NULL;  -- the reports, or the signal, were erased a moment ago
    END $$
    """,
    # One more entry after `p_after` others; null: there are others by now, and nothing was written.
    f"""
    CREATE FUNCTION gate.add_case_entry(
        p_after integer, p_entry jsonb, p_stage text, p_result text, p_due date, p_worker text, p_partner text,
        p_joins boolean) RETURNS integer {WRITES} AS $$
    DECLARE
      {SCOPED.format(level=FACTS, asks="case-entry")}
    BEGIN
      IF p IS NULL OR p_entry ->> 'kind' IS DISTINCT FROM scope.asks ->> 'entry' THEN
        RAISE EXCEPTION 'no event in scope names this entry' USING ERRCODE = 'insufficient_privilege';
      END IF;
      UPDATE signals.case_file c
      SET entries = p_after + 1, stage = p_stage, result = p_result, due = coalesce(p_due, 'infinity'),
          worker = p_worker, partner = p_partner, joins = c.joins OR p_joins
      WHERE c.pilot_id = p AND c.case_id = named[1] AND c.entries = p_after;
      IF NOT FOUND THEN RETURN NULL; END IF;
      INSERT INTO signals.case_entry (pilot_id, case_id, number, body, written_at, actor)
      VALUES (p, named[1], p_after + 1, p_entry, clock_timestamp(), scope.asks ->> 'actor');
      RETURN p_after + 1;
    END $$
    """,
    # The cases that these reports are in, with what was done; not who of the municipality's people did it.
    f"""
    CREATE FUNCTION gate.resident_cases() RETURNS TABLE (
        case_id uuid, opened_on date, stage text, result text, reports uuid[], entries jsonb) {LOOKS} AS $$
    DECLARE
      {SCOPED.format(level=CONTACT, asks="resident")}
      theirs uuid[] := scope.reports;
    BEGIN
      IF p IS NULL OR cardinality(theirs) = 0 THEN RETURN; END IF;
      RETURN QUERY
        WITH m AS MATERIALIZED (
          SELECT r.case_id, array_agg(r.report_id ORDER BY r.report_id) AS reports FROM signals.case_report r
          WHERE r.pilot_id = p AND r.report_id = ANY (theirs) GROUP BY r.case_id
        )
        SELECT c.case_id, (c.opened_at AT TIME ZONE 'Europe/Amsterdam')::date, c.stage, c.result,
               (SELECT m.reports FROM m WHERE m.case_id = c.case_id),
               coalesce((SELECT jsonb_agg(e.body - 'worker' ORDER BY e.number) FROM signals.case_entry e
                         WHERE e.pilot_id = p AND e.case_id = c.case_id), '[]')
        FROM signals.case_file c
        WHERE c.pilot_id = p AND c.case_id = ANY (ARRAY(SELECT m.case_id FROM m))
        ORDER BY c.opened_at, c.case_id;
    END $$
    """,
)
EXECUTE = {
    "gate.cases()": ("reader", "recorder"),
    "gate.case_entries()": ("reader", "recorder"),
    "gate.case_signals()": ("reader",),
    "gate.signal_cases()": ("reader",),
    "gate.open_case()": ("recorder",),
    "gate.add_case_entry(integer, jsonb, text, text, date, text, text, boolean)": ("recorder",),
    "gate.resident_cases()": ("reader",),
}
GRANTS = (
    "EXECUTE ON FUNCTION privacy.cases_in_scope(), privacy.reports_to_open()",
    f"SELECT, INSERT ON {', '.join(NAMES)}",
    "UPDATE (entries, stage, result, due, worker, partner, joins) ON signals.case_file",
)
# table, name, command, rows. The gate's functions see and write no more than these let through.
ABOUT = "pilot_id = privacy.pilot_asked_for('{{{asks}}}', {level}) AND case_id = ANY (privacy.cases_in_scope())"
OF_SIGNALS = f"pilot_id = privacy.pilot_asked_for('{{worklist,signal}}', {FACTS})"
OF_RESIDENT = f"pilot_id = privacy.pilot_asked_for('{{resident}}', {CONTACT})"
TO_OPEN = (
    f"pilot_id = privacy.pilot_asked_for('{{open-case}}', {FACTS}) AND report_id = ANY (privacy.reports_to_open())"
)
POLICIES = (
    ("signals.case_file", "named", "SELECT", ABOUT.format(asks=ASKS, level=FACTS)),
    ("signals.case_file", "opened", "INSERT", ABOUT.format(asks="open-case", level=FACTS)),
    ("signals.case_file", "continued", "UPDATE", ABOUT.format(asks="case-entry", level=FACTS)),
    ("signals.case_file", "of_signals", "SELECT", OF_SIGNALS),
    ("signals.case_file", "resident", "SELECT", OF_RESIDENT),
    ("signals.case_entry", "named", "SELECT", ABOUT.format(asks="case,case-entry", level=FACTS)),
    ("signals.case_entry", "continued", "INSERT", ABOUT.format(asks="case-entry", level=FACTS)),
    ("signals.case_entry", "resident", "SELECT", OF_RESIDENT),
    ("signals.case_report", "named", "SELECT", ABOUT.format(asks="cases,case,case-entry", level=FACTS)),
    ("signals.case_report", "of_signals", "SELECT", OF_SIGNALS),
    ("signals.case_report", "to_open", "SELECT", TO_OPEN),
    ("signals.case_report", "opened", "INSERT", TO_OPEN + " AND case_id = ANY (privacy.cases_in_scope())"),
    ("signals.case_report", "resident", "SELECT", OF_RESIDENT + " AND report_id = ANY (privacy.reports_in_scope())"),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for statement in TABLES:
        op.execute(statement)
    op.execute(OPEN)
    opening = "privacy.open_case_event(text, text, text, text, text, jsonb)"
    op.execute(f"REVOKE ALL ON FUNCTION {opening} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {opening} TO vroegsein_opener")
    for function in IN_SCOPE:
        op.execute(function)
    for name in ("cases_in_scope", "reports_to_open"):
        op.execute(f"REVOKE ALL ON FUNCTION privacy.{name}() FROM PUBLIC")
    for grant in GRANTS:
        op.execute(f"GRANT {grant} TO {GATE}")
    # What was written is never written over: the linker only takes away what has no report any more.
    op.execute("GRANT SELECT, DELETE, MAINTAIN ON signals.case_file, signals.case_entry TO vroegsein_linker")
    op.execute("GRANT UPDATE (joins) ON signals.case_file TO vroegsein_linker")
    op.execute("GRANT SELECT, INSERT, DELETE, MAINTAIN ON signals.case_report TO vroegsein_linker")
    for table in NAMES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)")
    for table in ("signals.case_file", "signals.case_report"):  # open_case_event runs as the owner
        op.execute(f"CREATE POLICY owner_select ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute("CREATE POLICY cases_select ON signals.report FOR SELECT TO CURRENT_USER USING (state = 'live')")
    for table, name, command, rows in POLICIES:
        clause = "WITH CHECK" if command == "INSERT" else "USING"
        op.execute(
            f"CREATE POLICY {name}_{command.lower()} ON {table} FOR {command} TO vroegsein_gate {clause} ({rows})"
        )
    create_functions(FUNCTIONS, EXECUTE)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
