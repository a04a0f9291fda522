"""Normalization by a mean and a variance that are given or learned of data."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import ops
from cornu.backend.config import epsilon
from cornu.layers.layer import Layer
from cornu.layers.preprocessing.adapting import batches_of


class Normalization(Layer):
    """`(x - mean) / max(sqrt(variance), epsilon)`, with `mean` and `variance` of data or given.

    Args:
        axis: The axes that have a mean and a variance for each index; None for one of all numbers.
        mean: The mean, a number or numbers along the axes; missing if `adapt` is to find it.
        variance: The variance, likewise.
        invert: Whether the layer does the inverse: `mean + x max(sqrt(variance), epsilon)`.

    Raises:
        ValueError: If only one of `mean` and `variance` is given, or an axis does not exist or is of a free size.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> layer = cornu.layers.Normalization()
        >>> layer.adapt(np.array([[1.0], [3.0]], "float32"))
        >>> layer(np.array([[5.0]], "float32")).numpy().tolist()
        [[3.0]]
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(
                "Normalization: when setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        self.axis = () if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates `mean`, `variance` and `count`, unless they were given."""
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                f"Normalization layer '{self.name}': all `axis` values must be in the range [-ndim, ndim), got "
                f"axis={self.axis} and input shape {tuple(input_shape)}."
            )
        kept = sorted(axis % rank for axis in self.axis)
        sizes = tuple(input_shape[axis] for axis in kept)
        if None in sizes:
            raise ValueError(
                f"Normalization layer '{self.name}': the axes {self.axis} must have fixed sizes, got input shape "
                f"{tuple(input_shape)}."
            )
        self._reduced = tuple(axis for axis in range(rank) if axis not in kept)
        self._broadcast = tuple(input_shape[axis] if axis in kept else 1 for axis in range(rank))
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(sizes, "zeros", trainable=False, autocast=False, name="mean")
            self.adapt_variance = self.add_weight(sizes, "ones", trainable=False, autocast=False, name="variance")
            self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")

    @property
    def mean(self) -> Any:
        """The mean, in the shape in which it is subtracted."""
        return self._statistic(self.adapt_mean.value if self.input_mean is None else self.input_mean, "mean")

    @property
    def variance(self) -> Any:
        """The variance, in the shape in which it is used."""
        given = self.adapt_variance.value if self.input_mean is None else self.input_variance
        return self._statistic(given, "variance")

    def _statistic(self, value: Any, what: str) -> Any:
        value = ops.cast(ops.convert_to_tensor(value), self.compute_dtype)
        size = int(np.prod(value.shape))
        if size not in (1, int(np.prod(self._broadcast))):
            raise ValueError(
                f"Normalization layer '{self.name}': `{what}` of shape {value.shape} does not fit inputs with sizes "
                f"{tuple(self._broadcast)} along the kept axes."
            )
        return ops.reshape(value, self._broadcast if size > 1 else (1,) * len(self._broadcast))

    def adapt(self, data: Any) -> None:
        """Learns mean and variance of data; what was learned before is forgotten.

        Args:
            data: An array, or an iterable of batches such as a `PyDataset`.

        Raises:
            ValueError: If `mean` and `variance` were given, or there is no data.
        """
        if self.input_mean is not None:
            raise ValueError(f"Normalization layer '{self.name}': cannot `adapt` a layer with a given mean.")
        count, mean, variance = 0.0, np.zeros(()), np.zeros(())
        for batch in batches_of(data, f"Normalization layer '{self.name}'"):
            if not self.built:
                self.build(batch.shape if not count else (None, *batch.shape[1:]))
            new = float(np.prod([batch.shape[axis] for axis in self._reduced]))
            # Welford's rule for two parts: the variances, and that of their means.
            own, spread = (f(batch, axis=self._reduced, dtype=np.float64) for f in (np.mean, np.var))
            total, shift = count + new, own - mean
            variance = (variance * count + spread * new + shift**2 * (count * new / total)) / total
            mean = mean + shift * (new / total)
            count = total
        if not count:
            raise ValueError(f"Normalization layer '{self.name}': there is no data to adapt to.")
        self.adapt_mean.assign(mean.astype(np.float32))
        self.adapt_variance.assign(variance.astype(np.float32))

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), epsilon())
        return self.mean + x * deviation if self.invert else (x - self.mean) / deviation

    def get_config(self) -> dict[str, Any]:
        given = {"mean": _plain(self.input_mean), "variance": _plain(self.input_variance)}
        return {**super().get_config(), "axis": self.axis, "invert": self.invert, **given}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float)) else np.asarray(value).tolist()
