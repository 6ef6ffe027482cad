"""A made-up town: homes of every kind, who lives there, who moved, and whose contracts are in arrears where."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from bench.mess import words

TODAY = date(2026, 10, 31)


@dataclass(frozen=True)
class Home:
    """`kind` of addition: "", letter, floor, letter-floor, colour, bis, flat, room, facing or range; `part` which."""

    street: str
    number: int
    postcode: str
    kind: str = ""
    part: str = ""


@dataclass
class Person:
    """One resident: what a passport would say, and what they use."""

    id: str
    household: str
    sex: int
    given: tuple[tuple[str, ...], ...]  # spellings of each passport name
    daily: tuple[str, ...]
    infix: str
    surname: tuple[str, ...]
    born: date
    home: Home
    former: Home | None = None
    partner: "tuple[str, tuple[str, ...]] | None" = None
    phone: str = ""
    second_phone: str = ""
    email: str = ""
    trade: str = ""


@dataclass(frozen=True)
class Contract:
    """One creditor's customer; `stale`: the creditor has the former address."""

    creditor: str
    person: Person
    stale: bool = False


@dataclass
class Town:
    """All contracts in arrears of one month."""

    contracts: list[Contract] = field(default_factory=list)


RENT, ENERGY, INSURANCE = ("woonhuis", "verhuurder"), ("stroomwerk", "warmtebron"), ("polis-west", "zorgkring")
WATER = "drinkwater"


