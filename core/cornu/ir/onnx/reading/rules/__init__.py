"""The rules by which operators are read, by family; importing this registers them all."""

from cornu.ir.onnx.reading.rules import (
    control,
    elementwise,
    fold,
    further,
    linear,
    movement,
    normalization,
    quantized,
    recurrent,
    reduction,
    resize,
    windows,
)

__all__ = [
    "control",
    "elementwise",
    "fold",
    "further",
    "linear",
    "movement",
    "normalization",
    "quantized",
    "recurrent",
    "reduction",
    "resize",
    "windows",
]
