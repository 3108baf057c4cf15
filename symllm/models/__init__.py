"""Whole language models, made of the catalogue's ops."""
