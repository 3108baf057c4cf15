"""What lines of text hold that is on no keyboard, and how plain TeX sets it in a formula."""

from __future__ import annotations

from .names import SPELLED
from .text import GREEK

SIGNS = {letter: SPELLED[name] for name, letter in GREEK.items()} | {
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "∂": r"\partial",
    "√": r"\surd",
    "⊙": r"\odot",
    "⁴": "^4",
    "ᵀ": r"^\top",
    "\N{COMBINING CIRCUMFLEX ACCENT}": r"\llap{\^{}}",
    "\N{COMBINING TILDE}": r"\llap{\~{}}",
}
