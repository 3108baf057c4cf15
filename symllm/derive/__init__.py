"""Deriving: adjoint programs, and the rules that bring them into textbook form."""
