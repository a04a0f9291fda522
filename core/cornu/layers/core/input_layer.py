"""The entrance of a functional model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.backend.config import floatx
from cornu.layers.layer import Layer
from cornu.ops.keras_tensor import KerasTensor
from cornu.ops.operation import Node
from cornu.utils.dtypes import resolve_dtype


class InputLayer(Layer):
    """The layer whose output is a model's input.

    Args:
        shape: The shape of one sample, None for free sizes.
        batch_size: The size of the batch, if it is fixed.
        dtype: The element type.
        sparse: Must be false: inputs are dense.
        ragged: Must be false: inputs are rectangular.
        batch_shape: The shape with the batch, instead of `shape` and `batch_size`.
        input_tensor: A KerasTensor to start from.
        optional: Whether None may be given.
        name: A name.

    Raises:
        ValueError: If no shape is given, or both kinds of it.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if sparse or ragged:
            raise ValueError(f"InputLayer {self.name}: sparse and ragged inputs are not supported; use dense ones.")
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        if shape is not None and batch_shape is not None:
            raise ValueError(f"InputLayer {self.name}: give `shape` or `batch_shape`, not both.")
        if shape is None and batch_shape is None:
            raise ValueError(f"InputLayer {self.name}: you must pass a `shape` argument.")
        self._batch_shape = tuple(batch_shape) if batch_shape is not None else (batch_size, *_shape(shape))
        self._dtype = resolve_dtype(dtype) if dtype is not None else floatx()
        self.optional = optional
        self.built = True
        given = input_tensor is not None
        output = input_tensor if given else KerasTensor(self._batch_shape, self._dtype, name=self.name)
        Node(self, (), {}, output)

    def call(self, *args: Any) -> Any:
        raise ValueError(f"InputLayer {self.name} is not called; its output is its input.")

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape with the batch."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """The element type."""
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self._batch_shape,
            "dtype": self._dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def _shape(shape: Any) -> tuple[int | None, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic input to build a functional model on.

    Args:
        shape: The shape of one sample, None for free sizes.
        batch_size: The size of the batch, if it is fixed.
        dtype: The element type; the configured float type if missing.
        sparse: Must be false.
        ragged: Must be false.
        batch_shape: The shape with the batch, instead of `shape` and `batch_size`.
        name: The input's name.
        tensor: A KerasTensor to start from.
        optional: Whether None may be given.

    Example:
        >>> import cornu
        >>> x = cornu.Input((28, 28))
        >>> x.shape
        (None, 28, 28)
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    output: KerasTensor = layer.output
    return output
