"""Kernels that are wrong in a way of their own: what vendors' kernels have been seen to do, or nearly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from cornu.ir.primitive import lookup
from cornu_conformance.reference import Kernel


def _of(op: str) -> Kernel:
    return lookup(op).kernel


def _last_of_equals(op: str) -> Kernel:
    """The last of several largest elements instead of the first."""

    def wrong(x: np.ndarray, axis: int, keepdims: bool) -> Any:
        return x.shape[axis] - 1 - np.asarray(_of(op)(np.flip(x, axis), axis=axis, keepdims=keepdims))

    return wrong


def _top_k_last(x: np.ndarray, axis: int, **attributes: Any) -> Any:
    values, places = _of("TopK")(np.flip(x, axis), axis=axis, **attributes)
    return values, x.shape[axis] - 1 - places


def _floor_division(x: np.ndarray, y: np.ndarray) -> Any:
    if x.dtype.kind not in "iu":
        return _of("Div")(x, y)
    return np.where(y == 0, x.dtype.type(0), x // np.where(y == 0, y.dtype.type(1), y))


def _truncated_remainder(x: np.ndarray, y: np.ndarray) -> Any:
    return np.fmod(x, np.where(y == 0, y.dtype.type(1), y)) if x.dtype.kind in "iu" else np.fmod(x, y)


def _division_by_zero(value: int) -> Kernel:
    def wrong(x: np.ndarray, y: np.ndarray) -> Any:
        result = np.asarray(_of("Div")(x, y))
        return (
            np.where(np.broadcast_to(y == 0, result.shape), result.dtype.type(value), result)
            if x.dtype.kind in "iu"
            else result
        )

    return wrong


def _half_away(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.copysign(np.floor(np.abs(x) + x.dtype.type(0.5)), x)).astype(x.dtype)


def _wrapping_cast(x: np.ndarray, to: str) -> Any:
    return (
        x.astype(np.int64).astype(to)
        if x.dtype.kind == "f" and to.startswith(("int", "uint"))
        else _of("Cast")(x, to=to)
    )


def _rounding_cast(x: np.ndarray, to: str) -> Any:
    return _of("Cast")(np.rint(x) if x.dtype.kind == "f" and to.startswith(("int", "uint")) else x, to=to)


def _clamped_gather(op: str) -> Kernel:
    """Negative indices mean the first element instead of counting from the end."""

    def wrong(x: np.ndarray, indices: np.ndarray, *rest: np.ndarray, **attributes: Any) -> Any:
        return _of(op)(x, np.maximum(indices, 0), *rest, **attributes)

    return wrong


def _scatter_once(data: np.ndarray, indices: np.ndarray, updates: np.ndarray, reduction: str) -> Any:
    """Of several updates of one element only the last counts."""
    if reduction != "add":
        return _of("ScatterND")(data, indices, updates, reduction=reduction)
    result = data.copy()
    result[tuple(np.moveaxis(indices, -1, 0))] += updates
    return result


def _scatter_elements_once(
    data: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int, reduction: str
) -> Any:
    if reduction != "add":
        return _of("ScatterElements")(data, indices, updates, axis=axis, reduction=reduction)
    result = data.copy()
    before = np.take_along_axis(data, indices % max(data.shape[axis], 1), axis)
    np.put_along_axis(result, indices % max(data.shape[axis], 1), before + updates, axis)
    return result


def _scatter_in_place(op: str) -> Kernel:
    """The data is overwritten instead of copied."""

    def wrong(data: np.ndarray, *rest: np.ndarray, **attributes: Any) -> Any:
        data[...] = _of(op)(data, *rest, **attributes)
        return data

    return wrong


def _flipped(op: str) -> Kernel:
    """The kernel is turned round, as in the mathematics' convolution."""

    def wrong(x: np.ndarray, w: np.ndarray, **attributes: Any) -> Any:
        return _of(op)(x, np.flip(w, tuple(range(2, w.ndim))), **attributes)

    return wrong


