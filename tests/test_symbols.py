"""One notation across the book: what its letters mean, and which stand for several things.

The lists below are to become shorter. Each is exact: who gives a letter a meaning, or one meaning
instead of two, takes it off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest

from symllm.chapters import ChapterError
from symllm.document import Document, run_chapter
from symllm.symbols import keep_to_letters, symbols_of, without_meaning

FOLDER = Path(__file__).parent.parent / "derivations"
CHAPTERS = sorted(path.stem for path in FOLDER.glob("*.py"))

#: By chapter: letters that stand for any number, vector or matrix, or whose meaning is not said.
WITHOUT: Mapping[str, str] = {
    "attention_theory": "Otilde Stilde Ztilde",
    "foundations": "A B C U",
    "initialisation": "a",
    "interpretability": "s_1 s_2",
    "normalisation": "mutilde vtilde",
    "optimization_theory": "T_0 p s xhat",
    "optimizers": "alpha gbar",
    "positions": "btilde etilde",
    "scaling": "k p q",
}

#: By chapter: letters that stand for several things in it.
TWICE: Mapping[str, str] = {
    "activations": "E Phi s u y",
    "attention_masks": "S n",
    "attention_theory": "v",
    "attention_variants": "K O Q V c n y",
    "blocks": "H K Q U h m n u x y",
    "embedding": "d h x y z ztilde",
    "ethics": "xi",
    "fast_attention": "n s v",
    "fine_tuning": "A B L",
    "foundations": "L h x y",
    "interpretability": "f r z",
    "language_models": "L m",
    "learning_to_learn": "L thetahat",
    "linear": "W c h y",
    "linear_attention": "L M n",
    "losses": "L lse n p q t y z",
    "mixture_of_experts": "F G f p y",
    "normalisation": "r x xhat y",
    "numerics": "e f w",
    "optimization_theory": "thetahat",
    "optimizers": "M V c m m_next mhat s theta_next u vhat",
    "positions": "a b n omega theta x",
    "preferences": "L R mu p pi sigma z",
    "probability": "H p q",
    "scaling": "D",
    "softmax": "L Z n y z",
}

#: Letters that stand for several things in the book.
SEVERAL = """
A B C C_bwd C_fwd D Delta E F G H J K L Lhat M N N_tab O O_1 O_2 P P_1 Phi Q R S T U V W W_1
W_2 X Y Z a alpha b beta c d dS dW delta dh dx e ell epsilon f g ghat h k kappa l lamda lse m
m_next mask mhat mu mu_1 n nu o o_1 o_2 omega p pi q r rho s sigma t theta theta_0 theta_1
theta_2 theta_next thetahat u up v vhat w x x_1 x_2 xhat xi y yhat z ztilde
"""


@cache
def document(chapter: str) -> Document:
    return run_chapter(FOLDER / f"{chapter}.py", {})


def meanings(chapters: Iterable[Document]) -> dict[str, set[str]]:
    """What each letter stands for."""
    found: dict[str, set[str]] = {}
    for chapter in chapters:
        for symbol in symbols_of(chapter):
            found.setdefault(symbol.name, set()).add(symbol.gist)
    return found


def several(chapters: Iterable[Document]) -> set[str]:
    return {name for name, words in meanings(chapters).items() if len(words) > 1}


def differences(found: Collection[str], known: str) -> list[str]:
    """What is found and not listed, and the other way round."""
    new, old = sorted({*found} - {*known.split()}), sorted({*known.split()} - {*found})
    return [f"{name} is not listed" for name in new] + [f"{name} is listed still" for name in old]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_letters_have_a_meaning(chapter):
    assert not differences(without_meaning(document(chapter)), WITHOUT.get(chapter, ""))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_in_a_chapter_a_letter_stands_for_one_thing(chapter):
    assert not differences(several([document(chapter)]), TWICE.get(chapter, ""))


def test_in_the_book_most_letters_stand_for_one_thing():
    assert not differences(several(map(document, CHAPTERS)), SEVERAL)


def test_the_lists_name_chapters():
    assert {*WITHOUT, *TWICE} <= {*CHAPTERS}


PLANTED = """\
# %% [markdown]
# # Steps

