"""Feedback: what a creditor may know of its own report, beside what municipality and CBS see of the same result.

A creditor learns what it needs (pause, moved, deceased, a report that should not have come) and whether there was
contact. What it may not know looks like something ordinary at every moment: a known client, a resident who refused and
a report that nobody took up yet are alike to the byte, and so are all results after contact that it has no business
with. Nothing of "taken up" shows before somebody was reached. (docs/decisions/0036)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from signals.cases import Case, Result
from signals.pilot import Words
from signals.report import Wire
from signals.wording import Language, day

BATCH_WEEKDAY = 0  # Monday: a day or two of work can't be read from when a batch comes
PAUSE_DAYS = 30  # Divosa Monitor 2023, 3.5: collection stops for 30 days once help is accepted
NO_CONTACT_AFTER_DAYS = 28  # the covenant's moment of feedback, about four weeks after the report


class FeedbackStatus(StrEnum):
    """What a creditor is told of one report."""

    RECEIVED = "received"
    NOT_REACHED = "not_reached"
    REACHED = "reached"
    HELP_ACCEPTED = "help_accepted"
    NO_HELP = "no_help"
    NOT_TAKEN_UP = "not_taken_up"
    REPEATED = "repeated"
    WRONGFUL = "wrongful"
    DECEASED = "deceased"
    NOT_RESIDENT = "not_resident"


# Facts about one person: of a case with reports about several persons nobody knows whose they are.
ABOUT_ONE_PERSON = frozenset({FeedbackStatus.DECEASED, FeedbackStatus.NOT_RESIDENT})

STATUS_WORDS: Mapping[FeedbackStatus, Words] = MappingProxyType(
    {
        FeedbackStatus.RECEIVED: Words(
            nl="ontvangen; er is nog niets terug te koppelen", en="received; there is nothing to tell yet"
        ),
        FeedbackStatus.NOT_REACHED: Words(
            nl="er is geen contact met de inwoner geweest", en="there has been no contact with the resident"
        ),
        FeedbackStatus.REACHED: Words(nl="er is contact met de inwoner", en="there is contact with the resident"),
        FeedbackStatus.HELP_ACCEPTED: Words(nl="de inwoner neemt hulp aan", en="the resident accepts help"),
        FeedbackStatus.NO_HELP: Words(
            nl="er is contact geweest; er loopt geen hulp vanuit vroegsignalering",
            en="there has been contact; no help is given from early signalling",
        ),
        FeedbackStatus.NOT_TAKEN_UP: Words(nl="niet opgepakt", en="not taken up"),
        FeedbackStatus.REPEATED: Words(
            nl="niet opgepakt: herhaalde melding, de achterstand is niet gegroeid",
            en="not taken up: repeated report, the arrears have not grown",
        ),
        FeedbackStatus.WRONGFUL: Words(
            nl="niet opgepakt: onterecht signaal, het valt buiten de grenzen voor bedrag of dagen",
            en="not taken up: wrongful report, it lies outside the limits of amount or days",
        ),
        FeedbackStatus.DECEASED: Words(nl="de inwoner is overleden", en="the resident has died"),
        FeedbackStatus.NOT_RESIDENT: Words(
            nl="de persoon is geen inwoner (meer) van de gemeente",
            en="the person is no resident of the municipality (any more)",
        ),
    }
)


class Audience(StrEnum):
    """Who reads a result."""

    CREDITOR = "creditor"
    MUNICIPALITY = "municipality"
    CBS = "cbs"


@dataclass(frozen=True, slots=True)
class Seen:
    """What each audience sees of one result.

    `creditor`: None means nothing beyond whether there was contact. `municipality`: its own words. `cbs`: the word of
    DDAS vroegsignalering v1.2 (EnumEindresultaat), for statistics.
    """

    creditor: FeedbackStatus | None
    municipality: Words
    cbs: str


def _row(creditor: FeedbackStatus | None, cbs: str, en: str, nl: str = "") -> Seen:
    return Seen(creditor, Words(nl=nl or cbs, en=en), cbs)


# The one table. Source of what goes back to creditors: DDAS vroegsignalering v1.2, definitions of EnumEindresultaat.
SEEN: Mapping[Result, Seen] = MappingProxyType(
    {
        Result.ADVICE: _row(
            FeedbackStatus.HELP_ACCEPTED, "(Budget)advies en/of quick fix", "(budget) advice and/or a quick fix"
        ),
        Result.NO_CONTACT: _row(None, "Definitief geen contact kunnen krijgen", "no contact in the end"),
        Result.NO_REACTION: _row(None, "Geen reactie na eerder contact", "no reaction after earlier contact"),
        Result.KNOWN_CLIENT: _row(None, "Inwoner al bekend bij schuldhulpverlening", "known to debt help already"),
        Result.OTHER_HELPER: _row(
            None, "Inwoner heeft al een ander lopend traject", "has other help already, which takes this over"
        ),
        Result.ALREADY_PAID: _row(
            None,
            "Inwoner heeft zelf al betaald/betalingsregeling getroffen",
            "has paid already, or agreed a payment plan",
        ),
        Result.DECEASED: _row(FeedbackStatus.DECEASED, "Inwoner is overleden", "the resident has died"),
        Result.MANAGES_ALONE: _row(
            None,
            "Inwoner regelt het zelf/hoeft geen hulp vanuit vroegsignalering",
            "manages alone, or wants no help from early signalling",
        ),
        Result.NOT_TAKEN_UP: _row(
            FeedbackStatus.NOT_TAKEN_UP, "Niet opgepakt: andere reden", "not taken up: another reason"
        ),
        Result.REPEATED: _row(
            FeedbackStatus.REPEATED, "Niet opgepakt: herhaalde melding", "not taken up: repeated report"
        ),
        Result.WRONGFUL: _row(
            FeedbackStatus.WRONGFUL, "Niet opgepakt: onterecht signaal", "not taken up: wrongful report"
        ),
        Result.NOT_RESIDENT: _row(
            FeedbackStatus.NOT_RESIDENT,
            "Persoon is geen inwoner (meer) in de gemeente",
            "no resident of the municipality (any more)",
        ),
        Result.FOLLOW_UP: _row(
            FeedbackStatus.HELP_ACCEPTED, "Vervolghulp en/of verwijzing", "further help and/or referral"
        ),
        Result.FOLLOW_UP_FINANCIAL: _row(
            FeedbackStatus.HELP_ACCEPTED,
            "Vervolghulp en/of verwijzing financieel",
            "further help and/or referral, financial",
        ),
        Result.FOLLOW_UP_OTHER: _row(
            FeedbackStatus.HELP_ACCEPTED,
            "Vervolghulp en/of verwijzing niet financieel",
            "further help and/or referral, not financial",
        ),
        Result.REFERRED_WITHOUT_RESIDENT: _row(
            None, "Verwijzing zonder tussenkomst inwoner", "referred without the resident"
        ),
    }
)


class Feedback(Wire):
    """What a creditor is told of one of its reports, as of one batch."""

    status: FeedbackStatus
    since: Annotated[date, Field(description="The first batch day after it happened; says no more than the week")]
    pause_until: Annotated[
        date | None, Field(description="Collection pauses through this day; null: no pause was agreed")
    ] = None

    def in_words(self, language: Language) -> str:
        """For a creditor's list: `de inwoner neemt hulp aan; incasso gepauzeerd tot en met 4 december 2026`."""
        said = STATUS_WORDS[self.status]
        text = said.nl if language == "nl" else said.en
        if self.pause_until is None:
            return text
        until = day(self.pause_until, language)
        pause = f"incasso gepauzeerd tot en met {until}" if language == "nl" else f"collection pauses through {until}"
        return f"{text}; {pause}"


