"""Match keys are what docs/match-keys.md says, tell no more than they must, and meet for one person's spellings."""

import hashlib
import hmac
import json
import re
from dataclasses import replace
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.identity import Contact
from privacy.matchkeys import STRONG_KEYS, WEAK_KEYS, district_key, match_keys
from privacy.normalise.people import Person, normalise
from signals.report import MatchKeys

PILOT_KEY = bytes(range(32))
DOCUMENT = Path(__file__).parents[2] / "docs" / "match-keys.md"
EXAMPLES = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[0])
CONTACTS = st.builds(
    Contact,
    name=st.text(max_size=20),
    surname=st.text(max_size=20),
    initials=st.text(max_size=5),
    birth_date=st.none() | st.dates(),
    street=st.text(max_size=12),
    house_number=st.text(max_size=5),
    addition=st.text(max_size=5),
    postcode=st.sampled_from(("6789 CA", "", "6789", "x")),
    phone=st.text("0123456789+ ", max_size=12),
    email=st.text(max_size=12),
)


def by_the_document(kind: str, *values: str) -> str:
    parts = [part.encode() for part in ("v1.hmac", kind, *values)]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(bytes.fromhex(EXAMPLES["pilotKey"]), message, hashlib.sha256).hexdigest()[:32]


def contact_of(example: dict[str, Any]) -> Contact:
    details = dict(example["contact"])
    if "birth_date" in details:
        details["birth_date"] = date.fromisoformat(details["birth_date"])
    return Contact(**details)


def meet(one: MatchKeys, other: MatchKeys) -> bool:
    """Whether two reports are joined: by a strong key, or by a weak one that no birth date vetoes."""
    tokens = {weak.key: weak.birth for weak in other.weak}
    shared = [(weak.birth, tokens[weak.key]) for weak in one.weak if weak.key in tokens]
    return bool(set(one.strong) & set(other.strong)) or any(not (a and b) or a == b for a, b in shared)


@pytest.mark.parametrize("example", EXAMPLES["examples"], ids=lambda example: example["about"])
def test_the_documents_examples_are_right(example: dict[str, Any]) -> None:
    made = match_keys(PILOT_KEY, [contact_of(example)])
    tokens = {weak.key: weak.birth for weak in made.weak}
    places = {"dwelling": made.dwelling, "street-dwelling": made.street_dwelling, "building": made.building}
    for row in example["keys"]:
        assert row["key"] == by_the_document(row["kind"], *row["values"])
        if row["list"] == "strong":
            assert row["key"] in made.strong
        elif row["list"] == "weak":
            assert tokens[row["key"]] == row.get("birth")
        else:
            assert places[row["kind"]] == row["key"]


def test_the_documents_examples_leave_no_key_unsaid() -> None:
    for example in EXAMPLES["examples"]:
        one, other = (match_keys(PILOT_KEY, [contact_of(example)]) for _ in range(2))  # random ones differ
        said = {row["key"] for row in example["keys"]}
        assert set(one.strong) & set(other.strong) == {r["key"] for r in example["keys"] if r["list"] == "strong"}
        assert {weak.key for weak in one.weak} & {weak.key for weak in other.weak} <= said


def test_the_documents_district_is_right() -> None:
    assert district_key(PILOT_KEY, EXAMPLES["district"]["postcode4"]) == EXAMPLES["district"]["key"]
    assert EXAMPLES["district"]["key"] == by_the_document("district", "6789")


@given(CONTACTS)
def test_every_report_has_as_many_keys_and_is_fit_for_the_wire(contact: Contact) -> None:
    made = match_keys(PILOT_KEY, [contact])
    assert (len(set(made.strong)), len({weak.key for weak in made.weak})) == (STRONG_KEYS, WEAK_KEYS)
    assert list(made.strong) == sorted(made.strong)
    assert [weak.key for weak in made.weak] == sorted(weak.key for weak in made.weak)
    assert len({weak.birth is None for weak in made.weak}) == 1
    assert MatchKeys.model_validate_json(made.model_dump_json(by_alias=True)) == made


SPELLED = st.builds(
    Contact,
    surname=st.sampled_from(("de Jong", "Smit-Bakker", "Bakker-Kabber", "Ng")),
    initials=st.sampled_from(("", "J.", "É")),
    birth_date=st.none() | st.just(date(1982, 3, 5)),
    street=st.sampled_from(("", "Kerkstraat")),
    house_number=st.sampled_from(("", "12")),
    addition=st.sampled_from(("", "A")),
    postcode=st.sampled_from(("6789 CA", "", "6789")),
    phone=st.sampled_from(("", "0657557434", "0207896298")),
    email=st.sampled_from(("", "s@b.nl", "é@b.nl")),
)


