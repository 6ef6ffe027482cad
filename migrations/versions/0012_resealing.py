"""What is sealed to a municipality is read and replaced in bulk, when its desk replaces its key. Phase: expand.

Delivery keys, and who consented or objected: nothing of it opens here. Both functions work inside an access event and
in its pilot alone; the policies keep them to it a second time.
"""

from alembic import op

revision = "0012"
down_revision = "0007"
branch_labels = None
depends_on = None

MOST = 500  # in one page, whatever is asked for

# table, its id, its column with what is sealed, kind, what the desk needs to open it
SEALED = (
    ("intake.delivery", "delivery_id", "key_envelope", "'delivery'", "NULL::text, x.manifest"),
    ("privacy.consent", "consent_id", "sealed", "'consent'", "x.category, NULL::text"),
    ("privacy.objection", "objection_id", "sealed", "'objection'", "NULL::text, NULL::text"),
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
FUNCTIONS = (
    f"""
    CREATE FUNCTION privacy.sealed_to_municipality(p_behind uuid, p_limit integer)
    RETURNS TABLE (sealing_id uuid, kind text, sealed bytea, category text, manifest text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      p text := privacy.pilot_in_scope();
      page integer := least(p_limit, {MOST});
    BEGIN
      IF p IS NULL THEN RETURN; END IF;
      RETURN QUERY SELECT * FROM ({PAGES}) AS found ORDER BY 1 LIMIT page;
    END $$
    """,
    f"""
    CREATE FUNCTION privacy.replace_sealed(p_ids uuid[], p_sealed bytea[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      p text := privacy.pilot_in_scope();
      done integer;
      replaced integer := 0;
    BEGIN
      IF p IS NULL THEN RETURN 0; END IF;
      {REPLACED}
      RETURN replaced;
    END $$
    """,
)
NAMES = ("privacy.sealed_to_municipality(uuid, integer)", "privacy.replace_sealed(uuid[], bytea[])")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for function in FUNCTIONS:
        op.execute(function)
    for name in NAMES:
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO vroegsein_recorder")
    for table, *_ in SEALED:
        for command in ("SELECT", "UPDATE"):
            op.execute(
                f"CREATE POLICY resealing_{command.lower()} ON {table} FOR {command} TO CURRENT_USER"
                " USING (pilot_id = privacy.pilot_in_scope())"
            )


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
