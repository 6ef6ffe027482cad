"""An opened signal tells, beside each report, why reports of several creditors stand together."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from cli.desk import opened_lines
from cli.desk_links import change_line
from client.desk_work import Opened
from client.opening import OpenedReport

SOMEBODY = {"surname": "de Haan", "initials": "J.", "birth_date": "1980-04-03", "postcode": "6789CA"} | {
    "street": "Kade",
    "house_number": "5",
    "addition": "2",
}


def lines(*contacts: dict[str, Any], creditors: tuple[str, ...] = ()) -> list[str]:
    """What is shown of a signal whose reports have these contacts, each from a creditor of its own unless named."""
    reports = []
    for at, contact in enumerate(contacts):
        creditor = creditors[at] if creditors else f"creditor{at}"
        row = {"category": "rent", "period": "2026-10", "creditorId": creditor, "months": 1}
        details = {"amount_cents": 1000, "contract": "c", **contact}
        report: Any = SimpleNamespace(arrears_since=date(2026, 9, 1))
        reports.append((row, OpenedReport(creditor, report, details, "", "", compromised=False)))
    return opened_lines(Opened({"explanation": None}, tuple(reports)), "nl")


def reasons(*contacts: dict[str, Any], creditors: tuple[str, ...] = ()) -> list[str]:
    shown = lines(*contacts, creditors=creditors)
    head = "Waarom dit bij elkaar staat:"
    return shown[shown.index(head) + 1 :] if head in shown else []


def test_the_reason_of_a_link_is_shown_in_words() -> None:
    (line,) = reasons(SOMEBODY, {**SOMEBODY, "surname": "Haan, de", "birth_date": "1980-03-04", "addition": ""})
    assert line.split(": ", 2)[:2] == ["  creditor1", "dezelfde persoon als bij creditor0"]
    assert line.split(": ", 2)[2].split("; ") == [
        "dezelfde achternaam, voorletter en geboortedatum",
        "dag en maand van de geboortedatum verwisseld",
        "de toevoeging bij het huisnummer ontbreekt bij één",
    ]


def test_another_spelling_of_one_contract_needs_no_reason() -> None:
    assert not reasons(SOMEBODY, {**SOMEBODY, "initials": "J.K."}, creditors=("one", "one"))
    assert reasons(SOMEBODY, {**SOMEBODY, "initials": "J.K.", "contract": "d"}, creditors=("one", "one"))


def test_somebody_else_in_the_home_is_told_apart() -> None:
    partner = {**SOMEBODY, "initials": "K.", "birth_date": "1981-11-20"}
    (line,) = reasons(SOMEBODY, partner)
    assert line == "  creditor1: met geen van deze alleen te koppelen: een andere voorletter; een andere geboortedatum"


def test_each_is_linked_to_the_one_that_it_fits_best() -> None:
    partner = {**SOMEBODY, "initials": "K.", "birth_date": "1981-11-20"}
    assert reasons(SOMEBODY, partner, {name: said for name, said in partner.items() if name != "birth_date"})[
        1
    ].startswith("  creditor2: dezelfde persoon als bij creditor1: dezelfde achternaam en voorletter in hetzelfde pand")


def test_one_report_or_one_spelling_needs_no_reason() -> None:
    assert not reasons(SOMEBODY)
    assert not reasons(SOMEBODY, SOMEBODY)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"tray": "multiple"}, "enkelvoudig (uiterlijk 30 nov 2026) → meervoudig (uiterlijk 30 nov 2026)"),
        ({"rules": ["other"]}, "enkelvoudig (uiterlijk 30 nov 2026): door andere regels"),
        ({"priority": 2}, "enkelvoudig (uiterlijk 30 nov 2026): met een andere voorrang"),
    ],
)
def test_what_another_answer_changes_is_said_whatever_it_is(after: dict[str, Any], said: str) -> None:
    signal = {"tray": "single", "rules": ["rule"], "urgent": False, "priority": 1, "deadline": "2026-11-30"}
    assert change_line({"before": [signal], "after": [{**signal, **after}]}, "nl") == said


def test_details_of_another_form_are_shown_and_not_compared() -> None:
    assert not reasons(SOMEBODY, {**SOMEBODY, "surname": 5})
