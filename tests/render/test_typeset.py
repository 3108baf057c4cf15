"""Where Typst's pages end: what breaks, what moves on and what stays together."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
import typst

from symllm.render import typeset
from symllm.render.typeset import latex_document, typst_document, typst_pdf

#: In points: how far down pages are tried, where text begins, and a line of code.
GAPS = range(480, 670, 10)
TOP, LINE = 73.7, 10.585


def mark(name: str) -> str:
    return f"`#box[#metadata(none) <{name}>]`{{=typst}}"


def places(gap: float, markdown: str, *selected: str) -> list[tuple[int, float]]:
    """On which page, and where there, things are if their text begins so far down on the second."""
    start = f"```{{=typst}}\n#pagebreak()\n#block(height: {gap}pt)\n```"
    found = "".join(f"query({each}).first().location().position()," for each in selected)
    source = typst_document("A title", f"{start}\n\n{markdown}")
    source += f"\n#context [#metadata(({found})) <found>]"
    said = typst.query(
        source.encode(), "<found>", field="value", one=True, ignore_system_fonts=True
    )
    return [(at["page"], float(at["y"].removesuffix("pt"))) for at in json.loads(said)]


def numbered(count: int) -> list[str]:
    return [f"line = {k}" for k in range(count)]


DOCUMENTED = ["def f():", '    """Once.', *numbered(6), '    """', *numbered(7)]


def lines_left(gap: float, lines: list[str]) -> int:
    """How many lines of code stand on the page after the one that they begin on."""
    code = "\n".join(lines)
    end = "```{=typst}\n#place[#metadata(none) <end>]\n```"
    ((page, y),) = places(gap, f"```python\n{code}\n```\n\n{end}", "<end>")
    return round((y - TOP - 11.25) / LINE) if page == 3 else 0


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (numbered(12), {0, 12}),
        (numbered(16), {0, *range(6, 12), 16}),
        (
            ["def f():", '    """Once.', *numbered(6), '    """', *numbered(7)],
            {0, *range(6, 8), 16},
        ),
    ],
    ids=["short", "long", "with what it does"],
)
def test_long_code_breaks_and_leaves_lines_on_either_side(lines, left):
    assert {lines_left(gap, lines) for gap in GAPS} == left


def test_a_long_line_of_code_goes_on_in_the_next_and_is_no_smaller():
    def end(line: str) -> float:
        code = f"```python\nshort = 1\n{line}\n```\n\n{mark('end')}Words."
        return places(100, code, "<end>")[0][1]

    names = [f"name{k}" for k in range(20)]
    whole, long = end(" = ".join(names[:8])), end(" = ".join(names[:12]))
    assert long - whole == pytest.approx(LINE, abs=0.3)
    assert end("    " + " = ".join(names + names[:3])) - long == pytest.approx(LINE, abs=0.3)


@pytest.mark.parametrize(("rows", "breaks"), [(9, False), (30, True)])
def test_a_table_breaks_only_if_it_is_long(rows, breaks):
    said = "\n".join(f"| row | {mark(f'row{k}')} |" for k in range(rows))
    table = f"| a | b |\n|---|---|\n{said}\n"
    found = [places(gap, table, "<row0>", f"<row{rows - 1}>") for gap in GAPS]
    assert any(first != last for (first, _), (last, _) in found) == breaks


#: A formula, and what is said below it.
BOTH = ("math.equation", "<said>")


def picture(height: int) -> str:
    size = f'width="100" height="{height}" viewBox="0 0 100 {height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}/>'
    return f'```{{.picture words="What it shows."}}\n{svg}\n```'


def test_a_picture_without_room_is_smaller_or_lets_the_text_go_on():
    words = "Words of a paragraph that goes on. " * 25
    shown = f"{mark('begun')}Before.\n\n{picture(200)}\n\n{mark('after')}Words.\n\n{words}"
    below, above = {}, {}
    for gap in GAPS:
        found = places(gap, shown, "<begun>", "<drawn>", "<after>")
        (page, begun), (drawn_on, end), (goes_on, after) = found
        if drawn_on == page:
            below[gap] = end - begun
            assert (goes_on, after) > (page, end)
        else:
            above[gap] = end - TOP
            assert goes_on == page == 2
    whole, least = max(below.values()), min(below.values())
    assert 150 < whole < 185  # 200 pixels, and the line before
    assert 0 < whole - least < 0.25 * 150
    assert {round(end) for end in above.values()} == {150}
    assert max(below) < min(above)


@pytest.mark.parametrize("after", ["```python\npass\n```", "1.  A step"])
def test_a_picture_does_not_come_into_the_midst_of_code_or_of_steps(after):
    shown = f"Before.\n\n{picture(200)}\n\n{mark('after')}\n\n{after}\n\n" + "Words. " * 200
    for gap in GAPS:
        drawn, goes_on = places(gap, shown, "<drawn>", "<after>")
        assert goes_on >= drawn


FORMULA = "$$\nx = y\n$$"
SAID = f"::: evidence\n{mark('said')}**Evidence.** Proved.\n:::"


def apart(text: str, *pair: str) -> list[float]:
    """How far down on a page two things begin where they are parted."""
    found = {gap: places(gap, text, *(pair or BOTH)) for gap in range(560, 700, 20)}
    return [gap for gap, ((first, _), (second, _)) in found.items() if first != second]


@pytest.mark.parametrize(
    "shown",
    [
        FORMULA,
        f"::: result\n{FORMULA}\n:::",
        f"{FORMULA}\n\nMultiplied out. *(proved)*",
        "1.  A step\n\n    $$\n    x = y\n    $$",
        f"{mark('first')}Words of a paragraph.",
    ],
    ids=["formula", "result", "note", "step", "words"],
)
def test_evidence_stands_on_the_page_of_what_it_is_about(shown):
    pair = ("<first>" if "first" in shown else BOTH[0], BOTH[1])
    assert apart(f"{shown}\n\n{mark('said')}Words.", *pair) or "proved" in shown
    assert not apart(f"{shown}\n\n{SAID}", *pair)


@pytest.mark.parametrize(
    "then", [FORMULA, "1.  A step\n\n    $$\n    x = y\n    $$"], ids=["formula", "step"]
)
def test_names_stand_on_the_page_of_what_is_said_with_them(then):
    stated = f"Let it be. With\n\n{FORMULA}\n\nwe {mark('said')}have\n\n{then}\n\n{SAID}"
    assert not apart(stated)
    tall = "$$\n\\begin{aligned}\n" + "x &= y \\\\\n" * 12 + "x &= y\n\\end{aligned}\n$$"
    (first, _), (second, _) = places(440, stated.replace(FORMULA, tall, 1), *BOTH)
    assert second > first


def test_a_picture_comes_before_the_next_heading():
    words = f"Before.\n\n{picture(600)}\n\n{'Words. ' * 130}\n\n## A heading\n\nMore."
    for gap in range(300, 420, 20):
        drawn, heading = places(gap, words, "<drawn>", "heading")
        assert heading > drawn


def body_of(markdown: str, kind: str = "typst") -> str:
    written = {"typst": typst_document, "latex": latex_document}[kind]("A title", markdown)
    return written.split({"typst": '(title: "A title")', "latex": "\\maketitle"}[kind])[1]


@pytest.mark.parametrize(
    ("written", "typeset_as", "in_latex"),
    [
        ("$46702792704$", "$46 thin 702 thin 792 thin 704$", r"46\,702\,792\,704"),
        (r"$x \in \mathbb{R}^{11008}$", "11 thin 008", r"^{11\,008}"),
        ("$10000^{-k}$", "10 thin 000^", r"10\,000^{-k}"),
        ("$0.134145$", "$0.134145$", "0.134145"),
        ("$1024$", "$1024$", "1024"),
        ("| a |\n|---|\n| 50257 |", "$50 thin 257$", r"\(50\,257\)"),
    ],
)
def test_whole_numbers_of_many_digits_have_gaps(written, typeset_as, in_latex):
    assert typeset_as in body_of(written)
    assert in_latex in body_of(written, "latex")


def test_columns_are_as_wide_as_what_they_hold():
    sums = " + ".join(r"\sum_{b, i} {\mathrm{d}X^{(\ell)}_{bia}}" for _ in range(9))
    table = f"| array | gradient |\n|:---|:---|\n| `name` | ${sums}$ |"
    assert "columns: 2" in body_of(table)
    first, second = re.findall(r"\\real\{([\d.]+)\}", body_of(table, "latex"))
    assert float(first) < 0.1
    assert float(second) > 0.9
    short = "| array | gradient |\n|:---|:---|\n| `name` | $x$ |"
    assert r"{@{}ll@{}}" in body_of(short, "latex")


def test_the_name_of_rows_is_repeated_where_their_table_goes_on():
    rows = "\n".join(f"| {'$x$' if k == 0 else ''} | row {k} |" for k in range(60))
    source = typst_document("A title", f"| a | b |\n|---|---|\n{rows}\n")
    count = len(re.findall("x", repeated(source)))
    assert count == 2


def repeated(source: str) -> str:
    """What stands in the first column, from page to page."""
    shown = source.replace("place(text(", 'place[#metadata("x") <again>] + place(text(')
    again = typst.query(shown.encode(), "<again>", field="value", ignore_system_fonts=True)
    return "x" + "".join(json.loads(again))


def test_the_last_references_stand_on_one_page():
    works = "\n\n".join(f"{mark(f'w{k}')}A. Author, *A title*, {2000 + k}." for k in range(9))
    names = [f"<w{k}>" for k in range(9)]
    for gap in range(480, 680, 20):
        pages = [page for page, _ in places(gap, f"## References\n\n{works}", *names)]
        assert pages.count(3) not in range(1, 6)


def test_a_page_that_does_not_settle_has_its_pictures_in_place(monkeypatch):
    asked = []

    def compiled(source: bytes, sys_inputs: dict[str, str], **_: Any) -> tuple[bytes, list[str]]:
        asked.append(sys_inputs["pictures"])
        return asked[-1].encode(), ["document did not converge within five attempts"]

    fake = SimpleNamespace(compile_with_warnings=compiled, TypstError=typst.TypstError)
    monkeypatch.setattr(typeset, "needed", lambda *_: fake)
    assert typst_pdf("A title", "") == b"in place"
    assert asked == ["settled", "in place"]
