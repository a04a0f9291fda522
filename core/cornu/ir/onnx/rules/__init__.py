"""The rules by family; importing this registers them all."""

from cornu.ir.onnx.rules import control, elementwise, indexing, movement, reduction, reshaping, windows

__all__ = ["control", "elementwise", "indexing", "movement", "reduction", "reshaping", "windows"]
