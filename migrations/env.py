"""Alembic's entry. It takes the connection that `vroegsein operator migrate` made; it makes none of its own."""

from typing import TYPE_CHECKING

from alembic import context

if TYPE_CHECKING:
    from sqlalchemy import Connection

TIMEOUTS = {
    "lock_timeout": "4s",  # a migration that waits for a lock makes all who come after it wait as well
    "statement_timeout": "15min",
    "idle_in_transaction_session_timeout": "1min",
}


def run() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if context.is_offline_mode() or connection is None:
        raise SystemExit("Migrations run with `vroegsein operator migrate`, which logs in with the owner's passfile.")
    for name, value in TIMEOUTS.items():
        connection.exec_driver_sql(f"SET {name} = '{value}'")
    connection.commit()  # else Alembic would take the open transaction for ours, and leave the commit to us
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


run()
