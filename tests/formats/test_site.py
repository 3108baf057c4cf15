"""The site: its pages lead to each other, and its search finds formulas."""

from __future__ import annotations

import json
import re

import pytest
from pages import Page

from symllm.formats import FORMATS, Options


@pytest.fixture(scope="module")
def files(documents, bound) -> dict[str, str]:
    found = {}
    for document in documents:
        found |= FORMATS["html"].chapter(document, Options())
    return {
        name: data.decode()
        for name, data in (found | FORMATS["html"].whole(bound, Options())).items()
    }


def test_the_site_is_pages_a_first_page_a_table_of_symbols_and_a_search(files):
    pages = ["attention.html", "index.html", "search.js", "softmax.html", "symbols.html"]
    assert sorted(files) == pages
    assert "<title>Softmax · A book</title>" in files["softmax.html"]
    assert "<title>A book</title>" in files["index.html"]


def test_pages_lead_to_each_other_in_order(files):
    first, second = Page(files["softmax.html"]), Page(files["attention.html"])
    assert {"rel": "next", "href": "attention.html"} in first.elements["a"]
    assert {"rel": "prev", "href": "softmax.html"} in second.elements["a"]
    assert not any(a.get("rel") == "prev" for a in first.elements["a"])
    assert [a["href"] for a in first.elements["a"] if a.get("aria-current")] == ["softmax.html"]


def test_parts_stand_before_their_chapters_in_every_list(files):
    first, second = ">Parts &amp; pieces<", ">Whole<"
    for name in ("index.html", "softmax.html"):
        text = files[name]
        order = [first, 'href="softmax.html"', second, 'href="attention.html"']
        assert sorted(order, key=text.index) == order


def test_letters_lead_to_where_they_are_met(files):
    page = Page(files["symbols.html"])
    assert "attention weights" in page.text
    assert "attention.html" in page.links
    assert [a["href"] for a in page.elements["a"] if a.get("aria-current")] == ["symbols.html"]
    assert all("symbols.html" in Page(files[name]).links for name in ("index.html", "softmax.html"))


def test_every_link_leads_somewhere(files):
    pages = {name: Page(text) for name, text in files.items() if name.endswith(".html")}
    for name, page in pages.items():
        assert page.open == []
        for link in page.links:
            target, _, anchor = link.partition("#")
            assert not anchor or anchor in pages[target or name].ids, link
    cited = "softmax.html#softmax_gradient"
    assert cited in pages["attention.html"].links


def entries(files):
    text = files["search.js"]
    return json.loads(text.removeprefix("window.SEARCH = ").rstrip().removesuffix(";"))


def test_a_derivation_can_be_looked_for_with_its_formula(files):
    found = {entry["title"]: entry for entry in entries(files)}
    gradient = found["Softmax: gradient by x"]
    assert gradient["url"] == "softmax.html#softmax_gradient"
    assert gradient["under"] == "Softmax › The gradient"
    assert gradient["formula"].startswith('<math display="block" alttext=')
    assert {"derivative", "softmax", "backward"} <= set(gradient["words"].split())
    assert "The gradient" not in found  # what stands below it says more
    assert "References" not in found
    assert found["A remark & more"]["url"] == "softmax.html#a-remark-more"


SEARCHED = {
    "softmax gradient": "Softmax: gradient by x",
    "gradient of the softmax": "Softmax: gradient by x",
    "derivative softm": "Softmax: gradient by x",
    "scaled dot-product": "Scaled dot-product attention: gradient by Q, K, V",
    "remark": "A remark & more",
    "nonsense": None,
    "softmax nonsense": None,
}

RUN = """
var document = {getElementById: () => null};
function found(query) {
  const asked = words(query).filter((word) => !idle.has(word));
  const best = SEARCH.map((entry) => [score(asked, entry), entry])
    .filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]);
  return best.length ? best[0][1].title : null;
}
"""


@pytest.fixture(scope="module")
def search(files):
    """The search as the page's own script does it, without a page."""
    quickjs = pytest.importorskip("quickjs", reason="the extra symllm[test] carries it")
    script = re.search(r"<script>\n(.*?)</script>", files["index.html"], re.S)
    assert script
    pure = script[1][script[1].index("const idle") : script[1].index("const element")]
    context = quickjs.Context()
    context.eval("var window = {};" + files["search.js"] + "var SEARCH = window.SEARCH;")
    context.eval(pure + RUN)
    return lambda query: context.eval(f"found({json.dumps(query)})")


@pytest.mark.parametrize("query", SEARCHED)
def test_the_search_puts_first_what_is_meant(search, query):
    assert search(query) == SEARCHED[query]


def test_either_spelling_is_found(search):
    assert search("softmaxes") is None
    assert search("GRADIENT SOFTMAX") == "Softmax: gradient by x"
