"""Files to tables: encodings, headers, lines about no customer, and files that can't be used."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client.cells import as_text
from client.decoding import UnreadableFile
from client.profiles import FileLayout
from client.reading import read_table
from client.reasons import NoteCode
from client.tables import Table
from tests.exports import HEADER, write_rows, write_workbook

CSV = FileLayout(format="csv", delimiter=";")
BOOK = FileLayout(format="workbook")
JSON = FileLayout(format="json", records="lijst")
WANTED = [
    ("columns.reference", ("klant",), True),
    ("columns.name", ("naam",), False),
    ("columns.postcode", ("postcode",), False),
    ("amount.column", ("bedrag",), True),
    ("months.column", ("maanden",), True),
]
ROW = "100001;Jansen;Dorpsstraat;1;1234 AB;100,00;1"


def table(path: Path, layout: FileLayout = CSV) -> Table:
    return read_table(path, layout, WANTED)


def write(folder: Path, data: bytes | str, name: str = "lijst.csv") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def column(found: Table, name: str) -> list[str]:
    at = found.position([name])
    assert at is not None
    return [as_text(row.cells[at]) for row in found.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_encoding_is_found_by_rule(tmp_path: Path, encoding: str) -> None:
    text = f"{HEADER}\r\n100001;Hernández;Dorpsstraat;1;1234 AB;100,00;1\r\n"
    assert column(table(write(tmp_path, text.encode(encoding))), "naam") == ["Hernández"]


def test_a_declared_encoding_overrules_the_rule(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n{ROW.replace('Jansen', 'Müller')}\n".encode("cp850"))
    with pytest.raises(UnreadableFile, match=r"lijst\.csv:2: byte 0x81"):
        table(path)
    assert column(table(path, FileLayout(format="csv", encoding="cp850")), "naam") == ["Müller"]


def test_lines_of_two_systems_pasted_together_are_read_each_in_its_own_encoding(tmp_path: Path) -> None:
    lines = [HEADER.encode(), "1;Yılmaz;;;;1;1".encode(), "2;Hernández;;;;1;1".encode("cp1252"), b""]
    found = table(write(tmp_path, b"\n".join(lines)))
    assert column(found, "naam") == ["Yılmaz", "Hernández"]
    assert [(note.code, note.line) for note in found.notes] == [(NoteCode.MIXED_ENCODING, 3)]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_another_delimiter_than_declared_is_found_by_the_header(tmp_path: Path, delimiter: str) -> None:
    text = f"{HEADER}\n{ROW.replace(',', '.')}\n".replace(";", delimiter)
    assert column(table(write(tmp_path, text)), "bedrag") == ["100.00"]


@pytest.mark.parametrize(
    "header",
    [
        "KLANT;NAAM;STRAAT;NR;POSTCODE;BEDRAG;MAANDEN",
        " klant ; Naam:;straat;nr;post code;Bedrag ;Maanden.",
        '"klant";"naam";"straat";"nr";"postcode";"bedrag";"maanden"',
        "klant\u00a0;naam;extra;nr;postcode;bedrag;maanden",
    ],
)
def test_a_header_is_known_by_its_words_in_any_dress(tmp_path: Path, header: str) -> None:
    assert column(table(write_rows(tmp_path, ROW, header=header)), "klant") == ["100001"]


def test_lines_above_the_header_are_the_preamble_and_keep_their_place(tmp_path: Path) -> None:
    found = table(write_rows(tmp_path, "Peildatum;31-10-2026", "", HEADER, "", ROW, header="Lijst van achterstanden"))
    assert [row.line for row in found.rows] == [6]
    assert found.preamble[1].cells == ("Peildatum", "31-10-2026")


@pytest.mark.parametrize(
    "junk",
    [
        "",
        ";;;;;;",
        "-----",
        "Totaal;;;;;100,00;",
        ";;;;Totaal:;100,00;",
        "TOTAAL 1 klant;;;;;100,00",
        "Aantal;1",
        HEADER,
        HEADER.upper(),
        "Lijst van oktober",
        "-- einde bestand --",
        "Gegenereerd op;31-10-2026",
        "EOF",
    ],
)
def test_a_line_about_no_customer_is_no_row(tmp_path: Path, junk: str) -> None:
    found = table(write_rows(tmp_path, HEADER, ROW, junk, ROW.replace("100001", "100002"), header="Lijst van oktober"))
    assert column(found, "klant") == ["100001", "100002"]


@pytest.mark.parametrize(
    "row", ["Som;Jansen;;;1234 AB;1;1", "Totaal;Jansen;;;1234 AB;1;1", ";Totaal;;;1234 AB;1;1", "7"]
)
def test_a_customer_is_not_mistaken_for_a_total(tmp_path: Path, row: str) -> None:
    assert len(table(write_rows(tmp_path, row, ROW)).rows) == 2


def test_a_total_is_kept_apart(tmp_path: Path) -> None:
    found = table(write_rows(tmp_path, ROW, "Totaal;;;;;100,00;"))
    assert [row.line for row in found.totals] == [3]
    assert not found.notes


def test_quoted_delimiters_and_line_breaks_stay_inside_their_cell(tmp_path: Path) -> None:
    rows = ['1;"Jansen; J.";"Dorpsstraat', 'achter";1;1234 AB;1;1', '2;"Jan ""de"" Vries";;;;2;2']
    found = table(write_rows(tmp_path, *rows))
    assert column(found, "naam") == ["Jansen; J.", 'Jan "de" Vries']
    assert [row.line for row in found.rows] == [2, 4]


def test_a_slipped_quote_takes_no_other_row_with_it(tmp_path: Path) -> None:
    rows = ['1;"Jansen;;;1234 AB;1;1', "2;de Vries;;;1234 AB;2;2", '3;Bakker";;;1234 AB;3;3', "4;Smit;;;1234 AB;4;4"]
    found = table(write_rows(tmp_path, *rows))
    assert column(found, "klant") == ["1", "2", "3", "4"]
    assert column(found, "naam") == ["Jansen", "de Vries", "Bakker", "Smit"]


def test_cells_are_tidied(tmp_path: Path) -> None:
    found = table(write_rows(tmp_path, '="00123";\u00a0Jan\u200bsen ;x;1;NULL;#N/A;1'))
    assert found.rows[0].cells == ("00123", "Jansen", "x", "1", "", "", "1")


def test_a_missing_column_is_named_with_those_found(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        table(write_rows(tmp_path, ROW, header=HEADER.replace("bedrag", "saldo")))
    assert str(caught.value).startswith("lijst_2026-10.csv:1: the header lacks the column 'bedrag' (amount.column)")
    assert "'saldo'" in str(caught.value)


def test_a_column_twice_is_an_error_only_where_it_is_read(tmp_path: Path) -> None:
    assert table(write_rows(tmp_path, ROW, header=HEADER.replace("nr", "straat"))).rows
    with pytest.raises(UnreadableFile, match="'postcode' twice"):
        table(write_rows(tmp_path, ROW, header=HEADER.replace("nr", "postcode")))


def test_without_a_header_no_cell_is_given_away(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        table(write(tmp_path, f"{ROW}\n{ROW}\n"))
    assert "no header row found" in str(caught.value)
    assert "Jansen" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"\x1a", b"\xff\xfe"])
def test_an_empty_file_is_called_empty(tmp_path: Path, data: bytes) -> None:
    for layout in (CSV, BOOK, JSON):
        with pytest.raises(UnreadableFile, match="is empty"):
            table(write(tmp_path, data), layout)


def test_a_file_cut_off_in_a_row_is_refused_with_its_line(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW}\n{ROW}"
    assert len(table(write(tmp_path, text)).rows) == 2
    for end in range(1, len(ROW) - 1):
        with pytest.raises(UnreadableFile, match=r"lijst\.csv:3: .*cut off") as caught:
            table(write(tmp_path, text[:-end]))
        assert "Jansen" not in str(caught.value)


def test_a_file_cut_off_in_a_character_is_refused(tmp_path: Path) -> None:
    data = f"{HEADER}\n{ROW.replace('Jansen', 'Yılmaz')}\n100002;Y\u0131".encode()
    with pytest.raises(UnreadableFile, match=r":3: breaks off inside a character"):
        table(write(tmp_path, data[:-1]))


def test_a_total_or_short_row_at_the_end_is_no_cut(tmp_path: Path) -> None:
    short = "100002;Jansen;;;1234 AB"
    assert table(write(tmp_path, f"{HEADER}\n{ROW}\nTotaal;;;;;1")).totals
    assert len(table(write(tmp_path, f"{HEADER}\n{short}\n{short}")).rows) == 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04[Content_Types]xl/", "an Excel workbook"),
        (b"PK\x03\x04a.csv", "a zip"),
        (b"%PDF-1.7", "a PDF"),
        (b"<html><table>", "a web page"),
        (b'{"lijst": []}', "JSON"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Excel workbook"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, data: bytes, kind: str) -> None:
    with pytest.raises(UnreadableFile, match=f"this is {kind}"):
        table(write(tmp_path, data))


def test_nul_bytes_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=":3: holds NUL"):
        table(write(tmp_path, f"{HEADER}\n{ROW}\nx\x00\x00\n".encode()))


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="can't be opened"):
        table(tmp_path / "weg.csv")


def test_a_workbook_gives_exact_numbers_dates_and_row_numbers(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Lijst"],
        [],
        HEADER.split(";"),
        [199765.0, "Jansen", "", 29.0, date(2026, 10, 1), 1014.1, True],
    ]
    found = table(write_workbook(tmp_path / "a.xlsx", ("Toelichting", [["Lees dit"]]), ("Blad1", rows)), BOOK)
    assert found.rows[0].line == 4
    expected = (Decimal("199765.0"), "Jansen", "", Decimal("29.0"), date(2026, 10, 1), Decimal("1014.1"), "true")
    assert found.rows[0].cells == expected


def test_a_named_sheet_is_taken_or_missed(tmp_path: Path) -> None:
    rows: list[list[Any]] = [HEADER.split(";"), ROW.split(";")]
    path = write_workbook(tmp_path / "a.xlsx", ("Oud", [rows[0], *rows[1:] * 2]), ("Nieuw", rows))
    assert len(table(path, FileLayout(format="workbook", sheet="nieuw")).rows) == 1
    with pytest.raises(UnreadableFile, match="no sheet called 'Anders'"):
        table(path, FileLayout(format="workbook", sheet="Anders"))
    with pytest.raises(UnreadableFile, match="the sheets 'Oud', 'Nieuw' all hold the columns"):
        table(path, BOOK)


def test_a_workbook_without_the_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no header row found"):
        table(write_workbook(tmp_path / "a.xlsx", ("Blad1", [["Lees dit"]])), BOOK)
    with pytest.raises(UnreadableFile, match=r"a\.xlsx:2: the header lacks the column 'maanden'"):
        table(write_workbook(tmp_path / "a.xlsx", ("Blad1", [["Lijst"], HEADER.split(";")[:-1]])), BOOK)


def test_json_lists_within_a_record_have_their_places_in_the_path(tmp_path: Path) -> None:
    record = {**RECORD, "naam": None, "namen": [{"naam": "Jansen"}, {"vast": True}]}
    wanted = [*WANTED, ("columns.surname", ("namen.0.naam",), False), ("columns.prefix", ("namen.1.vast",), False)]
    found = read_table(write(tmp_path, json.dumps([record]), "a.json"), JSON, wanted)
    assert (column(found, "namen.0.naam"), column(found, "namen.1.vast")) == (["Jansen"], ["true"])


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    rows: list[list[Any]] = [HEADER.split(";"), *[ROW.split(";")] * 50]
    data = write_workbook(tmp_path / "a.xlsx", ("Blad1", rows)).read_bytes()
    for part in (0.2, 0.5, 0.9):
        with pytest.raises(UnreadableFile):
            table(write(tmp_path, data[: int(len(data) * part)], "b.xlsx"), BOOK)
    with pytest.raises(UnreadableFile, match="expects an Excel workbook, but this is plain text"):
        table(write_rows(tmp_path, ROW), BOOK)


RECORD = {"klant": "1", "naam": "Jansen", "postcode": "1234AB", "bedrag": 152.4, "maanden": 1}


def test_json_numbers_are_exact_and_records_have_position_and_pointer(tmp_path: Path) -> None:
    document = {"peildatum": "2026-10-31", "lijst": [RECORD, {**RECORD, "klant": None}]}
    found = table(write(tmp_path, json.dumps(document), "a.json"), JSON)
    assert column(found, "bedrag") == ["152.4", "152.4"]
    assert [(row.line, row.pointer) for row in found.rows] == [(1, "/lijst/0"), (2, "/lijst/1")]
    assert found.fields["peildatum"] == "2026-10-31"


def test_json_records_that_are_no_objects_are_rows_all_the_same(tmp_path: Path) -> None:
    found = table(write(tmp_path, json.dumps({"lijst": [RECORD, "rommel", 5, None, {}]}), "a.json"), JSON)
    assert [row.line for row in found.rows] == [1, 2, 3]


def test_a_json_field_that_no_record_has_counts_only_where_it_is_needed(tmp_path: Path) -> None:
    without = [{key: value for key, value in RECORD.items() if key != "naam"}]
    found = table(write(tmp_path, json.dumps(without), "a.json"), JSON)
    assert [note.code for note in found.notes] == [NoteCode.FIELD_ABSENT]
    with pytest.raises(UnreadableFile, match="no record has the field 'bedrag'; fields found: 'klant'"):
        table(write(tmp_path, '[{"klant": "1", "naam": "Jansen"}]', "a.json"), JSON)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"lijst": [{"klant": "Jansen"', r"a\.json:1: not JSON from column 30"),
        ('{"lijst": []}\n{"lijst": []}', r"a\.json:2: a second JSON document"),
        ('{"andere": []}', "no list of records at 'lijst'; fields at the top: 'andere'"),
        ('{"lijst": {}}', "is no list"),
        ("[" * 200_000, "nested too deeply"),
        ("klant;naam\n1;Jansen", "not JSON"),
    ],
)
def test_unusable_json_is_refused_without_giving_away_a_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message) as caught:
        table(write(tmp_path, text, "a.json"), JSON)
    assert "Jansen" not in str(caught.value)


def test_text_behind_json_is_mentioned(tmp_path: Path) -> None:
    found = table(write(tmp_path, json.dumps({"lijst": [RECORD]}) + "\n-- einde --", "a.json"), JSON)
    assert [note.code for note in found.notes] == [NoteCode.TEXT_AFTER_END]


def test_a_row_tells_no_cell_in_its_repr(tmp_path: Path) -> None:
    found = table(write_rows(tmp_path, ROW))
    assert "Jansen" not in repr(found) + repr(found.rows)
