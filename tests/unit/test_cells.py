"""Single cells: amounts, counts, dates, references, phones and postcodes in every dress that exports give them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.amounts import DecimalMark, read_cents, read_count
from client.cells import postcode_digits, read_phone, read_reference
from client.dates import months_between, read_birth_date, read_date

ON = date(2026, 10, 31)
FIRST = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1.014,01", 101401), ("1,014.01", 101401), ("1014,01", 101401), ("1014.01", 101401), ("€ 1.014,01", 101401),
        ("€1 014,01", 101401), ("EUR 1014,01", 101401), ("1014,01 euro", 101401), ("1'014.01", 101401),
        ("€ 150,-", 15000), ("150,--", 15000), ("150", 15000), ("1.234.567", 123456700), ("151,4", 15140),
        ("-12,50", -1250), ("12,50-", -1250), ("€ -12,50", -1250), ("(12,50)", -1250), ("\u221212,50", -1250),
        (",50", 50), ("0,00", 0), ("151.39999999999998", 15140), ("'99,95", 9995), ("+5", 500),
    ],
)  # fmt: skip
def test_an_amount_that_says_by_itself_how_it_reads_is_read_so(text: str, cents: int) -> None:
    assert read_cents(text, "euro", "comma") == cents
    if "1.234.567" not in text:
        assert read_cents(text, "euro", "point") == cents


@pytest.mark.parametrize(("mark", "cents"), [("comma", 123400), ("point", None)])
def test_three_digits_behind_one_mark_are_read_as_the_column_declares(mark: DecimalMark, cents: int | None) -> None:
    assert read_cents("1.234", "euro", mark) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "n.v.t.",
        "12,345,6",
        "1.23.456",
        "1.2.3",
        "12,3456",
        "1O0,00",
        "1e3",
        "100 of 200",
        "0.500",
        "01.234.567",
        "99999999999999,00",
        "12.34.56,00",
        "--5",
        "1.234,567.890",
    ],
)
def test_an_amount_that_needs_guessing_is_not_read(text: str) -> None:
    assert read_cents(text, "euro", "comma") is None


def test_cents_are_whole() -> None:
    assert read_cents("006611", "cent", "comma") == 6611
    assert read_cents(Decimal("6611.0"), "cent", "comma") == 6611
    assert read_cents("66,11", "cent", "comma") is None
    assert read_cents(Decimal("1E+400"), "cent", "comma") is None
    assert read_cents(ON, "euro", "comma") is None


@given(st.integers(min_value=-1_000_000_00, max_value=1_000_000_00), st.sampled_from([",.", ".,"]))
def test_every_amount_survives_being_written_in_either_style_and_as_a_binary_fraction(cents: int, marks: str) -> None:
    text = f"{cents / 100:,.2f}"
    styled = text.translate(str.maketrans(",.", marks))
    assert read_cents(styled, "euro", "comma") == read_cents(styled, "euro", "point") == cents
    assert read_cents(Decimal(repr(cents / 100)), "euro", "point") == cents


@pytest.mark.parametrize(
    ("text", "count"), [("2", 2), ("2.0", 2), ("02", 2), ("2 mnd", 2), ("'3", 3), ("1 termijn", 1)]
)
def test_a_count_is_read(text: str, count: int) -> None:
    assert read_count(text) == count


@pytest.mark.parametrize("cell", ["", "-1", "2,5", "2 weken", "veel", "999", Decimal("2.5"), Decimal(-1), ON])
def test_what_is_no_count_is_not_read(cell: Any) -> None:
    assert read_count(cell) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01",
        "01-10-2026",
        "1-10-2026",
        "01/10/26",
        "01.10.2026",
        "20261001",
        "01102026",
        "1102026",
        "2026/10/1",
        "1 oktober 2026",
        "1-okt-26",
        "01 Oct 2026",
        "2026-10-01T00:00:00",
        "01-10-2026 00:00",
        "46296",
        "'01-10-2026",
    ],
)
def test_a_date_is_read_in_all_usual_ways(text: str) -> None:
    assert read_date(text) == FIRST


def test_numbers_in_a_date_column_are_days_or_eight_digits() -> None:
    assert read_date(Decimal("46296.0")) == read_date(Decimal("20261001.0")) == FIRST


@pytest.mark.parametrize(
    "text", ["", "-", "31-02-2026", "10/31/2026", "onbekend", "00-00-1970", "1-13-26", "12345678901"]
)
def test_what_is_no_date_day_first_is_not_read(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("text", "birth"),
    [
        ("02-08-00", date(2000, 8, 2)), ("02-08-26", date(1926, 8, 2)), ("02-08-14", date(1914, 8, 2)),
        ("19620224", date(1962, 2, 24)), ("1900-01-01", None), ("01-01-1900", None), ("2027-01-01", None),
        ("1753-01-01", None), ("", None),
    ],
)  # fmt: skip
def test_a_birth_date_is_a_customers_or_none(text: str, birth: date | None) -> None:
    assert read_birth_date(text, ON, {date(1900, 1, 1)}) == birth


@pytest.mark.parametrize(
    ("due", "on", "terms", "months"),
    [
        (date(2026, 10, 1), ON, 1, 0), (date(2026, 9, 1), ON, 2, 1), (date(2026, 8, 2), ON, 3, 2), (ON, ON, 0, 0),
        (date(2026, 1, 31), date(2026, 2, 28), 0, 0), (date(2026, 1, 31), date(2026, 3, 1), 0, 1),
    ],
)  # fmt: skip
def test_months_are_counted_as_the_profile_says(due: date, on: date, terms: int, months: int) -> None:
    assert months_between(due, on, "30-day-terms") == terms
    assert months_between(due, on, "calendar-months") == months


def test_months_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="after the reference date"):
        months_between(ON, FIRST, "30-day-terms")


@pytest.mark.parametrize(
    ("cell", "reference"),
    [
        (Decimal("199765.0"), "199765"), ("199765.0", "199765"), ("'00123", "00123"), (" AB  12 ", "AB 12"),
        ("", ""), ("-", ""), ("8,716E+17", ""), (Decimal("8.71600000000177e+17"), ""), (Decimal("1.5"), ""), (ON, ""),
    ],
)  # fmt: skip
def test_a_reference_is_the_creditors_number_or_none(cell: Any, reference: str) -> None:
    assert read_reference(cell) == reference


@pytest.mark.parametrize(
    ("postcode", "address", "digits"),
    [
        ("3935  UA", "", "3935"), ("3935ua", "", "3935"), ("NL-3935 UA", "", "3935"), ("3935 U4", "", "3935"),
        ("3935", "", "3935"), ("39355", "", ""), ("393 5UA", "", ""), ("0935 UA", "", ""), ("", "", ""),
        ("", "Bilalsteeg 35F, 3932  AO", "3932"), ("", "Plein 1944 35, 3933VD", "3933"),
        ("", "Plein 1944 ab, 3933VD", "3933"), ("", "Dorpsstraat 1, 3933", "3933"), ("", "Laan 1940 12", ""),
        ("?", "Dorpsstraat 1 3933 AB Dorp", "3933"),
    ],
)  # fmt: skip
def test_the_digits_of_a_postcode_are_found_by_a_simple_rule(postcode: str, address: str, digits: str) -> None:
    assert postcode_digits(postcode, address) == digits


def test_a_phone_number_gets_back_the_zero_that_a_number_cell_lost() -> None:
    assert read_phone(Decimal("612345678.0")) == "0612345678"
    assert read_phone("06-12345678") == "06-12345678"
