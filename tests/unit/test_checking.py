"""What would be sent and what not: repeats, conflicts, refusals, the pilot's terms, and that every row is counted."""

import contextlib
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.checking import CategoryTerms, SendingTerms
from client.decoding import UnreadableFile
from client.exclusions import Exclusions, read_exclusions
from client.reasons import NOTES, REASONS, NoteCode, Reason, masked
from signals.report import Category, Kind, UrgentFlag
from tests.budget import examples
from tests.exports import EXAMPLES, HEADER, checked, example_profile, make_profile, read, write_rows

ROW = "100001;Jansen;Dorpsstraat;1;1234 AB;100,00;1"
OTHER = "100002;de Vries;Dorpsstraat;2;1234 AC;200,00;2"


def outcome(folder: Path, *rows: str, profile: Any = None, terms: Any = None, exclusions: Any = None) -> Counter[str]:
    """How many rows are sent (as "sent") and refused by reason."""
    found = checked(write_rows(folder, *rows), profile, terms, exclusions or Exclusions())
    counts = {str(reason): count for reason, count in found.reasons.items()}
    return Counter({"sent": len(found.to_send), **counts})


def terms(**changes: Any) -> SendingTerms:
    """Terms of a pilot for energy in 1234 without thresholds."""
    return SendingTerms(
        **{"postcodes": frozenset({"1234"}), "categories": {Category.ENERGY: CategoryTerms()}, **changes}
    )


def test_a_row_in_order_is_sent_as_read(tmp_path: Path) -> None:
    [row] = checked(write_rows(tmp_path, ROW), terms=terms()).to_send
    assert (row.line, row.reference, row.amount_cents, row.months) == (2, "100001", 10000, 1)
    assert (row.category, row.kind, row.postcode_digits) == (Category.ENERGY, Kind.EARLY, "1234")
    assert (row.reported_on, row.arrears_since, row.since_derived) == (date(2026, 10, 31), date(2026, 10, 1), True)
    assert [contact.name for contact in row.contacts] == ["Jansen"]


def test_a_repeat_is_sent_once_in_its_fullest_spelling_with_the_contacts_of_all(tmp_path: Path) -> None:
    rows = ["100001;J;Dorpsstr.;1;;100,00;1", OTHER, ROW, "'100001;Jansen;;1;1234AB;€ 100;1,0"]
    found = checked(write_rows(tmp_path, *rows))
    assert [(row.line, row.reference) for row in found.to_send] == [(3, "100002"), (4, "100001")]
    assert [contact.street for contact in found.to_send[1].contacts] == ["Dorpsstraat", "", "Dorpsstr."]
    assert [(refusal.line, refusal.reason, refusal.reference) for refusal in found.refused] == [
        (2, Reason.REPEATED, "…001"),
        (5, Reason.REPEATED, "…001"),
    ]
    assert found.refused[0].en == "Repeats line 4; that one counts, with the details of both."


@pytest.mark.parametrize(
    "other", [ROW.replace("100,00", "100,01"), ROW.replace(";1234 AB;100,00;1", ";1234 AB;100,00;2")]
)
def test_the_same_reference_with_another_amount_or_duration_is_asked_about(tmp_path: Path, other: str) -> None:
    found = checked(write_rows(tmp_path, ROW, OTHER, other, ROW))
    assert [row.reference for row in found.to_send] == ["100002"]
    assert [(refusal.line, refusal.reason) for refusal in found.refused] == [(n, "conflicting") for n in (2, 4, 5)]
    assert "2, 5" in found.refused[1].nl


def test_what_any_spelling_of_a_repeat_says_counts(tmp_path: Path) -> None:
    profile = make_profile(
        recorded={"file": None, "refused": {"column": "straat"}, "payment_plan_kept": {"column": "nr"}},
        urgent=[{"flag": "shut_off_announced", "column": "naam"}],
        kinds=[{"kind": "hand_over", "column": "postcode", "words": ["over"]}],
    )
    plain, no = "1;nee;nee;nee;1234 AB;5;1", "1;;ja;;;5;1"
    assert outcome(tmp_path, plain, no, profile=profile) == Counter(refused_by_resident=1, repeated=1, sent=0)
    found = checked(write_rows(tmp_path, plain, "1;ja;;;over;5;1"), profile)
    assert found.to_send[0].urgent == (UrgentFlag.SHUT_OFF_ANNOUNCED,)
    assert found.to_send[0].kind is Kind.HAND_OVER


