"""A file that looks unlike the month before is held with a question; one that merely differs is not."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from client.checking import Checked, SendableRow
from client.home import Home
from client.last_month import Looks, delivered_before, looks_of, months_missing, questions, remember, unlike
from client.reasons import Reason, Refusal
from signals.report import Category
from tests.world import make_row


def month(rows: int = 100, period: str = "2026-09", euros: int = 300, dated: float = 0.9) -> Looks:
    return Looks(
        period=period,
        rows=rows,
        sent=rows,
        amount_cents=euros * 100.0,
        months=1.0,
        refused=0.02,
        known={"birth_date": dated},
    )


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (month(), False),
        (month(rows=60), False),
        (month(rows=59), True),
        (month(rows=250), False),
        (month(rows=251), True),
        (month(euros=1200), False),
        (month(euros=1201), True),
        (month(euros=75), False),
        (month(euros=74), True),
        (month(euros=30_000), True),  # cents read as euros
        (month(dated=0.4), False),
        (month(dated=0.39), True),
        (month(rows=0), True),
    ],
)
def test_only_what_changed_too_much_is_asked_about(now: Looks, *, held: bool) -> None:
    assert bool(unlike(month(), now)) == held


@pytest.mark.parametrize(
    ("delivered", "today", "missing"),
    [
        ((), date(2026, 11, 25), []),  # who never delivered has not begun
        (("2026-10",), date(2026, 11, 25), []),
        (("2026-09",), date(2026, 10, 31), []),  # October is not over
        (("2026-09",), date(2026, 11, 1), ["2026-10"]),
        (("2026-10", "2027-01"), date(2027, 2, 1), ["2026-11", "2026-12"]),
    ],
)
def test_closed_months_without_a_whole_delivery_are_missing(
    delivered: tuple[str, ...], today: date, missing: list[str]
) -> None:
    deliveries = [{"period": period, "state": "completed"} for period in delivered]
    assert months_missing(deliveries, today) == missing
    broken_off = [*deliveries, *({"period": period, "state": "open"} for period in missing)]
    assert months_missing(broken_off, today) == missing


def test_a_handful_of_rows_says_nothing(tmp_path: Path) -> None:
    assert unlike(month(rows=12), month(rows=3)) == []
    assert unlike(month(rows=25), month(rows=3)) != []


def checked(rows: list[SendableRow], period: str) -> Checked:
    return Checked(
        source="lijst.csv",
        period=period,
        reported_on=date(2026, 9, 30),
        category=Category.RENT,
        rows_read=len(rows),
        to_send=tuple(rows),
        refused=(),
        notes=(),
    )


def test_the_month_before_is_remembered_without_any_customers_data(tmp_path: Path) -> None:
    home = Home(tmp_path)
    rows = [make_row(f"contract-{number}") for number in range(40)]
    assert questions(home, "lijst", checked(rows, "2026-09")) == []  # nothing to compare with
    remember(home, "lijst", checked(rows, "2026-09"))
    kept = next(tmp_path.glob("looks/*.yaml"))
    assert not any(detail in kept.read_text() for detail in (rows[0].reference, rows[0].contacts[0].surname))
    assert kept.stat().st_mode & 0o077 == 0
    grown = [replace(row, amount_cents=row.amount_cents * 100) for row in rows]
    assert questions(home, "lijst", checked(rows, "2026-10")) == []
    assert len(questions(home, "lijst", checked(grown, "2026-10"))) == 1
    assert questions(home, "lijst", checked(grown, "2026-09")) == []  # the same month once more
    assert looks_of(checked(rows, "2026-09")).rows == 40


def test_that_nobody_is_left_in_a_pilot_is_asked_about_whatever_the_month_and_however_few_there_were(
    tmp_path: Path,
) -> None:
    home, one = Home(tmp_path), [make_row("contract-1")]
    assert questions(home, "lijst", checked([], "2026-09"), "a-pilot") == []  # nobody was ever reported there
    remember(home, "lijst", checked(one, "2026-09"), "a-pilot")
    for period in ("2026-09", "2026-10"):
        assert len(questions(home, "lijst", checked([], period), "a-pilot")) == 1
    assert questions(home, "lijst", checked([], "2026-10"), "b-pilot") == []
    remember(home, "lijst", checked([], "2026-10"), "a-pilot")
    assert questions(home, "lijst", checked([], "2026-11"), "a-pilot") == []
    assert delivered_before(home, "lijst", "a-pilot")
    assert not delivered_before(home, "lijst", "b-pilot")


def test_rows_of_other_pilots_are_no_sign_of_a_bad_file() -> None:
    outside = tuple(Refusal(line, Reason.OUTSIDE_PILOT) for line in range(2, 90))
    whole = replace(checked([make_row("contract-1")], "2026-10"), rows_read=89, refused=outside)
    assert looks_of(whole).refused == 0
    unreadable = replace(whole, refused=(*outside[1:], Refusal(2, Reason.UNREADABLE_AMOUNT)))
    assert looks_of(unreadable).refused == pytest.approx(1 / 89, abs=1e-4)
