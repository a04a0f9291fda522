"""The types that ONNX models declare for their inputs and values."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import TypeProto, ValueInfoProto

from cornu.ir.dim import Dim, DimLike, symbol
from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.reading.constants import element_kind
from cornu.ir.onnx.reading.known import parse_dim
from cornu.ir.onnx.reading.limits import check_type
from cornu.ir.onnx.reading.nodes import OnnxImportError
from cornu.ir.types import TensorType


def tensor_type(type: TypeProto, name: str) -> TensorType:
    """A tensor's type; unnamed unknown sizes become symbols.

    Raises:
        OnnxImportError: If it is not a tensor of a known rank and element type, or impossibly large.
    """
    tensor = type.tensor_type
    if not type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise OnnxImportError(f"{name!r} must be a tensor of known rank.")
    if tensor.elem_type not in DTYPE_OF_ELEMENT_TYPE:
        raise OnnxImportError(f"{name!r} has elements of type {element_kind(tensor.elem_type)}, which programs lack.")
    dims: list[DimLike] = []
    for i, dim in enumerate(tensor.shape.dim):
        if dim.HasField("dim_value"):
            dims.append(dim.dim_value)
        else:
            dims.append(parse_dim(dim.dim_param) if dim.dim_param else symbol(f"{name}_{i}"))
    found = TensorType(DTYPE_OF_ELEMENT_TYPE[tensor.elem_type], tuple(dims))
    check_type(found, f"{name!r}")
    return found


def input_types(infos: Iterable[ValueInfoProto]) -> dict[str, TensorType]:
    """The types of inputs by name; a symbol that is no axis by itself has no value, so its expression becomes one.

    Raises:
        OnnxImportError: If one is no tensor that can be given.
    """
    types = {info.name: tensor_type(info.type, info.name) for info in infos}
    alone = {dim.bare_symbol for type in types.values() for dim in type.shape if isinstance(dim, Dim)}

    def measured(dim: DimLike) -> DimLike:
        return symbol(str(dim)) if isinstance(dim, Dim) and not dim.symbols <= alone else dim

    return {name: TensorType(type.dtype, tuple(map(measured, type.shape))) for name, type in types.items()}
