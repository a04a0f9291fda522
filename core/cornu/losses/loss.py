"""What every loss is: values per sample, weighted, masked and reduced to a number."""

from __future__ import annotations

from typing import Any

from cornu import ops, tree
from cornu.ir.dim import Dim, product
from cornu.tracing.tensor import dims
from cornu.tracing.trace import named_scope
from cornu.utils.dtypes import resolve_dtype
from cornu.utils.failures import naming
from cornu.utils.naming import auto_name

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """Base of the losses: a subclass gives the values in `call`, this class reduces them.

    Args:
        name: A name; made up if missing.
        reduction: "sum_over_batch_size" or "mean": the sum of the weighted values divided by their number;
            "mean_with_sample_weight": divided by the sum of the weights; "sum"; "none" or None: no reduction.
        dtype: The dtype to compute in, or a dtype policy; None is the configured float type.

    Raises:
        ValueError: If `reduction` is none of these.

    Example:
        >>> class Cubic(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.abs(y_true - y_pred) ** 3
        >>> float(Cubic()([[0.0]], [[2.0]]))
        8.0
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype = resolve_dtype(dtype)

    @property
    def dtype(self) -> str:
        """The dtype that the loss is computed in."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss.

        Args:
            y_true: Targets, or a structure of them.
            y_pred: Predictions; a mask on them (a layer's) leaves values out.
            sample_weight: One weight per sample, or per value.

        Returns:
            A scalar, or the weighted values if there is no reduction.
        """
        mask = get_mask(y_pred)
        with named_scope(self.name), naming("loss", self, y_true, y_pred, sample_weight=sample_weight):
            y_pred = self._convert(y_pred)
            y_true = self._convert_targets(y_true)
            losses = self.call(y_true, y_pred)
            own_mask = get_mask(losses)
            if mask is not None and own_mask is not None:
                mask = ops.logical_and(mask, own_mask)
            elif own_mask is not None:
                mask = own_mask
            return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self.dtype)

    def _convert(self, x: Any) -> Any:
        """A tensor, or a structure of tensors; nested lists of numbers are one tensor."""
        if tree.is_nested(x) and not all(isinstance(leaf, (bool, int, float)) for leaf in tree.flatten(x)):
            return tree.map_structure(lambda leaf: ops.convert_to_tensor(leaf, dtype=self.dtype), x)
        return ops.convert_to_tensor(x, dtype=self.dtype)

    def _convert_targets(self, y_true: Any) -> Any:
        return self._convert(y_true)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The values before weights and reduction.

        Raises:
            TypeError: If a subclass does not override it.
        """
        raise TypeError(f"{type(self).__name__} must override `call(y_true, y_pred)`.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A loss from its constructor's arguments."""
        return cls(**config)


def get_mask(x: Any) -> Any:
    """The mask that a layer or loss put on a tensor, or None."""
    return getattr(x, "_keras_mask", None)


def standardize_reduction(reduction: str | None) -> str | None:
    """Checks the name of a reduction.

    Raises:
        ValueError: If it is not one of `REDUCTIONS`.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"`reduction` must be one of {REDUCTIONS}, got {reduction!r}.")
    return reduction


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Makes ranks equal where they differ by a last axis of size 1.

    Args:
        x1: A tensor.
        x2: A tensor.
        expand_rank_1: Whether a tensor of rank 1 gains the axis, rather than the other losing it.
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def reduce_values(values: Any, sample_weight: Any = None, reduction: str | None = "sum_over_batch_size") -> Any:
    """Reduces weighted values to a scalar."""
    shape = dims(values)
    if reduction in (None, "none") or shape == () or shape == (0,):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(sample_weight))
    return ops.sum(values) if product(shape) == 0 else ops.mean(values)


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: str | None = None,
) -> Any:
    """Weights, masks and reduces values.

    Args:
        values: One value per sample or position.
        sample_weight: Weights; a missing last axis of size 1 is added or dropped.
        mask: True where a value counts. A mean is taken over those only.
        reduction: See `Loss`.
        dtype: The dtype to compute in.

    Raises:
        ValueError: If `reduction` is unknown or the weights do not fit.
    """
    reduction = standardize_reduction(reduction)
    values = ops.convert_to_tensor(values, dtype=dtype)
    weight = apply_mask(sample_weight, mask, values.dtype, reduction)
    if weight is not None:
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        values = ops.multiply(values, _against(values, weight))
    return reduce_values(values, weight, reduction)


def _against(values: Any, weight: Any) -> Any:
    """The weights with trailing axes added: a weight per sample counts for all of its values."""
    have, want = dims(weight), dims(values)
    if 0 < len(have) < len(want) and have == want[: len(have)] and have != want[-len(have) :]:
        return ops.reshape(weight, (*have, *(1,) * (len(want) - len(have))))
    return weight


def apply_mask(sample_weight: Any, mask: Any, dtype: str, reduction: str | None) -> Any:
    """The weights with the mask worked in, or None where there is neither.

    For a mean over all values, kept values gain the weight `total / kept`, so that it becomes one over the kept.
    """
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    if mask is None:
        return sample_weight
    kept = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        kept = ops.multiply(kept, ops.divide_no_nan(ops.ones((), dtype=dtype), ops.mean(kept)))
    if sample_weight is None:
        return kept
    kept, sample_weight = squeeze_or_expand_to_same_rank(kept, sample_weight)
    return ops.multiply(sample_weight, kept)


def is_symbolic(size: Any) -> bool:
    """True for a size that is known only at run time."""
    return size is None or isinstance(size, Dim)
