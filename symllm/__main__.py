"""``python -m symllm``."""

from .cli import main

main()
