"""Matrix products."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from cornu_jax.kernels.common import Kernel, in_float32


def _matmul(x: jax.Array, y: jax.Array) -> jax.Array:
    # No shorter floats inside: GPUs would take 10 bits of fraction.
    return jnp.matmul(x, y, precision=lax.Precision.HIGHEST)


KERNELS: dict[str, Kernel] = {"MatMul": in_float32(_matmul)}
