"""Layers that reduce windows of their input."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format, standard_padding, standard_tuple


class BasePooling(Layer):
    """Windows of the input, each reduced to one number per channel.

    Args:
        pool_size: The window, one number or one per spatial axis.
        strides: Steps of the window; the window's size if missing.
        padding: "valid", or "same" for a border that does not count.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If a setting is out of range.

    Shape:
        `(batch, *spatial, channels)` → `(batch, *new_spatial, channels)`, where `new` is
        `(size - pool_size) // strides + 1`, or with "same" `ceil(size / strides)`.
    """

    rank: int
    mode: str

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = standard_tuple(pool_size, self.rank, "pool_size")
        self.strides = standard_tuple(pool_size if strides is None else strides, self.rank, "strides")
        self.padding = standard_padding(padding)
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs: Any) -> Any:
        pool = ops.max_pool if self.mode == "max" else ops.average_pool
        return pool(
            inputs, pool_size=self.pool_size, strides=self.strides, padding=self.padding, data_format=self.data_format
        )

    def get_config(self) -> dict[str, Any]:
        names = ("pool_size", "padding", "strides", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class AveragePooling1D(BasePooling):
    """The mean of each window of time steps, padding not counted: see `BasePooling`.

    Example:
        >>> import cornu
        >>> cornu.layers.AveragePooling1D(2)(cornu.ops.reshape(cornu.ops.arange(4.0), (1, 4, 1)))[0, :, 0]
        <Tensor shape=(2,) dtype=float32 value=[0.5, 2.5]>
    """

    rank, mode = 1, "average"

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling2D(BasePooling):
    """The mean of each window of an image, padding not counted: see `BasePooling`."""

    rank, mode = 2, "average"

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling3D(BasePooling):
    """The mean of each window of a volume, padding not counted: see `BasePooling`."""

    rank, mode = 3, "average"

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling1D(BasePooling):
    """The maximum of each window of time steps: see `BasePooling`."""

    rank, mode = 1, "max"

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(BasePooling):
    """The maximum of each window of an image: see `BasePooling`.

    Example:
        >>> import cornu
        >>> cornu.layers.MaxPooling2D()(cornu.ops.ones((1, 4, 4, 3))).shape
        (1, 2, 2, 3)
    """

    rank, mode = 2, "max"

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(BasePooling):
    """The maximum of each window of a volume: see `BasePooling`."""

    rank, mode = 3, "max"

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
