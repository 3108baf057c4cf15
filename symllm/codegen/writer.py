"""From lines to statements: which arrays are updated in place, which names merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from types import MappingProxyType

import sympy as sp

from ..expressions import name_of
from ..notation import Iverson, Tensor
from .expressions import Expressions
from .functions import Allowed, indices_of
from .kinds import kind_of_input
from .layout import Axes, Slots, layouts, present, within
from .lifetimes import arrays_of, last_name, let_go
from .lines import Line, is_new, names_in, rank_of
from .pieces import NumberKind, Piece, Variable
from .scatter import scatter_of
from .sharing import fresh_name, line_for, name_for
from .target import Statement, Target
from .updates import (
    can_update,
    first_reduction,
    inner_terms,
    is_name,
    outer_reductions,
    path_to,
    pointwise_entries,
    updates,
)

#: The widest line of source that is written.
WIDTH = 88


@dataclass(frozen=True)
class Body:
    """The statements, the sizes that they mention, and the names that merged into others.

    ``axes`` says how the outputs lie that were kept.
    """

    statements: tuple[Statement, ...]
    sizes: tuple[str, ...]
    merged: dict[str, str]
    axes: dict[str, Axes]


def body_of(
    lines: Sequence[Line],
    inputs: Sequence[Tensor],
    outputs: Sequence[str],
    target: Target,
    width: int = WIDTH - 4,
    kept: Sequence[str] = (),
    given: Mapping[str, Axes] = MappingProxyType({}),
) -> Body:
    """The statements that compute the outputs, each at most ``width`` wide.

    Outputs that are ``kept`` lie as they are met, not as they are returned;
    so do inputs for which axes are ``given``. Written twice: the first time
    finds out which names end up in the buffer of another, so that the second
    calls them by the name that lasts.
    """

    def body(merged: dict[str, str]) -> Body:
        return Writer(lines, inputs, outputs, target, width, kept, given, merged).written()

    return body(body({}).merged)


class Writer:
    def __init__(
        self,
        lines: Sequence[Line],
        inputs: Sequence[Tensor],
        outputs: Sequence[str],
        target: Target,
        width: int,
        kept: Sequence[str],
        given: Mapping[str, Axes],
        merged: dict[str, str],
    ) -> None:
        self.lines = tuple(lines)
        self.outputs = tuple(outputs)
        self.target = target
        self.width = width
        self.kept = frozenset(kept)
        self.called = dict(merged)
        self.merged: dict[str, str] = {}
        self.slots = layouts(lines, [name for name in outputs if name not in self.kept])
        self.rank = rank_of(lines, inputs)
        self.owned: set[str] = set()
        self.tables: set[str] = set()
        self.taken = {t.name for t in inputs} | {line.name for line in lines}
        self.statements: list[Statement] = []
        #: Where each line starts; which makes the largest arrays; whose array a name shares.
        self.starts: list[int] = []
        self.made: dict[str, int] = {}
        self.same: dict[str, str] = {}
        variables: dict[str, Variable] = {}
        for t in inputs:
            kind = kind_of_input(target, t)
            variables[t.name] = Variable(t.name, given.get(t.name, tuple(range(t.rank))), kind)
        floats = [t.name for t in inputs if variables[t.name].kind in ("float", "given")]
        first = [t.name for t in inputs if t.dims and t.differentiable]
        self.write = Expressions(target, next(iter([*first, *floats]), ""), variables)

    def written(self) -> Body:
        for at, line in enumerate(self.lines):
            later = {n for user in self.lines[at + 1 :] for n in user.mentioned}
            self.line(line, later | set(self.outputs))
        if self.target.in_place:
            self.forget()
        axes = {name: self.write.variables[name].axes for name in self.kept}
        return Body(tuple(self.statements), tuple(self.write.sizes), self.merged, axes)

    def variable(self, name: str) -> str:
        """What a name is called in the source: the name that it merged into."""
        return last_name(name, self.called)

    def line(self, line: Line, later: set[str]) -> None:
        context = self.slots[line.name]
        self.write.size_of = dict(zip(line.indices, line.sizes, strict=True))
        start = len(self.statements)
        self.starts.append(start)
        self.makes(line)
        name = self.variable(line.name)
        kind: NumberKind = "float"
        if not (self.scattered(line, name) or self.updated(line, name, context, later)):
            piece = self.complete(self.write.value(line.value, context), line, context)
            if self.takes_over(line, context, later):
                piece = self.write.value(line.value, context)
            elif len(f"{name} = {piece.text}") > self.width:
                value = self.with_parts_named(line, line.value, context)
                piece = self.complete(self.write.value(value, context), line, context)
                if len(f"{name} = {piece.text}") > self.width:
                    value = self.with_a_term_named(line, value, context)
                    piece = self.complete(self.write.value(value, context), line, context)
            self.say(f"{name} = {piece.text}")
            kind = piece.kind
            if is_name(line.value) and not is_new(line.value):  # two names for one array
                self.owned.discard(name_of(line.value))
                self.same[line.name] = name_of(line.value)
            elif kind == "float":  # an array of integers cannot hold what is not
                self.owned.add(line.name)
        axes = tuple(None if s is None else line.indices.index(s) for s in context)
        self.write.variables[line.name] = Variable(name, axes, kind)
        alone = len(self.statements) == start + 1
        merged = line.given and name != line.name
        words = f"{line.name}: {line.note}".rstrip(": ") if merged else line.note
        place = start if alone else len(self.statements) - 1
        self.comment(place, words)

    def say(self, text: str) -> None:
        self.statements.append(Statement(text))

    def makes(self, line: Line) -> None:
        if line.indices and len(line.indices) == self.rank:
            self.made[line.name] = len(self.starts) - 1

    def forget(self) -> None:
        """The names of large arrays that nothing reads go where that makes room for others."""
        found = let_go(arrays_of(self.lines, self.outputs, self.made, self.same))
        if found:
            at, names = found
            forgotten = ", ".join(dict.fromkeys(map(self.variable, names)))
            rows = [Statement(f"del {row.rstrip(',')}") for row in wrap(forgotten, self.width - 4)]
            self.statements[self.starts[at] : self.starts[at]] = rows

    def comment(self, place: int, words: str) -> None:
        """Words after a statement where they fit, else on a line before it."""
        statement = self.statements[place]
        if words and len(f"{statement.text}  # {words}") <= self.width:
            self.statements[place] = replace(statement, comment=words)
        elif words and len(f"# {words}") <= self.width:
            self.statements.insert(place, Statement(f"# {words}"))

    def takes_over(self, line: Line, context: Slots, later: set[str]) -> bool:
        """Is this line but another name for an array that nobody else needs?"""
        if not isinstance(line.value, sp.Indexed) or line.value.indices != line.indices:
            return False
        old = name_of(line.value)
        return old in self.owned and old not in later and None not in (*context, *self.slots[old])

    def complete(self, piece: Piece, line: Line, context: Slots) -> Piece:
        """A piece that is as large as its line says, and is nobody else's array."""
        piece = self.write.fitted(piece, context)
        output = line.name in self.outputs and line.name not in self.kept
        if output and piece.kind in ("bool", "int", "wide"):
            piece = self.write.as_float(piece)
        if present(piece.slots) != line.indices:
            sizes = dict(zip(line.indices, line.sizes, strict=True))
            shape = [self.write.size(sizes[s]) if s is not None else "1" for s in context]
            return self.target.filled(piece, shape, self.write.like)
        if output and isinstance(line.value, sp.Indexed) and not is_new(line.value):
            return self.target.copied(piece)
        return piece

    def with_parts_named(self, line: Line, value: sp.Expr, context: Slots) -> sp.Expr:
        """The value with each reduction and mask on a statement of its own, before."""
        masks = (node.args[0] for node in value.atoms(Allowed) if node.args[0].has(Iverson))
        for node in sorted([*outer_reductions(value), *masks], key=str):
            if node != value:
                value = value.xreplace({node: self.named(line, node, context)})
        return value

    def with_a_term_named(self, line: Line, value: sp.Expr, context: Slots) -> sp.Expr:
        """The value with the widest of its terms that fits into a statement on one before."""

        def wide(term: sp.Expr) -> int:
            return len(f"{name_for(term)} = {self.write.value(term, context).text}")

        terms = [(wide(term), str(term), term) for term in inner_terms(value)]
        fitting = [found for found in terms if found[0] <= self.width]
        if not fitting:
            return value
        *_, term = max(fitting)
        return value.xreplace({term: self.named(line, term, context)})

    def named(self, line: Line, node: sp.Expr, context: Slots) -> sp.Expr:
        made = next((part for part in line.parts if part.value == node), None)
        if made is None:
            made = line_for(node, line, fresh_name(name_for(node), self.taken))
        self.makes(made)
        slots = within(made.indices, context)
        piece = self.write.fitted(self.write.value(node, context), context)
        self.say(f"{made.name} = {piece.text}")
        self.comment(len(self.statements) - 1, made.note)
        axes = tuple(None if s is None else made.indices.index(s) for s in slots)
        self.write.variables[made.name] = Variable(made.name, axes, piece.kind)
        return made.entry

    def scattered(self, line: Line, name: str) -> bool:
        """``sum_i [a = t[i]] g[i, k]``: each g is added to the row that t names."""
        found = scatter_of(line.value, line.indices)
        if found is None:
            return False
        at = tuple(found.rows.indices)
        piece = self.write.fitted(self.write.value(found.added, found.order), found.order)
        rows = self.write.fitted(self.write.value(found.rows, at), at)
        shape = [self.write.size(size) for size in line.sizes]
        for text in self.target.scatter(name, shape, self.write.like, rows.text, piece.text):
            self.say(text)
        self.owned.add(line.name)
        self.tables.add(line.name)
        return True

    # -- updates in place ---------------------------------------------------

    def updated(self, line: Line, name: str, context: Slots, later: set[str]) -> bool:
        """Write the line as updates of an array that nobody needs any more, if there is one."""
        if not self.target.in_place or context != line.indices or not self.worth(line):
            return False
        start, path = self.place_to_start(line, later)
        if start is None:
            return False
        value = line.value
        if is_name(start):
            old = name_of(start)
            current = self.write.variables[old].text
            value = self.with_later_reductions_named(line, value, path, old, context)
            path = path_to(value, start) or []
        else:
            current = name
            piece = self.complete(
                self.write.value(start, context), replace(line, value=start), context
            )
            if piece.kind in ("int", "bool"):
                piece = self.write.as_float(piece)
            self.say(f"{current} = {piece.text}")
        new_name = is_name(start) and not self.may_rename(name_of(start), line)
        same_array = is_name(start)
        if same_array:
            self.same[line.name] = name_of(start)
        for node, child in reversed(list(zip(path, [*path[1:], start], strict=True))):
            for update in updates(self.write, node, child, current, context):
                if current != name and (update.always_function or new_name):
                    self.say(f"{name} = {(update.function or '{0}').format(current)}")
                    current, same_array = name, False
                    if update.function:
                        continue
                self.say(update.statement.format(current))
        if same_array:
            self.merged[name_of(start)] = line.name
        self.owned.add(line.name)
        return True

    def may_rename(self, old: str, line: Line) -> bool:
        """May the old array bear the line's name from the start?

        An output's name is not given to what others use as something else.
        """
        if line.name not in self.outputs:
            return True
        group = {old, *(n for n in self.merged if last_name(n, self.merged) == old)}
        own = [u for u in self.lines if u.name in group]
        users = [u for u in self.lines if u not in own] + [part for u in own for part in u.parts]
        return [u.name for u in users if group & u.mentioned] == [line.name]

    def worth(self, line: Line) -> bool:
        """Only the largest arrays are worth the care, and tables with rows for all tokens."""
        tables = self.tables & line.mentioned
        return bool(line.indices) and (len(line.indices) == self.rank or bool(tables))

    def place_to_start(self, line: Line, later: set[str]) -> tuple[sp.Expr | None, list[sp.Expr]]:
        """An array to overwrite, or a part to compute first; and the nodes around it."""
        found = []
        for e in sorted(set(pointwise_entries(line.value)), key=str):
            name = name_of(e)
            free = name in self.owned and name not in later and e.indices == line.indices
            once = sum(1 for other in pointwise_entries(line.value) if name_of(other) == name) == 1
            full = free and self.slots[name] == self.lines_by_name[name].indices
            if free and once and full and (path := path_to(line.value, e)):
                negated = any(isinstance(p, sp.Mul) and -1 in p.args for p in path)
                found.append((not negated, len(path), e, path))
        if found:
            *_, e, path = max(found, key=lambda f: f[:2])
            return e, path
        value = line.value
        for node in outer_reductions(value):
            whole = indices_of(node) and set(indices_of(node)) == set(line.indices)
            if whole and node != value and (path := path_to(value, node)):
                return node, path
        if can_update(value) and isinstance(value, sp.Function) and not is_name(value.args[-1]):
            inner = value.args[-1]
            if set(indices_of(inner)) == set(line.indices):
                return inner, [value]
        return None, []

    @property
    def lines_by_name(self) -> dict[str, Line]:
        return {line.name: line for line in self.lines}

    def with_later_reductions_named(
        self, line: Line, value: sp.Expr, path: list[sp.Expr], old: str, context: Slots
    ) -> sp.Expr:
        """Reductions of the array that is about to be overwritten come first.

        The very first update may still read it.
        """
        first = first_reduction(path[-1], old)
        for node in sorted(outer_reductions(value), key=str):
            if old in names_in(node) and node != first:
                value = value.xreplace({node: self.named(line, node, context)})
        return value
