"""The constants of ONNX models as arrays."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, numpy_helper

from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.reading.limits import MAX_ELEMENTS, MAX_RANK
from cornu.ir.onnx.reading.nodes import OnnxImportError
from cornu.ir.types import TensorType, numpy_dtype

_FIELDS = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}
_FIELDS |= {"uint32": "uint64_data", "uint64": "uint64_data"}
"""Where a tensor without raw bytes has its elements; the other types are in `int32_data`."""


def constant_type(tensor: TensorProto) -> TensorType:
    """A constant's type.

    Raises:
        OnnxImportError: If programs do not have its element type, or it claims impossible sizes.
    """
    what = f"The constant {tensor.name!r}"
    if tensor.data_type not in DTYPE_OF_ELEMENT_TYPE:
        raise OnnxImportError(f"{what} has elements of type {element_kind(tensor.data_type)}, which programs lack.")
    if len(tensor.dims) > MAX_RANK or any(size < 0 for size in tensor.dims):
        raise OnnxImportError(f"{what} has the impossible shape {list(tensor.dims[:MAX_RANK])}.")
    count = 1
    for size in tensor.dims:
        count *= size
    if count > MAX_ELEMENTS:
        raise OnnxImportError(f"{what} claims {count} elements; at most {MAX_ELEMENTS} are read.")
    return TensorType(DTYPE_OF_ELEMENT_TYPE[tensor.data_type], tuple(tensor.dims))


def constant_array(tensor: TensorProto) -> np.ndarray:
    """A constant's elements.

    Raises:
        OnnxImportError: If programs do not have its element type, or its bytes do not fit its shape.
    """
    type = constant_type(tensor)
    dtype, shape = numpy_dtype(type.dtype), [int(size) for size in tensor.dims]
    count = int(np.prod(shape, dtype=np.int64))
    if tensor.data_location == TensorProto.EXTERNAL:
        raise OnnxImportError(f"The constant {tensor.name!r} lies in another file; read the model from its own file.")
    raw = tensor.raw_data
    if raw or not count:
        _check(tensor.name, len(raw), count * dtype.itemsize if raw else 0, "bytes", shape)
        return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)
    values = getattr(tensor, _FIELDS.get(type.dtype, "int32_data"))
    _check(tensor.name, len(values), count, "elements", shape)
    try:
        return np.asarray(numpy_helper.to_array(tensor), dtype).reshape(shape)
    except (OverflowError, TypeError, ValueError) as error:
        raise OnnxImportError(f"The constant {tensor.name!r} cannot be read: {error}.") from error


def _check(name: str, found: int, expected: int, what: str, shape: list[int]) -> None:
    if found != expected:
        raise OnnxImportError(f"The constant {name!r} of shape {shape} must have {expected} {what}, it has {found}.")


def element_kind(number: int) -> str:
    """ONNX's name of an element type, or its number where there is no such type."""
    try:
        return str(TensorProto.DataType.Name(number))
    except ValueError:
        return str(number)
