"""Whole language models, made of the catalogue's ops: ``models.gpt2()``, ``models.llama()``."""

from collections.abc import Callable

from .architecture import Parameter, Setting
from .gpt2_model import gpt2
from .llama_model import llama
from .model import Model
from .scan import Scan

#: The models by name.
MODELS: dict[str, Callable[[], Model]] = {"gpt2": gpt2, "llama": llama}

__all__ = ["MODELS", "Model", "Parameter", "Scan", "Setting", "gpt2", "llama"]
