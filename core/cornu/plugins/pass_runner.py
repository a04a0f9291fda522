"""Running the program passes of plugins: each must return a well-formed program with the same face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.ir.program import Program
from cornu.ir.verify import verify
from cornu.plugins.switch import VARIABLE


class PluginPassError(RuntimeError):
    """A plugin's pass raised, or returned something other than an equal program."""


def run_passes(program: Program, passes: list[tuple[str, Callable[[Any], Any]]]) -> Program:
    """Runs passes one after another and checks the program after each.

    Args:
        program: The program.
        passes: The plugin's name and the pass, in order.

    Raises:
        PluginPassError: A pass raised, returned no program, one that does not verify, or one with other inputs or
            outputs; the message names pass and plugin.
    """
    for plugin, run in passes:
        program = _run(program, plugin, run)
    return program


def _run(program: Program, plugin: str, run: Callable[[Any], Any]) -> Program:
    label = f"Pass {getattr(run, '__name__', repr(run))!r} of plugin {plugin!r}"
    remedy = f"{VARIABLE}=-{plugin} switches the plugin off."
    try:
        changed: object = run(program)
    except Exception as error:
        message = f"{label} raised {type(error).__name__} on program {program.name!r}: {error} ({remedy})"
        raise PluginPassError(message) from error
    if changed is program:
        return program
    if not isinstance(changed, Program):
        raise PluginPassError(f"{label} must return a program, not {type(changed).__name__}. {remedy}")
    try:
        verify(changed)
    except Exception as error:
        raise PluginPassError(f"{label} broke program {program.name!r}: {error} ({remedy})") from error
    for face in ("inputs", "outputs"):
        before, after = ([value.type for value in getattr(which, face)] for which in (program, changed))
        if before != after:
            raise PluginPassError(
                f"{label} changed the {face} of program {program.name!r}: expected {_types(before)}, got "
                f"{_types(after)}. {remedy}"
            )
    return changed


def _types(types: list[Any]) -> str:
    return f"({', '.join(map(str, types))})"
