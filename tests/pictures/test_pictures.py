"""Pictures: what they show is what was derived, and their bytes are the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from symllm import NotationError, ops, pictures, scalar
from symllm.pictures.curve import RULES, error, exponents
from symllm.pictures.graph import MARGIN
from symllm.pictures.letters import plain_name, unicode_text
from symllm.pictures.plane import round_ticks, text_of
from symllm.pictures.svg import number
from symllm.render.names import name_parts

X = scalar("x")
SVG = "{http://www.w3.org/2000/svg}"

MAKERS = {
    "graph": lambda: pictures.graph(ops.layer_norm),
    "backward": lambda: pictures.graph(ops.layer_norm.gradient()),
    "composed": lambda: pictures.graph(ops.mlp.gradient()),
    "heat map": lambda: pictures.heat_map(ops.softmax.jacobian("x"), x=[2, 1, 0, -1]),
    "curve": lambda: pictures.error_curve(ops.rms_norm, "x"),
    "functions": lambda: pictures.curves(
        {"$\\tanh x$": sp.tanh(X), "a root": sp.sqrt(X)}, over=(X, -2, 3), name="f", words="two"
    ),
    "matrix": lambda: pictures.matrix([[1, 0], [0.25, 0.75]], name="probabilities", words="rows"),
    "proofs": lambda: pictures.proof_graph(ops.mlp.gradient(), ops.layer_norm.gradient()),
}


@pytest.fixture(scope="module", params=MAKERS)
def picture(request):
    return MAKERS[request.param]()


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_picture_is_svg_that_says_what_it_shows(picture):
    root = ET.fromstring(picture.svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == picture.words
    assert picture._repr_svg_() == picture.svg
    assert "http" not in picture.svg.replace("http://www.w3.org/2000/svg", "")


def test_colours_by_night_are_those_of_the_elements_that_are_drawn(picture):
    classes = set(re.findall(r'class="([^"]+)"', picture.svg))
    assert classes
    for name in " ".join(classes).split():
        assert f".{name}{{" in picture.svg


def test_numbers_are_short(picture):
    drawn = re.sub(r'>[^<]*<|fill-opacity="[01].\d\d"', "><", picture.svg)
    assert not re.search(r"\d\.\d\d", drawn)


def test_pictures_do_not_depend_on_the_hash_seed():
    code = (
        "from symllm import ops, pictures; import hashlib;"
        "made = [pictures.graph(ops.gpt2_block.gradient()),"
        " pictures.error_curve(ops.softmax, 'x')];"
        "print(hashlib.sha256(''.join(p.svg + p.mermaid for p in made).encode()).hexdigest())"
    )
    root = str(Path(__file__).parents[2])
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1


def test_a_graph_has_a_box_for_each_name_and_an_arrow_for_each_use():
    shown = pictures.graph(ops.layer_norm)
    assert sorted(texts(shown.svg)) == sorted([*"xγβεμcvry", "x̂"])
    assert shown.mermaid.count("-->") == 11
    assert shown.mermaid.startswith("flowchart TD\n")


def test_a_graph_speaks_of_parameters_only_if_there_are_any():
    assert pictures.graph(ops.layer_norm).words.endswith("inputs are tinted, parameters in yellow.")
    assert pictures.graph(ops.softmax).words.endswith("inputs are tinted.")


def test_a_backward_graph_has_each_gradient_opposite_its_name():
    shown = pictures.graph(ops.layer_norm.gradient())
    at = {
        "".join(text.itertext()): (float(text.get("x")), float(text.get("y")))
        for text in ET.fromstring(shown.svg).iter(f"{SVG}text")
    }
    for name in ("x", "μ", "c", "v", "r", "x̂", "y", "γ", "β"):
        assert at[f"d{name}"][1] == at[name][1]
        assert at[f"d{name}"][0] > at[name][0]
    assert "dε" not in at  # a constant has no gradient
    assert shown.mermaid.count("-.->") == 6


def test_what_a_gradient_needs_is_seen_through_aliases():
    shown = pictures.graph(ops.linear_attention.gradient()).mermaid
    number_of = {title: n for n, title in re.findall(r'(n\d+)\["(.+?)"\]', shown)}
    assert f"{number_of['dO']} --> {number_of['dZ']}" in shown  # by D, the row sums of dO * O
    assert f"{number_of['O']} -.-> {number_of['dZ']}" in shown


def test_a_composed_op_shows_its_own_names_alone():
    shown = texts(pictures.graph(ops.gpt2_block.gradient()).svg)
    assert "dQ" in shown
    assert "dP" not in shown  # inside its attention


def test_a_heat_map_shows_the_numbers():
    x = np.array([2, 1, 0, -1])
    p = np.exp(x) / np.exp(x).sum()
    jacobian = np.diag(p) - np.outer(p, p)
    shown = pictures.heat_map(ops.softmax.jacobian("x"), x=x)
    found = [text.replace("\u2212", "-") for text in texts(shown.svg)]
    assert found == [f"{round(v, 2) + 0.0:.2f}" for v in jacobian.ravel()]
    assert shown.words == "Softmax: the Jacobian at x = (2, 1, 0, -1)."


def test_colours_are_red_where_positive_and_blue_where_negative_and_zero_is_seen_by_its_edge():
    shown = pictures.matrix([[2.0, -1.0, 0.0]], name="three", words="Three numbers.")
    cells = list(ET.fromstring(shown.svg).iter(f"{SVG}rect"))
    assert [cell.get("class") for cell in cells] == [
        "s-soft f-positive",
        "s-soft f-negative",
        "s-soft f-negative",
    ]
    assert [cell.get("fill-opacity") for cell in cells] == ["1.00", "0.50", "0.00"]


def test_what_is_no_matrix_has_no_heat_map():
    with pytest.raises(NotationError, match=r"of 'softmax' has shape \(3,\) here"):
        pictures.heat_map(ops.softmax.gradient("x"), x=[1, 2, 3], dp=[1, 0, 0])


def test_errors_fall_with_the_step_as_each_rule_says_and_rise_again(monkeypatch):
    found = {}

    def noted(rule, point, wrt, at, exponent, exact):
        value = error(rule, point, wrt, at, exponent, exact)
        found[rule.name, exponent] = value
        return value

    monkeypatch.setattr("symllm.pictures.curve.error", noted)
    pictures.error_curve(ops.rms_norm, "x")
    for name, slope, near in (("one-sided", 1, -3), ("central", 2, -2), ("sixth order", 6, 0)):
        fall = found[name, near] - found[name, near - 1]
        assert abs(fall - slope) < 0.4 * slope, name
        best = min(value for (rule, _), value in found.items() if rule == name)
        assert found[name, exponents()[0]] > best + 6
    assert len(found) == len(RULES) * len(exponents())


def test_a_proof_graph_leads_from_what_is_leaned_on_to_what_leans_on_it():
    shown = pictures.proof_graph(ops.mlp.gradient(), ops.layer_norm.gradient())
    number_of = {title: n for n, title in re.findall(r'(n\d+)\["(.+?)"\]', shown.mermaid)}
    edges = set(re.findall(r"(n\d+) --> (n\d+)", shown.mermaid))
    assert (number_of["Linear layer"], number_of["Feed-forward layer"]) in edges
    assert (number_of["The entries of c sum to zero"], number_of["Layer normalisation"]) in edges
    assert len(edges) == 3


@pytest.mark.parametrize(
    ("derived", "words"),
    [
        (
            "layer_norm",
            "What layer normalisation leans on: derivations, and lemmas in another colour.",
        ),
        ("mlp linear gelu", "What feed-forward layer leans on, and what that leans on in turn."),
    ],
)
def test_a_proof_graph_says_whose_proof_it_is(derived, words):
    shown = pictures.proof_graph(*(getattr(ops, name).gradient() for name in derived.split()))
    assert shown.words == words


def test_a_backward_graph_has_no_room_for_gradients_that_are_not_asked_for():
    shown = ET.fromstring(pictures.graph(ops.lora.gradient()).svg)
    boxes = [(float(b.get("x")), float(b.get("width"))) for b in shown.iter(f"{SVG}rect")]
    left, right = min(x for x, _ in boxes), max(x + width for x, width in boxes)
    assert right - left == float(shown.get("width")) - 2 * MARGIN


NAMES = {"xhat": "x̂", "dgamma": "dγ", "W_Q": "W_Q", "x_A": "x_A", "eps": "ε", "theta2": "θ_2"}


@pytest.mark.parametrize("name", NAMES)
def test_names_without_tex(name):
    assert plain_name(name_parts(name, ("gamma",))) == NAMES[name]
    assert "\\" not in unicode_text(sp.latex(sp.Symbol("x")))


@pytest.mark.parametrize(("value", "said"), [(1.0, "1"), (1.24, "1.2"), (-0.04, "0"), (3, "3")])
def test_numbers_have_one_decimal_at_most(value, said):
    assert number(value) == said


# --------------------------------------------------------------------------
# Curves of functions
# --------------------------------------------------------------------------


def drawn_lines(svg: str) -> list[list[tuple[float, float]]]:
    found = ET.fromstring(svg).iter(f"{SVG}polyline")
    return [
        [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
        for line in found
    ]


def curve(expression, low=0, high=4, **more):
    return pictures.curves({"f": expression}, over=(X, low, high), name="f", words="w", **more)


def test_a_curve_goes_through_the_values_of_its_function():
    (line,) = drawn_lines(curve(X**2, within=(0, 16)).svg)
    (left, bottom), (right, top) = line[0], line[-1]
    for x, y in line:
        share = (x - left) / (right - left)
        assert (bottom - y) / (bottom - top) == pytest.approx(share**2, abs=1e-3)


def test_a_power_is_straight_where_both_axes_are_logarithmic():
    (line,) = drawn_lines(curve(3 * X**-2, 1, 1000, log="xy").svg)
    (x0, y0), (x1, y1) = line[0], line[-1]
    assert all(y == pytest.approx(y0 + (x - x0) * (y1 - y0) / (x1 - x0), abs=0.1) for x, y in line)


def test_a_curve_has_a_gap_where_it_is_not_real_and_ends_at_the_frame():
    (root,) = drawn_lines(curve(sp.sqrt(X), -4, 4, within=(0, 2)).svg)
    (whole,) = drawn_lines(curve(X, -4, 4).svg)
    middle = (whole[0][0] + whole[-1][0]) / 2
    assert min(x for x, _ in root) == pytest.approx(middle, abs=0.1)
    pole = drawn_lines(curve(1 / X, -4, 4, within=(-2, 2)).svg)
    assert len(pole) == 2
    assert min(y for line in pole for _, y in line) >= 16


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: curve(X + scalar("a")), "f: a curve over x cannot have a in it"),
        (lambda: curve(X, 3, 3), "from 3 to 3 there is nothing to draw over"),
        (lambda: curve(X, 0, 1, log="x"), "over: 0 is no positive number"),
        (lambda: curve(X, 0, 1, log="z"), "axes are 'x' and 'y', not 'z'"),
        (lambda: curve(sp.log(-1 - X)), "no value is real from 0 to 4"),
        (lambda: pictures.curves({}, over=(X, 0, 1), name="n", words="w"), "1 to 6 curves, not 0"),
        (lambda: pictures.matrix([[1], [1, 2]], name="n", words="w"), "n: these are no numbers"),
        (lambda: pictures.matrix([1, 2], name="n", words="w"), "not values of shape (2,)"),
    ],
)
def test_what_cannot_be_drawn_is_said(make, said):
    with pytest.raises(NotationError, match=re.escape(said)):
        make()


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, "0 0.2 0.4 0.6 0.8 1"),
        (-3, 4, "-3 -2 -1 0 1 2 3 4"),
        (0, 250, "0 50 100 150 200 250"),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    found = round_ticks(Fraction(low), Fraction(high))
    assert [float(tick) for tick in found] == [float(tick) for tick in ticks.split()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("loss", "loss"),
        ("loss & $x$", "loss & x"),
        ("$10^{20}$ or $r_1^2$", "10 20 or r 1 2"),
        (r"$\eta \lambda_{\max}$", "ηλmax"),
    ],
)
def test_words_beside_lines_may_hold_formulas(words, said):
    found = "".join(ET.fromstring(f"<text>{text_of(words)}</text>").itertext())
    assert found.replace("\u200b", "").replace(" ", "") == said.replace(" ", "")
