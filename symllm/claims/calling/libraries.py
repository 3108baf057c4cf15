"""Arrays of NumPy, PyTorch and JAX: given with a precision, taken back as float64.

PyTorch and JAX are imported only where a function wants their arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..verdict import ClaimError

#: The precisions that a function can be tried in, the finest first.
PRECISIONS = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Library:
    """NumPy, and what the others do otherwise."""

    name: str = "numpy"
    device: str = "cpu"

    def context(self, dtype: str) -> AbstractContextManager[Any]:
        """Inside, arrays have the precision that they are given with."""
        return nullcontext()

    def give(self, array: np.ndarray, dtype: str) -> Any:
        """A copy with that precision; integers stay integers."""
        if array.dtype.kind != "f":
            return array.copy() if array.ndim else int(array)
        found = np.array(array, dtype=numpy_dtype(dtype), order="C")
        return found if found.ndim else found[()]

    def holds(self, value: Any) -> np.ndarray:
        """What an array that was given holds now, in its own precision where NumPy has it."""
        return np.asarray(value)


class Torch(Library):
    """Tensors on a device."""

    def give(self, array: np.ndarray, dtype: str) -> Any:
        torch = loaded("torch")
        if array.dtype.kind == "b":
            return torch.from_numpy(array.copy()).to(self.device)
        precise = torch.int64 if array.dtype.kind in "iu" else getattr(torch, dtype)
        return torch.tensor(np.array(array, order="C"), dtype=precise, device=self.device)

    def holds(self, value: Any) -> np.ndarray:
        torch = loaded("torch")
        value = value.detach().cpu()
        return (value.float() if value.dtype == torch.bfloat16 else value).numpy()


class Jax(Library):
    """Arrays on the default device; float64 while one is inside ``context``."""

    def context(self, dtype: str) -> AbstractContextManager[Any]:
        jax = loaded("jax")
        there = jax if hasattr(jax, "enable_x64") else loaded("jax.experimental")
        return there.enable_x64(dtype == "float64")

    def give(self, array: np.ndarray, dtype: str) -> Any:
        jnp = loaded("jax.numpy")
        return jnp.array(array, dtype=dtype if array.dtype.kind == "f" else None)


LIBRARIES = {"numpy": Library("numpy"), "torch": Torch("torch"), "jax": Jax("jax")}


def library(name: str, device: str | None = None) -> Library:
    """Raises ``ClaimError`` for one that there is not, or that is not installed."""
    if name not in LIBRARIES:
        raise ClaimError(
            "error", f"library={name!r} is none of {', '.join(LIBRARIES)}: arrays are of these"
        )
    if find_spec(name) is None:
        raise ClaimError("error", f"the function wants arrays of {name}, which is not installed")
    if device is None:
        return LIBRARIES[name]
    if name != "torch":
        raise ClaimError("error", f"device={device!r} is for tensors of PyTorch, not for {name}")
    try:
        loaded("torch").empty(0, device=device)
    except (AssertionError, RuntimeError) as error:  # what PyTorch raises where it has none
        text = str(error).partition("\n")[0]
        raise ClaimError("error", f"device={device!r} cannot be used: {text}") from error
    return replace(LIBRARIES[name], device=device)


def loaded(name: str) -> Any:
    return import_module(name)


def numpy_dtype(dtype: str) -> Any:
    if dtype != "bfloat16":
        return np.dtype(dtype)
    if find_spec("ml_dtypes") is None:
        raise ClaimError(
            "error", "NumPy arrays of bfloat16 need the package ml_dtypes, which is not installed"
        )
    return np.dtype(loaded("ml_dtypes").bfloat16)


# --------------------------------------------------------------------------
# Back
# --------------------------------------------------------------------------


def in_numpy(value: Any, name: str) -> np.ndarray:
    """A value as an array; raises ``ClaimError`` where its rows differ in length."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        text = f"{name or 'it'} came back as a {type(value).__name__} that is no array: {error}"
        raise ClaimError("shape", text, name) from error


def taken(value: Any, name: str) -> tuple[np.ndarray, str]:
    """What a function returned for a gradient, as float64, and the precision that it had.

    Raises ``ClaimError`` for what is no array of numbers, or holds NaN or infinity.
    """
    if value is None:
        raise ClaimError("error", f"None was returned for {name}, whose gradient is not zero", name)
    if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu()
        dtype = str(value.dtype).removeprefix("torch.")
        array = value.double().numpy() if value.is_floating_point() else value.numpy()
    else:
        array = in_numpy(value, name)
        dtype = "float64" if isinstance(value, float | int) else str(array.dtype)
    if array.dtype.kind not in "fiub" and dtype != "bfloat16":
        what = (
            f"an array of {array.dtype}" if array.dtype.kind != "O" else f"{type(value).__name__}"
        )
        raise ClaimError("error", f"{name} came back as {what}, not as an array of numbers", name)
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        what = "NaN" if np.isnan(array[at]) else "infinity"
        count = int((~np.isfinite(array)).sum())
        raise ClaimError(
            "error",
            f"{name} holds {what}, first at {list(at)}; {count} of its {array.size} entries "
            f"{'is' if count == 1 else 'are'} not finite",
            name,
        )
    return array, dtype


def coarsest(dtypes: Iterable[str]) -> str:
    """The precision with the largest errors among some."""
    known = [d for d in dtypes if d in PRECISIONS]
    return max(known, key=PRECISIONS.index, default="float64")
