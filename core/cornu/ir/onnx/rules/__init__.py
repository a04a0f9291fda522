"""The rules by family; importing this registers them all."""

from cornu.ir.onnx.rules import composites, control, elementwise, indexing, movement, recurrent, reduction, reshaping, windows

__all__ = [
    "composites",
    "control",
    "elementwise",
    "indexing",
    "movement",
    "recurrent",
    "reduction",
    "reshaping",
    "windows",
]
