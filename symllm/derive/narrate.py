"""Telling a derivation as steps: chain rule, recognition, substitution, facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import sympy as sp

from ..algebra.calculus import Occurrence
from ..algebra.change import Change
from ..algebra.rewrite import Rewrite, Use
from ..algebra.terms import Ix, Poly
from ..expressions import is_entry, make_sum, rename_entries, subscripts_of, substitute
from ..notation import Dim, Direct, Partial, entry
from ..steps import Fact, Sentence, Step
from .adjoint import Contribution, Line
from .phrases import Phrases, limits, listed, symbol
from .proofs import proof
from .system import CallEquation, Equation
from .textbook import Closed

#: A derivation of fewer steps than this is told in smaller ones.
FEW = 4
#: One of more is told in larger ones.
MANY = 12


COLLAPSE: Sentence = ("The Kronecker delta leaves one term of the sum.",)
INDEPENDENT: Sentence = ("The entries of a tensor vary independently of each other.",)
COLLECT: Sentence = ("Multiply out and collect what belongs together.",)


def delta(one: sp.Expr, other: sp.Expr) -> sp.Expr:
    """The derivative of one entry of a tensor by another."""
    pairs = zip(subscripts_of(one), subscripts_of(other), strict=True)
    return sp.Mul(*(sp.KroneckerDelta(a, b) for a, b in pairs))


class Narrator(Phrases):
    """Writes the steps of one derivation, in the letters of its op."""

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
        """Told at large, unless that makes but a few steps: then in smaller ones."""
        for tell in (self.line, self.line_by_chain, self.line_in_detail):
            told = self.told(tell)
            if len(told) >= FEW:
                break
        return tuple(told if len(told) <= MANY else merged(told))

    def told(self, tell: Callable[[Line], list[Step]]) -> list[Step]:
        result: list[Step] = []
        for name, line in self.book.lines.items():
            steps = tell(line)
            closed = self.book.closed.get(name)
            if closed is not None:
                steps += self.closing(closed, literally=tell != self.line)
                if self.only_renames(steps[:2], closed):
                    cited, renamed, *rest = steps
                    steps = [replace(cited, after=renamed.after), *rest]
            result += steps
        return result

    def only_renames(self, steps: Sequence[Step], closed: Closed) -> bool:
        """Is a citation followed by nothing but another name for the adjoint that it is given?"""
        if [bool(step.lemma) for step in steps] != [True, False] or steps[1].rule != "substitute":
            return False
        return all(is_entry(self.write(line.value)) for line in self.gone(closed))

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

    def line_by_chain(self, line: Line) -> list[Step]:
        """The chain rule first, then the derivatives that it asks for."""
        if any(isinstance(c.equation, CallEquation) for c in line.contributions):
            return self.line(line)
        target, chain = self.target(line.name, line.entry), self.chain(line)
        if isinstance(chain, Direct):
            return self.line(line)
        rule, _, _ = self.calculus(line)
        steps = [
            self.step(line, target, chain, "chain rule", self.paths(line)),
            self.step(line, chain, self.write(line.raw), rule, self.derivatives(line)),
        ]
        return steps + self.used(line, line.raw, line.uses)

    def line_in_detail(self, line: Line) -> list[Step]:
        """Chain rule, derivative, independence of entries, collapse of the delta."""
        if any(isinstance(c.equation, CallEquation) for c in line.contributions):
            return self.line(line)
        target = self.target(line.name, line.entry)
        spelled, slopes, deltas = (self.spelled(line, how) for how in (None, Partial, delta))
        raw = self.write(line.raw)
        rule, _, _ = self.calculus(line)
        steps = []
        if isinstance(spelled, Direct):
            spelled = target  # one path, and nothing upstream of it
        else:
            steps.append(self.step(line, target, spelled, "chain rule", self.everywhere(line)))
        steps.append(self.step(line, spelled, slopes, rule, self.derivatives(line)))
        if deltas != slopes:
            steps.append(self.step(line, slopes, deltas, "independent entries", INDEPENDENT))
        if deltas != raw:
            steps.append(self.step(line, deltas, raw, "collapse the delta", COLLAPSE))
        return steps + self.used(line, line.raw, line.uses)

    def chain(self, line: Line) -> sp.Expr:
        """``dp_i dp_i/dE_i + dZ dZ/dE_i``: paths, as far as indices decide them."""
        terms = [self.write(line.upstream)] if line.upstream else []
        for c in line.contributions:
            assert isinstance(c.equation, Equation)
            decided = self.decided(c, line)
            terms.append(self.path(line, c.equation, decided))
        return sp.Add(*terms)

    def path(self, line: Line, equation: Equation, decided: dict[Ix, Ix]) -> sp.Expr:
        """The sum over the undecided indices of cotangent times direct derivative."""
        at, summed = self.placed(line, equation, decided)
        by = entry(line.name, *map(symbol, line.entry))
        body = self.outer(equation.name, at) * Direct(entry(equation.name, *map(symbol, at)), by)
        return make_sum(body, limits(summed)) if summed else body

    def spelled(self, line: Line, how: Callable[[sp.Expr, sp.Expr], sp.Expr] | None) -> sp.Expr:
        """The chain rule with every index summed.

        Before differentiating, or after it with ``how`` two entries of one
        tensor depend on each other: a derivative, or what that is, a delta.
        """
        terms = [self.write(line.upstream)] if line.upstream else []
        for c in line.contributions:
            assert isinstance(c.equation, Equation)
            if how is None:
                terms.append(self.path(line, c.equation, self.rows(line, c.equation)))
            else:
                terms += [self.slope(line, c, place, how) for place in c.places]
        return sp.Add(*terms)

    def slope(
        self,
        line: Line,
        c: Contribution,
        place: Occurrence,
        how: Callable[[sp.Expr, sp.Expr], sp.Expr],
    ) -> sp.Expr:
        """``sum_k dy_k slope delta_ki`` as it stands before the delta collapses."""
        assert isinstance(c.equation, Equation)
        indices = c.indices
        taken = {str(ix.name) for ix in (*self.seed.row, *line.entry)}
        known = dict(zip(indices, c.equation.indices, strict=True))
        rows = self.rows(line, c.equation)
        new = {ix: rows[own] for ix, own in known.items() if own in rows}
        summed = [ix for ix in (*indices, *place.bound) if ix not in new]
        for ix in summed:
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
        found = entry(line.name, *(self.writer.subscript(change.subscript(s)) for s in place.subs))
        by = entry(line.name, *map(symbol, line.entry))
        if found != by:  # by itself an entry has the slope one, which goes without saying
            body *= how(found, by)
        return make_sum(body, limits(new[ix] for ix in summed)) if summed else body

    def calculus(self, line: Line) -> tuple[str, Sentence, str]:
        """The rule's name, the reason, and the lemma cited, for a line."""
        cited = {c.lemma: self.title(c) for c in line.contributions if c.lemma}
        if cited:
            return f"lemma: {' and '.join(cited.values())}", self.citation(line), next(iter(cited))
        rules = {place.rule for c in line.contributions for place in c.places}
        rules |= {"the upstream gradient"} if line.upstream else set()
        chosen = sorted(rules - {"linearity"}) or ["linearity"]
        rule = chosen[0] if len(chosen) == 1 else "chain rule over all paths"
        return rule, self.paths(line), ""

    # -- rewriting ----------------------------------------------------------

    def closing(self, closed: Closed, literally: bool) -> list[Step]:
        start, inlined = self.write(closed.start), self.write(closed.inlined)
        if closed.inlined == closed.start:
            return self.used(closed, closed.inlined, closed.uses)
        gone = self.gone(closed)
        put = [(self.target(line.name, line.entry),) for line in gone]
        because: Sentence = ("Put in ", *listed(put), ".")
        uses = list(closed.uses)
        if uses and uses[0][0].rule == "fact":  # a lemma that tidies up what was put in
            (rule, tidied), *uses = uses
            _, lemma = self.justified(rule)
            steps = [
                self.step(closed, start, self.write(tidied), "substitute", (*because, " ", *lemma))
            ]
            return steps + self.used(closed, tidied, uses)
        spell = literally and closed.name in self.book.wrt
        literal = self.put_in(start, gone) if spell else inlined
        steps = [self.step(closed, start, literal, "substitute", because)]
        if literal != inlined:
            collapses = literal.has(sp.KroneckerDelta)
            how = ("collapse the delta", COLLAPSE) if collapses else ("collect terms", COLLECT)
            steps.append(self.step(closed, literal, inlined, *how))
        return steps + self.used(closed, closed.inlined, closed.uses)

    def gone(self, closed: Closed) -> list[Line]:
        """The adjoint lines that are put in, one inside the other."""
        seen: set[str] = set()
        waiting = closed.start.names - closed.inlined.names
        for name, line in reversed(list(self.book.lines.items())):
            if line.adjoint in waiting:
                seen.add(name)
                waiting |= line.value.names - closed.inlined.names
        return [line for name, line in self.book.lines.items() if name in seen]

    def put_in(self, expr: sp.Expr, lines: Sequence[Line]) -> sp.Expr:
        """Adjoints replaced by their lines as they stand, nothing simplified."""
        if self.seed.output:
            return self.write(self.book.closed[self.book.wrt[0]].inlined)
        change = {
            line.adjoint: lambda s, line=line: substitute(
                self.write(line.value), dict(zip(map(symbol, line.entry), s, strict=True))
            )
            for line in lines
        }
        return rename_entries(expr, change)

    def used(self, line: Line | Closed, start: Poly, uses: Sequence[Use]) -> list[Step]:
        steps = []
        before = start
        for rule, after in uses:
            name, because = self.justified(rule)
            steps.append(self.step(line, self.write(before), self.write(after), name, because))
            before = after
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
                name = f"write out {move}"
                because: Sentence = ("By definition ", own, ".")
            else:
                name, because = self.justified(move)
            old, new = (self.write(Change(dict(letters)).poly(p)) for p in (before, after))
            steps.append(Step(left, old, new, name, because, free))
            before = after
        declared = rule.rule == "declared"
        return Fact(left, right, tuple(steps), free, declared, call.callee.called if call else "")


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
