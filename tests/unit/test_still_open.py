"""A row that can't be read or sent must not make its contract look paid: which contracts are told of as open."""

from pathlib import Path
from typing import Any

import pytest

from client.checking import CategoryTerms, SendingTerms, check, split
from client.exclusions import Exclusions
from client.ledger import read_ledger
from client.reasons import STILL_OPEN, NoteCode, Reason
from signals.line_rules import LINE_RULES, NOT_OPEN
from signals.report import Category
from tests.exports import HEADER, checked, make_profile, write_rows

RECORDED = {"refused": {"column": "bezwaar"}, "payment_plan_kept": {"column": "regeling"}, "file": None}
PROFILE = make_profile(
    settled={"column": "stand", "values": ["betaald"], "otherwise": ["open"]},
    recorded=RECORDED,
    social_collection={"reminder": {"column": "herinnering"}},
)
HEADED = f"{HEADER};stand;bezwaar;regeling;herinnering"
PAST = ";open;;;2026-09-01"


def terms(*postcodes: str) -> SendingTerms:
    return SendingTerms(
        postcodes=frozenset(postcodes), categories={Category.ENERGY: CategoryTerms(min_amount_cents=2000)}
    )


def found(tmp_path: Path, *lines: str, **how: Any) -> Any:
    how = {"terms": {"a": terms("1111"), "b": terms("2222")}, **how}
    return checked(write_rows(tmp_path, *lines, header=HEADED), PROFILE, **how)


def told(tmp_path: Path, *lines: str, **how: Any) -> dict[str, tuple[str, ...]]:
    return {contract.reference: contract.pilots for contract in found(tmp_path, *lines, **how).still_open}


def test_of_every_reason_and_of_every_rule_it_is_decided_whether_the_contract_is_open() -> None:
    assert STILL_OPEN.keys() == set(Reason)
    assert LINE_RULES.keys() > NOT_OPEN


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"1111 AB;veel;2{PAST}", Reason.UNREADABLE_AMOUNT),
        (f"1111 AB;80,00;veel{PAST}", Reason.UNREADABLE_MONTHS),
        (f"1111 AB;80,00;2{PAST};te veel", Reason.UNREADABLE_ROW),
        ("1111 AB;80,00;2;open;;;", Reason.COLLECTION_INCOMPLETE),
        ("1111 AB;80,00;2;open;;;2026-11-30", Reason.TOO_EARLY),
        ("1111 AB;80,00;2;open;misschien;;2026-09-01", Reason.UNCLEAR_ANSWER),
        ("1111 AB;80,00;2;misschien;;;2026-09-01", Reason.UNCLEAR_SETTLED),
        (f"geen;80,00;2{PAST}", Reason.UNREADABLE_POSTCODE),
    ],
)
def test_what_could_not_be_read_or_sent_is_open_still(tmp_path: Path, line: str, reason: Reason) -> None:
    checked = found(tmp_path, f"K1-7;A. Visser;Kade;1;{line}")
    assert [refusal.reason for refusal in checked.refused] == [reason]
    assert [contract.reference for contract in checked.still_open] == ["K1-7"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"1111 AB;-80,00;2{PAST}", Reason.IN_CREDIT),
        (f"1111 AB;8,00;2{PAST}", Reason.BELOW_THRESHOLD),
        (f"3333 AB;80,00;2{PAST}", Reason.OUTSIDE_PILOT),
        ("1111 AB;80,00;2;open;ja;;2026-09-01", Reason.REFUSED_BY_RESIDENT),
        ("1111 AB;80,00;2;open;;ja;2026-09-01", Reason.PAYMENT_PLAN_KEPT),
    ],
)
def test_what_needs_no_report_is_not_said_to_be_open(tmp_path: Path, line: str, reason: Reason) -> None:
    checked = found(tmp_path, f"K1-7;A. Visser;Kade;1;{line}")
    assert ([refusal.reason for refusal in checked.refused], checked.still_open) == ([reason], ())


