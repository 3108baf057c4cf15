"""Networks as functions: forwards, backwards, or as one that a library differentiates."""

from __future__ import annotations

from collections.abc import Sequence

from .docstrings import docstring
from .function import definition, listed, returning, several, size_statements, unpacked
from .network import Emitter, Network, saved
from .target import Target
from .writer import WIDTH


def forward_function(target: Target, network: Network, doc: str) -> tuple[str, list[str]]:
    """``<op>_forward`` of the inputs: the output, and what its calls saved."""
    emitter = Emitter(network, target)
    for let in network.program.equations:
        if let.name in network.calls:
            called = network.calls[let.name]
            emitter.call(called, f"{called.pair.name}_forward", saved(let))
        else:
            emitter.sum_of(let)
    kept = [
        *(saved(called.let) for called in network.calls.values()),
        *sizes_backwards(target, network),
    ]
    for name in kept[len(network.calls) :]:
        emitter.sizes[name] = None
    program = network.program
    (output,) = program.outputs
    text = definition(
        f"{network.name}_forward",
        [t.name for t in program.inputs],
        [
            *docstring(doc, program.inputs, [program.tensors[output]]),
            *sizes_read(emitter),
            *emitter.rows,
            *listed(f"return {output}, (", several(kept), ")", WIDTH - 4),
        ],
    )
    return text, kept


def sizes_read(emitter: Emitter) -> list[str]:
    """Statements that read the sizes off the inputs' shapes."""
    inputs = emitter.network.program.inputs
    statements, _ = size_statements(tuple(emitter.sizes), inputs, {t.name for t in inputs})
    return statements


def sizes_backwards(target: Target, network: Network) -> list[str]:
    emitter = Emitter(network, target)
    emitter.backward("dy")
    return list(emitter.sizes)


def backward_function(target: Target, network: Network, doc: str, kept: Sequence[str]) -> str:
    """``<op>_backward`` of what was saved and the upstream gradient: the inputs' gradients."""
    program = network.program
    (output,) = program.outputs
    emitter = Emitter(network, target)
    emitter.backward(f"d{output}")
    results = [program.tensors[name].adjoint() for name in network.wrt]
    return definition(
        f"{network.name}_backward",
        ["saved", f"d{output}"],
        [
            *docstring(doc, [program.tensors[output].adjoint()], results),
            *unpacked(kept, "saved", WIDTH - 4),
            *emitter.rows,
            *returning([t.name for t in results], WIDTH - 4),
        ],
    )


def applied_function(target: Target, network: Network, doc: str) -> str:
    """The op as a function of its inputs, where the library differentiates calls by itself."""
    emitter = Emitter(network, target, spread=True)
    for let in network.program.equations:
        if let.name in network.calls:
            called = network.calls[let.name]
            emitter.call(called, called.pair.name)
        else:
            emitter.sum_of(let)
    program = network.program
    (output,) = program.outputs
    body = [
        *docstring(doc, program.inputs, [program.tensors[output]]),
        *sizes_read(emitter),
        *emitter.rows,
    ]
    arguments = [t.name for t in program.inputs]
    return definition(network.name, arguments, [*body, f"return {output}"])
