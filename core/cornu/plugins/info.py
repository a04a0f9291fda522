"""What `cornu plugins` shows."""

from __future__ import annotations

from dataclasses import dataclass, field

SLOW_SECONDS = 2.0


@dataclass(frozen=True)
class PluginInfo:
    """What can be told about one installed plugin.

    Args:
        name: The name of its entry point.
        distribution: The distribution it comes from; `"(this process)"` if it was registered by hand.
        version: That distribution's version.
        offers: The names of what it offers, by kind.
        error: The real reason why it cannot be loaded; empty if it can, or if it is off.
        off: Whether CORNU_PLUGINS switches it off.
        note: Anything else worth knowing, such as a slow import.
    """

    name: str
    distribution: str = ""
    version: str = ""
    offers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    error: str = ""
    off: bool = False
    note: str = ""
