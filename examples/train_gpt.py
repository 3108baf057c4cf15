"""Train a small GPT-2 on this project's own text, by generated NumPy code alone.

``python examples/train_gpt.py`` learns to predict the next character of the
chapters in ``derivations/``. The forward pass, the gradient of every parameter
and AdamW's step come out of symllm as source; what is written here reads the
text, draws batches and shows how the loss falls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from symllm import models, ops

try:
    import matplotlib
    from matplotlib.figure import Figure
except ImportError:
    matplotlib = None

ROOT = Path(__file__).parents[1]
HEADS = 4
ADAMW = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.01}


def written(source: str, name: str) -> ModuleType:
    """Generated source as a module."""
    module = ModuleType(name)
    exec(compile(source, f"<symllm {name}>", "exec"), vars(module))
    return module


gpt2 = written(models.gpt2().code("numpy"), "gpt2")
optimizer = written(ops.adamw.code("numpy"), "adamw")


# --------------------------------------------------------------------------
# Text
# --------------------------------------------------------------------------


class Text(NamedTuple):
    """A text as integers: each character's place in the alphabet of all that occur."""

    tokens: np.ndarray
    alphabet: str


def encoded(text: str) -> Text:
    alphabet, tokens = np.unique(list(text), return_inverse=True)
    return Text(tokens, "".join(alphabet))


def chapters() -> str:
    """What the project says of itself: its README and the chapters of its book."""
    paths = [ROOT / "README.md", *sorted((ROOT / "derivations").glob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def batches(
    tokens: np.ndarray, rows: int, length: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pieces from random places of the text, [rows, length], and the characters that follow."""
    while True:
        start = rng.integers(len(tokens) - length, size=rows)
        pieces = tokens[start[:, None] + np.arange(length + 1)]
        yield pieces[:, :-1], pieces[:, 1:]


# --------------------------------------------------------------------------
# Training
# --------------------------------------------------------------------------


def configuration(alphabet: str, width: int, layers: int, length: int) -> dict[str, Any]:
    """GPT-2's settings, by the names of its checkpoints."""
    return {
        "n_layer": layers,
        "n_head": HEADS,
        "n_embd": width,
        "n_positions": length,
        "vocab_size": len(alphabet),
    }


class Parameters:
    """Every parameter by its name, all of them views of one vector."""

    def __init__(
        self, config: dict[str, Any], rng: np.random.Generator, dtype: Any = np.float32
    ) -> None:
        shapes = gpt2.shapes(config)
        sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self.vector = np.zeros(sum(sizes), dtype)
        parts = np.split(self.vector, np.cumsum(sizes)[:-1])
        self.named = {
            name: part.reshape(shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }
        for name, array in self.named.items():  # biases start at zero
            if array.ndim == 2:
                array[:] = 0.02 * rng.normal(size=array.shape)
            elif name.endswith("weight"):
                array[:] = 1

    def flat(self, gradients: dict[str, np.ndarray]) -> np.ndarray:
        """Their gradients in the order of the vector."""
        return np.concatenate([gradients[name].ravel() for name in self.named])


def losses(
    parameters: Parameters,
    batches: Iterator[tuple[np.ndarray, np.ndarray]],
    config: dict[str, Any],
    rate: float,
) -> Iterator[float]:
    """The loss of each batch, after which AdamW takes a step against its gradient."""
    m, v = np.zeros_like(parameters.vector), np.zeros_like(parameters.vector)
    for t, (tokens, targets) in enumerate(batches, start=1):
        loss, cache = gpt2.forward(parameters.named, tokens, targets, config)
        yield float(loss)
        g = parameters.flat(gpt2.backward(parameters.named, cache))
        step = optimizer.adamw(parameters.vector, g, m, v, lr=rate, t=t, **ADAMW)
        parameters.vector[:] = step["theta_next"]
        m, v = step["m_next"], step["v_next"]


def shown(found: Iterator[float], steps: int) -> list[float]:
    """So many losses, under a bar that says the last."""
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    seen = []
    with Progress(*columns) as progress:
        task = progress.add_task("", total=steps)
        for step, loss in zip(range(1, steps + 1), found, strict=False):
            seen.append(loss)
            progress.update(
                task, completed=step, description=f"step {step} of {steps}, loss {loss:.3f}"
            )
    return seen


def plot(seen: Sequence[float], out: Path) -> None:
    """The losses as a picture, whose bytes depend on nothing but them."""
    with matplotlib.rc_context({"svg.hashsalt": "symllm", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6, 3.5), layout="constrained")
        axes = figure.subplots()
        axes.plot(range(1, len(seen) + 1), seen)
        axes.set(xlabel="step", ylabel="loss of the next character, in nats")
        figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


@click.command()
@click.option("--steps", default=100, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--width", default=64, show_default=True, type=click.IntRange(HEADS))
@click.option("--layers", default=2, show_default=True, type=click.IntRange(1))
@click.option("--length", default=64, show_default=True, type=click.IntRange(1))
@click.option("--rows", default=16, show_default=True, type=click.IntRange(1))
@click.option("--rate", default=2e-3, show_default=True, type=click.FloatRange(0, min_open=True))
@click.option(
    "--out",
    default="loss.svg",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A picture of the losses, .svg or .png.",
)
def main(
    steps: int, seed: int, width: int, layers: int, length: int, rows: int, rate: float, out: Path
) -> None:
    """Train a small GPT on this project's own text, by generated NumPy code alone."""
    if width % HEADS:
        raise click.BadParameter(
            f"{width} is no multiple of {HEADS}, the number of heads", param_hint="--width"
        )
    if out.suffix not in (".svg", ".png"):
        raise click.BadParameter(f"{out} ends neither in .svg nor in .png", param_hint="--out")
    if not out.parent.is_dir():
        raise click.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    text, rng = encoded(chapters()), np.random.default_rng(seed)
    if length >= len(text.tokens):
        raise click.BadParameter(
            f"{length}, but the text has {len(text.tokens)} characters", param_hint="--length"
        )
    config = configuration(text.alphabet, width, layers, length)
    parameters = Parameters(config, rng)
    click.echo(
        f"{len(text.tokens)} characters, {len(text.alphabet)} different; "
        f"{parameters.vector.size} parameters"
    )
    found = losses(parameters, batches(text.tokens, rows, length, rng), config, rate)
    seen = shown(found, steps)
    click.echo(f"loss {seen[0]:.3f} before the first step, {seen[-1]:.3f} before the last")
    if matplotlib is None:
        click.echo("No picture: it needs matplotlib, pip install 'symllm[examples]'")
    else:
        plot(seen, out)
        click.echo(f"{out} shows how it fell")


if __name__ == "__main__":
    main()
