"""Elements of MathML, as all that rearranges them asks about them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

#: Before these a new line may begin, within what relations relate.
SIGNS = frozenset("+\u2212")

#: Elements whose first child the others are put to.
SCRIPTS = frozenset({"msub", "msup", "msubsup", "munder", "mover", "munderover"})


def row(children: Iterable[ET.Element], tag: str = "mrow", **attributes: str) -> ET.Element:
    element = ET.Element(tag, attributes)
    element.extend(children)
    return element


def core(element: ET.Element) -> ET.Element:
    """What scripts are put to."""
    return core(element[0]) if element.tag in SCRIPTS else element


def edge(element: ET.Element, end: int) -> ET.Element:
    """What is seen of an element from that end of it."""
    inner = core(element)
    return edge(inner[end], end) if inner.tag == "mrow" and len(inner) else inner


def is_bracketed(element: ET.Element) -> bool:
    return element.tag == "mrow" and len(element) > 1 and element[0].get("form") == "prefix"


def breadth(elements: Iterable[ET.Element]) -> float:
    """About how many letters wide a row is."""
    return sum(map(breadth_of, elements))


def breadth_of(element: ET.Element) -> float:
    if element.tag in ("mfrac", "munder", "mover", "munderover", "mtable"):
        return max(map(breadth_of, element))
    if element.tag in SCRIPTS:
        return breadth_of(element[0]) + 0.7 * max(map(breadth_of, element[1:]))
    return len(element.text or "") + breadth(element)
