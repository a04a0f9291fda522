"""Whether a profile is being taken: the one attribute that running code looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cornu.profiling.recorder import Profile

active: Profile | None = None
"""The profile that is being taken in this process."""


@contextmanager
def span(kind: str, name: str) -> Iterator[None]:
    """Notes how long its block takes, if a profile is being taken; for what happens rarely."""
    profile = active
    if profile is None:
        yield
        return
    with profile.span(kind, name):
        yield
