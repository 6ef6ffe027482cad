"""Pictures of tables as SVG: bars that are told apart without colour, with a title and a description in words.

Everything has its place by counting lines and leaving room for the widest letters, so that no text overlaps another
in whatever font it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

WIDTH, LABEL, BEHIND = 640, 214, 120  # pixels: all, the labels in front, the text behind
_BAR, _LINE, _GAP, _TOP = 18, 15, 10, 8
_LETTERS = 28  # of a label on one line
_FULL = "#154273"
_PATTERNS = (
    ("#ffffff", '<path d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" stroke="#154273" stroke-width="1.6"/>'),  # hatched
    ("#f3f6fa", '<circle cx="3" cy="3" r="0.8" fill="#154273"/>'),  # dotted
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what stands in front, its parts as shares of the whole width (0 to 1), and what stands behind it."""

    label: str
    parts: tuple[float, ...]
    behind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what it says in words; `legend` names the parts of a bar, in their order."""

    name: str
    title: str
    description: str
    bars: tuple[Bar, ...]
    legend: tuple[str, ...] = ()

    def svg(self) -> str:
        """The picture as SVG that stands alone."""
        top, lines = _TOP, []
        if self.legend:
            lines.append(self._legend())
            top += _LINE * len(self.legend) + _GAP
        for bar in self.bars:
            label = wrap(bar.label, _LETTERS) or [""]
            height = max(_BAR, _LINE * len(label))
            lines.append(self._bar(bar, label, top, height))
            top += height + _GAP
        patterns = "".join(
            f'<pattern id="{self.name}-{at}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" fill="{colour}"/>{marks}</pattern>'
            for at, (colour, marks) in enumerate(_PATTERNS, start=1)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
            f'role="img" aria-labelledby="{self.name}-title {self.name}-desc" '
            f'font-family="Libertinus Serif, Georgia, serif" font-size="13">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(self.description)}</desc>'
            f"<defs>{patterns}</defs>{''.join(lines)}</svg>"
        )

    def _legend(self) -> str:
        return "".join(
            f'<rect x="{LABEL}" y="{_TOP + at * _LINE + 1}" width="20" height="11" fill="{self._fill(at)}" '
            f'stroke="{_FULL}"/><text x="{LABEL + 28}" y="{_TOP + at * _LINE + 11}">{escape(name)}</text>'
            for at, name in enumerate(self.legend)
        )

    def _fill(self, part: int) -> str:
        """The first part is full, the others have a pattern each."""
        return f"url(#{self.name}-{part})" if part else _FULL

    def _bar(self, bar: Bar, label: Sequence[str], top: float, height: float) -> str:
        middle = top + height / 2
        first = middle - _LINE * (len(label) - 1) / 2 + 4
        drawn = [
            f'<text x="{LABEL - 10}" y="{first + at * _LINE:.1f}" text-anchor="end">{escape(line)}</text>'
            for at, line in enumerate(label)
        ]
        room, x = WIDTH - LABEL - BEHIND, float(LABEL)
        for at, part in enumerate(bar.parts):
            width = part * room
            if width > 0:
                drawn.append(
                    f'<rect x="{x:.1f}" y="{middle - _BAR / 2:.1f}" width="{width:.1f}" height="{_BAR}" '
                    f'fill="{self._fill(at)}" stroke="{_FULL}"/>'
                )
            x += width
        drawn.append(f'<text x="{x + 8:.1f}" y="{middle + 4:.1f}">{escape(bar.behind)}</text>')
        return "".join(drawn)
