"""Doubtful links: where a person may know better than equality of keys, among the households that changed.

What is a doubt, by the newest report of each contract of a person:
- two persons who meet by a key and yet are two: because their birth dates under it differ (a typing error, or father
  and son), or because it fits several persons and so joins none;
- one person of whom a part without a birth date hangs on the rest by weak keys alone.
Not a doubt: what a person decided already; and what changes nothing whatever the answer, as far as that can be told by
set (persons of one household; a split in one home). What of the rest changes a signal, app/reviewing.py tries out.

The same doubts come out in whatever order and number of parts reports and decisions came.
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from signals.linking_decided import decisions_of
from signals.linking_decisions import Contract, Holding, what_holds
from signals.linking_oracle import Keyed, parts
from signals.linking_terms import MOST_PERSONS, ONE_PER_HOME

DIFFER, SEVERAL = "birth-dates-differ", "fits-several"  # two persons now
UNDATED = "no-birth-date"  # one person now
_ONE_PER_HOME = ", ".join(f"'{category}'" for category in sorted(ONE_PER_HOME))


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question: are these two sides, each a report of every contract in it, one person? `linked`: they are now."""

    doubt_id: uuid.UUID
    kind: str
    linked: bool
    one: tuple[uuid.UUID, ...]
    other: tuple[uuid.UUID, ...]
    households: tuple[uuid.UUID, ...]
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Newest(Keyed):
    """The newest report of one contract of a person."""

    period: str
    household_id: uuid.UUID

    @property
    def contract(self) -> Contract:
        return self.creditor_id, self.reference


def note_linked(connection: Connection, pilot_id: str, run_id: uuid.UUID) -> None:
    """Note, after `link` and `judge`, where doubts are to be looked for again: in all households that it looked at."""
    connection.execute(
        text("""
            INSERT INTO signals.review_due (pilot_id, run_id, households)
            SELECT :pilot, :run, array_agg(household_id) FROM (
                SELECT household_id FROM touched_household
                UNION SELECT household_id FROM link_placed UNION SELECT old_household FROM link_placed
            ) AS h WHERE household_id IS NOT NULL HAVING count(*) > 0
        """),
        {"pilot": pilot_id, "run": run_id},
    )


def note_judged(connection: Connection, pilot_id: str, run_id: uuid.UUID) -> None:
    """The same after `judge` alone: for the touched households."""
    connection.execute(
        text("""
            INSERT INTO signals.review_due (pilot_id, run_id, households)
            SELECT :pilot, :run, array_agg(household_id) FROM touched_household HAVING count(*) > 0
        """),
        {"pilot": pilot_id, "run": run_id},
    )


def find_doubts(connection: Connection, pilot_id: str) -> list[Doubt]:
    """The doubts that concern a household of `due_household (household_id uuid PRIMARY KEY)`, a temporary table.

    Those that stand in signals.doubt and concern such a household are to be replaced by them.
    """
    holding = what_holds(decisions_of(connection, pilot_id))
    _gather(connection, pilot_id, decided=bool(holding.number))
    pairs = connection.execute(_PAIRS).all()
    whole = connection.execute(_MAY_SPLIT).scalars().all()
    wanted = {person for row in pairs for person in (row.one, row.other)} | set(whole)
    persons = _persons(connection, pilot_id, wanted, whole)
    found: dict[uuid.UUID, Doubt] = {}
    for row in pairs:
        one, other = persons[row.one], persons[row.other]
        if not _decided_apart(holding, one, other):
            doubt = _doubt(DIFFER if row.differ else SEVERAL, one, other, linked=False)
            found[doubt.doubt_id] = doubt
    for person in whole:
        for side in _undated(persons[person], holding):
            rest = [one for one in persons[person] if one not in side]
            if rest and not _decided_one(holding, side, rest):
                doubt = _doubt(UNDATED, side, rest, linked=True)
                found.setdefault(doubt.doubt_id, doubt)
    return list(found.values())


