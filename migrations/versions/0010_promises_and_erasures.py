"""The leaf of an event is known when it is written; erasing events before their day; refusals at the door. Expand.

An answer can promise its leaves only if they are known before they are sealed. Of events that hold a person by mistake
the contents can go, once the log itself tells of it.
"""

from alembic import op

from migrations.gate import GATE, create_functions

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FUNCTIONS = (
    # RFC 8785 for what events hold (privacy/log.py: canonical); only lists and objects cost a call.
    """
    CREATE FUNCTION privacy.canonical(p_value jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      IF jsonb_typeof(p_value) = 'object' THEN
        RETURN (
          SELECT '{' || coalesce(string_agg(
              to_json(m.key)::text || ':' || CASE WHEN jsonb_typeof(m.value) IN ('object', 'array')
                THEN privacy.canonical(m.value) ELSE m.value::text END,
              ',' ORDER BY m.key COLLATE "C"), '') || '}'
          FROM jsonb_each(p_value) AS m);
      ELSIF jsonb_typeof(p_value) = 'array' THEN
        RETURN (
          SELECT '[' || coalesce(string_agg(
              CASE WHEN jsonb_typeof(m.value) IN ('object', 'array')
                THEN privacy.canonical(m.value) ELSE m.value::text END,
              ',' ORDER BY m.place), '') || ']'
          FROM jsonb_array_elements(p_value) WITH ORDINALITY AS m (value, place));
      END IF;
      RETURN p_value::text;
    END $$
    """,
    """
    CREATE FUNCTION privacy.part(p_part bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT int4send(length(p_part)) || p_part $$
    """,
    # The leaf hash of an event (privacy/log.py: commitment, leaf).
    """
    CREATE FUNCTION privacy.leaf_of(p_kind text, p_keep_until date, p_salt bytea, p_body jsonb) RETURNS bytea
    LANGUAGE sql IMMUTABLE AS $$
      SELECT sha256('\\x00'::bytea
        || privacy.part('vroegsein/log-leaf/v1') || privacy.part(convert_to(p_kind, 'UTF8'))
        || privacy.part(convert_to(to_char(p_keep_until, 'YYYY-MM-DD'), 'UTF8'))
        || privacy.part(sha256(privacy.part('vroegsein/event/v1') || privacy.part(p_salt)
                               || privacy.part(convert_to(privacy.canonical(p_body), 'UTF8')))))
    $$
    """,
    # As before; and its leaf goes back in `g.leaf`, for whoever calls it or a function that does. It tells nothing of
    # the event, whose salt stays here.
    """
    CREATE OR REPLACE FUNCTION privacy.write_event(p_pilot text, p_event uuid, p_kind text, p_body jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      moment timestamptz := clock_timestamp();
      days integer;
      last_day date;
      salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
      whole jsonb := p_body || jsonb_build_object('pilot', p_pilot, 'kind', p_kind, 'event', p_event,
        'at', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
    BEGIN
      SELECT (document #>> '{retention,log_days}')::integer INTO days FROM registry.pilot WHERE pilot_id = p_pilot;
      last_day := (moment AT TIME ZONE 'Europe/Amsterdam')::date + coalesce(days, 1826);
      INSERT INTO privacy.event (pilot_id, event_id, at, kind, keep_until, salt, body)
      VALUES (p_pilot, p_event, moment, p_kind, last_day, salt, whole);
      INSERT INTO privacy.unsealed VALUES (p_pilot, p_event);
      EXECUTE format('SET LOCAL g.leaf = %L', encode(privacy.leaf_of(p_kind, last_day, salt, whole), 'hex'));
    END $$
    """,
    # A look that was refused before it could be opened. An unknown pilot has no log to write it in.
    """
    CREATE FUNCTION privacy.note_refusal(
        p_pilot text, p_organisation text, p_role text, p_actor text, p_purpose text, p_asks jsonb, p_refused text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      IF EXISTS (SELECT FROM registry.pilot p WHERE p.pilot_id = p_pilot) THEN
        PERFORM privacy.write_event(p_pilot, gen_random_uuid(), 'refusal',
          jsonb_build_object('organisation', p_organisation, 'role', p_role, 'actor', p_actor, 'purpose', p_purpose,
            'basis', NULL, 'level', NULL, 'asks', p_asks, 'households', '[]'::jsonb, 'refused', p_refused));
      END IF;
    END $$
    """,
    """
    CREATE FUNCTION privacy.erasure_outcome(p_pilot text, p_erasure uuid) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      RETURN (SELECT outcome FROM privacy.log_erasure WHERE pilot_id = p_pilot AND erasure_id = p_erasure);
    END $$
    """,
    # First the log tells of it. The erasure outlasts all that it names, or their absence could not be explained.
    """
    CREATE FUNCTION privacy.tell_erasure(p_pilot text, p_erasure uuid, p_leaves bytea[], p_body jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE telling uuid := gen_random_uuid();
    BEGIN
      PERFORM privacy.write_event(p_pilot, telling, 'log-erasure', p_body);
      UPDATE privacy.event SET keep_until = greatest(keep_until, (
        SELECT max(l.keep_until) FROM privacy.log_leaf l WHERE l.pilot_id = p_pilot AND l.leaf_hash = ANY (p_leaves)))
      WHERE pilot_id = p_pilot AND event_id = telling;
      UPDATE privacy.log_erasure SET event_id = telling, leaves = p_leaves
      WHERE pilot_id = p_pilot AND erasure_id = p_erasure AND event_id IS NULL;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'no such erasure' USING ERRCODE = 'insufficient_privilege';
      END IF;
    END $$
    """,
    # Then, once that is sealed, what it names goes: never an erasure itself.
    """
    CREATE FUNCTION privacy.erase_events(p_pilot text, p_erasure uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      named bytea[];
      gone integer;
    BEGIN
      SELECT r.leaves INTO named FROM privacy.log_erasure r
      WHERE r.pilot_id = p_pilot AND r.erasure_id = p_erasure AND r.done_at IS NULL AND EXISTS (
        SELECT FROM privacy.log_leaf l
        WHERE l.pilot_id = p_pilot AND l.event_id = r.event_id AND l.kind = 'log-erasure');
      IF named IS NULL THEN
        RAISE EXCEPTION 'the log does not tell of this erasure' USING ERRCODE = 'insufficient_privilege';
      END IF;
      DELETE FROM privacy.event e USING privacy.log_leaf l
      WHERE e.pilot_id = p_pilot AND l.pilot_id = p_pilot AND l.event_id = e.event_id
        AND l.leaf_hash = ANY (named) AND l.kind <> 'log-erasure';
      GET DIAGNOSTICS gone = ROW_COUNT;
      RETURN gone;
    END $$
    """,
)
EXECUTE = {
    "privacy.canonical(jsonb)": None,
    "privacy.part(bytea)": None,
    "privacy.leaf_of(text, date, bytea, jsonb)": None,
    "privacy.note_refusal(text, text, text, text, text, jsonb, text)": "opener",
    "privacy.erasure_outcome(text, uuid)": "opener",
    "privacy.tell_erasure(text, uuid, bytea[], jsonb)": "linker",
    "privacy.erase_events(text, uuid)": "linker",
}
# The one erasure that the event named.
ASK_ERASURE = """
    CREATE FUNCTION gate.ask_erasure(p_signed text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE scope privacy.access_scope := privacy.scope();
    BEGIN
      IF scope.pilot_id IS NULL OR scope.asks ->> 'ask' IS DISTINCT FROM 'log-erasure'
          OR scope.role <> 'privacy-officer' THEN
        RAISE EXCEPTION 'no event in scope names an erasure' USING ERRCODE = 'insufficient_privilege';
      END IF;
      INSERT INTO privacy.log_erasure (pilot_id, erasure_id, signed)
      VALUES (scope.pilot_id, (scope.asks ->> 'erasure')::uuid, p_signed);
    END $$
    """