def keys_by_the_document(person: Person) -> tuple[set[str], set[str], tuple[str | None, ...]]:
    """What docs/match-keys.md says, kind by kind, of each list as many as it holds; and the three places."""
    (surnames, initial), birth, (postcode, number, addition, street), phone, email = person
    letters = ["".join(sorted(surname)) for surname in surnames]
    building = (postcode, number) if len(postcode) == 6 and number else None
    home = (*building, addition) if building else None
    by_street = (postcode[:4], street, number, addition) if postcode and street and number else None
    strong = [
        *(birth and by_the_document("1-surname-initial-birth", each, initial, birth) for each in letters),
        birth and building and by_the_document("2-initial-birth-building", initial, birth, *building),
        phone.startswith("316") and birth and by_the_document("3-mobile-birth", phone, birth),
        email and birth and by_the_document("4-email-birth", email, birth),
    ]
    weak = [
        *(building and by_the_document("1-surname-initial-building", each, initial, *building) for each in letters[:2]),
        phone and by_the_document("2-phone-initial", phone, initial),
        email and by_the_document("3-email-initial", email, initial),
        home and by_the_document("4-surname-start-initial-dwelling", surnames[0][:3], initial, *home),
        home and by_the_document("5-surname-end-initial-dwelling", surnames[-1][-3:], initial, *home),
        by_street and by_the_document("6-surname-initial-street-dwelling", letters[0], initial, *by_street),
    ]
    places = (
        by_the_document("dwelling", *home) if home else None,
        by_the_document("street-dwelling", *by_street) if by_street else None,
        by_the_document("building", *building) if building else None,
    )
    known, also = (list(dict.fromkeys(key for key in keys if key)) for keys in (strong, weak))
    return set(known[:STRONG_KEYS]), set(also[:WEAK_KEYS]), places


@given(SPELLED)
def test_keys_are_those_of_the_document_and_nothing_else_but_filling(contact: Contact) -> None:
    person = normalise(contact)
    one, other = (match_keys(PILOT_KEY, [contact]) for _ in range(2))  # filling differs
    strong, weak, places = keys_by_the_document(person)
    tokens = {each.key: each.birth for each in one.weak}
    assert set(one.strong) & set(other.strong) == strong
    assert set(tokens) & {each.key for each in other.weak} == weak
    if person.birth:
        assert all(tokens[key] == by_the_document("birth", key, person.birth) for key in weak)
    made = (one.dwelling, one.street_dwelling, one.building)
    assert [key == said for key, said in zip(made, places, strict=True)] == [place is not None for place in places]


@given(CONTACTS)
def test_another_pilots_keys_meet_none_of_these(contact: Contact) -> None:
    one, other = match_keys(PILOT_KEY, [contact]), match_keys(PILOT_KEY[::-1], [contact])
    assert not set(one.strong) & set(other.strong)
    assert not {weak.key for weak in one.weak} & {weak.key for weak in other.weak}
    assert (one.dwelling, one.street_dwelling, one.building) != (other.dwelling, other.street_dwelling, other.building)


@given(st.lists(CONTACTS, min_size=2, max_size=3))
def test_the_order_of_repeated_rows_says_nothing(contacts: list[Contact]) -> None:
    made = [match_keys(PILOT_KEY, order, fill=bytes) for order in permutations(contacts)]
    assert all(one == made[0] for one in made)


def test_repeated_rows_join_their_keys() -> None:
    full = Contact(name="S. de Jong", birth_date=date(1982, 3, 5), postcode="6789 CA", house_number="3")
    other = Contact(name="S. de Jnog", phone="0657557434")
    both = match_keys(PILOT_KEY, [other, full])
    assert meet(both, match_keys(PILOT_KEY, [full]))
    assert {weak.key for weak in both.weak} & {weak.key for weak in match_keys(PILOT_KEY, [other]).weak}
    assert both.dwelling == match_keys(PILOT_KEY, [full]).dwelling


