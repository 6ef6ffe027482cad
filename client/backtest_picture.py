"""A back-test as a picture to be handed on: bars per month and tray, old beside new, small numbers left out.

Self-made SVG, drawn from rows that each have a line of their own, so that no text meets another. What is old and what
is new shows by pattern and by order, not by colour alone; all figures stand in the description too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from privacy.small_numbers import LEAST, STEP, Figure, shown, tells_no_more, total
from signals.backtest_counts import Backtest, MonthCompared

WIDTH, MARGIN, LABELS, VALUES = 900, 24, 230, 70  # pixels
ROW, BAR, HEAD = 44, 15, 40
WIDEST = WIDTH - 2 * MARGIN - LABELS - VALUES
LETTER = 7.6  # of a letter at 13 pixels, on the wide side
STYLE = (
    "text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:#1a1a1a}.head{font-size:16px;font-weight:600}"
    ".small{font-size:12px;fill:#444}.old{fill:url(#hatch);stroke:#5a4a00;stroke-width:1}"
    ".new{fill:#0b5c8a;stroke:#083f5f;stroke-width:1}.hidden{fill:none;stroke:#444;stroke-dasharray:4 3}"
)
HATCH = (
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#fff3c4"/><line x1="0" y1="0" x2="0" y2="6" stroke="#8a6d00" stroke-width="3"/>'
    "</pattern>"
)


@dataclass(frozen=True, slots=True)
class Words:
    """What the picture says, in one language; `tray` and `month` put a code into words."""

    title: str
    old: str
    new: str
    not_shown: str
    rounded: str
    tray: Callable[[str], str]
    month: Callable[[str], str]


def picture_words(lang: Literal["nl", "en"], tray: Callable[[str], str], month: Callable[[str], str]) -> Words:
    """The words in Dutch or English."""
    if lang == "nl":
        return Words(
            "Signalen per werkbakje, met de ene en de andere regelset",
            "oud",
            "nieuw",
            "niet getoond: naast elkaar zouden ze kleine aantallen verraden",
            f"<{LEAST}: minder dan {LEAST}, of geen. Andere aantallen zijn afgerond op {STEP}-tallen.",
            tray,
            month,
        )
    return Words(
        "Signals per tray, by the one rule set and by the other",
        "old",
        "new",
        "not shown: side by side they would give small numbers away",
        f"<{LEAST}: fewer than {LEAST}, or none. Other numbers are rounded to multiples of {STEP}.",
        tray,
        month,
    )


def figures(month: MonthCompared) -> list[tuple[str, Figure, Figure]] | None:
    """What of a month may leave the desk: tray, old, new; None where the two would tell of small numbers together.

    Both sort the same signals, so the sum of the one is that of the other.
    """
    rows = [(tray.tray, shown(tray.old), shown(tray.new)) for tray in month.trays]
    old, new = [row[1] for row in rows], [row[2] for row in rows]
    if None in (*old, *new) and not (_fits(old, new) and _fits(new, old)):
        return None
    return rows


def as_svg(found: Backtest, words: Words) -> str:
    """The picture, as text."""
    months = [(month.period, figures(month)) for month in found.months]
    most = max([LEAST, *(figure or 0 for _, rows in months for row in rows or () for figure in row[1:])])
    drawn: list[str] = []
    top = 3 * MARGIN + 58
    for period, rows in months:
        drawn.append(_text(MARGIN, top, words.month(period), "head"))
        top += HEAD - 14
        if rows is None:
            drawn.append(_text(MARGIN, top + 8, words.not_shown, "small"))
            top += HEAD
            continue
        for tray, *both in rows:
            drawn.append(_text(MARGIN, top + BAR + 3, _short(words.tray(tray))))
            for place, (kind, figure) in enumerate(zip(("old", "new"), both, strict=True)):
                drawn += _bar(top + place * (BAR + 3), kind, figure, most)
            top += ROW
        top += MARGIN
    drawn.append(_text(MARGIN, top + 6, words.rounded, "small"))
    height = top + 6 + MARGIN
    said = escape(_described(months, words))
    legend = _legend(found, words)
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" {size}>',
            f'<title id="title">{escape(words.title)}</title>',
            f'<desc id="desc">{said}</desc>',
            f"<style>{STYLE}</style><defs>{HATCH}</defs>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            _text(MARGIN, MARGIN + 12, words.title, "head"),
            *legend,
            *drawn,
            "</svg>",
            "",
        ]
    )


def _fits(part: list[Figure], whole: list[Figure]) -> bool:
    return tells_no_more([(figure, 1) for figure in part], total(whole).at_most)


def _legend(found: Backtest, words: Words) -> Iterable[str]:
    for place, (kind, name) in enumerate(((words.old, found.old.name), (words.new, found.new.name))):
        top = MARGIN + 30 + place * 24
        css = ("old", "new")[place]
        yield f'<rect class="{css}" x="{MARGIN}" y="{top}" width="28" height="{BAR}"/>'
        yield _text(MARGIN + 38, top + BAR - 3, f"{kind}: {name}")


def _bar(top: int, kind: str, figure: Figure, most: int) -> Iterable[str]:
    left = MARGIN + LABELS
    width = max(2, round(WIDEST * (LEAST if figure is None else figure) / most))
    css = "hidden" if figure is None else kind
    yield f'<rect class="{css}" x="{left}" y="{top}" width="{width}" height="{BAR}"/>'
    yield _text(left + width + 8, top + BAR - 3, f"<{LEAST}" if figure is None else str(figure))


def _described(months: Iterable[tuple[str, list[tuple[str, Figure, Figure]] | None]], words: Words) -> str:
    said = []
    for period, rows in months:
        if rows is None:
            said.append(f"{words.month(period)}: {words.not_shown}.")
            continue
        each = (f"{words.tray(tray)} {words.old} {_figure(old)}, {words.new} {_figure(new)}" for tray, old, new in rows)
        said.append(f"{words.month(period)}: {'; '.join(each)}.")
    return " ".join([*said, words.rounded])


def _figure(figure: Figure) -> str:
    return f"<{LEAST}" if figure is None else str(figure)


def _short(name: str) -> str:
    most = int((LABELS - 10) / LETTER)
    return name if len(name) <= most else name[: most - 1] + "…"


def _text(left: int, baseline: int, said: str, css: str = "") -> str:
    of = f' class="{css}"' if css else ""
    return f'<text{of} x="{left}" y="{baseline}">{escape(said)}</text>'
