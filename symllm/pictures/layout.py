"""Where the nodes of a graph stand: in layers, from top to bottom, with few crossings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

Edge = tuple[str, str]

#: Sweeps over the layers; more change nothing in graphs of our size.
SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """The middle of each node, and the points that each edge goes through."""

    places: Mapping[str, tuple[int, int]]
    routes: Mapping[Edge, Sequence[tuple[int, int]]]
    width: int
    height: int


def layered(
    nodes: Sequence[str],
    edges: Sequence[Edge],
    width_of: Callable[[str], int],
    gap: int = 26,
    row: int = 62,
) -> Layout:
    """A layout of a graph without cycles, whose nodes come in an order that its edges keep.

    An edge that passes a layer goes through a point in it, so that edges keep
    clear of nodes. Coordinates are integers, and ties go to who came first.
    """
    rank = ranks(nodes, edges)
    points = {edge: passed(edge, rank) for edge in edges}
    hops = [hop for edge in edges for hop in pairwise(points[edge])]
    level = rank | {p: rank[e[0]] + k for e in edges for k, p in enumerate(points[e])}
    layers: list[list[str]] = [[] for _ in range(max(level.values(), default=0) + 1)]
    for node, at in level.items():
        layers[at].append(node)
    layers = uncrossed(layers, hops)

    def size(node: str) -> int:
        return width_of(node) if node in rank else 6

    x = spread(layers, hops, size, gap)
    left = min((x[n] - size(n) // 2 for n in x), default=0)
    right = max((x[n] + size(n) // 2 for n in x), default=0)
    where = {n: (x[n] - left, row // 2 + row * level[n]) for n in x}
    return Layout(
        {n: where[n] for n in nodes},
        {edge: [where[p] for p in points[edge]] for edge in edges},
        right - left,
        row * len(layers),
    )


def ranks(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The layer of each node: below all that it depends on, and inputs just above their use."""
    rank: dict[str, int] = {}
    for node in nodes:
        rank[node] = max((rank[a] + 1 for a, b in edges if b == node), default=0)
    used = {a for a, _ in edges}
    sources = [n for n in nodes if n in used and all(b != n for _, b in edges)]
    for node in sources:
        rank[node] = min(rank[b] for a, b in edges if a == node) - 1
    return rank


def passed(edge: Edge, rank: Mapping[str, int]) -> list[str]:
    """The edge's ends, and a point of its own in each layer between them."""
    a, b = edge
    between = [f"{a}>{b}>{k}" for k in range(rank[a] + 1, rank[b])]
    return [a, *between, b]


def uncrossed(layers: list[list[str]], hops: Sequence[Edge]) -> list[list[str]]:
    """Each layer sorted by the middle of its neighbours, down and up, while that helps."""
    best = layers
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        found = [list(layer) for layer in layers]
        order = range(1, len(found)) if down else range(len(found) - 2, -1, -1)
        for at in order:
            fixed = found[at - 1 if down else at + 1]
            found[at] = by_middle(found[at], fixed, hops, down)
        layers = found
        if crossings(layers, hops) < crossings(best, hops):
            best = layers
    return best


def by_middle(
    layer: Sequence[str], fixed: Sequence[str], hops: Sequence[Edge], down: bool
) -> list[str]:
    at = {node: k for k, node in enumerate(fixed)}

    def middle(node: str, now: int) -> Fraction:
        ends = (hop if down else hop[::-1] for hop in hops)
        found = [at[a] for a, b in ends if b == node and a in at]
        return Fraction(sum(found), len(found)) if found else Fraction(now)

    keys = {node: (middle(node, k), k) for k, node in enumerate(layer)}
    return sorted(layer, key=keys.__getitem__)


def crossings(layers: Sequence[Sequence[str]], hops: Sequence[Edge]) -> int:
    at = {node: k for layer in layers for k, node in enumerate(layer)}
    level = {node: k for k, layer in enumerate(layers) for node in layer}
    total = 0
    for n, (a, b) in enumerate(hops):
        for c, d in hops[n + 1 :]:
            if level[a] == level[c]:
                total += (at[a] - at[c]) * (at[b] - at[d]) < 0
    return total


def spread(
    layers: Sequence[Sequence[str]], hops: Sequence[Edge], size: Callable[[str], int], gap: int
) -> dict[str, int]:
    """Horizontal places: near the neighbours', in the order of the layer, with room between."""
    x: dict[str, int] = {}
    for layer in layers:
        here = 0
        for node in layer:
            x[node] = here + size(node) // 2
            here += size(node) + gap
        for node in layer:
            x[node] -= (here - gap) // 2
    near: dict[str, list[str]] = {node: [] for node in x}
    for a, b in hops:
        near[a].append(b)
        near[b].append(a)
    for _ in range(SWEEPS):
        for layer in layers:
            wanted = [
                sum(x[m] for m in near[n]) // len(near[n]) if near[n] else x[n] for n in layer
            ]
            x |= zip(layer, apart(wanted, [size(n) for n in layer], gap), strict=True)
    return x


def apart(wanted: Sequence[int], sizes: Sequence[int], gap: int) -> list[int]:
    """Places near those wanted that leave room: halfway between pushing right and pushing left."""
    rightwards, leftwards = list(wanted), list(wanted)
    for k in range(1, len(wanted)):
        room = (sizes[k - 1] + sizes[k]) // 2 + gap
        rightwards[k] = max(rightwards[k], rightwards[k - 1] + room)
    for k in range(len(wanted) - 2, -1, -1):
        room = (sizes[k] + sizes[k + 1]) // 2 + gap
        leftwards[k] = min(leftwards[k], leftwards[k + 1] - room)
    return [(a + b) // 2 for a, b in zip(rightwards, leftwards, strict=True)]
