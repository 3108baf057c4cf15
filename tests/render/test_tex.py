"""A TeX installation, where there is one; and what is said where there is none."""

from __future__ import annotations

import shutil

import pytest

from symllm.render import tex
from symllm.render.typeset import (
    SIGNS,
    MissingExtra,
    TypesettingError,
    latex_document,
    typst_document,
)

SOURCE = latex_document("A title", "Prose with $x_i$.")


@pytest.fixture(autouse=True)
def fresh():
    tex.engine_fault.cache_clear()
    yield
    tex.engine_fault.cache_clear()


def test_an_engine_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match=r"there is no latexmk; on Debian: apt install"):
        tex.tex_pdf("A title", SOURCE)


def test_an_engine_is_tested_by_what_it_sets_and_not_by_its_name(monkeypatch, tmp_path):
    for name in ("latexmk", "pdflatex"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(MissingExtra, match="cannot set a small file"):
        tex.tex_pdf("A title", SOURCE)


needs_tex = pytest.mark.skipif(
    not (shutil.which("latexmk") and shutil.which("pdflatex")), reason="needs latexmk"
)


@needs_tex
def test_latexmk_sets_a_page_the_same_each_time():
    one, two = (tex.tex_pdf("A title", SOURCE) for _ in range(2))
    assert one.startswith(b"%PDF")
    assert one == two


@needs_tex
def test_what_tex_complains_of_is_told():
    with pytest.raises(TypesettingError, match="cannot set 'A title': Undefined control sequence"):
        tex.tex_pdf("A title", SOURCE.replace("Prose", r"\nonsense"))


@needs_tex
def test_signs_of_formulas_can_be_printed_by_code():
    printed = latex_document("A title", f"```\n{' '.join(f'x{sign}' for sign in SIGNS)}\n```\n")
    assert tex.tex_pdf("A title", printed).startswith(b"%PDF")


def test_signs_are_declared_where_they_stand():
    assert "DeclareUnicode" not in SOURCE
    assert latex_document("A title", "`Σ θ`").count("DeclareUnicode") == 2


@needs_tex
def test_no_command_of_a_document_is_run(tmp_path):
    planted = SOURCE.replace("Prose", rf"\immediate\write18{{touch {tmp_path}/ran}} Prose")
    tex.tex_pdf("A title", planted)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("said", "after", "stays"),
    [
        ("**Question.** Why?", "More.", True),
        ("**1.** Because.", "More.", True),
        (f"**1.** {'Because. ' * 20}", "More.", False),
        ("**1.** Why?", "**2.** How?", False),
        ("**2.** How?", "### Answers", False),
    ],
    ids=["label", "answer", "long answer", "exercise", "last exercise"],
)
def test_a_label_stays_with_what_follows_and_an_exercise_need_not(said, after, stays):
    page = f"{said}\n\n{after}\n"
    assert (r"\nopagebreak" in latex_document("", page).split("begin{document}")[1]) == stays
    assert ("#lead[" in typst_document("", page)) == stays