BORN = date(1982, 3, 5)
HOME: dict[str, Any] = {"street": "Kerkstraat", "house_number": "12", "addition": "A", "postcode": "6789 CA"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Contact(name="S. de Jong", **HOME), Contact(surname="Jong, de", first_name="Stella", birth_date=BORN, **HOME)),
        (Contact(name="S. de Jnog", **HOME), Contact(name="S. de Jong", **HOME)),
        (Contact(name="T. Vermeulen", **HOME), Contact(name="T. Vermeluen-Smit", birth_date=BORN, **HOME)),
        (Contact(name="S. Jansen-de Jong", **HOME), Contact(name="S. de Jong-Jansen", **HOME)),
        (Contact(name="S. Jansen-de Jong", birth_date=BORN), Contact(name="S. de Jong", birth_date=BORN, **HOME)),
        (Contact(name="S. Bakker", birth_date=BORN, **HOME), Contact(name="S. Verhoef", birth_date=BORN, **HOME)),
        (Contact(name="S. Bakker", birth_date=BORN), Contact(name="S. Bakker", birth_date=date(1982, 5, 3))),
        (Contact(name="S. Bakker", phone="06-57557434"), Contact(name="Stef Visser", phone="+31 6 57557434")),
        (Contact(name="S. Bakker", email="s@b.nl"), Contact(name="S. B.", email="S@B.NL")),
        (
            Contact(name="A. Vos", birth_date=BORN, phone="0657557434", **HOME),
            Contact(name="Bram Vos", birth_date=BORN, phone="020-7896298 / 06-57557434"),
        ),
        (
            Contact(surname="de Vries", first_name="Noor", birth_date=BORN, email="n@b.nl"),
            Contact(surname="Noor", first_name="de Vries", birth_date=BORN, email="n+huur@b.nl"),
        ),
        (Contact(name="S. Bakker", **HOME), Contact(name="S. Bakker", address="Kerkstr. 12, 6789CA")),
        (Contact(name="S. Bakker", **HOME), Contact(name="S. Bakker", **(HOME | {"postcode": "6789 AC"}))),
    ],
)
def test_spellings_of_one_person_meet(one: Contact, other: Contact) -> None:
    assert meet(match_keys(PILOT_KEY, [one]), match_keys(PILOT_KEY, [other]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Contact(name="S. Bakker", birth_date=BORN, **HOME),
            Contact(name="S. Bakker", birth_date=date(2004, 1, 30), **HOME),
        ),
        (Contact(name="S. Bakker", **HOME), Contact(name="T. Bakker", **HOME)),
        (Contact(name="S. Bakker", **HOME), Contact(name="S. Visser", **HOME)),
        (Contact(name="S. Bakker", phone="0657557434"), Contact(name="T. Bakker", phone="0657557434")),
        (  # twins, who share the home's telephone
            Contact(name="S. Bakker", birth_date=BORN, phone="020-7896298", **HOME),
            Contact(name="T. Bakker", birth_date=BORN, phone="020-7896298", **HOME),
        ),
        (  # a parent and a child who share a mobile number
            Contact(name="S. Bakker", birth_date=BORN, phone="0657557434", **HOME),
            Contact(name="T. Bakker", birth_date=date(2004, 1, 30), phone="0657557434", **HOME),
        ),
        (  # a father and a son with one initial, who share all but their birth dates
            Contact(name="S. Bakker", birth_date=BORN, phone="0657557434", email="b@b.nl", **HOME),
            Contact(name="S. Bakker", birth_date=date(2004, 1, 30), phone="0657557434", email="b@b.nl", **HOME),
        ),
        (Contact(name="S. Bakker", birth_date=BORN), Contact(name="S. Bakker", birth_date=date(1980, 1, 30))),
        (Contact(name="S. Bakker"), Contact(name="S. Bakker")),
        (Contact(), Contact()),
        (Contact(birth_date=BORN), Contact(birth_date=BORN)),
    ],
)
def test_two_persons_do_not_meet(one: Contact, other: Contact) -> None:
    assert not meet(match_keys(PILOT_KEY, [one]), match_keys(PILOT_KEY, [other]))


@given(CONTACTS, st.dates(date(1930, 1, 1), date(1969, 12, 31)))
def test_two_known_birth_dates_are_two_persons_however_well_the_rest_agrees(contact: Contact, birth: date) -> None:
    one = replace(contact, birth_date=BORN)
    assert not meet(match_keys(PILOT_KEY, [one]), match_keys(PILOT_KEY, [replace(one, birth_date=birth)]))


def test_a_veto_token_tells_nothing_under_another_key() -> None:
    made = match_keys(PILOT_KEY, [Contact(name="S. Bakker", birth_date=BORN, **HOME)])
    tokens = [weak.birth for weak in made.weak]
    assert len(set(tokens)) == WEAK_KEYS


def test_an_addition_parts_dwellings_and_not_buildings() -> None:
    one = match_keys(PILOT_KEY, [Contact(name="S. Bakker", **HOME)])
    other = match_keys(PILOT_KEY, [Contact(name="S. Bakker", **(HOME | {"addition": ""}))])
    assert (one.has_addition, other.has_addition) == (True, False)
    assert one.building == other.building
    assert one.dwelling != other.dwelling
    assert one.street_dwelling != other.street_dwelling


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        match_keys(b"short", [Contact(name="S. Bakker")])
    with pytest.raises(ValueError, match="at least one"):
        match_keys(PILOT_KEY, [])
    with pytest.raises(ValueError, match="32 bytes"):
        district_key(b"short", "6789")
    for wrong in ("393", "67894", "393a", "３９３４", ""):
        with pytest.raises(ValueError, match="four digits"):
            district_key(PILOT_KEY, wrong)
