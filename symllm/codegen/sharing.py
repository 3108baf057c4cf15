"""Equal parts are computed once: matching up to the names of indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import sympy as sp

from ..expressions import entries, name_of, rename_entries
from ..notation import Iverson, entry
from ..program import needed
from .functions import REDUCTION_NAMES, NonZero, Over, Total, indices_of, is_index
from .lines import Line, is_new, names_in
from .scatter import scatter_of

#: Placeholders for indices, so that equal expressions in other letters are equal.
PLACES = sp.symbols("_0:40", integer=True)


def fresh_name(wish: str, taken: set[str]) -> str:
    """A name that is not taken, which it then is."""
    name, count = wish, 2
    while name in taken:
        name, count = f"{wish}{count}", count + 1
    taken.add(name)
    return name


def skeleton(expr: sp.Expr) -> tuple[sp.Expr, tuple[sp.Symbol, ...]]:
    """The expression with indices numbered in order of appearance, and the free ones."""
    found: dict[sp.Symbol, sp.Symbol] = {}
    for node in sp.preorder_traversal(expr):
        if is_index(node) and node not in found and len(found) < len(PLACES):
            found[node] = PLACES[len(found)]
    free = set(indices_of(expr))
    return expr.xreplace(found), tuple(i for i in found if i in free)


def fold(expr: sp.Expr, line: Line) -> sp.Expr:
    """Every part that equals the line's value, up to the letters of indices, by its name."""
    pattern, own = skeleton(line.value)
    if not line.value.args or isinstance(line.value, sp.Indexed) or set(own) != set(line.indices):
        return expr

    def walk(node: sp.Expr) -> sp.Expr:
        if not node.args or isinstance(node, sp.Indexed):
            return node
        if type(node) is type(line.value):
            found, free = skeleton(node)
            if found == pattern:
                at = dict(zip(own, free, strict=True))
                return entry(line.name, *(at[i] for i in line.indices))
        if isinstance(node, Over):
            return node.func(walk(node.body), node.args[1])
        args = tuple(walk(arg) for arg in node.args)
        return node if args == node.args else node.func(*args)

    return walk(expr)


def shared(lines: tuple[Line, ...], outputs: tuple[str, ...], taken: set[str]) -> tuple[Line, ...]:
    """The lines with every costly part that occurs twice on a line of its own."""
    lines = with_known_values(lines)
    tried: set[sp.Expr] = set()
    while True:
        counts = Counter(skeleton(node)[0] for line in lines for node in costly(line.value))
        repeated = {key for key, count in counts.items() if count > 1} - tried
        if not repeated:
            break
        found = [
            (line, node)
            for line in lines
            for node in costly(line.value)
            if skeleton(node)[0] in repeated
        ]
        largest = min(found, key=lambda f: (-f[1].count_ops(), str(skeleton(f[1])[0])))
        key = skeleton(largest[1])[0]
        line, node = next((at, part) for at, part in found if skeleton(part)[0] == key)
        tried.add(key)
        made = line_for(node, line, fresh_name(name_for(node), taken))
        at = lines.index(line)
        rest = (replace(later, value=fold(later.value, made)) for later in lines[at:])
        lines = (*lines[:at], made, *rest)
    return scatters_apart(once_inlined(needed(lines, outputs), outputs), taken)