def _groups_mixed(x: np.ndarray, w: np.ndarray, group: int, **attributes: Any) -> Any:
    """Filters are dealt out to groups in turn instead of in blocks."""
    order = np.arange(w.shape[0]).reshape(group, -1).T.ravel() if w.shape[0] % group == 0 else np.arange(w.shape[0])
    return _of("Conv")(x, w[order], group=group, **attributes)


def _ceil_mode(op: str) -> Kernel:
    """A last window that hangs over the end counts too."""

    def wrong(x: np.ndarray, kernel_shape: Any, strides: Any, dilations: Any) -> Any:
        fill = -np.inf if x.dtype.kind == "f" and op == "MaxPool" else 0
        widths = [(0, 0), (0, 0)]
        for size, kernel, stride, dilation in zip(x.shape[2:], kernel_shape, strides, dilations, strict=True):
            rest = (size - (kernel - 1) * dilation - 1) % stride
            widths.append((0, stride - rest if rest else 0))
        padded = np.pad(x, widths, constant_values=fill)
        return _of(op)(padded, kernel_shape=kernel_shape, strides=strides, dilations=dilations)

    return wrong


def _pool_from_zero(x: np.ndarray, **attributes: Any) -> Any:
    return np.maximum(_of("MaxPool")(x, **attributes), x.dtype.type(0))


def _bits(change: Callable[[np.ndarray], np.ndarray]) -> Kernel:
    return lambda key, shape: change(np.asarray(_of("RandomBits")(key, shape=shape)))


def _counter_one_off(key: np.ndarray, shape: tuple[int, ...]) -> Any:
    words = np.asarray(_of("RandomBits")(key, shape=(int(np.prod(shape)) + 1,)))
    return words[1:].reshape(shape)


def _key_ignored(key: np.ndarray, shape: tuple[int, ...]) -> Any:
    return _of("RandomBits")(np.zeros_like(key), shape=shape)


def _half_of_key(key: np.ndarray, shape: tuple[int, ...]) -> Any:
    return _of("RandomBits")(np.concatenate([key[:1], np.zeros_like(key[1:])]), shape=shape)


def _not_deterministic() -> Kernel:
    """The last bit of one sum in three depends on the call."""
    calls = iter(range(10**9))

    def wrong(x: np.ndarray, axes: Any, keepdims: bool) -> Any:
        result = np.asarray(_of("ReduceSum")(x, axes=axes, keepdims=keepdims))
        return (
            np.nextafter(result, result.dtype.type(np.inf))
            if result.dtype.kind == "f" and next(calls) % 3 == 2
            else result
        )

    return wrong


def _pow_of_magnitude(x: np.ndarray, y: np.ndarray) -> Any:
    return _of("Pow")(np.abs(x), y)


def _branches_swapped(condition: np.ndarray, *operands: np.ndarray, then: Any, otherwise: Any) -> Any:
    return _of("If")(condition, *operands, then=otherwise, otherwise=then)


def _one_step_less(*operands: np.ndarray, condition: Any, body: Any, carries: int) -> Any:
    """A loop that ends one step early, if it goes at all."""
    state, history = list(operands[:carries]), [list(operands[:carries])]
    rest = operands[carries:]
    while bool(np.asarray(condition(*state, *rest)[0])):
        state = body(*state, *rest)
        history.append(state)
    return history[max(len(history) - 2, 0)]


def _at_least_once(*operands: np.ndarray, condition: Any, body: Any, carries: int) -> Any:
    rest = operands[carries:]
    return _of("While")(*body(*operands[:carries], *rest), *rest, condition=condition, body=body, carries=carries)


def _carries_forgotten(*operands: np.ndarray, carries: int, **attributes: Any) -> Any:
    """The last values of the carries are those of the start."""
    results = list(_of("Scan")(*operands, carries=carries, **attributes))
    return [*operands[:carries], *results[carries:]]


