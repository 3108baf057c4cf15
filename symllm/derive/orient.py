"""Orienting equations towards the output, and the facts that follow from them.

Each equation is solved for the name that comes first in the flow of data, so
that what remains speaks of the latest names, which are the ones people use:
``p = E/Z`` gives ``E -> p Z``. An equation with a sum cannot be solved; with
both its sides rewritten it becomes a fact: ``sum_j p_j = 1``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from ..algebra.change import Change
from ..algebra.factor import cost
from ..algebra.numbers import Number, is_integer, tidy
from ..algebra.rewrite import Factors, Rewrite, apply
from ..algebra.sums import opened, total
from ..algebra.terms import (
    ONE,
    Atom,
    Delta,
    Fn,
    Ix,
    Mono,
    Paren,
    Poly,
    Ref,
    Root,
    Size,
    Sum,
    atom_poly,
    fresh_index,
)
from ..algebra.walk import atoms, mono_atoms
from ..program import Program
from .system import Equation, System, system


@lru_cache(maxsize=256)
def rules_of(program: Program) -> tuple[Rewrite, ...]:
    """Every rewriting that a program's equations and declared facts allow."""
    sys = system(program)
    oriented = tuple(orientations(sys))
    return (
        *declared_facts(sys),
        *called_facts(sys),
        *facts(sys, oriented),
        *sums_of_definitions(sys),
        *oriented,
    )


# --------------------------------------------------------------------------
# Orientation
# --------------------------------------------------------------------------


def orientations(sys: System) -> Iterator[Rewrite]:
    """Each equation solved for the earliest name in it; no name is rewritten twice."""
    solved: set[str] = set()
    for equation in (*sys.equations.values(), *sys.aliases.values()):
        for rule in solutions(sys, equation):
            if rule.left.key not in solved:
                solved.add(rule.left.key)
                yield rule
                break


def solutions(sys: System, equation: Equation) -> Iterator[Rewrite]:
    name = atom_poly(sys.ref(equation.name, equation.indices))
    if len(equation.right.terms) == 1:
        yield from solve_product(sys, equation, name)
    else:
        yield from solve_affine(sys, equation, equation.right, name)


def solve_product(sys: System, equation: Equation, name: Poly) -> Iterator[Rewrite]:
    """``name = c a^e ...``: for its one factor, its earliest one, or all of them."""
    ((mono, coefficient),) = equation.right.terms.items()
    numeric = [f for f in mono.factors if isinstance(f[0], Root | Size)]
    factors = [f for f in mono.factors if not isinstance(f[0], Root | Size)]
    known = Poly({Mono(tuple(numeric)): coefficient})
    left = name * known**-1
    if len(factors) == 1:
        ((atom, e),) = factors
        if isinstance(atom, Sum) or not invertible(atom, e):
            return  # a fact, or two values with one power
        value = left ** inverse(e)
        if isinstance(atom, Paren):
            yield from solve_affine(sys, equation, atom.poly, value)
            yield rewrite(equation, "recognise", ((atom, 1),), value)
        elif isinstance(atom, Ref | Fn) and covers(equation, atom):
            yield rewrite(equation, "recognise", ((atom, 1),), value)
        return
    earliest = first_in_flow(sys, [a for a, _ in factors if isinstance(a, Ref)])
    if earliest is not None and covers(equation, earliest):
        e = dict(factors)[earliest]
        others = Poly({Mono(tuple(f for f in factors if f[0] is not earliest)): 1})
        if (
            e in (1, -1)
            and all(a.positive for a, _ in factors if a is not earliest)
            and not depends(sys, others, earliest.name)
        ):
            yield rewrite(
                equation, "substitute", ((earliest, 1),), (left * others**-1) ** inverse(e)
            )
            return
    named = {t.name for t in sys.program.inputs if t.differentiable}
    if not any(isinstance(a, Sum) or getattr(a, "name", "") in named for a, _ in factors):
        # A product that holds an input as it is needs no other name.
        whole = tuple(sorted(factors, key=lambda f: f[0].key))
        yield rewrite(equation, "recognise", whole, left)


