"""Days and months as this field counts them: days of the Netherlands, months as YYYY-MM."""

import calendar
from datetime import date
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def months_before(period: str, months: int) -> str:
    """The month that lies so many whole months before: 2026-02 and 6 give 2025-08."""
    year, month = divmod(int(period[:4]) * 12 + int(period[5:]) - 1 - months, 12)
    return f"{year:04}-{month + 1:02}"


def last_day(period: str) -> date:
    """The last day of a month written YYYY-MM."""
    year, month = int(period[:4]), int(period[5:])
    return date(year, month, calendar.monthrange(year, month)[1])
