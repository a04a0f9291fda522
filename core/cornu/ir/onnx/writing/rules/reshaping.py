"""Writing a change of shape with as little run-time arithmetic on sizes as is right for every size, 0 included."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ir.dim import DimLike, product
from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node
from cornu.ir.types import Shape


def reshape_vector(source: Shape, target: Shape) -> tuple[int, ...] | None:
    """The constant that makes ONNX's Reshape (allowzero=0) give `target`, or None where there is none.

    A 0 copies the size at its place. One size may be -1, but only where the others are known and positive: with an
    empty tensor it would be ambiguous.
    """
    if any(dim == 0 for dim in target):
        return None
    copied = [i < len(source) and source[i] == dim and not isinstance(dim, int) for i, dim in enumerate(target)]
    vector = [0 if copied[i] else dim if isinstance(dim, int) else -1 for i, dim in enumerate(target)]
    if vector.count(-1) > 1 or (-1 in vector and 0 in vector):
        # Perhaps one -1 instead of the copies will do.
        vector = [dim if isinstance(dim, int) else -1 for dim in target]
        if vector.count(-1) > 1:
            return None
    return tuple(vector)


def inserted_ones(source: Shape, target: Shape) -> tuple[int, ...] | None:
    """The axes of `target` that are new ones before, between or behind the axes of `source`, or None."""
    axes: list[int] = []
    at = 0
    for i, dim in enumerate(target):
        if at < len(source) and source[at] == dim and len(target) - i > 0 and not _surplus(source, target, at, i):
            at += 1
        elif dim == 1:
            axes.append(i)
        else:
            return None
    return tuple(axes) if at == len(source) else None


def _surplus(source: Shape, target: Shape, at: int, i: int) -> bool:
    """True where a 1 in the target is better taken as new: more ones are left there than in the source."""
    if target[i] != 1:
        return False
    run_target = next((n for n, dim in enumerate(target[i:]) if dim != 1), len(target) - i)
    run_source = next((n for n, dim in enumerate(source[at:]) if dim != 1), len(source) - at)
    return run_target > run_source


def flattened_axis(source: Shape, target: Shape) -> int | None:
    """The axis at which ONNX's Flatten turns `source` into the matrix `target`, or None."""
    if len(target) != 2:
        return None
    for axis in range(len(source) + 1):
        if product(source[:axis]) == target[0] and product(source[axis:]) == target[1]:
            return axis
    return None


@writes("Reshape")
def _reshape(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    source, target = node.inputs[0].shape, tuple(node.attributes["shape"])
    if source == target:
        return inputs
    (x,) = inputs
    vector = reshape_vector(source, target)
    if vector is not None:
        w.add("Reshape", [x, w.ints(vector)], outputs)
    elif all(isinstance(dim, int) for dim in target):
        w.add("Reshape", [x, w.ints(_known(target))], outputs, allowzero=1)
    elif (axes := inserted_ones(source, target)) is not None:
        w.add("Unsqueeze", [x, w.ints(axes)], outputs)
    elif (axes := inserted_ones(target, source)) is not None:
        w.add("Squeeze", [x, w.ints(axes)], outputs)
    elif [dim for dim in source if dim != 1] == [dim for dim in target if dim != 1]:
        bare = w.new("Squeeze", x, w.ints([i for i, dim in enumerate(source) if dim == 1]))
        w.add("Unsqueeze", [bare, w.ints([i for i, dim in enumerate(target) if dim == 1])], outputs)
    elif (axis := flattened_axis(source, target)) is not None:
        w.add("Flatten", [x], outputs, axis=axis)
    else:
        w.add("Reshape", [x, w.sizes.vector(target)], outputs, allowzero=1)
    return None


def _known(dims: Sequence[DimLike]) -> tuple[int, ...]:
    return tuple(int(dim) for dim in dims)


@writes("Expand")
def _expand(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    """A 1 in the target keeps the input's size, so that only sizes that really stretch are needed."""
    source, target = node.inputs[0].shape, tuple(node.attributes["shape"])
    if source == target:
        return inputs
    offset = len(target) - len(source)
    needed = tuple(1 if i >= offset and source[i - offset] == dim else dim for i, dim in enumerate(target))
    # The whole shape is often at hand where a part of it is not.
    vector = w.sizes.vector(needed) if all(isinstance(dim, int) for dim in needed) else w.sizes.vector(target)
    w.add("Expand", [*inputs, vector], outputs)
    return None


@writes("Tile")
def _tile(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    repeats = tuple(node.attributes["repeats"])
    if all(repeat == 1 for repeat in repeats):
        return inputs
    w.add("Tile", [*inputs, w.sizes.vector(repeats)], outputs)
    return None
