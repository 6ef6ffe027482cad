"""Which months a creditor owes a municipality, and when it is late: it should not take a telephone call to find out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from signals.days import last_day, months_before

# A creditor with a habit is late a week after its usual day; a habit is what it did in the last six months, three
# times at least. One without is late when a month has been over for two weeks, as the monthly table takes it.
HABIT_MONTHS = 6
HABIT_AT_LEAST = 3
GRACE_DAYS = 7
WITHOUT_HABIT_DAYS = 14


@dataclass(frozen=True, slots=True)
class Silence:
    """Months (YYYY-MM) after a creditor's last delivery that are late, and the next day on which one becomes so."""

    late: tuple[str, ...]
    next_due: date


def silence(delivered: Mapping[str, date], starts: date, today: date) -> Silence:
    """Whether a creditor is silent on `today`.

    A month that was left out before its last delivery is a gap, and not silence: it comes no more.

    Args:
        delivered: month (YYYY-MM) to the day on which its first whole delivery was taken up, empty ones too. Of one
            creditor, pilot and category.
        starts: the first day of pilot and agreement together; that month is the first one that is owed.
        today: a day in Europe/Amsterdam, on which both run.
    """
    period = months_before(max(delivered), -1) if delivered else f"{starts.year:04}-{starts.month:02}"
    late = []
    while (due := due_on(period, delivered)) < today:
        late.append(period)
        period = months_before(period, -1)
    return Silence(tuple(late), due)


def due_on(period: str, delivered: Mapping[str, date]) -> date:
    """The last day on which a delivery of that month is not late."""
    recent = [month for month in sorted(delivered) if months_before(period, HABIT_MONTHS) <= month < period]
    delays = [(delivered[month] - last_day(month)).days for month in recent]
    usual = round(median(delays)) + GRACE_DAYS if len(delays) >= HABIT_AT_LEAST else WITHOUT_HABIT_DAYS
    return last_day(period) + timedelta(days=usual)
