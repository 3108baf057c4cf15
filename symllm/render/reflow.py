"""Displays that a narrow screen may set in more lines than a wide one, cut as people cut them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from .elements import SIGNS, breadth, core, edge, is_bracketed, row

#: Before these a new line may begin; within what they relate, before signs.
RELATIONS = frozenset("=\u2260<>\u2264\u2265\u2248\u2261\u223c\u21d2\u21d4\u2192\u226a\u226b")

#: In letters: what is too short to stand in a line by itself, and a long term, which is cut within
#: its brackets or between them; and the size of these.
SHORT, LONG, TALL = 1.9, 20, "2.4em"

#: What signs do to the depth of brackets.
FORMS = {"prefix": 1, "postfix": -1}

QUAD, SET_IN = "1.0em", "2.0em"

#: In one word, how a line is known.
EVIDENCE = frozenset({"proved", "checked", "cited"})


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
    marked(table)
    for line in table:
        links = len(pieces([*line[1]], RELATIONS)) if len(line) == 2 else 0
        for cell in line:
            cell[:] = [in_lines([*cell])]
        if len(line[0]) and links > 1:
            line.set("class", "chain")
    yield table


def marked(table: ET.Element) -> None:
    """Marks for a screen that has no room for columns: rows that go on from the one before them are
    ``more``, and notes under an equation ``note``.

    Where notes are names, and not reasons of links, the table is ``named``, and its rows have an
    ``order`` in which notes come before their equations.
    """
    words = {"".join(cell.itertext()).strip() for cell in table.iterfind("mtr/mtd")}
    named = EVIDENCE.isdisjoint(words) and all(len(line[0]) or goes_on(line) for line in table)
    if named:
        table.set("class", "named")
    begun = 0
    for n, line in enumerate(table):
        begun = begun if goes_on(line) else n
        note = goes_on(line) and line[1][1:] and (line[1][1].text or "").startswith("(")
        if goes_on(line):
            line.set("class", "note" if note else "more")
        if named:
            line.set("style", f"order: {2 * begun - 1 if note else 2 * n}")
        if note:
            unbracketed(line[1])


def goes_on(line: ET.Element) -> bool:
    """Is a row the rest of the one before it, or a note under it? It is set in then."""
    return not len(line[0]) and any(cell[0].get("width") == SET_IN for cell in line[1:2] if [*cell])


def unbracketed(note: ET.Element) -> None:
    """The brackets of a note under an equation, parted from it: elsewhere it has none."""
    note[1].text = (note[1].text or "").removeprefix("(")
    note[-1].text = (note[-1].text or "").removesuffix(")")
    for at, sign in ((1, "("), (len(note) + 1, ")")):
        bracket = row((), "mtext", **{"class": "bracket"})
        bracket.text = sign
        note.insert(at, bracket)


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
    """A long term, cut between brackets that are its factors, or where one of these is long itself
    within it; its ends are of one size then, cut or not."""
    if breadth(term) < LONG:
        return row(term)
    parts = factors(term)
    if len(parts) > 1 and (has_matrix(term) or max(map(breadth, parts)) < LONG):
        return joined([row(part) for part in parts])
    flat = [part for child in term for part in (child if is_bracketed(child) else [child])]
    signed = [term] if has_matrix(term) else pieces(flat, SIGNS, within=1)
    if len(signed) == 1:
        return row(term)
    for bracket in flat:
        if core(bracket).get("stretchy") == "true":
            core(bracket).attrib.update(minsize=TALL, maxsize=TALL)
    return joined([row(part) for piece in signed for part in factors(piece)])


def factors(term: Sequence[ET.Element]) -> list[Sequence[ET.Element]]:
    """A long term, cut wherever a bracket follows another."""
    if breadth(term) < LONG:
        return [term]
    depth, starts = 0, [0]
    seen = [n for n, part in enumerate(term) if part.tag != "mspace"]
    for before, n in pairwise(seen):
        depth += FORMS.get(core(term[before]).get("form", ""), 0)
        ends = [edge(term[before], -1).get("form"), edge(term[n], 0).get("form")]
        if depth <= 0 and ends == ["postfix", "prefix"]:
            starts.append(n)
    return [term[a:b] for a, b in pairwise([*starts, len(term)])]


def has_matrix(term: Iterable[ET.Element]) -> bool:
    return any(part.tag == "mtable" for child in term for part in child.iter())


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
