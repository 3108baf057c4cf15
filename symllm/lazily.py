"""Modules that load when they are first used.

Deriving needs neither code generation nor pages nor judges; whoever imports
symllm to derive should not wait for them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stands for a module, and asks it for all of its names.

    Python's own ``LazyLoader`` puts a module that has not run where all look for it: an import
    from within a package that waits there runs the package, and then loads its own module twice.
    """

    def __getattr__(self, name: str) -> Any:
        module = sys.modules.get(self.__name__) or import_module(self.__name__)
        return getattr(module, name)


def lazily(name: str) -> ModuleType:
    """The module of that name, loaded at the first use of one of its attributes."""
    return sys.modules.get(name) or Later(name)
