"""A household that moved: its reports go to the other municipality's pilot, and are done with here.

To that pilot this municipality is a creditor without a pilot key: it has a creditor's home inside the desk's, joins by
the other desk's fingerprint, and delivers as any creditor does. Who reported first, and under which number, is sealed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from client.cells import postcode_digits
from client.checking import Checked, SendableRow
from client.delivering import Receipt, deliver
from client.desk_basis import recorded
from client.home import Home
from client.opening import OpenedReport
from client.receipts import forget_reports
from client.service import Service, ServiceRefused
from client.trust import JoinedPilot
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument
from signals.consents import HandOver
from signals.report import Category

PURPOSE = "hand-over"  # as a pilot document is to call it; it discloses contact details
FOLDER = "hand-over"  # in the desk's home: the home of this municipality as a creditor of other pilots
Opened = tuple[Mapping[str, Any], OpenedReport | PrivacyError]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of it: reports that went, those that stay with the reason, the receipts, what the service says."""

    reports: tuple[str, ...]
    stayed: tuple[tuple[str, str], ...]
    receipts: tuple[Receipt, ...]
    outcome: str


def as_creditor(home: Home) -> Home:
    """Where a desk's keys and pinned fingerprints are for handing over."""
    return Home(home.path / FOLDER)


def hand_over(
    home: Home,
    service: Service,
    document: PilotDocument,
    reports: Iterable[Opened],
    to: JoinedPilot,
    sending: Service,
) -> HandedOver:
    """Deliver opened reports to another pilot, and take those that it took out of the work here. Safe to repeat.

    Args:
        home: the desk's home.
        service: logged in for the role debt-help.
        document: this pilot's.
        reports: of one household, as `desk_work.show` opened them.
        to: the other pilot, joined, so its document was checked against the fingerprint that was typed in.
        sending: logged in as a creditor of that pilot.

    Raises:
        DeliveryDisturbed, ServiceUnreachable: the same once more goes on where it stopped.
    """
    giving, receipts, went = as_creditor(home), list[Receipt](), list[str]()
    stayed = [(row["reportId"], str(why)) for row, report in reports if (why := _stays(report))]
    rows = [(row, _row(row, report)) for row, report in reports if isinstance(report, OpenedReport)]
    rows = [(row, sendable) for row, sendable in rows if row["reportId"] not in dict(stayed)]
    for (period, category), members in groupby(sorted(rows, key=_delivery_of), key=lambda one: _delivery_of(one)[:2]):
        found = list(members)
        ids = {number: row["reportId"] for number, (row, _sendable) in enumerate(found, start=1)}
        try:
            receipt = _delivered(giving, sending, to, period, category, [sendable for _row, sendable in found])
        except ServiceRefused as refused:
            if refused.kind != "delivery-refused":
                raise
            stayed += [(identity, refused.rule) for identity in ids.values()]  # of that month and category nothing goes
            continue
        receipts.append(receipt)
        refused_lines = dict(receipt.refused)
        stayed += [(ids[line], rule) for line, rule in refused_lines.items()]
        went += [identity for number, identity in ids.items() if number not in refused_lines]
    outcome = "nothing was handed over"
    if went:
        change = HandOver.model_validate({"report_ids": went, "to_pilot": to.id})
        done = recorded(service, document, "/hand-overs", change)
        outcome = str(done["outcome"] or done["state"])
    return HandedOver(tuple(went), tuple(stayed), tuple(receipts), outcome)


def _stays(report: OpenedReport | PrivacyError) -> str | None:
    if isinstance(report, OpenedReport):
        return "its creditor's key was stolen" if report.compromised else None
    return str(report)


def _delivered(
    giving: Home, sending: Service, to: JoinedPilot, period: str, category: str, rows: list[SendableRow]
) -> Receipt:
    """One month's reports of one category; of what was opened nothing stays on this machine."""
    numbered = tuple(replace(row, line=number) for number, row in enumerate(rows, start=1))
    checked = Checked(
        source="a household that moved",
        period=period,
        reported_on=max(row.reported_on for row in rows),
        category=Category(category),
        rows_read=len(rows),
        to_send=numbered,
        refused=(),
        notes=(),
    )
    try:
        return deliver(giving, sending, to, checked)
    finally:
        forget_reports(giving)


def _delivery_of(one: tuple[Mapping[str, Any], SendableRow]) -> tuple[str, str, str]:
    row, _sendable = one
    return row["period"], row["category"], row["reportId"]


def _row(row: Mapping[str, Any], opened: OpenedReport) -> SendableRow:
    """The report as its creditor wrote it, with who that was."""
    details, report, contact = opened.details, opened.report, opened.contact
    return SendableRow(
        line=1,
        reference=str(details["contract"]),
        contacts=(contact,),
        postcode_digits=postcode_digits(contact.postcode, contact.address),
        amount_cents=int(details["amount_cents"]),
        months=report.months,
        arrears_since=report.arrears_since,
        since_derived=report.since_derived,
        reported_on=report.reported_on,
        category=Category(row["category"]),
        kind=report.kind,
        urgent=report.urgent,
        social_collection=report.social_collection,
        reported_by=str(details.get("reported_by") or opened.creditor),
    )
