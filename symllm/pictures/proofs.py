"""Proof graphs: which derivation leans on which, and on which lemmas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ..calls import callees
from ..program import lowered
from ..render.printer import Printer
from ..render.steps import fact_words
from ..render.subject import Derivation, page_style
from ..render.wording import listed
from .graph import framed, lines, mermaid_text
from .layout import Edge, layered
from .letters import unicode_text
from .picture import Picture
from .svg import element, label

HEIGHT = 34


def proof_graph(*derivations: Derivation) -> Picture:
    """What each derivation cites: other derivations by their op, and lemmas of its own.

    An arrow leads from what is leaned on to what leans on it.
    """
    titles: dict[str, str] = {}
    kinds: dict[str, str] = {}
    edges: list[Edge] = []
    known = {d.op.name: d.op.title for d in derivations}
    for derivation in derivations:
        name = derivation.op.name
        titles[name], kinds[name] = derivation.op.title, "given"
        for cited in cites(derivation):
            titles.setdefault(cited, callees(derivation.op.program)[cited].title or cited)
            kinds.setdefault(cited, "made")
            edges.append((cited, name))
        for fact, words in lemmas(derivation).items():
            titles[fact], kinds[fact] = words, "learned"
            edges.append((fact, name))
    edges = list(dict.fromkeys(edge for edge in edges if edge[0] != edge[1]))
    nodes = in_order(titles, edges)
    width = {name: 22 + 7 * len(titles[name]) for name in nodes}
    layout = layered(nodes, edges, width.__getitem__, gap=16, row=74)
    parts = lines(layout.routes.values(), "soft")
    for name in nodes:
        x, y = layout.places[name]
        corner = {"x": x - width[name] / 2, "y": y - HEIGHT / 2}
        size = {"width": width[name], "height": HEIGHT, "rx": 6}
        frame = {**corner, **size, "fill": kinds[name], "stroke": "accent"}
        parts.append(element("rect", frame) + label(x, y + 5, escape(titles[name]), 14))
    words = caption([name for name in known if all(a != name for a, _ in edges)], titles, kinds)
    return Picture(
        f"{derivations[0].op.name}-proofs",
        framed(layout.width, layout.height, words, parts),
        words,
        mermaid_text({name: titles[name] for name in nodes}, edges),
    )


def caption(last: Sequence[str], titles: Mapping[str, str], kinds: Mapping[str, str]) -> str:
    """``last``: the derivations on which no other leans; the rest are there for their sake."""
    shown = listed([lowered(titles[name]) for name in last])
    turn = (
        ", and what that leans on in turn" if len(last) < [*kinds.values()].count("given") else ""
    )
    lemmas = ": derivations, and lemmas in another colour" if "learned" in kinds.values() else ""
    return f"What {shown} {'lean' if last[1:] else 'leans'} on{turn}{lemmas}."


def cites(derivation: Derivation) -> list[str]:
    return list(dict.fromkeys(step.lemma for step in derivation.steps if step.lemma))


def lemmas(derivation: Derivation) -> dict[str, str]:
    """The lemmas of a derivation, each with what it says."""
    p = Printer(page_style(derivation))
    return {
        f"{derivation.op.name}:{n}": unicode_text(fact_words(fact, p).replace("$", ""))
        for n, fact in enumerate(derivation.facts)
        if not fact.declared
    }


def in_order(nodes: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """What is leaned on before what leans on it."""
    edges = list(edges)
    found: list[str] = []
    waiting = list(nodes)
    while waiting:
        free = [n for n in waiting if all(a in found for a, b in edges if b == n)] or waiting[:1]
        found += free
        waiting = [n for n in waiting if n not in found]
    return found
