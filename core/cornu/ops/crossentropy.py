"""One-hot vectors and crossentropies."""

from __future__ import annotations

from typing import Any

from cornu import composites
from cornu.backend.config import epsilon as default_epsilon
from cornu.ir.shapes import show_shape
from cornu.ir.types import Shape, is_float
from cornu.ops.arguments import (
    as_tensor,
    emit,
    float_tensor,
    one_axis,
    permute,
    same_float_type,
    sizes,
    with_shape,
)
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor

# -- one-hot vectors -----------------------------------------------------------------------------------------------


def _check_dense(sparse: bool, what: str) -> None:
    if sparse:
        raise ValueError(f"{what}: sparse tensors are not supported; use sparse=False.")


@op("OneHot", module="nn")
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """1 at the place of each index along a new axis, 0 elsewhere; all 0 for an index out of range.

    Args:
        x: Indices.
        num_classes: The size of the new axis.
        axis: Where it goes.
        dtype: The dtype; by default the configured float type.
        sparse: Must be False: there are no sparse tensors here.
    """
    from cornu.ops.indexing import as_indices
    from cornu.utils.dtypes import resolve_dtype

    _check_dense(sparse, "one_hot")
    wanted = resolve_dtype(dtype)
    indices = as_tensor(x)
    indices = as_indices(as_tensor(indices, "int32") if is_float(indices.dtype) else indices)
    place = one_axis(axis, indices.ndim + 1, "one_hot")
    classes = emit("Range", start=0, step=1, size=num_classes, dtype=indices.dtype)
    classes = with_shape(classes, tuple(num_classes if i == place else 1 for i in range(indices.ndim + 1)))
    lifted = with_shape(indices, (*sizes(indices)[:place], 1, *sizes(indices)[place:]))
    return emit("Cast", emit("Equal", lifted, classes), to=wanted)


@op("MultiHot", module="nn")
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Any:
    """1 at the places of all indices of a row, 0 elsewhere.

    Args:
        inputs: Indices of shape [n] or [batch, n, ...].
        num_classes: The size of the new axis.
        axis: Where it goes.
        dtype: The dtype; by default the configured float type.
        sparse: Must be False: there are no sparse tensors here.

    Raises:
        ValueError: If `num_classes` is missing.
    """
    classes = kwargs.pop("num_tokens", None) if num_classes is None else num_classes
    if classes is None or kwargs:
        raise ValueError(
            f"multi_hot: `num_classes` must be given, and nothing else; got {classes} and {sorted(kwargs)}."
        )
    _check_dense(sparse, "multi_hot")
    hot = one_hot(inputs, classes, axis=axis, dtype=dtype)
    rank = hot.ndim - 1
    return emit("ReduceMax", hot, axes=(1 if rank > 1 else 0,), keepdims=False)


# -- crossentropies ------------------------------------------------------------------------------------------------


@op("BinaryCrossentropy", tensors=2, module="nn")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """`-target log(p) - (1 - target) log(1 - p)` for each element.

    Args:
        target: Numbers in [0, 1].
        output: Probabilities, or with `from_logits` what the sigmoid makes probabilities of.

    Raises:
        ValueError: If the shapes differ.
    """
    y, p = same_float_type(target, output)
    _check_shapes(sizes(y), sizes(p), "binary_crossentropy")
    if from_logits:
        # -y log s(x) - (1 - y) log (1 - s(x)) = softplus(x) - x y.
        return emit("Sub", emit("Softplus", p), emit("Mul", p, y))
    p = _probabilities(p)
    here = emit("Mul", y, emit("Log", p))
    there = emit("Mul", emit("Sub", 1.0, y), emit("Log", emit("Sub", 1.0, p)))
    return emit("Neg", emit("Add", here, there))


def _probabilities(p: Tensor) -> Any:
    least = default_epsilon()
    return emit("Min", emit("Max", p, least), 1.0 - least)


def _check_shapes(target: Shape, output: Shape, what: str) -> None:
    pairs = zip(target, output, strict=False)
    if len(target) != len(output) or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs):
        raise ValueError(
            f"{what}: Arguments `target` and `output` must have the same shape. "
            f"Received: target.shape={show_shape(target)}, output.shape={show_shape(output)}"
        )


def _last(x: Tensor, axis: int) -> Tensor:
    return permute(x, (*(i for i in range(x.ndim) if i != axis), axis))


@op("CategoricalCrossentropy", tensors=2, module="nn")
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """`-sum(target log(p))` along an axis, where `p` is normalized to sum 1.

    Args:
        target: Probabilities, such as one-hot vectors.
        output: Of the same shape: probabilities, or with `from_logits` what the softmax makes probabilities of.
        axis: The classes' axis.

    Raises:
        ValueError: If the shapes differ or are scalars.
    """
    y, p = same_float_type(target, output)
    _check_shapes(sizes(y), sizes(p), "categorical_crossentropy")
    if p.ndim < 1:
        raise ValueError("categorical_crossentropy: Arguments `target` and `output` must be at least rank 1.")
    place = one_axis(axis, p.ndim, "categorical_crossentropy")
    y, p = _last(y, place), _last(p, place)
    if from_logits:
        return composites.categorical_crossentropy(y, p)
    last = p.ndim - 1
    p = _probabilities(emit("Div", p, emit("ReduceSum", p, axes=(last,), keepdims=True)))
    return emit("Neg", emit("ReduceSum", emit("Mul", y, emit("Log", p)), axes=(last,), keepdims=False))


@op("SparseCategoricalCrossentropy", tensors=2, module="nn")
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """`-log(p[target])` along an axis, where `p` is normalized to sum 1.

    Args:
        target: Class indices: the shape of `output` without the classes' axis, or with 1 in its place.
        output: Probabilities, or with `from_logits` what the softmax makes probabilities of.
        axis: The classes' axis.

    Raises:
        ValueError: If the shapes do not fit.
    """
    from cornu.ops.indexing import as_indices

    labels, p = as_tensor(target), float_tensor(output)
    labels = as_indices(as_tensor(labels, "int32") if is_float(labels.dtype) else labels)
    if p.ndim < 1:
        raise ValueError("sparse_categorical_crossentropy: Argument `output` must be at least rank 1.")
    place = one_axis(axis, p.ndim, "sparse_categorical_crossentropy")
    p = _last(p, place)
    if labels.ndim == p.ndim and sizes(labels)[-1] == 1:
        labels = with_shape(labels, sizes(labels)[:-1])
    _check_shapes(sizes(labels), sizes(p)[:-1], "sparse_categorical_crossentropy, save for the classes")
    if from_logits:
        return composites.sparse_categorical_crossentropy(labels, p)
    # Only the probability that counts is divided and put into a logarithm; a label that is no class costs 0.
    last = p.ndim - 1
    highest = emit("Sub", as_tensor(sizes(p)[last], labels.dtype), 1)
    inside = emit("Max", emit("Min", labels, highest), 0)
    valid = emit("Cast", emit("Equal", inside, labels), to=p.dtype)
    own = emit("GatherElements", p, with_shape(inside, (*sizes(labels), 1)), axis=last)
    share = emit("Div", own, emit("ReduceSum", p, axes=(last,), keepdims=True))
    return emit("Neg", emit("Mul", emit("Log", with_shape(_probabilities(share), sizes(labels))), valid))
