"""How long it takes to derive gradients: symllm against tensorgrad.

``python benchmarks/ratios.py`` prints a table. *Cold* is the first derivation
in a fresh process, after the imports; *warm* the median of further ones in the
same process, where symllm forgets what it keeps about the program (its
normal forms, rules and lemmas), so that all the work is done again. Both build
the op and derive; symllm's time includes all steps with their reasons, the
results and the names they use.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

#: Per op: the inputs differentiated by, and how many times faster symllm is to be.
OPS: dict[str, tuple[tuple[str, ...], float]] = {
    "softmax": (("x",), 3.0),
    "cross_entropy": (("z",), 3.0),
    "layer_norm": (("x",), 10.0),
    "attention": (("Q", "K", "V"), 10.0),
}
ROUNDS = 7
PAIRS = 15


# --------------------------------------------------------------------------
# symllm
# --------------------------------------------------------------------------


def symllm_derivation(name: str, wrt: tuple[str, ...]) -> Any:
    """Build the op, derive, and force all that a reader sees."""
    from symllm import Op, ops

    known = ops[name]
    op = Op(
        name=known.name,
        title=known.title,
        inputs=known.inputs.values(),
        equations=known.equations,
        numpy=known.numpy,
        outputs=known.outputs,
        aliases=known.program.aliases,
    )
    g = op.gradient(*wrt)
    told = [(s.before, s.after, s.rule, s.reason) for s in g.steps]
    lemmas = [[(s.before, s.after, s.reason) for s in f.steps] for f in g.facts]
    return g.results, told, lemmas, g.where


def forget() -> None:
    """Drop everything that symllm keeps from one derivation to the next."""
    for name, module in list(sys.modules.items()):
        if name.startswith("symllm"):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    from symllm.derive import backward

    backward._LEMMAS.clear()


# --------------------------------------------------------------------------
# tensorgrad
# --------------------------------------------------------------------------


def tensorgrad_derivation(name: str, wrt: tuple[str, ...]) -> Any:
    """The same op, written as tensorgrad's documentation does, and its simplified gradient.

    Its own ``layer_norm`` and ``sdpa`` are opaque: differentiated, they stay
    calls of a fused kernel. So both are composed of primitives here.
    """
    loss, variables = TENSORGRAD[name]()
    return [loss.grad(variables[v]).full_simplify() for v in wrt]


def _softmax() -> Any:
    import tensorgrad.functions as F
    from sympy import symbols
    from tensorgrad import Variable

    n = symbols("n")
    x, g = Variable("x", n=n), Variable("g", n=n)
    return F.dot(g, F.softmax(x, dim="n"), "n"), {"x": x}


def _cross_entropy() -> Any:
    import tensorgrad.functions as F
    from sympy import symbols
    from tensorgrad import Variable

    n = symbols("n")
    z, y = Variable("z", n=n), Variable("y", n=n)
    return F.cross_entropy(z, y, "n"), {"z": z}


def _layer_norm() -> Any:
    import tensorgrad.functions as F
    from sympy import symbols
    from tensorgrad import Variable

    d = symbols("d")
    x, g, gamma, beta = (Variable(name, d=d) for name in ("x", "g", "gamma", "beta"))
    centred = x - F.mean(x, "d", keepdims=True)
    variance = F.mean(centred * centred, "d", keepdims=True)
    y = gamma * centred / F.sqrt(variance + 1e-5) + beta
    return F.dot(g, y, "d"), {"x": x}


def _attention() -> Any:
    import tensorgrad.functions as F
    from sympy import symbols
    from tensorgrad import Variable

    n, m, d, e = symbols("n m d e")
    Q, K = Variable("Q", n=n, d=d), Variable("K", m=m, d=d)
    V, g = Variable("V", m=m, e=e), Variable("g", n=n, e=e)
    P = F.softmax(F.dot(Q, K, "d") * (1 / 8), dim="m")
    return F.sum(g * F.dot(P, V, "m")), {"Q": Q, "K": K, "V": V}


TENSORGRAD: dict[str, Callable[[], Any]] = {
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "layer_norm": _layer_norm,
    "attention": _attention,
}
DERIVATIONS: dict[str, Callable[[str, tuple[str, ...]], Any]] = {
    "symllm": symllm_derivation,
    "tensorgrad": tensorgrad_derivation,
}


# --------------------------------------------------------------------------
# Measuring
# --------------------------------------------------------------------------


def imported(library: str, name: str) -> None:
    """Load every module that deriving needs: imports are not what is measured."""
    if library == "symllm":
        import symllm.questions
        from symllm import ops

        assert symllm.questions.gradient
        assert ops[name]
    else:
        import tensorgrad.functions  # noqa: F401


def measure(library: str, name: str) -> dict[str, float]:
    """Seconds of the first derivation in this process, and the median of those that follow.

    Processor time, so that other work on the machine counts little; what came
    before, imports above all, leaves no garbage to be collected here.
    """
    wrt, _ = OPS[name]
    imported(library, name)
    times = []
    for _ in range(1 + ROUNDS):
        gc.collect()
        start = time.process_time()
        DERIVATIONS[library](name, wrt)
        times.append(time.process_time() - start)
        if library == "symllm":
            forget()
    return {"cold": times[0], "warm": median(times[1:])}


def measured(library: str, name: str) -> dict[str, float]:
    """The same, of a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, library, name],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compared(name: str, pairs: int = PAIRS) -> dict[str, tuple[float, float, float]]:
    """For the cold and the warm: symllm's seconds, tensorgrad's, and how many times faster.

    The two take turns, a fresh process each, and the ratio is taken pair by
    pair, so that a machine that is slower for a while is so for both; all
    three are medians.
    """
    runs = [(measured("symllm", name), measured("tensorgrad", name)) for _ in range(pairs)]
    found = {}
    for kind in ("cold", "warm"):
        own, other = ([run[kind] for run in side] for side in zip(*runs, strict=True))
        ratios = (b / a for a, b in zip(own, other, strict=True))
        found[kind] = (median(own), median(other), median(ratios))
    return found


def table() -> int:
    """Print the ratios; how many are below what is required."""
    columns = "{:<14}" + "{:>11}" * 7
    heads = ("symllm", "symllm", "tensorgrad", "tensorgrad", "ratio", "ratio", "required")
    print(columns.format("", *heads))
    print(columns.format("ms", "cold", "warm", "cold", "warm", "cold", "warm", ""))
    missed = 0
    for name, (_, required) in OPS.items():
        own, other, times = zip(*compared(name).values(), strict=True)
        missed += min(times) < required
        cells = [f"{v:.1f}" for v in (*(1e3 * s for s in (*own, *other)), *times)]
        print(columns.format(name, *cells, f">= {required:g}"), flush=True)
    return missed


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        sys.exit(bool(table()))
