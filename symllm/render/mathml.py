"""Formulas as pandoc writes them in MathML, made fit for every screen.

Accents stand above their letters and names of functions apart, brackets are no larger than what is
in them asks for, and numbers of many digits have gaps.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

from .elements import SCRIPTS, SIGNS, edge, is_bracketed
from .reflow import displayed

#: Accents that combine hang beside their letter; those that stand for themselves above it.
ACCENTS = {"\u0302": "^", "\u0303": "\u02dc"}

#: That a function is applied, which is not seen.
APPLIED = "\u2061"

#: Elements whose children stand in a row, and those whose scripts are beside their base.
ROWS = frozenset({"mrow", "mtd", "math", "msqrt"})
BESIDE = frozenset({"msub", "msup", "msubsup"})

#: How tall something is.
LOW, TALL = 0, 2

#: Signs that are larger in displays.
LARGE = frozenset("\u2211\u220f\u222b")

THIN = "0.167em"

#: The size of a fraction in a fraction, whose parts would else be as small as subscripts.
NESTED = "118%"

GAP = "\N{THIN SPACE}"

#: As high as a letter and as deep: roots of small letters would hang below the line.
STRUT = {"width": "0", "height": "0.7em", "depth": "0.2em"}


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
    height(math, display)
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


def grouped(number: str) -> str:
    """A whole number of many digits with gaps, as people read it."""
    return f"{int(number):,}".replace(",", GAP) if number.isdigit() and len(number) > 4 else number


# --------------------------------------------------------------------------
# Brackets
# --------------------------------------------------------------------------


def height(element: ET.Element, display: bool) -> int:
    """No taller than a letter with its scripts, than a small fraction, or taller than these.

    Brackets stretch around what is tall alone: browsers keep room for the widest of theirs beside
    those that might, and stretch them down to every subscript. ``display``: whether sums and
    fractions are large there, and limits stand under them.
    """
    fraction = element.tag == "mfrac"
    if element.tag in SCRIPTS:
        scripts = [height(part, False) for part in element[1:]]
        beside = is_accented(element) or element.tag in BESIDE or not display
        return max(height(element[0], display), *scripts, LOW if beside else TALL)
    inner = display and not fraction
    found = max([height(part, inner) for part in element], default=LOW)
    if found < TALL and is_bracketed(element):
        for bracket in (element[0], element[-1]):
            bracket.set("stretchy", "false")
            if found:
                bracket.set("class", "mid")
    if element.tag == "mtable" or (display and (fraction or element.text in LARGE)):
        return TALL
    return min(found + fraction, TALL)


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


def is_fraction(element: ET.Element) -> bool:
    return edge(element, 0).tag == "mfrac"


def ends_tall(element: ET.Element) -> bool:
    """A fraction, or the end of what stands in tall brackets."""
    last = edge(element, -1)
    grown = last.get("stretchy") == "true" or last.get("class") == "mid"
    return last.tag == "mfrac" or (grown and last.get("form") == "postfix")


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
