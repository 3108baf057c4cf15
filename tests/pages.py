"""Pages of HTML as their readers see them: elements, links, anchors and text."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

VOID = frozenset({"meta", "input", "br", "hr", "img", "link", "col"})


class Page(HTMLParser):
    """``open`` holds what was not closed, ``loaded`` what is fetched from elsewhere."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.elements: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.elements[tag].append(found)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif "src" in found or "href" in found:
            self.loaded.append(found.get("src") or found["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "pre"} & set(self.open):
            self.text += data


@lru_cache(maxsize=64)
def page_of(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))
