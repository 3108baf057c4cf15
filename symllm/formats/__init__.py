"""The formats that documents come in: a table, with a row for each."""

from __future__ import annotations

from .book import ENGINES, book_pdf, chapter_pdf
from .format import DEFAULT, Files, Format, Options
from .notebook import chapter_notebook
from .site import chapter_page, site
from .text import chapter_latex, chapter_markdown, contents_markdown

__all__ = ["DEFAULT", "ENGINES", "FORMATS", "Files", "Format", "Options"]

#: Each format by its name.
FORMATS = {
    f.name: f
    for f in (
        Format("md", chapter_markdown, contents_markdown),
        Format("tex", chapter_latex),
        Format("html", chapter_page, site),
        Format("ipynb", chapter_notebook),
        Format("pdf", chapter_pdf, book_pdf),
    )
}
