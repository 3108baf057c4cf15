"""The command line: ``symllm ops``, ``show``, ``code``, ``verify``, ``build`` and more.

Exit codes: 0 all well; 1 a check failed or output is stale; 2 wrong use or
unreadable input. Whatever a user can get wrong ends in one message.
"""

from .app import main

__all__ = ["main"]
