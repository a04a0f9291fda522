"""Maxima of windows and what they hand back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cornu.ir.differentiate import backward
from cornu.ir.types import TensorType
from kernel_programs import check, program_of

RNG = np.random.default_rng(0)

WINDOWS = [
    ((4, 6), (2, 2), (2, 2), (1, 1)),
    ((5, 7), (2, 2), (2, 2), (1, 1)),
    ((26, 27), (2, 2), (2, 2), (1, 1)),
    ((7, 8), (3, 3), (2, 2), (1, 1)),
    ((6, 9), (3, 2), (1, 3), (1, 1)),
    ((9, 9), (2, 3), (1, 2), (3, 2)),
    ((5, 5), (1, 1), (2, 2), (1, 1)),
    ((6, 6), (3, 3), (3, 3), (1, 1)),
]


def gradient(x: np.ndarray, kernel: tuple[int, int], strides: tuple[int, int], dilations: tuple[int, int]) -> Any:
    """The program of the maxima and of the input's gradient, with a cotangent for it."""

    def make(b: Any, x: Any, g: Any) -> Any:
        y = b.MaxPool(x, kernel_shape=kernel, strides=strides, dilations=dilations)
        return y, *backward(b, {y: g}, [x])

    out = [
        (size - (k - 1) * d - 1) // s + 1 for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
    ]
    g = RNG.normal(size=(*x.shape[:2], *out)).astype("float32")
    return program_of(make, x, g), g


@pytest.mark.parametrize(("size", "kernel", "strides", "dilations"), WINDOWS)
@pytest.mark.parametrize("values", ["numbers", "ties", "nan"])
def test_gradient(size: Any, kernel: Any, strides: Any, dilations: Any, values: str) -> None:
    """The first largest element takes all, and nothing behind a NaN is larger."""
    x = RNG.normal(size=(3, 5, *size)).astype("float32")
    if values != "numbers":
        x = RNG.integers(-1, 2, x.shape).astype("float32")
    if values == "nan":
        x[RNG.random(x.shape) < 0.1] = np.nan
    program, g = gradient(x, kernel, strides, dilations)
    found = check(program, [x, g])
    assert "MaxPoolGrad" in found
    assert "kernels.MaxPool" in found or "MaxPool" not in found


def test_by_hand() -> None:
    """Of equal elements the first is taken; what no window covers gets nothing."""
    x = np.array([[[[1, 3, 0], [3, 2, 9], [9, 9, 9]]]], "float32")
    program, _ = gradient(x, (2, 2), (2, 2), (1, 1))
    g = np.array([[[[5]]]], "float32")
    check(program, [x, g])
    from cornu.ir.interpret import evaluate

    assert evaluate(program, [x, g])[1].tolist() == [[[[0, 5, 0], [0, 0, 0], [0, 0, 0]]]]


def test_other_ranks_and_dtypes_go_the_usual_way() -> None:
    x = RNG.normal(size=(2, 3, 8)).astype("float32")

    def make(b: Any, x: Any, g: Any) -> Any:
        y = b.MaxPool(x, kernel_shape=(2,), strides=(2,), dilations=(1,))
        return y, *backward(b, {y: g}, [x])

    g = RNG.normal(size=(2, 3, 4)).astype("float32")
    assert "MaxPoolGrad" not in check(program_of(make, x, g), [x, g])
    assert TensorType("float32", (2, 3, 4)).rank == 3
