"""The delivery to CBS: valid against the standard's schema, with its words and days, and nothing left out unsaid."""

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ddas import (
    CONTACT,
    DAY_PART,
    NOT_YET,
    PARTNER,
    TAKEN_UP,
    WRITERS,
    ContactPerson,
    Delivery,
    LeftOut,
    Signal,
    SignalCase,
    Written,
    write_file,
    write_v1_2,
)
from client.opening import OpenedReport
from privacy.identity import Contact
from signals.cases import (
    FOUND_AT_ONCE,
    Attempt,
    Case,
    Closed,
    ContactKind,
    DayPart,
    Entry,
    Reopened,
    Result,
    TakenUp,
    case_of,
)
from signals.feedback import SEEN
from signals.report import Category, Kind, UrgentFlag
from tests.budget import examples

SCHEMAS = Path(__file__).parents[2].parent / "shared" / "standards"
CLIENT = {"postcode", "huisnummer", "huisnummertoevoeging", "geboortedatum"}
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
HOME = Contact(surname="Jansen", street="Dorpsstraat", house_number="12", postcode="6789CA")
DELIVERY = Delivery(
    FIRST,
    LAST,
    "DEMO",
    "0000",
    "Gemeente Waterbeek",
    datetime(2026, 11, 4, 8, 30, 15, 999, tzinfo=UTC),
    "12345678",
    (ContactPerson("Team vroegsignalering", email="vroeg@waterbeek.example"),),
)


def schema(version: str = "1.2") -> dict[str, Any]:
    file = SCHEMAS / f"ddas-vroegsignalering-{version}.schema.json"
    if not file.is_file():
        pytest.skip(f"NOT CHECKED against DDAS vroegsignalering v{version}: its schema is not at {file}")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def signal(id_: str = "s1", **changes: Any) -> Signal:
    usual: dict[str, Any] = {
        "category": Category.RENT,
        "kind": Kind.EARLY,
        "amount_cents": 123_499,
        "arrears_since": date(2026, 8, 1),
        "reported_on": LAST,
        "contact": HOME,
    }
    return Signal(id=id_, **{**usual, **changes})


def made(
    signals: Iterable[Signal], cases: Iterable[SignalCase] = (), of: Delivery = DELIVERY
) -> tuple[dict[str, Any], Written]:
    out = io.StringIO()
    written = write_v1_2(out, of, signals, cases)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found, written


