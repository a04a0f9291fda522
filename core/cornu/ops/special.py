"""Special functions, sums over segments, distances, sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu.ir.types import is_float, numpy_dtype
from cornu.ops.arguments import as_tensor, emit, float_tensor, known_array, same_float_type, sizes, with_shape
from cornu.ops.dtypes import require_float
from cornu.ops.indexing import as_indices
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


@op("Erf", module="math")
def erf(x: Any) -> Any:
    """The error function `2/sqrt(π) ∫₀ˣ exp(-t²) dt`.

    Raises:
        TypeError: If `x` is not a float.
    """
    x = as_tensor(x)
    require_float(x.dtype, "erf")
    return emit("Erf", x)


@op("Erfc", module="math")
def erfc(x: Any) -> Any:
    """`1 - erf(x)`, to full relative accuracy for large `x`, too.

    For `|x| > 1` by the continued fraction `exp(-x²)/sqrt(π) · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...))))`.
    """
    x = as_tensor(x)
    require_float(x.dtype, "erfc")
    far = emit("Greater", emit("Abs", x), 1.0)
    a = emit("Where", far, emit("Abs", x), as_tensor(1.0, x.dtype))
    depth = 120 if x.dtype == "float64" else 40
    fraction = a
    for k in range(depth, 0, -1):
        fraction = emit("Add", a, emit("Div", as_tensor(k / 2, x.dtype), fraction))
    tail = emit("Div", emit("Mul", emit("Exp", emit("Neg", emit("Mul", a, a))), 1 / math.sqrt(math.pi)), fraction)
    mirrored = emit("Where", emit("Greater", x, 0.0), tail, emit("Sub", 2.0, tail))
    return emit("Where", far, mirrored, emit("Sub", 1.0, emit("Erf", x)))


# Rational approximations of the normal quantile (central region in r = p - 1/2, tails in q = sqrt(-2 log p)).
# Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003.
_A = (
    -39.69683028665376,
    220.9460984245205,
    -275.9285104469687,
    138.3577518672690,
    -30.66479806614716,
    2.506628277459239,
)
_B = (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0)
_C = (
    -0.007784894002430293,
    -0.3223964580411365,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
)
_D = (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0)
_EDGE = 0.02425


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Any:
    result = as_tensor(coefficients[0], x.dtype)
    for coefficient in coefficients[1:]:
        result = emit("Add", emit("Mul", result, x), coefficient)
    return result


@op("Erfinv", module="math")
def erfinv(x: Any) -> Any:
    """The number whose error function is `x`; infinite at -1 and 1, NaN beyond.

    A rational approximation of relative error 1e-9, and for float64 two Newton steps.
    """
    x = float_tensor(x)
    inside = emit("Less", emit("Abs", x), 1.0)
    y = emit("Where", inside, x, as_tensor(0.0, x.dtype))
    result = erfinv_inside(y)
    outside = emit("Mul", emit("Sign", x), float("inf"))
    beyond = emit("Where", emit("Equal", emit("Abs", x), 1.0), outside, as_tensor(float("nan"), x.dtype))
    return emit("Where", inside, result, beyond)


def erfinv_inside(y: Tensor) -> Any:
    """`erfinv` of numbers strictly between -1 and 1."""
    half = emit("Mul", y, 0.5)
    middle = emit("Mul", half, half)
    central = emit("Div", emit("Mul", _polynomial(middle, _A), half), _polynomial(middle, _B))
    low = emit("Mul", emit("Sub", 1.0, emit("Abs", y)), 0.5)
    q = emit("Sqrt", emit("Mul", emit("Log", emit("Min", low, _EDGE)), -2.0))
    tail = emit("Neg", emit("Div", _polynomial(q, _C), _polynomial(q, _D)))
    signed = emit("Mul", tail, emit("Sign", y))
    quantile = emit("Where", emit("Less", low, _EDGE), signed, central)
    result = emit("Mul", quantile, math.sqrt(0.5))
    if y.dtype == "float64":
        for _ in range(2):
            error = emit("Sub", emit("Erf", result), y)
            slope = emit("Mul", emit("Exp", emit("Neg", emit("Mul", result, result))), 2 / math.sqrt(math.pi))
            result = emit("Sub", result, emit("Div", error, slope))
    return result


@op("I0")
def i0(x: Any) -> Any:
    """The modified Bessel function of order 0: `sum over k of (x²/4)ᵏ / (k!)²`.

    Up to |x| = 15 by that series, beyond by `exp(x)/sqrt(2πx) · (1 + 1/(8x) + 9/(2 (8x)²) + ...)`.
    """
    x = float_tensor(x)
    a = emit("Abs", x)
    near = emit("LessOrEqual", a, 15.0)
    small = emit("Min", a, 15.0)
    quarter = emit("Mul", emit("Mul", small, small), 0.25)
    series = as_tensor(1.0, x.dtype)
    for k in range(45, 0, -1):
        series = emit("Add", emit("Mul", emit("Mul", quarter, 1.0 / (k * k)), series), 1.0)
    large = emit("Max", a, 15.0)
    eighth = emit("Reciprocal", emit("Mul", large, 8.0))
    asymptotic = as_tensor(1.0, x.dtype)
    for k in range(12, 0, -1):
        asymptotic = emit("Add", emit("Mul", emit("Mul", eighth, (2 * k - 1) ** 2 / k), asymptotic), 1.0)
    scale = emit("Div", emit("Exp", large), emit("Sqrt", emit("Mul", large, 2 * math.pi)))
    return emit("Where", near, series, emit("Mul", scale, asymptotic))


@op("Nextafter", tensors=2)
def nextafter(x1: Any, x2: Any) -> Any:
    """The next number of the dtype from `x1` towards `x2`; of numbers known when the program is traced.

    Raises:
        TypeError: If the numbers are computed by the program itself.
    """
    a, b = same_float_type(x1, x2)
    result = np.nextafter(known_array(a, "nextafter's x1"), known_array(b, "nextafter's x2"))
    return as_tensor(result.astype(numpy_dtype(a.dtype)))


# -- segments ------------------------------------------------------------------------------------------------------


def _segments(data: Any, segment_ids: Any, num_segments: int | None, start: float, reduction: str, what: str) -> Any:
    x, ids = as_tensor(data), as_indices(segment_ids)
    if ids.ndim != 1:
        raise ValueError(f"{what}: segment_ids is a vector, got shape {ids.shape}.")
    count = num_segments
    if count is None:
        array = known_array(ids, f"{what}'s segment_ids, without num_segments,")
        count = int(array.max()) + 1 if array.size else 0
    first = emit("Expand", as_tensor(_start(start, x.dtype)), shape=(count, *sizes(x)[1:]))
    return emit("ScatterND", first, with_shape(ids, (*sizes(ids), 1)), x, reduction=reduction)


def _start(value: float, dtype: str) -> np.ndarray:
    if not is_float(dtype) and math.isinf(value):
        info = np.iinfo(numpy_dtype(dtype))
        return np.asarray(info.min if value < 0 else info.max, numpy_dtype(dtype))
    return np.asarray(value, numpy_dtype(dtype))


@op("SegmentSum", tensors=2, module="math")
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The sums of the rows of each segment; 0 of none.

    Args:
        data: A tensor; its first axis is divided into segments.
        segment_ids: The segment of each row.
        num_segments: How many there are; by default the largest id plus 1 (known when the program is traced).
        sorted: A hint that the ids ascend.
    """
    return _segments(data, segment_ids, num_segments, 0, "add", "segment_sum")


