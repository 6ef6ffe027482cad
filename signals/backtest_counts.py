"""What a back-test gives (signals/backtest.py): counts by the old and the new rule set, and what exactly is counted."""

from datetime import date
from typing import Annotated

from pydantic import Field

from signals.report import Category, Hex32, Period, Wire

MOST_MONTHS = 24
Number = Annotated[int, Field(ge=0)]


class Both(Wire):
    """A count by the old rule set and by the new one."""

    old: Number
    new: Number


class NamedRuleSet(Wire):
    """Which rule set, and the hash over its content that a pilot document names."""

    name: str
    hash: Hex32


class BothOfTray(Both):
    """The signals of a month in one tray. A tray that one of the two does not know holds none by it."""

    tray: str


class BothOfCategory(Both):
    """The signals of a month's worklist with a report of this category; one with several counts in each."""

    category: Category


class BothOfWeek(Both):
    """The signals of the worklist whose offer is due in the week that begins on this Monday."""

    week: date


class Move(Wire):
    """How many households' months the new rule set sorts into another tray."""

    old: str
    new: str
    count: Number


class MonthCompared(Wire):
    """One month. The worklist is what is not set aside; `came_in` and `went_out` are households, each in one signal."""

    period: Period
    worklist: Both
    came_in: Number
    went_out: Number
    trays: tuple[BothOfTray, ...]
    moved: tuple[Move, ...]
    categories: tuple[BothOfCategory, ...]


class Median(Wire):
    """A median in days by the two rule sets; null where there is nothing to take it of."""

    old: int | None
    new: int | None


class LeadTime(Wire):
    """How long before its first urgent flag a household is in the worklist, counted within the months of the back-test.

    `flagged`: households with a live report that carries an urgent flag in one of the months. Both days are days of
    receipt: of the first report with a flag, and of the first month in the worklist. `before`: in the worklist on an
    earlier day; `missed`: not before the flag, or never. `median_days`: of those in `before`. `earlier` and `later`:
    households that the new rule set brings into the worklist sooner or later before their flag than the old one.
    """

    flagged: Number
    before: Both
    missed: Both
    median_days: Median
    earlier: Number
    later: Number


class FalseAlarms(Wire):
    """Signals of the worklist after which nothing happened that the service can see.

    `told`: signals of the months whose next month has reports by now. `count`: those of them of a household without an
    urgent flag in that month and the next, of which the next month has no report, or all reports of the month were
    settled by the next one's last day. The word is a cautious one: an alarm that was answered looks the same. Who paid
    because somebody called is counted too, and so is who moved away, objected, or fell outside a creditor's window.
    """

    told: Both
    count: Both


class Backtest(Wire):
    """Two rule sets over the same months of a pilot, in counts."""

    old: NamedRuleSet
    new: NamedRuleSet
    periods: tuple[Period, ...]
    set_aside: tuple[str, ...] = Field(description="Trays of what is set aside, by either")
    months: tuple[MonthCompared, ...]
    weeks: tuple[BothOfWeek, ...]
    lead_time: LeadTime
    false_alarms: FalseAlarms
