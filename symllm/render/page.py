"""Ops and derivations as Markdown: what notebooks, documents and PDFs all show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jinja2

from ..errors import VerificationError
from .display import aligned, definitions, equation, noted
from .evidence import evidence_text
from .flavour import Flavour, flavour_of
from .printer import Printer, Style, style_of
from .steps import lemma, step_lines
from .subject import Definition, Derivation, asked_for
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
    certificate = derivation.verify()
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


def glance_markdown(derivations: Sequence[Derivation], flavour: str | Flavour = "github") -> str:
    """The results of a chapter under each other, for who has come for a formula alone."""
    f = flavour_of(flavour)
    styles = [page_style(derivation) for derivation in derivations]
    style = Style(
        tuple(dict.fromkeys(name for s in styles for name in s.names)),
        frozenset().union(*(s.offsets for s in styles)),
    )
    p = Printer(style)
    lines: dict[tuple[str, Any], str] = {}
    for derivation in derivations:
        own = [let for name, let in derivation.where.items() if is_new(derivation, name)]
        found = [*results(derivation), *((let.lhs, let.rhs) for let in own)]
        for n, (quantity, value) in enumerate(found):
            lines.setdefault((p(quantity), value), derivation.op.title if n == 0 else "")
    rows = [(left, value, title) for (left, value), title in lines.items()]
    return f.box("result", f"**At a glance.**\n\n{f.display(noted(rows, style))}") + "\n"


def is_new(derivation: Derivation, name: str) -> bool:
    """Is this a name that the derivation made, and not the op?"""
    program = derivation.op.program
    return name not in program.tensors and all(name != a.name for a in program.aliases)


def fill(template: str, **values: Any) -> str:
    return TEMPLATES.get_template(template).render(**values).strip() + "\n"


def page_style(derivation: Derivation) -> Style:
    style = style_of(derivation.op.program)
    own = [name for name in derivation.where if name not in style.names]
    return replace(style, names=(*style.names, *own))


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


def results(derivation: Derivation) -> list[tuple[Any, Any]]:
    """What was asked for, and what it is."""
    asked = asked_for(derivation)
    lets = derivation.result_equations
    if len(asked) != len(lets):
        return [(let.lhs, let.rhs) for let in lets]
    return [(q, let.rhs) for q, let in zip(asked, lets, strict=True)]


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
