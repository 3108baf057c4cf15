"""Steps and lemmas as a page shows them: a rule, a reason and an equation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ..expressions import entries, is_entry, name_of, subscripts_of
from ..notation import LOSS, Direct, Partial
from ..steps import Fact, Sentence, Step, places
from .display import equation, stacked
from .flavour import Flavour
from .names import in_words
from .noted import Row, noted
from .place import ALONE, Place
from .printer import Printer, Style
from .subject import Derivation


@dataclass(frozen=True)
class Line:
    """A step as the page shows it."""

    rule: str
    reason: str
    tex: str
    #: Equations that follow for the same reason.
    more: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """All its equations as one formula."""
        return stacked([self.tex, *self.more])


@dataclass(frozen=True)
class Lemma:
    """A fact in words and as a formula, and the chain of equalities that proves it."""

    statement: str
    proof: str


def step_lines(
    derivation: Derivation, f: Flavour, style: Style, place: Place = ALONE
) -> list[Line]:
    """Each step as an equation for its target, which is introduced once and then named.

    ``dxhat_i = dL/dxhat_i = ...`` where the short name is used later; a step
    that goes on from the one before starts with its equals sign, or is one
    with it.
    """
    p = Printer(style)
    used = names_used(derivation)
    reached: dict[Any, Any] = {}
    cited: set[str] = set()
    lines: list[Line] = []
    last: Step | None = None
    left, values = "", list[Any]()
    for step, number in zip(derivation.steps, places(derivation.steps), strict=True):
        target, short = p(step.target), short_name(step.target, used)
        goes_on = last is not None and (last.target, last.after) == (step.target, step.before)
        at = "" if step.lemma in cited else place.derived.get(step.lemma, "")
        said = line(step, f, style, used, "", f"It is {at}." if at else "")
        if number == len(lines) and goes_on:
            values = [*values, step.after]
            said = replace(said, rule=lines[-1].rule, reason=f"{lines.pop().reason} {said.reason}")
        else:
            values = [step.after] if reached.get(step.target) == step.before else values_of(step)
            left = "" if goes_on else target if short is None else p(short)
            if left and short is not None and step.target not in reached:
                left = f"{left} = {target}"
        tex = equation(left, values, style)
        if number == len(lines):
            lines[-1] = replace(lines[-1], more=(*lines[-1].more, tex))
        else:
            lines.append(replace(said, tex=tex))
        reached[step.target] = step.after
        cited.add(step.lemma)
        last = step
    return lines


def values_of(step: Step) -> list[Any]:
    """What a step shows: both sides, or one where two would say the same."""
    same = step.before in (step.target, step.after)
    # A part of the derivative would be written like the whole.
    partial = any(path.args == step.target.args for path in step.before.atoms(Direct))
    return [step.after] if same or partial else [step.before, step.after]


def line(step: Step, f: Flavour, style: Style, used: set[str], tex: str, cited: str = "") -> Line:
    """A step's rule and reason as text; ``cited`` says where its lemma is derived."""
    reason = because(step.because, f, Printer(replace(style, slashed=True)), used)
    return Line(
        capitalised(rule_text(step.rule, f, Printer(style))) + ".",
        " ".join(filter(None, [capitalised(reason), cited])),
        tex,
    )


def lone_step(step: Step, f: Flavour, style: Style) -> Line:
    """A step that stands by itself, from the quantity it is about."""
    values = values_of(step)
    return line(step, f, style, set(), equation(Printer(style)(step.target), values, style))


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
    formula = f.inline(f"{p(fact.lhs)} = {p(fact.rhs)}")
    statement = f"{f.prose(fact_words(fact, p))}: {formula}."
    if not fact.steps:
        cited = f" It is shown for {fact.lemma}." if fact.lemma else ""
        return Lemma(f"{statement}{cited}", "")
    chain = [("", step.after, step.rule) for step in fact.steps]
    if fact.steps[0].before != fact.lhs:
        chain.insert(0, ("", fact.steps[0].before, ""))
    chain[0] = (p(fact.lhs), *chain[0][1:])
    return Lemma(statement, noted([Row(*link, p) for link in chain]))


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


def fact_words(fact: Fact, p: Printer) -> str:
    """What a fact says: the entries of a tensor, or their squares, sum to a number."""
    whole = fact.lhs
    of = whole.function if isinstance(whole, sp.Sum) and len(whole.limits) == 1 else whole
    body = of.base if isinstance(of, sp.Pow) and of.exp == 2 else of
    if not isinstance(whole, sp.Sum) or not is_entry(body) or not subscripts_of(body):
        return "A sum that occurs below has a closed form"
    name = f"${p.name(name_of(body))}$"
    entries_of = f"the entries of {name}" if len(subscripts_of(body)) == 1 else row_of(whole, name)
    subject = entries_of if body is of else f"the squares of {entries_of}"
    number = {"0": "zero", "1": "one"}.get(str(fact.rhs), "a closed form")
    return capitalised(f"{subject} sum to {number}")


def row_of(total: Any, name: str) -> str:
    """Which entries of a tensor of several axes a sum is over."""
    subscripts = subscripts_of(total.function.base if total.function.is_Pow else total.function)
    last = total.limits[0][0] == subscripts[-1]
    return f"the entries of each row of {name}" if last else f"the entries of each column of {name}"


def rule_text(rule: str, f: Flavour, p: Printer) -> str:
    """A rule's name, with the op's names in it set as formulas: ``recognise xhat``."""
    pieces = in_words(rule, p.style.names)
    return "".join(text if name is None else f.inline(str(name)) for text, name in pieces)


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