def delivered(*signals: Signal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made(signals)[0]["leveringen"][0]["vroegsignalen"]
    return found


def client(**contact: Any) -> dict[str, str]:
    found: dict[str, str] = delivered(signal(contact=Contact(**contact)))[0]["client"]
    return found


def case(*entries: Entry, opened: date = FIRST) -> Case:
    return case_of(opened, entries)


contacts = st.one_of(
    st.none(),
    st.builds(
        Contact,
        street=st.sampled_from(["", "Dorpsstraat", "Plein 1944"]),
        house_number=st.sampled_from(["", "12", "0037", "12 A-2", "12 2-hoog", "x"]),
        letter=st.sampled_from(["", "A"]),
        addition=st.sampled_from(["", "hs", "2-hoog", "III", "t/m 14"]),
        address=st.sampled_from(["", "Kade 5bis 6789 CA Zandhoek", "Postbus 12"]),
        postcode=st.sampled_from(["", "6789CA", "6789 ca", "6789", "rommel"]),
        birth_date=st.one_of(st.none(), st.dates(date(1890, 1, 1), date(2030, 1, 1))),
    ),
)
cases = st.one_of(
    st.none(),
    st.builds(
        lambda at, reached, kind, part, result: case(
            TakenUp(on=at), Attempt(on=at, contact=kind, reached=reached, day_part=part), Closed(on=at, result=result)
        ),
        st.dates(FIRST, LAST + timedelta(days=20)),
        st.just(True),
        st.sampled_from(ContactKind),
        st.sampled_from([None, *DayPart]),
        st.sampled_from(
            sorted(case(TakenUp(on=LAST), Attempt(on=LAST, contact=ContactKind.PHONE, reached=True)).legal_results())
        ),
    ),
    st.builds(
        lambda at, result: case(Closed(on=at, result=result)),
        st.dates(FIRST, LAST),
        st.sampled_from(sorted(FOUND_AT_ONCE)),
    ),
)
signals = st.builds(
    signal,
    category=st.sampled_from(Category),
    kind=st.sampled_from(Kind),
    amount_cents=st.integers(0, 10**9),
    arrears_since=st.one_of(st.none(), st.dates(date(2020, 1, 1), LAST)),
    reported_on=st.dates(FIRST - timedelta(days=3), LAST + timedelta(days=3)),
    contact=contacts,
    urgent=st.sampled_from([(), (UrgentFlag.EVICTION_ANNOUNCED,)]),
    case=cases,
)


def numbered(drawn: list[Signal]) -> tuple[list[Signal], list[SignalCase]]:
    """The signals with ids of their own, and the cases that they have."""
    named = [replace(one, id=f"s{at}") for at, one in enumerate(drawn)]
    return named, [SignalCase((one.id,), "2026-10", one.case) for one in named if one.case]


@pytest.mark.parametrize("version", WRITERS)
@settings(max_examples=examples(40))
@given(drawn=st.lists(signals, max_size=6))
def test_whatever_is_delivered_is_valid_by_the_schema_of_its_version(version: str, drawn: list[Signal]) -> None:
    found, _written = made(*numbered(drawn))
    jsonschema_rs.Draft202012Validator(schema(version), validate_formats=True).validate(found)


@settings(max_examples=examples(20))
@given(st.lists(signals, max_size=6))
def test_every_signal_of_the_days_is_delivered_or_counted_as_left_out_and_no_citizen_number_is_there(
    drawn: list[Signal],
) -> None:
    named, of = numbered(drawn)
    found, written = made(iter(named), iter(of))
    (levering,) = found["leveringen"]
    within = [one for one in named if FIRST <= one.reported_on <= LAST]
    assert len(within) == written.signals.total() + written.left_out.total()
    assert len(levering["vroegsignalen"]) == written.signals.total()
    assert len(levering["vroegsignaalzaken"]) == written.cases
    assert all(set(told["client"]) <= CLIENT for told in levering["vroegsignalen"])


@pytest.mark.parametrize("version", WRITERS)
def test_every_value_has_a_word_of_the_standard_and_the_words_are_exactly_its_own(version: str) -> None:
    found = {name: set(entry["enum"]) for name, entry in schema(version)["$defs"].items() if "enum" in entry}
    statuses = {NOT_YET, TAKEN_UP} | {SEEN[result].cbs for result in FOUND_AT_ONCE}
    for values, words, enum in (
        (set(Category), PARTNER, "EnumSignaalpartner"),
        (set(ContactKind), CONTACT, "EnumContactsoort"),
        (set(DayPart), DAY_PART, "EnumDagdeel"),
        (set(Result), {result: seen.cbs for result, seen in SEEN.items()}, "EnumEindresultaat"),
    ):
        assert set(words) == values, enum
        assert sorted(words.values()) == sorted(found[enum]), enum
    assert statuses == found["EnumSignaalstatus"]


def test_the_head_says_who_delivers_about_which_days_and_when_in_dutch_time() -> None:
    found, _written = made([])
    (levering,) = found.pop("leveringen")
    assert found == {
        "startdatumLevering": "2026-10-01",
        "einddatumLevering": "2026-10-31",
        "aanleverdatumEnTijd": "2026-11-04T09:30:15+01:00",
        "codeGegevensleverancier": "DEMO",
    }
    assert levering == {
        "teller": 1,
        "gemeentecode": "0000",
        "aanleverendeOrganisatie": {
            "naam": "Gemeente Waterbeek",
            "kvk-nummer": "12345678",
            "contactpersonen": [{"naam": "Team vroegsignalering", "email": "vroeg@waterbeek.example"}],
        },
        "vroegsignalen": [],
        "vroegsignaalzaken": [],
    }


def test_a_summer_delivery_has_the_offset_of_summer() -> None:
    of = Delivery(FIRST, LAST, "X", "0000", "G", datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=-3))))
    assert made([], of=of)[0]["aanleverdatumEnTijd"] == "2026-07-01T17:00:00+02:00"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"last": FIRST - timedelta(days=1)}, "before its first"),
        ({"made_at": datetime(2026, 11, 4)}, "time zone"),  # noqa: DTZ001
        ({"municipality": "123"}, "four digits"),
    ],
)
def test_what_cannot_be_delivered_is_refused(change: dict[str, Any], why: str) -> None:
    usual = {"first": FIRST, "last": LAST, "supplier": "X", "municipality": "0000", "organisation": "G"}
    with pytest.raises(ValueError, match=why):
        Delivery(**{**usual, "made_at": datetime(2026, 11, 4, tzinfo=UTC), **change})


