"""Profiles: what steps cost, by layer and operator, and what the Python around them does."""

from __future__ import annotations

from cornu.lazy import lazy_names

_NAMES = {
    "Profile": "cornu.profiling.recorder",
    "Report": "cornu.profiling.report",
    "Row": "cornu.profiling.report",
    "profile": "cornu.profiling.recorder",
}

__all__ = [*sorted(_NAMES)]

__getattr__, __dir__ = lazy_names(__name__, _NAMES, ("switch",))
