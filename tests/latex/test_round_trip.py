"""Every formula of every chapter is read back to the expression that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from dialect import formulas_in
from emitted import Emitted, emitted_by, glanced, page_of, sides_in, squeezed, terms_in, unnoted
from round_trip import equal, free_in, in_indices, rank_of, read_back, why_not
from surroundings import Around, around

from symllm.calculations import Calculation, sides_of
from symllm.derivation import Derivation
from symllm.document import Document, run_chapter
from symllm.elaborate import is_explicit
from symllm.expressions import substitute
from symllm.latex.parse import Piece, parse
from symllm.latex.reading import read_part
from symllm.latex.tree import Relation
from symllm.render.calculation import bare, block, chain, chain_style
from symllm.render.printer import PLAIN
from symllm.statements import Average, E

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "derivations").glob("*.py"))

#: What pages display that is no expression, but words.
WORDS = {
    "names of counts": (
        r"\text{parameters}",
        r"\text{forward operations}",
        r"\text{backward operations}",
        r"\text{activations kept}",
    ),
    "a model in words: three stages, and the loss that comes out": (
        r"\text{embedding}(t)",
        r"\text{block}({x^{(\ell)}})",
        r"\text{head}({x^{(n_{\mathrm{layer}})}}, t_{\mathrm{next}})",
        "L",
    ),
}

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@cache
def document(path: Path) -> Document:
    return run_chapter(path, {})


def values(path: Path) -> Iterator[Any]:
    """What the cells of a chapter are worth, prose left out."""
    for shown in document(path).shown:
        if not shown.cell.prose and shown.value is not None:
            yield from shown.value if isinstance(shown.value, list | tuple) else [shown.value]


@cache
def formulas(path: Path) -> tuple[tuple[Emitted, Around], ...]:
    """Everything that is written on the page of a chapter, with what is known around it."""
    found = []
    for value in values(path):
        if emitted := emitted_by(value):  # not so of pictures, nor of code and what it prints
            at = around(value)
            found += [(one, at) for one in emitted]
    derived = [value for value in values(path) if isinstance(value, Derivation)]
    found += [(emitted, around(derivation)) for derivation, emitted in glanced(derived)]
    return tuple(found)


@cache
def displayed(path: Path) -> tuple[str, ...]:
    return tuple(tex for tex, shown in formulas_in(page_of(document(path))) if shown)


@chapters
def test_every_formula_of_a_chapter_is_read_back(path: Path) -> None:
    found = formulas(path)
    assert found
    wrong = [f"{e.tex}\n{why}" for e, at in found if (why := read_back(e, at))]
    assert not wrong, "\n\n".join(wrong)


@chapters
def test_nothing_is_displayed_that_is_not_among_them(path: Path) -> None:
    """Each side of each displayed formula of the page was written by a printer, or is words."""
    known = {squeezed(e.tex) for e, _ in formulas(path)}
    known |= {squeezed(text) for texts in WORDS.values() for text in texts}
    assert displayed(path)
    for tex in displayed(path):
        sides = list(sides_in(tex))
        assert sides
        for side in sides:
            assert side in known or all(t in known for t in terms_in(side)), f"{side} in\n{tex}"


@chapters
def test_every_displayed_formula_of_a_page_can_be_parsed(path: Path) -> None:
    for tex in (" \\\\ ".join(unnoted(tex)).strip() for tex in displayed(path)):
        if not any(text in tex for texts in WORDS.values() for text in texts):
            parse(f"y {tex}" if tex.startswith(("=", "&=", r"\le ", r"\ge ")) else tex)


def test_none_is_left_out() -> None:
    assert len(CHAPTERS) >= 28
    assert sum(len(formulas(path)) for path in CHAPTERS) > 6_000


# --------------------------------------------------------------------------
# Chains as they are displayed: broken over lines, with reasons beside them
# --------------------------------------------------------------------------

CHAINS = [path for path in CHAPTERS if "calculation(" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", CHAINS, ids=lambda path: path.stem)
def test_a_chain_is_read_as_it_is_displayed(path: Path) -> None:
    """Sides, signs and arrows, from the whole display and from the one without its reasons."""
    for value in (v for v in values(path) if isinstance(v, Calculation)):
        for tex in (*with_reasons(value), block(bare(chain(value, chain_style(value))))):
            found = [one for piece in parse(tex) for one in signed(piece)]
            wanted = list(links_of(value))
            assert [s for s, _ in found][: len(wanted)] == [s for s, _ in wanted], tex
            for (_, node), (_, expr) in zip(found, wanted, strict=False):
                why = read_node(node, tex, expr, around(value))
                assert not why, f"{tex}\n{why}"
            assert len(found) == len(wanted), tex


def with_reasons(value: Calculation) -> list[str]:
    """A chain with its reasons; in one line nothing parts a formula in a reason from the chain."""
    tex = value.to_latex()
    formula = any("$" in link.because for link in value.links)
    return [] if formula and r"\begin{aligned}" not in tex else [tex]


def signed(piece: Piece) -> Iterator[tuple[str, Any]]:
    """The sides of a relation, each with the sign or the arrow before it."""
    relation = isinstance(piece.node, Relation)
    signs, sides = (piece.node.signs, piece.node.sides) if relation else ((), (piece.node,))
    yield from zip((piece.arrow, *signs), sides, strict=True)


def links_of(value: Calculation) -> Iterator[tuple[str, Any]]:
    """The sides of a chain in the order displayed, each with the sign or the arrow before it."""
    signs = ["", *(link.relation for link in value.links)]
    groups = [value.start, *(link.after for link in value.links)]
    for sign, group in zip(signs, groups, strict=True):
        for number, statement in enumerate(group):
            first, *second = sides_of(statement)
            yield (sign if number == 0 else ""), first
            yield from (("=", side) for side in second)


def read_node(node: Any, tex: str, expr: Any, at: Around) -> str:
    emitted = in_indices(Emitted(expr, PLAIN, tex), at)
    expr = emitted.expr
    outcomes = read_part(node, tex, at.context, free_in(emitted, at), rank_of(expr, at))
    return why_not(emitted, at, outcomes)


# --------------------------------------------------------------------------
# What says something else is noticed
# --------------------------------------------------------------------------


def twice(expr: Any) -> Any:
    return 2 * expr


def swapped(expr: Any) -> Any:
    """With the first two indices in each other's places."""
    if is_matrix(expr):
        return expr
    letters = sorted((s for s in expr.free_symbols if is_letter(s)), key=str)[:2]
    return substitute(expr, dict(zip(letters, letters[::-1], strict=True)))


