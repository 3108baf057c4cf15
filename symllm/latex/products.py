"""Factors side by side: functions and their arguments, sums and what is under them, products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from ..notation import Iverson
from .applied import Callee, applied, callee
from .arrays import Value, divided, entrywise, multiplied, summed, total
from .brackets import condition
from .entries import subscripted
from .names import listed, spelled
from .powers import raised
from .scope import Scope, reads
from .sizes import Mismatch
from .tree import Group, Mark, Name, Node, Number, Product, Relation, Scripted, alone

#: As many functions may follow each other, as in ``\\log \\sigma x``.
MOST_FUNCTIONS = 4

ONE_FACTOR, ALL_FACTORS = "the factor after it", "all factors after it"


class Row:
    """Factors in a row, read from left to right."""

    def __init__(self, scope: Scope, items: Sequence[Node]) -> None:
        self.scope, self.items, self.at = scope, items, 0

    @property
    def here(self) -> Node | None:
        return self.items[self.at] if self.at < len(self.items) else None

    def value(self) -> Value:
        """All that is left of the row."""
        found = self.factor()
        while (node := self.here) is not None:
            op = "beside"
            if isinstance(node, Mark):
                op = node.op
                self.at += 1
            found = self.combined(op, found, node)
        return found

    def combined(self, op: str, left: Value, node: Node) -> Value:
        scope = self.scope
        if op == "/":
            return divided(scope.sizes, left, self.below(node), scope.choose, node.at)
        right = self.factor()
        if op == "odot" or (op == "times" and left.rank == right.rank == 2):
            return entrywise(scope.sizes, left, right, scope.choose, node.at)
        if op not in ("beside", "cdot", "times"):
            raise scope.error("this product is not understood here", node)
        return multiplied(scope.sizes, left, right, node.at, dot=op == "cdot")

    def below(self, node: Node) -> Value:
        """What a slash divides by: the factor after it, or all that follow in the other reading."""
        first = self.factor()
        if self.here is None or isinstance(self.here, Mark):
            return first
        question = "a slash divides by"
        if self.scope.choose(question, (ONE_FACTOR, ALL_FACTORS)) == ONE_FACTOR:
            return first
        while self.here is not None and not isinstance(self.here, Mark):
            first = multiplied(self.scope.sizes, first, self.factor(), node.at)
        return first

    def factor(self) -> Value:
        """One factor: with the rest of the row under it, if it is a sum."""
        node = self.here
        if node is None:
            raise self.scope.error("a factor is missing at the end", self.items[-1])
        if isinstance(node, Mark):
            raise self.scope.error("a factor is missing before this", node)
        self.at += 1
        if is_sum(node):
            return self.sum(node)
        function = callee(self.scope, node, self.here)
        if function is not None:
            return self.application(function, node)
        return self.scope.value(node)

    # -- functions ------------------------------------------------------------

    def application(self, function: Callee, node: Node) -> Value:
        """A function with its argument, in brackets or without."""
        here = self.here
        if here is None:
            raise self.scope.error(f"{function.name} lacks its argument", node)
        group = here.base if isinstance(here, Scripted) else here
        if isinstance(group, Group) and group.kind in ("(", "[", "{", "set"):
            self.at += 1
            found = applied(self.scope, function, group.parts, node)
            if isinstance(here, Scripted):
                found = subscripted(self.scope, here, found, listed(here.sub), function.name)
                found = raised(self.scope, found, here.sup, here)
            return found
        return applied(self.scope, function, (self.argument(function, node),), node)

    def argument(self, function: Callee, node: Node) -> Node:
        """What a function without brackets is applied to."""
        start = self.at
        here = self.here
        assert here is not None
        if is_sum(here):
            self.at = len(self.items)
        else:
            for _ in range(MOST_FUNCTIONS):
                if self.here is None or callee(self.scope, self.here, self.following) is None:
                    break
                self.at += 1
            if self.at > start and isinstance(self.here, Node) and is_brackets(self.here):
                self.at += 1
            else:
                self.simple_run(function, node)
        taken = self.items[start : self.at]
        return taken[0] if len(taken) == 1 else Product(taken[0].at, taken[-1].end, tuple(taken))

    @property
    def following(self) -> Node | None:
        return self.items[self.at + 1] if self.at + 1 < len(self.items) else None

    def simple_run(self, function: Callee, node: Node) -> None:
        """Move past the factors that a function applies to."""
        if self.here is None or isinstance(self.here, Mark):
            raise self.scope.error(f"{function.name} lacks its argument", node)
        self.at += 1
        end = self.at
        while end < len(self.items) and self.is_simple(end):
            end += 1
        if end < len(self.items) and is_slash(self.items[end]):
            end = min(end + 2, len(self.items))
        if end > self.at:
            what = "a function without brackets applies to"
            if self.scope.choose(what, (ONE_FACTOR, ALL_FACTORS)) == ALL_FACTORS:
                self.at = end

    def is_simple(self, at: int) -> bool:
        node = self.items[at]
        after = self.items[at + 1] if at + 1 < len(self.items) else None
        if isinstance(node, Mark) or is_sum(node) or isinstance(plain(node), Group):
            return False
        return callee(self.scope, node, after) is None

    # -- sums -----------------------------------------------------------------

    def sum(self, node: Node) -> Value:
        """A sum over indices, of the rest of the row; without indices, over a vector's axis."""
        scope = self.scope
        base, sub, sup = node, None, None
        if isinstance(node, Scripted):
            base, sub, sup = node.base, node.sub, node.sup
        assert isinstance(base, Name)
        if base.text != "sum":
            raise scope.error("a product over an index is not read", node)
        if self.here is None:
            raise scope.error("what is summed is missing", node)
        if sub is None:
            return self.sum_over_axes(node)
        letters, limits = sum_indices(scope, sub)
        with scope.binding(letters, node.at) as symbols:
            bracket = bounds(scope, symbols, letters, limits, sup, node)
            body = self.value()
            expr = body.expr * bracket
            for symbol in reversed(symbols):
                expr = total(scope.sizes, symbol, expr)
        return replace(body, expr=expr)

    def sum_over_axes(self, node: Node) -> Value:
        outer, self.scope.entry = self.scope.entry, None
        body = self.value()
        self.scope.entry = outer
        if not body.axes:
            raise self.scope.error("say which index the sum runs over", node)
        return summed(self.scope.sizes, body, body.axes)


