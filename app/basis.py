"""Changes of basis: a consent that a desk records, a withdrawal. The linker carries each out under the pilot's lock."""

import uuid
from typing import Any

import sqlalchemy as sa

from app.completion import WRITE_EVENT, RuleSets, lock_pilot, relink
from privacy.errors import PrivacyError
from signals.consents import BASIS_CHANGE, Consent, Withdrawal


class ChangeUnknown(PrivacyError):
    """There is no such change of basis in this pilot."""

    code = "change-unknown"


INSERT_KEYS = sa.text("""
    INSERT INTO privacy.consent_key (pilot_id, key, consent_id, strong, birth)
    VALUES (:pilot, :key, :consent, :strong, :birth) ON CONFLICT DO NOTHING
""")
# Looked up key by key: the planner, whose statistics say nothing of a pilot's first days, else reads all for each.
WITHDRAW = """
    WITH met AS MATERIALIZED (
        SELECT DISTINCT k.consent_id FROM unnest(CAST(:keys AS uuid[])) AS asked (key) CROSS JOIN LATERAL (
            SELECT consent_id FROM privacy.consent_key
            WHERE pilot_id = :pilot AND key = asked.key AND strong OFFSET 0
        ) AS k
    )
    UPDATE privacy.consent SET withdrawn_on = :withdrawn_on
    WHERE pilot_id = :pilot AND category = :category AND withdrawn_on IS NULL
      AND consent_id = ANY (ARRAY(SELECT consent_id FROM met))
"""
# All reports of the category of whoever was linked to the resident, not only those that meet the keys directly.
SHUT_OUT = """
    WITH met AS MATERIALIZED (
        SELECT DISTINCT k.report_id FROM unnest(CAST(:keys AS uuid[])) AS asked (key) CROSS JOIN LATERAL (
            SELECT report_id FROM signals.report_key WHERE pilot_id = :pilot AND key = asked.key AND strong OFFSET 0
        ) AS k
    ), person AS MATERIALIZED (
        SELECT DISTINCT r.person_id FROM met CROSS JOIN LATERAL (
            SELECT person_id FROM signals.report WHERE pilot_id = :pilot AND report_id = met.report_id OFFSET 0
        ) AS r
    ), theirs AS MATERIALIZED (
        SELECT r.report_id FROM person CROSS JOIN LATERAL (
            SELECT report_id FROM signals.report
            WHERE pilot_id = :pilot AND person_id = person.person_id AND category = :category OFFSET 0
        ) AS r
    )
    UPDATE signals.report SET state = 'shut_out'
    WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM theirs))
    RETURNING report_id, delivery_id
"""
FORGET = (
    "DELETE FROM signals.report_key WHERE pilot_id = :pilot AND report_id = ANY (:reports)",
    "DELETE FROM signals.sealed_report WHERE pilot_id = :pilot AND report_id = ANY (:reports)",
    "DELETE FROM signals.link_change WHERE pilot_id = :pilot AND report_id = ANY (:reports)",
    "DELETE FROM signals.report WHERE pilot_id = :pilot AND report_id = ANY (:reports)",
)


def carry_out(connection: sa.Connection, pilot_id: str, change_id: uuid.UUID, rule_sets: RuleSets) -> bool:
    """Carry out one change that waits, in the caller's transaction. Returns False when somebody else did so already."""
    pilot = lock_pilot(connection, pilot_id)
    row = connection.execute(
        sa.text("""
            SELECT body FROM privacy.basis_change
            WHERE pilot_id = :pilot AND change_id = :change AND done_at IS NULL FOR UPDATE
        """),
        {"pilot": pilot_id, "change": change_id},
    ).one_or_none()
    if row is None:
        return False
    change = BASIS_CHANGE.validate_python(row.body)
    if isinstance(change, Consent):
        outcome = _record(connection, pilot_id, change_id, change)
    else:
        outcome = _withdraw(connection, pilot_id, change)
        relink(connection, pilot, rule_sets)
        _forget(connection, pilot_id)
    # The keys were needed to find the reports and are not kept beside what was done with them.
    connection.execute(
        sa.text("""
            UPDATE privacy.basis_change SET done_at = clock_timestamp(), outcome = :outcome, body = '{}'
            WHERE pilot_id = :pilot AND change_id = :change
        """),
        {"pilot": pilot_id, "change": change_id, "outcome": outcome},
    )
    body = {"change": str(change_id), "category": change.category.value, "outcome": outcome}
    connection.execute(
        WRITE_EVENT, {"pilot": pilot_id, "event": uuid.uuid4(), "kind": f"basis-{change.kind}", "body": body}
    )
    return True


def _record(connection: sa.Connection, pilot_id: str, consent_id: uuid.UUID, consent: Consent) -> str:
    connection.execute(
        sa.text("""
            INSERT INTO privacy.consent
              (pilot_id, consent_id, category, given_on, valid_until, notice, given_by, sealed)
            VALUES (:pilot, :id, :category, :given_on, :valid_until, :notice, :given_by, :sealed)
        """),
        {
            "pilot": pilot_id,
            "id": consent_id,
            "category": consent.category.value,
            "given_on": consent.given_on,
            "valid_until": consent.valid_until,
            "notice": consent.notice,
            "given_by": consent.given_by,
            "sealed": bytes.fromhex(consent.sealed),
        },
    )
    keys: list[dict[str, Any]] = [{"key": key, "strong": True, "birth": None} for key in consent.keys.strong]
    keys += [{"key": weak.key, "strong": False, "birth": weak.birth} for weak in consent.keys.weak]
    connection.execute(INSERT_KEYS, [{**key, "pilot": pilot_id, "consent": consent_id} for key in keys])
    return "recorded"


def _withdraw(connection: sa.Connection, pilot_id: str, withdrawal: Withdrawal) -> str:
    values = {
        "pilot": pilot_id,
        "category": withdrawal.category.value,
        "withdrawn_on": withdrawal.withdrawn_on,
        "keys": list(withdrawal.keys.strong),
    }
    found = connection.execute(sa.text(WITHDRAW), values).rowcount
    connection.execute(sa.text("CREATE TEMPORARY TABLE touched_report (report_id uuid PRIMARY KEY) ON COMMIT DROP"))
    if not found:
        return "no consent found"
    shut_out = connection.execute(sa.text(SHUT_OUT), values).all()
    if shut_out:
        connection.execute(
            sa.text("INSERT INTO touched_report VALUES (:report)"), [{"report": row.report_id} for row in shut_out]
        )
        connection.execute(
            sa.text("INSERT INTO signals.shut_out VALUES (:pilot, :report, :delivery) ON CONFLICT DO NOTHING"),
            [{"pilot": pilot_id, "report": row.report_id, "delivery": row.delivery_id} for row in shut_out],
        )
    return "withdrawn"


def _forget(connection: sa.Connection, pilot_id: str) -> None:
    """Erase what was shut out: keys, sealed details, facts. Its id stays, so that nobody counts it as lost."""
    reports = list(connection.execute(sa.text("SELECT report_id FROM touched_report")).scalars())
    for statement in FORGET:
        connection.execute(sa.text(statement), {"pilot": pilot_id, "reports": reports})
