"""Let-programs to source that a careful person would have written."""

from .callable import compile_function
from .numpy import numpy_source

__all__ = ["compile_function", "numpy_source"]
