"""What a kernel of this backend is, and the registry of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operation:
    """A node with every size known.

    Args:
        op: The operator, or the composite's name.
        attributes: Its attributes as numbers.
        inputs: Arrays like those that it will get: dtypes, shapes and strides hold, the elements do not.
        shape: The shape of its output.
        dtype: The dtype of its output.
    """

    op: str
    attributes: Mapping[str, Any]
    inputs: tuple[np.ndarray, ...]
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True)
class Kernel:
    """A function that writes its result where it is told to.

    Args:
        run: `run(*inputs, *scratch, out)`.
        in_place: Whether `out` may be one of the inputs of the same shape and dtype.
        scratch: Shapes and dtypes of memory that it needs while it runs.
    """

    run: Callable[..., Any]
    in_place: bool = False
    scratch: tuple[tuple[tuple[int, ...], np.dtype], ...] = ()


Maker = Callable[[Operation], Kernel | None]
"""Returns the kernel for an operation, or None where the reference kernel has to do."""

MAKERS: dict[str, Maker] = {}


def kernel(*ops: str) -> Callable[[Maker], Maker]:
    """Registers what makes the kernels of some operators; a composite's name has `Call:` in front."""

    def add(maker: Maker) -> Maker:
        MAKERS.update(dict.fromkeys(ops, maker))
        return maker

    return add


def all_of(operation: Operation, *dtypes: type) -> bool:
    """Whether every operand has one of the dtypes."""
    return all(array.dtype.type in dtypes for array in operation.inputs)
