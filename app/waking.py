"""How the linker is woken when a pilot has work for it: a notice of the database, sent as the transaction commits."""

import sqlalchemy as sa

CHANNEL = "vroegsein_work"
NOTIFY = sa.text(f"SELECT pg_notify('{CHANNEL}', :pilot)")


def wake_linker(connection: sa.Connection, pilot_id: str) -> None:
    """Let the linker look at a pilot once the caller's transaction is committed; one that rolls back wakes nobody."""
    connection.execute(NOTIFY, {"pilot": pilot_id})
