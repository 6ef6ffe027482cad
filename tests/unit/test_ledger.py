"""A ledger's rows: typed, read by the same rules as an export, and each with its outcome."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from cli.creditor import app
from client.checking import CategoryTerms, SendingTerms, check
from client.decoding import UnreadableFile
from client.ledger import LedgerRow, check_rows, export_of, ledger_profile, outcomes_of, read_ledger
from client.reasons import Reason
from signals.report import Category, Kind, UrgentFlag

ROOT = Path(__file__).parents[2]
ON = date(2026, 10, 31)


def ledger_row(**changes: Any) -> dict[str, Any]:
    """A row that may be sent, as JSON."""
    return {
        "reference": "hc-1001",
        "surname": "Vries",
        "prefix": "de",
        "initials": "A.B.",
        "birth_date": "1980-02-29",
        "street": "Dorpsstraat",
        "house_number": "12",
        "addition": "bis",
        "postcode": "1111 AB",
        "phone": "0612345678",
        "amount_cents": 47_550,
        "months": 2,
        "arrears_since": "2026-09-01",
        "reminder_sent_on": "2026-09-10",
        "contact_sought_on": "2026-09-17",
        "pointed_at_help_on": "2026-09-18",
        "offer_made_on": "2026-09-19",
        "objected": False,
        "payment_plan_kept": False,
    } | changes


def made(**changes: Any) -> LedgerRow:
    return LedgerRow.model_validate(ledger_row(**changes))


def test_the_schema_that_is_published_is_that_of_the_code() -> None:
    published = (ROOT / "docs/ledger-row.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == LedgerRow.model_json_schema()
    printed = CliRunner().invoke(app, ["schema"]).stdout
    assert printed == published


def test_every_field_says_what_it_means() -> None:
    undescribed = {name for name, field in LedgerRow.model_fields.items() if not field.description}
    assert not undescribed


def test_a_row_is_sent_as_it_was_given() -> None:
    row = made(kind="end_of_supply", urgent=["shut_off_announced", "eviction_announced"])
    (sent,) = check(export_of([row], ledger_profile(Category.ENERGY), ON), ledger_profile(Category.ENERGY)).to_send
    assert (sent.reference, sent.amount_cents, sent.months, sent.reported_on) == ("hc-1001", 47_550, 2, ON)
    assert (sent.arrears_since, sent.since_derived) == (date(2026, 9, 1), False)
    assert (sent.category, sent.kind, sent.postcode_digits) == (Category.ENERGY, Kind.END_OF_SUPPLY, "1111")
    assert sent.urgent == (UrgentFlag.EVICTION_ANNOUNCED, UrgentFlag.SHUT_OFF_ANNOUNCED)
    steps = sent.social_collection
    assert (steps.by, steps.reminder_sent_on, steps.offer_made_on) == ("record", date(2026, 9, 10), date(2026, 9, 19))
    assert (steps.contact_sought_on, steps.pointed_at_help_on) == (date(2026, 9, 17), date(2026, 9, 18))
    told = {
        name: getattr(row, name) for name in ("surname", "prefix", "initials", "street", "house_number", "addition")
    }
    contact = sent.contacts[0]
    assert {name: getattr(contact, name) for name in told} == told
    assert (contact.birth_date, contact.postcode, contact.phone) == (date(1980, 2, 29), "1111 AB", "0612345678")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_cents": 0}, Reason.IN_CREDIT),
        ({"amount_cents": -100}, Reason.IN_CREDIT),
        ({"objected": True}, Reason.REFUSED_BY_RESIDENT),
        ({"payment_plan_kept": True}, Reason.PAYMENT_PLAN_KEPT),
        ({"offer_made_on": None}, Reason.COLLECTION_INCOMPLETE),
        ({"offer_made_on": "2026-11-01"}, Reason.TOO_EARLY),
        ({"arrears_since": "2026-11-01"}, Reason.NOT_YET_DUE),
        ({"reference": "---"}, Reason.NO_REFERENCE),
    ],
)
def test_the_rules_of_an_export_hold(changes: dict[str, Any], reason: Reason) -> None:
    (outcome,) = check_rows([made(**changes)], category="rent", reported_on=ON)
    assert (outcome.line, outcome.state, outcome.reason) == (1, "stayed_home", reason)
    assert outcome.nl
    assert outcome.en


def test_every_row_has_its_outcome_in_its_order() -> None:
    rows = [made(), made(reference="b", objected=True), made(reference="c"), made(), made(reference="c", months=3)]
    found = check_rows(rows, category="rent", reported_on=ON)
    assert [(one.line, one.state, one.reason) for one in found] == [
        (1, "sent", ""),
        (2, "stayed_home", "refused_by_resident"),
        (3, "stayed_home", "conflicting"),
        (4, "stayed_home", "repeated"),
        (5, "stayed_home", "conflicting"),
    ]
    assert check_rows([], category="rent", reported_on=ON) == ()


def test_rows_go_to_the_pilot_of_their_postcode() -> None:
    profile = ledger_profile(Category.RENT)
    terms = SendingTerms(postcodes=frozenset({"1111"}), categories={Category.RENT: CategoryTerms()})
    rows = [made(), made(reference="b", postcode="2221 AB"), made(reference="c", postcode="9711 AB")]
    pilots = {"a": terms, "b": SendingTerms(postcodes=frozenset({"2221"}), categories=terms.categories)}
    found = outcomes_of(check(export_of(rows, profile, ON), profile, pilots), ())
    assert [(one.state, one.pilot) for one in found] == [("sent", "a"), ("sent", "b"), ("stayed_home", None)]


@pytest.mark.parametrize("left_out", ["objected", "payment_plan_kept", "offer_made_on", "reference"])
def test_nobody_is_reported_because_a_field_was_forgotten(left_out: str) -> None:
    with pytest.raises(ValidationError, match=left_out):
        LedgerRow.model_validate({name: value for name, value in ledger_row().items() if name != left_out})


def test_neither_a_row_nor_a_mistake_in_one_gives_anybody_away() -> None:
    row = made()
    assert repr(row) == str(row) == "LedgerRow(…001)"
    with pytest.raises(ValidationError) as mistake:
        made(birth_date="Vries", surname="Dorpsstraat" * 100)
    assert "Vries" not in str(mistake.value)
    assert "Dorpsstraat" not in str(mistake.value)


def test_a_file_is_read_as_the_rows_in_it_and_a_bad_row_stops_no_other(tmp_path: Path) -> None:
    bad = ledger_row(reference="hc-1002", amount_cents="Jansen", Jansen="x")
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"category": "rent", "reported_on": "2026-10-31", "rows": [bad, ledger_row(), 7]}))
    export, profile = read_ledger(file)
    found = check(export, profile)
    assert (export.period, export.reported_on, profile.category) == ("2026-10", ON, Category.RENT)
    assert (found.rows_read, [row.line for row in found.to_send]) == (3, [2])
    assert [(refusal.line, refusal.reason) for refusal in found.refused] == [(1, "not_by_schema"), (3, "not_by_schema")]
    assert "amount_cents" in found.refused[0].en
    assert "Jansen" not in repr(found.refused) + found.refused[0].nl + found.refused[0].en


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"category": "rent"}', '{"category": "x", "reported_on": "2026-10-31", "rows": []}', "é"]
)
def test_another_file_is_refused_with_what_is_expected(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(UnreadableFile, match="ledger"):
        read_ledger(file)


def test_check_takes_a_ledgers_file_without_a_profile(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"category": "rent", "reported_on": "2026-10-31", "rows": [ledger_row()]}))
    done = CliRunner().invoke(app, ["check", str(file), "--home", str(tmp_path / "home"), "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert "1 rows read, 1 to send, 0 not" in done.output
    assert CliRunner().invoke(app, ["check", str(file), "--period", "2026-10"]).exit_code == 2
