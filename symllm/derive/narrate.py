"""Telling a derivation as steps: chain rule, recognition, substitution, facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import sympy as sp

from ..algebra.calculus import Occurrence, occurrences
from ..algebra.rewrite import Rewrite, Use
from ..algebra.terms import Atom, Change, Ix, Mono, Poly, Ref, mono_atoms, names
from ..algebra.write import Writer, integer_symbol, make_sum
from ..notation import LOSS, Dim, Direct, Partial, entry, fresh_letters
from ..program import rename_entries
from ..steps import Fact, Sentence, Step
from .adjoint import Contribution, Line
from .proofs import proof
from .system import CallEquation, Equation, System
from .textbook import Closed, Textbook

#: A derivation of fewer steps than this is told in smaller ones.
FEW = 4
#: One of more is told in larger ones.
MANY = 12


class Narrator:
    """Writes the steps of one derivation, in the letters of its op."""

    def __init__(
        self, sys: System, book: Textbook, keep: frozenset[Ix] = frozenset(), twice: str = ""
    ) -> None:
        """``twice`` names the input by which a gradient is differentiated once more."""
        self.sys = sys
        self.book = book
        self.seed = book.seed
        self.twice = twice
        self.writer = Writer(sys.letters, keep)

    # -- expressions --------------------------------------------------------

    def write(self, poly: Poly) -> sp.Expr:
        return self.adjoints(self.writer.poly(poly))

    def adjoints(self, expr: sp.Expr) -> sp.Expr:
        """In a Jacobian's derivation, derivatives have no names of their own."""
        if not self.seed.output:
            return expr
        rank = len(self.seed.row)
        change = {
            line.adjoint: lambda s, n=name: Partial(
                entry(self.seed.output, *s[:rank]), entry(n, *s[rank:])
            )
            for name, line in self.book.lines.items()
        }
        return rename_entries(expr, change)

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

    def step(
        self,
        line: Line | Closed,
        before: sp.Expr,
        after: sp.Expr,
        rule: str,
        because: Sentence,
        lemma: str = "",
    ) -> Step:
        target = self.target(line.name, line.entry)
        return Step(target, before, after, rule, because, self.free(line.entry), lemma)

    # -- the whole ----------------------------------------------------------

    def steps(self) -> tuple[Step, ...]:
        told = self.told(fine=False)
        if len(told) < FEW:
            told = self.told(fine=True)
        return tuple(told if len(told) <= MANY else merged(told))

    def told(self, fine: bool) -> list[Step]:
        result: list[Step] = []
        for name, line in self.book.lines.items():
            result += self.line_in_detail(line) if fine else self.line(line)
            closed = self.book.closed.get(name)
            if closed is not None:
                result += self.closing(closed)
        return result

    # -- one line -----------------------------------------------------------

    def line(self, line: Line) -> list[Step]:
        raw = self.write(line.raw)
        rule, because, lemma = self.calculus(line)
        target = self.target(line.name, line.entry)
        before = target if lemma else self.chain(line)
        if isinstance(before, Direct):
            before = target  # one path, and nothing upstream of it
        steps = [self.step(line, before, raw, rule, because, lemma)]
        return steps + self.used(line, line.raw, line.uses)

    def line_in_detail(self, line: Line) -> list[Step]:
        """Chain rule, derivative and collapse of the delta, one after the other."""
        if any(isinstance(c.equation, CallEquation) for c in line.contributions):
            return self.line(line)
        target = self.target(line.name, line.entry)
        spelled = self.spelled(line, differentiated=False)
        slopes = self.spelled(line, differentiated=True)
        raw = self.write(line.raw)
        rule, because, _ = self.calculus(line)
        steps = []
        if isinstance(spelled, Direct):
            spelled = target  # one path, and nothing upstream of it
        else:
            steps.append(self.step(line, target, spelled, "chain rule", self.paths(line)))
        steps.append(self.step(line, spelled, slopes, rule, self.derivatives(line)))
        if slopes != raw:
            text = ("The Kronecker delta leaves one term of the sum.",)
            steps.append(self.step(line, slopes, raw, "collapse the delta", text))
        return steps + self.used(line, line.raw, line.uses)

    def chain(self, line: Line) -> sp.Expr:
        """``dp_i dp_i/dE_i + dZ dZ/dE_i``: paths, as far as indices decide them."""
        terms = [self.write(line.upstream)] if line.upstream else []
        for c in line.contributions:
            assert isinstance(c.equation, Equation)
            decided = self.decided(c.equation, line)
            terms.append(self.path(line, c.equation, decided))
        return sp.Add(*terms)

    def decided(self, equation: Equation | CallEquation, line: Line) -> dict[Ix, Ix]:
        """The indices of an equation that the entry differentiated by fixes."""
        decided: dict[Ix, Ix] | None = None
        if isinstance(equation, CallEquation):
            return {}
        for place in occurrences(equation.right, line.name):
            here = {
                s: ix
                for s, ix in zip(place.subs, line.entry, strict=True)
                if isinstance(s, Ix) and s in equation.indices
            }
            decided = (
                here
                if decided is None
                else {s: ix for s, ix in decided.items() if here.get(s) == ix}
            )
        return decided or {}

    def path(self, line: Line, equation: Equation, decided: dict[Ix, Ix]) -> sp.Expr:
        """The sum over the undecided indices of cotangent times direct derivative."""
        at, summed = self.placed(line, equation, decided)
        by = entry(line.name, *map(symbol, line.entry))
        body = self.outer(equation.name, at) * Direct(entry(equation.name, *map(symbol, at)), by)
        return make_sum(body, limits(summed)) if summed else body

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

    def outer(self, name: str, at: tuple[Ix, ...]) -> sp.Expr:
        """The cotangent of a name: its letter, or what the seed says."""
        if name == self.seed.output:
            return sp.S.One
        if name in self.seed.unit:
            return sp.S.One
        if self.seed.output:
            return self.target(name, at)
        return entry(f"d{name}", *map(symbol, at))

    def letter(self, ix: Ix, taken: set[str]) -> str:
        own = (str(ix.name), *self.sys.letters.pools.get(ix.dim, ()))
        free = [c for c in own if c not in taken and not c.startswith("~")]
        return free[0] if free else next(fresh_letters(taken | self.sys.letters.names))

    def spelled(self, line: Line, differentiated: bool) -> sp.Expr:
        """The chain rule with every index summed, before or after differentiating."""
        terms = [self.write(line.upstream)] if line.upstream else []
        for c in line.contributions:
            assert isinstance(c.equation, Equation)
            if not differentiated:
                terms.append(self.path(line, c.equation, {}))
            else:
                terms += [self.slope(line, c, place) for place in c.places]
        return sp.Add(*terms)

    def slope(self, line: Line, c: Contribution, place: Occurrence) -> sp.Expr:
        """``sum_k dy_k slope delta_ki`` as it stands before the delta collapses."""
        assert isinstance(c.equation, Equation)
        indices = c.indices
        taken = {str(ix.name) for ix in (*self.seed.row, *line.entry)}
        new: dict[Ix, Ix] = {}
        known = dict(zip(indices, c.equation.indices, strict=True))
        for ix in (*indices, *place.bound):
            new[ix] = Ix(self.letter(known.get(ix, ix), taken), ix.dim)
            taken.add(str(new[ix].name))
        at = tuple(new[ix] for ix in indices)
        fixed = c.equation.name == self.seed.output
        body = self.outer(c.equation.name, at)
        if fixed:
            for row, ix in zip(self.seed.row, at, strict=True):
                body *= sp.KroneckerDelta(symbol(row), symbol(ix))
        change = Change(dict(new))
        body *= self.writer.poly(change.poly(place.slope))
        for sub, ix in zip(place.subs, line.entry, strict=True):
            moved = change.subscript(sub)
            body *= sp.KroneckerDelta(self.writer.subscript(moved), symbol(ix))
        summed = [new[ix] for ix in (*indices, *place.bound)]
        return make_sum(body, limits(summed)) if summed else body

    # -- sentences ----------------------------------------------------------

    def calculus(self, line: Line) -> tuple[str, Sentence, str]:
        """The rule's name, the reason, and the lemma cited, for a line."""
        lemma = next((c.lemma for c in line.contributions if c.lemma), "")
        if lemma:
            given = self.lhs(line.contributions[0].equation)
            return (
                f"lemma: the gradient of {lemma.replace('_', ' ')}",
                (
                    "The derivation for ",
                    lemma.replace("_", "-"),
                    " applies, with the output ",
                    given,
                    ".",
                ),
                lemma,
            )
        rules = {place.rule for c in line.contributions for place in c.places}
        rules |= {"the upstream gradient"} if line.upstream else set()
        chosen = sorted(rules - {"linearity"}) or ["linearity"]
        rule = chosen[0] if len(chosen) == 1 else "chain rule over all paths"
        return rule, self.paths(line), ""

    def lhs(self, equation: Equation | CallEquation) -> sp.Expr:
        return entry(equation.name, *map(symbol, equation.indices))

    def paths(self, line: Line) -> Sentence:
        """By which equations a quantity reaches the output."""
        by = entry(line.name, *map(symbol, line.entry))
        places: list[Sentence] = []
        for c in line.contributions:
            decided = self.decided(c.equation, line)
            at, summed = self.placed(line, c.equation, decided)
            where = entry(c.equation.name, *map(symbol, at))
            places.append(("every ", where) if summed else (where,))
        if not places:
            return ("It is the upstream gradient.",)
        if len(places) == 1:
            shared = len(places[0]) > 1
            end = (" depends on ", by, ".")
            return ("Every ", places[0][1], *end) if shared else ("Only ", *places[0], *end)
        return (by, " acts through ", *listed(places), ".")

    def derivatives(self, line: Line) -> Sentence:
        equations = [c.equation for c in line.contributions]
        definitions: list[Sentence] = [
            ((self.lhs(e), self.write(e.right)),) for e in equations if isinstance(e, Equation)
        ]
        return ("Differentiate ", *listed(definitions), ".")

    # -- rewriting ----------------------------------------------------------

    def closing(self, closed: Closed) -> list[Step]:
        start = self.write(closed.start)
        inlined = self.write(closed.inlined)
        steps = []
        if closed.inlined != closed.start:
            gone = sorted(
                n
                for n, line in self.book.lines.items()
                if line.adjoint in names(closed.start) - names(closed.inlined)
            )
            put = [(self.target(n, self.book.lines[n].entry),) for n in gone]
            because: Sentence = ("Put in ", *listed(put), ".")
            steps.append(self.step(closed, start, inlined, "substitute", because))
        return steps + self.used(closed, closed.inlined, closed.uses)

    def used(self, line: Line | Closed, start: Poly, uses: Sequence[Use]) -> list[Step]:
        steps = []
        for (_, before), (rule, after) in pairwise([(None, start), *uses]):
            name, because = self.justified(rule)
            lemma = ""
            steps.append(
                self.step(line, self.write(before), self.write(after), name, because, lemma)
            )
        return steps

    # -- lemmas ---------------------------------------------------------------

    def facts(self) -> tuple[Fact, ...]:
        """The facts that the steps use, each with its own steps."""
        uses = [use for line in self.book.lines.values() for use in line.uses]
        uses += [use for closed in self.book.closed.values() for use in closed.uses]
        rules = {rule.left.key: rule for rule, _ in uses if rule.rule in ("fact", "declared")}
        return tuple(self.fact(rule) for rule in rules.values())

    def fact(self, rule: Rewrite) -> Fact:
        left, right = self.sides(rule)
        letters = self.reading(rule)
        free = tuple((symbol(ix), Dim(ix.dim)) for ix in letters.values())
        call = self.sys.calls.get(rule.name)
        steps = []
        before = rule.left
        for move, after in proof(self.sys.program, rule):
            if isinstance(move, str):
                equation = self.sys.equations.get(move) or self.sys.aliases[move]
                own = (self.lhs(equation), self.write(equation.right))
                name, because = f"write out {move}", ("By definition ", own, ".")
            else:
                name, because = self.justified(move)
            sides = [self.write(Change(dict(letters)).poly(p)) for p in (before, after)]
            steps.append(Step(left, *sides, name, because, free))
            before = after
        declared = rule.rule == "declared"
        return Fact(left, right, tuple(steps), free, declared, call.callee.name if call else "")

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
        if rule.rule == "definition" or own == (right, left):
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


def merged(steps: list[Step]) -> list[Step]:
    """Recognitions joined to the step before them, while there are too many."""
    result: list[Step] = []
    spare = len(steps) - MANY
    for step in steps:
        last = result[-1] if result else None
        joins = step.rule.startswith("recognise") and last is not None
        if spare > 0 and joins and last is not None and last.target == step.target:
            rule = f"{last.rule}, {step.rule}" if last.rule != step.rule else last.rule
            result[-1] = Step(
                step.target,
                last.before,
                step.after,
                rule,
                (*last.because, " ", *step.because),
                step.free,
                last.lemma,
            )
            spare -= 1
        else:
            result.append(step)
    return result


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
    return [
        sp.Tuple(symbol(ix), sp.S.Zero, Dim(ix.dim).symbol - 1) for ix in reversed(list(indices))
    ]
