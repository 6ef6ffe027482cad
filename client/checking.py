"""What would be sent of an export, to which pilot, and what not, row by row with the reason. Nothing leaves here.

Rows read = rows to send + settled rows + refused rows, always: blank lines, preambles, repeated headers and totals are
no rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date

from client.collector import collector_paused
from client.exclusions import Exclusions, fold_reference
from client.export import Export
from client.profiles import Profile
from client.reasons import STILL_OPEN, Note, NoteCode, Reason, Refusal, masked
from client.rows import SAID_NO, Row, SettledRow
from client.still_open import OpenContract, still_open
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

    def closed(self, category: Category, reported_on: date) -> Reason | None:
        """Why nothing of this category and reference date may be sent, wherever somebody lives; None if it may."""
        if category not in self.categories:
            return Reason.CATEGORY_NOT_IN_PILOT
        runs = (self.first_day or reported_on) <= reported_on <= (self.last_day or reported_on)
        return None if runs else Reason.OUTSIDE_PERIOD


Pilots = Mapping[str, SendingTerms | None]
"""The pilots that rows may go to, by id; None where a pilot's terms could not be had."""


@dataclass(slots=True, kw_only=True, repr=False)
class SendableRow:
    """One row that would be sent. `contacts`: the fullest first, then those of the rows that repeat it.

    `postcode_digits` is "" where no postcode could be read (only without terms that restrict them). `pilot`: where it
    goes; None where it was checked without any pilot's terms. `reported_by`: whose report it is, where a municipality
    hands it over.
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
    pilot: str | None = None
    reported_by: str = ""

    def __repr__(self) -> str:
        return f"SendableRow(line {self.line}, {self.masked_reference})"

    @property
    def masked_reference(self) -> str:
        """The reference for a screen: its last three characters."""
        return masked(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Checked:
    """The outcome of a check, in the order of the file. `settled`: rows that say that a contract is paid or closed.

    `still_open`: contracts that may be in arrears still, though no row of them is sent and none says that it is paid.
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
    settled: tuple[SettledRow, ...] = ()
    still_open: tuple[OpenContract, ...] = ()
    push_obstacle: str | None = None
    reasons: Mapping[Reason, int] = field(default_factory=dict)  # how many rows were refused for each

    def __repr__(self) -> str:
        return f"Checked({self.source}, {self.rows_read} rows, {len(self.to_send)} to send)"


@collector_paused()
def check(export: Export, profile: Profile, pilots: Pilots | None = None) -> Checked:
    """Decide for each row of an export whether it would be sent, and to which pilot.

    A bad row never stops the good ones. Rows of one reference with the same amount and months are one report, however
    the rest is spelled; with another amount or months none of them is sent. A row goes to the one pilot that names its
    four postcode digits, takes its category and runs on the reference date. Where two do, it stays home: a person says
    which. A pilot that names no postcodes takes rows only where it is the only one, or it would get all the others'.

    Args:
        export: as read with the same profile.
        profile: the mapping profile.
        pilots: the pilots to choose from; None sends everything that is in order.
    """
    areas = None if pilots is None else _Areas(pilots)
    groups: dict[str, list[Row]] = defaultdict(list)
    ended: dict[str, list[SettledRow]] = defaultdict(list)
    outcomes: list[SendableRow | SettledRow | Refusal] = []
    for row in export.rows:
        if isinstance(row, Row):
            groups[fold_reference(row.reference)].append(row)
        elif isinstance(row, SettledRow):
            ended[fold_reference(row.reference)].append(row)
        else:
            outcomes.append(row)
    for reference, settled in ended.items():
        outcomes += _ended(settled, groups.pop(reference, []), areas)
    for rows in groups.values():
        if len(rows) == 1:
            outcomes.append(_judge(rows, export.exclusions, areas))
            continue
        if len({(row.amount_cents, row.months) for row in rows}) > 1:
            outcomes += _conflicting(rows)
            continue
        ranked = sorted(rows, key=_fullness, reverse=True)
        outcomes += [row.refuse(Reason.REPEATED, line=ranked[0].line) for row in ranked[1:]]
        outcomes.append(_judge(ranked, export.exclusions, areas))
    outcomes.sort(key=lambda outcome: outcome.line)
    refused = tuple(outcome for outcome in outcomes if isinstance(outcome, Refusal))
    told = {fold_reference(outcome.reference) for outcome in outcomes if not isinstance(outcome, Refusal)}
    silent = told | _all_said_no(export)
    obstacle, notes = _obstacle(export, profile)
    return Checked(
        source=export.source,
        period=export.period,
        reported_on=export.reported_on,
        category=profile.category,
        rows_read=len(export.rows),
        to_send=tuple(outcome for outcome in outcomes if isinstance(outcome, SendableRow)),
        settled=tuple(outcome for outcome in outcomes if isinstance(outcome, SettledRow)),
        still_open=still_open(refused, silent, areas.told if areas else _nowhere),
        refused=refused,
        notes=(*export.notes, *notes, *_without_area(pilots or {}), *_without_number(refused)),
        push_obstacle=obstacle,
        reasons=_counted(refused),
    )


