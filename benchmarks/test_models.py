"""A whole model: how long it takes to derive, and what its code takes to run, against PyTorch.

``python benchmarks/test_models.py`` prints the figures. Every side runs in a
fresh process with two threads, and takes its turns with the others, so that
noise falls on all of them. Memory is by how much the process grows at its peak
over what it held when the parameters were there.
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

THREADS = 2
BATCH, TOKENS = 4, 256
CONFIG = {
    "n_layer": 4,
    "n_head": 8,
    "n_embd": 256,
    "vocab_size": 4096,
    "n_positions": TOKENS,
    "layer_norm_epsilon": 1e-5,
}
ROUNDS = 15

#: Seconds in which GPT-2 is to be derived, and how many times PyTorch's time its code may take.
SECONDS, TIMES = 1.0, 2.0


# --------------------------------------------------------------------------
# Deriving
# --------------------------------------------------------------------------


def derive() -> dict[str, float]:
    """Seconds until GPT-2 of any depth is derived with all steps, and until it is code."""
    import symllm.questions
    from symllm import models
    from symllm.models import source

    assert symllm.questions.gradient
    assert source.model_source
    start = time.perf_counter()
    model = models.gpt2()
    for op in model.ops.values():
        g = op.gradient()
        assert g.results
        told = [step for fact in g.facts for step in (*fact.steps, *g.steps)]
        assert all(step.reason for step in told)
    derived = time.perf_counter()
    model.code("numpy")
    return {"derived": derived - start, "code": time.perf_counter() - derived}


def derived(processes: int = 5) -> dict[str, float]:
    """The medians over fresh processes."""
    runs = []
    for _ in range(processes):
        done = subprocess.run(
            [sys.executable, __file__, "derive"], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout))
    return {kind: statistics.median(run[kind] for run in runs) for kind in runs[0]}


# --------------------------------------------------------------------------
# One step forwards and backwards
# --------------------------------------------------------------------------


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    tokens = rng.integers(CONFIG["vocab_size"], size=(BATCH, TOKENS + 1))
    return tokens[:, :-1], tokens[:, 1:]


def generated() -> Callable[[], Any]:
    """The module that symllm writes, in float32."""
    from types import ModuleType

    from symllm import models

    gpt2 = ModuleType("gpt2")
    exec(models.gpt2().code("numpy"), vars(gpt2))
    rng, (tokens, targets) = np.random.default_rng(0), batch()
    params = {
        name: rng.normal(0, 0.02, shape).astype(np.float32)
        for name, shape in gpt2.shapes(CONFIG).items()
    }

    def step() -> Any:
        _, cache = gpt2.forward(params, tokens, targets, CONFIG)
        return gpt2.backward(params, cache)

    return step


def in_transformers() -> Callable[[], Any]:
    """Hugging Face's GPT-2 as PyTorch runs it eagerly, without dropout."""
    import torch
    import transformers

    torch.set_num_threads(THREADS)
    transformers.logging.set_verbosity_error()
    unused = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = transformers.GPT2Config(
        **CONFIG, **unused, attn_implementation="eager", use_cache=False
    )
    model = transformers.GPT2LMHeadModel(config).train()
    tokens, targets = map(torch.tensor, batch())

    def step() -> None:
        model.zero_grad(set_to_none=True)
        logits = model(input_ids=tokens).logits
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()

    return step


