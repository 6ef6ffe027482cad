"""What a creditor may know of its own report: every result for every audience and stage, and what must look alike."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.cases import (
    FOUND_AT_ONCE,
    HELP,
    Accepted,
    Assigned,
    Attempt,
    Case,
    Closed,
    ContactKind,
    DayPart,
    Entry,
    Reopened,
    Result,
    Spoken,
    Stage,
    TakenUp,
    case_of,
)
from signals.feedback import (
    ABOUT_ONE_PERSON,
    NO_CONTACT_AFTER_DAYS,
    SEEN,
    STATUS_WORDS,
    Audience,
    Feedback,
    FeedbackStatus,
    feedback,
    is_batch_day,
    next_batch,
)
from tests.budget import examples

MONDAY = date(2026, 10, 5)
RECEIVED = date(2026, 10, 1)  # a Thursday
WEEKS = [MONDAY + timedelta(weeks=week) for week in range(12)]
LAST = WEEKS[-1]
# By DDAS v1.2's definitions and decision 36. Everything else tells a creditor at most whether there was contact.
TOLD = {
    **dict.fromkeys(HELP, FeedbackStatus.HELP_ACCEPTED),
    Result.NOT_TAKEN_UP: FeedbackStatus.NOT_TAKEN_UP,
    Result.REPEATED: FeedbackStatus.REPEATED,
    Result.WRONGFUL: FeedbackStatus.WRONGFUL,
    Result.DECEASED: FeedbackStatus.DECEASED,
    Result.NOT_RESIDENT: FeedbackStatus.NOT_RESIDENT,
}


def day(number: int) -> date:
    return RECEIVED + timedelta(days=number)


def missed() -> Attempt:
    return Attempt(on=day(2), contact=ContactKind.LETTER, reached=False)


def met(on: date | None = None) -> Attempt:
    return Attempt(on=on or day(6), contact=ContactKind.PHONE, reached=True)


TAKEN_UP = TakenUp(on=day(1))
ACCEPTED = Accepted(on=day(7), threatened=False)
# Every stage that a case can be in before it ends, with and without contact.
BEFORE: dict[str, list[Entry]] = {
    "new": [],
    "taken up": [TAKEN_UP],
    "not reached": [TAKEN_UP, missed()],
    "reached": [TAKEN_UP, missed(), met()],
    "accepted": [TAKEN_UP, met(), ACCEPTED],
    "spoken": [TAKEN_UP, met(), ACCEPTED, Spoken(on=day(8))],
}
OPEN = {"reached": FeedbackStatus.REACHED, "accepted": FeedbackStatus.HELP_ACCEPTED}
OPEN["spoken"] = FeedbackStatus.HELP_ACCEPTED


def told(entries: list[Entry] | None, batch: date = LAST, *, one_person: bool = True) -> Feedback:
    case = None if entries is None else case_of(RECEIVED, entries)
    return feedback(RECEIVED, case, batch, one_person=one_person)


def expected(stage: str, result: Result) -> FeedbackStatus:
    """Written down apart from the code: told results first, then a pause that stands, then contact."""
    if result in TOLD and result not in HELP:
        return TOLD[result]
    if result in HELP or stage in ("accepted", "spoken"):
        return FeedbackStatus.HELP_ACCEPTED
    return FeedbackStatus.NO_HELP if stage == "reached" else FeedbackStatus.NOT_REACHED


@pytest.mark.parametrize("stage", BEFORE)
def test_every_result_that_a_stage_may_end_with_tells_its_creditor_what_it_may_know_and_no_more(stage: str) -> None:
    legal = case_of(RECEIVED, BEFORE[stage]).legal_results()
    assert legal
    for result in legal:
        assert told([*BEFORE[stage], Closed(on=day(9), result=result)]).status is expected(stage, result), result


@pytest.mark.parametrize("stage", BEFORE)
def test_an_open_case_tells_of_contact_and_of_help_alone(stage: str) -> None:
    assert told(BEFORE[stage]).status is OPEN.get(stage, FeedbackStatus.NOT_REACHED)


@pytest.mark.parametrize(("result", "audience"), list(product(Result, Audience)))
def test_the_table_has_every_result_for_every_audience(result: Result, audience: Audience) -> None:
    seen = SEEN[result]
    if audience is Audience.CREDITOR:
        assert seen.creditor == TOLD.get(result)
    elif audience is Audience.MUNICIPALITY:
        assert seen.municipality.nl
        assert seen.municipality.en
    else:
        assert [other for other in Result if SEEN[other].cbs == seen.cbs] == [result]  # one word each


def test_every_status_has_words_and_no_two_the_same() -> None:
    assert set(STATUS_WORDS) == set(FeedbackStatus)
    for language in ("nl", "en"):
        assert len({getattr(words, language) for words in STATUS_WORDS.values()}) == len(FeedbackStatus)
    assert STATUS_WORDS[FeedbackStatus.NOT_TAKEN_UP].nl == "niet opgepakt"  # and no reason


def test_help_accepted_pauses_collection_through_the_thirtieth_day_after_and_in_words() -> None:
    helped = told([TAKEN_UP, met(), ACCEPTED])
    assert helped == Feedback(
        status=FeedbackStatus.HELP_ACCEPTED, since=date(2026, 10, 12), pause_until=date(2026, 11, 7)
    )
    assert helped.in_words("nl") == "de inwoner neemt hulp aan; incasso gepauzeerd tot en met 7 november 2026"
    assert helped.in_words("en") == "the resident accepts help; collection pauses through 7 November 2026"
    assert told([]).in_words("nl") == "er is geen contact met de inwoner geweest"


def test_help_without_a_recorded_acceptance_pauses_from_the_day_of_closing() -> None:
    ended = told([TAKEN_UP, met(), Closed(on=day(9), result=Result.ADVICE)])
    assert (ended.status, ended.pause_until) == (FeedbackStatus.HELP_ACCEPTED, day(39))


@pytest.mark.parametrize("result", sorted(set(Result) - set(TOLD) - {Result.NO_CONTACT}))
def test_a_pause_that_was_told_stands_whatever_becomes_of_the_help(result: Result) -> None:
    ended: list[Entry] = [TAKEN_UP, met(), ACCEPTED, Closed(on=day(9), result=result)]
    assert told(ended) == told([TAKEN_UP, met(), ACCEPTED])


def test_a_reopened_case_tells_of_contact_until_help_is_accepted_again() -> None:
    again: list[Entry] = [TAKEN_UP, met(), Closed(on=day(8), result=Result.MANAGES_ALONE), Reopened(on=day(20))]
    assert told(again).status is FeedbackStatus.REACHED
    assert told([*again, Accepted(on=day(21), threatened=False)]).pause_until == day(51)


@pytest.mark.parametrize("batch", WEEKS)
def test_a_refused_resident_a_known_client_and_a_report_that_waits_are_the_same_to_the_byte_in_every_batch(
    batch: date,
) -> None:
    untold = [result for result in FOUND_AT_ONCE if result not in TOLD]
    assert untold == [Result.KNOWN_CLIENT]
    alike: list[list[Entry] | None] = [
        None,  # shut out, or no case opened
        *(BEFORE[stage] for stage in ("new", "taken up", "not reached")),
        [TAKEN_UP, missed(), Closed(on=day(5), result=Result.NO_CONTACT)],
        [Closed(on=day(1), result=Result.KNOWN_CLIENT)],
        [TAKEN_UP, missed(), Closed(on=day(30), result=Result.KNOWN_CLIENT)],
    ]
    assert len({told(entries, batch).model_dump_json() for entries in alike}) == 1


def test_that_there_was_no_contact_is_told_after_four_weeks_and_not_when_the_work_ends() -> None:
    ended: list[Entry] = [TAKEN_UP, missed(), Closed(on=day(3), result=Result.NO_CONTACT)]
    said = [told(ended, batch) for batch in WEEKS]
    first = next(one for one in said if one.status is FeedbackStatus.NOT_REACHED)
    assert {one.status for one in said if one != first} == {FeedbackStatus.RECEIVED}
    assert first.since == next(batch for batch in WEEKS if batch >= day(NO_CONTACT_AFTER_DAYS))


def test_what_happens_within_a_week_comes_in_one_batch_and_not_before_it() -> None:
    on = [met(WEEKS[1] + timedelta(days=days)) for days in range(7)]
    said = [[told([TAKEN_UP, attempt], batch).model_dump_json() for batch in WEEKS] for attempt in on]
    assert all(each == said[0] for each in said)
    assert told([TAKEN_UP, on[0]], WEEKS[1]).status is FeedbackStatus.RECEIVED
    assert told([TAKEN_UP, on[6]], WEEKS[2]) == Feedback(status=FeedbackStatus.REACHED, since=WEEKS[2])


def test_a_report_that_joins_an_open_case_does_not_tell_that_somebody_else_reported_before() -> None:
    case = case_of(day(-60), [TakenUp(on=day(-59)), met(day(-50)), Accepted(on=day(-49), threatened=False)])
    for batch in WEEKS:
        assert feedback(RECEIVED, case, batch, one_person=True) == told(None, batch)


def test_death_and_moving_are_not_told_where_a_case_is_about_several_persons() -> None:
    for status in ABOUT_ONE_PERSON:
        result = Result(status.value)
        assert told([Closed(on=day(1), result=result)]).status is status
        assert told([Closed(on=day(1), result=result)], one_person=False) == told(None)
        assert told([*BEFORE["reached"], Closed(on=day(9), result=result)], one_person=False).status == "no_help"


def test_feedback_goes_out_on_batch_days_after_the_receipt_only() -> None:
    for batch in (RECEIVED, MONDAY + timedelta(days=1), MONDAY - timedelta(weeks=1)):
        with pytest.raises(ValueError, match="batch day"):
            told([], batch)
    assert [next_batch(MONDAY + timedelta(days=days)) for days in (-1, 0, 1)] == [MONDAY, WEEKS[1], WEEKS[1]]
    assert [is_batch_day(MONDAY + timedelta(days=days)) for days in range(7)] == [True, *[False] * 6]


days = st.integers(0, 30).map(day)
maybe = st.one_of(days, days, st.none())
private = st.builds(
    lambda contact, part, worker, partner: (contact, part, Assigned(on=day(0), worker=worker, partner=partner)),
    st.sampled_from(ContactKind),
    st.sampled_from([None, *DayPart]),
    st.sampled_from(["team-a", "team-b"]),
    st.sampled_from([None, "stichting-x"]),
)


def a_case(data: st.DataObject, contact_on: date | None, accepted_on: date | None, ended_on: date | None) -> Case:
    """A case with these days, and everything else that a creditor may not know drawn at random."""
    kind, part, assigned = data.draw(private)
    entries: list[Entry] = [assigned] if data.draw(st.booleans()) else []
    found = ended_on is not None and contact_on is None and data.draw(st.booleans())
    if not found:
        entries.append(TakenUp(on=data.draw(days)))
        tries = data.draw(st.integers(0 if contact_on else 1, 4))
        entries += [Attempt(on=data.draw(days), contact=kind, reached=False, day_part=part) for _ in range(tries)]
    if contact_on:
        entries.append(Attempt(on=contact_on, contact=kind, reached=True, day_part=part))
    if accepted_on:
        entries.append(Accepted(on=accepted_on, threatened=data.draw(st.booleans())))
        entries += [Spoken(on=accepted_on)] if data.draw(st.booleans()) else []
    if ended_on:
        legal = case_of(RECEIVED, entries).legal_results()
        untold = [result for result in legal if result not in (HELP if not accepted_on else ()) and _untold(result)]
        entries.append(Closed(on=ended_on, result=data.draw(st.sampled_from(untold))))
    return case_of(RECEIVED, entries)


def _untold(result: Result) -> bool:
    return result not in TOLD or result in HELP


@settings(max_examples=examples(80))
@given(st.data(), maybe, st.none() | days, maybe, st.sampled_from(WEEKS[:6]), st.booleans())
def test_cases_that_differ_only_in_what_a_creditor_may_not_know_give_the_same_bytes(
    data: st.DataObject,
    contact_on: date | None,
    accepted_on: date | None,
    ended_on: date | None,
    batch: date,
    one_person: bool,  # noqa: FBT001
) -> None:
    accepted_on = max(accepted_on, contact_on) if accepted_on and contact_on else None
    ended_on = max(ended_on, accepted_on) if ended_on and accepted_on else ended_on
    one, other = (a_case(data, contact_on, accepted_on, ended_on) for _ in range(2))
    said = [feedback(RECEIVED, case, batch, one_person=one_person).model_dump_json() for case in (one, other)]
    assert said[0] == said[1]
    if contact_on is None:
        assert said[0] == told(None, batch).model_dump_json()


def test_the_stages_here_are_all_there_are() -> None:
    reached = {case_of(RECEIVED, entries).stage for entries in BEFORE.values()}
    assert reached | {Stage.CLOSED} == set(Stage)
