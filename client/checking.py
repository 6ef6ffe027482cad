"""What would be sent of an export and what not, row by row with the reason; nothing here leaves the machine.

Rows read = rows to send + refused rows, always: blank lines, preambles, repeated headers and totals are no rows.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from client.exclusions import Exclusions, fold_reference
from client.export import Export
from client.profiles import Profile
from client.reasons import Note, NoteCode, Reason, Refusal, masked
from client.rows import Row
from privacy.identity import Contact
from signals.report import THRESHOLD_FREE_KINDS, Category, Kind, SocialCollection, UrgentFlag


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryTerms:
    """From when on arrears of one category may be sent: at least this much, this many months and this many days."""

    min_amount_cents: int = 0
    min_months: int = 0
    min_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingTerms:
    """What a pilot lets a creditor send.

    `postcodes`: four digits each, None for everywhere. `categories`: those that are part of the pilot. `first_day` and
    `last_day`: the pilot's running time, both included, which the reference date must lie in.
    """

    postcodes: frozenset[str] | None = None
    categories: Mapping[Category, CategoryTerms]
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SendableRow:
    """One row that would be sent. `contacts`: the fullest first, then those of the rows that repeat it.

    `postcode_digits` is "" where no postcode could be read (only without terms that restrict them). `reported_by`:
    whose report it is, where a municipality hands it over.
    """

    line: int
    reference: str
    contacts: tuple[Contact, ...]
    postcode_digits: str
    amount_cents: int
    months: int
    arrears_since: date
    since_derived: bool
    reported_on: date
    category: Category
    kind: Kind
    urgent: tuple[UrgentFlag, ...]
    social_collection: SocialCollection
    reported_by: str = ""

    def __repr__(self) -> str:
        return f"SendableRow(line {self.line}, {self.masked_reference})"

    @property
    def masked_reference(self) -> str:
        """The reference for a screen: its last three characters."""
        return masked(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Checked:
    """The outcome of a check, in the order of the file.

    `push_obstacle` says in English why `push` must refuse this file as a whole, and what to do; None if it need not.
    """

    source: str
    period: str
    reported_on: date
    category: Category
    rows_read: int
    to_send: tuple[SendableRow, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[Note, ...]
    push_obstacle: str | None = None
    reasons: Mapping[Reason, int] = field(default_factory=dict)  # how many rows were refused for each

    def __repr__(self) -> str:
        return f"Checked({self.source}, {self.rows_read} rows, {len(self.to_send)} to send)"


def check(export: Export, profile: Profile, terms: SendingTerms | None = None) -> Checked:
    """Decide for each row of an export whether it would be sent.

    A bad row never stops the good ones. Rows of one reference with the same amount and months are one report, however
    the rest is spelled; with another amount or months none of them is sent.

    Args:
        export: as read with the same profile.
        profile: the mapping profile.
        terms: the pilot's; None sends everything that is in order.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    outcomes: list[SendableRow | Refusal] = []
    for row in export.rows:
        if isinstance(row, Row):
            groups[fold_reference(row.reference)].append(row)
        else:
            outcomes.append(row)
    for rows in groups.values():
        if len({(row.amount_cents, row.months) for row in rows}) > 1:
            outcomes += _conflicting(rows)
            continue
        ranked = sorted(rows, key=_fullness, reverse=True)
        outcomes += [row.refuse(Reason.REPEATED, line=ranked[0].line) for row in ranked[1:]]
        outcomes.append(_judge(ranked, export.exclusions, terms))
    outcomes.sort(key=lambda outcome: outcome.line)
    refused = tuple(outcome for outcome in outcomes if isinstance(outcome, Refusal))
    obstacle, notes = _obstacle(export, profile)
    return Checked(
        source=export.source,
        period=export.period,
        reported_on=export.reported_on,
        category=profile.category,
        rows_read=len(export.rows),
        to_send=tuple(outcome for outcome in outcomes if isinstance(outcome, SendableRow)),
        refused=refused,
        notes=(*export.notes, *notes),
        push_obstacle=obstacle,
        reasons=dict(sorted(Counter(refusal.reason for refusal in refused).items())),
    )


def _fullness(row: Row) -> tuple[int, int, int]:
    """Which of two spellings says more: more details filled in, then more letters, then the earlier line."""
    contact = row.contact
    texts = [str(value) for detail in fields(contact) if (value := getattr(contact, detail.name))]
    return len(texts), sum(map(len, texts)), -row.line


def _conflicting(rows: Sequence[Row]) -> list[Refusal]:
    refused = []
    for row in rows:
        others = ", ".join(str(other.line) for other in rows if other is not row)
        refused.append(row.refuse(Reason.CONFLICTING, lines=others))
    return refused


