"""Functions of polynomials, simplified as they are built."""

from __future__ import annotations

from collections.abc import Callable

from .terms import ONE, ZERO, Fn, Mono, Poly, atom_poly


def exponential(arg: Poly) -> Poly:
    """exp of a sum, as a product: exp(a + 2b) = exp(a) exp(b)^2."""
    result = ONE
    for mono, coefficient in arg.terms.items():
        atom, e = mono.factors[0] if len(mono.factors) == 1 else (None, 1)
        if isinstance(atom, Fn) and atom.name == "log" and e == 1:
            result = result * atom.args[0] ** coefficient
        else:
            result = result * atom_poly(Fn("exp", (Poly({mono: 1}),)), coefficient)
    return result


def logarithm(arg: Poly) -> Poly:
    """log of a product, as a sum, as far as its factors are known to be positive."""
    if arg == ONE:
        return ZERO
    if len(arg.terms) != 1:
        return atom_poly(Fn("log", (arg,)))
    ((mono, coefficient),) = arg.terms.items()
    result, kept = ZERO, []
    for atom, e in mono.factors:
        if isinstance(atom, Fn) and atom.name == "exp":
            result = result + atom.args[0].scale(e)
        elif atom.positive and len(mono.factors) + (coefficient != 1) > 1 and coefficient > 0:
            result = result + logarithm(atom_poly(atom)).scale(e)
        elif atom.positive and e != 1 and coefficient > 0:
            result = result + atom_poly(Fn("log", (atom_poly(atom),))).scale(e)
        else:
            kept.append((atom, e))
    rest = Poly({Mono(tuple(kept)): coefficient})
    return result if rest == ONE else result + atom_poly(Fn("log", (rest,)))


def _odd(name: str) -> Callable[[Poly], Poly]:
    def build(arg: Poly) -> Poly:
        if not arg:
            return ZERO
        if all(c < 0 for c in arg.terms.values()):
            return -atom_poly(Fn(name, (-arg,)))
        return atom_poly(Fn(name, (arg,)))

    return build


def maximum(*args: Poly) -> Poly:
    unique = sorted(set(args), key=lambda p: p.key)
    return unique[0] if len(unique) == 1 else atom_poly(Fn("max", tuple(unique)))


FUNCTIONS: dict[str, Callable[..., Poly]] = {
    "exp": exponential,
    "log": logarithm,
    "tanh": _odd("tanh"),
    "erf": _odd("erf"),
    "sin": _odd("sin"),
    "max": maximum,
}


def function(name: str, *args: Poly) -> Poly:
    build = FUNCTIONS.get(name)
    return build(*args) if build else atom_poly(Fn(name, args))
