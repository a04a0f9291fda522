"""Profiles that lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.backend.contract import CompileOptions, NodeEvent
from cornu.ir.program import Program

from mutation.lies import Lie


class ProfileLie(Lie):
    """What `profile()` tells is true; subclasses change it."""

    def compile(self, program: Program, options: CompileOptions) -> Any:
        executable = super().compile(program, options)
        executable.profile = lambda: self.told(executable.honest.profile())
        return executable

    def told(self, events: list[NodeEvent]) -> list[NodeEvent]:
        """What it tells instead of the truth."""
        return events


class ProfileOfAnotherProgram(ProfileLie):
    """A profile gives its nodes names of layers that are not there."""

    def told(self, events: list[NodeEvent]) -> list[NodeEvent]:
        return [event._replace(scope=f"model/{event.scope}") for event in events]


class ProfileOfOneCall(ProfileLie):
    """A profile tells of the first call only."""

    def told(self, events: list[NodeEvent]) -> list[NodeEvent]:
        return [event for event in events if event.start < min(e.start for e in events) + 1e-9]


class ProfileInAnotherTime(ProfileLie):
    """A profile's times are those of another clock."""

    def told(self, events: list[NodeEvent]) -> list[NodeEvent]:
        return [event._replace(start=event.start + 1e6) for event in events]


class ProfileBackwards(ProfileLie):
    """A profile's events end before they begin."""

    def told(self, events: list[NodeEvent]) -> list[NodeEvent]:
        return [event._replace(start=event.start + event.duration, duration=-event.duration) for event in events]


class ProfileOverlaps(ProfileLie):
    """A profile's events go on in those that come after them."""

    def told(self, events: list[NodeEvent]) -> list[NodeEvent]:
        ordered = sorted(events, key=lambda event: event.start)
        later = [*ordered[1:], ordered[-1]]
        return [
            event._replace(duration=max(event.duration, after.start + after.duration / 2 - event.start))
            for event, after in zip(ordered, later, strict=True)
        ]


def profile_lies() -> Iterator[type[Lie]]:
    """Every lie of this module."""
    yield from ProfileLie.__subclasses__()
