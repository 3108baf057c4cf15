"""The few elements that our pictures are made of, and their colours by day and by night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

#: Colours by what they are for: on white, and on black.
COLOURS = {
    "ink": ("#1c2430", "#dfe5ec"),
    "soft": ("#7c8794", "#8b97a5"),
    "faint": ("#cfd6dd", "#3b4653"),
    "accent": ("#1f4e79", "#8ec1f2"),
    "given": ("#eef4fa", "#1b2733"),
    "made": ("#ffffff", "#20262d"),
    "learned": ("#fdf1dd", "#3a2f1a"),
    "back": ("#f7e6e6", "#3d2226"),
    "warm": ("#a33a2c", "#f0968a"),
    "leaf": ("#3d7a3f", "#8fd08f"),
    "negative": ("#2e67a0", "#3f7fbe"),
    "positive": ("#be3e30", "#d2503f"),
}
SERIF = "'New Computer Modern', 'Latin Modern Math', 'STIX Two Text', Cambria, Georgia, serif"


def drawing(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole picture. Colours by day are attributes, which all readers know."""
    night = " ".join(
        f".f-{name}{{fill:{dark}}} .s-{name}{{stroke:{dark}}}"
        for name, (_, dark) in COLOURS.items()
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
        f'width="{number(width)}" height="{number(height)}" role="img" '
        f'aria-label="{escape(title)}">\n'
        f"<style>@media (prefers-color-scheme: dark) {{ {night} }}</style>\n{body}\n</svg>"
    )


def element(kind: str, attributes: Mapping[str, object], text: str = "") -> str:
    """An element; ``fill`` and ``stroke`` name colours of the table."""
    classes = []
    written = []
    for key, value in attributes.items():
        if key in ("fill", "stroke") and value in COLOURS:
            classes.append(f"{key[0]}-{value}")
            value = COLOURS[str(value)][0]
        shown = number(value) if isinstance(value, int | float) else escape(str(value))
        written.append(f'{key}="{shown}"')
    if classes:
        written.append(f'class="{" ".join(classes)}"')
    start = f"<{kind} {' '.join(written)}"
    return f"{start}>{text}</{kind}>" if text else f"{start}/>"


def label(x: float, y: float, text: str, size: float = 16, **more: object) -> str:
    """Text about a point; ``text`` is SVG already."""
    attributes = {
        "x": x,
        "y": y,
        "font-size": size,
        "font-family": SERIF,
        "text-anchor": "middle",
        "fill": "ink",
    }
    return element("text", attributes | more, text)


def number(value: float) -> str:
    """With one decimal at most, whatever the machine."""
    rounded = round(float(value), 1)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)
