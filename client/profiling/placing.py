"""Which column of an unknown export is which place of a profile: by the words of its header and by its cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from client.cells import Cell, as_text, column_key
from client.profiling.contents import Column
from client.profiling.grids import Grid
from client.profiling.vocabulary import PLACES, Place
from client.tables import SUMMARY_WORDS, RawRow, first_word

_HEADER_WITHIN = 100
_SURE = 0.75  # below this a person should look
_NEAR = 0.12  # another column as near as this makes it doubtful
_ENOUGH_CELLS = 5
_MOST, _ALL = 0.7, 0.9  # of a column's cells
_BY_CELLS = ("alleen aan de inhoud herkend", "recognised by its cells alone")


@dataclass(frozen=True, slots=True)
class Placed:
    """A column in its place, with the reason; `doubt` says why a person should look at it ("" when nothing does)."""

    place: str
    column: Column
    why: tuple[str, str]
    doubt: tuple[str, str] = ("", "")

    @property
    def label(self) -> tuple[str, str]:
        """What the place is called."""
        return PLACES[self.place].nl, PLACES[self.place].en


@dataclass(frozen=True, slots=True)
class Found:
    """The header row of a grid, the rows about customers below it, and whether a total row ends them."""

    header: RawRow
    above: tuple[RawRow, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total_row: bool
    hits: float


def find_table(grid: Grid) -> Found | None:
    """The row whose cells are named as columns of such lists are; None if no row has three of them."""
    best, at = 0.0, -1
    for position, row in enumerate(grid.rows[:_HEADER_WITHIN]):
        hits = _hits(row)
        if hits > best:
            best, at = hits, position
    if best < 3:
        return None
    below = grid.rows[at + 1 :]
    width = sum(1 for cell in grid.rows[at].cells if cell != "")
    totals = [row for row in below[-10:] if _is_total(row)]
    kept = tuple(
        row.cells for row in below if not _is_total(row) and sum(cell != "" for cell in row.cells) >= max(2, width / 3)
    )
    return Found(grid.rows[at], tuple(grid.rows[:at]), kept, bool(totals), best)


def place_columns(columns: Sequence[Column]) -> dict[str, Placed]:
    """The likeliest column for every place; a column has one place at most, and the strongest pairs go first."""
    scored = sorted(
        ((_score(place, column), name, column) for name, place in PLACES.items() for column in columns),
        key=lambda entry: (-entry[0], entry[2].at),
    )
    placed: dict[str, Placed] = {}
    taken: set[int] = set()
    for score, name, column in scored:
        if score > 0 and name not in placed and column.at not in taken:
            others = [other for other, which, rival in scored if which == name and rival is not column]
            rivals = [other for other in others if score - other < _NEAR and other >= _SURE - 0.2]
            placed[name] = Placed(name, column, _why(name, column), _doubt(name, column, score, rivalled=bool(rivals)))
            taken.add(column.at)
    placed |= _by_contents([column for column in columns if column.at not in taken], placed)
    said = _one_way_of_saying(placed)
    return {name: said[name] for name in PLACES if name in said}


def _by_contents(free: Sequence[Column], placed: Mapping[str, Placed]) -> dict[str, Placed]:
    """For what no profile does without and no header names: the one column left whose cells look like it."""
    lacking: dict[str, Callable[[Column], bool]] = {}
    if "amount.column" not in placed:
        lacking["amount.column"] = lambda column: column.amount > _ALL and column.fraction > _MOST
    if not {"months.column", "months.due_date"} & placed.keys():
        lacking["months.due_date"] = lambda column: column.dated_between(2015, 2100) > _ALL
    if not {"columns.name", "columns.surname"} & placed.keys():
        lacking["columns.name"] = lambda column: column.whole_name > _ALL and column.distinct > _MOST
    if "columns.reference" not in placed:
        lacking["columns.reference"] = lambda column: column.reference > _ALL
    if not {"columns.address", "columns.street"} & placed.keys():
        lacking["columns.address"] = lambda column: column.address > _MOST
    found: dict[str, Placed] = {}
    for name, fits in lacking.items():
        columns = [column for column in free if len(column.cells) >= _ENOUGH_CELLS and fits(column)]
        if len(columns) == 1 or (columns and name == "columns.reference"):  # numbers of customers come first
            found[name] = Placed(name, columns[0], _why(name, columns[0]), _BY_CELLS)
    return found


def _one_way_of_saying(placed: dict[str, Placed]) -> dict[str, Placed]:
    """A name and an address come whole or in parts, never both."""
    in_parts = any(f"columns.{part}" in placed for part in ("initials", "first_name", "prefix"))
    name, surname = placed.get("columns.name"), placed.get("columns.surname")
    if name and surname:
        del placed["columns.name" if in_parts else "columns.surname"]
    elif name and in_parts:
        placed["columns.surname"] = Placed("columns.surname", name.column, name.why, name.doubt)
        del placed["columns.name"]
    elif surname and not in_parts and surname.column.whole_name > 0.8:
        placed["columns.name"] = Placed("columns.name", surname.column, surname.why, surname.doubt)
        del placed["columns.surname"]
    address, street = placed.get("columns.address"), placed.get("columns.street")
    if "columns.house_number" in placed:
        if address and not street and address.column.address < 0.5:
            placed["columns.street"] = Placed("columns.street", address.column, address.why, address.doubt)
        placed.pop("columns.address", None)
    elif street and not address and street.column.address > 0.5:
        placed["columns.address"] = Placed("columns.address", street.column, street.why, street.doubt)
    if "columns.address" in placed:
        for part in ("street", "letter", "addition"):
            placed.pop(f"columns.{part}", None)
    return placed


def _named(place: Place, key: str) -> float:
    """How far a header names a place: outright 1, in part 0.8, not 0."""
    if key in place.words:
        return 1.0
    if any(part in key for part in place.never):
        return 0.0
    return 0.8 if any(part in key for part in place.parts) else 0.0


def _score(place: Place, column: Column) -> float:
    named = max(_named(place, column.key), 0.9 * _named(place, column.path_key))
    looks = place.looks(column)
    if not column.cells:
        return 0.5 * named  # nothing to look at: a name alone
    if named == 0:
        return 0.5 * looks if place.tells and looks > 0.8 and len(column.cells) >= _ENOUGH_CELLS else 0.0
    if looks < 0.1:
        return 0.0
    return 0.6 * named + 0.4 * looks if looks >= 0.4 else 0.5 * named * looks


def _why(name: str, column: Column) -> tuple[str, str]:
    place = PLACES[name]
    named = max(_named(place, column.key), _named(place, column.path_key))
    if not column.cells:
        return "heet zo; er staat niets in", "it is called so; it is empty"
    share = round(100 * place.looks(column))
    if named == 0:
        return f"{share}% van de cellen ziet er zo uit", f"{share}% of its cells look like it"
    return (
        f"heet zo, en {share}% van de cellen past",
        f"it is called so, and {share}% of its cells fit",
    )


def _doubt(name: str, column: Column, score: float, *, rivalled: bool) -> tuple[str, str]:
    if not column.cells:
        return "de kolom is leeg: klopt het?", "the column is empty: is it right?"
    if rivalled:
        return "een andere kolom komt ook in aanmerking", "another column may be meant"
    if score < _SURE and _named(PLACES[name], column.key) == 0:
        return _BY_CELLS
    if score < _SURE:
        return "de naam past, de inhoud maar ten dele", "the name fits, its cells only in part"
    return "", ""


def _hits(row: RawRow) -> float:
    keys = [column_key(as_text(cell).rpartition(".")[2]) for cell in row.cells if isinstance(cell, str) and cell]
    return sum(max((_named(place, key) for place in PLACES.values()), default=0.0) for key in dict.fromkeys(keys))


def _is_total(row: RawRow) -> bool:
    filled = [as_text(cell) for cell in row.cells if as_text(cell).strip()]
    return bool(filled) and first_word(filled[0]) in SUMMARY_WORDS and len(filled) <= len(row.cells) / 2
