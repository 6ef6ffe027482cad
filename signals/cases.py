"""A case: the municipality's work on signals, in the words of DDAS vroegsignalering v1.2.

A case is what its entries say, one after the other; nothing is written over. What an entry may be follows from those
before it, so two people who write at once can't both be right: the second reads the first one's entry and decides anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from signals.errors import SignalsError
from signals.report import Slug, Wire
from signals.workdays import add_working_days

CONVERSATION_DAYS = 28  # Wgs art. 4, first paragraph: four weeks from acceptance
THREATENED_WORKING_DAYS = 3  # Wgs art. 4, second paragraph: a threatening situation


class ContactKind(StrEnum):
    """How contact was sought (EnumContactsoort)."""

    ADMINISTRATIVE = "administrative"
    APPOINTMENT = "appointment"
    LETTER = "letter"
    HOME_VISIT = "home_visit"
    CARD = "card"
    EMAIL = "email"
    UNKNOWN = "unknown"
    OTHER = "other"
    MESSAGE = "message"  # SMS or WhatsApp
    PHONE = "phone"


class DayPart(StrEnum):
    """Part of the day (EnumDagdeel): before noon, noon to six, from six."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class Result(StrEnum):
    """How a case ended (EnumEindresultaat)."""

    ADVICE = "advice"  # advice or a quick fix: solved within 30 days of acceptance
    NO_CONTACT = "no_contact"
    NO_REACTION = "no_reaction"  # after an earlier contact
    KNOWN_CLIENT = "known_client"
    OTHER_HELPER = "other_helper"  # help from elsewhere that takes this over; an administrator is none
    ALREADY_PAID = "already_paid"  # or a payment plan agreed
    DECEASED = "deceased"
    MANAGES_ALONE = "manages_alone"
    NOT_TAKEN_UP = "not_taken_up"  # another reason, which a creditor never learns
    REPEATED = "repeated"
    WRONGFUL = "wrongful"
    NOT_RESIDENT = "not_resident"
    FOLLOW_UP = "follow_up"
    FOLLOW_UP_FINANCIAL = "follow_up_financial"
    FOLLOW_UP_OTHER = "follow_up_other"
    REFERRED_WITHOUT_RESIDENT = "referred_without_resident"


NOT_TAKEN_UP = frozenset({Result.NOT_TAKEN_UP, Result.REPEATED, Result.WRONGFUL})
# What may be found without taking a case up; each is a status of its signals as well (EnumSignaalstatus).
FOUND_AT_ONCE = NOT_TAKEN_UP | {Result.KNOWN_CLIENT, Result.DECEASED, Result.NOT_RESIDENT}
HELP = frozenset({Result.ADVICE, Result.FOLLOW_UP, Result.FOLLOW_UP_FINANCIAL, Result.FOLLOW_UP_OTHER})
_NEED_CONTACT = HELP | {Result.NO_REACTION, Result.MANAGES_ALONE}


class Stage(StrEnum):
    """How far a case is."""

    NEW = "new"
    TAKEN_UP = "taken_up"
    ACCEPTED = "accepted"
    SPOKEN = "spoken"
    CLOSED = "closed"


class _Entry(Wire):
    on: Annotated[date, Field(description="When it happened, Europe/Amsterdam; not when it was written down")]


class TakenUp(_Entry):
    """Somebody begins to work on it."""

    kind: Literal["taken_up"] = "taken_up"


class Attempt(_Entry):
    """Contact was sought."""

    kind: Literal["attempt"] = "attempt"
    contact: ContactKind
    reached: bool
    day_part: DayPart | None = None


class Accepted(_Entry):
    """The resident accepts the offer of help; from here the law's clock runs."""

    kind: Literal["accepted"] = "accepted"
    threatened: Annotated[bool, Field(description="A threatening situation: Wgs art. 4, second paragraph")]


class Spoken(_Entry):
    """The first conversation was held."""

    kind: Literal["spoken"] = "spoken"


class Closed(_Entry):
    """The work has ended."""

    kind: Literal["closed"] = "closed"
    result: Result


class Reopened(_Entry):
    """The work goes on."""

    kind: Literal["reopened"] = "reopened"


class Assigned(_Entry):
    """Who works on it: a team's or a worker's short name, and the partner organisation where it is one's."""

    kind: Literal["assigned"] = "assigned"
    worker: Slug
    partner: Slug | None = None


class Struck(_Entry):
    """An entry that was a mistake doesn't count any more; it stays to be read."""

    kind: Literal["struck"] = "struck"
    number: Annotated[int, Field(ge=1, description="Of the entry, from 1")]


Entry = Annotated[
    TakenUp | Attempt | Accepted | Spoken | Closed | Reopened | Assigned | Struck, Field(discriminator="kind")
]
ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)

