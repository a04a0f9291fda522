"""JAX's settings while Cornu's programs are made: set for this thread only, so that those of the user stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import jax

_DETERMINISTIC = {"gpu": {"xla_gpu_exclude_nondeterministic_ops": True}}


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


def compiler_options(platform: str) -> Mapping[str, bool | int | str]:
    """What XLA is told with every program.

    Args:
        platform: The device's platform.
    """
    # A cast to 16 bits and back rounds; XLA would leave the pair out.
    return {"xla_allow_excess_precision": False, **_DETERMINISTIC.get(platform, {})}
