"""Deliveries: opened, filled part by part, completed; each step can be repeated."""

import base64
import re
import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import Field, computed_field

from app import intake
from app.api.deps import CreditorCaller, CreditorReader, Pools, RawBody, takes
from app.errors import problems
from app.intake import DeliveryUnknown, OpenDelivery
from app.intake_rules import DeliveryRefused
from app.part_reading import PartUnreadable
from app.problems import InputMistake, InvalidInput
from signals.line_rules import LINE_RULES, WARNINGS
from signals.report import Base64, Category, Hex32, Period, Slug, Wire

PART = "application/x-ndjson"
MOST_PART_BYTES = 32 * 1024 * 1024

router = APIRouter(prefix="/deliveries", tags=["deliveries"])

DeliveryId = Annotated[uuid.UUID, Path(alias="deliveryId")]
PilotQuery = Annotated[Slug, Query(alias="pilotId", description="The pilot that the delivery is for")]


class NewDelivery(Wire):
    """What is about to be delivered. The content hash is an HMAC over the canonical rows, so repeats are recognised."""

    pilot_id: Slug
    period: Period
    category: Category
    expected_count: Annotated[int, Field(ge=0, le=10_000_000)]
    content_hash: Hex32


class DeliveryRef(Wire):
    """Where a delivery is; `new` is false when one with this content was there already."""

    delivery_id: uuid.UUID
    new: bool


class RefusedLine(Wire):
    """A line that was not taken: its number from 1, where in it (JSON pointer), which rule. Never what stood there."""

    line: int
    pointer: str
    code: str

    @computed_field(  # type: ignore[prop-decorator] # mypy has no word for it, pydantic does it so
        description="Where the rule stands: article, agreement, pilot document or format"
    )
    @property
    def source(self) -> str:
        """Where the rule stands."""
        return LINE_RULES[self.code].source


class TakenPart(Wire):
    """What became of a part; `root` is over the accepted reports in the order of their lines (RFC 6962)."""

    number: int
    sha256: Hex32
    accepted: int
    root: Hex32
    refusals: tuple[RefusedLine, ...]


class Completion(Wire):
    """The end of a delivery: the sealed delivery key, and the manifest that the creditor signed (JWS)."""

    key_envelope: Base64
    manifest: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", max_length=5_000_000)]


class PartState(Wire):
    """A part that is here."""

    number: int
    sha256: Hex32
    accepted: int
    refused: int


class PartRefusal(RefusedLine):
    """A line that was not taken, and of which part."""

    part: int


class LineWarning(Wire):
    """A line that was taken, and that its creditor should look at: of which part, its number from 1, and why."""

    part: int
    line: int
    code: str

    @computed_field(  # type: ignore[prop-decorator] # mypy has no word for it, pydantic does it so
        description="Where the rule stands"
    )
    @property
    def source(self) -> str:
        """Where the rule stands."""
        return WARNINGS[self.code].source


class DeliverySummary(Wire):
    """A delivery in a list. `snapshot`: what it leaves out of the contracts of an earlier month counts as settled."""

    delivery_id: uuid.UUID
    pilot_id: Slug
    period: Period
    category: Category
    expected_count: int
    state: Literal["open", "completing", "completed"]
    opened_at: datetime
    completed_at: datetime | None
    accepted: int | None
    refused: int | None
    snapshot: bool


class DeliveryState(DeliverySummary):
    """A delivery, whole: its parts, at most 1000 refused lines and warnings, once completed the signed receipt (JWS).

    Warnings say nothing about a resident but what the creditor delivered itself. `manifest` is the one that closed it,
    as its creditor signed it.
    """

    parts: tuple[PartState, ...]
    refusals: tuple[PartRefusal, ...]
    warnings: tuple[LineWarning, ...]
    manifest: str | None
    receipt: str | None


class Deliveries(Wire):
    """A creditor's deliveries, newest first."""

    deliveries: tuple[DeliverySummary, ...]


@router.post("", status_code=201, responses=problems(DeliveryRefused))
def open_delivery(new: NewDelivery, caller: CreditorCaller, pools: Pools, response: Response) -> DeliveryRef:
    """Open a delivery, or find the one with the same content (then 200)."""
    wanted = OpenDelivery(new.pilot_id, new.period, new.category, new.expected_count, new.content_hash)
    found, is_new = intake.open_delivery(pools, caller.organisation_id, wanted, datetime.now(UTC))
    response.status_code = 201 if is_new else 200
    return DeliveryRef(delivery_id=found, new=is_new)


@router.get("")
def list_deliveries(pilot_id: PilotQuery, caller: CreditorReader, pools: Pools) -> Deliveries:
    """The caller's own deliveries to a pilot, newest first, at most 200."""
    found = intake.deliveries_of(pools, caller.organisation_id, pilot_id)
    return Deliveries.model_validate({"deliveries": found})


@router.get("/{deliveryId}", responses=problems(DeliveryUnknown))
def read_delivery(delivery_id: DeliveryId, pilot_id: PilotQuery, caller: CreditorReader, pools: Pools) -> DeliveryState:
    """How far a delivery is, which lines were refused and why, and the receipt."""
    return DeliveryState.model_validate(intake.status(pools, caller.organisation_id, pilot_id, delivery_id))


@router.put(
    "/{deliveryId}/parts/{number}",
    dependencies=[Depends(takes(PART))],
    max_body_size=MOST_PART_BYTES,
    responses=problems(DeliveryUnknown, DeliveryRefused, PartUnreadable),
    openapi_extra={"requestBody": {"required": True, "content": {PART: {"schema": {"type": "string"}}}}},
)
def put_part(
    delivery_id: DeliveryId,
    number: Annotated[int, Path(ge=1, le=100_000)],
    pilot_id: PilotQuery,
    caller: CreditorCaller,
    pools: Pools,
    body: RawBody,
    content_digest: Annotated[str, Header(alias="Content-Digest", description="RFC 9530: sha-256=:base64:")],
) -> TakenPart:
    """Put one part: NDJSON, gzip allowed. The same number with other bytes replaces it until completion."""
    sha256, now = _sha256(content_digest), datetime.now(UTC)
    part = intake.put_part(pools, caller.organisation_id, pilot_id, delivery_id, number, body, sha256, now)
    return TakenPart.model_validate(part, from_attributes=True)


@router.put("/{deliveryId}/completion", status_code=202, responses=problems(DeliveryUnknown, DeliveryRefused))
def complete_delivery(
    delivery_id: DeliveryId, pilot_id: PilotQuery, completion: Completion, caller: CreditorCaller, pools: Pools
) -> DeliveryState:
    """Close a delivery. It is taken up in the background; read it again for the receipt."""
    envelope = base64.b64decode(completion.key_envelope)
    now = datetime.now(UTC)
    intake.complete(pools, caller.organisation_id, pilot_id, delivery_id, envelope, completion.manifest, now)
    return DeliveryState.model_validate(intake.status(pools, caller.organisation_id, pilot_id, delivery_id))


def _sha256(digest: str) -> str:
    found = re.fullmatch(r"sha-256=:([A-Za-z0-9+/]{43}=):", digest.strip())
    if found is None:
        mistake = InputMistake(header="Content-Digest", code="pattern", detail="must be sha-256=:base64:")
        raise InvalidInput(errors=[mistake])
    return base64.b64decode(found[1]).hex()
