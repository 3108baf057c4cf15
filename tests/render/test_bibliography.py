"""References gathered for the book, and citations that lead to them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symllm.chapters import chapters_in, read_chapter
from symllm.render.bibliography import Work, gathered, keys, with_links, without_references

BOOK = Path(__file__).parents[2] / "derivations"

BA = Work("J. L. Ba, J. R. Kiros and G. E. Hinton, *Layer normalization*, arXiv:1607.06450, 2016.")
XIONG = Work("R. Xiong et al., *On layer normalization*, ICML 2020, arXiv:2002.04745.")
BODY = f"Text (Ba, Kiros & Hinton, 2016).\n\n### References {{#r}}\n\n{BA.text}\n\n{XIONG.text}\n"


@pytest.mark.parametrize(
    ("work", "surname", "year"),
    [
        (BA, "Ba", "2016"),
        (XIONG, "Xiong", "2020"),
        (Work("T. van Laarhoven, *L2*, 2017."), "Laarhoven", "2017"),
        (Work("Gemma Team, *Gemma 2*, 2024."), "Gemma Team", "2024"),
        (Work("OpenAI, *GPT-4 technical report*, 2023."), "OpenAI", "2023"),
    ],
)
def test_author_and_year(work, surname, year):
    assert (work.surname, work.year) == (surname, year)


def test_a_body_without_its_references():
    body, works = without_references(BODY + "\n## More\n\nText.\n")
    assert works == [BA, XIONG]
    assert "References" not in body
    assert body.endswith("## More\n\nText.\n")


def test_a_work_is_listed_once_however_its_place_is_written():
    again = Work(BA.text.replace("arXiv:1607.06450, 2016", "2016, arXiv:1607.06450"))
    assert gathered([XIONG, BA, again]) == [BA, XIONG]


def test_citations_lead_to_the_one_work_that_they_can_mean():
    known = keys([BA, XIONG])
    assert with_links("A (Ba, Kiros & Hinton, 2016) b.", known) == (
        "A ([Ba, Kiros & Hinton, 2016](#work-ba2016)) b."
    )
    assert with_links("(Xiong et al., 2020)", known) == "([Xiong et al., 2020](#work-xiong2020))"
    assert with_links("(Nobody, 2020) (in 2016)", known) == "(Nobody, 2020) (in 2016)"
    assert with_links("(Nobody, 2020; Ba et\nal., 2016)", known) == (
        "(Nobody, 2020; [Ba et\nal., 2016](#work-ba2016))"
    )
    gemma = Work("Gemma Team, *Gemma 2*, 2024.")
    assert with_links("(Gemma Team, 2024)", keys([BA, gemma])).endswith("(#work-gemmateam2024))")
    assert gathered([gemma, BA, XIONG]) == [BA, gemma, XIONG]
    other = Work("A. Ba, *Another*, 2016.")
    assert with_links("(Ba, 2016)", keys([BA, other])) == "(Ba, 2016)"


def works_of_the_book() -> list[Work]:
    chapters = map(read_chapter, chapters_in(BOOK).values())
    cells = (cell for chapter in chapters for cell in chapter.cells if cell.prose)
    return [work for cell in cells for work in without_references(cell.source)[1]]


@pytest.mark.parametrize("what", [r"\*(.+?)\*", r"arXiv:([\d.]+\d)"], ids=["title", "number"])
def test_a_work_is_written_the_same_way_in_every_chapter(what):
    written: dict[str, set[str]] = {}
    for work in works_of_the_book():
        for name in re.findall(what, work.text):
            written.setdefault(name.lower(), set()).add(work.text)
    assert len(written) > 50
    assert {name: texts for name, texts in written.items() if len(texts) > 1} == {}


def test_a_year_stands_by_the_place_that_it_is_of():
    """A work's own place and its year come before its number; a preprint has the number alone."""
    last = re.compile(r"(\w|\d,) \d{4}, arXiv:\S+\.$|\*, arXiv:\S+, \d{4}\.$")
    numbered = [work.text for work in works_of_the_book() if "arXiv:" in work.text]
    assert [text for text in numbered if not last.search(text)] == []
