"""Making ONNX's protobuf messages, faster and with less ceremony than `onnx.helper`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto

from cornu.ir.dim import Dim
from cornu.ir.types import DTYPES, TensorType, dtype_name

WEIGHTS = "weights"
"""The entry of a model's metadata that names its weights, as JSON: other constants are none."""

ELEMENT_TYPES: dict[str, int] = {
    name: TensorProto.DataType.Value({"float32": "FLOAT", "float64": "DOUBLE"}.get(name, name.upper()))
    for name in DTYPES
}
DTYPE_OF_ELEMENT_TYPE: dict[int, str] = {number: name for name, number in ELEMENT_TYPES.items()}


def tensor_proto(array: np.ndarray, name: str) -> TensorProto:
    """A tensor with its bytes inside."""
    proto = tensor_header(array, name)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False) if array.dtype.byteorder == ">" else array
    proto.raw_data = little.tobytes()
    return proto


def tensor_header(array: np.ndarray, name: str) -> TensorProto:
    """A tensor's name, type and sizes without its elements."""
    proto = TensorProto(name=name, data_type=ELEMENT_TYPES[dtype_name(array.dtype)])
    proto.dims.extend(array.shape)
    return proto


def attribute_proto(name: str, value: Any) -> AttributeProto:
    """An attribute of the kind that fits the Python value; an empty sequence is one of integers.

    Raises:
        TypeError: If ONNX has no such attribute.
    """
    proto = AttributeProto(name=name)
    if isinstance(value, (bool, int, np.integer)):
        proto.type, proto.i = AttributeProto.INT, int(value)
    elif isinstance(value, (float, np.floating)):
        proto.type, proto.f = AttributeProto.FLOAT, float(value)
    elif isinstance(value, str):
        proto.type, proto.s = AttributeProto.STRING, value.encode()
    elif isinstance(value, np.ndarray):
        proto.type = AttributeProto.TENSOR
        proto.t.CopyFrom(tensor_proto(value, ""))
    elif isinstance(value, GraphProto):
        proto.type = AttributeProto.GRAPH
        proto.g.CopyFrom(value)
    elif isinstance(value, (tuple, list)):
        _set_list(proto, value)
    else:
        raise TypeError(f"ONNX has no attribute for {name}={value!r}.")
    return proto


def _set_list(proto: AttributeProto, values: Sequence[Any]) -> None:
    if all(isinstance(value, (bool, int, np.integer)) for value in values):
        proto.type = AttributeProto.INTS
        proto.ints.extend(int(value) for value in values)
    elif all(isinstance(value, (int, float)) for value in values):
        proto.type = AttributeProto.FLOATS
        proto.floats.extend(float(value) for value in values)
    elif all(isinstance(value, str) for value in values):
        proto.type = AttributeProto.STRINGS
        proto.strings.extend(value.encode() for value in values)
    else:
        raise TypeError(f"ONNX has no attribute for {proto.name}={tuple(values)!r}.")


def node_proto(
    op: str, name: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Any], domain: str = ""
) -> NodeProto:
    """A node; attributes that are None are left out."""
    proto = NodeProto(op_type=op, name=name, input=inputs, output=outputs)
    if domain:
        proto.domain = domain
    proto.attribute.extend(attribute_proto(key, value) for key, value in attributes.items() if value is not None)
    return proto


def value_info(name: str, type: TensorType, name_dim: Callable[[Dim], str] = str) -> ValueInfoProto:
    """A name with its type; `name_dim` names symbolic sizes."""
    proto = ValueInfoProto(name=name)
    tensor = proto.type.tensor_type
    tensor.elem_type = ELEMENT_TYPES[type.dtype]
    tensor.shape.SetInParent()
    for dim in type.shape:
        if isinstance(dim, Dim):
            tensor.shape.dim.add(dim_param=name_dim(dim))
        else:
            tensor.shape.dim.add(dim_value=dim)
    return proto


def opset_id(domain: str, version: int) -> OperatorSetIdProto:
    """An operator set that a model uses."""
    return OperatorSetIdProto(domain=domain, version=version)


def mark_weights(model: ModelProto, names: Sequence[str]) -> None:
    """Says in a model's metadata which of its constants are weights."""
    model.metadata_props.add(key=WEIGHTS, value=json.dumps(list(names), ensure_ascii=False))


def marked_weights(model: ModelProto) -> frozenset[str] | None:
    """The weights that a model's metadata names; None where it does not say."""
    for entry in model.metadata_props:
        if entry.key == WEIGHTS and model.producer_name == "cornu":
            names = json.loads(entry.value)
            return frozenset(name for name in names if isinstance(name, str))
    return None
