"""The letters of a chapter and what each of them stands for, as who wrote it says.

A letter is a tensor, a dimension or a name that an equation defines. What it means is the note
that stands where it is made: ``scalar("eta", note="learning rate")``, ``Dim("n", "tokens")``,
``Let(y[i], ..., "output")``, or its ``means`` where the note is about the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from .book import FILE as BOOK
from .calculations import Calculation
from .chapters import ChapterError
from .document import Document, sections
from .equation import Let
from .notation import Dim, Tensor
from .op import Op
from .optima import Optimum
from .program import Program
from .render.noted import prose
from .render.printer import Printer, style_of, with_gradients

Thing = Tensor | Let | Dim


@dataclass(frozen=True)
class Symbol:
    """A letter, as TeX, what it means, and the anchor of the heading under which it is met."""

    name: str
    tex: str
    meaning: str
    section: str = ""
    #: What it means as prose, letters in it as formulas.
    words: str = ""

    @property
    def gist(self) -> str:
        """What tells meanings apart: ``the logits`` and ``logit`` say the same."""
        return self.meaning.removeprefix("the ").removeprefix("a ").removesuffix("s")


@dataclass(frozen=True)
class Letter:
    """A letter where it stands, and what is said of it there, which may be nothing.

    ``defined``: an equation says what it is, so that the note is about its value.
    """

    symbol: Symbol
    dims: tuple[Dim, ...] = ()
    defined: bool = False

    @property
    def thing(self) -> tuple[str, tuple[Dim, ...]]:
        return self.symbol.name, self.dims


def symbols_of(document: Document) -> list[Symbol]:
    """Every letter with each of its meanings, where the chapter has it first.

    Of a letter that says what it is, an equation says only how large it is here.
    """
    letters = [letter for letter in letters_of(document) if letter.symbol.meaning]
    said = {letter.thing for letter in letters if not letter.defined}
    first: dict[tuple[str, str], Symbol] = {}
    for letter in letters:
        if not letter.defined or letter.thing not in said:
            symbol = letter.symbol
            first.setdefault((symbol.tex, symbol.gist), symbol)
    return list(first.values())


def keep_to_letters(document: Document) -> None:
    """Raises ``ChapterError`` where a letter means what its book says that it does not."""
    for symbol in symbols_of(document):
        expected = document.letters.get(symbol.name, "")
        if expected not in symbol.meaning:
            where = f" under #{symbol.section}" if symbol.section else ""
            raise ChapterError(
                f"{document.chapter.path}: {symbol.name} means {symbol.meaning!r}{where}, but "
                f"{BOOK} says that in every chapter it means {expected!r}"
            )


def without_meaning(document: Document) -> list[str]:
    """The names of letters of which nothing in the chapter says what they are."""
    found: dict[str, bool] = {}
    for letter in letters_of(document):
        name = letter.symbol.name
        found[name] = found.get(name, False) or bool(letter.symbol.meaning)
    return [name for name, known in found.items() if not known]


def letters_of(document: Document) -> Iterator[Letter]:
    """The letters of all ops and of all theory that a chapter shows, in its order."""
    section = ""
    for shown, here in zip(document.shown, sections(document), strict=True):
        section = here[-1].anchor if here and here[-1].level > 1 else section
        for value in shown.value if isinstance(shown.value, list | tuple) else [shown.value]:
            match value:
                case Op():
                    inputs, equations = value.inputs.values(), value.equations
                    things = chain[Thing](inputs, equations, value.program.dims)
                    yield from letters_in(things, value.program, section)
                case Calculation(setting=setting) | Optimum(setting=setting):
                    dims = (index.dim for index in setting.over)
                    things = chain[Thing](setting.given, dims)
                    yield from letters_in(things, setting.program, section)


def letters_in(things: Iterable[Thing], program: Program, section: str) -> Iterator[Letter]:
    p = Printer(with_gradients(style_of(program)))
    for thing in things:
        if isinstance(thing, Dim) and thing.size is not None:
            continue  # a number is known to all
        if isinstance(thing, Let):
            dims = program.tensors[thing.name].dims
        else:
            dims = thing.dims if isinstance(thing, Tensor) else ()
        tex = p.name(thing.name)
        means = thing.means if isinstance(thing, Let) else thing.note
        meaning = means or thing.note
        if meaning or not tex.adjoint:  # what dx is need not be said
            words = prose(meaning, p.style)
            yield Letter(Symbol(thing.name, str(tex), meaning, section, words), dims, not means)
        for dim in dims:
            if dim.size is None:
                tex, words = p.name(dim.name), prose(dim.note, p.style)
                yield Letter(Symbol(dim.name, str(tex), dim.note, section, words))