def test_a_reference_is_the_same_in_capitals_and_with_blanks(tmp_path: Path) -> None:
    rows = [ROW.replace("100001", reference) for reference in ("AB 12", "ab12", "Ab  12 ")]
    assert outcome(tmp_path, *rows) == Counter(sent=1, repeated=2)
    assert outcome(tmp_path, rows[0], exclusions=Exclusions(refused=frozenset({"ab12"})))["refused_by_resident"] == 1


def test_any_spelling_of_a_repeat_may_hold_the_readable_postcode(tmp_path: Path) -> None:
    rows = [ROW.replace("1234 AB", "onbekend"), "100001;J;;1;1234 AB;100,00;1"]
    found = checked(write_rows(tmp_path, *rows), terms=terms())
    assert [(row.line, row.postcode_digits) for row in found.to_send] == [(2, "1234")]


def test_refusals_and_kept_plans_of_columns_are_not_sent(tmp_path: Path) -> None:
    profile = make_profile(
        recorded={"file": None, "refused": {"column": "straat"}, "payment_plan_kept": {"column": "nr"}}
    )
    rows = [
        f"{n};J;{refused};{kept};1234 AB;5;1"
        for n, refused, kept in [(1, "ja", ""), (2, "", "ja"), (3, "?", ""), (4, "nee", "-")]
    ]
    expected = Counter(refused_by_resident=1, payment_plan_kept=1, unclear_answer=1, sent=1)
    assert outcome(tmp_path, *rows, profile=profile) == expected


def test_refusals_and_kept_plans_of_a_second_file_are_not_sent(tmp_path: Path) -> None:
    profile = make_profile()
    (tmp_path / "uitsluitingen.csv").write_text('klant;reden\n100001.0;"Bezwaar"\n=" 100002";regeling\n9;regeling')
    found = checked(write_rows(tmp_path, ROW, OTHER, "3;x;x;1;1234 AB;5;1"), profile, exclusions=None)
    assert found.reasons == {Reason.REFUSED_BY_RESIDENT: 1, Reason.PAYMENT_PLAN_KEPT: 1}
    assert found.push_obstacle is None
    (tmp_path / "uitsluitingen.csv").write_text("klant;reden\n")
    assert len(checked(write_rows(tmp_path, ROW), profile, exclusions=None).to_send) == 1


@pytest.mark.parametrize("row", ["100001;misschien", ";bezwaar", "100001"])
def test_a_second_file_is_not_read_halfway(tmp_path: Path, row: str) -> None:
    recorded = make_profile().recorded
    assert recorded is not None
    assert recorded.file is not None
    path = tmp_path / "uitsluitingen.csv"
    path.write_text(f"klant;reden\n1;bezwaar\n{row}\n2;bezwaar\n")
    with pytest.raises(UnreadableFile, match=r"uitsluitingen\.csv:3:"):
        read_exclusions(path, recorded.file)


