"""The knock-out list: who is in debt help already. A desk sends it, the linker keeps it and marks reports by it.

It decides nothing about a person: the rule set sorts what is marked (the default into a tray of its own).
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.completion import RuleSets, rejudge
from app.objections import all_keys
from signals.consents import KnownClient, KnownClientRemoval, KnownClients
from signals.linking_known import mark_known_clients
from signals.pilot import Pilot

INSERT = sa.text("""
    INSERT INTO privacy.known_client (pilot_id, client_id, list_id, until, recorded_on, sealed)
    VALUES (:pilot, :client, :list, :until, :recorded_on, :sealed)
""")
INSERT_KEYS = sa.text("""
    INSERT INTO privacy.known_client_key (pilot_id, key, client_id, strong, birth)
    VALUES (:pilot, :key, :client, :strong, :birth) ON CONFLICT DO NOTHING
""")
OTHERS = sa.text("SELECT client_id FROM privacy.known_client WHERE pilot_id = :pilot AND list_id <> :list")
# As reports are marked by an entry (signals/linking_known.py): a strong key, or a weak one with the same birth date.
MET = sa.text("""
    SELECT DISTINCT k.client_id FROM privacy.known_client_key k
    JOIN unnest(CAST(:keys AS uuid[]), CAST(:strong AS boolean[]), CAST(:births AS uuid[]))
         AS asked (key, strong, birth) ON k.key = asked.key AND k.strong = asked.strong
    WHERE k.pilot_id = :pilot AND (k.strong OR k.birth = asked.birth)
""")
REMOVE = tuple(
    f"DELETE FROM privacy.{table} WHERE pilot_id = :pilot AND client_id = ANY (:ids)"  # noqa: S608 - two words of ours
    for table in ("known_client_key", "known_client")
)


def put_on_list(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, change: KnownClients, today: date) -> str:
    """Add entries; the last part of a list takes away all that came otherwise. No entry outlives the pilot's term."""
    last = today + timedelta(days=pilot.retention.known_client_days)
    for client in change.clients:
        if client.until < today:
            continue
        _insert(connection, pilot.id, change.list_id, client, min(client.until, last), today)
    if change.complete:
        _remove(connection, pilot.id, connection.execute(OTHERS, {"pilot": pilot.id, "list": change.list_id}).scalars())
    judge_by_list(connection, pilot, rule_sets)
    return "listed"


def take_off_list(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, removal: KnownClientRemoval) -> str:
    """Take away the entries of one person."""
    rows = all_keys(removal.keys)
    keys = {name: [row[column] for row in rows] for name, column in (("keys", "key"), ("births", "birth"))}
    asked = {"pilot": pilot.id, **keys, "strong": [row["strong"] for row in rows]}
    found = connection.execute(MET, asked).scalars().all()
    take_off(connection, pilot, rule_sets, found)
    return "removed" if found else "not on the list"


def take_off(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, clients: Sequence[uuid.UUID]) -> None:
    """Take away entries by their ids, and judge what they had marked."""
    if clients:
        _remove(connection, pilot.id, clients)
        judge_by_list(connection, pilot, rule_sets)


def judge_by_list(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets) -> None:
    """After a change of the list: mark reports anew and judge the households where a mark changed."""
    rejudge(connection, pilot, rule_sets, mark_known_clients)


def _insert(
    connection: sa.Connection, pilot_id: str, list_id: uuid.UUID, client: KnownClient, until: date, today: date
) -> None:
    of: dict[str, Any] = {"pilot": pilot_id, "client": uuid.uuid4()}
    said = {"list": list_id, "until": until, "recorded_on": today, "sealed": bytes.fromhex(client.sealed)}
    connection.execute(INSERT, {**of, **said})
    if keys := all_keys(client.keys):
        connection.execute(INSERT_KEYS, [{**of, **key} for key in keys])


def _remove(connection: sa.Connection, pilot_id: str, clients: Iterable[uuid.UUID]) -> None:
    ids = list(clients)
    for statement in REMOVE:
        connection.execute(sa.text(statement), {"pilot": pilot_id, "ids": ids})
