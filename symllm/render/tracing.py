"""Pictures for LaTeX: SVG in operators of PDF, which need no package, and letters set by TeX.

What our pictures are made of is known here, and no more; whoever draws otherwise has the
picture's words on the page instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from .signs import SIGNS

#: A picture's source in Markdown: what comes before it, and the SVG.
PICTURE = re.compile(
    r'^(```\{\.picture words="[^"\n]*"\}\n)(<svg .*?</svg>)(?=\n```$)', re.M | re.S
)

#: A pixel of SVG in points of PDF, and how wide a picture may be.
PIXEL, WIDEST = 0.75, 430.0

#: Where a circle's quarter is led to, as a share of its radius.
ROUND = 0.5523

ACCENTS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar"}
SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SPECIAL |= {letter: rf"\{letter}" for letter in "#$%&_{}"} | {"\u2212": "$-$", "\u200b": ""}
ANCHORS = {
    "start": r"\hbox to 0pt{%s\hss}",
    "middle": r"\hbox to 0pt{\hss %s\hss}",
    "end": r"\hbox to 0pt{\hss %s}",
}
INK = "#000000"

Attributes = Mapping[str, str]


class Untraceable(Exception):
    """Something that is in none of our pictures."""


def traced(markdown: str) -> str:
    """Markdown in which pictures that can be drawn are LaTeX instead of SVG."""
    return PICTURE.sub(lambda m: m[1] + (picture(m[2]) or m[2]), markdown)


def picture(svg: str) -> str:
    """An SVG as a ``picture`` of LaTeX; empty where it holds something that is not known here."""
    try:
        root = ElementTree.fromstring(svg)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        unit = min(PIXEL, WIDEST / width)
        drawn = "\n".join(shapes(root))
        written = "\n".join(letters(root, unit, height))
    except (ElementTree.ParseError, KeyError, ValueError, Untraceable):
        return ""
    matrix = f"{number(unit)} 0 0 {number(-unit)} 0 {number(unit * height)} cm"
    return (
        f"\\setlength{{\\unitlength}}{{{number(unit)}bp}}%\n"
        f"\\begin{{picture}}({number(width)},{number(height)})\n"
        f"\\put(0,0){{\\traced{{q {matrix}\n{drawn}\nQ}}}}\n{written}\n\\end{{picture}}"
    )


def number(value: float) -> str:
    """With two decimals at most; nothing is less than zero by nothing."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def inside(element: ElementTree.Element) -> Iterator[tuple[str, ElementTree.Element]]:
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name not in ("style", "title", "desc"):
            yield name, child


def moved(element: ElementTree.Element) -> tuple[float, float]:
    """How far a group is moved; nothing else is done to one."""
    said = element.get("transform", "translate(0 0)")
    found = re.fullmatch(r"translate\((\S+) (\S+)\)", said)
    if not found:
        raise Untraceable(said)
    return float(found[1]), float(found[2])


# --------------------------------------------------------------------------
# Lines and areas
# --------------------------------------------------------------------------


def shapes(element: ElementTree.Element) -> Iterator[str]:
    """What is drawn, a line for each shape, in the order in which one covers another."""
    for name, child in inside(element):
        if name == "g":
            x, y = moved(child)
            yield f"q 1 0 0 1 {number(x)} {number(y)} cm"
            yield from shapes(child)
            yield "Q"
        elif name in OUTLINES:
            yield painted(OUTLINES[name](child.attrib), child.attrib, open=name == "line")
        elif name != "text":
            raise Untraceable(name)


def painted(outline: str, given: Attributes, open: bool) -> str:
    fill, stroke = given.get("fill", "none" if open else INK), given.get("stroke", "none")
    paint = {(False, True): "f", (True, False): "S", (True, True): "B"}.get(
        (stroke != "none", fill != "none")
    )
    if not paint:
        return ""
    how = [f"{colour(fill)} rg"] if fill != "none" else []
    if stroke != "none":
        how += [f"{colour(stroke)} RG", f"{number(float(given.get('stroke-width', '1')))} w"]
        how += ["1 j"] if given.get("stroke-linejoin") == "round" else []
        how += [f"[{given['stroke-dasharray']}] 0 d"] if "stroke-dasharray" in given else []
    return f"q {' '.join(how)} {outline} {paint} Q"


def colour(said: str) -> str:
    if not re.fullmatch(r"#[0-9a-f]{6}", said):
        raise Untraceable(said)
    return " ".join(number(int(said[k : k + 2], 16) / 255) for k in (1, 3, 5))


def at(*values: float) -> str:
    return " ".join(map(number, values))


def line(given: Attributes) -> str:
    x1, y1, x2, y2 = (float(given[name]) for name in ("x1", "y1", "x2", "y2"))
    return f"{at(x1, y1)} m {at(x2, y2)} l"


def polyline(given: Attributes) -> str:
    points = [at(*map(float, point.split(","))) for point in given["points"].split()]
    return " ".join(f"{point} {'l' if n else 'm'}" for n, point in enumerate(points))


