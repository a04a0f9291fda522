"""What is installed under an entry-point group, read from metadata alone: nothing is imported."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One claim by an installed distribution to provide a plugin.

    Args:
        name: The plugin's name.
        distribution: The distribution that claims it.
        version: That distribution's version.
        entry_point: What to load; `None` where the metadata could not be read.
        error: Why the metadata could not be read.
    """

    name: str
    distribution: str
    version: str
    entry_point: importlib.metadata.EntryPoint | None = None
    error: str = ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def find_sources(group: str) -> dict[str, list[Source]]:
    """Lists the plugins of a group by name; more than one source under a name is a conflict for the caller to report.

    Each distribution is read on its own, so that one with damaged metadata hides no other. A distribution that lies
    on the path twice counts once, as the first is the one that Python imports.

    Args:
        group: The entry-point group, such as `"cornu.backends"`.

    Example:
        >>> sorted(find_sources("cornu.backends"))
        ['numpy', 'onnxruntime']
    """
    found: dict[str, list[Source]] = {}
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        for source in _sources_of(distribution, group, seen):
            found.setdefault(source.name, []).append(source)
    return found


def _sources_of(distribution: importlib.metadata.Distribution, group: str, seen: set[str]) -> list[Source]:
    text = distribution.read_text("entry_points.txt") or ""
    if group not in text:  # most distributions; their names need not be parsed
        return []
    name, version = _identify(distribution)
    key = name.lower().replace("_", "-").replace(".", "-")
    if key in seen:
        return []
    seen.add(key)
    try:
        entry_points = distribution.entry_points.select(group=group)
    except Exception as error:  # the standard parser raises whatever the damage leads to
        reason = f"its entry_points.txt cannot be read: {type(error).__name__}: {error}"
        return [Source(name, name, version, error=reason)]
    return [Source(point.name, name, version, point) for point in entry_points]


def _identify(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    try:
        return str(distribution.metadata["Name"]), str(distribution.metadata["Version"])
    except Exception:  # newer Pythons raise where METADATA is absent
        return "unnamed distribution", "?"
