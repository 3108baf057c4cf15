"""The dialect of LaTeX that every page keeps to, and the formulas of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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


# --------------------------------------------------------------------------
# KaTeX, run by an engine that a wheel carries: no network, no Node
# --------------------------------------------------------------------------

CHECK = """
function faults(formulas) {
  const options = {throwOnError: true, strict: 'error'};
  const wrong = [];
  for (const [tex, displayMode] of JSON.parse(formulas)) {
    try { katex.renderToString(tex, {...options, displayMode}); }
    catch (error) { wrong.push(tex + ': ' + error.message); }
  }
  return JSON.stringify(wrong);
}
"""


@lru_cache(maxsize=1)
def katex() -> Any:
    """KaTeX, as sphinxcontrib-katex bundles it."""
    import quickjs

    package = find_spec("sphinxcontrib.katex")
    assert package is not None
    assert package.origin is not None
    context = quickjs.Context()
    context.eval((Path(package.origin).parent / "katex.min.js").read_text(encoding="utf-8"))
    context.eval(CHECK)
    return context


def katex_faults(formulas: Sequence[tuple[str, bool]]) -> list[str]:
    """What KaTeX in its strict mode says against formulas, each displayed or not."""
    assert formulas
    return json.loads(katex().eval(f"faults({json.dumps(json.dumps(formulas))})"))
