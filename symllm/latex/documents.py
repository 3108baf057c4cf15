r"""Claims in documents: formulas that are marked as being about an op.

In LaTeX a comment marks the display formula after it, in Markdown a comment of HTML, or a comment
in the first line of the formula itself:

    % symllm: layer_norm where: g_i = \gamma_i \frac{\partial L}{\partial y_i}
    \[ ... \]

    <!-- symllm: softmax -->
    ```math
    ...
    ```

Definitions after ``where:`` are parted by semicolons or stand in lines of their own; ``batch:``
names batch axes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ..errors import ReadError

ENDINGS = frozenset({".md", ".markdown", ".tex", ".ltx"})

MARK = re.compile(r"\bsymllm:\s*(?P<rest>.*)", re.S)
SAID = re.compile(
    r"(?P<op>[A-Za-z_]\w*)\s*(?:batch:\s*(?P<batch>[\w, ]*?)\s*)?(?:where:(?P<where>.*))?", re.S
)

DISPLAY = re.compile(
    r"\\\[(?P<bracket>.*?)\\\]"
    r"|\$\$(?P<dollar>.*?)\$\$"
    r"|\\begin\{(?P<name>(?:equation|align|gather|multline|eqnarray|displaymath)\*?)\}"
    r"(?P<body>.*?)\\end\{(?P=name)\}",
    re.S,
)
COMMENTS = re.compile(r"(?:[ \t]*%[^\n]*(?:\n|$)|\s)*")


@dataclass(frozen=True)
class Marked:
    """A formula that is marked as a claim about an op; ``line`` is its first, from 1 on."""

    path: Path
    line: int
    op: str
    batch: tuple[str, ...]
    where: tuple[str, ...]
    formula: str


class UnreadableDocument(ReadError):
    """A file that cannot be read, or a mark with no formula after it."""


def marked_in(path: Path) -> list[Marked]:
    """The claims in a document; raises ``UnreadableDocument``."""
    if path.suffix.lower() not in ENDINGS:
        known = ", ".join(sorted(ENDINGS))
        raise UnreadableDocument(f"{path} is no document that is read; there are {known}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableDocument(f"{path} cannot be read: {error}") from error
    read = in_latex if path.suffix.lower() in (".tex", ".ltx") else in_markdown
    return list(read(path, text))


def made(path: Path, mark_line: int, said: str, line: int, formula: str) -> Marked:
    """A claim from what its mark says; raises ``UnreadableDocument`` if it says nothing."""
    match = SAID.fullmatch(said.strip())
    if match is None:
        raise UnreadableDocument(
            f"{path}:{mark_line}: a mark names an op, as in 'symllm: layer_norm where: ...', "
            f"not {said.strip()!r}"
        )
    batch = tuple(part.strip() for part in (match["batch"] or "").split(",") if part.strip())
    where = tuple(part.strip() for part in re.split(r"(?<!\\);|\n", match["where"] or ""))
    return Marked(path, line, match["op"], batch, tuple(filter(None, where)), formula.strip())


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


# --------------------------------------------------------------------------
# LaTeX
# --------------------------------------------------------------------------


def in_latex(path: Path, text: str) -> Iterator[Marked]:
    at = 0
    while found := re.compile(r"(?<!\\)%[ \t]*symllm:").search(text, at):
        block = COMMENTS.match(text, found.start())
        assert block
        said = "\n".join(line.strip().lstrip("%") for line in block[0].strip().split("\n"))
        mark = MARK.search(said)
        assert mark
        line = line_of(text, found.start())
        shown = DISPLAY.match(text, block.end())
        if shown is None:
            raise UnreadableDocument(f"{path}:{line}: no display formula follows this mark")
        formula = shown["bracket"] or shown["dollar"] or shown["body"] or ""
        yield made(path, line, mark["rest"], line_of(text, shown.start()), formula)
        at = shown.end()


# --------------------------------------------------------------------------
# Markdown
# --------------------------------------------------------------------------


def in_markdown(path: Path, text: str) -> Iterator[Marked]:
    tokens = [t for t in MarkdownIt("commonmark").parse(text) if t.map]
    waiting: tuple[int, str] | None = None
    for token in tokens:
        comment = comment_in(token)
        formula = formula_in(token)
        line = token.map[0] + 1 if token.map else 1
        if comment is not None:
            if waiting:
                raise nothing_after(path, waiting[0])
            waiting = line, comment
        elif formula is not None:
            inside = re.match(r"\s*%[ \t]*symllm:([^\n]*)\n", formula)
            if waiting:
                yield made(path, waiting[0], waiting[1], line, formula)
            elif inside:
                yield made(path, line, inside[1], line, formula[inside.end() :])
            waiting = None
        elif waiting and token.type == "inline":
            raise nothing_after(path, waiting[0])
    if waiting:
        raise nothing_after(path, waiting[0])


def nothing_after(path: Path, line: int) -> UnreadableDocument:
    return UnreadableDocument(f"{path}:{line}: no display formula follows this mark")


def comment_in(token: Token) -> str | None:
    """What a comment says that marks a formula."""
    if token.type != "html_block":
        return None
    found = re.search(r"<!--\s*symllm:(.*?)-->", token.content, re.S)
    return found[1] if found else None


def formula_in(token: Token) -> str | None:
    """The display formula that a block is."""
    if token.type == "fence" and token.info.strip() == "math":
        return token.content
    if token.type == "inline" and (shown := DISPLAY.fullmatch(token.content.strip())):
        return shown["dollar"] or shown["bracket"] or shown["body"] or ""
    return None
