"""Fourier transforms. Complex numbers are pairs of tensors: (real part, imaginary part)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu.ir.types import numpy_dtype
from cornu.ops.arguments import as_tensor, emit, float_tensor, permute, sizes, with_shape
from cornu.ops.operation import op
from cornu.ops.special import extract_sequences
from cornu.tracing.tensor import Tensor

Pair = tuple[Any, Any]


def _turns(rows: Tensor, columns: Tensor, n: Any, dtype: str) -> Pair:
    """Cosines and sines of `2π rows columns / n`; whole turns are taken out before the angle is rounded."""
    count = as_tensor(n, "int64")
    height, width = sizes(rows)[0], sizes(columns)[0]
    steps = emit("Mod", emit("Mul", with_shape(rows, (height, 1)), with_shape(columns, (1, width))), count)
    angle = emit("Mul", emit("Div", emit("Cast", steps, to=dtype), emit("Cast", count, to=dtype)), 2 * math.pi)
    return emit("Cos", angle), emit("Sin", angle)


def _numbers(n: Any) -> Any:
    return emit("Range", start=0, step=1, size=n, dtype="int64")


def _transform(re: Any, im: Any, inverse: bool, outputs: Any = None) -> Pair:
    """The discrete transform of the last axis as a product with the matrix of `exp(∓2πi jk / n)`."""
    n = sizes(re)[-1]
    cos, sin = _turns(_numbers(n), _numbers(n if outputs is None else outputs), n, re.dtype)
    sin = sin if inverse else emit("Neg", sin)
    real, imag = emit("MatMul", re, cos), emit("MatMul", re, sin)
    if im is not None:
        real = emit("Sub", real, emit("MatMul", im, sin))
        imag = emit("Add", imag, emit("MatMul", im, cos))
    if inverse:
        count = as_tensor(as_tensor(n), re.dtype)
        real, imag = emit("Div", real, count), emit("Div", imag, count)
    return real, imag


def _rows(x: Tensor) -> Tensor:
    return x if x.ndim > 1 else with_shape(x, (1, sizes(x)[0]))


def _parts(x: Any, what: str) -> tuple[Tensor, Tensor]:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"{what} takes a pair (real part, imaginary part), got {type(x).__name__}.")
    return float_tensor(x[0]), float_tensor(x[1])


@op("FFT", module="math")
def fft(x: Any) -> Pair:
    """`y[k] = sum over j of x[j] exp(-2πi jk / n)` along the last axis.

    Args:
        x: A pair (real part, imaginary part).
    """
    re, im = _parts(x, "fft")
    real, imag = _transform(_rows(re), _rows(im), inverse=False)
    return with_shape(real, sizes(re)), with_shape(imag, sizes(re))


def _both_axes(x: Any, inverse: bool, what: str) -> Pair:
    re, im = _parts(x, what)
    order = (*range(re.ndim - 2), re.ndim - 1, re.ndim - 2)
    re, im = _transform(re, im, inverse)
    re, im = _transform(permute(re, order), permute(im, order), inverse)
    return permute(re, order), permute(im, order)


@op("FFT2", module="math")
def fft2(x: Any) -> Pair:
    """`fft` along the last two axes of a pair (real part, imaginary part)."""
    return _both_axes(x, False, "fft2")


@op("IFFT2", module="math")
def ifft2(x: Any) -> Pair:
    """The inverse of `fft2`."""
    return _both_axes(x, True, "ifft2")


def _fitted(x: Tensor, length: Any) -> Tensor:
    """The last axis cut off, or filled up with zeros, to a length."""
    size, axis = sizes(x)[-1], x.ndim - 1
    if length is None or length == size:
        return x
    if isinstance(size, int) and length < size:
        return emit("Slice", x, starts=(0,), ends=(length,), axes=(axis,), steps=(1,))  # type: ignore[no-any-return]
    after = (*(0,) * axis, length - size)
    return emit("Pad", x, before=(0,) * x.ndim, after=after, value=0.0, mode="constant")  # type: ignore[no-any-return]


@op("RFFT", module="math")
def rfft(x: Any, fft_length: int | None = None) -> Pair:
    """`fft` of real numbers along the last axis: the first `n // 2 + 1` results; the others mirror them.

    Args:
        x: A real tensor.
        fft_length: The length n, to which the axis is cut off or filled up; by default its own.
    """
    x = _fitted(float_tensor(x), fft_length)
    n = sizes(x)[-1]
    real, imag = _transform(_rows(x), None, inverse=False, outputs=n // 2 + 1)
    shape = (*sizes(x)[:-1], n // 2 + 1)
    return with_shape(real, shape), with_shape(imag, shape)


@op("IRFFT", module="math")
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """The inverse of `rfft`: real numbers of a length, by default `2 (m - 1)`.

    Args:
        x: A pair (real part, imaginary part), its last axis of m elements.
        fft_length: The length of the result.
    """
    re, im = _parts(x, "irfft")
    n = 2 * (sizes(re)[-1] - 1) if fft_length is None else fft_length
    half = n // 2 + 1
    re, im = _rows(_fitted(re, half)), _rows(_fitted(im, half))
    cos, sin = _turns(_numbers(half), _numbers(n), n, re.dtype)
    # Every frequency but 0 and (of an even length) the last stands for its mirror image, too.
    place = _numbers(half)
    mirrored = emit("Greater", place, 0)
    if n % 2 == 0:
        mirrored = emit("And", mirrored, emit("Less", place, as_tensor(half - 1, "int64")))
    weight = emit("Add", emit("Cast", mirrored, to=re.dtype), 1.0)
    total = emit("Sub", emit("MatMul", emit("Mul", re, weight), cos), emit("MatMul", emit("Mul", im, weight), sin))
    result = emit("Div", total, as_tensor(as_tensor(n), re.dtype))
    return with_shape(result, (*sizes(as_tensor(x[0]))[:-1], n))


def _analysis_window(window: Any, sequence_length: int, fft_length: int, dtype: str) -> Tensor | None:
    """A window of the sequence's length, in the middle of one of the transform's."""
    if window is None:
        return None
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f"The window is 'hann', 'hamming', a tensor or None, got {window!r}.")
        first, second = (0.5, 0.5) if window == "hann" else (0.54, 0.46)
        angle = 2 * np.pi * np.arange(sequence_length) / sequence_length
        line = as_tensor((first - second * np.cos(angle)).astype(numpy_dtype(dtype)))
    else:
        line = as_tensor(window, dtype)
        if line.shape != (sequence_length,):
            raise ValueError(f"The window must have shape ({sequence_length},), got {line.shape}.")
    before = (fft_length - sequence_length) // 2
    after = fft_length - sequence_length - before
    return emit("Pad", line, before=(before,), after=(after,), value=0.0, mode="constant")  # type: ignore[no-any-return]


@op("STFT", module="math")
def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
) -> Pair:
    """`rfft` of windowed stretches of the last axis.

    Args:
        x: A real tensor.
        sequence_length: The length of the window.
        sequence_stride: The distance of stretches.
        fft_length: The length of the transforms, at least that of the window.
        window: "hann", "hamming", a vector, or None.
        center: Whether the axis is mirrored at both ends, so that stretch t is centred on element `t · stride`.

    Raises:
        ValueError: If the transforms are shorter than the window.
    """
    x = float_tensor(x)
    if fft_length < sequence_length:
        raise ValueError(f"stft: fft_length {fft_length} is less than sequence_length {sequence_length}.")
    if center:
        pad = (*(0,) * (x.ndim - 1), fft_length // 2)
        x = emit("Pad", x, before=pad, after=pad, value=0.0, mode="reflect")
    pieces = extract_sequences(x, fft_length, sequence_stride)
    line = _analysis_window(window, sequence_length, fft_length, x.dtype)
    return rfft(pieces if line is None else emit("Mul", pieces, line), fft_length)


@op("ISTFT", module="math")
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """The inverse of `stft`: stretches are weighted, added up where they overlap, and divided by the squared windows.

    Args:
        x: A pair (real part, imaginary part) of shape [..., stretches, frequencies].
        sequence_length, sequence_stride, fft_length, window, center: As for `stft`.
        length: The length of the result; by default what the stretches cover.
    """
    pieces = irfft(x, fft_length)
    line = _analysis_window(window, sequence_length, fft_length, pieces.dtype)
    *outer, count, _ = sizes(pieces)
    squares = emit("Expand", as_tensor(1.0, pieces.dtype), shape=(1, count, fft_length))
    if line is not None:
        pieces, squares = emit("Mul", pieces, line), emit("Mul", squares, emit("Mul", line, line))
    batch = (
        math.prod(int(size) for size in outer)
        if all(isinstance(s, int) for s in outer)
        else pieces.type.size // (count * fft_length)
    )
    total = _overlapped(with_shape(pieces, (batch, count, fft_length)), sequence_stride)
    weight = _overlapped(squares, sequence_stride)
    safe = emit("Where", emit("Greater", weight, 1e-11), weight, as_tensor(1.0, pieces.dtype))
    result = emit("Div", total, safe)
    whole = sizes(result)[1]
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else whole - start
    if isinstance(end, int) and isinstance(whole, int) and end > whole:
        result = _fitted(result, end)
    result = emit("Slice", result, starts=(start,), ends=(end,), axes=(1,), steps=(1,))
    return with_shape(result, (*outer, sizes(result)[1]))


def _overlapped(pieces: Tensor, stride: int) -> Any:
    """[n, count, length] added up at distances of the stride: a transposed convolution with unit kernels."""
    n, _, length = sizes(pieces)
    assert isinstance(length, int)
    units = np.eye(length, dtype=numpy_dtype(pieces.dtype)).reshape(length, 1, length)
    columns = permute(pieces, (0, 2, 1))
    settings = {"strides": (stride,), "dilations": (1,), "group": 1, "output_padding": (0,)}
    whole = emit("ConvTranspose", columns, as_tensor(units), **settings)
    return with_shape(whole, (n, sizes(whole)[2]))


# -- parts of complex numbers; every tensor here is real ------------------------------------------------------------


@op("Real")
def real(x: Any) -> Any:
    """The real part: `x` itself."""
    return as_tensor(x)


@op("Imag")
def imag(x: Any) -> Any:
    """The imaginary part: zeros."""
    x = as_tensor(x)
    return emit("Expand", as_tensor(0, x.dtype), shape=sizes(x))


@op("Conjugate")
def conjugate(x: Any) -> Any:
    """The complex conjugate: `x` itself."""
    return as_tensor(x)


@op("Conj")
def conj(x: Any) -> Any:
    """The complex conjugate: `x` itself."""
    return as_tensor(x)


@op("Angle")
def angle(x: Any) -> Any:
    """The angle in the complex plane: 0, and π where `x` is negative."""
    x = float_tensor(x)
    turned = emit("Mul", emit("Cast", emit("Less", x, 0.0), to=x.dtype), math.pi)
    return emit("Where", emit("IsNaN", x), x, turned)
