"""Names as plain text and as SVG: letters that need no TeX."""

from __future__ import annotations

import re
from html import escape

from ..render.names import Name

SPELT = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
    "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell"
)
LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩℓ"
GREEK = dict(zip(SPELT.split(), LETTERS, strict=True))
ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304"}


def unicode_text(tex: str) -> str:
    r"""``x̂`` for ``\hat{x}``, ``γ`` for ``\gamma``."""
    text = re.sub(r"\\(mathrm|text)\{([^{}]*)\}", r"\2", tex)
    text = re.sub(
        r"\\([A-Za-z]+) ?", lambda m: m[0] if m[1] in ACCENTS else GREEK.get(m[1], m[1]), text
    )
    return (
        re.sub(r"\\(hat|tilde|bar)\{(\w)\}", lambda m: m[2] + ACCENTS[m[1]], text)
        .replace("{", "")
        .replace("}", "")
    )


def plain_name(name: Name) -> str:
    """A name in one line of text."""
    below = ",".join(map(unicode_text, name.subscripts))
    head = unicode_text(name.head)
    return f"{head}_{below}" if below else head


def svg_name(name: Name) -> str:
    """A name as SVG: letters of mathematics are slanted, words upright."""
    head = unicode_text(name.head)
    upright, letter = (head[:1], head[1:]) if name.adjoint else ("", head)
    style = "italic" if len(re.sub(r"[\u0300-\u036f]", "", letter)) == 1 else "normal"
    shown = escape(upright) + f'<tspan font-style="{style}">{escape(letter)}</tspan>'
    if name.subscripts:
        below = ",".join(map(unicode_text, name.subscripts))
        shown += f'<tspan dy="4" font-size="11">{escape(below)}</tspan>'
    return shown
