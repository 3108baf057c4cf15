"""What an expression is worth: plain loops over concrete indices.

The numbers are of any kind that adds, multiplies and compares: mpmath's, or
another library's scalars. Nothing here knows a rule of algebra.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache, reduce, singledispatch
from typing import Any

import mpmath
import sympy as sp

from .errors import NotationError, VerificationError
from .notation import Iverson, Partial

At = tuple[int, ...]
Env = Mapping[sp.Symbol, int]
Read = Callable[[str, At], Any]


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """Numbers of one kind: ``rational(p, q)``, pi, functions by SymPy class, ``is_real``."""

    rational: Callable[[int, int], Any]
    pi: Any
    functions: Mapping[type, Callable[[Any], Any]]
    is_real: Callable[[Any], bool]


#: Working precision in decimal digits. A second difference with steps of
#: 1e-20 loses 40 of them and keeps 20.
DIGITS = 60

mp = mpmath.MPContext()  # a context of our own: the global precision stays as it is
mp.dps = DIGITS


@lru_cache(maxsize=2**14)  # few numbers are written, and each is read very often
def high(p: int, q: int) -> Any:
    return mp.mpf(p) / q if q != 1 else mp.mpf(p)


HIGH = Arithmetic(
    rational=high,
    pi=+mp.pi,
    functions={
        sp.exp: mp.exp,
        sp.log: mp.log,
        sp.tanh: mp.tanh,
        sp.sinh: mp.sinh,
        sp.cosh: mp.cosh,
        sp.erf: mp.erf,
        sp.sin: mp.sin,
        sp.cos: mp.cos,
        sp.Abs: abs,
        sp.sign: mp.sign,
    },
    is_real=lambda value: isinstance(value, mp.mpf) and bool(mp.isfinite(value)),
)

#: What selects entries and bounds sums: Python's own numbers, for they are small and exact.
EXACT = Arithmetic(
    rational=lambda p, q: Fraction(p, q) if q != 1 else p,
    pi=math.pi,
    functions={},
    is_real=lambda value: True,
)


@dataclass(frozen=True, eq=False)
class Scope:
    """What names stand for while an expression is evaluated."""

    arithmetic: Arithmetic
    sizes: Mapping[str, int]
    read: Read
    change: Callable[[Partial, Env], Any]
    memo: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def whole(self) -> Scope:
        """The same for what selects an entry."""
        return replace(self, arithmetic=EXACT, memo={})


Meaning = Callable[[Scope, Env], Any]


@lru_cache(maxsize=2**14)
def meaning(expr: sp.Basic) -> Meaning:
    """The function that evaluates an expression where a scope and index values are given."""
    return build(expr)


@singledispatch
def build(expr: Any) -> Meaning:
    raise NotationError(f"cannot evaluate {expr}, which is a {type(expr).__name__}")


@build.register(sp.Rational)
def _(expr: Any) -> Meaning:
    p, q = int(expr.p), int(expr.q)
    return lambda scope, env: scope.arithmetic.rational(p, q)


@build.register(sp.Float)
def _(expr: Any) -> Meaning:
    return build(sp.Rational(expr))


@build.register(sp.core.numbers.Pi)
def _(expr: Any) -> Meaning:
    return lambda scope, env: scope.arithmetic.pi


@build.register(sp.core.numbers.Exp1)
def _(expr: Any) -> Meaning:
    return lambda scope, env: scope.arithmetic.functions[sp.exp](scope.arithmetic.rational(1, 1))


@build.register(sp.Symbol)
def _(expr: Any) -> Meaning:
    name = expr.name

    def value(scope: Scope, env: Env) -> Any:
        if expr in env:
            return scope.arithmetic.rational(env[expr], 1)
        if name in scope.sizes:
            return scope.arithmetic.rational(scope.sizes[name], 1)
        return scope.read(name, ())

    return value


@build.register(sp.Indexed)
def _(expr: Any) -> Meaning:
    name = str(expr.base.label)
    symbols: tuple[Any, ...] = expr.indices
    subscripts = [subscript(s) for s in symbols]
    known = operator.itemgetter(*symbols) if len(symbols) > 1 else lambda env: (env[symbols[0]],)

    def value(scope: Scope, env: Env) -> Any:
        try:  # most subscripts are indices, whose values are known
            at = known(env)
        except KeyError:
            at = tuple([s(scope, env) for s in subscripts])
        return scope.read(name, at)

    return value


def subscript(expr: sp.Basic) -> Callable[[Scope, Env], int]:
    """Like ``meaning``, for what selects an entry: a whole number."""
    if isinstance(expr, sp.Integer):
        number = int(expr)
        return lambda scope, env: number
    general = meaning(expr)

    def value(scope: Scope, env: Env) -> int:
        if expr in env:
            return env[expr]
        found = general(scope.whole, env)
        if int(found) != found:
            raise NotationError(f"the subscript {expr} is {found}, not a whole number")
        return int(found)

    return value


@build.register(sp.Add)
def _(expr: Any) -> Meaning:
    return fold(operator.add, expr.args)


@build.register(sp.Mul)
def _(expr: Any) -> Meaning:
    return fold(operator.mul, expr.args)


@build.register(sp.Max)
def _(expr: Any) -> Meaning:
    return fold(lambda a, b: a if a >= b else b, expr.args)


@build.register(sp.Min)
def _(expr: Any) -> Meaning:
    return fold(lambda a, b: a if a <= b else b, expr.args)


def fold(combine: Callable[[Any, Any], Any], args: tuple[sp.Basic, ...]) -> Meaning:
    first, *others = (meaning(arg) for arg in args)

    def value(scope: Scope, env: Env) -> Any:
        found = first(scope, env)
        for other in others:
            found = combine(found, other(scope, env))
        return found

    return value


@build.register(sp.Pow)
def _(expr: Any) -> Meaning:
    base, exponent = map(meaning, expr.args)
    whole = int(expr.exp) if expr.exp.is_Integer else None

    def value(scope: Scope, env: Env) -> Any:
        power = exponent(scope, env) if whole is None else whole
        return finite(expr, scope, env, lambda: base(scope, env) ** power)

    return value


@build.register(sp.Function)
def _(expr: Any) -> Meaning:
    kind = type(expr)
    if len(expr.args) != 1 or kind not in HIGH.functions:
        known = ", ".join(sorted(f.__name__ for f in HIGH.functions))
        raise NotationError(f"cannot evaluate the function {expr}; known: {known}")
    argument = meaning(expr.args[0])
    return lambda scope, env: finite(
        expr, scope, env, lambda: scope.arithmetic.functions[kind](argument(scope, env))
    )


def finite(expr: sp.Basic, scope: Scope, env: Env, compute: Callable[[], Any]) -> Any:
    """The value, if it is a finite real number; else an error that names the expression."""
    try:
        value = compute()
    except (ZeroDivisionError, OverflowError):
        value = math.nan
    if not scope.arithmetic.is_real(value):
        where = ", ".join(f"{s} = {k}" for s, k in env.items())
        raise VerificationError(
            f"{expr} is not a finite real number" + (f" at {where}" if where else "")
        )
    return value


@build.register(sp.KroneckerDelta)
def _(expr: Any) -> Meaning:
    return bracket(meaning(sp.Eq(*expr.args[:2], evaluate=False)))


@build.register(Iverson)
def _(expr: Any) -> Meaning:
    return bracket(meaning(expr.args[0]))


def bracket(condition: Meaning) -> Meaning:
    return lambda scope, env: scope.arithmetic.rational(int(condition(scope, env)), 1)


RELATIONS: dict[type, Callable[[Any, Any], Any]] = {
    sp.Eq: operator.eq,
    sp.Ne: operator.ne,
    sp.Le: operator.le,
    sp.Lt: operator.lt,
    sp.Ge: operator.ge,
    sp.Gt: operator.gt,
}


@build.register(sp.core.relational.Relational)
def _(expr: Any) -> Meaning:
    compare = RELATIONS[type(expr)]
    left, right = map(meaning, expr.args)
    return lambda scope, env: bool(compare(left(scope, env), right(scope, env)))


@build.register(sp.And)
@build.register(sp.Or)
def _(expr: Any) -> Meaning:
    quantifier = all if isinstance(expr, sp.And) else any
    parts = [meaning(arg) for arg in expr.args]
    return lambda scope, env: quantifier(part(scope, env) for part in parts)


@build.register(sp.Not)
def _(expr: Any) -> Meaning:
    part = meaning(expr.args[0])
    return lambda scope, env: not part(scope, env)


@build.register(sp.logic.boolalg.BooleanAtom)
def _(expr: Any) -> Meaning:
    return lambda scope, env: bool(expr)


@build.register(sp.Piecewise)
def _(expr: Any) -> Meaning:
    pieces = [(meaning(value), meaning(condition)) for value, condition in expr.args]

    def value(scope: Scope, env: Env) -> Any:
        for piece, condition in pieces:
            if condition(scope, env):
                return piece(scope, env)
        raise VerificationError(f"no piece of {expr} applies")

    return value


@build.register(sp.Sum)
def _(expr: Any) -> Meaning:
    body = meaning(expr.function)
    limits = [(s, subscript(low), subscript(high)) for s, low, high in reversed(expr.limits)]

    def terms(scope: Scope, env: dict[sp.Symbol, int], depth: int) -> list[Any]:
        symbol, low, high = limits[depth]
        found = []
        for at in range(low(scope, env), high(scope, env) + 1):
            env[symbol] = at
            if depth + 1 < len(limits):
                found += terms(scope, env, depth + 1)
            else:
                found.append(body(scope, env))
        return found

    def total(scope: Scope, env: Env) -> Any:
        found = terms(scope, dict(env), 0)
        return reduce(operator.add, found) if found else scope.arithmetic.rational(0, 1)

    return remembered(expr, total)


@build.register(Partial)
def _(expr: Any) -> Meaning:
    return remembered(expr, lambda scope, env: scope.change(expr, env))


def remembered(expr: sp.Basic, compute: Meaning) -> Meaning:
    """Computed once per scope and values of the indices that the expression mentions."""
    free = tuple(s for s in expr.free_symbols if isinstance(s, sp.Symbol))

    def value(scope: Scope, env: Env) -> Any:
        key = (expr, tuple([env.get(s) for s in free]))
        if key not in scope.memo:
            scope.memo[key] = compute(scope, env)
        return scope.memo[key]

    return value