@op("SegmentProd", tensors=2, module="math")
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The products of the rows of each segment; 1 of none. See `segment_sum`."""
    return _segments(data, segment_ids, num_segments, 1, "mul", "segment_prod")


@op("SegmentMax", tensors=2, module="math")
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The maxima of the rows of each segment; the dtype's lowest number of none. See `segment_sum`."""
    return _segments(data, segment_ids, num_segments, float("-inf"), "max", "segment_max")


@op("SegmentMin", tensors=2, module="math")
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The minima of the rows of each segment; the dtype's highest number of none. See `segment_sum`."""
    return _segments(data, segment_ids, num_segments, float("inf"), "min", "segment_min")


# -- distances, sequences, series ----------------------------------------------------------------------------------


@op("CDist", tensors=2, module="math")
def cdist(x: Any, y: Any) -> Any:
    """The Euclidean distances of all rows of [..., n, d] and [..., m, d]: [..., n, m]."""
    a, b = same_float_type(x, y)
    left = with_shape(a, (*sizes(a)[:-1], 1, sizes(a)[-1]))
    right = with_shape(b, (*sizes(b)[:-2], 1, *sizes(b)[-2:]))
    off = emit("Sub", left, right)
    total = emit("ReduceSum", emit("Mul", off, off), axes=(off.ndim - 1,), keepdims=False)
    zero = emit("Equal", total, 0.0)
    root = emit("Sqrt", emit("Where", zero, as_tensor(1.0, a.dtype), total))
    return emit("Where", zero, as_tensor(0.0, a.dtype), root)


@op("ExtractSequences", module="math")
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """All stretches of a length along the last axis, `sequence_stride` apart, as a new last but one axis."""
    x = as_tensor(x)
    size = sizes(x)[-1]
    count = (size - sequence_length) // sequence_stride + 1
    starts = emit("Range", start=0, step=sequence_stride, size=count, dtype="int64")
    steps = emit("Range", start=0, step=1, size=sequence_length, dtype="int64")
    places = emit("Add", with_shape(starts, (count, 1)), with_shape(steps, (1, sequence_length)))
    return emit("Gather", x, places, axis=x.ndim - 1)


