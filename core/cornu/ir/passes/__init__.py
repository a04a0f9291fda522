"""Passes over programs: each takes a program and returns an equal one.

`prepare` is what stands between a traced program and a backend.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cornu.backend.config import passes_are_on
from cornu.ir.passes.common_subexpressions import common_subexpressions
from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.early import early_ends
from cornu.ir.passes.fold import fold
from cornu.ir.passes.freeze import freeze
from cornu.ir.passes.inline import inline
from cornu.ir.passes.layout import cancel_transposes
from cornu.ir.passes.legalise import LegalisationError, is_native, legalise
from cornu.ir.passes.loops import simplify_loops
from cornu.ir.passes.rewriting import with_bodies
from cornu.ir.passes.simplify import simplify
from cornu.ir.program import Node, Program
from cornu.ir.verify import verify

if TYPE_CHECKING:
    from cornu.backend.contract import Backend

__all__ = [
    "VERIFY",
    "LegalisationError",
    "cancel_transposes",
    "common_subexpressions",
    "dead_code",
    "early_ends",
    "fold",
    "freeze",
    "inline",
    "legalise",
    "optimise",
    "prepare",
    "simplify",
    "simplify_loops",
]

VERIFY = os.environ.get("CORNU_VERIFY", "") not in ("", "0")
"""Whether every program is verified after each pass (the environment variable CORNU_VERIFY; on in our tests)."""

ROUNDS = 4
_PASSES = (dead_code, fold, simplify, simplify_loops, common_subexpressions, cancel_transposes)


def optimise(program: Program) -> Program:
    """Drops, folds, simplifies and shares until nothing changes (or after four rounds).

    Run it after differentiation: what only matters for gradients (StopGradient, composites' own rules) may go.

    Args:
        program: The program.

    Returns:
        An equal program with the same inputs and as many outputs. With the setting `passes = "off"` only dead code
        goes, which no backend need be able to run.

    Example:
        >>> optimise(program)
    """
    if not passes_are_on():
        return _checked(dead_code(program))
    idle = 0  # passes since the last that changed something
    for run in _PASSES * ROUNDS:
        changed = _checked(run(program))
        idle = idle + 1 if changed is program else 0
        program = changed
        if idle == len(_PASSES):
            break
    return dead_code(program)


def prepare(program: Program, backend: Backend, device: str = "") -> Program:
    """What the core does to a program before a backend compiles it: inline, optimise, legalise, optimise, order.

    The passes of plugins run after the first optimisation, and the program is verified after each.

    Args:
        program: The program as it was traced and differentiated.
        backend: The backend; composites that it supports by name stay whole.
        device: The device.

    Returns:
        A program of nodes that the backend supports.

    Raises:
        LegalisationError: If a node can be made native in no way.
        PluginPassError: If a plugin's pass fails or breaks the program.

    Example:
        >>> backend.compile(prepare(program, backend, "cpu"), CompileOptions("cpu"))
    """
    _checked(program)
    # Residuals that nothing reads go first: some backends run a composite only without them.
    inlined = _checked(inline(dead_code(program), lambda call: is_native(call, backend.supports, device)))
    optimised = _run_plugin_passes(optimise(without_gradient_rules(inlined)))
    name = getattr(backend, "name", type(backend).__name__)
    legal = legalise(optimised, backend.supports, device, name)
    if legal is not optimised:
        # A simplification may bring back what is not native (a wider cast that met a narrower one): the last word.
        legal = _checked(legalise(optimise(_checked(legal)), backend.supports, device, name))
    return _checked(early_ends(legal)) if passes_are_on() else legal


def _run_plugin_passes(program: Program) -> Program:
    from cornu.plugins import passes

    runs = passes()
    if not runs:
        return program
    from cornu.plugins.pass_runner import run_passes

    changed = run_passes(program, runs)
    return program if changed is program else optimise(changed)


def without_gradient_rules(program: Program) -> Program:
    """The program without its composites' own gradient rules, which nobody needs once it is differentiated."""

    def strip(node: Node) -> Node:
        if node.attributes.get("vjp") is not None:
            node = Node(node.op, node.inputs, node.outputs, {**node.attributes, "vjp": None}, node.scope)
        return with_bodies(node, without_gradient_rules)

    nodes = tuple(map(strip, program.nodes))
    if all(new is old for new, old in zip(nodes, program.nodes, strict=True)):
        return program
    return Program(program.name, program.inputs, program.outputs, nodes)


def _checked(program: Program) -> Program:
    if VERIFY:
        verify(program)
    return program
