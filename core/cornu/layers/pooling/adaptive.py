"""Pooling layers whose number of windows is given instead of their size."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format, standard_tuple


class BaseAdaptivePooling(Layer):
    """Nearly equal parts of the spatial axes, each reduced to one number per channel.

    Along an axis of `n` elements, part `i` of `m` holds those from `floor(i * n / m)` to `ceil((i + 1) * n / m) - 1`.

    Args:
        output_size: The number of parts, one number or one per spatial axis.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        TypeError: If `output_size` is neither an integer nor a tuple with one for each spatial axis.
        ValueError: If it is not positive.

    Shape:
        `(batch, *spatial, channels)` → `(batch, *output_size, channels)`.
    """

    rank: int
    mode: str

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        each = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * self.rank
        if len(each) != self.rank or not all(isinstance(size, int) for size in each):
            raise TypeError(
                f"{type(self).__name__} layer '{self.name}': `output_size` must be an integer or a tuple of "
                f"{self.rank}, got {output_size!r}."
            )
        self.output_size = standard_tuple(tuple(each), self.rank, "output_size")
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        pool = ops.adaptive_max_pool if self.mode == "max" else ops.adaptive_average_pool
        return pool(inputs, self.output_size, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling1D(BaseAdaptivePooling):
    """The mean of each of so many parts of the time steps: see `BaseAdaptivePooling`.

    Example:
        >>> import cornu
        >>> steps = cornu.ops.reshape(cornu.ops.arange(5.0), (1, 5, 1))
        >>> cornu.layers.AdaptiveAveragePooling1D(2)(steps)[0, :, 0]
        <Tensor shape=(2,) dtype=float32 value=[1., 3.]>
    """

    rank, mode = 1, "average"


class AdaptiveAveragePooling2D(BaseAdaptivePooling):
    """The mean of each of so many parts of an image: see `BaseAdaptivePooling`."""

    rank, mode = 2, "average"


class AdaptiveAveragePooling3D(BaseAdaptivePooling):
    """The mean of each of so many parts of a volume: see `BaseAdaptivePooling`."""

    rank, mode = 3, "average"


class AdaptiveMaxPooling1D(BaseAdaptivePooling):
    """The maximum of each of so many parts of the time steps: see `BaseAdaptivePooling`."""

    rank, mode = 1, "max"


class AdaptiveMaxPooling2D(BaseAdaptivePooling):
    """The maximum of each of so many parts of an image: see `BaseAdaptivePooling`.

    Example:
        >>> import cornu
        >>> cornu.layers.AdaptiveMaxPooling2D((2, 3))(cornu.ops.ones((1, 5, 7, 4))).shape
        (1, 2, 3, 4)
    """

    rank, mode = 2, "max"


class AdaptiveMaxPooling3D(BaseAdaptivePooling):
    """The maximum of each of so many parts of a volume: see `BaseAdaptivePooling`."""

    rank, mode = 3, "max"