def next_batch(after: date) -> date:
    """The first batch day after a day."""
    return after + timedelta(days=(BATCH_WEEKDAY - after.weekday() - 1) % 7 + 1)


def newest_batch(today: date) -> date:
    """The batch day that is today, or the last one before."""
    return today - timedelta(days=(today.weekday() - BATCH_WEEKDAY) % 7)


def is_batch_day(on: date) -> bool:
    """Whether feedback goes out on that day."""
    return on.weekday() == BATCH_WEEKDAY


def feedback(received_on: date, case: Case | None, batch: date, *, one_person: bool) -> Feedback:
    """What a creditor is told of one report in the batch of a day.

    Only what happened from `received_on` on counts: a report that joins an open case would otherwise tell its creditor
    that somebody else reported before.

    Args:
        received_on: when the delivery with the report was taken up; a report that was shut out has such a day too.
        case: the case that the report belongs to, as its entries that were written before `batch` leave it; None where
            there is none (nobody opened one, or the report was shut out). What happened on `batch` or later doesn't
            count.
        batch: a batch day after `received_on`.
        one_person: whether all reports of the case are about one person. Else death and moving away are not told: the
            case doesn't say whose they are.

    Raises:
        ValueError: `batch` is no batch day, or not after `received_on`.
    """
    if not is_batch_day(batch) or batch <= received_on:
        raise ValueError("feedback goes out on a batch day after the report was received")
    between = _Between(received_on, batch)
    return (case and _of_case(case, between, one_person=one_person)) or _without_contact(received_on, batch)


@dataclass(frozen=True, slots=True)
class _Between:
    """From the day of receipt (included) to the batch (not included)."""

    received_on: date
    batch: date

    def __contains__(self, on: date) -> bool:
        return self.received_on <= on < self.batch


def _of_case(case: Case, between: _Between, *, one_person: bool) -> Feedback | None:
    closed = case.closed if case.closed and case.closed.on in between else None
    told = SEEN[closed.result].creditor if closed else None
    if told in ABOUT_ONE_PERSON and not one_person:
        told = None
    if closed and told and told is not FeedbackStatus.HELP_ACCEPTED:
        return Feedback(status=told, since=next_batch(closed.on))
    # What came of help once accepted is the resident's business: the pause that was told stands.
    if case.accepted and case.accepted.on in between:
        return _helped(case.accepted.on)
    if closed and told:
        return _helped(closed.on)
    reached = [attempt.on for attempt in case.attempts if attempt.reached and attempt.on in between]
    if not reached:
        return None
    if closed:
        return Feedback(status=FeedbackStatus.NO_HELP, since=next_batch(closed.on))
    return Feedback(status=FeedbackStatus.REACHED, since=next_batch(min(reached)))


def _without_contact(received_on: date, batch: date) -> Feedback:
    """The same for all of whom nothing is told, on days that follow from the receipt alone."""
    since = next_batch(received_on + timedelta(days=NO_CONTACT_AFTER_DAYS - 1))
    if since <= batch:
        return Feedback(status=FeedbackStatus.NOT_REACHED, since=since)
    return Feedback(status=FeedbackStatus.RECEIVED, since=next_batch(received_on))


def _helped(on: date) -> Feedback:
    return Feedback(
        status=FeedbackStatus.HELP_ACCEPTED, since=next_batch(on), pause_until=on + timedelta(days=PAUSE_DAYS)
    )
