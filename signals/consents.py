"""What residents say, as a desk or a creditor sends it: yes, no, no longer, and what was decided about an objection.

And what a desk says of them without being asked: that somebody is in debt help already (the knock-out list), that
reports are one person's or two persons'.

A desk tells who it is by match keys, and sealed to the municipality; a creditor by the contract's reference alone.
"""

import uuid
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from signals.report import Category, Hex16, MatchKeys, Slug, Wire
from signals.rights import ErasureGround, IdentityCheck, StatedFact

MOST_ENDINGS = 1000  # in one request
MOST_CLIENTS = 200  # in one part of a knock-out list: with sealed details well below the largest body


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


class Keyed(Wire):
    """Reports that came without match keys get those that the desk left for them, of this epoch."""

    kind: Literal["keying"] = "keying"
    epoch: Annotated[int, Field(ge=1, le=9999)]


class HandOver(Wire):
    """Reports of a household that moved: delivered to another municipality's pilot, and done with here."""

    kind: Literal["hand-over"] = "hand-over"
    report_ids: Annotated[tuple[uuid.UUID, ...], Field(min_length=1, max_length=500)]
    to_pilot: Slug


class ContractObjection(Wire):
    """An objection that a creditor received, about one contract: that creditor's reports of this resident stop."""

    kind: Literal["contract-objection"] = "contract-objection"
    reference: Hex16


Ending = Literal["settled", "withdrawn", "open"]


class ContractEndings(Wire):
    """What a creditor says of its own contracts: settled, withdrawn because its reports of them were wrong, or open.

    The first two are about their reports up to the day `ended_on`, those that arrive later too; a report of a newer day
    counts. `open` is the opposite of an ending, and goes the same way: the contract is not reported in the month of
    that day (its row could not be read, say) and is in arrears still, so what is missing there settles nothing.
    """

    kind: Literal["contract-endings"] = "contract-endings"
    ending: Ending
    ended_on: date
    references: Annotated[tuple[Hex16, ...], Field(min_length=1, max_length=MOST_ENDINGS)]


class KnownClient(Statement):
    """Somebody who is in debt help already, until a day (included)."""

    until: date


class KnownClients(Wire):
    """Entries of the knock-out list: one of a list's parts. With `complete`, what is of another list goes."""

    kind: Literal["known-clients"] = "known-clients"
    list_id: uuid.UUID
    clients: Annotated[tuple[KnownClient, ...], Field(max_length=MOST_CLIENTS)]
    complete: bool


class KnownClientRemoval(Wire):
    """Somebody is taken off the knock-out list."""

    kind: Literal["known-client-removal"] = "known-client-removal"
    keys: MatchKeys


class Erasure(Wire):
    """A resident's reports, consents and sealed identity are erased (art. 17 GDPR); match keys stay, unsealed.

    `not_theirs`: reports and consents that meet the keys and that a person found to be somebody else's.
    """

    kind: Literal["erasure"] = "erasure"
    erased_on: date
    ground: ErasureGround
    identity: IdentityCheck
    keys: MatchKeys
    not_theirs: Annotated[tuple[uuid.UUID, ...], Field(max_length=1000)] = ()


class Rectification(Wire):
    """A resident says that a report is wrong (art. 16 GDPR): its contract's reports pause while that is looked into."""

    kind: Literal["rectification"] = "rectification"
    asked_on: date
    identity: IdentityCheck
    report: uuid.UUID
    sealed: Annotated[
        str, Field(pattern=r"^[0-9a-f]+$", max_length=16384, description="Who asks, sealed to the municipality")
    ]
    wrong: Annotated[tuple[StatedFact, ...], Field(min_length=1, max_length=8)]


class LinkReason(StrEnum):
    """Why somebody decided that reports are one person's, or two persons'."""

    DETAILS_AGREE = "details-agree"
    TYPING_ERROR = "typing-error"
    MOVED = "moved"
    HOUSEMATES = "housemates"
    NAMESAKES = "namesakes"
    RESIDENT_SAID = "resident-said"
    CREDITOR_SAID = "creditor-said"
    OTHER = "other"


Sides = Annotated[tuple[uuid.UUID, ...], Field(max_length=200)]


class LinkChoice(Wire):
    """What a person decided who saw both sides opened; each side by reports of its contracts.

    `same`: one person's. `different`: those of `one` are another person's than those of `other`, or, where that is
    empty, than all else that is linked with them now. Within a side all is one person's.
    """

    kind: Literal["link-decision"] = "link-decision"
    answer: Literal["same", "different"]
    one: Annotated[Sides, Field(min_length=1)]
    other: Sides = ()
    why: LinkReason

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        if self.answer == "same" and not self.other:
            raise ValueError("`same` names both sides")
        return self


class LinkDecided(LinkChoice):
    """The same, with who decided: the desk's own pseudonym of that person."""

    actor: Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]


DeskChange = (
    Consent
    | Refusal
    | Withdrawal
    | Objection
    | Decision
    | Erasure
    | Rectification
    | KnownClients
    | KnownClientRemoval
    | Rekeyed
    | Keyed
    | HandOver
    | LinkDecided
)
BASIS_CHANGE: TypeAdapter[DeskChange | ContractObjection | ContractEndings] = TypeAdapter(
    Annotated[DeskChange | ContractObjection | ContractEndings, Field(discriminator="kind")]
)
