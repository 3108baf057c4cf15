"""Pages in a browser: on a phone nothing is cut off, and formulas go on in the next line."""

from __future__ import annotations

import pytest
from browser import CHROMIUM, Fit, fit

from symllm.render.html import chapter_html

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

PHONE, DESK = 390, 1200

TERM = r"\sum_j W_{ij} \, \mathrm{d}x_j"
CHAIN = rf"\frac{{\partial L}}{{\partial x_i}} = {TERM} + {TERM} - {TERM} = {TERM} + {TERM}"
BRACKET = rf"x_i = r_i \left( {TERM} - {TERM} - {TERM} - {TERM} \right)"
PRODUCT = r"\sum_a b_a c_a d_a e_a f_a g_a "
ALIGNED = (
    rf"\begin{{aligned}} y_i &= {TERM} + {TERM} + {TERM} && \quad \text{{a note}} \end{{aligned}}"
)


def page(markdown: str) -> str:
    return chapter_html("a", "A", markdown, [], {"a": "A"}, {"title": "B", "subtitle": ""}, {})


def shown(*formulas: str, width: int = PHONE) -> Fit:
    return fit(page("\n\n".join(f"$$\n{tex}\n$$" for tex in formulas)), width)


def picture(width: int, size: int) -> str:
    text = f'<text x="10" y="20" font-size="{size}">words</text>'
    svg = f'<svg viewBox="0 0 {width} 40" width="{width}" height="40">{text}</svg>'
    return f'```{{.picture words="It is wide."}}\n{svg}\n```'


@pytest.mark.parametrize("tex", [CHAIN, BRACKET, ALIGNED])
def test_a_long_formula_goes_on_in_the_next_line(tex):
    found = shown(tex)
    assert (found.width, found.displays) == (PHONE, 1)
    assert found.scrolled == found.outside == found.clipped == []


FACTORS = r"x_i = a_i (b_i + c_i) (d_i + e_i + f_i) (g_i + h_i + k_i) (m_i + n_i + p_i) (q_i + s_i)"
MATRIX = (
    r"\begin{pmatrix} \cos(\alpha) & -\sin(\alpha) \\ \sin(\alpha) & \cos(\alpha) \end{pmatrix}"
)


@pytest.mark.parametrize("tex", [FACTORS, rf"{MATRIX} {MATRIX}^\top {MATRIX}"])
def test_a_long_product_goes_on_between_its_brackets(tex):
    found = shown(tex)
    assert found.scrolled == found.outside == []


def listed(*rows: str) -> str:
    return r"\begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}"


NAMED = listed(
    rf"y_i &= {TERM} && \quad \text{{a name}}",
    rf"y_i &= {TERM} && \quad \text{{of two lines}}",
    rf"&\qquad {{}} + {TERM}",
    rf"y_i &= {TERM} + {TERM} - {TERM}",
    r"&\qquad \text{(a long name)}",
)
REASONED = listed(
    rf"y_i &= {TERM} && \quad \text{{a reason}} && \quad \text{{proved}}",
    rf"&= {TERM} && \quad \text{{another}} && \quad \text{{proved}}",
)


def test_on_a_phone_names_stand_above_their_formulas_and_reasons_below():
    names, reasons = shown(NAMED).notes, shown(REASONED).notes
    assert names == ["above: a name", "above: of two lines", "above: a long name"]
    assert {said.split(":")[0] for said in reasons} == {"below"}
    assert {said.split(":")[0] for said in shown(REASONED, width=DESK).notes} == {"beside"}


def test_a_left_side_does_not_stand_alone_where_its_equals_sign_has_room():
    chain = rf"\frac{{\partial L}}{{\partial x_i}} = {TERM} + {TERM} - {TERM}"
    found = shown(listed(rf"y_i &= {TERM} + {TERM} + {TERM}", rf"\mathrm{{d}}x_i &= {chain}"))
    assert found.alone == found.scrolled == []


def test_a_formula_that_is_a_little_too_wide_is_set_smaller_and_one_far_too_wide_scrolls():
    found = shown(PRODUCT * 3, PRODUCT * 6)
    assert found.displays == 2
    assert len(found.scrolled) == 1
    assert found.outside == found.clipped == found.small == []


def test_what_is_wide_scrolls_in_its_own_box():
    table = "| a | b |\n|---|---|\n| " + "word" * 30 + " | " + "word" * 30 + " |"
    code = "```python\n" + "x = 1 + " * 30 + "1\n```"
    found = fit(page(f"{table}\n\n{code}\n\n{picture(1200, 14)}"), PHONE)
    assert found.outside == found.clipped == found.small == []


def test_what_is_cut_off_too_wide_or_too_small_is_found():
    wide = f"{page('')}<p style='width: 900px'>wide</p>"
    assert fit(wide, PHONE).outside == ["p: wide"]
    assert fit(wide, DESK).outside == []
    cut = f"{page('')}<p style='width: 50px; overflow: hidden; white-space: pre'>words and more</p>"
    assert fit(cut, DESK).clipped == ["p: words and more"]
    assert fit(page(picture(300, 7)), DESK).small == ["7.0 text: words"]
    (scrolled,) = shown(PRODUCT * 6).scrolled
    assert PRODUCT.strip() in scrolled
