"""The dialect of LaTeX that every page keeps to, and the formulas of a page."""

from __future__ import annotations

import re

REFUSED = (r"\operatorname", r"\bm", r"\!", r"\begin{align}", r"\tag", r"\newcommand", "~", "$")


def assert_dialect(tex: str) -> None:
    """What every reader of LaTeX accepts: KaTeX, pandoc, amsmath."""
    plain = re.sub(r"\\[{}]", "", tex)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0, tex
    assert depth == 0, tex
    assert tex.count(r"\left") == tex.count(r"\right"), tex
    assert tex.count(r"\begin{aligned}") == tex.count(r"\end{aligned}"), tex
    for refused in REFUSED:
        assert refused not in tex, tex
    assert not re.search(r"_\{?_?\d\d", tex), tex


def formulas_in(markdown: str) -> list[tuple[str, bool]]:
    """The formulas of a page in GitHub's flavour, and whether each is displayed."""
    text = re.sub(r"^> ?", "", markdown, flags=re.M)
    text = re.sub(r"```python\n.*?```", "", text, flags=re.S)
    shown = re.findall(r"```math\n(.*?)\n *```", text, flags=re.S)
    inline = re.findall(r"\$`(.+?)`\$", text)
    return [(tex, True) for tex in shown] + [(tex, False) for tex in inline]
