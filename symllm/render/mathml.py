"""Formulas as pandoc writes them in MathML, made fit for every screen.

Accents stand above their letters and names of functions apart; formulas are cut where people
would begin a new line, so that a narrow screen may begin one there.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

#: Accents that combine hang beside their letter; those that stand for themselves above it.
ACCENTS = {"\u0302": "^", "\u0303": "\u02dc"}

#: Before what a new line may begin: relations, and within what they relate signs.
RELATIONS = frozenset("=\u2260<>\u2264\u2265\u2248\u2261\u223c\u21d2\u21d4\u2192\u226a\u226b")
SIGNS = frozenset("+\u2212")

#: In letters: what is too short to stand in a line by itself, and a long term, which is cut within
#: its brackets; and the size of these.
SHORT, LONG, TALL = 1.9, 20, "2.4em"

#: That a function is applied, which is not seen.
APPLIED = "\u2061"

#: Elements whose children stand in a row, and those whose first child the others are put to.
ROWS = frozenset({"mrow", "mtd", "math", "msqrt"})
SCRIPTS = frozenset({"msub", "msup", "msubsup", "munder", "mover", "munderover"})
BESIDE = frozenset({"msub", "msup", "msubsup"})

#: Signs that are larger in displays.
LARGE = frozenset("\u2211\u220f\u222b")

#: What signs do to the depth of brackets.
FORMS = {"prefix": 1, "postfix": -1}

THIN, QUAD = "0.167em", "1.0em"

#: The size of a fraction in a fraction, whose parts would else be as small as subscripts.
NESTED = "118%"

GAP = "\N{THIN SPACE}"

#: As high as a letter and as deep: roots of small letters would hang below the line.
STRUT = {"width": "0", "height": "0.7em", "depth": "0.2em"}

#: In one word, how a line is known.
EVIDENCE = frozenset({"proved", "checked", "cited"})


def fit_to_read(source: str, display: bool) -> str:
    """What is inside of ``<math>``; a display is cut into pieces that may stand in lines."""
    math = ET.fromstring(f"<math>{source}</math>")
    for element in [*math.iter()]:
        if element.tag == "mover" and element[1].text in ACCENTS:
            element[1].text = ACCENTS[element[1].text]
            element[1].set("stretchy", "false")
        if display and element.tag == "mtable":
            element.set("displaystyle", "true")
    for inner in {part for outer in math.iter("mfrac") for e in outer for part in e.iter("mfrac")}:
        inner.set("mathsize", NESTED)
    lower(math, display)
    small = {part for e in math.iter() if e.tag in SCRIPTS for low in e[1:] for part in low.iter()}
    for element in [*math.iter()]:
        if element.tag in ROWS and element not in small:
            spaced(element)
        whole(element)
        if element.tag == "mn":
            element.text = grouped(element.text or "")
        if element.tag == "msqrt":
            element.append(ET.Element("mspace", STRUT))
    shown = displayed(math) if display else math
    return "".join(ET.tostring(element, encoding="unicode") for element in shown)


def row(children: Iterable[ET.Element], tag: str = "mrow", **attributes: str) -> ET.Element:
    element = ET.Element(tag, attributes)
    element.extend(children)
    return element


def grouped(number: str) -> str:
    """A whole number of many digits with gaps, as people read it."""
    return f"{int(number):,}".replace(",", GAP) if number.isdigit() and len(number) > 4 else number


# --------------------------------------------------------------------------
# Brackets
# --------------------------------------------------------------------------


def lower(element: ET.Element, display: bool) -> bool:
    """Is this no taller than a letter with its scripts? Brackets around what is so do not stretch:
    browsers keep room for the widest of theirs beside those that might, and stretch them down to
    every subscript. ``display``: whether sums are large there, and limits stand under them."""
    if element.tag in SCRIPTS:
        large = display and not is_accented(element) and element.tag not in BESIDE
        scripts = [lower(part, False) for part in element[1:]]
        return lower(element[0], display) and all(scripts) and not large
    inner = display and element.tag != "mfrac"
    low = all([lower(child, inner) for child in element])
    if low and is_bracketed(element):
        for bracket in (element[0], element[-1]):
            bracket.set("stretchy", "false")
    large = element.tag in ("mfrac", "mtable") or (display and element.text in LARGE)
    return low and not large


def is_accented(element: ET.Element) -> bool:
    return element.tag == "mover" and element[1].get("accent") == "true"


# --------------------------------------------------------------------------
# Names of functions
# --------------------------------------------------------------------------


def is_upright(element: ET.Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal"


def is_function(element: ET.Element) -> bool:
    """The name of a function as TeX knows it, and one with an exponent or a subscript."""
    if element.tag in ("msup", "msub"):
        return is_function(element[0])
    if element.tag == "mrow" and len(element) == 2:
        return element[1].text == APPLIED
    return is_upright(element) and len(element.text or "") > 1


def spaced(element: ET.Element) -> None:
    """Thin spaces as TeX sets them and MathML does not: around names of functions, around
    fractions that are factors, and after tall brackets."""
    for before, after in pairwise([*element]):
        function = is_function(before) or is_function(after)
        factors = is_operand(before, -1) and is_operand(after, 0)
        if (factors and (function or is_fraction(after) or ends_tall(before))) or (
            ends_tall(before) and edge(after, 0).get("form") == "prefix"
        ):
            element.insert([*element].index(after), ET.Element("mspace", width=THIN))


def core(element: ET.Element) -> ET.Element:
    """What scripts are put to."""
    return core(element[0]) if element.tag in SCRIPTS else element


def edge(element: ET.Element, end: int) -> ET.Element:
    """What is seen of an element from that end of it."""
    inner = core(element)
    return edge(inner[end], end) if inner.tag == "mrow" and len(inner) else inner


def is_fraction(element: ET.Element) -> bool:
    return edge(element, 0).tag == "mfrac"


def ends_tall(element: ET.Element) -> bool:
    """A fraction, or the end of what stands in tall brackets."""
    last = edge(element, -1)
    return last.tag == "mfrac" or (last.get("stretchy"), last.get("form")) == ("true", "postfix")


def is_operand(element: ET.Element, end: int) -> bool:
    """Is this something to multiply or to apply a function to, seen from that end of it?"""
    seen = edge(element, end)
    if seen.tag == "mo":
        return end == -1 and (seen.text == APPLIED or seen.get("form") == "postfix")
    return seen.tag not in ("mspace", "mtext", "mrow") and seen.text not in SIGNS


def whole(element: ET.Element) -> None:
    """A word whose letters stand one by one as one name."""
    if element.tag == "mrow" and len(element) > 1 and all(map(is_upright, element)):
        element.tag, element.text = "mi", "".join(letter.text or "" for letter in element)
        element[:] = []
        element.set("mathvariant", "normal")


# --------------------------------------------------------------------------
# Displays: notes, and where lines may begin
# --------------------------------------------------------------------------


def displayed(math: ET.Element) -> Iterator[ET.Element]:
    """A display's formula, cut into lines; or a table of such, each with what is said beside it."""
    children = [*math]
    while len(children) == 1 and children[0].tag == "mrow":
        children = [*children[0]]
    if len(children) > 1:
        children = noted_apart(children)
    if len(children) != 1 or children[0].tag != "mtable":
        yield in_lines(children)
        return
    (table,) = children
    for cell in table.iterfind("mtr/mtd"):
        cell[:] = [in_lines([*cell])]
    yield table


