"""Random tensors. Their bits are the same on every backend; what is computed from them agrees to rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.ir.types import is_float, is_integer
from cornu.random.seed_generator import draw_seed
from cornu.tracing.tensor import Tensor, apply, convert, dims
from cornu.utils.dtypes import resolve_dtype

_WIDE = ("float32", "float64")


def random_bits(shape: Sequence[Any], seed: Any = None) -> Tensor:
    """Uniform words of 32 bits."""
    bits = apply("RandomBits", draw_seed(seed), shape=tuple(shape))
    assert isinstance(bits, Tensor)
    return bits


def _float_dtype(dtype: Any, what: str) -> str:
    name = resolve_dtype(dtype)
    if not is_float(name):
        raise ValueError(f"`keras.random.{what}` requires a floating point `dtype`. Received: dtype={name}")
    return name


def _unit(shape: Sequence[Any], seed: Any, dtype: str) -> Any:
    """Uniform numbers in [0, 1): the upper 24 bits of a word, which every float type of 32 bits or more holds."""
    bits = apply("BitShift", random_bits(shape, seed), _word(8), direction="RIGHT")
    return ops.multiply(apply("Cast", bits, to=dtype), 2.0**-24)


def _word(value: int) -> Tensor:
    return convert(value, "uint32")


def _computed_in(dtype: str) -> str:
    return dtype if dtype in _WIDE else "float32"


def uniform(
    shape: Sequence[Any], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers spread evenly over [minval, maxval).

    Args:
        shape: The shape.
        minval: The lower bound.
        maxval: The upper bound, not reached.
        dtype: A float type, or an integer type (then `randint`).
        seed: An integer, a `SeedGenerator`, or None for the global generator.
    """
    name = resolve_dtype(dtype)
    if is_integer(name):
        return randint(shape, minval, maxval, dtype=name, seed=seed)
    name = _float_dtype(dtype, "uniform")
    inner = _computed_in(name)
    low, high = ops.cast(minval, inner), ops.cast(maxval, inner)
    return ops.cast(_unit(shape, seed, inner) * (high - low) + low, name)


def normal(shape: Sequence[Any], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers: `mean + stddev * sqrt(-2 ln u) cos(2 pi v)`.

    Args:
        shape: The shape.
        mean: The mean.
        stddev: The standard deviation.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Source:
        Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    """
    name = _float_dtype(dtype, "normal")
    inner = _computed_in(name)
    pair = _unit((2, *shape), seed, inner)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - pair[0]))
    sample = radius * ops.cos((2.0 * math.pi) * pair[1])
    return ops.cast(sample * ops.cast(stddev, inner) + ops.cast(mean, inner), name)


def truncated_normal(
    shape: Sequence[Any], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers within two standard deviations of the mean, by inverting the distribution.

    Args:
        shape, mean, stddev, dtype, seed: As for `normal`.
    """
    name = _float_dtype(dtype, "truncated_normal")
    inner = _computed_in(name)
    limit = math.erf(math.sqrt(2.0))
    spread = (_unit(shape, seed, inner) * 2.0 - 1.0) * limit
    sample = ops.clip(ops.erfinv(spread) * math.sqrt(2.0), -2.0, 2.0)
    return ops.cast(sample * ops.cast(stddev, inner) + ops.cast(mean, inner), name)


def randint(shape: Sequence[Any], minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Integers in [minval, maxval), each as likely as any other up to 2^-32 of the range.

    Args:
        shape: The shape.
        minval: The lower bound.
        maxval: The upper bound, not reached.
        dtype: An integer type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.
    """
    name = resolve_dtype(dtype)
    if not is_integer(name):
        raise ValueError(f"`keras.random.randint` requires an integer `dtype`. Received: dtype={name}")
    low, high = ops.cast(minval, "int64"), ops.cast(maxval, "int64")
    drawn = ops.mod(ops.cast(random_bits(shape, seed), "int64"), high - low)
    return ops.cast(drawn + low, name)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Class indices drawn with probabilities `softmax(logits)`: the largest of logits plus Gumbel noise.

    Args:
        logits: (batch, classes).
        num_samples: Draws for each row.
        dtype: The result's integer type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.
    """
    logits = ops.convert_to_tensor(logits)
    if len(logits.shape) != 2:
        raise ValueError(f"`categorical` takes logits of shape (batch, classes), got {tuple(logits.shape)}.")
    batch, classes = dims(logits)
    inner = _computed_in(logits.dtype)
    noise = -ops.log(-ops.log(_unit((batch, num_samples, classes), seed, inner) + 2.0**-25))
    return ops.cast(ops.argmax(ops.expand_dims(ops.cast(logits, inner), 1) + noise, axis=-1), resolve_dtype(dtype))


def dropout(inputs: Any, rate: float, noise_shape: Sequence[Any] | None = None, seed: Any = None) -> Any:
    """Keeps each element with probability `1 - rate`, scaled by `1 / (1 - rate)`, and sets the others to 0.

    Args:
        inputs: A float tensor.
        rate: The fraction to drop, in [0, 1].
        noise_shape: The mask's shape, broadcast to the input; None in it is the input's size.
        seed: An integer, a `SeedGenerator`, or None for the global generator.
    """
    inputs = ops.convert_to_tensor(inputs)
    if rate >= 1:
        return ops.zeros_like(inputs)
    sizes = dims(inputs)
    shape = sizes if noise_shape is None else tuple(
        have if want is None else want for want, have in zip(noise_shape, sizes, strict=True)
    )
    kept = apply("GreaterOrEqual", random_bits(shape, seed), _word(min(round(rate * 2**32), 2**32 - 1)))
    mask = ops.multiply(apply("Cast", kept, to=inputs.dtype), 1.0 / (1.0 - rate))
    return ops.multiply(inputs, mask)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices along an axis in a random order.

    Args:
        x: A tensor.
        axis: The axis.
        seed: An integer, a `SeedGenerator`, or None for the global generator.
    """
    x = ops.convert_to_tensor(x)
    keys = random_bits((dims(x)[axis],), seed)
    return ops.take(x, ops.argsort(ops.cast(keys, "int64")), axis=axis)
