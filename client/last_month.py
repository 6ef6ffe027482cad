"""Does an export look like the one before it? Statistics of each push, kept for the next one to be held against.

A file of half the rows, a column that moved or amounts times a hundred reads without an error, and reports the wrong
people or the wrong sums. The file as a whole is held against the whole one before, and each pilot's part of it against
that pilot's. Only counts and shares are kept; no customer's data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from statistics import median
from typing import Annotated, Any

import yaml
from pydantic import Field

from client.checking import Checked
from client.home import Home
from client.reasons import Reason
from privacy.identity import Contact
from signals.documents import Document, parse_sources
from signals.report import Period

FEWEST_ROWS = 20  # below this a month's own chance is larger than any mistake
FEWER, MORE = 0.6, 2.5  # times as many rows
AMOUNT = 4.0  # times the middle amount, or as little
SHARE = 0.5  # of the rows that no longer have a detail, or are refused more
Share = Annotated[float, Field(ge=0, le=1)]


class Looks(Document):
    """What an export looked like: rows, middle amount in cents, middle months, and how many rows had which detail.

    `refused` leaves out rows outside all pilots: with `--pilot` there are more of those, and nothing is wrong.
    """

    period: Period
    rows: Annotated[int, Field(ge=0)]
    sent: Annotated[int, Field(ge=0)]
    amount_cents: float
    months: float
    refused: Share
    known: dict[str, Share]


def looks_of(checked: Checked) -> Looks:
    """What this export looks like."""
    contacts = [row.contacts[0] for row in checked.to_send]
    return Looks(
        period=checked.period,
        rows=checked.rows_read,
        sent=len(checked.to_send),
        amount_cents=float(median([row.amount_cents for row in checked.to_send] or [0])),
        months=float(median([row.months for row in checked.to_send] or [0])),
        refused=_share([refusal.reason is not Reason.OUTSIDE_PILOT for refusal in checked.refused], checked.rows_read),
        known={
            detail.name: _share([bool(getattr(contact, detail.name)) for contact in contacts])
            for detail in fields(Contact)
            if detail.name != "name_order"
        },
    )


def unlike(before: Looks, now: Looks) -> list[tuple[str, str]]:
    """What changed so much that a person should look before it is sent, in Dutch and English."""
    if now.rows < FEWEST_ROWS and before.rows < FEWEST_ROWS:
        return []
    said = []
    if not before.rows * FEWER <= now.rows <= before.rows * MORE:
        said.append(
            (
                f"{now.rows} regels; vorige keer ({before.period}) waren het er {before.rows}",
                f"{now.rows} rows; the time before ({before.period}) there were {before.rows}",
            )
        )
    if before.amount_cents and not before.amount_cents / AMOUNT <= now.amount_cents <= before.amount_cents * AMOUNT:
        times = now.amount_cents / before.amount_cents
        said.append(
            (
                f"het middelste bedrag is {times:.1f} keer dat van {before.period}: kloppen komma en eenheid?",
                f"the middle amount is {times:.1f} times that of {before.period}: are decimal mark and unit right?",
            )
        )
    if now.refused - before.refused > SHARE:
        said.append(
            (
                f"{now.refused:.0%} van de regels gaat niet mee; vorige keer {before.refused:.0%}",
                f"{now.refused:.0%} of the rows is not sent; the time before {before.refused:.0%}",
            )
        )
    for name, share in before.known.items():
        if share - now.known.get(name, 0.0) > SHARE and now.rows:
            found = now.known.get(name, 0.0)
            said.append(
                (
                    f"{name}: bij {found:.0%} van de regels ingevuld, eerst bij {share:.0%}; verschoof een kolom?",
                    f"{name}: filled in {found:.0%} of the rows, the time before in {share:.0%}; did a column move?",
                )
            )
    return said


def months_missing(deliveries: Sequence[Mapping[str, Any]], today: date) -> list[str]:
    """The closed months (YYYY-MM) after the first one delivered for which no delivery is whole, the oldest first.

    Args:
        deliveries: as the service lists them, of one pilot.
        today: a day in Europe/Amsterdam; a month is closed on the first of the next.
    """
    whole = {str(one["period"]) for one in deliveries if one["state"] == "completed"}
    if not whole:
        return []
    first, last = min(whole), f"{today.year:04}-{today.month:02}"
    years = range(int(first[:4]), today.year + 1)
    closed = (f"{year:04}-{month:02}" for year in years for month in range(1, 13))
    return [period for period in closed if first < period < last and period not in whole]


def questions(home: Home, profile: str, checked: Checked, pilot: str | None = None) -> list[tuple[str, str]]:
    """What to ask before this export is pushed; none for the first one, and hardly any for a repeat of the same month.

    Args:
        home: the creditor's home.
        profile: the name of the export's mapping profile.
        checked: the check of the whole export, or one pilot's part of it.
        pilot: whose part it is. That nothing is left of it is always asked about: an empty delivery says that all
            who were reported before are in arrears no more.
    """
    before = _before(home, profile, pilot)
    if before is None:
        return []
    if pilot is not None and before.sent and not checked.to_send:
        return [_nothing_left(before)]
    return unlike(before, looks_of(checked)) if before.period != checked.period else []


def delivered_before(home: Home, profile: str, pilot: str) -> bool:
    """Whether exports of this profile went to that pilot before."""
    return _before(home, profile, pilot) is not None


def remember(home: Home, profile: str, checked: Checked, pilot: str | None = None) -> None:
    """Keep what was pushed, of the whole export or one pilot's part, to compare the next one with."""
    text = yaml.safe_dump(looks_of(checked).model_dump(mode="json"), sort_keys=False)
    home.keep_private(_file(profile, pilot), text.encode())


def _nothing_left(before: Looks) -> tuple[str, str]:
    nl = f"geen enkele regel; vorige keer ({before.period}) waren het er {before.sent}."
    en = f"not a single row; the time before ({before.period}) there were {before.sent}."
    return (
        f"{nl} Een lege levering zegt dat geen van hen nog een achterstand heeft",
        f"{en} An empty delivery says that none of them is in arrears any more",
    )


def _before(home: Home, profile: str, pilot: str | None) -> Looks | None:
    file = home.path / _file(profile, pilot)
    return parse_sources(file.read_text(encoding="utf-8"), file.name)[0].read(Looks) if file.exists() else None


def _file(profile: str, pilot: str | None) -> str:
    return f"looks/{profile}.yaml" if pilot is None else f"looks/{pilot}/{profile}.yaml"


def _share(marks: Sequence[bool], of: int | None = None) -> float:
    whole = len(marks) if of is None else of
    return round(sum(marks) / whole, 4) if whole else 0.0