def split(checked: Checked, pilots: Iterable[str]) -> dict[str, Checked]:
    """For each of these pilots its part of a check: its rows to send, settled or open, those its own terms keep home.

    What doesn't say where it lies is part of each: a pilot that doesn't know the contract learns nothing of it.
    """
    to_send: dict[str | None, list[SendableRow]] = defaultdict(list)
    refused: dict[str | None, list[Refusal]] = defaultdict(list)
    for row in checked.to_send:
        to_send[row.pilot].append(row)
    for refusal in checked.refused:
        refused[refusal.pilot].append(refusal)
    settled = {pilot: tuple(row for row in checked.settled if pilot in row.pilots) for pilot in pilots}
    return {
        pilot: replace(
            checked,
            rows_read=len(to_send[pilot]) + len(settled[pilot]) + len(refused[pilot]),
            to_send=tuple(to_send[pilot]),
            settled=settled[pilot],
            still_open=tuple(contract for contract in checked.still_open if pilot in contract.pilots),
            refused=tuple(refused[pilot]),
            reasons=_counted(refused[pilot]),
        )
        for pilot in settled
    }


def _counted(refused: Iterable[Refusal]) -> dict[Reason, int]:
    return dict(sorted(Counter(refusal.reason for refusal in refused).items()))


def _without_area(pilots: Pilots) -> list[Note]:
    """A note for each pilot that would take any postcode, and so gets nothing beside others."""
    return [
        Note(NoteCode.PILOT_WITHOUT_AREA, None, {"pilot": pilot})
        for pilot, terms in pilots.items()
        if terms is not None and terms.postcodes is None and len(pilots) > 1
    ]


def _nowhere(_refusal: Refusal) -> tuple[str, ...]:
    return ()


def _without_number(refused: Sequence[Refusal]) -> list[Note]:
    """A note where rows hold no number: nobody can be told that their contracts are open."""
    lines = [refusal.line for refusal in refused if STILL_OPEN[refusal.reason] and not refusal.whole]
    return [Note(NoteCode.NO_NUMBER, lines[0], {"count": len(lines)})] if lines else []


def _all_said_no(export: Export) -> set[str]:
    """The references (folded) of which any row says that the customer objected or keeps a plan, or the second file."""
    rows = {
        row.whole if isinstance(row, Refusal) else row.reference
        for row in export.rows
        if (isinstance(row, Row) and row.answer in SAID_NO) or (isinstance(row, Refusal) and row.said_no)
    }
    excluded = export.exclusions
    beside = excluded.refused | excluded.payment_plan_kept if excluded else frozenset[str]()
    return {fold_reference(reference) for reference in rows} | beside


def _ended(
    settled: Sequence[SettledRow], still_open: Sequence[Row], areas: "_Areas | None"
) -> Sequence[SettledRow | Refusal]:
    """One contract's rows that say that it is settled: told to the pilots that it lies in, to all if it doesn't say."""
    first = settled[0]
    if still_open:
        rows: list[SettledRow | Row] = [*settled, *still_open]
        lines = [row.line for row in rows]
        return [
            row.refuse(Reason.SETTLED_AND_OPEN, lines=", ".join(str(line) for line in lines if line != row.line))
            for row in rows
        ]
    again = [row.refuse(Reason.REPEATED, line=first.line) for row in settled[1:]]
    if areas is None:
        return [first, *again]
    digits = first.postcode_digits
    pilots = areas.knowing(digits)
    if not pilots:
        return [first.refuse(Reason.OUTSIDE_PILOT, region=f"{digits[:2]}xx"), *again]
    return [replace(first, pilots=pilots), *again]


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


class _Areas:
    """Which pilots take what lies in which postcode digits; looked up once for each of them."""

    def __init__(self, pilots: Pilots) -> None:
        self.unknown = sorted(pilot for pilot, terms in pilots.items() if terms is None)
        self._pilots = {pilot: terms for pilot, terms in pilots.items() if terms is not None}
        self.known = tuple(self._pilots)
        self._alone = len(pilots) == 1
        self._found: dict[str, dict[str, SendingTerms]] = {}

    def covering(self, digits: str) -> dict[str, SendingTerms]:
        """The pilots that these postcode digits lie in."""
        if digits not in self._found:
            self._found[digits] = {
                pilot: terms
                for pilot, terms in self._pilots.items()
                if (self._alone if terms.postcodes is None else digits in terms.postcodes)
            }
        return self._found[digits]

    def knowing(self, digits: str) -> tuple[str, ...]:
        """The pilots that a contract may be known in: all, where its row doesn't say where it lies."""
        return tuple(self.covering(digits) if digits else self.known)

    def told(self, refusal: Refusal) -> tuple[str, ...]:
        """The pilots that the contract of a row that stays home may be known in."""
        return (refusal.pilot,) if refusal.pilot else self.knowing(refusal.postcode_digits)

    def taking(self, digits: str, row: Row) -> dict[str, SendingTerms]:
        """Those of them that take a row's category, and run on its reference date."""
        inside = self.covering(digits).items()
        return {pilot: terms for pilot, terms in inside if not terms.closed(row.category, row.reported_on)}


