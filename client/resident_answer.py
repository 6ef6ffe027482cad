"""The answer to a resident as plain data: what is held about this one person and no other, fit for JSON.

Names are those of the API where it has them; days are of the Netherlands, amounts in cents where the desk could open
the report, else in whole euros.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from client.desk_rights import Found, Held
from privacy.pilot_document import PilotDocument
from signals.days import AMSTERDAM, months_before
from signals.pilot import Retention
from signals.report import Category, Kind


def answer_of(held: Held, document: PilotDocument, theirs: Collection[uuid.UUID]) -> dict[str, Any]:
    """What goes to the resident: of what was found only that which is `theirs`, as a person has seen."""
    terms = document.pilot.retention
    mine = [one for one in held.found if one.id in theirs]
    reports = [one for one in mine if one.kind == "report"]
    return {
        "askedOn": held.asked_at.date().isoformat(),
        "pilot": document.pilot.id,
        "municipality": held.municipality,
        "resident": held.asked.as_json(),
        "identity": held.identity.value,
        "reports": [_report(one, document, held.hand_overs.get(str(one.id))) for one in reports],
        "signals": _signals(held, {str(one.id) for one in reports}),
        "consents": [_consent(one.row, terms) for one in mine if one.kind == "consent"],
        "objections": [
            {name: value for name, value in one.row.items() if name != "sealed"}
            for one in mine
            if one.kind == "objection"
        ],
        "knownClients": [
            {name: value for name, value in one.row.items() if name != "sealed"} for one in mine if one.kind == "client"
        ],
        "linkDecisions": _of_reports(held.link_decisions, {str(one.id) for one in reports}),
        "cases": _of_reports(held.cases, {str(one.id) for one in reports}),
        "looks": _looks(held, document, {str(one.id) for one in reports}),
        "retention": terms.model_dump(),
        "termsKeptOn": held.terms_kept_on.isoformat() if held.terms_kept_on else None,
    }


def _report(one: Found, document: PilotDocument, handed_over_to: str | None) -> dict[str, Any]:
    row = {name: value for name, value in one.row.items() if name != "sealed"}
    ground = document.pilot.categories[Category(row["category"])].ground(Kind(row["kind"]))
    basis: dict[str, Any] = {"basis": ground.basis.value, "source": ground.source, "evidence": ground.evidence.value}
    if ground.experiment is not None:
        basis["article"] = ground.experiment.article
    creditor = row["creditor"] or row["creditorId"]
    if first := (one.details or {}).get("reported_by"):
        creditor = f"{first}, via {creditor}"
    return {
        **row,
        "creditor": creditor,
        "handedOverTo": handed_over_to,
        "details": dict(one.details) if one.details else None,
        "basis": basis,
        "keptUntil": _until(date.fromisoformat(row["reportedOn"]), document.pilot.retention.report_days),
    }


def _consent(row: Mapping[str, Any], terms: Retention) -> dict[str, Any]:
    ended = min(filter(None, (row["validUntil"], row["withdrawnOn"])))
    shown = {name: value for name, value in row.items() if name != "sealed"}
    return {**shown, "keptUntil": _until(date.fromisoformat(ended), terms.consent_days)}


def _of_reports(found: Iterable[Mapping[str, Any]], reports: set[str]) -> list[dict[str, Any]]:
    """The decisions about links, or the cases, of these reports; of another person's that they name, nothing."""
    return [
        {**one, "reports": [report for report in one["reports"] if report in reports]}
        for one in found
        if not reports.isdisjoint(one["reports"])
    ]


def _looks(held: Held, document: PilotDocument, reports: set[str]) -> list[dict[str, Any]]:
    found = []
    for look in held.looks:
        if reports.isdisjoint(look["reports"]):
            continue
        purpose = document.pilot.purposes.get(look["purpose"])
        at = datetime.fromisoformat(look["at"]).astimezone(AMSTERDAM)
        found.append(
            {
                **{name: value for name, value in look.items() if name not in {"reports", "organisationId"}},
                "at": at.isoformat(timespec="seconds"),
                "organisation": look["organisation"] or look["organisationId"],
                "purposeWords": purpose.words.nl if purpose else look["purpose"],
            }
        )
    return found


def _signals(held: Held, reports: set[str]) -> list[dict[str, Any]]:
    """The signals in which these reports count. What others in the household owe is left out (GDPR art. 15(4)).

    A signal's totals tell of others where a report of theirs counts in it or in a month that it looks back at, or where
    it looks back at a month in which this resident has none.
    """
    months = {one.row["period"] for one in held.found if str(one.id) in reports and one.row["state"] == "live"}
    shared: set[str] = set()  # months
    found = []
    for signal in sorted(held.signals, key=lambda signal: str(signal["period"])):
        judged = [line for line in signal["judged"] if line["report_id"] in reports]
        if not judged:
            continue
        explanation, period = signal["explanation"], str(signal["period"])
        alone = explanation is not None and {line["report_id"] for line in explanation["reports"]} <= reports
        if alone:
            since = months_before(period, explanation["window_months"])
            looked_at = {month for month in months if since <= month < period}
            earlier = explanation["facts"].get("earlier_months") or 0
            alone = earlier == len(looked_at) and looked_at.isdisjoint(shared)
        if not alone:
            shared.add(period)
        found.append(
            {
                "signalId": signal["signalId"],
                "period": period,
                "receivedOn": signal["receivedOn"],
                "ofHousehold": not alone,
                "judged": judged,
                "explanation": explanation if alone else None,
            }
        )
    return found[::-1]


def _until(day: date, days: int) -> str:
    return (day + timedelta(days=days)).isoformat()
