"""One export, many pilots: each row goes to the one pilot that takes it, or stays home with the reason."""

import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.checking import CategoryTerms, Pilots, SendingTerms, split
from client.reasons import NoteCode
from signals.report import Category
from tests.budget import examples
from tests.exports import checked, make_profile, write_rows

ENERGY = {Category.ENERGY: CategoryTerms()}


def terms(*postcodes: str, **changes: Any) -> SendingTerms:
    """Terms of a pilot for energy in these postcode digits; in all of them where none is named."""
    return SendingTerms(**{"postcodes": frozenset(postcodes) or None, "categories": ENERGY, **changes})


def row(reference: int, postcode: str, amount: str = "100,00") -> str:
    return f"{reference};Jansen;Dorpsstraat;{reference};{postcode};{amount};1"


def outcome(folder: Path, pilots: Pilots, *rows: str) -> Counter[str]:
    """How many rows go to each pilot, and how many stay home for each reason."""
    found = checked(write_rows(folder, *rows), terms=pilots)
    assert found.rows_read == len(found.to_send) + len(found.refused)
    reasons = {str(reason): count for reason, count in found.reasons.items()}
    return Counter(row.pilot for row in found.to_send if row.pilot) + Counter(reasons)


def test_each_row_goes_to_the_pilot_of_its_postcode_and_the_rest_stays_home(tmp_path: Path) -> None:
    pilots = {"a": terms("1111"), "b": terms("2222", "2223")}
    rows = [row(1, "1111 AB"), row(2, "2222AB"), row(3, "2223 xx"), row(4, "3333 AB"), row(5, "onbekend")]
    assert outcome(tmp_path, pilots, *rows) == Counter(a=1, b=2, outside_pilot=1, unreadable_postcode=1)


def test_a_postcode_of_two_pilots_stays_home_and_both_are_named(tmp_path: Path) -> None:
    pilots = {"a": terms("1111", "1112"), "b": terms("1112")}
    assert outcome(tmp_path, pilots, row(1, "1112 AB"), row(2, "1111 AB")) == Counter(several_pilots=1, a=1)
    (refusal,) = checked(write_rows(tmp_path, row(1, "1112 AB")), terms=pilots).refused
    assert "a, b" in refusal.nl
    assert outcome(tmp_path, {"b": pilots["b"]}, row(1, "1112 AB")) == Counter(b=1)  # as with --pilot b


@pytest.mark.parametrize(
    "other", [{"categories": {Category.RENT: CategoryTerms()}}, {"last_day": date(2026, 9, 30)}], ids=str
)
def test_category_and_dates_decide_between_two_pilots_of_one_postcode(tmp_path: Path, other: dict[str, Any]) -> None:
    assert outcome(tmp_path, {"a": terms("1111", **other), "b": terms("1111")}, row(1, "1111 AB")) == Counter(b=1)


def test_a_threshold_does_not_decide_between_them(tmp_path: Path) -> None:
    """Else a debt that grows would move from one municipality to the other."""
    least = {Category.ENERGY: CategoryTerms(min_amount_cents=50_000)}
    pilots = {"a": terms("1111", categories=least), "b": terms("1111")}
    assert outcome(tmp_path, pilots, row(1, "1111 AB")) == Counter(several_pilots=1)


def test_what_a_pilots_own_terms_keep_home_is_told_of_that_pilot(tmp_path: Path) -> None:
    least = {Category.ENERGY: CategoryTerms(min_amount_cents=20_000)}
    pilots = {
        "a": terms("1111", categories=least),
        "b": terms("2222", categories={Category.RENT: CategoryTerms()}),
        "c": terms("3333", first_day=date(2026, 11, 1)),
    }
    rows = [row(1, "1111 AB"), row(2, "2222 AB"), row(3, "3333 AB"), row(4, "1111 AB", "200,00"), row(5, "9999 AB")]
    assert outcome(tmp_path, pilots, *rows) == Counter(
        below_threshold=1, category_not_in_pilot=1, outside_period=1, a=1, outside_pilot=1
    )
    parts = split(checked(write_rows(tmp_path, *rows), terms=pilots), pilots)
    assert {name: (part.rows_read, len(part.to_send), len(part.refused)) for name, part in parts.items()} == {
        "a": (2, 1, 1),
        "b": (1, 0, 1),
        "c": (1, 0, 1),
    }