def noted_apart(children: Sequence[ET.Element]) -> list[ET.Element]:
    """A formula with a note as a table of one line, as several such lines are."""
    ends = [n for n, child in enumerate(children) if is_quad(child)]
    if not ends or ends[0] < 2:  # there is none, or an arrow alone before it
        return [*children]
    note, word = children[ends[0] :], children[ends[-1] :]
    if len(word) == 2 and word[1].text in EVIDENCE:
        note = children[ends[0] : ends[-1]]
    else:
        word = []
    cells = (children[: ends[0]], (), (), note, (), word)
    line = row((row(cell, "mtd") for cell in cells), "mtr")
    return [row([line], "mtable", displaystyle="true")]


def is_quad(element: ET.Element) -> bool:
    return element.tag == "mspace" and element.get("width") == QUAD


def in_lines(children: Sequence[ET.Element]) -> ET.Element:
    """A row whose relations are rows of their own, in these their terms, and in these what is
    in the brackets of a long one."""
    return joined(
        [
            joined([opened(term) for term in pieces(side, SIGNS)])
            for side in pieces(children, RELATIONS)
        ]
    )


def joined(rows: Sequence[ET.Element]) -> ET.Element:
    return rows[0] if len(rows) == 1 else row(rows, **{"class": "lines"})


def opened(term: Sequence[ET.Element]) -> ET.Element:
    """A term, cut within its brackets if it is long; these are of one size then, cut or not."""
    flat = [part for child in term for part in (child if is_bracketed(child) else [child])]
    if breadth(flat) < LONG:
        return row(term)
    found = pieces(flat, SIGNS, within=1)
    if len(found) == 1:
        return row(term)
    for bracket in flat:
        if core(bracket).get("stretchy") == "true":
            core(bracket).attrib.update(minsize=TALL, maxsize=TALL)
    return joined([row(piece) for piece in found])


def is_bracketed(element: ET.Element) -> bool:
    return element.tag == "mrow" and len(element) > 1 and element[0].get("form") == "prefix"


def pieces(
    children: Sequence[ET.Element], before: Collection[str], within: int = 0
) -> list[Sequence[ET.Element]]:
    """The children of a row, cut before some signs, and within so many brackets at most."""
    depth, starts = 0, [0]
    for n, child in enumerate(children):
        if child.tag == "mo" and child.text in before and n and depth <= within:
            starts.append(n)
        depth += FORMS.get(core(child).get("form", ""), 0)
    if depth:  # an absolute value, whose ends are alike
        return [children]
    if len(starts) > 1 and breadth(children[: starts[1]]) < SHORT:
        del starts[1]
    for n in starts[1:]:
        children[n].set("form", "infix")  # though it stands first in its row
    return [children[a:b] for a, b in pairwise([*starts, len(children)])]


def breadth(elements: Iterable[ET.Element]) -> float:
    """About how many letters wide a row is."""
    return sum(map(breadth_of, elements))


def breadth_of(element: ET.Element) -> float:
    if element.tag in ("mfrac", "munder", "mover", "munderover"):
        return max(map(breadth_of, element))
    if element.tag in SCRIPTS:
        return breadth_of(element[0]) + 0.7 * max(map(breadth_of, element[1:]))
    return len(element.text or "") + breadth(element)
