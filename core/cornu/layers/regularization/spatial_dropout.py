"""Dropout of whole channels."""

from __future__ import annotations

from typing import Any

from cornu.layers.input_spec import InputSpec
from cornu.layers.regularization.dropout import Dropout
from cornu.layers.settings import standard_data_format


class BaseSpatialDropout(Dropout):
    """Sets whole channels to 0 in training, each with probability `rate`, and scales the rest by `1 / (1 - rate)`.

    Args:
        rank: The number of spatial axes.
        data_format: "channels_last" or "channels_first".
        rate: The probability, in [0, 1].
        seed: An integer for repeatable masks.
        name: A name.
        dtype: A dtype or a dtype policy.

    Source:
        Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015, arXiv:1411.4280.
    """

    def __init__(
        self, rank: int, data_format: str, rate: float, seed: int | None, name: str | None, dtype: Any
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=rank + 2)

    def _noise_shape_for(self, inputs: Any) -> tuple[int | None, ...]:
        spatial = (1,) * (len(inputs.shape) - 2)
        return (None, None, *spatial) if self.data_format == "channels_first" else (None, *spatial, None)

    def get_config(self) -> dict[str, Any]:
        config = {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype_policy.name}
        # One dimension has no data format in Keras.
        return config if type(self) is SpatialDropout1D else {**config, "data_format": self.data_format}


class SpatialDropout1D(BaseSpatialDropout):
    """Dropout of whole features of a sequence: see `BaseSpatialDropout`.

    Shape:
        `(batch, steps, channels)`, kept.

    Example:
        >>> import cornu
        >>> outputs = cornu.layers.SpatialDropout1D(0.5, seed=1)(cornu.ops.ones((1, 3, 8)), training=True)
        >>> bool((outputs[0, 0] == outputs[0, 1]).numpy().all())
        True
    """

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(1, "channels_last", rate, seed, name, dtype)


class SpatialDropout2D(BaseSpatialDropout):
    """Dropout of whole feature maps: see `BaseSpatialDropout`.

    Shape:
        `(batch, height, width, channels)`, or with "channels_first" `(batch, channels, height, width)`, kept.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, standard_data_format(data_format), rate, seed, name, dtype)


class SpatialDropout3D(BaseSpatialDropout):
    """Dropout of whole feature volumes: see `BaseSpatialDropout`.

    Shape:
        `(batch, depth, height, width, channels)`, or with "channels_first"
        `(batch, channels, depth, height, width)`, kept.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(3, standard_data_format(data_format), rate, seed, name, dtype)
