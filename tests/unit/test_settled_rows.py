"""Rows of an export that say that a contract is paid: no reports but endings, and told row by row."""

from pathlib import Path
from typing import Any

import pytest

from client.checking import CategoryTerms, SendingTerms
from client.decoding import UnreadableFile
from client.endings import read_contracts
from client.reasons import Reason
from signals.report import Category
from tests.exports import HEADER, checked, make_profile, write_rows

PROFILE = make_profile(settled={"column": "stand", "values": ["betaald", "gesloten"], "otherwise": ["open"]})
HEADED = f"{HEADER};stand"
PILOT = SendingTerms(postcodes=frozenset({"1111"}), categories={Category.ENERGY: CategoryTerms()})


def rows(tmp_path: Path, *lines: str, **how: Any) -> Any:
    return checked(write_rows(tmp_path, *lines, header=HEADED), PROFILE, **how)


def test_a_paid_row_is_an_ending_and_no_report_though_it_holds_no_amount(tmp_path: Path) -> None:
    found = rows(tmp_path, "K1;A. Visser;Kade;1;1111 AB;80,00;2;open", "K2;;;;1111 AB;;;Betaald")
    assert [row.reference for row in found.to_send] == ["K1"]
    assert [(row.line, row.reference) for row in found.settled] == [(3, "K2")]
    assert found.rows_read == len(found.to_send) + len(found.settled) + len(found.refused)


def test_without_the_mark_a_profile_reads_no_endings(tmp_path: Path) -> None:
    path = write_rows(tmp_path, "K2;A. Visser;Kade;1;1111 AB;80,00;2;betaald", header=HEADED)
    assert (len(checked(path).to_send), checked(path).settled) == (1, ())


def test_what_is_settled_and_open_at_once_is_neither(tmp_path: Path) -> None:
    found = rows(tmp_path, "K1;A. Visser;Kade;1;1111 AB;80,00;2;open", "k1;;;;1111 AB;;;betaald", "K3;;;;;;;gesloten")
    assert [(one.line, one.reason) for one in found.refused] == [
        (2, Reason.SETTLED_AND_OPEN),
        (3, Reason.SETTLED_AND_OPEN),
    ]
    assert "3" in found.refused[0].nl
    assert [row.reference for row in found.settled] == ["K3"]


def test_a_word_that_the_profile_does_not_know_holds_the_row(tmp_path: Path) -> None:
    found = rows(tmp_path, "K1;A. Visser;Kade;1;1111 AB;80,00;2;misschien")
    assert [one.reason for one in found.refused] == [Reason.UNCLEAR_SETTLED]


def test_a_paid_contract_is_told_once_and_only_to_the_pilot_of_its_postcode(tmp_path: Path) -> None:
    lines = ("K1;;;;1111 AB;;;betaald", "K1;;;;1111 AB;;;betaald", "K2;;;;2222 AB;;;betaald", "K3;;;;;;;betaald")
    found = rows(tmp_path, *lines, terms=PILOT)
    assert [row.reference for row in found.settled] == ["K1", "K3"]  # K3 tells no postcode
    assert [one.reason for one in found.refused] == [Reason.REPEATED, Reason.OUTSIDE_PILOT]


def test_a_list_of_contracts_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes("\ufeff 199765.0 \r\n\r\nHR-12\r\n".encode())
    assert read_contracts(file) == ["199765", "HR-12"]
    file.write_text("HR-12\n8.7E+17\n")
    with pytest.raises(UnreadableFile, match=r"list\.txt:2"):
        read_contracts(file)
