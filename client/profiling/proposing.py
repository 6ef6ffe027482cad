"""A profile proposed for an unknown export: what was recognised, with the reason of each part, and what is doubtful.

What a file can't tell is never made up: the days of the creditor's fixed procedure come as a usual example that asks to
be confirmed, and without a place for objections and payment plans the profile refuses to push.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from client.amounts import read_cents
from client.cells import as_text, column_key
from client.dates import read_date
from client.decoding import UnreadableFile
from client.profiles import Profile
from client.profiling.contents import Column, columns_of
from client.profiling.grids import Grid, grids_of
from client.profiling.placing import Found, Placed, find_table, place_columns
from client.profiling.vocabulary import (
    CATEGORY,
    DATE_LABELS,
    PAID,
    PLACES,
    PLAN_KEPT,
    REFUSED,
    REMARKS,
    STATUS,
    URGENT,
)
from privacy.normalise.names import INFIXES, TITLES
from signals.report import Category

_NEEDED = ("columns.reference", "amount.column")
_SECOND_FILE = ("uitsluit", "bezwa", "exclu", "nietmelden")
_STATES = frozenset({"reden", "status", "stand", "reason", "state"})
_FILL_IN = (
    "social_collection: op welke dag zet u elke stap? Vul dat in, met de naam van de procedure in uw convenant",
    "social_collection: on which day do you take each step? Fill it in, with the procedure's name in your agreement",
)
_CENTS_FROM = 5000  # arrears of so much, all whole numbers, are likelier cents than euros
_MOST_STATES = 8  # different words; a column with more holds remarks
Said = tuple[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Proposal:
    """What is proposed: the profile's content, each placed column, what was recognised, and the questions.

    `unconfirmed`: parts that would change what rows mean, so they count only when a person puts them in.
    """

    document: dict[str, Any]
    placed: tuple[Placed, ...]
    recognised: tuple[Said, ...]
    questions: tuple[Said, ...]
    rows: int
    unconfirmed: dict[str, Any]

    @property
    def profile(self) -> Profile:
        """The profile as it would be used."""
        return Profile.model_validate(self.document)

    def __repr__(self) -> str:
        return f"Proposal({len(self.placed)} columns, {len(self.questions)} questions)"


def propose(path: Path, category: Category | None = None) -> Proposal:
    """Look at an unknown export and propose how it is to be read. `category`: what the arrears are of, when known.

    Raises:
        UnreadableFile: not a list, or a column that no profile does without was not found; it says which were.
    """
    grid, found = _table(path)
    columns = columns_of(found.header.cells, found.rows)
    placed = place_columns(columns)
    _refuse_unusable(path.name, found, columns, placed)
    questions: list[Said] = []
    free = [column for column in columns if column.at not in {one.column.at for one in placed.values()}]
    document: dict[str, Any] = {"profile": _slug(path.stem), "file": _layout(grid, found)}
    document["category"] = category or _category(path, grid, found, columns, questions)
    document |= _reference_date(grid, found)
    document["columns"] = _columns(placed, questions)
    document["unknown_birth_dates"] = _stand_ins(placed.get("columns.birth_date"))
    document["amount"] = _amount(placed["amount.column"].column, questions)
    document["months"] = _months(placed)
    document |= _marks(free)
    document["social_collection"] = _steps(placed, questions)
    recorded = _second_file(path) or _recorded(free, questions)
    if recorded:
        document["recorded"] = recorded
    unconfirmed = _settled(free, questions)
    doubts = [
        (f"{one.column.header}: {one.doubt[0]}", f"{one.column.header}: {one.doubt[1]}") for one in placed.values()
    ]
    questions = [said for one, said in zip(placed.values(), doubts, strict=True) if one.doubt[0]] + questions
    return Proposal(
        document, tuple(placed.values()), _recognised(grid, found), tuple(questions), len(found.rows), unconfirmed
    )


def _table(path: Path) -> tuple[Grid, Found]:
    best: tuple[Grid, Found] | None = None
    for grid in grids_of(path):
        found = find_table(grid)
        if found and (best is None or found.hits > best[1].hits):
            best = grid, found
    if best is None:
        raise UnreadableFile(path.name, "no row is recognised as the one with column names: add a header row", 1)
    return best


def _refuse_unusable(source: str, found: Found, columns: list[Column], placed: dict[str, Placed]) -> None:
    missing = [place for place in _NEEDED if place not in placed]
    if not {"months.column", "months.due_date"} & placed.keys():
        missing.append("months.column")
    if not {"columns.name", "columns.surname"} & placed.keys():
        missing.append("columns.name")
    if not {"columns.address", "columns.house_number"} & placed.keys():
        missing.append("columns.address")
    if missing:
        headers = ", ".join(f"'{column.header}'" for column in columns)
        message = f"no column found for {', '.join(missing)}; columns found: {headers}"
        raise UnreadableFile(source, message, found.header.line or None)


def _layout(grid: Grid, found: Found) -> dict[str, Any]:
    layout = grid.layout.model_dump(exclude_defaults=True)
    return {**layout, "total_row": True} if found.total_row else layout


def _recognised(grid: Grid, found: Found) -> tuple[Said, ...]:
    said = [*grid.how]
    if found.above:
        said.append((f"kolomnamen op regel {found.header.line}", f"column names on line {found.header.line}"))
    if found.total_row:
        said.append(("een totaalregel onderaan", "a total row at the end"))
    return tuple(said)


def _category(path: Path, grid: Grid, found: Found, columns: list[Column], questions: list[Said]) -> str:
    """By the words in headers (which count double), the lines above them, the sheet's name and the file's."""
    keys = [column_key(column.header) for column in columns]
    beside = [column_key(as_text(cell)) for row in found.above for cell in row.cells]
    beside += [column_key(as_text(cell)) for cell in grid.fields.values()]
    beside += [column_key(path.stem), column_key(grid.layout.sheet or ""), column_key(grid.layout.records)]
    points = {
        category: sum(2 * sum(word in key for key in keys) + sum(word in key for key in beside) for word in words)
        for category, words in CATEGORY.items()
    }
    first, second = sorted(points.values(), reverse=True)[:2]
    likeliest = max(points, key=lambda category: points[category])
    if first in {0, second}:
        questions.append(
            ("waarvan zijn dit achterstanden? Zeg het met --category", "arrears of what? Say so with --category")
        )
        return likeliest if first else Category.OTHER.value
    return likeliest


def _reference_date(grid: Grid, found: Found) -> dict[str, Any]:
    for label in DATE_LABELS:
        for path, cell in grid.fields.items():
            if column_key(path.rpartition(".")[2]) == label and read_date(cell):
                return {"reference_date": {"field": path}}
        for row in found.above:
            for at, cell in enumerate(row.cells):
                text = as_text(cell)
                behind = [later for later in row.cells[at + 1 :] if later != ""]
                inside = read_date(text.rpartition(" ")[2])
                if column_key(text).startswith(label) and (inside or (behind and read_date(behind[0]))):
                    return {"reference_date": {"label": text.rpartition(" ")[0] if inside else text}}
    return {}


def _columns(placed: dict[str, Placed], questions: list[Said]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        place.removeprefix("columns."): one.column.header
        for place, one in placed.items()
        if place.startswith("columns.")
    }
    if name := placed.get("columns.name"):
        columns["name_order"] = _name_order(name.column, questions)
    return columns


def _name_order(column: Column, questions: list[Said]) -> str:
    """Where the initials stand; a comma behind the surname says it too."""
    votes: Counter[str] = Counter()
    for text in column.texts:
        words = [word for word in text.split() if word.casefold().strip(".") not in TITLES]
        if "," in text:
            votes["surname-first"] += 1
        elif len(words) >= 2:
            first, last = _could_be_initials(words[0]), _could_be_initials(words[-1])
            if first != last:
                votes["given-first" if first else "surname-first"] += 1
    if not votes or votes.most_common(1)[0][1] < 0.8 * votes.total():
        questions.append(
            (f"{column.header}: staat de achternaam voorop?", f"{column.header}: does the surname come first?")
        )
    return votes.most_common(1)[0][0] if votes else "given-first"


def _could_be_initials(word: str) -> bool:
    return word.casefold().strip(".") not in INFIXES and (
        bool(re.fullmatch(r"(?:\w{1,2}\.)+\w?", word)) or (len(word) <= 4 and word.isupper())
    )


def _stand_ins(placed: Placed | None) -> list[date]:
    """Dates that stand for "not known": a first of January that far too many people share, or of 1900 and before."""
    if placed is None:
        return []
    counted = Counter(placed.column.dates)
    many = max(3, len(placed.column.dates) // 50)
    return sorted(
        day for day, count in counted.items() if (day.month, day.day) == (1, 1) and (count >= many or day.year <= 1901)
    )


def _amount(column: Column, questions: list[Said]) -> dict[str, Any]:
    amount: dict[str, Any] = {"column": column.header, "unit": "euro", "decimal": "comma"}
    points = sum(bool(re.search(r"[0-9]\.[0-9]{1,2}$", text)) for cell, text in _written(column))
    commas = sum(bool(re.search(r"[0-9],[0-9]{1,2}$", text)) for cell, text in _written(column))
    if points > commas:
        amount["decimal"] = "point"
    if points and commas and min(points, commas) > 0.05 * (points + commas):
        questions.append(
            (f"{column.header}: punten en komma's door elkaar", f"{column.header}: points and commas mixed")
        )
    whole = [cents for cell in column.cells if (cents := read_cents(cell, "cent", "comma")) is not None]
    called = column.key.endswith(("cent", "cents", "ct", "cts", "centen"))
    looks = not column.fraction and len(whole) == len(column.cells) > 0 and median(whole) >= _CENTS_FROM
    if called or looks:
        amount["unit"] = "cent"
    if looks and not called:
        questions.append((f"{column.header}: zijn dit centen?", f"{column.header}: are these cents?"))
    return amount


def _written(column: Column) -> list[tuple[object, str]]:
    return [(cell, text) for cell, text in zip(column.cells, column.texts, strict=True) if isinstance(cell, str)]


def _months(placed: dict[str, Placed]) -> dict[str, Any]:
    months: dict[str, Any] = {}
    if count := placed.get("months.column"):
        key = count.column.key
        months["column"] = count.column.header
        months["of"] = "terms" if "term" in key else "invoices" if "fact" in key or "inv" in key else "months"
    if due := placed.get("months.due_date"):
        months["due_date"] = due.column.header
    return months


def _marks(free: list[Column]) -> dict[str, Any]:
    urgent = []
    for flag, (parts, words, unless) in URGENT.items():
        urgent += [{"flag": flag, **_yes_column(column)} for column in free if _says(column, parts)]
        for column in free:
            if column.key in REMARKS and any(word in text.casefold() for text in column.texts for word in words):
                urgent.append({"flag": flag, "column": column.header, "words": list(words), "unless": list(unless)})
    return {"urgent": urgent} if urgent else {}


def _settled(free: list[Column], questions: list[Said]) -> dict[str, Any]:
    """The column that plainly holds a state, paid among them. A paid row is no report: somebody has to confirm it."""
    for column in free:
        paid = [value for value in column.values if value.casefold() in PAID]
        if paid and len(column.values) <= _MOST_STATES and (column.key in STATUS or column.key.endswith("status")):
            name, words = column.header, ", ".join(paid)
            questions.append(
                (
                    f"{name}: is een regel met {words} betaald? Haal dan het # weg bij `settled`; nu telt hij als open",
                    f"{name}: is a row with {words} paid? Then take away the # at `settled`; now it counts as open",
                )
            )
            others = [value for value in column.values if value not in paid]
            return {"settled": {"column": name, "values": paid, "otherwise": others}}
    return {}


def _says(column: Column, parts: tuple[str, ...]) -> bool:
    return any(part in column.key for part in parts) and len(column.values) <= 4 and not column.dated


def _yes_column(column: Column) -> dict[str, Any]:
    if column.yes_no == 1.0 or not column.cells:
        return {"column": column.header}
    no = {"n", "nee", "no", "false", "onwaar", "0", "geen", "-"}
    yes = [value for value in column.values if value.casefold() not in no]
    return {"column": column.header, "values": yes, "otherwise": [value for value in column.values if value not in yes]}


def _steps(placed: dict[str, Placed], questions: list[Said]) -> dict[str, Any]:
    usual = {"reminder": 8, "contact": 14, "help": 8, "offer": 8}
    steps: dict[str, Any] = {}
    for name, days in usual.items():
        found = placed.get(f"social_collection.{name}")
        steps[name] = {"column": found.column.header} if found else {"after_days": days}
    if any("after_days" in step for step in steps.values()):
        steps = {"procedure": "vul-in", **steps}
        questions.append(_FILL_IN)
    return {**steps, "answer_days": 14}


def _second_file(path: Path) -> dict[str, Any]:
    """A list beside the export, named like it, of who must not be sent: a reference and the reason of each."""
    stem = column_key(_slug(path.stem))
    for beside in sorted(path.parent.iterdir()):
        key = column_key(beside.stem)
        if beside == path or not key.startswith(stem) or not any(word in key for word in _SECOND_FILE):
            continue
        try:
            grid = grids_of(beside)[0]
        except UnreadableFile:
            continue
        headers = [as_text(cell) for cell in grid.rows[0].cells]
        reference = [header for header in headers if column_key(header) in PLACES["columns.reference"].words]
        state = [header for header in headers if column_key(header) in _STATES]
        if reference and state:
            words = {"refused": ["bezwaar"], "payment_plan_kept": ["regeling loopt"]}
            return {"file": {"name": beside.name, "reference": reference[0], "state": state[0], **words}}
    return {}


def _recorded(free: list[Column], questions: list[Said]) -> dict[str, Any]:
    remarks = [column for column in free if column.key in REMARKS]
    marks: dict[str, Any] = {}
    for name, (parts, words, unless) in (("refused", REFUSED), ("payment_plan_kept", PLAN_KEPT)):
        named = [column for column in free if _says(column, parts)]
        if named:
            marks[name] = _yes_column(named[0])
        elif remarks:
            marks[name] = {"column": remarks[0].header, "words": list(words), "unless": list(unless)}
    if len(marks) == 2:
        if remarks:
            questions.append(
                (
                    f"recorded: staan bezwaren en betalingsregelingen echt in '{remarks[0].header}'?",
                    f"recorded: are objections and payment plans really kept in '{remarks[0].header}'?",
                )
            )
        return marks
    questions.append(
        (
            "recorded: waar houdt u bezwaren en lopende betalingsregelingen bij? Zonder dat wordt er niets verstuurd",
            "recorded: where do you keep objections and payment plans? Nothing is sent without it",
        )
    )
    return {}


def _slug(stem: str) -> str:
    letters = re.sub(r"[^a-z0-9]+", "-", re.sub(r"[-_ ]?20[0-9]{2}[-_]?[0-9]{2}([-_]?[0-9]{2})?", "", stem.casefold()))
    slug = letters.strip("-")[:60]
    return slug if re.fullmatch(r"[a-z][a-z0-9-]+", slug) else f"export-{slug}".rstrip("-")
