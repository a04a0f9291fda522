"""Programs as text."""

from __future__ import annotations

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.types import TensorType


def test_a_program_reads_top_down_with_types_layers_and_bodies() -> None:
    n = symbol("n")
    body = Builder("gelu")
    y = body.input(TensorType("float32", (n, 2)), "y")
    inner = body.finish([body.Mul(y, 0.5)])
    b = Builder("model")
    x = b.input(TensorType("float32", (n, 3)), "x")
    kernel = b.constant(np.ones((3, 2), np.float32))
    with b.scoped("dense"):
        product = b.MatMul(x, kernel)
    called = b.emit("Call", (product,), {"name": "Gelu", "body": inner})[0]
    program = b.finish([called, x])
    assert str(program).splitlines() == [
        "model(%0.x: float32[n, 3]) {",
        "  %1: float32[3, 2] = Constant(value=[[1., 1.],  [1., 1.],  [1., 1.]]:float32)",
        "  %2: float32[n, 2] = MatMul(%0.x, %1)  # dense",
        "  %3: float32[n, 2] = Call(%2, name=Gelu)",
        "    body:",
        "      gelu(%4.y: float32[n, 2]) {",
        "        %5: float32[] = Constant(value=0.5:float32)",
        "        %6: float32[n, 2] = Mul(%4.y, %5)",
        "        return %6",
        "      }",
        "  return %3, %0.x",
        "}",
    ]


def test_long_constants_are_shortened() -> None:
    b = Builder("long")
    text = str(b.finish([b.constant(np.arange(1000))]))
    assert "[  0,   1, ..., 998, 999]:int64" in text
    assert len(text) < 200


def test_attributes_show_sizes_as_expressions() -> None:
    n = symbol("n")
    b = Builder("flat")
    x = b.input(TensorType("float32", (n, 2)), "x")
    assert "Reshape(%0.x, shape=(2*n))" in str(b.finish([b.Reshape(x, shape=(2 * n,))]))
