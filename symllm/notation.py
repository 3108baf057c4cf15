"""Dimensions, indices, tensors and sums: what forward equations are written with.

Everything here turns into plain SymPy as soon as it meets an expression: a
dimension into a positive integer symbol, an index into an integer symbol, a
tensor's entry into an ``Indexed``, a sum into a ``Sum`` from 0 to n - 1, as
arrays count.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, get_args

import sympy as sp
from sympy.core.relational import Relational

from .errors import NotationError
from .written import Written

Role = Literal["data", "target", "parameter", "constant"]
ROLES: tuple[str, ...] = get_args(Role)
BATCHED: frozenset[str] = frozenset({"data", "target"})
DIFFERENTIABLE: frozenset[str] = frozenset({"data", "parameter"})


def check_note(name: str, note: Any) -> None:
    if not isinstance(note, str):
        raise NotationError(f"{name}: a note says in words what it is, as a text, not {note!r}")


@dataclass(frozen=True)
class Dim(Written):
    """A symbolic size: a positive integer. ``Dim("2")`` is the number itself.

    ``note`` says what it is the size of, in words, as in ``Dim("d", "width")``.
    """

    name: str
    note: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        check_note(self.name, self.note)

    @property
    def size(self) -> int | None:
        """The size, where it is a number and no symbol."""
        return int(self.name) if self.name.isdigit() else None

    @property
    def symbol(self) -> sp.Expr:
        if self.size is not None:
            return sp.Integer(self.size)
        return sp.Symbol(self.name, integer=True, positive=True)

    def _sympy_(self) -> sp.Expr:
        return self.symbol

    def index(self, name: str) -> Index:
        return Index(name, self)

    def indices(self, names: str) -> tuple[Index, ...]:
        """``i, j = n.indices("i j")``: indices that run over this dimension."""
        return tuple(Index(name, self) for name in names.replace(",", " ").split())

    def vector(
        self, name: str, role: Role = "data", domain: Domain = "real", note: str = ""
    ) -> Tensor:
        return Tensor(name, (self,), role, domain, note=note)


@dataclass(frozen=True)
class Index(Written):
    """An integer that runs from 0 to n - 1 over one dimension."""

    name: str
    dim: Dim

    @property
    def symbol(self) -> sp.Symbol:
        return sp.Symbol(self.name, integer=True)

    def _sympy_(self) -> sp.Expr:
        return self.symbol


#: Where a tensor's entries lie; test points are drawn from there. ``unit`` lies
#: between 0 and 1, ends excluded; ``distribution`` (non-negative, sum 1 over
#: the last axis) is a fact that derivations may use. A ``Dim`` says: integers
#: that index that dimension.
Domain = Literal["real", "positive", "unit", "distribution", "binary"] | Dim
DOMAINS: tuple[str, ...] = get_args(get_args(Domain)[0])


@dataclass(frozen=True)
class Tensor(Written):
    """A name with an ordered tuple of dimensions and a role.

    ``data`` is batched and differentiable, ``target`` batched only,
    ``parameter`` differentiable only, ``constant`` neither. ``merged`` says
    how many dimensions each axis of the array holds, where some hold several:
    ``x[i, k, s]`` with ``merged=(1, 2)`` is an array with two axes, its entry
    (k, s) at 2k + s if s runs to 2. ``note`` says in words what it is; two tensors that differ
    in nothing else are the same.
    """

    name: str
    dims: tuple[Dim, ...] = ()
    role: Role = "data"
    domain: Domain = "real"
    merged: tuple[int, ...] = ()
    note: str = field(default="", compare=False, repr=False)

    #: Not a sequence: without this, Python would ask for x[0], x[1]... for ever.
    __iter__ = None
    __contains__ = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise NotationError(f"{self.name}: a role is one of {ROLES}, not {self.role!r}")
        if not isinstance(self.domain, Dim) and self.domain not in DOMAINS:
            domains = ", ".join(DOMAINS)
            raise NotationError(
                f"{self.name}: a domain is one of {domains}, or a Dim, not {self.domain!r}"
            )
        if self.merged and (sum(self.merged) != len(self.dims) or min(self.merged) < 1):
            raise NotationError(
                f"{self.name}: merged={self.merged} does not divide its "
                f"{len(self.dims)} dimensions among axes"
            )
        check_note(self.name, self.note)

    @property
    def integer(self) -> bool:
        return isinstance(self.domain, Dim)

    @property
    def indexed(self) -> Dim:
        """The dimension that the integers of an integer tensor index."""
        if not isinstance(self.domain, Dim):
            raise NotationError(f"{self.name} holds no integers that index a dimension")
        return self.domain

    @property
    def differentiable(self) -> bool:
        return self.role in DIFFERENTIABLE and not self.integer

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def matrix(self) -> sp.MatrixSymbol:
        """A tensor of one axis or two as SymPy's matrix, for products; a vector is a column.

        Raises ``NotationError`` for a scalar and for what has more axes.
        """
        if self.rank not in (1, 2):
            raise NotationError(f"{self.name} has axes {self.shape_text}; a matrix has two, or one")
        rows, *columns = (dim.symbol for dim in self.dims)
        return sp.MatrixSymbol(self.name, rows, *(columns or [sp.S.One]))

    def __getitem__(self, subscripts: Any) -> sp.Expr:
        given = subscripts if isinstance(subscripts, tuple) else (subscripts,)
        if len(given) != self.rank:
            raise NotationError(
                f"{self.name} has {self.rank} axes {self.shape_text}, "
                f"but was written {self.name}[{', '.join(map(subscript_text, given))}]"
            )
        for axis, (subscript, dim) in enumerate(zip(given, self.dims, strict=True)):
            if isinstance(subscript, Index) and subscript.dim != dim:
                raise NotationError(
                    f"index {subscript.name} runs over {subscript.dim.name}, "
                    f"but axis {axis} of {self.name} has dimension {dim.name}"
                )
        found = entry(self.name, *given)
        if self.note and given:
            found = found.copy()  # its own, so that an equation for it can say what it is
            found.note = self.note
        return found

    @property
    def axes(self) -> tuple[tuple[Dim, ...], ...]:
        """The axes of the array, each with the dimensions that it holds."""
        dims = iter(self.dims)
        groups = self.merged or (1,) * len(self.dims)
        return tuple(tuple(next(dims) for _ in range(count)) for count in groups)

    @property
    def shape_text(self) -> str:
        return "[" + ", ".join(str(axis_size(axis)).replace("*", "") for axis in self.axes) + "]"

    def batched(self, lead: tuple[Dim, ...]) -> Tensor:
        """The tensor with further axes before its own."""
        merged = (1,) * len(lead) + self.merged if self.merged else ()
        return replace(self, dims=lead + self.dims, merged=merged)

    def adjoint(self) -> Tensor:
        """The tensor of its gradient."""
        return Tensor(f"d{self.name}", self.dims, merged=self.merged)

    def _sympy_(self) -> sp.Expr:
        if self.dims:
            raise NotationError(
                f"{self.name} has axes {self.shape_text}; write its entry, as in "
                f"{self.name}[{', '.join('ijkl'[: self.rank])}]"
            )
        return sp.Symbol(self.name, integer=True) if self.integer else sp.Symbol(self.name)


def axis_size(dims: tuple[Dim, ...]) -> sp.Expr:
    """The length of an array's axis that holds these dimensions."""
    return sp.Mul(*(dim.symbol for dim in dims))


