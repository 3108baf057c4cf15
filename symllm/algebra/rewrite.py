"""Rewriting: a rule's left side is found in a term and its right side put there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from .change import Change, rebuild
from .factor import cost
from .numbers import Number, magnitude
from .products import of_powers
from .slots import kept, united
from .sums import opened, total
from .terms import ZERO, Atom, Ix, Mono, Paren, Poly, Ref, Subscript, Sum
from .walk import mono_atoms

Factors = tuple[tuple[Atom, Number], ...]
Match = dict[Ix, Subscript]
#: The factors left over, the values of the free indices, the bound ones used up.
Found = tuple[Mono, Match, frozenset[Ix]]


@dataclass(frozen=True, eq=False)
class Rewrite:
    """``sum over bound of factors -> right``, for every value of the free indices.

    ``name`` is the name whose equation it comes from and ``rule`` what a
    mathematician calls the move; ``because`` is what the sentence of reason
    is made from: the equality in words of the equation's own names.
    """

    name: str
    rule: str
    bound: tuple[Ix, ...]
    factors: Factors
    right: Poly

    @kept
    def left(self) -> Poly:
        return total(self.bound, Poly({Mono(self.factors): 1}))

    @kept
    def params(self) -> frozenset[Ix]:
        return frozenset().union(*(a.free for a, _ in self.factors))

    @kept
    def heads(self) -> frozenset[str]:
        """Names that a term must mention for the rule to apply."""
        return united([a.names for a, _ in self.factors])

    @property
    def one_atom(self) -> bool:
        return not self.bound and len(self.factors) == 1


#: A rule that was used, and what the polynomial was after it.
Use = tuple[Rewrite, Poly]


def apply(rule: Rewrite, poly: Poly) -> Poly:
    """The polynomial with the rule used wherever it applies."""
    return _applied(rule, poly) if rule.heads <= poly.names else poly


@lru_cache(maxsize=4096)
def _applied(rule: Rewrite, poly: Poly) -> Poly:
    if rule.one_atom:
        return _replace_atom(rule, poly)
    return _replace_product(rule, poly)


def _replace_atom(rule: Rewrite, poly: Poly) -> Poly:
    ((pattern, exponent),) = rule.factors
    assert exponent == 1

    def replace(atom: Atom) -> Poly | None:
        for match in unify(pattern, atom, rule.params, {}):
            return Change(match).poly(rule.right)
        return None

    return Change({}, replace, heads=rule.heads).poly(poly)


def _replace_product(rule: Rewrite, poly: Poly) -> Poly:
    replaced = _in_terms(rule, poly, ())
    return poly if replaced is None else replaced


def _in_terms(rule: Rewrite, poly: Poly, bound: tuple[Ix, ...]) -> Poly | None:
    """The rule used in ``sum over bound of poly``; None where it is found nowhere."""
    replaced = {mono: _in_monomial(rule, mono, bound) for mono in poly.terms}
    if all(new is None for new in replaced.values()):
        return None
    result = ZERO
    for mono, new in replaced.items():
        part = total(bound, Poly({mono: 1})) if new is None else new
        result = result + part.scale(poly.terms[mono])
    return result


def _in_monomial(rule: Rewrite, mono: Mono, bound: tuple[Ix, ...]) -> Poly | None:
    """The rule used in ``sum over bound of mono``, inside its atoms first."""
    if not rule.heads <= mono.names:
        return None
    inside: dict[Atom, Poly | Atom] = {
        a: new for a, _ in mono.factors if (new := _in_atom(rule, a)) is not None
    }
    rebuilt = Poly({mono: 1})
    if inside:
        rebuilt = of_powers((inside.get(a, a), e) for a, e in mono.factors)
    result = ZERO
    for inner, coefficient in rebuilt.terms.items():
        found = next(_placed(rule, inner, bound), None)
        if found is None:
            if not inside:
                return None
            result = result + total(bound, Poly({inner: coefficient}))
            continue
        (rest, match, used), around = found
        replaced = Poly({rest: coefficient}) * Change(match).poly(rule.right)
        left = tuple(ix for ix in around if ix not in used)
        result = result + _replace_product(rule, total(left, replaced))
    return result


def _placed(
    rule: Rewrite, mono: Mono, bound: tuple[Ix, ...]
) -> Iterator[tuple[Found, tuple[Ix, ...]]]:
    """Matches in a product, then in what stands before a sum and within it together.

    Normal form pulls ``1/Z`` out of ``sum_j E_j g_j / Z``; it is found there.
    """
    for found in _matches(rule, mono, frozenset(bound)):
        yield found, bound
    if len(rule.factors) < 2:
        return
    for atom, exponent in mono.factors:
        if isinstance(atom, Sum) and exponent == 1:
            fresh, body = opened(atom)
            rest = Poly({Mono(tuple(f for f in mono.factors if f[0] is not atom)): 1})
            ((whole, _),) = (rest * body).terms.items()
            around = (*bound, *fresh)
            for found in _matches(rule, whole, frozenset(around)):
                yield found, around


def _in_atom(rule: Rewrite, atom: Atom) -> Poly | Atom | None:
    if not rule.heads <= atom.names:
        return None
    if isinstance(atom, Sum):
        fresh, body = opened(atom)
        return _in_terms(rule, body, fresh)
    if all(apply(rule, poly) == poly for poly in atom.polys()):
        return None
    return rebuild(atom, Rebuild(rule))


class Rebuild(Change):
    """A change that uses a rule in every polynomial inside an atom."""

    __slots__ = ("rule",)

    def __init__(self, rule: Rewrite) -> None:
        super().__init__({})
        self.rule = rule

    def poly(self, poly: Poly) -> Poly:
        return apply(self.rule, poly)


def _matches(rule: Rewrite, mono: Mono, bound: frozenset[Ix]) -> Iterator[Found]:
    """Ways to find the rule's factors in a product whose indices ``bound`` are summed.

    What the rule sums over must be summed in the product as well, and occur
    in none of its other factors.
    """

    if len(bound) < len(rule.bound):
        return
    for left, match in _search(rule, rule.factors, list(mono.factors), {}):
        images = [match[ix] for ix in rule.bound]
        if any(not isinstance(s, Ix) or s not in bound for s in images):
            continue
        if len(set(images)) < len(images):
            continue
        used = frozenset(s for s in images if isinstance(s, Ix))
        if any(a.free & used for a, _ in left):
            continue
        outer = {ix: s for ix, s in match.items() if ix not in rule.bound}
        if any(not used.isdisjoint({s} if isinstance(s, Ix) else s.free) for s in outer.values()):
            continue
        yield Mono(tuple(sorted(left, key=lambda f: f[0].key))), outer, used


def _search(
    rule: Rewrite, todo: Factors, left: list[tuple[Atom, Number]], match: Match
) -> Iterator[tuple[list[tuple[Atom, Number]], Match]]:
    """Ways to find the factors ``todo`` among those ``left``, with what is left over then."""
    if not todo:
        yield left, match
        return
    (pattern, exponent), *rest = todo
    for k, (atom, e) in enumerate(left):
        if type(atom) is not type(pattern) or (e > 0) != (exponent > 0):
            continue
        if magnitude(e) < magnitude(exponent) or (
            e != exponent and not pattern.free.isdisjoint(rule.bound)
        ):
            continue
        for extended in unify(pattern, atom, rule.params, match):
            remaining = [(a, x) for n, (a, x) in enumerate(left) if n != k]
            if e != exponent:
                remaining.append((atom, e - exponent))
            yield from _search(rule, tuple(rest), remaining, extended)


def unify(pattern: Atom, target: Atom, params: frozenset[Ix], match: Match) -> Iterator[Match]:
    """Values of the pattern's free indices that make it equal to the target."""
    if isinstance(pattern, Ref):
        if isinstance(target, Ref):
            found = _unify_ref(pattern, target, params, match)
            if found is not None:
                yield found
        return
    if type(pattern) is not type(target):
        return
    open_params = (pattern.free & params) - match.keys()
    if not open_params:
        change = Change(match)
        if isinstance(pattern, Paren) and isinstance(target, Paren):
            same = change.poly(pattern.poly) == target.poly
        else:
            same = change.apply(pattern).terms.keys() == {Mono(((target, 1),)): 1}.keys()
        if same:
            yield match
        return
    anchor = min(
        (a for a in _refs(pattern) if a.free & open_params),
        key=lambda a: a.key,
        default=None,
    )
    if anchor is None:
        return
    seen: set[str] = set()
    for candidate in _refs(target):
        if candidate.name == anchor.name and candidate.key not in seen:
            seen.add(candidate.key)
            extended = _unify_ref(anchor, candidate, params, match)
            if extended is not None:
                yield from unify(pattern, target, params, extended)


