"""A plane with two axes and lines in it: what curves of every kind are drawn on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from .letters import unicode_text
from .svg import drawing, element, label, number

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 16, 46

#: Between the rows of the key, and what a letter of it needs.
ROW, LETTER = 20, 6.6

#: What lines look like, in their order: told apart without their colours, too.
LOOKS = (
    ("accent", ""),
    ("warm", ""),
    ("leaf", "7 3"),
    ("ink", ""),
    ("accent", "2 3"),
    ("warm", "7 3"),
)

#: Powers of ten up to this one are written out, where all on an axis are.
FEW = 3

#: Ticks are at multiples of these times a power of ten.
ROUND = (1, 2, 5, 10)


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, which are powers of ten where it is logarithmic."""

    title: str
    low: Fraction
    high: Fraction
    ticks: tuple[Fraction, ...]
    log: bool = False

    def share(self, value: Fraction | float) -> float:
        """How far along the axis a value lies, from 0 to 1."""
        return float((value - self.low) / (self.high - self.low))

    def written(self, tick: Fraction) -> str:
        if not self.log:
            return decimal(tick)
        whole = all(tick.denominator == 1 for tick in self.ticks)
        if whole and any(abs(tick) > FEW for tick in self.ticks):
            return power(tick)
        return decimal(Fraction(f"{10.0**tick:.0e}"))


Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line through points, in the units of the axes; ``None`` interrupts it."""

    name: str
    points: tuple[Point | None, ...]


def plane(across: Axis, up: Axis, lines: Sequence[Line], title: str) -> str:
    """The picture; the names of its lines stand above it, if there are several."""
    key, above = keyed(lines) if len(lines) > 1 else ([], 0)
    parts = [*key, *frame(across, up, above)]
    for n, line in enumerate(lines):
        for run in runs(line.points, up):
            placed = ((x_of(across, x), y_of(up, y, above)) for x, y in run)
            points = " ".join(f"{number(x)},{number(y)}" for x, y in placed)
            parts.append(element("polyline", look(n) | {"points": points, "fill": "none"}))
    return drawing(WIDTH, HEIGHT + above, title, parts)


def look(n: int) -> dict[str, object]:
    colour, dashes = LOOKS[n % len(LOOKS)]
    stroke: dict[str, object] = {"stroke": colour, "stroke-width": 1.8, "stroke-linejoin": "round"}
    return stroke | ({"stroke-dasharray": dashes} if dashes else {})


def x_of(axis: Axis, value: Fraction | float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.share(value)


def y_of(axis: Axis, value: Fraction | float, above: float) -> float:
    return above + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * axis.share(value)


# --------------------------------------------------------------------------
# What stands around the lines
# --------------------------------------------------------------------------


def keyed(lines: Sequence[Line]) -> tuple[list[str], float]:
    """A sample of each line beside its name, in rows, and how high they are."""
    parts = []
    x, y = float(LEFT), float(ROW)
    for n, line in enumerate(lines):
        width = 40 + LETTER * len(re.sub(r"\\[a-z]+", "x", line.name).replace("$", ""))
        if x > LEFT and x + width > WIDTH:
            x, y = LEFT, y + ROW
        parts.append(element("line", look(n) | {"x1": x, "x2": x + 22, "y1": y - 4, "y2": y - 4}))
        parts.append(label(x + 28, y, text_of(line.name), 13, **{"text-anchor": "start"}))
        x += width
    return parts, y


def frame(across: Axis, up: Axis, above: float) -> Iterator[str]:
    """Lines at round numbers, each with its number, and what the axes are."""
    thin = {"stroke": "faint", "stroke-width": 0.6}
    top, bottom = above + TOP, above + HEIGHT - BOTTOM
    for tick in across.ticks:
        x = x_of(across, tick)
        yield element("line", thin | {"x1": x, "x2": x, "y1": top, "y2": bottom})
        yield label(x, bottom + 18, across.written(tick), 12)
    for tick in up.ticks:
        y = y_of(up, tick, above)
        yield element("line", thin | {"x1": LEFT, "x2": WIDTH - RIGHT, "y1": y, "y2": y})
        yield label(LEFT - 8, y + 4, up.written(tick), 12, **{"text-anchor": "end"})
    yield label((LEFT + WIDTH - RIGHT) / 2, above + HEIGHT - 8, text_of(across.title), 13)
    middle = (top + bottom) / 2
    turned = {"transform": f"rotate(-90 14 {number(middle)})"}
    yield label(14, middle, text_of(up.title), 13, **turned)


def text_of(words: str) -> str:
    """Words as SVG, with letters between dollars slanted: ``loss by $x$``, ``$10^{20}$``."""
    plain, *rest = words.split("$")
    shown = escape(plain)
    for n, part in enumerate(rest):
        shown += escape(part) if n % 2 else formula(part)
    return shown


def formula(tex: str) -> str:
    """A formula in one line as SVG: letters slanted, what is raised or lowered in its place."""
    shown = ""
    for mark, small, text in re.findall(r"([_^])(\{[^{}]*\}|\\[a-z]+|.)|([^_^]+)", tex):
        if mark:
            by = -5 if mark == "^" else 3
            shown += f'<tspan dy="{by}" font-size="10">{slanted(small)}</tspan>'
            shown += f'<tspan dy="{-by}">\u200b</tspan>'
        else:
            shown += slanted(text)
    return shown


def slanted(tex: str) -> str:
    return re.sub(
        r"[^\W\d_]+",
        lambda letters: f'<tspan font-style="italic">{letters[0]}</tspan>',
        escape(unicode_text(tex)),
    )


def power(exponent: Fraction) -> str:
    if not exponent:
        return "1"
    text = str(exponent).replace("-", "\u2212")
    return f'10<tspan dy="-5" font-size="10">{text}</tspan>'


def decimal(value: Fraction) -> str:
    return f"{float(value):.6g}".replace("-", "\u2212")


# --------------------------------------------------------------------------
# Round numbers
# --------------------------------------------------------------------------


def round_ticks(low: Fraction, high: Fraction, most: int = 7) -> tuple[Fraction, ...]:
    """Round numbers from low to high, as many as fit and ``most`` at most."""
    rough = (high - low) / most
    unit = Fraction(10) ** math.floor(math.log10(rough))
    step = next(unit * n for n in ROUND if unit * n >= rough)
    return tuple(step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1))


def runs(points: Sequence[Point | None], up: Axis) -> Iterator[list[Point]]:
    """The pieces of a line that lie within the axis, cut at its ends."""
    low, high = float(up.low), float(up.high)
    run: list[Point] = []
    for before, point in zip([None, *points], points, strict=False):
        if before and point:
            inside = cut(before, point, low, high)
            if inside and run and run[-1] == inside[0]:
                run.append(inside[1])
                continue
            if len(run) > 1:
                yield run
            run = list(inside or ())
    if len(run) > 1:
        yield run


def cut(a: Point, b: Point, low: float, high: float) -> tuple[Point, Point] | None:
    """The part of a segment between two heights."""
    if max(a[1], b[1]) < low or min(a[1], b[1]) > high:
        return None

    def moved(p: Point, q: Point) -> Point:
        height = min(max(p[1], low), high)
        return (
            p
            if height == p[1]
            else (p[0] + (q[0] - p[0]) * (height - p[1]) / (q[1] - p[1]), height)
        )

    return moved(a, b), moved(b, a)
