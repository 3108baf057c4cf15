"""Ops: named forward equations, and everything that is derived from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sympy as sp

from .axes import with_products
from .calls import expression
from .equation import Argument, Call, Let
from .errors import OpError, UnknownName
from .explicit import explicit
from .lazily import lazily
from .notation import Domain, Index, Role, Tensor
from .program import Program, batched

if TYPE_CHECKING:
    from . import codegen, questions
    from . import counts as tally
    from .derivation import Derivation
    from .latex import define
    from .render import page
else:
    codegen = lazily("symllm.codegen")
    define = lazily("symllm.latex.define")
    questions = lazily("symllm.questions")
    tally = lazily("symllm.counts")
    page = lazily("symllm.render.page")


#: What generated code imports, or calls its own.
CODE_NAMES = frozenset({"np", "math", "erf", "expit", "torch", "jax", "jnp"})
CODE_NAMES |= {"ctx", "saved", "upstream", "once_differentiable"}


class Op:
    """A named, frozen definition: inputs, equations, outputs.

    ``numpy`` is the oracle: a hand-written NumPy forward function of the
    inputs, for one example (without batch axes), which judges everything
    that is derived. ``aliases`` give names to expressions that people have a
    name for; ``declared`` gives the dimensions of a name where its equation
    does not say them, as in ``omega[k] = base**(-k / m)``. Raises ``OpError``
    if the definition contradicts itself.
    """

    def __init__(
        self,
        name: str,
        title: str,
        inputs: Iterable[Tensor],
        equations: Iterable[Let],
        numpy: Callable[..., Any],
        outputs: Iterable[str] = (),
        aliases: Iterable[Let] = (),
        declared: Iterable[Tensor] = (),
        about: str = "",
        source: str = "",
    ) -> None:
        if isinstance(inputs, Tensor) or isinstance(equations, Let):
            raise OpError(f"op {name!r}: inputs and equations are tuples, as in (x,)")
        inputs, equations = tuple(inputs), tuple(equations)
        if not name.isidentifier():
            raise OpError(f"an op's name is an identifier such as 'layer_norm', not {name!r}")
        if not equations:
            raise OpError(f"op {name!r} has no equations")
        declared = tuple(declared)
        check_declared(name, declared, equations)
        self.program = Program(
            name=name,
            inputs=inputs,
            equations=equations,
            outputs=tuple(outputs) or (equations[-1].name,),
            aliases=tuple(aliases),
            declared=tuple(declared),
            title=title,
        )
        for taken in self.program.tensors:
            if f"d{taken}" in self.program.tensors:
                raise OpError(f"op {name!r}: d{taken} is what the gradient of {taken!r} is called")
            if taken in CODE_NAMES:
                raise OpError(f"op {name!r}: {taken!r} is a name that generated code uses itself")
        self.title = title
        self.numpy = numpy
        self.about = about
        self.source = source

    @classmethod
    def from_latex(
        cls,
        equations: Sequence[str] | str,
        dims: Any = None,
        *,
        name: str = "formula",
        title: str = "Formula",
        roles: Mapping[str, Role] = MappingProxyType({}),
        domains: Mapping[str, Domain] = MappingProxyType({}),
        outputs: Iterable[str] = (),
        numpy: Callable[..., Any] | None = None,
    ) -> Op:
        r"""An op by its formulas: ``Op.from_latex([r"y_i = \gamma_i x_i"], dims="d")``.

        Names that no formula defines are inputs, with as many axes as they have subscripts.
        ``dims`` says over which dimensions they run: ``"d"`` for all, or by name or index, as in
        ``{"W": ("n", "m"), "j": "m"}``; those that are not said are called n, m... ``roles`` and
        ``domains`` of inputs are guessed from the names that they mostly have (``gamma`` is a
        parameter, ``eps`` a positive constant) unless they are said. What is used by no other
        formula is an output. ``numpy`` judges what is derived; by default the equations
        themselves, evaluated as they stand. Raises ``ReadError`` and ``OpError``.
        """
        found = define.op_from_latex(equations, dims, roles, domains, outputs)
        made = cls(
            name,
            title,
            found.inputs,
            found.equations,
            numpy or (lambda **inputs: None),
            found.outputs,
            declared=found.declared,
        )
        made.numpy = numpy or define.forward_function(made.program)
        return made

    @property
    def name(self) -> str:
        return self.program.name

    @cached_property
    def inputs(self) -> Mapping[str, Tensor]:
        return MappingProxyType({t.name: t for t in self.program.inputs})

    @cached_property
    def outputs(self) -> Mapping[str, Tensor]:
        tensors = self.program.tensors
        return MappingProxyType({name: tensors[name] for name in self.program.outputs})

    @property
    def equations(self) -> tuple[Let, ...]:
        return self.program.equations

    def __call__(self, *values: Any, over: Any) -> Call:
        """Use this op inside another's equation: ``Let(P[i, j], softmax(S[i, j], over=j))``.

        Each value is the entry of one input, in the order of the inputs;
        ``over`` gives the index that stands for each of the op's dimensions,
        in the order in which the inputs name them: several, as in ``(h, k)``,
        where the caller has that dimension as a product.
        """
        tensors = self.program.inputs
        dims = list(dict.fromkeys(d for t in tensors for d in t.dims))
        given = over if isinstance(over, tuple) else (over,)
        if len(values) != len(tensors) or len(given) != len(dims):
            raise OpError(
                f"{self.name} takes {len(tensors)} inputs ({', '.join(self.inputs)}) over "
                f"{len(dims)} dimensions ({', '.join(d.name for d in dims)}), but was given "
                f"{len(values)} and {len(given)}"
            )
        over_all = [i if isinstance(i, tuple) else (i,) for i in given]
        at = {d: tuple(map(_symbol, many)) for d, many in zip(dims, over_all, strict=True)}
        several = {d: many for d, many in zip(dims, over_all, strict=True) if len(many) > 1}
        program = with_products(self.program, several) if several else self.program
        arguments = tuple(
            Argument(t.name, tuple(s for d in t.dims for s in at[d]), sp.sympify(value))
            for t, value in zip(tensors, values, strict=True)
        )
        output = self.outputs[self.program.outputs[0]]
        here = tuple(s for d in output.dims for s in at[d])
        return Call(program, arguments, here, self.program)

    def batched(self, *names: str) -> Op:
        """The same op with leading batch axes on data, targets and what depends on them."""
        wider = object.__new__(Op)
        wider.__dict__.update(
            program=batched(self.program, *names),
            title=self.title,
            numpy=self.numpy,
            about=self.about,
            source=self.source,
        )
        return wider

    @cached_property
    def expression(self) -> Any:
        """The output in terms of the inputs alone; several outputs: a dict by name."""
        found = {name: expression(self.program, name) for name in self.outputs}
        return next(iter(found.values())) if len(found) == 1 else found

    # -- deriving -------------------------------------------------------------

    def gradient(self, *wrt: str, upstream: str = "") -> Derivation:
        """The derivation of dL/dx for the inputs named; for all differentiable ones by default.

        The upstream gradient of an output y is named ``dy``. For an op whose
        single output is a scalar it is 1, unless ``upstream="dL"`` asks for it
        by name. Raises ``UnknownName`` or ``OpError`` for an input that there
        is not or that cannot be differentiated by.
        """
        names = wrt or tuple(n for n, t in self.inputs.items() if t.differentiable)
        self._check_differentiable(names)
        unit = frozenset[str]()
        (first, *others) = self.program.outputs
        expected = f"d{first}"
        if upstream and upstream != expected:
            raise OpError(
                f"the upstream gradient of {first!r} is called {expected!r}, not {upstream!r}"
            )
        if not others and not upstream and self.outputs[first].rank == len(self.program.batch):
            unit = frozenset({first})
        return questions.gradient(self, self.program, names, unit)

    def jacobian(self, wrt: str, output: str = "") -> Derivation:
        """The derivation of d output / d input, over the output's axes, then the input's."""
        self._check_differentiable((wrt,))
        output = output or self.program.outputs[0]
        if output not in self.outputs:
            raise UnknownName(f"output of {self.name}", output, self.outputs)
        return questions.jacobian(self, self.program, wrt, output)

    def hessian(self, wrt: str) -> Derivation:
        """The derivation of the second derivatives of a scalar output."""
        self._check_differentiable((wrt,))
        outputs = ", ".join(f"{t.name}{t.shape_text}" for t in self.outputs.values())
        if len(self.outputs) != 1 or next(iter(self.outputs.values())).rank:
            raise OpError(f"a Hessian is of one scalar output, but {self.name} has {outputs}")
        return questions.hessian(self, self.program, wrt)

    def _check_differentiable(self, names: Iterable[str]) -> None:
        able = [n for n, t in self.inputs.items() if t.differentiable]
        for name in names:
            if name not in self.inputs:
                raise UnknownName(f"input of {self.name}", name, self.inputs)
            tensor = self.inputs[name]
            if name not in able:
                why = "holds integers" if tensor.integer else f"is a {tensor.role}"
                raise OpError(
                    f"{self.name} has no gradient with respect to {name!r}: it {why}; "
                    f"differentiable are {', '.join(able)}"
                )

    def counts(self) -> tally.Counts:
        """Parameters, operations and memory of a forward and a backward pass.

        They are SymPy expressions in the dimensions, counted from the equations and from the
        gradient by all differentiable inputs.
        """
        if any(tensor.differentiable for tensor in self.inputs.values()):
            return self.gradient().counts()
        return tally.counted(self.program)

    # -- using ------------------------------------------------------------------

    def code(self, target: str = "numpy") -> str:
        """Source of the forward function."""
        return codegen.source(target, self.program, self.name, self.title)

    def lambdify(self) -> Callable[..., Any]:
        """The forward pass as a NumPy function of keywords."""
        return codegen.compile_function(self.code("numpy"), self.name, self.program.inputs)

    def explicit(self, **sizes: int) -> Any:
        """The outputs with concrete sizes: arrays whose entries are written out."""
        found = {}
        for name, tensor in self.outputs.items():
            let = self.program.let[name]
            free = tuple(zip(let.indices, tensor.dims, strict=True))
            found[name] = explicit(expression(self.program, name), free, sizes)
        return next(iter(found.values())) if len(found) == 1 else found

    # -- showing ------------------------------------------------------------------

    def to_markdown(self, flavour: str = "github") -> str:
        """The forward equations as Markdown."""
        return page.op_markdown(self, flavour)

    def to_latex(self) -> str:
        """The forward equations as LaTeX."""
        return page.op_latex(self)

    def _repr_markdown_(self) -> str:
        return page.op_markdown(self, "notebook")

    def __repr__(self) -> str:
        inputs = ", ".join(
            f"{t.name}{t.shape_text if t.rank else ''}" for t in self.inputs.values()
        )
        lines = [f"{self.name}({inputs})", *(f"  {let}" for let in self.equations)]
        return "\n".join(lines)


def check_declared(name: str, declared: Iterable[Tensor], equations: Iterable[Let]) -> None:
    """Each declared tensor is defined by an equation, with as many indices."""
    ranks = {let.name: len(let.indices) for let in equations}
    for tensor in declared:
        if ranks.get(tensor.name) != tensor.rank:
            found = f"has {ranks[tensor.name]}" if tensor.name in ranks else "does not exist"
            raise OpError(
                f"op {name!r} declares {tensor.name}{tensor.shape_text}, with {tensor.rank} axes, "
                f"but the equation that defines {tensor.name} {found}"
            )


def _symbol(index: Any) -> sp.Symbol:
    return index.symbol if isinstance(index, Index) else index
