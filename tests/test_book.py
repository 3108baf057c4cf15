"""The book that a folder of chapters makes: its title and its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from symllm.book import Book, BookError, read_book
from symllm.chapters import chapters_in


def folder_with(tmp_path: Path, text: str | None) -> Path:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.py").write_text("")
    if text is not None:
        (tmp_path / "book.toml").write_text(text)
    return tmp_path


def test_chapters_come_in_the_books_order_and_the_rest_by_name(tmp_path):
    assert [*chapters_in(folder_with(tmp_path, None))] == ["a", "b", "c"]
    assert [*chapters_in(folder_with(tmp_path, 'chapters = ["c"]'))] == ["c", "a", "b"]


def test_a_book_without_a_file_has_a_title_all_the_same(tmp_path):
    assert read_book(tmp_path) == Book()
    assert Book().title
    (tmp_path / "book.toml").write_text('title = "T"\nsubtitle = "S"\n')
    assert read_book(tmp_path).about == {"title": "T", "subtitle": "S"}


def test_a_book_may_have_parts(tmp_path):
    text = """
[[parts]]
title = "First"
chapters = ["c", "a"]

[[parts]]
title = "Second"
chapters = ["b"]
"""
    assert [*chapters_in(folder_with(tmp_path, text))] == ["c", "a", "b"]
    assert read_book(tmp_path, "abc").begun == {"c": "First", "b": "Second"}
    assert not read_book(folder_with(tmp_path, 'chapters = ["a"]'), "abc").begun


WRONG = {
    'chapters = ["d"]': "there is no chapter 'd'",
    'chapters = ["a", "a"]': "the chapter 'a' is listed twice",
    "chapters = 3": "chapters is a list of chapters' names, not 3",
    "title = 3": "title is a text, not 3",
    'titel = "T"': "'titel' is no field of a book; there are title, subtitle, chapters, parts",
    "title = ": "cannot read",
    'letters = "L"': "letters is a table of letters and what they mean, [letters], not 'L'",
    "[letters]\nL = 3": "letters is a table of letters and what they mean, [letters], not {'L': 3}",
    'parts = ["a"]': "parts is tables with a title and chapters, [[parts]], not ['a']",
    '[[parts]]\ntitle = "P"': "parts: one has no chapters",
    '[[parts]]\ntitle = "P"\nchapters = 3': "parts: chapters is a list of chapters' names, not 3",
    '[[parts]]\ntitle = "P"\nchapter = ["a"]': "parts: 'chapter' is no field of a part",
    '[[parts]]\ntitle = "P"\nchapters = ["d"]': "there is no chapter 'd'",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told(text, tmp_path):
    with pytest.raises(BookError) as caught:
        chapters_in(folder_with(tmp_path, text))
    assert "book.toml: " in str(caught.value)
    assert WRONG[text] in str(caught.value)
