"""Element types: Cornu's names, torch's dtypes of buffers, and those that kernels compute in.

Torch keeps unsigned integers of 16, 32 and 64 bits but has hardly a kernel for them. Inside a program they are
therefore held as signed integers of the same bits, their *carriers*; kernels that tell the two apart say so.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import torch

FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
WIDE_FLOATS = frozenset({"float32", "float64"})
SIGNED = frozenset({"int8", "int16", "int32", "int64"})
UNSIGNED = frozenset({"uint8", "uint16", "uint32", "uint64"})
INTEGERS = SIGNED | UNSIGNED
NUMBERS = FLOATS | INTEGERS
BOOL = frozenset({"bool"})
ANY = NUMBERS | BOOL

BITS = {name: int(name.lstrip("uint")) for name in INTEGERS}

_BUFFERS: dict[str, torch.dtype] = {name: getattr(torch, name) for name in ANY}
_CARRIED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_UNCARRIED = {carrier: dtype for dtype, carrier in _CARRIED.items()}
_NUMPY = {name: np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name) for name in ANY}
_NAMES = {dtype: name for name, dtype in _NUMPY.items()}
_OF_BUFFERS = {dtype: name for name, dtype in _BUFFERS.items()}


def carrier(name: str) -> torch.dtype:
    """What kernels hold a dtype in."""
    dtype = _BUFFERS[name]
    return _CARRIED.get(dtype, dtype)


def is_carried(name: str) -> bool:
    """True for the unsigned integers that are held as signed ones."""
    return _BUFFERS[name] in _CARRIED


def carried(tensor: torch.Tensor) -> torch.Tensor:
    """A buffer as kernels take it: the same memory."""
    dtype = _CARRIED.get(tensor.dtype)
    return tensor if dtype is None else tensor.view(dtype)


def uncarried(tensor: torch.Tensor) -> torch.Tensor:
    """The buffer of an unsigned dtype from its carrier: the same memory."""
    return tensor.view(_UNCARRIED[tensor.dtype])


def to_tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copies an array of any layout to a buffer.

    Raises:
        TypeError: If torch has no such dtype.
    """
    name = _NAMES.get(array.dtype)
    if name is None:
        raise TypeError(f"Torch has no dtype for {array.dtype}.")
    buffer = torch.empty(array.shape, dtype=_BUFFERS[name])
    _raw(buffer)[...] = array.view(np.int16) if name == "bfloat16" else array
    return buffer if device.type == "cpu" else buffer.to(device)


def to_array(tensor: torch.Tensor) -> np.ndarray:
    """Copies a buffer to a new array; waits for its value."""
    array = np.array(_raw(tensor.detach().cpu()), order="C")
    return array.view(ml_dtypes.bfloat16) if tensor.dtype == torch.bfloat16 else array


def constant(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """An array of a program as kernels take it; on the CPU it is referred to, not copied."""
    if device.type != "cpu":
        return carried(to_tensor(array, device))
    array = _writable(np.ascontiguousarray(array).reshape(array.shape))
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return carried(torch.from_numpy(array))


def _raw(tensor: torch.Tensor) -> np.ndarray:
    """An array on a CPU tensor's memory; bfloat16 as integers of 16 bits."""
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


class _Memory:
    """An array's memory, said to be writable: torch warns of memory that is not. Nobody writes to a constant."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        interface = dict(array.__array_interface__)
        self.__array_interface__ = interface | {"data": (interface["data"][0], False)}


def _writable(array: np.ndarray) -> np.ndarray:
    if array.flags.writeable:
        return array
    plain = array.view(np.int16) if array.dtype == ml_dtypes.bfloat16 else array
    return np.asarray(_Memory(plain)).view(array.dtype)
