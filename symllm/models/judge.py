"""A whole model against differences of its ops' own NumPy functions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..derivation import Derivation
from ..errors import VerificationError
from .architecture import EMBED, HEAD, LAYER, Architecture
from .source import model_source

#: Required agreement of a derivative along a direction, relative to the largest of its terms.
BOUND = 1e-7
#: Weights of the sixth-order central difference, for 1, 2 and 3 steps.
STENCIL = (3 / 4, -3 / 20, 1 / 60)
STEP = 2.0**-11
BATCH, ROW = 2, 4


@dataclass(frozen=True)
class ModelCertificate:
    """What was checked: the stages' certificates, and the worst error of each array's gradient."""

    stages: Mapping[str, Any]
    errors: Mapping[str, float]

    @property
    def ok(self) -> bool:
        stages = all(certificate.ok for certificate in self.stages.values())
        return stages and bool(self.errors) and max(self.errors.values()) <= BOUND

    def __str__(self) -> str:
        if not self.errors:
            return "nothing was compared"
        worst = max(self.errors, key=lambda name: self.errors[name])
        text = f"{len(self.errors)} arrays agree with differences to {self.errors[worst]:.1e}"
        return f"{text} or better; the worst is {worst}"


def verify(model: Architecture, stages: Mapping[str, Derivation]) -> ModelCertificate:
    """Raises ``VerificationError`` where a stage or an array's gradient is wrong."""
    found = {name: d.verify(autograd=False) for name, d in stages.items()}
    certificate = ModelCertificate(found, compare(model))
    if not certificate.ok:
        raise VerificationError(f"{model.name}: {certificate}")
    return certificate


def compare(model: Architecture, source: str = "", seed: int = 0) -> dict[str, float]:
    """The error of each array's gradient along a random direction.

    Of the generated module, or of another with the same functions.
    """
    module: dict[str, Any] = {}
    exec(compile(source or model_source(model, "numpy"), f"<{model.name}>", "exec"), module)
    config, rng = dict(model.example), np.random.default_rng(seed)
    params = {n: rng.normal(size=shape) * 0.5 for n, shape in module["shapes"](config).items()}
    size = module["sizes"](config).v
    tokens, targets = rng.integers(0, size, (2, BATCH, ROW))
    targets[0, 0] = -100
    _, cache = module["forward"](params, tokens, targets, config)
    grads = module["backward"](params, cache)
    if grads.keys() != params.keys():
        missing = ", ".join(sorted(grads.keys() ^ params.keys()))
        raise VerificationError(f"{model.name}: parameters and gradients differ in {missing}")
    errors = {}
    for name, array in params.items():
        direction = rng.normal(size=array.shape)

        def moved(by: float, name: str = name, direction: np.ndarray = direction) -> float:
            new = {**params, name: params[name] + by * direction}
            return loss(model, module, new, tokens, targets, config)

        expected = sum(
            weight * (moved(k * STEP) - moved(-k * STEP)) / STEP
            for k, weight in enumerate(STENCIL, start=1)
        )
        terms = direction * grads[name]
        scale = max(float(np.abs(terms).sum()), 1e-6)
        errors[name] = abs(float(terms.sum()) - expected) / scale
    return errors


def loss(
    model: Architecture,
    module: Mapping[str, Any],
    params: Mapping[str, np.ndarray],
    tokens: np.ndarray,
    targets: np.ndarray,
    config: Mapping[str, Any],
) -> float:
    """The loss by the ops' own NumPy functions, row by row."""
    sizes = module["sizes"](config)
    constants = {**vars(sizes), "pos": np.arange(tokens.shape[1])}

    def run(stage: str, first: Any, arrays: Any, **given: Any) -> Any:
        op = model.ops[stage]
        names = [n for n, t in op.inputs.items() if t.role == "parameter"]
        known = constants | dict(zip(names, arrays, strict=True)) | given
        others = list(op.inputs)[1:]
        return op.numpy(first, *(known[name] for name in others))

    def held(stage: str, **given: Any) -> Any:
        """A stage's parameters, taken apart by the module, which asks for what it needs."""
        take = module[f"{stage}_parameters"]
        known = {"params": params, "s": sizes, "config": config, **given}
        return take(**{name: known[name] for name in inspect.signature(take).parameters})

    rows = []
    for row in tokens:
        x = run(EMBED, row, held(EMBED, n=len(row)))
        for layer in range(sizes.n_layer):
            x = run(LAYER, x, held(LAYER, layer=layer))
        rows.append(x)
    counted = (targets != -100).astype(float)
    labels = np.where(targets == -100, 0, targets)
    return float(run(HEAD, np.stack(rows), held(HEAD), t=labels, mask=counted))
