"""Erasure (GDPR art. 17): a resident's reports, decisions on their links, consents, listing and identity go.

A no of match keys stays: without it, next month's snapshot would bring the same arrears back. It names
nobody: nobody can open a key.
"""

import uuid
from datetime import date

import sqlalchemy as sa

from app.completion import RuleSets
from app.known_clients import take_off
from app.link_deciding import forget_erased
from app.objections import No, say_no
from signals.consents import Erasure
from signals.pilot import Pilot

# By the keys that stay of the erasure: the resident's own, and those of the reports that it stopped.
THEIR_CONSENTS = """
    CREATE TEMPORARY TABLE their_consent ON COMMIT DROP AS
    SELECT DISTINCT c.consent_id FROM privacy.objection_key o JOIN privacy.consent_key c
      ON c.pilot_id = o.pilot_id AND c.key = o.key AND c.strong
    WHERE o.pilot_id = :pilot AND o.objection_id = :objection AND o.strong
      AND c.consent_id <> ALL (CAST(:spared AS uuid[]))
"""
FORGET_CONSENTS = "DELETE FROM privacy.{table} WHERE pilot_id = :pilot AND consent_id IN (SELECT * FROM their_consent)"
THEIR_LISTINGS = """
    SELECT DISTINCT k.client_id FROM privacy.objection_key o JOIN privacy.known_client_key k
      ON k.pilot_id = o.pilot_id AND k.key = o.key AND k.strong
    WHERE o.pilot_id = :pilot AND o.objection_id = :objection AND o.strong
      AND k.client_id <> ALL (CAST(:spared AS uuid[]))
"""
# An earlier no goes on holding by its keys; what waited for a decision is decided by this.
UNSEAL_NOTHING_MORE = """
    UPDATE privacy.objection SET sealed = NULL,
        state = CASE state WHEN 'pending' THEN 'stands' ELSE state END, decided_on = coalesce(decided_on, :today)
    WHERE pilot_id = :pilot AND sealed IS NOT NULL AND objection_id <> ALL (CAST(:spared AS uuid[]))
      AND objection_id IN (
        SELECT k.objection_id FROM privacy.objection_key o JOIN privacy.objection_key k
          ON k.pilot_id = o.pilot_id AND k.key = o.key AND k.strong
        WHERE o.pilot_id = :pilot AND o.objection_id = :objection AND o.strong)
"""


def erase(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, change_id: uuid.UUID, erasure: Erasure, today: date
) -> None:
    """Erase in the caller's transaction, under the pilot's lock. `change_id` becomes the id of the no that stays."""
    no = No("erasure", "stands", min(erasure.erased_on, today))
    say_no(connection, pilot, rule_sets, change_id, no, erasure.keys, erasure.not_theirs)
    values = {"pilot": pilot.id, "objection": change_id, "spared": list(erasure.not_theirs), "today": today}
    connection.execute(sa.text(THEIR_CONSENTS), values)
    for table in ("consent_key", "consent"):
        connection.execute(sa.text(FORGET_CONSENTS.format(table=table)), values)
    connection.execute(sa.text(UNSEAL_NOTHING_MORE), values)
    forget_erased(connection, pilot, rule_sets, change_id)
    listings = connection.execute(sa.text(THEIR_LISTINGS), values).scalars().all()
    take_off(connection, pilot, rule_sets, listings)
