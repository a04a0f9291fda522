"""A kernel for each operator: `(*arrays, **attributes)` to one array or a sequence of them, with every size known."""

from cornu_jax.kernels import control, elementwise, indexing, movement, products, random, reduction, windows
from cornu_jax.kernels.common import Kernel

KERNELS: dict[str, Kernel] = {
    **elementwise.KERNELS,
    **movement.KERNELS,
    **reduction.KERNELS,
    **indexing.KERNELS,
    **products.KERNELS,
    **windows.KERNELS,
    **control.KERNELS,
    **random.KERNELS,
}

__all__ = ["KERNELS"]
