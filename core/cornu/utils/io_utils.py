"""Printing that can be switched off for the whole process."""

from __future__ import annotations

import logging
import sys

from cornu.backend.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)

__all__ = ["disable_interactive_logging", "enable_interactive_logging", "is_interactive_logging_enabled", "print_msg"]

_LOGGER = logging.getLogger("cornu")


def print_msg(message: str, line_break: bool = True) -> None:
    """Prints a message; with interactive logging switched off it goes to the logger "cornu".

    Args:
        message: The text.
        line_break: Whether a line ends after it.
    """
    if is_interactive_logging_enabled():
        sys.stdout.write(message + ("\n" if line_break else ""))
        sys.stdout.flush()
    else:
        _LOGGER.info(message)
