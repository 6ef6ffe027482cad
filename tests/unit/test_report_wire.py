"""A report's canonical bytes are RFC 8785 without a second writer, because its members stand in the wire's order."""

import json
from datetime import date
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from signals.report import (
    Category,
    Kind,
    Manifest,
    MatchKeys,
    PartSummary,
    Report,
    ReportLine,
    Sealed,
    SocialCollection,
    UrgentFlag,
    WeakKey,
    Wire,
)
from tests.budget import examples

DAY = date(2026, 10, 31)
hex16 = st.integers(0, 2**128 - 1).map("{:032x}".format)
hex32 = st.integers(0, 2**256 - 1).map("{:064x}".format)
slugs = st.from_regex(r"[a-z][a-z0-9-]{1,10}", fullmatch=True)
Part = TypeVar("Part", bound=Wire)


def built(model: type[Part], **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Part]:
    return st.fixed_dictionaries(members).map(lambda values: model(**values))


days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
steps = built(
    SocialCollection,
    answer=st.sampled_from(["none", "not_refused"]),
    by=st.sampled_from(["record", "procedure"]),
    contact_sought_on=days,
    offer_made_on=days,
    pointed_at_help_on=days,
    procedure=st.none() | slugs,
    reminder_sent_on=days,
)
match_keys = built(
    MatchKeys,
    building=hex16,
    dwelling=hex16,
    epoch=st.integers(1, 9999),
    has_addition=st.booleans(),
    street_dwelling=hex16,
    strong=st.lists(hex16, max_size=6).map(tuple),
    weak=st.lists(built(WeakKey, birth=st.none() | hex16, key=hex16), max_size=6).map(tuple),
)
reports = built(
    Report,
    amount_euros=st.integers(0, 10_000_000),
    arrears_since=days,
    commitment=hex32,
    district=hex16,
    keys=match_keys,
    kind=st.sampled_from([Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER]),
    months=st.integers(0, 600),
    reference=hex16,
    reported_on=days,
    since_derived=st.booleans(),
    social_collection=steps,
    urgent=st.lists(st.sampled_from(UrgentFlag), max_size=3).map(tuple),
)
manifests = built(
    Manifest,
    category=st.sampled_from(Category),
    content_hash=hex32,
    creditor=slugs,
    delivery_key_check=hex32,
    key_envelope_sha256=hex32,
    parts=st.lists(
        built(PartSummary, accepted=st.integers(0, 20_000), number=st.integers(1, 9), root=hex32, sha256=hex32),
        max_size=3,
    ).map(tuple),
    period=st.sampled_from(["2026-10", "2099-01"]),
    pilot=slugs,
    recipient_key=hex16,
)


def rfc_8785(text: bytes) -> bytes:
    """Another writer's form of the same JSON. Floats have a form of their own there and are not expected here."""

    def no_float(written: str) -> Any:
        raise AssertionError(f"a number with a fraction or an exponent: {written}")

    read = json.loads(text, parse_float=no_float, parse_constant=no_float)
    return json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(reports)
@settings(max_examples=examples(100))
def test_a_reports_canonical_bytes_are_those_of_another_writer(report: Report) -> None:
    assert report.canonical() == rfc_8785(report.canonical())
    assert report.canonical().isascii()


@given(reports)
@settings(max_examples=examples(60))
def test_a_report_reads_back_from_its_bytes_and_writes_the_same_again(report: Report) -> None:
    again = Report.model_validate_json(report.canonical())
    assert again == report
    assert again.canonical() == report.canonical()


@given(reports, st.randoms(use_true_random=False))
@settings(max_examples=examples(50))
def test_however_a_sender_orders_and_spaces_a_report_its_bytes_are_the_same(report: Report, random: Any) -> None:
    members = list(json.loads(report.canonical()).items())
    random.shuffle(members)
    assert Report.model_validate_json(json.dumps(dict(members), indent=3)).canonical() == report.canonical()


@given(manifests)
@settings(max_examples=examples(100))
def test_a_manifest_is_written_in_the_same_form(manifest: Manifest) -> None:
    written = manifest.model_dump_json(by_alias=True).encode()
    assert written == rfc_8785(written)
    assert written.isascii()


@pytest.mark.parametrize(
    "model", [Report, MatchKeys, WeakKey, SocialCollection, Manifest, PartSummary, ReportLine, Sealed]
)
def test_members_stand_in_the_order_of_their_wire_names(model: type[BaseModel]) -> None:
    names = [field.alias or field.serialization_alias or name for name, field in model.model_fields.items()]
    assert names == sorted(names)
    assert not [field for field in model.model_fields.values() if "float" in str(field.annotation)]


def make_report(**changes: Any) -> dict[str, Any]:
    steps = dict.fromkeys(("contactSoughtOn", "offerMadeOn", "pointedAtHelpOn", "reminderSentOn"), "2026-10-15")
    return {
        "amountEuros": 345,
        "arrearsSince": "2026-10-01",
        "commitment": "7" * 64,
        "district": "0" * 32,
        "keys": {
            **dict.fromkeys(("building", "dwelling", "streetDwelling"), "1" * 32),
            "hasAddition": False,
            "strong": ["4" * 32],
            "weak": [{"key": "5" * 32, "birth": None}],
        },
        "months": 1,
        "reference": "6" * 32,
        "reportedOn": "2026-10-31",
        "sinceDerived": False,
        "socialCollection": {"by": "record", **steps},
    } | changes


def test_a_report_that_leaves_out_what_may_be_left_out_is_written_whole() -> None:
    written = json.loads(Report.model_validate(make_report()).canonical())
    assert (written["kind"], written["urgent"], written["keys"]["scheme"]) == ("early", [], "v1.hmac")


@pytest.mark.parametrize(
    "changes",
    [
        {"amountEuros": 345.5},
        {"amountEuros": -1},
        {"amountEuros": 10_000_001},
        {"months": 601},
        {"kind": "update"},
        {"reference": "A" * 32},
        {"reference": "6" * 31},
        {"reference": "6" * 32 + "\n"},
        {"district": "1111"},
        {"reportedOn": "2026-02-30"},
        {"urgent": ["homeless"]},
        {"urgent": ["eviction_announced"] * 4},
        {"name": "Visser"},
        {"amount_cents": 34_550},
    ],
    ids=lambda changes: "-".join(f"{name}" for name in changes),
)
def test_a_report_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Report.model_validate_json(json.dumps(make_report(**changes)))
