"""Layers that make the spatial axes longer by whole factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.reshaping.reshape import check_count
from cornu.layers.settings import standard_data_format, standard_tuple

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def repeated(x: Any, times: Sequence[int], first: int) -> Any:
    """Every element of the axes from `first` on as often as `times` says, in one pass."""
    sizes = ops.shape(x)
    inner = sizes[first : first + len(times)]
    lifted, spread, joined = [], [], []
    for size, n in zip(inner, times, strict=True):
        lifted += [size, 1]
        spread += [size, n]
        joined.append(size * n)
    before, after = sizes[:first], sizes[first + len(times) :]
    x = ops.broadcast_to(ops.reshape(x, (*before, *lifted, *after)), (*before, *spread, *after))
    return ops.reshape(x, (*before, *joined, *after))


class UpSampling1D(Layer):
    """Every time step several times: `y[n, t, c] = x[n, floor(t / size), c]`.

    Args:
        size: How often.

    Raises:
        TypeError: If `size` is no integer.
        ValueError: If it is not positive.

    Shape:
        `(batch, steps, channels)` → `(batch, steps * size, channels)`.

    Example:
        >>> import cornu
        >>> cornu.layers.UpSampling1D(2)(cornu.ops.convert_to_tensor([[[1.0], [2.0]]]))[0, :, 0]
        <Tensor shape=(4,) dtype=float32 value=[1., 1., 2., 2.]>
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("UpSampling1D", self.name, "size", size)
        self.size = size
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return repeated(inputs, (self.size,), 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class UpSampling2D(Layer):
    """Images made larger by whole factors.

    Args:
        size: The factors of height and width, one number or two.
        data_format: "channels_last" or "channels_first"; the configured one if missing.
        interpolation: "nearest" repeats pixels; "bilinear", "bicubic", "lanczos3" and "lanczos5" interpolate.

    Raises:
        ValueError: If a setting is out of range.

    Shape:
        `(batch, height, width, channels)` → `(batch, height * size[0], width * size[1], channels)`.

    Example:
        >>> import cornu
        >>> cornu.layers.UpSampling2D((2, 3))(cornu.ops.ones((1, 4, 4, 3))).shape
        (1, 8, 12, 3)
    """

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = standard_tuple(size, 2, "size")
        self.data_format = standard_data_format(data_format)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(
                f"UpSampling2D layer '{self.name}': `interpolation` must be one of {', '.join(_INTERPOLATIONS)}, "
                f"got {interpolation!r}."
            )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        if self.interpolation == "nearest":
            return repeated(inputs, self.size, first)
        height, width = ops.shape(inputs)[first : first + 2]
        return ops.image.resize(
            inputs,
            (height * self.size[0], width * self.size[1]),
            interpolation=self.interpolation,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        names = ("size", "data_format", "interpolation")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class UpSampling3D(Layer):
    """Every element of a volume several times along each axis.

    Args:
        size: How often along each axis, one number or three.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a setting is out of range.

    Shape:
        `(batch, depth, height, width, channels)` → `(batch, *(size * factor), channels)`.

    Example:
        >>> import cornu
        >>> cornu.layers.UpSampling3D((1, 2, 2))(cornu.ops.ones((1, 4, 4, 4, 3))).shape
        (1, 4, 8, 8, 3)
    """

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = standard_tuple(size, 3, "size")
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(ndim=5)

    def call(self, inputs: Any) -> Any:
        return repeated(inputs, self.size, 1 if self.data_format == "channels_last" else 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
