"""Random tensors. Their bits are the same on every backend; what is computed from them agrees to rounding."""

from __future__ import annotations

import math
from typing import Any

from cornu import ops
from cornu.ir.dim import product
from cornu.ir.types import is_float, is_integer
from cornu.ops.arguments import as_operand, as_sizes, emit, float_tensor, with_shape
from cornu.random.bits import computed_in, open_unit, random_bits, unit, word
from cornu.tracing.tensor import Tensor, convert, dims
from cornu.utils.dtypes import resolve_dtype


def float_dtype(dtype: Any, what: str) -> str:
    """The name of a float type, the configured one if none is given.

    Raises:
        ValueError: If it is not a float type.
    """
    name = resolve_dtype(dtype)
    if not is_float(name):
        raise ValueError(f"`keras.random.{what}` requires a floating point `dtype`. Received: dtype={name}")
    return name


def _scaled(x: Any, factor: Any, summand: Any, dtype: str) -> Any:
    """`x · factor + summand`, in the end of a dtype."""
    for primitive, value, neutral in (("Mul", factor, 1), ("Add", summand, 0)):
        if not (isinstance(value, (int, float)) and value == neutral):
            x = emit(primitive, x, convert(as_operand(value), x.dtype))
    return convert(x, dtype)


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers spread evenly over [minval, maxval): `minval + (maxval - minval) u` with 24 bits of `u`.

    Args:
        shape: The shape.
        minval: The lower bound.
        maxval: The upper bound, not reached save by rounding.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not a float type.

    Example:
        >>> from cornu import random
        >>> random.uniform((2,), seed=1).shape
        (2,)
    """
    name = float_dtype(dtype, "uniform")
    inner = computed_in(name)
    drawn = unit(random_bits(shape, seed), inner)
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)):
        return _scaled(drawn, maxval - minval, minval, name)
    low, high = convert(as_operand(minval), inner), convert(as_operand(maxval), inner)
    return _scaled(drawn, emit("Sub", high, low), low, name)


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers, in pairs `sqrt(-2 ln u) cos(2πv)` and `sqrt(-2 ln u) sin(2πv)`.

    Args:
        shape: The shape.
        mean: The mean.
        stddev: The standard deviation.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not a float type.

    Source:
        Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    """
    name = float_dtype(dtype, "normal")
    inner = computed_in(name)
    wanted = as_sizes(shape)
    count = product(wanted)
    half = (count + 1) // 2
    first, second = emit("Split", random_bits((2 * half,), seed), axis=0, sizes=(half, half))
    radius = emit("Sqrt", emit("Mul", emit("Log", open_unit(first, inner)), -2.0))
    angle = emit("Mul", unit(second, inner), 2.0 * math.pi)
    pair = emit("Concat", emit("Mul", radius, emit("Cos", angle)), emit("Mul", radius, emit("Sin", angle)), axis=0)
    if 2 * half != count:
        pair = emit("Slice", pair, starts=(0,), ends=(count,), axes=(0,), steps=(1,))
    return _scaled(with_shape(pair, wanted), stddev, mean, name)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers within two standard deviations of the mean, by inverting the distribution.

    Args:
        shape: The shape.
        mean: The mean of the distribution before it is cut off.
        stddev: Its standard deviation.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not a float type.
    """
    name = float_dtype(dtype, "truncated_normal")
    inner = computed_in(name)
    # erf(z / sqrt(2)) is uniform over what it takes on [-2, 2].
    limit = math.erf(math.sqrt(2.0))
    share = emit("Add", emit("Mul", open_unit(random_bits(shape, seed), inner), 2.0 * limit), -limit)
    z = emit("Mul", ops.erfinv(share), math.sqrt(2.0))
    return _scaled(emit("Max", emit("Min", z, 2.0), -2.0), stddev, mean, name)


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Integers in [minval, maxval), each as likely as any other to within one part in 2³² of the range's width.

    Args:
        shape: The shape.
        minval: The lower bound.
        maxval: The upper bound, not reached; at most 2³² above the lower one.
        dtype: An integer type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not an integer type.
    """
    name = resolve_dtype(dtype)
    if not is_integer(name):
        raise ValueError(f"`keras.random.randint` requires an integer `dtype`. Received: dtype={name}")
    low, high = (convert(as_operand(bound), "int64") for bound in (minval, maxval))
    # The upper 32 bits of word · width: a product instead of a remainder, which is slow.
    width = convert(emit("Sub", high, low), "uint64")
    product_ = emit("Mul", emit("Cast", random_bits(shape, seed), to="uint64"), width)
    drawn = emit("BitShift", product_, convert(32, "uint64"), direction="RIGHT")
    return convert(emit("Add", convert(drawn, "int64"), low), name)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Class indices drawn with the probabilities `softmax(logits)`: where logits plus Gumbel noise are largest.

    Args:
        logits: Of shape [batch, classes].
        num_samples: How many to draw for each row.
        dtype: The result's integer type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the logits are not a matrix.
    """
    x = float_tensor(logits)
    if x.ndim != 2:
        raise ValueError(
            f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: logits of shape {x.shape}"
        )
    batch, classes = dims(x)
    inner = computed_in(x.dtype)
    drawn = open_unit(random_bits((batch, num_samples, classes), seed), inner)
    noise = emit("Neg", emit("Log", emit("Neg", emit("Log", drawn))))
    scores = emit("Add", with_shape(convert(x, inner), (batch, 1, classes)), noise)
    return convert(emit("ArgMax", scores, axis=2, keepdims=False), resolve_dtype(dtype))


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Keeps each element with probability `1 - rate`, times `1 / (1 - rate)`, and sets the others to 0.

    Which are kept is decided by whole numbers, and so the same on every backend.

    Args:
        inputs: A float tensor.
        rate: The share to drop, in [0, 1].
        noise_shape: The mask's shape, broadcast to that of the inputs; None in it is the inputs' size.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the rate lies outside [0, 1].
    """
    x = float_tensor(inputs)
    if not 0 <= rate <= 1:
        raise ValueError(f"`keras.random.dropout` requires a rate in [0, 1]. Received: rate={rate}")
    key = random_bits(_mask_shape(x, noise_shape), seed)
    if rate == 1:
        return ops.zeros_like(x)
    kept = emit("GreaterOrEqual", key, word(min(round(rate * 2**32), 2**32 - 1)))
    return emit("Mul", x, emit("Mul", emit("Cast", kept, to=x.dtype), 1.0 / (1.0 - rate)))


def _mask_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return dims(x)
    return tuple(have if want is None else want for want, have in zip(noise_shape, dims(x), strict=True))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices along an axis in a random order.

    Args:
        x: A tensor.
        axis: The axis.
        seed: An integer, a `SeedGenerator`, or None for the global generator.
    """
    x = convert(x)
    keys = random_bits((dims(x)[axis],), seed)
    return ops.take(x, ops.argsort(convert(keys, "int64")), axis=axis)
