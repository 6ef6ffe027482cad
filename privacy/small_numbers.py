"""Small numbers: how a count is shown outside its pilot, and when two tables side by side tell no more than each alone.

A count below LEAST is not shown, zero included: that nobody is there can be news too. Others are rounded to a multiple
of STEP. Totals come from what is shown, never from the counts, so that no subtraction brings one back. Where two tables
hang together, the second is shown only if that narrows nothing in the first (docs/decisions/0023).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# The rule of thumb for research output: ten units behind each figure (ESSnet SDC, Guidelines for output checking).
LEAST = 10
# As in Statistics Netherlands' tables of districts, where people are counted in fives.
STEP = 5
# Named in every table that is made by them: other values, or another way of rounding, are another version.
THRESHOLDS = 1

Figure = int | None  # as shown; None: fewer than LEAST


@dataclass(frozen=True, slots=True)
class Band:
    """What a figure tells of its count: that it lies between these two, both included."""

    at_least: int
    at_most: int

    def times(self, weight: int) -> "Band":
        """The band of so many times the count."""
        return Band(self.at_least * weight, self.at_most * weight)


def shown(count: int) -> Figure:
    """The figure for a count.

    Raises:
        ValueError: the count is negative.
    """
    if count < 0:
        raise ValueError("there is no count below nothing")
    return None if count < LEAST else (count + STEP // 2) // STEP * STEP


def told(figure: Figure) -> Band:
    """What a reader learns from a figure: exactly the counts for which `shown` gives it."""
    if figure is None:
        return Band(0, LEAST - 1)
    return Band(max(LEAST, figure - STEP // 2), figure + STEP // 2)


def total(figures: Iterable[Figure]) -> Band:
    """What a reader learns of the sum of counts: no more than the figures tell one by one."""
    return _sum(told(figure) for figure in figures)


def tells_no_more(part: Sequence[tuple[Figure, int]], most: int) -> bool:
    """Whether `part` may be shown beside a whole that is known to be no less in sum, and can be as large as `most`.

    `part` is figures with weights: how many of the whole each one of them takes at the least. True where every count
    that is not shown, in the one or the other, may still be anything from 0 up to LEAST - 1. It asks for twice the room
    that this takes, because "left out" is news as well: that, too, then rules out no more than a zero.
    """
    least = _sum(told(figure).times(weight) for figure, weight in part).at_least
    return not part or least + (LEAST - 1) * max([2, *(weight for _figure, weight in part)]) <= most


def _sum(bands: Iterable[Band]) -> Band:
    at_least = at_most = 0
    for band in bands:
        at_least, at_most = at_least + band.at_least, at_most + band.at_most
    return Band(at_least, at_most)
