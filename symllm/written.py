"""Python operators for what stands for a SymPy expression and is none itself."""

from __future__ import annotations

from typing import Any

import sympy as sp


class Written:
    """Python operators for things that stand for a SymPy expression."""

    def _sympy_(self) -> sp.Expr:
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self._sympy_() + other

    def __radd__(self, other: Any) -> Any:
        return other + self._sympy_()

    def __sub__(self, other: Any) -> Any:
        return self._sympy_() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._sympy_()

    def __mul__(self, other: Any) -> Any:
        return self._sympy_() * other

    def __rmul__(self, other: Any) -> Any:
        return other * self._sympy_()

    def __truediv__(self, other: Any) -> Any:
        return self._sympy_() / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self._sympy_()

    def __pow__(self, other: Any) -> Any:
        return self._sympy_() ** other

    def __rpow__(self, other: Any) -> Any:
        return other ** self._sympy_()

    def __neg__(self) -> Any:
        return -self._sympy_()

    def __le__(self, other: Any) -> Any:
        return self._sympy_() <= other

    def __lt__(self, other: Any) -> Any:
        return self._sympy_() < other

    def __ge__(self, other: Any) -> Any:
        return self._sympy_() >= other

    def __gt__(self, other: Any) -> Any:
        return self._sympy_() > other
