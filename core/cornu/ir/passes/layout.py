"""Letting transposes meet and cancel: they sink through everything that does not mind the order of axes.

A channels-last model puts each convolution and pooling between two transposes. Each of them moves towards the results
of the program until its inverse stops it, and both are gone; gradients follow the same way back.
"""

from __future__ import annotations

from cornu.ir.passes.common_subexpressions import common_subexpressions
from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.movement_rules import (
    ELEMENTWISE,
    REDUCTIONS,
    expand,
    keeps_order,
    reshape,
    single_shape,
    transpose,
    transpose_of_repeated,
)
from cornu.ir.passes.rewriting import Rewriter, Rule, rewrite
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import TensorType

Perm = tuple[int, ...]

_TYPICAL_SIZE = 32
"""What a symbolic size counts as where the work of two programs is compared."""


def cancel_transposes(program: Program) -> Program:
    """Moves transposes through elementwise operators, reductions, pads, slices and joins, where fewer remain.

    Args:
        program: The program.

    Returns:
        An equal program that transposes fewer elements; the same object where none was found.

    Example:
        >>> cancel_transposes(program)
    """
    best, least = program, transposed_elements(program)
    for rules in (RULES, BOLD_RULES):
        if not least:
            break
        rewritten = rewrite(program, rules)
        if rewritten is program:
            continue
        moved = dead_code(common_subexpressions(rewritten))
        work = transposed_elements(moved)
        if work < least:
            best, least = moved, work
    return best


def transposed_elements(program: Program) -> int:
    """How many elements a program's transposes move, where each symbolic size counts as 32."""
    total = 0
    constants: set[Value] = set()
    for node in program.walk():
        if node.op == "Constant":
            constants.update(node.outputs)
        elif node.op == "Transpose" and node.inputs[0] not in constants:
            elements = 1
            for dim in node.inputs[0].shape:
                elements *= dim if isinstance(dim, int) else _TYPICAL_SIZE
            total += elements
    return total


def inverse(perm: Perm) -> Perm:
    """The order that undoes another."""
    return tuple(perm.index(axis) for axis in range(len(perm)))


def _source(r: Rewriter, value: Value, perm: Perm | None = None) -> tuple[Value, Perm] | None:
    """What a value is a transpose of, and in which order."""
    node = r.producer(value, "Transpose")
    if node is None or (perm is not None and node.attributes["perm"] != perm):
        return None
    return node.inputs[0], node.attributes["perm"]


def elementwise(r: Rewriter, node: Node) -> Value | None:
    """f(Transpose(x), Transpose(y)) = Transpose(f(x, y)); smaller operands are transposed instead"""
    return _elementwise(r, node, bold=False)


def bold_elementwise(r: Rewriter, node: Node) -> Value | None:
    """f(Transpose(x), y) = Transpose(f(x, Transpose(y))): pays where y is read twice, as a dropout's mask is"""
    return _elementwise(r, node, bold=True)


def _elementwise(r: Rewriter, node: Node, bold: bool) -> Value | None:
    # One that broadcasts leads the way only in the bold rules: two of them would turn each other for ever.
    shape = node.outputs[0].shape
    leading = [value for value in node.inputs if value.shape == shape or (bold and len(value.shape) == len(shape))]
    perm = next((found[1] for value in leading if (found := _source(r, value))), None)
    if perm is None:
        return None
    operands = [_untransposed(r, value, node.outputs[0], perm, bold) for value in node.inputs]
    if any(operand is None for operand in operands):
        return None
    ready = tuple(operand for operand in operands if operand is not None)
    if not bold:
        return r.emit("Transpose", r.emit(node.op, *ready, **node.attributes), perm=perm)
    # The rules must not see the new node: they would turn it back.
    turned = tuple(shape[axis] for axis in inverse(perm))
    before = Node(node.op, ready, (Value(TensorType(node.outputs[0].dtype, turned)),), node.attributes, node.scope)
    r.append(before)
    return r.emit("Transpose", before.outputs[0], perm=perm)


