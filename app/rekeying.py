"""Match keys that the desk made from what only it can open, and left as deliveries of its own.

Re-keying: all reports, consents, nos and listings of a pilot get the match keys of another pilot key, at one stroke.
Under the pilot's lock either all of it takes the place of the old keys, or nothing does: half of it would part every
household. Keying: reports that came without match keys get their first, each for itself, and join the others.
"""

from typing import Any

import sqlalchemy as sa

from app.basis_check import forget
from app.completion import RuleSets, begin_touched, relink
from app.objections import all_keys, recheck
from signals.linking import touch_neighbours
from signals.pilot import Pilot
from signals.report import MatchKeys

# A correction that came in meanwhile has other words than what was staged, and is to be re-keyed itself.
STAGED = (
    """
    CREATE TEMPORARY TABLE rekeyed ON COMMIT DROP AS
    SELECT DISTINCT ON (s.report_id) s.report_id, s.delivery_id, s.part, s.sent, s.sent::jsonb AS r, s.wrapped_key,
           s.contact, s.proof, r.delivery_id AS delivered_in
    FROM intake.delivery d
    JOIN intake.staged_report s ON s.pilot_id = d.pilot_id AND s.delivery_id = d.delivery_id
    JOIN signals.sealed_report o ON o.pilot_id = s.pilot_id AND o.report_id = s.report_id
    JOIN signals.report r ON r.pilot_id = s.pilot_id AND r.report_id = s.report_id
    WHERE d.pilot_id = :pilot AND d.creditor_id = :municipality AND d.state = 'open'
      AND (r.state = 'unkeyed') = :unkeyed
      AND (s.sent::jsonb #>> '{keys,epoch}')::integer = :epoch
      AND (o.sent::jsonb #>> '{keys,epoch}')::integer <> :epoch
      AND s.sent::jsonb - 'keys' - 'district' = o.sent::jsonb - 'keys' - 'district'
    ORDER BY s.report_id, d.opened_at DESC
    """,
    """
    CREATE TEMPORARY TABLE unopened ON COMMIT DROP AS
    SELECT r.report_id, r.delivery_id FROM privacy.rekeyed_node n
    JOIN signals.report r ON r.pilot_id = n.pilot_id AND r.report_id = n.node_id
    LEFT JOIN signals.sealed_report o ON o.pilot_id = r.pilot_id AND o.report_id = r.report_id
    WHERE n.pilot_id = :pilot AND n.keys IS NULL AND (r.state = 'unkeyed') = :unkeyed
      AND (o.sent::jsonb #>> '{keys,epoch}')::integer IS DISTINCT FROM :epoch
      AND NOT EXISTS (SELECT FROM rekeyed k WHERE k.report_id = r.report_id)
    """,
    """
    INSERT INTO touched_report SELECT report_id FROM rekeyed UNION SELECT report_id FROM unopened
    """,
    "ANALYZE rekeyed",
    "ANALYZE unopened",
)
MISSING = sa.text("""
    SELECT EXISTS (SELECT FROM signals.report r WHERE r.pilot_id = :pilot AND r.state NOT IN ('unkeyed', 'shut_out')
                   AND NOT EXISTS (SELECT FROM touched_report t WHERE t.report_id = r.report_id)
                   AND NOT EXISTS (SELECT FROM signals.sealed_report s
                                   WHERE s.pilot_id = :pilot AND s.report_id = r.report_id
                                     AND (s.sent::jsonb #>> '{keys,epoch}')::integer = :epoch))
        OR EXISTS (SELECT FROM intake.delivery d JOIN intake.part t USING (pilot_id, delivery_id)
                   WHERE d.pilot_id = :pilot AND d.state = 'completing' AND t.epoch NOT IN (0, :epoch))
        OR EXISTS (SELECT FROM privacy.consent c WHERE c.pilot_id = :pilot
                   AND NOT EXISTS (SELECT FROM privacy.rekeyed_node n
                                   WHERE n.pilot_id = :pilot AND n.node_id = c.consent_id AND n.keys IS NOT NULL))
        OR EXISTS (SELECT FROM privacy.objection o
                   WHERE o.pilot_id = :pilot AND o.state <> 'dismissed' AND o.sealed IS NOT NULL
                   AND NOT EXISTS (SELECT FROM privacy.rekeyed_node n
                                   WHERE n.pilot_id = :pilot AND n.node_id = o.objection_id AND n.keys IS NOT NULL))
        OR EXISTS (SELECT FROM privacy.known_client l WHERE l.pilot_id = :pilot
                   AND NOT EXISTS (SELECT FROM privacy.rekeyed_node n
                                   WHERE n.pilot_id = :pilot AND n.node_id = l.client_id AND n.keys IS NOT NULL))
""")
REPORTS = (
    """
    UPDATE signals.report SET state = 'shut_out'
    WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM unopened))
    """,
    """
    INSERT INTO signals.shut_out (pilot_id, report_id, delivery_id)
    SELECT :pilot, report_id, delivery_id FROM unopened ON CONFLICT DO NOTHING
    """,
    """
    UPDATE signals.report t SET state = CASE WHEN :unkeyed THEN 'live' ELSE t.state END,
        delivery_id = k.delivery_id, district = (k.r ->> 'district')::uuid,
        dwelling = (k.r #>> '{keys,dwelling}')::uuid, street_dwelling = (k.r #>> '{keys,streetDwelling}')::uuid,
        building = (k.r #>> '{keys,building}')::uuid, has_addition = (k.r #>> '{keys,hasAddition}')::boolean
    FROM rekeyed k WHERE t.pilot_id = :pilot AND t.report_id = k.report_id
    """,
    "DELETE FROM signals.report_key WHERE pilot_id = :pilot AND report_id IN (SELECT report_id FROM rekeyed)",
    """
    INSERT INTO signals.report_key (pilot_id, key, report_id, strong, birth)
    SELECT :pilot, key, report_id, strong, birth FROM (
        SELECT report_id, k.value::uuid AS key, true AS strong, NULL::uuid AS birth
        FROM rekeyed, jsonb_array_elements_text(r #> '{keys,strong}') AS k (value)
        UNION
        SELECT report_id, (k.value ->> 'key')::uuid, false, (k.value ->> 'birth')::uuid
        FROM rekeyed, jsonb_array_elements(r #> '{keys,weak}') AS k (value)
    ) AS keys ORDER BY key ON CONFLICT DO NOTHING
    """,
    """
    UPDATE signals.sealed_report t SET sent = k.sent, wrapped_key = k.wrapped_key, contact = k.contact, part = k.part,
        proof = k.proof
    FROM rekeyed k WHERE t.pilot_id = :pilot AND t.report_id = k.report_id
    """,
)
NODES = sa.text("SELECT node_id, keys FROM privacy.rekeyed_node WHERE pilot_id = :pilot AND keys IS NOT NULL")
# Keys that a no took along from reports that it stopped are gone with their epoch: nobody can make them anew.
FORGET_NODES = (
    "DELETE FROM privacy.consent_key WHERE pilot_id = :pilot",
    "DELETE FROM privacy.objection_key WHERE pilot_id = :pilot AND NOT of_contract",
    "DELETE FROM privacy.known_client_key WHERE pilot_id = :pilot",
)
INSERT_NODES = (
    """
    INSERT INTO privacy.consent_key (pilot_id, key, consent_id, strong, birth)
    SELECT :pilot, :key, consent_id, :strong, :birth FROM privacy.consent
    WHERE pilot_id = :pilot AND consent_id = :node ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO privacy.objection_key (pilot_id, key, objection_id, strong, birth)
    SELECT :pilot, :key, objection_id, :strong, :birth FROM privacy.objection
    WHERE pilot_id = :pilot AND objection_id = :node AND state <> 'dismissed'
      AND kind <> 'rectification'  -- which is about one contract, and nobody's others
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO privacy.known_client_key (pilot_id, key, client_id, strong, birth)
    SELECT :pilot, :key, client_id, :strong, :birth FROM privacy.known_client
    WHERE pilot_id = :pilot AND client_id = :node ON CONFLICT DO NOTHING
    """,
)
# Lines of a delivery that is still open, under an old key, are to be sent anew in any case.
OLD_PARTS = (
    """
    CREATE TEMPORARY TABLE old_part ON COMMIT DROP AS
    SELECT t.delivery_id, t.number FROM intake.part t JOIN intake.delivery d USING (pilot_id, delivery_id)
    WHERE t.pilot_id = :pilot AND d.state = 'open' AND t.epoch NOT IN (0, :epoch)
    """,
    """
    DELETE FROM intake.staged_report x USING old_part o
    WHERE x.pilot_id = :pilot AND x.delivery_id = o.delivery_id AND x.part = o.number
    """,
    """
    DELETE FROM intake.refused_row x USING old_part o
    WHERE x.pilot_id = :pilot AND x.delivery_id = o.delivery_id AND x.part = o.number
    """,
    """
    DELETE FROM intake.part x USING old_part o
    WHERE x.pilot_id = :pilot AND x.delivery_id = o.delivery_id AND x.number = o.number
    """,
)
# What was staged is used up, or fits nothing any more; another desk's that still fits stays for its turn.
FINISH = (
    """
    UPDATE intake.delivery d SET state = 'completed', completed_at = clock_timestamp(), refused = 0,
        accepted = (SELECT count(*) FROM rekeyed k WHERE k.delivery_id = d.delivery_id)
    WHERE d.pilot_id = :pilot AND d.state = 'open' AND d.delivery_id IN (SELECT delivery_id FROM rekeyed)
    """,
    """
    DELETE FROM intake.staged_report s USING intake.delivery d
    WHERE d.pilot_id = :pilot AND d.creditor_id = :municipality AND s.pilot_id = :pilot
      AND s.delivery_id = d.delivery_id
      AND NOT EXISTS (
        SELECT FROM signals.sealed_report o
        WHERE o.pilot_id = :pilot AND o.report_id = s.report_id
          AND (o.sent::jsonb #>> '{keys,epoch}')::integer <> :epoch
          AND (s.sent::jsonb #>> '{keys,epoch}')::integer = :epoch
          AND s.sent::jsonb - 'keys' - 'district' = o.sent::jsonb - 'keys' - 'district')
    """,
    """
    DELETE FROM intake.delivery d WHERE d.pilot_id = :pilot AND d.creditor_id = :municipality AND d.state = 'open'
      AND NOT EXISTS (SELECT FROM intake.staged_report s WHERE s.pilot_id = :pilot AND s.delivery_id = d.delivery_id)
    """,
    """
    DELETE FROM privacy.rekeyed_node
    WHERE pilot_id = :pilot AND (NOT :unkeyed OR node_id IN (SELECT report_id FROM unopened))
    """,
)
# A delivery key that no report hangs on any more opens nothing and goes.
FORGET_DELIVERY_KEYS = """
    UPDATE intake.delivery d SET key_envelope = NULL
    WHERE d.pilot_id = :pilot AND d.state = 'completed' AND d.key_envelope IS NOT NULL AND {of_those}
      AND NOT EXISTS (SELECT FROM signals.report r WHERE r.pilot_id = :pilot AND r.delivery_id = d.delivery_id)
"""


