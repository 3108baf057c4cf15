"""Flavours: each reader finds its own marks, and all find the same formulas."""

from __future__ import annotations

import re

import pytest

from symllm import ops, pictures
from symllm.render.flavour import FLAVOURS, WRITTEN, flavour_of

#: How a displayed and an inline formula, a link and a graph are marked.
MARKS = {
    "github": ("```math\nx\n```", "$`x`$", "[T](c.md)", "```mermaid\n"),
    "mkdocs": ("$$\nx\n$$", "$x$", "[T](c.md)", "```mermaid\n"),
    "myst": ("```{math}\nx\n```", "{math}`x`", "[T](c.md)", "```{mermaid}\n"),
    "notebook": ("$$\nx\n$$", "$x$", "*T*", "<svg "),
    "pandoc": ("$$\nx\n$$", "$x$", "[T](c.md#a)", "```{.picture words="),
}


@pytest.mark.parametrize("name", FLAVOURS)
def test_each_flavour_has_its_own_marks(name):
    f = flavour_of(name)
    display, inline, chapter, graph = MARKS[name]
    assert (f.display("x"), f.inline("x"), f.chapter("T", "c", "a")) == (display, inline, chapter)
    assert pictures.graph(ops.softmax).to_markdown(name).startswith(graph)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_flavour_of_a_page_has_the_same_formulas(name):
    f, github = flavour_of(name), flavour_of("github")
    derivation = ops.layer_norm.gradient("x")
    found, expected = derivation.to_markdown(name), derivation.to_markdown("github")
    assert tex_of(found, f.display("@"), f.inline("@")) == tex_of(
        expected, github.display("@"), github.inline("@")
    )


def tex_of(page: str, display: str, inline: str) -> list[str]:
    page = re.sub(r"^(> ?| {4})", "", re.sub(r"```python.*?```", "", page, flags=re.S), flags=re.M)
    patterns = [re.escape(mark).replace("@", "(.+?)") for mark in (display, inline)]
    return [next(filter(None, m.groups())) for m in re.finditer("|".join(patterns), page, re.S)]


def test_formulas_were_looked_for():
    f = flavour_of("myst")
    page = ops.softmax.gradient("x").to_markdown("myst")
    assert len(tex_of(page, f.display("@"), f.inline("@"))) > 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("of $a / (r\nm)$ and $b$", "of $`a / (r m)`$ and $`b`$"),
        ("`$a$` and $b$", "`$a$` and $`b`$"),
        ("for $5\n\nand $6", "for $5\n\nand $6"),
    ],
)
def test_a_formula_may_go_on_in_the_next_line_of_prose(text, said):
    assert flavour_of("github").prose(text) == said
