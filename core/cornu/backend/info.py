"""What can be told about a backend without running anything on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cornu.backend.discovery import Source

_SLOW_SECONDS = 2.0


@dataclass(frozen=True)
class BackendInfo:
    """What `cornu backends` shows of one installed backend.

    Args:
        name: The name to select it by.
        distribution: The distribution it comes from; `"(this process)"` if it was registered by hand.
        version: The version of the runtime if the backend tells it, else the distribution's.
        contract: The contract version that it was written for.
        priority: The backend of highest priority is the default one.
        devices: What it can run on, if it tells.
        providers: What it runs with, if it tells.
        error: The real reason why it cannot be used; empty if it can.
        note: Anything else worth knowing, such as a slow import.
    """

    name: str
    distribution: str = ""
    version: str = ""
    contract: str = ""
    priority: int | None = None
    devices: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    error: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Provider:
    """A loaded class under its name. Without equality, since one class may stand under two names.

    Args:
        backend: The class.
        source: Who provides it.
        seconds: How long its import took.
    """

    backend: type
    source: Source
    seconds: float = 0.0


def describe(provider: Provider) -> BackendInfo:
    """Asks a loaded class what it tells of itself, by its optional `describe()`.

    `describe` is called on the class and returns a dictionary with any of `version`, `providers` and `devices`.

    Args:
        provider: The loaded class and where it comes from.
    """
    backend: Any = provider.backend
    source = provider.source
    slow = f"slow: took {provider.seconds:.1f} s to import" if provider.seconds > _SLOW_SECONDS else ""
    info = BackendInfo(source.name, source.distribution, source.version, backend.contract, backend.priority, note=slow)
    if not callable(getattr(backend, "describe", None)):
        return info
    try:
        told = dict(backend.describe())
        return replace(
            info,
            version=str(told.get("version", info.version)),
            devices=tuple(map(str, told.get("devices", ()))),
            providers=tuple(map(str, told.get("providers", ()))),
        )
    except Exception as error:  # an optional courtesy: its failure says nothing about running programs
        return replace(info, note=f"describe() raised {type(error).__name__}: {error}")
