"""Views: where the elements of a tensor lie in another one that it is a rearrangement of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cornu.ir.program import Node, Program
from cornu.ir.types import Shape

Ints = Sequence[int]


@dataclass(frozen=True)
class Axis:
    """One axis of a view.

    Args:
        size: Positions along it.
        stride: Elements of the source from one position to the next.
        low: The first position that the source has an element for.
        high: The one after the last such.
    """

    size: int
    stride: int
    low: int
    high: int

    @property
    def padded(self) -> bool:
        """Whether some positions have no element."""
        return self.low > 0 or self.high < self.size


@dataclass(frozen=True)
class View:
    """Element `i` is the source's element `offset + sum(i[k] * stride[k])`, or `value` outside of `low <= i < high`.

    Args:
        axes: The axes.
        offset: The source's element for position 0 of every axis.
        value: What stands where the source has no element.
    """

    axes: tuple[Axis, ...]
    offset: int = 0
    value: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes."""
        return tuple(axis.size for axis in self.axes)

    @property
    def padded(self) -> bool:
        """Whether some elements are not the source's."""
        return any(axis.padded for axis in self.axes)

    def merged(self) -> View:
        """The same with as few axes as possible."""
        axes: list[Axis] = []
        for axis in self.axes:
            if axis.size == 1 and not axis.padded:
                continue
            if axes and not axis.padded and axes[-1].stride == axis.stride * axis.size:
                outer = axes.pop()
                size = axis.size
                axis = Axis(outer.size * size, axis.stride, outer.low * size, outer.high * size)
            axes.append(axis)
        return replace(self, axes=tuple(axes))

    def keeps_order(self, size: int) -> bool:
        """Whether it is all of a source of `size` elements as they lie."""
        axes = self.merged().axes
        whole = (Axis(size, 1, 0, size),) if size != 1 else ()
        return axes == whole and self.offset == 0


def sizes(shape: Shape) -> tuple[int, ...]:
    """A shape of known sizes."""
    return tuple(int(size) for size in shape)


def whole(shape: Shape) -> View:
    """A tensor as a view of itself."""
    shape = sizes(shape)
    axes = tuple(Axis(size, math.prod(shape[k + 1 :]), 0, size) for k, size in enumerate(shape))
    return View(axes)


def through(view: View, node: Node) -> View | None:
    """The view after one more node that moves elements; None where that is no view any more."""
    if node.op == "Call":
        return _through_body(view, node.attributes["body"])
    attributes = node.attributes
    if node.op == "Transpose":
        return replace(view, axes=tuple(view.axes[k] for k in attributes["perm"]))
    if node.op == "Slice":
        return _sliced(
            view, attributes["starts"], attributes["axes"], attributes["steps"], sizes(node.outputs[0].shape)
        )
    if node.op == "Pad":
        return _padded(view, attributes["before"], attributes["after"], float(attributes["value"]))
    if node.op == "Reshape":
        return _reshaped(view, sizes(node.outputs[0].shape))
    return None


def _through_body(view: View, body: Program) -> View | None:
    found: View | None = view
    for node in body.nodes:
        found = None if found is None or len(node.inputs) != 1 else through(found, node)
    return found


def _sliced(view: View, starts: Ints, axes: Ints, steps: Ints, shape: Ints) -> View:
    changed, offset = list(view.axes), view.offset
    for start, k, step in zip(starts, axes, steps, strict=True):
        axis = changed[k]
        offset += start * axis.stride
        first, last = (axis.low - start, axis.high - 1 - start)
        low, high = (-(-first // step), last // step + 1) if step > 0 else (-(last // -step), first // step + 1)
        changed[k] = Axis(shape[k], axis.stride * step, max(low, 0), max(min(high, shape[k]), 0))
    return View(tuple(changed), offset, view.value)


def _padded(view: View, before: Ints, after: Ints, value: float) -> View | None:
    if not any(before) and not any(after):
        return view
    if min(*before, *after) < 0 or (view.padded and view.value != value):
        return None
    offset = view.offset - sum(axis.stride * width for axis, width in zip(view.axes, before, strict=True))
    axes = tuple(
        Axis(axis.size + first + last, axis.stride, axis.low + first, axis.high + first)
        for axis, first, last in zip(view.axes, before, after, strict=True)
    )
    return View(axes, offset, value)


def _reshaped(view: View, shape: Ints) -> View | None:
    rest = list(view.merged().axes)
    axes: list[Axis] = []
    for size in reversed(shape):
        if size == 1:
            axes.append(Axis(1, 0, 0, 1))
            continue
        if not rest or rest[-1].size % size:
            return None
        axis = rest.pop()
        if axis.size == size:
            axes.append(axis)
            continue
        if axis.low % size or axis.high % size:
            return None
        axes.append(Axis(size, axis.stride, 0, size))
        rest.append(Axis(axis.size // size, axis.stride * size, axis.low // size, axis.high // size))
    return None if rest else View(tuple(reversed(axes)), view.offset, view.value)