class Maker:
    """Makes a town; the same seed makes the same one."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._streets = [(name, 2000 + self.random.randrange(60), self._letters()) for name in words.STREETS]
        self._free = self._homes()
        self._count = 0

    def town(self, households: int) -> Town:
        """Make households until there are as many as asked for."""
        town, made = Town(), 0
        for homes in self._free:
            if made >= households:
                break
            if homes[0].kind == "room":
                for home in homes:
                    self._contracts(town, [self._person(home, self._new_household())], rooms=True)
            else:
                for home in homes:
                    self._contracts(town, self._household(home))
                    made += 1
            made += homes[0].kind == "room"
        self.random.shuffle(town.contracts)
        return town

    def _letters(self) -> str:
        return "".join(self.random.choices("ABCDEGHJKLNPRSTVWXZ", k=2))

    def _homes(self) -> list[list[Home]]:
        """Buildings with their homes, in random order."""
        chance, buildings = self.random, []
        for street, digits, letters in self._streets:
            kinds = chance.choices(["", "letter", "floor", "letter-floor", "colour", "bis", "flat"], k=3)
            for number in range(1 + chance.randrange(2), 260, 2 + chance.randrange(3)):
                postcode = f"{digits}{letters[0]}{'ABCDEGHJKLNP'[number // 25]}"
                home = Home(street, number, postcode)
                kind = chance.choice([*kinds, "", "", ""])
                if chance.random() < 0.02:
                    kind = chance.choice(["room", "facing", "range", "care"])
                buildings.append(self._parts(home, kind))
        chance.shuffle(buildings)
        return buildings

    def _parts(self, home: Home, kind: str) -> list[Home]:
        parts = {
            "letter": ["A", "B", "C"],
            "floor": ["hs", "1", "2", "3"],
            "letter-floor": ["A hs", "A 1", "A 2", "B 1", "B 2"],
            "colour": ["zw", "rd"],
            "bis": ["", "bis", "bis A"],
            "flat": [str(n) for n in range(1, 2 + self.random.randrange(14))],
            "room": [str(n) for n in range(1, 4 + self.random.randrange(6))],
            "facing": ["to"],
            "range": ["range"],
            "care": [""] * 12,
        }.get(kind, [""])
        if kind == "care":
            return [replace(home, kind="room", part=str(at + 1)) for at in range(12)]
        return [replace(home, kind=kind if part else "", part=part) for part in parts]

    def _landline(self) -> str:
        area = self.random.choice(["10", "30", "70", "20", "224", "317"])
        return area + "".join(self.random.choices("23456789", k=9 - len(area)))

    def _new_household(self) -> str:
        self._count += 1
        return f"H{self._count:05}"

    def _person(self, home: Home, household: str, *, parent: Person | None = None) -> Person:
        chance = self.random
        group = chance.choices(list(words.WEIGHTS), list(words.WEIGHTS.values()))[0]
        infix, surname = chance.choice(words.surnames(group))
        if chance.random() < 0.35:  # a few surnames are everywhere
            infix, surname = chance.choice(words.surnames(group)[:8])
        if parent:
            infix, surname = parent.infix, parent.surname
        sex, self._count = chance.randrange(2), self._count + 1
        names = chance.sample(words.given(group, sex), k=chance.choices([1, 2, 3], [5, 4, 2])[0])
        born = TODAY - timedelta(days=chance.randrange(19 * 366, 85 * 365))
        if parent:
            born = TODAY - timedelta(days=chance.randrange(18 * 366, 40 * 366))
        local = f"{names[0][1][0].lower()[:1]}-{surname[0].split()[-1].lower()}{self._count}"
        plain = "".join(sign for sign in local if sign.isascii() and (sign.isalnum() or sign == "-")).strip("-")
        return Person(
            id=f"P{self._count:05}",
            household=household,
            sex=sex,
            given=tuple(passport for passport, _ in names),
            daily=names[0][1],
            infix=infix,
            surname=surname,
            born=born,
            home=home,
            phone=f"6{chance.randrange(10_000_000, 99_999_999)}" if chance.random() < 0.85 else "",
            second_phone=self._landline() if chance.random() < 0.25 else "",
            email=f"{plain}@{chance.choice(words.MAIL)}" if chance.random() < 0.75 else "",
        )

    def _household(self, home: Home) -> list[Person]:
        """One to four adults: alone, a couple, a parent with grown children, twins, a father and son of one initial."""
        chance, household = self.random, self._new_household()
        one = self._person(home, household)
        people, kind = [one], chance.random()
        if kind > 0.5:
            people.append(self._partner(one))
        if kind > 0.85:
            people += self._children(one)
        if chance.random() < 0.04:
            one.trade = chance.choice(words.TRADES)
        if chance.random() < 0.12:
            former = chance.choice(chance.choice(self._free))
            for person in people:
                person.former = former
        return people

    def _partner(self, one: Person) -> Person:
        """Somebody who lives with `one`; either may use the other's name, and they may share telephone and e-mail."""
        chance, other = self.random, self._person(one.home, one.household)
        other.second_phone = one.second_phone
        for this, that in ((one, other), (other, one)):
            if chance.random() < 0.35:
                this.partner = (that.infix, that.surname)
        if chance.random() < 0.15:
            other.phone = one.phone
        if chance.random() < 0.15:
            other.email = one.email
        return other

    def _children(self, one: Person) -> list[Person]:
        """A grown child, now and then with the parent's first name, now and then with a twin."""
        chance, child = self.random, self._person(one.home, one.household, parent=one)
        child.second_phone = one.second_phone
        if chance.random() < 0.35:
            child.given, child.daily, child.sex = (one.given[0], *child.given[1:]), one.daily, one.sex
        if chance.random() >= 0.2:
            return [child]
        twin = self._person(one.home, one.household, parent=one)
        twin.born = child.born
        return [child, twin]

    def _contracts(self, town: Town, people: Sequence[Person], *, rooms: bool = False) -> None:
        chance, holder = self.random, people[0]
        wrong = chance.choice([0, 0, 1, 1])  # by whom the former address is still in the books
        found: list[tuple[str, Person]] = []
        if chance.random() < 0.55:
            found.append((chance.choices(RENT, [3, 1])[0], holder))
        if not rooms and chance.random() < 0.55:
            found.append((chance.choice(ENERGY), holder if chance.random() < 0.8 else people[-1]))
        if not rooms and chance.random() < 0.5:
            found.append((WATER, holder if chance.random() < 0.8 else people[-1]))
        found += [(chance.choice(INSURANCE), person) for person in people if chance.random() < 0.5]
        for creditor, person in found:
            insurer = creditor in INSURANCE
            stale = person.former is not None and chance.random() < (0.6 if insurer == bool(wrong) else 0.1)
            town.contracts.append(Contract(creditor, person, stale))
