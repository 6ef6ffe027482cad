"""The gate: functions that open, enter and close access events; grants; row-level security. Phase: contract.

Two logins carry it. The opener writes an event and commits; it can read no signal. The reader enters that event's scope
and reads through the functions of migration 0008; it can write no event. So "committed before, by somebody else"
follows from MVCC alone, whatever the reader does with rollbacks and savepoints. docs/trust-model.md says what each
login can and can't do.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Names a role's reach: an open page is read within a moment, so a stolen event id is worth nothing a moment later.
SCOPE_SECONDS = 5

FUNCTIONS = (
    """
    CREATE FUNCTION registry.creditor_in_scope() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('g.creditor', true), '') $$
    """,
    """
    CREATE FUNCTION registry.enter_creditor(p_creditor text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN EXECUTE format('SET LOCAL g.creditor = %L', p_creditor); END $$
    """,
    # False: this assertion was used before (RFC 7523, section 3, item 7).
    """
    CREATE FUNCTION registry.use_assertion(p_organisation text, p_jti text, p_expires timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      DELETE FROM registry.used_assertion WHERE organisation_id = p_organisation AND expires_at < clock_timestamp();
      INSERT INTO registry.used_assertion VALUES (p_organisation, p_jti, p_expires) ON CONFLICT DO NOTHING;
      RETURN FOUND;
    END $$
    """,
    """
    CREATE FUNCTION privacy.write_event(p_pilot text, p_event uuid, p_kind text, p_body jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      moment timestamptz := clock_timestamp();
      days integer;
      salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    BEGIN
      SELECT (document #>> '{retention,log_days}')::integer INTO days FROM registry.pilot WHERE pilot_id = p_pilot;
      INSERT INTO privacy.event (pilot_id, event_id, at, kind, keep_until, salt, body)
      VALUES (p_pilot, p_event, moment, p_kind,
              (moment AT TIME ZONE 'Europe/Amsterdam')::date + coalesce(days, 1826), salt,
              p_body || jsonb_build_object('pilot', p_pilot, 'kind', p_kind, 'event', p_event,
                'at', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
      INSERT INTO privacy.unsealed VALUES (p_pilot, p_event);
    END $$
    """,
    # Why somebody may not look, or null. The log stays open to its privacy officer when the pilot is over.
    """
    CREATE FUNCTION privacy.why_refused(
        p_pilot registry.pilot, p_organisation text, p_role text, p_actor text, p_purpose text, p_ask text)
    RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      today date := (clock_timestamp() AT TIME ZONE 'Europe/Amsterdam')::date;
      roles jsonb := p_pilot.document #> ARRAY['purposes', p_purpose, 'roles'];
    BEGIN
      IF p_organisation IS DISTINCT FROM p_pilot.municipality_id THEN RETURN 'not-this-municipality';
      ELSIF today < p_pilot.starts OR today > p_pilot.ends AND p_ask IS DISTINCT FROM 'log' THEN
        RETURN 'pilot-not-running';
      ELSIF roles IS NULL THEN RETURN 'unknown-purpose';
      ELSIF NOT coalesce(roles ? p_role, false) THEN RETURN 'purpose-not-for-role';
      ELSIF p_ask = 'log' AND p_role <> 'privacy-officer' THEN RETURN 'log-not-for-role';
      ELSIF coalesce(p_actor, '') = '' THEN RETURN 'no-actor';
      END IF;
      RETURN NULL;
    END $$
    """,
    # The first phase. It answers which event was opened, or why not; a refusal is an event too.
    """
    CREATE FUNCTION privacy.open_event(
        p_pilot text, p_organisation text, p_role text, p_actor text, p_purpose text, p_asks jsonb,
        OUT event_id uuid, OUT refused text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      pilot registry.pilot;
      purpose jsonb;
      reach integer := 0;
      glass privacy.break_glass;
      found_households uuid[] := '{}';
      found_signals uuid[] := '{}';
      next_place jsonb;
      after jsonb := p_asks -> 'after';
      most integer := least(coalesce((p_asks ->> 'limit')::integer, 500), 500);
    BEGIN
      event_id := gen_random_uuid();
      SELECT * INTO pilot FROM registry.pilot p WHERE p.pilot_id = p_pilot;
      IF NOT FOUND THEN
        event_id := NULL; refused := 'unknown-pilot'; RETURN;  -- there is no log to write it in
      END IF;
      purpose := pilot.document -> 'purposes' -> p_purpose;
      refused := privacy.why_refused(pilot, p_organisation, p_role, p_actor, p_purpose, p_asks ->> 'ask');
      IF refused IS NULL AND purpose #>> '{break_glass,minutes}' IS NOT NULL THEN
        SELECT * INTO glass FROM privacy.break_glass b
        WHERE b.pilot_id = p_pilot AND b.role = p_role AND b.actor = p_actor AND b.purpose = p_purpose
        ORDER BY b.until DESC LIMIT 1;
        IF glass.event_id IS NULL THEN refused := 'break-glass-needed';
        ELSIF glass.until <= clock_timestamp() THEN refused := 'break-glass-over';
        END IF;
      END IF;
      IF refused IS NULL THEN
        reach := array_position(ARRAY['none', 'index', 'categories', 'facts', 'contact'], purpose ->> 'level') - 1;
        IF reach = 0 THEN NULL;  -- nothing is shown, so nothing is named
        ELSIF p_asks ->> 'ask' = 'signal' THEN
          SELECT coalesce(array_agg(s.household_id), '{}'), coalesce(array_agg(s.signal_id), '{}')
          INTO found_households, found_signals FROM signals.signal s
          WHERE s.pilot_id = p_pilot AND s.signal_id = (p_asks ->> 'signal')::uuid;
        ELSIF p_asks ->> 'ask' = 'worklist' THEN
          WITH page AS (
            SELECT s.household_id, s.signal_id, s.urgent, s.deadline, s.priority FROM signals.signal s
            WHERE s.pilot_id = p_pilot
              AND (p_asks ->> 'tray' IS NULL OR s.tray = p_asks ->> 'tray')
              AND (p_asks ->> 'period' IS NULL OR s.period = p_asks ->> 'period')
              AND (p_asks ->> 'rule' IS NULL OR p_asks ->> 'rule' = ANY (s.rules))
              AND (after IS NULL OR (NOT s.urgent, s.deadline, -s.priority, s.signal_id)
                > (NOT (after ->> 0)::boolean, (after ->> 1)::date, -(after ->> 2)::integer, (after ->> 3)::uuid))
            ORDER BY NOT s.urgent, s.deadline, -s.priority, s.signal_id LIMIT most)
          SELECT coalesce(array_agg(DISTINCT page.household_id), '{}'), coalesce(array_agg(page.signal_id), '{}'),
                 CASE WHEN count(*) = most THEN
                   (array_agg(jsonb_build_array(page.urgent, page.deadline, page.priority, page.signal_id)
                      ORDER BY page.urgent, page.deadline DESC, page.priority, page.signal_id DESC))[1] END
          INTO found_households, found_signals, next_place FROM page;
        END IF;
      END IF;
      PERFORM privacy.write_event(p_pilot, event_id, CASE WHEN refused IS NULL THEN 'access' ELSE 'refusal' END,
        jsonb_build_object('organisation', p_organisation, 'role', p_role, 'actor', p_actor, 'purpose', p_purpose,
          'basis', purpose ->> 'basis', 'level', purpose ->> 'level', 'asks', p_asks,
          'households', to_jsonb(found_households), 'refused', refused)
        || CASE WHEN glass.event_id IS NULL THEN '{}' ELSE jsonb_build_object('break_glass', glass.event_id) END);
      IF refused IS NULL THEN
        INSERT INTO privacy.access_scope (pilot_id, event_id, opened_at, role, level, asks, households, signals, next)
        VALUES (p_pilot, event_id, clock_timestamp(), p_role, reach, p_asks - 'request', found_households,
                found_signals, next_place);
      ELSE
        event_id := NULL;
      END IF;
    END $$
    """,
    # What a purpose for emergencies needs first. It is for one person in one role, and ends by itself.
    """
    CREATE FUNCTION privacy.open_break_glass(
        p_pilot text, p_organisation text, p_role text, p_actor text, p_purpose text, p_reason text, p_request text,
        OUT until timestamptz, OUT refused text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      pilot registry.pilot;
      purpose jsonb;
      event uuid := gen_random_uuid();
      told jsonb;
    BEGIN
      SELECT * INTO pilot FROM registry.pilot p WHERE p.pilot_id = p_pilot;
      IF NOT FOUND THEN refused := 'unknown-pilot'; RETURN; END IF;
      purpose := pilot.document -> 'purposes' -> p_purpose;
      refused := privacy.why_refused(pilot, p_organisation, p_role, p_actor, p_purpose, 'break-glass');
      IF refused IS NOT NULL THEN NULL;
      ELSIF purpose #>> '{break_glass,minutes}' IS NULL THEN refused := 'no-break-glass';
      ELSIF coalesce(char_length(btrim(p_reason)), 0) NOT BETWEEN 10 AND 500 THEN refused := 'no-reason';
      END IF;
      told := jsonb_build_object('organisation', p_organisation, 'role', p_role, 'actor', p_actor,
        'purpose', p_purpose, 'basis', purpose ->> 'basis', 'level', purpose ->> 'level',
        'asks', jsonb_build_object('ask', 'break-glass', 'request', p_request));
      IF refused IS NOT NULL THEN
        PERFORM privacy.write_event(p_pilot, event, 'refusal', told || jsonb_build_object('refused', refused));
        RETURN;
      END IF;
      until := clock_timestamp() + make_interval(mins => (purpose #>> '{break_glass,minutes}')::integer);
      INSERT INTO privacy.break_glass (pilot_id, event_id, role, actor, purpose, until)
      VALUES (p_pilot, event, p_role, p_actor, p_purpose, until);
      PERFORM privacy.write_event(p_pilot, event, 'break-glass', told || jsonb_build_object('reason', btrim(p_reason),
        'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
    END $$
    """,
    # Closing says what was shown and ends the scope, so that the same event can't be read under again.
    """
    CREATE FUNCTION privacy.close_event(p_pilot text, p_event uuid, p_outcome text, p_shown jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE closing uuid := gen_random_uuid();
    BEGIN
      IF NOT EXISTS (SELECT FROM privacy.access_scope a WHERE a.pilot_id = p_pilot AND a.event_id = p_event) THEN
        RAISE EXCEPTION 'no such access event' USING ERRCODE = 'insufficient_privilege';
      END IF;
      INSERT INTO privacy.access_closed VALUES (p_pilot, p_event, closing);  -- a second closing fails on its key
      PERFORM privacy.write_event(p_pilot, closing, 'shown',
        jsonb_build_object('access', p_event, 'outcome', p_outcome, 'shown', p_shown));
    END $$
    """,
    # The row of the event in scope, or nulls. Plain variables and both keys: on Citus the look-up then stays on the
    # shard (docs/decisions).
    f"""
    CREATE FUNCTION privacy.scope() RETURNS privacy.access_scope LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      p text := nullif(current_setting('g.pilot', true), '');
      e uuid := nullif(current_setting('g.event', true), '')::uuid;
      found_scope privacy.access_scope;
    BEGIN
      SELECT * INTO found_scope FROM privacy.access_scope s
      WHERE s.pilot_id = p AND s.event_id = e
        AND s.opened_at > clock_timestamp() - interval '{SCOPE_SECONDS} seconds'
        AND NOT EXISTS (SELECT FROM privacy.access_closed c WHERE c.pilot_id = p AND c.event_id = e);
      RETURN found_scope;
    END $$
    """,
    """
    CREATE FUNCTION privacy.pilot_in_scope() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN RETURN (privacy.scope()).pilot_id; END $$
    """,
    """
    CREATE FUNCTION privacy.households_in_scope(p_level integer) RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
    COST 1000 SET search_path = pg_catalog, pg_temp AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN RETURN CASE WHEN scope.level >= p_level THEN scope.households ELSE '{}' END; END $$
    """,
)

# Which function each login may call; all others lose the right that PostgreSQL gives to everybody by default.
EXECUTE = {
    "registry.creditor_in_scope()": ("ingest",),
    "registry.enter_creditor(text)": ("ingest",),
    "registry.use_assertion(text, text, timestamptz)": ("opener",),
    "privacy.write_event(text, uuid, text, jsonb)": ("linker",),
    "privacy.open_event(text, text, text, text, text, jsonb)": ("opener",),
    "privacy.close_event(text, uuid, text, jsonb)": ("opener",),
    "privacy.open_break_glass(text, text, text, text, text, text, text)": ("opener",),
    "privacy.why_refused(registry.pilot, text, text, text, text, text)": (),
    "privacy.scope()": (),
    "privacy.pilot_in_scope()": (),
    "privacy.households_in_scope(integer)": (),
}

REGISTRY_TABLES = (
    "organisation",
    "organisation_key",
    "rule_set",
    "pilot",
    "agreement",
    "signed_document",
    "key_envelope",
)

GRANTS = (
    *(f"GRANT SELECT ON registry.{t} TO vroegsein_ingest, vroegsein_linker, vroegsein_opener" for t in REGISTRY_TABLES),
    "GRANT UPDATE (locked_at) ON registry.pilot TO vroegsein_linker",
    "GRANT INSERT ON registry.signed_document, registry.key_envelope TO vroegsein_opener",
    # A creditor's own deliveries: staged reports can be written and replaced by whoever stages, but not read back.
    "GRANT SELECT, INSERT ON intake.delivery TO vroegsein_ingest",
    "GRANT UPDATE (state, completing_at, manifest, key_envelope) ON intake.delivery TO vroegsein_ingest",
    "GRANT SELECT, INSERT, DELETE ON intake.part, intake.refused_row TO vroegsein_ingest",
    "GRANT INSERT, DELETE, SELECT (pilot_id, delivery_id, part) ON intake.staged_report TO vroegsein_ingest",
    (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON intake.delivery, intake.part, intake.refused_row, intake.staged_report"
        " TO vroegsein_linker"
    ),
    "GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON ALL TABLES IN SCHEMA signals TO vroegsein_linker",
    "GRANT SELECT, UPDATE ON privacy.basis_change TO vroegsein_linker",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON privacy.consent, privacy.consent_key TO vroegsein_linker",
    "GRANT SELECT ON privacy.event TO vroegsein_linker",
    "GRANT SELECT, DELETE ON privacy.unsealed TO vroegsein_linker",
    "GRANT SELECT, INSERT ON privacy.log_leaf, privacy.log_node TO vroegsein_linker",
    "GRANT SELECT, INSERT, UPDATE ON privacy.log_head TO vroegsein_linker",
)

# table, login, what it may do, which rows
POLICIES = (
    ("signals.signal", "owner", "SELECT", "true"),  # open_event runs as the owner and finds the households of a page
    ("intake.delivery", "ingest", "ALL", "creditor_id = registry.creditor_in_scope()"),
)
LINKER_TABLES = (
    "signals.signal", "signals.signal_categories", "signals.signal_facts", "signals.report", "signals.sealed_report",
    "signals.report_key", "signals.shut_out", "signals.link_change", "intake.delivery", "privacy.basis_change",
    "privacy.consent", "privacy.consent_key", "privacy.log_leaf", "privacy.log_head",
)  # fmt: skip
OWNER_TABLES = ("privacy.event",)  # write_event runs as the owner, and RLS is forced upon it too


# Only where Citus is: a login that is no superuser may not name a setting that the server doesn't know.
ON_CITUS = """
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') THEN
        ALTER FUNCTION privacy.scope() SET citus.allow_nested_distributed_execution = on;
        ALTER FUNCTION privacy.pilot_in_scope() SET citus.allow_nested_distributed_execution = on;
        ALTER FUNCTION privacy.households_in_scope(integer) SET citus.allow_nested_distributed_execution = on;
      END IF;
    END $$
"""


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    op.execute(ON_CITUS)
    for function, roles in EXECUTE.items():
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        for role in roles:
            op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO vroegsein_{role}")
    for grant in GRANTS:
        op.execute(grant)
    tables = sorted({table for table, *_ in POLICIES} | set(LINKER_TABLES) | set(OWNER_TABLES))
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, role, command, rows in POLICIES:
        who = "CURRENT_USER" if role == "owner" else f"vroegsein_{role}"
        op.execute(f"CREATE POLICY {role}_{command.lower()} ON {table} FOR {command} TO {who} USING ({rows})")
    for table in LINKER_TABLES:
        op.execute(f"CREATE POLICY linker_all ON {table} TO vroegsein_linker USING (true)")
    op.execute("CREATE POLICY linker_select ON privacy.event FOR SELECT TO vroegsein_linker USING (true)")
    op.execute("CREATE POLICY owner_insert ON privacy.event FOR INSERT TO CURRENT_USER WITH CHECK (true)")


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
