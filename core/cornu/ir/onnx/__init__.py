"""Programs to and from ONNX. The package `onnx` is imported only when one is written or read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.ir.onnx.reading.importing import from_onnx
    from cornu.ir.onnx.reading.nodes import OnnxImportError
    from cornu.ir.onnx.writing.export import OnnxExportError, WrittenModel, to_onnx, write_model

__all__ = ["OnnxExportError", "OnnxImportError", "WrittenModel", "from_onnx", "to_onnx", "write_model"]

_READING = {"OnnxImportError": "nodes", "from_onnx": "importing"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    home = f"reading.{_READING[name]}" if name in _READING else "writing.export"
    return getattr(import_module(f"{__name__}.{home}"), name)
