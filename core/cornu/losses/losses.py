"""Loss objects: a function of `losses`' families with its arguments, weights and a reduction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import ops, tree
from cornu.ir.types import is_integer
from cornu.losses import crossentropy, overlap, regression
from cornu.losses.ctc import ctc
from cornu.losses.loss import Loss, squeeze_or_expand_to_same_rank

_MEAN = "sum_over_batch_size"


class LossFunctionWrapper(Loss):
    """A loss made of a function `fn(y_true, y_pred, **kwargs)`.

    Args:
        fn: The function; it keeps the batch axes.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.
        **kwargs: Further arguments of `fn`.

    Example:
        >>> float(LossFunctionWrapper(regression.huber, delta=2.0)([[0.0]], [[1.0]]))
        0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def _convert_targets(self, y_true: Any) -> Any:
        if self.fn is crossentropy.sparse_categorical_crossentropy and not tree.is_nested(y_true):
            # Class numbers stay integers: float32 holds them only up to 2^24.
            y_true = ops.convert_to_tensor(y_true)
            return y_true if is_integer(y_true.dtype) else self._convert(y_true)
        return self._convert(y_true)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not tree.is_nested(y_true) and not tree.is_nested(y_pred):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        arguments = {key: serialize_keras_object(value) for key, value in self._fn_kwargs.items()}
        return {**super().get_config(), "fn": serialize_keras_object(self.fn), **arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        if "fn" in config:
            from cornu.saving import deserialize_keras_object

            config = {key: deserialize_keras_object(value) for key, value in config.items() if key != "fn"} | {
                "fn": _function(config["fn"])
            }
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} fn={getattr(self.fn, '__name__', self.fn)}, arguments={self._fn_kwargs}>"


def _function(config: Any) -> Any:
    from cornu.losses import deserialize

    return config if callable(config) else deserialize(config)


