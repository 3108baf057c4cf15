"""Matrix form: a result in index notation as products of matrices.

A product of entries is a network: each index is a node, a vector hangs on one
node, a matrix joins two. Summing over a node that one or two matrices meet is
a matrix product, two matrices between the same nodes make an entrywise one.
What these steps do not reduce has no standard matrix notation, and no form:
tensors of three axes, gathers, masks, functions of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import sympy as sp
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from ..algebra.factor import Factored, factored
from ..algebra.numbers import Number
from ..algebra.terms import UNIT, Atom, Delta, Ix, Mono, Poly, Ref, Sum
from ..algebra.walk import mono_atoms
from ..algebra.write import Letters, Writer


class NoForm(Exception):
    """Standard matrix notation has no words for this."""


class Factor(NamedTuple):
    """A 1 x 1 matrix, a column or a matrix, and the indices of its axes."""

    axes: tuple[Ix, ...]
    value: sp.MatrixExpr

    def along(self, axes: tuple[Ix, ...]) -> sp.MatrixExpr:
        return self.value if self.axes == axes else transposed(self.value)


@dataclass(frozen=True)
class Product:
    """``scalar`` times factors whose entries are multiplied."""

    scalar: sp.Expr = sp.S.One
    factors: tuple[Factor, ...] = ()

    def __mul__(self, other: Product) -> Product:
        return Product(self.scalar * other.scalar, self.factors + other.factors)


def matrix_form(poly: Poly, entry: tuple[Ix, ...]) -> sp.Expr | None:
    """The matrix whose entry at ``entry`` the polynomial is; None where notation has none.

    One free index makes a column, two a matrix, rows first; no index a number,
    or a 1 x 1 matrix such as ``x.T*y``. A batch axis is an axis like any
    other, so that a batch of vectors is a matrix with a row for each example.
    """
    if len(entry) > 2 or len(set(entry)) < len(entry) or not poly.free <= set(entry):
        return None
    if not poly:
        return sp.ZeroMatrix(*shape(entry)) if entry else sp.S.Zero
    spread = Factored(1, UNIT, tuple(Factored(c, m) for m, c in poly.sorted()))
    forms = []
    for tree in (factored(poly), spread):
        with suppress(NoForm):
            forms.append(assembled(product_of(tree, entry), entry))
    return min(forms, key=weight, default=None)  # the factored one, if they are as long


def product_of(tree: Factored, axes: tuple[Ix, ...]) -> Product:
    result = product_of_mono(tree.outside, tree.coefficient)
    if len(tree.inside) == 1 and tree.exponent == 1:
        result *= product_of(tree.inside[0], axes)
    elif tree.inside:
        result *= bracket(tree, axes)
    for more in tree.more:
        result *= product_of(more, axes)
    return result


def bracket(tree: Factored, axes: tuple[Ix, ...]) -> Product:
    """A sum of trees, to a power, as one factor."""
    free = frozenset().union(*map(free_of, tree.inside))
    inner = tuple(ix for ix in axes if ix in free)
    ordered = sorted(tree.inside, key=lambda t: t.coefficient < 0)
    terms = [assembled(product_of(t, inner), inner) for t in ordered]
    matrices = [isinstance(t, sp.MatrixExpr) for t in terms]
    if not any(matrices):
        return Product(sp.Add(*terms) ** tree.exponent)
    if not all(matrices):  # a number and x.T*y cannot be added
        raise NoForm
    return Product(factors=(Factor(inner, sp.MatAdd(*terms)),) * tree.exponent)


def free_of(tree: Factored) -> frozenset[Ix]:
    return tree.outside.free.union(*map(free_of, (*tree.inside, *tree.more)))


def product_of_mono(mono: Mono, coefficient: Number = 1) -> Product:
    scalars = tuple((a, e) for a, e in mono.factors if is_scalar(a))
    result = Product(NAMELESS.poly(Poly({Mono(scalars): coefficient})))
    for atom, exponent in (f for f in mono.factors if f not in scalars):
        if type(atom) not in READERS or not isinstance(exponent, int) or exponent < 1:
            raise NoForm
        for _ in range(exponent):
            result *= READERS[type(atom)](atom)
    return result


def is_scalar(atom: Atom) -> bool:
    """Is it a number that is written without indices?"""
    within = mono_atoms(Mono(((atom, 1),)))
    return not atom.free and not any(isinstance(a, Sum) or getattr(a, "subs", ()) for a in within)


#: Scalars hold no bound index, so no letters are needed.
NAMELESS = Writer(Letters({}, {}, frozenset()))


def read_ref(atom: Ref) -> Product:
    axes = tuple(s for s in atom.subs if isinstance(s, Ix))
    if axes != atom.subs or len(set(axes)) < len(axes) or len(axes) > 2:
        raise NoForm
    return Product(factors=(Factor(axes, sp.MatrixSymbol(atom.name, *shape(axes))),))


def read_delta(atom: Delta) -> Product:
    if not isinstance(atom.left, Ix) or not isinstance(atom.right, Ix):
        raise NoForm
    return Product(factors=(Factor((atom.left, atom.right), sp.Identity(size(atom.left))),))


def read_sum(atom: Sum) -> Product:
    body = product_of_mono(atom.body)
    factors, waiting = body.factors, list(atom.bound)
    while waiting:
        factors = merged(factors)
        index = min(waiting, key=lambda ix: len(edges_at(ix, factors)))
        factors = contracted(factors, index)
        waiting.remove(index)
    return Product(body.scalar, factors)


#: The atoms that notation has words for.
READERS: dict[type[Atom], Callable[..., Product]] = {
    Ref: read_ref,
    Delta: read_delta,
    Sum: read_sum,
}


def merged(factors: Iterable[Factor]) -> tuple[Factor, ...]:
    """Factors on the same indices multiplied entrywise; numbers stay as they are."""
    groups: dict[frozenset[Ix], list[Factor]] = {}
    for factor in factors:
        groups.setdefault(frozenset(factor.axes), []).append(factor)
    numbers = groups.pop(frozenset(), [])
    return *numbers, *(
        Factor(group[0].axes, entrywise(f.along(group[0].axes) for f in group))
        for group in groups.values()
    )


def edges_at(index: Ix, factors: Iterable[Factor]) -> list[Factor]:
    return [f for f in factors if index in f.axes and len(f.axes) == 2]


def contracted(factors: tuple[Factor, ...], index: Ix) -> tuple[Factor, ...]:
    """Merged factors, summed over one index."""
    rest = tuple(f for f in factors if index not in f.axes)
    vector = next((f.value for f in factors if f.axes == (index,)), None)
    edges = edges_at(index, factors)
    others = tuple(ix for edge in edges for ix in edge.axes if ix != index)
    if len(edges) > 2:
        raise NoForm
    if not edges:
        return *rest, Factor((), inner_product(vector, index))
    left = edges[0].along((others[0], index))
    if len(edges) == 1:
        return *rest, Factor(others, times(left, ones(index) if vector is None else vector))
    right = edges[1].along((index, others[1]))
    return *rest, Factor(others, times(left, *diagonal(vector), right))


def inner_product(vector: sp.MatrixExpr, index: Ix) -> sp.MatrixExpr:
    """The sum of a column's entries; of an entrywise product it is ``x.T*y``."""
    if not isinstance(vector, sp.HadamardProduct):
        return times(transposed(ones(index)), vector)
    first, *others = vector.args
    return times(transposed(first), entrywise(others))


