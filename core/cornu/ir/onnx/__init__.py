"""Programs to and from ONNX. The package `onnx` is imported only when one is written or read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.ir.onnx.export import OnnxExportError, WrittenModel, to_onnx, write_model
    from cornu.ir.onnx.reader import OnnxImportError, from_onnx

__all__ = ["OnnxExportError", "OnnxImportError", "WrittenModel", "from_onnx", "to_onnx", "write_model"]

_READER = ("OnnxImportError", "from_onnx")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{'reader' if name in _READER else 'export'}"), name)
