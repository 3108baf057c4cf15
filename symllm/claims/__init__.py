"""Claims about gradients, and what is true of them."""
