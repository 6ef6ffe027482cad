"""What is kept for a term: each kind of data, from which day its term counts, and what goes with it.

A term of N days that counts from day D: kept through D + N, gone on the day after.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from signals.pilot import Pilot, Retention

BACKTEST_DAYS = 92  # a quarter, to decide by; it can be run again
NOTICE_DAYS = 92  # a quarter, to see in which weeks a webhook did not answer
SCOPE_DAYS = 1  # an access event works for seconds; over midnight a look may still be under way


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data.

    `held` selects what there is of it as (id, since); `lock` leaves for another day what somebody is busy with;
    `removal` takes `ids` away (`reports` is the same list), what counts last.
    """

    name: str
    term: Callable[[Retention], int]
    held: str
    removal: tuple[str, ...]
    lock: str = ""

    def before(self, pilot: Pilot, today: date) -> date:
        """What counts from a day before this one goes today."""
        return today - timedelta(days=self.term(pilot.retention))


def _delete(column: str, *tables: str) -> tuple[str, ...]:
    return tuple(f"DELETE FROM {table} WHERE pilot_id = :pilot AND {column} = ANY (:ids)" for table in tables)  # noqa: S608 - words of this file only


# No report of a delivery has a later reference date than its month's last day.
_COMPLETED = """
    SELECT delivery_id AS id,
           greatest((completed_at AT TIME ZONE 'Europe/Amsterdam')::date,
                    (to_date(period, 'YYYY-MM') + interval '1 month')::date - 1) AS since
    FROM intake.delivery WHERE pilot_id = :pilot AND state = 'completed'
"""