def rectangle(given: Attributes) -> str:
    x, y, width, height = (float(given[name]) for name in ("x", "y", "width", "height"))
    r = float(given.get("rx", "0"))
    if not r:
        return f"{at(x, y, width, height)} re"
    k, right, low = r * (1 - ROUND), x + width, y + height
    return " ".join(
        [
            f"{at(x + r, y)} m {at(right - r, y)} l",
            f"{at(right - k, y, right, y + k, right, y + r)} c {at(right, low - r)} l",
            f"{at(right, low - k, right - k, low, right - r, low)} c {at(x + r, low)} l",
            f"{at(x + k, low, x, low - k, x, low - r)} c {at(x, y + r)} l",
            f"{at(x, y + k, x + k, y, x + r, y)} c h",
        ]
    )


#: How many numbers each command of a path takes.
TAKEN = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}


def path(given: Attributes) -> str:
    found: list[str] = []
    x = y = 0.0
    for command, said in re.findall(r"([A-Za-z])([^A-Za-z]*)", given["d"]):
        values = [float(v) for v in re.findall(r"-?[\d.]+", said)]
        if len(values) != TAKEN.get(command):
            raise Untraceable(given["d"])
        if command == "Q":  # the same curve, led from two points
            u, v, *end = values
            values = [x + (u - x) * 2 / 3, y + (v - y) * 2 / 3]
            values += [end[0] + (u - end[0]) * 2 / 3, end[1] + (v - end[1]) * 2 / 3, *end]
        elif command in "HV":
            values = [values[0], y] if command == "H" else [x, values[0]]
        found.append(f"{at(*values)} {WRITTEN[command]}".strip())
        if values:
            x, y = values[-2:]
    return " ".join(found)


WRITTEN = {"M": "m", "L": "l", "H": "l", "V": "l", "C": "c", "Q": "c", "Z": "h"}
OUTLINES = {"line": line, "polyline": polyline, "rect": rectangle, "path": path}


# --------------------------------------------------------------------------
# Letters
# --------------------------------------------------------------------------


def letters(
    element: ElementTree.Element, unit: float, height: float, x: float = 0, y: float = 0
) -> Iterator[str]:
    """What is written, at its places; LaTeX counts them from below."""
    for name, child in inside(element):
        if name == "g":
            right, down = moved(child)
            yield from letters(child, unit, height, x + right, y + down)
        elif name == "text":
            left, up = x + float(child.attrib["x"]), height - y - float(child.attrib["y"])
            ink = child.get("fill", INK)
            colour(ink)  # is it one?
            where = f"{{{number(left)}}}{{{number(up)}}}{{{ink[1:].upper()}}}"
            yield rf"\letters{where}{{{placed(child, ''.join(pieces(child, unit)))}}}"


def placed(element: ElementTree.Element, text: str) -> str:
    """Text beside, about or before its place, or turned about it."""
    turned = element.get("transform", "")
    if turned.startswith("rotate(-90 "):
        return rf"\makebox(0,0){{\rotatebox{{90}}{{{text}}}}}"
    if turned:
        raise Untraceable(turned)
    return ANCHORS[element.get("text-anchor", "start")] % text


def pieces(element: ElementTree.Element, unit: float) -> Iterator[str]:
    """Letters in their sizes, lowered and raised."""
    usual = element.get("font-size", "16")
    lower = 0.0
    yield sized(element.text or "", usual, unit)
    for child in element:
        lower += float(child.get("dy", "0"))
        style = child.get("font-style", "normal")
        text = sized(child.text or "", child.get("font-size", usual), unit, style == "italic")
        yield rf"\raisebox{{{number(-lower * unit)}bp}}{{{text}}}" if lower and text else text
        tail = sized(child.tail or "", usual, unit)
        yield rf"\raisebox{{{number(-lower * unit)}bp}}{{{tail}}}" if lower and tail else tail


def sized(text: str, size: str, unit: float, slanted: bool = False) -> str:
    set_as = slanted_tex(text) if slanted else upright_tex(text)
    if not set_as:
        return ""
    points = number(float(size) * unit)
    return rf"{{\fontsize{{{points}bp}}{{{points}bp}}\selectfont{{}}{set_as}}}"


LETTER = re.compile("(.)([\u0300-\u036f]?)", re.S)


def slanted_tex(text: str) -> str:
    return f"${''.join(formula(*m.groups()) for m in LETTER.finditer(text))}$" if text else ""


def upright_tex(text: str) -> str:
    return "".join(
        SPECIAL[letter]
        if letter in SPECIAL
        else letter
        if letter.isascii() and not accent
        else f"${formula(letter, accent)}$"
        for letter, accent in (m.groups() for m in LETTER.finditer(text))
    )


def formula(letter: str, accent: str) -> str:
    if (not letter.isascii() and letter not in SIGNS) or (accent and accent not in ACCENTS):
        raise Untraceable(letter + accent)
    shown = SIGNS.get(letter, letter)
    return f"{ACCENTS[accent]}{{{shown}}}" if accent else f"{shown} " if shown[0] == "\\" else shown
