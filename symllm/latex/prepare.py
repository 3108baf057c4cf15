"""What TeX leaves to the eye, made plain: arguments in braces, bars in pairs, rows as pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import ReadError
from .commands import ARROWS
from .scan import CLOSING, OPENING, Token, depth_checked, scan

#: Commands that take arguments, and how many.
TAKERS = {"FRAC": 2, "SQRT": 1, "ACCENT": 1, "SUB": 1, "SUP": 1}
MOST_IN_A_ROW = 12
#: A row that ends or begins so goes on from the row before.
JOINING = frozenset({"PLUS", "MINUS", "MARK", "REL"})

#: What stands for a pair of columns that ends.
NEXT_COLUMN = "&&"

#: Where rows and columns are a matrix's or those of cases, and no lines of a formula.
GRIDS = frozenset({"CASES", "MATRIX"})
GRID_ENDS = frozenset({"ENDCASES", "ENDMATRIX"})

Tokens = list[Token]


def prepare(text: str) -> Tokens:
    """The tokens of a formula as the grammar wants them; raises ``ReadError``."""
    tokens = scan(text)
    for change in PASSES:
        tokens = change(tokens, text)
    return list(depth_checked(tokens, text))


def joined_signs(tokens: Tokens, text: str) -> Tokens:
    """``:=`` and ``<=`` as one sign; ``^\\prime`` as a prime; empty braces as nothing."""
    found: Tokens = []
    for token in tokens:
        last = found[-1].kind if found else ""
        if token.kind == "REL" and token.text == "=" and last == "COLON":
            found[-1] = replace(token, at=found[-1].at)
        elif (
            token.kind == "REL" and token.text == "=" and last == "REL" and len(found[-1].text) < 2
        ):
            found[-1] = replace(found[-1], text=found[-1].text.strip("=") + "=", end=token.end)
        elif token.kind == "PRIME" and last == "SUP":
            found[-1] = token
        elif token.kind == "RBRACE" and [t.kind for t in found[-3:]] == ["SUP", "LBRACE", "PRIME"]:
            found[-3:] = [found[-1]]
        elif token.kind == "RBRACE" and last == "LBRACE":
            found.pop()
        else:
            found.append(token)
    return found


def undecorated(tokens: Tokens, text: str) -> Tokens:
    """Without boxes, colours and what is written under braces."""
    found: Tokens = []
    labels: list[int] = []  # depths at which an underbrace ends
    depth, at = 0, 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.kind == "KEEP":
            continue
        if token.kind == "COLOURED":
            at = after_argument(tokens, at, text)
            continue
        if token.kind == "BRACE":
            labels.append(depth)
            continue
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        found.append(token)
        if token.kind == "RBRACE" and labels and labels[-1] == depth:
            labels.pop()
            if at < len(tokens) and tokens[at].kind in ("SUB", "SUP"):
                at = after_argument(tokens, at + 1, text)
    return found


def after_argument(tokens: Tokens, at: int, text: str) -> int:
    """Where the argument that starts at a place ends."""
    if at >= len(tokens):
        raise ReadError("an argument is missing at the end", text, max(len(text) - 1, 0))
    if tokens[at].kind != "LBRACE":
        return at + 1
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place].kind == "LBRACE") - (tokens[place].kind == "RBRACE")
        if not depth:
            return place + 1
    raise ReadError("this brace is not closed", text, tokens[at].at)


def braced(tokens: Tokens, text: str) -> Tokens:
    """Each argument in braces: TeX takes one sign where there are none, and so do people."""
    done: Tokens = []  # from the end of the formula backwards
    run = 0
    for token in reversed(tokens):
        run = run + 1 if token.kind in TAKERS else 0
        if run > MOST_IN_A_ROW:
            raise ReadError("too many commands in a row without braces", text, token.at)
        taken: Tokens = []
        if token.kind == "SQRT" and done and done[-1].kind == "LSQUARE":
            taken += popped(done, token, text, "LSQUARE", "RSQUARE")
        for _ in range(TAKERS.get(token.kind, 0)):
            taken += argument(done, token, text)
        done += [*reversed(taken), token]
    return done[::-1]


def argument(done: Tokens, taker: Token, text: str) -> Tokens:
    """The next argument, taken off the end of ``done``, in braces."""
    if not done or done[-1].kind in ENDING:
        raise ReadError(f"{taker.text!r} lacks an argument", text, taker.at)
    if done[-1].kind == "LBRACE":
        return popped(done, taker, text, "LBRACE", "RBRACE")
    first = done.pop()
    inner = [first]
    if first.kind == "NUMBER" and len(first.text) > 1:  # only its first digit
        inner = [replace(first, text=first.text[0], end=first.at + 1)]
        done.append(replace(first, text=first.text[1:], at=first.at + 1))
    for _ in range(TAKERS.get(first.kind, 0)):
        inner += popped(done, first, text, "LBRACE", "RBRACE")
    at, end = inner[0].at, inner[-1].end
    return [Token("LBRACE", "{", at, at), *inner, Token("RBRACE", "}", end, end)]


def popped(done: Tokens, taker: Token, text: str, left: str, right: str) -> Tokens:
    """A whole pair of brackets, taken off the end of ``done``."""
    depth, taken = 0, []
    while done:
        taken.append(done.pop())
        depth += (taken[-1].kind == left) - (taken[-1].kind == right)
        if not depth:
            return taken
    raise ReadError(f"a bracket after {taker.text!r} is not closed", text, taker.at)


ENDING = (CLOSING - {"RBAR", "RNORM"}) | {"COMMA", "CELL", "ROW", "REL", "SEP", "PLUS", "QUAD"}


def paired(tokens: Tokens, text: str) -> Tokens:
    """Bars told apart, those that open from those that close."""
    found: Tokens = []
    open_bars: list[list[str]] = [[]]
    for token in tokens:
        if token.kind in ("BAR", "NORM"):
            bars = open_bars[-1]
            if bars and bars[-1] == token.kind:
                bars.pop()
                token = replace(token, kind="R" + token.kind)
            else:
                bars.append(token.kind)
                token = replace(token, kind="L" + token.kind)
        elif token.kind in OPENING:
            open_bars.append([])
        elif token.kind in CLOSING and len(open_bars) > 1:
            open_bars.pop()
        found.append(token)
    return found


def in_pieces(tokens: Tokens, text: str) -> Tokens:
    """Commas, wide spaces and rows outside brackets as one separator between equations.

    Inside brackets wide spaces say nothing. In ``cases`` and matrices rows and cells stay.
    """
    found: Tokens = []
    around: list[str] = []
    for token in tokens:
        kind = token.kind
        if kind in OPENING:
            around.append(kind)
        elif kind in CLOSING and around:
            around.pop()
        within = around[-1] if around else ""
        last = found[-1].kind if found else ""
        if within == "CASES":
            if kind == "QUAD":
                continue
            if kind in CASE_ENDS and last in ("COMMA", "DOT"):
                found.pop()
        elif within == "MATRIX" and kind in ("CELL", "ROW"):
            pass
        elif kind == "CELL" or (around and kind in ("QUAD", "ROW")):
            continue
        elif kind in ("COMMA", "QUAD", "ROW", "WHERE", "DOT") and not around:
            kind = "SEP"
        elif kind == "WHERE":
            raise ReadError(
                f"the text {token.text!r} is not understood inside brackets", text, token.at
            )
        if kind == "ENDCASES" and last in ("COMMA", "ROW", "DOT"):
            found.pop()
        if kind == "ENDMATRIX" and last == "ROW":
            found.pop()
        if token.text in ARROWS and last == "SEP":
            found[-1] = replace(found[-1], text=token.text)
        if kind == "SEP" and (not found or found[-1].kind in JOINING | {"SEP", "IF"}):
            continue
        if found and found[-1].kind == "SEP" and goes_on(found[-1], kind):
            found.pop()
        found.append(replace(token, kind=kind))
    while found and found[-1].kind == "SEP":
        found.pop()
    return found


def goes_on(separator: Token, kind: str) -> bool:
    """Does an equation go on with a token of this kind: after a row, but not after an arrow?"""
    if separator.text in {NEXT_COLUMN, *ARROWS} and kind in ("PLUS", "MINUS"):
        return False
    return kind in JOINING or kind == "IF"


def in_columns(tokens: Tokens, text: str) -> Tokens:
    """Equations side by side, as in ``a &= b & c &= d``, with a wide space between them.

    Columns come in pairs, one for each side of a sign; after a pair another equation begins.
    """
    found: Tokens = []  # from the end of the formula backwards, to know what is ahead
    related = False
    for token, even in zip(reversed(tokens), reversed(even_cells(tokens)), strict=True):
        related = token.kind == "REL" or (related and token.kind != "ROW")
        if even and related:
            token = replace(token, kind="QUAD", text=NEXT_COLUMN)
        found.append(token)
    return found[::-1]


def even_cells(tokens: Tokens) -> list[bool]:
    """Which tokens are every second ``&`` of a row, outside brackets."""
    found: list[bool] = []
    depth = count = 0
    for token in tokens:
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        count = 0 if token.kind == "ROW" and not depth else count
        count += token.kind == "CELL" and not depth
        found.append(token.kind == "CELL" and not depth and count % 2 == 0)
    return found


CASE_ENDS = frozenset({"CELL", "IF", "OTHERWISE", "ROW"})


def without_remarks(tokens: Tokens, text: str) -> Tokens:
    """Without words that stand beside an equation, as ``\\quad \\text{gradient of } h``."""
    found: Tokens = []
    row: Tokens = []
    depth = 0
    for token in tokens:
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        if token.kind == "ROW" and not depth:
            found += [*before_remark(row, text), token]
            row = []
        else:
            row.append(token)
    return found + before_remark(row, text)


def before_remark(row: Tokens, text: str) -> Tokens:
    """A row up to the words beside it, or to what is set apart with words in it."""
    depth, last, apart = 0, "", 0
    for place, token in enumerate(row):
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        said = token.kind == "TEXT" or (token.kind == "WORD" and last == "QUAD")
        if said and not depth and all(t.kind != "REL" for t in row[place:]):
            beside = apart and all(t.kind != "REL" for t in row[apart:place])
            return row[: apart if beside else place]
        if token.kind == "TEXT":
            raise ReadError(f"the text {token.text!r} is not understood here", text, token.at)
        apart = place if last == "QUAD" and not depth else apart
        last = token.kind
    return row


def without_notes(tokens: Tokens, text: str) -> Tokens:
    """Without columns of words, which are set further away than those of an equation: ``&&``."""
    found: Tokens = []
    ahead = words_ahead(tokens)
    inside, noted = 0, False  # rows and columns inside a matrix are its own
    for token, words in zip(tokens, ahead, strict=True):
        inside += (token.kind in GRIDS) - (token.kind in GRID_ENDS)
        if token.kind == "ROW" and not inside:
            noted = False
        before = found[-1].kind if found else ""
        if token.kind == before == "CELL" and not inside and not noted and words:
            found.pop()
            noted = True
        if not noted:
            found.append(token)
    return found


def words_ahead(tokens: Tokens) -> list[bool]:
    """For each token, whether words that are no part of an equation stand after it in its row."""
    found: list[bool] = []
    words = related = False
    for place in range(len(tokens) - 1, -1, -1):
        kind, before = tokens[place].kind, tokens[place - 1].kind if place else ""
        if kind == "ROW":
            words = related = False
        found.append(words)
        related |= kind == "REL"
        words |= kind == "TEXT"
        words |= kind == "WORD" and before in ("QUAD", "CELL") and not related
    return found[::-1]


def pieces_of(tokens: Tokens) -> list[Tokens]:
    """The tokens cut before each separator."""
    pieces: list[Tokens] = [[]]
    for token in tokens:
        if token.kind == "SEP":
            pieces.append([])
        pieces[-1].append(token)
    return pieces


def without_ranges(tokens: Tokens, text: str) -> Tokens:
    """Without remarks such as ``i = 1, ..., n``, which say what symllm knows."""
    pieces = pieces_of(tokens)
    kept: list[Tokens] = []
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        cut = next((k for k, t in enumerate(piece) if t.kind == "IF"), 0)
        remark = [t.kind for t in piece[cut:] if t.kind not in ("SEP", "IF")]
        if at < len(pieces) and [t.kind for t in pieces[at]] == ["SEP", "DOTS"]:
            if remark[:3] != ["LETTER", "REL", "NUMBER"]:
                raise ReadError("what the dots stand for is not understood", text, pieces[at][1].at)
            at += 2 if at + 1 < len(pieces) else 1
            piece = piece[:cut]
        if piece:
            kept.append(piece)
    return [t for piece in kept for t in piece]


PASSES: tuple[Callable[[Tokens, str], Tokens], ...] = (
    lambda tokens, text: list(depth_checked(tokens, text)),
    joined_signs,
    undecorated,
    braced,
    paired,
    without_notes,
    without_remarks,
    in_columns,
    in_pieces,
    without_ranges,
)
