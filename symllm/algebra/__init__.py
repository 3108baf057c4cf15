"""The engine's own terms: polynomials in tensor entries, sums and functions.

SymPy is what people write and read; inside, a monomial is a mapping from
atoms to exponents, a polynomial one from monomials to coefficients, and a
sum an atom that binds its indices by number. Equal terms have equal keys, so
this is a normal form: two expressions that reach one key are proved equal.
"""

from . import products, sums

__all__ = ["products", "sums"]
