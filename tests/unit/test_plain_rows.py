"""The short way that plain cells and rows are read gives what the long way gives."""

from datetime import date
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from client.amounts import read_cents
from client.cells import tidy, tidy_cells
from client.delimited import split_rows
from client.reasons import Reason, Refusal
from client.rows import Row
from client.tables import _Sorter, build_table, find_header
from tests.budget import examples
from tests.exports import HEADER, make_profile, read, write_rows

WANTED = [
    ("columns.reference", ("klant",), True),
    ("amount.column", ("bedrag",), True),
    ("columns.surname", ("naam",), False),
]
CELLS = st.sampled_from(
    (
        *("", " ", "1", "100001", "a-1", "rent 2", "totaal", "Totaal 3", "klant", "Klant", "bedrag", "naam"),
        *("-- einde --", "12,50", "-3", "€ 4", "Jansen", "NULL", "?", "aantal", "2026-10-31", "é", "²"),
    )
) | st.text("1aé-. \t", max_size=4)


@given(st.text("1a ,.;=\"'\x00\x1a\u00a0éN", max_size=12), st.sampled_from(";,"))
@settings(max_examples=examples(150))
def test_cells_are_tidied_alike_one_by_one_and_together(line: str, delimiter: str) -> None:
    cells = line.split(delimiter)
    assert tidy_cells(cells, line) == tuple(map(tidy, cells))


@given(st.sampled_from(["NULL", "NaN", '="00123"', "#N/A", " NULL ", "\x00NULL\x1a", '\x1a="1"']))
def test_what_only_a_machine_meant_goes(word: str) -> None:
    assert tidy(word) == tidy_cells([word], word)[0] in {"", "00123", "1"}


@given(st.from_regex(r"[0-9]{1,9}[.,][0-9]{2}", fullmatch=True), st.sampled_from(("comma", "point")))
def test_a_plain_amount_is_read_as_any_other(text: str, mark: str) -> None:
    assert read_cents(text, "euro", mark) == read_cents(f"€ {text}", "euro", mark)  # type: ignore[arg-type]


LIKELY = st.tuples(
    st.sampled_from(("1", "a-1", "totaal", "Totaal 3", "restant", "klant", "", "-- einde --")),
    st.sampled_from(("12,50", "1", "-3", "bedrag", "")),
    st.sampled_from(("Jansen", "naam", "", "7")),
).map(list)


@given(st.lists(LIKELY | st.lists(CELLS, min_size=1, max_size=4), max_size=8))
@settings(max_examples=examples(150))
def test_rows_are_sorted_alike_at_first_sight_and_by_all_their_cells(lines: list[list[str]]) -> None:
    text = ["klant;bedrag;naam", *(";".join(cells) for cells in lines)]
    rows = list(split_rows(text, ";", 3))
    header = find_header(rows, WANTED)
    assert header is not None
    table = build_table(rows, header, WANTED, ["restant"])
    with patch.object(_Sorter, "_is_plain", lambda _self, _cells: False):
        slowly = build_table(rows, header, WANTED, ["restant"])
    assert (table.rows, table.totals, table.notes) == (slowly.rows, slowly.totals, slowly.notes)


def test_arrears_older_than_a_report_can_say_are_a_row_refused(tmp_path: Path) -> None:
    profile = make_profile(months={"column": None, "due_date": "maanden", "count": "30-day-terms"})
    rows = [f"{number};J;x;1;1234 AB;5;{due}" for number, due in enumerate(("01-01-1976", "01-01-1978"), start=1)]
    old, older = read(write_rows(tmp_path, *reversed(rows), header=HEADER), profile).rows
    assert isinstance(old, Row)
    assert old.arrears_since == date(1978, 1, 1)
    assert isinstance(older, Refusal)
    assert older.reason is Reason.UNREADABLE_DATE
