"""Every arrow points down: who may import whom, and how long a file may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

import symllm

#: From the ground up. A module imports from the floors below its own, or from its own package;
#: an entry stands for the module or package of that name and for all that is inside.
FLOORS = (
    ("errors", "evidence", "lazily", "expressions", "footprint", "written"),
    ("notation", "files"),
    ("equation", "explicit", "statements", "steps"),
    ("elaborate", "shapes"),
    ("program",),
    ("calls",),
    ("axes", "definitions"),
    ("algebra.numbers", "algebra.slots"),
    ("flops",),
    ("algebra.terms",),
    ("algebra.functions", "algebra.walk"),
    ("algebra.factor",),
    ("algebra.change",),
    ("algebra.products", "algebra.sums"),
    ("algebra.calculus", "algebra.quotients", "algebra.read", "algebra.rewrite"),
    ("algebra.write", "algebra"),
    ("derive", "arithmetic", "sampling"),
    ("concrete", "values"),
    ("evaluate",),
    ("comparison", "trial"),
    ("oracle",),
    ("verify",),
    ("relations",),
    ("setting",),
    ("codegen", "render"),
    ("counts",),
    ("derivation",),
    ("questions",),
    ("latex",),
    ("calculations", "op"),
    ("optima",),
    ("pictures",),
    ("book", "catalogue", "headings"),
    ("chapters",),
    ("document",),
    ("claims",),
    ("latex.truth",),
    ("latex.check",),
    ("models",),
    ("symbols",),
    ("leaf",),
    ("formats",),
    ("measured",),
    ("made",),
    ("apart", "cache", "worker"),
    ("making",),
    ("build", ""),  # "" is the face of the package: symllm/__init__.py
    ("cli",),
    ("__main__",),
)

#: Who judges the engine knows nothing of it; who prints its results does not either.
ENGINE = frozenset({"algebra", "derive"})
JUDGES = frozenset({"arithmetic", "comparison", "concrete", "evaluate", "oracle", "sampling"})
JUDGES |= {"relations", "trial", "values", "verify"}
STRANGERS = {
    **dict.fromkeys(ENGINE, JUDGES | {"codegen", "render"}),
    **dict.fromkeys(JUDGES, ENGINE | {"codegen", "render"}),
    "codegen": ENGINE | JUDGES | {"render"},
    "render": ENGINE | JUDGES | {"codegen"},
}

#: What may be missing, and so is imported where it is needed.
OPTIONAL = frozenset({"torch", "typst", "pypandoc", "nbformat", "latex2sympy2"})

VAGUE = frozenset({"utils", "util", "helpers", "helper", "misc"})

LONGEST = 400


# --------------------------------------------------------------------------
# Reading a tree of modules
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """A file, by its name without the package's: ``render.page``."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def package(self) -> list[str]:
        """The names that ``from .`` starts at."""
        parts = self.name.split(".") if self.name else []
        return parts if self.path.name == "__init__.py" else parts[:-1]


def modules_of(root: Path) -> dict[str, Module]:
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return found


def imports_of(module: Module, known: Mapping[str, Module], root: str) -> set[str]:
    """The package's own modules that this one imports, now or lazily."""
    found = set()
    for node in ast.walk(module.tree):
        for written in targets(module, node, root):
            name = written
            while name and name not in known:  # the names that are inside a module
                name = name.rpartition(".")[0]
            found.add(name)
    return found - {module.name}


def targets(module: Module, node: ast.AST, root: str) -> Iterator[str]:
    """Dotted names that a node imports, without the package's own name."""
    match node:
        case ast.ImportFrom(module=source, names=names, level=level):
            start = module.package[: len(module.package) - level + 1] if level else []
            parts = [*start, *(source.split(".") if source else [])]
            if not level and parts.pop(0) != root:
                return
            yield from (".".join([*parts, alias.name]) for alias in names)
        case ast.Import(names=names):
            inside = (alias.name for alias in names if alias.name.split(".")[0] == root)
            yield from (name.partition(".")[2] for name in inside)
        case ast.Call(func=ast.Name(id="lazily"), args=[ast.Constant(value=str(name))]):
            if name.startswith(f"{root}."):
                yield name.removeprefix(f"{root}.")


# --------------------------------------------------------------------------
# The rules: each yields a sentence for what breaks it
# --------------------------------------------------------------------------


def faults(root: Path) -> list[str]:
    known = modules_of(root)
    graph = {name: imports_of(module, known, root.name) for name, module in known.items()}
    found = [*unplaced(graph), *upward(graph), *strange(graph), *circles(graph)]
    for module in known.values():
        found += [*inner_imports(module), *too_long(module), *vague(module)]
    return found


def entry_of(name: str) -> str | None:
    """The entry of the table that covers a module: the most exact one."""
    entries = {entry for floor in FLOORS for entry in floor}
    parts = name.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in entries), None)


def floor_of(name: str) -> int:
    entry = entry_of(name)
    return next(n for n, floor in enumerate(FLOORS) if entry in floor)


def unplaced(graph: Mapping[str, set[str]]) -> Iterator[str]:
    for name in graph:
        if entry_of(name) is None:
            yield f"{name} stands on no floor: give it a place in FLOORS"


def upward(graph: Mapping[str, set[str]]) -> Iterator[str]:
    placed = {name for name in graph if entry_of(name) is not None}
    for name in sorted(placed):
        for other in sorted(graph[name] & placed):
            same = entry_of(name) == entry_of(other)
            if not same and floor_of(other) >= floor_of(name):
                yield f"{name} imports {other}, which is not below it"