def _judge(ranked: Sequence[Row], exclusions: Exclusions | None, areas: _Areas | None) -> SendableRow | Refusal:
    """One report, of one or more rows with the fullest first: what any of them says against sending it, counts."""
    row = ranked[0]
    if row.amount_cents <= 0:
        return row.refuse(Reason.IN_CREDIT)
    said_no = _said_no(ranked, exclusions)
    if said_no:
        return row.refuse(said_no)
    pilot = None if areas is None else _pilot_for(ranked, areas)
    if isinstance(pilot, Refusal):
        return pilot
    steps = row.social_collection
    if isinstance(steps, Reason):
        return replace(row.refuse(steps), pilot=pilot)
    return SendableRow(
        line=row.line,
        reference=row.reference,
        contacts=tuple(row.contact for row in ranked),
        postcode_digits=next((row.postcode_digits for row in ranked if row.postcode_digits), ""),
        amount_cents=row.amount_cents,
        months=row.months,
        arrears_since=row.arrears_since,
        since_derived=row.since_derived,
        reported_on=row.reported_on,
        category=row.category,
        kind=row.kind if len(ranked) == 1 else _gravest(ranked),
        urgent=row.urgent if len(ranked) == 1 else _all_flags(ranked),
        social_collection=steps,
        pilot=pilot,
    )


def _gravest(rows: Sequence[Row]) -> Kind:
    kinds = {row.kind for row in rows}
    return next(kind for kind in (Kind.END_OF_SUPPLY, Kind.HAND_OVER, Kind.EARLY) if kind in kinds)


def _all_flags(rows: Sequence[Row]) -> tuple[UrgentFlag, ...]:
    flags = {flag for row in rows for flag in row.urgent}
    return tuple(flag for flag in UrgentFlag if flag in flags)


def _said_no(rows: Sequence[Row], exclusions: Exclusions | None) -> Reason | None:
    answers = {row.answer for row in rows}
    reference = fold_reference(rows[0].reference) if exclusions else ""
    if "refused" in answers or (exclusions and reference in exclusions.refused):
        return Reason.REFUSED_BY_RESIDENT
    if "kept" in answers or (exclusions and reference in exclusions.payment_plan_kept):
        return Reason.PAYMENT_PLAN_KEPT
    return Reason.UNCLEAR_ANSWER if "unclear" in answers else None


def _pilot_for(ranked: Sequence[Row], areas: _Areas) -> str | Refusal:
    """The one pilot that a report goes to, or why it stays home.

    The fullest row with a readable postcode says where somebody lives. A repeat of it that lies in another pilot makes
    it doubtful: the details of both would be sealed to one municipality.
    """
    row = ranked[0]
    first, *others = dict.fromkeys(row.postcode_digits for row in ranked if row.postcode_digits) or ("",)
    inside, taking = areas.covering(first), areas.taking(first, row)
    if not inside:
        return _outside(row, first, areas.unknown)
    if not taking:
        pilot, terms = next(iter(inside.items()))
        reason = terms.closed(row.category, row.reported_on)
        return replace(row.refuse(reason or Reason.OUTSIDE_PILOT), pilot=pilot)
    doubtful = set(taking).union(*(areas.taking(digits, row) for digits in others))
    if len(doubtful) > 1:
        refusal = row.refuse(Reason.SEVERAL_PILOTS, pilots=", ".join(sorted(doubtful)))
        return replace(refusal, postcode_digits="")  # it may be known in any of them
    pilot, terms = next(iter(taking.items()))
    below = None if row.kind in THRESHOLD_FREE_KINDS else _below(row, terms.categories[row.category])
    if below:
        refusal = row.refuse(Reason.BELOW_THRESHOLD, threshold_nl=below[0], threshold_en=below[1])
        return replace(refusal, pilot=pilot)
    return pilot


def _outside(row: Row, digits: str, unknown: Sequence[str]) -> Refusal:
    """Why a report that lies in no pilot stays home; `unknown`: the pilots whose area is not known."""
    if not digits:
        return row.refuse(Reason.UNREADABLE_POSTCODE)
    if unknown:
        return row.refuse(Reason.PILOT_UNAVAILABLE, pilots=", ".join(unknown))
    return row.refuse(Reason.OUTSIDE_PILOT, region=f"{digits[:2]}xx")


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
