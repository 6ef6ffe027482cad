"""Endings: what a creditor says of its own contracts, settled or withdrawn because a report was wrong."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from fastapi import APIRouter, Response

from app.api.basis_changes import NOTED, BasisChange, PilotQuery
from app.api.deps import CreditorCaller, CreditorReader, Pools
from app.api.objections import leave_and_wait
from app.errors import problems
from app.intake import as_creditor
from app.intake_rules import DeliveryRefused, refuse_strangers
from app.problems import InputMistake, InvalidInput
from signals.consents import ContractEndings
from signals.days import AMSTERDAM
from signals.report import Period, Wire

router = APIRouter(prefix="/contract-endings", tags=["deliveries"])

COUNT = sa.text("""
    SELECT to_char(ended_on, 'YYYY-MM') AS period, ending, count(*) AS contracts FROM intake.ending
    WHERE pilot_id = :pilot AND creditor_id = :creditor GROUP BY 1, 2 ORDER BY 1 DESC, 2
""")


class EndedContracts(Wire):
    """How many contracts the caller said to have ended in a month, whether there are reports of them or not."""

    period: Period
    ending: Literal["settled", "withdrawn"]
    contracts: int


class Endings(Wire):
    """What the caller said of its contracts, by month of the day on which they ended, the newest first."""

    endings: tuple[EndedContracts, ...]


@router.post("", status_code=201, responses=NOTED | problems(DeliveryRefused))
def end_contracts(
    ended: ContractEndings, pilot_id: PilotQuery, caller: CreditorCaller, pools: Pools, response: Response
) -> BasisChange:
    """Say that contracts are settled, or that the reports of them were wrong. Saying it twice is saying it once.

    The answer is the same whether there are reports of them or not. A report of a newer day than `endedOn` counts.
    """
    if ended.ended_on > datetime.now(AMSTERDAM).date():
        mistake = InputMistake(pointer="/endedOn", code="in-the-future", detail="must be today or earlier")
        raise InvalidInput(errors=[mistake])
    return leave_and_wait(pools, caller.organisation_id, pilot_id, ended, response)


@router.get("", responses=problems(DeliveryRefused))
def count_endings(pilot_id: PilotQuery, caller: CreditorReader, pools: Pools) -> Endings:
    """How many contracts the caller said to have ended, month by month."""
    creditor = caller.organisation_id
    with as_creditor(pools, creditor) as connection:
        refuse_strangers(connection, creditor, pilot_id)
        rows = connection.execute(COUNT, {"pilot": pilot_id, "creditor": creditor}).mappings().all()
    return Endings(endings=tuple(EndedContracts.model_validate(dict(row)) for row in rows))
