"""Which plugins may be used: the environment variable CORNU_PLUGINS."""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLE = "CORNU_PLUGINS"


class SwitchError(ValueError):
    """CORNU_PLUGINS cannot be understood."""


@dataclass(frozen=True)
class Switch:
    """What CORNU_PLUGINS says.

    Args:
        text: Its text: empty (all plugins), `off` (none), names (only these), or names with `-` before each (all but
            these).
        only: The names that alone are on, or None.
        without: The names that are off.
    """

    text: str
    only: frozenset[str] | None
    without: frozenset[str]

    def allows(self, name: str) -> bool:
        """Whether a plugin may be used.

        Args:
            name: The name of its entry point.
        """
        return name not in self.without and (self.only is None or name in self.only)

    def names(self) -> frozenset[str]:
        """All names that it mentions."""
        return self.without | (self.only or frozenset())


def read_switch() -> Switch:
    """Reads CORNU_PLUGINS as it is now.

    Raises:
        SwitchError: It mixes names to use with names to leave out.

    Example:
        >>> os.environ["CORNU_PLUGINS"] = "-extras"
        >>> read_switch().allows("extras")
        False
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return Switch("", None, frozenset())
    if text.lower() == "off":
        return Switch(text, frozenset(), frozenset())
    words = [word.strip() for word in text.split(",") if word.strip()]
    without = frozenset(word[1:].strip() for word in words if word.startswith("-"))
    if without and len(without) != len(set(words)):
        raise SwitchError(
            f"{VARIABLE} must be 'off', the names of the plugins to use, or names that all begin with '-' for those to "
            f"leave out, not {text!r}."
        )
    return Switch(text, None if without else frozenset(words), without)
