"""Programs to and from ONNX. The package `onnx` is imported only when one is written or read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.ir.onnx.export import OnnxExportError, WrittenModel, to_onnx, write_model
    from cornu.ir.onnx.importing import from_onnx
    from cornu.ir.onnx.nodes import OnnxImportError

__all__ = ["OnnxExportError", "OnnxImportError", "WrittenModel", "from_onnx", "to_onnx", "write_model"]

_HOMES = {"OnnxImportError": "nodes", "from_onnx": "importing"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'export')}"), name)