def test_a_signal_is_delivered_in_whole_euros_rounded_down_with_what_it_says() -> None:
    (told,) = delivered(signal(kind=Kind.HAND_OVER))
    assert told == {
        "ID": "s1",
        "client": {"postcode": "6789CA", "huisnummer": "12"},
        "signaalpartner": {"type": "Huur"},
        "crisissignaal": False,
        "warmeOverdracht": True,
        "bedrag": 1234,
        "ontstaansdatum": "2026-08-01",
        "signaaldatum": "2026-10-31",
        "status": "Nog niet opgepakt",
    }
    assert "ontstaansdatum" not in delivered(signal(arrears_since=None))[0]


def test_urgent_flags_and_ends_of_supply_are_crisis_signals() -> None:
    crisis = [
        signal(urgent=(UrgentFlag.SHUT_OFF_ANNOUNCED,)),
        signal(kind=Kind.END_OF_SUPPLY),
        signal(kind=Kind.UPDATE),
    ]
    assert [told["crisissignaal"] for told in delivered(*crisis)] == [True, True, False]


@pytest.mark.parametrize(
    ("contact", "addition"),
    [
        ({"letter": "a", "addition": "02"}, "A2"),
        ({"letter": "A", "addition": "bis"}, "ABIS"),
        ({"addition": "2-hoog"}, "2"),
        ({"addition": "III"}, "3"),
        ({"addition": "huis"}, "HS"),
        ({"addition": "begane grond"}, "HS"),
        ({"house_number": "12-C"}, "C"),
        ({"house_number": "12 A-2"}, "A2"),
        ({"addition": "t/m 14"}, None),
        ({"addition": "c/o Jan"}, None),
        ({"addition": "2 hg"}, "2"),
        ({"house_number": "", "street": "", "address": "Kade 12 A Zandhoek 6789 CA"}, "A"),
        ({}, None),
    ],
)
def test_house_letter_and_addition_are_joined_and_read_the_same_in_every_spelling(
    contact: dict[str, str], addition: str | None
) -> None:
    told = client(**{"street": "Dorpsstraat", "house_number": "12", "postcode": "6789 ca", **contact})
    assert told == {
        "postcode": "6789CA",
        "huisnummer": "12",
        **({"huisnummertoevoeging": addition} if addition else {}),
    }


@pytest.mark.parametrize(
    ("born", "real"),
    [
        (date(1980, 4, 3), True),
        (date(1900, 1, 1), False),
        (date(1970, 1, 1), False),
        (date(1999, 9, 9), False),
        (date(2027, 1, 1), False),
        (None, False),
    ],
)
def test_a_birth_date_that_is_none_is_left_out(born: date | None, real: bool) -> None:  # noqa: FBT001
    told = client(street="Kade", house_number="5", postcode="6789CA", birth_date=born)
    assert told.get("geboortedatum") == (str(born) if real else None)


def test_a_signal_without_a_whole_address_is_left_out_counted_and_told_with_the_reason() -> None:
    out_of = {
        None: LeftOut.NOT_OPENED,
        Contact(street="Kade", house_number="5", postcode="6789"): LeftOut.NO_POSTCODE,
        Contact(street="Postbus", house_number="5", postcode="6789CA"): LeftOut.NO_POSTCODE,
        Contact(street="Kade", postcode="6789CA"): LeftOut.NO_HOUSE_NUMBER,
    }
    bad = [signal(f"bad{at}", contact=contact) for at, contact in enumerate(out_of)]
    early = signal("early", contact=None, reported_on=FIRST - timedelta(days=1))
    of = [
        SignalCase(("bad0", "good"), "2026-10", case()),
        SignalCase(("bad1", "early"), "2026-09", case()),
    ]
    found, written = made([*bad, signal("good"), early], of)
    assert [told["ID"] for told in found["leveringen"][0]["vroegsignalen"]] == ["good"]
    assert written.left_out == {LeftOut.NOT_OPENED: 1, LeftOut.NO_POSTCODE: 2, LeftOut.NO_HOUSE_NUMBER: 1}
    assert [told["vroegsignalen"] for told in found["leveringen"][0]["vroegsignaalzaken"]] == [[{"ID": "good"}]]
    assert (written.cases, written.cases_left_out) == (1, 1)
    assert written.signals == {Category.RENT: 1}


def test_both_days_of_the_border_belong_to_the_delivery_and_what_lies_outside_does_not() -> None:
    on = [FIRST - timedelta(days=1), FIRST, LAST, LAST + timedelta(days=1)]
    assert [told["ID"] for told in delivered(*(signal(str(day), reported_on=day) for day in on))] == [
        "2026-10-01",
        "2026-10-31",
    ]