def subscript_text(subscript: Any) -> str:
    return subscript.name if isinstance(subscript, Index) else str(subscript)


def scalar(name: str, role: Role = "data", domain: Domain = "real", note: str = "") -> Tensor:
    """A tensor without axes, such as ``eps``."""
    return Tensor(name, (), role, domain, note=note)


def matrix(
    name: str,
    rows: Dim,
    columns: Dim,
    role: Role = "data",
    domain: Domain = "real",
    note: str = "",
) -> Tensor:
    return Tensor(name, (rows, columns), role, domain, note=note)


def array(
    name: str,
    *axes: Dim | tuple[Dim, ...],
    role: Role = "data",
    domain: Domain = "real",
    note: str = "",
) -> Tensor:
    """A tensor by the axes of its array: ``array("x", n, (m, two))`` has n rows of length 2m."""
    groups = [axis if isinstance(axis, tuple) else (axis,) for axis in axes]
    dims = tuple(dim for group in groups for dim in group)
    merged = tuple(map(len, groups)) if len(dims) > len(groups) else ()
    return Tensor(name, dims, role, domain, merged, note)


def entry(name: str, *subscripts: Any) -> sp.Expr:
    """The SymPy expression ``name[subscripts]``; a scalar is a symbol."""
    if not subscripts:
        return sp.Symbol(name)
    return _entry(name, tuple(map(sp.sympify, subscripts)))


