"""Reports of a household that moved leave the work here: its municipality delivered them to another one's pilot.

They keep their keys and terms, so that a resident who asks hears where they went, and belong to no household any more.
"""

import sqlalchemy as sa

from app.completion import RuleSets, begin_touched, relink
from signals.consents import HandOver
from signals.pilot import Pilot

TOUCH = """
    INSERT INTO touched_report SELECT report_id FROM signals.report
    WHERE pilot_id = :pilot AND report_id = ANY (:reports) AND state = 'live'
"""
PLACE = """
    UPDATE signals.report SET state = 'handed_over', handed_over_to = :to
    WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM touched_report))
"""
FOUND = sa.text("""
    SELECT EXISTS (SELECT FROM signals.report WHERE pilot_id = :pilot AND report_id = ANY (:reports)
                   AND state = 'handed_over' AND handed_over_to = :to)
""")


def hand_over(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, change: HandOver) -> str:
    """Take live reports out of persons, households and signals. The caller holds the lock; repeating changes nothing.

    Returns "handed over", or "no such report" where none of them is handed over to that pilot now.
    """
    values = {"pilot": pilot.id, "reports": list(change.report_ids), "to": change.to_pilot}
    begin_touched(connection)
    for statement in (TOUCH, PLACE):
        connection.execute(sa.text(statement), values)
    relink(connection, pilot, rule_sets)
    return "handed over" if connection.execute(FOUND, values).scalar_one() else "no such report"
