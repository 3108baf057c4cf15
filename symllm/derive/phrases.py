"""How derivations speak: which letters, which sentences, which names for rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import sympy as sp

from ..algebra.change import Change
from ..algebra.rewrite import Rewrite
from ..algebra.terms import Atom, Ix, Mono, Poly, Ref
from ..algebra.walk import mono_atoms
from ..algebra.write import Writer, integer_symbol, limit
from ..expressions import Entry, fresh_letters, rename_entries
from ..notation import LOSS, Dim, Partial, entry
from ..steps import SAME, Sentence
from .adjoint import Contribution, Line
from .system import CallEquation, Equation, System
from .textbook import Textbook


class Phrases:
    """Expressions and sentences about one derivation, in the letters of its op."""

    def __init__(self, sys: System, book: Textbook, writer: Writer, twice: str = "") -> None:
        """``twice`` names the input by which a gradient is differentiated once more."""
        self.sys = sys
        self.book = book
        self.seed = book.seed
        self.twice = twice
        self.writer = writer

    def write(self, poly: Poly) -> sp.Expr:
        return self.adjoints(self.writer.poly(poly))

    def adjoints(self, expr: sp.Expr) -> sp.Expr:
        """Derivatives that have no name of their own, written as derivatives.

        In a Jacobian's derivation that is all of them; else the whole adjoint
        of an output that other equations use as well.
        """
        return rename_entries(expr, self._nameless)

    @cached_property
    def _nameless(self) -> dict[str, Entry]:
        rank = len(self.seed.row)

        def spelled(name: str) -> Entry:
            def derivative(subs: tuple[sp.Expr, ...]) -> Partial:
                of = entry(self.seed.output, *subs[:rank]) if self.seed.output else LOSS
                return Partial(of, entry(name, *subs[rank:]))

            return derivative

        lines = self.book.lines.items()
        return {line.adjoint: spelled(n) for n, line in lines if line.adjoint != f"d{n}"}

    def quantity(self) -> sp.Expr:
        if self.seed.output:
            return entry(self.seed.output, *map(symbol, self.seed.row))
        return LOSS

    def target(self, name: str, indices: Iterable[Ix]) -> sp.Expr:
        by = entry(name, *map(symbol, indices))
        if name == self.twice:
            return Partial(Partial(LOSS, entry(name, *map(symbol, self.seed.row))), by)
        return Partial(self.quantity(), by)

    def free(self, indices: Iterable[Ix]) -> tuple[tuple[sp.Symbol, Dim], ...]:
        return tuple((symbol(ix), Dim(ix.dim)) for ix in (*self.seed.row, *indices))

    def outer(self, name: str, at: tuple[Ix, ...]) -> sp.Expr:
        """The cotangent of a name: its letter, or what the seed says."""
        if name == self.seed.output:
            return sp.S.One
        if name in self.seed.unit:
            return sp.S.One
        line = self.book.lines.get(name)
        if line is not None and line.adjoint != f"d{name}":
            return self.target(name, at)
        return entry(f"d{name}", *map(symbol, at))

    def letter(self, ix: Ix, taken: set[str]) -> str:
        own = (str(ix.name), *self.sys.letters.pools.get(ix.dim, ()))
        free = [c for c in own if c not in taken and not c.startswith("~")]
        return free[0] if free else next(fresh_letters(taken | self.sys.letters.names))

    def decided(self, c: Contribution, line: Line) -> dict[Ix, Ix]:
        """The indices of an equation that the entry differentiated by fixes."""
        if isinstance(c.equation, CallEquation):
            return {}
        own = dict(zip(c.indices, c.equation.indices, strict=True))
        decided: dict[Ix, Ix] | None = None
        for place in c.places:
            here = {
                own[s]: ix
                for s, ix in zip(place.subs, line.entry, strict=True)
                if isinstance(s, Ix) and s in own
            }
            decided = (
                here
                if decided is None
                else {s: ix for s, ix in decided.items() if here.get(s) == ix}
            )
        return decided or {}

    def placed(
        self, line: Line, equation: Equation | CallEquation, decided: dict[Ix, Ix]
    ) -> tuple[tuple[Ix, ...], list[Ix]]:
        """Where an equation is taken: its indices decided, of the row, or summed over."""
        given = dict(decided)
        if equation.name == self.seed.output:
            given |= dict(zip(equation.indices, self.seed.row, strict=True))
        taken = {str(ix.name) for ix in (*self.seed.row, *line.entry)}
        summed = []
        for ix in equation.indices:
            if ix not in given:
                given[ix] = Ix(self.letter(ix, taken), ix.dim)
                taken.add(str(given[ix].name))
                summed.append(given[ix])
        return tuple(given[ix] for ix in equation.indices), summed

    def rows(self, line: Line, equation: Equation) -> dict[Ix, Ix]:
        """The batch indices of an equation: each example is by itself, nothing is summed."""
        own = self.sys.program.tensors
        count = len(self.sys.program.batch)
        batch = self.sys.program.batch
        if not all(own[name].dims[:count] == batch for name in (line.name, equation.name)):
            return {}
        return dict(zip(equation.indices[:count], line.entry[:count], strict=True))

    def lhs(self, equation: Equation | CallEquation) -> sp.Expr:
        return entry(equation.name, *map(symbol, equation.indices))

    def paths(self, line: Line) -> Sentence:
        """By which equations a quantity reaches the output."""
        by = entry(line.name, *map(symbol, line.entry))
        places = [self.place(line, c) for c in line.contributions]
        if not places:
            return ("It is the upstream gradient.",)
        if len(places) == 1:
            first, *rest = places[0]
            only = "" if rest or self.seed.output else "Only "
            return (only, first, " depends on ", by, *rest, ".")
        return (by, " acts through ", *listed(places), ".")

    def place(self, line: Line, c: Contribution) -> Sentence:
        """An equation that mentions a quantity, at the indices where it does."""
        at, summed = self.placed(line, c.equation, self.decided(c, line))
        where = entry(c.equation.name, *map(symbol, at))
        if not summed:
            return (where,)
        return (where, " for every ", *listed([(symbol(ix),) for ix in summed]))

    def title(self, c: Contribution) -> str:
        """What the op is called whose derivation is cited."""
        assert isinstance(c.equation, CallEquation)
        return c.equation.callee.called

    def citation(self, line: Line) -> Sentence:
        """That derivations apply, and by which paths the quantity acts besides."""
        by = entry(line.name, *map(symbol, line.entry))
        outputs: list[Sentence] = [(self.lhs(c.equation),) for c in line.contributions if c.lemma]
        besides = [self.place(line, c) for c in line.contributions if not c.lemma]
        several = len({c.lemma for c in line.contributions if c.lemma}) > 1
        applies = "Their derivations apply" if several else "Its derivation applies"
        also: Sentence = ("; ", by, " also acts through ", *listed(besides)) if besides else ()
        if line.name in self.repeated:
            return (SAME[0], *also, SAME[-1])
        said = f"{applies}, with the output{'s' if outputs[1:] else ''} "
        return (said, *listed(outputs), *also, ".")

    @cached_property
    def repeated(self) -> set[str]:
        """The names whose gradients are cited from what the gradient before was cited from."""
        calls = {
            name: [c.equation.name for c in line.contributions if c.lemma]
            for name, line in self.book.lines.items()
        }
        return {name for (_, old), (name, new) in pairwise(calls.items()) if new and new == old}

    def everywhere(self, line: Line) -> Sentence:
        """By which equations a quantity may reach the output, before any is ruled out."""
        by = entry(line.name, *map(symbol, line.entry))
        places: list[Sentence] = []
        for c in line.contributions:
            assert isinstance(c.equation, Equation)
            at, _ = self.placed(line, c.equation, self.rows(line, c.equation))
            places.append((entry(c.equation.name, *map(symbol, at)),))
        return (by, " may reach the loss through every ", *listed(places), ".")

    def derivatives(self, line: Line) -> Sentence:
        equations = [c.equation for c in line.contributions]
        definitions: list[Sentence] = [
            ((self.lhs(e), self.write(e.right)),) for e in equations if isinstance(e, Equation)
        ]
        return ("Differentiate ", *listed(definitions), ".")

    def justified(self, rule: Rewrite) -> tuple[str, Sentence]:
        """What a rule is called, and the equality that it rests on."""
        if rule.rule == "unfold":
            line = self.book.lines[rule.name]
            name = entry(f"d{rule.name}", *map(symbol, line.entry))
            return f"write out d{rule.name}", (
                "By definition ",
                (name, self.write(line.value)),
                ".",
            )
        left, right = self.sides(rule)
        if rule.rule == "declared":
            return f"{rule.name} sums to one", (
                "The target is a distribution: ",
                (left, right),
                ".",
            )
        if rule.rule == "fact":
            return fact_name(rule), ("Lemma: ", (left, right), ".")
        equation = self.sys.equations.get(rule.name) or self.sys.aliases[rule.name]
        own = (self.lhs(equation), self.write(equation.right))
        shown = f"recognise {rule.name}"
        if rule.name in self.sys.aliases:
            return shown, ("This has a name: ", own, ".")
        solved = len(rule.factors) == 1 and isinstance(rule.factors[0][0], Ref)
        if rule.rule == "definition" or not solved or own == (right, left):
            return shown, ("By definition ", own, ".")
        return shown, ("By definition ", own, ", so that ", (left, right), ".")

    def sides(self, rule: Rewrite) -> tuple[sp.Expr, sp.Expr]:
        """A rule's two sides, its free indices in letters that a reader knows."""
        change = Change(dict(self.reading(rule)))
        return self.write(change.poly(rule.left)), self.write(change.poly(rule.right))

    def reading(self, rule: Rewrite) -> dict[Ix, Ix]:
        """A letter for each free index of a rule."""
        taken: set[str] = set()
        letters: dict[Ix, Ix] = {}
        for atom, _ in rule.factors:
            for ref in refs_of(atom):
                for axis, s in enumerate(ref.subs):
                    if isinstance(s, Ix) and s in rule.params - set(rule.bound):
                        if s in letters:
                            continue
                        wanted = self.sys.letters.slot(ref.name, axis) or "i"
                        letter = self.letter(Ix(wanted, s.dim), taken)
                        letters[s] = Ix(letter, s.dim)
                        taken.add(letter)
        return letters


def fact_name(rule: Rewrite) -> str:
    """``p sums to one``; what is more involved is just a lemma."""
    constant = rule.right.constant
    if len(rule.factors) == 1 and rule.factors[0][1] == 1 and constant in (0, 1):
        (head,) = rule.heads
        return f"{head} sums to {'one' if constant else 'zero'}"
    return "use a lemma"


def listed(parts: Sequence[Sentence]) -> Sentence:
    """``a``, ``a and b``, ``a, b and c``."""
    result: list[str | sp.Basic | tuple[sp.Basic, sp.Basic]] = []
    for k, part in enumerate(parts):
        result += ["" if k == 0 else " and " if k == len(parts) - 1 else ", ", *part]
    return tuple(result)


def refs_of(atom: Atom) -> list[Ref]:
    return [a for a in mono_atoms(Mono(((atom, 1),))) if isinstance(a, Ref)]


def symbol(ix: Ix) -> sp.Symbol:
    return integer_symbol(str(ix.name))


def limits(indices: Iterable[Ix]) -> list[sp.Tuple]:
    return [limit(str(ix.name), ix.dim) for ix in reversed(list(indices))]