# Each kind of entry, and the stage that it leads to (None: the stage stays) from the stages where it is legal.
_LEADS_TO: dict[Stage, dict[str, Stage | None]] = {
    Stage.NEW: {"taken_up": Stage.TAKEN_UP, "closed": Stage.CLOSED, "assigned": None},
    Stage.TAKEN_UP: {"attempt": None, "accepted": Stage.ACCEPTED, "closed": Stage.CLOSED, "assigned": None},
    Stage.ACCEPTED: {"attempt": None, "spoken": Stage.SPOKEN, "closed": Stage.CLOSED, "assigned": None},
    Stage.SPOKEN: {"attempt": None, "closed": Stage.CLOSED, "assigned": None},
    Stage.CLOSED: {"reopened": Stage.TAKEN_UP},
}


class IllegalEntry(SignalsError):
    """The case can't be continued like that.

    The message names what would be legal.
    """

    code = "illegal-entry"


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its entries leave it. `attempts` and all else leave out what was struck; days are Europe/Amsterdam."""

    opened_on: date
    stage: Stage = Stage.NEW
    taken_up_on: date | None = None
    attempts: tuple[Attempt, ...] = ()
    accepted: Accepted | None = None
    spoken_on: date | None = None
    closed: Closed | None = None
    assigned: Assigned | None = None

    @property
    def reached(self) -> bool:
        """Whether an attempt reached the resident; who accepted was reached."""
        return self.accepted is not None or any(attempt.reached for attempt in self.attempts)

    @property
    def conversation_due(self) -> date | None:
        """The last day for the first conversation, while that is still to be held (Wgs art. 4)."""
        if self.stage is not Stage.ACCEPTED or self.accepted is None:
            return None
        if self.accepted.threatened:
            return add_working_days(self.accepted.on, THREATENED_WORKING_DAYS)
        return self.accepted.on + timedelta(days=CONVERSATION_DAYS)

    def legal(self) -> tuple[str, ...]:
        """The kinds of entry that may come next."""
        return (*_LEADS_TO[self.stage], "struck")

    def legal_results(self) -> tuple[Result, ...]:
        """The results that it may be closed with now."""
        if "closed" not in _LEADS_TO[self.stage]:
            return ()
        if self.stage is Stage.NEW:
            return tuple(result for result in Result if result in FOUND_AT_ONCE)
        unfit = set(NOT_TAKEN_UP)
        unfit |= {Result.NO_CONTACT} if self.reached or not self.attempts else set()
        unfit |= set() if self.reached else _NEED_CONTACT
        return tuple(result for result in Result if result not in unfit)


def case_of(opened_on: date, entries: Sequence[Entry]) -> Case:
    """What a case is after its entries, in their order.

    Raises:
        IllegalEntry: one of them can't follow those before it.
    """
    struck = {entry.number for entry in entries if isinstance(entry, Struck)}
    case = Case(opened_on)
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, Struck):
            if entry.number >= number or isinstance(entries[entry.number - 1], Struck):
                raise IllegalEntry("only an earlier entry that is none of these can be struck")
        elif number not in struck:
            case = _followed(case, entry)
    return case


def followed(opened_on: date, entries: Sequence[Entry], entry: Entry, today: date) -> Case:
    """What a case becomes by one more entry, written down `today`.

    Raises:
        IllegalEntry: it can't follow, or happened after today; the message names what would be legal.
    """
    if entry.on > today:
        raise IllegalEntry("it can't have happened after today")
    return case_of(opened_on, [*entries, entry])


def _followed(case: Case, entry: Entry) -> Case:
    if entry.kind not in _LEADS_TO[case.stage]:
        raise IllegalEntry(f"a case that is {case.stage} can be continued by: {', '.join(case.legal())}")
    if entry.on < case.opened_on:
        raise IllegalEntry(f"it can't have happened before the case was opened ({case.opened_on})")
    if isinstance(entry, Spoken) and case.accepted and entry.on < case.accepted.on:
        raise IllegalEntry(f"the conversation can't come before the acceptance ({case.accepted.on})")
    if isinstance(entry, Closed) and entry.result not in case.legal_results():
        raise IllegalEntry(f"it can be closed with: {', '.join(case.legal_results())}")
    return _with(case, entry, _LEADS_TO[case.stage][entry.kind] or case.stage)


def _with(case: Case, entry: Entry, stage: Stage) -> Case:
    case = replace(case, stage=stage)
    match entry:
        case TakenUp():
            case = replace(case, taken_up_on=entry.on)
        case Attempt():
            case = replace(case, attempts=(*case.attempts, entry))
        case Accepted():
            case = replace(case, accepted=entry)
        case Spoken():
            case = replace(case, spoken_on=entry.on)
        case Closed():
            case = replace(case, closed=entry)
        case Reopened():  # what was accepted and spoken of before is history: the clock starts with a new acceptance
            taken_up = case.taken_up_on or entry.on
            case = replace(case, taken_up_on=taken_up, accepted=None, spoken_on=None, closed=None)
        case Assigned():
            case = replace(case, assigned=entry)
    return case
