"""The evaluation as a council reads it: adds up, explains each table, and sets no text over another."""

import csv
import io
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from cli.demo_cases import made_up_pilot
from client.evaluation_report import (
    About,
    Sheet,
    as_csv,
    as_page,
    as_paper,
    as_workbook,
    report_of,
    sheets_of,
    write_report,
)
from client.evaluation_words import CAUTION, NOTES, ROWS, TITLES, TOGETHER
from client.pictures import LABEL, WIDTH, Bar, Picture
from client.workbook import workbook
from privacy.small_numbers import LEAST, told
from signals import evaluation_shown
from signals.evaluation import ALL, Counted, TableName, count
from signals.evaluation_shown import Effort, Evaluation, publish
from signals.report import Category

UNTIL = date(2026, 10, 31)
ABOUT = About("waterbeek", "Waterbeek", date(2025, 10, 1), UNTIL, date(2026, 11, 25), "default@1")
CATEGORIES = (Category.RENT, Category.ENERGY, Category.WATER, Category.HEALTH_INSURANCE)
SVG = "{http://www.w3.org/2000/svg}"


def counted(households: int) -> Counted:
    return count(made_up_pilot(36, households, "2025-10", 12, UNTIL), CATEGORIES, UNTIL)


def evaluated(households: int) -> Evaluation:
    return publish(counted(households), Effort(9200, 68))


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    return evaluated(1200)


@pytest.fixture(scope="module")
def tiny() -> Evaluation:
    return evaluated(25)


def test_every_row_that_can_be_shown_has_a_name_and_every_table_a_title_and_a_note() -> None:
    assert set(TITLES) == set(NOTES) == set(ROWS) == set(TableName)
    for table in counted(5).tables:
        if table.name is not TableName.FOLLOW_UP:
            assert set(table.rows) <= set(ROWS[table.name]), table.name
    put_together = {
        "|".join(group)
        for name, forms in evaluation_shown._TOGETHER.items()
        if name is not TableName.FOLLOW_UP
        for groups in forms
        for group in groups
        if len(group) > 1
    }
    assert put_together == set(TOGETHER)


@pytest.mark.parametrize("size", ["whole", "tiny"])
def test_the_report_shows_every_table_with_its_note_or_says_why_not(size: str, request: pytest.FixtureRequest) -> None:
    evaluation: Evaluation = request.getfixturevalue(size)
    page = as_page(report_of(evaluation, ABOUT))
    for table in evaluation.tables:
        assert TITLES[table.name] in page
        assert (NOTES[table.name] in page) == bool(table.rows)
    assert (CAUTION in page) == bool(evaluation.table(TableName.FOLLOW_UP).rows)
    assert "None" not in page
    assert "Evaluatie van de pilot vroegsignalering in Waterbeek" in page


def test_what_stands_under_a_table_is_the_sum_of_what_stands_in_it(whole: Evaluation) -> None:
    for table, sheet in zip((each for each in whole.tables if each.rows), sheets_of(whole), strict=False):
        *rows, last = sheet.rows
        assert last[0] == "Samen"
        columns = 2 if table.name is TableName.FOLLOW_UP else len(table.columns)
        for at in range(1, columns + 1):
            bands = [told(None if row[at] == f"<{LEAST}" else int(row[at])) for row in rows]
            ends = [sum(band.at_least for band in bands), sum(band.at_most for band in bands)]
            assert [int(end.replace(".", "")) for end in str(last[at]).split("–")] == ends, table.name
        if table.columns == (ALL,) and table.name is not TableName.FOLLOW_UP:
            assert sum(int(row[2]) for row in rows if row[2] != "–") == pytest.approx(100, abs=4)


def test_no_count_below_ten_stands_in_any_table(tiny: Evaluation, whole: Evaluation) -> None:
    for sheet in [*sheets_of(tiny), *sheets_of(whole)]:
        for row in sheet.rows:
            for head, cell in zip(sheet.head, row, strict=True):
                assert not isinstance(cell, int) or "%" in head or cell >= LEAST, sheet.name


def test_the_paper_says_the_same_as_the_page(whole: Evaluation) -> None:
    report = report_of(whole, ABOUT)
    read = pypdf.PdfReader(io.BytesIO(as_paper(report)))
    text = " ".join(" ".join(page.extract_text() for page in read.pages).split())
    assert "/StructTreeRoot" in read.root_object
    for section in report["sections"]:
        assert section["heading"] in text
        for block in section["blocks"]:
            for row in block.get("rows", ()):
                assert all(str(cell) in text for cell in row[1:])


