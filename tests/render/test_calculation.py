"""Calculations on a page: every link has its reason and its evidence, and formulas fit."""

from __future__ import annotations

import pytest
from dialect import assert_dialect
from sympy import exp, log

from symllm import (
    Dim,
    E,
    Equals,
    Let,
    Var,
    calculation,
    maximum,
    permutation,
    random,
    scalar,
    sum_over,
)
from symllm.document import document_markdown, run_chapter, show

n = Dim("n")
i, j = n.indices("i j")
x, p = n.vector("x"), n.vector("p", domain="distribution")
s, t = scalar("s"), scalar("t")
c = scalar("c", domain="positive")

SHORT = calculation((s + t) ** 2, given=(s, t)).then(
    s**2 + 2 * s * t + t**2, because="with $s$ and $t$"
)
LONG = (
    calculation(
        sum_over(exp(x[i]) * (x[i] + s) ** 2, i) / sum_over(exp(x[j]), j),
        given=(x, s),
        title="A mean",
    )
    .then(
        sum_over(exp(x[i]) * (x[i] ** 2 + 2 * s * x[i] + s**2), i) / sum_over(exp(x[j]), j),
        because="a square, multiplied out as squares of sums have been since Euclid",
    )
    .at_least(0, because="nothing in it is negative")
)
STEPS = (
    calculation(Equals(c * s, t), given=(s, t, c), unknown=(s,))
    .implies(Equals(s, t / c), because="divided")
    .implies(Equals(s**2, t**2 / c**2), because="squared")
)
CITED = calculation(-sum_over(p[i] * log(p[i]), i), given=(p,)).at_most(
    log(n.symbol), because="the logarithm is concave", cited="Jensen, 1906"
)
MIXED = calculation(
    Var(sum_over(x[i], i)), given=(x, Let(t, s + 1), s), assuming=(random(x[i], mean=s),)
).then(n, because="one each")
ALL = {"short": SHORT, "long": LONG, "steps": STEPS, "cited": CITED, "mixed": MIXED}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("flavour", ["github", "notebook", "pandoc"])
def test_every_link_has_its_reason_and_its_evidence(name, flavour):
    made = ALL[name]
    text = made.to_markdown(flavour)
    said = text.count(r"\text{proved}") + text.count("*(proved)*")
    assert said == sum(link.proved for link in made.links)
    cited = text.count(r"\text{cited}") + text.count("*(cited)*")
    assert cited == sum(bool(link.cited) and not link.proved for link in made.links)
    assert "**Evidence.**" in text
    assert "seed" in text or "random points" in text or "places" in text


@pytest.mark.parametrize("name", ALL)
def test_formulas_are_in_the_dialect(name):
    assert_dialect(ALL[name].to_latex())


def test_what_each_says():
    assert r"\text{with }s\text{ and }t" in SHORT.to_markdown()
    assert "1. A square, multiplied out" in LONG.to_markdown()
    assert "**Result.**" in LONG.to_markdown()
    assert r"\Longrightarrow" in STEPS.to_markdown()
    assert "is cited: Jensen, 1906." in CITED.to_markdown()
    mixed = MIXED.to_markdown()
    assert "are independent random numbers, with mean $`s`$ and variance $`1`$" in mixed
    assert "summed over all outcomes" in mixed
    assert "With\n\n```math\nt = 1 + s" in mixed


def test_a_permutation_and_an_assumption_are_said():
    pi = n.vector("pi", domain=n)
    made = calculation(
        s * sum_over(x[pi[i]], i), given=(x, s, pi), assuming=(permutation(pi), s > 1)
    )
    text = made.then(s * sum_over(x[i], i)).to_markdown()
    assert r"$`\pi`$ is a permutation" in text
    assert "Assume $`s > 1`$" in text


def test_an_optimum_says_what_was_looked_at():
    r = n.vector("p", domain="positive")
    best = maximum(
        sum_over(x[i] ** 2 * log(r[i]), i),
        Let(r[i], x[i] ** 2 / sum_over(x[j] ** 2, j)),
        given=(r, x),
        subject_to=Equals(sum_over(r[i], i), 1),
    )
    text = best.to_markdown()
    assert "**Maximum.**" in text
    assert "subject to" in text
    assert f"{best.seen.competitors} other values that meet the constraints" in text


CHAPTER = """\
# %% [markdown]
# # A title

# %%
from symllm import Let, calculation, scalar

s, t = scalar("s"), scalar("t")
given = (s, Let(t, s + 1, "more"))

# %%
calculation(s * t, given=given).then(s**2 + s, because="put in")

# %%
calculation(t, given=given).then(s + 1, because="by definition")
"""


def test_a_chapter_says_once_what_is_given(tmp_path):
    path = tmp_path / "one.py"
    path.write_text(CHAPTER)
    text = document_markdown(run_chapter(path), "github")
    assert text.count(r"\in \mathbb{R}") == 1
    assert text.count(r"\text{more}") == 1


def test_a_chapter_says_once_what_a_letter_is(tmp_path):
    path = tmp_path / "one.py"
    again = "\n# %%\ncalculation(2 * s, given=(s,), assuming=(s > -5,)).then(s + s)\n"
    noted = CHAPTER.replace('scalar("s")', 'scalar("s", note="step, in $m$")')
    path.write_text(noted + again)
    text = document_markdown(run_chapter(path), "github")
    assert text.count(r"Let $`s \in \mathbb{R}`$ (step, in $`m`$). With") == 1
    assert text.count("step, in") == 1
    assert r"Let $`s \in \mathbb{R}`$. Assume" in text


def test_a_false_link_stops_a_chapter(tmp_path):
    path = tmp_path / "one.py"
    path.write_text(CHAPTER.replace("s**2 + s,", "s**2 - s,"))
    with pytest.raises(Exception, match=r"one.py:11: VerificationError: link 1 .* is false"):
        run_chapter(path)


def test_show_knows_calculations():
    assert show(SHORT, "notebook") == SHORT.to_markdown("notebook")
    assert "E[" in repr(calculation(E(x[i]), given=(x,), assuming=(random(x[i]),)).then(0))


AFTER = """\
# %% [markdown]
# # Sums

# %%
from symllm import Dim, Let, Op, calculation, scalar, sum_over

n = Dim("n")
j, x, s = n.index("j"), n.vector("x"), scalar("s")
total = Op("total", "Total", (x,), (Let(s, sum_over(x[j], j)),), numpy=lambda x: x.sum())
total

# %%
calculation(2 * s, given=(x, *total.equations)).then(sum_over(2 * x[j], j), because="linear")
"""


def test_a_calculation_does_not_repeat_the_op_before_it(tmp_path):
    path = tmp_path / "one.py"
    path.write_text(AFTER)
    shown = document_markdown(run_chapter(path), "github")
    assert shown.count("s &=") + shown.count("s =") == 2  # its definition, and 2 s
    assert "we have" not in shown
    path.write_text(AFTER.replace("\ntotal\n", "\n"))
    assert "we have" in document_markdown(run_chapter(path), "github")


DECLARING = """# %% [markdown]
# # A chapter

# %%
from symllm import calculation, ops, scalar

t = scalar("t")

# %%
ops.sinusoidal_positions

# %%
calculation(t + t, given=(t,)).then(2 * t)
"""


def test_an_op_before_may_declare_what_its_equations_do_not_say(tmp_path):
    path = tmp_path / "one.py"
    path.write_text(DECLARING)
    assert r"t \in \mathbb{R}" in document_markdown(run_chapter(path), "github")
