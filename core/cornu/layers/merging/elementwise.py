"""Layers that combine several inputs element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops
from cornu.layers.merging.merge import Merge


class Elementwise(Merge):
    """Combines a list of tensors element by element.

    Sizes of 1 are repeated. Where ranks differ, axes of size 1 are put in after the batch: `(2, 4)` and `(2, 3, 4)`
    combine to `(2, 3, 4)`.

    Raises:
        ValueError: If the input is no list of tensors, or their shapes do not fit.
    """

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}' cannot merge tensors of different batch sizes: {shapes}."
            )
        samples = [shape[1:] for shape in shapes]
        for axis in range(1, max(map(len, samples)) + 1):
            sizes = {shape[-axis] for shape in samples if len(shape) >= axis} - {None, 1}
            if len(sizes) > 1:
                raise ValueError(
                    f"{type(self).__name__} layer '{self.name}': inputs have incompatible shapes {shapes}: sizes "
                    f"{sorted(filter(None, sizes))} meet on axis {-axis}."
                )

    def combine(self, tensors: list[Any]) -> Any:
        rank = max(len(tensor.shape) for tensor in tensors)
        return self.merge([_with_rank(tensor, rank) for tensor in tensors])

    def merge(self, tensors: list[Any]) -> Any:
        """Combines tensors of one rank."""
        raise TypeError(f"{type(self).__name__} must define `merge`.")


def _with_rank(tensor: Any, rank: int) -> Any:
    for _ in range(rank - len(tensor.shape)):
        tensor = ops.expand_dims(tensor, 1)
    return tensor


def _fold(function: Callable[[Any, Any], Any], tensors: list[Any]) -> Any:
    result = tensors[0]
    for tensor in tensors[1:]:
        result = function(result, tensor)
    return result


class Add(Elementwise):
    """The sum of a list of tensors: see `Elementwise`.

    Example:
        >>> import cornu
        >>> float(cornu.layers.Add()([cornu.ops.ones((1, 1)), cornu.ops.ones((1, 1))])[0, 0])
        2.0
    """

    def merge(self, tensors: list[Any]) -> Any:
        return _fold(ops.add, tensors)


class Multiply(Elementwise):
    """The product of a list of tensors: see `Elementwise`."""

    def merge(self, tensors: list[Any]) -> Any:
        return _fold(ops.multiply, tensors)


class Average(Elementwise):
    """The mean of a list of tensors: see `Elementwise`."""

    def merge(self, tensors: list[Any]) -> Any:
        return _fold(ops.add, tensors) / len(tensors)


class Maximum(Elementwise):
    """The elementwise maximum of a list of tensors: see `Elementwise`."""

    def merge(self, tensors: list[Any]) -> Any:
        return _fold(ops.maximum, tensors)


class Minimum(Elementwise):
    """The elementwise minimum of a list of tensors: see `Elementwise`."""

    def merge(self, tensors: list[Any]) -> Any:
        return _fold(ops.minimum, tensors)


class Subtract(Elementwise):
    """The first of two tensors minus the second: see `Elementwise`.

    Raises:
        ValueError: If there are not exactly two.
    """

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        if len(shapes) != 2:
            raise ValueError(
                f"Subtract layer '{self.name}' should be called on exactly 2 inputs. Received: input_shape={shapes}"
            )
        super()._check_shapes(shapes)

    def merge(self, tensors: list[Any]) -> Any:
        return ops.subtract(*tensors)
