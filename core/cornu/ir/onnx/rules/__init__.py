"""The rules by family; importing this registers them all."""

from cornu.ir.onnx.rules import (
    composites,
    control,
    elementwise,
    fold,
    indexing,
    movement,
    read_control,
    read_elementwise,
    read_linear,
    read_movement,
    read_reduction,
    read_windows,
    recurrent,
    reduction,
    reshaping,
    windows,
)

__all__ = [
    "composites",
    "control",
    "elementwise",
    "fold",
    "indexing",
    "movement",
    "read_control",
    "read_elementwise",
    "read_linear",
    "read_movement",
    "read_reduction",
    "read_windows",
    "recurrent",
    "reduction",
    "reshaping",
    "windows",
]
