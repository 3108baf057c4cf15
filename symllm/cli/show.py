"""``symllm show``: forward equations, or a derivation, in the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import click
import sympy as sp
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..derivation import Derivation
from ..equation import Let
from ..errors import SymllmError
from ..notation import LOSS, Partial
from ..op import Op
from ..render.printer import style_of
from ..render.steps import names_used, short_name
from ..render.subject import page_style
from ..render.text import Formula, spelled
from ..steps import Sentence, Step
from ..verify import Certificate
from .common import batched_option, console, find_op, wrt_option

#: Where formulas may be broken: before a sign of relation or of a term.
BREAKS = re.compile(r" (?=[=+-] )")

#: A left side, a right side, and what it is in words.
Row = tuple[str, str, str]


class WrongUse(SymllmError):
    """Options that do not go together."""


@click.command("show")
@click.argument("op")
@wrt_option
@batched_option
@click.option("--jacobian", is_flag=True, help="The output by one input.")
@click.option("--hessian", is_flag=True, help="A scalar output by one input, twice.")
def show_command(
    op: str, wrt: tuple[str, ...], batched: tuple[str, ...], jacobian: bool, hessian: bool
) -> None:
    """Show an op's equations, or a derivation.

    With --wrt, the derivation of OP's gradient by the inputs named. Every
    step is checked at random points before it is shown; "proved" says that
    its two sides also reach one normal form.

    \b
    Examples:
      symllm show layer_norm
      symllm show layer_norm --wrt x
      symllm show attention --wrt Q,K,V
      symllm show softmax --wrt x --jacobian
    """
    if jacobian and hessian:
        raise WrongUse("a derivation is a jacobian or a hessian, not both: --jacobian --hessian")
    found = find_op(op, batched)
    if not wrt and not jacobian and not hessian:
        show_op(console(), found)
    else:
        kind = "jacobian" if jacobian else "hessian" if hessian else "gradient"
        show_derivation(console(), derived(found, wrt, kind))


def derived(op: Op, wrt: Sequence[str], kind: str) -> Derivation:
    if kind == "gradient":
        return op.gradient(*wrt)
    if len(wrt) != 1:
        given = ", ".join(wrt) or "none"
        raise WrongUse(f"a {kind} is by one input: --wrt NAME; given: {given}")
    return op.jacobian(wrt[0]) if kind == "jacobian" else op.hessian(wrt[0])


# --------------------------------------------------------------------------
# Pages
# --------------------------------------------------------------------------


def show_op(out: Console, op: Op) -> None:
    p = Formula(style_of(op.program))
    heading(out, op.title + (f" ({op.source})" if op.source else ""))
    if op.about:
        out.print(Text(op.about))
    out.print()
    rows = [
        (t.name + (t.shape_text if t.rank else ""), "", t.role if t.role != "data" else "")
        for t in op.inputs.values()
    ]
    section(out, "Given", rows)
    section(out, "Equations", [equation(p, let) for let in op.equations])
    section(out, "Aliases", [equation(p, let) for let in op.program.aliases])


def show_derivation(out: Console, derivation: Derivation) -> None:
    """Raises ``VerificationError`` where a step does not hold."""
    certificate = derivation.verify(autograd=False)
    p = Formula(page_style(derivation))
    heading(out, f"{derivation.op.title}: {derivation.kind} by {', '.join(derivation.wrt)}")
    out.print(Text(question(p, derivation)))
    out.print()
    lemmas = [f for f in derivation.facts if not f.declared]
    rows = [(p(f.lhs), p(f.rhs), f"as for {f.lemma}" if f.lemma else "") for f in lemmas]
    section(out, "Lemmas", rows)
    show_steps(out, p, derivation, certificate)
    answers = zip(derivation.question, derivation.result_equations, strict=True)
    section(out, "Result", [(p(asked), p(let.rhs), "") for asked, let in answers])
    section(out, "where", [equation(p, let) for let in derivation.where.values()])
    forms = {name: form for name, form in derivation.matrix.items() if form is not None}
    section(out, "As matrices", [(spelled(n), p(form), "") for n, form in forms.items()])
    section(out, "Evidence", [(str(c), "", "") for c in certificate.comparisons])


def show_steps(out: Console, p: Formula, derivation: Derivation, certificate: Certificate) -> None:
    heading(out, "Steps")
    used, reached = names_used(derivation), dict[sp.Expr, sp.Expr]()
    evidence = {id(step): found for step, found in certificate.steps}
    for number, step in enumerate(derivation.steps, start=1):
        title = Text(f"{number:2}  ").append(capitalised(step.rule, p), "bold")
        out.print(title.append(f"  ({evidence[id(step)]})", "dim"))
        indented(out, because(p, step.because), 4, hang=0)
        indented(out, chain(p, step, short_name(step.target, used), reached.get(step.target)), 6)
        reached[step.target] = step.after
    out.print()


def chain(p: Formula, step: Step, short: sp.Expr | None, reached: sp.Expr | None) -> str:
    """``∂L/∂x[i] = before = after``; what was said is not said again."""
    left = p(step.target)
    if short is not None:
        left = p(short) if reached is not None else f"{p(short)} = {left}"
    values = [step.before, step.after]
    if step.before in (reached, step.target, step.after):
        values = [step.after]
    return " = ".join((left, *map(p, values)))


# --------------------------------------------------------------------------
# Words and lines
# --------------------------------------------------------------------------


def question(p: Formula, derivation: Derivation) -> str:
    asked = ", ".join(map(p, derivation.question))
    if derivation.kind != "gradient" or derivation.book.seed.unit:
        return f"Question: {asked}"
    entries = [derivation.program.entry_of[name] for name in derivation.program.outputs]
    given = ", ".join(f"{p(entry_of_gradient(e))} = {p(Partial(LOSS, e))}" for e in entries)
    return f"Question: {asked}, given {given}"


def entry_of_gradient(entry: sp.Expr) -> sp.Expr:
    name = f"d{entry.base.label if entry.args else entry}"
    return sp.Indexed(name, *entry.indices) if entry.args else sp.Symbol(name)


def because(p: Formula, sentence: Sentence) -> str:
    """A sentence with its formulas as text."""
    return "".join(
        part
        if isinstance(part, str)
        else " = ".join(map(p, part))
        if isinstance(part, tuple)
        else p(part)
        for part in sentence
    )


def capitalised(rule: str, p: Formula) -> str:
    """The name of a rule with a capital, unless it starts with the name of a tensor."""
    text = in_words(rule, p)
    return text if rule.split(" ")[0] in p.style.names else text[:1].upper() + text[1:]


def in_words(text: str, p: Formula) -> str:
    """A few words with the op's names in them as formulas have them."""
    return " ".join(spelled(w) if w in p.style.names else w for w in text.split(" "))


