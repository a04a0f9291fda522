"""JAX's settings while Cornu's programs are made: set for this thread only, so that those of the user stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import jax

_DETERMINISTIC: dict[str, dict[str, str | bool]] = {"gpu": {"xla_gpu_exclude_nondeterministic_ops": True}}


@contextmanager
def settings() -> Iterator[None]:
    """Keeps 64 bits, traces plainly and puts up with NaN, whatever the user has set for code of their own."""
    with ExitStack() as stack:
        for context in (
            jax.enable_x64(True),
            jax.numpy_dtype_promotion("standard"),
            jax.numpy_rank_promotion("allow"),
            jax.disable_jit(False),
            jax.debug_nans(False),
            jax.debug_infs(False),
        ):
            stack.enter_context(context)
        yield


def disturbed() -> bool:
    """Whether the user has set what would make a call fail: to look for NaN, or to run without compilation."""
    return any(getattr(jax.config, name, False) for name in ("jax_debug_nans", "jax_debug_infs", "jax_disable_jit"))


def compiler_options(platform: str) -> dict[str, str | bool]:
    """What XLA is told with every program.

    Args:
        platform: The device's platform.
    """
    # A cast to 16 bits and back rounds; XLA would leave the pair out.
    return {"xla_allow_excess_precision": False, **_DETERMINISTIC.get(platform, {})}