REPORTS = Kept(
    "reports",
    lambda terms: terms.report_days,
    "SELECT report_id AS id, reported_on AS since FROM signals.report WHERE pilot_id = :pilot",
    (
        # A person or household is called after its first report, so that others' changes may name what goes.
        """
        DELETE FROM signals.link_change
        WHERE pilot_id = :pilot AND (old_person = ANY (:ids) OR new_person = ANY (:ids)
                                     OR old_household = ANY (:ids) OR new_household = ANY (:ids))
        """,
        *_delete("report_id", "signals.report_key", "signals.sealed_report", "signals.link_change", "signals.report"),
    ),
)
# As long as a report rests on it: of the contracts that it names the newest report there is.
LINK_DECISIONS = Kept(
    "link_decisions",
    lambda terms: terms.report_days,
    """
    SELECT d.decision_id AS id,
           greatest((d.decided_at AT TIME ZONE 'Europe/Amsterdam')::date, max(r.reported_on)) AS since
    FROM privacy.link_decision d
    JOIN privacy.link_decision_contract c ON c.pilot_id = d.pilot_id AND c.decision_id = d.decision_id
    LEFT JOIN signals.report r
      ON r.pilot_id = c.pilot_id AND r.creditor_id = c.creditor_id AND r.reference = c.reference
    WHERE d.pilot_id = :pilot GROUP BY d.decision_id, d.decided_at
    """,
    (),  # app/link_deciding.py links without them
)
KNOWN_CLIENTS = Kept(
    "known_clients",
    lambda _terms: 0,  # `until` has the term in it, as it was when the entry was pushed
    "SELECT client_id AS id, until AS since FROM privacy.known_client WHERE pilot_id = :pilot",
    _delete("client_id", "privacy.known_client_key", "privacy.known_client"),
)
# In this order: reports before their deliveries, and before the decisions on which they rest.
KEPT = (
    REPORTS,
    LINK_DECISIONS,
    Kept(
        "shut_out",
        lambda terms: terms.report_days,
        f"""
        SELECT s.report_id AS id, d.since FROM signals.shut_out s JOIN ({_COMPLETED}) AS d ON d.id = s.delivery_id
        WHERE s.pilot_id = :pilot
        """,  # noqa: S608 - words of this file only
        _delete("report_id", "signals.shut_out"),
    ),
    Kept(
        "delivery_keys",
        lambda terms: terms.report_days,
        _COMPLETED + " AND key_envelope IS NOT NULL",
        ("UPDATE intake.delivery SET key_envelope = NULL WHERE pilot_id = :pilot AND delivery_id = ANY (:ids)",),
    ),
    Kept(
        "deliveries",
        lambda terms: terms.delivery_days,
        _COMPLETED,
        _delete("delivery_id", "intake.refused_row", "intake.warned_row", "intake.part", "intake.delivery"),
    ),
    # By a report's id, so they go when it would.
    Kept(
        "warnings",
        lambda terms: terms.report_days,
        f"""
        SELECT d.id, d.since FROM ({_COMPLETED}) AS d WHERE EXISTS (
            SELECT FROM intake.warned_row w WHERE w.pilot_id = :pilot AND w.delivery_id = d.id)
        """,  # noqa: S608 - words of this file only
        _delete("delivery_id", "intake.warned_row"),
    ),
    # An ending outlasts every report that it ends: none of them has a later reference date.
    Kept(
        "endings",
        lambda terms: terms.report_days,
        "SELECT ending_id AS id, ended_on AS since FROM intake.ending WHERE pilot_id = :pilot",
        _delete("ending_id", "intake.ending"),
    ),
    # Longer than the reports that it is about: a row that goes with one would tell that it went.
    Kept(
        "feedback",
        lambda terms: terms.report_days,
        "SELECT report_id AS id, max(batch) AS since FROM intake.feedback WHERE pilot_id = :pilot GROUP BY report_id",
        _delete("report_id", "intake.feedback"),
    ),
    Kept(
        "notices",
        lambda _terms: NOTICE_DAYS,
        "SELECT notice_id AS id, batch AS since FROM intake.notice WHERE pilot_id = :pilot",
        _delete("notice_id", "intake.notice"),
    ),
    Kept(
        "unfinished",
        lambda terms: terms.unfinished_days,
        """
        SELECT delivery_id AS id, (opened_at AT TIME ZONE 'Europe/Amsterdam')::date AS since FROM intake.delivery
        WHERE pilot_id = :pilot AND state = 'open'
        """,
        _delete("delivery_id", "intake.staged_report", "intake.refused_row", "intake.part", "intake.delivery"),
        lock=" FOR UPDATE SKIP LOCKED",
    ),
    Kept(
        "rekeyed_nodes",
        lambda terms: terms.unfinished_days,
        "SELECT node_id AS id, staged_on AS since FROM privacy.rekeyed_node WHERE pilot_id = :pilot",
        _delete("node_id", "privacy.rekeyed_node"),
    ),
    Kept(
        "consents",
        lambda terms: terms.consent_days,
        """
        SELECT consent_id AS id, least(valid_until, withdrawn_on) AS since FROM privacy.consent
        WHERE pilot_id = :pilot
        """,
        _delete("consent_id", "privacy.consent_key", "privacy.consent"),
    ),
    # A no holds as long as the pilot runs: reports may come as long. What was dismissed binds nobody.
    Kept(
        "objections",
        lambda terms: terms.objection_days,
        """
        SELECT o.objection_id AS id,
               CASE WHEN o.state = 'dismissed' THEN o.decided_on ELSE greatest(o.since, p.ends) END AS since
        FROM privacy.objection o JOIN registry.pilot p ON p.pilot_id = o.pilot_id WHERE o.pilot_id = :pilot
        """,
        _delete("objection_id", "privacy.objection_key", "privacy.objection"),
    ),
    KNOWN_CLIENTS,
    Kept(
        "basis_changes",
        lambda terms: terms.consent_days,
        """
        SELECT change_id AS id, (done_at AT TIME ZONE 'Europe/Amsterdam')::date AS since FROM privacy.basis_change
        WHERE pilot_id = :pilot AND done_at IS NOT NULL
        """,
        _delete("change_id", "privacy.basis_change"),
    ),
    Kept(
        "backtests",
        lambda _terms: BACKTEST_DAYS,
        """
        SELECT backtest_id AS id, (asked_at AT TIME ZONE 'Europe/Amsterdam')::date AS since FROM signals.backtest
        WHERE pilot_id = :pilot
        """,
        _delete("backtest_id", "signals.backtest_result", "signals.backtest"),
    ),
    # What was activated stays, with who wanted it: the log tells of it, and a signed document.
    Kept(
        "proposals",
        lambda _terms: BACKTEST_DAYS,
        """
        SELECT proposal_id AS id, (proposed_at AT TIME ZONE 'Europe/Amsterdam')::date AS since
        FROM registry.rule_set_proposal WHERE pilot_id = :pilot AND state IN ('proposed', 'failed')
        """,
        _delete("proposal_id", "signals.rule_set_shadow", "registry.rule_set_proposal"),
    ),
    Kept(
        "access_scopes",
        lambda _terms: SCOPE_DAYS,
        """
        SELECT event_id AS id, (opened_at AT TIME ZONE 'Europe/Amsterdam')::date AS since FROM privacy.access_scope
        WHERE pilot_id = :pilot
        """,
        _delete("event_id", "privacy.access_closed", "privacy.access_scope"),
    ),
    Kept(
        "break_glasses",
        lambda _terms: SCOPE_DAYS,
        """
        SELECT event_id AS id, (until AT TIME ZONE 'Europe/Amsterdam')::date AS since FROM privacy.break_glass
        WHERE pilot_id = :pilot
        """,
        _delete("event_id", "privacy.break_glass"),
    ),
    # Its leaf stays. One that is not sealed has none yet, and would be lost without a trace.
    Kept(
        "events",
        lambda _terms: 0,  # `keep_until` has the term in it, as it was when the event was written
        """
        SELECT event_id AS id, keep_until AS since FROM privacy.event e
        WHERE pilot_id = :pilot AND NOT EXISTS (
            SELECT FROM privacy.unsealed u WHERE u.pilot_id = e.pilot_id AND u.event_id = e.event_id)
        """,
        _delete("event_id", "privacy.event"),
    ),
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one kind of data in one pilot: how many go on the day asked for, the oldest one's day, when the next goes."""

    name: str
    days: int
    past: int
    oldest: date | None
    next_on: date | None


def forecast(connection: sa.Connection, pilot: Pilot, today: date) -> list[Forecast]:
    """What goes today and on which day the next of each kind goes. Changes nothing."""
    found = []
    for kept in KEPT:
        days = kept.term(pilot.retention)
        row = connection.execute(
            sa.text(f"""
                SELECT count(*) FILTER (WHERE since < :before) AS past, min(since) AS oldest,
                       min(since) FILTER (WHERE since >= :before) + CAST(:days AS integer) + 1 AS next_on
                FROM ({kept.held}) AS held
            """),  # noqa: S608 - words of this file only
            {"pilot": pilot.id, "before": kept.before(pilot, today), "days": days},
        ).one()
        found.append(Forecast(kept.name, days, row.past, row.oldest, row.next_on))
    return found
