"""Connectionist temporal classification, by its forward recursion."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import ops
from cornu.tracing.tensor import dims

# The logarithm that stands for probability 0: finite, so that gradients are.
_NEVER = -1e5
_BLANK = 0


def ctc(y_true: Any, y_pred: Any) -> Any:
    """`-log` of the probability of all alignments that spell the labels.

    With blanks between labels, `e = (0, l_1, 0, l_2, ..., 0)`, the probability of having reached place s at time t is
    `a_t(s) = p_t(e_s) · (a(s) + a(s - 1) + a(s - 2))` of the time before, the last only where `e_s` is neither blank
    nor `e_(s-2)`.

    Args:
        y_true: Labels, [batch, max length]; 0 is the blank and pads.
        y_pred: Logits, [batch, time, classes].

    Returns:
        A tensor [batch].

    Raises:
        ValueError: If the ranks are others.

    Source: Graves et al. 2006.

    Example:
        >>> ctc([[1]], [[[0.0, 0.0]]]).numpy().round(4)
        array([0.6931], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2:
        raise ValueError(f"ctc: `y_true` must have shape [batch, max length], got {y_true.shape}.")
    if len(y_pred.shape) != 3:
        raise ValueError(f"ctc: `y_pred` must have shape [batch, time, classes], got {y_pred.shape}.")
    labels = ops.cast(y_true, "int32")
    places = _with_blanks(labels)
    log_p = ops.log_softmax(y_pred, axis=-1)
    emitted = ops.take_along_axis(
        log_p, ops.broadcast_to(ops.expand_dims(places, 1), _over_time(log_p, places)), axis=2
    )
    last = _forward(ops.transpose(emitted, (1, 0, 2)), _may_skip(places))
    lengths = ops.sum(ops.cast(ops.not_equal(labels, _BLANK), "int32"), axis=-1, keepdims=True)
    at_end = ops.take_along_axis(last, 2 * lengths, axis=1)
    before_end = ops.take_along_axis(last, ops.maximum(2 * lengths - 1, 0), axis=1)
    # Without labels both are the same place, which must count once.
    before_end = ops.where(ops.equal(lengths, 0), _NEVER, before_end)
    return ops.negative(ops.squeeze(ops.logaddexp(at_end, before_end), 1))


def _with_blanks(labels: Any) -> Any:
    batch, length = dims(labels)
    pairs = ops.stack([ops.full_like(labels, _BLANK), labels], axis=2)
    end = ops.full_like(labels[:, :1], _BLANK)
    return ops.concatenate([ops.reshape(pairs, (batch, 2 * length)), end], axis=1)


def _over_time(log_p: Any, places: Any) -> tuple[Any, ...]:
    batch, time, _ = dims(log_p)
    return batch, time, dims(places)[1]


def _may_skip(places: Any) -> Any:
    """0 where the place may be reached from two before, else the logarithm of "never"."""
    labelled = ops.not_equal(places[:, 2:], _BLANK)
    allowed = ops.logical_and(labelled, ops.not_equal(places[:, 2:], places[:, :-2]))
    penalties = ops.where(allowed, np.float32(0.0), np.float32(_NEVER))
    return ops.pad(penalties, ((0, 0), (2, 0)), constant_values=_NEVER)


def _forward(emitted: Any, skip: Any) -> Any:
    """The log probabilities of the places, [batch, places], after the last time; `emitted` is [time, batch, places]."""
    first = ops.concatenate([emitted[0][:, :2], ops.full_like(emitted[0][:, 2:], _NEVER)], axis=1)

    def step(reached: Any, log_p: Any) -> tuple[Any, Any]:
        one = ops.pad(reached[:, :-1], ((0, 0), (1, 0)), constant_values=_NEVER)
        two = ops.pad(reached[:, :-2], ((0, 0), (2, 0)), constant_values=_NEVER)
        came = ops.logaddexp(ops.logaddexp(reached, one), two + ops.cast(skip, log_p.dtype))
        following = came + log_p
        return following, following

    return ops.scan(step, first, emitted[1:])[0]
