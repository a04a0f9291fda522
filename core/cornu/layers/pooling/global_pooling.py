"""Layers that reduce all spatial axes of their input."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ir.types import is_float
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format


class BaseGlobalPooling(Layer):
    """All spatial axes reduced to one number per channel.

    Args:
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        keepdims: Whether the spatial axes stay, with size 1.

    Raises:
        ValueError: If the data format is unknown.

    Shape:
        `(batch, *spatial, channels)` → `(batch, channels)`, or `(batch, *1, channels)` with `keepdims`.
    """

    rank: int
    mode: str

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standard_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    @property
    def _axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def call(self, inputs: Any) -> Any:
        reduce = ops.max if self.mode == "max" else ops.mean
        return reduce(inputs, axis=self._axes, keepdims=self.keepdims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalAveragePooling1D(BaseGlobalPooling):
    """The mean over time of every channel, with a mask only over the steps that it keeps: see `BaseGlobalPooling`.

    With a mask `m`: `y[n, c] = sum over t of m[n, t] * x[n, t, c] / sum over t of m[n, t]`, which is NaN where the mask
    keeps nothing. The mask ends here.

    Example:
        >>> import cornu
        >>> steps = cornu.ops.convert_to_tensor([[[1.0], [3.0], [100.0]]])
        >>> cornu.layers.GlobalAveragePooling1D()(steps, mask=cornu.ops.convert_to_tensor([[True, True, False]]))
        <Tensor shape=(1, 1) dtype=float32 value=[[2.]]>
    """

    rank, mode = 1, "average"

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        inputs = inputs if is_float(inputs.dtype) else ops.cast(inputs, self.compute_dtype)
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), -1 if self.data_format == "channels_last" else 1)
        total = ops.sum(inputs * weights, axis=self._axes, keepdims=self.keepdims)
        return total / ops.sum(weights, axis=self._axes, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """None: the masked axis is gone."""
        return None


class GlobalAveragePooling2D(BaseGlobalPooling):
    """The mean of every channel of an image: see `BaseGlobalPooling`."""

    rank, mode = 2, "average"


class GlobalAveragePooling3D(BaseGlobalPooling):
    """The mean of every channel of a volume: see `BaseGlobalPooling`."""

    rank, mode = 3, "average"


class GlobalMaxPooling1D(BaseGlobalPooling):
    """The maximum over time of every channel: see `BaseGlobalPooling`."""

    rank, mode = 1, "max"


class GlobalMaxPooling2D(BaseGlobalPooling):
    """The maximum of every channel of an image: see `BaseGlobalPooling`.

    Example:
        >>> import cornu
        >>> cornu.layers.GlobalMaxPooling2D(keepdims=True)(cornu.ops.ones((2, 4, 5, 3))).shape
        (2, 1, 1, 3)
    """

    rank, mode = 2, "max"


class GlobalMaxPooling3D(BaseGlobalPooling):
    """The maximum of every channel of a volume: see `BaseGlobalPooling`."""

    rank, mode = 3, "max"