def solve_affine(sys: System, equation: Equation, right: Poly, value: Poly) -> Iterator[Rewrite]:
    """``value = a + rest``: for ``a``, if it comes first in the flow of data."""
    if any(isinstance(a, Sum) for m in right.terms for a in mono_atoms(m)):
        return
    linear = [
        (m.factors[0][0], c)
        for m, c in right.terms.items()
        if len(m.factors) == 1 and m.factors[0][1] == 1 and isinstance(m.factors[0][0], Ref)
    ]
    everywhere = [a for m in right.terms for a in mono_atoms(m) if isinstance(a, Ref)]
    earliest = first_in_flow(sys, everywhere)
    for atom, c in linear:
        if atom != earliest or not covers(equation, atom):
            continue
        rest = right - atom_poly(atom).scale(c)
        if atom.name in rest.names or depends(sys, rest, atom.name):
            continue
        yield rewrite(equation, "substitute", ((atom, 1),), (value - rest).scale(inverse(c)))


def invertible(atom: Atom, exponent: Number) -> bool:
    """Does ``atom^exponent`` say what the atom is?

    ``x^2`` leaves the sign open, and ``x^3`` has a root that no rational power gives.
    """
    return exponent in (1, -1) or atom.positive or not is_integer(exponent)


def inverse(value: Number) -> Number:
    return tidy(1 / Fraction(value))


def first_in_flow(sys: System, refs: list[Ref]) -> Ref | None:
    """The entry whose name comes first, if only one name does.

    Constants and targets do not count: data flows through none of them.
    """
    still = {t.name for t in sys.program.inputs if not t.differentiable}
    moving = {a.key: a for a in refs if a.name not in still}
    if not moving:
        return None
    lowest = min(sys.levels.get(a.name, 0) for a in moving.values())
    earliest = [a for a in moving.values() if sys.levels.get(a.name, 0) == lowest]
    return earliest[0] if len(earliest) == 1 else None


def covers(equation: Equation, atom: Atom) -> bool:
    """Does the atom hold every index of the equation, so that it can be solved for?"""
    return set(equation.indices) <= atom.free


def depends(sys: System, poly: Poly, name: str) -> bool:
    """Does the same entry of ``name`` also reach ``poly`` by another way than a sum?"""
    return any(name in sys.entrywise.get(n, ()) for n in poly.names)


def rewrite(equation: Equation, rule: str, factors: Factors, right: Poly) -> Rewrite:
    return with_fresh(Rewrite(equation.name, rule, (), factors, right))


def with_fresh(rule: Rewrite) -> Rewrite:
    """The rule in indices that occur in no term, so that nothing is captured."""
    new = {ix: fresh_index(ix.dim) for ix in sorted(rule.params | rule.right.free, key=str)}
    change = Change(new)
    factors: list[tuple[Atom, Number]] = []
    for atom, e in rule.factors:
        if isinstance(atom, Paren):
            factors.append((Paren(change.poly(atom.poly)), e))
        else:
            ((mono, _),) = change.apply(atom).terms.items()
            factors.append((mono.factors[0][0], e))
    bound = tuple(new[ix] for ix in rule.bound)
    return Rewrite(rule.name, rule.rule, bound, tuple(factors), change.poly(rule.right))


# --------------------------------------------------------------------------
# Facts
# --------------------------------------------------------------------------


def facts(sys: System, oriented: tuple[Rewrite, ...]) -> Iterator[Rewrite]:
    """What equations with a sum say once both their sides are rewritten.

    The rules are used one after the other, from the inputs on; at each stage
    the equation may say something new: first ``sum_j c_j = 0``, then
    ``sum_j xhat_j = 0``.
    """
    seen: set[str] = set()
    for equation in (*sys.equations.values(), *sys.aliases.values()):
        balance = balanced(sys, equation)
        if balance is None:
            continue
        for stage in (None, *oriented):
            if stage is not None:
                if stage.name == equation.name and stage.rule == "recognise":
                    continue  # an equation says nothing about itself
                rewritten = apply(stage, balance)
                if rewritten == balance:
                    continue
                balance = rewritten
            fact = solve_for_sum(equation, balance, "definition" if stage is None else "fact")
            if fact is not None and fact.left.key not in seen:
                seen.add(fact.left.key)
                yield fact


