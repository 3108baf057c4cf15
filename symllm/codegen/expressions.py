"""The value of an expression as source, for arrays that lie as their layouts say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from ..errors import OpError
from ..expressions import name_of, subscripts_of
from ..notation import Iverson
from .constants import constant_pieces, decimal, is_constant, is_inverse
from .contraction import contraction_plan, factors_of
from .functions import (
    REDUCTION_NAMES,
    Allowed,
    FiniteTop,
    Mean,
    NonZero,
    Over,
    indices_of,
    is_index,
    is_size,
)
from .kinds import agreed, as_float, as_wide, multiplied
from .layout import Slots, body_order, insertions, present, subscript, within
from .pieces import (
    ADD,
    ATOM,
    COMPARE,
    MUL,
    NEGATE,
    POWER,
    Piece,
    Variable,
    kind_of,
    product,
    signed_sum,
)
from .target import Target

RELATIONS: dict[type, str] = {
    sp.Gt: ">",
    sp.Lt: "<",
    sp.Ge: ">=",
    sp.Le: "<=",
    sp.Eq: "==",
    sp.Ne: "!=",
}


@dataclass
class Expressions:
    """Writes values; remembers which sizes it wrote."""

    target: Target
    like: str
    variables: dict[str, Variable]
    size_of: Mapping[sp.Symbol, sp.Symbol] = field(default_factory=dict)
    sizes: dict[str, None] = field(default_factory=dict)

    def value(self, expr: sp.Expr, context: Slots) -> Piece:
        """The expression as a piece that meets arrays in the context."""
        if is_constant(expr):
            return self.constant(expr)
        for kind, write in self.writers():
            if isinstance(expr, kind):
                return write(expr, context)
        raise OpError(f"code cannot be written for {type(expr).__name__}: {expr}")

    def writers(self) -> Iterator[tuple[type, Callable[..., Piece]]]:
        yield sp.Indexed, self.entry
        yield sp.Symbol, self.symbol
        yield sp.Add, self.add
        yield sp.Mul, self.mul
        yield sp.Pow, self.power
        yield Over, self.reduction
        yield sp.KroneckerDelta, self.delta
        yield Iverson, self.bracket
        yield Allowed, self.allowed
        yield NonZero, self.non_zero
        yield sp.Function, self.function
        yield sp.Max, self.function
        yield sp.Min, self.function

    # -- names and numbers --------------------------------------------------

    def size(self, symbol: sp.Symbol) -> str:
        self.sizes[str(symbol)] = None
        return str(symbol)

    def constant(self, expr: sp.Expr) -> Piece:
        for symbol in sorted(expr.free_symbols, key=str):
            self.size(symbol)
        if expr.is_Rational and not expr.is_Integer and (text := decimal(abs(expr), always=True)):
            minus = "-" if expr < 0 else ""
            return Piece(minus + text, level=NEGATE if minus else ATOM, kind="weak")
        negative = expr.could_extract_minus_sign()
        piece = product(*constant_pieces(-expr if negative else expr))
        text = f"-{piece.tight(NEGATE)}" if negative else piece.text
        return Piece(text, level=NEGATE if negative else piece.level, kind="weak")

    def symbol(self, expr: sp.Symbol, context: Slots) -> Piece:
        if is_size(expr):
            return Piece(self.size(expr), kind="weak")
        if is_index(expr):
            size = self.size(self.size_of[expr])
            return Piece(self.target.positions(size, self.like), (expr,), kind="int")
        return self.variables[str(expr)].piece(())

    def entry(self, expr: sp.Indexed, context: Slots) -> Piece:
        subscripts = subscripts_of(expr)
        if all(map(is_index, subscripts)):
            if len(set(subscripts)) < len(subscripts):
                raise OpError(f"code cannot be written for a diagonal: {expr}")
            return self.variables[name_of(expr)].piece(subscripts)
        return self.gather(expr, context)

    def gather(self, expr: sp.Indexed, context: Slots) -> Piece:
        """An entry whose subscript is itself looked up, as in ``W[t[i], k]``."""
        subscripts = subscripts_of(expr)
        looked_up = [axis for axis, s in enumerate(subscripts) if not is_index(s)]
        if len(looked_up) > 1:
            raise OpError(f"code cannot be written for two looked-up subscripts: {expr}")
        (axis,) = looked_up
        marker = sp.Dummy(integer=True)
        plain = tuple(marker if k == axis else s for k, s in enumerate(subscripts))
        array = self.fit(self.variables[name_of(expr)].piece(plain), plain)
        kind = self.variables[name_of(expr)].kind
        before, after = plain[:axis], plain[axis + 1 :]
        inner = set(indices_of(subscripts[axis]))
        if inner.isdisjoint(plain):
            order = tuple(s for s in context if s in inner)
            index = self.fit(self.value(subscripts[axis], order), order)
            slots: Slots = (*before, *order, *after)
            return Piece(self.target.take(array, index, axis), slots, kind=kind)
        own = [s for s in inner if s not in plain]
        if len(own) > 1:
            raise OpError(f"code cannot be written for entries looked up by several axes: {expr}")
        slots = (*before, own[0] if own else None, *after)
        index = self.fit(self.value(subscripts[axis], slots), slots, full=True)
        last = -1 if not after else axis
        return Piece(self.target.take_along(array, index, last), slots, kind=kind)

    # -- arithmetic ---------------------------------------------------------

    def fit(self, piece: Piece, context: Slots, full: bool = False, level: int = COMPARE) -> str:
        """The text of a piece, its axes arranged to meet arrays in the context."""
        return self.fitted(piece, context, full).tight(level)

    def fitted(self, piece: Piece, context: Slots, full: bool = False) -> Piece:
        own = present(piece.slots)
        wanted = within(own, context)
        if full and own:
            wanted = tuple(s if s in own else None for s in context)
        if piece.slots == wanted:
            return piece
        order = present(wanted)
        if own != order:
            squeezed = insertions(piece.slots, own)
            assert squeezed is not None
            text = piece.tight(ATOM) + subscript(squeezed)
            piece = self.target.transpose(replace(piece, text=text, slots=own, level=ATOM), order)
        items = insertions(piece.slots, wanted)
        assert items is not None, f"{piece} does not meet {context}"
        suffix = subscript(items)
        if not suffix:
            return replace(piece, slots=wanted)
        return Piece(piece.tight(ATOM) + suffix, wanted, kind=piece.kind)

    def met(self, pieces: Sequence[Piece], context: Slots) -> list[Piece]:
        """Pieces that meet each other, none of which raises the precision of the others."""
        fits = [self.fitted(piece, context) for piece in pieces]
        return agreed(self.target, self.like, fits)

    def as_float(self, piece: Piece) -> Piece:
        return as_float(self.target, self.like, piece)

    def combined(self, piece: Piece, parts: Sequence[Piece], context: Slots) -> Piece:
        """A piece computed from parts has the axes of all of them."""
        slots = within({s for part in parts for s in present(part.slots)}, context)
        return replace(piece, slots=slots, kind=kind_of(parts))

    def add(self, expr: sp.Add, context: Slots) -> Piece:
        share, whole = expr.primitive()
        if share.p == 1 and 1 < share.q <= 10:  # (a + b)/2 is written once, not a/2 + b/2
            inner = self.add(whole, context)
            divided = product([inner], [Piece(str(share.q), kind="weak")])
            return inner.with_text(divided.text, divided.level)
        terms = []
        for term in expr.args:
            minus = bool(term.could_extract_minus_sign())
            terms.append((minus, self.value(-term if minus else term, context)))
        shapes = {piece.slots for _, piece in terms if piece.rank}
        if len(shapes) == 1 and None in (shape := shapes.pop()):
            context = shape  # they meet as they are; their sum is then made to fit
        pieces = [piece for _, piece in terms]
        if {piece.kind for piece in pieces} == {"int"}:  # a sum of integers is one
            pieces = [self.fitted(piece, context) for piece in pieces]
        else:
            pieces = self.met(pieces, context)
        if not self.target.bool_arithmetic:
            pieces = [self.as_float(p) if p.kind == "bool" else p for p in pieces]
        signed = [(minus, piece) for (minus, _), piece in zip(terms, pieces, strict=True)]
        signed.sort(key=lambda t: (t[1].kind == "bool", t[0], -t[1].rank, -t[1].level, t[1].text))
        ones = [t for t in signed if t[1].text.isdigit() and not t[0]]
        if ones and not any(minus for minus, _ in signed) and len(signed) == 2:
            signed = [*ones, *(t for t in signed if t not in ones)]
        return self.combined(signed_sum(signed), pieces, context)

    def mul(self, expr: sp.Mul, context: Slots) -> Piece:
        if expr.could_extract_minus_sign():
            piece = self.value(-expr, context)
            if piece.kind == "bool":
                piece = self.as_float(piece)
            return piece.with_text(f"-{piece.tight(NEGATE)}", NEGATE)
        return self.product_of(expr.args, context)

    def product_of(self, args: Sequence[sp.Expr], context: Slots) -> Piece:
        if len(args) > 1 and all(isinstance(f, Iverson) for f in args):
            return self.all_of(args, context)
        constant = sp.Mul(*(f for f in args if is_constant(f)))
        factors = [f for f in args if not is_constant(f)]
        above = [self.value(f, context) for f in factors if not is_inverse(f)]
        below = [self.value(1 / f, context) for f in factors if is_inverse(f)]
        for symbol in sorted(constant.free_symbols, key=str):
            self.size(symbol)
        constants = constant_pieces(constant) if constant != 1 else ([], [])
        pieces = self.met([*above, *below, *constants[0], *constants[1]], context)
        kinds = kind_of(pieces)
        above, below = pieces[: len(above)], pieces[len(above) : len(above) + len(below)]
        above.sort(key=lambda p: (p.kind == "bool", p.rank, p.level != MUL, p.level < ATOM, p.text))
        below.sort(key=lambda p: (p.rank, p.text))
        early = constants[0] if above and " @ " not in above[0].text else []
        late = [] if early else constants[0]
        text = product([*early, *above, *late], [*below, *constants[1]])
        return replace(self.combined(text, pieces, context), kind=kinds)

    def power(self, expr: sp.Pow, context: Slots) -> Piece:
        if expr.exp == sp.Rational(-1, 2) and "rsqrt" in self.target.functions:
            return self.call("rsqrt", expr.base, context)
        if is_inverse(expr):
            return self.product_of([expr], context)
        base, exponent = expr.args
        if exponent == sp.Rational(1, 2):
            return self.call("sqrt", base, context)
        inner = self.fitted(self.value(base, context), context)
        atom = inner.text.isidentifier()
        if exponent == 3 and atom:
            return inner.with_text(f"{inner.text}**2 * {inner.text}", MUL)
        if exponent == 4 and atom:
            return inner.with_text(f"({inner.text}**2)**2", POWER)
        above = self.value(exponent, context)
        inner, above = self.met([inner, above], context)
        text = f"{inner.tight(ATOM)}**{above.tight(ATOM)}"
        return self.combined(Piece(text, level=POWER), [inner, above], context)

    # -- functions and brackets ---------------------------------------------

    def function(self, expr: sp.Function, context: Slots) -> Piece:
        return self.call(type(expr).__name__, expr.args, context)

    def call(self, name: str, args: sp.Expr | Sequence[sp.Expr], context: Slots) -> Piece:
        given = (args,) if isinstance(args, sp.Basic) else tuple(args)
        pieces = [self.value(arg, context) for arg in given]
        if len(pieces) > 1:
            pieces = self.met(pieces, context)
            pieces.sort(key=lambda p: (-p.rank, p.kind == "weak", p.text))
        weak = all(piece.kind == "weak" for piece in pieces)
        table = self.target.scalar_functions if weak else self.target.functions
        if name not in table:
            raise OpError(f"code cannot be written for the function {name}")
        if len(pieces) == 1 and pieces[0].kind in ("int", "bool"):
            change = as_wide if pieces[0].kind == "int" else as_float
            pieces = [change(self.target, self.like, pieces[0])]
        if len(pieces) == 1:
            return pieces[0].with_text(table[name].format(pieces[0].text))
        text = pieces[0].text  # of several arguments, two at a time
        for piece in pieces[1:]:
            number = piece.kind == "weak" and name in self.target.with_number
            template = self.target.with_number[name] if number else table[name]
            text = template.format(text, piece.text)
        return self.combined(Piece(text), pieces, context)

    def delta(self, expr: sp.KroneckerDelta, context: Slots) -> Piece:
        return self.comparison(expr.args[0], expr.args[1], "==", context)

    def bracket(self, expr: Iverson, context: Slots) -> Piece:
        relation = expr.args[0]
        return self.comparison(relation.lhs, relation.rhs, RELATIONS[type(relation)], context)

    def comparison(self, left: sp.Expr, right: sp.Expr, sign: str, context: Slots) -> Piece:
        if sign[0] in "<>" and context[-2:] in ((left, right), (right, left)):
            above = (sign[0] == "<") == (context[-2] == left)
            text = self.triangle(context, above, strict="=" not in sign)
            level = NEGATE if text.startswith("~") else ATOM
            return Piece(text, within(present(context[-2:]), context), level, "bool")
        pieces = [self.fitted(self.value(side, context), context) for side in (left, right)]
        text = f"{pieces[0].tight(ADD)} {sign} {pieces[1].tight(ADD)}"
        return replace(self.combined(Piece(text), pieces, context), level=COMPARE, kind="bool")

    def all_of(self, brackets: Sequence[sp.Expr], context: Slots) -> Piece:
        pieces = [self.fitted(self.value(bracket, context), context) for bracket in brackets]
        pieces.sort(key=lambda piece: (-piece.level, piece.text))
        text = " & ".join(piece.tight(NEGATE) for piece in pieces)
        return replace(self.combined(Piece(text), pieces, context), level=COMPARE, kind="bool")

    def triangle(self, context: Slots, above: bool, strict: bool) -> str:
        rows, columns = (self.size(self.size_of[s]) for s in context[-2:] if s is not None)
        spell = self.target.upper_triangle if above else self.target.lower_triangle
        return spell(rows, columns, strict, self.like)

    def allowed(self, expr: Allowed, context: Slots) -> Piece:
        pieces = [self.fitted(self.value(arg, context), context) for arg in expr.args]
        text = self.target.where_allowed(*pieces)
        return replace(self.combined(Piece(text), pieces, context), kind=pieces[1].kind)

    def condition(self, expr: sp.Expr, context: Slots) -> str:
        """Where a mask forbids."""
        factors = sp.Mul.make_args(expr)
        if all(isinstance(factor, Iverson) for factor in factors):
            forbidden = [self.value(Iverson(f.args[0].negated), context) for f in factors]
            forbidden.sort(key=lambda piece: (-piece.level, piece.text))
            least = ATOM if len(forbidden) > 1 else COMPARE
            return " | ".join(piece.tight(min(least, NEGATE)) for piece in forbidden)
        return f"{self.fitted(self.value(expr, context), context).tight(ADD)} == 0"

    def non_zero(self, expr: NonZero, context: Slots) -> Piece:
        piece = self.fitted(self.value(expr.args[0], context), context)
        return piece.with_text(f"{piece.text} + ({piece.tight(ADD)} == 0)", ADD)

    # -- reductions ---------------------------------------------------------

    def reduction(self, expr: Over, context: Slots) -> Piece:
        outer = self.size_of
        self.size_of = {**outer, **dict(expr.limits)}
        method = REDUCTION_NAMES[type(expr)]
        factors = factors_of(expr.body)
        if method != "max" and len(factors) > 1 and not self.is_pointwise(expr.body, factors):
            piece = self.fitted(self.contraction(expr, factors, context), context)
            if isinstance(expr, Mean):
                sizes = [Piece(self.size(n), kind="weak") for _, n in expr.limits]
                divided = product([piece], sizes)
                piece = piece.with_text(divided.text, divided.level)
        else:
            piece = self.plain_reduction(expr, method, context)
        self.size_of = outer
        return piece

    def is_pointwise(self, body: sp.Expr, factors: Sequence[sp.Expr]) -> bool:
        """Is the product best made before it is summed: is it no larger than each factor?"""
        whole = set(indices_of(body))
        return not self.target.vecdot and all(set(indices_of(f)) == whole for f in factors)

    def plain_reduction(self, expr: Over, method: str, context: Slots) -> Piece:
        order = body_order(expr.body, context, expr.bound)
        body = self.fitted(self.value(expr.body, order), order)
        if body.kind == "bool":
            body = self.as_float(body)
        axes = [axis for axis, s in enumerate(order) if s in expr.bound]
        kept = tuple(None if s in expr.bound else s for s in order)
        keep = bool(present(kept)) and kept == within(present(kept), context)
        slots = kept if keep else present(kept)
        if 0 not in axes:
            axes = [axis - len(order) for axis in axes]
        every = len(axes) == len(order)
        reduced = self.target.reduce(method, body, [] if every else axes, keep)
        reduced = replace(reduced, slots=slots, kind=kind_of([body]))
        return self.target.finite(reduced) if isinstance(expr, FiniteTop) else reduced

    def contraction(self, expr: Over, factors: Sequence[sp.Expr], context: Slots) -> Piece:
        operands = [self.operand(factor, context, expr.bound) for factor in factors]
        met = multiplied(self.target, self.like, operands)
        free = {s for p in met for s in present(p.slots)} - set(expr.bound)
        wanted = tuple(s for s in context if s in free)
        shapes = [present(piece.slots) for piece in met]
        plan = contraction_plan(shapes, expr.bound, wanted)
        sizes = []
        if plan.kind == "flat":
            sizes = [self.size(self.size_of[s]) for s in plan.result]
        return replace(self.target.contract(plan, met, sizes), slots=plan.result, kind=kind_of(met))

    def operand(self, factor: sp.Expr, context: Slots, bound: Sequence[sp.Symbol]) -> Piece:
        """A factor of a contraction, with its own axes and no others."""
        if isinstance(factor, sp.Indexed) and all(map(is_index, factor.indices)):
            order: Slots = tuple(factor.indices)
            return self.fitted(self.entry(factor, order), order)
        order = body_order(factor, context, bound)
        return self.fitted(self.value(factor, order), order)
