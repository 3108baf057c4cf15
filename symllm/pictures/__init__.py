"""Pictures of what is derived, drawn from exact or rounded data: the same bytes everywhere.

``graph`` shows an op, or a derivation as its backward pass beside the forward one;
``heat_map`` a Jacobian or a Hessian in numbers; ``error_curve`` how far differences are
from a gradient; ``proof_graph`` which derivation leans on which. A chapter shows what
they return like anything else.
"""

from .curve import error_curve
from .graph import graph
from .heat import heat_map
from .picture import Picture
from .proofs import proof_graph

__all__ = ["Picture", "error_curve", "graph", "heat_map", "proof_graph"]
