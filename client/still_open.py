"""Contracts that are open still though their rows stay home: the service is told, so that none counts as paid."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from client.exclusions import fold_reference
from client.reasons import STILL_OPEN, Refusal


@dataclass(frozen=True, slots=True, repr=False)
class OpenContract:
    """One contract that no row is sent of, and the pilots that it may be known in."""

    reference: str
    pilots: tuple[str, ...]


def still_open(
    refused: Iterable[Refusal], silent: Container[str], pilots_of: Callable[[Refusal], Iterable[str]]
) -> tuple[OpenContract, ...]:
    """The contracts of rows that stay home and that may be in arrears all the same, each once.

    Args:
        refused: rows that are not sent.
        silent: references (folded) of which nothing is said: another row tells, or the customer said no.
        pilots_of: the pilots that a row's contract may be known in.
    """
    found: dict[str, OpenContract] = {}
    for refusal in refused:
        folded = fold_reference(refusal.whole)
        if folded and STILL_OPEN[refusal.reason] and folded not in silent:
            before = found[folded].pilots if folded in found else ()
            pilots = tuple(dict.fromkeys((*before, *pilots_of(refusal))))
            found[folded] = OpenContract(refusal.whole, pilots)
    return tuple(found.values())
