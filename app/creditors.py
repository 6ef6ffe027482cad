"""Which creditors of a pilot delivered what and when, for its municipality: no word of a resident is in it."""

from typing import Any

import sqlalchemy as sa

from app.db.sessions import Login, Sessions
from app.intake import deliveries_of
from app.publishing import refuse_others
from signals.pilot import Agreement, Organisation

WITH_AGREEMENT = sa.text("""
    SELECT o.document AS organisation, a.document AS agreement
    FROM registry.agreement a JOIN registry.organisation o USING (organisation_id)
    WHERE a.pilot_id = :pilot ORDER BY a.organisation_id
""")


def creditors_of(sessions: Sessions, municipality: str, pilot_id: str) -> list[dict[str, Any]]:
    """The creditors that have an agreement with a pilot, each with its last 200 deliveries that were taken up.

    Each creditor's are read in its own scope, as it reads them itself. What the municipality left for itself when it
    replaced keys is nobody's delivery. Raises PilotUnknown.
    """
    with sessions.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        rows = connection.execute(WITH_AGREEMENT, {"pilot": pilot_id}).all()
    found = []
    for row in rows:
        organisation, agreement = Organisation.model_validate(row.organisation), Agreement.model_validate(row.agreement)
        deliveries = deliveries_of(sessions, organisation.id, pilot_id)
        found.append(
            {
                "creditor_id": organisation.id,
                "name": organisation.name,
                "starts": agreement.starts,
                "ends": agreement.ends,
                "categories": agreement.categories,
                "deliveries": [
                    {name: delivery[name] for name in ("period", "category", "completed_at", "accepted")}
                    for delivery in deliveries
                    if delivery["state"] == "completed"
                ],
            }
        )
    return found
