"""The delivery to CBS of the demo's own place: every example row of a month, with work that the demo plays on it."""

import io
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import jsonschema_rs
import pytest

from cli.demo_cases import play_case
from client.ddas import PARTNER, Delivery, Signal, SignalCase, write_v1_2
from signals.cases import Stage, case_of
from signals.days import last_day
from tests.exports import EXAMPLES, checked, example_profile

SCHEMA = Path(__file__).parents[2].parent / "shared" / "standards" / "ddas-vroegsignalering-1.2.schema.json"
PERIOD = "2026-10"
FIRST, LAST = date(2026, 10, 1), last_day(PERIOD)


def of_examples() -> list[Signal]:
    random, found = Random(36), []
    for path in sorted((EXAMPLES / "waterbeek").glob(f"*_{PERIOD}.*")):
        for row in checked(path, example_profile(path.stem.split("_")[0])).to_send:
            case = case_of(FIRST, play_case(random, FIRST, urgent=bool(row.urgent)))
            since = None if row.since_derived else row.arrears_since
            found.append(
                Signal(
                    f"{path.stem}-{row.line}",
                    row.category,
                    row.kind,
                    row.amount_cents,
                    since,
                    row.reported_on,
                    row.contacts[0],
                    row.urgent,
                    case,
                )
            )
    return found


def test_the_examples_of_a_month_are_all_delivered_with_their_addresses_and_are_valid() -> None:
    signals = of_examples()
    assert len(signals) > 100
    cases = [SignalCase((one.id,), PERIOD, one.case) for one in signals if one.case]
    out = io.StringIO()
    delivery = Delivery(FIRST, LAST, "DEMO", "0000", "Waterbeek", datetime(2026, 11, 4, tzinfo=UTC))
    written = write_v1_2(out, delivery, signals, cases)
    assert written.signals == Counter(one.category for one in signals)
    assert not written.left_out
    found = json.loads(out.getvalue())
    (levering,) = found["leveringen"]
    assert Counter(told["signaalpartner"]["type"] for told in levering["vroegsignalen"]) == {
        PARTNER[category]: count for category, count in written.signals.items()
    }
    for told in levering["vroegsignalen"]:
        client = told["client"]
        assert re.fullmatch(r"[1-9][0-9]{3}[A-Z]{2}", client["postcode"])
        assert re.fullmatch(r"[1-9][0-9]{0,4}", client["huisnummer"])
        assert re.fullmatch(r"[A-Z0-9]{0,5}", client.get("huisnummertoevoeging", ""))
    if not SCHEMA.is_file():
        pytest.skip(f"NOT CHECKED against DDAS vroegsignalering v1.2: its schema is not at {SCHEMA}")
    jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text()), validate_formats=True).validate(found)


def test_what_the_demo_plays_is_legal_to_the_end() -> None:
    random = Random(7)
    for number in range(400):
        played = case_of(FIRST, play_case(random, FIRST, urgent=number % 4 == 0))
        assert played.stage is Stage.CLOSED
