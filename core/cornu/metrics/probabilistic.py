"""Metrics on probabilities and margins."""

from __future__ import annotations

from typing import Any

from cornu.losses import crossentropy, regression
from cornu.metrics.reduction import NamedMean, PlainMean


class KLDivergence(PlainMean):
    """The mean of `sum(y_true · log(y_true / y_pred))`; arguments `name` and `dtype` as for `Metric`."""

    _plain_fn = staticmethod(regression.kl_divergence)
    _plain_name = "kl_divergence"


class Poisson(PlainMean):
    """The mean of `y_pred - y_true · log(y_pred)`; arguments as for `Metric`."""

    _plain_fn = staticmethod(regression.poisson)
    _plain_name = "poisson"


class Hinge(PlainMean):
    """The mean of `max(1 - y_true · y_pred, 0)`; arguments as for `Metric`."""

    _plain_fn = staticmethod(regression.hinge)
    _plain_name = "hinge"


class SquaredHinge(PlainMean):
    """The mean of `max(1 - y_true · y_pred, 0)²`; arguments as for `Metric`."""

    _plain_fn = staticmethod(regression.squared_hinge)
    _plain_name = "squared_hinge"


class CategoricalHinge(PlainMean):
    """The mean of `max(neg - pos + 1, 0)`; arguments as for `Metric`."""

    _plain_fn = staticmethod(regression.categorical_hinge)
    _plain_name = "categorical_hinge"


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
