"""Small numbers: whoever reads the tables, and knows how they are made, finds no count that they don't show."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from privacy.small_numbers import LEAST, STEP, Band, shown, tells_no_more, told, total
from signals.line_rules import LINE_RULES
from signals.monthly_table import MonthCounts, MonthlyTable, OfTray, Repetition, publish, signals_beside, trays
from signals.pilot import Pilot
from signals.rulesets import RuleSet, default_rule_set
from tests.world import pilot_document

RULES = default_rule_set()
PILOT = Pilot.model_validate(pilot_document("aland", "town-a"))
CATEGORIES = [category.value for category in PILOT.categories]
DAY = date(2026, 12, 1)
HIDDEN = range(LEAST)
Rows = tuple[OfTray, ...] | None

small = st.integers(0, 40)
counts = st.one_of(st.integers(0, 30), st.integers(0, 3000))
months = st.builds(
    MonthCounts,
    reports=st.fixed_dictionaries(dict.fromkeys(CATEGORIES, counts)),
    signals=st.fixed_dictionaries(dict.fromkeys(list(product(trays(RULES), Repetition)), counts)),
    refused=st.dictionaries(st.sampled_from(sorted(LINE_RULES)), counts),
)


def made(of: MonthCounts, earlier: Iterable[MonthlyTable] = (), rules: RuleSet = RULES) -> MonthlyTable:
    return publish(of, PILOT, rules, "2026-10", earlier, DAY)


@given(counts)
def test_a_figure_tells_a_band_that_every_count_in_it_would_have_told(count: int) -> None:
    band = told(shown(count))
    assert band.at_least <= count <= band.at_most
    assert {shown(other) for other in range(band.at_least, band.at_most + 1)} == {shown(count)}
    assert shown(band.at_most + 1) != shown(count)
    assert band.at_most - band.at_least >= STEP // 2


def test_what_is_below_the_threshold_is_not_shown_and_neither_is_nothing() -> None:
    assert [shown(count) for count in (0, 1, 9, 10, 12, 13, 17, 18)] == [None, None, None, 10, 10, 15, 15, 20]
    assert told(None) == Band(0, 9)
    with pytest.raises(ValueError, match="nothing"):
        shown(-1)


@given(st.lists(counts))
def test_a_total_tells_no_more_than_its_figures(of: list[int]) -> None:
    """Every sum within the total's band is that of counts that give the same figures."""
    bands = [told(shown(count)) for count in of]
    assert total(map(shown, of)) == Band(sum(b.at_least for b in bands), sum(b.at_most for b in bands))


@given(months)
def test_a_table_says_nothing_that_its_figures_do_not_say(of: MonthCounts) -> None:
    """Other counts with the same figures give the same table to the letter, totals included."""
    table = made(of)
    figures = [row.count for rows in (table.reports, table.signals or (), table.refused) for row in rows]
    assert all(figure is None or (figure >= LEAST and figure % STEP == 0) for figure in figures)
    least = MonthCounts(
        {name: told(shown(count)).at_least for name, count in of.reports.items()},
        {key: told(shown(count)).at_least for key, count in of.signals.items()},
        {name: told(shown(count)).at_least for name, count in of.refused.items()},
    )
    again = made(least)
    assert (again.reports, again.refused, again.reports_total) == (table.reports, table.refused, table.reports_total)
    if table.signals is not None and table.signals[0].repetition is not None:
        assert (again.signals, again.households) == (table.signals, table.households)


@given(months)
def test_which_rows_there_are_does_not_depend_on_the_counts(of: MonthCounts) -> None:
    nothing, table = made(MonthCounts({}, {}, {})), made(of)
    assert [row.category for row in table.reports] == [row.category for row in nothing.reports] == CATEGORIES
    assert [row.rule for row in table.refused] == [row.rule for row in nothing.refused] == list(LINE_RULES)
    rows = {(row.tray, row.repetition) for row in table.signals or ()}
    assert rows in (set(), set(product(trays(RULES), Repetition)), set(product(trays(RULES), [None])))


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data(), st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=1, max_size=4))
def test_beside_the_whole_a_part_leaves_every_count_that_is_not_shown_open(
    data: st.DataObject, part: list[int], whole: list[int]
) -> None:
    """The bounds that a reader works out for each count from all figures and from `part` being within `whole`."""
    weights = data.draw(st.lists(st.integers(1, 3), min_size=len(part), max_size=len(part)))
    assume(tells_no_more(list(zip(map(shown, part), weights, strict=True)), total(map(shown, whole)).at_most))
    parts, wholes = [told(shown(count)) for count in part], [told(shown(count)) for count in whole]
    least = sum(band.at_least * weight for band, weight in zip(parts, weights, strict=True))
    most = sum(band.at_most for band in wholes)
    for band, weight in zip(parts, weights, strict=True):
        if band == told(None):
            assert (most - (least - band.at_least * weight)) // weight >= LEAST - 1
    for band in wholes:
        if band == told(None):
            assert least <= most - band.at_most


