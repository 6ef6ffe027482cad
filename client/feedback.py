"""Feedback at the creditor: what the service tells of its reports, next to its own contract numbers.

The service tells nothing of most reports. What their creditor counts itself, four weeks without contact, is added here,
so that those of which there is nothing to tell and those of which nothing may be told read alike.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from client.home import Home
from client.receipts import has_reports, kept_deliveries, taken_reports
from client.service import Service
from client.trust import JoinedPilot
from privacy.receipts import read_receipt
from signals.days import AMSTERDAM
from signals.feedback import Feedback, feedback, newest_batch
from signals.report import Category


@dataclass(frozen=True, slots=True, repr=False)
class ContractFeedback:
    """What is known of one report: its contract, month and category, and what became of it."""

    contract: str
    period: str
    category: Category
    feedback: Feedback


def feedback_of(home: Home, service: Service, pilot: JoinedPilot, today: date) -> list[ContractFeedback]:
    """What there is to know of every report of this pilot that is kept here, newest month first, then by contract.

    A report that came in since the last batch day is not in it yet: of that there is nothing to know.

    Raises:
        ServiceRefused, ServiceUnreachable.
        NotSigned, ReceiptRefused: a receipt that is kept here is none.
        HomeUnusable: what is kept here was damaged.
    """
    batch, told = newest_batch(today), _told(service, pilot.id)
    found = []
    for kept in kept_deliveries(home):
        if kept.pilot != pilot.id or kept.receipt is None or not has_reports(home, kept.delivery):
            continue
        event = read_receipt(kept.receipt, pilot.document.log_key).event
        received = datetime.fromisoformat(event.at).astimezone(AMSTERDAM).date()
        for report in taken_reports(home, kept.delivery):
            said = told.get((report.reference, event.period))
            if said is None and received < batch:
                said = feedback(received, None, batch, one_person=True)
            if said is not None:
                contract = str(report.details["contract"])
                found.append(ContractFeedback(contract, event.period, event.category, said))
    return _once(sorted(found, key=lambda one: (one.period, one.contract)))


def given_up(service: Service, pilot_id: str) -> list[tuple[date, str]]:
    """The batches of which this creditor's webhook was told in vain, newest first, each with the last failure.

    Raises:
        ServiceRefused, ServiceUnreachable.
    """
    found = service.get("/feedback/notices", pilotId=pilot_id)["notices"]
    return [(date.fromisoformat(one["batch"]), one["failure"]) for one in found if one["state"] == "given_up"]


def _told(service: Service, pilot_id: str) -> dict[tuple[str, str], Feedback]:
    """The newest that was told of each reference and month."""
    told: dict[tuple[str, str], Feedback] = {}
    for one in _pages(service, pilot_id):
        kept = {name: one[name] for name in ("status", "since", "pauseUntil")}
        told[one["reference"], one["period"]] = Feedback.model_validate(kept)
    return told


def _pages(service: Service, pilot_id: str) -> Iterator[dict[str, Any]]:
    place: dict[str, str] = {}
    while (page := service.get("/feedback", pilotId=pilot_id, **place))["feedback"]:
        yield from page["feedback"]
        place = {"newerThan": page["next"]}


def _once(found: Iterable[ContractFeedback]) -> list[ContractFeedback]:
    """Each report once, though several deliveries of a month hold it; newest month first."""
    newest = {(one.period, one.category, one.contract): one for one in found}
    return sorted(newest.values(), key=lambda one: one.period, reverse=True)
