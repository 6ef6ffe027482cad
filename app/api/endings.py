"""Endings: what a creditor says of its own contracts, settled, withdrawn because a report was wrong, or open still."""

from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Response

from app.api.basis_changes import NOTED, BasisChange, PilotQuery
from app.api.deps import CreditorCaller, CreditorReader, Pools
from app.api.objections import leave_and_wait
from app.errors import problems
from app.intake import as_creditor
from app.intake_rules import DeliveryRefused, refuse_strangers
from app.problems import InputMistake, InvalidInput
from signals.consents import ContractEndings, Ending
from signals.days import AMSTERDAM
from signals.report import Period, Wire

router = APIRouter(prefix="/contract-endings", tags=["deliveries"])

COUNT = sa.text("""
    SELECT to_char(ended_on, 'YYYY-MM') AS period, ending, count(*) AS contracts FROM intake.ending
    WHERE pilot_id = :pilot AND creditor_id = :creditor GROUP BY 1, 2 ORDER BY 1 DESC, 2
""")


class EndedContracts(Wire):
    """Of how many contracts the caller said so in a month, whether there are reports of them or not."""

    period: Period
    ending: Ending
    contracts: int


class Endings(Wire):
    """What the caller said of its contracts, by month of the day that it named, the newest first."""

    endings: tuple[EndedContracts, ...]


@router.post("", status_code=201, responses=NOTED | problems(DeliveryRefused))
def end_contracts(
    ended: ContractEndings, pilot_id: PilotQuery, caller: CreditorCaller, pools: Pools, response: Response
) -> BasisChange:
    """Say that contracts are settled, that the reports of them were wrong, or that they are open though not reported.

    Saying it twice is saying it once. The answer is the same whether there are reports of them or not. A report of a
    newer day than `endedOn` counts. `open` holds for the month of `endedOn` alone.
    """
    if ended.ended_on > datetime.now(AMSTERDAM).date():
        mistake = InputMistake(pointer="/endedOn", code="in-the-future", detail="must be today or earlier")
        raise InvalidInput(errors=[mistake])
    return leave_and_wait(pools, caller.organisation_id, pilot_id, ended, response)


@router.get("", responses=problems(DeliveryRefused))
def count_endings(pilot_id: PilotQuery, caller: CreditorReader, pools: Pools) -> Endings:
    """Of how many contracts the caller said what, month by month."""
    creditor = caller.organisation_id
    with as_creditor(pools, creditor) as connection:
        refuse_strangers(connection, creditor, pilot_id)
        rows = connection.execute(COUNT, {"pilot": pilot_id, "creditor": creditor}).mappings().all()
    return Endings(endings=tuple(EndedContracts.model_validate(dict(row)) for row in rows))
