"""Drawn histories of a pilot: months of deliveries about few, messy people, and what residents say in between.

A history is a list of eras. Within an era deliveries may come in any order and any partition; what residents say, and
corrections of what was delivered, come between eras, because a no takes along whoever is linked by then.

A new kind of step (a settlement, a decision of the review queue) goes in STEPS: a function that draws one from the
people and from what was delivered so far, as something with `carry_out`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol

from hypothesis import strategies as st

from client import desk_basis, known_clients
from client.checking import SendableRow
from client.home import Home
from client.service import Service
from privacy.identity import Contact
from privacy.pilot_document import PilotDocument
from signals.days import last_day
from signals.report import Category, Kind
from tests.world import CREDITORS, make_row

PERIODS = ("2026-08", "2026-09", "2026-10")
BIRTHS = (None, date(1950, 5, 5), date(1990, 9, 9))
PHONES = ("", "", "", "0611111111", "0622222222")
HOMES = (("12", "1111 AB"), ("12", "1111 AC"), ("14", "1111 AB"), ("77", "1112 XY"))  # the second: a wrong letter
NAMES = (("A.", "Visser"), ("A.", "de Vries"), ("B.", "Visser"), ("", "Visser"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one creditor sends of one month at once."""

    creditor: str
    period: str
    rows: tuple[SendableRow, ...]


class Step(Protocol):
    """Something that happens between eras."""

    def carry_out(self, home: Home, service: Service, document: PilotDocument) -> object:
        """Do it as the desk; `service` carries a change out at once."""


