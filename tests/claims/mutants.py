"""Mutations of derived gradients: one mistake in one equation, made by code of its own.

What the claims know of mistakes is not used here, so that neither side can
hide what the other lacks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy as sp

from symllm import Let, Op, ops
from symllm.claims.diagnose import judged
from symllm.claims.points import Point, point, points, shaped
from symllm.claims.question import Question, question
from symllm.claims.verdict import Verdict
from symllm.program import Program
from symllm.values import run

#: These have axes of such names already, and are large.
UNBATCHED = ("gpt2_block", "llama_block", "moe_block")


@dataclass(frozen=True, eq=False)
class Mutant:
    """The program of a gradient with another right side in one equation.

    ``term`` was multiplied by ``factor``, where it is one term that was changed.
    """

    asked: Question
    program: Program
    let: Let
    mutation: str
    name: str
    term: sp.Expr | None = None
    factor: sp.Expr | None = None

    @property
    def title(self) -> str:
        return f"{self.asked.op.name}, {self.name}: {self.mutation} in {self.let.name}"

    @cached_property
    def changed(self) -> Program:
        equations = tuple(
            self.let if e.name == self.let.name else e for e in self.program.equations
        )
        shapes = tuple(self.program.tensors[e.name] for e in equations)
        return replace(self.program, equations=equations, declared=shapes)

    def value(self, at: Point) -> np.ndarray:
        return run(self.changed, at.drawn, at.sizes)[self.name]

    def answer(self, at: Point) -> Mapping[str, np.ndarray]:
        return {self.name: shaped(self.value(at), self.asked.tensor(self.name))}

    @cached_property
    def verdict(self) -> Verdict:
        return judged(self.asked, self.answer, [self.name], points(self.asked))[self.name]

    @cached_property
    def kind(self) -> str:
        """What the verdict must be, found by trying what comes before a wrong term."""
        return next((kind for kind, holds in BEFORE.items() if holds(self)), "wrong_term")

    @property
    def expected(self) -> tuple[str, ...]:
        """Where the factor is a sum of constants, the term that is wrong says more than it."""
        right = self.program.let[self.let.name].rhs
        varying = self.kind == "scaled" and isinstance(right.expand(), sp.Add)
        return ("scaled", "conditional", "wrong_term") if varying else (self.kind,)


# --------------------------------------------------------------------------
# Mutations: from an expression to others, each with the term that was changed
# --------------------------------------------------------------------------

Changed = tuple[sp.Expr, sp.Expr | None, Any]
Mutation = Callable[[sp.Expr], Iterator[Changed]]


def anywhere(expr: sp.Expr, here: Mutation) -> Iterator[Changed]:
    """The mutation at every part of an expression, the outermost first."""
    yield from here(expr)
    if isinstance(expr, sp.Add | sp.Mul):
        for k, arg in enumerate(expr.args):
            for new, term, factor in anywhere(arg, here):
                yield expr.func(*expr.args[:k], new, *expr.args[k + 1 :]), term, factor
    elif isinstance(expr, sp.Sum):
        for new, term, factor in anywhere(expr.function, here):
            yield sp.Sum(new, *expr.limits), term, factor


def times(multiple: Any) -> Mutation:
    """One term of a sum multiplied by a number."""

    def here(expr: sp.Expr) -> Iterator[Changed]:
        if isinstance(expr, sp.Add):
            for k, term in enumerate(expr.args):
                rest = expr.args[:k] + expr.args[k + 1 :]
                yield sp.Add(*rest, multiple * term), term, sp.sympify(multiple)

    return here


def factor_dropped(expr: sp.Expr) -> Iterator[Changed]:
    if isinstance(expr, sp.Mul):
        for k, factor in enumerate(expr.args):
            if not factor.is_number:
                yield sp.Mul(*expr.args[:k], *expr.args[k + 1 :]), None, None


def factor_doubled(expr: sp.Expr) -> Iterator[Changed]:
    if isinstance(expr, sp.Mul):
        for factor in expr.args:
            if not factor.is_number:
                yield expr * factor, None, None


def inverted(expr: sp.Expr) -> Iterator[Changed]:
    """1/N where N belongs, or N where 1/N does."""
    if isinstance(expr, sp.Mul):
        for k, factor in enumerate(expr.args):
            if isinstance(factor, sp.Pow) and factor.exp == -1:
                yield sp.Mul(*expr.args[:k], factor.base, *expr.args[k + 1 :]), None, None


def diagonal(let: Let, program: Program) -> Mutation:
    """Of a sum, the entry at a free index that runs over the same axis."""
    dims = dict(zip(let.indices, program.tensors[let.name].dims, strict=True))

    def here(expr: sp.Expr) -> Iterator[Changed]:
        if isinstance(expr, sp.Sum) and len(expr.limits) == 1:
            ((bound, _, high),) = expr.limits
            for free, dim in dims.items():
                if dim.symbol == high + 1:
                    yield expr.function.xreplace({bound: free}), None, None

    return here


def over_rows(let: Let, program: Program) -> Mutation:
    """A sum over an axis that also runs over the rows of the batch."""
    batch = dict(zip(let.indices, program.tensors[let.name].dims, strict=True))

    def here(expr: sp.Expr) -> Iterator[Changed]:
        if isinstance(expr, sp.Sum):
            for free, dim in batch.items():
                if dim in program.batch and expr.has(free):
                    new = sp.Symbol("row", integer=True)
                    body = expr.function.xreplace({free: new})
                    limits = (*expr.limits, (new, 0, dim.symbol - 1))
                    yield sp.Sum(body, *limits), None, None

    return here


def transposed(let: Let, program: Program) -> Mutation:
    """An entry of a square array, row and column exchanged."""

    def here(expr: sp.Expr) -> Iterator[Changed]:
        if isinstance(expr, sp.Indexed) and str(expr.base) in program.tensors:
            dims = program.tensors[str(expr.base)].dims
            for a, b in itertools.combinations(range(len(dims)), 2):
                if dims[a] == dims[b]:
                    at = list(expr.indices)
                    at[a], at[b] = at[b], at[a]
                    yield expr.base[tuple(at)], None, None

    return here


def renamed(let: Let, program: Program) -> Mutation:
    """Another tensor of the same shape."""

    def here(expr: sp.Expr) -> Iterator[Changed]:
        if isinstance(expr, sp.Indexed) and str(expr.base) in program.tensors:
            mine = program.tensors[str(expr.base)]
            before = itertools.takewhile(lambda e: e.name != let.name, program.equations)
            for name in (*(t.name for t in program.inputs), *(e.name for e in before)):
                tensor = program.tensors[name]
                if name != mine.name and not tensor.integer and tensor.dims == mine.dims:
                    yield sp.IndexedBase(sp.Symbol(name))[expr.indices], None, None

    return here


MUTATIONS: Mapping[str, Callable[[Let, Program], Mutation]] = {
    "a term dropped": lambda let, program: times(0),
    "a term doubled": lambda let, program: times(2),
    "a term negated": lambda let, program: times(-1),
    "a term times 3/4": lambda let, program: times(sp.Rational(3, 4)),
    "a term times 1.37": lambda let, program: times(sp.Rational(137, 100)),
    "a factor dropped": lambda let, program: factor_dropped,
    "a factor twice": lambda let, program: factor_doubled,
    "N for 1/N": lambda let, program: inverted,
    "the diagonal only": diagonal,
    "summed over rows": over_rows,
    "transposed": transposed,
    "another name": renamed,
}


# --------------------------------------------------------------------------
# What comes before a wrong term
# --------------------------------------------------------------------------


def near(a: np.ndarray, b: np.ndarray) -> bool:
    size = max(float(np.abs(b).max(initial=0)), 1e-300)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    return bool(np.abs(a - b).max(initial=0) <= 1e-9 * size)


def is_the_same(mutant: Mutant) -> bool:
    return all(near(mutant.value(p), p.truth(mutant.name)) for p in trials(mutant.asked))


def is_scaled(mutant: Mutant) -> bool:
    for p in trials(mutant.asked):
        found, true = mutant.value(p), p.truth(mutant.name)
        factor = float((found * true).sum()) / (float((true * true).sum()) or 1.0)
        if not near(found, factor * true) or abs(factor) < 1e-9:
            return False
    return True


def is_permuted(mutant: Mutant) -> bool:
    rows = [(mutant.value(p), p.truth(mutant.name)) for p in trials(mutant.asked)]
    return all(near(np.sort(a, None), np.sort(b, None)) for a, b in rows)


def is_conditional(mutant: Mutant) -> bool:
    return any(
        all(
            near(mutant.value(p), p.truth(mutant.name))
            and np.abs(p.truth(mutant.name)).max() > 1e-6
            for p in group
        )
        for group in assumed(mutant.asked)
    )


@cache
def trials(asked: Question) -> tuple[Point, ...]:
    return tuple(
        point(asked, seed, {d.name: 3 for d in asked.op.program.batch[:1]}) for seed in (101, 102)
    )


@cache
def assumed(asked: Question) -> tuple[tuple[Point, ...], ...]:
    """Pairs of points where something more holds than the op declares."""
    program = asked.op.program
    base = trials(asked)
    found = []

    def filled(name: str, levels: tuple[float, float]) -> None:
        found.append(
            tuple(
                p.changed(**{name: np.full_like(p.drawn[name], level)})
                for p, level in zip(base, levels, strict=True)
            )
        )

    for tensor in program.inputs:
        if tensor.role == "constant" and not tensor.dims:
            filled(tensor.name, (0.0, 0.0))
            filled(tensor.name, (1.0, 1.0))
        if tensor.role == "parameter" and len(tensor.dims) == 1:
            filled(tensor.name, (0.3, 1.7))
            neutral = 0.0 if tensor.name.startswith("b") else 1.0
            filled(tensor.name, (neutral, neutral))
    for tensor in asked.given:
        filled(tensor.name, (1.0, 1.0))
        if tensor.dims:
            filled(tensor.name, (0.3, 1.7))
    free = [d.name for d in program.dims if d.size is None]
    rows = {d.name: 1 for d in program.batch}
    if rows:
        found.append(tuple(point(asked, seed, rows) for seed in (101, 102)))
    for a, b in itertools.combinations(free, 2):
        found.append(tuple(point(asked, 101, {a: n, b: n}) for n in (3, 4)))
    return tuple(found)


BEFORE: Mapping[str, Callable[[Mutant], bool]] = {
    "correct": is_the_same,
    "permuted": is_permuted,
    "scaled": is_scaled,
    "conditional": is_conditional,
}


# --------------------------------------------------------------------------
# The mutants of an op
# --------------------------------------------------------------------------


@cache
def asked(name: str) -> Question:
    op: Op = ops[name] if name in UNBATCHED else ops[name].batched("N")
    scalars = all(len(t.dims) == len(op.program.batch) for t in op.outputs.values())
    return question(op, scalars and len(op.outputs) == 1)


def mutants(name: str, most: int) -> list[Mutant]:
    """Mutants of an op's gradients, of as many mutations as there is room for.

    For each mutation one in turn, in both forms of the gradient; which come
    first differs from op to op.
    """
    it = asked(name)
    forward = {let.name for let in it.forward.equations}
    start = sum(map(ord, name))
    mutations = [*MUTATIONS.items()]
    found: list[Mutant] = []
    for k in range(len(mutations) * len(it.wrt)):
        mutation, make = mutations[(start + k) % len(mutations)]
        of = it.wrt[(start + k // len(mutations)) % len(it.wrt)]
        program = (it.textbook, it.line_by_line)[(start + k) % 2]
        some = list(of_program(it, program, f"d{of}", mutation, make, forward))
        if some and len(found) < most:
            chosen = some[(7 * k + start) % len(some)]
            found += [chosen] if chosen.kind != "correct" else []
    return found


def of_program(
    it: Question, program: Program, name: str, mutation: str, make: Any, forward: set[str]
) -> Iterator[Mutant]:
    needed = {name}
    for let in reversed(program.equations):
        if let.name in needed:
            needed |= let.mentioned
            if let.name not in forward:
                seen = {let.rhs}
                for new, term, factor in anywhere(let.rhs, make(let, program)):
                    if new not in seen:
                        seen.add(new)
                        yield Mutant(it, program, Let(let.lhs, new), mutation, name, term, factor)
