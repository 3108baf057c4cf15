"""Calculations: chains of equalities, inequalities and implications, each link verified.

What theory needs besides gradients. A link is held against the slow evaluator when it is
written, at random points, and a false one raises at once; what the normal form can prove is
proved in addition.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.relational import Relational

from .elaborate import elaborated, is_explicit
from .equation import Let
from .errors import NotationError, SymllmError, VerificationError
from .lazily import lazily
from .notation import Dim, Index, Tensor
from .relations import Found, compare, compare_implication
from .setting import Free, Given, Setting
from .statements import Equals, Permutation, Random

if TYPE_CHECKING:
    from .render import calculation as page
else:
    page = lazily("symllm.render.calculation")

Statement = Any  # an expression in index or matrix notation, or an equation


@dataclass(frozen=True)
class Link:
    """One step of a chain: how what follows is related to what was before, why, and what speaks
    for it. ``cited`` names a theorem from outside on which it rests."""

    relation: str
    after: tuple[Statement, ...]
    because: str
    found: Found
    proved: bool
    cited: str = ""


@dataclass(frozen=True, eq=False)
class Calculation:
    """A chain that starts with an expression, or with equations, and goes on link by link."""

    start: tuple[Statement, ...]
    setting: Setting
    links: tuple[Link, ...] = ()
    unknown: tuple[str, ...] = ()
    title: str = ""
    places: Free = field(default=())

    # -- going on -------------------------------------------------------------

    @property
    def last(self) -> tuple[Statement, ...]:
        return self.links[-1].after if self.links else self.start

    def then(self, expr: Any, because: str = "", cited: str = "") -> Calculation:
        """What the last expression equals. Raises ``VerificationError`` if it does not."""
        return self._related("=", expr, because, cited)

    def at_most(self, expr: Any, because: str = "", cited: str = "") -> Calculation:
        """What the last expression is nowhere larger than."""
        return self._related("<=", expr, because, cited)

    def at_least(self, expr: Any, because: str = "", cited: str = "") -> Calculation:
        """What the last expression is nowhere smaller than."""
        return self._related(">=", expr, because, cited)

    def implies(self, *equations: Equals, because: str = "", cited: str = "") -> Calculation:
        """What holds where the last equations hold, solved for the names in ``unknown``."""
        self._check_kind(equations, Equals, "implies", "equations, as Equals(left, right)")
        self._check_kind(self.last, Equals, "implies", "equations before it")
        where = self._where(" and ".join(map(str, equations)), because)
        before, after = (self._equations(group) for group in (self.last, equations))
        if not self.unknown:
            raise VerificationError(
                f"{where}: say unknown=(...), the given names that the equations are solved for; "
                f"at values drawn at random they do not hold, and nothing would be checked"
            )
        try:
            found = compare_implication(before, after, self.unknown, self.setting.starts)
        except SymllmError as error:
            raise VerificationError(f"{where}, is false or unchecked: {error}") from error
        theory = self.setting.theory
        proved = all(any(f == g and theory.follows(p, c, f) for p, f in before) for c, g in after)
        return self._with(Link("=>", equations, because, found, proved, cited))

    def _related(self, relation: str, expr: Any, because: str, cited: str) -> Calculation:
        name = {"=": "then", "<=": "at_most", ">=": "at_least"}[relation]
        (last,) = self.last if len(self.last) == 1 else (self.last,)
        if isinstance(last, Equals | tuple) or isinstance(expr, Equals):
            raise NotationError(
                f"{name}() goes on from an expression to an expression; from equations to "
                f"equations it is implies(). Here it is from {last} to {expr}"
            )
        opposite = {"<=": ">=", ">=": "<="}.get(relation)
        if any(link.relation == opposite for link in self.links):
            raise NotationError("a chain that goes up and down says nothing of its ends")
        expr = expr if isinstance(expr, sp.MatrixExpr) else sp.sympify(expr)
        where = self._where(str(expr), because)
        theory, found, proved = self.setting.theory, None, True
        for left, right, free in self._entries(last, expr):
            try:
                points = self.setting.points if relation == "=" else self.setting.many_points
                more = compare(relation, left, right, free, points)
            except VerificationError as error:
                raise VerificationError(f"{where}, is false: {error}") from error
            found = replace(more, count=more.count + found.count) if found else more
            low, high = (right, left) if relation == ">=" else (left, right)
            prove = theory.equal if relation == "=" else theory.at_most
            proved = proved and prove(low, high, free)
        assert found is not None
        return self._with(Link(relation, (expr,), because, found, proved, cited))

    def _with(self, link: Link) -> Calculation:
        return replace(self, links=(*self.links, link))

    def _where(self, after: str, because: str) -> str:
        before = " and ".join(map(str, self.last))
        reason = f" ({because})" if because else ""
        return f"link {len(self.links) + 1} of the calculation, from {before} to {after}{reason}"

    def _check_kind(self, found: Sequence[Any], kind: type, name: str, wanted: str) -> None:
        if not found or not all(isinstance(f, kind) for f in found):
            given = ", ".join(map(str, found)) or "nothing"
            raise NotationError(f"{name}() takes {wanted}, not {given}")

    def _entries(self, left: Any, right: Any) -> Iterator[tuple[sp.Expr, sp.Expr, Free]]:
        """Both sides in index notation; of matrices whose sizes are numbers, entry by entry."""
        explicit = isinstance(left, sp.MatrixExpr) and is_explicit(*left.shape)
        if not explicit or getattr(right, "shape", None) != left.shape:
            yield self._both_sides(left, right)
            return
        tensors = self.setting.program.tensors
        for r, c in itertools.product(*(range(int(size)) for size in left.shape)):
            a, b = (elaborated(s, sp.Integer(r), sp.Integer(c), tensors) for s in (left, right))
            yield self._both_sides(a, b)

    def _both_sides(self, left: Any, right: Any) -> tuple[sp.Expr, sp.Expr, Free]:
        """Two sides in index notation and the free indices of both."""
        matrices = [s for s in (left, right) if isinstance(s, sp.MatrixExpr)]
        if len(matrices) == 2:
            if left.shape != right.shape:
                raise NotationError(f"{left} has shape {left.shape}, but {right} {right.shape}")
            a, free = self.setting.in_indices(left)
            return a, self.setting.in_indices(right, free)[0], free
        if matrices and matrices[0].shape != (1, 1):
            raise NotationError(f"{left} and {right} are not both matrices")
        known = {
            index: dim
            for statement in (*self.start, *(s for link in self.links for s in link.after), right)
            for side in (*sides_of(statement), left)
            if not isinstance(side, sp.MatrixExpr)
            for index, dim in self.setting.dims_in(side).items()
        }
        a, first = self.setting.in_indices(left, known=tuple(known.items()))
        b, second = self.setting.in_indices(right, known=tuple(known.items()))
        return a, b, joined(first, second)

    def _equations(self, group: Iterable[Equals]) -> list[tuple[Equals, Free]]:
        found = []
        for equation in group:
            a, b, free = self._both_sides(equation.lhs, equation.rhs)
            found.append((Equals(a, b), free))
        return found

    # -- what was found -------------------------------------------------------

    @property
    def relation(self) -> str:
        """How the ends of the chain are related."""
        found = {link.relation for link in self.links}
        return next((r for r in ("=>", "<=", ">=") if r in found), "=")

    def verify(self) -> Calculation:
        """Itself: every link was verified when it was made. No link at all is an error."""
        if not self.links:
            raise VerificationError(f"a calculation of {self.start[0]} has no links to verify")
        return self

    def to_markdown(self, flavour: str = "github") -> str:
        """The chain as Markdown: a reason and the evidence beside each link."""
        return page.calculation_markdown(self.verify(), flavour)

    def to_latex(self) -> str:
        return page.calculation_latex(self.verify())

    def _repr_markdown_(self) -> str:
        return self.to_markdown("notebook")

    def __repr__(self) -> str:
        lines = [" and ".join(map(str, self.start))]
        for link in self.links:
            after = " and ".join(map(str, link.after))
            lines.append(f"  {link.relation} {after}   {link.because}".rstrip())
        return "\n".join(lines)


def sides_of(statement: Statement) -> tuple[Any, ...]:
    """Both sides of an equation, or the expression that it is."""
    if isinstance(statement, Equals):
        return (statement.lhs, statement.rhs)
    return (statement,)


def joined(first: Free, second: Free) -> Free:
    """The free indices of both sides; ``NotationError`` where an index has two dimensions."""
    found = dict(first)
    for symbol, dim in second:
        if found.setdefault(symbol, dim) != dim:
            raise NotationError(
                f"the index {symbol} runs over {found[symbol].name} on one side and over "
                f"{dim.name} on the other"
            )
    return tuple(found.items())


def calculation(
    *start: Any,
    given: Iterable[Given] = (),
    assuming: Iterable[Any] = (),
    over: Iterable[Index] = (),
    unknown: Iterable[Tensor] = (),
    sizes: dict[str, int] | None = None,
    title: str = "",
) -> Calculation:
    """The start of a chain: ``calculation(a, given=(x,)).then(b, because="...")``.

    ``start`` is an expression in index notation, a SymPy matrix expression, or one or more
    ``Equals``. ``given`` are tensors and definitions (``Let``); ``assuming`` what holds of them:
    ``x > 0``, ``Ne(x, 0)``, ``random(...)``, ``permutation(...)``, ``Equals(...)``; ``over`` says
    the dimension of indices that no tensor says; ``unknown`` are the tensors that equations are
    solved for. Raises ``NotationError`` or ``OpError`` for what contradicts itself.
    """
    for assumption in (assuming := tuple(assuming)):
        if not isinstance(assumption, Random | Permutation | Equals | Relational):
            raise NotationError(
                f"assuming takes random(...), permutation(...), Equals(...) and relations such "
                f"as x > 0, not {assumption!r}; x != 0 is Ne(x, 0)"
            )
    for thing in (given := tuple(given)):
        if not isinstance(thing, Tensor | Let | Dim):
            raise NotationError(f"given takes tensors, Let(...) and dimensions, not {thing!r}")
    if not start:
        raise NotationError("a calculation starts with an expression, or with equations")
    setting = Setting(given, assuming, tuple(over), tuple(sorted((sizes or {}).items())))
    first = tuple(s if isinstance(s, sp.MatrixExpr | Equals) else sp.sympify(s) for s in start)
    made = Calculation(first, setting, (), tuple(t.name for t in unknown), title)
    for s in first:  # wrong indices are said at once
        for side in sides_of(s):
            if isinstance(side, sp.MatrixExpr):
                setting.in_indices(side)
            else:
                known = tuple(
                    x for o in sides_of(s) for x in setting.dims_in(sp.sympify(o)).items()
                )
                setting.in_indices(side, known=known)
    return made
