"""What can be read of a function without calling it."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tokenize import TokenError
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .vocabulary import BACKWARD_WORDS, FORWARD_NAMES, fold

#: Parameters that take whatever is left; nothing is passed to them.
REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

#: Libraries, the one first whose functions cannot do with another's arrays.
LIBRARIES = ("torch", "jax", "numpy")

#: Methods and keywords that only one library has.
TELLTALES = {
    "torch": frozenset({"keepdim", "unsqueeze", "rsqrt", "masked_fill", "requires_grad", "view_as"})
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function."""

    name: str
    required: bool
    keyword: bool
    default: Any = None


def title(fn: Any) -> str:
    """What to call a function in messages."""
    for name in ("__qualname__", "__name__"):
        if isinstance(found := getattr(fn, name, None), str):
            return found.rpartition("<locals>.")[2]
    return type(fn).__name__


def parameters(fn: Any) -> tuple[Parameter, ...] | None:
    """The parameters of anything that can be called; None where Python does not know them."""
    try:
        found = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return None
    return tuple(
        Parameter(p.name, p.default is p.empty, p.kind is p.KEYWORD_ONLY, p.default)
        for p in found
        if p.kind not in REST
    )


def function_of(fn: Any) -> FunctionType | None:
    """The Python function in a callable: what is decorated, a method's, or a partial's."""
    found = inspect.unwrap(fn) if callable(fn) else fn
    found = getattr(found, "func", found)  # functools.partial
    found = getattr(found, "__func__", found)
    found = getattr(found, "fun", found)  # jax.custom_vjp
    found = inspect.unwrap(found) if callable(found) else found
    if not isinstance(found, FunctionType) and not isinstance(found, type):
        found = vars(type(found)).get("__call__")
    return found if isinstance(found, FunctionType) else None


def tree_of(fn: Any) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None:
    """The source of a function, parsed; None where there is none."""
    function = function_of(fn)
    try:
        lines = textwrap.dedent(inspect.getsource(function)) if function else ""
        found = ast.parse(lines)
    except (OSError, TypeError, SyntaxError, TokenError):  # its file may have changed since
        return None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return next((node for node in ast.walk(found) if isinstance(node, kinds)), None)


def returned(fn: Any) -> tuple[str, ...]:
    """The names in its last ``return``, in order; "" for what is no name, () if unknown."""
    tree = tree_of(fn)
    if tree is None:
        return ()
    values = [tree.body] if isinstance(tree, ast.Lambda) else list(return_values(tree.body))
    if not values:
        return ()
    value = values[-1]
    if isinstance(value, ast.Tuple | ast.List):
        return tuple(map(name_in, value.elts))
    return (name_in(value),)


def return_values(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """What is returned, except by functions inside."""
    for statement in body:
        if isinstance(statement, ast.Return) and statement.value is not None:
            yield statement.value
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from return_values(getattr(statement, part, []))


def name_in(value: ast.expr) -> str:
    """The name that an expression is about: ``dx`` in ``dx``, ``self.dx``, ``dx.reshape(...)``."""
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        inner = name_in(value.func.value)
        return inner if inner not in ("", "np", "torch", "jnp", "jax", "numpy") else ""
    if isinstance(value, ast.Attribute):
        return value.attr
    return ""


def numbers(fn: Any) -> tuple[float, ...]:
    """The floats that are written in a function, or that it finds outside by name."""
    function, tree = function_of(fn), tree_of(fn)
    if function is None or tree is None:
        return ()
    found = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    outside = {**function.__globals__, **closure(function)}
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    found += [outside[name] for name in names if name in outside]
    return tuple(dict.fromkeys(v for v in found if isinstance(v, float)))


def closure(function: FunctionType) -> dict[str, Any]:
    return dict(inspect.getclosurevars(function).nonlocals) if function.__closure__ else {}


# --------------------------------------------------------------------------
# Which library, and which forward function
# --------------------------------------------------------------------------


def library_of(fn: Any) -> str:
    """The library whose arrays a function wants: numpy, torch or jax."""
    roots = {root(type(fn).__module__), root(getattr(fn, "__module__", "") or "")}
    if isinstance(fn, type):
        roots |= {root(base.__module__) for base in fn.__mro__}
    else:
        roots |= {root(base.__module__) for base in type(fn).__mro__}
    function = function_of(fn)
    if function is not None:
        roots |= set(roots_in(function))
    elif isinstance(fn, type):
        for method in vars(fn).values():
            if isinstance(method, FunctionType):
                roots |= set(roots_in(method))
    mentioned = next((name for name in LIBRARIES if name in roots), "")
    return mentioned or (telltale(function) if function else "numpy")


def telltale(function: FunctionType) -> str:
    """Of a function that mentions no library, by the methods and keywords that it uses."""
    names = set(names_in(function.__code__))
    return next((name for name, own in TELLTALES.items() if not own.isdisjoint(names)), "numpy")


def roots_in(function: FunctionType, seen: set[FunctionType] | None = None) -> Iterator[str]:
    """The libraries that a function mentions, annotates with, or calls its way to."""
    seen = set() if seen is None else seen
    seen.add(function)
    for note in getattr(function, "__annotations__", {}).values():
        yield root(note if isinstance(note, str) else getattr(note, "__module__", ""))
    outside = {**function.__globals__, **closure(function)}
    for name in names_in(function.__code__):
        value = outside.get(name)
        if isinstance(value, ModuleType):
            yield root(value.__name__)
        elif value is not None:
            yield root(getattr(value, "__module__", "") or "")
            inner = function_of(value) if callable(value) else None
            if inner is not None and inner not in seen and inner.__module__ == function.__module__:
                yield from roots_in(inner, seen)


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
        elif isinstance(constant, tuple):  # the names of keywords
            yield from (name for name in constant if isinstance(name, str))


def root(module: str) -> str:
    name = module.partition(".")[0]
    return "jax" if name in ("jaxlib", "jnp") else name


def sounds_backward(fn: Any) -> bool:
    return any(word in fold(title(fn)) for word in BACKWARD_WORDS)


def forward_beside(fn: Any) -> Callable[..., Any] | None:
    """The function that a backward function's name calls its forward function, if there is one."""
    name = getattr(fn, "__name__", "")
    function = function_of(fn)
    module = sys.modules.get(getattr(fn, "__module__", "") or "")
    around = {**vars(module)} if module else {}
    around |= {**function.__globals__, **closure(function)} if function else {}
    for part, other in FORWARD_NAMES:
        if part in name and callable(found := around.get(name.replace(part, other))):
            return found
    return None