def with_known_values(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Parts that an earlier line has computed, by that line's name."""
    result: list[Line] = []
    for line in lines:
        value = line.value
        for earlier in result:
            if earlier.value.args and not isinstance(earlier.value, sp.Indexed):
                value = fold(value, earlier)
        result.append(replace(line, value=value))
    return tuple(result)


def costly(expr: sp.Expr) -> Iterator[sp.Expr]:
    """The parts of a value that are worth computing only once."""
    if isinstance(expr, sp.Indexed):
        return
    if is_costly(expr):
        yield expr
    inner = expr.args
    if isinstance(expr, Over):  # a sum of products makes no array of the products
        inner = sp.Mul.make_args(expr.body)
    for arg in inner:
        yield from costly(arg)


def is_costly(node: sp.Expr) -> bool:
    if not any(isinstance(e, sp.Indexed) for e in entries(node)):
        return False
    if isinstance(node, Over):
        return True
    if isinstance(node, sp.Pow):
        return not node.exp.is_Integer
    if isinstance(node, sp.Add | sp.Mul):
        arrays = [arg for arg in node.args if arg.has(sp.Indexed)]
        return len(arrays) > 1
    return isinstance(node, sp.Function) and not isinstance(node, sp.KroneckerDelta)


def line_for(node: sp.Expr, line: Line, name: str) -> Line:
    sizes = dict(zip(line.indices, line.sizes, strict=True))
    for part in sp.preorder_traversal(line.value):
        if isinstance(part, Over):
            sizes.update(part.limits)
    free = set(indices_of(node))
    order = [*line.indices, *sorted(sizes.keys() - set(line.indices), key=str)]
    indices = tuple(i for i in order if i in free)
    return Line(name, indices, tuple(sizes[i] for i in indices), node, given=False)


def name_for(node: sp.Expr) -> str:
    """A name that says what a part is: ``mean_dxhat_xhat``, ``gamma_dy``."""
    body = node.body if isinstance(node, Over) else node
    parts = sorted({name_of(e) for e in entries(body) if isinstance(e, sp.Indexed)})
    if isinstance(node, Over):
        parts = [REDUCTION_NAMES[type(node)], *parts]
    elif all(isinstance(factor, Iverson) for factor in sp.Mul.make_args(node)):
        parts = ["mask"]
    elif isinstance(node, sp.Function):
        parts = [type(node).__name__.lower(), *parts]
    name = "_".join(parts)
    return name if len(name) <= 24 else "shared"


def once_inlined(lines: tuple[Line, ...], outputs: Iterable[str]) -> tuple[Line, ...]:
    """Lines that were made here and are used once, written where they are used."""
    kept = list(lines)
    for made in [line for line in lines if not line.given and line.name not in outputs]:
        own = next(line for line in kept if line.name == made.name)
        users = [k for k, line in enumerate(kept) if made.name in line.mentioned]
        if len(users) == 1 and may_inline(own, kept[users[0]].value):
            user = kept[users[0]]
            kept[users[0]] = replace(user, value=rename_entries(user.value, {own.name: own.at}))
            kept.remove(own)
    return tuple(kept)


def may_inline(line: Line, value: sp.Expr) -> bool:
    """Is the line used just once in a value, and not as a reduction inside another?"""
    uses = [e for e in entries(value) if name_of(e) == line.name]
    inner = line.value.has(Over) and any(
        line.name in names_in(node.body) for node in value.atoms(Over)
    )
    return len(uses) == 1 and not inner


def statistics_inside(lines: tuple[Line, ...], outputs: Iterable[str]) -> tuple[Line, ...]:
    """Statistics of rows that the next line alone reads, written where it reads them.

    A name would hold their array until the function ends.
    """
    result: list[Line] = []
    for line in lines:
        own = result[-1] if result else line
        users = [user.name for user in lines if own.name in user.mentioned]
        alone = users == [line.name] and own.name not in outputs
        if alone and is_statistic(own) and written_once(own, line.value):
            value = line.value.xreplace({own.entry: own.value})
            line = replace(line, value=value, parts=(own,))
            result.pop()
        result.append(line)
    return tuple(result)


def written_once(line: Line, value: sp.Expr) -> bool:
    """Would the line's value stand in the other just once, at the same indices?"""
    uses = {e for e in entries(value) if name_of(e) == line.name}
    repeated = (node for node in value.atoms(NonZero) if line.name in names_in(node))
    return may_inline(line, value) and uses == {line.entry} and not any(repeated)


def is_statistic(line: Line) -> bool:
    """Does the line reduce the rows of arrays, and is it no product of matrices?"""
    if not isinstance(line.value, Over) or line.parts:
        return False
    bound = {index for index, _ in line.value.limits}
    found = [set(indices_of(e)) for e in line.value.body.atoms(sp.Indexed)]
    return all(at >= bound.union(line.indices) for at in found if at & bound)


def scatters_apart(lines: tuple[Line, ...], taken: set[str]) -> tuple[Line, ...]:
    """Scattered sums on lines of their own: they are statements and not values."""
    result: list[Line] = []
    for line in lines:
        value = line.value
        for node in sorted(value.atoms(Total), key=str) if value.args else ():
            if node != value and scatter_of(node, line.indices):
                made = line_for(node, line, fresh_name(name_for(node), taken))
                result.append(made)
                value = value.xreplace({node: made.entry})
        result.append(replace(line, value=value))
    return tuple(result)


def lookups_first(lines: tuple[Line, ...], taken: set[str]) -> tuple[Line, ...]:
    """What is looked up in an array, on a line of its own before others may overwrite the array."""
    result = list(lines)
    for made in lines:
        users = [line for line in lines if made.name in line.mentioned]
        for line in users[1:]:
            for node in sorted(looked_up(line.value, made), key=str):
                apart = line_for(node, line, fresh_name(name_for(node), taken))
                at = next(k for k, other in enumerate(result) if other.name == line.name)
                result[at] = replace(line, value=result[at].value.xreplace({node: apart.entry}))
                before = max(k for k, other in enumerate(result) if other.name in names_in(node))
                result.insert(before + 1, apart)
    return tuple(result)


def looked_up(value: sp.Expr, line: Line) -> set[sp.Indexed]:
    """The entries of a line's array at places that are looked up: fewer than it has."""
    return {
        node
        for node in value.atoms(sp.Indexed)
        if name_of(node) == line.name
        and node != value
        and is_new(node)
        and len(indices_of(node)) < len(line.indices)
    }
