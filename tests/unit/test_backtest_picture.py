"""A back-test as a picture: nothing in it gives a small number away, no text meets another, and it reads aloud."""

import itertools
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.backtest_picture import LETTER, WIDTH, as_svg, figures, picture_words
from privacy.small_numbers import LEAST, shown
from signals.backtest_counts import (
    Backtest,
    Both,
    BothOfTray,
    FalseAlarms,
    LeadTime,
    Median,
    MonthCompared,
    NamedRuleSet,
)
from tests.budget import examples

SVG = "{http://www.w3.org/2000/svg}"
TRAYS = ("urgent", "multiple", "a_tray_with_the_longest_name_yet", "single", "set_aside")
FEW = ((3, 17), (40, 61), (132, 97), (12, 14), (30, 28))
MANY = ((17, 24), (40, 61), (132, 90), (12, 14), (30, 42))


def month(*counts: tuple[int, int], period: str = "2026-10") -> MonthCompared:
    trays = tuple(BothOfTray(tray=tray, old=old, new=new) for tray, (old, new) in zip(TRAYS, counts, strict=False))
    worklist = Both(old=sum(old for old, _ in counts), new=sum(new for _, new in counts))
    rest = {"came_in": 0, "went_out": 0, "moved": (), "categories": ()}
    return MonthCompared.model_validate({"period": period, "worklist": worklist, "trays": trays, **rest})


def backtested(*months: MonthCompared) -> Backtest:
    none = Both(old=0, new=0)
    named = NamedRuleSet(name=f"{'a-very-long-name-' * 3}@9999", hash="ab" * 32)
    lead = LeadTime(flagged=0, before=none, missed=none, median_days=Median(old=None, new=None), earlier=0, later=0)
    return Backtest(
        old=named,
        new=named,
        periods=tuple(each.period for each in months),
        set_aside=("set_aside",),
        months=months,
        weeks=(),
        lead_time=lead,
        false_alarms=FalseAlarms(told=none, count=none),
    )


def picture(*months: MonthCompared) -> ET.Element:
    words = picture_words("nl", lambda tray: tray, lambda period: period)
    return ET.fromstring(as_svg(backtested(*months), words))


def test_no_text_meets_another_or_leaves_the_picture() -> None:
    drawn = picture(month(*MANY), month((3, 900), (999_999, 2), *MANY[2:], period="2026-11"))
    boxes = []
    for text in drawn.iter(f"{SVG}text"):
        left, base = float(text.attrib["x"]), float(text.attrib["y"])
        wide = len(text.text or "") * LETTER * (16 / 13 if text.attrib.get("class") == "head" else 1)
        boxes.append((left, base - 13, left + wide, base + 4))
    assert all(right <= WIDTH and bottom <= float(drawn.attrib["height"]) for _, _, right, bottom in boxes)
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def test_it_has_a_title_and_says_all_its_figures_in_words() -> None:
    drawn = picture(month(*MANY))
    assert drawn.attrib["role"] == "img"
    named = {element.attrib.get("id"): element.text or "" for element in drawn}
    assert drawn.attrib["aria-labelledby"].split() == ["title", "desc"]
    assert "regelset" in named["title"]
    for old, new in MANY:
        assert f"oud {shown(old)}, nieuw {shown(new)}" in named["desc"]


def test_small_numbers_are_not_drawn() -> None:
    drawn = picture(month(*FEW))
    said = " ".join(text.text or "" for text in drawn.iter())
    assert f"oud <{LEAST}, nieuw 15" in said
    assert len([bar for bar in drawn.iter(f"{SVG}rect") if bar.attrib.get("class") == "hidden"]) == 1
    assert "132" not in said  # rounded


def test_a_month_that_would_tell_of_small_numbers_is_left_out_whole() -> None:
    tight = month((3, 13), (40, 30))
    assert figures(tight) is None
    assert "niet getoond" in " ".join(text.text or "" for text in picture(tight).iter())


COUNTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=3)


@settings(max_examples=examples(20))
@given(COUNTS)
def test_what_is_not_shown_stays_open_beside_the_other_rule_set(counts: list[tuple[int, int]]) -> None:
    """Both sort the same signals: whoever knows that still finds every value from 0 up possible."""
    old, new = [one for one, _ in counts], [other for _, other in counts]
    new[-1] = max(0, sum(old) - sum(new[:-1]))
    if sum(old) != sum(new):
        return
    rows = figures(month(*zip(old, new, strict=True)))
    if rows is None:
        return
    by_old, by_new = [row[1] for row in rows], [row[2] for row in rows]
    for own, others in ((by_old, by_new), (by_new, by_old)):
        reachable = _sums(others)
        for place, figure in enumerate(own):
            if figure is None:
                rest = _sums(own[:place] + own[place + 1 :])
                assert all(any(value + some in reachable for some in rest) for value in range(LEAST))


def _sums(figures_shown: list[int | None]) -> set[int]:
    """Every sum that the counts behind these figures may have, by trying all."""
    bands = [[count for count in range(70) if shown(count) == figure] for figure in figures_shown]
    return {sum(counts) for counts in itertools.product(*bands)}


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_names_are_text_and_no_markup(lang: str) -> None:
    words = picture_words("en" if lang == "en" else "nl", lambda _tray: "<b>&\"'", lambda period: period)
    assert "&lt;b&gt;&amp;" in as_svg(backtested(month(*MANY)), words)