def test_each_table_reads_back_from_workbook_and_csv(whole: Evaluation) -> None:
    sheets = sheets_of(whole)
    book = CalamineWorkbook.from_filelike(io.BytesIO(as_workbook(sheets)))
    assert book.sheet_names == [sheet.title[:31] for sheet in sheets]
    for sheet in sheets:
        found = book.get_sheet_by_name(sheet.title[:31]).to_python()
        wanted = [list(row) for row in (sheet.head, *sheet.rows)]
        assert [row[: len(sheet.head)] for row in found[: len(wanted)]] == wanted
        assert found[-1][0] == sheet.note
        rows = list(csv.reader(io.StringIO(as_csv(sheet))))
        assert rows == [[str(cell) for cell in row] for row in wanted]


def test_all_files_are_written_and_can_be_written_again(tmp_path: Path, tiny: Evaluation) -> None:
    files = write_report(tmp_path / "out", tiny, ABOUT)
    assert write_report(tmp_path / "out", tiny, ABOUT) == files
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)
    endings = [file.suffix for file in files]
    assert (endings[:3], set(endings[3:])) == ([".pdf", ".html", ".xlsx"], {".csv"})


def test_a_workbook_keeps_text_as_text_and_refuses_what_spreadsheets_do() -> None:
    rows: list[tuple[str | int | None, ...]] = [("a", "b"), ('=1+1 <&">', 5), ("", None)]
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook({"Blad & meer": rows})))
    assert book.get_sheet_by_name("Blad & meer").to_python() == [["a", "b"], ['=1+1 <&">', 5]]
    for name in ("", "x" * 32, "a/b", "a[b"):
        with pytest.raises(ValueError, match="name"):
            workbook({name: []})


def pictures(evaluation: Evaluation) -> list[str]:
    blocks = [block for section in report_of(evaluation, ABOUT)["sections"] for block in section["blocks"]]
    return [block["svg"] for block in blocks if "svg" in block]


LONG = Picture(
    "long", "T", "D.", (Bar("een heel lang opschrift dat over meer dan een regel loopt", (1.0,), "100 % bereikt"),) * 3
)


def test_no_text_in_a_picture_lies_over_another_or_outside(whole: Evaluation, tiny: Evaluation) -> None:
    drawn = [*pictures(whole), *pictures(tiny), LONG.svg()]
    assert len(drawn) > 5
    for svg in drawn:
        root = ET.fromstring(svg)
        height = float(root.get("height", ""))
        boxes = []
        for text in root.iter(f"{SVG}text"):
            x, y, width = float(text.get("x", "")), float(text.get("y", "")), 7.2 * len(text.text or "")
            left = x - width if text.get("text-anchor") == "end" else x
            assert left >= 0, text.text
            assert left + width <= WIDTH, text.text
            assert 10 <= y <= height, text.text
            boxes.append((left, left + width, y - 10, y + 3))
        for at, one in enumerate(boxes):
            for other in boxes[at + 1 :]:
                apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
                assert apart, svg
        for bar in root.iter(f"{SVG}rect"):
            assert float(bar.get("x", 0)) >= (LABEL if bar.get("y") else 0)


def test_a_picture_can_be_read_without_seeing_it_or_its_colours(whole: Evaluation) -> None:
    for svg in pictures(whole):
        root = ET.fromstring(svg)
        title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title is not None
        assert description is not None
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        shown = [text.text or "" for text in root.iter(f"{SVG}text")]
        figures = [text for text in shown if re.match(r"[<\d]", text)]
        assert all(figure in (description.text or "") for figure in figures)
        fills = {bar.get("fill") for bar in root.iter(f"{SVG}rect") if bar.get("y")}
        assert len([fill for fill in fills if fill and not fill.startswith("url")]) <= 1  # the others have a pattern
    ids = re.findall(r' id="([^"]+)"', as_page(report_of(whole, ABOUT)))
    assert len(ids) == len(set(ids))


def test_a_sheet_says_what_it_counts(whole: Evaluation) -> None:
    for sheet in sheets_of(whole):
        assert isinstance(sheet, Sheet)
        assert sheet.note.startswith(("Geteld:", "Land:"))
