"""Ops and derivations as Markdown: what notebooks, documents and PDFs all show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jinja2

from ..errors import VerificationError
from .display import aligned, definitions, equation
from .evidence import evidence_text
from .flavour import Flavour, flavour_of
from .printer import Printer, Style, style_of
from .steps import lemma, step_lines
from .subject import Definition, Derivation, page_style, results
from .wording import given, question

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("symllm.render"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def op_markdown(op: Definition, flavour: str | Flavour = "github") -> str:
    """An op's forward equations, each with what it is in words."""
    f = flavour_of(flavour)
    style = replace(style_of(op.program), ranges=True)
    return fill(
        "op.md.j2",
        f=f,
        given=f.prose(given(op)),
        equations=definitions(op.equations, style),
        aliases=definitions(op.program.aliases, style) if op.program.aliases else "",
    )


def derivation_markdown(
    derivation: Derivation, flavour: str | Flavour = "github", forward: bool = False
) -> str:
    """A derivation from its question to its code; ``forward`` puts the op's equations before.

    Raises ``VerificationError`` if the derivation does not verify.
    """
    f = flavour_of(flavour)
    style = page_style(derivation)
    certificate = derivation.verify(autograd=False)  # the same page everywhere
    if not certificate.ok:
        raise VerificationError(
            f"the {derivation.kind} of {derivation.op.name!r} does not verify: {certificate}"
        )
    matrices = {k: v for k, v in (derivation.matrix or {}).items() if v is not None}
    where = list(derivation.where.values())
    page = fill(
        "derivation.md.j2",
        f=f,
        question=f.prose(question(derivation, style)),
        lemmas=[lemma(fact, f, style) for fact in derivation.facts if not fact.declared],
        steps=step_lines(derivation, f, style),
        result=fill(
            "result.md.j2",
            f=f,
            result=rows(results(derivation), style),
            where=definitions(where, replace(style, ranges=True)) if where else "",
        ),
        matrix=matrix_rows(matrices, style),
        evidence="**Evidence.** " + f.prose(evidence_text(certificate)),
        code=derivation.code("numpy").strip(),
    )
    if not forward:
        return page
    op = derivation.op
    return f"## {op.title}\n\n{f.prose(op.about)}\n\n{op_markdown(op, f)}\n{page}"


def fill(template: str, **values: Any) -> str:
    return TEMPLATES.get_template(template).render(**values).strip() + "\n"


def op_latex(op: Definition) -> str:
    """An op's equations as one formula, for a notebook's rich display."""
    return definitions(op.equations, replace(style_of(op.program), ranges=True))


def derivation_latex(derivation: Derivation) -> str:
    """A derivation's result as one formula: what a notebook shows and a paper quotes."""
    style = page_style(derivation)
    where = [(let.lhs, let.rhs) for let in derivation.where.values()]
    return rows([*results(derivation), *where], style)


# --------------------------------------------------------------------------
# Results
# --------------------------------------------------------------------------


def rows(equations: Sequence[tuple[Any, Any]], style: Style) -> str:
    """Equations under each other, aligned at their equals signs."""
    p = Printer(style)
    if len(equations) == 1:
        ((left, right),) = equations
        return equation(p(left), [right], style)
    lines = []
    for left, right in equations:
        text = equation(p(left), [right], style)
        inner = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
        lines.append(inner if "&=" in inner else inner.replace(" = ", " &= ", 1))
    return aligned(lines)


def matrix_rows(matrices: Mapping[str, Any], style: Style) -> str:
    if not matrices:
        return ""
    p = Printer(style)
    lines = [f"{p.name(name)} &= {p(value)}" for name, value in matrices.items()]
    return aligned(lines) if len(lines) > 1 else lines[0].replace("&", "")
