"""Element types and tensor types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import ml_dtypes
import numpy as np

from cornu.ir.dim import DimLike, product

Shape: TypeAlias = tuple[DimLike, ...]

FLOATS = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = SIGNED + UNSIGNED
NUMBERS = FLOATS + INTEGERS
DTYPES = ("bool", *NUMBERS)

_NUMPY = {name: np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name) for name in DTYPES}
_NAMES = {dtype: name for name, dtype in _NUMPY.items()}


def numpy_dtype(dtype: str) -> np.dtype:
    """NumPy's dtype of an element type's name.

    Raises:
        TypeError: If the name is not one of `DTYPES`.
    """
    try:
        return _NUMPY[dtype]
    except KeyError:
        raise TypeError(f"Unknown dtype {dtype!r}; expected one of {', '.join(DTYPES)}.") from None


def dtype_name(dtype: np.dtype) -> str:
    """The name of a NumPy dtype.

    Raises:
        TypeError: If no element type corresponds to it.
    """
    try:
        return _NAMES[np.dtype(dtype)]
    except KeyError:
        raise TypeError(f"dtype {dtype} has no counterpart here; expected one of {', '.join(DTYPES)}.") from None


def is_float(dtype: str) -> bool:
    """True for the floating-point types."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """True for signed and unsigned integers."""
    return dtype in INTEGERS


@dataclass(frozen=True)
class TensorType:
    """A dtype and a shape, whose sizes are integers or `Dim` expressions."""

    dtype: str
    shape: Shape

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> DimLike:
        """The number of elements."""
        return product(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"
