"""Derivations: a question, the steps to its answer, and what the answer is good for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sympy as sp

from .algebra.terms import Ix
from .algebra.write import Writer
from .calls import expression, without_calls
from .definitions import backward_program, definitions
from .derive.adjoint import Seed
from .derive.matrix import matrix_form
from .derive.narrate import Narrator
from .derive.prove import proved
from .derive.system import System, system
from .derive.textbook import Textbook, textbook
from .equation import Let
from .errors import UnknownName
from .evidence import Evidence
from .explicit import explicit
from .lazily import lazily
from .notation import LOSS, Dim, Partial, Tensor, array, entry
from .program import Program, lowered
from .render.subject import Definition
from .steps import Fact, Step, judged_by

if TYPE_CHECKING:
    from . import codegen, evaluate, oracle
    from . import counts as tally
    from . import verify as judge
    from .render import page
else:
    codegen = lazily("symllm.codegen")
    tally = lazily("symllm.counts")
    evaluate = lazily("symllm.evaluate")
    judge = lazily("symllm.verify")
    oracle = lazily("symllm.oracle")
    page = lazily("symllm.render.page")

#: The seeds of the points at which a derivation is verified.
SEEDS = (0, 1)


@dataclass(frozen=True, eq=False)
class Derivation:
    """What was derived: ``results``, the ``steps`` to them, and the names they use.

    ``program`` is the forward program; for a Hessian it also holds the
    gradient that was differentiated once more.
    """

    op: Definition
    program: Program
    kind: str
    book: Textbook
    first: Derivation | None = None

    # -- the answer ---------------------------------------------------------

    @property
    def wrt(self) -> tuple[str, ...]:
        return self.book.wrt

    @cached_property
    def _system(self) -> System:
        return system(self.program)

    @cached_property
    def _writer(self) -> Writer:
        keep: frozenset[Ix] = frozenset()
        if self.kind == "hessian":
            keep = frozenset((*self.book.seed.row, *self.book.closed[self.wrt[0]].entry))
        return Writer(self._system.letters, keep)

    def _free(self, name: str) -> tuple[Ix, ...]:
        """The indices of a result, or of an adjoint that keeps its name."""
        own = self.book.closed[name].entry
        return (*self.book.seed.row, *own) if name in self.wrt else own

    def _called(self, name: str) -> str:
        return self._result_name(name) if name in self.wrt else self.book.lines[name].adjoint

    def _result_name(self, name: str) -> str:
        if self.kind == "gradient":
            return f"d{name}"
        if self.kind == "jacobian":
            return f"d{self.book.seed.output}_d{name}"
        return f"d2{self.program.outputs[0]}_d{name}2"

    @cached_property
    def _closed_lets(self) -> dict[str, Let]:
        """Results and kept adjoints, in the order in which they are computed."""
        found = {}
        for name, closed in self.book.closed.items():
            called, free = self._called(name), self._free(name)
            lhs = entry(called, *(sp.Symbol(str(ix.name), integer=True) for ix in free))
            note = "" if name in self.wrt else f"gradient of {name}"
            found[called] = Let(lhs, self._writer.poly(closed.value), note)
        return found

    @cached_property
    def result_equations(self) -> tuple[Let, ...]:
        """The results as equations, in the order asked for."""
        return tuple(self._closed_lets[self._result_name(name)] for name in self.wrt)

    @cached_property
    def results(self) -> Mapping[str, sp.Expr]:
        """Each result by name, such as ``dx``: SymPy, in the names a person uses."""
        return MappingProxyType({let.name: let.rhs for let in self.result_equations})

    @property
    def result(self) -> sp.Expr:
        """The result, where one input was asked for; raises ``UnknownName`` else."""
        if len(self.results) != 1:
            raise UnknownName("single result", "result", self.results)
        return next(iter(self.results.values()))

    @property
    def indices(self) -> Any:
        """The free indices of the result, in the order of the axes; several: a dict."""
        found = {let.name: let.indices for let in self.result_equations}
        return next(iter(found.values())) if len(found) == 1 else found

    @cached_property
    def where(self) -> Mapping[str, Let]:
        """The equations of the intermediate names that the results mention."""
        found = definitions(self.program, self._system.aliases, self._closed_lets, self.results)
        return MappingProxyType(found)

    @property
    def where_new(self) -> tuple[Let, ...]:
        """Those of the names mentioned that are not in the forward program."""
        return tuple(let for n, let in self.where.items() if n not in self.program.let)

    @cached_property
    def equations(self) -> tuple[Let, ...]:
        """The backward let-program, line by line, as calculus gives it."""
        if self.book.seed.output:
            return self.result_equations
        return tuple(
            Let(
                entry(line.adjoint, *(sp.Symbol(str(ix.name), integer=True) for ix in line.entry)),
                self._writer.poly(line.value),
            )
            for line in self.book.lines.values()
        )

    @cached_property
    def matrix(self) -> Mapping[str, Any]:
        """Each result in matrix notation; None where there is no standard one."""
        found = {}
        for name, closed in self.book.closed.items():
            called, free = self._called(name), self._free(name)
            found[called] = matrix_form(closed.value, free)
        aliases = [e for n, e in self._system.aliases.items() if n in self.where]
        named = {e.name: matrix_form(e.right, e.indices) for e in aliases}
        return MappingProxyType(named | found)

    @property
    def question(self) -> tuple[sp.Expr, ...]:
        """The quantities asked for."""
        return tuple(self._question(name) for name in self.wrt)

    def _question(self, name: str) -> sp.Expr:
        def subscripts(indices: tuple[Ix, ...]) -> list[sp.Symbol]:
            return [sp.Symbol(str(ix.name), integer=True) for ix in indices]

        of = entry(name, *subscripts(self.book.closed[name].entry))
        if self.kind == "gradient":
            return Partial(LOSS, of)
        row = subscripts(self.book.seed.row)
        if self.kind == "jacobian":
            return Partial(entry(self.book.seed.output, *row), of)
        return Partial(Partial(LOSS, entry(name, *row)), of)

    # -- how it was found ---------------------------------------------------

    @cached_property
    def _narrator(self) -> Narrator:
        twice = self.wrt[0] if self.kind == "hessian" else ""
        return Narrator(self._system, self.book, self._writer, twice)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """From the question to the results, each with its rule and reason."""
        own = judged_by(self._evidence, self._narrator.steps())
        return (*self.first.steps, *own) if self.first else own

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The lemmas that the steps lean on, each with steps of its own."""
        found = self._narrator.facts()
        own = tuple(replace(f, steps=judged_by(self._evidence, f.steps)) for f in found)
        return (*self.first.facts, *own) if self.first else own

    # -- evidence -------------------------------------------------------------

    def verify(self, autograd: bool = True) -> judge.Certificate:
        """Check every step at random points and the results against other judges.

        Those are differences of the op's NumPy forward and, where it is
        installed and not declined, PyTorch's autograd. Raises
        ``VerificationError`` if anything is false.
        """
        return self._with_autograd if autograd else self._certificate

    @property
    def unit(self) -> frozenset[str]:
        """The outputs that are the loss themselves: their upstream gradient is 1, in each row."""
        return self.book.seed.unit

    @cached_property
    def _points(self) -> list[Any]:
        # Steps may speak of names inside the ops that are called.
        given = self.kind == "gradient" and not self.unit
        program = without_calls(self.program)
        return [evaluate.sample(program, seed, upstream=given) for seed in SEEDS]

    @cached_property
    def _certificate(self) -> judge.Certificate:
        results = (let.rhs for let in self.result_equations)
        reached = {
            asked: result
            for asked, name, result in zip(self.question, self.wrt, results, strict=True)
            if name in self.book.lines
        }
        found = judge.verify(
            self.steps,
            self.facts,
            self._points[0].program,
            proved=self._proved,
            comparisons=self._comparisons(),
            points=self._points,
            said=self._said,
        )
        judge.check_chains(self.steps, reached)
        return found

    @property
    def _said(self) -> list[Step]:
        """Results and definitions as claims of their own, apart from the steps to them."""
        program = self._points[0].program
        adjoint = {f"d{name}": tensor for name, tensor in program.tensors.items()}
        tensors = adjoint | program.tensors
        found = []
        for let in self.where.values():
            if let.name in tensors:
                free = tuple(zip(let.indices, tensors[let.name].dims, strict=True))
                found.append(Step(let.lhs, let.lhs, let.rhs, "definition", (), free))
        for name, let in zip(self.wrt, self.result_equations, strict=True):
            dims = (Dim(ix.dim) for ix in self._free(name))
            free = tuple(zip(let.indices, dims, strict=True))
            asked = self._question(name)
            found.append(Step(asked, asked, let.rhs, "result", (), free))
        return found

    @cached_property
    def _with_autograd(self) -> judge.Certificate:
        found = self._certificate
        if self.kind != "gradient":
            return found
        more = oracle.compare_with_autograd(self._points, self.lambdify(), self.wrt)
        return judge.joined(found, more)

    def _evidence(self, step: Step) -> Evidence:
        return judge.check_step(step, self._points, self._proved(step))

    def _proved(self, step: Step) -> bool:
        if self.first and step in self.first.steps:
            return self.first._proved(step)
        return proved(self._system, self.book, step)

    def _comparisons(self) -> list[Any]:
        given = self._points, self.op.numpy, self.lambdify()
        return oracle.comparisons(self.kind, *given, self.wrt, self.book.seed.output)

    # -- what it is good for --------------------------------------------------

    @cached_property
    def backward(self) -> Program:
        """Forward equations, kept adjoints and results as one let-program."""
        upstream = [t for t in self._all_upstream if t.name.removeprefix("d") not in self.unit]
        closed = zip(self.book.closed, self._closed_lets.values(), strict=True)
        return backward_program(
            f"{self.program.name}_{SUFFIX[self.kind]}",
            self.program,
            upstream if self.kind == "gradient" else (),
            {let: self._shape(name, let) for name, let in closed},
            tuple(self.results),
        )

    def _shape(self, name: str, let: Let) -> Tensor:
        """The tensor of a result, or of an adjoint that keeps its name."""
        tensors = without_calls(self.program).tensors
        axes = tensors[name].axes
        if self.book.seed.row:
            row = self.book.seed.output if self.kind == "jacobian" else name
            axes = tensors[row].axes + axes
        return array(let.name, *axes)

    @cached_property
    def expanded(self) -> Any:
        """The result in inputs and upstream gradients alone; several: a dict by name."""
        found = {name: expression(self.backward, name) for name in self.results}
        return next(iter(found.values())) if len(found) == 1 else found

    def explicit(self, **sizes: int) -> Any:
        """With concrete sizes: arrays whose entries are written out; several: a dict.

        Raises ``ShapeError`` where a size is missing.
        """
        found = {}
        for name, let in zip(self.wrt, self.result_equations, strict=True):
            free = tuple(
                (s, Dim(ix.dim)) for s, ix in zip(let.indices, self._free(name), strict=True)
            )
            found[let.name] = explicit(let.rhs, free, sizes)
        return next(iter(found.values())) if len(found) == 1 else found

    def code(self, target: str = "numpy") -> str:
        """Source of a function that computes the results.

        Where a library can be taught a gradient, as PyTorch and JAX can, it
        is the op itself that knows its gradient: of a scalar output, too, the
        upstream gradient is then a given one. Raises ``UnknownName`` for the
        target.
        """
        language = codegen.language(target)
        if self.kind == "gradient" and language.taught:
            return language.taught(self.pair, self.op.title, self._summary(), "")
        return codegen.source(target, self.backward, self.backward.name, self._summary())

    def listing(self) -> str:
        """The function of ``code("numpy")`` as a page shows it, its docstring in brief."""
        return codegen.listing(self.backward, self.backward.name, self._summary())

    @cached_property
    def pair(self) -> codegen.Pair:
        """Of a gradient: the forward program with what it saves, and the backward program."""
        asked = self
        if self.unit:
            book = textbook(self._system, self.wrt, Seed())
            asked = replace(self, book=book)
        names = {name: self._result_name(name) for name in self.wrt}
        return codegen.pair_of(self.program, asked.backward, names)

    def _summary(self) -> str:
        what = {"gradient": "Gradient", "jacobian": "Jacobian", "hessian": "Hessian"}[self.kind]
        return f"{what} of {lowered(self.op.title)}."

    def lambdify(self) -> Callable[..., Any]:
        """The same code as a NumPy function of keywords."""
        accepted = (*self.program.inputs, *self._all_upstream)
        return codegen.compile_function(self.code("numpy"), self.backward.name, accepted)

    @property
    def _all_upstream(self) -> tuple[Tensor, ...]:
        tensors = self.program.tensors
        return tuple(tensors[n].adjoint() for n in self.program.outputs)

    def counts(self) -> tally.Counts:
        """Parameters, operations and memory, as expressions in the dimensions."""
        return tally.counted(self.program, self.backward)

    # -- showing ----------------------------------------------------------------

    def to_markdown(self, flavour: str = "github") -> str:
        """The derivation as a page of Markdown."""
        return page.derivation_markdown(self, flavour)

    def to_latex(self) -> str:
        """The steps and the result as LaTeX."""
        return page.derivation_latex(self)

    def _repr_markdown_(self) -> str:
        return page.derivation_markdown(self, "notebook")

    def __repr__(self) -> str:
        lines = [f"{let.lhs} = {let.rhs}" for let in self.result_equations]
        lines += [f"  where {let.lhs} = {let.rhs}" for let in self.where.values()]
        return "\n".join(lines)


SUFFIX = {"gradient": "backward", "jacobian": "jacobian", "hessian": "hessian"}
