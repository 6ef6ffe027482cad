"""What residents say, as a desk or a creditor sends it: yes, no, no longer, and what was decided about an objection.

A desk tells who it is by match keys, and sealed to the municipality; a creditor by the contract's reference alone.
"""

import uuid
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from signals.report import Category, Hex16, MatchKeys, Wire


class Statement(Wire):
    """Something that a resident says at a desk."""

    keys: MatchKeys
    sealed: Annotated[
        str, Field(pattern=r"^[0-9a-f]+$", max_length=16384, description="Who it is, sealed to the municipality")
    ]


class Consent(Statement):
    """A resident's consent for one category."""

    kind: Literal["consent"] = "consent"
    category: Category
    given_on: date
    valid_until: date
    notice: Annotated[str, Field(max_length=200, description="Which notice was shown: its name and version")]
    given_by: Annotated[str, Field(max_length=60, description="How: in writing, at the desk, by telephone ...")]


class Refusal(Statement):
    """A resident refuses that arrears of one category are reported."""

    kind: Literal["refusal"] = "refusal"
    category: Category
    refused_on: date


class Withdrawal(Statement):
    """A resident takes a consent back, for one category."""

    kind: Literal["withdrawal"] = "withdrawal"
    category: Category
    withdrawn_on: date


class Objection(Statement):
    """A resident objects (art. 21 GDPR), to all reports: they are paused until a person has decided."""

    kind: Literal["objection"] = "objection"
    objected_on: date


class Decision(Wire):
    """What a person decided about an objection: upheld, its reports are erased; dismissed, they come back."""

    kind: Literal["decision"] = "decision"
    objection: uuid.UUID
    decision: Literal["upheld", "dismissed"]
    decided_on: date


class Rekeyed(Wire):
    """All reports, consents and objections of a pilot get the match keys of this epoch, as the desk left them."""

    kind: Literal["rekeying"] = "rekeying"
    epoch: Annotated[int, Field(ge=1, le=9999)]


class ContractObjection(Wire):
    """An objection that a creditor received, about one contract: that creditor's reports of this resident stop."""

    kind: Literal["contract-objection"] = "contract-objection"
    reference: Hex16


DeskChange = Consent | Refusal | Withdrawal | Objection | Decision | Rekeyed
BASIS_CHANGE: TypeAdapter[DeskChange | ContractObjection] = TypeAdapter(
    Annotated[DeskChange | ContractObjection, Field(discriminator="kind")]
)
