"""A picture: SVG, what it shows in words and, where it is a graph, Mermaid."""

from __future__ import annotations

from dataclasses import dataclass

from ..render.flavour import flavour_of

#: Where files of Markdown find pictures.
FOLDER = "pictures"


@dataclass(frozen=True)
class Picture:
    """``name`` is that of its file, ``words`` Markdown for who cannot see it and below it."""

    name: str
    svg: str
    words: str
    mermaid: str = ""

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.name}.svg"

    def to_markdown(self, flavour: str = "github") -> str:
        f = flavour_of(flavour)
        if self.mermaid:
            return f.diagram(self.mermaid, self.svg, f.prose(self.words))
        return f.drawing(self.file, self.svg, f.prose(self.words))

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Picture({self.name!r})"
