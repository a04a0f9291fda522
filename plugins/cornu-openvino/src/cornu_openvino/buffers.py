"""Tensors on their way between NumPy and OpenVINO."""

from __future__ import annotations

import ctypes
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
from cornu.ir.program import Value
from cornu.ir.types import numpy_dtype

Tensor: TypeAlias = Any
"""OpenVINO's view of an array; the package declares no types."""

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class Buffer:
    """A tensor: an array that is never changed, and OpenVINO's view of it once that was needed.

    Args:
        array: The array, in row-major order.
    """

    __slots__ = ("_tensor", "array")

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self._tensor: Tensor = None

    def tensor(self, runtime: Any) -> Tensor:
        """OpenVINO's view of the array's memory."""
        if self._tensor is None:
            self.array = np.ascontiguousarray(self.array).reshape(self.array.shape)
            self._tensor = tensor_of(runtime, self.array)
        return self._tensor


def tensor_of(runtime: Any, array: np.ndarray) -> Tensor:
    """OpenVINO's view of an array in row-major order. It keeps the array alive, but a request does not keep the view.

    Args:
        runtime: The module `openvino`.
        array: The array.
    """
    if not array.flags.writeable:
        array = _writeable_view(array)
    if array.dtype == _BFLOAT16:
        return runtime.Tensor(array.view(np.uint16), runtime.Shape(array.shape), runtime.Type.bf16)
    return runtime.Tensor(array, shared_memory=True)


def array_type(value: Value) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of arrays for a value of fixed sizes."""
    return tuple(map(int, value.shape)), numpy_dtype(value.dtype)


def _writeable_view(array: np.ndarray) -> np.ndarray:
    """The same memory as an array that OpenVINO takes; it writes to none of its inputs and constants."""
    memory: Any = (ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data)
    memory.owner = array
    return np.frombuffer(memory, array.dtype).reshape(array.shape)
