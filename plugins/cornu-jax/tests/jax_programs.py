"""Small programs, and short ways to run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu_conformance import Subject
from cornu_jax import JaxBackend
from cornu_jax.executable import JaxExecutable

N = symbol("n")


def f32(*shape: Any) -> TensorType:
    """A type of float32."""
    return TensorType("float32", shape)


def program(make: Callable[..., Any], *types: TensorType, layer: str = "") -> Program:
    """A program from a function of a builder and its inputs."""
    b = Builder("test")
    inputs = [b.input(type, f"x{i}") for i, type in enumerate(types)]
    with b.scoped(layer) if layer else b.scoped("layer"):
        outputs = make(b, *inputs)
    return b.finish([outputs] if isinstance(outputs, Value) else list(outputs))


def compiled(made: Program, **options: Any) -> tuple[JaxBackend, JaxExecutable]:
    """A backend and an executable of its own."""
    subject = Subject("jax", **options)
    executable = subject.compile(made)
    assert isinstance(subject.backend, JaxBackend)
    assert isinstance(executable, JaxExecutable)
    return subject.backend, executable


def on_both(made: Program, arrays: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each output on JAX, and on NumPy."""
    return list(zip(*(Subject(name).run(made, arrays) for name in ("jax", "numpy")), strict=True))


def ramp(*shape: int) -> np.ndarray:
    """Small numbers of both signs in float32."""
    count = int(np.prod(shape))
    return ((np.arange(count) * 7 % 23 - 11) / 8).astype(np.float32).reshape(shape)
