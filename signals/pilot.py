"""The registry's documents: who takes part in which pilot, what may be sent on which basis, who may look for what."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from signals.alerts import ALERTS, AlertRule
from signals.documents import Document
from signals.report import Category, Kind, Slug

Postcode4 = Annotated[str, Field(pattern=r"^[1-9][0-9]{3}$")]
Activity = Annotated[str, Field(pattern=r"^(https://|urn:)[!-~]{1,500}$", description="URI of one version of an entry")]
# No user, port, query or fragment: what is written here is read in one way only, and holds no secret.
Webhook = Annotated[
    str,
    Field(
        pattern=r"^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](/[A-Za-z0-9._~-]+)*/?$",
        max_length=300,
    ),
]
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


class Evidence(StrEnum):
    """What each report has to show for its basis: the steps before an offer that nobody refused, or a consent."""

    OFFER_NOT_REFUSED = "offer_not_refused"
    CONSENT = "consent"


class Keying(StrEnum):
    """Who makes a creditor's match keys: itself, with the pilot key, or the desk, once it has opened the report."""

    CREDITOR = "creditor"
    DESK = "desk"


class Words(Document):
    """A text in both tongues."""

    nl: str
    en: str


class Experiment(Document):
    """What the minister designated (Wgs art. 10): by which article, for whom, from when until when, from how much on.

    Its least euros and months hold for every kind; `evidence` says what a report has to show.
    """

    article: Annotated[str, Field(min_length=3, max_length=200)]
    evidence: Evidence = Evidence.OFFER_NOT_REFUSED
    creditors: Annotated[tuple[Slug, ...], Field(min_length=1)]
    starts: date
    ends: date
    minimum_euros: Annotated[int, Field(ge=0)] = 0
    minimum_months: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("the experiment ends before it starts")
        return self


class Ground(Document):
    """The basis of a category, or of one kind in it, with its source; an experiment says which one it is."""

    basis: Basis
    source: str
    experiment: Experiment | None = None

    @model_validator(mode="after")
    def _experiment_told(self) -> Self:
        if (self.basis is Basis.EXPERIMENT) != (self.experiment is not None):
            raise ValueError(
                "`experiment` (article, creditors, dates) belongs to the basis experiment, and to no other"
            )
        return self

    @property
    def evidence(self) -> Evidence:
        """What a report has to show."""
        if self.experiment is not None:
            return self.experiment.evidence
        return Evidence.CONSENT if self.basis is Basis.CONSENT else Evidence.OFFER_NOT_REFUSED


class CategoryTerms(Ground):
    """What may be sent of one category, on which basis: at least so much, at least so old.

    `kinds` names the kinds that rest on another basis. Eligibility is the rule set's business.
    """

    minimum_euros: Annotated[int, Field(ge=0)] = 0
    minimum_months: Annotated[int, Field(ge=0)] = 0
    minimum_days: Annotated[int, Field(ge=0)] = 0
    kinds: dict[Kind, Ground] = Field(default_factory=dict)

    def ground(self, kind: Kind) -> Ground:
        """The basis of one kind; an update rests on what the first report of the contract rested on."""
        return self.kinds.get(Kind.EARLY if kind is Kind.UPDATE else kind, self)


class BreakGlass(Document):
    """What makes a purpose one for emergencies: somebody says why, and may look under it for so many minutes."""

    minutes: Annotated[int, Field(ge=1, le=480)]


class Purpose(Document):
    """A reason to look, who may have it, and how much it discloses; its entry in the register of processing, if any."""

    roles: tuple[Role, ...]
    level: Level
    basis: str
    words: Words
    processing_activity: Activity | None = None
    break_glass: BreakGlass | None = None

    @model_validator(mode="after")
    def _breaks_glass_for_something(self) -> Self:
        if self.break_glass is not None and self.level is Level.NONE:
            raise ValueError("`break_glass` belongs to a purpose that discloses something; this one's level is none")
        return self


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
        objection_days: what residents said no to: it holds as long as the pilot runs, and is kept so long after its
            end; one that was dismissed, after that day. As long as reports may still be there that it stops.
        known_client_days: how long an entry of the knock-out list counts at most, from the day it was pushed.
        log_days: events of the access log, from their moment; five years. Their leaves stay.
    """

    report_days: Days = 365
    delivery_days: Days = 1826
    unfinished_days: Days = 14
    consent_days: Days = 365
    objection_days: Days = 365
    known_client_days: Days = 92
    log_days: Days = 1826

    @model_validator(mode="after")
    def _outlasts_reports(self) -> Self:
        if min(self.delivery_days, self.consent_days, self.objection_days) < self.report_days:
            raise ValueError(
                "deliveries, consents and objections are kept at least as long as the reports that rest on them"
            )
        return self


class Pilot(Document):
    """The scope of everything: one municipality, its districts, categories, purposes, dates, terms and rule set.

    `processing_activity` is the pilot's entry in the municipality's register of processing activities (art. 30 GDPR).
    By naming it the municipality asks for records in its Logboek Dataverwerkingen, where the operator has set one.
    """

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
    alerts: tuple[AlertRule, ...] = ALERTS
    processing_activity: Activity | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("the pilot ends before it starts")
        return self

    @model_validator(mode="after")
    def _alerts_told_apart(self) -> Self:
        if len({rule.id for rule in self.alerts}) < len(self.alerts):
            raise ValueError("two alerts have the same id")
        return self

    def rests_on_consent(self) -> list[str]:
        """What is taken up only with a consent, each as "category/kind"."""
        return [
            f"{category}/{kind}"
            for category, terms in self.categories.items()
            for kind in Kind
            if terms.ground(kind).evidence is Evidence.CONSENT
        ]


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
    """Creditor and pilot: which categories and kinds, from when until when, by which procedure (gates ingestion).

    `feed`: with `snapshot` a month's deliveries are all that is open, so what the next delivered month leaves out is
    settled; with `changes` nothing is settled before the creditor says so.
    `keying: desk`: the creditor gets no pilot key. It counts once the desk has signed for it in the pilot document.
    `webhook`: where the creditor is told that feedback is ready (docs/webhooks.md). Its host by name, at port 443.
    """

    kind: Literal["agreement"]
    pilot: Slug
    creditor: Slug
    starts: date
    ends: date
    categories: tuple[Category, ...]
    kinds: tuple[Literal[Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER], ...] = (Kind.EARLY,)
    procedure: Slug | None = None
    feed: Literal["snapshot", "changes"] = "snapshot"
    keying: Keying = Keying.CREDITOR
    webhook: Webhook | None = None

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