def _gather(connection: Connection, pilot_id: str, *, decided: bool) -> None:
    """Fill review_person, review_report and review_key: the persons there, by the newest report of each contract."""
    pilot = {"pilot": pilot_id}
    # Whom a standing doubt names comes along: only one of its two persons may have changed.
    for statement in (
        "DROP TABLE IF EXISTS review_household, review_all, review_person, review_report, review_key",
        """
        CREATE TEMPORARY TABLE review_household ON COMMIT DROP AS
        SELECT household_id, bool_or(due) AS due FROM (
            SELECT household_id, true AS due FROM due_household
            UNION ALL
            SELECT h, false FROM signals.doubt d CROSS JOIN LATERAL unnest(d.households) AS h
            WHERE d.pilot_id = :pilot AND d.households && ARRAY(SELECT household_id FROM due_household)
        ) AS h GROUP BY household_id
        """,
        "ANALYZE review_household",
        """
        CREATE TEMPORARY TABLE review_all ON COMMIT DROP AS
        SELECT h.household_id, h.due, r.* FROM (SELECT * FROM review_household ORDER BY household_id) AS h
        CROSS JOIN LATERAL (
            SELECT person_id, report_id, creditor_id, reference, category, period, known_client, dwelling,
                   street_dwelling
            FROM signals.report
            WHERE pilot_id = :pilot AND household_id = h.household_id AND state = 'live' OFFSET 0
        ) AS r
        """,
        f"""
        CREATE TEMPORARY TABLE review_person ON COMMIT DROP AS
        SELECT person_id, household_id, bool_or(due) AS due, bool_or(known_client) AS known,
               count(DISTINCT (creditor_id, reference)) AS contracts,
               count(DISTINCT dwelling) > 1 AND count(DISTINCT street_dwelling) > 1 AS homes_differ,
               count(DISTINCT (creditor_id, reference)) FILTER (WHERE category IN ({_ONE_PER_HOME}))
               > count(DISTINCT (creditor_id, category)) FILTER (WHERE category IN ({_ONE_PER_HOME})) AS clash
        FROM review_all GROUP BY person_id, household_id
        """,  # noqa: S608 - the categories are ours
        "ANALYZE review_person",
        """
        CREATE TEMPORARY TABLE review_report ON COMMIT DROP AS
        SELECT DISTINCT ON (person_id, creditor_id, reference)
               person_id, household_id, report_id, creditor_id, reference, period
        FROM review_all ORDER BY person_id, creditor_id, reference, period DESC, report_id
        """,
        "ANALYZE review_report",
        # Where nothing was decided, whoever shares a strong key is one person.
        """
        CREATE TEMPORARY TABLE review_key ON COMMIT DROP AS
        SELECT DISTINCT r.person_id, k.key, k.strong, k.birth
        FROM (SELECT * FROM review_report ORDER BY report_id) AS r CROSS JOIN LATERAL (
            SELECT key, strong, birth FROM signals.report_key
            WHERE pilot_id = :pilot AND report_id = r.report_id AND (NOT strong OR :decided) OFFSET 0
        ) AS k
        """,
        "ANALYZE review_key",
    ):
        connection.execute(text(statement), {**pilot, "decided": decided})


# In one household two persons change nothing by being one, unless one of them alone is in debt help already.
_PAIRS = text("""
    WITH shared AS (
        SELECT key, strong FROM review_key GROUP BY key, strong HAVING count(DISTINCT person_id) > 1
    ), there AS (
        SELECT k.*, p.household_id, p.due, p.known FROM review_key k JOIN shared USING (key, strong)
        JOIN review_person p USING (person_id)
    )
    SELECT a.person_id AS one, b.person_id AS other,
           bool_and(coalesce(a.birth <> b.birth, false)) AS differ
    FROM there a JOIN there b USING (key, strong)
    WHERE a.person_id < b.person_id AND (a.due OR b.due) AND (a.household_id <> b.household_id OR a.known <> b.known)
    GROUP BY a.person_id, b.person_id ORDER BY 1, 2
""")
# Two persons of one home are one household again, unless they are too many or have a contract of one kind each.
_MAY_SPLIT = text(f"""
    WITH full_household AS (
        SELECT household_id FROM review_person GROUP BY household_id HAVING count(*) >= {MOST_PERSONS}
    )
    SELECT person_id FROM review_person p
    WHERE due AND contracts > 1 AND (homes_differ OR clash OR known
        OR EXISTS (SELECT FROM full_household f WHERE f.household_id = p.household_id))
    ORDER BY person_id
""")  # noqa: S608 - a number of ours


