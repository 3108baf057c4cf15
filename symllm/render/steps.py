"""Steps and lemmas as a page shows them: a rule, a reason and an equation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..notation import LOSS, Partial, entries, name_of
from ..steps import Fact, Sentence
from .display import equation, noted
from .flavour import Flavour
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
    used = names_used(derivation)
    reached: dict[Any, Any] = {}
    lines = []
    for step in derivation.steps:
        target, short = p(step.target), short_name(step.target, used)
        values = [step.before, step.after]
        if reached.get(step.target) == step.before or step.before == step.target:
            values = [step.after]
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
                capitalised(because(step.because, f, p)),
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
    chain = [("", step.after, plain_rule(step.rule)) for step in fact.steps]
    if fact.steps[0].before != fact.lhs:
        chain.insert(0, ("", fact.steps[0].before, ""))
    chain[0] = (p(fact.lhs), *chain[0][1:])
    return Lemma(statement, noted(chain, style))


# --------------------------------------------------------------------------
# Words
# --------------------------------------------------------------------------


def because(sentence: Sentence, f: Flavour, p: Printer) -> str:
    """A sentence with its formulas set inline."""
    parts = []
    for part in sentence:
        if isinstance(part, str):
            parts.append(f.prose(part))
        elif isinstance(part, tuple):
            parts.append(f.inline(" = ".join(slashed(p, side) for side in part)))
        else:
            parts.append(f.inline(slashed(p, part)))
    return "".join(parts)


def rule_text(rule: str, f: Flavour, p: Printer) -> str:
    """A rule's name, with the op's names in it set as formulas: ``recognise xhat``."""

    def written(match: re.Match[str]) -> str:
        word = match[0]
        known = word in p.style.names or (word[:1] == "d" and word[1:] in p.style.names)
        return f.inline(str(p.name(word))) if known and word not in ARTICLES else word

    return re.sub(r"[A-Za-z_]\w*", written, rule)


def plain_rule(rule: str) -> str:
    return rule.replace("_", " ")


#: Words of English that could be names.
ARTICLES = frozenset({"a", "I", "mask", "target", "up", "gate"})


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def slashed(p: Printer, expr: Any) -> str:
    """A formula for a line of prose: small fractions with a slash."""
    if isinstance(expr, Partial) and not isinstance(expr.quantity, Partial):
        return rf"\partial {p(expr.quantity)} / \partial {p(expr.entry)}"
    return SMALL_FRACTION.sub(over, p(expr))


def over(fraction: re.Match[str]) -> str:
    above, below = fraction.groups()
    return f"{above} / " + (f"({below})" if " " in below and below[0] != "\\" else below)


#: A fraction with a single factor above that is a term by itself.
SMALL_FRACTION = re.compile(
    r"(?:(?<=^)|(?<=[+-] ))\\frac\{([^{}\s]+(?:\{\w+\})?)\}"
    r"\{(\\sqrt\{[^{}]*\}|[^{}]+(?:\{\w+\})?)\}(?=$| [+-])"
)
