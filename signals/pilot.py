"""The registry's documents: who takes part in which pilot, what may be sent on which basis, who may look for what."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from signals.documents import Document
from signals.report import Category, Kind, Slug

Postcode4 = Annotated[str, Field(pattern=r"^[1-9][0-9]{3}$")]
Days = Annotated[int, Field(ge=1, le=36_525)]


class Role(StrEnum):
    """In which role an organisation's key acts."""

    CREDITOR = "creditor"
    DEBT_HELP = "debt-help"
    PRIVACY_OFFICER = "privacy-officer"
    OPERATOR = "operator"


class Level(StrEnum):
    """How much a purpose discloses; each level includes the ones before it."""

    NONE = "none"
    INDEX = "index"
    CATEGORIES = "categories"
    FACTS = "facts"
    CONTACT = "contact"


class Basis(StrEnum):
    """Why reports of one category may be processed (domain: Bgs art. 2; Wgs art. 10; consent of the resident)."""

    STATUTORY = "statutory"
    EXPERIMENT = "experiment"
    CONSENT = "consent"


class Words(Document):
    """A text in both tongues."""

    nl: str
    en: str


class CategoryTerms(Document):
    """What may be sent of one category: at least so much, at least so old. Eligibility is the rule set's business."""

    basis: Basis
    source: str
    minimum_euros: Annotated[int, Field(ge=0)] = 0
    minimum_months: Annotated[int, Field(ge=0)] = 0
    minimum_days: Annotated[int, Field(ge=0)] = 0


class Purpose(Document):
    """A reason to look, who may have it, and how much it discloses."""

    roles: tuple[Role, ...]
    level: Level
    basis: str
    words: Words


class Retention(Document):
    """How long data is kept, in days. Something of day D is kept through D plus its term, and gone on the day after.

    Args:
        report_days: reports with their keys and sealed details, from their reference date, and the signals that rest on
            them. A year covers the six months that "again" looks back and leaves as long to work and answer for it.
        delivery_days: that a creditor delivered, when, how many, and its receipt; nothing about a resident. Five years,
            as long as rent can be claimed at law (BW 3:308), because the receipt proves that arrears were reported.
        unfinished_days: deliveries that were opened and never completed, with the lines that wait in them, from their
            opening. A push that broke off is repeated by then.
        consent_days: consents from the day on which they ended, and changes of basis from when they were carried out.
            As long as reports may rest on one: a withdrawal finds them by it.
        log_days: events of the access log, from their moment; five years. Their leaves stay.
    """

    report_days: Days = 365
    delivery_days: Days = 1826
    unfinished_days: Days = 14
    consent_days: Days = 365
    log_days: Days = 1826

    @model_validator(mode="after")
    def _outlasts_reports(self) -> Self:
        if min(self.delivery_days, self.consent_days) < self.report_days:
            raise ValueError("deliveries and consents are kept at least as long as the reports that rest on them")
        return self


class Pilot(Document):
    """The scope of everything: one municipality, its districts, categories, purposes, dates, terms and rule set."""

    kind: Literal["pilot"]
    id: Slug
    municipality: Slug
    starts: date
    ends: date
    postcodes: tuple[Postcode4, ...] = ()  # none named: no bound, as for a measurement
    categories: dict[Category, CategoryTerms]
    purposes: dict[Slug, Purpose]
    retention: Retention
    rule_set: str

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("the pilot ends before it starts")
        return self


class Organisation(Document):
    """A party: a creditor, a municipality or the operator."""

    kind: Literal["organisation"]
    id: Slug
    name: str
    roles: tuple[Role, ...]


class PublicKey(Document):
    """One public key: a JWK for signing and signing in, the raw key in base64url for envelopes (HPKE)."""

    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    use: Literal["auth", "signing", "envelope"]
    role: Role
    public: dict[str, Any]


class Keys(Document):
    """An organisation's public keys, as `vroegsein creditor init` and `vroegsein desk init` write them."""

    kind: Literal["keys"]
    organisation: Slug
    keys: tuple[PublicKey, ...]


class Agreement(Document):
    """Creditor and pilot: which categories and kinds, from when until when, by which procedure (gates ingestion)."""

    kind: Literal["agreement"]
    pilot: Slug
    creditor: Slug
    starts: date
    ends: date
    categories: tuple[Category, ...]
    kinds: tuple[Literal[Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER], ...] = (Kind.EARLY,)
    procedure: Slug | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("the agreement ends before it starts")
        return self


RegistryDocument = Pilot | Organisation | Keys | Agreement
KINDS: dict[str, type[Pilot | Organisation | Keys | Agreement]] = {
    "pilot": Pilot,
    "organisation": Organisation,
    "keys": Keys,
    "agreement": Agreement,
}
