"""Rendering: expressions, ops and derivations to LaTeX, Markdown and PDF."""
