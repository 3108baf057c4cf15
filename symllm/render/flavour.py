"""Flavours of Markdown: how each reader wants formulas and boxes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UnknownName


@dataclass(frozen=True)
class Flavour:
    """One kind of Markdown.

    ``box`` frames a block of text under a class name; ``chapter`` points to
    another chapter of the book, by its title and its file's name.
    """

    name: str
    opening: str
    closing: str
    display: Callable[[str], str]
    box: Callable[[str, str], str]
    chapter: Callable[[str, str], str]

    def inline(self, tex: str) -> str:
        return f"{self.opening}{tex}{self.closing}"

    def prose(self, text: str) -> str:
        """Text written with ``$...$`` in it, in this flavour; code spans are left alone."""
        return re.sub(
            r"(`[^`]*`)|\$(?!\s)([^$\n]+?)\$",
            lambda m: m[1] or self.inline(m[2]),
            text,
        )


def fenced(tex: str) -> str:
    return f"```math\n{tex}\n```"


def dollars(tex: str) -> str:
    return f"$$\n{tex}\n$$"


def quoted(kind: str, text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def quoted_flat(kind: str, text: str) -> str:
    """Quoted, each formula on one line: notebooks take it out before they see the quotation."""
    return quoted(kind, re.sub(r"\$\$.*?\$\$", lambda m: " ".join(m[0].split()), text, flags=re.S))


def div(kind: str, text: str) -> str:
    return f"::: {kind}\n{text.strip()}\n:::"


def linked(title: str, name: str) -> str:
    return f"[{title}]({name}.md)"


def named(title: str, name: str) -> str:
    return f"*{title}*"


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour("github", "$`", "`$", fenced, quoted, linked),
        Flavour("notebook", "$", "$", dollars, quoted_flat, named),
        Flavour("pandoc", "$", "$", dollars, div, named),
    )
}


def flavour_of(name: str | Flavour) -> Flavour:
    if isinstance(name, Flavour):
        return name
    if name not in FLAVOURS:
        raise UnknownName("flavour of Markdown", name, FLAVOURS)
    return FLAVOURS[name]
