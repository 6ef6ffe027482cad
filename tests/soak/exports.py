"""What is pushed in a soak: months of exports of three creditors about one messy town, and what residents say."""

import csv
import io
import json
import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import yaml

from signals.report import Category
from tests.exports import make_profile
from tests.world import CREDITORS

MONTHS = 12
LARGE = 180  # rows, and people
SMALL = 60
SURNAMES = (
    "Visser",
    "de Vries",
    "van den Berg",
    "Bakker",
    "Yılmaz",
    "Jansen",
    "van Dijk",
    "el Amrani",
    "Smit",
    "Mulder",
)
STREETS = ("Dorpsstraat", "Kerkstraat", "Molenweg", "Stationsplein")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who lives here, as a creditor may know them."""

    number: int
    initials: str
    surname: str
    birth_date: date | None
    phone: str
    street: str
    house_number: str
    postcode: str

    def contact(self) -> dict[str, str]:
        """As a desk types it in."""
        told = {name: str(getattr(self, name) or "") for name in self.__slots__ if name != "number"}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Step:
    """One command, repeated until it says that it is done."""

    name: str
    home: str
    words: tuple[str, ...]
    said: str = ""  # on standard input


@dataclass
class Script:
    """All steps, and the files that they need, written under `folder`."""

    folder: Path
    steps: list[Step] = field(default_factory=list)


def periods(today: date) -> list[str]:
    """The closed months before this one, the oldest first."""
    last, found = today.replace(day=1), []
    for _ in range(MONTHS):
        last = (last - timedelta(days=1)).replace(day=1)
        found.append(f"{last:%Y-%m}")
    return found[::-1]


def write_script(folder: Path, seed: int, steps: int, today: date) -> Script:
    """Write exports and say in which order they are pushed; the same seed gives the same script."""
    drawn, script = random.Random(f"script {seed}"), Script(folder)
    for creditor, category in CREDITORS.items():
        _write_profile(folder, creditor, category)
    town = _town(drawn)
    months = periods(today)
    while len(script.steps) < steps:
        at = len(script.steps)
        if at % 5 == 3:
            script.steps.append(_said(drawn, town, at))
            continue
        creditor = ("health", "housing", "power", "", "housing" if at % 2 else "power")[at % 5]
        month = months[at * MONTHS // steps]
        town = [_lived_on(drawn, person) for person in town]
        script.steps.append(_push(folder, drawn, (creditor, month, town), at))
    return script


def _town(drawn: random.Random) -> list[Person]:
    people: list[Person] = []
    for number in range(LARGE):
        kin = drawn.choice(people) if people and drawn.random() < 0.4 else None  # somebody at the same door
        people.append(
            Person(
                number=number,
                initials=drawn.choice("ABCDEFGHJ") + ".",
                surname=kin.surname if kin and drawn.random() < 0.7 else drawn.choice(SURNAMES),
                birth_date=None
                if drawn.random() < 0.15
                else date(1950, 1, 1) + timedelta(days=drawn.randrange(19_000)),
                phone=kin.phone if kin and drawn.random() < 0.3 else f"06{drawn.randrange(10**8):08}",
                street=kin.street if kin else drawn.choice(STREETS),
                house_number=kin.house_number if kin else str(drawn.randrange(1, 900)),
                postcode=kin.postcode if kin else drawn.choice(("1111 AB", "1111 CD", "1112 XY")),
            )
        )
    return people


def _lived_on(drawn: random.Random, person: Person) -> Person:
    """A month later: some moved, some have another phone."""
    chance = drawn.random()
    if chance < 0.02:
        return replace(person, house_number=str(drawn.randrange(1, 900)), street=drawn.choice(STREETS))
    return replace(person, phone=f"06{drawn.randrange(10**8):08}") if chance < 0.03 else person


def _push(folder: Path, drawn: random.Random, what: tuple[str, str, list[Person]], at: int) -> Step:
    creditor, month, town = what
    few = creditor != "health"
    customers = drawn.sample(town, SMALL) if few else town
    place = folder / f"{at:03}"
    place.mkdir(parents=True)
    (place / "uitsluitingen.csv").write_text("klant;reden\n", encoding="utf-8")
    text = io.StringIO()
    rows = csv.writer(text, delimiter=";", lineterminator="\n")
    rows.writerow(("klant", "naam", "geboren", "telefoon", "straat", "nr", "postcode", "bedrag", "maanden"))
    for one in customers:
        name = one.surname if drawn.random() < 0.05 else f"{one.initials} {one.surname}"
        born = one.birth_date.isoformat() if one.birth_date else ""
        who = (f"{creditor}-{one.number:05}", name, born, one.phone, one.street, one.house_number, one.postcode)
        rows.writerow((*who, f"{drawn.randrange(6_000, 90_000) / 100:.2f}".replace(".", ","), drawn.randrange(1, 5)))
    file = place / f"lijst_{month}.csv"
    file.write_text(text.getvalue(), encoding="utf-8")
    profile = str(folder / f"{creditor}.yaml")
    words = ("creditor", "push", str(file), "--profile", profile, "--unlike", "--lang", "en")
    return Step(f"{creditor} pushes {month}", creditor, words)


def _said(drawn: random.Random, town: list[Person], at: int) -> Step:
    person = drawn.choice([one for one in town if one.birth_date])
    said = json.dumps(person.contact())
    until = f"{date.today() + timedelta(days=200)}"  # noqa: DTZ011 - any day will do
    changes: tuple[tuple[str, ...], ...] = (
        ("consent", "record", "--category", "energy", "--notice", "n1", "--until", until, "--given-on", "2020-01-01"),
        ("objection", "record"),
        ("consent", "withdraw", "--category", "energy"),
        ("known-clients", "add"),
        ("consent", "refuse", "--category", "health_insurance"),
    )
    words = changes[at // 5 % len(changes)]
    return Step(f"desk: {' '.join(words[:2])}", "town", ("desk", *words, "--user", "soak", "--lang", "en"), said)


def _write_profile(folder: Path, creditor: str, category: Category) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    more = {"birth_date": "geboren", "phone": "telefoon"}
    profile = make_profile(profile=creditor, category=category.value, columns=more)
    (folder / f"{creditor}.yaml").write_text(
        yaml.safe_dump(profile.model_dump(mode="json", exclude_none=True)), encoding="utf-8"
    )
