"""Layers that give samples another shape: Flatten, Permute, RepeatVector, Reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.ir.dim import SymbolicDimError, product
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format
from cornu.ops.keras_tensor import KerasTensor


class Flatten(Layer):
    """Joins all axes but the batch.

    Args:
        data_format: "channels_first" moves the channels to the end first.

    Raises:
        ValueError: If the data format is unknown.

    Shape:
        `(batch, *sizes)` → `(batch, product of sizes)`; `(batch,)` → `(batch, 1)`.

    Example:
        >>> import cornu
        >>> cornu.layers.Flatten()(cornu.ops.ones((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        batch, *sizes = ops.shape(inputs)
        return ops.reshape(inputs, (batch, product(sizes)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Permute(Layer):
    """The axes of every sample in another order: `y[n, *i] = x[n, *j]` with `i[a] = j[dims[a] - 1]`.

    Args:
        dims: For each axis of the output the axis of the input, counted from 1; the batch stays first.

    Raises:
        ValueError: If `dims` is not an order of 1, 2, ...

    Shape:
        `(batch, *sizes)` → `(batch, *permuted sizes)`.

    Example:
        >>> import cornu
        >>> cornu.layers.Permute((2, 1))(cornu.ops.ones((5, 3, 4))).shape
        (5, 4, 3)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute layer '{self.name}': `dims` must be an order of the axes 1 to {len(self.dims)}, "
                f"got dims={dims!r}."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Every sample as many equal time steps: `y[n, t, c] = x[n, c]`.

    Args:
        n: The number of steps.

    Raises:
        TypeError: If `n` is no integer.
        ValueError: If it is not positive.

    Shape:
        `(batch, channels)` → `(batch, n, channels)`.

    Example:
        >>> import cornu
        >>> cornu.layers.RepeatVector(3)(cornu.ops.ones((2, 4))).shape
        (2, 3, 4)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("RepeatVector", self.name, "n", n)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


def check_count(kind: str, name: str, argument: str, value: Any) -> None:
    """Checks a positive integer.

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is not positive.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{kind} layer '{name}': `{argument}` must be an integer, got {value!r}.")
    if value <= 0:
        raise ValueError(f"{kind} layer '{name}': `{argument}` must be a positive integer, got {value}.")


class Reshape(Layer):
    """Gives every sample another shape.

    Args:
        target_shape: The shape of one sample; one size may be -1 (or None) and is what the others leave over.

    Raises:
        ValueError: If a size is neither an integer from 0 on nor -1, if two are -1, or if the sizes of a sample do not
            fit.

    Shape:
        `(batch, *sizes)` → `(batch, *target_shape)`.

    Example:
        >>> import cornu
        >>> cornu.layers.Reshape((2, -1))(cornu.ops.ones((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int | None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = tuple(target_shape)
        if not all(size is None or (isinstance(size, int) and size >= -1) for size in shape):
            raise ValueError(
                f"Reshape layer '{self.name}': each size of `target_shape` must be an integer from 0 on, or -1 for an "
                f"unknown one, got target_shape={shape}."
            )
        if sum(size in (-1, None) for size in shape) > 1:
            raise ValueError(
                f"Reshape layer '{self.name}': at most one size of `target_shape` may be unknown (-1), "
                f"got target_shape={shape}."
            )
        self.target_shape = shape
        self.built = True

    def call(self, inputs: Any) -> Any:
        self._check_fits(inputs.shape)
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self.target_shape))

    def _check_fits(self, shape: Sequence[int | None]) -> None:
        sizes = [size for size in shape[1:] if size is not None]
        if len(sizes) < len(shape) - 1:
            return
        given = [size for size in self.target_shape if size is not None and size >= 0]
        total, known = math.prod(sizes), math.prod(given)
        if total != known and (len(given) == len(self.target_shape) or not known or total % known):
            raise ValueError(
                f"Reshape layer '{self.name}': the {total} elements of a sample of shape {tuple(shape[1:])} do not fit "
                f"target_shape={self.target_shape}."
            )

    def compute_output_spec(self, inputs: Any) -> Any:
        """The output's shape and dtype; free sizes are taken to fit where only a run can tell."""
        try:
            return super().compute_output_spec(inputs)
        except SymbolicDimError:
            target = (None if size == -1 else size for size in self.target_shape)
            return KerasTensor((inputs.type.shape[0], *target), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
