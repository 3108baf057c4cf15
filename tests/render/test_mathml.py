"""Formulas in MathML: spaces, accents, notes, and where lines may begin."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from symllm.render.html import html_body


def math(tex: str, display: bool = False) -> ET.Element:
    around = "$$" if display else "$"
    (found,) = re.findall(r"<math.*?</math>", html_body(f"{around}{tex}{around}"), re.S)
    return ET.fromstring(found)


def said(element: ET.Element) -> str:
    return "".join(element.itertext())


@pytest.mark.parametrize(
    ("tex", "spaces"),
    [
        (r"p \log q", 2),
        (r"\log q", 1),
        (r"1 + \log(q)", 0),
        (r"q_i \exp(q)", 1),
        ("p q", 0),
        (r"-\log q", 1),
        (r"\left( a \sin x \right)", 2),
        (r"\left( \sin^{2}(x) + \frac{a}{b} \cos(x) \right)", 1),
        (r"\exp(a) \exp(b)", 1),
        (r"\log \frac{a}{b}", 1),
        (r"\sin x \cos x", 3),
        (r"\sum_i \log(p)", 0),
        (r"\mathrm{logp} q", 0),
        # a fraction or a tall bracket
        (r"2 \frac{a}{b} c (d)", 2),
        (r"\frac{a}{b} (c)", 1),
        (r"\frac{a}{b} + c", 0),
        (r"r \left( \frac{a}{c} \right) b", 1),
        (r"\left( \frac{a}{c} \right)^{2} \left( b \right)", 1),
        (r"\exp\left( \frac{a}{c} \right)", 0),
        (r"r \left( a \right) b", 0),
        (r"x^{2 \frac{a}{b}}", 0),
    ],
)
def test_the_name_of_a_function_stands_apart(tex, spaces):
    assert len(math(tex).findall(".//mspace")) == spaces


LOW, MID, TALL = ("false", None), ("false", "mid"), ("true", None)


@pytest.mark.parametrize(
    ("inner", "inline", "displayed"),
    [
        ("x + y", LOW, LOW),
        (r"x_i^{2} \hat{y}", LOW, LOW),
        (r"\sqrt{d}", LOW, LOW),
        (r"-\left| x \right|", LOW, LOW),
        (r"\sum_i x_i", LOW, TALL),
        (r"\max_i x_i", LOW, TALL),
        (r"\frac{a}{b}", MID, TALL),
        (r"e^{\frac{a}{b}}", MID, MID),
        (r"\left| \frac{a}{b} \right|", MID, TALL),
        (r"\frac{a}{\frac{b}{c}}", TALL, TALL),
        (r"\begin{pmatrix} p & q \end{pmatrix}", TALL, TALL),
    ],
)
def test_brackets_stretch_around_what_is_tall_alone(inner, inline, displayed):
    tex = rf"f \left( {inner} \right)"
    for display, tall in ((False, inline), (True, displayed)):
        ends = [(sign.get("stretchy"), sign.get("class")) for sign in math(tex, display).iter("mo")]
        assert (ends[0], ends[-1]) == (tall, tall)
    low = math(r"\frac{f \left( \sum_i x_i \right)}{d}", True)
    assert {sign.get("stretchy") for sign in low.iter("mo") if sign.text in "()"} == {"false"}


@pytest.mark.parametrize("tex", [r"\cos^{2}(x) + \sin^{2}(x)", r"p_i \log p_i", r"x_{\max}"])
def test_every_script_has_a_base_and_one_script(tex):
    for script in math(tex).iter():
        if script.tag in ("msup", "msub", "mfrac"):
            assert len(script) == 2, ET.tostring(script)


def test_a_word_is_one_name_and_letters_stay_apart():
    names = [name.text for name in math(r"\mathrm{diag}(x y) + \mathrm{d}x").iter("mi")]
    assert names == ["diag", "x", "y", "d", "x"]


@pytest.mark.parametrize(
    ("tex", "number"),
    [("46702792", "46\u2009702\u2009792"), ("1024", "1024"), ("0.044715", "0.044715")],
)
def test_many_digits_have_gaps(tex, number):
    assert [n.text for n in math(tex).iter("mn")] == [number]


def test_a_fraction_in_a_fraction_is_larger_than_a_subscript():
    sizes = [
        f.get("mathsize") for f in math(r"\frac{\exp(\frac{a}{b})}{c} \frac{a}{b}").iter("mfrac")
    ]
    assert sizes == [None, "118%", None]


def test_what_is_under_a_root_is_as_high_as_a_letter_at_least():
    (root,) = math(r"\sqrt{\epsilon}").iter("msqrt")
    assert (root[-1].tag, root[-1].get("height"), root[-1].get("width")) == ("mspace", "0.7em", "0")


@pytest.mark.parametrize(("tex", "accent"), [(r"\tilde{x}", "\u02dc"), (r"\hat{x}", "^")])
def test_an_accent_is_a_sign_that_stands_for_itself(tex, accent):
    (sign,) = math(tex).iter("mo")
    assert (sign.text, sign.get("accent")) == (accent, "true")


# --------------------------------------------------------------------------
# Displays
# --------------------------------------------------------------------------


def test_a_line_with_a_note_is_a_table_of_one_row():
    (line,) = math(r"x = y \quad \text{by definition} \quad \text{proved}", True).iter("mtr")
    assert [said(cell) for cell in line] == ["x=y", "", "", "by definition", "", "proved"]
    (line,) = math(r"x = y \quad e^{-M} \text{ cancels} \quad \text{proved}", True).iter("mtr")
    assert said(line[0]) == "x=y"
    matrix = r"I = \begin{pmatrix} p & q \end{pmatrix} \quad \text{a matrix} \quad \text{checked}"
    assert said(math(matrix, True)[0][0][3]) == "a matrix"
    assert not list(math("x = y", True).iter("mtr"))
    assert not list(math(r"\Rightarrow \quad x = y", True).iter("mtr"))
    assert not list(math(r"x = \frac{a \quad \text{and}}{b}", True).iter("mtr"))


def test_cells_of_the_outer_table_hold_a_row_each_and_those_inside_stay():
    inner = r"\begin{pmatrix} p & q \end{pmatrix}"
    table = math(rf"\begin{{aligned}} y &= {inner} \end{{aligned}}", True)[0]
    assert [[child.tag for child in cell] for cell in table.iterfind("mtr/mtd")] == [["mrow"]] * 2
    assert [cell[0].tag for cell in table.iterfind(".//mtable//mtd")] == ["mi", "mi"]


@pytest.mark.parametrize(
    ("tex", "lines"),
    [
        ("abc = b", ["abc", "=b"]),
        ("abc = b + c - d", ["abc", ["=b", "+c", "\u2212d"]]),
        ("abc + b", ["abc", "+b"]),
        ("-abc", "\u2212abc"),
        ("x_i = b = c", ["xi=b", "=c"]),
        (r"\frac{a}{b} = b = c", ["ab=b", "=c"]),
        ("f(a + b) [j = i]", "f(a+b)[j=i]"),
        (r"xyz = \left( a + b \right)", ["xyz", "=(a+b)"]),
        (r"|x - y| = c", "|x\u2212y|=c"),
    ],
)
def test_lines_may_begin_before_relations_and_before_signs_but_in_no_bracket(tex, lines):
    def found(row: ET.Element) -> list[object] | str:
        return [found(piece) for piece in row] if row.get("class") == "lines" else said(row)

    assert found(math(tex, True)[0]) == lines
    assert not math(tex).findall(".//*[@class='lines']")


def test_a_sign_that_begins_a_line_is_still_between_its_terms():
    signs = [sign for sign in math("abc = b - c", True).iter("mo") if sign.text]
    assert [sign.get("form") for sign in signs] == ["infix", "infix"]


def test_a_long_bracket_is_cut_within_and_both_its_ends_are_of_one_size():
    long = r"x = r \left( \frac{a_i}{b_i} - \sum_j a_j b_j c_j - \sum_j b_j a_j d_j e_j \right)"
    formula = math(f"y + {long}", True)
    assert len(formula.findall(".//*[@class='lines']/*")) == 5
    ends = [sign for sign in formula.iter("mo") if sign.text in ("(", ")")]
    assert len({end.get("minsize") for end in ends} - {None}) == 1
    after = long.replace("r ", r"\mathrm{diag}(r) ").replace(
        r" \right", r" + \sum_j u_j v_j \right"
    )
    assert len(math(f"y + {after}", True).findall(".//*[@class='lines']/*")) == 6
    short = math(r"x = r \left( \frac{a}{b} - c \right)", True)
    assert not [sign for sign in short.iter("mo") if sign.get("minsize")]
