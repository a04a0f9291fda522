"""Preparing arrays: labels, norms, padded sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as one-hot vectors.

    Args:
        x: Integers, [...] or [..., 1]; an array or a tensor.
        num_classes: How many classes there are; one more than the largest number if missing (not for tensors).

    Returns:
        For an array, float64 [..., classes]; for a tensor, one of the configured float type.

    Raises:
        ValueError: If a number is out of range, or a tensor comes without `num_classes`.

    Example:
        >>> to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    from cornu.tracing.tensor import is_tensor

    if is_tensor(x):
        return _one_hot_tensor(x, num_classes)
    labels = np.array(x, dtype="int64")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    flat = labels.reshape(-1)
    if not num_classes:
        num_classes = int(flat.max()) + 1
    if flat.size and not -num_classes <= flat.min() <= flat.max() < num_classes:
        raise ValueError(f"to_categorical: class numbers must be below {num_classes}, got {flat.min()}..{flat.max()}.")
    one_hot = np.zeros((flat.size, num_classes))
    one_hot[np.arange(flat.size), flat] = 1
    return one_hot.reshape((*shape, num_classes))


def _one_hot_tensor(x: Any, num_classes: int | None) -> Any:
    from cornu import ops

    if num_classes is None:
        raise ValueError("to_categorical: with a tensor, `num_classes` must be given.")
    if len(x.shape) > 1 and x.shape[-1] == 1:
        x = ops.squeeze(x, axis=-1)
    return ops.one_hot(x, num_classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """Divides by the norm along an axis; what is all 0 stays 0.

    Args:
        x: An array or a tensor.
        axis: The axis that a vector runs along.
        order: 2 for the Euclidean norm, 1 for the sum of absolute values.

    Example:
        >>> normalize(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]])
    """
    if isinstance(x, np.ndarray):
        norm = np.linalg.norm(x, order, axis, keepdims=True)
        return x / np.where(norm == 0, 1, norm)
    from cornu import ops

    return ops.normalize(x, axis=axis, order=order)


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array.

    Args:
        sequences: Sequences of numbers, or of arrays of one shape.
        maxlen: The length; the longest sequence's if missing.
        dtype: The array's dtype.
        padding: "pre" pads before a sequence, "post" after it.
        truncating: "pre" cuts off a long sequence's start, "post" its end.
        value: What is padded with.

    Returns:
        An array [sequences, maxlen, ...].

    Raises:
        ValueError: If an argument is not as described.

    Example:
        >>> pad_sequences([[1], [2, 3]])
        array([[0, 1],
               [2, 3]], dtype=int32)
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ValueError(f"pad_sequences: `{name}` must be 'pre' or 'post', got {choice!r}.")
    if not hasattr(sequences, "__len__"):
        raise ValueError("pad_sequences: `sequences` must be a list of sequences.")
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"pad_sequences: expected a list of sequences, found {sequence!r} in it.")
    text = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and dtype is not object and not text:
        raise ValueError(f"pad_sequences: `value` {value!r} does not fit the dtype {dtype}; use dtype=object.")
    inner = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    length = max(map(len, sequences), default=0) if maxlen is None else maxlen
    padded = np.full((len(sequences), length, *inner), value, dtype=dtype)
    for i, sequence in enumerate(sequences):
        kept = sequence[max(0, len(sequence) - length) :] if truncating == "pre" else sequence[:length]
        if not len(kept):
            continue
        array = np.asarray(kept, dtype=dtype)
        if array.shape[1:] != inner:
            raise ValueError(
                f"pad_sequences: the elements of sequence {i} have shape {array.shape[1:]}, those before {inner}."
            )
        start = length - len(array) if padding == "pre" else 0
        padded[i, start : start + len(array)] = array
    return padded