# `signed` is what the desk signed; it stands in the event too, and goes from here when it is done.
TABLE = """
    CREATE TABLE privacy.log_erasure (
        pilot_id text NOT NULL,
        erasure_id uuid NOT NULL,
        signed text NOT NULL,
        asked_at timestamptz NOT NULL DEFAULT now(),
        event_id uuid,
        leaves bytea[],
        done_at timestamptz,
        outcome text,
        PRIMARY KEY (pilot_id, erasure_id)
    )
"""
GRANTS = (
    "GRANT SELECT, UPDATE (signed, done_at, outcome) ON privacy.log_erasure TO vroegsein_linker",
    f"GRANT INSERT (pilot_id, erasure_id, signed) ON privacy.log_erasure TO {GATE}",
)
# The functions above run as the owner, which row-level security binds too.
POLICIES = (
    "CREATE POLICY owner_select ON privacy.event FOR SELECT TO CURRENT_USER USING (true)",
    "CREATE POLICY owner_update ON privacy.event FOR UPDATE TO CURRENT_USER USING (kind = 'log-erasure')",
    "CREATE POLICY owner_delete ON privacy.event FOR DELETE TO CURRENT_USER USING (kind <> 'log-erasure')",
    "CREATE POLICY owner_select ON privacy.log_leaf FOR SELECT TO CURRENT_USER USING (true)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(TABLE)
    for function in FUNCTIONS:
        op.execute(function)
    for function, role in EXECUTE.items():
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        if role is not None:
            op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO vroegsein_{role}")
    for statement in (*GRANTS, *POLICIES):
        op.execute(statement)
    create_functions([ASK_ERASURE], {"gate.ask_erasure(text)": ("recorder",)})


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
