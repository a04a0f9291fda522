"""Programs that several rules are checked with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType

from cornu_conformance.graph import f32
from cornu_conformance.subject import Subject

N = symbol("n")
Rule = Callable[[Subject], object]
Rules = Iterator[tuple[str, Rule]]


def program(make: Callable[..., Any], *types: TensorType) -> Program:
    """A program from a function of a builder and its inputs."""
    b = Builder("contract")
    outputs = make(b, *[b.input(type, f"x{i}") for i, type in enumerate(types)])
    return b.finish([outputs] if isinstance(outputs, Value) else list(outputs))


def doubled() -> Program:
    """`2 x`."""
    return program(lambda b, x: b.Mul(x, 2.0), f32(N))


def layered() -> Program:
    """Two products of matrices with a nonlinearity, and a reduction: enough work to be disturbed in."""

    def make(b: Builder, x: Value, w: Value) -> list[Value]:
        hidden = b.Tanh(b.MatMul(x, w))
        again = b.Add(b.MatMul(hidden, w), x)
        return [again, b.ReduceSum(b.Mul(again, hidden), axes=(1,), keepdims=False)]

    return program(make, f32(N, 48), f32(48, 48))


def layered_arrays(rows: int, seed: int) -> list[np.ndarray]:
    """Inputs of `layered`."""
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) / 4 for shape in ((rows, 48), (48, 48))]


def layered_formula(x: np.ndarray, w: np.ndarray) -> Sequence[np.ndarray]:
    """What `layered` computes, in float64."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    hidden = np.tanh(x @ w)
    again = hidden @ w + x
    return [again.astype(np.float32), (again * hidden).sum(1).astype(np.float32)]


def ramp(count: int, start: float = 0.0) -> np.ndarray:
    """`start, start + 1, ...` in float32."""
    return np.arange(count, dtype=np.float32) + np.float32(start)
