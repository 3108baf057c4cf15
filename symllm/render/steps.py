"""Steps and lemmas as a page shows them: a rule, a reason and an equation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..expressions import entries, name_of
from ..notation import LOSS, Direct, Partial
from ..steps import Fact, Sentence
from .display import equation, noted
from .flavour import Flavour
from .names import in_words
from .printer import Printer, Style
from .subject import Derivation


@dataclass(frozen=True)
class Line:
    """A step as the page shows it."""

    rule: str
    reason: str
    tex: str


@dataclass(frozen=True)
class Lemma:
    statement: str
    proof: str


def step_lines(derivation: Derivation, f: Flavour, style: Style) -> list[Line]:
    """Each step as an equation for its target, which is introduced once and then named.

    ``dxhat_i = dL/dxhat_i = ...`` where the short name is used later; a step
    that goes on from the one before does not repeat where it started.
    """
    p = Printer(style)
    inline = Printer(replace(style, slashed=True))
    used = names_used(derivation)
    reached: dict[Any, Any] = {}
    lines = []
    for step in derivation.steps:
        target, short = p(step.target), short_name(step.target, used)
        values = [step.before, step.after]
        if reached.get(step.target) == step.before or step.before == step.target:
            values = [step.after]
        if any(path.args == step.target.args for path in step.before.atoms(Direct)):
            values = [step.after]  # a part would be written like the whole
        if len(values) == 2 and values[0] == values[1]:
            values = values[1:]
        if short is None:
            left = target
        else:
            left = p(short) if step.target in reached else f"{p(short)} = {target}"
        reached[step.target] = step.after
        lines.append(
            Line(
                capitalised(rule_text(step.rule, f, p)) + ".",
                capitalised(because(step.because, f, inline, used)),
                equation(left, values, style),
            )
        )
    return lines


def names_used(derivation: Derivation) -> set[str]:
    """Names on the right sides of the derivation."""
    sides = [e for s in derivation.steps for e in (s.before, s.after)]
    lets = [*derivation.result_equations, *derivation.where.values()]
    sides += [e for let in lets for e in let.expressions]
    return {name_of(e) for side in sides for e in entries(side)}


def short_name(target: Any, used: set[str]) -> Any:
    """``dx[i]`` for ``Partial(LOSS, x[i])``, if the derivation calls it so."""
    if not isinstance(target, Partial) or target.quantity != LOSS:
        return None
    name = f"d{name_of(target.entry)}"
    if name not in used:
        return None
    entry = target.entry
    return entry.func(name, *entry.args[1:]) if entry.args else entry.func(name)


def lemma(fact: Fact, f: Flavour, style: Style) -> Lemma:
    """A fact, and the chain of equalities that proves it or the op that it is cited from."""
    p = Printer(style)
    statement = f.inline(f"{p(fact.lhs)} = {p(fact.rhs)}") + "."
    if not fact.steps:
        cited = fact.lemma.replace("_", "-")
        return Lemma(f"{statement} It is shown for {cited}." if cited else statement, "")
    chain = [("", step.after, step.rule) for step in fact.steps]
    if fact.steps[0].before != fact.lhs:
        chain.insert(0, ("", fact.steps[0].before, ""))
    chain[0] = (p(fact.lhs), *chain[0][1:])
    return Lemma(statement, noted(chain, style))


# --------------------------------------------------------------------------
# Words
# --------------------------------------------------------------------------


def because(sentence: Sentence, f: Flavour, p: Printer, used: set[str]) -> str:
    """A sentence with its formulas set inline, gradients by their short names."""
    parts = []
    for part in sentence:
        if isinstance(part, str):
            parts.append(f.prose(part))
        else:
            sides = part if isinstance(part, tuple) else (part,)
            named = [short_name(side, used) or side for side in sides]
            parts.append(f.inline(" = ".join(p(side) for side in named)))
    return "".join(parts)


def rule_text(rule: str, f: Flavour, p: Printer) -> str:
    """A rule's name, with the op's names in it set as formulas: ``recognise xhat``."""
    pieces = in_words(rule, p.style.names)
    return "".join(text if name is None else f.inline(str(name)) for text, name in pieces)


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
