"""Gradients that somebody's function computes, whatever it is and takes."""

from .check import assert_gradient, check_gradient

__all__ = ["assert_gradient", "check_gradient"]
