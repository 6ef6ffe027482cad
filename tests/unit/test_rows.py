"""A profile applied to rows: months, marks, contacts, the steps taken, period and reference date."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from client.decoding import UnreadableFile
from client.profiles import Profile
from client.reasons import NoteCode, Reason, Refusal
from client.rows import Row, SettledRow
from signals.days import last_day
from signals.report import Kind, SocialCollection, UrgentFlag
from tests.exports import HEADER, make_profile, read, write_rows

ON = date(2026, 10, 31)
ROW = "100001;Jansen;Dorpsstraat;1;1234 AB;100,00;1"
DUE = {"column": None, "due_date": "maanden"}


def only(folder: Path, row: str, profile: Profile | None = None, header: str = HEADER) -> Row | SettledRow | Refusal:
    [found] = read(write_rows(folder, row, header=header), profile).rows
    return found


def row_of(folder: Path, row: str, profile: Profile | None = None, header: str = HEADER) -> Row:
    found = only(folder, row, profile, header)
    assert isinstance(found, Row), found
    return found


def reason_of(folder: Path, row: str, profile: Profile | None = None, header: str = HEADER) -> Reason:
    found = only(folder, row, profile, header)
    assert isinstance(found, Refusal), found
    return found.reason


def test_with_a_count_only_the_date_is_derived(tmp_path: Path) -> None:
    row = row_of(tmp_path, ROW.replace(";1234 AB;100,00;1", ";1234 AB;100,00;2"))
    assert (row.months, row.arrears_since, row.since_derived) == (2, ON - timedelta(days=60), True)


@pytest.mark.parametrize(("count", "months"), [("30-day-terms", 2), ("calendar-months", 1)])
def test_with_a_due_date_the_months_are_counted(tmp_path: Path, count: str, months: int) -> None:
    profile = make_profile(months={**DUE, "count": count})
    row = row_of(tmp_path, "1;J;x;1;1234 AB;5;01/09/26", profile)
    assert (row.months, row.arrears_since, row.since_derived) == (months, date(2026, 9, 1), False)


def test_a_count_and_a_date_are_both_taken_as_they_stand(tmp_path: Path) -> None:
    profile = make_profile(months={"column": "maanden", "due_date": "sinds"})
    header = f"{HEADER};sinds"
    row = row_of(tmp_path, f"{ROW};02-08-2026", profile, header)
    assert (row.months, row.arrears_since, row.since_derived) == (1, date(2026, 8, 2), False)
    assert row_of(tmp_path, f"{ROW};", profile, header).since_derived
    assert reason_of(tmp_path, f"{ROW};gisteren", profile, header) is Reason.UNREADABLE_DATE


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1;J;x;1;1234 AB;100,00;1;extra", Reason.UNREADABLE_ROW),
        ("1;J;x;1", Reason.UNREADABLE_ROW),
        (";J;x;1;1234 AB;100,00;1", Reason.NO_REFERENCE),
        ("1;J;x;1;1234 AB;?;1", Reason.UNREADABLE_AMOUNT),
        ("1;J;x;1;1234 AB;;1", Reason.UNREADABLE_AMOUNT),
        ("1;J;x;1;1234 AB;5;?", Reason.UNREADABLE_MONTHS),
    ],
)
def test_a_bad_row_is_refused_and_the_next_one_read(tmp_path: Path, row: str, reason: Reason) -> None:
    bad, good = read(write_rows(tmp_path, row, ROW)).rows
    assert isinstance(bad, Refusal)
    assert (bad.line, bad.reason) == (2, reason)
    assert isinstance(good, Row)


@pytest.mark.parametrize(
    ("due", "reason"),
    [("?", Reason.UNREADABLE_DATE), ("01-01-1950", Reason.UNREADABLE_DATE), ("01-11-2026", Reason.NOT_YET_DUE)],
)
def test_a_due_date_that_cant_be_counted_from_is_refused(tmp_path: Path, due: str, reason: Reason) -> None:
    assert reason_of(tmp_path, f"1;J;x;1;1234 AB;5;{due}", make_profile(months=DUE)) is reason


def test_empty_cells_behind_a_row_and_empty_ones_left_out_are_fine(tmp_path: Path) -> None:
    assert row_of(tmp_path, f"{ROW};;;").months == 1
    assert row_of(tmp_path, ROW, make_profile(columns={"email": "mail"}), f"{HEADER};mail").contact.email == ""


def test_a_contact_says_what_the_columns_say(tmp_path: Path) -> None:
    header = "klant;vl;vv;an;vn;geb;str;nr;l;t;pc;pl;tel;mail;bedrag;maanden"
    columns = {
        "name": None,
        "initials": "vl",
        "prefix": "vv",
        "surname": "an",
        "first_name": "vn",
        "birth_date": "geb",
        "street": "str",
        "letter": "l",
        "addition": "t",
        "postcode": "pc",
        "town": "pl",
        "phone": "tel",
        "email": "mail",
    }
    profile = make_profile(columns=columns, unknown_birth_dates=[date(1900, 1, 1)])
    line = "1;J.;van 't;Hof;Jan;19620224;'s-Gravenweg;00031;B;-2;1234ab;Dorp;06-1;j@voorbeeld.nl;5;1"
    contact = row_of(tmp_path, line, profile, header).contact
    assert contact.as_json() == {
        "surname": "Hof",
        "prefix": "van 't",
        "initials": "J.",
        "first_name": "Jan",
        "birth_date": "1962-02-24",
        "street": "'s-Gravenweg",
        "house_number": "00031",
        "letter": "B",
        "addition": "-2",
        "postcode": "1234ab",
        "town": "Dorp",
        "phone": "06-1",
        "email": "j@voorbeeld.nl",
    }
    assert row_of(tmp_path, line.replace("19620224", "01-01-1900"), profile, header).contact.birth_date is None


def test_an_unreadable_birth_date_is_mentioned_once_and_stops_nothing(tmp_path: Path) -> None:
    profile = make_profile(columns={"birth_date": "straat"})
    export = read(write_rows(tmp_path, *[ROW.replace("Dorpsstraat", "31-02-1970")] * 2), profile)
    assert [(note.code, note.line, note.details["count"]) for note in export.notes] == [
        (NoteCode.UNREADABLE_BIRTH_DATE, 2, 2)
    ]


FLAG = {"flag": "eviction_announced", "column": "straat"}


@pytest.mark.parametrize(
    ("mark", "cell", "urgent"),
    [
        ({}, "JA", True), ({}, "x", True), ({}, "nee", False), ({}, "", False), ({}, "wellicht", False),
        ({"values": ["aangezegd"]}, "Aangezegd", True), ({"values": ["aangezegd"]}, "ja", False),
        ({"words": ["ontruiming"]}, "Dreigt  ontruiming!", True), ({"words": ["ontruiming"]}, "belt niet", False),
        ({"words": ["ontruiming"], "unless": ["geen ontruiming"]}, "er is geen ontruiming", False),
    ],
)  # fmt: skip
def test_a_mark_makes_a_row_urgent(tmp_path: Path, mark: dict[str, Any], cell: str, urgent: bool) -> None:  # noqa: FBT001 - pytest fills it in
    row = row_of(tmp_path, ROW.replace("Dorpsstraat", cell), make_profile(urgent=[{**FLAG, **mark}]))
    assert row.urgent == ((UrgentFlag.EVICTION_ANNOUNCED,) if urgent else ())


def test_a_word_that_no_mark_knows_is_mentioned(tmp_path: Path) -> None:
    export = read(write_rows(tmp_path, ROW), make_profile(urgent=[{**FLAG, "values": ["ja"]}]))
    assert [(note.code, note.details) for note in export.notes] == [
        (NoteCode.UNCLEAR_FLAG, {"count": 1, "column": "straat"})
    ]
    assert not read(
        write_rows(tmp_path, ROW), make_profile(urgent=[{**FLAG, "values": ["ja"], "otherwise": ["dorpsstraat"]}])
    ).notes


def test_a_column_can_make_a_report_another_kind(tmp_path: Path) -> None:
    profile = make_profile(kinds=[{"kind": "end_of_supply", "column": "straat"}])
    assert row_of(tmp_path, ROW, profile).kind is Kind.EARLY
    assert row_of(tmp_path, ROW.replace("Dorpsstraat", "ja"), profile).kind is Kind.END_OF_SUPPLY


def test_the_fixed_procedure_dates_the_steps_from_when_the_arrears_began(tmp_path: Path) -> None:
    assert row_of(tmp_path, ROW).social_collection == SocialCollection(
        reminder_sent_on=date(2026, 10, 8),
        contact_sought_on=date(2026, 10, 15),
        pointed_at_help_on=date(2026, 10, 8),
        offer_made_on=date(2026, 10, 8),
        by="procedure",
        procedure="test-2026",
    )


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ({"offer": {"after_days": 31}}, Reason.TOO_EARLY),
        ({"reminder": {"after_days": 31}}, Reason.TOO_EARLY),
        ({"answer_days": 24}, Reason.TOO_EARLY),
    ],
)
def test_a_step_not_yet_due_on_the_reference_date_is_too_early(
    tmp_path: Path, steps: dict[str, Any], outcome: Reason
) -> None:
    assert row_of(tmp_path, ROW, make_profile(social_collection=steps)).social_collection is outcome
    nearly = {"answer_days": 23, "reminder": {"after_days": 30}}
    later = row_of(tmp_path, ROW, make_profile(social_collection=nearly)).social_collection
    assert isinstance(later, SocialCollection)


def test_columns_can_date_the_steps(tmp_path: Path) -> None:
    steps = {step: {"column": "straat"} for step in ("reminder", "contact", "help", "offer")}
    profile = make_profile(social_collection={**steps, "procedure": None})
    found = row_of(tmp_path, ROW.replace("Dorpsstraat", "09-10-2026"), profile).social_collection
    assert isinstance(found, SocialCollection)
    assert (found.by, found.procedure, found.offer_made_on) == ("record", None, date(2026, 10, 9))
    missing = row_of(tmp_path, ROW.replace("Dorpsstraat", ""), profile).social_collection
    assert missing is Reason.COLLECTION_INCOMPLETE


LABEL = {"label": "Peildatum"}


@pytest.mark.parametrize(
    ("preamble", "on"),
    [
        ("Peildatum;30-09-2026;;", date(2026, 9, 30)),
        (";PEILDATUM:;;30-9-2026", date(2026, 9, 30)),
        ("Peildatum 30-09-2026", date(2026, 9, 30)),
        ("Peildatum;onbekend", ON),
        ("Lijst;30-09-2026", ON),
    ],
)
def test_the_reference_date_is_the_files_else_the_last_day_of_the_period(
    tmp_path: Path, preamble: str, on: date
) -> None:
    export = read(write_rows(tmp_path, HEADER, ROW, header=preamble), make_profile(reference_date=LABEL))
    assert (export.reported_on, export.period) == (on, on.isoformat()[:7])
    assert [note.code for note in export.notes] == ([NoteCode.NO_REFERENCE_DATE] if on == ON else [])


def test_a_period_that_was_asked_for_comes_first_and_a_contradiction_is_mentioned(tmp_path: Path) -> None:
    path = write_rows(tmp_path, HEADER, ROW, header="Peildatum;30-09-2026")
    export = read(path, make_profile(reference_date=LABEL), period="2026-10")
    assert (export.reported_on, export.period) == (date(2026, 9, 30), "2026-10")
    assert [note.code for note in export.notes] == [NoteCode.OTHER_PERIOD]
    assert read(write_rows(tmp_path, ROW), period="2024-02").reported_on == last_day("2024-02") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("name", "period"), [("lijst.csv", None), ("lijst_20261.csv", None), ("a_2026-10.csv", "10-2026")]
)
def test_a_period_that_cant_be_known_is_asked_for(tmp_path: Path, name: str, period: str | None) -> None:
    with pytest.raises(UnreadableFile, match="period"):
        read(write_rows(tmp_path, ROW, name=name), period=period)


def test_a_row_tells_no_detail_in_its_repr(tmp_path: Path) -> None:
    row = row_of(tmp_path, ROW)
    assert "Jansen" not in repr(row)
    assert "100001" not in repr(row)
    assert "…001" in repr(row)