def test_a_pilot_without_postcodes_takes_all_alone_and_nothing_beside_others(tmp_path: Path) -> None:
    rows = [row(1, "1111 AB"), row(2, "9999 AB")]
    assert outcome(tmp_path, {"measuring": terms()}, *rows) == Counter(measuring=2)
    both = {"measuring": terms(), "a": terms("1111")}
    assert outcome(tmp_path, both, *rows) == Counter(a=1, outside_pilot=1)
    notes = checked(write_rows(tmp_path, *rows), terms=both).notes
    assert [(note.code, "--pilot measuring" in note.en) for note in notes] == [(NoteCode.PILOT_WITHOUT_AREA, True)]


def test_what_may_belong_to_a_pilot_whose_terms_were_not_to_be_had_is_told_apart(tmp_path: Path) -> None:
    pilots = {"a": terms("1111"), "b": None}
    rows = [row(1, "1111 AB"), row(2, "2222 AB"), row(3, "?")]
    assert outcome(tmp_path, pilots, *rows) == Counter(a=1, pilot_unavailable=1, unreadable_postcode=1)


def test_a_repeat_in_another_pilot_makes_it_doubtful_and_one_outside_all_does_not(tmp_path: Path) -> None:
    pilots = {"a": terms("1111"), "b": terms("2222")}
    assert outcome(tmp_path, pilots, row(1, "1111 AB"), "1;J;;1;2222 AB;100,00;1") == Counter(
        several_pilots=1, repeated=1
    )
    assert outcome(tmp_path, pilots, row(1, "1111 AB"), "1;J;;1;9999 AB;100,00;1") == Counter(a=1, repeated=1)


def test_no_pilot_at_all_sends_nothing(tmp_path: Path) -> None:
    assert outcome(tmp_path, {}, row(1, "1111 AB")) == Counter(outside_pilot=1)


POSTCODES = st.sampled_from(["1111 AB", "2222 AB", "3333 AB", "", "?"])
SOME_TERMS = st.none() | st.builds(
    lambda area, categories, last: SendingTerms(postcodes=area, categories=categories, last_day=last),
    st.none() | st.frozensets(st.sampled_from(["1111", "2222"]), max_size=2),
    st.sampled_from([ENERGY, {Category.RENT: CategoryTerms()}, {Category.ENERGY: CategoryTerms(min_months=2)}]),
    st.sampled_from([None, date(2026, 9, 30)]),
)


@settings(max_examples=examples(100))
@given(
    st.lists(st.builds(row, st.integers(1, 5), POSTCODES, st.sampled_from(["100,00", "-1", "?"])), max_size=8),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), SOME_TERMS, max_size=3),
)
def test_every_row_is_in_one_place_and_none_in_a_pilot_that_does_not_take_it(rows: list[str], pilots: Pilots) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = checked(write_rows(Path(folder), *rows), make_profile(), pilots)
    assert found.rows_read == len(found.to_send) + len(found.refused)
    parts = split(found, pilots)
    assert sum(len(part.to_send) for part in parts.values()) == len(found.to_send)
    for name, part in parts.items():
        assert part.rows_read == len(part.to_send) + len(part.refused)
        for sent in part.to_send:
            its = pilots[name]
            assert its is not None
            assert its.closed(sent.category, sent.reported_on) is None
            assert its.postcodes is None or sent.postcode_digits in its.postcodes
            assert its.postcodes is not None or len(pilots) == 1