def assembled(product: Product, axes: tuple[Ix, ...]) -> sp.Expr:
    """The number, column or matrix whose entries along ``axes`` the product is."""
    factors = merged(product.factors)
    numbers = [f.value for f in factors if not f.axes]
    vectors = {f.axes[0]: f.value for f in factors if len(f.axes) == 1}
    edge = next((f.along(axes) for f in factors if len(f.axes) == 2), None)
    if edge is not None:
        if numbers:  # the shapes of (x.T*y)*A do not fit
            raise NoForm
        return times(product.scalar, *scaled(edge, *map(vectors.get, axes)))
    if len(axes) == 2 and not numbers and not vectors:
        return times(product.scalar, sp.OneMatrix(*shape(axes)))
    columns = [vectors.get(ix, ones(ix)) for ix in axes]
    return times(product.scalar, *columns[:1], *numbers, *map(transposed, columns[1:]))


def scaled(
    matrix: sp.MatrixExpr, rows: sp.MatrixExpr | None, columns: sp.MatrixExpr | None
) -> tuple[sp.MatrixExpr, ...]:
    """A matrix whose rows and columns are each multiplied by an entry of a vector."""
    vectors = [v for v in (rows, columns) if v is not None]
    if isinstance(matrix, sp.Identity) and vectors:
        return diagonal(entrywise(vectors))
    return *diagonal(rows), matrix, *diagonal(columns)


