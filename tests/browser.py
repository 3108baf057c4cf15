"""Pages as a browser lays them out: what is cut off, what must be scrolled, what is too small.

``python tests/browser.py WIDTH PAGE...`` says it of pages that were built.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--window-size=1600,2200",
    "--virtual-time-budget=5000",
)

#: Letters smaller than this, in pixels, are hard to read: in formulas and in pictures.
READABLE = 7.5

#: Everything is unfolded; what has a box of its own to scroll in may be as wide as it likes.
SCRIPT = """
document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
addEventListener("load", () => {
  const wide = document.documentElement.clientWidth;
  const style = (e) => getComputedStyle(e);
  const words = (e) => (e.closest("math")?.getAttribute("alttext") || e.textContent || "")
    .trim().replace(/\\s+/g, " ").slice(0, 70);
  const named = (e) => e.tagName.toLowerCase() + (e.classList.length ? "." + e.classList[0] : "");
  const said = (e) => named(e) + ": " + words(e);
  const scrolls = (e) => e && (/auto|scroll/.test(style(e).overflowX) || scrolls(e.parentElement));
  const shown = (e) => e.checkVisibility() && !e.closest(".skip, #hits");
  const all = [...document.body.querySelectorAll("*")].filter(shown);
  const boxes = [...document.querySelectorAll(".display")].filter(shown);
  const narrow = (e) => e.scrollWidth > e.clientWidth + 1;
  const outside = (e) => {
    const box = e.getBoundingClientRect();
    return box.width && (box.right > wide + 1 || box.left < -1) && !scrolls(e);
  };
  const clipped = (e) => /hidden|clip/.test(style(e).overflowX) && narrow(e);
  const beyond = (e) => {  // letters outside their picture
    if (e.tagName !== "text" || !words(e)) return false;
    const text = e.getBoundingClientRect(), box = e.ownerSVGElement.getBoundingClientRect();
    return text.left < box.left - 1 || text.right > box.right + 1
      || text.top < box.top - 1 || text.bottom > box.bottom + 1;
  };
  const box = (e) => e.getBoundingClientRect();
  const place = (note) => {  // where a note stands, seen from the left side of its formula
    let row = note.closest("mtr");
    while (row.matches(".note, .more")) row = row.previousElementSibling;
    const [formula] = row.children, own = box(note);
    const where = own.bottom <= box(formula).top + 3 ? "above"
      : own.top >= box(formula).bottom - 3 ? "below" : "beside";
    return where + ": " + note.textContent;
  };
  const noted = [...document.querySelectorAll(".display mtd mtext:not(.bracket)")];
  const parted = (row) => {  // a left side whose right side stands below it
    const [left, right] = [...row.children].map(box);
    return left.width && right?.width && right.top >= left.bottom - 1;
  };
  const letters = all.filter((e) => /^(mi|mn|mo|mtext|text|tspan)$/.test(e.tagName) && words(e));
  const size = (e) => {
    const picture = e.ownerSVGElement, px = parseFloat(style(e).fontSize);
    return picture
      ? px * picture.getBoundingClientRect().width / picture.viewBox.baseVal.width : px;
  };
  const found = {
    width: wide,
    outside: all.filter(outside).map(said),
    clipped: all.filter((e) => clipped(e) || beyond(e)).map(said),
    small: letters.filter((e) => size(e) < READABLE).map((e) => size(e).toFixed(1) + " " + said(e)),
    displays: boxes.length,
    notes: noted.filter(words).map(place),
    alone: [...document.querySelectorAll(".display mtr")].filter(parted).map(said),
    scrolled: boxes.filter(narrow).map((e) => e.scrollWidth + " " + said(e.querySelector("math"))),
  };
  parent.postMessage(JSON.stringify(found), "*");
});
"""

#: Browsers have windows of some width at least, and frames of any.
FRAME = """<!DOCTYPE html>
<pre id="found"></pre>
<iframe src="page.html" style="width: {width}px; height: 2000px; border: 0"></iframe>
<script>onmessage = (m) => {{ document.getElementById("found").textContent = m.data; }};</script>
"""


@dataclass(frozen=True)
class Fit:
    """How a page fits a width: lists of what does not, each in words."""

    width: int
    outside: list[str] = field(default_factory=list)
    clipped: list[str] = field(default_factory=list)
    small: list[str] = field(default_factory=list)
    displays: int = 0
    notes: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    scrolled: list[str] = field(default_factory=list)


def fit(page: str, width: int) -> Fit:
    """A page's source, laid out at a width in pixels."""
    assert CHROMIUM
    script = f"<script>const READABLE = {READABLE};{SCRIPT}</script>"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page.html").write_text(page + script, encoding="utf-8")
        frame = Path(folder) / "frame.html"
        frame.write_text(FRAME.format(width=width), encoding="utf-8")
        dumped = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", frame.as_uri()],
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout.decode()
    found = re.search(r'<pre id="found">(.*?)</pre>', dumped, re.S)
    assert found, dumped[:500]
    return Fit(**json.loads(html.unescape(found[1])))


def main(width: str, *pages: str) -> None:
    for page in pages:
        found = fit(Path(page).read_text(encoding="utf-8"), int(width))
        print(f"{page} at {found.width}: {len(found.scrolled)} of {found.displays} displays scroll")
        for kind in ("outside", "clipped", "small", "alone", "scrolled"):
            for words in getattr(found, kind):
                print(f"  {kind}: {words}")


if __name__ == "__main__":
    main(*sys.argv[1:])