def strange(graph: Mapping[str, set[str]]) -> Iterator[str]:
    for name, imported in graph.items():
        for other in sorted(imported):
            if other.split(".")[0] in STRANGERS.get(name.split(".")[0], ()):
                yield f"{name} imports {other}, of which it should know nothing"


def circles(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """One sentence for each module that reaches itself."""
    for name in graph:
        seen, waiting = set[str](), list(graph[name])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += graph.get(other, ())
        if name in seen:
            yield f"{name} imports itself in a circle"


def inner_imports(module: Module) -> Iterator[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    for function in (node for node in ast.walk(module.tree) if isinstance(node, functions)):
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = ["." * node.level + (node.module or "")]
            else:
                continue
            for name in names:
                if name.split(".")[0] not in OPTIONAL:
                    yield f"{module.name}:{node.lineno} imports {name} inside a function"


def too_long(module: Module) -> Iterator[str]:
    lines = len(module.text.splitlines())
    if lines > LONGEST:
        yield f"{module.name} has {lines} lines; at most {LONGEST} can be read at a sitting"


def vague(module: Module) -> Iterator[str]:
    if module.name.split(".")[-1] in VAGUE:
        yield f"{module.name} has a name that says nothing"


# --------------------------------------------------------------------------
# The package, and planted faults
# --------------------------------------------------------------------------


def test_the_package_keeps_the_rules() -> None:
    assert faults(Path(symllm.__file__).parent) == []


def test_tests_can_be_read_at_a_sitting_too() -> None:
    known = modules_of(Path(__file__).parent)
    assert "test_architecture" in known
    assert [fault for module in known.values() for fault in too_long(module)] == []


def test_the_reader_sees_the_package() -> None:
    """A reader that finds no imports would find no fault either."""
    root = Path(symllm.__file__).parent
    known = modules_of(root)
    graph = {name: imports_of(module, known, root.name) for name, module in known.items()}
    assert len(known) > 50
    assert {"errors", "equation", "notation", "op", "catalogue"} <= graph[""]
    assert "derivation" in graph["op"]
    assert {"verify", "derive.narrate"} <= graph["derivation"]


HEAVY = {"click", "rich", "jinja2", "scipy", "torch", "pypandoc", "typst", "IPython", "lark"}
HEAVY |= {"symllm.cli"}


def test_deriving_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys; from symllm import ops; ops.softmax.gradient('x').steps; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "symllm.derivation" in done.stdout.split()
    assert HEAVY & set(done.stdout.split()) == set()


PLANTED = {
    "an import upwards": ("notation.py", "from .op import Op", "notation imports op, which"),
    "an absolute import": ("notation.py", "import symllm.op", "notation imports op, which"),
    "a lazy import": ("notation.py", "x = lazily('symllm.op')", "notation imports op, which"),
    "an import upwards inside algebra": (
        "algebra/terms.py",
        "from .write import Writer",
        "algebra.terms imports algebra.write, which",
    ),
    "a judge that knows the engine": (
        "verify.py",
        "from .algebra.terms import Poly",
        "verify imports algebra.terms, of which",
    ),
    "an engine that knows its judge": (
        "derive/narrate.py",
        "from .. import evaluate",
        "derive.narrate imports evaluate, of which",
    ),
    "code that knows the engine": (
        "codegen/numpy.py",
        "from ..derive import narrate",
        "codegen.numpy imports derive.narrate, of which",
    ),
    "an import inside a function": (
        "op.py",
        "def f():\n    import json",
        "op:2 imports json inside a function",
    ),
    "a relative import inside a function": (
        "op.py",
        "def f():\n    from .program import Let",
        "op:2 imports .program inside a function",
    ),
    "a circle": ("codegen/numpy.py", "from . import other", "codegen.numpy imports itself in a"),
    "a module without a place": ("stray.py", "", "stray stands on no floor"),
    "a vague name": ("cli/utils.py", "", "cli.utils has a name that says nothing"),
    "a long file": ("op.py", "\n" * (LONGEST + 1), f"op has {LONGEST + 1} lines"),
}


def planted(folder: Path, path: str = "errors.py", text: str = "") -> Path:
    """A small tree that keeps the rules, but for one file."""
    root = folder / "symllm"
    files = {
        "__init__.py": "from .op import Op",
        "errors.py": "import json",
        "notation.py": "from .errors import SymllmError",
        "program.py": "from . import notation",
        "evaluate.py": "from .program import Let",
        "verify.py": "from . import evaluate",
        "algebra/__init__.py": "from .terms import Poly",
        "algebra/terms.py": "from ..errors import SymllmError",
        "algebra/write.py": "from .terms import Poly",
        "derive/narrate.py": "from ..algebra import write",
        "codegen/numpy.py": "from ..program import Let",
        "codegen/other.py": "from .numpy import code",
        "op.py": "from .derive.narrate import steps\ndef f():\n    import torch",
        "cli/app.py": "from .. import op",
    }
    for name, content in (files | {path: text or files.get(path, "")}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_a_tree_that_keeps_the_rules_has_no_fault(tmp_path: Path) -> None:
    assert faults(planted(tmp_path)) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str, tmp_path: Path) -> None:
    path, text, expected = PLANTED[name]
    assert any(fault.startswith(expected) for fault in faults(planted(tmp_path, path, text)))
