"""Layers that combine several inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops, tree
from cornu.layers.layer import Layer


class Merge(Layer):
    """Combines a list of tensors elementwise; ranks may differ, as in broadcasting from the left.

    Raises:
        ValueError: If the input is not a list of at least two (Concatenate: one) shapes that fit.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the shapes."""
        if not isinstance(input_shape, (list, tuple)) or not all(isinstance(s, (list, tuple)) for s in input_shape):
            raise ValueError(
                "A merge layer should be called on a list of inputs. "
                f"Received: input_shape={input_shape} (not a list of shapes)"
            )
        if len(input_shape) < 1:
            raise ValueError(f"A merge layer should be called on a list of at least 1 input. Received: {input_shape}")

    def combine(self, tensors: list[Any]) -> Any:
        """Combines tensors of one rank."""
        raise TypeError(f"{type(self).__name__} must define `combine`.")

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"A merge layer should be called on a list of inputs. Received: inputs={inputs}")
        rank = max(len(tensor.shape) for tensor in inputs)
        return self.combine([_with_rank(tensor, rank) for tensor in inputs])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = [item for item in tree.flatten(mask) if item is not None]
        if not masks or len(masks) != len(tree.flatten(inputs)):
            return None
        merged = masks[0]
        for other in masks[1:]:
            merged = ops.logical_or(merged, other)
        return merged


def _with_rank(tensor: Any, rank: int) -> Any:
    for _ in range(rank - len(tensor.shape)):
        tensor = ops.expand_dims(tensor, 1)
    return tensor


def _spread(mask: Any, tensor: Any) -> Any:
    """A mask of the tensor's shape, of one that may lack its last axes."""
    for _ in range(len(tensor.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, axis=-1)
    return ops.logical_or(mask, ops.zeros_like(tensor, dtype="bool"))


def _fold(function: Callable[[Any, Any], Any], tensors: list[Any]) -> Any:
    result = tensors[0]
    for tensor in tensors[1:]:
        result = function(result, tensor)
    return result


class Add(Merge):
    """The sum of a list of tensors.

    Example:
        >>> import cornu
        >>> float(cornu.layers.Add()([cornu.ops.ones((1, 1)), cornu.ops.ones((1, 1))])[0, 0])
        2.0
    """

    def combine(self, tensors: list[Any]) -> Any:
        return _fold(ops.add, tensors)


class Multiply(Merge):
    """The product of a list of tensors."""

    def combine(self, tensors: list[Any]) -> Any:
        return _fold(ops.multiply, tensors)


class Average(Merge):
    """The mean of a list of tensors."""

    def combine(self, tensors: list[Any]) -> Any:
        return _fold(ops.add, tensors) / len(tensors)


class Maximum(Merge):
    """The elementwise maximum of a list of tensors."""

    def combine(self, tensors: list[Any]) -> Any:
        return _fold(ops.maximum, tensors)


class Minimum(Merge):
    """The elementwise minimum of a list of tensors."""

    def combine(self, tensors: list[Any]) -> Any:
        return _fold(ops.minimum, tensors)


class Subtract(Merge):
    """The difference of two tensors."""

    def build(self, input_shape: Any) -> None:
        """Checks that there are two."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"A `Subtract` layer should be called on exactly 2 inputs. Received: input_shape={input_shape}"
            )

    def combine(self, tensors: list[Any]) -> Any:
        return ops.subtract(*tensors)


class Concatenate(Merge):
    """Joins tensors along an axis.

    Args:
        axis: The axis.

    Raises:
        ValueError: If ranks or the other sizes differ.

    Example:
        >>> import cornu
        >>> cornu.layers.Concatenate()([cornu.ops.ones((1, 2)), cornu.ops.ones((1, 3))]).shape
        (1, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        """Checks the shapes."""
        super().build(input_shape)
        kept = []
        for shape in input_shape:
            if not -len(shape) <= self.axis < len(shape):
                raise ValueError(f"Concatenate {self.name}: axis {self.axis} does not fit shape {tuple(shape)}.")
            kept.append([size for i, size in enumerate(shape) if i != self.axis % len(shape)])
        for shape in kept[1:]:
            clash = any(None not in (a, b) and a != b for a, b in zip(kept[0], shape, strict=False))
            if len(shape) != len(kept[0]) or clash:
                raise ValueError(
                    "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. "
                    f"Received: input_shape={input_shape}"
                )

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = tree.flatten(mask)
        if all(item is None for item in masks):
            return None
        full = [
            ops.ones_like(tensor, dtype="bool") if item is None else _spread(item, tensor)
            for tensor, item in zip(inputs, masks, strict=True)
        ]
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1, keepdims=False)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