def _outputs_turned(*operands: np.ndarray, carries: int, **attributes: Any) -> Any:
    """Results of a loop from the end are stacked in the order of its steps."""
    results = [np.asarray(r) for r in _of("Scan")(*operands, carries=carries, **attributes)]
    turned = attributes["reverse"]
    return [*results[:carries], *(r[::-1] if turned else r for r in results[carries:])]


def _shift_modulo(x: np.ndarray, amount: np.ndarray, direction: str) -> Any:
    """Shifts by the width or more wrap round, as processors do."""
    width = x.dtype.itemsize * 8
    return np.left_shift(x, amount % width) if direction == "LEFT" else np.right_shift(x, amount % width)


def _mask_ignored(operands: int) -> Kernel:
    """Of a recurrent network: every step counts, whatever the mask says."""

    def wrong(*arrays: np.ndarray, body: Any, **attributes: Any) -> Any:
        given = [*arrays]
        if len(given) > operands:
            given[operands] = np.ones_like(given[operands])
        return body(*given)

    return wrong


def _from_the_other_end(*arrays: np.ndarray, body: Any, **attributes: Any) -> Any:
    """A recurrent network goes through time the other way."""
    ys, *states = body(arrays[0][::-1], *arrays[1:])
    return [ys[::-1], *states]


def _state_of_the_front(*arrays: np.ndarray, body: Any, **attributes: Any) -> Any:
    """The last state is the last output, from whichever end the network goes."""
    ys, _, *rest = body(*arrays)
    return [ys, ys[-1], *rest]


def _other_epsilon(*arrays: np.ndarray, body: Any, epsilon: float, **attributes: Any) -> Any:
    """Ten times the epsilon, as when another default counts: the same as a deviation that is a little larger."""
    x, _, *offset = arrays
    axes = tuple(range(attributes["axis"], x.ndim))
    first, *rest = body(*arrays)
    off = x - x.mean(axes, keepdims=True)
    variance = (off * off).mean(axes, keepdims=True)
    ratio = np.sqrt((variance + epsilon) / (variance + 10 * epsilon))
    shift = offset[0] if offset else 0
    return [((first - shift) * ratio + shift).astype(x.dtype), *rest]


def _always_tanh(x: np.ndarray, **attributes: Any) -> Any:
    wide = x.astype(np.float64)
    y = wide * (1 + np.tanh(0.7978845608 * (wide + 0.044715 * wide**3))) / 2
    results = [y, y / np.where(wide == 0, 1, wide)]
    return [result.astype(x.dtype) for result in results[: len(attributes["body"].output_types)]]


def _not_shifted(x: np.ndarray, body: Any, axis: int, **attributes: Any) -> Any:
    """Exponentials of the numbers themselves, which overflow."""
    powers = np.exp(x)
    results = [powers / powers.sum(axis, keepdims=True)]
    return results * len(body.output_types)


def _square_turned(x: np.ndarray, y: np.ndarray) -> Any:
    square = y.ndim > 1 and y.shape[-1] == y.shape[-2]
    return _of("MatMul")(x, np.swapaxes(y, -1, -2) if square else y)


