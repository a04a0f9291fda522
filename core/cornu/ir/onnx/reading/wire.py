"""A look at a serialized model before it is parsed: is it one, and how many parts does it have?

Parsing makes objects, and some bytes of a message make many times as many in memory. So the parts are counted first.
"""

from __future__ import annotations

from collections.abc import Mapping

from cornu.ir.onnx.reading.limits import MAX_FIELDS
from cornu.ir.onnx.reading.nodes import OnnxImportError

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 100  # protobuf's own limit

# By message: which fields hold messages of parts, and what these are. Other fields are passed over.
_PARTS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value"},
    "function": {7: "node", 11: "attribute", 12: "value"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "value": {2: "type"},
    "type": {1: "tensor type"},
    "tensor type": {2: "shape"},
    "shape": {1: "dimension"},
    "tensor": {},
    "dimension": {},
}


def check_message(data: memoryview) -> None:
    """Checks that bytes have the form of a model of a size that can be read.

    Raises:
        OnnxImportError: If they are cut off or no message, have no graph, or have too many parts.
    """
    pending = [("model", 0, len(data), 0)]
    count = 0
    graphs = 0
    while pending:
        kind, start, end, depth = pending.pop()
        if depth > _DEEPEST:
            raise OnnxImportError(f"is nested more than {_DEEPEST} messages deep.")
        inner = _PARTS[kind]
        while start < end:
            count += 1
            if count > MAX_FIELDS:
                raise OnnxImportError(f"has more than {MAX_FIELDS} parts, too many to be read.")
            key, start = _varint(data, start, end)
            number, wire = key >> 3, key & 7
            if wire == _VARINT:
                _, start = _varint(data, start, end)
            elif wire == _LENGTH:
                length, start = _varint(data, start, end)
                if number in inner and length <= end - start:
                    graphs += kind == "model" and number == 7
                    pending.append((inner[number], start, start + length, depth + 1))
                start += length
            elif wire in (_FIXED32, _FIXED64):
                start += 4 if wire == _FIXED32 else 8
            if not number or wire not in (_VARINT, _LENGTH, _FIXED32, _FIXED64):
                raise OnnxImportError(f"is not an ONNX model, or damaged at byte {start}.")
            if start > end:
                raise OnnxImportError(f"is not an ONNX model, or cut off: it ends at byte {end}, within a {kind}.")
    if not graphs:
        raise OnnxImportError("is not an ONNX model: it has no graph.")


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    result = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift > 63:
            raise OnnxImportError(f"is not an ONNX model, or damaged at byte {at}.")
    raise OnnxImportError(f"is not an ONNX model, or cut off at byte {end}.")
