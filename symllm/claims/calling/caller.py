"""What is asked about a function, and what every kind of function has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...op import Op
from ..points import Point
from .binding import Binding, Said
from .giving import Form
from .matching import Source, Vocabulary
from .results import Raw


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the caller of ``check_gradient`` said."""

    fn: Any
    op: Op
    args: Said | None = None
    returns: tuple[str | None, ...] | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    dtype: str = "float64"
    layout: Mapping[str, str] | None = None
    upstream: str = "given"
    seed: int = 0
    timeout: float | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    forward: Callable[..., Any] | None = None
    library: str | None = None
    device: str | None = None


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody's function, and how to call it at a point.

    ``sizes`` are those that it can only have, ``fixed`` the op's constants that it has inside,
    ``inferred`` what was read of it without calling.
    """

    fn: Any
    form: Form
    vocabulary: Vocabulary
    binding: Binding
    sizes: Mapping[str, int] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    inferred: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.binding.sources

    @property
    def quantities(self) -> tuple[str, ...]:
        return self.binding.quantities

    @property
    def takes_upstream(self) -> bool:
        return not set(self.vocabulary.upstream).isdisjoint(self.quantities)

    def shapes(self, point: Point) -> dict[str, tuple[int, ...]]:
        """The shapes in which it should give the gradients."""
        names = [f"d{name}" for name in self.form.question.wrt]
        return {name: self.form.layout(name).shape(point.sizes) for name in names}

    def raw(self, point: Point, fill: float = 0.0) -> Raw:
        """Its gradients there; buffers hold ``fill`` before. Raises ``ClaimError``."""
        raise NotImplementedError