def _persons(
    connection: Connection, pilot_id: str, wanted: Collection[uuid.UUID], keyed: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[_Newest]]:
    """The newest report of each contract of these persons, with its keys for those that are `keyed`."""
    keys = connection.execute(
        text("""
            SELECT r.report_id, k.key, k.strong, k.birth
            FROM (SELECT * FROM review_report WHERE person_id = ANY (:keyed) ORDER BY report_id) AS r
            CROSS JOIN LATERAL (
                SELECT key, strong, birth FROM signals.report_key
                WHERE pilot_id = :pilot AND report_id = r.report_id OFFSET 0
            ) AS k
        """),
        {"pilot": pilot_id, "keyed": [*keyed]},
    )
    strong: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    weak: dict[uuid.UUID, dict[uuid.UUID, uuid.UUID | None]] = defaultdict(dict)
    for row in keys:
        if row.strong:
            strong[row.report_id].add(row.key)
        else:
            weak[row.report_id][row.key] = row.birth
    found: dict[uuid.UUID, list[_Newest]] = defaultdict(list)
    for row in connection.execute(text("SELECT * FROM review_report WHERE person_id = ANY (:all)"), {"all": [*wanted]}):
        newest = _Newest(
            report_id=row.report_id,
            creditor_id=row.creditor_id,
            reference=row.reference,
            strong=frozenset(strong[row.report_id]),
            weak=weak[row.report_id],
            period=row.period,
            household_id=row.household_id,
        )
        found[row.person_id].append(newest)
    return found


def _undated(person: list[_Newest], holding: Holding) -> Iterator[list[_Newest]]:
    """Each part of a person without a birth date, which may be somebody else."""
    part_of = parts({one.report_id: one for one in person}, holding)
    members: dict[uuid.UUID, list[_Newest]] = defaultdict(list)
    for one in person:
        members[part_of[one.report_id]].append(one)
    for part in members.values():
        if len(part) < len(person) and not any(birth for one in part for birth in one.weak.values()):
            yield part


def _doubt(kind: str, one: list[_Newest], other: list[_Newest], *, linked: bool) -> Doubt:
    """A doubt is called after its contracts, so that it is the same one next month."""
    sides = sorted(sorted((report.contract, report.report_id) for report in side) for side in (one, other))
    named = repr([linked, *([contract for contract, _ in side] for side in sides)])
    first, second = (tuple(report for _, report in side) for side in sides)
    return Doubt(
        uuid.UUID(bytes=hashlib.sha256(named.encode()).digest()[:16]),
        kind,
        linked,
        first,
        second,
        tuple(sorted({report.household_id for report in (*one, *other)})),
        max(report.period for report in (*one, *other)),
    )


def _numbers(holding: Holding, side: Iterable[_Newest]) -> set[int]:
    return {holding.number[report.contract] for report in side if report.contract in holding.number}


def _decided_apart(holding: Holding, one: list[_Newest], other: list[_Newest]) -> bool:
    mine, theirs = _numbers(holding, one), _numbers(holding, other)
    return any(pair & mine and pair & theirs for pair in holding.apart)


def _decided_one(holding: Holding, one: list[_Newest], other: list[_Newest]) -> bool:
    return not _numbers(holding, one).isdisjoint(_numbers(holding, other))
