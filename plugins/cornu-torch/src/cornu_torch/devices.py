"""Devices by name."""

from __future__ import annotations

import re

import torch

DEFAULT = "cpu"


def find(name: str) -> torch.device:
    """The device of that name; an empty name is the default one's.

    Raises:
        ValueError: If there is none.
    """
    if not exists(name):
        raise ValueError(f"There is no device {name!r}; torch has {', '.join(available())} here.")
    return torch.device(name or DEFAULT)


def exists(name: str) -> bool:
    """Whether there is a device of that name."""
    if name in ("", "cpu"):
        return True
    match = re.fullmatch(r"cuda(?::(0|[1-9][0-9]*))?", name)
    return match is not None and int(match[1] or 0) < torch.cuda.device_count()


def available() -> list[str]:
    """The names of all devices."""
    return ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
