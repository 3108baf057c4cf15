"""A checkpoint's table as code: reading settings, taking arrays apart, putting them together."""

from __future__ import annotations

from dataclasses import dataclass

from ..codegen.function import indented
from ..codegen.target import Target
from ..notation import Tensor
from .architecture import EMBED, HEAD, LAYER, Architecture, Parameter, Setting

#: What the inputs of the first and last stage are called in ``forward``.
DATA = {EMBED: {"t": "tokens"}, HEAD: {"t": "labels", "m": "counted"}, LAYER: {}}


@dataclass(frozen=True)
class Table:
    """Statements about settings and parameters, for the templates."""

    model: Architecture
    target: Target

    def setting(self, setting: Setting) -> list[str]:
        """The statements that read one setting."""
        if not setting.field:
            whole, part = setting.exact
            names = [self.field(letter) for letter in (whole, part)]
            return [f'{setting.letter} = divided({whole}, {part}, "{names[0]}", "{names[1]}")']
        arguments = [f'config, "{setting.field}"', *filter(None, [setting.default])]
        text = f"{setting.letter} = setting({', '.join(arguments)})"
        if setting.inside:
            inner = f'config.get("{setting.inside}") or {{}}'
            return [
                f"{setting.letter} = setting({{**config, **({inner})}}, {', '.join(arguments)[8:]})"
            ]
        return [text]

    def field(self, letter: str) -> str:
        found = [s.field for s in self.model.settings if s.letter == letter]
        return found[0] if found and found[0] else letter

    def letters(self) -> str:
        return ", ".join(f"{s.letter}={s.letter}" for s in self.model.settings)

    def shape(self, parameter: Parameter) -> str:
        """The shape of a checkpoint's array, in the letters of the settings."""
        sizes = []
        for axis, dims in enumerate(parameter.axes):
            count = len(parameter.inputs) if axis == parameter.axis else 1
            factors = ([str(count)] if count > 1 else []) + [
                f"s.{d}" if not d.isdigit() else d for d in dims
            ]
            sizes.append(" * ".join(factors))
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def loads(self, stage: str) -> list[str]:
        """Statements that take a stage's parameters apart, and the tuple of them."""
        rows, values = [], []
        for parameter in self.model.of(stage):
            at = self.at(parameter)
            if len(parameter.inputs) > 1:
                names = ", ".join(parameter.inputs)
                rows.append(f"{names} = {self.split(at, len(parameter.inputs), parameter.axis)}")
                texts = list(parameter.inputs)
            else:
                texts = [f"{at}[:n]" if parameter.rows else at]
            for name, text in zip(parameter.inputs, texts, strict=True):
                values.append(
                    text + self.apart(self.tensor(stage, name)) if merged(parameter) else text
                )
        order = [x for p in self.model.of(stage) for x in p.inputs]
        wanted = [n for n, t in self.model.ops[stage].inputs.items() if t.role == "parameter"]
        by_name = dict(zip(order, values, strict=True))
        result = [by_name[name] for name in wanted]
        last = f"return ({result[0]},)" if len(result) == 1 else ""
        return [*rows, *([last] if last else listed_values(result))]

    def split(self, text: str, parts: int, axis: int) -> str:
        if self.target.module == "torch":
            return f"{text}.tensor_split({parts}, dim={axis})"
        return f"{self.target.module}.split({text}, {parts}, axis={axis})"

    def apart(self, tensor: Tensor) -> str:
        sizes = ", ".join(d.name if d.name.isdigit() else f"s.{d.name}" for d in tensor.dims)
        return f".reshape({sizes})"

    def tensor(self, stage: str, name: str) -> Tensor:
        return self.model.ops[stage].inputs[name]

    def at(self, parameter: Parameter) -> str:
        if parameter.stage == LAYER:
            return f'params[at + "{parameter.name}"]'
        if parameter.stage == HEAD and parameter.name == "lm_head.weight":
            return "params[table(config)]"
        return f'params["{parameter.name}"]'

    def stores(self, stage: str) -> list[str]:
        """The entries of a dictionary of a stage's gradients."""
        rows = []
        for parameter in self.model.of(stage):
            key = f'at + "{parameter.name}"' if stage == LAYER else f'"{parameter.name}"'
            if parameter.name == "lm_head.weight":
                key = "table(config)"
            values = [f"d{name}" + self.joined(parameter) for name in parameter.inputs]
            value = values[0]
            if len(values) > 1:
                value = f"np.concatenate([{', '.join(values)}], axis={parameter.axis})"
            rows.append(f"{key}: {value},")
        return rows

    def joined(self, parameter: Parameter) -> str:
        if not merged(parameter):
            return ""
        sizes = ["-1" if len(axis) > 1 else f"s.{axis[0]}" for axis in parameter.axes]
        return f".reshape({', '.join(sizes)})"

    def gradients(self, stage: str) -> list[str]:
        """The names in which a stage's function returns its parameters' gradients."""
        inputs = self.model.ops[stage].inputs
        return [f"d{name}" for name, t in inputs.items() if t.role == "parameter"]

    def rest(self, stage: str) -> str:
        """What a stage takes after its parameters, in the names of ``forward``."""
        inputs = list(self.model.ops[stage].inputs.values())[1:]
        names = [
            DATA[stage].get(t.name, LOCAL.get(t.name, f"s.{t.name}"))
            for t in inputs
            if t.role != "parameter"
        ]
        return "".join(f", {name}" for name in names)


#: What is made in ``forward`` rather than read from the configuration.
LOCAL = {"pos": "pos"}


def merged(parameter: Parameter) -> bool:
    return any(len(axis) > 1 for axis in parameter.axes)


def listed_values(values: list[str]) -> list[str]:
    return ["return (", *indented([f"{value}," for value in values]), ")"]
