"""Linking in plain Python, over all reports at once: what the SQL of linking.py has to equal, whatever the order.

Persons:
1. Reports that share a strong key, or a weak key with the same birth token, are one; so are those of contracts that
   people's decisions call one person's (linking_decisions.py), and those of one contract that a decision names.
2. Of what that gives, a part with a birth token anywhere is dated, the others are undated. An undated part may join
   through a weak key, unless two dated parts have that key: it fits both, so it joins neither by it.
3. Undated parts that such keys connect are one group. A group that meets one dated part joins it; one that meets none
   is a person; one that meets several falls apart, and each undated part in it joins the dated part that it meets
   itself, when that is one.
4. A person with contracts that decisions call two persons' falls apart. What was decided about each is to the person's
   other contracts as dated parts are to undated ones in steps 2 and 3: a key that two of them have joins nobody by it,
   what fits one joins it, what fits several joins none. The reports of one contract stay together, and a key joins as
   it did in steps 1 and 2.

Households:
5. A person's address is that of its newest report (by month), from the creditor who knows best (RELIABILITY); where
   that has no addition but another report of the person in the same building has one, that one.
6. Persons whose addresses share a key, by postcode or by street, are one household, unless the address holds several:
   then each person is its own.

The ids: a person is its smallest report id, a household its smallest person id.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from signals.linking_decisions import Contract, Holding, LinkDecision, what_holds
from signals.linking_terms import MOST_PERSONS, ONE_PER_HOME, RELIABILITY
from signals.report import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What of a report says whose it is: `weak` maps each weak key to the birth token under it, or to None."""

    report_id: UUID
    creditor_id: str
    reference: UUID
    strong: frozenset[UUID]
    weak: Mapping[UUID, UUID | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedReport(Keyed):
    """What linking looks at."""

    category: Category
    period: str
    reported_on: date
    dwelling: UUID
    street_dwelling: UUID
    building: UUID
    has_addition: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report belongs."""

    person_id: UUID
    household_id: UUID


def cluster(reports: Iterable[LinkedReport], decisions: Iterable[LinkDecision] = ()) -> dict[UUID, Place]:
    """Find the person and the household of each live report; nothing depends on the order of `reports`."""
    by_id = {report.report_id: report for report in reports}
    person_of = persons(by_id, what_holds(decisions))
    members: dict[UUID, list[LinkedReport]] = defaultdict(list)
    for report_id, person in person_of.items():
        members[person].append(by_id[report_id])
    household_of = households(members)
    return {report_id: Place(person, household_of[person]) for report_id, person in person_of.items()}


def persons(reports: Mapping[UUID, LinkedReport], holding: Holding) -> dict[UUID, UUID]:
    """Steps 1 to 4: the person of each report."""
    part_of = parts(reports, holding)
    dated = {part_of[report.report_id] for report in reports.values() if any(report.weak.values())}
    at_key: dict[UUID, set[UUID]] = defaultdict(set)
    for report in reports.values():
        for key in report.weak:
            at_key[key].add(part_of[report.report_id])
    joined = _undated(set(part_of.values()) - dated, dated, at_key.values())
    members: dict[UUID, list[LinkedReport]] = defaultdict(list)
    for report_id, part in part_of.items():
        members[joined.get(part, part)].append(reports[report_id])
    found: dict[UUID, UUID] = {}
    for those in members.values():
        found |= fall_apart(those, holding)
    return found


def parts(reports: Mapping[UUID, Keyed], holding: Holding) -> dict[UUID, UUID]:
    """Step 1: the part that each report belongs to."""
    union = _Union(reports)
    for report in reports.values():
        for key in report.strong:
            union.meet(key, report.report_id)
        for key, birth in report.weak.items():
            if birth is not None:
                union.meet((key, birth), report.report_id)
        if (number := holding.number.get((report.creditor_id, report.reference))) is not None:
            union.meet(number, report.report_id)
    return {report_id: union.find(report_id) for report_id in reports}


def fall_apart(reports: Iterable[Keyed], holding: Holding) -> dict[UUID, UUID]:
    """Step 4, for the reports of one person: whose each is, by the smallest report id."""
    person = list(reports)
    contract_of = {report.report_id: (report.creditor_id, report.reference) for report in person}
    numbers = {contract: holding.number[contract] for contract in contract_of.values() if contract in holding.number}
    parted = holding.part(numbers.values())
    if not parted:
        return dict.fromkeys(contract_of, min(contract_of))
    first: dict[Contract | int, UUID] = {}  # of a contract, or of all that are one by decision
    for report_id in sorted(contract_of):
        first.setdefault(numbers.get(contract_of[report_id], contract_of[report_id]), report_id)
    unit_of = {report_id: first[numbers.get(contract, contract)] for report_id, contract in contract_of.items()}
    centres = {first[number] for number in parted}
    joined = _undated(set(unit_of.values()) - centres, centres, _meetings(person, unit_of))
    smallest: dict[UUID, UUID] = {}
    for report_id in sorted(unit_of):
        smallest.setdefault(joined.get(unit_of[report_id], unit_of[report_id]), report_id)
    return {report_id: smallest[joined.get(unit, unit)] for report_id, unit in unit_of.items()}


def _meetings(person: Iterable[Keyed], unit_of: Mapping[UUID, UUID]) -> Iterable[set[UUID]]:
    """The units that a key joins: at a weak one those of one birth date, with those of none unless there are two."""
    met: dict[Hashable, set[UUID]] = defaultdict(set)
    at_weak: dict[UUID, dict[UUID | None, set[UUID]]] = defaultdict(lambda: defaultdict(set))
    for report in person:
        for key in report.strong:
            met[key].add(unit_of[report.report_id])
        for key, birth in report.weak.items():
            at_weak[key][birth].add(unit_of[report.report_id])
    for key, at_birth in at_weak.items():
        undated = at_birth.pop(None, set())
        if len(at_birth) <= 1:
            met[key, None] |= undated.union(*at_birth.values())
        for birth, units in at_birth.items():
            met[key, birth] |= units
    return met.values()


def _undated(undated: set[UUID], dated: set[UUID], meetings: Iterable[set[UUID]]) -> dict[UUID, UUID]:
    """Steps 2 and 3: what each undated part joins; `meetings` are the parts that have a weak key in common."""
    groups = _Union(undated)
    meets: dict[UUID, set[UUID]] = defaultdict(set)
    for number, there in enumerate(meetings):
        if len(there & dated) <= 1:
            for part in there - dated:
                groups.meet(number, part)
                meets[part] |= there & dated
    group_meets: dict[UUID, set[UUID]] = defaultdict(set)
    for part, those in meets.items():
        group_meets[groups.find(part)] |= those
    joined = {}
    for part in undated:
        of_group = group_meets[groups.find(part)]
        if len(of_group) <= 1:
            joined[part] = min(of_group, default=groups.find(part))
        elif len(meets[part]) == 1:
            joined[part] = min(meets[part])
    return joined


def households(members: Mapping[UUID, list[LinkedReport]]) -> dict[UUID, UUID]:
    """Steps 5 and 6: the household of each person."""
    homes = {person: home(reports) for person, reports in members.items()}
    union = _Union(members)
    for person, reports in members.items():
        for report in reports:
            if report.dwelling == homes[person].dwelling or report.street_dwelling == homes[person].street_dwelling:
                union.meet(report.dwelling, person)
                union.meet(report.street_dwelling, person)
    behind_door: dict[UUID, list[UUID]] = defaultdict(list)
    for person in members:
        behind_door[union.find(person)].append(person)
    result = {}
    for household, those in behind_door.items():
        contracts = [contract for person in those for contract in _contracts(members[person], homes[person])]
        several = len(those) > MOST_PERSONS or len(contracts) > len(set(contracts))
        result.update({person: person if several else household for person in those})
    return result


def home(reports: Iterable[LinkedReport]) -> LinkedReport:
    """Step 5: the report that says where a person lives now."""
    ordered = sorted(reports, key=lambda report: report.report_id)
    ordered.sort(key=lambda report: (report.period, RELIABILITY[report.category], report.reported_on), reverse=True)
    building = ordered[0].building
    return next((one for one in ordered if one.building == building and one.has_addition), ordered[0])


def _contracts(reports: Iterable[LinkedReport], at: LinkedReport) -> set[tuple[str, Category, str]]:
    return {
        (report.creditor_id, report.category, report.period)
        for report in reports
        if report.category in ONE_PER_HOME
        and (report.building == at.building or report.street_dwelling == at.street_dwelling)
    }


class _Union:
    """Connected components; each is called after its smallest member."""

    def __init__(self, members: Iterable[UUID]) -> None:
        self._above = {member: member for member in members}
        self._met: dict[Hashable, UUID] = {}

    def find(self, member: UUID) -> UUID:
        while (above := self._above[member]) != member:
            self._above[member] = self._above[above]
            member = above
        return member

    def meet(self, at: Hashable, member: UUID) -> None:
        """Join `member` with all that met `at` the same."""
        one, other = self.find(self._met.setdefault(at, member)), self.find(member)
        self._above[max(one, other)] = min(one, other)
