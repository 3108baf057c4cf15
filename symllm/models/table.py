"""A checkpoint's table as code: reading settings, taking arrays apart, putting them together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..codegen.function import definition, indented, listed, returning
from ..codegen.network import listed_call
from ..codegen.target import Target, tuple_of
from ..codegen.writer import WIDTH
from .architecture import EMBED, HEAD, LAYER, Architecture, Parameter, Setting

#: What the inputs of a stage are called in ``forward`` that are no parameters or settings.
LOCAL = {EMBED: {"t": "tokens"}, LAYER: {"pos": "pos"}, HEAD: {"t": "labels", "mask": "counted"}}
#: What the functions that handle a stage's arrays may need.
CONTEXT = {EMBED: ("params", "s", "n"), LAYER: ("params", "s", "layer"), HEAD: ("params", "config")}
#: How docstrings speak of the arrays of a stage.
WORDS = {EMBED: "The embedding's arrays", LAYER: "One layer's arrays", HEAD: "The head's arrays"}


@dataclass(frozen=True)
class Table:
    """Statements about settings and parameters, for the templates."""

    model: Architecture
    target: Target

    # -- settings ---------------------------------------------------------------

    def setting(self, setting: Setting) -> str:
        """The statement that reads one setting."""
        if setting.exact:
            names = ", ".join(f'"{self.field(letter)}"' for letter in setting.exact)
            value = f"divided({', '.join(setting.exact)}, {names})"
            given = f'config.get("{setting.field}") or ' if setting.field else ""
            return f"{setting.letter} = {given}{value}"
        arguments = ["config", f'"{setting.field}"', *filter(None, [setting.default])]
        return f"{setting.letter} = setting({', '.join(arguments)})"

    def field(self, letter: str) -> str:
        """What a configuration calls the letter; the letter itself where it is a number."""
        return next((s.field for s in self.model.settings if s.letter == letter), "") or letter

    def settings(self) -> str:
        """The statement that returns those settings that something else mentions."""
        code = [
            *(self.shape(parameter) for parameter in self.model.parameters),
            *(f"s.{parameter.rows}" for parameter in self.model.parameters),
            *(text(stage) for stage in CONTEXT for text in (self.loader, self.run)),
        ]
        known = {"n_layer", "v", *re.findall(r"\bs\.(\w+)", " ".join(code))}
        letters = [f"{s.letter}={s.letter}" for s in self.model.settings if s.letter in known]
        return "\n".join(listed("return SimpleNamespace(", letters, ")", WIDTH - 4))

    # -- parameters -------------------------------------------------------------

    def shape(self, parameter: Parameter) -> str:
        """The shape of a checkpoint's array, in the letters of the settings."""
        sizes = []
        for axis, dims in enumerate(parameter.axes):
            count = len(parameter.inputs) if axis == parameter.axis else 1
            factors = [str(count)] * (count > 1) + [size(d) for d in dims]
            sizes.append(" * ".join(factors))
        return tuple_of(sizes)

    def key(self, parameter: Parameter) -> str:
        """A parameter's name as code: known, or known but for the layer, or a matter of tying."""
        if parameter.name == self.model.logits:
            return "table(config)"
        return f'at + "{parameter.name}"' if parameter.stage == LAYER else f'"{parameter.name}"'

    def loader(self, stage: str) -> str:
        """The function that takes a stage's arrays apart, in the order of the op's inputs."""
        rows, values = self.at(stage), {}
        for parameter in self.model.of(stage):
            whole = f"params[{self.key(parameter)}]"
            texts = [f"{whole}[:n]" if parameter.rows else whole]
            if len(parameter.inputs) > 1:
                names, axis = ", ".join(parameter.inputs), parameter.axis
                rows.append(f"{names} = {self.target.split(whole, len(parameter.inputs), axis)}")
                texts = list(parameter.inputs)
            for name, text in zip(parameter.inputs, texts, strict=True):
                values[name] = text + (self.apart(stage, name) if merged(parameter) else "")
        found = [values[name] for name in self.parameters(stage)]
        rows += returning(found if len(found) > 1 else [tuple_of(found)], WIDTH - 4)
        doc = f'"""{WORDS[stage]}, as ``{self.model.ops[stage].name}`` takes them."""'
        return definition(f"{stage}_parameters", self.context(stage, rows), [doc, *rows])

    def storer(self, stage: str) -> str:
        """The function that gives a stage's gradients the names and shapes of a checkpoint."""
        rows = [*self.at(stage), "return {"]
        for parameter in self.model.of(stage):
            rows += indented(self.entry(parameter))
        rows.append("}")
        arguments = [*self.context(stage, rows), *self.gradients(stage)]
        doc = f'"""{WORDS[stage]} of gradients, by their names in the checkpoint."""'
        return definition(f"{stage}_gradients", arguments, [doc, *rows])

    def entry(self, parameter: Parameter) -> list[str]:
        """The entry of a dictionary of gradients."""
        key = self.key(parameter)
        names = [f"d{name}" for name in parameter.inputs]
        value = names[0]
        if len(names) > 1:
            axis = sum(len(dims) for dims in parameter.axes[: parameter.axis])
            along = f", axis={axis}" if axis else ""
            value = f"{self.target.module}.stack([{', '.join(names)}]{along})"
        if parameter.rows:  # those that were not used have no part in the loss
            rest = ["(0, 0)"] * (len(parameter.axes) - 1)
            widths = tuple_of([f"(0, s.{parameter.rows} - len({value}))", *rest])
            value = f"{self.target.module}.pad({value}, {widths})"
        row = f"{key}: {value}{joined(parameter)},"
        if len(row) <= WIDTH - 8:
            return [row]
        return [f"{key}: (", f"    {value}{joined(parameter)}", "),"]

    def at(self, stage: str) -> list[str]:
        return [f'at = f"{self.model.layers}"'] if stage == LAYER else []

    def context(self, stage: str, rows: Iterable[str]) -> list[str]:
        """Those of the names that a function may need which its rows mention."""
        words = set(re.findall(r"\w+", " ".join(rows)))
        return [name for name in CONTEXT[stage] if name in words]

    def apart(self, stage: str, name: str) -> str:
        dims = self.model.ops[stage].inputs[name].dims
        return f".reshape({', '.join(size(d.name) for d in dims)})"

    def parameters(self, stage: str) -> list[str]:
        inputs = self.model.ops[stage].inputs
        return [name for name, tensor in inputs.items() if tensor.role == "parameter"]

    def gradients(self, stage: str) -> list[str]:
        """The names in which a stage's function returns its parameters' gradients."""
        return [f"d{name}" for name in self.parameters(stage)]

    # -- calls ------------------------------------------------------------------

    def run(self, stage: str, names: str = "return", passing: str = "", depth: int = 4) -> str:
        """The statement that calls a stage forwards: its data, its parameters, what is constant.

        ``names`` are assigned to, or ``return``; ``passing`` ends the function's name.
        """
        op = self.model.ops[stage]
        first, *rest = (t for t in op.inputs.values() if t.role != "parameter")
        texts = [LOCAL[stage].get(t.name, f"s.{t.name}") for t in rest]
        data = LOCAL[stage].get(first.name, first.name)
        loaded = self.loader(stage).partition("(")[2].partition(")")[0]
        arguments = ", ".join([data, f"*{stage}_parameters({loaded})", *texts])
        text = f"{names} {op.name}{passing}({arguments})"
        return "\n".join(listed_call(text, WIDTH - depth))

    def store(self, stage: str, names: str) -> str:
        """The call that names a stage's gradients."""
        stored = self.storer(stage).partition("(")[2].partition(")")[0].split(",")
        context = [name for name in map(str.strip, stored) if name in CONTEXT[stage]]
        return f"{stage}_gradients({', '.join([*context, names])})"


def size(name: str) -> str:
    return name if name.isdigit() else f"s.{name}"


def merged(parameter: Parameter) -> bool:
    return any(len(axis) > 1 for axis in parameter.axes)


def joined(parameter: Parameter) -> str:
    """What gives a gradient the axes of the checkpoint's array."""
    if not merged(parameter):
        return ""
    sizes: Sequence[str] = ["-1" if len(axis) > 1 else size(axis[0]) for axis in parameter.axes]
    return f".reshape({', '.join(sizes)})"
