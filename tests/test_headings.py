"""Anchors: what a heading is called by who points to it."""

from __future__ import annotations

import pytest

from symllm.headings import headings, with_anchors, with_links

TEXTS = [
    "# Title\n\nProse.\n\n## One",
    "### The input",
    "",
    "### The input\n\n```\n# no heading\n```\n\n## Two, $x$ & more\n\n### The input",
]

LINKS = {"One": "[One](1)", "Two three": "[Two three](2)"}


def test_an_anchor_is_made_of_the_headings_above_and_is_never_given_twice():
    found = [[h.anchor for h in here] for here in headings(TEXTS)]
    assert found == [
        ["title", "one"],
        ["one-the-input"],
        [],
        ["one-the-input-2", "two-x-more", "two-x-more-the-input"],
    ]


def test_a_heading_added_elsewhere_changes_no_anchor():
    more = [TEXTS[0], "### Another", *TEXTS[1:]]
    before = [h.anchor for here in headings(TEXTS) for h in here]
    assert [
        h.anchor for here in headings(more) for h in here if "another" not in h.anchor
    ] == before


def test_headings_are_marked_and_code_is_left_alone():
    marked = with_anchors(
        TEXTS[3], headings(TEXTS)[3], lambda line, anchor: f"{line} {{#{anchor}}}"
    )
    assert "### The input {#one-the-input-2}" in marked
    assert "\n# no heading\n" in marked
    assert marked.count("{#") == 3


@pytest.mark.parametrize(
    ("prose", "said"),
    [
        ("as *One* says", "as [One](1) says"),
        ("in *Two\nthree*, *or one*", "in [Two three](2), *or one*"),
        ("**One** and *One more* of *one*", "**One** and *One more* of *one*"),
        ("One * One * One", "One * One * One"),
    ],
)
def test_emphasised_titles_are_links(prose, said):
    assert with_links(prose, lambda title: LINKS.get(title, "")) == said