def test_a_case_is_delivered_while_it_was_open_with_what_happened_through_the_last_day() -> None:
    after = LAST + timedelta(days=1)
    worked = case(
        TakenUp(on=LAST),
        Attempt(on=LAST, contact=ContactKind.MESSAGE, reached=False, day_part=DayPart.EVENING),
        Attempt(on=after, contact=ContactKind.PHONE, reached=True),
        Closed(on=after, result=Result.ADVICE),
    )
    before = case(Closed(on=FIRST - timedelta(days=1), result=Result.WRONGFUL), opened=FIRST - timedelta(days=9))
    later = case(opened=after)
    reopened = case(Closed(on=FIRST, result=Result.WRONGFUL), Reopened(on=FIRST))
    of = [
        SignalCase(("s1", "s0", "s1"), "2026-10", worked),
        *(SignalCase((str(at),), "2026-09", one) for at, one in enumerate((before, later, reopened))),
    ]
    found, _written = made([], of)
    assert found["leveringen"][0]["vroegsignaalzaken"] == [
        {
            "vroegsignalen": [{"ID": "s1"}, {"ID": "s0"}],
            "matchingsdatum": "2026-10-01",
            "startdatumMatchingperiode": "2026-10-01",
            "einddatumMatchingperiode": "2026-10-31",
            "datumOpgepakt": "2026-10-31",
            "contactpogingen": [{"soort": "SMS/Whatsapp", "bereikt": False, "datum": "2026-10-31", "dagdeel": "Avond"}],
        },
        {
            "vroegsignalen": [{"ID": "2"}],
            "matchingsdatum": "2026-10-01",
            "startdatumMatchingperiode": "2026-09-01",
            "einddatumMatchingperiode": "2026-09-30",
            "datumOpgepakt": "2026-10-01",
            "contactpogingen": [],
        },
    ]


def test_the_status_of_a_signal_is_that_on_the_last_day() -> None:
    after = LAST + timedelta(days=1)
    statuses = {
        None: NOT_YET,
        case(): NOT_YET,
        case(TakenUp(on=LAST)): TAKEN_UP,
        case(TakenUp(on=after)): NOT_YET,
        case(Closed(on=LAST, result=Result.DECEASED)): "Inwoner is overleden",
        case(Closed(on=after, result=Result.DECEASED)): NOT_YET,
        case(TakenUp(on=LAST), Closed(on=LAST, result=Result.DECEASED)): TAKEN_UP,  # the case's result says the rest
    }
    assert [delivered(signal(case=of))[0]["status"] for of in statuses] == list(statuses.values())


def test_a_signal_is_made_from_what_the_desk_has_opened() -> None:
    row = {"reportId": "r", "category": "energy", "kind": "update", "amountEuros": 99, "sinceDerived": True} | {
        "arrearsSince": "2026-09-01",
        "reportedOn": "2026-10-31",
        "urgent": ["shut_off_announced"],
    }
    details: dict[str, str | int] = {"amount_cents": 9_999, "contract": "c", "postcode": "6789CA", "house_number": "5"}
    report: Any = SimpleNamespace()
    opened = OpenedReport("x", report, details, "", "", compromised=False)
    (told,) = delivered(Signal.of(row, opened, case(TakenUp(on=LAST))))
    assert (told["bedrag"], told["status"], told["crisissignaal"]) == (99, TAKEN_UP, True)
    assert told["client"] == {"postcode": "6789CA", "huisnummer": "5"}
    assert "ontstaansdatum" not in told
    assert made([Signal.of(row, ValueError(), None)])[1].left_out == {LeftOut.NOT_OPENED: 1}
    odd = OpenedReport("x", report, {**details, "birth_date": "no date"}, "", "", compromised=False)
    assert made([Signal.of(row, odd, None)])[1].left_out == {LeftOut.NOT_OPENED: 1}


def test_a_file_is_its_owners_alone_and_there_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "ddas.json"

    def breaks_off() -> Iterable[Signal]:
        yield signal()
        raise OSError("the service went away")

    with pytest.raises(OSError, match="went away"):
        write_file(file, DELIVERY, breaks_off(), [])
    assert list(tmp_path.iterdir()) == []
    assert write_file(file, DELIVERY, [signal()], []).signals.total() == 1
    assert json.loads(file.read_text(encoding="utf-8"))["leveringen"][0]["vroegsignalen"][0]["ID"] == "s1"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
