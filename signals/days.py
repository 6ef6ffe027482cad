"""Days and months as this field counts them: days of the Netherlands, months as YYYY-MM."""

from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def months_before(period: str, months: int) -> str:
    """The month that lies so many whole months before: 2026-02 and 6 give 2025-08."""
    year, month = divmod(int(period[:4]) * 12 + int(period[5:]) - 1 - months, 12)
    return f"{year:04}-{month + 1:02}"
