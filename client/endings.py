"""Endings: telling the service which of a creditor's own contracts are settled, were reported wrongly, or are open.

The service gets references alone, and answers the same whether it knows of the contracts or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from client.cells import read_reference, tidy
from client.decoding import UnreadableFile, text_lines
from client.exclusions import fold_reference
from client.home import Home
from client.receipts import has_reports, taken_reports
from client.service import Service
from privacy.references import reference
from signals.consents import MOST_ENDINGS, ContractEndings, Ending
from signals.report import Category


def end_contracts(
    home: Home, service: Service, pilot_id: str, contracts: Iterable[str], ending: Ending, ended_on: date
) -> list[dict[str, Any]]:
    """Say how contracts ended, for their reports up to `ended_on`. Returns the service's answer to each request.

    `open`: they did not, though nothing is reported of them on that reference date. Repeating it is safe. Raises
    ServiceRefused, ServiceUnreachable.
    """
    secret = home.secret("secret.key")
    # Sorted: the order of a file says nothing that the service needs.
    opaque = sorted({reference(secret, pilot_id, fold_reference(contract)) for contract in contracts})
    answers = []
    for start in range(0, len(opaque), MOST_ENDINGS):
        said = ContractEndings(ending=ending, ended_on=ended_on, references=tuple(opaque[start : start + MOST_ENDINGS]))
        body = said.model_dump(mode="json", by_alias=True)
        answers.append(service.post("/contract-endings", body, pilotId=pilot_id))
    return answers


def read_contracts(path: Path) -> list[str]:
    """Read a file with one customer or contract number on each line; blank lines are skipped.

    Raises:
        UnreadableFile: a line holds no usable number. Half a list is not carried out.
    """
    lines, _ended, _notes = text_lines(path.read_bytes(), path.name)
    found = []
    for number, line in enumerate(lines, start=1):
        text = tidy(line)
        if not text:
            continue
        contract = read_reference(text)
        if not contract:
            raise UnreadableFile(path.name, "no usable customer or contract number on this line", number)
        found.append(contract)
    return found


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many contracts of one delivered month the next one leaves out: they count as settled."""

    category: Category
    before: str
    period: str
    contracts: int


def left_out(home: Home, deliveries: Sequence[Mapping[str, Any]]) -> list[LeftOut]:
    """For each category, what its newest month leaves out, where it is a snapshot. `deliveries`: as the service lists.

    Counted from what is kept here of the deliveries: the service does not know who is behind what it had to shut out.
    Months that are not kept here whole are not told of.
    """
    whole = [one for one in deliveries if one["state"] == "completed"]
    found = []
    for category in sorted({one["category"] for one in whole}):
        months = sorted({one["period"] for one in whole if one["category"] == category})[-2:]
        sent = {
            month: [one for one in whole if (one["category"], one["period"]) == (category, month)] for month in months
        }
        ids = [str(one["deliveryId"]) for of_month in sent.values() for one in of_month]
        if len(months) < 2 or not any(one["snapshot"] for one in sent[months[1]]):
            continue
        if all(has_reports(home, delivery) for delivery in ids):
            before, now = (
                {report.reference for one in sent[month] for report in taken_reports(home, str(one["deliveryId"]))}
                for month in months
            )
            found.append(LeftOut(Category(category), months[0], months[1], len(before - now)))
    return found
