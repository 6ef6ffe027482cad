"""Cases as if they had been worked on earlier: written into the database, where the service would date them today."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

from psycopg.types.json import Jsonb

from privacy.references import reference
from signals.cases import Entry, case_of
from signals.days import AMSTERDAM
from tests.world import World


def worked_case(
    world: World,
    pilot: str,
    contracts: Mapping[str, str],
    entries: Sequence[Entry],
    opened: date,
    written: date,
) -> uuid.UUID:
    """A case of these contracts (creditor: contract), opened on one day; its entries were written on another."""
    case, now = uuid.uuid4(), case_of(opened, entries)
    references = [
        uuid.UUID(reference(world.home(creditor).secret("secret.key"), pilot, contract))
        for creditor, contract in contracts.items()
    ]
    with world.database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO signals.case_file (pilot_id, case_id, opened_at, opened_by, offer_by, entries, stage, result)"
            " VALUES (%s, %s, %s, 'somebody', %s, %s, %s, %s)",
            [pilot, case, _morning(opened), opened, len(entries), now.stage, now.closed and now.closed.result],
        )
        for number, entry in enumerate(entries, start=1):
            body = Jsonb(entry.model_dump(mode="json", by_alias=True))
            connection.execute(
                "INSERT INTO signals.case_entry VALUES (%s, %s, %s, %s, %s, 'somebody')",
                [pilot, case, number, body, _morning(written)],
            )
        connection.execute(
            "INSERT INTO signals.case_report SELECT pilot_id, report_id, %s FROM signals.report"
            " WHERE pilot_id = %s AND reference = ANY (%s)",
            [case, pilot, references],
        )
    return case


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9), AMSTERDAM)