def sums_of_definitions(sys: System) -> Iterator[Rewrite]:
    """What a defined name sums to over an axis, where that is no sum any more.

    A smoothed target ``(1 - e) [i = t] + e/n`` sums to one.
    """
    for equation in sys.equations.values():
        for ix in equation.indices:
            if any(stays_summed(mono, ix) for mono in equation.right.terms):
                continue
            value = total((ix,), equation.right)
            if any(isinstance(a, Sum) for a in atoms(value)):
                continue
            name = atom_poly(sys.ref(equation.name, equation.indices))
            ((mono, _),) = total((ix,), name).terms.items()
            ((atom, _),) = mono.factors
            if isinstance(atom, Sum) and cost(value) < cost(total((ix,), name)):
                yield sum_rule(equation.name, "fact", atom, value)


def stays_summed(mono: Mono, ix: Ix) -> bool:
    """Is the sum of a product over an index a sum for certain? Only a delta may collapse it."""
    return ix in mono.free and not any(isinstance(a, Delta) for a, _ in mono.factors)


def balanced(sys: System, equation: Equation) -> Poly | None:
    """The equation as a polynomial that is zero, if it holds a sum."""
    name = atom_poly(sys.ref(equation.name, equation.indices))
    right = equation.right
    if len(right.terms) == 1:
        ((mono, c),) = right.terms.items()
        roots = [(a, e) for a, e in mono.factors if isinstance(a, Paren)]
        if len(roots) == 1:
            ((root, e),) = roots
            others = tuple(f for f in mono.factors if f[0] is not root)
            if c > 0 and all(a.positive for a, _ in others) and invertible(root, e):
                rest = Poly({Mono(others): c})
                name, right = (name * rest**-1) ** inverse(e), root.poly
    if not any(isinstance(a, Sum) for m in right.terms for a, _ in m.factors):
        return None
    return right - name


def solve_for_sum(equation: Equation, balance: Poly, rule: str) -> Rewrite | None:
    """The balance solved for its one sum."""
    holding = [
        (m, c, a, e) for m, c in balance.terms.items() for a, e in m.factors if isinstance(a, Sum)
    ]
    if len(holding) != 1:
        return None
    mono, c, atom, e = holding[0]
    others = tuple(f for f in mono.factors if f[0] is not atom)
    if e != 1 or not all(a.positive or not is_integer(x) for a, x in others):
        return None
    rest = balance - Poly({mono: c})
    value = (-rest) * Poly({Mono(others): c}) ** -1
    if atom in {a for m in value.terms for a in mono_atoms(m)} or not value.free <= atom.free:
        return None  # it says itself, or the sum does not say which entry of the name is meant
    return sum_rule(equation.name, rule, atom, value)


def sum_rule(name: str, rule: str, atom: Sum, value: Poly) -> Rewrite:
    fresh, body = opened(atom)
    ((mono, coefficient),) = body.terms.items()
    return with_fresh(Rewrite(name, rule, fresh, mono.factors, value.scale(inverse(coefficient))))


def declared_facts(sys: System) -> Iterator[Rewrite]:
    """A target distribution sums to one over its last axis."""
    for tensor in sys.program.inputs:
        if tensor.domain == "distribution":
            indices = tuple(fresh_index(d.name) for d in tensor.dims)
            ref = sys.ref(tensor.name, indices)
            yield Rewrite(tensor.name, "declared", indices[-1:], ((ref, 1),), ONE)


def called_facts(sys: System) -> Iterator[Rewrite]:
    """Facts about the outputs of the ops that are called."""
    for call in sys.calls.values():
        output = call.callee.outputs[0]
        for fact in rules_of(call.callee):
            if fact.rule != "fact" or fact.left.names != {output} or fact.right.names:
                continue
            ((ref, e),) = fact.factors
            assert isinstance(ref, Ref)
            batch = tuple(fresh_index(ix.dim) for ix in call.batch)
            sizes = dict(zip(ref.subs, call.at, strict=True))
            renamed = {s: Ix(s.name, sizes[s].dim) for s in ref.subs if isinstance(s, Ix)}
            rows = dict(zip(call.batch, batch, strict=True))
            at = dict(zip(call.at, renamed.values(), strict=True))
            subs = tuple(rows.get(ix) or at[ix] for ix in call.indices)
            bound = tuple(renamed[ix] for ix in fact.bound)
            atom = sys.ref(call.name, subs)
            right = Change({}, lambda a: None).poly(fact.right)
            yield Rewrite(call.name, "fact", bound, ((atom, e),), right)