@dataclass(frozen=True, slots=True)
class Era:
    """Deliveries in no order, and what happens after all of them."""

    deliveries: tuple[Delivery, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody tells the desk: one of the functions of client/desk_basis.py, and with what."""

    what: Callable[..., dict[str, Any]]
    about: tuple[Any, ...]

    def carry_out(self, home: Home, service: Service, document: PilotDocument) -> object:
        return self.what(home, service, document, *self.about)


@dataclass(frozen=True, slots=True)
class Objected:
    """Somebody objects; then a person decides, or not yet."""

    contact: Contact
    decided: str | None

    def carry_out(self, home: Home, service: Service, document: PilotDocument) -> object:
        done = desk_basis.record_objection(home, service, document, self.contact)
        if self.decided is None:
            return done
        return desk_basis.decide_objection(service, document, done["changeId"], self.decided)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Listed:
    """The knock-out list is replaced."""

    contacts: tuple[Contact, ...]

    def carry_out(self, home: Home, service: Service, document: PilotDocument) -> object:
        clients = [known_clients.Client(contact) for contact in self.contacts]
        return known_clients.push_clients(home, service, document, clients, replace=True)


contacts = st.builds(
    lambda name, born, phone, home: Contact(
        initials=name[0],
        surname=name[1],
        birth_date=born,
        phone=phone,
        street="Dorpsstraat",
        house_number=home[0],
        postcode=home[1],
    ),
    *(st.sampled_from(of) for of in (NAMES, BIRTHS, PHONES, HOMES)),
)


@st.composite
def lookalikes(draw: st.DrawFn) -> list[Contact]:
    """Two to five people, most of whom differ in one thing from one before: twins, parent and child, housemates."""
    people = [draw(contacts)]
    for _ in range(draw(st.integers(1, 4))):
        like = draw(st.sampled_from(people))
        people.append(replace(like, **draw(_one_thing)))
    return people


_one_thing: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(BIRTHS).map(lambda born: {"birth_date": born}),
    st.sampled_from(BIRTHS).map(lambda born: {"birth_date": born}),
    st.sampled_from(PHONES).map(lambda phone: {"phone": phone}),
    st.sampled_from(NAMES).map(lambda name: dict(zip(("initials", "surname"), name, strict=True))),
    st.sampled_from(HOMES).map(lambda home: dict(zip(("house_number", "postcode"), home, strict=True))),
)
categories = st.sampled_from(tuple(CREDITORS.values()))


def _of(people: Sequence[Contact]) -> st.SearchStrategy[Contact]:
    return st.sampled_from(people)


def _consents(people: Sequence[Contact]) -> st.SearchStrategy[Step]:
    given = st.builds(
        desk_basis.ConsentGiven,
        category=st.just(Category.ENERGY),
        notice=st.just("n1"),
        given_on=st.just(date(2026, 1, 1)),
        valid_until=st.sampled_from((date(2026, 9, 15), date(2027, 1, 1))),
    )
    return st.builds(lambda who, what: Said(desk_basis.record_consent, (who, what)), _of(people), given)


def _refusals(people: Sequence[Contact]) -> st.SearchStrategy[Step]:
    return st.builds(lambda who, of: Said(desk_basis.refuse_consent, (who, of)), _of(people), categories)


def _withdrawals(people: Sequence[Contact]) -> st.SearchStrategy[Step]:
    return st.builds(
        lambda who: Said(desk_basis.withdraw_consent, (who, Category.ENERGY)),
        _of(people),
    )


def _objections(people: Sequence[Contact]) -> st.SearchStrategy[Step]:
    return st.builds(Objected, _of(people), st.sampled_from((None, "upheld", "dismissed")))


def _lists(people: Sequence[Contact]) -> st.SearchStrategy[Step]:
    who = [one for one in people if one.birth_date or one.phone]  # others can't be recognised
    return st.builds(Listed, st.lists(st.sampled_from(who), max_size=2).map(tuple)) if who else _refusals(people)


STEPS: tuple[Callable[[Sequence[Contact]], st.SearchStrategy[Step]], ...] = (
    _consents,
    _refusals,
    _withdrawals,
    _objections,
    _lists,
)


@st.composite
def histories(draw: st.DrawFn) -> list[Era]:
    """Two or three eras about few people, who share phones, doors, names and initials."""
    people = draw(lookalikes())
    contracts = {(creditor, f"{creditor}-{n}"): draw(_of(people)) for creditor in CREDITORS for n in (1, 2, 3)}
    eras: list[Era] = []
    places = [(creditor, reference, period) for creditor, reference in contracts for period in PERIODS]
    if draw(st.booleans()):  # consents, mostly, before the first month
        eras.append(Era((), tuple(draw(st.lists(_consents(people), min_size=1, max_size=3)))))
    for _ in range(draw(st.integers(1, 2))):
        chosen = draw(st.lists(st.sampled_from(places), min_size=2, max_size=9, unique=True))
        steps = draw(st.lists(st.one_of(*(step(people) for step in STEPS)), max_size=2))
        eras.append(Era(draw(_deliveries(chosen, contracts)), tuple(steps)))
        if draw(st.booleans()):
            places = [*chosen]  # what comes next corrects these
    return eras


@st.composite
def _deliveries(
    draw: st.DrawFn, chosen: Sequence[tuple[str, str, str]], contracts: Mapping[tuple[str, str], Contact]
) -> tuple[Delivery, ...]:
    rows: dict[tuple[str, str], list[SendableRow]] = {}
    for creditor, reference, period in sorted(chosen):
        row = draw(_row(creditor, reference, period, contracts[creditor, reference]))
        rows.setdefault((creditor, period), []).append(row)
    return tuple(Delivery(creditor, period, tuple(those)) for (creditor, period), those in rows.items())


@st.composite
def _row(draw: st.DrawFn, creditor: str, reference: str, period: str, person: Contact) -> SendableRow:
    """A month's row of a contract: its person as known, or with one thing else (moved, less known, somebody else's)."""
    changes = draw(st.one_of(st.just({}), st.just({}), _one_thing, _one_thing))
    who = replace(person, **changes)
    months, reported_on = draw(st.sampled_from((1, 2, 4))), last_day(period)
    return make_row(
        reference,
        **{
            name: getattr(who, name)
            for name in ("initials", "surname", "birth_date", "phone", "house_number", "postcode")
        },
        category=CREDITORS[creditor],
        kind=draw(st.sampled_from((Kind.EARLY, Kind.EARLY, Kind.EARLY, Kind.END_OF_SUPPLY))),
        amount_cents=draw(st.sampled_from((6_000, 10_000, 60_000))),
        months=months,
        arrears_since=reported_on - timedelta(days=31 * months),
        reported_on=reported_on,
    )
