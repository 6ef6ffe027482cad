"""The logins' roles and the four schemas. Phase: expand.

The roles are made without login: `vroegsein operator migrate` gives each its password. They belong to the whole server,
so a second database on the same server finds them there.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = ("ingest", "linker", "opener", "reader", "recorder", "auditor")
# Who may name what is in a schema. The planner counts by its statistics for whoever may name a table, also where that
# login may not read it; so those who read under an access event name nothing but the functions of migration 0008.
USAGE = {
    "registry": ("ingest", "linker", "opener"),
    "intake": ("ingest", "linker"),
    "signals": ("linker",),
    "privacy": ("ingest", "linker", "opener"),
}


def upgrade() -> None:
    for role in ROLES:
        name = f"vroegsein_{role}"
        op.execute(f"""
            DO $$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{name}') THEN
                CREATE ROLE {name} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
              END IF;
            END $$
        """)
    # A cursor or an idle transaction would outlive the access event that allowed the read.
    for role in ("opener", "reader", "recorder", "auditor"):
        op.execute(f"ALTER ROLE vroegsein_{role} SET transaction_timeout = '20s'")
        op.execute(f"ALTER ROLE vroegsein_{role} SET idle_in_transaction_session_timeout = '10s'")
    op.execute("DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$")
    for role in ROLES:
        op.execute(f"""
            DO $$ BEGIN
              EXECUTE format('GRANT CONNECT ON DATABASE %I TO vroegsein_{role}', current_database());
            END $$
        """)
    # Temporary tables outlive an access event too, so only those who load and link may have them.
    for role in ("ingest", "linker"):
        op.execute(f"""
            DO $$ BEGIN
              EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO vroegsein_{role}', current_database());
            END $$
        """)
    for schema, roles in USAGE.items():
        op.execute(f"CREATE SCHEMA {schema}")
        for role in roles:
            op.execute(f"GRANT USAGE ON SCHEMA {schema} TO vroegsein_{role}")


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