@reads(Product)
def read_product(scope: Scope, node: Product) -> Value:
    return Row(scope, node.items).value()


def plain(node: Node) -> Node:
    return node.base if isinstance(node, Scripted) else node


def is_brackets(node: Node) -> bool:
    return isinstance(plain(node), Group)


def is_sum(node: Node) -> bool:
    base = plain(node)
    return isinstance(base, Name) and base.style == "big"


def is_slash(node: Node) -> bool:
    return isinstance(node, Mark) and node.op == "/"


def sum_indices(scope: Scope, sub: Node) -> tuple[tuple[str, ...], list[Relation]]:
    """The letters that a sum binds, and what is said of them below it."""
    letters: list[str] = []
    limits: list[Relation] = []
    for part in listed(sub):
        part = alone(part)
        first = part
        if isinstance(part, Relation):
            limits.append(part)
            first = alone(part.sides[0])
        many = listed(first)
        names = [spelled(one) for one in many]
        if not all(names) or any(isinstance(alone(one), Number) for one in many):
            raise scope.error("a sum runs over an index, such as j", first)
        letters += [name for name in names if name not in letters]
    return tuple(letters), limits


def bounds(
    scope: Scope,
    symbols: tuple[sp.Symbol, ...],
    letters: tuple[str, ...],
    limits: list[Relation],
    sup: Node | None,
    node: Node,
) -> sp.Expr:
    """What the bounds of a sum say: the size of its index, or a bracket that cuts it off."""
    bracket: sp.Expr = sp.S.One
    lower = 1
    for limit in limits:
        if limit.signs == ("=",):
            lower = first_of(scope, limit)
        elif limit.signs != ("in",):
            bracket *= condition(scope, limit)
    if sup is None:
        return bracket
    if len(symbols) != 1:
        raise scope.error("an upper bound goes with one index", sup)
    (symbol,) = symbols
    up = alone(sup)
    text = spelled(up)
    index = scope.index(text, new=False) if text else None
    if index is not None:  # a causal sum, up to another index
        scope.sizes.unify(scope.sizes.of[symbol], scope.sizes.of[index])
        return bracket * Iverson(symbol <= index)
    if text and text not in scope.called and not is_size(scope, text):
        scope.called[text] = scope.sizes.hole()
    last = scope.called[text] if text in scope.called else scope.number(up, "an upper bound")
    size = sp.expand(last + 1 - lower)
    if not isinstance(size, sp.Symbol | sp.Integer):
        raise scope.error("a sum runs over the whole of a dimension, or up to an index", sup)
    if not scope.sizes.unify(scope.sizes.of[symbol], size):
        raise Mismatch(f"{letters[0]} runs over another dimension than {size}", node.at)
    return bracket


def first_of(scope: Scope, limit: Relation) -> int:
    start = alone(limit.sides[1])
    if not isinstance(start, Number) or start.text not in ("0", "1"):
        raise scope.error("a sum starts at 0 or at 1", start)
    return int(start.text)


def is_size(scope: Scope, text: str) -> bool:
    """Does a letter name a size, or a number that is one?"""
    head = text.split("_")[0]
    return any(dim.name in (text, head) for dim in scope.context.dims) or text.isdigit()
