"""The chart of the statistics as shapes of an SVG. Pure.

It has classes instead of colours and styles: the content policy allows none inline.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from calls.figures import Figure

WIDTH, HEIGHT = 960, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 28
# Labels below the columns, at most.
MAX_LABELS = 8
GAP_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column, for one figure."""

    x: float
    y: float
    width: float
    height: float
    figure: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a column or at a line of the grid."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All shapes of a chart."""

    bars: tuple[Bar, ...]
    columns: tuple[Label, ...]
    grid: tuple[Label, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def draw(
    labels: Sequence[str], counts: Sequence[Counter[str]], stacked: Sequence[Figure]
) -> Drawing:
    """Stacked bars, one column a label."""
    top = _round_up(max((sum(column.values()) for column in counts), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    every = -(-len(labels) // MAX_LABELS) or 1
    bars: list[Bar] = []
    for place, column in enumerate(counts):
        x, below = LEFT + (place + GAP_SHARE / 2) * step, 0
        for figure in stacked:
            value = column[figure.name]
            if not value:
                continue
            y = _y(below + value, top)
            height = _y(below, top) - y
            title = f"{labels[place]}: {value:,} {figure.title.lower()}"
            width = step * (1 - GAP_SHARE)
            bars.append(
                Bar(
                    *(round(x, 1), round(y, 1), round(width, 1), round(height, 1)),
                    *(figure.name, title),
                )
            )
            below += value
    columns = [
        Label(round(LEFT + (place + 0.5) * step, 1), HEIGHT - 8, label)
        for place, label in enumerate(labels)
        if place % every == 0
    ]
    values = sorted({0, top // 2, top})
    grid = [Label(LEFT - 6, round(_y(value, top), 1), f"{value:,}") for value in values]
    return Drawing(tuple(bars), tuple(columns), tuple(grid))


def _y(value: float, top: int) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _round_up(value: int) -> int:
    """The next value for the top of the scale: 2, 4, 10, 20, 40, 100 and so on."""
    scale = 1
    while True:
        for top in (2 * scale, 4 * scale, 10 * scale):
            if value <= top:
                return top
        scale *= 10
