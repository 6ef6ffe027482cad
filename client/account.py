"""Giving account of a period at the desk: its records, fetched page by page, as the national delivery wants them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from client import ddas
from client.home import Home
from client.opening import open_report
from client.service import Service
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument
from signals.cases import ENTRY, Case, case_of
from signals.evaluation import SignalRecord
from signals.monthly_table import Repetition
from signals.report import Category

# As a pilot document is to call them: for the national delivery (level "contact"), for an evaluation ("facts").
DELIVERING, EVALUATING = "deliver-ddas", "evaluate"


@dataclass(slots=True)
class Records:
    """The reports of a period and the cases that they belong to, as they came; nothing of it is stored.

    `reports` are read once, from the service, and on the way `cases` and what each of them holds fill up.
    """

    service: Service
    pilot: str
    first: date
    last: date
    cases: dict[str, Case] = field(default_factory=dict)
    holding: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)  # report, its month, received on
    opened_on: dict[str, str] = field(default_factory=dict)

    def reports(self, advance: Callable[[int], None] = lambda _n: None) -> Iterator[dict[str, Any]]:
        """Each report of the days, and earlier ones that a case holds. Raises ServiceRefused, ServiceUnreachable."""
        behind: dict[str, str] = {}
        while True:
            asked = {"pilotId": self.pilot, "firstDay": str(self.first), "lastDay": str(self.last), **behind}
            page = self.service.get("/records", **asked)
            for case in page["cases"]:
                entries = [ENTRY.validate_python(entry) for entry in case["entries"]]
                self.cases[case["caseId"]] = case_of(date.fromisoformat(case["openedOn"]), entries)
                self.opened_on[case["caseId"]] = case["openedOn"]
            for report in page["reports"]:
                if report["caseId"]:
                    told = (report["reportId"], report["period"], report["receivedOn"])
                    self.holding.setdefault(report["caseId"], []).append(told)
                yield report
            advance(len(page["reports"]))
            if page["next"] is None:
                return
            behind = {"behind": page["next"]}

    def begun_with(self, case_id: str) -> str:
        """The month of the signal that a case was opened for: the newest that was there on that day."""
        opened = self.opened_on[case_id]
        months = [period for _report, period, received in self.holding[case_id] if received <= opened]
        return max(months or [period for _report, period, _received in self.holding[case_id]])


def delivered(
    home: Home, document: PilotDocument, records: Records, advance: Callable[[int], None] = lambda _n: None
) -> tuple[Iterator[ddas.Signal], Iterator[ddas.SignalCase]]:
    """The signals and the cases of a national delivery, to be read in this order. Details are opened one by one."""
    private = home.secret("recipient.key")

    def signals() -> Iterator[ddas.Signal]:
        for row in records.reports(advance):
            yield ddas.Signal.of(row, _opened(row, document, private), records.cases.get(row["caseId"] or ""))

    def cases() -> Iterator[ddas.SignalCase]:
        for case_id, held in records.holding.items():
            ids = tuple(report for report, _period, _received in held)
            yield ddas.SignalCase(ids, records.begun_with(case_id), records.cases[case_id])

    return signals(), cases()


def signal_records(records: Records, reports: Iterable[Mapping[str, Any]]) -> list[SignalRecord]:
    """The signals of the days as an evaluation counts them: a household's month each, with the case of its reports."""
    months: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in reports:
        if row["householdId"] and date.fromisoformat(row["reportedOn"]) >= records.first:
            months.setdefault((row["householdId"], row["period"]), []).append(row)
    found = []
    for (household, _period), rows in months.items():
        case_id = min((row["caseId"] for row in rows if row["caseId"]), default=None)
        found.append(
            SignalRecord(
                household=household,
                received_on=min(date.fromisoformat(row["receivedOn"]) for row in rows),
                repetition=Repetition(rows[0]["repetition"]),
                reports=tuple(Category(row["category"]) for row in rows),
                urgent=any(row["urgent"] for row in rows),
                case_id=case_id,
                case=records.cases[case_id] if case_id else None,
            )
        )
    return found


def _opened(row: Mapping[str, Any], document: PilotDocument, private: bytes) -> Any:  # noqa: ANN401 - as ddas takes it
    try:
        return open_report(row, document, private)
    except PrivacyError as error:
        return error
