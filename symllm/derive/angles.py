"""Sines and cosines in normal form: of single terms, and no square of a sine."""

from __future__ import annotations

from ..algebra.change import Change
from ..algebra.functions import function
from ..algebra.numbers import Number
from ..algebra.products import product
from ..algebra.sums import opened, total
from ..algebra.terms import ONE, ZERO, Atom, Fn, Mono, Poly, Sum, atom_poly

#: A multiple of an angle larger than this is left as it is.
MOST = 4


def in_single_angles(poly: Poly) -> Poly:
    """By ``cos(a + b) = cos a cos b - sin a sin b`` and its like, and ``sin^2 = 1 - cos^2``."""

    def replace(atom: Atom) -> Poly | None:
        if not isinstance(atom, Fn) or atom.name not in ("sin", "cos"):
            return None
        sine, cosine = of_sum(atom.args[0])
        return sine if atom.name == "sin" else cosine

    if not any(name in poly.key for name in ("sin(", "cos(")):
        return poly
    return without_squares(Change({}, replace).poly(poly))


def in_sum(atom: Atom) -> Poly | None:
    if not isinstance(atom, Sum):
        return None
    bound, body = opened(atom)
    new = without_squares(body)
    return None if new == body else total(bound, new)


def of_sum(angle: Poly) -> tuple[Poly, Poly]:
    """The sine and the cosine of an angle, in those of its terms."""
    sine, cosine = ZERO, ONE
    for mono, coefficient in angle.sorted():
        s, c = of_multiple(mono, coefficient)
        sine, cosine = sine * c + cosine * s, cosine * c - sine * s
    return sine, cosine


def of_multiple(mono: Mono, coefficient: Number) -> tuple[Poly, Poly]:
    times = abs(coefficient)
    if not isinstance(times, int) or times > MOST:
        times = 1
    sign = 1 if coefficient > 0 else -1
    one = Poly({mono: sign if times != 1 else coefficient})
    s, c = function("sin", one), even_cosine(one)
    sine, cosine = s, c
    for _ in range(times - 1):
        sine, cosine = sine * c + cosine * s, cosine * c - sine * s
    return sine, cosine


def even_cosine(angle: Poly) -> Poly:
    """``cos(-a) = cos(a)``."""
    flipped = all(c < 0 for c in angle.terms.values())
    return atom_poly(Fn("cos", (-angle if flipped else angle,)))


def without_squares(poly: Poly) -> Poly:
    result = ZERO
    poly = Change({}, in_sum).poly(poly)
    for mono, coefficient in poly.terms.items():
        term = ONE
        rest: dict[Atom, Number] = {}
        for atom, e in mono.factors:
            if isinstance(atom, Fn) and atom.name == "sin" and isinstance(e, int) and e > 1:
                cosine = even_cosine(atom.args[0])
                for _ in range(e // 2):
                    term = term * (ONE - cosine**2)
                e = e % 2
            if e:
                rest[atom] = e
        result = result + (term * product(rest)).scale(coefficient)
    return result
