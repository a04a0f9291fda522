"""Tensors on ONNX Runtime's devices, and their way from and to NumPy."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_BFLOAT16_TYPE = 16  # TensorProto.BFLOAT16


def make_device(native: Any, kind: str, number: int) -> Any:
    """ONNX Runtime's handle of a device."""
    which = {"cpu": native.OrtDevice.cpu, "cuda": native.OrtDevice.cuda}[kind]()
    return native.OrtDevice(which, native.OrtDevice.default_memory(), number)


def to_buffer(native: Any, array: np.ndarray, device: Any) -> Any:
    """Copies an array into memory that ONNX Runtime owns on the device."""
    array = np.ascontiguousarray(array).reshape(array.shape)
    if array.dtype == _BFLOAT16:
        buffer = native.OrtValue.ortvalue_from_shape_and_onnx_type(list(array.shape), _BFLOAT16_TYPE, device)
        array = array.view(np.uint16)
    else:
        buffer = native.OrtValue.ortvalue_from_shape_and_type(list(array.shape), array.dtype, device)
    if array.size:
        buffer.update_inplace(array)
    return buffer


def to_array(native: Any, buffer: Any, host: Any) -> np.ndarray:
    """Copies a buffer to a new array."""
    if buffer.data_type() != "tensor(bfloat16)":
        return np.array(buffer.numpy())
    if buffer.device_name().lower() != "cpu":
        copy = native.OrtValue.ortvalue_from_shape_and_onnx_type(buffer.shape(), _BFLOAT16_TYPE, host)
        native.copy_tensors([buffer], [copy])
        buffer = copy
    shape = buffer.shape()
    size = buffer.tensor_size_in_bytes()
    if not size:
        return np.zeros(shape, _BFLOAT16)
    memory = (ctypes.c_uint8 * size).from_address(buffer.data_ptr())
    return np.frombuffer(memory, _BFLOAT16).reshape(shape).copy()


def refer(runtime: Any, array: np.ndarray) -> Any:
    """A tensor for session options that reads the array's own memory: the caller must keep the array."""
    if array.dtype == _BFLOAT16:
        return runtime.OrtValue.ortvalue_from_numpy_with_onnx_type(array, _BFLOAT16_TYPE)
    return runtime.OrtValue.ortvalue_from_numpy(array)