def rekey(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, epoch: int) -> str:
    """Put the match keys of `epoch`, as the desk left them, in the place of all others. The caller holds the lock.

    Returns "re-keyed", or "incomplete": some report, consent, no or listing lacks new keys, and nothing changed.
    Reports that the desk could not open are shut out; those that are not keyed yet wait for their own turn.
    """
    values: dict[str, Any] = {"pilot": pilot.id, "municipality": pilot.municipality, "epoch": epoch, "unkeyed": False}
    begin_touched(connection)
    for statement in STAGED:
        connection.execute(sa.text(statement), values)
    if connection.execute(MISSING, values).scalar_one():
        return "incomplete"
    touch_neighbours(connection, pilot.id)
    for statement in REPORTS:
        connection.execute(sa.text(statement), values)
    connection.execute(sa.text("ANALYZE signals.report, signals.report_key"))
    _nodes(connection, pilot.id)
    relink(connection, pilot, rule_sets)
    forget(connection, pilot.id, "unopened")
    for statement in (*OLD_PARTS, *FINISH, FORGET_DELIVERY_KEYS.format(of_those="true")):
        connection.execute(sa.text(statement), values)
    return "re-keyed"


def key(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, epoch: int) -> str:
    """Give reports that came without match keys those that the desk left for them. The caller holds the lock.

    What residents said and the knock-out list are held against each as if it came in now. Reports that the desk could
    not open, and that a person gave up, are shut out. Returns "keyed", also where nothing was left to do.
    """
    values: dict[str, Any] = {"pilot": pilot.id, "municipality": pilot.municipality, "epoch": epoch, "unkeyed": True}
    begin_touched(connection)
    for statement in (*STAGED, *REPORTS):
        connection.execute(sa.text(statement), values)
    connection.execute(sa.text("DELETE FROM touched_report WHERE report_id IN (SELECT report_id FROM unopened)"))
    recheck(connection, pilot, rule_sets)
    forget(connection, pilot.id, "unopened")
    of_those = "d.delivery_id IN (SELECT delivered_in FROM rekeyed UNION SELECT delivery_id FROM unopened)"
    for statement in (*FINISH, FORGET_DELIVERY_KEYS.format(of_those=of_those)):
        connection.execute(sa.text(statement), values)
    return "keyed"


def _nodes(connection: sa.Connection, pilot_id: str) -> None:
    """Give consents, nos and listings their new keys, and take all others from them."""
    rows = [
        {"pilot": pilot_id, "node": row.node_id, **key}
        for row in connection.execute(NODES, {"pilot": pilot_id})
        for key in all_keys(MatchKeys.model_validate(row.keys))
    ]
    for statement in FORGET_NODES:
        connection.execute(sa.text(statement), {"pilot": pilot_id})
    for statement in INSERT_NODES if rows else ():
        connection.execute(sa.text(statement), rows)