def _judge(ranked: Sequence[Row], exclusions: Exclusions | None, terms: SendingTerms | None) -> SendableRow | Refusal:
    """One report, of one or more rows with the fullest first: what any of them says against sending it, counts."""
    row = ranked[0]
    digits = next((row.postcode_digits for row in ranked if row.postcode_digits), "")
    if row.amount_cents <= 0:
        return row.refuse(Reason.IN_CREDIT)
    said_no = _said_no(ranked, exclusions)
    if said_no:
        return row.refuse(said_no)
    if terms is not None:
        outside = _outside(row, digits, terms)
        if outside:
            return outside
    steps = row.social_collection
    if isinstance(steps, Reason):
        return row.refuse(steps)
    flags = {flag for row in ranked for flag in row.urgent}
    kinds = {row.kind for row in ranked}
    return SendableRow(
        line=row.line,
        reference=row.reference,
        contacts=tuple(row.contact for row in ranked),
        postcode_digits=digits,
        amount_cents=row.amount_cents,
        months=row.months,
        arrears_since=row.arrears_since,
        since_derived=row.since_derived,
        reported_on=row.reported_on,
        category=row.category,
        kind=next(kind for kind in (Kind.END_OF_SUPPLY, Kind.HAND_OVER, Kind.EARLY) if kind in kinds),
        urgent=tuple(flag for flag in UrgentFlag if flag in flags),
        social_collection=steps,
    )


def _said_no(rows: Sequence[Row], exclusions: Exclusions | None) -> Reason | None:
    reference = fold_reference(rows[0].reference)
    answers = {row.answer for row in rows}
    if "refused" in answers or (exclusions and reference in exclusions.refused):
        return Reason.REFUSED_BY_RESIDENT
    if "kept" in answers or (exclusions and reference in exclusions.payment_plan_kept):
        return Reason.PAYMENT_PLAN_KEPT
    return Reason.UNCLEAR_ANSWER if "unclear" in answers else None


def _outside(row: Row, digits: str, terms: SendingTerms) -> Refusal | None:
    """Whether the pilot's terms keep a row here, and by which of them."""
    thresholds = terms.categories.get(row.category)
    if thresholds is None:
        return row.refuse(Reason.CATEGORY_NOT_IN_PILOT)
    if not (terms.first_day or row.reported_on) <= row.reported_on <= (terms.last_day or row.reported_on):
        return row.refuse(Reason.OUTSIDE_PERIOD)
    if terms.postcodes is not None and digits not in terms.postcodes:
        return row.refuse(Reason.OUTSIDE_PILOT if digits else Reason.UNREADABLE_POSTCODE)
    if row.kind in THRESHOLD_FREE_KINDS:
        return None
    below = _below(row, thresholds)
    return row.refuse(Reason.BELOW_THRESHOLD, threshold_nl=below[0], threshold_en=below[1]) if below else None


def _below(row: Row, thresholds: CategoryTerms) -> tuple[str, str] | None:
    """The first threshold that a row doesn't reach, in Dutch and English."""
    if row.amount_cents < thresholds.min_amount_cents:
        euros, cents = divmod(thresholds.min_amount_cents, 100)
        return f"€ {euros},{cents:02}", f"€ {euros}.{cents:02}"
    if row.months < thresholds.min_months:
        return f"{thresholds.min_months} maand(en)", f"{thresholds.min_months} month(s)"
    if (row.reported_on - row.arrears_since).days < thresholds.min_days:
        return f"{thresholds.min_days} dagen", f"{thresholds.min_days} days"
    return None


def _obstacle(export: Export, profile: Profile) -> tuple[str | None, list[Note]]:
    """Why `push` must refuse, and the note that goes with it: nobody looked at who must not be reported."""
    if profile.push_obstacle:
        why_nl = "het profiel zegt niet waar die vastliggen (`recorded`)."
        why_en = "the profile doesn't say where they are recorded (`recorded`)."
        return profile.push_obstacle, [Note(NoteCode.NO_EXCLUSIONS, None, {"why_nl": why_nl, "why_en": why_en})]
    if export.exclusions_wanted:
        why_nl = f"'{export.exclusions_wanted}' staat niet naast het bestand."
        why_en = f"'{export.exclusions_wanted}' is not beside the export."
        obstacle = (
            f"'{export.exclusions_wanted}' is not beside {export.source}: put it there, or name it. It lists "
            "objections and kept payment plans; with a header and no rows it says that there are none"
        )
        return obstacle, [Note(NoteCode.NO_EXCLUSIONS, None, {"why_nl": why_nl, "why_en": why_en})]
    return None, []
