"""Layers that put zeros around the spatial axes."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.reshaping.borders import Bordered


class BaseZeroPadding(Bordered):
    """The input with zeros before and after its spatial axes.

    Args:
        padding: How many zeros: one number for all ends, one for each axis, or a pair `(before, after)` for each
            axis; in one dimension a number or a pair.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If `padding` has another form.

    Shape:
        `(batch, *spatial, channels)` → `(batch, *new_spatial, channels)` with `new = before + size + after`.
    """

    argument = "padding"

    def call(self, inputs: Any) -> Any:
        widths = [(0, 0)] * len(inputs.shape)
        widths[self._first : self._first + self.rank] = self._borders
        return ops.pad(inputs, widths)


class ZeroPadding1D(BaseZeroPadding):
    """Zeros before and after the time steps: see `BaseZeroPadding`.

    Shape:
        `(batch, steps, channels)` → `(batch, before + steps + after, channels)`.

    Example:
        >>> import cornu
        >>> cornu.layers.ZeroPadding1D((0, 2))(cornu.ops.ones((1, 1, 1)))[0, :, 0]
        <Tensor shape=(3,) dtype=float32 value=[1., 0., 0.]>
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(BaseZeroPadding):
    """Zeros around an image: see `BaseZeroPadding`.

    Example:
        >>> import cornu
        >>> cornu.layers.ZeroPadding2D((1, (0, 2)))(cornu.ops.ones((1, 4, 4, 3))).shape
        (1, 6, 6, 3)
    """

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(BaseZeroPadding):
    """Zeros around a volume: see `BaseZeroPadding`."""

    rank = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)
