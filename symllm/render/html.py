"""Markdown to HTML that needs nothing beside it: MathML, styles and scripts inside the page."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .look import TEMPLATES, look
from .symbols import FILE, TITLE
from .typeset import convert

MATH = re.compile(r"<math (?P<attributes>[^>]*)>(?P<inner>.*?)</math>(?P<after>[.,;:!?)]*)", re.S)
SOURCE = re.compile(
    r"<semantics>(?P<math>.*)<annotation[^>]*>(?P<tex>.*?)</annotation></semantics>", re.S
)
#: The name of a function, and that it is applied.
NAME = r'(?<!<msup>)(?<!<msub>)<mrow><mi mathvariant="normal">\w+</mi><mo>&#8289;</mo></mrow>'
BEFORE_NAME = re.compile(rf"(</m(?:i|n|sub|sup|subsup|frac|row)>)(?={NAME})")
AFTER_NAME = re.compile(rf"({NAME})(?!(?:<mrow>)?<mo|$)")
THIN = '<mspace width="0.167em"/>'


#: A formula and what is said beside it, in one line.
BESIDE = re.compile(
    r'<mrow>(?P<formula>.*?)(?P<note><mspace width="1\.0em"></mspace>.*)</mrow>', re.S
)

#: A reason, and in one word how it is known, if that is said.
EVIDENCE = re.compile(
    r'<mspace width="1\.0em"></mspace><mtext[^>]*>(?:proved|checked|cited)</mtext>$'
)

#: Where tables and their cells begin and end.
CELLS = re.compile(r"<mtable[^>]*>|</mtable>|<mtd[^>]*>|</mtd>")


def html_body(markdown: str) -> str:
    """Markdown in pandoc's flavour as a piece of HTML."""
    return MATH.sub(readable, convert(markdown, "html5", "HTML"))


def readable(math: re.Match[str]) -> str:
    """A formula with its source as the text instead of it, and tables in the size of displays.

    What ends the sentence or the bracket stays on the line of its formula. TeX sets thin spaces
    around the name of a function; MathML does not.
    """
    display = 'display="block"' in math["attributes"]
    found = SOURCE.fullmatch(math["inner"])
    inner, tex = (found["math"], found["tex"]) if found else (math["inner"], "")
    if display:
        inner = with_rows(noted_apart(inner).replace("<mtable>", '<mtable displaystyle="true">'))
    inner = AFTER_NAME.sub(rf"\1{THIN}", BEFORE_NAME.sub(rf"\1{THIN}", inner))
    said = html.escape(html.unescape(" ".join(tex.split())))
    block = ' display="block"' if display else ""
    formula, after = f'<math{block} alttext="{said}">{inner}</math>', math["after"]
    return (
        f'<span class="kept">{formula}{after}</span>' if after and not display else formula + after
    )


def noted_apart(inner: str) -> str:
    """A line with a note as a table, as several such lines are."""
    found = BESIDE.fullmatch(inner)
    if not found or "<mtable" in inner or not balanced(found["formula"]):
        return inner
    note, word, end = found["note"], "", EVIDENCE.search(found["note"])
    if end:
        note, word = note[: end.start()], end[0]
    cells = (found["formula"], "", "", note, "", word)
    return f"<mtable><mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in cells)}</mtr></mtable>"


def balanced(elements: str) -> bool:
    """Does every element end that begins here?"""
    return len(re.findall(r"<m[a-z]+[^>]*(?<!/)>", elements)) == elements.count("</m")


def with_rows(inner: str) -> str:
    """Cells of the outermost table hold one row each, so that on a phone they may stand below each
    other and are formulas still."""
    depth = 0

    def held(tag: re.Match[str]) -> str:
        nonlocal depth
        text = tag[0]
        depth += text.startswith("<mtable")
        depth -= text == "</mtable>"
        if depth == 1 and "mtd" in text:
            return f"</mrow>{text}" if text == "</mtd>" else f"{text}<mrow>"
        return text

    return CELLS.sub(held, inner)


def chapter_html(
    name: str,
    title: str,
    markdown: str,
    sections: Sequence[Any],
    chapters: Mapping[str, str],
    volume: Mapping[str, str],
    parts: Mapping[str, str],
) -> str:
    """A chapter's page. ``chapters``: the titles of all, by name and in order.

    ``parts``: those of the book's parts, by the chapter that each begins with.
    """
    names = list(chapters)
    at = names.index(name) if name in names else 0
    around = [names[k] if 0 <= k < len(names) else None for k in (at - 1, at + 1)]
    before, after = ((n, chapters[n]) if n else None for n in around)
    body = html_body(markdown)
    main = TEMPLATES.get_template("chapter.html.j2").render(
        title=inline_html(title),
        body=body,
        before=before,
        after=after,
        folds="<details" in body,
    )
    said = [{"level": s.level, "anchor": s.anchor, "words": plain(s.text)} for s in sections]
    return page(title, main, volume, chapters, parts, name, said)


def index_html(
    leaves: Sequence[Any], chapters: Mapping[str, str], volume: Any, parts: Mapping[str, str]
) -> str:
    """The site's first page: its chapters, and the ops in each."""
    main = TEMPLATES.get_template("index.html.j2").render(volume=volume, leaves=leaves, parts=parts)
    return page(volume["title"], main, volume, chapters, parts)


def symbols_html(
    table: str, chapters: Mapping[str, str], volume: Any, parts: Mapping[str, str]
) -> str:
    """The page with the table of symbols."""
    main = f"<h1>{TITLE}</h1>\n{html_body(table)}"
    return page(TITLE, main, volume, chapters, parts, FILE)


def page(
    title: str,
    main: str,
    volume: Mapping[str, str],
    chapters: Mapping[str, str],
    parts: Mapping[str, str],
    current: str = "",
    sections: Sequence[Any] = (),
) -> str:
    css, script = (look(name).read_text(encoding="utf-8") for name in ("site.css", "site.js"))
    text = TEMPLATES.get_template("page.html.j2").render(
        title=plain(title),
        main=main,
        volume=volume,
        chapters=chapters,
        parts=parts,
        current=current,
        sections=sections,
        css=css,
        script=script,
    )
    return text + "\n"


def search_script(entries: Sequence[Mapping[str, Any]]) -> str:
    """What can be looked for, as a script: a page that is opened as a file may not fetch data."""
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in entries)
    return f"window.SEARCH = [\n{lines}\n];\n"


def formulas_html(formulas: Sequence[str]) -> list[str]:
    """Formulas as MathML, made all at once."""
    if not formulas:
        return []
    text = "\n\n".join(f"$$\n{tex}\n$$" for tex in formulas)
    return [m[0] for m in MATH.finditer(html_body(text))]


def inline_html(markdown: str) -> str:
    return re.sub(r"^<p>|</p>$", "", html_body(markdown))


def plain(markdown: str) -> str:
    """A heading without marks: for menus and titles."""
    return re.sub(r"[*`$\\{}]", "", markdown)
