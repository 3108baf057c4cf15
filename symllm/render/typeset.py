"""Markdown to LaTeX sources and to PDF, by pandoc and Typst: no TeX installation is needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..errors import SymllmError
from .look import TEMPLATES, look
from .signs import SIGNS
from .tracing import traced

#: The Markdown that documents are made from: what ``Flavour("pandoc")`` writes.
READER = "markdown-auto_identifiers-implicit_figures-raw_tex-raw_html"

#: LaTeX is full of braces and percent signs, so its template is marked otherwise.
LATEX_TEMPLATES = TEMPLATES.overlay(
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<<",
    variable_end_string=">>",
    comment_start_string="<#",
    comment_end_string="#>",
)

#: What a picture in LaTeX begins with.
DRAWN = r"\begin{drawn}"


class MissingExtra(SymllmError):
    """Something that only an extra installs is needed."""


class TypesettingError(SymllmError):
    """A document that pandoc or Typst cannot set."""


def needed(module: str, what: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{what} needs {module}, which is not installed: pip install 'symllm[docs]'"
        ) from error


#: The filters that know our own blocks, and what else each of pandoc's writers is told.
WRITERS = {
    "latex": (("tables.lua", "pandoc.lua"), "--shift-heading-level-by=-1"),
    "typst": (("tables.lua", "pandoc.lua"), "--shift-heading-level-by=-1"),
    "html5": (("html.lua",), "--mathml"),
}


def convert(markdown: str, target: str, what: str, more: Sequence[str] = ()) -> str:
    """The body of a document, whose title stands apart."""
    pypandoc = needed("pypandoc", what)
    markdown = traced(markdown) if target == "latex" else markdown
    scripts, option = WRITERS[target]
    filters = (f"--lua-filter={look(script)}" for script in scripts)
    options = ["--wrap=preserve", *filters, option, *more]
    try:
        return str(pypandoc.convert_text(markdown, target, READER, extra_args=options)).strip()
    except (OSError, RuntimeError) as error:
        raise TypesettingError(f"pandoc cannot make {what}: {error}") from error


def latex_document(title: str, markdown: str) -> str:
    """A LaTeX source that plain ``pdflatex`` compiles."""
    head, body = (convert(text, "latex", "LaTeX") for text in (title, markdown))
    return latex_page("page.tex.j2", head, body)


def latex_page(template: str, title: str, body: str, **more: str) -> str:
    """A source with what its body needs."""
    signs = [(f"{ord(sign):04X}", set_as) for sign, set_as in SIGNS.items() if sign in body]
    drawn = DRAWN in body
    page = LATEX_TEMPLATES.get_template(template)
    return page.render(title=title, body=body, signs=signs, drawn=drawn, **more)


def typst_document(title: str, markdown: str) -> str:
    style = look("page.typ").read_text(encoding="utf-8")
    # A JSON string is a Typst string.
    show = f"#show: page-style.with(title: {json.dumps(title, ensure_ascii=False)})"
    return f"{style}\n{show}\n\n{convert(markdown, 'typst', 'PDF')}\n"


def pdf_document(title: str, markdown: str) -> bytes:
    """A page as PDF, set by Typst."""
    return typst_pdf(title, typst_document(title, markdown))


#: What Typst says where pages still change when it has made them five times.
UNSETTLED = "did not converge"

#: By turns: pictures where there is room, or if that does not settle where they are shown.
PICTURES = ("settled", "in place")


def typst_pdf(title: str, source: str) -> bytes:
    """A PDF whose bytes depend on nothing but the text: fonts come with Typst, no date is set."""
    typst = needed("typst", "PDF")
    for pictures in PICTURES:
        inputs = {"pictures": pictures}
        try:
            pdf, warnings = typst.compile_with_warnings(
                source.encode(), ignore_system_fonts=True, sys_inputs=inputs
            )
        except typst.TypstError as error:
            raise TypesettingError(f"Typst cannot set {title!r}: {error}") from error
        if not any(UNSETTLED in str(warning) for warning in warnings):
            break
    return bytes(pdf)
