"""Reading LaTeX: formulas as people write them, into equations of an op."""