# %%
from symllm import Dim, Let, calculation, scalar

eta, a, b, y = (scalar("eta", note="learning rate"), scalar("a"), scalar("b"), scalar("y"))
calculation(y, given=(eta, a, Let(y, a - eta, "the output"))).then(a - eta)

# %% [markdown]
# ## Noise

# %%
n = Dim("n", "tokens")
eta = n.vector("eta", note="noise")
calculation(eta[n.index("i")], given=(eta,)).then(eta[n.index("i")])

# %%
y = scalar("y", note="output")
calculation(y + y, given=(y,)).then(2 * y)
"""


@pytest.fixture
def planted(tmp_path) -> Document:
    path = tmp_path / "steps.py"
    path.write_text(PLANTED)
    return run_chapter(path, {})


def test_what_is_planted_is_found(planted):
    assert without_meaning(planted) == ["a"]
    assert several([planted]) == {"eta"}
    assert meanings([planted])["y"] == {"output"}
    assert differences(["a"], "b") == ["a is not listed", "b is listed still"]
    assert not differences(["a"], " a ")


def test_a_letter_is_met_in_a_section(planted):
    found = {(s.tex, s.meaning): s.section for s in symbols_of(planted)}
    assert found == {
        (r"\eta", "learning rate"): "",
        (r"\eta", "noise"): "noise",
        ("n", "tokens"): "noise",
        ("y", "output"): "noise",  # what it is, and not how large it was before
    }


SAYS = """\
# %% [markdown]
# # Two ops

# %%
from symllm import Dim, Let, Op, scalar

n = Dim("n", "tokens")
i = n.index("i")
x, y = n.vector("x", note="input"), n.vector("y")
once = Op("once", "Once", (x,), (Let(y[i], x[i], "the same", means="output"),), numpy=lambda x: x)
twice = Op("twice", "Twice", (x,), (Let(y[i], 2 * x[i], "double"),), numpy=lambda x: 2 * x)
[once, twice]
"""


def test_what_a_letter_means_is_told_from_how_it_comes_about(tmp_path):
    path = tmp_path / "two.py"
    path.write_text(SAYS)
    assert meanings([run_chapter(path, {})]) == {"x": {"input"}, "y": {"output"}, "n": {"token"}}


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("", ""),
        ('y = "output"', ""),
        ('n = "token"', ""),
        (
            'y = "target"',
            "y means 'output', but book.toml says .* 'target'",
        ),
    ],
)
def test_a_chapter_keeps_to_the_letters_of_its_book(tmp_path, said, wrong):
    (tmp_path / "book.toml").write_text(f"[letters]\n{said}\n")
    path = tmp_path / "two.py"
    path.write_text(SAYS)
    document = run_chapter(path)
    with pytest.raises(ChapterError, match=wrong) if wrong else nullcontext():
        keep_to_letters(document)


OP = """\
# %% [markdown]
# # An op

# %%
from symllm import Dim, Let, Op, scalar

n, two = Dim("n", "tokens"), Dim("2")
i = n.index("i")
x, y, b = n.vector("x", note="input"), n.vector("y"), two.vector("b", role="parameter")
op = Op("same", "Same", (x, b), (Let(y[i], x[i], "output"),), numpy=lambda x, b: x)
[op, 1]
"""


def test_an_op_says_what_its_inputs_outputs_and_sizes_are(tmp_path):
    path = tmp_path / "same.py"
    path.write_text(OP)
    found = run_chapter(path, {})
    assert meanings([found]) == {"x": {"input"}, "y": {"output"}, "n": {"token"}}
    assert without_meaning(found) == ["b"]


def test_a_gradient_need_not_say_what_it_is(tmp_path):
    path = tmp_path / "back.py"
    text = PLANTED.replace('scalar("a")', 'scalar("dx")').replace("a - eta", "a - 2 * eta")
    path.write_text(text)
    assert without_meaning(run_chapter(path, {})) == []
