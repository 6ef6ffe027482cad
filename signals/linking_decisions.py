"""People's decisions on links, pure: which contracts are of one person, and which of two.

A decision names contracts in one group or two: each group is one person, two groups are two persons. Decisions are
taken newest first, and what contradicts newer ones, through other decisions too, is left out: of a pair of contracts in
two groups, that pair; of a group, the whole group. So the newest that was said about a pair of contracts holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, product
from uuid import UUID

Contract = tuple[str, UUID]  # the creditor's id, and its own reference: what lasts from one month to the next


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What one person said at one moment, about contracts in one group or two."""

    decided_at: datetime
    decision_id: UUID
    groups: tuple[frozenset[Contract], ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds of all decisions: a number for each contract, equal for one person's; pairs of numbers of two persons.

    A contract that was only called another person's than others has a number of its own.
    """

    number: Mapping[Contract, int]
    apart: frozenset[frozenset[int]]

    def part(self, numbers: Iterable[int]) -> set[int]:
        """Those of `numbers` that are another person's than some other of them."""
        there = set(numbers)
        return {number for pair in self.apart if pair <= there for number in pair}


def what_holds(decisions: Iterable[LinkDecision]) -> Holding:
    """What holds of decisions. The order in which they are given says nothing: their moments do, and then their ids."""
    ordered = sorted(decisions, key=lambda one: (one.decided_at, one.decision_id), reverse=True)
    number: dict[Contract, int] = {}
    for decision in ordered:
        for contract in sorted(contract for group in decision.groups for contract in group):
            number.setdefault(contract, len(number))
    apart: dict[int, set[int]] = defaultdict(set)
    for decision in ordered:
        for one, other in combinations(decision.groups, 2):
            for left, right in product(one, other):
                if number[left] != number[right]:
                    apart[number[left]].add(number[right])
                    apart[number[right]].add(number[left])
        for group in decision.groups:
            _join({number[contract] for contract in group}, number, apart)
    return Holding(number, frozenset(frozenset((one, other)) for one, others in apart.items() for other in others))


def connected(decisions: Iterable[LinkDecision], named: Iterable[Contract]) -> set[Contract]:
    """All contracts that decisions name together with these, or with those in turn: what `named` may have an effect on.

    Includes `named`.
    """
    waiting, found = list(decisions), set(named)
    while True:
        far = [decision for decision in waiting if all(group.isdisjoint(found) for group in decision.groups)]
        if len(far) == len(waiting):
            return found
        near = [decision for decision in waiting if decision not in far]
        found.update(contract for decision in near for group in decision.groups for contract in group)
        waiting = far


def _join(numbers: set[int], number: dict[Contract, int], apart: dict[int, set[int]]) -> None:
    """Give a group one number, unless some two of it are two persons'."""
    if len(numbers) < 2 or any(apart[one] & numbers for one in numbers):
        return
    kept, *others = sorted(numbers)
    for contract, old in number.items():
        if old in numbers:
            number[contract] = kept
    for other in others:
        for enemy in apart.pop(other, set()):
            apart[enemy].discard(other)
            apart[enemy].add(kept)
            apart[kept].add(enemy)
