"""What may follow what in a case, and its clocks."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.cases import (
    ENTRY,
    FOUND_AT_ONCE,
    HELP,
    NOT_TAKEN_UP,
    Accepted,
    Assigned,
    Attempt,
    Closed,
    ContactKind,
    Entry,
    IllegalEntry,
    Reopened,
    Result,
    Spoken,
    Stage,
    Struck,
    TakenUp,
    case_of,
    followed,
)

OPENED = date(2026, 10, 1)
DAY = date(2026, 10, 5)


def attempt(*, reached: bool, contact: ContactKind = ContactKind.PHONE) -> Attempt:
    return Attempt(on=DAY, contact=contact, reached=reached)


def accepted(*, threatened: bool = False, on: date = DAY) -> Accepted:
    return Accepted(on=on, threatened=threatened)


ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.just(TakenUp(on=DAY)),
    st.builds(attempt, reached=st.booleans(), contact=st.sampled_from(ContactKind)),
    st.builds(accepted, threatened=st.booleans()),
    st.just(Spoken(on=DAY)),
    st.builds(Closed, on=st.just(DAY), result=st.sampled_from(Result)),
    st.just(Reopened(on=DAY)),
    st.just(Assigned(on=DAY, worker="team-noord")),
    st.builds(Struck, on=st.just(DAY), number=st.integers(1, 6)),
)


@given(st.lists(ENTRIES, max_size=12))
def test_what_is_called_legal_is_what_is_taken(drawn: list[Entry]) -> None:
    entries: list[Entry] = []
    for entry in drawn:
        before = case_of(OPENED, entries)
        legal = entry.kind in before.legal() and (
            not isinstance(entry, Closed) or entry.result in before.legal_results()
        )
        try:
            followed(OPENED, entries, entry, DAY)
            taken = True
        except IllegalEntry:
            taken = False
        assert taken == legal or isinstance(entry, Struck)
        if taken:
            entries.append(entry)


def test_a_case_that_nobody_took_up_ends_only_as_something_found_at_once() -> None:
    assert set(case_of(OPENED, []).legal_results()) == FOUND_AT_ONCE
    assert not set(case_of(OPENED, [TakenUp(on=DAY)]).legal_results()) & NOT_TAKEN_UP


def test_no_contact_needs_an_attempt_and_nobody_reached_and_help_needs_somebody_reached() -> None:
    none = set(case_of(OPENED, [TakenUp(on=DAY)]).legal_results())
    missed = set(case_of(OPENED, [TakenUp(on=DAY), attempt(reached=False)]).legal_results())
    reached = set(case_of(OPENED, [TakenUp(on=DAY), attempt(reached=True)]).legal_results())
    assert Result.NO_CONTACT not in none | reached
    assert Result.NO_CONTACT in missed
    assert not (none | missed) & (HELP | {Result.NO_REACTION, Result.MANAGES_ALONE})
    assert reached >= HELP | {Result.NO_REACTION, Result.MANAGES_ALONE}


@pytest.mark.parametrize(
    ("on", "threatened", "due"),
    [
        (date(2026, 10, 5), False, date(2026, 11, 2)),
        (date(2026, 10, 5), True, date(2026, 10, 8)),
        (date(2026, 10, 2), True, date(2026, 10, 7)),  # a Friday
        (date(2027, 3, 24), True, date(2027, 3, 31)),  # Good Friday and Easter Monday lie between
    ],
)
def test_the_conversation_is_due_in_four_weeks_or_in_three_working_days_when_threatened(
    *, on: date, threatened: bool, due: date
) -> None:
    case = case_of(OPENED, [TakenUp(on=DAY), accepted(threatened=threatened, on=on)])
    assert case.conversation_due == due
    assert case_of(OPENED, [TakenUp(on=DAY), accepted(on=on), Spoken(on=on)]).conversation_due is None


def test_a_reopened_case_keeps_its_attempts_and_waits_for_a_new_acceptance() -> None:
    ended: list[Entry] = [TakenUp(on=DAY), attempt(reached=True), accepted(), Closed(on=DAY, result=Result.ADVICE)]
    case = case_of(OPENED, [*ended, Reopened(on=DAY)])
    assert (case.stage, case.taken_up_on, len(case.attempts)) == (Stage.TAKEN_UP, DAY, 1)
    assert (case.accepted, case.closed, case.conversation_due) == (None, None, None)


def test_a_struck_entry_counts_no_more_unless_something_rests_on_it() -> None:
    entries: list[Entry] = [TakenUp(on=DAY), attempt(reached=True), attempt(reached=False)]
    assert not case_of(OPENED, [*entries, Struck(on=DAY, number=2)]).reached
    with pytest.raises(IllegalEntry):
        case_of(OPENED, [*entries, Struck(on=DAY, number=1)])
    with pytest.raises(IllegalEntry):
        case_of(OPENED, [*entries, Struck(on=DAY, number=4)])


def test_days_lie_between_the_opening_and_today_and_the_conversation_after_the_acceptance() -> None:
    with pytest.raises(IllegalEntry, match="after today"):
        followed(OPENED, [], TakenUp(on=DAY), DAY - timedelta(days=1))
    with pytest.raises(IllegalEntry, match="before the case"):
        followed(OPENED, [], TakenUp(on=OPENED - timedelta(days=1)), DAY)
    with pytest.raises(IllegalEntry, match="before the acceptance"):
        followed(OPENED, [TakenUp(on=DAY), accepted()], Spoken(on=DAY - timedelta(days=1)), DAY)


@given(ENTRIES)
def test_an_entry_is_the_same_after_the_wire(entry: Entry) -> None:
    assert ENTRY.validate_json(ENTRY.dump_json(entry, by_alias=True)) == entry
