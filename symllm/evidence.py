"""What speaks for a step, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """What speaks for a step: ``points`` scalar comparisons, the worst relative error.

    ``where`` says where the error is largest and what the values are there.
    """

    proved: bool
    checked: bool
    points: int
    worst: float
    bound: float
    where: str = ""

    def __str__(self) -> str:
        if not self.checked:
            return f"FALSE: {self.where}"
        return f"{'proved, ' if self.proved else ''}checked {bound_text(self.bound)}"


def bound_text(bound: float) -> str:
    """The bound that was met, rounded up to a power of ten: ``< 1e-9``."""
    mantissa, exponent = f"{bound:.15e}".split("e")
    return f"< 1e{int(exponent) + (float(mantissa) > 1)}"
