"""Flavours of Markdown: how each reader wants formulas, boxes and links."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import UnknownName


@dataclass(frozen=True)
class Flavour:
    """One kind of Markdown.

    ``box`` frames a block of text under a class name; ``part`` marks one that
    is not framed, for who tells parts of a page apart; both take an anchor
    that may be empty. ``heading`` gives a heading its anchor. ``chapter`` points to another
    chapter of the book, by its title, its file's name and an anchor in it.
    ``diagram`` shows a graph that is given as Mermaid and as SVG, with what it
    is in words; ``drawing`` a picture, by its file's name, as SVG and in words.
    """

    name: str
    inline: Callable[[str], str]
    display: Callable[[str], str]
    box: Callable[[str, str, str], str]
    part: Callable[[str, str, str], str]
    heading: Callable[[str, str], str]
    chapter: Callable[[str, str, str], str]
    diagram: Callable[[str, str, str], str]
    drawing: Callable[[str, str, str], str]

    def prose(self, text: str) -> str:
        """Text written with ``$...$`` in it, in this flavour; code spans are left alone."""
        return re.sub(
            r"(`[^`]*`)|\$(?!\s)((?:[^$\n]|\n(?!\s*\n))+?)\$",
            lambda m: m[1] or self.inline(" ".join(m[2].split())),
            text,
        )


def fence(opening: str) -> Callable[[str], str]:
    return lambda text: f"```{opening}\n{text}\n```"


def dollar(tex: str) -> str:
    return f"${tex}$"


def dollars(tex: str) -> str:
    return f"$$\n{tex}\n$$"


# -- boxes and parts ---------------------------------------------------------


def quoted(kind: str, text: str, anchor: str = "") -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def quoted_flat(kind: str, text: str, anchor: str = "") -> str:
    """Quoted, each formula on one line: notebooks take it out before they see the quotation."""
    return quoted(kind, re.sub(r"\$\$.*?\$\$", lambda m: " ".join(m[0].split()), text, flags=re.S))


def div(kind: str, text: str, anchor: str = "") -> str:
    attributes = f"{{#{anchor} .{kind}}}" if anchor else kind
    return f"::: {attributes}\n{text.strip()}\n:::"


def unmarked(kind: str, text: str, anchor: str = "") -> str:
    return text.strip()


def plain_heading(line: str, anchor: str) -> str:
    return line


def marked_heading(line: str, anchor: str) -> str:
    return f"{line} {{#{anchor}}}"


# -- chapters ----------------------------------------------------------------


def linked(title: str, name: str, anchor: str = "") -> str:
    return f"[{title}]({name}.md)"


def anchored(title: str, name: str, anchor: str = "") -> str:
    return f"[{title}]({name}.md{f'#{anchor}' if anchor else ''})"


def named(title: str, name: str, anchor: str = "") -> str:
    return f"*{title}*"


# -- pictures ----------------------------------------------------------------


def mermaid(opening: str) -> Callable[[str, str, str], str]:
    return lambda text, svg, words: f"{fence(opening)(text)}\n\n*{words}*"


def file(name: str, svg: str, words: str) -> str:
    return f"![{words}]({name})"


def source(name: str, svg: str, words: str) -> str:
    """A picture's source; what reads it sets it in place."""
    said = words.replace('"', "'")
    return f'```{{.picture words="{said}"}}\n{svg}\n```'


def embedded(name: str, svg: str, words: str) -> str:
    return f"{svg}\n\n*{words}*"


GITHUB = Flavour(
    name="github",
    inline=lambda tex: f"$`{tex}`$",
    display=fence("math"),
    box=quoted,
    part=unmarked,
    heading=plain_heading,
    chapter=linked,
    diagram=mermaid("mermaid"),
    drawing=file,
)

FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        GITHUB,
        replace(GITHUB, name="mkdocs", inline=dollar, display=dollars),
        replace(
            GITHUB,
            name="myst",
            inline=lambda tex: f"{{math}}`{tex}`",
            display=fence("{math}"),
            diagram=mermaid("{mermaid}"),
        ),
        replace(
            GITHUB,
            name="notebook",
            inline=dollar,
            display=dollars,
            box=quoted_flat,
            chapter=named,
            diagram=embedded,
            drawing=embedded,
        ),
        Flavour("pandoc", dollar, dollars, div, div, marked_heading, anchored, source, source),
    )
}

#: Those that are files' own: what ``symllm build --flavour`` offers.
WRITTEN = ("github", "mkdocs", "myst")


def flavour_of(name: str | Flavour) -> Flavour:
    if isinstance(name, Flavour):
        return name
    if name not in FLAVOURS:
        raise UnknownName("flavour of Markdown", name, FLAVOURS)
    return FLAVOURS[name]
