"""What is done to a tensor and then to its parts, done to the parts: so that gates of a recurrent step are one chain.

    Split(f(x)) = f(Split(x))        f(Concat(x, y)) = Concat(f(x), f(y))

for elementwise `f`, along the last axis.
"""

from __future__ import annotations

from collections.abc import Callable

from cornu.ir.passes.common_subexpressions import common_subexpressions
from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.rewriting import Rewriter, rewrite, with_bodies
from cornu.ir.program import Node, Program, Value

_ROUNDS = 4
_LOOPS = frozenset({"Scan", "While"})

Fits = Callable[[Node], bool]


def by_parts(program: Program, fits: Fits) -> Program:
    """Rewrites the bodies of loops so that elementwise nodes work on the parts of what is split or joined."""
    nodes = tuple(
        with_bodies(node, lambda body: _rewritten(body, fits)) if node.op in _LOOPS else node for node in program.nodes
    )
    if all(new is old for new, old in zip(nodes, program.nodes, strict=True)):
        return program
    return Program(program.name, program.inputs, program.outputs, nodes)


def _rewritten(body: Program, fits: Fits) -> Program:
    for _ in range(_ROUNDS):
        split = {node.inputs[0]: _sizes(node) for node in body.nodes if _is_split(node)}

        def apart(r: Rewriter, node: Node, split: dict[Value, tuple[int, ...]] = split) -> Value | None:
            (made,) = node.outputs
            joined = next((sizes for value in node.inputs if (sizes := _joined(r, value, made)) is not None), None)
            sizes = split.get(made, joined)
            if sizes is None or not fits(node):
                return None
            operands = [_parts(r, value, sizes, made) for value in node.inputs]
            if any(parts is None for parts in operands):
                return None
            results = [
                r.emit(node.op, *parts, **node.attributes) for parts in zip(*filter(None, operands), strict=True)
            ]
            return r.emit("Concat", *results, axis=made.type.rank - 1)

        ops = {node.op for node in body.nodes if fits(node)}
        changed = rewrite(body, {**{op: [apart] for op in ops}, "Split": [_split_of_concat]})
        if changed is body:
            break
        body = dead_code(common_subexpressions(changed))
    return body


def _is_split(node: Node) -> bool:
    x = node.inputs[0] if node.inputs else None
    return node.op == "Split" and x is not None and node.attributes["axis"] == x.type.rank - 1 and x.dtype == "float32"


def _sizes(node: Node) -> tuple[int, ...]:
    return tuple(node.attributes["sizes"])


def _joined(r: Rewriter, value: Value, made: Value) -> tuple[int, ...] | None:
    """The sizes of what a value of the result's shape is the Concat of."""
    node = r.producer(value, "Concat")
    if node is None or value.shape != made.shape or node.attributes["axis"] != made.type.rank - 1:
        return None
    return tuple(int(part.shape[-1]) for part in node.inputs)


def _parts(r: Rewriter, value: Value, sizes: tuple[int, ...], made: Value) -> list[Value] | None:
    """The parts of an operand that belong to the parts of the result."""
    axis = value.type.rank - 1
    if axis < 0 or value.shape[-1] == 1:
        return [value] * len(sizes)
    if value.shape[-1] != made.shape[-1]:
        return None
    node = r.producer(value, "Concat")
    if node is not None and _joined(r, value, value) == sizes:
        return list(node.inputs)
    return list(r.emit_all("Split", value, axis=axis, sizes=sizes))


def _split_of_concat(r: Rewriter, node: Node) -> tuple[Value, ...] | None:
    if not _is_split(node) or _joined(r, node.inputs[0], node.inputs[0]) != _sizes(node):
        return None
    concat = r.producer(node.inputs[0], "Concat")
    return None if concat is None else concat.inputs