def _untransposed(r: Rewriter, value: Value, output: Value, perm: Perm, bold: bool) -> Value | None:
    """The value whose transpose broadcasts as `value` does, where that is cheap or `bold`."""
    if found := _source(r, value, perm):
        return found[0]
    if not value.type.rank:
        return value
    shape = (1,) * (output.type.rank - value.type.rank) + value.shape
    if r.constant(value) is None and not any(have == 1 != want for have, want in zip(shape, output.shape, strict=True)):
        spread = r.producer(value, "Expand")
        smaller = None if spread is None else _untransposed(r, spread.inputs[0], output, perm, bold)
        if smaller is not None:
            return r.expand(smaller, tuple(shape[axis] for axis in inverse(perm)))
        if not bold:
            return None
    return r.emit("Transpose", r.reshape(value, shape), perm=inverse(perm))


def reduction(r: Rewriter, node: Node) -> Value | None:
    """Reduce(Transpose(x)) = Transpose(Reduce(x)) over the axes where they were"""
    found = _source(r, node.inputs[0])
    if found is None:
        return None
    (x, perm), axes, keepdims = found, node.attributes["axes"], node.attributes["keepdims"]
    moved = tuple(sorted(perm[axis] for axis in axes))
    result = r.emit(node.op, x, axes=moved, keepdims=keepdims)
    if keepdims:
        return r.emit("Transpose", result, perm=perm)
    left = [axis for axis in range(len(perm)) if axis not in moved]
    order = tuple(left.index(perm[axis]) for axis in range(len(perm)) if axis not in axes)
    return r.emit("Transpose", result, perm=order)


def reshaped_spread(r: Rewriter, node: Node) -> Value | None:
    """Transpose(Expand(x)) = Expand(Reshape(x)); not with a transpose of x, which `spread` would turn back"""
    inner = r.producer(node.inputs[0], "Expand")
    if inner is None or not keeps_order(single_shape(inner), node.attributes["perm"]):
        return None
    return transpose_of_repeated(r, node)


def spread(r: Rewriter, node: Node) -> Value | None:
    """Expand(Transpose(x)) = Transpose(Expand(x))"""
    found = _source(r, node.inputs[0])
    shape = node.outputs[0].shape
    if found is None or len(found[1]) != len(shape):
        return None
    x, perm = found
    return r.emit("Transpose", r.expand(x, tuple(shape[axis] for axis in inverse(perm))), perm=perm)


def pad(r: Rewriter, node: Node) -> Value | None:
    """Pad(Transpose(x)) = Transpose(Pad(x))"""
    found = _source(r, node.inputs[0])
    if found is None:
        return None
    (x, perm), a = found, node.attributes
    widths = {name: tuple(a[name][axis] for axis in inverse(perm)) for name in ("before", "after")}
    return r.emit("Transpose", r.emit("Pad", x, **{**a, **widths}), perm=perm)


def part(r: Rewriter, node: Node) -> Value | None:
    """Slice(Transpose(x)) = Transpose(Slice(x))"""
    found = _source(r, node.inputs[0])
    if found is None:
        return None
    (x, perm), a = found, node.attributes
    return r.emit("Transpose", r.emit("Slice", x, **{**a, "axes": tuple(perm[axis] for axis in a["axes"])}), perm=perm)


def concat(r: Rewriter, node: Node) -> Value | None:
    """Concat(Transpose(x), Transpose(y)) = Transpose(Concat(x, y))"""
    first = _source(r, node.inputs[0])
    if first is None:
        return None
    perm = first[1]
    sources = [found[0] for value in node.inputs if (found := _source(r, value, perm))]
    if len(sources) < len(node.inputs):
        return None
    return r.emit("Transpose", r.emit("Concat", *sources, axis=perm[node.attributes["axis"]]), perm=perm)


def split(r: Rewriter, node: Node) -> tuple[Value, ...] | None:
    """Split(Transpose(x)) = Transpose of each part of x"""
    found = _source(r, node.inputs[0])
    if found is None:
        return None
    x, perm = found
    parts = r.emit_all("Split", x, axis=perm[node.attributes["axis"]], sizes=node.attributes["sizes"])
    return tuple(r.emit("Transpose", value, perm=perm) for value in parts)


RULES: dict[str, list[Rule]] = {
    "Transpose": [transpose, reshaped_spread],
    "Reshape": [reshape],
    "Expand": [expand, spread],
    "Pad": [pad],
    "Slice": [part],
    "Concat": [concat],
    "Split": [split],
    **{op: [reduction] for op in REDUCTIONS},
    **{op: [elementwise] for op in sorted(ELEMENTWISE)},
}

BOLD_RULES: dict[str, list[Rule]] = {**RULES, **{op: [bold_elementwise] for op in sorted(ELEMENTWISE)}}
