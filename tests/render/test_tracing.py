"""SVG as LaTeX: shapes in operators of PDF, letters as TeX sets them, and nothing guessed."""

from __future__ import annotations

import re
import shutil

import pytest
import sympy as sp

from symllm import ops, pictures
from symllm.render.tex import tex_pdf
from symllm.render.tracing import picture
from symllm.render.typeset import latex_document


def svg(inner: str, width: int = 100, height: int = 50) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{inner}\n</svg>'


SHAPES = {
    '<line x1="1" y1="2" x2="3.25" y2="4" stroke="#ff0000"/>': "1 0 0 RG 1 w 1 2 m 3.25 4 l S",
    '<line x1="1" y1="2" x2="3" y2="4" stroke="#000000" stroke-width="2" stroke-dasharray="7"/>': (
        "0 0 0 RG 2 w [7] 0 d 1 2 m 3 4 l S"
    ),
    '<polyline points="0,0 1,2 3,0" fill="none" stroke="#000000" stroke-linejoin="round"/>': (
        "0 0 0 RG 1 w 1 j 0 0 m 1 2 l 3 0 l S"
    ),
    '<rect x="1" y="2" width="3" height="4" fill="#00ff00"/>': "0 1 0 rg 1 2 3 4 re f",
    '<rect x="0" y="0" width="4" height="4"/>': "0 0 0 rg 0 0 4 4 re f",
    '<path d="M0 0L1 2H5V3Z" fill="#000000" stroke="#0000ff"/>': (
        "0 0 0 rg 0 0 1 RG 1 w 0 0 m 1 2 l 5 2 l 5 3 l h B"
    ),
    '<path d="M0 0C1 1 2 1 3 0" fill="none" stroke="#000000"/>': (
        "0 0 0 RG 1 w 0 0 m 1 1 2 1 3 0 c S"
    ),
    '<path d="M0 0Q3 3 6 0" fill="none" stroke="#000000"/>': "0 0 0 RG 1 w 0 0 m 2 2 4 2 6 0 c S",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_drawn_as_they_are(shape):
    assert f"\nq {SHAPES[shape]} Q\n" in picture(svg(shape))


def test_a_round_corner_ends_where_its_sides_begin():
    drawn = picture(svg('<rect x="0" y="0" width="20" height="10" rx="4"/>'))
    ends = [tuple(m.split()[-2:]) for m in re.findall(r"[\d. ]+(?= [mlc] )", drawn)]
    corners = [("4", "0"), ("16", "0"), ("20", "4"), ("20", "6"), ("16", "10"), ("4", "10")]
    assert ends == [*corners, ("0", "6"), ("0", "4"), ("4", "0")]


def test_a_picture_is_upright_and_no_wider_than_the_page():
    assert r"\traced{q 0.75 0 0 -0.75 0 37.5 cm" in picture(svg("<g/>"))
    assert r"\setlength{\unitlength}{0.43bp}" in picture(svg("<g/>", width=1000))


def test_a_group_moves_what_is_in_it():
    inner = '<rect x="0" y="0" width="1" height="1"/><text x="2" y="3">x</text>'
    drawn = picture(svg(f'<g transform="translate(10 20)">{inner}</g>'))
    assert "q 1 0 0 1 10 20 cm\nq 0 0 0 rg 0 0 1 1 re f Q\nQ" in drawn
    assert r"\letters{12}{27}{000000}" in drawn


def text(inner: str, more: str = "") -> str:
    return picture(svg(f'<text x="0" y="0" font-size="16" {more}>{inner}</text>'))


SIZE = r"{\fontsize{12bp}{12bp}\selectfont{}%s}"
SMALL = r"{\fontsize{6.75bp}{6.75bp}\selectfont{}%s}"
LETTERS = {
    "50% of": SIZE % r"50\% of",
    "\u22120.5": SIZE % "$-$0.5",
    '<tspan font-style="italic">x\u0302</tspan>': SIZE % r"$\hat{x}$",
    'd<tspan font-style="italic">γ</tspan>': SIZE % "d" + SIZE % r"$\gamma $",
    "margin <tspan>g</tspan> of": SIZE % "margin " + SIZE % "g" + SIZE % " of",
    '10<tspan dy="-5" font-size="9">3</tspan>': (
        SIZE % "10" + r"\raisebox{3.75bp}{%s}" % (SMALL % "3")
    ),
    '2<tspan dy="-5" font-size="9">n</tspan><tspan dy="5">\u200b</tspan> m': (
        SIZE % "2" + r"\raisebox{3.75bp}{%s}" % (SMALL % "n") + SIZE % " m"
    ),
}


@pytest.mark.parametrize("letters", LETTERS)
def test_letters_are_set_by_tex(letters):
    assert r"\hbox to 0pt{" + LETTERS[letters] + r"\hss}}" in text(letters)


@pytest.mark.parametrize(
    ("anchor", "set_as"),
    [("middle", r"\hbox to 0pt{\hss {%s\hss}"), ("end", r"\hbox to 0pt{\hss {%s}")],
)
def test_letters_stand_about_their_place_or_before_it(anchor, set_as):
    found = text("x", f'text-anchor="{anchor}"')
    assert set_as.replace("{%s", SIZE % "x") in found


STRANGE = {
    "a shape": '<circle cx="1" cy="1" r="1"/>',
    "a colour": '<rect x="0" y="0" width="1" height="1" fill="url(#a)"/>',
    "a path": '<path d="M0 0l1 1"/>',
    "a second pair": '<path d="M0 0 1 1"/>',
    "a place": '<rect x="0%" y="0" width="1" height="1"/>',
    "a turn": '<g transform="scale(2)"/>',
    "a turned word": '<text x="0" y="0" transform="rotate(45 0 0)">x</text>',
    "a letter": '<text x="0" y="0">語</text>',
    "no end": "<g>",
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_not_known_is_left_to_the_words(kind):
    assert picture(svg(STRANGE[kind])) == ""
    page = latex_document("", shown(svg(STRANGE[kind])))
    assert r"(\emph{What it shows.})" in page
    assert "traced" not in page


def shown(drawing: str) -> str:
    return f'Before.\n\n```{{.picture words="What it shows."}}\n{drawing}\n```\n\nAfter.\n'


x = sp.Symbol("x")
DRAWN = {
    "graph": lambda: pictures.graph(ops.layer_norm),
    "backward": lambda: pictures.graph(ops.layer_norm.gradient()),
    "heat map": lambda: pictures.heat_map(ops.softmax.jacobian("x"), x=[2, 1, 0]),
    "differences": lambda: pictures.error_curve(ops.softmax, "x"),
    "proofs": lambda: pictures.proof_graph(ops.layer_norm.gradient("x")),
    "curves": lambda: pictures.curves(
        {r"$\beta^2$ & 50%": sp.exp(x), "b": x}, over=(x, 1, 99), name="c", words="C.", log="xy"
    ),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_every_picture_of_ours_is_drawn(kind):
    found = latex_document("", shown(DRAWN[kind]().svg))
    assert found.count(r"\begin{drawn}") == 1
    assert r"\words" in found.split(r"\end{picture}")[1]


@pytest.mark.skipif(not shutil.which("latexmk"), reason="needs latexmk")
def test_tex_sets_every_picture_the_same_each_time():
    page = latex_document("", "\n\n".join(shown(draw().svg) for draw in DRAWN.values()))
    one, two = (tex_pdf("", page) for _ in range(2))
    assert one == two
    assert len(one) > len(tex_pdf("", latex_document("", "Before.")))
