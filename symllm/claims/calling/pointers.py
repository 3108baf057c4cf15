"""Functions of C, called through ``ctypes``: pointers to buffers, sizes as ints."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr
from collections.abc import Callable
from typing import Any

import numpy as np

from ..verdict import ClaimError

#: The types of C's numbers that buffers hold.
BUFFERS = {ctypes.c_float: "float32", ctypes.c_double: "float64"}


#: The types of what an array is passed as.
POINTERS = (ctypes._Pointer, ctypes.c_void_p)


def is_pointer(fn: Any) -> bool:
    return isinstance(fn, CFuncPtr)


def buffer_type(argtype: Any) -> str:
    """The precision of the buffers that an entry of ``argtypes`` points to; "" if it says none."""
    pointed = getattr(argtype, "_type_", None)
    if isinstance(pointed, type) and pointed in BUFFERS:
        return BUFFERS[pointed]
    dtype = getattr(argtype, "_dtype_", None)  # of numpy.ctypeslib.ndpointer
    return str(dtype) if dtype is not None and dtype.kind == "f" else ""


def precision(fn: Any, asked: str) -> tuple[str, str]:
    """The precision of a function's buffers, and what was inferred to know it."""
    said = list(dict.fromkeys(filter(None, map(buffer_type, fn.argtypes or ()))))
    if len(said) > 1:
        raise ClaimError(
            "error", f"its argtypes point to {' and '.join(said)}: one precision is expected"
        )
    if said:
        return said[0], "" if said[0] == asked else f"its buffers are {said[0]}, as argtypes says"
    if fn.argtypes:
        return asked, ""
    name = "double" if asked == "float64" else asked.replace("float32", "float")
    return asked, f"its argtypes are not set: buffers are passed as {name}*, sizes as int"


def python_function(fn: Any, dtype: str) -> Callable[..., Any]:
    """The same as a function of NumPy arrays, which it reads and writes in place."""
    argtypes = fn.argtypes or ()

    def call(*args: Any) -> Any:
        if argtypes and len(args) != len(argtypes):
            raise ClaimError(
                "error", f"args= names {len(args)} arguments, but its argtypes has {len(argtypes)}"
            )
        types = (*argtypes, *(None for _ in args[len(argtypes) :]))
        given = [converted(a, t, dtype) for a, t in zip(args, types, strict=True)]
        found = fn(*(pointer for pointer, _ in given))
        return found if fn.restype in BUFFERS else None

    call.__name__ = call.__qualname__ = getattr(fn, "__name__", "the C function")
    return call


def converted(value: Any, argtype: Any, dtype: str) -> tuple[Any, Any]:
    """A value as C takes it, and the array that has to live as long as the call."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iub":
            value = np.ascontiguousarray(value, integers(argtype))
        if hasattr(argtype, "_dtype_"):
            return value, value
        pointed = argtype if argtype is not None else ctypes.c_void_p
        if not isinstance(pointed, type) or not issubclass(pointed, POINTERS):
            raise ClaimError(
                "error", f"args= has an array where argtypes has {getattr(pointed, '__name__', '')}"
            )
        return ctypes.cast(value.ctypes.data, pointed), value
    if argtype is None and isinstance(value, float | np.floating):
        return (ctypes.c_double if dtype == "float64" else ctypes.c_float)(float(value)), None
    if argtype is None and isinstance(value, int | np.integer):
        return ctypes.c_int(int(value)), None
    return (value.item() if isinstance(value, np.generic) else value), None


def integers(argtype: Any) -> Any:
    """The type of integers that an entry of ``argtypes`` points to; C's int if it says none."""
    if getattr(argtype, "_dtype_", None) is not None:
        return argtype._dtype_
    pointed = getattr(argtype, "_type_", None)
    is_integer = isinstance(pointed, type) and issubclass(pointed, ctypes._SimpleCData)
    return np.dtype(pointed) if is_integer else np.dtype(np.intc)
