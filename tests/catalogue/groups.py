"""Ops of the catalogue that tests treat alike."""

from __future__ import annotations

from symllm import Op, ops

#: Whole blocks take some seconds each, and more steps than an op.
BLOCKS = {"gpt2_block", "llama_block", "moe_block"}
SMALL = [name for name in ops if name not in BLOCKS]
#: Those whose one output is a scalar: its upstream gradient is 1.
ONE_SCALAR = {name for name in ops if [t.rank for t in ops[name].outputs.values()] == [0]}


def batched(name: str, axes: tuple[str, ...]) -> Op:
    return ops[name].batched(*axes) if axes else ops[name]
