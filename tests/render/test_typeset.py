"""Where Typst's pages end: what breaks, what moves on and what stays together."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import typst

from symllm.render import typeset
from symllm.render.typeset import typst_document, typst_pdf

#: In points: how far down pages are tried, where text begins, and a line of code.
GAPS = range(480, 670, 10)
TOP, LINE = 73.7, 10.985


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
        (numbered(16), {0, *range(4, 12), 16}),
        (
            ["def f():", '    """Once.', *numbered(6), '    """', *numbered(7)],
            {0, *range(4, 8), 16},
        ),
    ],
    ids=["short", "long", "with what it does"],
)
def test_long_code_breaks_and_leaves_lines_on_either_side(lines, left):
    assert {lines_left(gap, lines) for gap in GAPS} == left


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


def test_a_page_that_does_not_settle_has_its_pictures_in_place(monkeypatch):
    asked = []

    def compiled(source: bytes, sys_inputs: dict[str, str], **_: Any) -> tuple[bytes, list[str]]:
        asked.append(sys_inputs["pictures"])
        return asked[-1].encode(), ["document did not converge within five attempts"]

    fake = SimpleNamespace(compile_with_warnings=compiled, TypstError=typst.TypstError)
    monkeypatch.setattr(typeset, "needed", lambda *_: fake)
    assert typst_pdf("A title", "") == b"in place"
    assert asked == ["settled", "in place"]
