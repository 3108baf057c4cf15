"""Pictures of what is derived, drawn from exact or rounded data: the same bytes everywhere.

``graph`` shows an op, or a derivation as its backward pass beside the forward one;
``heat_map`` a Jacobian or a Hessian in numbers; ``error_curve`` how far differences are
from a gradient; ``proof_graph`` which derivation leans on which; ``curves`` functions of
one variable; ``matrix`` any table of numbers. A chapter shows what they return like
anything else.
"""

from .curve import error_curve
from .functions import curves
from .graph import graph
from .heat import heat_map, matrix
from .picture import Picture
from .proofs import proof_graph

__all__ = ["Picture", "curves", "error_curve", "graph", "heat_map", "matrix", "proof_graph"]
