"""The rules by which operators are written, by family; importing this registers them all."""

from cornu.ir.onnx.writing.rules import (
    composites,
    control,
    elementwise,
    indexing,
    movement,
    recurrent,
    reduction,
    reshaping,
    windows,
)

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
