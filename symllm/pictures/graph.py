"""Computation graphs: an op's forward pass, and its backward pass beside that."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Protocol, runtime_checkable

from ..equation import Let
from ..program import Program
from ..render.names import name_parts
from ..render.subject import Definition, Derivation
from .layout import Edge, Layout, layered
from .letters import plain_name, svg_name
from .picture import Picture
from .svg import drawing, element, label

#: Around the picture, and between its halves.
MARGIN, BETWEEN = 12, 70
BOX = 32


@runtime_checkable
class Backward(Derivation, Protocol):
    """A derivation that has a backward pass."""

    @property
    def equations(self) -> Sequence[Let]: ...


def graph(subject: Definition | Backward) -> Picture:
    """What is computed from what: of an op, or of the backward pass of a derivation."""
    if isinstance(subject, Backward):
        return backward_graph(subject)
    program = subject.program
    nodes, edges = forward_edges(program)
    layout = layered(nodes, edges, lambda name: box_width(name, nodes))
    parts = [*lines(layout.routes.values(), "soft"), *boxes(program, nodes, layout)]
    learned = any(tensor.role == "parameter" for tensor in program.inputs)
    yellow = ", parameters in yellow" if learned else ""
    words = f"{subject.title}: what is computed from what; inputs are tinted{yellow}."
    return Picture(
        f"{subject.name}-graph",
        framed(layout.width, layout.height, words, parts),
        words,
        mermaid(nodes, edges),
    )


def backward_graph(derivation: Backward) -> Picture:
    """The forward pass downwards and, opposite each of its names, the gradient upwards."""
    program = derivation.op.program
    nodes, edges = forward_edges(program)
    layout = layered(nodes, edges, lambda name: box_width(name, nodes))
    lets = (*program.aliases, *derivation.equations)
    needs = contracted(lets, {f"d{name}" for name in nodes})
    upstream = [f"d{name}" for name in program.outputs]
    adjoints = [*(n for n in upstream if any(n in needed for needed in needs.values())), *needs]
    inner = [(a, b) for b in needs for a in adjoints if a in needs[b] and a != b]
    reads = [(a, b) for b in needs for a in nodes if a in needs[b]]
    routed = {
        edge: [*reversed(route)]
        for (b, a), route in layout.routes.items()
        if (edge := (f"d{a}", f"d{b}")) in inner
    }
    known = (*nodes, *adjoints)
    # Not every name has a gradient: the right half begins where one of those does that have.
    ends = [
        layout.places[name.removeprefix("d")][0] + sign * box_width(name, known) // 2
        for name in adjoints
        for sign in (-1, 1)
    ]
    ends += [x for route in routed.values() for x, _ in route]
    axis = layout.width + BETWEEN + max(ends)

    def mirrored(point: tuple[int, int]) -> tuple[int, int]:
        return axis - point[0], point[1]

    opposite = {name: mirrored(layout.places[name.removeprefix("d")]) for name in adjoints}
    places = {**layout.places, **opposite}
    routes = [
        [*map(mirrored, routed[edge])] if edge in routed else [places[end] for end in edge]
        for edge in inner
    ]
    sides = [(places[a], places[b]) for a, b in reads]
    parts = [
        *lines(layout.routes.values(), "soft"),
        *(across(a, b, 6 + 4 * (k % 3)) for k, (a, b) in enumerate(sides)),
        *lines(routes, "accent"),
        *boxes(program, nodes, layout),
        *(box(*places[name], name, known, "back") for name in adjoints),
    ]
    words = (
        f"{derivation.op.title}: the forward pass on the left, downwards; the gradient of each "
        "name opposite, upwards. A dotted line leads from a value to the gradient that needs it."
    )
    return Picture(
        f"{derivation.op.name}-backward",
        framed(axis - min(ends), layout.height, words, parts),
        words,
        mermaid(known, [*edges, *inner], reads),
    )


def forward_edges(program: Program) -> tuple[list[str], list[Edge]]:
    nodes = [*(t.name for t in program.inputs), *(let.name for let in program.equations)]
    return nodes, [
        (name, let.name)
        for let in program.equations
        for name in nodes
        if name in let.mentioned and name != let.name
    ]


def contracted(lets: Iterable[Let], kept: Container[str]) -> dict[str, set[str]]:
    """What each of the names kept is computed from, by way of the names that are not kept."""
    needs: dict[str, set[str]] = {}
    for let in lets:
        needs[let.name] = set().union(
            *(needs[n] if n in needs and n not in kept else {n} for n in let.mentioned)
        )
    return {name: needed for name, needed in needs.items() if name in kept}


# --------------------------------------------------------------------------
# Drawing
# --------------------------------------------------------------------------


def box_width(name: str, known: Sequence[str]) -> int:
    return max(40, 20 + 10 * len(plain_name(name_parts(name, tuple(known)))))


def boxes(program: Program, nodes: Sequence[str], layout: Layout) -> list[str]:
    roles = {t.name: "learned" if t.role == "parameter" else "given" for t in program.inputs}
    kinds: Mapping[str, str] = dict.fromkeys(nodes, "made") | roles
    return [box(*layout.places[name], name, nodes, kinds[name]) for name in nodes]


def box(x: int, y: int, name: str, known: Sequence[str], fill: str) -> str:
    width = box_width(name, known)
    frame = element(
        "rect",
        {
            "x": x - width / 2,
            "y": y - BOX / 2,
            "width": width,
            "height": BOX,
            "rx": 6,
            "fill": fill,
            "stroke": "accent",
        },
    )
    return frame + label(x, y + 5, svg_name(name_parts(name, tuple(known))))


def lines(routes: Iterable[Sequence[tuple[int, int]]], colour: str) -> list[str]:
    """Edges as curves, from box to box, each with its head."""
    found = []
    for route in routes:
        points = [*route]
        first, last = points[0], points[-1]
        step = -1 if last[1] < first[1] else 1
        points[0] = (first[0], first[1] + step * BOX // 2)
        points[-1] = (last[0], last[1] - step * (BOX // 2 + 5))
        path = [f"M{points[0][0]} {points[0][1]}"]
        for (x, y), (u, v) in pairwise(points):
            path.append(f"C{x} {(y + v) // 2} {u} {(y + v) // 2} {u} {v}")
        drawn = {"d": "".join(path), "fill": "none", "stroke": colour, "stroke-width": 1.3}
        x, y = points[-1]
        head = f"M{x - 4} {y - step * 2}L{x} {y + step * 5}L{x + 4} {y - step * 2}Z"
        found.append(element("path", drawn) + element("path", {"d": head, "fill": colour}))
    return found


def across(a: tuple[int, int], b: tuple[int, int], below: int) -> str:
    """From a value of the forward pass to a gradient that needs it; below boxes in its row."""
    (x, y), (u, v) = a, b
    middle, low = (x + u) // 2, y + BOX // 2 + below
    path = f"M{x} {y}C{middle} {y} {middle} {v} {u} {v}"
    if y == v:
        path = f"M{x + 6} {y + BOX // 2}Q{x + 9} {low} {x + 20} {low}H{u - 20}"
        path += f"Q{u - 9} {low} {u - 6} {y + BOX // 2}"
    drawn = {"d": path, "fill": "none", "stroke": "soft", "stroke-dasharray": "2 4"}
    return element("path", drawn)


def framed(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    inside = element("g", {"transform": f"translate({MARGIN} {MARGIN})"}, "\n".join(parts))
    return drawing(width + 2 * MARGIN, height + 2 * MARGIN, title, [inside])


def mermaid(nodes: Sequence[str], edges: Iterable[Edge], dotted: Iterable[Edge] = ()) -> str:
    known = tuple(nodes)
    return mermaid_text({n: plain_name(name_parts(n, known)) for n in nodes}, edges, dotted)


def mermaid_text(
    titles: Mapping[str, str], edges: Iterable[Edge], dotted: Iterable[Edge] = ()
) -> str:
    """A graph as Mermaid, given what each node is called."""
    number = {name: f"n{k}" for k, name in enumerate(titles)}
    return "\n".join(
        [
            "flowchart TD",
            *(f'    {number[n]}["{quoted(title)}"]' for n, title in titles.items()),
            *(f"    {number[a]} --> {number[b]}" for a, b in edges),
            *(f"    {number[a]} -.-> {number[b]}" for a, b in dotted),
        ]
    )


def quoted(title: str) -> str:
    return title.replace('"', "#quot;")
