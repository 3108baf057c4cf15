"""Matrix forms: as people write them, and equal to the index form entry by entry."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symllm import ops
from symllm.algebra.read import Scope, read
from symllm.algebra.terms import Ix, Poly
from symllm.algebra.write import Letters, Writer
from symllm.derive.adjoint import Seed
from symllm.derive.matrix import matrix_form, matrix_text
from symllm.derive.system import system
from symllm.derive.textbook import textbook
from symllm.expressions import name_of
from symllm.notation import Iverson, delta, entry

Case = tuple[Poly, tuple[Ix, ...]]

ATTENTION = {
    "P": "dO*V.T",
    "Q": "dS*K/sqrt(d)",
    "K": "dS.T*Q/sqrt(d)",
    "V": "P.T*dO",
}
NO_ATTENTION: dict[str, str | None] = dict.fromkeys(("P", "S", "Q", "K", "V"))
SOFTMAX = "HadamardProduct(p, dp - OneMatrix(n, 1)*p.T*dp)"
SOFTMAX_BATCHED = "HadamardProduct(p, dp - HadamardProduct(p, dp)*OneMatrix(n, 1)*OneMatrix(1, n))"
CENTRED = "OneMatrix(d, 1)*OneMatrix(1, d)/d"

GRADIENTS: dict[tuple[str, str], dict[str, str | None]] = {
    ("softmax", ""): {"x": SOFTMAX},
    ("softmax", "B"): {"x": SOFTMAX_BATCHED},
    ("masked_softmax", ""): {"x": SOFTMAX},
    ("masked_softmax", "B"): {"x": SOFTMAX_BATCHED},
    ("log_softmax", ""): {"x": "dy - p*OneMatrix(1, n)*dy"},
    ("log_softmax", "B"): {"x": "dy - DiagMatrix(dy*OneMatrix(n, 1))*p"},
    ("logsumexp", ""): {"x": "p"},
    ("cross_entropy", ""): {"z": "p - y"},
    ("cross_entropy", "B"): {"z": "p - y"},
    ("cross_entropy_index", ""): {"z": None},
    ("layer_norm", ""): {
        "xhat": "HadamardProduct(dy, gamma)",
        "x": "r*(dxhat - OneMatrix(d, 1)*OneMatrix(1, d)*dxhat/d - xhat*xhat.T*dxhat/d)",
        "gamma": "HadamardProduct(dy, xhat)",
        "beta": "dy",
    },
    ("layer_norm", "B"): {
        "xhat": "dy*DiagMatrix(gamma)",
        "x": f"DiagMatrix(r)*(dxhat - dxhat*{CENTRED} - "
        "DiagMatrix(HadamardProduct(xhat, dxhat)*OneMatrix(d, 1))*xhat/d)",
        "gamma": "HadamardProduct(dy, xhat).T*OneMatrix(B, 1)",
        "beta": "dy.T*OneMatrix(B, 1)",
    },
    ("rms_norm", ""): {
        "xhat": "HadamardProduct(dy, gamma)",
        "x": "r*(dxhat - xhat*xhat.T*dxhat/d)",
        "gamma": "HadamardProduct(dy, xhat)",
    },
    ("linear", ""): {"x": "W.T*dy", "W": "dy*x.T", "b": "dy"},
    ("linear", "B"): {"x": "dy*W", "W": "dy.T*x", "b": "dy.T*OneMatrix(B, 1)"},
    ("relu", ""): {"x": None},
    ("sigmoid", ""): {"x": "HadamardProduct(y, dy, OneMatrix(n, 1) - y)"},
    ("tanh", ""): {"x": "HadamardProduct(dy, OneMatrix(n, 1) - HadamardProduct(y, y))"},
    ("softplus", ""): {"x": "HadamardProduct(s, dy)"},
    ("gelu", ""): {"x": "HadamardProduct(dy, Phi + HadamardProduct(x, phi))"},
    ("attention", ""): {**ATTENTION, "S": "HadamardProduct(P, dP - D*OneMatrix(1, m))"},
    ("causal_attention", ""): {**ATTENTION, "S": "HadamardProduct(P, dP - D*OneMatrix(1, n))"},
    ("masked_attention", ""): {**ATTENTION, "S": "HadamardProduct(P, dP - D*OneMatrix(1, m))"},
    ("attention", "B"): NO_ATTENTION,
    ("causal_attention", "B"): NO_ATTENTION,
}

JACOBIANS: dict[tuple[str, str], str | None] = {
    ("softmax", "x"): "DiagMatrix(p) - p*p.T",
    ("log_softmax", "x"): "I - OneMatrix(n, 1)*p.T",
    ("logsumexp", "x"): "p",
    ("cross_entropy", "z"): "p - y",
    ("cross_entropy_index", "z"): None,
    ("layer_norm", "x"): "r*DiagMatrix(gamma)*(I - xhat*xhat.T/d - OneMatrix(d, d)/d)",
    ("layer_norm", "gamma"): "DiagMatrix(xhat)",
    ("layer_norm", "beta"): "I",
    ("rms_norm", "x"): "r*DiagMatrix(gamma)*(I - xhat*xhat.T/d)",
    ("linear", "x"): "W",
    ("linear", "W"): None,
    ("linear", "b"): "I",
    ("relu", "x"): None,
    ("sigmoid", "x"): "DiagMatrix(HadamardProduct(y, OneMatrix(n, 1) - y))",
    ("tanh", "x"): "DiagMatrix(OneMatrix(n, 1) - HadamardProduct(y, y))",
    ("attention", "Q"): None,
}

#: Networks that no op of the catalogue has: an expression, its axes, its form.
NAMES = {"A": "nm", "G": "nm", "C": "mk", "T": "nmk", "u": "n", "v": "n", "w": "m", "c": ""}
NETWORKS: tuple[tuple[str, str, str | None], ...] = (
    ("Sum(A[i,j]*w[j]*C[j,l], j)", "il", "A*DiagMatrix(w)*C"),
    ("Sum(A[i,j]*w[j]*C[j,l], j)", "li", "C.T*DiagMatrix(w)*A.T"),
    ("Sum(Sum(A[i,j]*w[j]*u[i], j), i)", "", "u.T*A*w"),
    ("Sum(Sum(A[i,j]*G[i,j], j), i)", "", "OneMatrix(1, n)*HadamardProduct(A, G)*OneMatrix(m, 1)"),
    ("Sum(Sum(A[i,j]*G[p,j]*u[p], j), p)", "i", "A*G.T*u"),
    ("c*u[i]*A[i,j]*w[j]", "ij", "c*DiagMatrix(u)*A*DiagMatrix(w)"),
    ("c*u[i]*w[j]/2", "ij", "c*u*w.T/2"),
    ("-u[i]", "ij", "-u*OneMatrix(1, m)"),
    ("u[i]*Sum(u[p]*v[p], p)**2", "i", "u*u.T*v*u.T*v"),
    ("Sum(u[p]*v[p], p)*w[j]", "ij", "OneMatrix(n, 1)*u.T*v*w.T"),
    ("c", "ij", "c*OneMatrix(n, m)"),
    ("c", "", "c"),
    ("u[i] - u[i]", "ij", "0"),
    ("delta(i, p)*u[i]", "ip", "DiagMatrix(u)"),
    # what standard notation has no words for
    ("Sum(T[i,j,l]*w[j], j)", "il", None),
    ("A[i,j]*Sum(u[p]*v[p], p)", "ij", None),
    ("Sum(A[i,j]*G[p,j]*C[j,l]*u[p]*v[i], j)", "il", None),
    ("Sum(Sum(A[i,j]*G[p,j]*C[j,l], j), p)", "il", "A*DiagMatrix(G.T*OneMatrix(n, 1))*C"),
    ("exp(u[i])", "i", None),
    ("1/u[i]", "i", None),
    ("delta(i, t)", "i", None),
    ("u[i] + Sum(A[i,j], j)*c", "ij", "(c*A*OneMatrix(m, 1) + u)*OneMatrix(1, m)"),
    ("c + Sum(u[p]*v[p], p)", "", None),
    ("A[i,j]*C[j,l]", "ijl", None),
)
LETTERS = {"i": "n", "p": "n", "j": "m", "l": "k"}


# -- the cases ---------------------------------------------------------------


def gradients(op: str, batch: str) -> dict[str, Case]:
    op_ = ops[op].batched(batch) if batch else ops[op]
    wrt = tuple(n for n, t in op_.inputs.items() if t.differentiable)
    single = len(op_.outputs) == 1
    unit = frozenset(n for n, t in op_.outputs.items() if single and t.rank == len(batch))
    closed = textbook(system(op_.program), wrt, Seed(unit)).closed
    return {n: (c.value, c.entry) for n, c in closed.items()}


def jacobian(op: str, wrt: str) -> Case:
    program = ops[op].program
    row = system(program).entry(program.outputs[0])
    closed = textbook(system(program), (wrt,), Seed(output=program.outputs[0], row=row)).closed
    return closed[wrt].value, (*row, *closed[wrt].entry)


def network(text: str, axes: str) -> Case:
    size = {d: sp.Symbol(d, integer=True, positive=True) for d in "nmk"}
    letters = {c: sp.Symbol(c, integer=True) for c in (*LETTERS, "t")}

    def sum_(body: sp.Expr, letter: sp.Symbol) -> sp.Expr:
        return sp.Sum(body, (letter, 0, size[LETTERS[str(letter)]] - 1))

    known: dict[str, Any] = {n: sp.IndexedBase(n) for n, dims in NAMES.items() if dims}
    known |= letters | {"c": entry("c"), "Sum": sum_, "delta": delta, "exp": sp.exp}
    indices = {c: Ix(c, d) for c, d in LETTERS.items()}
    expr = sp.sympify(eval(text, {}, known))
    return read(expr, Scope(indices, frozenset("nmk"))), tuple(indices[c] for c in axes)


def text_of(case: Case) -> str | None:
    form = matrix_form(*case)
    return None if form is None else matrix_text(form)


# -- two evaluators that know nothing of the rules ----------------------------

SIZES = dict(zip("nmdekBHvrG", (3, 5, 4, 2, 6, 7, 7, 8, 9, 10), strict=True))
SIZES |= dict(zip("2Nchfgu", (2, 7, 5, 2, 6, 3, 4), strict=True))
SIZES |= {"c_in": 4, "c_out": 3}


def looped(expr: sp.Basic, env: dict[str, Any]) -> Any:
    """The value of an index expression: sums are loops."""
    match expr:
        case sp.Indexed():
            at = tuple(looped(s, env) for s in expr.indices)
            return env[name_of(expr)][at]
        case sp.Symbol():
            return env[str(expr)]
        case sp.Sum():
            (letter, _, upper), *more = reversed(expr.limits)
            body = sp.Sum(expr.function, *reversed(more)) if more else expr.function
            runs = range(looped(upper, env) + 1)
            return sum(looped(body, {**env, str(letter): k}) for k in runs)
        case sp.KroneckerDelta():
            return float(len({looped(a, env) for a in expr.args}) == 1)
        case Iverson():
            relation = expr.args[0]
            return float(bool(relation.func(*(looped(side, env) for side in relation.args))))
        case sp.Add():
            return sum(looped(a, env) for a in expr.args)
        case sp.Mul():
            return math.prod(looped(a, env) for a in expr.args)
        case sp.Pow():
            return looped(expr.base, env) ** looped(expr.exp, env)
    return int(expr) if expr.is_Integer else float(expr)


def numeric(expr: sp.Basic, env: dict[str, Any]) -> Any:
    """The value of a matrix expression; entrywise operations insist on equal shapes."""

    def shape(e: Any) -> tuple[int, int]:
        return int(looped(e.rows, env)), int(looped(e.cols, env))

    def entrywise(combine: Any) -> Any:
        parts = [numeric(a, env) for a in expr.args]
        assert len({p.shape for p in parts}) == 1
        return combine(parts)

    match expr:
        case sp.MatrixSymbol():
            return np.reshape(env[expr.name], shape(expr))
        case sp.OneMatrix():
            return np.ones(shape(expr))
        case sp.ZeroMatrix():
            return np.zeros(shape(expr))
        case sp.Identity():
            return np.eye(shape(expr)[0])
        case sp.DiagMatrix():
            return np.diag(numeric(expr.args[0], env)[:, 0])
        case sp.Transpose():
            return numeric(expr.arg, env).T
        case sp.HadamardProduct():
            return entrywise(math.prod)
        case sp.MatAdd():
            return entrywise(sum)
        case sp.MatMul():
            scalar, matrices = expr.as_coeff_matrices()
            product = numeric(matrices[0], env)
            for m in matrices[1:]:
                product = product @ numeric(m, env)
            return looped(scalar, env) * product
    return looped(expr, env)


def agree(form: sp.Expr, poly: Poly, axes: tuple[Ix, ...]) -> bool:
    """Do both forms have the same entries on random arrays?"""
    rng = np.random.default_rng(7)
    index_form = Writer(Letters({}, {}, frozenset(SIZES))).poly(poly)
    env: dict[str, Any] = dict(SIZES)
    for e in sorted(index_form.atoms(sp.Indexed), key=str):
        if name_of(e) not in env or name_of(e) in SIZES:  # a name here, a size elsewhere
            env[name_of(e)] = rng.uniform(0.5, 2, [size_of(s, index_form, axes) for s in e.indices])
    for s in sorted(index_form.free_symbols, key=str):
        env.setdefault(str(s), rng.uniform(0.5, 2))
    sizes = [SIZES[ix.dim] for ix in axes]
    expected = np.empty(sizes)
    for at in itertools.product(*map(range, sizes)):
        here = dict(zip((str(ix.name) for ix in axes), at, strict=True))
        expected[at] = looped(index_form, {**env, **here})
    found = numeric(form, env)
    if isinstance(form, sp.MatrixExpr):
        rows, columns = (*sizes, 1, 1)[:2]
        assert found.shape == (rows, columns)
        assert tuple(int(looped(s, env)) for s in form.shape) == (rows, columns)
    return bool(np.allclose(np.reshape(found, sizes), expected, rtol=1e-12, atol=1e-12))


def size_of(letter: sp.Symbol, expr: sp.Expr, axes: tuple[Ix, ...]) -> int:
    bound = {s: str(upper + 1) for t in expr.atoms(sp.Sum) for s, _, upper in t.limits}
    free = {sp.Symbol(str(ix.name), integer=True): ix.dim for ix in axes}
    assert all(free.get(s, d) == d for s, d in bound.items()), "one letter, two sizes"
    return SIZES[{**bound, **free}[letter]]


# -- the tests ----------------------------------------------------------------


@pytest.mark.parametrize(("op", "batch"), GRADIENTS)
def test_gradients_read_as_people_write_them(op: str, batch: str) -> None:
    assert {n: text_of(c) for n, c in gradients(op, batch).items()} == GRADIENTS[op, batch]


@pytest.mark.parametrize(("op", "wrt"), JACOBIANS)
def test_jacobians_read_as_people_write_them(op: str, wrt: str) -> None:
    assert text_of(jacobian(op, wrt)) == JACOBIANS[op, wrt]


@pytest.mark.parametrize(("text", "axes", "form"), NETWORKS)
def test_networks(text: str, axes: str, form: str | None) -> None:
    assert text_of(network(text, axes)) == form


@pytest.mark.parametrize("batch", ["", "N"])
@pytest.mark.parametrize("op", list(ops))
def test_gradients_have_the_entries_of_the_index_form(op: str, batch: str) -> None:
    for name, case in gradients(op, batch).items():
        form = matrix_form(*case)
        assert form is None or agree(form, *case), f"d{name} = {matrix_text(form)}"


@pytest.mark.parametrize(
    ("op", "wrt"), [(n, w) for n in ops for w, t in ops[n].inputs.items() if t.differentiable]
)
def test_jacobians_have_the_entries_of_the_index_form(op: str, wrt: str) -> None:
    case = jacobian(op, wrt)
    form = matrix_form(*case)
    assert form is None or agree(form, *case), matrix_text(form)


@pytest.mark.parametrize(("text", "axes"), [(t, a) for t, a, form in NETWORKS if form])
def test_networks_have_the_entries_of_the_index_form(text: str, axes: str) -> None:
    case = network(text, axes)
    assert agree(matrix_form(*case), *case)


def test_a_wrong_form_is_seen() -> None:
    n, m, d = sp.symbols("n m d", integer=True, positive=True)
    dS, P, dP = (sp.MatrixSymbol(name, n, m) for name in ("dS", "P", "dP"))
    K, D, p = sp.MatrixSymbol("K", m, d), sp.MatrixSymbol("D", n, 1), sp.MatrixSymbol("p", n, 1)
    wrong = {
        "Q": (dS * K, "no scale"),
        "S": (sp.HadamardProduct(P, dP + D * sp.OneMatrix(1, m)), "sign"),
    }
    cases = gradients("attention", "")
    for name, (form, why) in wrong.items():
        assert not agree(form, *cases[name]), why
    assert not agree(sp.DiagMatrix(p) + p * p.T, *jacobian("softmax", "x"))
    with pytest.raises(AssertionError):
        agree(P.T, *cases["S"])  # a transpose has another shape


def test_sympy_itself_agrees_on_what_the_form_means() -> None:
    poly, axes = jacobian("layer_norm", "x")
    sizes = {sp.Symbol("d", integer=True, positive=True): 3}
    form = matrix_form(poly, axes).subs(sizes).as_explicit()
    r, *names = (sp.Symbol("r"), *(sp.MatrixSymbol(n, 3, 1) for n in ("gamma", "xhat")))
    gamma, xhat = names
    for i, j in itertools.product(range(3), repeat=2):
        by_hand = r * gamma[i, 0] * (int(i == j) - xhat[i, 0] * xhat[j, 0] / 3 - sp.Rational(1, 3))
        assert sp.expand(form[i, j] - by_hand) == 0


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_form_does_not_depend_on_the_hash_order(seed: str) -> None:
    code = (
        "from tests.derive.test_matrix import gradients, text_of\n"
        "for op in ('layer_norm', 'attention', 'gelu_tanh'):\n"
        "    print([(n, text_of(c)) for n, c in gradients(op, '').items()])"
    )
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    here = [
        str([(n, text_of(c)) for n, c in gradients(op, "").items()])
        for op in ("layer_norm", "attention", "gelu_tanh")
    ]
    assert done.stdout.splitlines() == here, done.stderr