def size(index: Ix) -> sp.Symbol:
    return sp.Symbol(index.dim, integer=True, positive=True)


def shape(axes: tuple[Ix, ...]) -> tuple[sp.Expr, ...]:
    return (*map(size, axes), sp.S.One, sp.S.One)[:2]


def ones(index: Ix) -> sp.MatrixExpr:
    return sp.OneMatrix(size(index), 1)


def diagonal(vector: sp.MatrixExpr | None) -> tuple[sp.MatrixExpr, ...]:
    return () if vector is None else (sp.DiagMatrix(vector),)


def times(*factors: sp.Expr) -> sp.Expr:
    """The product, flat, its number in front; SymPy's own operators would reorder it."""
    flat = [a for f in factors for a in (f.args if isinstance(f, sp.MatMul) else (f,))]
    matrices = [a for a in flat if isinstance(a, sp.MatrixExpr)]
    scalar = sp.Mul(*(a for a in flat if not isinstance(a, sp.MatrixExpr)))
    parts = [*([scalar] if scalar != 1 or not matrices else []), *matrices]
    return sp.MatMul(*parts) if len(parts) > 1 else parts[0]


def entrywise(factors: Iterable[sp.MatrixExpr]) -> sp.MatrixExpr:
    """The entrywise product, short names first: ``p.T*dp``, ``HadamardProduct(P, dP - ...)``."""
    flat = [a for f in factors for a in (f.args if isinstance(f, sp.HadamardProduct) else (f,))]
    if len(flat) == 1:
        return flat[0]
    texts = {a: matrix_text(a) for a in flat}
    return sp.HadamardProduct(*sorted(flat, key=lambda a: (weight(a), len(texts[a]), texts[a])))


def transposed(expr: sp.Expr) -> sp.Expr:
    if isinstance(expr, sp.MatMul):
        return times(*map(transposed, reversed(expr.args)))
    if isinstance(expr, sp.Transpose):
        return expr.arg
    if isinstance(expr, sp.OneMatrix):
        return sp.OneMatrix(expr.cols, expr.rows)
    symmetric = isinstance(expr, sp.Identity | sp.DiagMatrix)
    return expr if symmetric or not isinstance(expr, sp.MatrixExpr) else sp.Transpose(expr)


def weight(expr: sp.Basic) -> int:
    """How many names there are to read."""
    if isinstance(expr, sp.MatrixSymbol | sp.OneMatrix | sp.ZeroMatrix | sp.Identity | sp.Symbol):
        return 1
    return sum(map(weight, expr.args))


class MatrixText(StrPrinter):
    """Matrices as a reader types them; SymPy writes a matrix of ones as 1 and sorts sums."""

    def _print_OneMatrix(self, expr: sp.OneMatrix) -> str:
        return f"OneMatrix({self._print(expr.rows)}, {self._print(expr.cols)})"

    def _print_MatAdd(self, expr: sp.MatAdd) -> str:
        first, *others = map(self._print, expr.args)
        return first + "".join(f" - {t[1:]}" if t[0] == "-" else f" + {t}" for t in others)

    def _print_MatMul(self, expr: sp.MatMul) -> str:
        scalar, matrices = expr.as_coeff_matrices()
        sign, scalar = ("-", -scalar) if scalar.could_extract_minus_sign() else ("", scalar)
        above, below = sp.fraction(scalar)
        front = [] if above == 1 else [self.parenthesize(above, PRECEDENCE["Mul"], strict=True)]
        bar = "" if below == 1 else "/" + self.parenthesize(below, PRECEDENCE["Mul"])
        return sign + "*".join(front + [self._operand(m) for m in matrices]) + bar

    def _print_Transpose(self, expr: sp.Transpose) -> str:
        return self._operand(expr.arg) + ".T"

    def _operand(self, expr: sp.MatrixExpr) -> str:
        text = str(self._print(expr))
        return f"({text})" if isinstance(expr, sp.MatAdd | sp.MatMul) else text


def matrix_text(form: sp.Expr) -> str:
    """One line of text: ``dS*K/sqrt(d)``."""
    return MatrixText().doprint(form)