class _Built(LossFunctionWrapper):
    """A loss of a built-in function: its config holds the arguments, not the function.

    Args:
        reduction: See `Loss`.
        name: See `Loss`; the function's by default.
        dtype: See `Loss`.
    """

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self._fn_kwargs}

    def __getattr__(self, name: str) -> Any:
        arguments = self.__dict__.get("_fn_kwargs", {})
        if name in arguments:
            return arguments[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")


class MeanSquaredError(_Built):
    """`mean((y_true - y_pred)²)`."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(regression.mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(_Built):
    """`mean(|y_true - y_pred|)`."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(regression.mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(_Built):
    """`100 · mean(|y_true - y_pred| / max(|y_true|, epsilon))`."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(regression.mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(_Built):
    """`mean((log(y_true + 1) - log(y_pred + 1))²)`."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, reduction, name, dtype)


class LogCosh(_Built):
    """`mean(log(cosh(y_pred - y_true)))`."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "log_cosh", dtype: Any = None) -> None:
        super().__init__(regression.log_cosh, reduction, name, dtype)


class Hinge(_Built):
    """`mean(max(1 - y_true · y_pred, 0))` for labels -1 and 1, or 0 and 1."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(regression.hinge, reduction, name, dtype)


class SquaredHinge(_Built):
    """`mean(max(1 - y_true · y_pred, 0)²)` for labels -1 and 1, or 0 and 1."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(regression.squared_hinge, reduction, name, dtype)


class CategoricalHinge(_Built):
    """`max(neg - pos + 1, 0)`: the true class's score against the best of the others."""

    def __init__(
        self, reduction: str | None = _MEAN, name: str | None = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(regression.categorical_hinge, reduction, name, dtype)


class KLDivergence(_Built):
    """`sum(y_true · log(y_true / y_pred))`."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(regression.kl_divergence, reduction, name, dtype)


class Poisson(_Built):
    """`mean(y_pred - y_true · log(y_pred + epsilon))`."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(regression.poisson, reduction, name, dtype)


class CTC(_Built):
    """Connectionist temporal classification of logits [batch, time, classes]; see `ctc`."""

    def __init__(self, reduction: str | None = _MEAN, name: str | None = "ctc", dtype: Any = None) -> None:
        super().__init__(ctc, reduction, name, dtype)


class CosineSimilarity(_Built):
    """`-sum(y_true / |y_true| · y_pred / |y_pred|)`: -1 where the directions are equal.

    Args:
        axis: The axis that a vector runs along.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.cosine_similarity, reduction, name, dtype, axis=axis)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class Huber(_Built):
    """`e² / 2` where `|e| <= delta`, `delta · |e| - delta² / 2` elsewhere.

    Args:
        delta: Where the square turns into a line.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Source: Huber 1964.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.huber, reduction, name, dtype, delta=delta)


class BinaryCrossentropy(_Built):
    """`-y_true · log(p) - (1 - y_true) · log(1 - p)`.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: s turns targets into `(1 - s) · y_true + s / 2`.
        axis: The axis that is averaged over.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Example:
        >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            crossentropy.binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(_Built):
    """`(1 - p_t)^gamma · binary crossentropy`, `p_t` being the probability given to the true class.

    Args:
        apply_class_balancing: Whether class 1 has the weight alpha and class 0 the weight 1 - alpha.
        alpha: The weight of class 1.
        gamma: How strongly well-classified samples are played down.
        from_logits: Whether predictions are logits.
        label_smoothing: As for `BinaryCrossentropy`.
        axis: The axis that is averaged over.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Source: Lin et al. 2018.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            crossentropy.binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(_Built):
    """`-sum(y_true · log(p))` for one-hot targets.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        label_smoothing: s turns targets into `(1 - s) · y_true + s / classes`.
        axis: The class axis.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            crossentropy.categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(_Built):
    """`sum(alpha · (1 - p)^gamma · -y_true · log(p))`.

    Args:
        alpha: A weight, or one per class.
        gamma: How strongly well-classified samples are played down.
        from_logits: Whether predictions are logits.
        label_smoothing: As for `CategoricalCrossentropy`.
        axis: The class axis.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Source: Lin et al. 2018.
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            crossentropy.categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(_Built):
    """`-log(p[y_true])` for targets given as class numbers.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
        ignore_class: A class number whose positions are left out.
        reduction: See `Loss`.
        axis: The class axis.
        name: See `Loss`.
        dtype: See `Loss`.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            crossentropy.sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), "from_logits": self.from_logits, "ignore_class": self.ignore_class}


class CategoricalGeneralizedCrossEntropy(_Built):
    """`(1 - p^q) / q`, p being the probability of the true class.

    Args:
        q: In (0, 1): near 0 it is the crossentropy, near 1 the absolute error.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Raises:
        ValueError: If `q` is not in (0, 1).

    Source: Zhang and Sabuncu 2018.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: `q` must be in (0, 1), got {q}.")
        super().__init__(crossentropy.categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class Dice(_Built):
    """`1 - 2 · sum(y_true · y_pred) / (sum(y_true) + sum(y_pred) + epsilon)`.

    Args:
        reduction: See `Loss`.
        name: See `Loss`.
        axis: The axes summed over; None sums over all.
        dtype: See `Loss`.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(overlap.dice, reduction, name, dtype, axis=axis)


class Tversky(_Built):
    """`1 - TP / (TP + alpha · A + beta · B + epsilon)`; see `tversky`.

    Args:
        alpha: The weight of what is only in the targets.
        beta: The weight of what is only in the predictions.
        reduction: See `Loss`.
        name: See `Loss`.
        axis: The axes summed over; None sums over all.
        dtype: See `Loss`.

    Source: Salehi et al. 2017.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(overlap.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Circle(_Built):
    """Pairs of one class near, pairs of different classes far, by cosine distance; see `circle`.

    Args:
        gamma: The scale.
        margin: The relaxation.
        remove_diagonal: Whether a sample is not its own positive.
        reduction: See `Loss`.
        name: See `Loss`.
        dtype: See `Loss`.

    Source: Sun et al. 2020.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            overlap.circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self._fn_kwargs)
