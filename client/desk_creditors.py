"""Which creditors of a pilot delivered, and which are silent, as its desk sees it."""

from dataclasses import dataclass
from datetime import date, datetime

from client.service import Service
from signals.days import AMSTERDAM
from signals.pilot import Pilot
from signals.silence import silence


@dataclass(frozen=True, slots=True)
class Month:
    """One month's newest delivery: how many reports it held, and when it was taken up."""

    period: str
    accepted: int
    taken_up: datetime


@dataclass(frozen=True, slots=True)
class CreditorMonths:
    """One creditor and category: its months, newest first, and those that are late; none where it need not deliver."""

    name: str
    category: str
    months: tuple[Month, ...]
    late: tuple[str, ...]
    next_due: date | None


def creditor_months(service: Service, pilot: Pilot, today: date) -> list[CreditorMonths]:
    """Every creditor with an agreement and each category of it, the silent ones first.

    Args:
        service: logged in as the pilot's municipality.
        pilot: as the desk signed it.
        today: a day in Europe/Amsterdam.
    """
    found = []
    for creditor in service.get(f"/pilots/{pilot.id}/creditors")["creditors"]:
        starts = max(date.fromisoformat(creditor["starts"]), pilot.starts)
        runs = starts <= today <= min(date.fromisoformat(creditor["ends"]), pilot.ends)
        for category in creditor["categories"]:
            newest: dict[str, Month] = {}
            first: dict[str, date] = {}
            for delivery in creditor["deliveries"]:
                if delivery["category"] == category:
                    at = datetime.fromisoformat(delivery["completedAt"])
                    period, day = delivery["period"], at.astimezone(AMSTERDAM).date()
                    first[period] = min(day, first.get(period, day))
                    if period not in newest or at > newest[period].taken_up:
                        newest[period] = Month(period, delivery["accepted"], at)
            months = tuple(newest[period] for period in sorted(newest, reverse=True))
            still = silence(first, starts, today) if runs else None
            late, due = (still.late, still.next_due) if still else ((), None)
            found.append(CreditorMonths(creditor["name"], category, months, late, due))
    return sorted(found, key=lambda one: (not one.late, one.name, one.category))
