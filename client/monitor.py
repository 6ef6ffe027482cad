"""The monthly table at the desk: fetched from the service, and written as CSV for whoever collects such tables."""

import csv
import io

from client.service import Service
from signals.monthly_table import MonthlyTable


def monthly_tables(service: Service, pilot: str, period: str | None = None) -> list[MonthlyTable]:
    """All tables of a pilot, newest first, or that of one month."""
    query = {"period": period} if period else {}
    found = service.get(f"/pilots/{pilot}/monthly-tables", **query)["monthlyTables"]
    return [MonthlyTable.model_validate(table) for table in found]


def figure(count: int | None, least: int) -> str:
    """How a figure is shown: the number, or `<10` where it is not shown."""
    return f"<{least}" if count is None else str(count)


def as_csv(pilot: str, table: MonthlyTable) -> str:
    """The table as CSV, a line per figure. What is left out as a whole has no line."""
    lines: list[tuple[str, str, str, int | None]] = [
        *(("reports", row.category.value, "", row.count) for row in table.reports),
        *(("signals", row.tray, row.repetition or "", row.count) for row in table.signals or ()),
        *(("refused", row.rule, "", row.count) for row in table.refused),
    ]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["pilot", "period", "table", "row", "repetition", "count", "thresholds"])
    for name, row, repetition, count in lines:
        writer.writerow([pilot, table.period, name, row, repetition, figure(count, table.least), table.thresholds])
    return written.getvalue()
