"""Chapters as notebooks, with what their cells show: they read well before they are run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..document import Document, Shown, chapter_error, sections
from ..headings import unlike
from .format import Files, Options

#: Rich displays, by the method that gives each.
DISPLAYS = {
    "_repr_latex_": "text/latex",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
}

#: Longer ids are refused by readers.
LONGEST = 64

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


def chapter_notebook(document: Document, options: Options) -> Files:
    notebook = {
        "cells": list(cells(document)),
        "metadata": METADATA,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return {f"{document.chapter.name}.ipynb": text.encode()}


def cells(document: Document) -> Iterator[dict[str, Any]]:
    """A cell of the notebook for each of the chapter's.

    Its id is made of the heading that it stands under and of its place there,
    so that it stays as it is when cells are edited, or added elsewhere.
    """
    taken: set[str] = set()
    under, count = document.chapter.name, 0
    for shown, here in zip(document.shown, sections(document), strict=True):
        under = here[-1].anchor if here else under
        called = unlike(f"{under[: LONGEST - 12]}-{'text' if shown.cell.prose else 'code'}", taken)
        taken.add(called)
        metadata = {"tags": ["shown"]} if shown.cell.shown else {}
        cell = {"id": called, "metadata": metadata, "source": lines(shown.cell.source)}
        if shown.cell.prose:
            yield cell | {"cell_type": "markdown"}
            continue
        count += 1
        try:
            found = outputs(shown, count)
        except (Exception, SystemExit) as error:
            raise chapter_error(document.chapter, shown.cell, error) from error
        yield cell | {"cell_type": "code", "execution_count": count, "outputs": found}


def outputs(shown: Shown, count: int) -> list[dict[str, Any]]:
    stream = {"name": "stdout", "output_type": "stream", "text": lines(shown.printed)}
    printed: list[dict[str, Any]] = [stream] if shown.printed else []
    if shown.value is None:
        return printed
    data = {"text/plain": lines(repr(shown.value))}
    for method, kind in DISPLAYS.items():
        text = getattr(shown.value, method, lambda: None)()
        if text is not None:  # so says what has no display of that kind, as SymPy does
            data[kind] = lines(text)
    result = {
        "data": data,
        "execution_count": count,
        "metadata": {},
        "output_type": "execute_result",
    }
    return [*printed, result]


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
