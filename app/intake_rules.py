"""What the agreement and the pilot allow a creditor to deliver. A refusal tells the name of the rule and no more."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from privacy.errors import PrivacyError
from signals.pilot import Agreement, CategoryTerms, Experiment, Pilot
from signals.report import THRESHOLD_FREE_KINDS, Category, Report, SocialCollection


class DeliveryRefused(PrivacyError):
    """The agreement, or the state of the delivery, does not allow this; `rule` names which rule."""

    code = "delivery-refused"

    def __init__(self, rule: str, detail: str) -> None:
        self.rule = rule
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Agreed:
    """The pilot, the creditor's agreement with it, and the pilot's terms for one category.

    `hands_over`: it is a municipality, which passes on what others reported.
    """

    pilot: Pilot
    agreement: Agreement
    category: CategoryTerms
    hands_over: bool = False


def agreed_terms(connection: sa.Connection, creditor: str, pilot: str, category: Category) -> Agreed:
    """Look up what holds for this creditor, pilot and category.

    Raises:
        DeliveryRefused: unknown pilot, no agreement, or a category that one of the two does not name. A pilot without
            an agreement looks like one that is not there, so that nobody learns who else takes part.
    """
    row = connection.execute(
        sa.text("""
            SELECT p.document AS pilot, a.document AS agreement, o.document -> 'roles' ? 'debt-help' AS hands_over
            FROM registry.pilot p JOIN registry.agreement a USING (pilot_id)
            JOIN registry.organisation o USING (organisation_id)
            WHERE p.pilot_id = :pilot AND a.organisation_id = :creditor
        """),
        {"pilot": pilot, "creditor": creditor},
    ).one_or_none()
    if row is None:
        raise DeliveryRefused("no-agreement", "there is no agreement with this pilot")
    terms, agreement = Pilot.model_validate(row.pilot), Agreement.model_validate(row.agreement)
    if category not in agreement.categories or category not in terms.categories:
        raise DeliveryRefused("category-not-agreed", f"the agreement does not cover {category.value}")
    return Agreed(terms, agreement, terms.categories[category], row.hands_over)


def refuse_strangers(connection: sa.Connection, creditor: str, pilot: str) -> None:
    """Refuse a creditor without an agreement with the pilot, running or not. Raises DeliveryRefused."""
    agreed = connection.execute(
        sa.text("SELECT FROM registry.agreement WHERE pilot_id = :pilot AND organisation_id = :creditor"),
        {"pilot": pilot, "creditor": creditor},
    ).one_or_none()
    if agreed is None:
        raise DeliveryRefused("no-agreement", "there is no agreement with this pilot")


def refuse_dates(agreed: Agreed, period: str, today: date) -> None:
    """Refuse a delivery outside the days of pilot and agreement, of a month that has not begun or is past its term.

    Raises:
        DeliveryRefused: names the rule.
    """
    first, last = first_and_last_day(period)
    if first > today:
        raise DeliveryRefused("period-in-future", "the period has not begun")
    if last + timedelta(days=agreed.pilot.retention.report_days) < today:  # it would come back what was removed
        raise DeliveryRefused(
            "period-past-retention", "reports of that month are past the term for which they are kept"
        )
    for rule, starts, ends in (
        ("pilot-not-running", agreed.pilot.starts, agreed.pilot.ends),
        ("agreement-not-running", agreed.agreement.starts, agreed.agreement.ends),
    ):
        if not starts <= today <= ends:
            raise DeliveryRefused(rule, f"it runs from {starts} until {ends}")
        if last < starts or first > ends:
            raise DeliveryRefused(f"period-outside-{rule.split('-')[0]}", f"it runs from {starts} until {ends}")


def broken_rule(report: Report, agreed: Agreed, period: str) -> tuple[str, str] | None:
    """The first rule that a report breaks, as (JSON pointer, name of the rule), or None."""
    first, last = first_and_last_day(period)
    terms = agreed.category
    days = (report.reported_on - report.arrears_since).days
    free = report.kind in THRESHOLD_FREE_KINDS
    experiment = terms.ground(report.kind).experiment
    steps = report.social_collection
    rules = (
        ("/report/kind", "kind-not-agreed", report.kind in agreed.agreement.kinds),
        ("/report/reportedOn", "not-in-period", first <= report.reported_on <= last),
        ("/report/arrearsSince", "arrears-after-report", days >= 0),
        ("/report/amountEuros", "below-threshold", free or report.amount_euros >= terms.minimum_euros),
        ("/report/months", "below-threshold", free or report.months >= terms.minimum_months),
        ("/report/arrearsSince", "below-threshold", free or days >= terms.minimum_days),
        ("/report/socialCollection/answer", "offer-refused", steps.answer != "refused"),
        ("/report/socialCollection/answer", "payment-plan-kept", steps.answer != "payment_plan_kept"),
        ("/report/socialCollection", "social-collection-incomplete", _collected(report)),
        ("/report/socialCollection", "offer-before-reminder", steps.reminder_sent_on <= steps.offer_made_on),
        ("/report/socialCollection/procedure", "procedure-not-agreed", _procedure_agreed(report, agreed)),
        *(_of_experiment(report, experiment, agreed.agreement.creditor) if experiment else ()),
    )
    return next(((pointer, rule) for pointer, rule, kept in rules if not kept), None)


def first_and_last_day(period: str) -> tuple[date, date]:
    """The first and last day of a month written YYYY-MM."""
    year, month = int(period[:4]), int(period[5:])
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _of_experiment(report: Report, experiment: Experiment, creditor: str) -> tuple[tuple[str, str, bool], ...]:
    """What the minister designated (Wgs art. 10): these creditors, these days, from so much on, whatever the kind."""
    runs = experiment.starts <= report.reported_on <= experiment.ends
    return (
        ("/report", "not-in-experiment", creditor in experiment.creditors),
        ("/report/reportedOn", "experiment-not-running", runs),
        ("/report/amountEuros", "below-experiment-threshold", report.amount_euros >= experiment.minimum_euros),
        ("/report/months", "below-experiment-threshold", report.months >= experiment.minimum_months),
    )


def _collected(report: Report) -> bool:
    """Bgs art. 2: each step lies on or before the day of the report, and none before the arrears began."""
    steps: SocialCollection = report.social_collection
    days = (steps.reminder_sent_on, steps.contact_sought_on, steps.pointed_at_help_on, steps.offer_made_on)
    return all(report.arrears_since <= day <= report.reported_on for day in days)


def _procedure_agreed(report: Report, agreed: Agreed) -> bool:
    """Whose fixed steps a report goes by that was handed over, the first municipality has agreed with its creditor."""
    steps = report.social_collection
    of_agreement = steps.procedure is not None and steps.procedure == agreed.agreement.procedure
    return steps.by == "record" or of_agreement or agreed.hands_over
