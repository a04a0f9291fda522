"""Movement: what is a view of its operand, and kernels of what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from cornu.ir.primitive import lookup
from cornu.ir.program import Node
from numpy.lib.stride_tricks import as_strided

from cornu_numpy.kernel import Kernel, Operation, kernel

View = Callable[[np.ndarray], Any]


def view_of(op: str, attributes: Mapping[str, Any]) -> View | None:
    """The function from an array to a view of it (Split: views), or None where the operator makes something new.

    A Reshape is one only of some arrays; of others it is a copy.
    """
    if op in ("Identity", "StopGradient"):
        return lambda x: x
    if op == "Reshape":
        shape = attributes["shape"]
        return lambda x: x.reshape(shape)
    if op == "Transpose":
        perm = attributes["perm"]
        return lambda x: x.transpose(perm)
    if op == "Expand":
        shape = attributes["shape"]
        # Where nothing is repeated, NumPy's view could not be written to, as a donated array may be.
        return lambda x: x if x.shape == shape else np.broadcast_to(x, shape)
    if op in ("Slice", "Split"):
        function = lookup(op).kernel
        return lambda x: function(x, **attributes)
    return None


def without_barriers(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with each Barrier as views of what it holds back: nodes run in their order, which is all it asks."""
    result: list[Node] = []
    for node in nodes:
        if node.op != "Barrier":
            result.append(node)
            continue
        for held, value in zip(node.inputs[:-1], node.outputs, strict=True):
            result.append(Node("Identity", (held,), (value,), {}, node.scope))
    return result


def phantom(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A contiguous array without elements behind it, for what only asks for its shape, dtype and strides."""
    strides = [dtype.itemsize] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
    return as_strided(np.empty(1, dtype), shape, strides)


def reshapes_to_view(like: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether NumPy reshapes arrays of these strides without a copy."""
    if like.flags.c_contiguous or not like.size:
        return True
    reach = [(size - 1) * stride for size, stride in zip(like.shape, like.strides, strict=True)]
    before, after = -sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
    memory = np.empty(before + after + like.itemsize, np.uint8)
    real: np.ndarray = np.ndarray(like.shape, like.dtype, memory, before, like.strides)
    return np.may_share_memory(real, real.reshape(shape))


@kernel("Reshape")
def _reshape(operation: Operation) -> Kernel:
    """Of an array that cannot be viewed in the new shape."""
    shape = operation.inputs[0].shape
    return Kernel(lambda x, out: np.copyto(out.reshape(shape), x))


@kernel("Concat")
def _concat(operation: Operation) -> Kernel:
    axis = operation.attributes["axis"]

    def run(*arrays: np.ndarray) -> None:
        np.concatenate(arrays[:-1], axis, out=arrays[-1])

    return Kernel(run)


@kernel("Pad")
def _pad(operation: Operation) -> Kernel | None:
    a = operation.attributes
    if a["mode"] != "constant":
        return None
    value = operation.dtype.type(a["value"])
    (x,) = operation.inputs
    inside = tuple(slice(before, before + size) for before, size in zip(a["before"], x.shape, strict=True))
    borders = []
    for axis, (before, after) in enumerate(zip(a["before"], a["after"], strict=True)):
        for width, border in ((before, slice(0, before)), (after, slice(inside[axis].stop, None))):
            if width:
                borders.append((*inside[:axis], border))

    def run(x: np.ndarray, out: np.ndarray) -> None:
        for border in borders:
            out[border] = value
        out[inside] = x

    return Kernel(run)