def equation(p: Formula, let: Let) -> Row:
    return p(let.lhs), p(let.rhs), in_words(let.note, p)


def heading(out: Console, title: str) -> None:
    out.print(Text(title, "bold"))


def section(out: Console, title: str, rows: Iterable[Row]) -> None:
    """A titled list of equations, aligned at their equals signs; nothing if it is empty."""
    rows = list(rows)
    if not rows:
        return
    heading(out, title)
    left = max(cell_len(row[0]) for row in rows)
    texts = [f"{' ' * (left - cell_len(a))}{a} = {b}" if b else a for a, b, _ in rows]
    wide = max(map(cell_len, texts))
    for text, (*_, note) in zip(texts, rows, strict=True):
        indented(out, f"{text}{' ' * (wide - cell_len(text))}   {note}" if note else text, 4)
    out.print()


def indented(out: Console, text: str, by: int, hang: int = 8) -> None:
    """Print text; what does not fit in the line goes on in the next, further in."""
    lines = fitted(BREAKS.split(text) if hang else text.split(" "), out.width - by, hang)
    for line in lines:
        out.print(Text(" " * by + line), soft_wrap=True)


def fitted(pieces: Sequence[str], width: int, hang: int) -> list[str]:
    """Pieces side by side as long as they fit; every line but the first hangs in."""
    first, *rest = pieces
    lines = [first]
    for piece in rest:
        if cell_len(f"{lines[-1]} {piece}") <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(" " * hang + piece)
    return lines
