"""Markdown to HTML that needs nothing beside it: MathML, styles and scripts inside the page."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .look import TEMPLATES, look
from .mathml import fit_to_read
from .symbols import FILE, TITLE
from .text import GREEK
from .typeset import convert

MATH = re.compile(
    r"(?P<before>[(\[“]*)<math (?P<attributes>[^>]*)>(?P<inner>.*?)</math>(?P<after>[.,;:!?)\]”]*)",
    re.S,
)
SOURCE = re.compile(
    r"<semantics>(?P<math>.*)<annotation[^>]*>(?P<tex>.*?)</annotation></semantics>", re.S
)

#: What a heading may hold besides words: formulas, code, stress.
MARKED = re.compile(r"[*`$\\]")


def html_body(markdown: str) -> str:
    """Markdown in pandoc's flavour as a piece of HTML."""
    return MATH.sub(readable, convert(markdown, "html5", "HTML"))


def readable(math: re.Match[str]) -> str:
    """A formula with its source as the text instead of it.

    Brackets around it and what ends the sentence stay on the line of their formula.
    """
    display = 'display="block"' in math["attributes"]
    found = SOURCE.fullmatch(math["inner"])
    inner, tex = (found["math"], found["tex"]) if found else (math["inner"], "")
    said = html.escape(html.unescape(" ".join(tex.split())))
    block = ' display="block"' if display else ""
    formula = f'<math{block} alttext="{said}">{fit_to_read(inner, display)}</math>'
    whole = math["before"] + formula + math["after"]
    return f'<span class="kept">{whole}</span>' if whole != formula and not display else whole


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
    return page(title, main, volume, chapters, parts, name, sections)


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


def worded(markdown: str) -> str:
    """A heading as HTML, in a list of them."""
    return inline_html(markdown) if MARKED.search(markdown) else html.escape(markdown)


def plain(markdown: str) -> str:
    """A heading without marks: where there are letters alone."""
    spelt = re.sub(r"\\([A-Za-z]+)", lambda m: GREEK.get(m[1], m[1]), markdown)
    return re.sub(r"[*`$\\{}]", "", spelt)


TEMPLATES.filters["worded"] = worded
