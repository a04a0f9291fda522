"""Metrics on probabilities and margins."""

from __future__ import annotations

from typing import Any

from cornu.losses import crossentropy, regression
from cornu.metrics.reduction import NamedMean


class KLDivergence(NamedMean):
    """The mean of `sum(y_true · log(y_true / y_pred))`; arguments `name` and `dtype` as for `Metric`."""

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(regression.kl_divergence, name, dtype)
        self._direction = "down"


class Poisson(NamedMean):
    """The mean of `y_pred - y_true · log(y_pred)`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(regression.poisson, name, dtype)
        self._direction = "down"


class Hinge(NamedMean):
    """The mean of `max(1 - y_true · y_pred, 0)`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(regression.hinge, name, dtype)
        self._direction = "down"


class SquaredHinge(NamedMean):
    """The mean of `max(1 - y_true · y_pred, 0)²`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(regression.squared_hinge, name, dtype)
        self._direction = "down"


class CategoricalHinge(NamedMean):
    """The mean of `max(neg - pos + 1, 0)`; arguments as for `Metric`."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(regression.categorical_hinge, name, dtype)
        self._direction = "down"


class BinaryCrossentropy(NamedMean):
    """The mean binary crossentropy.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: s turns targets into `(1 - s) · y_true + s / 2`.
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            crossentropy.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )
        self._direction = "down"


class CategoricalCrossentropy(NamedMean):
    """The mean crossentropy for one-hot targets.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: s turns targets into `(1 - s) · y_true + s / classes`.
        axis: The class axis.
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            crossentropy.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self._direction = "down"


class SparseCategoricalCrossentropy(NamedMean):
    """The mean crossentropy for targets given as class numbers.

    Args:
        name: See `Metric`.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits rather than probabilities.
        ignore_class: A class number whose positions count 0.
        axis: The class axis.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            crossentropy.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self._direction = "down"