def one_tray(rules: RuleSet, **need: Any) -> RuleSet:
    """A rule set with one tray beside that of what is set aside."""
    rule = rules.rules[-1]
    return rules.model_copy(update={"rules": (rule.model_copy(update={"tray": "all", **need}),)})


def open_counts(worlds: Iterable[tuple[Any, tuple[int, ...]]]) -> Iterator[tuple[Any, list[set[int]]]]:
    """For every publication the counts that it leaves possible: all worlds that are published alike, side by side."""
    alike: dict[Any, list[set[int]]] = defaultdict(list)
    for publication, world in worlds:
        possible = alike[publication]
        if not possible:
            possible += [set() for _ in world]
        for values, value in zip(possible, world, strict=True):
            values.add(value)
    yield from alike.items()


def test_a_reader_who_tries_every_possible_month_pins_down_no_count_that_is_not_shown() -> None:
    """The strongest reader: knows the rules, the relation of signals to reports, and why something is left out."""
    rules = one_tray(RULES)
    memo: dict[tuple[int | None, ...], Rows] = {}

    def worlds() -> Iterator[tuple[Any, tuple[int, ...]]]:
        for rent, energy, multiple in product(range(23), range(23), range(23)):
            reports = [shown(rent), shown(energy)]
            for single in range(rent + energy - 2 * multiple + 1):
                figures = (*reports, shown(single), shown(multiple), shown(single + multiple))
                if figures not in memo:
                    of = {("all", Repetition.SINGLE): single, ("all", Repetition.MULTIPLE): multiple}
                    memo[figures] = signals_beside(of, rules, reports, ())
                yield (*reports, memo[figures]), (rent, energy, single, multiple)

    seen = set()
    for publication, (rent, energy, *signals) in open_counts(worlds()):
        *reports, rows = publication
        split = None if rows is None else rows[0].repetition is not None
        seen.add(split)
        for figure, possible in zip(reports, (rent, energy), strict=True):
            assert figure is not None or len(possible) >= (LEAST if split else LEAST - 1), publication
        for row, possible in zip(rows[:2] if split else (), signals, strict=bool(split)):
            assert row.count is not None or possible == {*HIDDEN}, publication
    assert seen == {None, True, False}


def test_two_months_side_by_side_pin_down_no_count_that_one_of_them_does_not_show() -> None:
    """Signals that come again were there before: the later month must not tell how many there were."""
    rules, reports = one_tray(RULES), dict.fromkeys(CATEGORIES, 500)
    memo: dict[tuple[int | None, ...], tuple[Rows, Rows]] = {}

    def worlds() -> Iterator[tuple[Any, tuple[int, ...]]]:
        for first, aside, new in product(range(20), range(20), range(13)):
            for again in range(first + aside + 1):
                figures = (shown(first), shown(aside), shown(again), shown(new), shown(again + new))
                if figures not in memo:
                    of = {("all", Repetition.SINGLE): first, ("set_aside", Repetition.SINGLE): aside}
                    earlier = made(MonthCounts(reports, of, {}), rules=rules)
                    of = {("all", Repetition.CONSECUTIVE): again, ("all", Repetition.SINGLE): new}
                    memo[figures] = earlier.signals, made(MonthCounts(reports, of, {}), [earlier], rules).signals
                yield memo[figures], (first, aside, again)

    seen = set()
    for publication, (first, aside, again) in open_counts(worlds()):
        earlier, later = publication
        assert earlier[0].repetition is Repetition.SINGLE
        split = later[0].repetition is not None
        if not split and (later[0].count or 0) > 20:
            continue  # more new ones than were tried could be among them
        seen.add(split)
        for figure, possible in ((earlier[0].count, first), (earlier[3].count, aside)):
            assert figure is not None or len(possible) >= (LEAST if split else LEAST - 1), publication
        assert not split or later[2].count is not None or again == {*HIDDEN}, publication
    assert seen == {True, False}


def test_a_tray_that_itself_says_multiple_or_again_is_held_to_it() -> None:
    """Its rules are published too, so its figure alone tells as much as a repetition would."""
    multiple = {("multiple", Repetition.MULTIPLE): 20, ("single", Repetition.SINGLE): 0}
    few, many = [shown(20), shown(22)], [shown(200), shown(220)]
    assert signals_beside(multiple, RULES, few, ()) is None  # 18 of them at least rest on 36 reports at least
    assert signals_beside(multiple, RULES, many, ()) is not None
    earlier = made(MonthCounts(dict.fromkeys(CATEGORIES, 200), {("single", Repetition.SINGLE): 9}, {}))
    assert signals_beside({("consecutive", Repetition.CONSECUTIVE): 12}, RULES, many, [earlier]) is None
    assert signals_beside({("consecutive", Repetition.CONSECUTIVE): 9}, RULES, many, [earlier]) is not None
