"""What a report is on the wire: one creditor's arrears of one contract at one date, pseudonymised and sealed."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Period = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Calendar month, YYYY-MM")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$", description="Short name of a pilot or organisation")]
Hex16 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="16 bytes in lower-case hexadecimal")]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="32 bytes in lower-case hexadecimal")]


Base64 = Annotated[
    str,
    Field(pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", min_length=4, max_length=8192),
]


class Wire(BaseModel):
    """What travels over the API: camelCase, unknown members refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True)


NOT_KEYED = 0  # the epoch of match keys that are all random filling: the desk has yet to make the real ones


class Category(StrEnum):
    """Kind of arrears, by the partner list of DDAS vroegsignalering v1.2 (EnumSignaalpartner)."""

    RENT = "rent"  # Huur
    HEALTH_INSURANCE = "health_insurance"  # Zorg
    ENERGY = "energy"  # Energie
    WATER = "water"  # Water
    MORTGAGE = "mortgage"  # Hypotheek
    CAK_CONTRIBUTION = "cak_contribution"  # CAK Eigen bijdrage
    CAK_INSURANCE = "cak_insurance"  # CAK Zorgverzekeringen
    STUDENT_LOAN = "student_loan"  # DUO
    TAXES = "taxes"  # Belastingdienst
    BENEFITS = "benefits"  # Dienst Toeslagen
    OTHER = "other"  # Overige


class Kind(StrEnum):
    """What a creditor says with a report. `update` is the service's to say: an earlier report of the same reference."""

    EARLY = "early"
    UPDATE = "update"
    END_OF_SUPPLY = "end_of_supply"
    HAND_OVER = "hand_over"


# Of these the law itself makes the report a duty or a task (Bgs art. 2 and 3): consent is no basis for them.
STATUTORY_CATEGORIES = frozenset({Category.RENT, Category.ENERGY, Category.WATER, Category.HEALTH_INSURANCE})

# Duties that hold outside the covenant's window and amounts too (VNG on the LCV), so no threshold stops these.
THRESHOLD_FREE_KINDS = frozenset({Kind.END_OF_SUPPLY, Kind.HAND_OVER})


class UrgentFlag(StrEnum):
    """What makes a report urgent (Wgs art. 4, second paragraph, and what precedes it)."""

    EVICTION_ANNOUNCED = "eviction_announced"
    SHUT_OFF_ANNOUNCED = "shut_off_announced"
    INSURANCE_ENDED = "insurance_ended"


class SocialCollection(Wire):
    """The creditor's efforts before it may report (Bgs art. 2): dates in Europe/Amsterdam.

    `by` says how the creditor knows: from its record of this resident, or from a fixed procedure that the agreement
    names. `answer` is what the resident said to the offer: nothing, no refusal, a refusal, or a payment plan that is
    being kept. The last two are refused, wherever they come from: they never become a report.
    """

    answer: Literal["none", "not_refused", "refused", "payment_plan_kept"] = "none"
    by: Literal["record", "procedure"]
    contact_sought_on: date
    offer_made_on: date
    pointed_at_help_on: date
    procedure: Slug | None = None
    reminder_sent_on: date


class WeakKey(Wire):
    """A key that joins only where no birth date objects: `birth` is comparable under this very key alone.

    Null: no birth date is known.
    """

    birth: Hex16 | None = None
    key: Hex16


class MatchKeys(Wire):
    """The keyed pseudonyms of one report: each list of a fixed length, sorted, filled up with random values."""

    building: Annotated[Hex16, Field(description="Postcode and number")]
    dwelling: Annotated[Hex16, Field(description="Postcode, number and addition")]
    epoch: Annotated[int, Field(ge=NOT_KEYED, le=9999, description="Of the pilot key; 0: not keyed yet")] = 1
    has_addition: bool
    scheme: Literal["v1.hmac"] = "v1.hmac"
    street_dwelling: Annotated[Hex16, Field(description="Street, number and addition")]
    strong: Annotated[tuple[Hex16, ...], Field(max_length=64)]
    weak: Annotated[tuple[WeakKey, ...], Field(max_length=64)]


class Report(Wire):
    """One report in clear for the service: as little as linking and rules need.

    Members stand in the order of their wire names, so that `canonical` is RFC 8785 (JCS) without a second writer: there
    are no floats and nothing outside ASCII in them.
    """

    amount_euros: Annotated[int, Field(ge=0, le=10_000_000, description="Whole euros, rounded down; cents are sealed")]
    arrears_since: date
    commitment: Annotated[Hex32, Field(description="Salted commitment to the sealed details (privacy/receipts.py)")]
    district: Annotated[Hex16, Field(description="Keyed code of the four postcode digits; comparable within one pilot")]
    keys: MatchKeys
    kind: Literal[Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER] = Kind.EARLY
    months: Annotated[int, Field(ge=0, le=600, description="Months in arrears, counted as the creditor's profile says")]
    reference: Annotated[Hex16, Field(description="HMAC of pilot and contract under the creditor's own secret")]
    reported_on: Annotated[date, Field(description="Reference date of the export, Europe/Amsterdam")]
    since_derived: Annotated[
        bool, Field(description="The export had a count only: since = reference date - 30 x count")
    ]
    social_collection: SocialCollection
    urgent: Annotated[tuple[UrgentFlag, ...], Field(max_length=3)] = ()

    def canonical(self) -> bytes:
        """The bytes that are hashed, signed and kept: RFC 8785."""
        return self.model_dump_json(by_alias=True).encode()


class Sealed(Wire):
    """The resident's details as ciphertext for the municipality, and the key that opens them, wrapped; both base64."""

    contact: Base64
    wrapped_key: Annotated[Base64, Field(min_length=80, max_length=80)]


class ReportLine(Wire):
    """One line of a part (NDJSON): a report and what is sealed with it."""

    report: Report
    sealed: Sealed


class PartSummary(Wire):
    """One part as the creditor signs it: its bytes, how many reports were taken, and the root over those (RFC 6962)."""

    accepted: Annotated[int, Field(ge=0)]
    number: Annotated[int, Field(ge=1, le=100_000)]
    root: Hex32
    sha256: Hex32


class Manifest(Wire):
    """What the creditor signs when a delivery is whole: with it nobody else can write or alter a report of its."""

    category: Category
    content_hash: Hex32
    creditor: Slug
    delivery_key_check: Annotated[Hex32, Field(description="By which the desk knows the delivery key as this one")]
    key_envelope_sha256: Hex32
    parts: tuple[PartSummary, ...]
    period: Period
    pilot: Slug
    recipient_key: Annotated[str, Field(max_length=64, description="Key id of the municipality's recipient key")]
    scheme: Literal["vroegsein/delivery/v1"] = "vroegsein/delivery/v1"