def _refs(atom: Atom) -> list[Ref]:
    return [a for a in mono_atoms(Mono(((atom, 1),))) if isinstance(a, Ref)]


def _unify_ref(pattern: Ref, target: Ref, params: frozenset[Ix], match: Match) -> Match | None:
    if pattern.name != target.name or len(pattern.subs) != len(target.subs):
        return None
    extended = dict(match)
    for p, t in zip(pattern.subs, target.subs, strict=True):
        if isinstance(p, Ix) and p in params:
            if p in extended:
                if extended[p] != t:
                    return None
            elif isinstance(t, Ix) and t.dim != p.dim:
                return None
            else:
                extended[p] = t
        elif p != t:
            return None
    return extended


def simplify(
    poly: Poly, rules: Iterable[Rewrite], price: Callable[[Poly], float] = cost
) -> tuple[Poly, tuple[Use, ...]]:
    """The cheapest form that the rules lead to, and the uses that led there.

    A rule is kept only where the result gets cheaper: on its own, or together
    with one that follows it, for some moves pay only in pairs.
    """
    rules = tuple(rules)
    trail: list[Use] = []
    while tried := [(rule, new) for rule in rules if (new := apply(rule, poly)) != poly]:
        lowest = price(poly)
        best = min(tried, key=lambda use: price(use[1]))
        moves = [best]
        if price(best[1]) >= lowest:
            pairs = (
                [first, (second, new)]
                for first in tried
                for second in rules
                if (new := apply(second, first[1])) != first[1]
            )
            moves = next((p for p in pairs if price(p[1][1]) < lowest), [])
        if not moves:
            break
        trail += moves
        poly = moves[-1][1]
    return poly, tuple(trail)
