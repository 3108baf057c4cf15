"""Names as mathematicians write them: xhat is x with a hat, dxhat its gradient."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GREEK = (
    "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon "
    "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
SPELLED = {"eps": r"\epsilon", "lamda": r"\lambda", "ell": r"\ell", "epsilon": r"\epsilon"} | {
    name: rf"\{name}" for name in GREEK.split()
}
#: Names of code for what the field writes as a letter.
LETTERS = {"lr": "eta", "weight_decay": "lamda", "max_norm": "c", "weight": "w"}
ACCENTS = {"hat": r"\hat", "tilde": r"\tilde", "bar": r"\bar"}


@dataclass(frozen=True)
class Name:
    """A name's head and the subscripts that belong to it; ``adjoint``: a gradient's name."""

    head: str
    subscripts: tuple[str, ...] = ()
    adjoint: bool = False

    def __str__(self) -> str:
        return self.at(())

    def at(self, subscripts: Iterable[str]) -> str:
        """The name with further subscripts: the entry of a tensor."""
        own, more = subscript_list(self.subscripts), subscript_list(list(subscripts))
        inner = f"{{{bare(own)}, {bare(more)}}}" if own and more else own or more
        return f"{self.head}_{inner}" if inner else self.head


def bare(text: str) -> str:
    return text[1:-1] if text.startswith("{") else text


def name_parts(name: str, known: Sequence[str] = ()) -> Name:
    """Read a Python identifier as a mathematical name.

    ``d`` before a name makes the name of a gradient: before one of the names
    that are known, or before anything that is short enough to be a name.
    """
    rest = name[1:]
    if name[:1] == "d" and (rest in known or (name not in known and is_short(rest))):
        inner = name_parts(rest, known)
        return Name(rf"\mathrm{{d}}{inner.head}", inner.subscripts, True)
    letter = head(LETTERS[name]) if name in LETTERS else ""
    if letter and letter not in map(head, known):  # else two things would read alike
        return Name(letter)
    return word_parts(name)


def word_parts(name: str) -> Name:
    """An identifier read part by part: what is no letter stays a word."""
    stem, *tail = name.split("_")
    digits = re.fullmatch(r"([^\d]+)(\d+)", stem)
    if digits:
        stem, tail = digits[1], [digits[2], *tail]
    return Name(head(stem), tuple(head(part) for part in tail if part))


def is_short(name: str) -> bool:
    """Is this a letter, a Greek letter or one of them with an accent or a subscript?"""
    stem = re.split(r"[_\d]", name)[0]
    for accent in ACCENTS:
        stem = stem.removesuffix(accent) or stem
    return len(stem) == 1 or stem in SPELLED or (stem[:1] == "d" and is_short(stem[1:]))


def head(stem: str) -> str:
    if stem in SPELLED:
        return SPELLED[stem]
    for suffix, accent in ACCENTS.items():
        bare = stem.removesuffix(suffix)
        if bare != stem and (len(bare) == 1 or bare in SPELLED):
            return f"{accent}{{{head(bare)}}}"
    return stem if len(stem) == 1 or stem.isdigit() else rf"\mathrm{{{stem}}}"


def subscript_list(parts: Sequence[str]) -> str:
    """Subscripts in braces where they need them: ij for letters, commas for more."""
    if not parts:
        return ""
    if len(parts) == 1:
        return parts[0] if len(parts[0]) == 1 else f"{{{parts[0]}}}"
    if all(len(part) == 1 and part.isalpha() for part in parts):
        return f"{{{''.join(parts)}}}"
    plain = all(re.fullmatch(r"[A-Za-z]|[A-Za-z]_\w|\\[a-z]+", part) for part in parts)
    return f"{{{(' ' if plain else ', ').join(parts)}}}"


#: Words of English that look like names.
ENGLISH = frozenset({"a", "I"})


def in_words(text: str, known: Sequence[str]) -> list[tuple[str, Name | None]]:
    """A text cut at the names in it: ``gradient of xhat`` holds the name xhat.

    Only names that are short enough not to be words count, and no ending after an apostrophe.
    """
    pieces: list[tuple[str, Name | None]] = []
    for piece in re.split(r"((?<!['\u2019])[A-Za-z_]\w*)", text):
        base = piece[1:] if piece[:1] == "d" and piece[1:] in known else piece
        named = base in known and is_short(base) and piece not in ENGLISH
        pieces.append((piece, name_parts(piece, known) if named else None))
    return pieces
