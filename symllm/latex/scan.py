"""Characters to tokens: commands, letters, numbers and brackets, each with its column.

How a formula is set leaves no trace here: sizes, spaces, colours and fonts are dropped, and
what remains of a font is noted on the letter that it was used for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import ReadError
from .commands import (
    ACCENTS,
    CONTROL,
    ENVIRONMENTS,
    FUNCTIONS,
    LETTERS,
    MARKS,
    MATRICES,
    MEANS,
    RELATIONS,
    SIGNS,
    SILENT,
    SILENT_WITH_ARGUMENT,
    SIMPLE,
    STYLES,
    UNICODE,
    WORDS,
)

#: Nobody writes longer formulas than this, nor deeper ones; whoever sends them wants no answer.
LONGEST = 20_000
MOST_TOKENS = 6_000
DEEPEST = 48
LONGEST_NUMBER = 24


@dataclass(frozen=True)
class Token:
    """``kind`` is what the grammar knows it by, ``text`` what it says."""

    kind: str
    text: str
    at: int
    end: int
    style: str = ""


STYLED = re.compile(r"\s*\{\s*(?:\\([a-zA-Z]+)|([^{}\\$]*?))\s*\}")
#: Text that goes on as a formula: ``\\text{if $i = j$}``.
MIXED = re.compile(r"\s*(\{)\s*(if|for|when|where|for all)\s+(?=\$)")
PLAIN = re.compile(r"\s*(?:\\([a-zA-Z]+)|([A-Za-z0-9]))")
PATTERN = re.compile(
    r"(?P<space>\s+|~|%[^\n]*)"
    r"|\\(?P<command>operatorname\*|[a-zA-Z]+)"
    r"|\\(?P<control>.)"
    r"|(?P<number>\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<letter>[A-Za-z])"
    r"|(?P<dollar>\$+)"
    r"|(?P<sign>[^\s])",
    re.S,
)


def scan(text: str) -> list[Token]:
    """The tokens of a formula.

    Raises ``ReadError`` for what is too long, for characters that no formula
    has, and for commands that are not known.
    """
    if len(text) > LONGEST:
        raise ReadError(
            f"the formula has {len(text)} characters; at most {LONGEST} are read", text[:200], 0
        )
    for at, character in enumerate(text):
        if ord(character) < 32 and character not in "\n\t\r":
            raise ReadError(f"a control character, {character!r}, is no part of LaTeX", text, at)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = PATTERN.match(text, at)
        assert match
        found, at = lexeme(text, match)
        tokens += found
        if len(tokens) > MOST_TOKENS:
            raise ReadError(f"the formula is too long: more than {MOST_TOKENS} signs", text, at)
    return tokens


def lexeme(text: str, match: re.Match[str]) -> tuple[list[Token], int]:
    """The tokens that one match stands for, and where to go on."""
    kind, at, end = match.lastgroup, match.start(), match.end()
    said = match[kind or 0]
    if kind in ("space", "dollar"):
        return [], end
    if kind == "command":
        return command(text, said, at, end)
    if kind == "control":
        return control(text, said, at, end)
    if kind == "number":
        if len(said) > LONGEST_NUMBER:
            raise ReadError(f"a number of {len(said)} digits is too long", text, at)
        return [Token("NUMBER", said, at, end)], end
    if kind == "letter":
        return [Token("LETTER", said, at, end)], end
    if said in UNICODE:
        return [Token("LETTER", UNICODE[said], at, end)], end
    if said not in SIGNS:
        raise ReadError(f"{said!r} is not understood here", text, at)
    return [Token(SIGNS[said], MEANS.get(said, said), at, end)], end


def control(text: str, said: str, at: int, end: int) -> tuple[list[Token], int]:
    if said in ",;:! >\n\t-/@&%#$":  # spaces and breaks
        return [], end
    if said not in CONTROL:
        raise ReadError(f"the command '\\{said}' is not understood", text, at)
    kind = CONTROL[said]
    if said == "\\":  # a row may say how far away the next one is
        spaced = re.compile(r"\s*\[[^\]\[]{0,12}(?:pt|em|ex|cm|mm)\]").match(text, end)
        end = spaced.end() if spaced else end
    return ([Token(kind, "\\" + said, at, end)] if kind else []), end


def command(text: str, said: str, at: int, end: int) -> tuple[list[Token], int]:
    if said in STYLES:
        return styled(text, said, at, end)
    if said in ("begin", "end"):
        return environment(text, said, at, end)
    if said in SILENT:
        dot = re.compile(r"\s*\.").match(text, end) if said in ("left", "right") else None
        if said in ("left", "right") and (bar := re.compile(r"\s*(\\?\|)").match(text, end)):
            side = "LR"[said == "right"] + ("NORM" if "\\" in bar[1] else "BAR")
            return [Token(side, bar[1], at, bar.end())], bar.end()
        return [], dot.end() if dot else end
    if said in SILENT_WITH_ARGUMENT:
        argument = re.compile(r"\s*\{[^{}]*\}").match(text, end)
        return [], argument.end() if argument else end
    if said in LETTERS:
        return [Token("LETTER", LETTERS[said], at, end)], end
    if said in ACCENTS:
        return [Token("ACCENT", ACCENTS[said], at, end)], end
    if said in FUNCTIONS:
        return [Token("WORD", "log" if said == "ln" else said, at, end)], end
    if said in MARKS:
        return [Token("MARK", MARKS[said], at, end)], end
    if said in RELATIONS:
        return [Token("REL", RELATIONS[said], at, end)], end
    if said in SIMPLE:
        kind = SIMPLE[said]
        return ([Token(kind, said, at, end)] if kind else []), end
    raise ReadError(f"the command '\\{said}' is not understood", text, at)


def styled(text: str, said: str, at: int, end: int) -> tuple[list[Token], int]:
    """A letter or a word in a font; of anything longer the font is dropped."""
    match = STYLED.match(text, end) or PLAIN.match(text, end)
    style = STYLES[said]
    if inside := MIXED.match(text, end):
        return [
            Token(WORDS[inside[2]], inside[2], at, inside.end()),
            Token("LBRACE", "{", inside.start(1), inside.end()),
        ], inside.end()
    if match is None:
        return [], end
    name, content = match[1], match[2]
    end_of = match.end()
    if name is not None:
        if name not in LETTERS:
            return [], end
        return [Token("LETTER", LETTERS[name], at, end_of, style)], end_of
    content = " ".join(content.split()).rstrip(",:")
    if content == "T" and style == "upright":
        return [Token("LETTER", "top", at, end_of)], end_of
    if content.rstrip(".") in WORDS:
        return [Token(WORDS[content.rstrip(".")], content, at, end_of)], end_of
    if content == "1" and style in ("bold", "double"):
        return [Token("ONES", content, at, end_of)], end_of
    if re.fullmatch(r"[A-Za-z]", content):
        return [Token("LETTER", content, at, end_of, style)], end_of
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", content) and style == "upright":
        return [Token("WORD", content, at, end_of, style)], end_of
    if not content:
        return [], end_of
    if said in ("text", "mbox", "textrm", "textit"):
        return [Token("TEXT", content, at, end_of)], end_of
    return [], end


def environment(text: str, said: str, at: int, end: int) -> tuple[list[Token], int]:
    match = re.compile(r"\s*\{([a-zA-Z*]+)\}").match(text, end)
    name = match[1] if match else ""
    if match and name in ENVIRONMENTS:
        return [], match.end()
    if match and name in ("cases", "dcases", "rcases"):
        return [Token("CASES" if said == "begin" else "ENDCASES", name, at, match.end())], (
            match.end()
        )
    if match and name in MATRICES:
        columns = re.compile(r"\s*\{[lcr| ]*\}").match(text, match.end())
        ended = columns.end() if columns and name == "array" else match.end()
        return [Token("MATRIX" if said == "begin" else "ENDMATRIX", name, at, ended)], ended
    raise ReadError(f"the environment {name!r} is not understood", text, at)


def depth_checked(tokens: list[Token], text: str) -> Iterator[Token]:
    """The tokens, as long as brackets are not nested too deeply."""
    depth = 0
    for token in tokens:
        depth += token.kind in OPENING
        depth -= token.kind in CLOSING
        if depth > DEEPEST:
            raise ReadError(f"brackets are nested more than {DEEPEST} deep", text, token.at)
        yield token


OPENING = frozenset({"LPAR", "LSQUARE", "LBRACE", "LSET", "LANGLE", "LBAR", "LNORM"})
OPENING |= {"CASES", "MATRIX"}
CLOSING = frozenset({"RPAR", "RSQUARE", "RBRACE", "RSET", "RANGLE", "RBAR", "RNORM"})
CLOSING |= {"ENDCASES", "ENDMATRIX"}