def test_rows_that_contradict_each_other_leave_their_contract_open_once(tmp_path: Path) -> None:
    conflicting = (f"K1;A. Visser;Kade;1;1111 AB;80,00;2{PAST}", f"k 1;A. Visser;Kade;1;2222 AB;90,00;2{PAST}")
    both = (f"K2;A. Visser;Kade;1;1111 AB;80,00;2{PAST}", "K2;;;;1111 AB;;;betaald;;;")
    assert told(tmp_path, *conflicting, *both) == {"k 1": ("a", "b"), "K2": ("a",)}


def test_of_a_contract_that_is_sent_or_paid_or_whose_customer_said_no_nothing_more_is_said(tmp_path: Path) -> None:
    unreadable = tuple(f"{name};A. Visser;Kade;1;1111 AB;veel;2{PAST}" for name in ("K1", "K2", "K3", "K5"))
    others = (
        f"k1;A. Visser;Kade;1;1111 AB;80,00;2{PAST}",
        "K2;;;;1111 AB;;;betaald;;;",
        "K4;A. Visser;Kade;1;1111 AB;veel;2;open;ja;;2026-09-01",
        "K5;A. Visser;Kade;1;1111 AB;80,00;2;open;ja;;2026-09-01",
    )
    assert told(tmp_path, *unreadable, *others, exclusions=Exclusions(frozenset({"k3"}))) == {}


def test_each_pilot_is_told_of_what_lies_there_or_may_lie_there(tmp_path: Path) -> None:
    rows = {"K1": "1111 AB", "K2": "2222 AB", "K3": "", "K4": "3333 AB"}
    lines = [f"{name};A. Visser;Kade;1;{postcode};veel;2{PAST}" for name, postcode in rows.items()]
    parts = split(found(tmp_path, *lines), ("a", "b"))
    assert {pilot: [one.reference for one in part.still_open] for pilot, part in parts.items()} == {
        "a": ["K1", "K3"],
        "b": ["K2", "K3"],
    }


def test_what_several_pilots_take_is_open_in_each_of_them(tmp_path: Path) -> None:
    lines = (f"K1;A. Visser;Kade;1;1111 AB;80,00;2{PAST}", f"K1;A. Visser;Kade 1;1;2222 AB;80,00;2{PAST}")
    assert told(tmp_path, *lines) == {"K1": ("a", "b")}


def test_a_whole_reference_is_never_shown(tmp_path: Path) -> None:
    checked = found(tmp_path, f"GEHEIM-1234567;A. Visser;Kade;1;1111 AB;veel;2{PAST}")
    (refusal,) = checked.refused
    assert (refusal.whole, refusal.reference) == ("GEHEIM-1234567", "…567")
    for shown in (refusal, checked, checked.still_open):
        assert "GEHEIM" not in f"{shown!r} {shown}"


def test_that_rows_without_a_number_may_count_as_paid_is_noted(tmp_path: Path) -> None:
    row = f";A. Visser;Kade;1;1111 AB;80,00;2{PAST}"
    (note,) = [note for note in found(tmp_path, row, row).notes if note.code is NoteCode.NO_NUMBER]
    assert (note.line, note.details) == (2, {"count": 2})
    assert "counts as paid" in note.en
    assert "telt als voldaan" in note.nl
    assert NoteCode.NO_NUMBER not in {note.code for note in found(tmp_path, f"K1{row}").notes}


def test_a_ledgers_row_that_does_not_fit_is_open_still_unless_it_says_no(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ledger.json"
    file.write_text(
        '{"category": "energy", "reported_on": "2026-10-31", "rows": ['
        '{"reference": "K1", "postcode": "1111 AB"}, {"reference": "K2", "objected": true}, {"reference": 3}, 4]}'
    )
    export, profile = read_ledger(file)
    found = check(export, profile, {"a": terms("1111"), "b": terms("2222")})
    assert {contract.reference: contract.pilots for contract in found.still_open} == {"K1": ("a",)}
    assert [note.details for note in found.notes if note.code is NoteCode.NO_NUMBER] == [{"count": 2}]
