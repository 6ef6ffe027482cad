"""The second file of a profile: the references that must not be sent, because of an objection or a kept plan."""

from dataclasses import dataclass
from pathlib import Path

from client.cells import as_text, column_key, read_reference
from client.decoding import UnreadableFile
from client.profiles import ExclusionFile, FileLayout
from client.reading import read_table


@dataclass(frozen=True, slots=True, repr=False)
class Exclusions:
    """References (folded for comparing) that must not be sent."""

    refused: frozenset[str] = frozenset()
    payment_plan_kept: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Exclusions({len(self.refused)} refused, {len(self.payment_plan_kept)} payment plans)"


NOBODY_EXCLUDED = Exclusions()
"""For a caller that can say of itself that nobody objected and no plan is kept."""


def fold_reference(reference: str) -> str:
    """A reference for comparing within one creditor's files: case and blanks say nothing."""
    return "".join(reference.split()).casefold()


def read_exclusions(path: Path, shape: ExclusionFile) -> Exclusions:
    """Read the second file; one with a header and no rows says that nobody is excluded.

    Raises:
        UnreadableFile: it can't be read, or a row has no reference or a word that the profile doesn't know: a list of
            people who must not be reported is not read halfway.
    """
    layout = FileLayout(format="csv", delimiter=shape.delimiter, encoding=shape.encoding)
    table = read_table(path, layout, [("file.reference", shape.reference, True), ("file.state", shape.state, True)])
    reference_at, state_at = table.position(shape.reference), table.position(shape.state)
    meanings = {column_key(word): "refused" for word in shape.refused}
    meanings |= {column_key(word): "kept" for word in shape.payment_plan_kept}
    found: dict[str, set[str]] = {"refused": set(), "kept": set()}
    for row in table.rows:
        cells = (*row.cells, *[""] * (table.width - len(row.cells)))
        reference = read_reference(cells[reference_at or 0])
        meaning = meanings.get(column_key(as_text(cells[state_at or 0])))
        if not reference:
            raise UnreadableFile(path.name, "no usable customer or contract number on this line", row.line)
        if meaning is None:
            raise UnreadableFile(path.name, "the profile doesn't know the reason that stands on this line", row.line)
        found[meaning].add(fold_reference(reference))
    return Exclusions(frozenset(found["refused"]), frozenset(found["kept"]))