@pytest.mark.parametrize("amount", ["0,00", "-12,50", "(12,50)"])
def test_a_credit_is_no_arrears(tmp_path: Path, amount: str) -> None:
    assert outcome(tmp_path, ROW.replace("100,00", amount)) == Counter(in_credit=1, sent=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"postcodes": frozenset({"1235"})}, "outside_pilot"),
        ({"categories": {Category.RENT: CategoryTerms()}}, "category_not_in_pilot"),
        ({"first_day": date(2026, 11, 1)}, "outside_period"),
        ({"last_day": date(2026, 10, 30)}, "outside_period"),
        ({"categories": {Category.ENERGY: CategoryTerms(min_amount_cents=10001)}}, "below_threshold"),
        ({"categories": {Category.ENERGY: CategoryTerms(min_months=2)}}, "below_threshold"),
        ({"categories": {Category.ENERGY: CategoryTerms(min_days=31)}}, "below_threshold"),
    ],
)
def test_what_the_terms_exclude_is_not_sent(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    assert outcome(tmp_path, ROW, terms=terms(**change)) == Counter({reason: 1, "sent": 0})


def test_what_just_reaches_the_terms_is_sent(tmp_path: Path) -> None:
    least = CategoryTerms(min_amount_cents=10000, min_months=1, min_days=30)
    day = date(2026, 10, 31)
    just = terms(categories={Category.ENERGY: least}, first_day=day, last_day=day)
    assert outcome(tmp_path, ROW, terms=just)["sent"] == 1


def test_wrong_letters_of_a_postcode_keep_nobody_out_but_no_digits_do(tmp_path: Path) -> None:
    rows = [
        ROW.replace("1234 AB", postcode).replace("100001", str(n)) for n, postcode in enumerate(["1234 4B", "", "?"])
    ]
    assert outcome(tmp_path, *rows, terms=terms()) == Counter(sent=1, unreadable_postcode=2)
    assert outcome(tmp_path, *rows, terms=terms(postcodes=None)) == Counter(sent=3)
    assert outcome(tmp_path, *rows) == Counter(sent=3)


def test_a_threshold_is_told_in_both_tongues(tmp_path: Path) -> None:
    least = {Category.ENERGY: CategoryTerms(min_amount_cents=15050)}
    [refusal] = checked(write_rows(tmp_path, ROW), terms=terms(categories=least)).refused
    assert "€ 150,50" in refusal.nl
    assert "€ 150.50" in refusal.en


def test_a_procedure_that_has_not_come_to_the_offer_is_too_early(tmp_path: Path) -> None:
    profile = make_profile(social_collection={"offer": {"after_days": 31}})
    assert outcome(tmp_path, ROW, OTHER, profile=profile) == Counter(too_early=1, sent=1)


@pytest.mark.parametrize(
    ("total", "difference"),
    [("300,00", None), ("300,03", "€ 0,03"), ("1.299,00", "€ 999,00"), ("€ 9.999,00", "€ 9.699,00")],
)
def test_a_total_that_differs_is_mentioned_and_holds_nothing(
    tmp_path: Path, total: str, difference: str | None
) -> None:
    found = checked(write_rows(tmp_path, ROW, OTHER, f"Totaal;;;;;{total};"))
    assert (found.rows_read, len(found.to_send)) == (2, 2)
    assert [(note.code, difference in note.nl) for note in found.notes if difference] == (
        [(NoteCode.TOTAL_DIFFERS, True)] if difference else []
    )


def test_a_missing_total_a_wrong_count_and_an_empty_list_are_mentioned(tmp_path: Path) -> None:
    always = make_profile(file={"total_row": True})
    assert [note.code for note in checked(write_rows(tmp_path, ROW), always).notes] == [NoteCode.NO_TOTAL]
    assert [note.code for note in checked(write_rows(tmp_path)).notes] == [NoteCode.NO_ROWS]
    counted = make_profile(file={"format": "json", "delimiter": None, "records": "lijst", "count": "aantal"})
    record = dict(zip(HEADER.split(";"), ROW.split(";"), strict=True))
    (tmp_path / "a_2026-10.json").write_text(str({"aantal": 2, "lijst": [record]}).replace("'", '"'))
    assert [note.code for note in checked(tmp_path / "a_2026-10.json", counted).notes] == [NoteCode.COUNT_DIFFERS]


def test_every_reason_and_note_has_its_sentence_in_both_tongues() -> None:
    assert set(REASONS) == set(Reason)
    assert set(NOTES) == set(NoteCode)
    for dutch, english in (*REASONS.values(), *NOTES.values()):
        assert dutch != english
        assert dutch.endswith((".", "?", "}"))
        assert english.endswith((".", "?", "}"))


def test_the_outcome_gives_nobody_away(tmp_path: Path) -> None:
    bad = [
        ROW.replace("100,00", "Jansen"),
        ROW.replace("1234 AB", "Jansen"),
        f"{ROW};Jansen",
        ROW,
        ROW.replace("1", "9"),
    ]
    found = checked(write_rows(tmp_path, *bad), terms=terms())
    said = repr(found) + repr(found.to_send) + repr(found.notes)
    said += "".join(f"{refusal!r}{refusal.nl}{refusal.en}" for refusal in found.refused)
    assert len(found.refused) > 2
    for secret in ("Jansen", "Dorpsstraat", "1234", "100001", "900009"):
        assert secret not in said


@pytest.mark.parametrize(("reference", "shown"), [("100001", "…001"), ("123", "…"), ("", "")])
def test_a_reference_is_masked_to_its_last_three_characters(reference: str, shown: str) -> None:
    assert masked(reference) == shown


CELLS = {
    "klant": st.sampled_from(["1", "2", "3", "1.0", "'2", " 3", "", "Totaal", "?", "x y"]),
    "naam": st.sampled_from(["Jansen", "J", "", '"', 'Jan "de', "Totaal"]),
    "straat": st.sampled_from(["Dorpsstraat", "", "ja", "?"]),
    "nr": st.sampled_from(["1", "", "ja"]),
    "postcode": st.sampled_from(["1234 AB", "9999 ZZ", "", "?"]),
    "bedrag": st.sampled_from(["100,00", "100.00", "99", "-1", "", "?", "100,00;extra"]),
    "maanden": st.sampled_from(["1", "2", "0", "", "?"]),
}


@settings(max_examples=examples(150))
@given(
    st.lists(st.tuples(*CELLS.values()).map(";".join), max_size=12),
    st.sampled_from([None, terms(), terms(categories={Category.ENERGY: CategoryTerms(min_amount_cents=10000)})]),
)
def test_rows_read_are_rows_to_send_and_rows_refused(rows: list[str], pilot: SendingTerms | None) -> None:
    profile = make_profile(
        recorded={"file": None, "refused": {"column": "straat"}, "payment_plan_kept": {"column": "nr"}}
    )
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(Path(folder), *rows)
        found, export = checked(path, profile, pilot), read(path, profile)
    lines = [row.line for row in found.to_send] + [refusal.line for refusal in found.refused]
    assert found.rows_read == len(found.to_send) + len(found.refused) == len(export.rows)
    assert sorted(lines) == [row.line for row in export.rows]
    assert sum(found.reasons.values()) == len(found.refused)
    assert len({row.reference for row in found.to_send}) == len(found.to_send)
    # whatever is neither sent nor refused is about no customer: nothing in it says where anybody lives
    skipped = [row.replace("?", "").split(";") for line, row in enumerate(rows, start=2) if line not in lines]
    assert not any(any(map(str.isalpha, cell)) for cells in skipped for cell in cells[2:5])


@settings(max_examples=examples(60))
@given(
    st.sampled_from(["woonstichting_2026-08.csv", "zekerzorg_2026-08.txt", "polisplus_2026-08.json"])
    | st.sampled_from(["particulier_2026-08.csv", "gasunie-lokaal_2026-08.tsv", "noorderstroom_2026-08.xlsx"]),
    st.integers(min_value=0, max_value=10_000),
    st.binary(max_size=3),
)
def test_a_damaged_export_is_read_or_refused_and_never_breaks(name: str, place: int, junk: bytes) -> None:
    data = (EXAMPLES / "waterbeek" / name).read_bytes()
    at = len(data) * place // 10_000
    with tempfile.TemporaryDirectory() as folder:
        for damaged in (data[:at], data[:at] + junk + data[at + 1 :]):
            path = Path(folder) / name
            path.write_bytes(damaged)
            with contextlib.suppress(UnreadableFile):
                found = checked(path, example_profile(name.split("_", maxsplit=1)[0]))
                assert found.rows_read == len(found.to_send) + len(found.refused)
