"""Endings: telling the service which of a creditor's own contracts are settled, or were reported wrongly.

The service gets references alone, and answers the same whether it knows of the contracts or not.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal

from client.cells import read_reference, tidy
from client.decoding import UnreadableFile, text_lines
from client.exclusions import fold_reference
from client.home import Home
from client.service import Service
from privacy.references import reference
from signals.consents import MOST_ENDINGS, ContractEndings

Ending = Literal["settled", "withdrawn"]


def end_contracts(
    home: Home, service: Service, pilot_id: str, contracts: Iterable[str], ending: Ending, ended_on: date
) -> list[dict[str, Any]]:
    """Say how contracts ended, for their reports up to `ended_on`. Returns the service's answer to each request.

    Repeating it is safe. Raises ServiceRefused, ServiceUnreachable.
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
