"""Names that bear the index of a layer: ``x^{(\\ell + 1)}_i``, where a stack has as many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..expressions import is_entry, name_of, subscripts_of
from ..notation import Layer, entry
from .arrays import Value
from .context import Context
from .scope import Scope
from .tree import Group, Node, Scripted, alone


def of_layer(node: Node, context: Context) -> tuple[Node, Node] | None:
    """A name without what stands in brackets above it, and that, if it says which layer's it is."""
    if context.layered is None or not isinstance(node, Scripted) or node.sup is None:
        return None
    up = alone(node.sup)
    if not isinstance(up, Group) or up.kind != "(" or len(up.parts) != 1:
        return None
    return replace(node, sup=None), up.parts[0]


@contextmanager
def among_layers(scope: Scope) -> Iterator[None]:
    """Names stand for the quantities of a layer as long as this lasts."""
    outer = scope.context
    assert outer.layered is not None
    scope.context = outer.layered
    yield
    scope.context = outer


def at_layer(scope: Scope, node: Node, bare: Node, place: Node) -> Value:
    """The entry that ``bare`` names, of the layer at ``place``."""
    layer = Layer(scope.number(place, "a layer"))
    with among_layers(scope):
        value = scope.value(bare)
    if not is_entry(value.expr):
        raise scope.error("an entry of a layer has a name of its own", node)
    return replace(value, expr=entry(name_of(value.expr), layer, *subscripts_of(value.expr)))