def in_torch(fused: bool = False) -> Callable[[], Any]:
    """GPT-2 in PyTorch's functions, written by hand; ``fused`` takes its attention kernel."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)
    c, h, v = (CONFIG[name] for name in ("n_embd", "n_head", "vocab_size"))

    def parameter(*shape: int) -> Any:
        return (0.02 * torch.randn(*shape)).requires_grad_()

    shapes = [(c,), (c,), (3 * c, c), (3 * c,), (c, c), (c,)]
    shapes += [(c,), (c,), (4 * c, c), (4 * c,), (c, 4 * c), (c,)]
    blocks = [[parameter(*s) for s in shapes] for _ in range(int(CONFIG["n_layer"]))]
    rows, places = parameter(v, c), parameter(TOKENS, c)
    gamma, beta = parameter(c), parameter(c)
    everything = [rows, places, gamma, beta, *(p for block in blocks for p in block)]
    tokens, targets = map(torch.tensor, batch())
    hidden = torch.ones(TOKENS, TOKENS, dtype=torch.bool).triu(1)

    def attention(Q: Any, K: Any, V: Any) -> Any:
        if fused:
            return F.scaled_dot_product_attention(Q, K, V, is_causal=True)
        S = (Q @ K.mT / math.sqrt(Q.shape[-1])).masked_fill(hidden, -math.inf)
        return S.softmax(-1) @ V

    def block(x: Any, own: list[Any]) -> Any:
        g1, b1, W_QKV, b_QKV, W_O, b_O, g2, b2, W_1, b_1, W_2, b_2 = own
        mixed = F.linear(F.layer_norm(x, (c,), g1, b1), W_QKV, b_QKV)
        heads = (part.unflatten(-1, (h, -1)).transpose(1, 2) for part in mixed.split(c, -1))
        x = x + F.linear(attention(*heads).transpose(1, 2).flatten(-2), W_O, b_O)
        inner = F.linear(F.layer_norm(x, (c,), g2, b2), W_1, b_1)
        return x + F.linear(F.gelu(inner, approximate="tanh"), W_2, b_2)

    def step() -> None:
        for p in everything:
            p.grad = None
        x = F.embedding(tokens, rows) + places
        for own in blocks:
            x = block(x, own)
        logits = F.linear(F.layer_norm(x, (c,), gamma, beta), rows)
        F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()

    return step


#: Who runs a step. The last holds no probabilities, which takes a kernel of its own.
SIDES: dict[str, Callable[[], Callable[[], Any]]] = {
    "generated NumPy": generated,
    "transformers, eager": in_transformers,
    "PyTorch by hand": in_torch,
    "PyTorch, fused attention": lambda: in_torch(fused=True),
}
RIVALS = ("transformers, eager", "PyTorch by hand")


# --------------------------------------------------------------------------
# Measuring
# --------------------------------------------------------------------------


def resident() -> int:
    """Bytes that this process holds now (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def serve(side: str) -> None:
    """A step for each line that comes in; its seconds and the growth up to then go out."""
    step = SIDES[side]()
    before = resident()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        seconds = time.perf_counter() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
        print(json.dumps([seconds, grown]), flush=True)


def measured(sides: Iterable[str], rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Of each side the fastest and the median step, the growth in the first and in all."""
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(variables, str(THREADS))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = {
        side: subprocess.Popen([sys.executable, __file__, side], env=environment, **pipes)
        for side in sides
    }
    for process in running.values():
        assert process.stdout.readline() == "ready\n"
    seen: dict[str, list[list[float]]] = {side: [] for side in running}
    for _ in range(rounds):
        for side, process in running.items():
            process.stdin.write("\n")
            process.stdin.flush()
            seen[side].append(json.loads(process.stdout.readline()))
    for process in running.values():
        process.stdin.close()
        process.wait()
    return {
        side: {
            "fastest": min(seconds for seconds, _ in steps),
            "median": statistics.median(seconds for seconds, _ in steps),
            "first": steps[0][1],
            "peak": steps[-1][1],
        }
        for side, steps in seen.items()
    }


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float]]:
    pytest.importorskip("transformers")
    return measured(["generated NumPy", *RIVALS])


def test_gpt2_is_derived_in_a_moment() -> None:
    assert derived()["derived"] < SECONDS


def test_the_code_keeps_up_with_pytorch(found: dict[str, dict[str, float]]) -> None:
    assert found["generated NumPy"]["fastest"] <= TIMES * min(found[r]["fastest"] for r in RIVALS)


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("when", ["first", "peak"])
def test_the_code_needs_no_more_memory(
    found: dict[str, dict[str, float]], rival: str, when: str
) -> None:
    assert found["generated NumPy"][when] <= found[rival][when]


def main() -> None:
    seconds = derived()
    print(f"GPT-2 derived in {seconds['derived']:.2f} s, its code {seconds['code']:.2f} s later\n")
    print(f"{'':26} {'fastest':>9} {'median':>9} {'memory, first':>14} {'all steps':>10}")
    for side, own in measured(SIDES).items():
        print(
            f"{side:26} {own['fastest'] * 1e3:6.0f} ms {own['median'] * 1e3:6.0f} ms "
            f"{own['first'] / 2**20:10.0f} MiB {own['peak'] / 2**20:6.0f} MiB"
        )
    print(f"\nload {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    if sys.argv[1:] == ["derive"]:
        print(json.dumps(derive()))
    elif sys.argv[1:]:
        serve(sys.argv[1])
    else:
        main()
