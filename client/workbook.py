"""A workbook (xlsx) of plain tables: text and numbers, the first row bold."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxWriterException

Cell = str | int | None
_WIDEST = 60
_MADE = datetime(1980, 1, 1, tzinfo=UTC)  # the same tables give the same bytes


def workbook(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    """Make a workbook of sheets, each a name and its rows, the first of which is the head.

    Raises:
        ValueError: a sheet's name is empty, too long, or holds what a spreadsheet forbids in it.
    """
    out = io.BytesIO()
    # What stands in a cell is what is shown: no text becomes a formula, a number or a link.
    plain = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    book = Workbook(out, {"in_memory": True, **plain})
    book.set_properties({"created": _MADE})
    bold = book.add_format({"bold": True})
    for name, rows in sheets.items():
        if not name:
            raise ValueError("a sheet has a name")
        try:
            sheet = book.add_worksheet(name)
        except XlsxWriterException as wrong:
            raise ValueError(str(wrong)) from None
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row, bold if at == 0 else None)
        for at, column in enumerate(zip(*rows, strict=False)):
            sheet.set_column(at, at, min(max(len(str(cell)) for cell in column) + 2, _WIDEST))
    book.close()
    return out.getvalue()