def is_letter(symbol: sp.Basic) -> bool:
    return isinstance(symbol, sp.Symbol) and bool(symbol.is_integer) and not symbol.is_positive


def not_averaged(expr: Any) -> Any:
    return expr.replace(lambda e: isinstance(e, Average), lambda e: e.args[0])


def not_spread(expr: Any) -> Any:
    return expr.replace(lambda e: isinstance(e, Average), lambda e: E(e.args[0]))


def transposed(expr: Any) -> Any:
    if not is_matrix(expr) or not is_explicit(*expr.shape):
        return expr
    entries = sp.Matrix(expr.as_explicit())
    return expr if sp.simplify(entries - entries.T).is_zero_matrix else expr.T


def is_matrix(expr: Any) -> bool:
    return isinstance(expr, sp.MatrixExpr)


#: A mistake, a chapter to plant it in, and in how many formulas it makes a difference at least.
PLANTED = (
    (twice, "normalisation", 100),
    (twice, "initialisation", 60),
    (twice, "language_models", 100),
    (swapped, "attention", 60),
    (swapped, "attention_theory", 10),
    (not_averaged, "attention_theory", 12),
    (not_spread, "attention_theory", 6),
    (transposed, "positions", 4),
)


@pytest.mark.parametrize(("mistake", "chapter", "least"), PLANTED)
def test_a_formula_that_says_something_else_is_noticed(
    mistake: Any, chapter: str, least: int
) -> None:
    """Each formula read as if it had come from an expression that is almost the same."""
    noticed = 0
    for emitted, at in formulas(ROOT / "derivations" / f"{chapter}.py"):
        if not isinstance(emitted.expr, sp.Expr | sp.MatrixExpr):
            continue
        other = mistake(emitted.expr)
        if other == emitted.expr or (
            not is_matrix(other) and equal(emitted.expr, other, emitted, at)
        ):
            continue  # zero twice, or what is symmetric
        assert read_back(replace(emitted, expr=other), at), emitted.tex
        noticed += 1
    assert noticed >= least