@lru_cache(maxsize=4096)
def _entry(name: str, subscripts: tuple[sp.Expr, ...]) -> sp.Expr:
    return sp.Indexed(_base(name), *subscripts)


@lru_cache(maxsize=1024)
def _base(name: str) -> sp.IndexedBase:
    return sp.IndexedBase(name)


def sum_over(expr: Any, *indices: Index) -> sp.Expr:
    """``sum_over(x[j], j)``: the sum over the whole range of each index."""
    for index in reversed(indices):
        if not isinstance(index, Index):
            raise NotationError(
                f"a sum runs over an index such as n.index('j'), but was given {index!r}"
            )
        expr = sp.Sum(expr, (index.symbol, 0, index.dim.symbol - 1))
    return expr


def mean(expr: Any, *indices: Index) -> sp.Expr:
    """The arithmetic mean over the whole range of each index."""
    total = sum_over(expr, *indices)
    return total / sp.Mul(*(index.dim.symbol for index in indices))


def delta(i: Any, j: Any) -> sp.Expr:
    """Kronecker's delta ``[i = j]``."""
    return sp.KroneckerDelta(sp.sympify(i), sp.sympify(j))


class Iverson(sp.Function):
    """Iverson's bracket: 1 where the relation holds, 0 elsewhere.

    ``Iverson(j <= i)`` is a causal mask.
    """

    nargs = 1

    @classmethod
    def eval(cls, condition: Any) -> sp.Expr | None:
        if condition is sp.true:
            return sp.S.One
        if condition is sp.false:
            return sp.S.Zero
        if not isinstance(condition, Relational):
            raise NotationError(f"an Iverson bracket holds a relation, but was given {condition}")
        return None

    def _eval_is_real(self) -> bool:
        return True

    def _eval_derivative(self, symbol: sp.Basic) -> sp.Expr:
        return sp.S.Zero  # almost everywhere

    def _eval_rewrite_as_Piecewise(self, condition: Any, **hints: Any) -> sp.Expr:
        return sp.Piecewise((1, condition), (0, True))

    def _sympystr(self, printer: Any) -> str:
        return f"[{printer._print(self.args[0])}]"

    def _latex(self, printer: Any, exp: str = "") -> str:
        bracket = rf"\left[{printer._print(self.args[0])}\right]"
        return f"{bracket}^{{{exp}}}" if exp else bracket

    def _pythoncode(self, printer: Any) -> str:
        return f"(1.0*({printer._print(self.args[0])}))"

    _numpycode = _lambdacode = _mpmathcode = _pythoncode


class Layer(sp.Function):
    """``x[Layer(l + 1), i]``: the entry of x that belongs to a layer of a stack."""

    nargs = 1


class Partial(sp.Expr):
    """``Partial(u, v)``: how the quantity u changes with the entry v.

    All paths through the equations that lead from v to u count. Unlike
    SymPy's ``Derivative`` it is never evaluated by itself: what u depends on
    is said by the equations of an op, not by u's letters.
    """

    def __new__(cls, quantity: Any, entry: Any) -> Partial:
        return sp.Expr.__new__(cls, sp.sympify(quantity), sp.sympify(entry))

    is_commutative = True

    @property
    def quantity(self) -> sp.Expr:
        return self.args[0]

    @property
    def entry(self) -> sp.Expr:
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        return f"d({printer._print(self.quantity)})/d({printer._print(self.entry)})"

    def _latex(self, printer: Any, exp: str = "") -> str:
        above, below = printer._print(self.quantity), printer._print(self.entry)
        derivative = rf"\frac{{\partial {above}}}{{\partial {below}}}"
        return rf"\left({derivative}\right)^{{{exp}}}" if exp else derivative


class Direct(Partial):
    """A partial derivative of one equation's right side, all other names held fixed."""


#: The scalar whose gradient is taken: the outputs, each weighted by its
#: upstream gradient, summed. ``Partial(LOSS, x[i])`` is what ``dx[i]`` names.
# Its assumption tells it from a tensor that happens to be called L.
LOSS = sp.Symbol("L", real=True)
