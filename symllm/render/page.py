"""Ops and derivations as Markdown: what notebooks, documents and PDFs all show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ..calls import callees
from ..equation import Let
from ..errors import VerificationError
from ..expressions import name_of
from ..notation import Partial
from ..steps import Step
from .display import LINE, aligned, equation, stacked, width
from .evidence import evidence_text
from .flavour import Flavour, flavour_of
from .kinks import jumps, kinks
from .look import TEMPLATES
from .noted import Row, definitions, noted
from .place import ALONE, LONG, Place, Where, where
from .printer import PLAIN, Printer, Style, style_of
from .steps import lemma, lone_step, step_lines
from .subject import Definition, Derivation, asked_for, page_style, results
from .wording import given, listed, question


def op_markdown(op: Definition, flavour: str | Flavour = "github", anchor: str = "") -> str:
    """An op's forward equations, each with what it is in words."""
    f = flavour_of(flavour)
    style = replace(style_of(op.program), ranges=True)
    return fill(
        "op.md.j2",
        f=f,
        given=f.prose(given(op)),
        equations=definitions(op.equations, style),
        anchor=anchor,
    )


def derivation_markdown(
    derivation: Derivation, flavour: str | Flavour = "github", place: Place = ALONE
) -> str:
    """A derivation from its question to its code; it repeats nothing that ``place`` has before it.

    Raises ``VerificationError`` if the derivation does not verify.
    """
    f = flavour_of(flavour)
    style = page_style(derivation)
    certificate = derivation.verify(autograd=False)  # the same page everywhere
    if not certificate.ok:
        raise VerificationError(
            f"the {derivation.kind} of {derivation.op.name!r} does not verify: {certificate}"
        )
    return fill(
        "derivation.md.j2",
        f=f,
        question=f.prose(question(derivation, style)),
        lemmas=[lemma(fact, f, style) for fact in derivation.facts if not fact.declared],
        steps=step_lines(derivation, f, style, place),
        result=result_markdown(derivation, f, style, place),
        anchor=place.anchor,
        kinks=f.prose(" ".join(filter(None, (say(derivation, style) for say in (kinks, jumps))))),
        words=f.prose(place.words),
        matrix=matrix_rows(derivation, style),
        partly=None in (derivation.matrix or {}).values(),
        evidence="**Evidence.** " + f.prose(evidence_text(certificate)),
        code=re.sub(r"\n{3,}", "\n\n", derivation.listing().strip()),
    )


def result_markdown(derivation: Derivation, f: Flavour, style: Style, place: Place) -> str:
    """The results, and the names in them that the reader has not met."""
    needed = where(derivation, place)
    return fill(
        "result.md.j2",
        f=f,
        result=rows(results(derivation), style),
        where=[noted(rows) for rows in parted(needed.equations, style)],
        met=met_before(derivation, needed, f, Printer(style), place),
    )


def met_before(derivation: Derivation, needed: Where, f: Flavour, p: Printer, place: Place) -> str:
    """``$Q$ and $K$ as in the forward equations and $r$ as in softmax (given above)``."""
    ops = callees(derivation.op.program)
    sources = {"the forward equations": needed.met} if needed.met else {}
    for op, names in needed.inside.items():
        sources[f"{ops[op].called} ({place.derived[op]})"] = names
    said = [
        f.prose(listed([f"${p.name(name)}$" for name in names])) + f" as in {source}"
        for source, names in sources.items()
    ]
    return listed(said) if said else ""


#: So many gradients stand in a list with notes; of more, their names say what they are.
FEW = 2


def parted(lets: Sequence[Let], style: Style) -> list[list[Row]]:
    """Equations in lists: a long one is parted into names of the forward pass and gradients."""
    p, q = Printer(replace(style, ranges=True)), Printer(style)
    gradients = [let for let in lets if let.note == f"gradient of {let.name[1:]}"]
    unnoted = gradients if len(gradients) > FEW else []
    rows = [
        Row(p(let.lhs), let.rhs, "" if let in unnoted else let.note, q if let in gradients else p)
        for let in lets
    ]
    lists = [rows] if len(lets) <= LONG else [[r for r in rows if r.p is one] for one in (p, q)]
    return [found for found in lists if found]


def step_markdown(step: Step, flavour: str | Flavour = "notebook", style: Style = PLAIN) -> str:
    """A step by itself: its rule, its reason and its equation."""
    f = flavour_of(flavour)
    line = lone_step(step, f, style)
    return f"**{line.rule}** {line.reason}\n\n{f.display(line.tex)}\n"


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
    return stacked([equation(p(left), [right], style) for left, right in equations])


def matrix_rows(derivation: Derivation, style: Style) -> str:
    """The results in matrix notation, where it says more than indices do."""
    matrices = {k: v for k, v in (derivation.matrix or {}).items() if v is not None}
    if all(is_entrywise(value) for value in matrices.values()):
        return ""
    p = Printer(style)
    asked: dict[str, Any] = {}
    if derivation.kind != "gradient":
        names = [let.name for let in derivation.result_equations]
        asked = dict(zip(names, map(whole, asked_for(derivation)), strict=True))
    left = {name: p(asked[name]) if name in asked else str(p.name(name)) for name in matrices}
    lines = [matrix_lines(left[name], p(value)) for name, value in matrices.items()]
    # What is still too wide says less than its entries do.
    rows = [row for found in lines if max(map(width, found)) <= LINE for row in found]
    return aligned(rows) if rows else ""


#: Upright words such as diag are wider than the letters that are counted.
UPRIGHT_WORDS = 4.0


def matrix_lines(left: str, right: str) -> list[str]:
    """One line, or where that is too wide one for each term outside all brackets."""
    if width(f"{left} = {right}") <= LINE - UPRIGHT_WORDS:
        return [f"{left} &= {right}"]
    depth, terms, start = 0, [], 0
    for k, c in enumerate(right):
        depth += (c in "({[") - (c in ")}]")
        if not depth and right.startswith((" + ", " - "), k):
            terms.append(right[start:k])
            start = k
    first, *rest = [*terms, right[start:]]
    return [f"{left} &= {first}", *(rf"&\qquad {{}} {term.strip()}" for term in rest)]


def is_entrywise(matrix: Any) -> bool:
    """Does every entry depend on the same entry of other matrices alone?"""
    return not matrix.has(sp.Transpose, sp.DiagMatrix) and not any(
        len(product.as_coeff_matrices()[1]) > 1 for product in matrix.atoms(sp.MatMul)
    )


def whole(quantity: Any) -> Any:
    """A derivative of entries as that of the tensors: ``dp/dx`` for ``dp_i/dx_j``."""
    if isinstance(quantity, Partial):
        return Partial(whole(quantity.quantity), whole(quantity.entry))
    return sp.Symbol(name_of(quantity))
