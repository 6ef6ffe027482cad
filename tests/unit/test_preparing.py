"""What is written fast for every row is what the models write, and opens again at the municipality."""

import hashlib
import json
from datetime import date
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from client.checking import SendableRow
from client.exclusions import fold_reference
from client.preparing import Preparer
from client.receipts import KeptReport
from client.trust import JoinedPilot
from privacy.framing import framed
from privacy.identity import Contact
from privacy.log import canonical
from privacy.matchkeys import KeyMaker, district_key, match_keys
from privacy.receipts import details_commitment
from privacy.references import reference
from privacy.sealing import Envelope
from signals.report import Category, Kind, Report, ReportLine, UrgentFlag
from tests.budget import examples
from tests.unit.test_matchkeys import CONTACTS
from tests.unit.test_report_wire import days, steps
from tests.world import make_row

PILOT_KEY, SECRET = bytes(range(32)), bytes(32)
TEXTS = st.text(min_size=1, max_size=20)
ENVELOPE = Envelope.new("aland", "housing", "0123456789abcdef")


class Joined:
    """As much of a joined pilot as preparing takes."""

    id, key = "aland", PILOT_KEY

    class document:  # noqa: N801 - an attribute of the pilot
        epoch = 7


PREPARER = Preparer(cast("JoinedPilot", Joined), SECRET, ENVELOPE)
rows = st.builds(
    SendableRow,
    line=st.integers(1, 9),
    reference=TEXTS,
    contacts=st.lists(CONTACTS, min_size=1, max_size=2).map(tuple),
    postcode_digits=st.sampled_from(("", "6789", "1000")),
    amount_cents=st.integers(1, 10_000_000_00),
    months=st.integers(0, 600),
    arrears_since=days,
    since_derived=st.booleans(),
    reported_on=days,
    category=st.just(Category.RENT),
    kind=st.sampled_from([Kind.EARLY, Kind.END_OF_SUPPLY, Kind.HAND_OVER]),
    urgent=st.lists(st.sampled_from(UrgentFlag), max_size=3).map(tuple),
    social_collection=steps,
)


@given(rows)
@settings(max_examples=examples(100))
def test_a_report_is_written_as_the_model_writes_it(row: SendableRow) -> None:
    prepared = PREPARER.prepare(row)
    report = Report.model_validate_json(prepared.sent)
    assert report.canonical() == prepared.sent
    assert (report.amount_euros, report.months) == (row.amount_cents // 100, row.months)
    assert (report.arrears_since, report.reported_on) == (row.arrears_since, row.reported_on)
    assert (report.kind, report.urgent, report.since_derived) == (row.kind, row.urgent, row.since_derived)
    assert report.social_collection == row.social_collection
    assert report.reference == reference(SECRET, "aland", fold_reference(row.reference))
    assert report.keys.epoch == 7
    assert not row.postcode_digits or report.district == district_key(PILOT_KEY, row.postcode_digits)


@given(rows)
@settings(max_examples=examples(60))
def test_a_line_reads_back_and_its_details_open_as_the_row_said(row: SendableRow) -> None:
    prepared = PREPARER.prepare(row)
    line = ReportLine.model_validate_json(prepared.as_line())
    assert line.report.canonical() == prepared.sent
    opened = ENVELOPE.open(prepared.sealed, prepared.reference, prepared.sent)
    salt = str(opened.pop("salt"))
    expected = {**row.contacts[0].as_json(), "contract": row.reference, "amount_cents": row.amount_cents}
    assert opened == expected == prepared.details
    assert line.report.commitment == details_commitment(bytes.fromhex(salt), opened)
    kept = prepared.kept()
    assert KeptReport.model_validate_json(kept.model_dump_json()) == kept


@given(st.lists(CONTACTS, min_size=1, max_size=2), st.integers(1, 9999))
@settings(deadline=None)
def test_match_keys_are_written_as_the_model_writes_them(contacts: list[Contact], epoch: int) -> None:
    made = KeyMaker(PILOT_KEY, epoch, fill=bytes).made(contacts)
    assert made.as_json() == match_keys(PILOT_KEY, contacts, epoch, fill=bytes).model_dump_json(by_alias=True)


@given(st.dictionaries(st.sampled_from(["a", "b", "surname", "amount_cents"]), TEXTS | st.integers(), max_size=4))
def test_details_are_committed_to_in_their_canonical_form(details: dict[str, Any]) -> None:
    canonically = canonical(json.loads(json.dumps(details)))
    expected = hashlib.sha256(framed("vroegsein/details/v1", bytes(16), canonically)).hexdigest()
    assert details_commitment(bytes(16), details) == expected


def test_a_row_without_a_readable_postcode_has_a_district_of_its_own() -> None:
    row = make_row("a", postcode="?", postcode_digits="", birth_date=date(1980, 2, 29))
    districts = {Report.model_validate_json(PREPARER.prepare(row).sent).district for _ in range(3)}
    assert len(districts) == 3
