"""What a format is: how a chapter is written in it, and the chapters together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..document import Document
from ..leaf import Bound, Leaf, leaf_of

#: Files by name, in the output's folder.
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Options:
    """What people choose: the flavour of Markdown, and what sets a PDF."""

    flavour: str = "github"
    engine: str = "typst"


DEFAULT = Options()


def nothing(bound: Bound, options: Options) -> Files:
    return {}


@dataclass(frozen=True)
class Format:
    """A format, which is its files' ending too.

    ``chapter`` writes one chapter; ``whole`` what there is of all of them together.
    """

    name: str
    chapter: Callable[[Document, Options], Files]
    whole: Callable[[Bound, Options], Files] = nothing


@lru_cache(maxsize=4)
def leaf(document: Document) -> Leaf:
    """What LaTeX, HTML and PDF are all made from."""
    return leaf_of(document)