SPECIFIC: dict[str, dict[str, Kernel]] = {
    "ArgMax": {"last of equals": _last_of_equals("ArgMax")},
    "ArgMin": {"last of equals": _last_of_equals("ArgMin")},
    "TopK": {"last of equals first": _top_k_last},
    "Div": {
        "integers divided by floor": _floor_division,
        "integer by zero is -1": _division_by_zero(-1),
    },
    "Mod": {"remainder with the sign of the dividend": _truncated_remainder},
    "Round": {"halves away from zero": _half_away},
    "Cast": {"integers wrap": _wrapping_cast, "floats are rounded": _rounding_cast},
    "Gather": {"negative indices clamped": _clamped_gather("Gather")},
    "GatherElements": {"negative indices clamped": _clamped_gather("GatherElements")},
    "GatherND": {"negative indices clamped": _clamped_gather("GatherND")},
    "ScatterND": {
        "dropped accumulation": _scatter_once,
        "negative indices clamped": _clamped_gather("ScatterND"),
        "data overwritten": _scatter_in_place("ScatterND"),
    },
    "ScatterElements": {
        "dropped accumulation": _scatter_elements_once,
        "negative indices clamped": _clamped_gather("ScatterElements"),
        "data overwritten": _scatter_in_place("ScatterElements"),
    },
    "Conv": {"kernel turned round": _flipped("Conv"), "groups mixed": _groups_mixed},
    "ConvTranspose": {"kernel turned round": _flipped("ConvTranspose")},
    "MaxPool": {"ceil mode": _ceil_mode("MaxPool"), "starts from zero": _pool_from_zero},
    "AveragePool": {"ceil mode, padding counted": _ceil_mode("AveragePool")},
    "RandomBits": {
        "one bit inverted": _bits(lambda words: words ^ np.uint32(1)),
        "counter one off": _counter_one_off,
        "key ignored": _key_ignored,
        "half of the key ignored": _half_of_key,
        "rows repeated": _bits(lambda words: np.broadcast_to(words[:1], words.shape).copy() if words.ndim else words),
    },
    "ReduceSum": {"not deterministic": _not_deterministic()},
    "Pow": {"of the magnitude": _pow_of_magnitude},
    "If": {"branches exchanged": _branches_swapped},
    "While": {"one step less": _one_step_less, "at least one step": _at_least_once},
    "Scan": {"carries forgotten": _carries_forgotten, "results in the order of steps": _outputs_turned},
    **{
        name: {
            "mask ignored": _mask_ignored(count),
            "the other way": _from_the_other_end,
            "last state of the front": _state_of_the_front,
        }
        for name, count in (("LSTM", 6), ("GRU", 5), ("RNN", 5))
    },
    "LayerNormalization": {"other epsilon": _other_epsilon},
    "Gelu": {"always by tanh": _always_tanh},
    "Softmax": {"overflows": _not_shifted},
    "BitShift": {"amount modulo the width": _shift_modulo},
    "Softplus": {"overflows": lambda x: np.log1p(np.exp(x))},
    "Tanh": {"overflows": lambda x: ((np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))).astype(x.dtype)},
    "Sinh": {"cancels near zero": lambda x: ((np.exp(x) - np.exp(-x)) / 2).astype(x.dtype)},
    "Asinh": {"cancels below zero": lambda x: np.log(x + np.sqrt(x * x + 1)).astype(x.dtype)},
    "Atanh": {"cancels near zero": lambda x: (np.log((1 + x) / (1 - x)) / 2).astype(x.dtype)},
    "Erf": {"tanh approximation": lambda x: np.tanh(1.1283791 * x * (1 + 0.0895 * x * x)).astype(x.dtype)},
    "Relu": {"NaN becomes zero": lambda x: np.where(x > 0, x, x.dtype.type(0))},
    "Sign": {"of zero is one": lambda x: np.where(x < 0, x.dtype.type(-1), x.dtype.type(1))},
    "IsInf": {"positive only": lambda x: x == np.inf},
    "LessOrEqual": {"without equality": lambda x, y: x < y},
    "GreaterOrEqual": {"without equality": lambda x, y: x > y},
    "Less": {"with equality": lambda x, y: x <= y},
    "Greater": {"with equality": lambda x, y: x >= y},
    "Floor": {"towards zero": np.trunc},
    "Ceil": {"towards zero": np.trunc},
    "Xor": {"inclusive": lambda x, y: x | y},
    "BitwiseXor": {"inclusive": lambda x, y: x | y},
    "MatMul": {"second operand turned": lambda x, y: _square_turned(x, y)},
}