@op("Diff")
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours along an axis, n times.

    Raises:
        ValueError: If `n` is negative or `a` is a scalar.
    """
    from cornu.ops.arguments import one_axis

    x = as_tensor(a)
    if n < 0 or x.ndim == 0:
        raise ValueError(f"diff takes n >= 0 and at least a vector, got n={n} and shape {x.shape}.")
    place = one_axis(axis, x.ndim, "diff")
    for _ in range(n):
        size = sizes(x)[place]
        later = emit("Slice", x, starts=(1,), ends=(size,), axes=(place,), steps=(1,))
        earlier = emit("Slice", x, starts=(0,), ends=(size - 1,), axes=(place,), steps=(1,))
        x = emit("Xor" if x.dtype == "bool" else "Sub", later, earlier)
    return x


@op("Trapezoid")
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule: `sum of (y[i] + y[i+1]) / 2 · (x[i+1] - x[i])`."""
    from cornu.ops.arguments import one_axis

    y = float_tensor(y)
    place = one_axis(axis, y.ndim, "trapezoid")
    size = sizes(y)[place]
    later = emit("Slice", y, starts=(1,), ends=(size,), axes=(place,), steps=(1,))
    earlier = emit("Slice", y, starts=(0,), ends=(size - 1,), axes=(place,), steps=(1,))
    means = emit("Mul", emit("Add", later, earlier), 0.5)
    if x is None:
        means = emit("Mul", means, float(dx))
    else:
        steps = diff(as_tensor(x, y.dtype))
        steps = (
            with_shape(steps, tuple(size - 1 if i == place else 1 for i in range(y.ndim))) if steps.ndim == 1 else steps
        )
        means = emit("Mul", means, steps)
    return emit("ReduceSum", means, axes=(place,), keepdims=False)


@op("Correlate", tensors=2)
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """The sliding product of two vectors: `c[k] = sum over n of x1[n + k] · x2[n]`.

    Args:
        x1, x2: Vectors.
        mode: "valid" for full overlap, "same" for the length of the longer, "full" for any overlap.

    Raises:
        ValueError: If an operand is not a vector or the mode is another.
    """
    from cornu.ops.shaping import flip

    a, v = same_float_type(x1, x2)
    if a.ndim != 1 or v.ndim != 1 or mode not in ("valid", "same", "full"):
        raise ValueError(
            f"correlate takes vectors and mode 'valid', 'same' or 'full', got {a.shape}, {v.shape}, {mode!r}."
        )
    n, m = (int(sizes(item)[0]) for item in (a, v))
    swapped = n < m
    if swapped:
        a, v, n, m = v, a, m, n
    pads = {"valid": (0, 0), "full": (m - 1, m - 1), "same": (m // 2, m - 1 - m // 2)}[mode]
    if swapped and mode == "same":
        pads = (pads[1], pads[0])
    padded = emit("Pad", a, before=(pads[0],), after=(pads[1],), value=0.0, mode="constant")
    image, kernel = with_shape(padded, (1, 1, sum(pads) + n)), with_shape(v, (1, 1, m))
    result = emit("Conv", image, kernel, strides=(1,), dilations=(1,), group=1)
    line = with_shape(result, (sizes(result)[2],))
    return flip(line) if swapped else line


@op("Corrcoef")
def corrcoef(x: Any) -> Any:
    """The correlation coefficients of the rows of a matrix."""
    x = float_tensor(x)
    rows = x if x.ndim == 2 else with_shape(x, (1, x.type.size))
    off = emit("Sub", rows, emit("ReduceMean", rows, axes=(1,), keepdims=True))
    product = emit("MatMul", off, emit("Transpose", off, perm=(1, 0)))
    from cornu.ops.indexing import diagonal

    deviation = emit("Sqrt", diagonal(product))
    n = sizes(deviation)[0]
    scaled = emit("Div", emit("Div", product, with_shape(deviation, (n, 1))), with_shape(deviation, (1, n)))
    result = emit("Max", emit("Min", scaled, 1.0), -1.0)
    return result if x.ndim == 2 else with_shape(result, ())


@op("PSNR", tensors=2, module="nn")
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The peak signal-to-noise ratio in dB: `20 log10(max_val) - 10 log10(mean((x1 - x2)²))`.

    Raises:
        ValueError: If the shapes differ.
    """
    a, b = same_float_type(x1, x2)
    if a.shape != b.shape:
        raise ValueError(f"psnr: input shapes {a.shape} and {b.shape} must match.")
    off = emit("Sub", a, b)
    error = emit("ReduceMean", emit("Mul", off, off), axes=tuple(range(off.ndim)), keepdims=False)
    return emit("Sub", 20 * math.log10(max_val), emit("Mul", emit("Log", error), 10 / math.log(10.0)))
