"""Layouts: nodes apart, edges downwards and clear of nodes, and the same each time."""

from __future__ import annotations

import itertools
import random

import pytest

from symllm import ops
from symllm.pictures.graph import forward_edges
from symllm.pictures.layout import crossings, layered, ranks, uncrossed

GRAPHS = ["softmax", "layer_norm", "attention", "gpt2_block", "llama_block", "moe_block"]
WIDTH = 40


def laid_out(name):
    nodes, edges = forward_edges(ops[name].program)
    return nodes, edges, layered(nodes, edges, lambda node: WIDTH)


@pytest.mark.parametrize("name", GRAPHS)
def test_nodes_stand_apart_inside_the_picture(name):
    nodes, _, layout = laid_out(name)
    assert [*layout.places] == nodes
    for (a, b), (c, d) in itertools.combinations(layout.places.values(), 2):
        assert b != d or abs(a - c) >= WIDTH
    for x, y in layout.places.values():
        assert x - WIDTH // 2 >= 0
        assert x + WIDTH // 2 <= layout.width
        assert 0 < y < layout.height


@pytest.mark.parametrize("name", GRAPHS)
def test_edges_lead_downwards_and_clear_of_nodes(name):
    _, edges, layout = laid_out(name)
    assert [*layout.routes] == edges
    for (a, b), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.places[a], layout.places[b])
        assert all(y < v for (_, y), (_, v) in itertools.pairwise(route))
        for x, y in route[1:-1]:
            assert all(y != v or abs(x - u) > WIDTH // 2 for u, v in layout.places.values())


def test_inputs_stand_just_above_their_first_use():
    rank = ranks(["a", "b", "c", "d"], [("a", "b"), ("b", "d"), ("c", "d")])
    assert rank == {"a": 0, "b": 1, "c": 1, "d": 2}


def test_crossings_are_counted_and_undone():
    crossed = [["a", "b"], ["c", "d"]]
    hops = [("a", "d"), ("b", "c")]
    assert crossings(crossed, hops) == 1
    assert crossings(uncrossed(crossed, hops), hops) == 0


def test_uncrossing_never_makes_it_worse():
    source = random.Random(0)
    for _ in range(20):
        layers = [[f"{k}{n}" for n in range(4)] for k in range(3)]
        pairs = [(a, b) for up, low in itertools.pairwise(layers) for a in up for b in low]
        hops = source.sample(pairs, 12)
        assert crossings(uncrossed(layers, hops), hops) <= crossings(layers, hops)
